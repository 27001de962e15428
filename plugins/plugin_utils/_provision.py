# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""A plan of `oec_projects`, a batch at a time, and the result of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure

Entry = dict[str, Any]
Item = Mapping[str, Any]

ACTIONS = ("created", "updated", "deleted", "unchanged", "failed")
# What the API accepts in a minute.
WRITES_PER_MINUTE = 20


def provision_batches(plan: Mapping[str, Any], items: Sequence[Item], size: Any = None) -> list[dict[str, Any]]:
    """Return the items that change, in batches: [{indexes, label}], where indexes are positions in `items`.

    A batch holds no item, because Ansible prints a loop's variable, and items may contain credentials.
    `plan`: the result of `oec_projects` in check mode for these items. `size`: empty or 0 means 20. Raise ValueError
    for a size that is not a whole number of at least 1.
    """
    declared, _pruned = _planned(plan, items)
    text = str(size if size is not None else "").strip()
    if text and not text.isdecimal():
        raise ValueError(f"the batch size must be a whole number of at least 1, not {size!r}")
    count = int(text or 0) or WRITES_PER_MINUTE
    changing = [index for index, entry in enumerate(declared) if entry["changed"]]
    return [
        {"indexes": changing[first : first + count], "label": _label(first, count, len(changing))}
        for first in range(0, len(changing), count)
    ]


def _label(first: int, count: int, total: int) -> str:
    last = min(first + count, total)
    minutes = -(-(total - last) // WRITES_PER_MINUTE)
    forecast = f", then about {minutes} min more at {WRITES_PER_MINUTE} writes a minute" if minutes else ""
    return f"{first + 1} to {last} of {total} to change{forecast}"


def provision_deletions(
    plan: Mapping[str, Any], items: Sequence[Item], batches: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Return the declarations that delete what the plan prunes; none if anything failed in a batch.

    A project to prune may be a declared one that failed, under its old name.
    """
    _declared, pruned = _planned(plan, items)
    if any("summary" not in batch or batch["summary"]["failed"] for batch in _results(batches)):
        return []
    return [{"project_id": entry["project_id"], "state": "absent"} for entry in pruned]


def provision_result(
    plan: Mapping[str, Any], items: Sequence[Item], batches: Sequence[Mapping[str, Any]], pruning: Mapping[str, Any]
) -> dict[str, Any]:
    """Return {projects, summary} as `oec_projects` does: unchanged ones, then those of each batch, then pruned ones.

    `batches`: the results of the batches of `provision_batches`, in order. `pruning`: the result of the deletions.
    A task that failed as a whole fails each of its projects, whose `project` is then unknown.
    """
    declared, pruned = _planned(plan, items)
    if not isinstance(pruning, Mapping):
        raise TypeError("the pruning must be the result of a task")
    entries = [entry for entry in declared if not entry["changed"]]
    for batch in _results(batches):
        entries += _applied(batch, [declared[index] for index in batch[batch["ansible_loop_var"]]["indexes"]])
    entries += _applied(pruning, pruned)
    counts = Counter(entry["action"] for entry in entries)
    return {"projects": entries, "summary": {action: counts[action] for action in ACTIONS}}


def _applied(task: Mapping[str, Any], planned: Sequence[Entry]) -> list[Entry]:
    if "projects" in task:
        return list(task["projects"])
    # A task without an error crashed, or was skipped, because a declared project failed.
    crash = Failure("no_response", task["msg"]) if "msg" in task else None
    error = task.get("error") or (crash or Failure("skipped", "not tried, because another project failed")).as_error()
    failed = {"action": "failed", "changed": False, "project": None, "error": error}
    return [{**entry, **failed} for entry in planned]


def _planned(plan: Any, items: Any) -> tuple[list[Entry], list[Entry]]:
    """Return the entries of the declared items, and those of the projects to prune. Raise TypeError for other input."""
    entries = plan.get("projects") if isinstance(plan, Mapping) else None
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) and "changed" in each for each in entries):
        raise TypeError("the plan must be the result of a successful oec_projects in check mode")
    if not isinstance(items, list) or len(items) > len(entries):
        raise TypeError("the projects must be the list that was planned")
    return entries[: len(items)], entries[len(items) :]


def _results(batches: Any) -> list[Mapping[str, Any]]:
    """Return the results of the batches. Raise TypeError for other input."""
    if isinstance(batches, list) and all(isinstance(each, Mapping) and "ansible_loop_var" in each for each in batches):
        return batches
    raise TypeError("the batches must be the results of the loop over provision_batches")
