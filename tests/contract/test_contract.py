# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from ansible_collections.oecsh.cloud.tests.contract.contract import OPENAPI, PLATFORM, contract
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
ENVIRONMENTS, ENVIRONMENT = f"/projects/{ID}/environments", f"/environments/{ID}"
BACKUP, WEBHOOK = f"/backups/{ID}", f"/webhooks/{ID}"
BACKUP_FIELDS = ("backup_type", "include_filestore", "retention_type")
SOURCES = {"documented", "client", "observed", "inferred"}
METHODS = {"get", "post", "patch", "delete"}


def logged(
    method: str, path: str, *, body: Any = None, query: dict[str, str] | None = None, **headers: str | None
) -> LoggedRequest:
    """Return a request as the collection sends it, without the headers that are None."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**SENT, **({} if body is None else WITH_BODY), **named}
    present = {name: value for name, value in sent.items() if value is not None}
    return LoggedRequest("", method, path, query or {}, present, body)


def create(**fields: Any) -> LoggedRequest:
    return logged("POST", ENVIRONMENTS, body={"name": "staging", **fields}, x_idempotency_key="one")


def update(**fields: Any) -> LoggedRequest:
    return logged("PATCH", ENVIRONMENT, body=fields)


def action(name: str, **fields: Any) -> LoggedRequest:
    body = {"content_length": "0"} if not fields else {"body": fields}
    return logged("POST", f"{ENVIRONMENT}/{name}", idempotency_key="one", **body)


def back_up(**fields: Any) -> LoggedRequest:
    complete = {"backup_type": "manual", "include_filestore": False, "retention_type": "yearly", **fields}
    given = {name: value for name, value in complete.items() if value is not None}
    return logged("POST", f"{ENVIRONMENT}/backups", body=given)


def restore(**headers: str | None) -> LoggedRequest:
    sent = {"x_confirm_restore": "true", "idempotency_key": "one", "content_length": "0", **headers}
    return logged("POST", f"{BACKUP}/restore", **sent)


def subscribe(events: Sequence[str] = ("deploy.failed",), **fields: Any) -> LoggedRequest:
    body = {"url": "https://ci.example.com/oec", "events": list(events), **fields}
    return logged("POST", "/webhooks", body=body, x_idempotency_key="one")


def read(name: str, **query: str) -> LoggedRequest:
    return logged("GET", f"{ENVIRONMENT}/{name}", query=query)


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
        logged("GET", ENVIRONMENTS),
        create(
            environment_type="production", branch="deadbeef", vm_id=SERVER_ID, domain="*.Example.com", cpu_cores=0.25
        ),
        create(ram_mb=256, disk_gb=1000, postgres_version="16", enable_pgtune=True, with_demo_data=False),
        logged("GET", ENVIRONMENT),
        update(name="live", branch="feature/x-1", domain="", cpu_cores=32, ram_mb=131072, disk_gb=1),
        logged("DELETE", ENVIRONMENT, x_confirm_delete="true", content_length="0"),
        read("status"),
        *(action(name) for name in ("deploy", "restart", "start", "stop")),
        action("deploy", update_modules=["sale_custom", "_2"]),
        action("deploy", update_modules=["all"]),
        action("quick-update", mode="pull_restart"),
        action("quick-update", mode="reinitialize_specific", modules=["all", "sale"]),
        read("deployments", limit="100", cursor="abc"),
        read("logs"),
        read("logs", task_id=ID, lines="1000"),
        read("runtime-logs", source="postgres", lines="1"),
        read("metrics"),
        read("backups", status="completed", backup_type="manual", page="2", page_size="100"),
        logged("GET", f"/deployments/{ID}"),
        back_up(storage_config_id=ID, notes="x" * 500),
        logged("GET", BACKUP),
        restore(),
        logged("GET", "/webhooks", query={"limit": "100", "offset": "100"}),
        subscribe(["environment.ready", "deploy.failed"], project_id=ID, format="slack", is_active=False),
        subscribe(url="https://ci.example.com:8443?x=y@z", description=""),
        logged("GET", WEBHOOK),
        logged("PATCH", WEBHOOK, body={"url": "https://[2001:db8::1]/", "format": "raw"}),
        logged("DELETE", WEBHOOK, content_length="0"),
        logged("GET", f"{WEBHOOK}/deliveries"),
        logged("GET", "/org"),
        logged("GET", "/org/usage"),
        logged("GET", f"/servers/{ID}/metrics"),
    ],
    ids=lambda entry: f"{entry.method} {entry.path} {entry.query} {entry.headers['user-agent']} {entry.json}",
)
def test_a_documented_request_has_no_problem(request_: LoggedRequest) -> None:
    assert contract().problems(request_) == []


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (logged("PUT", f"/projects/{ID}", body=PROJECT), "no such operation"),
        (logged("GET", f"/projects/{ID}/backups"), "no such operation"),
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
        (logged("GET", ENVIRONMENTS, query={"limit": "100"}), "limit is undocumented"),
        (logged("POST", ENVIRONMENTS, body={}), "'name' is a required property"),
        (logged("POST", ENVIRONMENTS, body={"name": "x"}, idempotency_key="one"), "idempotency-key is undocumented"),
        (create(server_id=SERVER_ID), "'server_id' was unexpected"),
        (create(custom_domain="example.com"), "'custom_domain' was unexpected"),
        (create(name="x" * 256), "is too long"),
        (create(environment_type="test"), "not one of"),
        (create(branch="pull/1"), "should not be valid"),
        (create(branch="REFS/heads/main"), "should not be valid"),
        (create(branch="../main"), "should not be valid"),
        (create(branch="a1" * 20), "should not be valid"),
        (create(branch="a b"), "does not match"),
        (create(domain=""), "does not match"),
        (create(cpu_cores="1"), "not of type 'number'"),
        (create(ram_mb=131073), "greater than the maximum"),
        (create(disk_gb=1.5), "not of type 'integer'"),
        (create(postgres_version=16), "not of type 'string'"),
        (update(), "should be non-empty"),
        (update(branch=None), "not of type 'string'"),
        (update(vm_id=SERVER_ID), "'vm_id' was unexpected"),
        (update(environment_type="production"), "'environment_type' was unexpected"),
        (update(cpu_cores=0.1), "less than the minimum"),
        (logged("PATCH", ENVIRONMENT, body={"name": "x"}, idempotency_key="one"), "idempotency-key is undocumented"),
        (logged("DELETE", ENVIRONMENT), "x-confirm-delete is missing"),
        (logged("POST", f"{ENVIRONMENT}/stop"), "idempotency-key is missing"),
        (logged("POST", f"{ENVIRONMENT}/redeploy", idempotency_key="one"), "no such operation"),
        (action("restart", mode="pull_restart"), "unexpected body"),
        (action("deploy", update_modules=[]), "should be non-empty"),
        (action("deploy", update_modules=["sale"] * 51), "is too long"),
        (action("deploy", update_modules=["Sale"]), "does not match"),
        (action("deploy", update_modules=["all", "sale"]), "is too long"),
        (action("deploy", branch="main"), "'branch' was unexpected"),
        (action("quick-update"), "None is not of type 'object'"),
        (action("quick-update", modules=["sale"]), "'mode' is a required property"),
        (action("quick-update", mode="update_specific"), "'modules' is a required property"),
        (action("quick-update", mode="update_all", modules=["sale"]), "False schema"),
        (read("logs", lines="0"), "less than the minimum"),
        (read("logs", task_id="latest"), "not a 'uuid'"),
        (read("runtime-logs", source="nginx"), "not one of"),
        (read("backups", status="expired"), "not one of"),
        (read("backups", page="0"), "less than the minimum"),
        (logged("GET", "/deployments/latest"), "not a 'uuid'"),
        *((back_up(**{name: None}), f"'{name}' is a required property") for name in BACKUP_FIELDS),
        (back_up(backup_type="scheduled"), "not one of ['manual']"),
        (back_up(retention_type="hourly"), "not one of"),
        (back_up(storage_config_id="default"), "not a 'uuid'"),
        (back_up(notes="x" * 501), "is too long"),
        (logged("GET", f"{BACKUP}/download", query={"expires_in": "300"}), "the collection never sends it"),
        (restore(x_confirm_restore=None), "x-confirm-restore is missing"),
        (restore(idempotency_key=None), "idempotency-key is missing"),
        (logged("GET", "/webhooks", query={"page": "2"}), "page is undocumented"),
        (logged("POST", "/webhooks", body=subscribe().json), "x-idempotency-key is missing"),
        (subscribe([]), "should be non-empty"),
        (subscribe(["ping"]), "is not valid under any of the given schemas"),
        (subscribe(["deploy.failed"] * 2), "has non-unique elements"),
        (subscribe(url="http://ci.example.com"), "does not match"),
        (subscribe(url="https://user@ci.example.com"), "does not match"),
        (subscribe(url="https://ci.example.com/ x"), "does not match"),
        (subscribe(format="xml"), "not one of"),
        (subscribe(secret="x"), "'secret' was unexpected"),
        (logged("PATCH", WEBHOOK, body={}), "should be non-empty"),
        (logged("PATCH", WEBHOOK, body={"project_id": ID}), "'project_id' was unexpected"),
        (logged("PATCH", WEBHOOK, body={"secret": "x"}), "'secret' was unexpected"),
        (logged("POST", f"{WEBHOOK}/test"), "the collection never sends it"),
        (logged("POST", f"{WEBHOOK}/rotate-secret"), "the collection never sends it"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.method} {value.path} {value.json}"[:80],
)
def test_an_undocumented_request_has_one_problem(request_: LoggedRequest, problem: str) -> None:
    (found,) = contract().problems(request_)
    assert problem in found


def operations(file: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of each operation."""
    for path, item in yaml.safe_load(file.read_text(encoding="utf-8"))["paths"].items():
        yield from ((method.upper(), path, item[method]) for method in item.keys() & METHODS)


def accepted_headers(operation: dict[str, Any]) -> set[str]:
    """Return the headers of an operation as `logged` takes them."""
    parameters = operation.get("parameters", [])
    names = {each.get("name", "").lower().replace("-", "_") for each in parameters}
    return names | ({"idempotency_key"} if {"$ref": "#/components/parameters/IdempotencyKey"} in parameters else set())


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(inner)


@pytest.mark.parametrize("file", [OPENAPI, PLATFORM], ids=lambda file: file.stem)
def test_the_examples_fit_their_schemas(file: Path) -> None:
    components = yaml.safe_load(file.read_text(encoding="utf-8"))["components"]
    checked = 0
    for method, path, operation in operations(file):
        path = re.sub(r"\{\w+\}", ID, path)
        if body := operation.get("requestBody"):
            keys = {"idempotency_key", "x_idempotency_key"}
            headers = dict.fromkeys(keys & accepted_headers(operation), "one")
            example = body["content"]["application/json"]["example"]
            assert contract().problems(logged(method, path, body=example, **headers)) == []
            checked += 1
        for status, response in operation["responses"].items():
            if "$ref" in response:
                response = components["responses"].get(response["$ref"].rpartition("/")[2], {})
            content = response.get("content", {}).get("application/json", {})
            if "example" in content:
                assert contract().response_problems(method, path, int(status), content["example"]) == []
                checked += 1
    assert checked > 20


@pytest.mark.parametrize("file", [OPENAPI, PLATFORM], ids=lambda file: file.stem)
def test_no_path_hides_another(file: Path) -> None:
    known = [(method, path) for each in (OPENAPI, PLATFORM) for method, path, _operation in operations(each)]
    for method, path, _operation in operations(file):
        patterns = {each: re.sub(r"\{\w+\}", "[^/]+", each) for other, each in known if other == method}
        assert [each for each, pattern in patterns.items() if re.fullmatch(pattern, path)] == [path]
        assert known.count((method, path)) == 1


def test_each_operation_has_its_source() -> None:
    for _method, path, operation in operations(PLATFORM):
        assert "x-source" in operation, path
    for node in nodes(yaml.safe_load(PLATFORM.read_text(encoding="utf-8"))):
        assert {node.get("x-source", "client")} <= SOURCES
        assert all(rule.endswith(".") for rule in node.get("x-inferred", ()))


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
