# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Tasks and logs: oec_task_info and oec_log_info. Beyond the reference: tests/contract/platform.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    Failure,
    OecError,
    join_failures,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import (
    TASK,
    Tasks,
    ending,
    lines_of,
    task_failure,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Job, Poller, Steps, WaitOptions
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    ENVIRONMENT,
    find_environment,
    status_of,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import TARGET

TASK_OPTIONS: Spec = {
    "task_ids": {"type": "list", "elements": "str"},
    **TARGET,
    "limit": {"type": "int", "default": 20},
    "log_lines": {"type": "int", "default": 0},
}
LOG_OPTIONS: Spec = {
    **TARGET,
    "source": {"type": "str", "choices": ["task", "odoo", "container", "postgres"], "default": "task"},
    "task_id": {"type": "str"},
    "lines": {"type": "int", "default": 100},
}
TASK_CHECKS: dict[str, Any] = {
    "required_one_of": [("task_ids", "environment", "environment_id")],
    "mutually_exclusive": [("task_ids", "project"), ("task_ids", "environment"), ("task_ids", "environment_id")],
}
TASK_REDACTION = Redaction(names=frozenset({"project", "environment"}))
MAX_LINES = 1000


def list_tasks(options: Options, client: Client, _mode: Mode) -> Result:
    """oec_task_info."""
    waits = WaitOptions.parse(options)
    check_lines("log_lines", options["log_lines"], least=0)
    tasks = Tasks(client, ENVIRONMENT, waits.timeout, options["log_lines"])
    ids = options["task_ids"]
    if ids is not None:
        found = [_task(tasks, ident) for ident in _valid_ids(ids)]
    else:
        if options["limit"] < 1:
            raise OecError("invalid_input", f"limit is {options['limit']}, and must be at least 1")
        environment = _environment(options, client)
        found = client.of(TASK, environment["id"]).list(options["limit"]).objects
    failures: list[Failure] = []
    if waits.wait:
        jobs = [Job(_follow(tasks, task)) for task in found]
        followed = Poller(client, waits.interval).run_all(jobs, parallel=len(jobs), per_group=len(jobs))
        # A list has tasks that ended long ago; the newest is the one that matters.
        is_judged = [ids is not None or not ending(task) or number == 0 for number, task in enumerate(found)]
        failures = [each.failure for each, judged in zip(followed, is_judged, strict=True) if judged and each.failure]
        found = [each.task for each in followed]
    if options["log_lines"]:
        found = [{**task, "log": tasks.log(task)} for task in found]
    return Result({"changed": False, "tasks": found}, _joined(failures, len(found)))


def _valid_ids(ids: Sequence[str]) -> list[str]:
    if wrong := [ident for ident in ids if not is_uuid(ident)]:
        raise OecError("invalid_input", f"task_ids: {wrong[0]!r} is not a UUID")
    return list(ids)


def _task(tasks: Tasks, ident: str) -> Object:
    if not (found := tasks.get(ident.lower())):
        raise OecError(
            "not_found", f"the task {ident} does not exist", "Use the id of a task in the result of a module."
        )
    return found


@dataclass(frozen=True)
class _Followed:
    """A task as it was last seen, and why it has not completed."""

    task: Object
    failure: Failure | None


def _follow(tasks: Tasks, task: Object) -> Steps[_Followed]:
    try:
        last = task if ending(task) else (yield from tasks.wait(task))
    except OecError as error:
        return _Followed(task, error.failure)
    return _Followed(last, task_failure(last, tasks.timeout))


def _joined(failures: Sequence[Failure], count: int) -> Failure | None:
    if len(failures) < 2:
        return failures[0] if failures else None
    details = [{"code": each.code, "message": each.sentences} for each in failures]
    return join_failures(failures, f"of {count} tasks, {len(failures)} have not completed", details)


def _environment(options: Options, client: Client) -> Object:
    return find_environment(client, options["project"], options["environment"], options["environment_id"])


def read_log(options: Options, client: Client, _mode: Mode) -> Result:
    """oec_log_info."""
    source, task_id = options["source"], options["task_id"]
    check_lines("lines", options["lines"], least=1)
    if task_id and (source != "task" or not is_uuid(task_id)):
        problem = f"task_id {task_id!r} is not a UUID" if source == "task" else "task_id is for source=task only"
        raise OecError("invalid_input", problem)
    environment = _environment(options, client)
    query: dict[str, str | int] = {"lines": options["lines"]}
    if source == "task":
        query |= {"task_id": task_id.lower()} if task_id else {}
        response = client.of(ENVIRONMENT).read(environment["id"], "logs", **query)
    else:
        found = client.of(ENVIRONMENT).find(environment["id"], "runtime-logs", source=source, **query)
        if found is None:
            message = f"it is {status_of(environment)!r}, and only a running one has this log"
            hint = "The log of its last task, which may say why, is source=task."
            raise OecError("wrong_state", message, hint, subject=ENVIRONMENT.subject(str(environment["name"])))
        response = found
    values: dict[str, Any] = {name: response.get(name) for name in ("task_id", "truncated")}
    return Result({"changed": False, "log": lines_of(response), "source": source, **values})


def check_lines(name: str, value: int, *, least: int) -> None:
    """Raise `invalid_input` for a number of lines that the API does not return."""
    if not least <= value <= MAX_LINES:
        raise OecError("invalid_input", f"{name} is {value}, and the API accepts {least} to {MAX_LINES}")
