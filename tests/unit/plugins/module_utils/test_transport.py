# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import re
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils import _transport
from ansible_collections.oecsh.cloud.plugins.module_utils._errors import (
    InputError,
    NoAnswerError,
    OecError,
    RefusedError,
    UnexpectedAnswerError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._transport import (
    DEFAULT_URL,
    Answer,
    Clock,
    Settings,
    Transport,
    is_uuid,
)
from ansible_collections.oecsh.cloud.tests.emulator import KEYS, Emulator

MakeTransport = Callable[..., Transport]

KEY = KEYS.full
SERVER_ID = "8e4f2a1c-1234-5678-abcd-ef0123456789"
PROJECT_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
BODY = {"name": "Client ERP", "server_id": SERVER_ID}
IDEMPOTENCY = {"X-Idempotency-Key": str(UUID(int=7))}
NOON = datetime(2026, 3, 2, 12, 0, 20, tzinfo=timezone.utc)
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
JSON = BEGUN + b"Content-Length: 2\r\n\r\n{}"


class Peer:
    """A server of our own, for what no API does: notes what it gets, and lets `answer` do the rest."""

    def __init__(self, answer: bytes | Callable[[socket.socket], None] = JSON) -> None:
        self.answer = answer
        self.received: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Peer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            with connection:
                self._one(connection)

    def _one(self, connection: socket.socket) -> None:
        try:
            got = b""
            # A TLS greeting (it begins with 0x16) has no empty line to wait for.
            while b"\r\n\r\n" not in got and not got.startswith(b"\x16") and (part := connection.recv(65536)):
                got += part
            self.received.append(got)
            if callable(self.answer):
                self.answer(connection)
            else:
                connection.sendall(self.answer)
        except OSError:
            pass  # the client has gone: that is its right


class Time:
    """A clock for tests without the emulator: to sleep is to move it on."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.sleeps: list[float] = []
        self.oversleep = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(
            now=lambda: NOON.timestamp() + self.passed,
            monotonic=lambda: self.passed,
            sleep=self._sleep,
            chance=lambda: 0.5,
        )

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.passed += seconds + self.oversleep


@pytest.fixture
def simulated() -> Time:
    return Time()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine that runs the tests has set must not decide how they end."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def tls() -> Iterator[Emulator]:
    with Emulator(tls=True) as emulator:
        yield emulator


def to(url: str, simulated: Time, **settings: Any) -> Transport:
    return Transport(Settings(**{"api_key": KEY, "api_url": url, **settings}), clock=simulated.clock)


def read(transport: Transport) -> Answer:
    return transport.request("GET", "/projects")


def create(transport: Transport) -> Answer:
    return transport.request("POST", "/projects", body=BODY, headers=IDEMPOTENCY)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# Settings: what can be known to be wrong before the first request.


@pytest.mark.parametrize(
    ("given", "used"),
    [
        pytest.param("https://api.example.com/v1", "https://api.example.com/v1", id="https"),
        pytest.param("https://api.example.com/v1//", "https://api.example.com/v1", id="slash-at-the-end"),
        pytest.param(" https://api.example.com\n", "https://api.example.com", id="blanks-around"),
        pytest.param("https://api.example.com:8443", "https://api.example.com:8443", id="port"),
        pytest.param("https://[2001:db8::1]/v1", "https://[2001:db8::1]/v1", id="ipv6"),
        pytest.param("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1", id="loopback"),
        pytest.param("http://127.8.9.10", "http://127.8.9.10", id="loopback-too"),
        pytest.param("http://[::1]:8080", "http://[::1]:8080", id="loopback-ipv6"),
        pytest.param("http://localhost:8080", "http://localhost:8080", id="localhost"),
        pytest.param("", DEFAULT_URL, id="empty"),
        pytest.param(" \n", DEFAULT_URL, id="blank"),
    ],
)
def test_an_api_url_is_taken_as_it_is_meant(given: str, used: str) -> None:
    assert Settings(KEY, api_url=given).api_url == used


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://api.oec.sh/api/public/v1", id="plain-http"),
        pytest.param("http://10.0.0.1", id="plain-http-in-a-private-network"),
        pytest.param("http://localhost.example.com", id="only-looks-like-loopback"),
        pytest.param("http://127.0.0.1.example.com", id="only-looks-like-loopback-too"),
        pytest.param("ftp://api.example.com", id="another-scheme"),
        pytest.param("api.example.com/v1", id="no-scheme"),
        pytest.param("https://", id="no-host"),
        pytest.param("https:///v1", id="no-host-but-a-path"),
        pytest.param("https://api.example.com?limit=1", id="query"),
        pytest.param("https://api.example.com/v1?", id="empty-query"),
        pytest.param("https://api.example.com/v1#top", id="fragment"),
        pytest.param("https://api.example.com/v1#", id="empty-fragment"),
        pytest.param("https://api.example.com/a b", id="blank"),
        pytest.param("https://api.example\t.com", id="tab"),
        pytest.param("https://api.example.com:https", id="port-in-words"),
        pytest.param("https://api.example.com:99999", id="port-out-of-range"),
        pytest.param("https://[::1", id="half-a-bracket"),
    ],
)
def test_an_api_url_that_cannot_be_right_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="api_url"):
        Settings(KEY, api_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://joe:hunter22@api.example.com",
        "https://hunter22@api.example.com",
        "https://:hunter22@api.example.com",
        "http://joe:hunter22@api.example.com",
        "https://joe:hunter22/x@api.example.com",
    ],
)
def test_credentials_in_an_api_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match="api_url") as caught:
        Settings(KEY, api_url=url)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "\n"])
def test_an_empty_key_is_refused_with_the_name_of_the_variable(key: str) -> None:
    with pytest.raises(InputError, match=r"api_key is empty.*OECSH_API_KEY"):
        Settings(key)


@pytest.mark.parametrize(
    "key",
    [
        "oec_live_rw_hunter22 oec_live_ro_hunter22",
        "oec_live_rw_hunter22\nX-Other: 1",
        "oec_live_rw_hunter22\x00",
        "oec_live_rw_hunter22é",
        "oec_live_rw_\thunter22",
    ],
    ids=["blank", "line", "null", "accent", "tab"],
)
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InputError, match="api_key") as caught:
        Settings(key)
    assert "hunter22" not in f"{caught.value} {caught.value!r}"


def test_a_key_is_not_shown_where_settings_are_printed() -> None:
    settings = Settings(KEY)
    assert KEY not in f"{settings} {settings!r} {Transport(settings)!r}"


def test_a_key_read_from_a_file_works_with_its_newline(make_transport: MakeTransport, emulator: Emulator) -> None:
    read(make_transport(api_key=f"{KEY}\n"))
    assert emulator.log.requests()[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("option", "value"), [("api_timeout", 0), ("api_retries", -1), ("api_max_wait", 0), ("api_timeout", -30)]
)
def test_numbers_that_make_no_sense_are_refused(option: str, value: int) -> None:
    with pytest.raises(InputError, match=f"{option} is {value}.*at least"):
        Settings(KEY, **{option: value})


@pytest.mark.parametrize("content", [None, "", "not a certificate", "directory"])
def test_a_ca_path_that_cannot_be_read_is_refused_before_the_first_request(tmp_path: Path, content: str | None) -> None:
    bundle = tmp_path / "bundle.pem"
    if content == "directory":
        bundle.mkdir()
    elif content is not None:
        bundle.write_text(content)
    with pytest.raises(InputError, match=f"ca_path {re.escape(str(bundle))}.*PEM"):
        Settings(KEY, ca_path=str(bundle))


def test_ca_path_is_not_looked_at_where_certificates_are_not_validated() -> None:
    assert Settings(KEY, ca_path="/nowhere.pem", validate_certs=False).ca_path == "/nowhere.pem"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (PROJECT_ID, True),
        (PROJECT_ID.upper(), True),
        (f"{PROJECT_ID}\n", False),
        (f"{{{PROJECT_ID}}}", False),
        (PROJECT_ID.replace("-", ""), False),
        ("../servers", False),
        ("", False),
    ],
)
def test_only_a_uuid_is_taken_for_an_id(text: str, is_one: bool) -> None:
    assert is_uuid(text) is is_one


# One request.


def test_a_request_carries_the_key_its_query_and_its_body(make_transport: MakeTransport, emulator: Emulator) -> None:
    transport = make_transport()
    transport.request("GET", "/projects", query={"limit": 100})
    answer = create(transport)
    listed, created = emulator.log.requests()
    assert listed.headers["authorization"] == created.headers["authorization"] == f"Bearer {KEY}"
    assert (listed.query, listed.json) == ({"limit": "100"}, None)
    assert (created.query, created.json) == ({}, BODY)
    assert created.headers["x-idempotency-key"] == IDEMPOTENCY["X-Idempotency-Key"]
    assert (answer.request, answer.body) == ("POST /projects", emulator.projects()[0])
    assert answer.date == emulator.clock.now().replace(microsecond=0)


def test_an_answer_without_a_body_is_an_empty_one(make_transport: MakeTransport, emulator: Emulator) -> None:
    path = f"/projects/{emulator.add_project('Client ERP')['id']}"
    assert make_transport().request("DELETE", path, headers={"X-Confirm-Delete": "true"}).body == {}


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Mar 2026 99:99:99 GMT"])
def test_a_date_that_is_none_is_none(make_transport: MakeTransport, emulator: Emulator, date: str) -> None:
    emulator.faults.add("status", status=200, body={}, headers={"Date": date})
    assert read(make_transport()).date is None


def test_a_date_without_a_time_zone_is_utc(make_transport: MakeTransport, emulator: Emulator) -> None:
    emulator.faults.add("status", status=200, body={}, headers={"Date": "Mon, 02 Mar 2026 12:00:20 -0000"})
    assert read(make_transport()).date == NOON


@pytest.mark.parametrize(
    ("text", "kind"), [("[]", "list"), ('"x"', "str"), ("3", "int"), ("null", "NoneType"), ("true", "bool")]
)
def test_json_that_is_no_object_is_reported_with_the_request(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float], text: str, kind: str
) -> None:
    emulator.faults.add("status", status=200, text=text)
    with pytest.raises(UnexpectedAnswerError, match=f"GET /projects answered a JSON {kind}") as caught:
        read(make_transport())
    assert caught.value.status == 200
    assert (emulator.log.count(), sleeps) == (1, [])


# Passing failures.

PASSING = [
    pytest.param("cut_before", {}, id="cut-before-the-work"),
    pytest.param("cut_after", {}, id="cut-after-the-work"),
    pytest.param("cut_midway", {}, id="cut-midway"),
    pytest.param("truncate", {}, id="half-the-json"),
    pytest.param("html", {"status": 502}, id="502-of-a-proxy"),
    pytest.param("html", {"status": 504, "after": True}, id="504-of-a-proxy-after-the-work"),
    pytest.param("html", {"status": 200}, id="web-page"),
    pytest.param("status", {"status": 500}, id="500"),
    pytest.param("status", {"status": 500, "after": True}, id="500-after-the-work"),
    pytest.param("status", {"status": 503, "text": ""}, id="503-without-a-body"),
    pytest.param("status", {"status": 520}, id="status-of-no-standard"),
    pytest.param("status", {"status": 200, "text": ""}, id="empty-answer"),
    pytest.param("status", {"status": 200, "text": '{"a": NaN}'}, id="json-that-is-none"),
    pytest.param("status", {"status": 200, "text": "[" * 100_000}, id="json-without-end"),
]


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize(("fault", "parameters"), PASSING)
def test_a_passing_failure_is_mended_by_asking_again(
    make_transport: MakeTransport,
    emulator: Emulator,
    sleeps: list[float],
    method: str,
    fault: str,
    parameters: dict[str, Any],
) -> None:
    there = emulator.add_project("Client ERP")
    path, content = {
        "GET": (f"/projects/{there['id']}", {}),
        "POST": ("/projects", {"body": BODY, "headers": IDEMPOTENCY}),
        "PATCH": (f"/projects/{there['id']}", {"body": {"name": "New name"}}),
    }[method]
    emulator.faults.add(fault, **parameters)
    answer = make_transport().request(method, path, **content)
    assert answer.body == emulator.projects()[-1]
    assert emulator.log.count(f"{method} {path}") == emulator.log.count() == 2
    assert sleeps == [0.375]
    assert [project["name"] for project in emulator.projects()] == {
        "GET": ["Client ERP"],
        "POST": ["Client ERP", "Client ERP"],
        "PATCH": ["New name"],
    }[method]


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [("cut_before", {}), ("html", {"status": 502}), ("status", {"status": 500}), ("status", {"status": 503})],
)
def test_a_delete_that_did_not_arrive_is_sent_again(
    make_transport: MakeTransport, emulator: Emulator, fault: str, parameters: dict[str, Any]
) -> None:
    path = f"/projects/{emulator.add_project('Client ERP')['id']}"
    emulator.faults.add(fault, **parameters)
    make_transport().request("DELETE", path, headers={"X-Confirm-Delete": "true"})
    assert (emulator.projects(), emulator.log.count("DELETE")) == ([], 2)


def test_a_server_that_hangs_is_asked_again(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float]
) -> None:
    transport = make_transport()
    # Not by way of Settings: a second, which is the least it takes, is long for a test.
    object.__setattr__(transport.settings, "api_timeout", 0.05)
    emulator.faults.add("delay", seconds=5)
    assert read(transport).body["data"] == []
    assert sleeps == [0.375]


def test_a_server_that_hangs_for_ever_is_given_up(make_transport: MakeTransport, emulator: Emulator) -> None:
    transport = make_transport(api_retries=1)
    object.__setattr__(transport.settings, "api_timeout", 0.02)
    emulator.faults.add("delay", seconds=5, times=None)
    with pytest.raises(NoAnswerError, match="sent 2 times in 0 s, and the last time: no answer within") as caught:
        read(transport)
    assert caught.value.status is None


def test_an_answer_that_cannot_be_unpacked_is_asked_for_again(simulated: Time) -> None:
    broken = BEGUN + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk"
    with Peer(broken) as peer, pytest.raises(NoAnswerError, match="incorrect header check"):
        read(to(peer.url, simulated, api_retries=2))
    assert len(peer.received) == 3


def test_what_is_no_http_is_asked_again(simulated: Time) -> None:
    with Peer(b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as peer, pytest.raises(NoAnswerError, match="the connection failed"):
        read(to(peer.url, simulated, api_retries=1))
    assert len(peer.received) == 2


def test_where_nobody_listens_the_system_s_own_words_are_shown(simulated: Time) -> None:
    with pytest.raises(NoAnswerError, match=r"sent 6 times .* the connection failed .*refused") as caught:
        read(to(f"http://127.0.0.1:{closed_port()}", simulated))
    assert len(simulated.sleeps) == 5
    assert (caught.value.status, caught.value.code, caught.value.details) == (None, None, None)
    assert "HTTPConnectionPool" not in str(caught.value)


@pytest.mark.parametrize(
    ("chance", "pauses"),
    [
        pytest.param(0.0, [0.25, 0.5, 1, 2, 4, 8, 15, 15, 15], id="shortest"),
        pytest.param(0.5, [0.375, 0.75, 1.5, 3, 6, 12, 22.5, 22.5, 22.5], id="middle"),
        pytest.param(1.0, [0.5, 1, 2, 4, 8, 16, 30, 30, 30], id="longest"),
    ],
)
def test_pauses_double_up_to_half_a_minute_with_jitter(
    emulator: Emulator, clock: Clock, sleeps: list[float], chance: float, pauses: list[float]
) -> None:
    jittery = Clock(clock.now, clock.monotonic, clock.sleep, lambda: chance)
    emulator.faults.add("status", status=503, times=len(pauses))
    read(Transport(Settings(KEY, emulator.url, api_retries=len(pauses)), clock=jittery))
    assert sleeps == pauses


@pytest.mark.parametrize(
    ("retries", "words"), [(0, "sent once in 0 s"), (1, "sent 2 times in 0 s"), (5, "sent 6 times in 12 s")]
)
def test_api_retries_is_how_often_a_request_is_repeated(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float], retries: int, words: str
) -> None:
    emulator.faults.add("status", status=503, times=None)
    with pytest.raises(NoAnswerError, match=words):
        read(make_transport(api_retries=retries))
    assert (emulator.log.count(), len(sleeps)) == (retries + 1, retries)


def test_giving_up_says_how_long_how_often_and_what_the_last_answer_was(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    emulator.faults.add("cut_before", times=2)
    emulator.faults.add("status", status=503, body={"error": "maintenance", "message": "Back soon.", "details": [1]})
    with pytest.raises(NoAnswerError) as caught:
        read(make_transport(api_retries=2))
    error = caught.value
    assert str(error).startswith(
        "GET /projects got no usable answer: sent 3 times in 1 s, and the last time: 503 maintenance Back soon. Nothing"
    )
    assert "api_retries" in error.hint
    assert "api_max_wait" in error.hint
    assert (error.status, error.code, error.details) == (503, "maintenance", [1])


def test_a_proxy_s_web_page_is_quoted_without_its_tags(make_transport: MakeTransport, emulator: Emulator) -> None:
    emulator.faults.add("html", status=502, times=None)
    with pytest.raises(NoAnswerError, match="the last time: 502 Bad Gateway Bad Gateway nginx") as caught:
        read(make_transport(api_retries=0))
    assert "<" not in str(caught.value)
    assert caught.value.status == 502


def test_nonsense_is_named_when_giving_up(make_transport: MakeTransport, emulator: Emulator) -> None:
    emulator.faults.add("status", status=200, text="Welcome!", times=None)
    with pytest.raises(NoAnswerError, match="the last time: 200 with a body that is not JSON") as caught:
        read(make_transport(api_retries=1))
    assert caught.value.status == 200


# The rate limit.


@pytest.mark.parametrize(
    ("headers", "body", "pause"),
    [
        pytest.param({"Retry-After": "17"}, {"retry_after": 5}, 17 + 0.85, id="header"),
        pytest.param({"Retry-After": "0.5"}, {}, 1 + 0.025, id="half-a-second-is-at-least-one"),
        pytest.param({"Retry-After": "0"}, {}, 1, id="at-once-is-a-second"),
        pytest.param({"Retry-After": "Mon, 02 Mar 2026 12:00:50 GMT"}, {}, 30 + 1, id="header-with-a-date"),
        pytest.param({"Retry-After": "Mon, 02 Mar 2026 11:00:00 GMT"}, {}, 1, id="header-with-a-date-gone-by"),
        pytest.param({}, {"retry_after": 17}, 17 + 0.85, id="body"),
        pytest.param({}, {"retry_after": "17"}, 17 + 0.85, id="body-with-text"),
        pytest.param({}, {"detail": {"retry_after": 17}}, 17 + 0.85, id="nested-body"),
        pytest.param({"Retry-After": "soon"}, {"retry_after": 7}, 7 + 0.35, id="odd-header-and-body"),
        pytest.param({"Retry-After": "-5"}, {"retry_after": 7}, 7 + 0.35, id="negative-header-and-body"),
        pytest.param({"Retry-After": "inf"}, {"retry_after": 7}, 7 + 0.35, id="endless-header-and-body"),
        pytest.param({"Retry-After": "nan"}, {"retry_after": 7}, 7 + 0.35, id="header-that-is-no-number-and-body"),
        pytest.param({}, {}, 41 + 1, id="neither"),
        pytest.param({}, {"retry_after": ["soon"]}, 41 + 1, id="odd-body"),
        pytest.param({}, {"retry_after": "soon"}, 41 + 1, id="odd-text-in-the-body"),
        pytest.param({"Date": "Mon, 02 Mar 2026 12:00:50 GMT"}, {}, 11 + 0.55, id="neither-by-the-server-s-clock"),
        pytest.param(
            {"Date": "Mon, 02 Mar 2026 12:00:50 GMT", "Retry-After": "Mon, 02 Mar 2026 12:01:00 GMT"},
            {},
            10 + 0.5,
            id="date-by-the-server-s-clock",
        ),
        pytest.param({"Date": "?"}, {}, 41 + 1, id="neither-by-our-own-clock"),
    ],
)
def test_a_rate_limited_request_waits_as_long_as_it_should(
    make_transport: MakeTransport,
    emulator: Emulator,
    sleeps: list[float],
    headers: dict[str, str],
    body: dict[str, Any],
    pause: float,
) -> None:
    emulator.clock.freeze(NOON)
    emulator.faults.add("status", status=429, headers=headers, body={"error": "rate_limit_exceeded", **body})
    assert read(make_transport()).body["data"] == []
    assert sleeps == pytest.approx([pause])
    assert emulator.log.count() == 2


@pytest.mark.parametrize("style", ["header", "body", "none"])
def test_the_twenty_first_write_of_a_minute_waits_for_the_next(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float], style: str
) -> None:
    emulator.clock.freeze(NOON)
    emulator.settings.rate_limit_style = style
    path = f"/projects/{emulator.add_project('Client ERP')['id']}"
    transport = make_transport(api_retries=0)
    for number in range(21):
        transport.request("PATCH", path, body={"name": f"Name {number}"})
    assert emulator.projects()[0]["name"] == "Name 20"
    assert sleeps == [42 if style == "none" else 41]


def test_many_jobs_do_not_return_at_once_and_none_too_early(
    emulator: Emulator, clock: Clock, sleeps: list[float]
) -> None:
    chances = [0.0, 0.1, 0.5, 0.999]
    jittery = Clock(clock.now, clock.monotonic, clock.sleep, iter(chances).__next__)
    for _chance in chances:
        emulator.faults.add("rate_limit", retry_after=17)
        read(Transport(Settings(KEY, emulator.url), clock=jittery))
    assert sleeps == sorted(set(sleeps))
    assert sleeps[0] == 17
    assert sleeps[-1] <= 19


def test_waiting_for_the_rate_limit_uses_up_no_retries(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float]
) -> None:
    emulator.faults.add("rate_limit", retry_after=10, times=4)
    emulator.faults.add("status", status=503)
    read(make_transport(api_retries=1))
    # And the pause after the failure is that of a first one.
    assert sleeps == [10.5, 10.5, 10.5, 10.5, 0.375]


def test_a_wait_longer_than_what_is_left_fails_at_once(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float]
) -> None:
    emulator.faults.add("rate_limit", retry_after=3600, times=None)
    with pytest.raises(
        NoAnswerError, match=r"sent once in 0 s.*429 rate_limit_exceeded.* wait another 3601 s"
    ) as caught:
        read(make_transport())
    assert (emulator.log.count(), sleeps) == (1, [])
    assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")


def test_a_rate_limit_that_never_ends_ends_with_api_max_wait(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float]
) -> None:
    emulator.faults.add("rate_limit", retry_after=10, times=None)
    with pytest.raises(NoAnswerError, match="sent 6 times in 52 s"):
        read(make_transport(api_max_wait=60, api_retries=0))
    assert sum(sleeps) <= 60


def test_a_blocked_address_is_not_made_worse_by_asking_again(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float]
) -> None:
    emulator.faults.add("ip_blocked")
    with pytest.raises(RefusedError, match=r"429 ip_blocked.*15 min") as caught:
        read(make_transport())
    assert (emulator.log.count(), sleeps) == (1, [])
    assert (caught.value.status, caught.value.code) == (429, "ip_blocked")


# Final answers.


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 418, 422, 451])
@pytest.mark.parametrize("send", [read, create], ids=["read", "create"])
def test_a_final_answer_is_not_asked_for_again(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float], send: Any, status: int
) -> None:
    emulator.faults.add("status", status=status, body={"error": "c", "message": "Their words.", "details": ["d"]})
    with pytest.raises(RefusedError, match=rf"/projects was refused \({status} c\): Their words\.") as caught:
        send(make_transport())
    assert (emulator.log.count(), sleeps) == (1, [])
    assert (caught.value.status, caught.value.code, caught.value.details) == (status, "c", ["d"])


@pytest.mark.parametrize(
    ("key", "is_odd"),
    [
        (f"oec_live_rw_{'x' * 43}", False),
        (f"oec_live_ro_{'x' * 20}", False),
        (KEYS.expired, False),
        ("sk_live_51H8xkjhgasdkjhgasdkjhg", True),
        ("oec_live_rw_short", True),
        (f"Bearer:oec_live_rw_{'x' * 43}", True),
        (f'"oec_live_rw_{"x" * 43}"', True),
    ],
)
def test_a_refused_key_is_sent_once_and_its_odd_shape_pointed_out(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float], key: str, is_odd: bool
) -> None:
    with pytest.raises(RefusedError, match=r"401.*OECSH_API_KEY") as caught:
        read(make_transport(api_key=key))
    assert ("does not look like a key" in str(caught.value)) is is_odd
    assert key not in str(caught.value)
    assert (emulator.log.count(), sleeps) == (1, [])


@pytest.mark.parametrize(
    "body",
    [
        {"error": "idempotency_in_progress", "message": "Wait."},
        {"detail": {"error": "conflict", "message": "A request with this idempotency key is being served."}},
        {"detail": "This request is still being processed."},
        {"error": "conflict", "message": "Request in progress"},
    ],
)
def test_a_create_that_is_being_served_already_is_waited_for(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float], body: dict[str, Any]
) -> None:
    emulator.faults.add("status", "POST", status=409, body=body, times=3)
    assert create(make_transport(api_retries=0)).body == emulator.projects()[0]
    assert emulator.log.count("POST /projects") == 4
    assert sleeps == [0.375, 0.75, 1.5]


def test_a_create_that_is_being_served_for_ever_is_given_up(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float]
) -> None:
    emulator.faults.add("in_flight", times=None)
    with pytest.raises(NoAnswerError, match="409 idempotency_in_progress") as caught:
        create(make_transport(api_max_wait=100))
    assert 0 < sum(sleeps) <= 100
    assert (caught.value.status, caught.value.code) == (409, "idempotency_in_progress")


def test_a_deployment_in_progress_is_no_reason_to_try_a_delete_again(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    refused = {"error": "environments_running", "message": "A deployment is in progress."}
    emulator.faults.add("status", status=409, body=refused)
    with pytest.raises(RefusedError, match="Stop the project's running"):
        make_transport().request("DELETE", f"/projects/{PROJECT_ID}", headers={"X-Confirm-Delete": "true"})
    assert emulator.log.count() == 1


@pytest.mark.parametrize("send", [read, create], ids=["read", "create"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_does_not_take_the_key_elsewhere(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float], status: int, send: Any
) -> None:
    with Peer() as elsewhere:
        emulator.faults.add("status", status=status, text="", headers={"Location": f"{elsewhere.url}/projects"})
        with pytest.raises(RefusedError, match=f"refused .{status} .*Redirects are not followed") as caught:
            send(make_transport())
    assert elsewhere.received == []
    assert (emulator.log.count(), sleeps, caught.value.status) == (1, [], status)


# However long it may take.


def test_api_max_wait_bounds_the_repeats(
    make_transport: MakeTransport, emulator: Emulator, sleeps: list[float]
) -> None:
    emulator.faults.add("status", status=503, times=None)
    with pytest.raises(NoAnswerError, match="the last time: 503 "):
        read(make_transport(api_retries=1_000_000, api_max_wait=100))
    assert 60 < sum(sleeps) < 100


def test_the_last_try_has_only_the_time_that_is_left(emulator: Emulator, clock: Clock) -> None:
    exact = Clock(clock.now, clock.monotonic, clock.sleep, lambda: 0.0)
    emulator.faults.add("status", status=429, headers={"Retry-After": "599.97"})
    emulator.faults.add("delay", seconds=5)
    started = time.monotonic()
    with pytest.raises(NoAnswerError, match="sent 2 times in 600 s"):
        read(Transport(Settings(KEY, emulator.url), clock=exact))
    assert time.monotonic() - started < 4


def test_a_sleep_that_lasts_longer_than_asked_ends_in_a_clear_failure(simulated: Time) -> None:
    simulated.oversleep = 100
    with pytest.raises(NoAnswerError):
        read(to(f"http://127.0.0.1:{closed_port()}", simulated, api_max_wait=60))


@pytest.mark.parametrize("late", [0, 1190], ids=["begun-at-once", "begun-late"])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "of-known-length"])
def test_an_answer_that_drips_ends_in_time(simulated: Time, chunked: bool, late: float) -> None:
    """Every twenty seconds there are a few bytes: never a time-out, and no end for an hour."""
    parts = 0

    def drip(connection: socket.socket) -> None:
        nonlocal parts
        simulated.passed += late
        head = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (180 * 512)
        connection.sendall(BEGUN + head + b"\r\n\r\n")
        for _turn in range(180):
            parts += 1
            simulated.passed += 20
            connection.sendall(b"200\r\n" + b" " * 512 + b"\r\n" if chunked else b" " * 512)
            time.sleep(0.001)

    with Peer(drip) as peer, pytest.raises(NoAnswerError):
        read(to(peer.url, simulated, api_max_wait=1200, api_retries=0))
    # A few more may be under way before the server sees that the client is gone.
    assert parts <= (1200 - late) / 20 + 30


# Nothing secret is shown.


@pytest.mark.parametrize("status", [422, 503])
def test_a_key_that_the_server_repeats_is_masked(
    make_transport: MakeTransport, emulator: Emulator, status: int
) -> None:
    emulator.faults.add("echo", status=status)
    with pytest.raises(OecError, match=r"Bearer \*\*\*") as caught:
        create(make_transport(api_retries=0))
    assert KEY not in f"{caught.value!r} {caught.value} {caught.value.as_error()}"


@pytest.mark.parametrize("status", [422, 503])
@pytest.mark.parametrize(
    "answer",
    [
        {"body": {"error": f"bad_{KEY}", "message": KEY, "details": {"key": [KEY]}}},
        {"body": {"detail": [{"loc": ["header", KEY], "msg": KEY}]}},
        {"text": f"<p>{KEY}</p>"},
    ],
    ids=["object", "fields", "page"],
)
def test_a_key_is_masked_in_every_part_of_an_error(
    make_transport: MakeTransport, emulator: Emulator, answer: dict[str, Any], status: int
) -> None:
    emulator.faults.add("status", status=status, **answer)
    with pytest.raises(OecError, match=r"\*\*\*") as caught:
        read(make_transport(api_retries=0))
    assert KEY not in f"{caught.value!r} {caught.value} {caught.value.as_error()}"


def test_the_credentials_of_a_git_url_are_masked_where_the_server_repeats_them(
    emulator: Emulator, clock: Clock
) -> None:
    emulator.faults.add(
        "status", status=422, body={"error": "c", "message": "https://joe:pass@git.example is wrong: joe:hunter22"}
    )
    transport = Transport(Settings(KEY, emulator.url), clock=clock, secrets=["joe:hunter22"])
    with pytest.raises(RefusedError, match=r"https://\*\*\*@git\.example is wrong: \*\*\*") as caught:
        read(transport)
    assert "hunter22" not in f"{caught.value!r}"
    assert "pass" not in f"{caught.value!r}"


# TLS, proxies, and what the environment says of them.


def test_with_ca_path_the_server_is_trusted(tls: Emulator, simulated: Time) -> None:
    assert read(to(tls.url, simulated, ca_path=tls.ca_path)).body["data"] == []


@pytest.mark.parametrize("authority", [None, "wrong_ca_path"], ids=["none", "another"])
def test_a_certificate_of_an_unknown_authority_is_named_and_not_tried_again(
    tls: Emulator, simulated: Time, authority: str | None
) -> None:
    tls.log.clear()
    with pytest.raises(NoAnswerError, match=r"the certificate of .* is not trusted.*ca_path") as caught:
        read(to(tls.url, simulated, ca_path=authority and getattr(tls, authority)))
    assert tls.url in str(caught.value)
    assert "certificate verify failed" in str(caught.value).lower()
    assert (tls.log.count(), simulated.sleeps, caught.value.status) == (0, [], None)


def test_a_certificate_for_another_name_is_named_and_not_tried_again(
    tls: Emulator, simulated: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: resolve("127.0.0.1", *more, **named))
    with pytest.raises(NoAnswerError, match=r"the certificate of https://api\.test.* is not trusted .*api\.test"):
        read(to(tls.url.replace("127.0.0.1", "api.test"), simulated, ca_path=tls.ca_path))
    assert simulated.sleeps == []


@pytest.mark.parametrize("bundle", [None, "wrong_ca_path", "missing"])
def test_without_validation_any_certificate_will_do_and_nothing_is_printed(
    tls: Emulator, simulated: Time, monkeypatch: pytest.MonkeyPatch, capfd: Any, bundle: str | None
) -> None:
    if bundle:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", getattr(tls, bundle, "/nowhere.pem"))
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert read(to(tls.url, simulated, validate_certs=False)).body["data"] == []
    # Nobody is shown a ResourceWarning; an old urllib3 gives one for a connection that the session keeps open.
    assert [str(warning.message) for warning in shown if warning.category is not ResourceWarning] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_path_beats_the_bundle_of_the_environment(
    tls: Emulator, simulated: Time, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, tls.wrong_ca_path or "")
    assert read(to(tls.url, simulated, ca_path=tls.ca_path)).body["data"] == []


def test_the_wrong_ca_path_is_not_helped_by_the_bundle_of_the_environment(
    tls: Emulator, simulated: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls.ca_path or "")
    with pytest.raises(NoAnswerError, match="is not trusted"):
        read(to(tls.url, simulated, ca_path=tls.wrong_ca_path))


def test_the_bundle_of_the_environment_is_used_where_ca_path_is_not_given(
    tls: Emulator, simulated: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls.ca_path or "")
    assert read(to(tls.url, simulated)).body["data"] == []


def test_a_bundle_of_the_environment_that_is_missing_is_a_clear_failure(
    tls: Emulator, simulated: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(OecError, match=r"/nowhere\.pem"):
        read(to(tls.url, simulated))
    assert simulated.sleeps == []


@pytest.mark.parametrize("fault", ["cut_before", "cut_midway"])
def test_a_cut_of_a_secure_connection_is_mended_by_asking_again(tls: Emulator, simulated: Time, fault: str) -> None:
    tls.faults.add(fault)
    assert read(to(tls.url, simulated, ca_path=tls.ca_path)).body["data"] == []
    # urllib3 1.26 may try the cut connection once more.
    assert simulated.sleeps in ([0.375], [0.375, 0.75])


def test_a_server_that_speaks_no_tls_is_asked_again_without_showing_it_the_key(simulated: Time) -> None:
    with Peer() as peer, pytest.raises(NoAnswerError, match=r"sent 2 times .*no secure connection"):
        read(to(peer.url.replace("http:", "https:"), simulated, api_retries=1))
    assert len(peer.received) == 2
    assert KEY.encode() not in b"".join(peer.received)


def test_a_netrc_does_not_replace_the_key(
    tls: Emulator, simulated: Time, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls.log.clear()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login joe password hunter22\ndefault login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    read(to(tls.url, simulated, ca_path=tls.ca_path))
    assert [request.headers["authorization"] for request in tls.log.requests()] == [f"Bearer {KEY}"]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_is_not_shown_the_key_of_a_plain_request(
    make_transport: MakeTransport, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with Peer() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        assert read(make_transport()).body["data"] == []
    assert proxy.received == []
    assert emulator.log.count() == 1


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_proxy_is_used_for_https_and_sees_only_where_to(
    simulated: Time, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with Peer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//joe:hunter22@"))
        with pytest.raises(NoAnswerError, match="403") as caught:
            read(to(f"{scheme}://api.invalid/v1", simulated, api_retries=0))
    assert [request.split(b" HTTP/")[0] for request in proxy.received] == [b"CONNECT api.invalid:443"]
    assert KEY.encode() not in b"".join(proxy.received)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    "proxy",
    [
        "http://joe:hunter22@:3128",
        "htps://joe:hunter22@proxy.example:3128",
        "socks9://proxy.example",
        "http://proxy:port",
    ],
)
def test_a_proxy_variable_with_a_typing_error_is_a_clear_failure(
    simulated: Time, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(NoAnswerError, match="proxy variables") as caught:
        read(to("https://api.invalid/v1", simulated))
    assert simulated.sleeps == []
    assert "hunter22" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("host", [f"{'a' * 64}.invalid", "api..invalid", "*.invalid", ".invalid"])
def test_a_host_name_that_no_host_can_have_is_a_clear_failure(simulated: Time, host: str) -> None:
    with pytest.raises(OecError, match="api_url"):
        read(to(f"https://{host}/v1", simulated))


# Without requests.


@pytest.mark.parametrize("is_there", [True, False])
def test_without_requests_the_module_can_say_what_is_missing(monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    """Loaded once more under another name, so that the other tests keep theirs."""
    if not is_there:
        monkeypatch.setitem(sys.modules, "requests", None)
    spec = importlib.util.spec_from_file_location("transport_loaded_again", _transport.__file__)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, loaded)
    spec.loader.exec_module(loaded)
    assert ("requests" in (loaded.REQUESTS_IMPORT_ERROR or "")) is not is_there


def test_the_real_clock_is_that_of_the_machine() -> None:
    clock = Clock()
    assert abs(datetime.fromtimestamp(clock.now(), timezone.utc) - datetime.now(timezone.utc)) < timedelta(seconds=5)
    assert clock.monotonic() <= time.monotonic()
    assert 0 <= clock.chance() < 1
