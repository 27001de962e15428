# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes back over the wire, the client returns a value of the right shape or raises an OecError."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from itertools import cycle
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import WAIT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client, Listing
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import Clock, HttpClient, Response
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._api.retry import Replay
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.create_once import create_once
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import TASK, lines_of, task_failure
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import BACKUP_FILTERS, read_backups
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup_take import BACKUP_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.deployment_order import DEPLOYMENT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    ENVIRONMENT,
    ENVIRONMENT_FILTERS,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_ensure import ENVIRONMENT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.task import LOG_OPTIONS, TASK_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import WEBHOOK
from ansible_collections.oecsh.cloud.tests.chaos.byte_server import ByteServer
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import SERVER_ID
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

LONG, SHORT = 10_000, 300

KEY = "oec_live_rw_FuzzedFuzzedFuzzedFuzzedFuzzedFuzzedFuz"
SECRET = "hunter2-in-the-url"
ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
PROJECT_BODY = {"name": "Client ERP", "server_id": SERVER_ID, "git_repo_url": f"https://u:{SECRET}@git.example.org/erp"}
PROJECT_JSON = {
    "id": ID,
    **PROJECT_BODY,
    "odoo_version": "17.0",
    "default_branch": "main",
    "environment_count": 3,
    "created_at": "2025-09-15T10:30:00Z",
}
SERVER_JSON = {"id": SERVER_ID, "name": "production", "provider": "hetzner", "region": None, "cpu_cores": 6}
ENVIRONMENT_JSON = {
    "id": ID,
    "name": "production",
    "status": "running",
    "project_id": ID,
    "branch": "main",
    "last_commit": "3f2a91c0",
    "cpu_cores": 2,
    "custom_domain": None,
    "created_at": "2025-09-15T10:30:00Z",
}
TASK_JSON = {"id": ID, "type": "deploy", "status": "failed", "task_id": ID, "started_at": None, "error_message": "x"}
BACKUP_JSON = {"id": ID, "status": "completed", "completed_at": "2025-09-15T10:30:00Z", "environment_id": ID}
BACKUPS = {"items": [BACKUP_JSON], "total": 1, "page": 1, "page_size": 100}
WEBHOOK_JSON = {
    "id": ID,
    "url": "https://hooks.example.org/oec",
    "events": ["deploy.failed"],
    "is_active": True,
    "created_at": "2025-09-15T10:30:00Z",
    "secret": "whsec_0123456789",
}
WEBHOOKS = {"items": [WEBHOOK_JSON], "total": 1, "limit": 100, "offset": 0, "has_more": False}
LOG_JSON = {"log": "one\ntwo", "task_id": ID, "truncated": False}
FIRST_PAGE = {"data": [PROJECT_JSON, SERVER_JSON], "pagination": {"has_more": True, "next_cursor": "abc", "total": 2}}
LAST_PAGE = {"data": [PROJECT_JSON], "pagination": {"has_more": False, "next_cursor": None, "total": 1}}
ERRORS = [
    {"error": "rate_limit_exceeded", "message": "Slow down.", "retry_after": 17},
    {"error": "validation", "message": "No.", "detail": [{"field": "name", "message": "too long"}]},
    {"detail": {"error": "idempotency_in_progress", "message": "It is still being served."}},
    {"detail": [{"loc": ["body", "name"], "msg": "Field required", "type": "missing"}]},
    {"detail": {"reason": f"rejected: Bearer {KEY}, https://u:{SECRET}@git.example.org"}},
    {"detail": "Not found."},
]


@pytest.fixture(scope="module")
def server() -> Iterator[ByteServer]:
    server = ByteServer()
    yield server
    server.close()


def http_client(server: ByteServer) -> HttpClient:
    passed = [1_700_000_000.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    clock = Clock(now=lambda: passed[0], monotonic=lambda: passed[0], sleep=sleep, random=lambda: 0.5)
    options = Settings(
        api_key=KEY, api_url=f"{server.url}/api/public/v1", api_timeout=5, api_retries=1, api_max_wait=90
    )
    client = HttpClient(options, clock=clock)
    client.hide([SECRET])
    return client


# Strategies for a response.

pick = st.sampled_from
texts = st.one_of(
    st.text(max_size=20),
    pick([KEY, SECRET, f"https://u:{SECRET}@host/", ID, "", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]),
    pick(["ip_blocked", "idempotency_in_progress", "\ud800", "\x00\r\n", "\u2028", "Z", "1e999", "-1"]),
)
numbers = st.floats() | pick([10**400, -(10**30), 1e308, -0.0]) | st.integers()
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
names = st.one_of(
    texts,
    pick(["error", "message", "detail", "details", "reason", "field", "loc", "msg", "retry_after", *PROJECT_JSON]),
    pick(["data", "pagination", "has_more", "next_cursor"]),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
documents = pick(
    [
        *[PROJECT_JSON, SERVER_JSON, FIRST_PAGE, LAST_PAGE, *ERRORS],
        *[ENVIRONMENT_JSON, [ENVIRONMENT_JSON], TASK_JSON, BACKUPS, LOG_JSON, WEBHOOK_JSON, WEBHOOKS],
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A document of the API with a few of its values replaced, removed or added."""
    document = json.loads(json.dumps(draw(documents)))
    for _change in range(draw(st.integers(0, 3))):
        place = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(pick(keys))
            if isinstance(place[key], (dict, list)) and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.booleans()):
                place[key] = draw(values)
            else:
                del place[key]
            break
    return document


def nested(depth: int, opening: str, closing: str) -> bytes:
    return b'{"detail": ' + opening.encode() * depth + b"1" + closing.encode() * depth + b"}"


as_json = st.one_of(mutated(), mutated(), documents, values).map(lambda value: json.dumps(value).encode())
not_json = [b"", b"<html><head><style>x</style><title>502 Bad Gateway</title>", b"\xef\xbb\xbf{}", b"NaN"]
chunks = [b"2\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}", b"7fffffffffff\r\n{}", b"zz\r\n{}"]
bodies = st.one_of(
    as_json,
    as_json,
    as_json,
    st.tuples(as_json, st.integers(0, 400)).map(lambda pair: pair[0][: pair[1]]),
    st.binary(max_size=50),
    pick([*not_json, b'{"data": Infinity}', b"9" * 5000]),
    pick([*chunks, b"-" + b"f" * 40 + b"\r\n{}", b"f" * 40 + b"\r\n{}"]),
    st.builds(nested, pick([50, 300, 600, 950, 5000]), st.just("["), st.just("]")),
    st.builds(nested, pick([50, 300, 600, 950]), st.just('{"detail":'), st.just("}")),
)
free = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30)
years = ["15 Sep 2025 10:30:00 GMT", "01 Jan 0001 00:00:00 +2359", "31 Dec 9999 23:59:59 -2359"]
dates = free | pick([f"Mon, {year}" for year in years])
dates |= pick(["Fri, 31 Dec 99999 23:59:59 GMT", "Mon, 15 Sep 2025 10:30:00 +99999999999", "15 Sep", "-"])
hosts = ["https://elsewhere.invalid/", "//elsewhere.invalid", "http://[::1", "http://h:99999999/"]
headers = st.one_of(
    st.tuples(st.just("Date"), dates),
    st.tuples(st.just("Retry-After"), pick(["17", "-1", "1e999", "nan", "9" * 400]) | dates),
    st.tuples(st.just("Location"), pick([*hosts, "/", "\xff", "%", "#", ""]) | free),
    st.tuples(st.just("Content-Length"), pick(["0", "5", "99999", "-1", "1, 2", KEY])),
    st.tuples(st.just("Transfer-Encoding"), pick(["chunked", "gzip", "chunked, chunked"])),
    st.tuples(st.just("Content-Encoding"), pick(["gzip", "deflate", "br", "zstd", "gzip, gzip", "?"])),
    st.tuples(st.just("Content-Type"), pick(["text/html; charset=\xff", "application/json; charset=utf-16"])),
    st.tuples(st.just("Set-Cookie"), free),
    st.tuples(free, free),
)
statuses = st.one_of(
    pick([200, 201, 204, 301, 302, 307, 400, 401, 402, 403, 404, 409, 422, 429, 429, 500, 502, 503, 504]),
    pick([200, 201, 409, 429]),
    st.integers(100, 999),
)
broken_lines = ["", "HTTP/1.1", "HTTP/1.1 abc", "HTTP/9.9 200 OK", "SSH-2.0-OpenSSH", "HTTP/1.1 200 " + "x" * 70000]
status_lines = st.one_of(
    statuses.map(lambda status: f"HTTP/1.1 {status} Some Phrase"),
    statuses.map(lambda status: f"HTTP/1.1 {status} Some Phrase"),
    statuses.map(lambda status: f"HTTP/1.0 {status}"),
    pick(broken_lines),
)


def wired(status_line: str, more: list[tuple[str, str]], body: bytes) -> bytes:
    lines = [status_line, "Connection: close", *(f"{name}: {value}" for name, value in more)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def response(status: int, body: Any, **more: str) -> bytes:
    named = [(name.replace("_", "-"), value) for name, value in more.items()]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wired(f"HTTP/1.1 {status} Some Phrase", named, content)


wired_responses = st.builds(wired, status_lines, st.lists(headers, max_size=3), bodies)
responses = st.lists(
    st.one_of(wired_responses, wired_responses, st.binary(max_size=60)),
    min_size=1,
    max_size=4,
)


# The values that are right.


def is_date(value: Any) -> bool:
    return value is None or (isinstance(value, datetime) and value.tzinfo is not None)


def is_object(kind: Kind, value: Any) -> bool:
    texts = [value.get(field.name) for field in kind.fields if field.type == "str"]
    return (
        is_uuid(value["id"])
        and isinstance(value[kind.key], str)
        and all(isinstance(text, str | None) for text in texts)
    )


def is_project(value: Any) -> bool:
    return is_object(PROJECT, value)


def is_response(value: Any) -> bool:
    return isinstance(value, Response) and isinstance(value.body, dict) and is_date(value.date)


def is_listing(kind: Kind) -> Callable[[Any], bool]:
    return lambda value: all(is_object(kind, item) for item in value.objects) and is_date(value.date)


def is_failure(value: Any) -> bool:
    return value is None or (isinstance(value, Failure) and bool(value.code))


def is_lines(value: Any) -> bool:
    return all(isinstance(line, str) and line.isprintable() for line in value)


BODIES: dict[str, dict[str, Any]] = {
    PROJECT.name: PROJECT_BODY,
    ENVIRONMENT.name: {"name": "production"},
    WEBHOOK.name: {"url": WEBHOOK_JSON["url"], "events": WEBHOOK_JSON["events"]},
}


def newest_backup(http: HttpClient) -> datetime | None:
    """Return when the newest backup was completed, after all that is asked about backups."""
    known = read_backups(Client(http), ID)
    assert all(each["id"] for each in (known.running, known.lost) if each)
    return known.completed


def create(date: datetime | None, key: str | None = None, kind: Kind = PROJECT) -> Callable[[HttpClient], Any]:
    def act(http: HttpClient) -> Any:
        api = Client(http).of(kind, ID)
        api._known = Listing([], date)  # so that the first response is that of the create
        return create_once(api, BODIES[kind.name], key)

    return act


DATE = datetime(2025, 9, 15, tzinfo=timezone.utc)

OPERATIONS: dict[str, tuple[Callable[[HttpClient], Any], Callable[[Any], bool]]] = {
    "request": (lambda http: http.request("GET", "/projects", replay=Replay.SAFE, query={"limit": 1}), is_response),
    "projects": (lambda http: Client(http).of(PROJECT).list(), is_listing(PROJECT)),
    "servers": (lambda http: Client(http).of(SERVER).list(), is_listing(SERVER)),
    "project": (lambda http: Client(http).of(PROJECT).get(ID), lambda value: value is None or is_project(value)),
    "create": (create(None), is_project),
    "create, dated": (create(DATE), is_project),
    "create, own key": (create(DATE, "mine"), is_project),
    "update": (lambda http: Client(http).of(PROJECT).update(ID, {"name": "Other"}), is_project),
    "delete": (lambda http: Client(http).of(PROJECT).delete(ID), lambda value: isinstance(value, dict)),
    "environments": (lambda http: Client(http).of(ENVIRONMENT, ID).list(), is_listing(ENVIRONMENT)),
    "create environment": (create(DATE, kind=ENVIRONMENT), lambda value: is_object(ENVIRONMENT, value)),
    "action": (
        lambda http: Client(http).of(ENVIRONMENT).act(ID, "deploy", None, "key", lambda: False),
        lambda value: is_uuid(value["task_id"]),
    ),
    "task": (lambda http: task_failure(Client(http).of(TASK).get(ID) or TASK_JSON, 60), is_failure),
    "log": (lambda http: lines_of(Client(http).of(ENVIRONMENT).read(ID, "logs")), is_lines),
    "backups": (newest_backup, is_date),
    "webhooks": (lambda http: Client(http).of(WEBHOOK).list(), is_listing(WEBHOOK)),
    "create webhook": (create(DATE, kind=WEBHOOK), lambda value: is_object(WEBHOOK, value)),
}


def check(server: ByteServer, operation: str, sent: list[bytes]) -> None:
    act, is_right = OPERATIONS[operation]
    server.responses = cycle(sent)
    try:
        value = act(http_client(server))
    except OecError as caught:
        error = caught
    else:
        assert is_right(value)
        return
    result = json.dumps(error.failure.as_error())
    everything = "".join([str(error), *traceback.format_exception(error), repr(error), result])
    assert [secret for secret in (KEY, SECRET) if secret in everything] == []


# Apart from the others, because hypothesis raises the recursion limit.
@pytest.mark.parametrize("depth", [10, 100, 300, 450, 600, 900, 980, 5000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"detail":', "}")])
@pytest.mark.parametrize("status", [200, 400, 429, 502])
def test_a_response_may_be_nested_to_any_depth(
    server: ByteServer, status: int, depth: int, opening: str, closing: str
) -> None:
    check(server, "request", [response(status, nested(depth, opening, closing))])


@pytest.mark.parametrize("depth", [10, 100, 300, 450, 600])
def test_a_deeply_nested_field_causes_no_traceback(
    emulator: Emulator, run_module: Callable[..., dict[str, Any]], depth: int
) -> None:
    field: Any = 1
    for _level in range(depth):
        field = [field]
    emulator.add_project("Client ERP", id=ID)
    emulator.faults.add("replace", "GET", body={**PROJECT_JSON, "labels": field}, times=None)
    result = run_module("oec_project_info", project_id=ID)
    assert not result.get("exception")
    assert result.get("error") or result["projects"][0]["labels"] == field


def test_any_response_ends_in_a_value_or_an_oec_error(
    server: ByteServer, long_run: bool, record: Callable[..., None]
) -> None:
    tried = 0
    chunked = {"Transfer_Encoding": "chunked"}
    ancient = {**PROJECT_JSON, "created_at": "0001-01-01T00:00:00+23:59"}

    @settings(
        max_examples=LONG if long_run else SHORT,
        derandomize=not long_run,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(operation=pick(sorted(OPERATIONS)), sent=responses)
    # Each of these once raised something else:
    @example("projects", [response(302, b"", Location="http://[::1")])
    @example("projects", [response(302, b"", Location="\xff")])
    @example("projects", [response(200, b"-10\r\n{}", **chunked)])
    @example("projects", [response(200, b"f" * 40 + b"\r\n{}", **chunked)])
    @example("projects", [response(200, b"-" + b"f" * 40 + b"\r\n{}", **chunked)])
    @example("projects", [response(200, b"7fffffffffff\r\n{}", **chunked)])
    @example("create", [response(201, ancient)])
    def run(operation: str, sent: list[bytes]) -> None:
        nonlocal tried
        tried += 1
        check(server, operation, sent)

    run()
    record("Unexpected responses", tried)


SPECS: dict[str, Spec] = {
    "oec_environment": {**ENVIRONMENT_OPTIONS, **WAIT_OPTIONS},
    "oec_environment_info": ENVIRONMENT_FILTERS,
    "oec_deployment": {**DEPLOYMENT_OPTIONS, **WAIT_OPTIONS},
    "oec_task_info": {**TASK_OPTIONS, **WAIT_OPTIONS},
    "oec_log_info": LOG_OPTIONS,
    "oec_backup": {**BACKUP_OPTIONS, **WAIT_OPTIONS},
    "oec_backup_info": BACKUP_FILTERS,
}
right_options = pick(["Client ERP", "production", ID, "main", "7d", 1, 5, True, [ID], [{"environment_id": ID}]])
calls = pick(sorted(SPECS)).flatmap(
    lambda module: st.tuples(
        st.just(module), st.dictionaries(pick(sorted(SPECS[module])), right_options | right_options | values)
    )
)


def test_any_options_end_in_a_result_or_an_error(
    emulator: Emulator, run_module: Callable[..., dict[str, Any]], long_run: bool, record: Callable[..., None]
) -> None:
    tried = 0

    @settings(
        max_examples=LONG // 10 if long_run else SHORT,
        derandomize=not long_run,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(call=calls, check=st.booleans())
    def run(call: tuple[str, dict[str, Any]], check: bool) -> None:
        nonlocal tried
        tried += 1
        emulator.reset()
        emulator.clock.freeze()
        emulator.add_environment(emulator.add_project("Client ERP")["id"], id=ID)
        module, options = call
        result = run_module(module, check=check, **{"environment_id": ID, **options})
        assert "Traceback" not in json.dumps(result)
        assert not result.get("failed") or result["error"]["code"]

    run()
    record("Unexpected options of modules", tried)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_correct_response_gets_through(server: ByteServer, operation: str) -> None:
    """Or the test above would accept a client that always fails."""
    act, is_right = OPERATIONS[operation]
    correct = {
        "request": [response(200, {})],
        "projects": [response(200, FIRST_PAGE | {"data": [PROJECT_JSON]}), response(200, LAST_PAGE)],
        "servers": [response(200, {**LAST_PAGE, "data": [SERVER_JSON]})],
        "project": [response(200, PROJECT_JSON)],
        "update": [response(200, PROJECT_JSON)],
        "delete": [response(204, b"")],
        "environments": [response(200, [ENVIRONMENT_JSON])],
        "create environment": [response(201, ENVIRONMENT_JSON)],
        "action": [response(202, TASK_JSON)],
        "task": [response(200, TASK_JSON)],
        "log": [response(200, LOG_JSON)],
        "backups": [response(200, BACKUPS)],
        "webhooks": [response(200, WEBHOOKS)],
        "create webhook": [response(201, WEBHOOK_JSON)],
    }
    server.responses = cycle(correct.get(operation, [response(201, PROJECT_JSON)]))
    assert is_right(act(http_client(server)))
