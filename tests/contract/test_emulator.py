# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
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
def check(emulator: Emulator) -> Callable[..., None]:
    """check(method, path, status): send a request, and compare the response with the status and the contract."""

    def check(method: str, path: str, status: int, key: str = emulator.keys.full, **content: Any) -> None:
        headers = {"Authorization": f"Bearer {key}", **content.pop("headers", {})}
        response = requests.request(method, emulator.url + path, headers=headers, timeout=10, **content)
        assert response.status_code == status
        assert contract().response_problems(method, path, status, response.json() if response.content else None) == []

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
def test_each_error_shape_is_in_the_contract(shape: str, emulator: Emulator, check: Callable[..., None]) -> None:
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
    emulator.settings.subscription_blocked = True
    check("GET", "/servers", 402)


@pytest.mark.parametrize("style", RATE_LIMIT_STYLES)
def test_each_rate_limit_style_is_in_the_contract(style: str, emulator: Emulator, check: Callable[..., None]) -> None:
    emulator.faults.add("rate_limit", style=style)
    check("GET", "/projects", 429)


def test_an_idempotency_key_gets_the_same_response(emulator: Emulator) -> None:
    body = {"name": "Client ERP", "server_id": SERVER_ID}
    headers = {"Authorization": f"Bearer {emulator.keys.full}", "X-Idempotency-Key": "one"}
    first, second = (
        requests.post(f"{emulator.url}/projects", json=body, headers=headers, timeout=10).json() for _turn in range(2)
    )
    assert first == second
    assert len(emulator.projects()) == 1
