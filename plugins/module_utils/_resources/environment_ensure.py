# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""An environment as it is declared: oec_environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    Failure,
    NoResponseError,
    OecError,
    RejectedError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import CREATED, DELETED, UPDATED, Action
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.create_once import create_once
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import Plan
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import (
    Tasks,
    ending,
    is_busy,
    task_failure,
    until_decided,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Poller, Steps, WaitOptions
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    DEPLOYING,
    ENVIRONMENT,
    PENDING,
    SETTLED,
    STATUS_LAG,
    STOPPED,
    reach,
    status_of,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_plan import (
    Planned,
    Planner,
    deferred,
    doubts,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import BACKUP_AGE, age

ENVIRONMENT_OPTIONS: Spec = {**ENVIRONMENT.options(), **BACKUP_AGE}


def ensure_environment(options: Options, client: Client, mode: Mode) -> Result:
    """oec_environment."""
    desired = Desired.parse(ENVIRONMENT, options)
    max_age = age(options, "absent_backup_max_age")
    waits = WaitOptions.parse(options)
    planner = Planner(client, Tasks(client, ENVIRONMENT, waits.timeout), mode, waits.wait, max_age)
    run = EnvironmentRun(desired, planner, planner.plan(desired))
    if run.action.rejection:
        return Result({}, Plan(ENVIRONMENT, [run.action]).rejection())
    if mode.check:
        run.predict()
    else:
        Poller(client, waits.interval).run(run.steps())
    values: dict[str, Any] = {"changed": run.changed, **run.facts}
    if mode.diff:
        values["diff"] = run.action.diff
    return Result(values, run.failure, run.all_warnings)


@dataclass
class EnvironmentRun:
    """One declaration on its way, and what has come of it so far. `planned`: what is to be done now."""

    desired: Desired
    planner: Planner
    planned: Planned
    failure: Failure | None = None
    changed: bool = False
    environment: Object | None = None
    task: Object | None = None
    log: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def client(self) -> Client:
        return self.planner.client

    @property
    def tasks(self) -> Tasks:
        return self.planner.tasks

    @property
    def action(self) -> Action:
        return self.planned.action

    @property
    def facts(self) -> dict[str, Any]:
        """What is returned of the environment, besides whether it was changed."""
        return {"environment": self.environment, "pending": self.pending, "task": self.task, "log": self.log}

    @property
    def all_warnings(self) -> list[str]:
        return [*self.warnings, *doubts(self.action.subject, self.environment, self.desired.state)]

    def predict(self) -> None:
        action = self.action
        self.changed, self.environment, self.pending = action.changed, action.after, deferred(action)
        if action.start and action.before and not self.planner.is_waiting:
            self.environment = {**(action.after or {}), "status": action.before["status"]}
        self.warnings += self.planned.warnings

    def steps(self) -> Steps[None]:
        self.environment = self.planned.current
        try:
            if self.planner.is_waiting and self.environment and (yield from self._settle(self.planned)):
                self.planned = self._plan_again(self.planned)
            if self.action.changed:
                self.client.require_full_access()
            self.warnings += self.planned.warnings
            yield from self._apply(self.planned)
        except OecError as error:
            self.failure = error.failure.about(self.action.subject)

    def _plan_again(self, planned: Planned) -> Planned:
        """Decide anew, after something else has changed the environment."""
        known, desired = planned.current or self.environment or {}, self.desired
        if not desired.id:
            # Somebody may have renamed it meanwhile: that is not undone.
            values = {name: value for name, value in desired.values.items() if name != ENVIRONMENT.key}
            desired = replace(desired, id=known["id"], values=values)
        again = self.planner.plan(desired)
        if not again.current and self.desired.state != "absent":
            raise OecError("not_found", "it was deleted while this run waited", "Run this again.")
        if again.action.rejection:
            raise again.action.rejection.as_exception()
        return again

    def _settle(self, planned: Planned) -> Steps[bool]:
        """Wait for what changes the environment already, and return whether anything did."""
        current, latest = planned.current or {}, planned.latest
        status = status_of(current)
        is_moving = status in DEPLOYING if self.desired.state == "present" else status not in SETTLED
        if is_moving and not latest:
            latest = self.tasks.latest(current["id"])
        task = latest if latest and not ending(latest) else None
        if task:
            ended = yield from self.tasks.wait(task)
            if self.desired.state == "present" or not ending(ended):
                self.task = ended
                self._check_task(current["id"])
        if is_moving:
            yield from self._reach(current["id"], lambda found: found is None or status_of(found) in SETTLED)
        return is_moving or task is not None

    def _apply(self, planned: Planned) -> Steps[bool]:
        def attempt() -> Steps[bool | None]:
            nonlocal planned
            self.environment = planned.current
            if not planned.action.changed or (yield from self._try(planned)):
                return True
            planned = self._plan_again(planned)
            return None

        return (yield from until_decided(attempt))

    def _try(self, planned: Planned) -> Steps[bool]:
        """Carry out one action; return False where it has to be decided anew."""
        try:
            return (yield from self._write(planned))
        except NoResponseError:
            # It may have been carried out all the same.
            self.changed = self.changed or planned.current is not None
            self._read_again((planned.current or {}).get("id"))
            raise
        except RejectedError as error:
            if not planned.current or not (is_busy(error) or planned.action.start):
                raise
            if is_busy(error) and self.planner.is_waiting:
                yield from self.tasks.wait_until_free(planned.current["id"], error)
            elif self._plan_again(planned).action.changed:
                raise
            return False

    def _write(self, planned: Planned) -> Steps[bool]:
        """Carry out one action and wait for its task; return False where it has to be decided anew."""
        action = planned.action
        if action.type == CREATED:
            yield from self._create(action)
        elif action.type == DELETED and action.before:
            yield from self._delete(action.before["id"])
        elif action.before:
            ident = action.before["id"]
            if action.body:
                self.environment = yield from self._update(ident, action.body)
                self.changed, self.pending = True, deferred(action)
                self.warnings += action.stored_mismatches(self.environment)
            if action.start and not (yield from self._start(ident, action.start, planned.latest)):
                return False
        if self.task or action.type != UPDATED:
            yield from self._finish(action)
        return True

    def _create(self, action: Action) -> Steps[None]:
        parent_id = (action.after or {})["project_id"]
        self.environment = create_once(self.client.of(ENVIRONMENT, parent_id), action.body or {})
        self.changed = True
        self.warnings += action.stored_mismatches(self.environment)
        self.task = yield from self.tasks.first(self.environment["id"])

    def _update(self, ident: str, body: Mapping[str, Any]) -> Steps[Object]:
        return (yield from self.tasks.unlocked(lambda: self.client.of(ENVIRONMENT).update(ident, body)))

    def _delete(self, ident: str) -> Steps[None]:
        try:
            accepted = yield from self.tasks.unlocked(lambda: self.client.of(ENVIRONMENT).delete(ident))
        except RejectedError as error:
            busy = self.tasks.busy(ident, error) if is_busy(error) else None
            if not busy or busy.get("type") != "destroy":
                raise
            # The response to this very request may have been lost; whoever sent it, it does what is desired.
            accepted = {"task_id": busy["id"], "status": busy.get("status")}
        self.changed = True
        if is_uuid(str(accepted.get("task_id"))):
            self.task = {"id": accepted["task_id"], "status": accepted.get("status")}

    def _start(self, ident: str, action: str, known: Object | None) -> Steps[bool]:
        """Start an action; return False where another task is there, and it has to be decided anew."""
        self.task = yield from self.tasks.start(ident, action, None, self.tasks.latest, known)
        self.changed = True
        if not self.task and self.planner.is_waiting and (found := self.tasks.latest(ident)):
            yield from self.tasks.wait(found)
        return self.task is not None

    def _finish(self, action: Action) -> Steps[None]:
        """Wait for the task of an action, and until the environment is as planned."""
        ident = (action.before or self.environment or {})["id"]
        if not self.planner.is_waiting:
            if action.type == DELETED:
                self.environment = None
            return
        if self.task:
            self.task = yield from self.tasks.wait(self.task)
            self._check_task(ident)
        elif action.type == CREATED and status_of(self.environment) == PENDING:
            return
        expected = status_of(action.after) if action.after else None

        def is_reached(found: Object | None) -> bool:
            # Older versions of the API hide one that is stopped.
            return status_of(found) == expected if found else expected in (None, STOPPED)

        found = yield from self._reach(ident, is_reached)
        if expected and not found:
            found = {**(self.environment or {}), "status": expected}
        self.environment = found

    def _read_again(self, ident: str | None) -> None:
        """Look at what a failure has left behind, if it can be seen."""
        try:
            found = self.client.of(ENVIRONMENT).get(ident) if ident else None
        except OecError:
            # What matters is the failure itself.
            return
        if found or self.desired.state == "absent":
            self.environment = found

    def _check_task(self, ident: str) -> None:
        """Raise the failure of the task, if it has not completed."""
        if self.task and (failure := task_failure(self.task, self.tasks.timeout)):
            self._read_again(ident)
            self.log = self.tasks.final_log(self.task)
            raise failure.as_exception()

    def _reach(self, ident: str, is_reached: Callable[[Object | None], bool]) -> Steps[Object | None]:
        timeout = min(STATUS_LAG, self.tasks.timeout) if self.task else self.tasks.timeout
        try:
            return (yield from reach(self.client, ident, is_reached, timeout))
        except OecError as error:
            if not error.failure.is_fatal:
                self._read_again(ident)
            raise
