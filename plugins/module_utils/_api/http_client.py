# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""One request, safely: authentication, timeouts, repeats, rate limits, redaction. The only importer of requests."""

from __future__ import annotations

import json
import logging
import math
import random
import re
import time
import traceback
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.oecsh.cloud.plugins.module_utils._api.error_body import ErrorBody, error_from_response
from ansible_collections.oecsh.cloud.plugins.module_utils._api.retry import (
    Replay,
    Retries,
    TransientFailure,
    parse_http_date,
    rate_limit_pause,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    AnyCode,
    ApiCode,
    NoResponseError,
    OecError,
    RejectedError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction

REQUESTS_IMPORT_ERROR: str | None = None
try:
    import requests
    from requests.auth import AuthBase
    from requests.utils import get_environ_proxies, select_proxy
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    if not TYPE_CHECKING:
        AuthBase = object

IDEMPOTENCY_HEADERS = frozenset({"X-Idempotency-Key", "Idempotency-Key"})

_IN_FLIGHT = re.compile(r"idempoten|in[ _-]progress|being (served|processed)", re.IGNORECASE)
_MIN_TIMEOUT = 0.001
_CHUNK_SIZE = 1024
_MAX_ERROR_TEXT = 8192
_MAX_JSON_DEPTH = 50
# What the oldest versions of the API allow a key that may write: assumed until one says more.
_LEAST_READ_LIMIT = 20
# They come from an action on an object that is busy, whose next steps the engine knows.
_BUSY_CODES = frozenset({"task_in_progress", "concurrent_action"})
_NOT_JSON = object()


@dataclass(frozen=True)
class Clock:
    """Time as the client sees it, all in seconds; tests replace it. `random` is in [0, 1)."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True)
class Response:
    """A 2xx response: its JSON (an empty object where there was no body), and the server's time, if it said so."""

    request: str
    status: int
    payload: Any
    date: datetime | None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object. Raise OecError `invalid_response` where it is something else."""
        if isinstance(self.payload, dict):
            return self.payload
        raise OecError(
            "invalid_response",
            f"{self.request} returned a JSON {type(self.payload).__name__} instead of an object",
            "Check api_url; if it is right, the API has changed: report it to the collection.",
            status=self.status,
        )


@dataclass(frozen=True)
class RateLimit:
    """How many requests a key may send in a window of so many seconds."""

    requests: float
    window: float

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> RateLimit | None:
        """Read the headers of a response; None where they do not say it."""
        try:
            limit = cls(float(headers["X-RateLimit-Limit"]), float(headers.get("X-RateLimit-Window") or 60))
        except (KeyError, ValueError):
            return None
        return limit if 0 < limit.requests < math.inf and 0 < limit.window < math.inf else None


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    replay: Replay
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def check(self) -> None:
        """Raise ValueError for a POST that does not say how it may be repeated: that is a programming error."""
        has_key = bool(IDEMPOTENCY_HEADERS & set(self.content["headers"] or ()))
        if (self.method == "POST") != (self.replay is not Replay.SAFE) or has_key != (self.replay is Replay.KEYED):
            raise ValueError(
                f"a {self.method} {'with' if has_key else 'without'} an idempotency key is not {self.replay}"
            )


class _Bearer(AuthBase):
    """An auth object, because requests replaces a plain header with the host's entry in a .netrc."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class _LogRedaction(logging.Filter):
    """urllib3 logs headers that it cannot parse, and Ansible's log_path records what is logged in its process."""

    _LOGGERS = ("urllib3.connection", "urllib3.connectionpool")

    def __init__(self, redact: Redaction) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        if "parse headers" in str(record.msg):
            # The headers follow in pieces, and a secret with them.
            return False
        record.msg, record.args = self._redact(record.getMessage()), ()
        record.exc_info = record.exc_text = None
        return True

    def install(self, owner: object) -> None:
        """Redact for as long as `owner` exists."""
        for name in self._LOGGERS:
            logger = logging.getLogger(name)
            logger.addFilter(self)
            weakref.finalize(owner, logger.removeFilter, self)


class HttpClient:
    """Sends one request until it has a response, within the limits of `settings`."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or Clock()
        self.read_limit = RateLimit(_LEAST_READ_LIMIT, 60)
        self.started: datetime | None = None
        self._server_ahead = 0.0
        self.sent: Counter[str] = Counter()
        self._redact = Redaction().hiding([settings.api_key])
        _LogRedaction(self._redact).install(self)
        self._session = requests.Session()
        # No cookie is sent back: the API documents none.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.auth = _Bearer(settings.api_key)
        self._session.headers.update({"Accept": "application/json", "User-Agent": "ansible-collection-oecsh.cloud"})
        # A proxy would see the key of a plain http request.
        self._session.trust_env = settings.api_url.lower().startswith("https:")

    def hide(self, secrets: Iterable[str]) -> None:
        """Redact these texts too in whatever a server returns: it may repeat what it was sent, now or before."""
        self._redact = self._redact.hiding(secrets)

    def server_time(self) -> datetime:
        """Return the time as the server has it, by the last Date that it sent; the own time before that."""
        return datetime.fromtimestamp(self.clock.now() + self._server_ahead, timezone.utc)

    def request(
        self,
        method: str,
        path: str,
        *,
        replay: Replay,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        stop_retrying: Callable[[], bool] | None = None,
    ) -> Response:
        """Return a 2xx response, or raise RejectedError, NoResponseError or OecError `invalid_response`.

        `stop_retrying` is called before each repeat, and ends them where somebody else has done the work meanwhile.
        """
        request = _Request(method, path, replay, {"params": query, "json": body, "headers": headers})
        request.check()
        started = self.clock.monotonic()
        retries = Retries(
            request.name,
            replay,
            limit=self.settings.api_retries,
            max_wait=self.settings.api_max_wait,
            random=self.clock.random,
        )
        while True:
            try:
                outcome = self._send(request, started + self.settings.api_max_wait)
            except RejectedError as error:
                error.may_be_done = retries.may_be_done
                raise
            if isinstance(outcome, Response):
                return outcome
            elapsed = self.clock.monotonic() - started
            pause = retries.pause_after(outcome, elapsed)
            self.clock.sleep(pause)
            if stop_retrying and stop_retrying():
                raise retries.exhausted(outcome, elapsed, pause)

    def _send(self, request: _Request, end: float) -> Response | TransientFailure:
        timeout = max(min(self.settings.api_timeout, end - self.clock.monotonic()), _MIN_TIMEOUT)
        verify: bool | str = (self.settings.ca_path or True) if self.settings.validate_certs else False
        self.sent[request.method] += 1
        try:
            with warnings.catch_warnings():
                # requests warns of every request that is not verified; the user has asked for just that.
                warnings.simplefilter("ignore")
                with self._session.request(
                    request.method,
                    self.settings.api_url + request.path,
                    timeout=(timeout, timeout),
                    verify=verify,
                    allow_redirects=False,
                    stream=True,
                    **request.content,
                ) as response:
                    raw = self._read(response, end)
        except requests.exceptions.SSLError as error:
            cause = _root_cause(error)
            if "certificate" in str(error).lower():
                message = f"{request.name}: the certificate of {self.settings.api_url} is not trusted ({cause})"
                hint = "Set ca_path to the PEM bundle of the authority that signed it."
                raise NoResponseError("untrusted_certificate", self._redact(message), hint) from None
            return TransientFailure(self._redact(f"no secure connection to {self._peer} ({cause})"))
        except requests.exceptions.Timeout:
            return TransientFailure(f"no response from {self._peer} within {timeout:.0f} s")
        except (
            requests.exceptions.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ) as error:
            cause = _root_cause(error)
            was_sent = not isinstance(cause, ConnectionRefusedError)
            reason = self._redact(f"the connection to {self._peer} failed ({cause})")
            return TransientFailure(reason, may_be_done=was_sent)
        except (OSError, ValueError) as error:
            # A missing REQUESTS_CA_BUNDLE is an OSError, an impossible host name a ValueError.
            raise NoResponseError(
                "no_response",
                self._redact(f"{request.name} could not be sent ({error})"),
                "Check api_url and the proxy variables.",
            ) from None
        self._note(request, response)
        return self._classify_response(request, response, raw)

    def _note(self, request: _Request, response: requests.Response) -> None:
        """Remember what a response says about the server's time and limits. On a POST it is the limit of writes."""
        if date := parse_http_date(response.headers.get("Date")):
            self._server_ahead = date.timestamp() - self.clock.now()
        self.started = self.started or self.server_time().replace(microsecond=0)
        if request.method == "GET" and (limit := RateLimit.parse(response.headers)):
            self.read_limit = limit

    @property
    def _peer(self) -> str:
        """The host that a connection goes to, and the proxy in between, if any."""
        url = self.settings.api_url
        host = urlsplit(url).netloc
        proxies = get_environ_proxies(url) if self._session.trust_env else {}
        # Without the user and password that may stand before its host.
        proxy = (select_proxy(url, proxies) or "").rpartition("@")[2].rpartition("//")[2]
        return f"{host} through the proxy {proxy}" if proxy else host

    def _read(self, response: requests.Response, end: float) -> bytes:
        """Return the whole body. One that drips, each part within the timeout, must still end in time."""
        parts = []
        # Before urllib3 2, a body that ends early would count as complete.
        response.raw.enforce_content_length = True
        try:
            # In small parts: requests waits until a part is complete.
            for part in response.iter_content(_CHUNK_SIZE):
                parts.append(part)
                if self.clock.monotonic() > end:
                    raise requests.exceptions.Timeout
        except (ValueError, OverflowError):
            # The length of a chunk is negative, or beyond all bounds.
            raise requests.exceptions.ChunkedEncodingError("invalid chunks") from None
        return b"".join(parts)

    def _classify_response(
        self, request: _Request, response: requests.Response, raw: bytes
    ) -> Response | TransientFailure:
        status, date = response.status_code, parse_http_date(response.headers.get("Date"))
        text = raw.decode(errors="replace")
        body = _parse_json(text)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            error_body = ErrorBody.parse(self._redact(body), self._redact(text)[:_MAX_ERROR_TEXT])
            return self._classify_error(request, response, error_body, not raw or isinstance(body, dict))
        if status == HTTPStatus.NO_CONTENT or (not raw and request.method == "DELETE"):
            return Response(request.name, status, {}, date)
        if body is _NOT_JSON:
            return TransientFailure(f"{status} with a body that is not JSON", status=status)
        return Response(request.name, status, body, date)

    def _classify_error(
        self, request: _Request, response: requests.Response, body: ErrorBody, from_api: bool
    ) -> TransientFailure:
        status = response.status_code
        reason = " ".join(part for part in (str(status), body.code, body.message) if part)
        code: AnyCode = ApiCode(body.code) if body.code else "no_response"
        failure = TransientFailure(reason, code, status, body.details)
        if status == HTTPStatus.TOO_MANY_REQUESTS and body.code != "ip_blocked":
            date = parse_http_date(response.headers.get("Date"))
            now = date or datetime.fromtimestamp(self.clock.now(), timezone.utc)
            pause = rate_limit_pause(response.headers.get("Retry-After"), body.retry_after, now, self.clock.random())
            return replace(failure, retry_after=pause, counts_as_retry=False, may_be_done=False)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return failure
        is_keyed_conflict = status == HTTPStatus.CONFLICT and request.replay is Replay.KEYED
        if is_keyed_conflict and body.code not in _BUSY_CODES and _IN_FLIGHT.search(reason):
            return replace(failure, counts_as_retry=False)
        raise error_from_response(
            request.name, status, body, from_api=from_api, has_usual_key=self.settings.has_usual_key
        )


def _parse_json(text: str) -> Any:
    try:
        parsed = json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        return _NOT_JSON
    return parsed if _is_shallow(parsed) else _NOT_JSON


def _is_shallow(value: Any, levels: int = _MAX_JSON_DEPTH) -> bool:
    """Whether recursion over the value, Ansible's included, stays within Python's limit."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in inner)


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _root_cause(error: BaseException) -> BaseException:
    """Return the innermost error: requests and urllib3 wrap "Connection refused" in three layers of their own."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
