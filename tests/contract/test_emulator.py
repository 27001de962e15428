# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
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

REQUESTS_AT_LEAST = 1000
SERVER_ID = "8e4f2a1c-1234-5678-abcd-ef0123456789"
NO_PROJECT = "/projects/00000000-0000-4000-8000-000000000000"

# What each operation must have answered at least once, or schemathesis has not looked behind the door.
REACHED = {
    ("GET", "/projects", 200),
    ("GET", "/projects", 400),
    ("GET", "/projects", 401),
    ("GET", "/projects", 422),
    ("POST", "/projects", 201),
    ("POST", "/projects", 401),
    ("POST", "/projects", 422),
    ("GET", "/projects/{id}", 200),
    ("GET", "/projects/{id}", 401),
    ("GET", "/projects/{id}", 404),
    ("GET", "/projects/{id}", 422),
    ("PATCH", "/projects/{id}", 200),
    ("PATCH", "/projects/{id}", 401),
    ("PATCH", "/projects/{id}", 404),
    ("PATCH", "/projects/{id}", 422),
    ("DELETE", "/projects/{id}", 204),
    ("DELETE", "/projects/{id}", 400),
    ("DELETE", "/projects/{id}", 401),
    ("DELETE", "/projects/{id}", 404),
    ("GET", "/servers", 200),
    ("GET", "/servers", 400),
    ("GET", "/servers", 401),
    ("GET", "/servers", 422),
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Without limits: schemathesis asks a thousand times, and often with a wrong key."""
    with Emulator(reads=None, writes=None, refused_keys=None) as emulator:
        yield emulator


@pytest.fixture
def forgetful() -> Iterator[Emulator]:
    """With every request a day goes by: a generated idempotency key may be one that was used before for something else,
    and the answer to that would then be repeated, which is right and no use here."""

    def a_day_later(_request: LoggedRequest) -> list[str]:
        emulator.clock.advance(24 * 3600 + 1)
        return []

    with Emulator(reads=None, writes=None, refused_keys=None, check=a_day_later) as emulator:
        yield emulator


@pytest.fixture
def ask(emulator: Emulator) -> Callable[..., list[str]]:
    """ask(method, path, status): what of the answer is not as the contract has it. `status` is the one to come."""

    def ask(method: str, path: str, status: int, key: str = emulator.keys.full, **content: Any) -> list[str]:
        headers = {"Authorization": f"Bearer {key}", **content.pop("headers", {})}
        answer = requests.request(method, emulator.url + path, headers=headers, timeout=10, **content)
        assert answer.status_code == status
        return contract().answer_problems(method, path, status, answer.json() if answer.content else None)

    return ask


def test_schemathesis_finds_no_failure_in_the_emulator(forgetful: Emulator, tmp_path: Path) -> None:
    forgetful.fill(30)
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "schemathesis.cli",
                "--no-color",
                "--config-file",
                OPENAPI.with_name("schemathesis.toml"),
            ),
            *("run", OPENAPI, "--url", forgetful.url, "--seed", "1", "--max-examples", "200", "--continue-on-failure"),
        ],
        cwd=tmp_path,
        env={**os.environ, "OECSH_API_KEY": forgetful.keys.full},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answered = {
        (entry.method, re.sub(r"^/projects/.+", "/projects/{id}", entry.path), entry.status)
        for entry in forgetful.log.requests()
    }
    assert answered >= REACHED
    assert forgetful.log.count() >= REQUESTS_AT_LEAST


@pytest.mark.parametrize("shape", sorted(set(ERROR_SHAPES) - {"empty", "html"}))
def test_every_shape_of_an_error_is_in_the_contract(
    shape: str, emulator: Emulator, ask: Callable[..., list[str]]
) -> None:
    emulator.settings.error_shape = shape
    project = emulator.add_project("Client ERP")
    emulator.set_running(project["id"], 1)
    path, wrong = f"/projects/{project['id']}", {"name": "x" * 256, "server_id": "none"}

    assert ask("GET", "/projects", 400, params={"cursor": "unknown"}) == []
    assert ask("GET", "/projects", 401, key=emulator.keys.expired) == []
    assert ask("GET", "/projects", 422, params={"limit": 0}) == []
    assert ask("POST", "/projects", 403, key=emulator.keys.read_only, json={}) == []
    assert ask("POST", "/projects", 422, json=wrong) == []
    assert ask("GET", NO_PROJECT, 404) == []
    assert ask("PATCH", path, 422, json=wrong) == []
    assert ask("DELETE", path, 400) == []
    assert ask("DELETE", path, 403, key=emulator.keys.scoped, headers={"X-Confirm-Delete": "true"}) == []
    assert ask("DELETE", path, 409, headers={"X-Confirm-Delete": "true"}) == []
    emulator.faults.add("in_flight")
    assert ask("POST", "/projects", 409, json={"name": "x", "server_id": SERVER_ID}) == []
    emulator.faults.add("ip_blocked")
    assert ask("GET", "/servers", 429) == []
    emulator.settings.subscription_blocked = True
    assert ask("GET", "/servers", 402) == []


@pytest.mark.parametrize("style", RATE_LIMIT_STYLES)
def test_every_style_of_a_rate_limit_is_in_the_contract(
    style: str, emulator: Emulator, ask: Callable[..., list[str]]
) -> None:
    emulator.faults.add("rate_limit", style=style)

    assert ask("GET", "/projects", 429) == []


def test_the_same_idempotency_key_gets_the_same_answer(emulator: Emulator) -> None:
    body = {"name": "Client ERP", "server_id": SERVER_ID}
    headers = {"Authorization": f"Bearer {emulator.keys.full}", "X-Idempotency-Key": "one"}
    answers = [requests.post(f"{emulator.url}/projects", json=body, headers=headers, timeout=10) for _turn in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len(emulator.projects()) == 1
