# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes back over the wire, the client ends in a value of the right shape or in an OecError."""

from __future__ import annotations

import json
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from itertools import cycle
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._client import Client, Listing, Project, Server
from ansible_collections.oecsh.cloud.plugins.module_utils._errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._transport import (
    Answer,
    Clock,
    Settings,
    Transport,
    is_uuid,
)
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

LONG, SHORT = 10_000, 300

KEY = "oec_live_rw_FuzzedFuzzedFuzzedFuzzedFuzzedFuzzedFuz"
SECRET = "hunter2-in-the-url"
ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
SERVER_ID = "8e4f2a1c-1234-5678-abcd-ef0123456789"
BODY = {"name": "Client ERP", "server_id": SERVER_ID, "git_repo_url": f"https://u:{SECRET}@git.example.org/erp"}
PROJECT = {
    "id": ID,
    **BODY,
    "odoo_version": "17.0",
    "default_branch": "main",
    "environment_count": 3,
    "created_at": "2025-09-15T10:30:00Z",
}
SERVER = {"id": SERVER_ID, "name": "production", "provider": "hetzner", "region": None, "cpu_cores": 6}
PAGE = {"data": [PROJECT, SERVER], "pagination": {"has_more": True, "next_cursor": "abc", "total": 2}}
LAST_PAGE = {"data": [PROJECT], "pagination": {"has_more": False, "next_cursor": None, "total": 1}}
ERRORS = [
    {"error": "rate_limit_exceeded", "message": "Slow down.", "retry_after": 17},
    {"error": "validation", "message": "No.", "detail": [{"field": "name", "message": "too long"}]},
    {"detail": {"error": "idempotency_in_progress", "message": "It is still being served."}},
    {"detail": [{"loc": ["body", "name"], "msg": "Field required", "type": "missing"}]},
    {"detail": {"reason": f"refused: Bearer {KEY}, https://u:{SECRET}@git.example.org"}},
    {"detail": "Not found."},
]


class Wire:
    """A server that answers each connection with the next of its answers, byte for byte, and ends it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/public/v1"
        self.answers: Iterator[bytes] = cycle([b""])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    self._read(connection)
                    connection.sendall(next(self.answers))
                except OSError:
                    continue  # the client is gone

    def _read(self, connection: socket.socket) -> None:
        """To the end, or closing would reset the connection and lose the answer."""
        received = b""
        while b"\r\n\r\n" not in received:
            part = connection.recv(65536)
            if not part:
                return
            received += part
        head, _blank, body = received.partition(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        left = int(lines.get(b"content-length", b"0")) - len(body)
        while left > 0:
            left -= len(connection.recv(65536)) or left


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


def make_client(wire: Wire) -> Client:
    passed = [1_700_000_000.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    clock = Clock(now=lambda: passed[0], monotonic=lambda: passed[0], sleep=sleep, chance=lambda: 0.5)
    given = Settings(api_key=KEY, api_url=wire.url, api_timeout=5, api_retries=1, api_max_wait=90)
    return Client(Transport(given, clock=clock, secrets=[SECRET]))


# What the wire carries.

texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [KEY, SECRET, f"https://u:{SECRET}@host/", ID, "", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
    ),
    st.sampled_from(["ip_blocked", "idempotency_in_progress", "\ud800", "\x00\r\n", "\u2028", "Z", "1e999", "-1"]),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([10**400, -(10**30), 1e308, -0.0]), st.floats(), texts
)
names = st.one_of(
    texts,
    st.sampled_from(
        ["error", "message", "detail", "details", "reason", "field", "loc", "msg", "retry_after", *PROJECT]
    ),
    st.sampled_from(["data", "pagination", "has_more", "next_cursor"]),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
documents = st.sampled_from([PROJECT, SERVER, PAGE, LAST_PAGE, *ERRORS])


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A document of the API with a few of its values replaced, removed, or added."""
    document = json.loads(json.dumps(draw(documents)))
    for _turn in range(draw(st.integers(0, 3))):
        place = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
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
bodies = st.one_of(
    as_json,
    as_json,
    as_json,
    st.tuples(as_json, st.integers(0, 400)).map(lambda pair: pair[0][: pair[1]]),
    st.binary(max_size=50),
    st.sampled_from(
        [
            b"",
            b"<html><head><style>x</style><title>502 Bad Gateway</title>",
            b"\xef\xbb\xbf{}",
            b"NaN",
            b'{"data": Infinity}',
            b"9" * 5000,
        ]
    ),
    st.sampled_from(
        [
            b"2\r\n{}\r\n0\r\n\r\n",
            b"-1\r\n{}",
            b"-" + b"f" * 40 + b"\r\n{}",
            b"7fffffffffff\r\n{}",
            b"f" * 40 + b"\r\n{}",
            b"zz\r\n{}",
        ]
    ),
    st.builds(nested, st.sampled_from([50, 300, 600, 950, 5000]), st.just("["), st.just("]")),
    st.builds(nested, st.sampled_from([50, 300, 600, 950]), st.just('{"detail":'), st.just("}")),
)
dates = st.sampled_from(
    [
        "Mon, 15 Sep 2025 10:30:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Mon, 15 Sep 2025 10:30:00 +99999999999",
        "15 Sep",
        "-",
    ]
)
locations = st.sampled_from(
    [
        "https://elsewhere.invalid/",
        "//elsewhere.invalid",
        "/",
        "http://[::1",
        "http://h:99999999/",
        "\xff",
        "%",
        "#",
        "",
    ]
)
free = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30)
headers = st.one_of(
    st.tuples(st.just("Date"), dates | free),
    st.tuples(st.just("Retry-After"), st.sampled_from(["17", "-1", "1e999", "nan", "9" * 400]) | dates | free),
    st.tuples(st.just("Location"), locations | free),
    st.tuples(st.just("Content-Length"), st.sampled_from(["0", "5", "99999", "-1", "1, 2", KEY])),
    st.tuples(st.just("Transfer-Encoding"), st.sampled_from(["chunked", "gzip", "chunked, chunked"])),
    st.tuples(st.just("Content-Encoding"), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, gzip", "?"])),
    st.tuples(
        st.just("Content-Type"), st.sampled_from(["text/html; charset=\xff", "application/json; charset=utf-16"])
    ),
    st.tuples(st.just("Set-Cookie"), free),
    st.tuples(free, free),
)
statuses = st.one_of(
    st.sampled_from([200, 201, 204, 301, 302, 307, 400, 401, 402, 403, 404, 409, 422, 429, 429, 500, 502, 503, 504]),
    st.sampled_from([200, 201, 409, 429]),
    st.integers(100, 999),
).map(str)
status_lines = st.one_of(
    statuses.map(lambda status: f"HTTP/1.1 {status} Some Phrase"),
    statuses.map(lambda status: f"HTTP/1.1 {status} Some Phrase"),
    statuses.map(lambda status: f"HTTP/1.0 {status}"),
    st.sampled_from(
        ["", "HTTP/1.1", "HTTP/1.1 abc", "HTTP/9.9 200 OK", "SSH-2.0-OpenSSH", "HTTP/1.1 200 " + "x" * 70000]
    ),
)


def wired(status_line: str, more: list[tuple[str, str]], body: bytes) -> bytes:
    lines = [status_line, "Connection: close", *(f"{name}: {value}" for name, value in more)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def plain(status: int, body: bytes, **more: str) -> list[bytes]:
    named = [(name.replace("_", "-"), value) for name, value in more.items()]
    return [wired(f"HTTP/1.1 {status} Some Phrase", named, body)]


answers = st.lists(
    st.one_of(
        st.builds(wired, status_lines, st.lists(headers, max_size=3), bodies),
        st.builds(wired, status_lines, st.lists(headers, max_size=3), bodies),
        st.binary(max_size=60),
    ),
    min_size=1,
    max_size=4,
)


# What may come of it.


def is_listing(value: Any) -> bool:
    return isinstance(value, Listing) and all(map(is_project, value.projects)) and is_date(value.date)


def is_date(value: Any) -> bool:
    return value is None or (isinstance(value, datetime) and value.tzinfo is not None)


def is_project(value: Any) -> bool:
    optional = ("odoo_version", "git_repo_url", "default_branch", "server_id", "created_at")
    return (
        isinstance(value, Project)
        and is_uuid(value.id)
        and isinstance(value.name, str)
        and all(isinstance(getattr(value, name), str | None) for name in optional)
        and isinstance(value.fields, dict)
    )


def is_server(value: Any) -> bool:
    return isinstance(value, Server) and is_uuid(value.id) and isinstance(value.name, str)


def is_answer(value: Any) -> bool:
    return isinstance(value, Answer) and isinstance(value.body, dict) and is_date(value.date)


UNDATED = Listing([], None)
DATED = Listing([], datetime(2025, 9, 15, tzinfo=timezone.utc))

OPERATIONS: dict[str, tuple[Callable[[Client], Any], Callable[[Any], bool]]] = {
    "request": (lambda client: client._transport.request("GET", "/projects", query={"limit": 1}), is_answer),
    "projects": (Client.projects, is_listing),
    "servers": (Client.servers, lambda value: isinstance(value, list) and all(map(is_server, value))),
    "project": (lambda client: client.project(ID), lambda value: value is None or is_project(value)),
    "create": (lambda client: client.create(BODY, UNDATED), is_project),
    "create, dated": (lambda client: client.create(BODY, DATED), is_project),
    "create, own key": (lambda client: client.create(BODY, DATED, "mine"), is_project),
    "update": (lambda client: client.update(ID, {"name": "Other"}), is_project),
    "delete": (lambda client: client.delete(ID), lambda value: value is None),
}


def check(wire: Wire, operation: str, sent: list[bytes]) -> None:
    act, is_right = OPERATIONS[operation]
    wire.answers = cycle(sent)
    try:
        value = act(make_client(wire))
    except OecError as caught:
        error = caught
    else:
        assert is_right(value)
        return
    shown = "".join([str(error), *traceback.format_exception(error), repr(error), json.dumps(error.as_error())])
    assert KEY not in shown
    assert SECRET not in shown


# Apart from the rest, since hypothesis raises the recursion limit.
@pytest.mark.parametrize("depth", [10, 100, 300, 450, 600, 900, 980, 5000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"detail":', "}")])
@pytest.mark.parametrize("status", [200, 400, 429, 502])
def test_an_answer_may_be_nested_to_any_depth(wire: Wire, status: int, depth: int, opening: str, closing: str) -> None:
    check(wire, "request", plain(status, nested(depth, opening, closing)))


@pytest.mark.parametrize("depth", [10, 100, 300, 450, 600])
def test_a_module_ends_without_a_traceback_where_a_field_is_nested_to_any_depth(
    emulator: Emulator, run_module: Callable[..., dict[str, Any]], depth: int
) -> None:
    field: Any = 1
    for _turn in range(depth):
        field = [field]
    emulator.add_project("Client ERP", id=ID)
    emulator.faults.add("replace", "GET", body={**PROJECT, "labels": field}, times=None)
    result = run_module("oec_project_info", project_id=ID)
    assert not result.get("exception")
    assert result.get("error") or result["projects"][0]["labels"] == field


def test_any_answer_ends_in_a_value_or_an_oec_error(wire: Wire, long_run: bool, record: Callable[..., None]) -> None:
    tried = 0

    @settings(
        max_examples=LONG if long_run else SHORT,
        derandomize=not long_run,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(operation=st.sampled_from(sorted(OPERATIONS)), sent=answers)
    # Found by it once:
    @example("projects", plain(302, b"", Location="http://[::1"))
    @example("projects", plain(302, b"", Location="\xff"))
    @example("projects", plain(200, b"-10\r\n{}", Transfer_Encoding="chunked"))
    @example("projects", plain(200, b"f" * 40 + b"\r\n{}", Transfer_Encoding="chunked"))
    @example("projects", plain(200, b"-" + b"f" * 40 + b"\r\n{}", Transfer_Encoding="chunked"))
    @example("projects", plain(200, b"7fffffffffff\r\n{}", Transfer_Encoding="chunked"))
    @example("create", plain(201, json.dumps({**PROJECT, "created_at": "0001-01-01T00:00:00+23:59"}).encode()))
    def run(operation: str, sent: list[bytes]) -> None:
        nonlocal tried
        tried += 1
        check(wire, operation, sent)

    run()
    record("answers nobody expects", tried)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_right_answer_gets_through(wire: Wire, operation: str) -> None:
    """Or the test above would be content with a client that always fails."""
    act, is_right = OPERATIONS[operation]
    right = {
        "request": plain(200, b"{}"),
        "projects": plain(200, json.dumps(PAGE | {"data": [PROJECT]}).encode())
        + plain(200, json.dumps(LAST_PAGE).encode()),
        "servers": plain(200, json.dumps({**LAST_PAGE, "data": [SERVER]}).encode()),
        "project": plain(200, json.dumps(PROJECT).encode()),
        "update": plain(200, json.dumps(PROJECT).encode()),
        "delete": plain(204, b""),
    }
    wire.answers = cycle(right.get(operation, plain(201, json.dumps(PROJECT).encode())))
    assert is_right(act(make_client(wire)))
