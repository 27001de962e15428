# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import Any

import pytest
import requests
import yaml
from ansible_collections.oecsh.cloud.tests.contract.contract import OPENAPI, contract
from ansible_collections.oecsh.cloud.tests.emulator import Emulator, LoggedRequest
from ansible_collections.oecsh.cloud.tests.support import ROOT, SERVER_ID

ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
PROJECT = {"name": "Client ERP", "server_id": SERVER_ID}
SENT = {
    "authorization": "Bearer KEY",
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "connection": "keep-alive",
    "host": "127.0.0.1:8000",
    "user-agent": "ansible-collection-oecsh.cloud",
}
WITH_BODY = {"content-type": "application/json", "content-length": "60"}


def logged(
    method: str, path: str, *, body: Any = None, query: dict[str, str] | None = None, **headers: str | None
) -> LoggedRequest:
    """Return a request as the collection sends it, without the headers that are None."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**SENT, **({} if body is None else WITH_BODY), **named}
    present = {name: value for name, value in sent.items() if value is not None}
    return LoggedRequest("", method, path, query or {}, present, body)


@pytest.mark.parametrize(
    "request_",
    [
        logged("GET", "/projects", query={"limit": "100"}),
        logged("GET", "/projects", query={"limit": "100", "cursor": "abc"}),
        logged("GET", "/servers", query={"limit": "1"}),
        logged("GET", f"/projects/{ID}"),
        logged("POST", "/projects", body=PROJECT),
        logged("POST", "/projects", body={**PROJECT, "odoo_version": "17.0"}, x_idempotency_key="one"),
        logged("PATCH", f"/projects/{ID}", body={"default_branch": "release/17.0"}),
        logged("DELETE", f"/projects/{ID}", x_confirm_delete="true", content_length="0"),
        logged("GET", "/projects", user_agent="node", accept_language="*", sec_fetch_mode="cors"),
    ],
    ids=lambda entry: f"{entry.method} {entry.path} {entry.query} {entry.headers['user-agent']}",
)
def test_a_documented_request_has_no_problem(request_: LoggedRequest) -> None:
    assert contract().problems(request_) == []


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (logged("PUT", f"/projects/{ID}", body=PROJECT), "no such operation"),
        (logged("GET", f"/projects/{ID}/environments"), "no such operation"),
        (logged("GET", "/projects/"), "no such operation"),
        (logged("GET", "/projects/me"), "not a 'uuid'"),
        (logged("GET", "/projects", query={"limit": "101"}), "greater than the maximum"),
        (logged("GET", "/projects", query={"limit": "many"}), "not of type 'integer'"),
        (logged("GET", "/projects", query={"name": "Client ERP"}), "name is undocumented"),
        (logged("GET", "/projects", body={}), "unexpected body"),
        (logged("GET", "/projects", authorization=None), "authorization"),
        (logged("GET", "/projects", authorization="Basic dTpw"), "authorization"),
        (logged("GET", "/projects", x_api_key="KEY"), "x-api-key is undocumented"),
        (logged("GET", "/projects", accept="*/*"), "accept is undocumented"),
        (logged("GET", "/projects", x_idempotency_key="one"), "x-idempotency-key is undocumented"),
        (logged("POST", "/projects", body={"name": "Client ERP"}), "'server_id' is a required property"),
        (logged("POST", "/projects", body={**PROJECT, "id": ID}), "'id' was unexpected"),
        (logged("POST", "/projects", body={**PROJECT, "name": "x" * 256}), "is too long"),
        (logged("POST", "/projects", body={**PROJECT, "name": None}), "not of type 'string'"),
        (logged("POST", "/projects", body={**PROJECT, "server_id": "production"}), "not a 'uuid'"),
        (logged("POST", "/projects", body={**PROJECT, "git_repo_url": "git@example.org:x"}), "does not match"),
        (logged("POST", "/projects", body=PROJECT, content_type="text/plain"), "content-type is undocumented"),
        (logged("POST", "/projects", body=PROJECT, content_type=None), "a body without content-type"),
        (logged("PATCH", f"/projects/{ID}", body={"odoo_version": "18.0"}), "'odoo_version' was unexpected"),
        (logged("PATCH", f"/projects/{ID}"), "None is not of type 'object'"),
        (logged("DELETE", f"/projects/{ID}"), "x-confirm-delete is missing"),
        (logged("DELETE", f"/projects/{ID}", x_confirm_delete="True"), "not one of ['true']"),
    ],
)
def test_an_undocumented_request_has_one_problem(request_: LoggedRequest, problem: str) -> None:
    (found,) = contract().problems(request_)
    assert problem in found


def test_the_examples_fit_their_schemas() -> None:
    paths = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))["paths"]
    for path in ("/projects", "/servers"):
        example = paths[path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        assert contract().response_problems("GET", path, 200, example) == []
    created = paths["/projects"]["post"]["requestBody"]["content"]["application/json"]["example"]
    changed = paths["/projects/{project_id}"]["patch"]["requestBody"]["content"]["application/json"]["example"]
    assert contract().problems(logged("POST", "/projects", body=created)) == []
    assert contract().problems(logged("PATCH", f"/projects/{ID}", body=changed)) == []


def test_a_problem_survives_a_cleared_log_and_a_reset() -> None:
    with Emulator(check=contract().problems) as emulator:
        requests.put(f"{emulator.url}/projects", timeout=10)
        emulator.log.clear()
        emulator.reset()
        assert emulator.log.take_problems() == ["PUT /projects: no such operation"]
        assert emulator.log.take_problems() == []


@pytest.mark.parametrize(("path", "status"), [("/projects?limit=1", 0), ("/projects?limit=0", 1)])
def test_exit_status_after_an_undocumented_request(path: str, status: int) -> None:
    """`python -m tests.emulator --contract` ends with status 1 after a request that the API does not document."""
    command = [sys.executable, "-m", "tests.emulator", "--contract", "--set", "single_bucket"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:  # type: ignore[call-overload]
        try:
            url = re.search(r"OECSH_API_URL=(\S+)", process.stdout.readline())[1]
            headers = {name: SENT[name] for name in ("accept", "user-agent", "accept-encoding", "authorization")}
            key = re.search(r"OECSH_API_KEY=(\S+)", process.stdout.readline())[1]
            headers["authorization"] = f"Bearer {key}"
            assert requests.get(url + path, headers=headers, timeout=10).headers["X-RateLimit-Limit"] == "20"
            process.send_signal(signal.SIGTERM)
            _printed, problems = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == status
    assert ("limit" in problems) == bool(status), json.dumps(problems)
