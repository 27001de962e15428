# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault, with every operation, once, three times and for ever. FAULTS is the table of docs/reliability.md."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.oecsh.cloud.tests.chaos.conftest import PAGE
from ansible_collections.oecsh.cloud.tests.emulator import Emulator

Result = dict[str, Any]

# How a run can end.
RIGHT = "right"
GAVE_UP = "gave up"
REFUSED = "refused"
STRANGE = "strange"
GONE = "gone"

# How long a fault lasts, and what then becomes of the run: once, three times, for ever.
TIMES = {"once": 1, "three times": 3, "for ever": None}
Ends = tuple[str, str, str]
HARMLESS: Ends = (RIGHT, RIGHT, RIGHT)
PASSING: Ends = (RIGHT, RIGHT, GAVE_UP)  # five repeats outlast three faults
FINAL: Ends = (REFUSED, REFUSED, REFUSED)
ASKED_TWICE: Ends = (RIGHT, REFUSED, REFUSED)  # a refused create may be a stored answer: it is asked for once more
BEYOND: Ends = (STRANGE, STRANGE, STRANGE)
LOOPING: Ends = (RIGHT, STRANGE, STRANGE)
BELIEVED: Ends = (GONE, GONE, GONE)

MAX_WAIT = 600  # the default of api_max_wait
OWN_STATUS = -1  # the status that the operation has when all is well

NAME = "Client ERP"
SERVER_ID = "8e4f2a1c-1234-5678-abcd-ef0123456789"
BRANCH = "release/17.0"
REPO_SECRET = "hunter2-in-the-url"
REPO = f"https://deploy:{REPO_SECRET}@git.example.org/client-erp"


@dataclass(frozen=True)
class Operation:
    """What a user runs to have one request sent, and how that request ends when all is well."""

    method: str
    path: str
    module: str
    options: Mapping[str, Any]
    status: int = 200


OPERATIONS = {
    "list projects": Operation("GET", "/projects", "oec_project_info", {}),
    "list servers": Operation("GET", "/servers", "oec_server_info", {}),
    "get": Operation("GET", "/projects/.+", "oec_project_info", {"project_id": "the id"}),
    "create": Operation(
        "POST", "/projects", "oec_project", {"name": NAME, "server": SERVER_ID, "git_repo_url": REPO}, 201
    ),
    "update": Operation("PATCH", "/projects/.+", "oec_project", {"name": NAME, "default_branch": BRANCH}),
    "delete": Operation("DELETE", "/projects/.+", "oec_project", {"name": NAME, "state": "absent"}, 204),
}


@dataclass(frozen=True)
class Row:
    """A fault, whether the API did the work all the same, how the runs end, and what `error` then says."""

    title: str
    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    works: bool = False
    ends: Ends = PASSING
    apart: Mapping[str, Ends] = field(default_factory=dict)  # the operations that end otherwise
    status: int | None = None
    code: str | None = None
    is_late: bool = False

    def ends_of(self, operation: str) -> Ends:
        return self.apart.get(operation, self.ends)


def status(number: int, code: str, ends: Ends, **apart: Ends) -> Row:
    return Row(f"{number} {code}", "status", {"status": number}, ends=ends, apart=apart, status=number, code=code)


def refused(number: int, code: str, **apart: Ends) -> Row:
    return status(number, code, FINAL, **{"create": ASKED_TWICE, **apart})


def limited(title: str, style: str) -> Row:
    parameters = {"style": style, "retry_after": 30}
    return Row(title, "rate_limit", parameters, status=429, code="rate_limit_exceeded")


def paged(title: str, kind: str, ends: Ends) -> Row:
    return Row(title, kind, works=True, ends=HARMLESS, apart={"list projects": ends, "list servers": ends})


# Where the work is done and the answer is lost for ever, a create ends well: the project is found in the list.
FOUND = {"create": HARMLESS}
LATE = {"seconds": 0.35}  # when the fourth of six tries, of 0.1 s each, is under way
PORTAL = {"status": 200, "text": "<html>Please log in</html>"}

FAULTS = [
    Row("connection cut before the work", "cut_before"),
    Row("connection cut after the work", "cut_after", works=True, apart=FOUND),
    Row("connection cut midway through the answer", "cut_midway", works=True, apart=FOUND),
    Row(
        "answer truncated", "truncate", works=True, apart={**FOUND, "delete": HARMLESS}, status=OWN_STATUS
    ),  # a 204 has no body to lose
    Row("answer too late, work done late", "delay", LATE, works=True, apart=FOUND, is_late=True),
    Row("answer too late, work done at once", "delay_after", LATE, works=True, apart=FOUND, is_late=True),
    Row("502, a proxy's page", "html", status=502),
    Row("502, a proxy's page, after the work", "html", {"after": True}, works=True, apart=FOUND, status=502),
    Row("404, a proxy's page", "html", {"status": 404}, ends=FINAL, apart={"create": ASKED_TWICE}, status=404),
    Row("200, a portal's page", "status", PORTAL, status=200),
    status(500, "internal_server_error", PASSING),
    Row(
        "500 after the work",
        "status",
        {"status": 500, "after": True},
        works=True,
        apart=FOUND,
        status=500,
        code="internal_server_error",
    ),
    status(503, "service_unavailable", PASSING),
    status(504, "gateway_timeout", PASSING),
    refused(400, "bad_request"),
    refused(401, "unauthorized", create=FINAL),
    refused(402, "payment_required"),
    refused(403, "forbidden"),
    refused(404, "not_found", get=BELIEVED, delete=BELIEVED),
    refused(409, "conflict"),
    Row(
        "409 idempotency_in_progress",
        "in_flight",
        ends=FINAL,
        apart={"create": PASSING},
        status=409,
        code="idempotency_in_progress",
    ),
    Row("422, echoing key and body", "echo", ends=FINAL, apart={"create": ASKED_TWICE}, status=422, code="validation"),
    limited("429, wait in header and body", "header"),
    limited("429, wait in the body", "body"),
    limited("429, no wait given", "none"),
    Row("429 ip_blocked", "ip_blocked", ends=FINAL, status=429, code="ip_blocked"),
    Row("307 to another host", "redirect", ends=FINAL, status=307),
    Row(
        "an object that is none of the API's",
        "replace",
        {"body": {"data": None}},
        works=True,
        ends=BEYOND,
        apart={"delete": HARMLESS},
    ),
    paged("a cursor that leads back", "cursor_loop", LOOPING),
    paged("more pages, but no cursor", "missing_cursor", BEYOND),
    # All fits on one page here: the second time, the last item has led to itself, and the third time back to the start.
    paged("an item on two pages", "repeat_item", LOOPING),
    Row("no Date", "drop_header", works=True, ends=HARMLESS),
]

seen: dict[str, dict[str, list[str]]] = {}


class Trial:
    """One cell: the estate, the run of one operation, and what it has to be judged by."""

    def __init__(self, emulator: Emulator, run_module: Callable[..., Result], operation: Operation) -> None:
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
        if result.get("failed"):
            words = {"got no usable answer": GAVE_UP, "was refused": REFUSED}
            return next((end for part, end in words.items() if part in result["msg"]), STRANGE)
        if self.is_right(result):
            return RIGHT
        was_there = self.operation.method in ("GET", "DELETE") and len(self.named) == 1
        return GONE if was_there and not (result.get("projects") or result.get("project")) else f"wrong: {result}"

    def is_right(self, result: Result, changed: bool = True) -> bool:
        """Whether the result is what the API now holds, and that is what was wanted."""
        if self.operation.path == "/servers":
            assert {server["id"] for server in self.emulator.servers()} == {found["id"] for found in result["servers"]}
            return result["changed"] is False
        if self.operation.method == "GET":
            there = self.named if "project_id" in self.options else self.emulator.projects()
            return bool(result["projects"] == there and not result["changed"])
        if self.operation.method == "DELETE":
            return bool(not self.named and result["project"] is None and result["changed"] is changed)
        (there_now,) = self.named
        shown = {
            **there_now,
            "git_repo_url": there_now["git_repo_url"] and REPO.replace(f"deploy:{REPO_SECRET}", "***"),
        }
        return bool(self.is_done() and result["project"] == shown and result["changed"] is changed)

    def is_done(self) -> bool:
        """Whether the API holds what was wanted. It never holds the project twice, nor another one changed."""
        named = self.named
        assert len(named) <= 1
        assert [project for project in self.emulator.projects() if project not in named] == self.others
        if self.operation.method == "DELETE":
            return not named
        return len(named) == 1 and (self.operation.method != "PATCH" or named[0]["default_branch"] == BRANCH)

    def settle(self) -> None:
        """Until the emulator has answered what nobody waits for any more."""
        until = time.monotonic() + 5
        while any(entry.status is None for entry in self.emulator.log.requests()):
            assert time.monotonic() < until
            time.sleep(0.01)


@pytest.fixture
def hurried(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes requests wait a tenth of the time for an answer, and the simulated clock tell the whole of it."""
    send = requests.adapters.HTTPAdapter.send

    def hurry(adapter: Any, request: Any, *, timeout: tuple[float, float], **more: Any) -> Any:
        try:
            return send(adapter, request, timeout=tuple(part / 10 for part in timeout), **more)
        except requests.exceptions.Timeout:
            emulator.clock.advance(timeout[1])
            raise

    return lambda: monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", hurry)


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.title)
def test_a_fault_ends_as_the_table_says(
    row: Row,
    emulator: Emulator,
    run_module: Callable[..., Result],
    hurried: Callable[[], None],
    record: Callable[..., None],
) -> None:
    if row.is_late:
        hurried()
    for name, operation in OPERATIONS.items():
        found = [try_one(row, name, duration, Trial(emulator, run_module, operation)) for duration in TIMES]
        assert tuple(found) == row.ends_of(name), name
        seen.setdefault(row.title, {})[name] = found
        record("faults of the table", len(found))


def try_one(row: Row, name: str, duration: str, trial: Trial) -> str:
    """How the run ended; and whatever happened, the next run without the fault makes it right."""
    emulator, operation = trial.emulator, trial.operation
    if row.is_late:
        trial.options["api_timeout"] = 1
    emulator.faults.add(row.kind, operation.method, operation.path, times=TIMES[duration], **row.parameters)
    started = emulator.clock.now()
    result = trial.run()
    assert (emulator.clock.now() - started).total_seconds() <= MAX_WAIT
    assert emulator.keys.full not in json.dumps(result)
    assert REPO_SECRET not in json.dumps(result)
    if row.is_late and operation.method != "GET":
        trial.settle()

    end, cell = trial.ending(result), f"{row.title}, {name}, {duration}"
    if result.get("failed"):
        status = {OWN_STATUS: operation.status}.get(row.status or 0, row.status)
        error = result["error"]
        assert end == STRANGE or (error["status"], error["code"]) == (status, row.code), cell
        assert set(error) == {"status", "code", "message", "details"}, cell
        assert trial.is_done() is (row.works or operation.method == "GET"), cell

    was_done = trial.is_done()
    emulator.faults.clear()
    emulator.clock.advance(60)  # what is left of the rate limit is not the matter here
    again = trial.run()
    assert not again.get("failed"), (cell, again)
    assert trial.is_right(again, changed=not was_done), (cell, again)
    return end


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> Path:
    return request.config.getoption("--page", default=PAGE)


def test_the_page_shows_this_table(page: Path) -> None:
    if [len(ends) for ends in seen.values()] != [len(OPERATIONS)] * len(FAULTS):
        pytest.skip("the table has not been run as a whole, or part of it failed")
    old = page.read_text(encoding="utf-8")
    before, begin, rest = old.partition("<!-- fault table -->\n")
    _shown, end, after = rest.partition("<!-- /fault table -->")
    new = "".join([before, begin, rendered(), end, after])
    if new != old:
        page.write_text(new, encoding="utf-8")
        pytest.fail(f"{page.name} showed another table. It is rewritten now: look at the difference, and commit it.")


def rendered() -> str:
    lines = [["fault", *OPERATIONS], ["---"] * (1 + len(OPERATIONS))]
    for title, ends in seen.items():
        cells = [found[0] if len(set(found)) == 1 else " · ".join(found) for found in ends.values()]
        lines.append([title, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def test_the_safety_adds_no_request_to_the_ordinary_path(emulator: Emulator, run_module: Callable[..., Result]) -> None:
    def sent(**options: Any) -> list[str]:
        emulator.log.clear()
        assert not run_module("oec_project", name=NAME, server=SERVER_ID, **options).get("failed")
        return [f"{entry.method} {entry.path}" for entry in emulator.log.requests()]

    assert sent() == ["GET /projects", "POST /projects"]
    (project,) = emulator.projects()
    path = f"/projects/{project['id']}"
    assert sent() == ["GET /projects"]
    assert sent(default_branch=BRANCH) == ["GET /projects", f"PATCH {path}"]
    assert sent(project_id=project["id"]) == [f"GET {path}"]
    assert sent(state="absent") == ["GET /projects", f"DELETE {path}"]
    assert sent(state="absent") == ["GET /projects"]
