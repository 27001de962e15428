# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""A plan of `oec_projects`, a batch at a time, and the result of all of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    MAX_CONSECUTIVE_TIMEOUTS,
    Failure,
    one_line,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import matches_any

Entry = dict[str, Any]
Item = Mapping[str, Any]

ACTIONS = ("created", "updated", "deleted", "unchanged", "failed")
# What the API accepts in a minute.
WRITES_PER_MINUTE, READS_PER_MINUTE = 20, 120
# Of a first deployment, until one has ended.
_DEPLOY_SECONDS = 180
_BATCH_SIZE = 20


def provision_batches(plan: Mapping[str, Any], items: Sequence[Item], size: Any = None) -> list[dict[str, Any]]:
    """Return the items that change, in batches: [{indexes, label, writes, reads, deploys}].

    `indexes` are positions in the plan; the other numbers are what the batch needs. A batch holds no item, because
    Ansible prints a loop's variable, and items may contain credentials. Items that pass a name on are in one batch,
    which may be larger for that. `plan`: the result of `oec_projects` in check mode for these items. `size`: empty or 0
    means 20. Raise ValueError for a size that is not a whole number of at least 1.
    """
    declared, _pruned = _planned(plan, items)
    text = str(size if size is not None else "").strip()
    if text and not text.isdecimal():
        raise ValueError(f"the batch size must be a whole number of at least 1, not {size!r}")
    count = int(text or 0) or _BATCH_SIZE
    batches: list[list[int]] = []
    for group in _linked(plan, declared):
        if not batches or len(batches[-1]) + len(group) > count:
            batches.append([])
        batches[-1] += group
    total, done = sum(map(len, batches)), 0
    labelled = []
    for batch in batches:
        entries = [declared[index] for index in batch]
        labelled.append({"indexes": batch, "label": _label(done, entries, total), **_needs(entries)})
        done += len(batch)
    return labelled


def _label(done: int, entries: Sequence[Entry], total: int) -> str:
    """Return such as `projects 1 to 20 of 80, with 12 environments`."""
    count = len([each for entry in entries for each in entry["environments"] if each["changed"]])
    environments = f", with {count} environment{'s' if count > 1 else ''}" if count else ""
    return f"projects {done + 1} to {done + len(entries)} of {total}{environments}"


def _needs(entries: Sequence[Entry]) -> dict[str, int]:
    environments = [each for entry in entries for each in entry["environments"]]
    changed = [each for each in environments if each["changed"]]
    return {
        "writes": sum(entry["changed"] for entry in entries) + len(changed),
        # The list of projects, the environments of each that declares some, and how a new one does.
        "reads": 1 + sum(bool(entry["environments"]) for entry in entries) + len(changed),
        "deploys": sum(each["action"] == "created" for each in changed),
    }


def provision_forecast(batches: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]) -> str:
    """Return how long the batches without a result are going to take, such as `, about 14 min left`.

    By the limits of the API for what they send, and by the deployments of the results, which one batch waits for
    together. `results`: those of the first batches, in order.
    """
    seconds = [task["duration_seconds"] for task in _tasks(results) if task.get("duration_seconds")]
    deploy = max(seconds, default=_DEPLOY_SECONDS) / 60
    minutes = 0.0
    for batch in batches[len(results) :]:
        minutes += max(batch["writes"] / WRITES_PER_MINUTE, batch["reads"] / READS_PER_MINUTE)
        minutes += deploy if batch["deploys"] else 0
    return f", about {math.ceil(minutes)} min left" if minutes > 1 else ""


def _tasks(results: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for entry in (entry for result in results for entry in result.get("projects", ())):
        yield from (each["task"] for each in entry["environments"] if each["task"])


def _linked(plan: Mapping[str, Any], declared: Sequence[Entry]) -> list[list[int]]:
    """Return the positions of the entries that change; those of one group have or had a name in common."""
    renames = [{row["project"], row["current"]} for row in plan.get("drift", ()) if row["field"] == "name"]
    groups: list[tuple[set[str], list[int]]] = []
    for index, entry in enumerate(declared):
        if _changes(entry):
            names = set().union(*(pair for pair in renames if entry["name"] in pair))
            linked = [group for group in groups if names & group[0]] if names else []
            groups = [group for group in groups if group not in linked] if linked else groups
            names = names.union(*(group[0] for group in linked))
            groups.append((names, [*(place for group in linked for place in group[1]), index]))
    return [sorted(indexes) for _names, indexes in groups]


def provision_items(
    plan: Mapping[str, Any], items: Sequence[Item], indexes: Sequence[int], only: Any = None
) -> list[dict[str, Any]]:
    """Return the items of a batch, with what the plan has found out: their ids, and the ids of their servers.

    `only`: the option of `oec_projects` that the plan was made with.
    """
    declared, _pruned = _planned(plan, items)
    patterns = [only] if isinstance(only, str) else [each for each in only or [] if str(each).strip()]
    selected = [item for item in items if matches_any(patterns, *_labels(item))]
    return [_pinned(selected[index], declared[index]) for index in indexes]


def _labels(item: Item) -> list[str]:
    return [str(item.get("name") or ""), str(item.get("project_id") or item.get("id") or "")]


def _pinned(item: Item, entry: Entry) -> dict[str, Any]:
    aliases = {"project_id": "id", "server": "server_id"}
    found = {"project_id": entry["project_id"], "server": (entry["project"] or {}).get("server_id")}
    pinned = {name: value for name, value in found.items() if value}
    # An earlier batch may have given the previous name to another project since.
    dropped = {"previous_name", *(aliases[each] for each in pinned)}
    kept = {name: value for name, value in item.items() if name not in dropped}
    # Compared with all of the others when the whole list was planned.
    return {**kept, **pinned, "allow_similar_name": True}


def provision_is_over(batches: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether further batches would fail alike: for the account, or three writes in a row without a response."""
    timeouts = 0
    for error in _errors(_results(batches)):
        failure = Failure(error["code"], error["message"], status=error["status"]) if error else None
        if failure and (failure.code == "skipped" or failure.is_fatal):
            return True
        timeouts = timeouts + 1 if failure and failure.is_transient else 0
        if timeouts == MAX_CONSECUTIVE_TIMEOUTS:
            return True
    return False


def _errors(batches: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any] | None]:
    """Yield the error of each write, or None. A batch that failed as a whole counts as one."""
    for batch in batches:
        if "projects" in batch:
            entries = [each for entry in batch["projects"] for each in (entry, *entry["environments"])]
            yield from (entry["error"] for entry in entries if entry["action"] != "unchanged")
        else:
            yield batch.get("error")


def provision_deletions(
    plan: Mapping[str, Any], items: Sequence[Item], batches: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Return the declarations that delete what the plan prunes; none if anything failed in a batch.

    A project to prune may be a declared one that failed, under its old name.
    """
    declared, pruned = _planned(plan, items)
    applied = {index for batch in _results(batches) if "projects" in batch for index in _indexes(batch)}
    is_complete = applied == {index for index, entry in enumerate(declared) if _changes(entry)}
    if not is_complete or any(_has_failed(batch) for batch in batches):
        return []
    return [
        {"project_id": entry["project_id"], "name": entry["name"], "state": "absent"}
        for entry in pruned
        if entry["changed"]
    ]


def _has_failed(batch: Mapping[str, Any]) -> bool:
    return "summary" not in batch or any(batch[each]["failed"] for each in ("summary", "environment_summary"))


def provision_result(
    plan: Mapping[str, Any], items: Sequence[Item], batches: Sequence[Mapping[str, Any]], pruning: Mapping[str, Any]
) -> dict[str, Any]:
    """Return {projects, summary, environment_summary, requests} as `oec_projects` does.

    Unchanged projects come first, then those of each batch, then pruned ones.

    `batches`: the results of the batches of `provision_batches`, in order; what is in none was not tried. `pruning`:
    that of the deletions. A task that failed as a whole fails each of its projects, whose `project` is then unknown.
    """
    declared, pruned = _planned(plan, items)
    if not isinstance(pruning, Mapping):
        raise TypeError("the pruning must be the result of a task")
    entries = [entry for entry in declared if not _changes(entry)]
    tried: set[int] = set()
    for batch in _results(batches):
        indexes = _indexes(batch)
        entries += _applied(batch, [declared[index] for index in indexes])
        tried.update(indexes)
    entries += _applied({}, [entry for index, entry in enumerate(declared) if _changes(entry) and index not in tried])
    entries += [entry for entry in pruned if not entry["changed"]]
    entries += _applied(pruning, [entry for entry in pruned if entry["changed"]])
    sent = [each["requests"] for each in (plan, *batches, pruning) if "requests" in each]
    return {
        "projects": entries,
        "summary": _summary(entries),
        "environment_summary": _summary([each for entry in entries for each in entry["environments"]]),
        "requests": {name: sum(each[name] for each in sent) for name in ("reads", "writes")},
    }


def _summary(entries: Sequence[Entry]) -> dict[str, int]:
    counts = Counter(entry["action"] for entry in entries)
    return {action: counts[action] for action in ACTIONS}


def _changes(entry: Entry) -> bool:
    return entry["changed"] or any(each["changed"] for each in entry["environments"])


def _applied(task: Mapping[str, Any], planned: Sequence[Entry]) -> list[Entry]:
    if "projects" in task:
        return list(task["projects"])
    # A task without an error crashed, or was skipped, because a declared project failed.
    crash = Failure("no_response", task["msg"]) if "msg" in task else None
    error = task.get("error") or (crash or Failure("skipped", "not tried, because another project failed")).as_error()
    failed = {"action": "failed", "changed": False, "error": error}
    return [
        {
            **entry,
            **failed,
            "project": None,
            "environments": [{**each, **failed, "environment": None} for each in entry["environments"]],
        }
        for entry in planned
    ]


def _planned(plan: Any, items: Any) -> tuple[list[Entry], list[Entry]]:
    """Return the entries of the declared items, and those of the projects to prune. Raise TypeError for other input."""
    entries = plan.get("projects") if isinstance(plan, Mapping) else None
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) and "changed" in each for each in entries):
        raise TypeError("the plan must be the result of oec_projects in check mode")
    # With `only`, there are fewer entries than items, and nothing is pruned.
    if not isinstance(items, list):
        raise TypeError("the projects must be the list that was planned")
    return entries[: len(items)], entries[len(items) :]


def _indexes(batch: Mapping[str, Any]) -> list[int]:
    indexes: list[int] = batch[batch["ansible_loop_var"]]["indexes"]
    return indexes


def _results(batches: Any) -> list[Mapping[str, Any]]:
    """Return the results of the batches. Raise TypeError for other input."""
    if isinstance(batches, list) and all(isinstance(each, Mapping) and "ansible_loop_var" in each for each in batches):
        return batches
    raise TypeError("the batches must be the results of the loop over provision_batches")


def provision_lines(result: Mapping[str, Any], is_check: bool) -> dict[str, Any]:
    """Return {summary, failures} for people: how many of what, and a line for each that failed, or else was not tried.

    `result`: as `provision_result` returns it.
    """
    projects = result["projects"]
    pairs = [(entry, each) for entry in projects for each in entry["environments"]]
    parts = [_line(projects, result["summary"], is_check)]
    if pairs:
        line = _line([each for _entry, each in pairs], result["environment_summary"], is_check)
        parts.append(f"of their environments {line}")
    labelled = [(entry["name"], entry) for entry in projects]
    labelled += [(f"{entry['name']}/{each['name']}", each) for entry, each in pairs]
    failed = [(label, each["error"]) for label, each in labelled if each["error"]]
    tried = [pair for pair in failed if pair[1]["code"] != "skipped"]
    return {
        "summary": "; ".join(parts) + (" (check mode: nothing was written)" if is_check else ""),
        "failures": [f"{one_line(label)}: {error['message']}" for label, error in tried or failed],
    }


def _line(entries: Sequence[Entry], summary: Mapping[str, int], is_check: bool) -> str:
    skipped = sum(bool(entry["error"]) and entry["error"]["code"] == "skipped" for entry in entries)
    counts = {**summary, "failed": summary["failed"] - skipped, "skipped": skipped}
    words = {"failed": "would fail", "skipped": "would not be tried"} if is_check else {"skipped": "not tried"}
    would = dict.fromkeys(("created", "updated", "deleted"), "would be ") if is_check else {}
    counted = [kind for kind in (*ACTIONS, "skipped") if counts[kind] or kind == "unchanged"]
    return ", ".join(f"{counts[kind]} {would.get(kind, '')}{words.get(kind, kind)}" for kind in counted)
