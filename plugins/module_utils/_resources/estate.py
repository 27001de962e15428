# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The whole estate in one task: oec_projects."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    Failure,
    OecError,
    join_failures,
    of_each,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import matches_any, nearest
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import (
    CREATED,
    DELETED,
    FAILED,
    UNCHANGED,
    UPDATED,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.apply import Outcome, apply_plan
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import read_references, with_names
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import Plan, plan
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT

ESTATE_OPTIONS: Spec = {
    # Without a default of its own, the state of an item may come from `defaults`.
    "projects": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": PROJECT.options(default_state=None),
    },
    "defaults": {"type": "dict", "options": PROJECT.shared_options()},
    "only": {"type": "list", "elements": "str"},
    "skip_rejected": {"type": "bool", "default": False},
    "prune": {"type": "bool", "default": False},
    "prune_limit": {"type": "int", "default": 10},
    "plan_digest": {"type": "str"},
}

# In a row of `drift`, the values that differ are redacted by their field, and a name may look like a URL.
ESTATE_REDACTION = PROJECT.redaction | Redaction(names=frozenset({"project", "current", "desired"}))


def ensure_projects(options: Options, client: Client, mode: Mode) -> Result:
    """Plan the whole estate before anything of it is written, and apply the plan."""
    _check(options)
    only = [pattern for pattern in options["only"] or [] if pattern.strip()]
    declarations = _declarations(_selected(options["projects"], only), options["defaults"] or {})
    if isinstance(declarations, Failure):
        return Result({}, declarations)
    for desired in declarations:
        client.hide(desired.credentials)
    planned = plan(
        PROJECT,
        declarations,
        client.of(PROJECT).known.objects,
        read_references(declarations, client),
        prune=options["prune"] and not only,
        prune_limit=options["prune_limit"],
    )
    if mode.check or mode.diff:
        planned = with_names(planned, client)
    values: dict[str, Any] = {"drift": _drift(planned), "plan_digest": planned.digest}
    if mode.diff:
        values["diff"] = [action.diff for action in planned.actions if action.changed]
    rejection = planned.rejection(skip_rejected=options["skip_rejected"]) or _changed_plan(planned, options)
    if rejection:
        return Result(values, rejection)
    try:
        outcomes = apply_plan(client, planned.actions, mode)
    except OecError as error:
        return Result(values, error.failure)
    changed = [outcome for outcome in outcomes if outcome.changed]
    failure = _partial_failure(outcomes, mode)
    if mode.diff:
        values["diff"] = [outcome.action.diff for outcome in changed]
    elif mode.check:
        lines = [outcome.action.line for outcome in changed]
        if failure:
            failure = replace(failure, lines=(*failure.lines, *lines))
        else:
            values["msg"] = "\n".join(lines)
    entries = [_entry(outcome) for outcome in outcomes]
    counts = Counter(entry["action"] for entry in entries)
    values |= {
        "changed": bool(changed),
        "projects": entries,
        "summary": {action: counts[action] for action in (CREATED, UPDATED, DELETED, UNCHANGED, FAILED)},
    }
    warnings = [warning for outcome in outcomes for warning in outcome.warnings]
    return Result(values, failure, warnings)


def _check(options: Options) -> None:
    """Raise `invalid_input` for what is wrong in the options of the list as a whole."""
    if options["prune_limit"] < 0:
        raise OecError("invalid_input", "prune_limit is below 0", "It is the number of projects that may be pruned.")
    if options["prune"] and not options["projects"]:
        message = "prune with an empty list of projects would delete every project"
        raise OecError("invalid_input", message, "Declare those to keep.")
    digest = options["plan_digest"]
    if digest and not re.fullmatch("[0-9a-f]{64}", digest.strip()):
        hint = "Use the plan_digest that check mode returned."
        raise OecError("invalid_input", "plan_digest is not made up of 64 hexadecimal digits", hint)


def _selected(items: Sequence[Mapping[str, Any]], only: Sequence[str]) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the items that `only` selects by name or id, with their numbers."""
    numbered = list(enumerate(items, 1))
    labels = {number: [str(item.get(each) or "") for each in ("name", "project_id")] for number, item in numbered}
    names = [label for pair in labels.values() for label in pair if label]
    for pattern in only:
        if not matches_any([pattern], *names):
            close = nearest(pattern, names)
            hint = f"Did you mean {close!r}?" if close else "It takes names of projects in the list, or shell patterns."
            raise OecError("invalid_input", f"only: no project in the list matches {pattern!r}", hint)
    return [(number, item) for number, item in numbered if matches_any(only, *labels[number])]


def _declarations(
    items: Sequence[tuple[int, Mapping[str, Any]]], defaults: Mapping[str, Any]
) -> list[Desired] | Failure:
    """Return the declaration of every item, or else all that is wrong in any of them."""
    given = {name: value for name, value in defaults.items() if value}

    def declaration(item: Mapping[str, Any]) -> Desired:
        return Desired.parse(PROJECT, {**item, **{n: v for n, v in given.items() if not item.get(n)}})

    return of_each(items, declaration, PROJECT.name, lambda item: item.get("name") or item.get("project_id"))


def _changed_plan(planned: Plan, options: Options) -> Failure | None:
    """Return `plan_changed` where another plan was approved than what would be applied."""
    count = sum(action.changed for action in planned.actions)
    # A run that was approved, and is run again, has nothing left to do.
    if not count or (options["plan_digest"] or "").strip() in ("", planned.digest):
        return None
    message = (
        f"the plan is not the approved one, as what exists or is declared has changed; it has {count} change(s) now"
    )
    return Failure(
        "plan_changed", message, "Nothing was written. Look at the plan in check mode, and approve it again."
    )


def _drift(planned: Plan) -> list[dict[str, Any]]:
    """Return a row for each field that differs, and for each project that cannot be planned, with the code."""
    rows = []
    for action in planned.actions:
        code = action.rejection and action.rejection.code
        about = [vars(each) for each in action.differences] or ([{}] if code else [])
        for each in about:
            fields = dict.fromkeys(("environment", "field", "current", "desired"))
            rows.append({"project": action.name, **fields, **each, "code": code})
    return rows


def _entry(outcome: Outcome) -> dict[str, Any]:
    """Return one entry of `projects`."""
    before, after = outcome.action.before, outcome.after
    return {
        "name": outcome.action.name,
        "project_id": (after or before or {}).get("id"),
        "action": FAILED if outcome.failure else outcome.action.type,
        "changed": outcome.changed,
        "project": after,
        "error": outcome.failure.as_error() if outcome.failure else None,
    }


def _partial_failure(outcomes: Sequence[Outcome], mode: Mode) -> Failure | None:
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    if not failures:
        return None
    skipped = sum(failure.code == "skipped" for failure in failures)
    counts = {
        "would fail" if mode.check else "failed": len(failures) - skipped,
        "would not be tried" if mode.check else "not tried": skipped,
        "would change" if mode.check else "changed": sum(outcome.changed for outcome in outcomes),
        "unchanged": sum(not outcome.action.changed and not outcome.failure for outcome in outcomes),
    }
    parts = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return join_failures(failures, f"of {len(outcomes)} projects, {parts}", failures[0].details)
