# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The whole estate in one task: oec_projects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError, summarize
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import (
    CREATED,
    DELETED,
    FAILED,
    UNCHANGED,
    UPDATED,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.apply import Outcome, apply_plan
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import read_references
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
    "prune": {"type": "bool", "default": False},
    "prune_limit": {"type": "int", "default": 10},
}

# In a row of `drift`, the values that differ are redacted by their field, and a name may look like a URL.
ESTATE_REDACTION = PROJECT.redaction | Redaction(names=frozenset({"project", "current", "desired"}))


def ensure_projects(options: Options, client: Client, mode: Mode) -> Result:
    """Plan the whole estate before anything of it is written, and apply the plan."""
    declarations = _declarations(options["projects"], options["defaults"] or {})
    if options["prune_limit"] < 0:
        raise OecError("invalid_input", "prune_limit is below 0", "It is the number of projects that may be pruned.")
    if options["prune"] and not declarations:
        message = "prune with an empty list of projects would delete every project"
        raise OecError("invalid_input", message, "Declare those to keep.")
    for desired in declarations:
        client.hide(desired.credentials)
    planned = plan(
        PROJECT,
        declarations,
        client.of(PROJECT).known.objects,
        read_references(declarations, client),
        prune=options["prune"],
        prune_limit=options["prune_limit"],
    )
    values: dict[str, Any] = {"drift": _drift(planned)}
    if mode.diff:
        values["diff"] = [action.diff for action in planned.actions if action.changed]
    if rejection := planned.rejection:
        return Result(values, rejection)
    try:
        outcomes = apply_plan(client, planned.actions, mode)
    except OecError as error:
        return Result(values, error.failure)
    if mode.diff:
        values["diff"] = [outcome.action.diff for outcome in outcomes if outcome.changed]
    entries = [_entry(outcome) for outcome in outcomes]
    counts = Counter(entry["action"] for entry in entries)
    values |= {
        "changed": any(outcome.changed for outcome in outcomes),
        "projects": entries,
        "summary": {action: counts[action] for action in (CREATED, UPDATED, DELETED, UNCHANGED, FAILED)},
    }
    warnings = [warning for outcome in outcomes for warning in outcome.warnings]
    return Result(values, _partial_failure(outcomes), warnings)


def _declarations(items: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> list[Desired]:
    """Return the declaration of every item, or raise one `invalid_input` with all that is wrong in any of them."""
    given = {name: value for name, value in defaults.items() if value}
    declarations, failures = [], []
    for number, item in enumerate(items, 1):
        try:
            declarations.append(Desired.parse(PROJECT, {**item, **{n: v for n, v in given.items() if not item.get(n)}}))
        except OecError as error:
            failures.append((number, error.failure))
    if failures:
        details = [
            {
                "item": number,
                "project": failure.subject and failure.subject.name,
                "code": failure.code,
                "message": failure.sentences,
            }
            for number, failure in failures
        ]
        message = summarize([f"item {number}: {failure}" for number, failure in failures])
        raise OecError("invalid_input", message, details=details)
    return declarations


def _drift(planned: Plan) -> list[dict[str, Any]]:
    """Return a row for each field that differs, and for each project that cannot be planned, with the code."""

    def row(project: str, **about: Any) -> dict[str, Any]:
        fields = dict.fromkeys(("environment", "field", "current", "desired", "code"))
        return {"project": project, **fields, **about}

    rows = [row(action.name, **vars(each)) for action in planned.actions for each in action.differences]
    for problem in planned.problems:
        failure = problem.failure
        if failure.subject:
            about: list[dict[str, Any]] = [vars(each) for each in problem.differences] or [{}]
            rows += [row(failure.subject.name, code=failure.code, **each) for each in about]
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


def _partial_failure(outcomes: Sequence[Outcome]) -> Failure | None:
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    if not failures:
        return None
    message = f"{len(failures)} of {len(outcomes)} projects failed, and the remaining projects were applied."
    first = failures[0]
    return Failure(
        first.code,
        f"{message} {summarize([str(each) for each in failures])}",
        status=first.status,
        details=first.details,
    )
