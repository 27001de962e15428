# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What the API does that takes a while: start it once, find it, wait for it, and say how it ended.

The one place that knows what the status of a task means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import uuid4

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import invalid_response
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    Failure,
    NoResponseError,
    OecError,
    RejectedError,
    one_line,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Steps, Wait

T = TypeVar("T")

COMPLETED, FAILED, CANCELLED, NEVER_STARTED = "completed", "failed", "cancelled", "never_started"

TASK = Kind(
    "task",
    "/deployments",
    (
        Field("type"),
        Field("status"),
        Field("environment_id"),
        Field("progress_percent", "int"),
        Field("current_step"),
        Field("steps_completed", "int"),
        Field("total_steps", "int"),
        Field("started_at"),
        Field("completed_at"),
        Field("duration_seconds", "int"),
        Field("error_message"),
    ),
    key="id",
    collection="/environments/{parent}/deployments",
)

# Words of the service itself, in case one gets out.
_INTERNAL_ENDS = {"success": COMPLETED, "destroyed": COMPLETED}
_WAITING_TO_START = frozenset({"pending", "queued"})
_GOING_ON = _WAITING_TO_START | {"running"}
_MAX_REASON = 1000

# The words for a quick update and a restore are not known.
_KNOWN_TYPES = frozenset({"deploy", "restart", "start", "stop", "backup", "destroy"})

LOCK_PAUSE, _LOCK_PAUSES = 5.0, 6
_MAX_ATTEMPTS = 10
_FIRST_PAUSE, _FIRST_PAUSES = 3.0, 4
_MISSING_LIMIT = 3


def ending(task: Object) -> str | None:
    """Return how a task has ended: completed, failed, cancelled or never_started. None: it goes on."""
    status = str(task.get("status")).lower()
    if status == FAILED and not task.get("started_at"):
        return NEVER_STARTED
    if status in (COMPLETED, FAILED, CANCELLED):
        return status
    if status in _GOING_ON:
        return None
    return _INTERNAL_ENDS.get(status, FAILED) if task.get("completed_at") else None


def task_failure(task: Object, timeout: float, what: str = "") -> Failure | None:
    """Return the failure of a task that has not completed, within `timeout` seconds where it goes on.

    `what`: what it does, where that has an id of its own.
    """
    end, kind = ending(task), task.get("type")
    what = what or f"the {kind or 'task'} {task['id']}"
    again = "deploy it with oec_deployment" if kind == "deploy" else "run this again"
    if end == COMPLETED:
        return None
    if end == NEVER_STARTED:
        hint = f"Nothing was done, often because another task was running. To start another one, {again}."
        return Failure("task_never_started", f"{what} never started{_reason(task)}", hint)
    if end == CANCELLED:
        hint = f"Somebody cancelled it, perhaps in the dashboard. To start another one, {again}."
        return Failure("task_cancelled", f"{what} was cancelled{_reason(task)}", hint)
    if end:
        step = f" at {task['current_step']}" if task.get("current_step") else ""
        hint = f"Look at its log, fix the cause, then {again}."
        return Failure("task_failed", f"{what} failed{step}{_reason(task)}", hint)
    status = task.get("status")
    seen = f"has not started yet (it is {status})" if status in _WAITING_TO_START else f"still runs{_progress(task)}"
    hint = f"It goes on. {how_to_wait(task)} The option wait_timeout sets how long to wait."
    return Failure("wait_timeout", f"{what} {seen} after {timeout:.0f} s", hint)


def how_to_wait(task: Object) -> str:
    return f"Wait for it with oec_task_info (task_ids: [{task['id']}], wait: true)."


def _reason(task: Object) -> str:
    return f": {one_line(str(task['error_message']))[:_MAX_REASON]}" if task.get("error_message") else ""


def _progress(task: Object) -> str:
    seen = [str(task["current_step"])] if task.get("current_step") else []
    seen += [f"{task['progress_percent']} %"] if task.get("progress_percent") is not None else []
    return f" ({', '.join(seen)})" if seen else ""


def until_decided(attempt: Callable[[], Steps[T | None]]) -> Steps[T]:
    """Return what an attempt returns. None: another task got in between, and it has to be decided anew."""
    for _attempt in range(_MAX_ATTEMPTS):
        found = yield from attempt()
        if found is not None:
            return found
    raise OecError("wrong_state", f"other tasks got in between {_MAX_ATTEMPTS} times", "Run this again.")


def is_busy(error: OecError) -> bool:
    """Return whether a rejection says that a task of the object is running."""
    return error.failure.status == HTTPStatus.CONFLICT and error.failure.code == "task_in_progress"


@dataclass(frozen=True)
class Tasks:
    """The tasks of objects of the kind `owner`. `timeout`: seconds to wait for each of them."""

    client: Client
    owner: Kind
    timeout: float
    log_lines: int = 20

    def get(self, task_id: str) -> Object | None:
        return self.client.of(TASK).get(task_id)

    def newest_deployment(self, owner_id: str) -> Object | None:
        """Return the newest task that is a deployment: the list has no others."""
        return next(iter(self.client.of(TASK, owner_id).list(1).objects), None)

    def latest(self, owner_id: str) -> Object | None:
        """Return the latest task of any type: the one whose log is returned where none is named."""
        log = self.client.of(self.owner).find(owner_id, "logs", lines=1) or {}
        task_id = str(log.get("task_id"))
        return self.get(task_id) if is_uuid(task_id) else None

    def running(self, owner_id: str) -> Object | None:
        task = self.latest(owner_id)
        return task if task and not ending(task) else None

    def log(self, task: Object) -> list[str]:
        """Return the last lines of a task's log. Without one, what matters is how the task ended."""
        if not self.log_lines or not is_uuid(str(task.get("environment_id"))):
            return []
        query: dict[str, str | int] = {"task_id": task["id"], "lines": self.log_lines}
        try:
            return lines_of(self.client.of(self.owner).read(task["environment_id"], "logs", **query))
        except OecError:
            return []

    def final_log(self, task: Object) -> list[str]:
        """Return the last lines of the log of a task that has ended: they may say why it failed."""
        return self.log(task) if ending(task) else []

    def wait(self, task: Object) -> Steps[Object]:
        """Return a task as it ended, or as it was last seen when the time was over."""
        last, missing = task, 0

        def poll() -> Object | None:
            nonlocal last, missing
            if found := self.get(task["id"]):
                last = found
                return found if ending(found) else None
            # It may take a moment until a task that was just accepted can be read.
            missing += 1
            if missing == _MISSING_LIMIT:
                raise OecError("not_found", "the API says that it does not exist")
            return None

        try:
            yield Wait(self.timeout, poll)
        except OecError as error:
            message = f"the task {task['id']} can no longer be watched: {error.failure.message}"
            hint = f"It may go on. {how_to_wait(task)}"
            raise replace(error.failure, message=message, hint=hint).as_exception() from None
        return last

    def unlocked(self, request: Callable[[], T]) -> Steps[T]:
        """Return what a request returns; while another action holds the lock of the object, it is sent again."""
        pauses = 0
        while True:
            try:
                return request()
            except RejectedError as error:
                if error.failure.code != "concurrent_action" or pauses == _LOCK_PAUSES:
                    raise
            pauses += 1
            yield Wait(LOCK_PAUSE)

    def start(
        self,
        owner_id: str,
        action: str,
        body: Mapping[str, Any] | None,
        newest: Callable[[str], Object | None],
        known: Object | None,
    ) -> Steps[Object | None]:
        """Start an action once, and return its task, at least {id, status}.

        `newest` finds the newest task, which was `known` before. Where no response comes, a newer one of this type is
        taken for it: it was started by this request, or does the same. None: there is another one now, and it has to be
        decided anew. Raise RejectedError where `is_busy`.
        """

        def superseding() -> Object | None:
            try:
                task = newest(owner_id)
            except OecError:
                # What matters is what becomes of the action itself.
                return None
            return task if task and task["id"] != (known or {}).get("id") else None

        key, api = str(uuid4()), self.client.of(self.owner)
        try:
            accepted = yield from self.unlocked(
                lambda: api.act(owner_id, action, body, key, lambda: superseding() is not None)
            )
        except (NoResponseError, RejectedError) as error:
            if is_busy(error):
                raise
            task = superseding()
            is_ours = task is not None and (task.get("type") == action or task.get("type") not in _KNOWN_TYPES)
            if not task or (isinstance(error, RejectedError) and not is_ours):
                raise
            # What was over the limit was certainly not carried out.
            return task if is_ours and error.failure.status != HTTPStatus.TOO_MANY_REQUESTS else None
        return {"id": accepted["task_id"], "status": accepted.get("status")}

    def first(self, owner_id: str) -> Steps[Object | None]:
        """Return the first deployment of a new object, which may be readable only after a while."""
        for attempt in range(_FIRST_PAUSES):
            if attempt:
                yield Wait(_FIRST_PAUSE)
            last = self.client.of(self.owner).read(owner_id, "status").get("last_deploy")
            if isinstance(last, dict) and is_uuid(str(last.get("id"))):
                return {"id": last["id"], "status": last.get("status")}
        return None

    def busy(self, owner_id: str, error: OecError) -> Object | None:
        """Return the task that a rejection (`is_busy`) speaks of, as far as it can be found."""
        details = error.failure.details
        named = str(details.get("task_id")) if isinstance(details, Mapping) else ""
        return (self.get(named) if is_uuid(named) else None) or self.running(owner_id)

    def wait_until_free(self, owner_id: str, error: OecError) -> Steps[Object | None]:
        """Wait for the task that a rejection (`is_busy`) speaks of, and return it. Raise OecError `wait_timeout`."""
        busy = self.busy(owner_id, error)
        if not busy:
            yield Wait(LOCK_PAUSE)
            return None
        task = yield from self.wait(busy)
        if not ending(task) and (failure := task_failure(task, self.timeout)):
            raise failure.as_exception()
        return task


def lines_of(response: Mapping[str, Any]) -> list[str]:
    """Return the lines of a log, without what a terminal would interpret. Raise `invalid_response` if there is none."""
    if "log" not in response:
        raise invalid_response("the API returned no log")
    return [one_line(line) for line in str(response.get("log") or "").splitlines()]
