# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import importlib.util
import json
import logging
import socket
import socketserver
import sys
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from urllib.parse import unquote

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api import http_client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import Clock, HttpClient, RateLimit
from ansible_collections.oecsh.cloud.plugins.module_utils._api.retry import Replay
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import NoResponseError, OecError, RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import credentials_in
from ansible_collections.oecsh.cloud.tests.emulator import KEYS, Emulator

KEY = KEYS.full
NOON = datetime(2026, 3, 2, 12, 0, 20, tzinfo=timezone.utc)
IDEMPOTENCY = {"X-Idempotency-Key": "00000000-0000-0000-0000-000000000007"}
SAFE, KEYED, NEVER = Replay
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


# A minute after noon, two, and none.
DATES = ("Mon, 02 Mar 2026 12:01:20 GMT", "Mon, 02 Mar 2026 12:02:20 GMT", "?")


def reply(status=200, body=b"{}", *headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Phrase", "Connection: close", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class RawServer(socketserver.TCPServer):
    """A server for what no API does: it records each request and sends `responses` in turn, the last one always.

    A callable response gets the connection. Connections are refused until `open` is called.
    """

    def __init__(self, *responses):
        super().__init__(("127.0.0.1", 0), None, bind_and_activate=False)
        self.server_bind()
        self.url = "http://127.0.0.1:{1}".format(*self.server_address)
        self.received = []
        self._responses = list(responses) or [reply()]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.005,), daemon=True)

    def open(self):
        self.server_activate()
        self._thread.start()

    def close(self):
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()

    def finish_request(self, request, client_address):
        with suppress(OSError):  # The client may be gone.
            received = b""
            # A TLS greeting (it begins with 0x16) has no empty line to wait for.
            while b"\r\n\r\n" not in received and received[:1] != b"\x16" and (part := request.recv(65536)):
                received += part
            self.received.append(received)
            response = self._responses.pop(0) if self._responses[1:] else self._responses[0]
            if callable(response):
                response(request)
            else:
                request.sendall(response)


@pytest.fixture
def serve():
    """serve(*responses, is_open=True): a raw server."""
    servers = []

    def start(*responses, is_open=True):
        servers.append(RawServer(*responses))
        if is_open:
            servers[-1].open()
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def tls():
    with Emulator(tls=True) as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """The proxies and bundles of the machine must not decide how a test ends."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def send(client, replay=SAFE, **options):
    method, path = ("GET", "/projects") if replay is SAFE else ("POST", "/environments/1/restart")
    return client.request(method, path, replay=replay, headers=IDEMPOTENCY if replay is KEYED else None, **options)


def failure_of(client, replay=SAFE, kind=NoResponseError, **options):
    with pytest.raises(kind) as caught:
        send(client, replay, **options)
    assert caught.type is kind
    assert client.settings.api_key not in f"{caught.value!r} {caught.value} {caught.value.failure!r}"
    return caught.value.failure


# One request.


def test_a_request_carries_key_query_body_and_headers(make_http, emulator):
    client, body = make_http(), {"name": "Client ERP", "server_id": emulator.servers()[0]["id"]}
    client.request("GET", "/projects", replay=SAFE, query={"limit": 100})
    response = client.request("POST", "/projects", replay=KEYED, body=body, headers=IDEMPOTENCY)
    read, create = emulator.log.requests()
    assert read.headers["authorization"] == create.headers["authorization"] == f"Bearer {KEY}"
    assert (read.query, read.json, create.query, create.json) == ({"limit": "100"}, None, {}, body)
    assert create.headers["x-idempotency-key"] == IDEMPOTENCY["X-Idempotency-Key"]
    assert (response.request, response.body) == ("POST /projects", emulator.projects()[0])
    assert response.date == emulator.clock.now().replace(microsecond=0)


def test_a_204_has_an_empty_body_and_no_cookie_is_sent_back(make_http, serve):
    server = serve(b"HTTP/1.1 204 No Content\r\nConnection: close\r\nSet-Cookie: a=b; Path=/\r\n\r\n", reply())
    client = make_http(api_url=server.url)
    response = send(client)
    assert (response.body, response.date) == ({}, None)
    send(client)
    assert (len(server.received), b"cookie" in server.received[1].lower()) == (2, False)


@pytest.mark.parametrize("text", [b"[]", b'"x"', b"3", b"null", b"true"])
def test_json_that_is_no_object_is_an_invalid_response(make_http, serve, sleeps, text):
    server = serve(reply(200, text))
    response = send(make_http(api_url=server.url))
    assert (response.payload, len(server.received), sleeps) == (json.loads(text), 1, [])
    with pytest.raises(OecError) as caught:
        _body = response.body
    assert (caught.value.failure.code, caught.value.failure.status) == ("invalid_response", 200)


# Repeats.


@pytest.mark.parametrize(
    ("method", "replay", "has_key"),
    [
        ("POST", SAFE, False),
        ("POST", SAFE, True),
        ("POST", KEYED, False),
        ("POST", NEVER, True),
        ("GET", KEYED, False),
        ("GET", KEYED, True),
        ("PATCH", NEVER, False),
        ("DELETE", SAFE, True),
    ],
)
def test_a_wrong_replay_is_a_programming_error(make_http, emulator, method, replay, has_key):
    with pytest.raises(ValueError, match=method):
        make_http().request(method, "/projects", replay=replay, headers=IDEMPOTENCY if has_key else {})
    assert emulator.log.count() == 0


# The status that a failure reports, and what the server sends.
TRANSIENT = {
    "cut": (None, b""),
    "cut-midway": (None, HEAD + b"Content-Length: 9\r\n\r\n{}"),
    "hanging": (None, lambda connection: connection.recv(1)),
    "no-http": (None, f"nonsense {KEY}\r\n\r\n".encode()),
    "broken-gzip": (None, HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk"),
    "negative-chunk": (None, CHUNKED + b"-10\r\n{}\r\n0\r\n\r\n"),
    "chunk-beyond-bounds": (None, CHUNKED + b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n"),
    "500": (500, reply(500)),
    "502-page": (502, reply(502, b"<h1>Bad Gateway</h1>")),
    "502-latin-1": (502, reply(502, "Störung".encode("latin-1"))),
    "520-empty": (520, reply(520, b"")),
    "empty": (200, reply(200, b"")),
    "200-latin-1": (200, reply(200, "Störung".encode("latin-1"))),
    "half-the-json": (200, reply(200, b'{"data": [')),
    "nan": (200, reply(200, b'{"a": NaN}')),
    "deep-json": (200, reply(200, b'{"a":' * 50 + b"1" + b"}" * 50)),
    "endless-json": (200, reply(200, b"[" * 100_000)),
}


@pytest.mark.parametrize("replay", Replay)
@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_transient_failure_is_repeated_unless_never(make_http, serve, sleeps, fault, replay):
    status, response = TRANSIENT[fault]
    server = serve(response, reply())
    client = make_http(api_url=server.url)
    if callable(response):
        # Settings allow no less than a second: that is long for a test.
        object.__setattr__(client.settings, "api_timeout", 0.2)
    if replay is NEVER:
        failure = failure_of(client, replay)
        assert (failure.code, failure.status, "look before" in failure.hint) == ("no_response", status, True)
        assert (len(server.received), sleeps) == (1, [])
    else:
        assert send(client, replay).body == {}
        assert (len(server.received), sleeps) == (2, [0.375])


def test_a_closed_port_is_tried_again_even_if_never(serve, emulator, clock, sleeps):
    server = serve(is_open=False)
    client = HttpClient(Settings(KEY, server.url, api_retries=1), clock=clock)
    assert (failure_of(client, NEVER).code, sleeps) == ("no_response", [0.375])
    client.clock = replace(clock, sleep=lambda _seconds: server.open())
    assert send(client, NEVER).body == {}
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("body", "header", "pause"),
    [
        ({"retry_after": 5}, "Retry-After: 17", 17.85),
        ({"detail": {"retry_after": 17}}, "X: y", 17.85),
        ({}, "Date: Mon, 02 Mar 2026 12:00:50 GMT", 11.55),
        ({}, "Date: ?", 42),
    ],
)
def test_a_429_is_repeated_and_uses_up_no_retry(make_http, serve, emulator, sleeps, body, header, pause):
    emulator.clock.freeze(NOON)
    server = serve(reply(429, body, header), reply())
    assert send(make_http(api_url=server.url, api_retries=0), NEVER).body == {}
    assert sleeps == pytest.approx([pause])


IN_FLIGHT = {"error": "idempotency_in_progress"}
BUSY = [{"error": "task_in_progress"}, {"error": "concurrent_action", "message": "Another one is being processed."}]


@pytest.mark.parametrize(
    ("status", "replay", "body", "is_final"),
    [
        (409, KEYED, IN_FLIGHT, False),
        (409, KEYED, {"detail": {"error": "conflict", "message": "This idempotency key is taken."}}, False),
        (409, KEYED, {"detail": "This request is still being processed."}, False),
        (409, KEYED, {"error": "conflict", "message": "Request in progress"}, False),
        (409, KEYED, {"error": "conflict", "message": "The name exists."}, True),
        (422, KEYED, {"error": "c", "message": "The idempotency key was used with another body."}, True),
        (409, SAFE, {"error": "environments_running", "message": "A deployment is in progress."}, True),
        (409, NEVER, IN_FLIGHT, True),
        *((409, KEYED, {"detail": body}, True) for body in BUSY),
        (429, SAFE, {"error": "ip_blocked"}, True),
    ],
)
def test_only_a_keyed_409_in_flight_is_waited_for(make_http, serve, sleeps, status, replay, body, is_final):
    rejection = reply(status, body)
    server = serve(rejection, rejection, rejection, reply())
    client = make_http(api_url=server.url, api_retries=0)
    if is_final:
        assert failure_of(client, replay, RejectedError).status == status
    else:
        assert send(client, replay).body == {}
    assert sleeps == ([] if is_final else [0.375, 0.75, 1.5])


@pytest.mark.parametrize(
    "status", [300, 301, 302, 303, 307, 308, 399, 400, 401, 402, 403, 404, 408, 409, 413, 422, 499]
)
def test_a_final_response_is_neither_repeated_nor_followed(make_http, serve, sleeps, status):
    elsewhere = serve()
    server = serve(reply(status, {"error": "c", "details": ["d"]}, f"Location: {elsewhere.url}/projects"))
    failure = failure_of(make_http(api_url=server.url), kind=RejectedError)
    assert (failure.code, failure.status, failure.details) == ("c", status, ["d"])
    assert (len(server.received), sleeps, elsewhere.received) == (1, [], [])


@pytest.mark.parametrize(("body", "from_api"), [(b"{}", True), (b"", True), (b"[]", False), (b"<html>", False)])
def test_only_an_object_or_nothing_is_the_apis_404(make_http, serve, body, from_api):
    with pytest.raises(RejectedError) as caught:
        send(make_http(api_url=serve(reply(404, body)).url))
    assert caught.value.is_not_found is from_api


def test_an_unusual_key_is_pointed_out_once_rejected(make_http, serve):
    url = serve(reply(401)).url
    hints = {failure_of(make_http(api_url=url, api_key=key), kind=RejectedError).hint for key in (KEY, f"{KEY},")}
    assert len(hints) == 2


@pytest.mark.parametrize(
    ("earlier", "may_be_done"),
    [([], False), ([reply(429, {}, "Retry-After: 1")], False), ([reply(503), reply(429, {}, "Retry-After: 1")], True)],
)
def test_a_rejection_says_whether_an_earlier_attempt_counts(make_http, serve, earlier, may_be_done):
    http = make_http(api_url=serve(*earlier, reply(409)).url)
    with pytest.raises(RejectedError) as caught:
        http.request("POST", "/projects", replay=KEYED, headers=IDEMPOTENCY)
    assert caught.value.may_be_done is may_be_done


def test_repeats_end_where_somebody_else_did_the_work(make_http, serve):
    server = serve(reply(503, {"error": "maintenance", "details": [1]}))
    failure = failure_of(make_http(api_url=server.url), KEYED, stop_retrying=iter([False, True]).__next__)
    assert (failure.code, failure.status, failure.details) == ("maintenance", 503, [1])
    assert len(server.received) == 2


# What a response says beside its body.

LIMIT, WINDOW = "X-RateLimit-Limit", "X-RateLimit-Window"


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        ({}, (20, 60)),
        ({LIMIT: "120"}, (120, 60)),
        ({LIMIT: "120", WINDOW: "30"}, (120, 30)),
        ({LIMIT: "120", WINDOW: ""}, (120, 60)),
        *(({LIMIT: nonsense, WINDOW: "30"}, (20, 60)) for nonsense in ("", "many", "0", "-1", "inf", "nan")),
        *(({LIMIT: "120", WINDOW: nonsense}, (20, 60)) for nonsense in ("long", "0", "-1", "inf", "nan")),
        ({WINDOW: "30"}, (20, 60)),
    ],
)
def test_the_read_limit_is_what_a_get_says(make_http, serve, headers, limit):
    lines = [f"{name}: {value}" for name, value in headers.items()]
    client = make_http(api_url=serve(reply(200, b"{}", *lines)).url)
    for replay, expected in ((NEVER, (20, 60)), (SAFE, limit)):
        send(client, replay)
        assert client.read_limit == RateLimit(*expected)


def test_the_time_of_the_server_is_that_of_its_last_date(make_http, serve, emulator):
    emulator.clock.freeze(NOON)
    client = make_http(api_url=serve(*(reply(200, b"{}", f"Date: {date}") for date in DATES)).url)
    assert (client.started, client.server_time()) == (None, NOON)
    for minutes in (1, 2, 2):
        send(client)
        assert (client.started, client.server_time()) == (
            NOON + timedelta(minutes=1),
            NOON + timedelta(minutes=minutes),
        )
    emulator.clock.advance(7)
    assert client.server_time() == NOON + timedelta(minutes=2, seconds=7)


# Time.


@pytest.mark.parametrize(("oversleep", "last"), [(0, 0.625), (100, 0.001)])
def test_a_timeout_is_what_is_left_of_api_max_wait(serve, emulator, clock, monkeypatch, oversleep, last):
    slow = replace(clock, sleep=lambda seconds: emulator.clock.advance(seconds + oversleep))
    client = HttpClient(Settings(KEY, serve(is_open=False).url, api_max_wait=1, api_retries=1), clock=slow)
    timeouts, request = [], client._session.request
    monkeypatch.setattr(
        client._session, "request", lambda *args, **named: timeouts.append(named["timeout"]) or request(*args, **named)
    )
    assert failure_of(client).code == "no_response"
    assert timeouts == [(1, 1), pytest.approx((last, last))]


@pytest.mark.parametrize("late", [0, 1190], ids=["started-at-once", "started-late"])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_dripping_body_ends_in_time(make_http, serve, emulator, is_chunked, late):
    """Every twenty seconds there are a few bytes: never a timeout, and no end for an hour."""
    parts = []

    def drip(connection):
        emulator.clock.advance(late)
        connection.sendall(CHUNKED if is_chunked else HEAD + b"Content-Length: %d\r\n\r\n" % (180 * 512))
        for _turn in range(180):
            parts.append(b"200\r\n" + b" " * 512 + b"\r\n" if is_chunked else b" " * 512)
            emulator.clock.advance(20)
            connection.sendall(parts[-1])
            time.sleep(0.001)

    failure = failure_of(make_http(api_url=serve(drip).url, api_max_wait=1200, api_retries=0))
    assert failure.code == "no_response"
    # A few more may be under way before the server sees that the client is gone.
    assert len(parts) <= (1200 - late) / 20 + 30


def test_a_large_page_of_tags_is_read_in_time(make_http, serve):
    started = time.monotonic()
    failure_of(make_http(api_url=serve(reply(503, b"<script " * 40_000)).url, api_retries=0))
    assert time.monotonic() - started < 10


def test_the_default_clock_is_that_of_the_machine():
    clock = Clock()
    assert (abs(clock.now() - time.time()) < 5, clock.monotonic() <= time.monotonic()) == (True, True)
    assert 0 <= clock.random() < 1


# Secrets.


@pytest.mark.parametrize(("status", "kind"), [(422, RejectedError), (503, NoResponseError)])
@pytest.mark.parametrize(
    "body",
    [
        {"error": f"bad_{KEY}", "message": KEY, "details": {"key": [KEY], KEY: 1}},
        {"detail": [{"loc": ["header", KEY], "msg": KEY}]},
        f"<p>{KEY}</p>".encode(),
    ],
)
def test_a_key_in_a_response_is_redacted(make_http, serve, body, status, kind):
    assert "***" in failure_of(make_http(api_url=serve(reply(status, body)).url, api_retries=0), kind=kind).message


@pytest.mark.parametrize("sent", ["swordfish-and-more", "swordfish%0Aand-more"])
@pytest.mark.parametrize(
    "body",
    [
        f"{'x' * 190} {{}}".encode(),
        {"message": f"{'x' * 990} {{}}"},
        {"detail": [{"loc": ["body", "url"], "msg": f"{'x' * 190} {{}}"}]},
    ],
    ids=["page", "message", "field"],
)
def test_hidden_texts_are_redacted_before_a_cut(make_http, serve, body, sent):
    """Also decoded, where whitespace may be folded later."""
    password = unquote(sent)
    text = json.dumps(body).replace("{}", json.dumps(password)[1:-1]).encode() if isinstance(body, dict) else None
    response = reply(422, text or body.replace(b"{}", password.encode()))
    client = make_http(api_url=serve(response).url)
    client.hide(credentials_in(f"https://joe:{sent}@git.example/r"))
    assert "sword" not in f"{failure_of(client, kind=RejectedError)}"


def test_a_key_in_broken_headers_is_not_logged(make_http, serve, caplog):
    caplog.set_level(logging.DEBUG)
    key, loggers = "k" * 43, [logging.getLogger(f"urllib3.{name}") for name in ("connection", "connectionpool")]
    before = {known for logger in loggers for known in logger.filters}
    client = make_http(api_url=serve(HEAD + f"nonsense {key}\r\nX: y\r\n\r\n{{}}".encode()).url, api_key=key)
    send(client)
    assert "GET /projects" in caplog.text
    assert (key in caplog.text, "parse headers" in caplog.text) == (False, False)
    assert [len(set(logger.filters) - before) for logger in loggers] == [1, 1]
    assert {(logger.propagate, logger.level, logger.disabled) for logger in loggers} == {(True, logging.NOTSET, False)}
    del client
    gc.collect()
    assert [set(logger.filters) - before for logger in loggers] == [set(), set()]


# TLS, proxies, and what the environment says of them.


@pytest.mark.parametrize(
    ("variable", "bundle", "ca_path", "code"),
    [
        (None, None, "ca_path", None),
        (None, None, "wrong_ca_path", "untrusted_certificate"),
        (None, None, None, "untrusted_certificate"),
        (None, None, "", "untrusted_certificate"),
        ("REQUESTS_CA_BUNDLE", "wrong_ca_path", "ca_path", None),
        ("CURL_CA_BUNDLE", "wrong_ca_path", "ca_path", None),
        ("REQUESTS_CA_BUNDLE", "ca_path", "wrong_ca_path", "untrusted_certificate"),
        ("REQUESTS_CA_BUNDLE", "ca_path", None, None),
        ("REQUESTS_CA_BUNDLE", "missing", None, "no_response"),
    ],
)
def test_ca_path_overrides_the_environment(make_http, tls, sleeps, monkeypatch, variable, bundle, ca_path, code):
    if variable:
        monkeypatch.setenv(variable, getattr(tls, bundle, "/nowhere.pem"))
    tls.log.clear()
    client = make_http(api_url=tls.url, ca_path=getattr(tls, ca_path) if ca_path else ca_path)
    if code:
        failure = failure_of(client)
        assert (failure.code, failure.status, tls.log.count(), sleeps) == (code, None, 0, [])
    else:
        assert send(client).body["data"] == []


def test_a_certificate_for_another_name_is_rejected(make_http, tls, sleeps, monkeypatch):
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: resolve("127.0.0.1", *more, **named))
    client = make_http(api_url=tls.url.replace("127.0.0.1", "api.test"), ca_path=tls.ca_path)
    assert (failure_of(client).code, sleeps) == ("untrusted_certificate", [])


@pytest.mark.parametrize("bundle", [None, "wrong_ca_path", "missing"])
def test_without_validation_any_certificate_is_accepted(make_http, tls, monkeypatch, capfd, bundle):
    if bundle:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", getattr(tls, bundle, "/nowhere.pem"))
    with warnings.catch_warnings(record=True) as printed:
        warnings.simplefilter("always")
        assert send(make_http(api_url=tls.url, validate_certs=False)).body["data"] == []
    # An old urllib3 gives a ResourceWarning, which nobody sees, for a connection that the session keeps open.
    assert [str(warning.message) for warning in printed if warning.category is not ResourceWarning] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fault", ["cut_before", "cut_midway"])
def test_a_cut_of_a_secure_connection_is_repeated(make_http, tls, sleeps, fault):
    tls.faults.add(fault)
    assert send(make_http(api_url=tls.url, ca_path=tls.ca_path)).body["data"] == []
    # urllib3 1.26 may try the cut connection once more.
    assert sleeps in ([0.375], [0.375, 0.75])


def test_a_server_without_tls_never_sees_the_key(make_http, serve):
    server = serve()
    assert failure_of(make_http(api_url=server.url.replace("http:", "https:"), api_retries=1)).code == "no_response"
    assert (len(server.received), KEY.encode() in b"".join(server.received)) == (2, False)


def test_a_netrc_does_not_replace_the_key(make_http, tls, monkeypatch, tmp_path):
    tls.log.clear()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login joe password hunter22\ndefault login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    send(make_http(api_url=tls.url, ca_path=tls.ca_path))
    assert [request.headers["authorization"] for request in tls.log.requests()] == [f"Bearer {KEY}"]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_does_not_see_a_plain_request(make_http, emulator, serve, monkeypatch, variable):
    proxy = serve()
    monkeypatch.setenv(variable, proxy.url)
    assert send(make_http()).body["data"] == []
    assert (proxy.received, emulator.log.count()) == ([], 1)


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_proxy_sees_only_the_host_of_an_https_request(make_http, serve, monkeypatch, scheme):
    proxy = serve(reply(403, b""))
    monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//joe:hunter22@"))
    failure = failure_of(make_http(api_url=f"{scheme}://api.invalid/v1", api_retries=0))
    assert [request.split(b" HTTP/")[0] for request in proxy.received] == [b"CONNECT api.invalid:443"]
    assert (KEY.encode() in b"".join(proxy.received), "hunter22" in str(failure)) == (False, False)
    assert f" to api.invalid through the proxy {proxy.url.removeprefix('http://')} " in str(failure)


@pytest.mark.parametrize(
    ("response", "scheme", "reason"),
    [
        (None, "http:", "the connection to {} failed ("),
        (lambda connection: connection.recv(1), "http:", "no response from {} within 0 s"),
        (reply(), "https:", "no secure connection to {} ("),
    ],
)
def test_a_failed_connection_names_the_host(make_http, serve, response, scheme, reason):
    server = serve(response, is_open=response is not None)
    client = make_http(api_url=server.url.replace("http:", scheme), api_retries=0)
    # Settings allow no less than a second: that is long for a test.
    object.__setattr__(client.settings, "api_timeout", 0.2)
    assert reason.format(server.url.removeprefix("http://")) in str(failure_of(client))


@pytest.mark.parametrize(
    ("host", "proxy"),
    [
        ("api.invalid", "http://joe:hunter22@:3128"),
        ("api.invalid", "http://joe:hunter22@proxy.example:99999"),
        ("api.invalid", "htps://joe:hunter22@proxy.example:3128"),
        ("api.invalid", "socks9://proxy.example"),
        ("api.invalid", "http://proxy:port"),
        *((host, "") for host in (f"{'a' * 64}.invalid", "api..invalid", "*.invalid", ".invalid")),
    ],
)
def test_an_impossible_host_or_proxy_is_final(make_http, sleeps, monkeypatch, host, proxy):
    monkeypatch.setenv("https_proxy", proxy)
    failure = failure_of(make_http(api_url=f"https://{host}/v1"))
    assert (failure.code, sleeps, "hunter22" in repr(failure)) == ("no_response", [], False)


# Without requests.


@pytest.mark.parametrize("is_installed", [True, False])
def test_http_can_be_imported_without_requests(monkeypatch, is_installed):
    """Load it once more under another name, so that the other tests keep theirs."""
    if not is_installed:
        monkeypatch.setitem(sys.modules, "requests", None)
    spec = importlib.util.spec_from_file_location("loaded_again", http_client.__file__)
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, loaded)
    spec.loader.exec_module(loaded)
    assert ("requests" in (loaded.REQUESTS_IMPORT_ERROR or "")) is not is_installed
