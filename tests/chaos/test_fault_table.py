# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault with every operation: once, three times and always. FAULTS is the table of docs/reliability.md."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
GONE = "gone"

# How long a fault lasts, and how the run then ends: once, three times, always.
TIMES = {"once": 1, "three times": 3, "always": None}
Ends = tuple[str, str, str]
HARMLESS: Ends = (RIGHT, RIGHT, RIGHT)
TRANSIENT: Ends = (RIGHT, RIGHT, GAVE_UP)  # five retries outlast three faults
FINAL: Ends = (REJECTED, REJECTED, REJECTED)
RETRIED: Ends = (RIGHT, REJECTED, REJECTED)  # a rejected create may be a stored response: it is retried once
MALFORMED: Ends = (INVALID, INVALID, INVALID)
LOOPING: Ends = (RIGHT, INVALID, INVALID)
BELIEVED: Ends = (GONE, GONE, GONE)

RETRIES, MAX_WAIT = 5, 600  # the defaults of api_retries and api_max_wait
OWN_STATUS = -1  # the status of the operation without a fault

NAME = "Client ERP"
BRANCH = "release/17.0"
REPO_SECRET = PRIVATE_REPO.partition("@")[0].rpartition(":")[2]


@dataclass(frozen=True)
class ModuleCall:
    """A module with options for which it sends one request of a kind, and the status of that without a fault."""

    method: str
    path: str
    module: str
    options: Mapping[str, Any]
    status: int = 200


OPERATIONS = {
    "list projects": ModuleCall("GET", "/projects", "oec_project_info", {}),
    "list servers": ModuleCall("GET", "/servers", "oec_server_info", {}),
    "get": ModuleCall("GET", "/projects/.+", "oec_project_info", {"project_id": "the id"}),
    "create": ModuleCall(
        "POST", "/projects", "oec_project", {"name": NAME, "server": SERVER_ID, "git_repo_url": PRIVATE_REPO}, 201
    ),
    "update": ModuleCall("PATCH", "/projects/.+", "oec_project", {"name": NAME, "default_branch": BRANCH}),
    "delete": ModuleCall("DELETE", "/projects/.+", "oec_project", {"name": NAME, "state": "absent"}, 204),
}


@dataclass(frozen=True)
class FaultCase:
    """A fault, whether the API does the work in spite of it, how the runs end, and `error` of a failed run."""

    title: str
    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    work_done: bool = False
    ends: Ends = TRANSIENT
    exceptions: Mapping[str, Ends] = field(default_factory=dict)  # the operations that end otherwise
    status: int | None = None
    code: str = "no_response"
    is_late: bool = False

    def ends_of(self, operation: str) -> Ends:
        return self.exceptions.get(operation, self.ends)


def status(number: int, code: str, ends: Ends = TRANSIENT, **exceptions: Ends) -> FaultCase:
    return FaultCase(f"{number} {code}", "status", {"status": number}, False, ends, exceptions, number, code)


def rejected(number: int, code: str, **exceptions: Ends) -> FaultCase:
    return status(number, code, FINAL, **{"create": RETRIED, **exceptions})


def limited(title: str, style: str) -> FaultCase:
    return FaultCase(title, "rate_limit", {"style": style, "retry_after": 30}, status=429, code="rate_limit_exceeded")


def after_the_work(title: str, kind: str, parameters: Mapping[str, Any] | None = None, **more: Any) -> FaultCase:
    """The response is lost: a create is found in the list even where all of its responses are."""
    return FaultCase(title, kind, parameters or {}, work_done=True, exceptions={"create": HARMLESS}, **more)


def paged(title: str, kind: str, ends: Ends) -> FaultCase:
    lists = {"list projects": ends, "list servers": ends}
    return FaultCase(title, kind, work_done=True, ends=HARMLESS, exceptions=lists, code="invalid_response")


LATE = {"seconds": 0.35}  # while the fourth of six attempts, of 0.1 s each, is in progress
LOGIN_PAGE = {"status": 200, "text": "<html>Please log in</html>"}

FAULTS = [
    FaultCase("connection cut before the work", "cut_before"),
    after_the_work("connection cut after the work", "cut_after"),
    after_the_work("connection cut midway through the response", "cut_midway"),
    FaultCase(
        "response truncated",
        "truncate",
        work_done=True,
        exceptions={"create": HARMLESS, "delete": HARMLESS},  # a 204 has no body to lose
        status=OWN_STATUS,
    ),
    after_the_work("response too late, work done late", "delay", LATE, is_late=True),
    after_the_work("response too late, work done at once", "delay_after", LATE, is_late=True),
    FaultCase("502, a proxy's page", "html", status=502),
    after_the_work("502, a proxy's page, after the work", "html", {"after": True}, status=502),
    FaultCase(
        "404, a proxy's page", "html", {"status": 404}, False, FINAL, {"create": RETRIED}, status=404, code="rejected"
    ),
    FaultCase("200, a login page", "status", LOGIN_PAGE, status=200),
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
    rejected(404, "not_found", get=BELIEVED, delete=BELIEVED),
    rejected(409, "conflict"),
    FaultCase(
        "409 idempotency_in_progress",
        "in_flight",
        ends=FINAL,
        exceptions={"create": TRANSIENT},
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
    FaultCase("429 ip_blocked", "ip_blocked", ends=FINAL, status=429, code="ip_blocked"),
    FaultCase("307 to another host", "redirect", ends=FINAL, status=307, code="redirected"),
    FaultCase(
        "an object that the API does not describe",
        "replace",
        {"body": {"data": None}},
        work_done=True,
        ends=MALFORMED,
        exceptions={"delete": HARMLESS},
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
    """One cell: the projects, the run of one operation, and the judgement of it."""

    def __init__(self, emulator: Emulator, run_module: Callable[..., Result], operation: ModuleCall) -> None:
        self.emulator = emulator
        self.run_module = run_module
        self.operation = operation
        emulator.reset()
        emulator.clock.freeze()
        emulator.fill(3)
        self.others = emulator.projects()
        self.options = dict(operation.options)
        if operation.method != "POST":
            emulator.add_project(NAME)
        if "project_id" in self.options:
            self.options["project_id"] = self.named[0]["id"]

    @property
    def named(self) -> list[dict[str, Any]]:
        return [project for project in self.emulator.projects() if project["name"] == NAME]

    def run(self) -> Result:
        return self.run_module(self.operation.module, api_max_wait=MAX_WAIT, **self.options)

    def ending(self, result: Result) -> str:
        """Return how the run ended: by its code, and by how often it has sent the request."""
        if result.get("failed"):
            if result["error"]["code"] == "invalid_response":
                return INVALID
            sent = self.emulator.log.requests(self.operation.method, self.operation.path)
            return GAVE_UP if len(sent) > RETRIES else REJECTED
        if self.is_right(result):
            return RIGHT
        existed = self.operation.method in ("GET", "DELETE") and len(self.named) == 1
        return GONE if existed and not (result.get("projects") or result.get("project")) else f"wrong: {result}"

    def is_right(self, result: Result, changed: bool = True) -> bool:
        """Whether the API now holds the desired state, and the result says so."""
        if self.operation.path == "/servers":
            assert {server["id"] for server in self.emulator.servers()} == {found["id"] for found in result["servers"]}
            return result["changed"] is False
        if self.operation.method == "GET":
            existing = self.named if "project_id" in self.options else self.emulator.projects()
            return bool(result["projects"] == existing and not result["changed"])
        if self.operation.method == "DELETE":
            return bool(not self.named and result["project"] is None and result["changed"] is changed)
        (stored,) = self.named
        returned = {**stored, "git_repo_url": stored["git_repo_url"] and REDACTED_REPO}
        return bool(self.is_done() and result["project"] == returned and result["changed"] is changed)

    def is_done(self) -> bool:
        """Whether the API holds the desired state. It never holds the project twice, or another one changed."""
        named = self.named
        assert len(named) <= 1
        assert [project for project in self.emulator.projects() if project not in named] == self.others
        if self.operation.method == "DELETE":
            return not named
        return len(named) == 1 and (self.operation.method != "PATCH" or named[0]["default_branch"] == BRANCH)

    def wait_for_late_work(self) -> None:
        """Wait until the emulator has responded to the requests that the client no longer waits for."""
        until = time.monotonic() + 5
        while any(entry.status is None for entry in self.emulator.log.requests()):
            assert time.monotonic() < until
            time.sleep(0.01)


@pytest.fixture
def shorten_timeouts(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let requests wait a tenth of their timeout, and the simulated clock pass all of it."""
    send = requests.adapters.HTTPAdapter.send

    def send_hurried(adapter: Any, request: Any, *, timeout: tuple[float, float], **more: Any) -> Any:
        try:
            return send(adapter, request, timeout=tuple(part / 10 for part in timeout), **more)
        except requests.exceptions.Timeout:
            emulator.clock.advance(timeout[1])
            raise

    return lambda: monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_hurried)


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case.title)
def test_a_fault_ends_as_the_table_says(
    case: FaultCase,
    emulator: Emulator,
    run_module: Callable[..., Result],
    shorten_timeouts: Callable[[], None],
    record: Callable[..., None],
) -> None:
    if case.is_late:
        shorten_timeouts()
    for name, operation in OPERATIONS.items():
        ends = [try_one(case, name, duration, Trial(emulator, run_module, operation)) for duration in TIMES]
        assert tuple(ends) == case.ends_of(name), name
        completed.setdefault(case.title, {})[name] = ends
        record("Faults of the table", len(ends))


def try_one(case: FaultCase, name: str, duration: str, trial: Trial) -> str:
    """Return how the run ended; however that was, the next run without the fault corrects it."""
    emulator, operation, cell = trial.emulator, trial.operation, f"{case.title}, {name}, {duration}"
    if case.is_late:
        trial.options["api_timeout"] = 1
    emulator.faults.add(case.kind, operation.method, operation.path, times=TIMES[duration], **case.parameters)
    started = emulator.clock.now()
    result = trial.run()
    assert (emulator.clock.now() - started).total_seconds() <= MAX_WAIT
    assert emulator.keys.full not in json.dumps(result)
    assert REPO_SECRET not in json.dumps(result)
    if case.is_late and operation.method != "GET":
        trial.wait_for_late_work()

    end = trial.ending(result)
    if result.get("failed"):
        status, error = operation.status if case.status == OWN_STATUS else case.status, result["error"]
        assert (error["status"], error["code"]) == (status, case.code), cell
        assert set(error) == {"status", "code", "message", "details"}, cell
        assert trial.is_done() is (case.work_done or operation.method == "GET"), cell

    was_done = trial.is_done()
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
    new = insert(rendered(), "fault table", old)
    if new != old:
        page.write_text(new, encoding="utf-8")
        pytest.fail(f"{page.name} had another table. It is rewritten now: review the difference, and commit it.")


def rendered() -> str:
    lines = [["fault", *OPERATIONS], ["---"] * (1 + len(OPERATIONS))]
    for title, ends in completed.items():
        cells = [found[0] if len(set(found)) == 1 else " · ".join(found) for found in ends.values()]
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
    assert sent(state="absent") == ["GET /projects", f"DELETE {path}"]
    assert sent(state="absent") == ["GET /projects"]
