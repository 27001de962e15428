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
from ansible_collections.oecsh.cloud.tests.contract.contract import OPENAPI, PLATFORM, contract
from ansible_collections.oecsh.cloud.tests.emulator import Emulator, LoggedRequest
from ansible_collections.oecsh.cloud.tests.emulator.state import ERROR_SHAPES, RATE_LIMIT_STYLES
from ansible_collections.oecsh.cloud.tests.support import SERVER_ID, UNKNOWN_ID, project_path

PROJECT_ID = "7a1c52d0-93b4-4e6f-8a17-c5d2e9f30b64"  # as in schemathesis.toml
ENVIRONMENT_ID = "e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3"
WEBHOOK: dict[str, Any] = {"url": "https://ci.example.com/oec", "events": ["deploy.failed"]}

# The statuses that schemathesis must have seen from each operation: it has tested nothing if it saw rejections only.
REACHED = {
    OPENAPI: {
        "GET /projects": {200, 400, 401, 422},
        "POST /projects": {201, 401, 422},
        "GET /projects/{id}": {200, 401, 404, 422},
        "PATCH /projects/{id}": {200, 401, 404, 422},
        "DELETE /projects/{id}": {204, 400, 401, 404},
        "GET /servers": {200, 400, 401, 422},
    },
    PLATFORM: {
        "GET /projects/{id}/environments": {200, 401, 422},
        "POST /projects/{id}/environments": {201, 401, 422},
        "GET /environments/{id}": {200, 401, 422},
        "PATCH /environments/{id}": {200, 401, 422},
        "DELETE /environments/{id}": {202, 400, 401, 422},
        "GET /environments/{id}/status": {200, 401, 422},
        "POST /environments/{id}/deploy": {202, 401, 422},
        "POST /environments/{id}/restart": {202, 401, 422},
        "POST /environments/{id}/start": {401, 409, 422},
        "POST /environments/{id}/stop": {202, 401, 409, 422},
        "POST /environments/{id}/quick-update": {202, 401, 422},
        "GET /environments/{id}/deployments": {200, 400, 401, 422},
        "GET /environments/{id}/logs": {200, 401, 404, 422},
        "GET /environments/{id}/runtime-logs": {200, 401, 404, 422},
        "GET /environments/{id}/metrics": {200, 401, 422},
        "GET /environments/{id}/backups": {200, 401, 422},
        "POST /environments/{id}/backups": {201, 401, 422},
        "GET /backups/{id}": {200, 401, 422},
        "GET /backups/{id}/download": {200, 401, 422},
        "POST /backups/{id}/restore": {202, 400, 401, 422},
        "GET /deployments/{id}": {200, 401, 422},
        "GET /webhooks": {200, 401, 422},
        "POST /webhooks": {201, 401, 422},
        "GET /webhooks/{id}": {200, 401, 422},
        "PATCH /webhooks/{id}": {200, 401, 422},
        "DELETE /webhooks/{id}": {204, 401, 422},
        "POST /webhooks/{id}/test": {200, 401, 422},
        "POST /webhooks/{id}/rotate-secret": {200, 401, 422},
        "GET /webhooks/{id}/deliveries": {200, 401, 422},
        "GET /org": {200, 401},
        "GET /org/usage": {200, 401},
        "GET /servers/{id}/metrics": {200, 401, 422},
    },
}

Check = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator(reads=None, writes=None) as server:
        yield server


@pytest.fixture
def emulator(server: Emulator) -> Emulator:
    server.reset()
    return server


@pytest.fixture
def expiring_emulator() -> Iterator[Emulator]:
    """Return an emulator that moves its clock by a day with each request, and has no limits.

    Schemathesis sends a thousand requests, many with a wrong key, and generates the same idempotency key for different
    requests: their responses must not be replayed.
    """

    def next_day(_request: LoggedRequest) -> list[str]:
        emulator.clock.advance(24 * 3600 + 1)
        return []

    # A deploy is still running at the next request, and over at the one after that.
    with Emulator(reads=None, writes=None, rejected_keys=None, deploy_seconds=36 * 3600, check=next_day) as emulator:
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


@pytest.mark.parametrize(("file", "examples"), [(OPENAPI, 80), (PLATFORM, 40)], ids=["reference", "platform"])
def test_schemathesis_finds_no_failure(file: Path, examples: int, expiring_emulator: Emulator, tmp_path: Path) -> None:
    expiring_emulator.fill(30, environments=("production",))
    expiring_emulator.add_project("Bakery", id=PROJECT_ID)
    expiring_emulator.add_environment(PROJECT_ID, id=ENVIRONMENT_ID)
    expiring_emulator.add_backup(ENVIRONMENT_ID)
    expiring_emulator.add_webhook(WEBHOOK["url"], WEBHOOK["events"], deliveries=2)
    schemathesis = [sys.executable, "-m", "schemathesis.cli", "--no-color"]
    options = ["--seed", "1", "--max-examples", str(examples), "--continue-on-failure"]
    configuration = OPENAPI.with_name("schemathesis.toml")
    done = subprocess.run(
        [*schemathesis, "--config-file", configuration, "run", file, "--url", expiring_emulator.url, *options],
        cwd=tmp_path,
        env={**os.environ, "OECSH_API_KEY": expiring_emulator.keys.full},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for operation, statuses in REACHED[file].items():
        method, path = operation.replace("{id}", "[^/]+").split()
        entries = expiring_emulator.log.requests(method, path)
        assert {entry.status for entry in entries} >= statuses, operation
    assert expiring_emulator.log.count() >= 1000


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


CONFIRMED = {"X-Confirm-Delete": "true", "X-Confirm-Restore": "true"}
CREATE = f"POST /projects/{PROJECT_ID}/environments"


def differing(sent: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are not as expected, where `...` stands for any value, and None for none."""
    pairs = {name: (sent.get(name), value) for name, value in expected.items()}
    return {name: found for name, (found, value) in pairs.items() if found != value and not (value is ... and found)}


@pytest.mark.parametrize(
    ("settings", "situation", "request_", "status", "expected"),
    [
        ({}, "running", "POST /stop", 202, {"task_id": ..., "status": "queued", "environment_id": ENVIRONMENT_ID}),
        ({}, "busy", "POST /stop", 409, {"error": "task_in_progress", "task_id": ...}),
        ({"conflict_has_task_id": False}, "busy", "POST /stop", 409, {"error": "task_in_progress", "task_id": None}),
        ({"failure_word": "error"}, "broken", "GET ", 200, {"status": "error"}),
        ({"failure_word": "failed"}, "broken", "GET ", 200, {"status": "failed"}),
        ({}, "broken", "GET /runtime-logs", 404, {"error": "not_found"}),
        ({}, "stopped", "GET ", 200, {"status": "stopped"}),
        ({"hides_stopped": True}, "stopped", "GET ", 404, {"error": "not_found"}),
        ({"hides_stopped": True}, "stopped", "POST /start", 202, {"task_id": ...}),
        ({}, "running", "DELETE ", 202, {"task_id": ..., "status": "queued"}),
        ({"delete_has_task_id": False}, "running", "DELETE ", 202, {"task_id": None}),
        ({}, "busy", "DELETE ", 409, {"error": "task_in_progress"}),
        ({}, "unconfirmed", "DELETE ", 400, {"error": "confirm_required"}),
        ({"confirm_environment_delete": False}, "unconfirmed", "DELETE ", 202, {"task_id": ...}),
        ({}, "running", CREATE, 201, {"status": "deploying", "branch": "x"}),
        ({"queues_first_deploy": False}, "running", CREATE, 201, {"status": "pending"}),
        ({"ignored_fields": ["branch"]}, "running", CREATE, 201, {"branch": "main"}),
        ({"unique_environment_names": True}, "running", CREATE, 409, {"error": "duplicate_name"}),
        ({}, "busy", "PATCH ", 200, {"branch": "x"}),
        ({"patch_conflicts": True}, "busy", "PATCH ", 409, {"error": "task_in_progress", "task_id": ...}),
        ({"ignored_fields": ["branch"]}, "running", "PATCH ", 200, {"branch": "main"}),
        ({}, "running", "POST /start", 409, {"error": "invalid_state"}),
        ({"wrong_state_rejected": False}, "running", "POST /start", 202, {"task_id": ...}),
        ({}, "paused", "POST /restart", 409, {"error": "invalid_state"}),
        ({}, "running", "GET /backups", 200, {"pages": 1, "total_pages": None, "total": 1, "status": "uploading"}),
        ({"pages_field": "total_pages"}, "running", "GET /backups", 200, {"pages": None, "total_pages": 1}),
        ({"pages_field": "none"}, "running", "GET /backups", 200, {"pages": None, "total_pages": None}),
        ({"backup_words": "documented"}, "running", "GET /backups", 200, {"status": "running"}),
        ({"has_backups": False}, "running", "GET /backups", 404, {"error": None}),
        ({"status_moves_late": 7200}, "busy", "GET ", 200, {"status": "running"}),
        ({}, "busy", "GET /status", 200, {"status": "deploying", "last_deploy": ...}),
        ({"late_last_deploy": 7200}, "busy", "GET /status", 200, {"last_deploy": None}),
        ({"action_lock_seconds": 30}, "repeated", "POST /stop", 409, {"error": "concurrent_action", "task_id": None}),
        ({}, "repeated", "GET /runtime-logs", 429, {"error": "target_rate_limit"}),
        ({}, "repeated", "GET /metrics", 429, {"error": "target_rate_limit"}),
        ({}, "busy", "GET /logs", 200, {"task_id": ..., "truncated": False}),
        ({}, "pending", "GET /logs", 200, {"task_id": None}),
        ({}, "running", "GET /metrics", 200, {"status": "running", "odoo": ...}),
    ],
)
def test_a_switch_changes_a_response_within_the_contract(
    settings: dict[str, Any],
    situation: str,
    request_: str,
    status: int,
    expected: dict[str, Any],
    emulator: Emulator,
    check: Check,
) -> None:
    method, path = request_.split(" ")
    path = path if request_ == CREATE else f"/environments/{ENVIRONMENT_ID}{path}"
    content = {"json": {"name": "production", "branch": "x"}} if method == "PATCH" or request_ == CREATE else {}
    headers = CONFIRMED if method == "DELETE" and situation != "unconfirmed" else {}
    emulator.add_project("Bakery", id=PROJECT_ID)
    first = situation if situation in ("stopped", "paused", "pending") else "running"
    emulator.add_environment(PROJECT_ID, status=first, id=ENVIRONMENT_ID)
    emulator.add_backup(ENVIRONMENT_ID, status="uploading")
    for name, value in settings.items():
        setattr(emulator.settings, name, value)
    if situation in ("busy", "broken"):
        emulator.start_task(ENVIRONMENT_ID, "deploy", outcome="hangs" if situation == "busy" else "failed")
        emulator.clock.advance(3600)
    for _turn in range(6 if situation == "repeated" else 0):
        key = {"Authorization": f"Bearer {emulator.keys.full}"}
        requests.request(method, emulator.url + path, headers=key, timeout=10)
    body = check(method, path, status, headers=headers, **content).json()
    sent = body.get("detail", body)
    sent = {**sent, **(sent.get("items") or [{}])[0]} if isinstance(sent, dict) else {}
    assert differing(sent, expected) == {}


BACK_UP = f"POST /environments/{ENVIRONMENT_ID}/backups"
RESTORE = "POST /backups/{completed}/restore"
SUBSCRIBE = "POST /webhooks"
METRICS = f"GET /servers/{SERVER_ID}/metrics"
BUSY = {"error": "task_in_progress", "task_id": ...}
NO_BACKUPS = {"missing_routes": ["POST /environments/{}/backups"]}
MANY_EVENTS = [f"deploy.{word}" for word in ("started", "completed", "failed", "cancelled")] * 3


@pytest.mark.parametrize(
    ("settings", "request_", "body", "status", "expected"),
    [
        ({}, BACK_UP, {"notes": "x"}, 201, {"status": "pending", "task_id": ..., "notes": "x", "completed_at": None}),
        ({"backup_has_task_id": False}, BACK_UP, {}, 201, {"status": "pending", "task_id": None}),
        ({}, BACK_UP, {"storage_config_id": UNKNOWN_ID}, 422, {}),
        ({"has_storage": False}, BACK_UP, {}, 400, {"text": "No storage configuration available."}),
        ({"backup_quota": 2}, BACK_UP, {}, 403, {"error": ...}),
        (NO_BACKUPS, BACK_UP, {}, 404, {"text": "Not Found"}),
        ({**NO_BACKUPS, "missing_route_status": 405}, BACK_UP, {}, 405, {"text": "Method Not Allowed"}),
        ({}, f"{BACK_UP} during a backup", {}, 409, BUSY),
        ({"backup_conflict": "text"}, f"{BACK_UP} during a backup", {}, 409, {"text": "A backup is already running."}),
        ({"backup_conflict": "none"}, f"{BACK_UP} during a backup", {}, 201, {"status": "pending"}),
        ({}, "GET /backups/{completed}", None, 200, {"status": "completed", "environment_snapshot": ...}),
        ({"backup_has_snapshot": False}, "GET /backups/{completed}", None, 200, {"environment_snapshot": None}),
        ({}, "GET /backups/{uploading}", None, 200, {"status": "uploading", "completed_at": None}),
        ({"backup_words": "documented"}, "GET /backups/{uploading}", None, 200, {"status": "running"}),
        ({}, "GET /backups/{completed}/download", None, 200, {"database_url": ..., "expires_at": ...}),
        ({}, "GET /backups/{uploading}/download", None, 400, {"text": ..., "error": None}),
        ({}, RESTORE, None, 202, {"task_id": ..., "status": "queued", "backup_id": ...}),
        ({}, "POST /backups/{uploading}/restore", None, 400, {"text": ..., "error": None}),
        ({}, f"{RESTORE} during a backup", None, 409, BUSY),
        ({}, f"{RESTORE} without confirmation", None, 400, {"error": "confirm_required"}),
        ({"confirm_restore": False}, f"{RESTORE} without confirmation", None, 202, {"task_id": ...}),
        ({}, SUBSCRIBE, {"project_id": PROJECT_ID}, 201, {"secret": ..., "project_id": PROJECT_ID, "format": "raw"}),
        ({}, f"{SUBSCRIBE} scoped", {}, 422, {}),
        ({}, SUBSCRIBE, {"project_id": UNKNOWN_ID}, 404, {"error": "not_found"}),
        ({"unique_webhooks": True}, SUBSCRIBE, {}, 409, {"error": ...}),
        ({"webhook_events": 10}, SUBSCRIBE, {"events": MANY_EVENTS}, 422, {}),
        ({}, SUBSCRIBE, {"url": "https://127.0.0.1/"}, 422, {}),
        ({"private_webhooks_rejected": False}, SUBSCRIBE, {"url": "https://127.0.0.1/"}, 201, {"secret": ...}),
        ({"webhook_mutations": 0}, SUBSCRIBE, {}, 429, {"error": "webhook_mutation_rate_limit"}),
        ({"webhook_mutations": 0}, "DELETE /webhooks/{webhook}", None, 429, {"error": "webhook_mutation_rate_limit"}),
        ({}, "GET /webhooks", None, 200, {"total": 1, "has_more": False, "is_active": True, "secret": None}),
        ({"max_ram_mb": None}, "GET /org", None, 200, {"max_environments": 20, "max_ram_mb": None}),
        ({}, "GET /org scoped", None, 200, {"plan": "pro"}),
        ({"org_rejects_scoped_key": True}, "GET /org scoped", None, 403, {"error": "org_scope_required"}),
        ({"org_rejects_scoped_key": True}, "GET /org/usage scoped", None, 403, {"error": "org_scope_required"}),
        ({}, "GET /org/usage", None, 200, {"environments_running": 1, "cpu_used": ...}),
        ({}, METRICS, None, 200, {"server_id": SERVER_ID, "memory_total_bytes": ...}),
        ({}, f"{METRICS} scoped", None, 404, {"error": "not_found"}),
        ({}, f"{METRICS} repeated", None, 429, {"error": "target_rate_limit"}),
        ({"servers_without_metrics": [SERVER_ID]}, METRICS, None, 404, {"error": "not_found"}),
    ],
)
def test_backups_webhooks_and_org_are_within_the_contract(
    settings: dict[str, Any],
    request_: str,
    body: dict[str, Any] | None,
    status: int,
    expected: dict[str, Any],
    emulator: Emulator,
    check: Check,
) -> None:
    """A rejection without a code is `text`."""
    emulator.add_project("Bakery", id=PROJECT_ID)
    emulator.add_environment(PROJECT_ID, id=ENVIRONMENT_ID)
    added = {word: emulator.add_backup(ENVIRONMENT_ID, status=word) for word in ("completed", "uploading")}
    added["webhook"] = emulator.add_webhook(**WEBHOOK)
    for name, value in settings.items():
        setattr(emulator.settings, name, value)
    method, path, *situation = request_.format(**{word: each["id"] for word, each in added.items()}).split(" ", 2)
    key = emulator.keys.scoped if situation == ["scoped"] else emulator.keys.full
    headers = {} if situation == ["without confirmation"] else CONFIRMED
    if situation == ["during a backup"]:
        emulator.start_task(ENVIRONMENT_ID, "backup", outcome="hangs")
    for _turn in range(6 if situation == ["repeated"] else 0):
        check(method, path, 200)
    content = {} if body is None else {"json": {**WEBHOOK, **body} if path == "/webhooks" else body}
    sent = check(method, path, status, key=key, headers=headers, **content).json()
    sent = sent.get("detail", sent)
    sent = {"text": sent} if isinstance(sent, str) else {} if isinstance(sent, list) else sent
    assert differing({**sent, **(sent.get("items") or [{}])[0]}, expected) == {}


@pytest.mark.parametrize(
    ("kind", "parameters", "status", "task_id"),
    [
        ("concurrent_action", {}, 409, None),
        ("task_in_progress", {}, 409, None),
        ("task_in_progress", {"task_id": UNKNOWN_ID}, 409, UNKNOWN_ID),
        ("enqueue_failed", {}, 503, None),
    ],
)
def test_a_fault_of_an_action_is_within_the_contract(
    kind: str, parameters: dict[str, str], status: int, task_id: str | None, emulator: Emulator, check: Check
) -> None:
    emulator.faults.add(kind, **parameters)
    detail = check("POST", f"/environments/{UNKNOWN_ID}/deploy", status).json()["detail"]
    assert (detail["error"], detail.get("task_id")) == (kind, task_id)


@pytest.mark.parametrize("operation", sorted(each for each in REACHED[PLATFORM] if "{id}" in each))
def test_an_unknown_thing_is_not_found(operation: str, check: Check) -> None:
    method, path = operation.replace("{id}", UNKNOWN_ID).split()
    content = {} if method == "GET" else {"json": {"name": "staging", "mode": "pull_restart"}, "headers": CONFIRMED}
    assert check(method, path, 404, **content).json()["detail"]["error"] == "not_found"


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
