# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What is to be done with one environment. Deciding writes nothing: it reads what the decision needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Subject
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import CREATED, DELETED, Action
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.decide import parent_of, reject
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import Reading, read, with_names
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import Plan, plan
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import Tasks, ending
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import why_not_fresh
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    DEPLOYING,
    DESTROYING,
    ENVIRONMENT,
    FAILED_STATUSES,
    PENDING,
    RUNNING,
    SETTLED,
    STOPPED,
    hidden_environment,
    status_of,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT

# The status after a task that leaves the status as it is while it runs.
_LEADS_TO = {"stop": STOPPED, "start": RUNNING, "restart": RUNNING, "deploy": RUNNING}


@dataclass(frozen=True)
class Planned:
    """`current`: the environment as it was read; the action takes one that moves for what it is about to become.

    `latest`: its latest task, where that matters.
    """

    action: Action
    current: Object | None = None
    latest: Object | None = None
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class _Found:
    """What a declaration means: see Planned. `predicted`: the environment as it is about to be."""

    desired: Desired
    current: Object | None
    latest: Object | None
    predicted: Sequence[Object]
    warnings: Sequence[str]


@dataclass(frozen=True)
class Planner:
    """Plans declarations of environments. `is_waiting`: whether the run waits for what it starts.

    `looks_at_tasks`: whether one that is in its declared state is asked for tasks all the same.
    """

    client: Client
    tasks: Tasks
    mode: Mode
    is_waiting: bool
    backup_max_age: timedelta | None
    looks_at_tasks: bool = True

    def plan(self, desired: Desired) -> Planned:
        """Read what one declaration is about, and plan it."""
        (planned,) = self.plan_all([desired], read(desired, self.client))
        action = planned.action
        if self.mode.diff:
            (action,) = with_names(Plan(ENVIRONMENT, [action]), self.client).actions
        return replace(planned, action=self.check_backup(action))

    def plan_all(self, declarations: Sequence[Desired], reading: Reading) -> list[Planned]:
        """Plan all declarations of one project, but for whether what is deleted has a backup."""
        found = [self._find(desired, reading) for desired in declarations]
        predicted = {item["id"]: item for item in reading.existing}
        for each in found:
            predicted.pop((each.current or {}).get("id", ""), None)
        for each in found:
            predicted |= {item["id"]: item for item in each.predicted}
        planned = plan(ENVIRONMENT, [each.desired for each in found], predicted.values(), reading.references)
        return [self._planned(each, action, reading) for each, action in zip(found, planned.actions, strict=True)]

    def _find(self, desired: Desired, reading: Reading) -> _Found:
        matches = [item for item in reading.existing if _is_meant(desired, item)]
        warnings, latest = [], None
        if not matches and desired.id and desired.state != "present":
            latest = self.tasks.latest(desired.id)
            if matches := hidden_environment(desired, latest):
                hidden = "this version of the API hides it, so that only its state can be changed"
                warnings = [f"{desired.subject}: {hidden}."]
                desired = replace(desired, values={})
        current = matches[0] if len(matches) == 1 else None
        target = ENVIRONMENT.target(desired.state)
        if current and target and not latest and (self.looks_at_tasks or status_of(current) != target.status):
            latest = self.tasks.latest(current["id"])
        predicted = _predict(current, latest, desired.state) if current else matches
        return _Found(desired, current, latest, predicted, warnings)

    def _planned(self, found: _Found, action: Action, reading: Reading) -> Planned:
        action, warnings = self._check_state(action, found.desired.state), found.warnings
        if action.type == CREATED:
            warnings = _missing(len(reading.existing), parent_of(ENVIRONMENT, action.after or {}, reading.references))
        return Planned(action, found.current, found.latest, [*action.warnings, *warnings])

    def _check_state(self, action: Action, state: str) -> Action:
        if status_of(action.before) == DESTROYING and state != "absent":
            return reject(action, "wrong_state", "it is being destroyed", "Run this again when it is gone.")
        if action.type == CREATED and action.after:
            moving = RUNNING if self.is_waiting else "deploying"
            return replace(action, after={**action.after, "status": moving if action.after["server_id"] else PENDING})
        return action

    def check_backup(self, action: Action) -> Action:
        """Reject a deletion without a backup that is fresh enough."""
        if action.type != DELETED or not action.before or not self.backup_max_age:
            return action
        found = why_not_fresh(self.client, action.before["id"], self.backup_max_age)
        message = f"deleting it destroys its database and files, and it has no fresh backup: {found}"
        hint = "Take one with oec_backup, or raise absent_backup_max_age; 0 deletes it without looking for one."
        return reject(action, "backup_required", message, hint) if found else action


def _predict(environment: Object, latest: Object | None, state: str) -> list[Object]:
    """Return an environment as it is about to be: not at all, if it is being destroyed and is to be absent."""
    target, status = ENVIRONMENT.target(state), status_of(environment)
    if status == DESTROYING and state == "absent":
        return []
    if status in DEPLOYING:
        status = RUNNING
    elif target and status not in SETTLED and status != DESTROYING:
        status = target.status
    elif latest and not ending(latest):
        status = _LEADS_TO.get(str(latest.get("type")), status)
    return [environment if status == status_of(environment) else {**environment, "status": status}]


def _missing(known: int, project: Object) -> list[str]:
    """Return a warning where a project has more environments than are listed, of which one may have the new name."""
    count = project.get("environment_count")
    if not isinstance(count, int) or count <= known:
        return []
    return [
        f"{PROJECT.subject(PROJECT.label(project))} has {count} environments, and {known} are listed: "
        "older versions of the API hide those that are stopped or failed, and one may have this name."
    ]


def _is_meant(desired: Desired, environment: Object) -> bool:
    is_named = desired.id is None and environment["name"] == desired.name
    return bool(is_named or environment["id"] == str(desired.id).lower())


def deferred(action: Action) -> list[str]:
    """Return the options of an existing environment that take effect with its next deployment or restart."""
    body = action.body if action.before and action.body else {}
    return [each.option_name for each in ENVIRONMENT.fields if each.is_deferred and each.name in body]


def doubts(subject: Subject, environment: Object | None, state: str) -> list[str]:
    """Return a warning where an environment is there, and yet no ERP runs in it."""
    status = status_of(environment) if state == "present" else ""
    if environment and status in FAILED_STATUSES:
        return [f"{subject} is {status!r}: its last task failed. Deploy it with oec_deployment."]
    if environment and status == PENDING:
        return [f"{subject} is {status!r}: nothing is deployed yet. Use oec_deployment."]
    return []
