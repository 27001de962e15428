# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The whole estate in one task: oec_projects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError, join_failures
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import (
    CREATED,
    DELETED,
    FAILED,
    UNCHANGED,
    UPDATED,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.apply import CircuitBreaker, Outcome, apply_plan
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import WaitOptions
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.estate_environments import (
    Branch,
    apply_environments,
    planner_of,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.estate_plan import Estate, plan_estate
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT

# In a row of `drift`, the values that differ are redacted by their field, and a name may look like a URL.
ESTATE_REDACTION = (
    PROJECT.redaction
    | ENVIRONMENT.redaction
    | Redaction(names=frozenset({"project", "environment", "current", "desired"}))
)

_ACTIONS = (CREATED, UPDATED, DELETED, UNCHANGED, FAILED)

Entry = dict[str, Any]


def ensure_projects(options: Options, client: Client, mode: Mode) -> Result:
    """Plan the whole estate before anything of it is written, and apply the plan."""
    waits = WaitOptions.parse(options)
    estate = plan_estate(options, planner_of(client, waits, mode))
    if isinstance(estate, Failure):
        return Result({}, estate)
    values: dict[str, Any] = {"drift": estate.drift, "plan_digest": estate.digest}
    if mode.diff:
        values["diff"] = [action.diff for action in estate.actions if action.changed]
    rejection = estate.rejection(skip_rejected=options["skip_rejected"]) or _changed_plan(estate, options)
    if rejection:
        return Result(values, rejection)
    try:
        outcomes = _apply(estate, client, mode, waits)
    except OecError as error:
        return Result(values, error.failure)
    return _result({**values, "requests": client.requests}, outcomes, mode)


def _changed_plan(estate: Estate, options: Options) -> Failure | None:
    """Return `plan_changed` where another plan was approved than what would be applied."""
    count = sum(action.changed for action in estate.actions)
    # A run that was approved, and is run again, has nothing left to do.
    if not count or (options["plan_digest"] or "").strip() in ("", estate.digest):
        return None
    message = (
        f"the plan is not the approved one, as what exists or is declared has changed; it has {count} change(s) now"
    )
    return Failure(
        "plan_changed", message, "Nothing was written. Look at the plan in check mode, and approve it again."
    )


def _apply(estate: Estate, client: Client, mode: Mode, waits: WaitOptions) -> list[tuple[Outcome, Branch]]:
    """Carry out the plan: the projects, their environments, and what is pruned if nothing has failed."""
    if not mode.check and any(action.changed for action in estate.environments.actions):
        client.require_full_access()
    breaker = CircuitBreaker()
    applied = apply_plan(client, estate.declared, mode, breaker)
    outcomes = list(zip(applied, (item.branch for item in estate.items), strict=True))
    apply_environments(outcomes, client, mode, waits)
    for failure in (each.failure for _outcome, branch in outcomes for each in branch.environments):
        if failure:
            breaker.record_rejection(failure)
    return [*outcomes, *((outcome, Branch()) for outcome in apply_plan(client, estate.pruned, mode, breaker))]


def _result(values: Mapping[str, Any], outcomes: Sequence[tuple[Outcome, Branch]], mode: Mode) -> Result:
    entries = [_entry(*pair) for pair in outcomes]
    of_environments = [each for entry in entries for each in entry["environments"]]
    actions = [
        action
        for outcome, branch in outcomes
        for action, changed in [
            (outcome.action, outcome.changed),
            *((run.action, run.changed) for run in branch.runs),
        ]
        if changed
    ]
    failure = _partial_failure(outcomes, entries, of_environments, mode)
    more: dict[str, Any] = {
        "changed": any(each["changed"] for each in [*entries, *of_environments]),
        "projects": entries,
        "summary": _summary(entries),
        "environment_summary": _summary(of_environments),
    }
    if mode.diff:
        more["diff"] = [action.diff for action in actions]
    elif mode.check:
        lines = [action.line for action in actions]
        if failure:
            failure = replace(failure, lines=(*failure.lines, *lines))
        else:
            more["msg"] = "\n".join(lines)
    warnings = [warning for outcome, _branch in outcomes for warning in outcome.warnings]
    warnings += [warning for _outcome, branch in outcomes for run in branch.runs for warning in run.all_warnings]
    return Result({**values, **more}, failure, warnings)


def _entry(outcome: Outcome, branch: Branch) -> Entry:
    """Return one entry of `projects`."""
    before, after = outcome.action.before, outcome.after
    return {
        "name": outcome.action.name,
        "project_id": (after or before or {}).get("id"),
        "action": FAILED if outcome.failure else outcome.action.type,
        "changed": outcome.changed,
        "project": after,
        "error": outcome.failure.as_error() if outcome.failure else None,
        "environments": [each.entry for each in branch.environments],
    }


def _summary(entries: Sequence[Entry]) -> dict[str, int]:
    counts = Counter(entry["action"] for entry in entries)
    return {action: counts[action] for action in _ACTIONS}


def _partial_failure(
    outcomes: Sequence[tuple[Outcome, Branch]], projects: Sequence[Entry], environments: Sequence[Entry], mode: Mode
) -> Failure | None:
    failures = [
        failure
        for outcome, branch in outcomes
        for failure in (outcome.failure, *(each.failure for each in branch.environments))
        if failure
    ]
    if not failures:
        return None
    # What was skipped is not the reason.
    failures.sort(key=lambda failure: failure.code == "skipped")
    parts = [
        _counts(entries, f"{name}s", mode) for name, entries in (("project", projects), ("environment", environments))
    ]
    return join_failures(failures, "; ".join(filter(None, parts)), failures[0].details)


def _counts(entries: Sequence[Entry], name: str, mode: Mode) -> str:
    """Return a part of a headline, such as `of 3 projects, 1 failed, 2 unchanged`."""
    failed = [entry["error"]["code"] == "skipped" for entry in entries if entry["error"]]
    counts = {
        "would fail" if mode.check else "failed": failed.count(False),
        "would not be tried" if mode.check else "not tried": failed.count(True),
        "would change" if mode.check else "changed": sum(entry["changed"] and not entry["error"] for entry in entries),
        "unchanged": sum(entry["action"] == UNCHANGED for entry in entries),
    }
    parts = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"of {len(entries)} {name}, {parts}" if entries else ""
