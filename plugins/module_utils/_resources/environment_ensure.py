# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""An environment as it is declared: oec_environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
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
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import duration, is_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import CREATED, DELETED, UPDATED, Action
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.create_once import create_once
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.decide import reject
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import read, with_names
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import Plan, plan
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import (
    Tasks,
    ending,
    is_busy,
    task_failure,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Poller, Steps, WaitOptions
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import BACKUP, newest_completed
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    DEPLOYING,
    DESTROYING,
    ENVIRONMENT,
    FAILED_STATUSES,
    PENDING,
    RUNNING,
    SETTLED,
    STATUS_LAG,
    STOPPED,
    find_hidden,
    reach,
    status_of,
)

ENVIRONMENT_OPTIONS: Spec = {**ENVIRONMENT.options(), "absent_backup_max_age": {"type": "str", "default": "24h"}}

_MAX_ROUNDS = 10


def ensure_environment(options: Options, client: Client, mode: Mode) -> Result:
    """oec_environment."""
    desired = Desired.parse(ENVIRONMENT, options)
    max_age = age_of(options, "absent_backup_max_age")
    waits = WaitOptions.parse(options)
    run = _Run(client, desired, mode, Tasks(client, ENVIRONMENT, waits.timeout), waits.wait, max_age)
    planned = run.plan(desired)
    if planned.action.rejection:
        return Result({}, Plan(ENVIRONMENT, [planned.action]).rejection())
    if mode.check:
        return run.predicted(planned.action)
    return Poller(client, waits.interval).run(run.steps(planned))


def age_of(options: Options, name: str) -> timedelta:
    """Read an age such as `24h`. Raise OecError `invalid_input`."""
    try:
        return timedelta(seconds=duration(options[name]))
    except ValueError as error:
        raise OecError("invalid_input", f"{name}: {error}") from None


@dataclass(frozen=True)
class _Planned:
    """`current`: the environment as it was read; the action takes one that moves for what it is about to become."""

    action: Action
    current: Object | None


@dataclass
class _Run:
    """One declaration on its way, and what has come of it so far."""

    client: Client
    desired: Desired
    mode: Mode
    tasks: Tasks
    is_waiting: bool
    backup_max_age: timedelta
    changed: bool = False
    environment: Object | None = None
    task: Object | None = None
    log: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    # What is decided.

    def plan(self, desired: Desired) -> _Planned:
        reading = read(desired, self.client)
        existing = reading.existing
        if not existing and (existing := find_hidden(desired, self.tasks)):
            hidden = f"{desired.subject}: this version of the API hides it, so that only its state can be changed."
            self.warnings += [] if hidden in self.warnings else [hidden]
            desired = replace(desired, values={})
        predicted = [each for item in existing for each in self._predict(item)]
        planned = plan(ENVIRONMENT, [desired], predicted, reading.references)
        if self.mode.diff:
            planned = with_names(planned, self.client)
        (action,) = planned.actions
        meant = (
            {action.before["id"]} if action.before else {item["id"] for item in existing if _is_meant(desired, item)}
        )
        current = next((item for item in existing if item["id"] in meant), None)
        return _Planned(self._check_backup(self._check_state(action)), current)

    def _plan_again(self, planned: _Planned) -> _Planned:
        """Decide anew, after something else has changed the environment."""
        known = planned.current or self.environment or {}
        again = self.plan(replace(self.desired, id=known["id"]))
        if again.action.rejection:
            raise again.action.rejection.as_exception()
        return again

    def _predict(self, environment: Object) -> list[Object]:
        """Return an environment as it is about to be: not at all, if it is being destroyed and is to be absent."""
        target, status = ENVIRONMENT.target(self.desired.state), status_of(environment)
        if status == DESTROYING:
            return [] if self.desired.state == "absent" else [environment]
        if status in DEPLOYING:
            return [{**environment, "status": RUNNING}]
        return [{**environment, "status": target.status} if target and status not in SETTLED else environment]

    def _check_state(self, action: Action) -> Action:
        if status_of(action.before) == DESTROYING and self.desired.state != "absent":
            return reject(action, "wrong_state", "it is being destroyed", "Run this again when it is gone.")
        if action.type == CREATED and action.after:
            moving = RUNNING if self.is_waiting else "deploying"
            return replace(action, after={**action.after, "status": moving if action.after["server_id"] else PENDING})
        return action

    def _check_backup(self, action: Action) -> Action:
        """Reject a deletion without a backup that is fresh enough."""
        if action.type != DELETED or not action.before or not self.backup_max_age:
            return action
        try:
            newest = newest_completed(self.client.of(BACKUP, action.before["id"]).list().objects)
            found = f"the newest one was completed at {newest:%Y-%m-%d %H:%M} UTC" if newest else "there is none"
        except OecError as error:
            newest, found = None, f"its backups cannot be read: {error.failure.message}"
        if newest and newest >= self.client.server_time() - self.backup_max_age:
            return action
        message = f"deleting it destroys its database and files, and it has no fresh backup: {found}"
        hint = "Take a backup first, or raise absent_backup_max_age; 0 deletes it without looking for one."
        return reject(action, "backup_required", message, hint)

    # What is returned.

    def predicted(self, action: Action) -> Result:
        self.changed, self.environment, self.pending = action.changed, action.after, _deferred(action)
        if action.start and action.before and not self.is_waiting:
            self.environment = {**(action.after or {}), "status": action.before["status"]}
        self.warnings += action.warnings
        return self._result(action)

    def _result(self, action: Action, failure: Failure | None = None) -> Result:
        values: dict[str, Any] = {
            "changed": self.changed,
            "environment": self.environment,
            "pending": self.pending,
            "task": self.task,
            "log": self.log,
        }
        if self.mode.diff:
            values["diff"] = action.diff
        return Result(values, failure and failure.about(action.subject), [*self.warnings, *_doubts(self.environment)])

    # What is done.

    def steps(self, planned: _Planned) -> Steps[Result]:
        action, self.environment = planned.action, planned.current
        try:
            if self.is_waiting and planned.current and (yield from self._settle(planned.current)):
                planned = self._plan_again(planned)
                action = planned.action
            if action.changed:
                self.client.require_full_access()
            self.warnings += action.warnings
            yield from self._apply(planned)
        except OecError as error:
            return self._result(action, error.failure)
        return self._result(action)

    def _settle(self, current: Object) -> Steps[bool]:
        """Wait for what changes the environment already, and return whether anything did."""
        status, target = status_of(current), ENVIRONMENT.target(self.desired.state)
        is_moving = status in DEPLOYING if self.desired.state == "present" else status not in SETTLED
        task = None
        if status != DESTROYING and (is_moving or (target and status == target.status)):
            task = self.tasks.running(current["id"])
        if task:
            ended = yield from self.tasks.wait(task)
            if self.desired.state == "present" or not ending(ended):
                self.task = ended
                self._check_task(current["id"])
        if is_moving:
            yield from self._reach(current["id"], lambda found: found is None or status_of(found) in SETTLED)
        return is_moving or task is not None

    def _apply(self, planned: _Planned) -> Steps[None]:
        for _round in range(_MAX_ROUNDS):
            self.environment = planned.current
            if not planned.action.changed:
                return
            try:
                is_done = yield from self._write(planned.action)
            except RejectedError as error:
                is_done = False
                if not planned.current or not (is_busy(error) or planned.action.start):
                    raise
                if is_busy(error) and self.is_waiting:
                    yield from self.tasks.wait_until_free(planned.current["id"], error)
                elif self._plan_again(planned).action.changed:
                    raise
            if is_done:
                return
            planned = self._plan_again(planned)
        raise OecError("wrong_state", f"other tasks got in between {_MAX_ROUNDS} times", "Run this again.")

    def _write(self, action: Action) -> Steps[bool]:
        """Carry out one action and wait for its task; return False where it has to be decided anew."""
        if action.type == CREATED:
            yield from self._create(action)
        elif action.type == DELETED and action.before:
            yield from self._delete(action.before["id"])
        elif action.before:
            ident = action.before["id"]
            if action.body:
                self.environment = yield from self._update(ident, action.body)
                self.changed, self.pending = True, _deferred(action)
                self.warnings += action.stored_mismatches(self.environment)
            if action.start and not (yield from self._start(ident, action.start)):
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

    def _start(self, ident: str, action: str) -> Steps[bool]:
        """Start an action; return False where another task is there, and it has to be decided anew."""
        known = self.tasks.latest(ident)
        try:
            self.task = yield from self.tasks.start(ident, action, None, self.tasks.latest, known)
        except NoResponseError:
            self.changed = True
            raise
        self.changed = True
        if not self.task and self.is_waiting and (found := self.tasks.latest(ident)):
            yield from self.tasks.wait(found)
        return self.task is not None

    def _finish(self, action: Action) -> Steps[None]:
        """Wait for the task of an action, and until the environment is as planned."""
        ident = (action.before or self.environment or {})["id"]
        if not self.is_waiting:
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

    def _read_again(self, ident: str) -> None:
        """Look at what a failure has left behind, if it can be seen."""
        try:
            found = self.client.of(ENVIRONMENT).get(ident)
        except OecError:
            # What matters is the failure itself.
            return
        if found or self.desired.state == "absent":
            self.environment = found

    def _check_task(self, ident: str) -> None:
        """Raise the failure of the task, if it has not completed."""
        if self.task and (failure := task_failure(self.task, self.tasks.timeout)):
            self._read_again(ident)
            if failure.code != "wait_timeout":
                self.log = self.tasks.log(self.task)
            raise failure.as_exception()

    def _reach(self, ident: str, is_reached: Callable[[Object | None], bool]) -> Steps[Object | None]:
        timeout = min(STATUS_LAG, self.tasks.timeout) if self.task else self.tasks.timeout
        try:
            return (yield from reach(self.client, ident, is_reached, timeout))
        except OecError:
            self._read_again(ident)
            raise


def _is_meant(desired: Desired, environment: Object) -> bool:
    is_named = desired.id is None and environment["name"] == desired.name
    return bool(is_named or environment["id"] == str(desired.id).lower())


def _deferred(action: Action) -> list[str]:
    """Return the options of an existing environment that take effect with its next deployment or restart."""
    body = action.body if action.before and action.body else {}
    return [each.option_name for each in ENVIRONMENT.fields if each.is_deferred and each.name in body]


def _doubts(environment: Object | None) -> list[str]:
    """Return a warning where an environment is there, and yet no ERP runs in it."""
    status = status_of(environment)
    if environment and status in FAILED_STATUSES:
        return [
            f"environment {environment['name']!r} is {status!r}: its last task failed. Deploy it with oec_deployment."
        ]
    if environment and status == PENDING:
        return [f"environment {environment['name']!r} is {status!r}: nothing is deployed yet. Use oec_deployment."]
    return []
