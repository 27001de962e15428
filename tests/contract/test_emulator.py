# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.oecsh.cloud.tests.contract.contract import OPENAPI, contract
from ansible_collections.oecsh.cloud.tests.emulator import Emulator, LoggedRequest
from ansible_collections.oecsh.cloud.tests.emulator.state import ERROR_SHAPES, RATE_LIMIT_STYLES
from ansible_collections.oecsh.cloud.tests.support import SERVER_ID, UNKNOWN_ID, project_path

REQUESTS_AT_LEAST = 1000

# The statuses that schemathesis must have seen from each operation: it has tested nothing if it saw rejections only.
REACHED = {
    "GET /projects": {200, 400, 401, 422},
    "POST /projects": {201, 401, 422},
    "GET /projects/{id}": {200, 401, 404, 422},
    "PATCH /projects/{id}": {200, 401, 404, 422},
    "DELETE /projects/{id}": {204, 400, 401, 404},
    "GET /servers": {200, 400, 401, 422},
}

Check = Callable[..., requests.Response]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(reads=None, writes=None) as emulator:
        yield emulator


@pytest.fixture
def expiring_emulator() -> Iterator[Emulator]:
    """Return an emulator that moves its clock by a day with each request, and has no limits.

    Schemathesis sends a thousand requests, many with a wrong key, and generates the same idempotency key for different
    requests: their responses must not be replayed.
    """

    def next_day(_request: LoggedRequest) -> list[str]:
        emulator.clock.advance(24 * 3600 + 1)
        return []

    with Emulator(reads=None, writes=None, rejected_keys=None, check=next_day) as emulator:
        yield emulator


@pytest.fixture
def check(emulator: Emulator) -> Check:
    """check(method, path, status): send a request, and compare the response with the status and the contract."""

    def check(method: str, path: str, status: int, key: str = emulator.keys.full, **content: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}", **content.pop("headers", {})}
        response = requests.request(method, emulator.url + path, headers=headers, timeout=10, **content)
        assert response.status_code == status
        assert contract().response_problems(method, path, status, response.json() if response.content else None) == []
        return response

    return check


def test_schemathesis_finds_no_failure(expiring_emulator: Emulator, tmp_path: Path) -> None:
    expiring_emulator.fill(30)
    schemathesis = [sys.executable, "-m", "schemathesis.cli", "--no-color"]
    options = ["--seed", "1", "--max-examples", "200", "--continue-on-failure"]
    configuration = OPENAPI.with_name("schemathesis.toml")
    done = subprocess.run(
        [*schemathesis, "--config-file", configuration, "run", OPENAPI, "--url", expiring_emulator.url, *options],
        cwd=tmp_path,
        env={**os.environ, "OECSH_API_KEY": expiring_emulator.keys.full},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for operation, statuses in REACHED.items():
        method, path = operation.replace("{id}", ".+").split()
        entries = expiring_emulator.log.requests(method, path)
        assert {entry.status for entry in entries} >= statuses, operation
    assert expiring_emulator.log.count() >= REQUESTS_AT_LEAST


@pytest.mark.parametrize("shape", sorted(set(ERROR_SHAPES) - {"empty", "html"}))
def test_each_error_shape_is_in_the_contract(shape: str, emulator: Emulator, check: Check) -> None:
    emulator.settings.error_shape = shape
    project = emulator.add_project("Client ERP")
    emulator.set_running(project["id"], 1)
    path, invalid = project_path(project), {"name": "x" * 256, "server_id": "none"}

    check("GET", "/projects", 400, params={"cursor": "unknown"})
    check("GET", "/projects", 401, key=emulator.keys.expired)
    check("GET", "/projects", 422, params={"limit": 0})
    check("POST", "/projects", 403, key=emulator.keys.read_only, json={})
    check("POST", "/projects", 422, json=invalid)
    check("GET", f"/projects/{UNKNOWN_ID}", 404)
    check("PATCH", path, 422, json=invalid)
    check("DELETE", path, 400)
    check("DELETE", path, 403, key=emulator.keys.scoped, headers={"X-Confirm-Delete": "true"})
    check("DELETE", path, 409, headers={"X-Confirm-Delete": "true"})
    emulator.faults.add("in_flight")
    check("POST", "/projects", 409, json={"name": "x", "server_id": SERVER_ID})
    emulator.faults.add("ip_blocked")
    check("GET", "/servers", 429)
    emulator.settings.subscription_blocked = emulator.settings.subscription_blocks_reads = True
    check("GET", "/servers", 402)
    emulator.settings.subscription_blocked, emulator.settings.plan_feature_required = False, True
    check("GET", "/servers", 403)


@pytest.mark.parametrize("style", RATE_LIMIT_STYLES)
def test_each_rate_limit_style_is_in_the_contract(style: str, emulator: Emulator, check: Check) -> None:
    emulator.faults.add("rate_limit", style=style)
    check("GET", "/projects", 429)


UNPAID = {"reason": "subscription_blocked", "subscription_status": "past_due"}
SMALL_PLAN = {"error": "plan_feature_required", "required_plan": "starter", "current_plan": "free"}
SCOPED = {"error": "project_scoped_key"}
UNPAID_READS = ("subscription_blocked", "subscription_blocks_reads")


@pytest.mark.parametrize(
    ("switches", "key", "method", "status", "detail"),
    [
        ((), "read_only", "POST", 403, {"error": "read_only_key"}),
        ((), "expired", "GET", 401, {"error": "key_expired"}),
        ((), "scoped", "POST", 403, SCOPED),
        (("org_scope_required",), "scoped", "POST", 403, {"error": "org_scope_required"}),
        (("org_scope_required",), "scoped", "DELETE", 403, SCOPED),
        (("plan_feature_required",), "full", "GET", 403, SMALL_PLAN),
        (("subscription_blocked",), "full", "GET", 200, {}),
        (("subscription_blocked",), "full", "DELETE", 402, UNPAID),
        (UNPAID_READS, "full", "GET", 402, UNPAID),
        ((), "full", "POST", 422, [{"loc": ["body", "name"], "msg": "is required", "type": "value_error"}]),
        (("pending_blocks_delete",), "full", "DELETE", 409, {"error": "environments_running"}),
        ((), "full", "DELETE", 204, {}),
    ],
)
def test_a_rejection_has_the_shape_of_the_service(
    switches: Sequence[str], key: str, method: str, status: int, detail: Any, emulator: Emulator, check: Check
) -> None:
    project = emulator.add_project("Client ERP")
    with_pending = {"id": project["id"], "count": 0, "pending": 1}
    requests.post(f"{emulator.root}/_emulator/running", json=with_pending, timeout=10).raise_for_status()
    emulator.load(emulator.dump())
    for switch in switches:
        setattr(emulator.settings, switch, True)
    path = project_path(project) if method == "DELETE" else "/projects"
    content = {"json": {"server_id": SERVER_ID}} if method == "POST" else {}
    headers = {"X-Confirm-Delete": "true"}
    response = check(method, path, status, getattr(emulator.keys, key), headers=headers, **content)
    sent = response.json()["detail"] if status >= 400 else {}
    assert (sent if isinstance(sent, list) else {name: sent[name] for name in detail}) == detail


@pytest.mark.parametrize("status", [402, 422])
def test_a_status_fault_has_the_shape_of_the_service(status: int, emulator: Emulator, check: Check) -> None:
    emulator.faults.add("status", status=status)
    detail = check("PATCH", f"/projects/{UNKNOWN_ID}", status, json={"name": "x"}).json()["detail"]
    assert detail["reason"] == UNPAID["reason"] if status == 402 else detail[0]["loc"] == ["body", "name"]


def test_a_key_expires_at_run_time(emulator: Emulator, check: Check) -> None:
    check("GET", "/projects", 200)
    requests.post(f"{emulator.root}/_emulator/expire", json={"key": emulator.keys.full}, timeout=10).raise_for_status()
    assert check("GET", "/projects", 401).json()["detail"]["error"] == "key_expired"
    check("GET", "/projects", 200, key=emulator.keys.second)
    emulator.reset()
    check("GET", "/projects", 200)


@pytest.mark.parametrize(("seconds", "status"), [(59, 429), (60, 401)])
def test_ten_rejected_keys_in_a_row_block_the_address(
    seconds: int, status: int, emulator: Emulator, check: Check
) -> None:
    emulator.clock.freeze()
    for _turn in range(10):
        check("GET", "/projects", 401, key=emulator.keys.expired)
        emulator.clock.advance(seconds)
    check("GET", "/projects", status, key=emulator.keys.expired)


LIMIT = {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-window": "60"}
RETRY = {"retry-after": "17"}
BODY = {"error": "rate_limit_exceeded", "message": "Too many requests. Slow down."}
LATER = {**BODY, "retry_after": 17}


@pytest.mark.parametrize(
    ("switches", "headers", "body"),
    [
        ({}, {**LIMIT, **RETRY}, LATER),
        ({"rate_limit_style": "body"}, LIMIT, LATER),
        ({"rate_limit_style": "nested"}, {}, {"detail": LATER}),
        ({"rate_limit_style": "none"}, LIMIT, BODY),
        ({"rate_limit_reset": "seconds"}, {**LIMIT, **RETRY, "x-ratelimit-reset": "17"}, LATER),
        ({"rate_limit_reset": "epoch"}, {**LIMIT, **RETRY, "x-ratelimit-reset": "1767268860"}, LATER),
    ],
)
def test_a_rate_limit_says_how_long_to_wait(
    switches: dict[str, str], headers: dict[str, str], body: Any, emulator: Emulator, check: Check
) -> None:
    emulator.clock.freeze(datetime(2026, 1, 1, 12, 0, 43, tzinfo=timezone.utc))
    for name, value in switches.items():
        setattr(emulator.settings, name, value)
    for limit, status in ((2, 200), (2, 200), (1, 429)):
        emulator.settings.reads = limit
        response = check("GET", "/projects", status)
    sent = {name.lower(): value for name, value in response.headers.items()}
    assert {name: value for name, value in sent.items() if name.startswith(("x-ratelimit", "retry"))} == headers
    assert response.json() == body


def test_reads_and_writes_can_share_one_bucket(emulator: Emulator, check: Check) -> None:
    emulator.clock.freeze()
    emulator.settings.single_bucket, emulator.settings.writes = True, 2
    check("GET", "/projects", 200)
    check("POST", "/projects", 201, json={"name": "Client ERP", "server_id": SERVER_ID})
    check("GET", "/projects", 429)
    check("GET", "/projects", 200, key=emulator.keys.read_only)


def test_a_single_server_has_more_fields(emulator: Emulator) -> None:
    """Only the official client uses it: it is not in the contract."""
    emulator.clock.freeze(datetime(2026, 1, 1, tzinfo=timezone.utc))
    first = emulator.servers()[0]
    checked = {"qualification_status": "ready", "last_checked_at": "2026-01-01T00:00:00.000000Z"}
    for key, ident, status in (("full", first["id"], 200), ("full", UNKNOWN_ID, 404), ("scoped", first["id"], 404)):
        headers = {"Authorization": f"Bearer {getattr(emulator.keys, key)}"}
        response = requests.get(f"{emulator.url}/servers/{ident}", headers=headers, timeout=10)
        assert response.status_code == status
        assert status != 200 or response.json() == {**first, "environment_count": 0, **checked}


def test_an_idempotency_key_gets_the_same_response(emulator: Emulator) -> None:
    body = {"name": "Client ERP", "server_id": SERVER_ID}
    headers = {"Authorization": f"Bearer {emulator.keys.full}", "X-Idempotency-Key": "one"}
    first, second = (
        requests.post(f"{emulator.url}/projects", json=body, headers=headers, timeout=10).json() for _turn in range(2)
    )
    assert first == second
    assert len(emulator.projects()) == 1
