# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault with every operation: once, three times and always. FAULTS is the table of docs/reliability.md."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.oecsh.cloud.tests.chaos.report import insert
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import PRIVATE_REPO, REDACTED_REPO, SERVER_ID

Result = dict[str, Any]

# How a run can end.
RIGHT = "right"
GAVE_UP = "gave up"
REJECTED = "rejected"
INVALID = "invalid"
WRONG_STATE = "wrong state"
TIMED_OUT = "timed out"
GONE = "gone"
NOT_REPEATED = "not repeated"
# What the run itself finds wrong, without an error of the API.
OWN_ENDS = {"invalid_response": INVALID, "wrong_state": WRONG_STATE, "wait_timeout": TIMED_OUT, "not_found": GONE}

# How long a fault lasts, and how the run then ends: once, three times, always.
TIMES = {"once": 1, "three times": 3, "always": None}
Ends = tuple[str, str, str]
HARMLESS: Ends = (RIGHT, RIGHT, RIGHT)
TRANSIENT: Ends = (RIGHT, RIGHT, GAVE_UP)  # five retries outlast three faults
UNREPEATED: Ends = (NOT_REPEATED, NOT_REPEATED, NOT_REPEATED)  # a POST without an idempotency key is sent once
FINAL: Ends = (REJECTED, REJECTED, REJECTED)
RETRIED: Ends = (RIGHT, REJECTED, REJECTED)  # a rejected create may be a stored response: it is retried once
MALFORMED: Ends = (INVALID, INVALID, INVALID)
LOOPING: Ends = (RIGHT, INVALID, INVALID)
BELIEVED: Ends = (GONE, GONE, GONE)
BUSY: Ends = (RIGHT, RIGHT, WRONG_STATE)  # decided anew each time, but not without end

RETRIES, MAX_WAIT = 5, 600  # the defaults of api_retries and api_max_wait
WAIT_TIMEOUT, POLL = 1800, 30  # the default of wait_timeout, and wait_interval
OWN_STATUS = -1  # the status of the operation without a fault

NAME, ENVIRONMENT = "Client ERP", "staging"
ESTATE = {NAME: ("test", ENVIRONMENT), "Bakery ERP": ("test",)}  # the environments of each project
ALL_OF_IT = (*ESTATE, "test", ENVIRONMENT)
BRANCH = "release/17.0"
REPO_SECRET = PRIVATE_REPO.partition("@")[0].rpartition(":")[2]
START = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
THE_ID, THE_BACKUP = "the id of the target", "the id of its backup"
HOUR = 3600
HOOK_SECRET = "S1gnature-of-a-hook"
HOOK = f"https://hooks.example.org/oec?sig={HOOK_SECRET}"
EVENTS, OTHER_EVENTS = {"events": ["deploy.failed"]}, {"events": ["deploy.completed", "deploy.failed"]}

Fields = Mapping[str, Any]


def all_servers(api: Emulator) -> Result:
    counts = Counter(each["server_id"] for each in api.environments())
    return {"servers": [{**server, "environment_count": counts[server["id"]]} for server in api.servers()]}


def one_project(api: Emulator) -> Result:
    projects = [each for each in api.projects() if each["name"] == NAME]
    stored = [{**each, "git_repo_url": each["git_repo_url"] and REDACTED_REPO} for each in projects]
    return {"project": next(iter(stored), None)}


def one_environment(api: Emulator) -> Result:
    return {"environment": next((each for each in api.environments() if each["name"] == ENVIRONMENT), None)}


def found_environments(api: Emulator, *names: str) -> Result:
    found = [each for each in api.environments() if each["name"] in names]
    projects = {project["id"]: project["name"] for project in api.projects()}
    return {"environments": [{**each, "project_name": NAME} for each in found if projects[each["project_id"]] == NAME]}


def one_deployment(api: Emulator) -> Result:
    """Return what is true of the row of the one environment, whatever its outcome."""
    environment = one_environment(api)["environment"]
    (task,) = api.tasks(environment["id"], "deploy")
    return {"environment_id": environment["id"], "commit": environment["last_commit"], "task": task}


def the_log(api: Emulator) -> Result:
    steps = ("stop_odoo", "start_odoo", "health_check")
    numbered = [f"[{number}/{len(steps)}] {step}" for number, step in enumerate(steps, 1)]
    return {"log": ["restart: queued", *numbered, "restart: completed"]}


def all_backups(api: Emulator) -> Result:
    return {"backups": by_environment(api.backups())}


def by_environment(backups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return backups in an order that does not depend on the run, without what only one of the two routes returns."""
    rows = [{**backup, "environment_snapshot": None} for backup in backups]
    return sorted(rows, key=lambda backup: str(backup["environment_id"]))


def one_restore(api: Emulator) -> Result:
    return {**one_environment(api), "task": api.tasks(type="restore")[-1]}


def the_estate(api: Emulator) -> Result:
    of_estate = [each for each in [*api.projects(), *api.environments()] if each["name"] in ALL_OF_IT]
    return {"objects": sorted((each["id"], each.get("branch")) for each in of_estate)}


def found_webhooks(api: Emulator) -> list[Any]:
    url = HOOK.replace(f"sig={HOOK_SECRET}", "***")
    return [{name: each[name] for name in each if name != "secret"} | {"url": url} for each in api.webhooks()]


def one_webhook(api: Emulator) -> Result:
    return {"webhook": next(iter(found_webhooks(api)), None)}


@dataclass(frozen=True)
class ModuleCall:
    """A module with options for which it sends one request of a kind, and the status of that without a fault.

    `returns`: what its result contains, by what the API holds then. `target`: the name of the object that it is about,
    or those of an estate, which have the fields `before` and `after` it (None: it does not exist). `count`: how often
    the request is sent, and in how many environments a `task` of this type does the work; `again`: in the next run once
    more. `backup`: how many seconds ago a backup of the target was completed (None: there is none). `like`: the
    operation that ends in the same way. `done`: whether nothing is left to ask for after the request. `longest`: how
    many seconds it may take.
    """

    method: str
    path: str
    module: str
    options: Fields
    returns: Callable[[Emulator], Result]
    status: int = 200
    target: str | tuple[str, ...] = NAME
    before: Fields | None = field(default_factory=dict)
    after: Fields | None = field(default_factory=dict)
    task: str = ""
    count: int = 1
    again: bool = False
    backup: int | None = None
    like: str = ""
    done: bool = True
    longest: int = MAX_WAIT

    @property
    def is_read(self) -> bool:
        return self.before == self.after and not self.task

    def concerns(self, item: Mapping[str, Any]) -> bool:
        return item["name"] in ([self.target] if isinstance(self.target, str) else self.target)


def environment_call(
    method: str, path: str, options: Fields, returns: Any = one_environment, **more: Any
) -> ModuleCall:
    """Return a call of the module that the options belong to."""
    module = "oec_deployment" if "since" in options else "oec_environment"
    return ModuleCall(method, path, module, options, returns, target=ENVIRONMENT, **more)


PROJECT_OPERATIONS = {
    "list projects": ModuleCall("GET", "/projects", "oec_project_info", {}, lambda api: {"projects": api.projects()}),
    "list servers": ModuleCall("GET", "/servers", "oec_server_info", {}, all_servers),
    "get": ModuleCall(
        "GET",
        "/projects/.+",
        "oec_project_info",
        {"project_id": THE_ID},
        lambda api: {"projects": [one_project(api)["project"]]},
    ),
    "create": ModuleCall(
        "POST",
        "/projects",
        "oec_project",
        {"name": NAME, "server": SERVER_ID, "git_repo_url": PRIVATE_REPO},
        one_project,
        201,
        before=None,
    ),
    "update": ModuleCall(
        "PATCH",
        "/projects/.+",
        "oec_project",
        {"name": NAME, "default_branch": BRANCH},
        one_project,
        after={"default_branch": BRANCH},
    ),
    "delete": ModuleCall(
        "DELETE", "/projects/.+", "oec_project", {"name": NAME, "state": "absent"}, one_project, 204, after=None
    ),
}
IN_PROJECT = {"project": NAME, "name": ENVIRONMENT, "wait_interval": POLL}
DEPLOY = {**IN_PROJECT, "since": START.isoformat()}
CREATED = {"before": None, "task": "deploy", "after": {"ram_mb": 4096}}
ENVIRONMENT_OPERATIONS = {
    "list environments": ModuleCall(
        "GET",
        "/projects/.+/environments",
        "oec_environment_info",
        {"project": [NAME]},
        lambda api: found_environments(api, "production", ENVIRONMENT),
        target=ENVIRONMENT,
    ),
    "get environment": ModuleCall(
        "GET",
        "/environments/[^/]+",
        "oec_environment_info",
        {"environment_id": THE_ID},
        lambda api: found_environments(api, ENVIRONMENT),
        target=ENVIRONMENT,
        like="get",
    ),
    "create environment": environment_call(
        "POST", "/projects/.+/environments", {**IN_PROJECT, "ram_mb": 4096}, status=201, like="create", **CREATED
    ),
    "status": environment_call("GET", "/environments/.+/status", {**IN_PROJECT, "ram_mb": 4096}, **CREATED),
    "update environment": environment_call(
        "PATCH", "/environments/.+", {**IN_PROJECT, "branch": BRANCH}, after={"branch": BRANCH}
    ),
    "delete environment": environment_call(
        "DELETE",
        "/environments/.+",
        {**IN_PROJECT, "state": "absent", "absent_backup_max_age": "0"},
        status=202,
        after=None,
        task="destroy",
    ),
    "start": environment_call(
        "POST",
        "/environments/.+/start",
        {**IN_PROJECT, "state": "started"},
        status=202,
        before={"status": "stopped"},
        task="start",
        like="action",
    ),
    "list deployments": environment_call(
        "GET", "/environments/.+/deployments", DEPLOY, one_deployment, task="deploy", done=False
    ),
    "deploy": environment_call(
        "POST", "/environments/.+/deploy", DEPLOY, one_deployment, status=202, task="deploy", like="action"
    ),
    "get task": environment_call(
        "GET", "/deployments/.+", DEPLOY, one_deployment, task="deploy", longest=WAIT_TIMEOUT + MAX_WAIT
    ),
    "log": ModuleCall(
        "GET",
        "/environments/.+/logs",
        "oec_log_info",
        {"project": NAME, "environment": ENVIRONMENT},
        the_log,
        target=ENVIRONMENT,
    ),
}


def backup_call(method: str, path: str, options: Fields, **more: Any) -> ModuleCall:
    """Return a call of oec_backup that needs a fresh backup."""
    given = {"max_age": "2h", "wait_interval": POLL, **options}
    return ModuleCall(method, path, "oec_backup", given, all_backups, target=ENVIRONMENT, **more)


def webhook_call(method: str, path: str, options: Fields | None = None, **more: Any) -> ModuleCall:
    return ModuleCall(
        method, path, "oec_webhook", {"url": HOOK, **(options or EVENTS)}, one_webhook, target=HOOK, **more
    )


ONE = {"project": NAME, "name": ENVIRONMENT}
THREE = {"environments": [{"project": f"Client {number:03}", "name": "production"} for number in (1, 2, 3)]}
BACKUP_OPERATIONS = {
    "list backups": ModuleCall(
        "GET",
        "/environments/.+/backups",
        "oec_backup_info",
        {"project": NAME, "environment": ENVIRONMENT},
        all_backups,
        target=ENVIRONMENT,
        backup=3 * HOUR,
    ),
    "find fresh backup": backup_call("GET", "/environments/.+/backups", ONE, backup=HOUR, like="list backups"),
    "take backup": backup_call("POST", "/environments/.+/backups", ONE, status=201, task="backup"),
    "take three": backup_call(
        "POST",
        "/environments/.+/backups",
        THREE,
        status=201,
        task="backup",
        count=3,
        like="take backup",
        longest=3 * MAX_WAIT,
    ),
    "watch backup": backup_call(
        "GET", "/deployments/.+", ONE, task="backup", longest=WAIT_TIMEOUT + MAX_WAIT, like="get task"
    ),
    "get backup": backup_call("GET", "/backups/.+", ONE, task="backup"),
    "restore": ModuleCall(
        "POST",
        "/backups/.+/restore",
        "oec_backup_restore",
        {"backup_id": THE_BACKUP, "confirm": ENVIRONMENT, "wait_interval": POLL},
        one_restore,
        status=202,
        target=ENVIRONMENT,
        task="restore",
        again=True,
        backup=HOUR,
    ),
}
WEBHOOK_OPERATIONS = {
    "list webhooks": ModuleCall(
        "GET", "/webhooks", "oec_webhook_info", {}, lambda api: {"webhooks": found_webhooks(api)}, target=HOOK
    ),
    "create webhook": webhook_call("POST", "/webhooks", status=201, before=None, after=EVENTS, like="create"),
    "update webhook": webhook_call("PATCH", "/webhooks/.+", OTHER_EVENTS, after=OTHER_EVENTS),
    "delete webhook": webhook_call(
        "DELETE", "/webhooks/.+", {"state": "absent"}, status=204, after=None, like="delete"
    ),
    "organization": ModuleCall(
        "GET",
        "/org",
        "oec_organization_info",
        {},
        lambda api: {"remaining": {"environments": 17, "cpu_cores": 29, "ram_mb": 59392, "disk_gb": 770}},
    ),
}


def estate_call(path: str, count: int, **more: Any) -> ModuleCall:
    """Return a call of oec_projects that creates two projects with three environments."""
    projects = [
        {"name": name, "server": SERVER_ID, "environments": [{"name": each, "branch": BRANCH} for each in names]}
        for name, names in ESTATE.items()
    ]
    created = {**CREATED, "after": {"branch": BRANCH}, "status": 201, "like": "create", "longest": count * MAX_WAIT}
    options = {"projects": projects, "wait": False}
    return ModuleCall(
        "POST", path, "oec_projects", options, the_estate, target=ALL_OF_IT, count=count, **created, **more
    )


ESTATE_OPERATIONS = {
    "create projects": estate_call("/projects", 2, done=False),
    "create environments": estate_call("/projects/.+/environments", 3),
}
# By the markers of the page.
TABLES = {
    "fault table": PROJECT_OPERATIONS,
    "environment fault table": ENVIRONMENT_OPERATIONS,
    "backup fault table": BACKUP_OPERATIONS,
    "webhook fault table": WEBHOOK_OPERATIONS,
    "estate fault table": ESTATE_OPERATIONS,
}
OPERATIONS = {name: operation for table in TABLES.values() for name, operation in table.items()}


@dataclass(frozen=True)
class FaultCase:
    """A fault, whether the API does the work in spite of it, how the runs end, and `error` of a failed run."""

    title: str
    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    work_done: bool = False
    ends: Ends = TRANSIENT
    exceptions: Mapping[str, Ends] = field(default_factory=dict)  # the operations that end otherwise
    errors: Mapping[str, tuple[int, str]] = field(default_factory=dict)  # and with another error
    status: int | None = None
    code: str = "no_response"
    is_late: bool = False

    def ends_of(self, operation: str) -> Ends:
        like = OPERATIONS[operation].like
        return self.exceptions.get(operation, self.exceptions.get(like, self.ends))

    def error_of(self, operation: str, error: tuple[int | None, str]) -> tuple[int | None, str]:
        like = OPERATIONS[operation].like
        if operation == "restore" and self.is_unclear:
            return error[0], "no_response"
        return self.errors.get(operation, self.errors.get(like, error))

    @property
    def is_unclear(self) -> bool:
        """Whether the work may be done although no response says so; what was over the limit is certainly not done."""
        return self.kind == "in_flight" or (self.ends == TRANSIENT and self.kind != "rate_limit")


# Of a backup it is not known whether it was begun.
UNKEYED = {"take backup": UNREPEATED}


def status(number: int, code: str, ends: Ends = TRANSIENT, **exceptions: Ends) -> FaultCase:
    exceptions = {**(UNKEYED if ends == TRANSIENT else {}), **exceptions}
    return FaultCase(
        f"{number} {code}", "status", {"status": number}, False, ends, exceptions, status=number, code=code
    )


def rejected(number: int, code: str, **exceptions: Ends) -> FaultCase:
    return status(number, code, FINAL, **{"create": RETRIED, **exceptions})


def conflict(code: str, ends: Ends) -> FaultCase:
    """Return a conflict that the run waits for where it changes an environment."""
    changes = ("update environment", "delete environment", "action", "restore")
    exceptions = {**dict.fromkeys(changes, ends), "take backup": BUSY}
    return FaultCase(
        f"409 {code}", code, ends=FINAL, exceptions={"create": RETRIED, **exceptions}, status=409, code=code
    )


def limited(title: str, style: str) -> FaultCase:
    parameters = {"style": style, "retry_after": 30}
    exceptions = {"get task": (RIGHT, RIGHT, TIMED_OUT)}  # the task goes on, and is watched through the limit
    return FaultCase(title, "rate_limit", parameters, exceptions=exceptions, status=429, code="rate_limit_exceeded")


def after_the_work(
    title: str, kind: str, parameters: Mapping[str, Any] | None = None, backup: Ends = HARMLESS, **more: Any
) -> FaultCase:
    """The response is lost: a create is found in the list even where all of its responses are."""
    exceptions = {"create": HARMLESS, "action": HARMLESS, "take backup": backup}
    return FaultCase(title, kind, parameters or {}, work_done=True, exceptions=exceptions, **more)


def paged(title: str, kind: str, ends: Ends) -> FaultCase:
    lists = dict.fromkeys(("list projects", "list servers", "list deployments"), ends)
    return FaultCase(title, kind, work_done=True, ends=HARMLESS, exceptions=lists, code="invalid_response")


LATE = {"seconds": 0.175}  # while the fourth of six attempts, of 0.05 s each, is in progress
LATER = {"seconds": 0.5}  # after the only attempt, and all that is read to find what it has led to
LOGIN_PAGE = {"status": 200, "text": "<html>Please log in</html>"}

FAULTS = [
    FaultCase("connection cut before the work", "cut_before", exceptions=UNKEYED),
    after_the_work("connection cut after the work", "cut_after"),
    after_the_work("connection cut midway through the response", "cut_midway"),
    FaultCase(
        "response truncated",
        "truncate",
        work_done=True,
        exceptions={
            "create": HARMLESS,
            "delete": HARMLESS,  # a 204 has no body to lose
            "action": HARMLESS,
            "take backup": HARMLESS,
            "delete environment": (RIGHT, REJECTED, REJECTED),  # the next response is a 409, truncated too
        },
        errors={"delete environment": (409, "rejected")},
        status=OWN_STATUS,
    ),
    after_the_work("response too late, work done late", "delay", LATE, backup=UNREPEATED, is_late=True),
    after_the_work("response too late, work done at once", "delay_after", LATE, is_late=True),
    FaultCase("502, a proxy's page", "html", exceptions=UNKEYED, status=502),
    after_the_work("502, a proxy's page, after the work", "html", {"after": True}, status=502),
    FaultCase(
        "404, a proxy's page",
        "html",
        {"status": 404},
        False,
        FINAL,
        {"create": RETRIED},
        status=404,
        code="rejected",
    ),
    FaultCase("200, a login page", "status", LOGIN_PAGE, exceptions=UNKEYED, status=200),
    status(500, "internal_server_error"),
    after_the_work(
        "500 after the work", "status", {"status": 500, "after": True}, status=500, code="internal_server_error"
    ),
    status(503, "service_unavailable"),
    status(504, "gateway_timeout"),
    rejected(400, "bad_request"),
    rejected(401, "unauthorized", create=FINAL),
    rejected(402, "subscription_blocked"),
    rejected(403, "forbidden"),
    rejected(
        404,
        "not_found",
        **{
            "get": BELIEVED,
            "delete": BELIEVED,
            "list environments": BELIEVED,
            "delete environment": (WRONG_STATE, WRONG_STATE, WRONG_STATE),  # it is still there
            "get task": (RIGHT, GONE, GONE),
            "watch backup": HARMLESS,  # the backup says how it ends
            "get backup": BELIEVED,
        },
    ),
    rejected(409, "conflict"),
    FaultCase(
        "409 idempotency_in_progress",
        "in_flight",
        ends=FINAL,
        exceptions=dict.fromkeys(("create", "action", "restore"), TRANSIENT),
        status=409,
        code="idempotency_in_progress",
    ),
    FaultCase(
        "422, echoing key and body", "echo", {}, False, FINAL, {"create": RETRIED}, status=422, code="validation"
    ),
    limited("429, wait in header and body", "header"),
    limited("429, wait in the body", "body"),
    limited("429, wait in a nested body", "nested"),
    limited("429, no wait given", "none"),
    conflict("task_in_progress", BUSY),
    conflict("concurrent_action", TRANSIENT),
    FaultCase("503 enqueue_failed", "enqueue_failed", exceptions=UNKEYED, status=503, code="enqueue_failed"),
    after_the_work(
        "503 enqueue_failed, after the work", "enqueue_failed", {"after": True}, status=503, code="enqueue_failed"
    ),
    FaultCase("429 ip_blocked", "ip_blocked", ends=FINAL, status=429, code="ip_blocked"),
    FaultCase("307 to another host", "redirect", ends=FINAL, status=307, code="redirected"),
    FaultCase(
        "an object that the API does not describe",
        "replace",
        {"body": {"data": None}},
        work_done=True,
        ends=MALFORMED,
        exceptions={
            **dict.fromkeys(("delete", "delete environment", "status", "take backup"), HARMLESS),
            "restore": UNREPEATED,
        },
        errors={"restore": (None, "no_response")},
        code="invalid_response",
    ),
    paged("a cursor that leads back", "cursor_loop", LOOPING),
    paged("more pages, but no cursor", "missing_cursor", MALFORMED),
    # All fits on one page: the second time, the last item leads to itself, and the third time back to the start.
    paged("an item on two pages", "repeat_item", LOOPING),
    FaultCase("no Date", "drop_header", work_done=True, ends=HARMLESS),
]

completed: dict[str, dict[str, list[str]]] = {}


class Trial:
    """One cell: what exists, the run of one operation, and the judgement of it."""

    def __init__(self, emulator: Emulator, run_module: Callable[..., Result], operation: ModuleCall) -> None:
        self.emulator = emulator
        self.run_module = run_module
        self.operation = operation
        emulator.reset()
        emulator.clock.freeze(START)
        # Each is over when the run looks for the first time, and no deployment before its request is given up.
        emulator.settings.deploy_seconds, emulator.settings.destroy_seconds = 25, 2
        emulator.fill(3, environments=["production"])
        before, is_project = operation.before, operation.concerns({"name": NAME})
        if not is_project or before is not None:
            project = emulator.add_project(NAME)["id"]
        if operation.target == ENVIRONMENT:
            emulator.add_environment(project)
            if before is not None:
                target = emulator.add_environment(project, ENVIRONMENT)
                emulator.start_task(target["id"], "restart", seconds=0)
                emulator.clock.advance(2)
                emulator.edit_environment(target["id"], **before)
                if operation.backup is not None:
                    emulator.add_backup(target["id"], operation.backup)
        if operation.target == HOOK and before is not None:
            emulator.add_webhook(HOOK, **{**EVENTS, **before})
        self.runs = 0
        self.others = self.find_others()
        ids = {THE_ID: self.named, THE_BACKUP: emulator.backups()}
        self.options = {
            name: ids[value][0]["id"] if value in (THE_ID, THE_BACKUP) else value
            for name, value in operation.options.items()
        }

    @property
    def objects(self) -> list[dict[str, Any]]:
        webhooks = [{**each, "name": each["url"]} for each in self.emulator.webhooks()]
        return [*self.emulator.projects(), *self.emulator.environments(), *webhooks]

    @property
    def named(self) -> list[dict[str, Any]]:
        return [each for each in self.objects if self.operation.concerns(each)]

    def find_others(self) -> list[Any]:
        """Return the objects that the operation must leave as they are, but for what depends on its tasks."""
        others = [each for each in self.objects if not self.operation.concerns(each)]
        return [{**each, "environment_count": None, "updated_at": None} for each in others]

    def run(self) -> Result:
        self.runs += 1
        result = self.run_module(self.operation.module, api_max_wait=MAX_WAIT, **self.options)
        if not result.get("failed") and "backups" in result:
            # A row of oec_backup contains a backup, one of oec_backup_info is a backup.
            result["backups"] = by_environment(row.get("backup", row) for row in result["backups"])
        if not result.get("failed") and self.operation.target == ALL_OF_IT:
            environments = [each["environment"] for entry in result["projects"] for each in entry["environments"]]
            of_estate = [*(entry["project"] for entry in result["projects"]), *environments]
            result["objects"] = sorted((each["id"], each.get("branch")) for each in of_estate)
        # What is said of the one deployment is also a part of the result, as that of an environment is.
        return {**next(iter(result.get("deployments", ())), {}), **result}

    def ending(self, result: Result) -> str:
        """Return how the run ended: by its code, and by how often it has sent the request."""
        if result.get("failed"):
            error = result["error"]
            if error["status"] is None and error["code"] in OWN_ENDS:
                return OWN_ENDS[error["code"]]
            sent = self.emulator.log.requests(self.operation.method, self.operation.path)
            if len(sent) > RETRIES * self.operation.count:
                return GAVE_UP
            is_usable = error["status"] is not None and 300 <= error["status"] < 500
            return REJECTED if is_usable or self.operation.method != "POST" else NOT_REPEATED
        if self.is_right(result, changed=not self.operation.is_read):
            return RIGHT
        existed = self.operation.method in ("GET", "DELETE") and len(self.named) == 1
        kinds = ("project", "environment", "webhook")
        found = [result[name] for kind in kinds for name in (f"{kind}s", kind) if name in result]
        return GONE if existed and found and not any(found) else f"wrong: {result}"

    def is_right(self, result: Result, changed: bool) -> bool:
        """Whether the API now holds the desired state, and the result says so."""
        expected = {"changed": changed, **self.operation.returns(self.emulator)}
        return self.is_done() and {name: result.get(name) for name in expected} == expected

    def is_done(self) -> bool:
        """Whether the API holds the desired state. It never has an object or task twice, or another object changed."""
        named, after, kind = self.named, self.operation.after, self.operation.task
        complete = 5 if self.operation.target == ALL_OF_IT else 1
        keys = Counter((each.get("project_id"), each["name"]) for each in named)
        assert len(keys) <= complete
        assert max(keys.values(), default=1) == 1
        assert self.find_others() == self.others
        tasks = self.emulator.tasks(type=kind) if kind else []
        counts = Counter(task["environment_id"] for task in tasks)
        assert max(counts.values(), default=0) <= (self.runs if self.operation.again else 1)
        if kind and len(counts) < self.operation.count:
            return False
        if after is None:
            return not named or bool(tasks)
        changed = [each for each in named if after.keys() <= each.keys()]
        return len(named) == complete and changed != [] and all(after.items() <= each.items() for each in changed)


def wait_for_late_work(emulator: Emulator) -> None:
    """Wait until the emulator has responded to the requests that the client no longer waits for."""
    until = time.monotonic() + 5
    while any(entry.status is None for entry in emulator.log.requests()):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def shorten_timeouts(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let requests with a fault wait a twentieth of their timeout, and the simulated clock pass all of it."""
    send = requests.adapters.HTTPAdapter.send

    def send_hurried(adapter: Any, request: Any, *, timeout: tuple[float, float], **more: Any) -> Any:
        path = request.url.partition("?")[0].removeprefix(emulator.url)
        is_late = any(fault.matches(request.method, path) for fault in emulator.faults)
        if path.endswith("/restore") and not is_late:
            # Nothing but its own response says that it was started, and the pauses take no time here.
            wait_for_late_work(emulator)
        try:
            return send(
                adapter, request, timeout=tuple(part / 20 if is_late else part * 10 for part in timeout), **more
            )
        except requests.exceptions.Timeout:
            emulator.clock.advance(timeout[1])
            raise

    return lambda: monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_hurried)


@pytest.mark.parametrize("operations", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case.title)
def test_a_fault_ends_as_the_table_says(
    case: FaultCase,
    operations: Mapping[str, ModuleCall],
    emulator: Emulator,
    run_module: Callable[..., Result],
    shorten_timeouts: Callable[[], None],
    record: Callable[..., None],
) -> None:
    if case.is_late:
        shorten_timeouts()
    for name, operation in operations.items():
        ends = [try_one(case, name, duration, Trial(emulator, run_module, operation)) for duration in TIMES]
        assert tuple(ends) == case.ends_of(name), name
        completed.setdefault(case.title, {})[name] = ends
        record("Faults of the table", len(ends))


def try_one(case: FaultCase, name: str, duration: str, trial: Trial) -> str:
    """Return how the run ended; however that was, the next run without the fault corrects it."""
    emulator, operation, cell = trial.emulator, trial.operation, f"{case.title}, {name}, {duration}"
    if case.is_late:
        trial.options["api_timeout"] = 1
    is_single = "take backup" in (name, operation.like)
    parameters = LATER if is_single and case.kind == "delay" else case.parameters
    emulator.faults.add(case.kind, operation.method, operation.path, times=TIMES[duration], **parameters)
    started = emulator.clock.now()
    result = trial.run()
    allowed = operation.longest + (POLL if operation.task else 0)
    assert (emulator.clock.now() - started).total_seconds() <= allowed
    secrets = [emulator.keys.full, REPO_SECRET, HOOK_SECRET, *(each["secret"] for each in emulator.webhooks())]
    assert [secret for secret in secrets if secret in json.dumps({**result, "secret": None})] == [], cell
    if case.is_late and operation.method != "GET":
        wait_for_late_work(emulator)

    end = trial.ending(result)
    if result.get("failed"):
        error, status = result["error"], operation.status if case.status == OWN_STATUS else case.status
        if end not in OWN_ENDS.values():
            assert (error["status"], error["code"]) == case.error_of(name, (status, case.code)), cell
        assert set(error) == {"status", "code", "message", "details"}, cell
        assert trial.is_done() is (operation.done and (operation.method == "GET" or case.work_done)), cell

    was_done = trial.is_done() and not operation.again
    emulator.faults.clear()
    emulator.clock.advance(60)  # the next run has the whole rate limit
    again = trial.run()
    assert not again.get("failed"), (cell, again)
    assert trial.is_right(again, changed=not was_done), (cell, again)
    return end


def test_the_page_has_this_table(page: Path) -> None:
    if [len(ends) for ends in completed.values()] != [len(OPERATIONS)] * len(FAULTS):
        pytest.skip("not every fault was run, or one of them failed")
    old = page.read_text(encoding="utf-8")
    new = old
    for marker, operations in TABLES.items():
        new = insert(rendered(operations), marker, new)
    if new != old:
        page.write_text(new, encoding="utf-8")
        pytest.fail(f"{page.name} had another table. It is rewritten now: review the difference, and commit it.")


def rendered(operations: Iterable[str]) -> str:
    names = list(operations)
    lines = [["fault", *names], ["---"] * (1 + len(names))]
    for title, ends in completed.items():
        cells = [ends[name][0] if len(set(ends[name])) == 1 else " · ".join(ends[name]) for name in names]
        lines.append([title, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def test_safety_adds_no_request_to_the_normal_path(emulator: Emulator, run_module: Callable[..., Result]) -> None:
    def sent(**options: Any) -> list[str]:
        emulator.log.clear()
        assert not run_module("oec_project", name=NAME, server=SERVER_ID, diff=False, **options).get("failed")
        return [f"{entry.method} {entry.path}" for entry in emulator.log.requests()]

    assert sent() == ["GET /projects", "POST /projects"]
    (project,) = emulator.projects()
    path = f"/projects/{project['id']}"
    assert sent() == ["GET /projects"]
    assert sent(default_branch=BRANCH) == ["GET /projects", f"PATCH {path}"]
    assert sent(project_id=project["id"]) == [f"GET {path}"]
    assert sent(state="absent") == ["GET /projects", f"GET {path}/environments", f"DELETE {path}"]
    assert sent(state="absent") == ["GET /projects"]
