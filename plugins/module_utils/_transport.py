# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time. Do not import it from elsewhere.

"""One request, safely: authentication, timeouts, retries, rate limits, redaction."""

from __future__ import annotations

import ipaddress
import json
import logging
import math
import random
import re
import ssl
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.oecsh.cloud.plugins.module_utils._errors import (
    ErrorWords,
    InputError,
    NoAnswerError,
    OecError,
    UnexpectedAnswerError,
    masked,
    refusal,
)

REQUESTS_IMPORT_ERROR: str | None = None
try:
    import requests
    from requests.auth import AuthBase

    # It logs the headers that it cannot read, and Ansible's log_path takes in what is logged in its own process.
    logging.getLogger("urllib3").propagate = False
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    if not TYPE_CHECKING:
        AuthBase = object

DEFAULT_URL = "https://api.oec.sh/api/public/v1"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_KEY_SHAPE = re.compile(r"oec_live_(ro|rw)_[A-Za-z0-9_-]{20,200}")
SHORTEST_KEY = 20
_IN_FLIGHT = re.compile(r"idempoten|in[ _-]progress|being (served|processed)", re.IGNORECASE)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_SHORTEST_TIMEOUT = 0.001
_PART = 1024
_MINUTE = 60.0
_LONGEST_PAGE = 8192
_DEEPEST = 50
_NOT_JSON = object()


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def is_printable_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()


@dataclass(frozen=True)
class Settings:
    """How to reach the API. Raises InputError where a value can be known to be wrong before the first request."""

    api_key: str = field(repr=False)
    api_url: str = DEFAULT_URL
    api_timeout: float = 30
    api_retries: int = 5
    api_max_wait: float = 600
    validate_certs: bool = True
    ca_path: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_key", self.api_key.strip())
        object.__setattr__(self, "api_url", self.api_url.strip().rstrip("/") or DEFAULT_URL)
        if not self.api_key:
            raise InputError("api_key is empty", "Set api_key, or the environment variable OECSH_API_KEY.")
        if not is_printable_ascii(self.api_key) or " " in self.api_key:
            raise InputError(
                "api_key has characters that no API key has", "Was it copied whole, and nothing else with it?"
            )
        _check_url(self.api_url)
        for option, lowest in (("api_timeout", 1), ("api_retries", 0), ("api_max_wait", 1)):
            value = getattr(self, option)
            if not lowest <= value <= 1_000_000:
                raise InputError(f"{option} is {value}", f"It must be at least {lowest}, and at most 1000000.")
        if self.ca_path and self.validate_certs:
            try:
                ssl.create_default_context(cafile=self.ca_path)
            except (OSError, ValueError) as error:
                raise InputError(
                    f"ca_path {self.ca_path} could not be read as a PEM bundle ({error})",
                    "Name a file with one or more PEM certificates.",
                ) from error


def _check_url(url: str) -> None:
    if not url.isprintable() or any(mark in url for mark in "@?# "):
        raise InputError("api_url may hold neither credentials, a query, a fragment nor blanks")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InputError(f"api_url is not a URL ({error})", f"It looks like {DEFAULT_URL}.") from error
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        raise InputError(
            f"api_url {url} is not an https URL",
            "The API key is sent with each request: plain http is for loopback only.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Clock:
    """Time as the transport sees it; tests hand in another. All in seconds; `chance` is in [0, 1)."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


@dataclass(frozen=True)
class Answer:
    """An answer of 2xx: its JSON object (empty where there was no body), and when the server says it gave it."""

    request: str
    body: dict[str, Any]
    date: datetime | None


@dataclass(frozen=True)
class _Passing:
    """A failure that a repeat may mend. `wait`: the seconds asked for; `is_failure`: whether it uses up a retry."""

    words: str
    status: int | None = None
    code: str | None = None
    details: Any = None
    wait: float | None = None
    is_failure: bool = True


class _Bearer(AuthBase):
    """An auth object rather than a header: requests would replace a header by what a .netrc holds for the host."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Transport:
    """Sends one request until it has an answer, within the limits of `settings`."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, secrets: Iterable[str] = ()) -> None:
        self.settings = settings
        self.clock = clock or Clock()
        self._secrets = [settings.api_key, *secrets]
        self._session = requests.Session()
        # No cookie is sent back: the API documents none.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.auth = _Bearer(settings.api_key)
        self._session.headers.update({"Accept": "application/json", "User-Agent": "ansible-collection-oecsh.cloud"})
        # Over plain http a proxy would be shown the key.
        self._session.trust_env = settings.api_url.lower().startswith("https:")

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        is_settled: Callable[[], bool] | None = None,
    ) -> Answer:
        """An answer of 2xx, or RefusedError, NoAnswerError or UnexpectedAnswerError (reference: each Response).

        A POST must carry X-Idempotency-Key: whatever is sent here may be sent again. `is_settled` is asked before that,
        and ends it where somebody else has done meanwhile what the request is for.
        """
        name, started = f"{method} {path}", self.clock.monotonic()
        end = started + self.settings.api_max_wait
        sent = failures = waits = 0
        while True:
            outcome = self._send(name, method, path, end, params=query, json=body, headers=headers)
            if isinstance(outcome, Answer):
                return outcome
            sent += 1
            failures += outcome.is_failure
            waits += outcome.wait is None
            pause = self._backoff(waits) if outcome.wait is None else outcome.wait
            spent = self.clock.monotonic() - started
            is_over = failures > self.settings.api_retries or spent + pause >= self.settings.api_max_wait
            if not is_over:
                self.clock.sleep(pause)
            if is_over or (is_settled and is_settled()):
                raise self._gave_up(name, outcome, sent, spent, pause)

    def _send(self, name: str, method: str, path: str, end: float, **content: Any) -> Answer | _Passing:
        timeout = max(min(self.settings.api_timeout, end - self.clock.monotonic()), _SHORTEST_TIMEOUT)
        verify: bool | str = (self.settings.ca_path or True) if self.settings.validate_certs else False
        try:
            with warnings.catch_warnings():
                # requests warns of every request that is not verified; the user has asked for just that.
                warnings.simplefilter("ignore")
                with self._session.request(
                    method,
                    self.settings.api_url + path,
                    timeout=(timeout, timeout),
                    verify=verify,
                    allow_redirects=False,
                    stream=True,
                    **content,
                ) as response:
                    raw = self._read(response, end)
        except requests.exceptions.SSLError as error:
            if "certificate" in str(error).lower():
                raise NoAnswerError(
                    self._clean(
                        f"{name}: the certificate of {self.settings.api_url} is not trusted ({_root_cause(error)})"
                    ),
                    "Set ca_path to the PEM bundle of the authority that signed it; if you did, is it the right one?",
                ) from None
            return _Passing(self._clean(f"no secure connection ({_root_cause(error)})"))
        except requests.exceptions.Timeout:
            return _Passing(f"no answer within {timeout:.0f} s")
        except (
            requests.exceptions.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ) as error:
            return _Passing(self._clean(f"the connection failed ({_root_cause(error)})"))
        except (OSError, ValueError) as error:
            # A REQUESTS_CA_BUNDLE that is missing is an OSError, a host name that no host can have a ValueError.
            raise NoAnswerError(
                self._clean(f"{name} could not be sent ({error})"), "Check api_url and the proxy variables."
            ) from None
        return self._judge(name, response, raw)

    def _read(self, response: requests.Response, end: float) -> bytes:
        """The whole body; an answer that drips, each part within the timeout, must still end in time."""
        parts = []
        # In small parts: requests waits until it has all of a part.
        try:
            for part in response.iter_content(_PART):
                parts.append(part)
                if self.clock.monotonic() > end:
                    raise requests.exceptions.Timeout
        except (ValueError, OverflowError):
            # The length of a chunk is negative, or beyond all bounds.
            raise requests.exceptions.ChunkedEncodingError("the answer's chunks make no sense") from None
        return b"".join(parts)

    def _judge(self, name: str, response: requests.Response, raw: bytes) -> Answer | _Passing:
        status, date = response.status_code, _date(response.headers.get("Date"))
        text = raw.decode(errors="replace")
        body = _parsed(text)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            is_api_answer = not raw or isinstance(body, dict)
            words = ErrorWords.of(self._clean(body), self._clean(text)[:_LONGEST_PAGE])
            return self._failure(name, response, words, date, is_api_answer)
        if status == HTTPStatus.NO_CONTENT:
            return Answer(name, {}, date)
        if body is _NOT_JSON:
            return _Passing(f"{status} with a body that is not JSON", status)
        if not isinstance(body, dict):
            raise UnexpectedAnswerError(
                f"{name} answered a JSON {type(body).__name__} where the API reference describes an object",
                "Check api_url; if it is right, the API has changed: report it to the collection.",
                status=status,
            )
        return Answer(name, body, date)

    def _failure(
        self, name: str, response: requests.Response, words: ErrorWords, date: datetime | None, is_api_answer: bool
    ) -> _Passing:
        status = response.status_code
        said = " ".join(part for part in (str(status), words.code, words.message) if part)
        passing = _Passing(said, status, words.code, words.details)
        if status == HTTPStatus.TOO_MANY_REQUESTS and words.code != "ip_blocked":
            return replace(passing, wait=self._rate_limit_wait(response, words, date), is_failure=False)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return passing
        if status == HTTPStatus.CONFLICT and name.startswith("POST ") and _IN_FLIGHT.search(said):
            return replace(passing, is_failure=False)
        error = refusal(name, status, words, is_api_answer=is_api_answer)
        if status == HTTPStatus.UNAUTHORIZED and not _KEY_SHAPE.fullmatch(self.settings.api_key):
            error.hint += (
                " What was given does not look like a key of oec.sh: those start with oec_live_ro_ or oec_live_rw_."
            )
        raise error

    def _rate_limit_wait(self, response: requests.Response, words: ErrorWords, date: datetime | None) -> float:
        now = date or datetime.fromtimestamp(self.clock.now(), timezone.utc)
        wait = _seconds(response.headers.get("Retry-After"), now)
        if wait is None:
            wait = _seconds(words.retry_after, now)
        if wait is None:
            wait = _MINUTE - now.timestamp() % _MINUTE + 1
        # A little later than asked, so that many jobs do not return at once; never at once, so that none of them spins.
        return max(1.0, wait) + min(2.0, 0.1 * wait) * self.clock.chance()

    def _gave_up(self, name: str, last: _Passing, sent: int, spent: float, pause: float) -> OecError:
        times = "once" if sent == 1 else f"{sent} times"
        words = last.words.rstrip(".")
        asked = f" The API asks to wait another {pause:.0f} s." if last.wait is not None else ""
        return NoAnswerError(
            f"{name} got no usable answer: sent {times} in {spent:.0f} s, and the last time: {words}.{asked}",
            "Nothing is lost by running this again; api_retries and api_max_wait say how long to keep trying.",
            status=last.status,
            code=last.code,
            details=last.details,
        )

    def _backoff(self, waits: int) -> float:
        longest = min(_FIRST_PAUSE * 2.0 ** (min(waits, 20) - 1), _LONGEST_PAUSE)
        return longest * (0.5 + 0.5 * self.clock.chance())

    def _clean(self, value: Any) -> Any:
        return masked(value, self._secrets)


def _parsed(text: str) -> Any:
    try:
        parsed = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return _NOT_JSON
    return parsed if _is_shallow(parsed) else _NOT_JSON


def _is_shallow(value: Any, levels: int = _DEEPEST) -> bool:
    """Whether all that goes through the value by recursion, Ansible included, comes to an end."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in inner)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _date(header: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(header or "")
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def _seconds(asked: Any, now: datetime) -> float | None:
    """`Retry-After` in either form (seconds, a date), or a body's `retry_after`; None where it is not usable."""
    try:
        seconds = float(asked)
    except (TypeError, ValueError, OverflowError):
        until = _date(asked) if isinstance(asked, str) else None
        return max(0.0, (until - now).total_seconds()) if until else None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _root_cause(error: BaseException) -> BaseException:
    """The innermost error: requests and urllib3 wrap "Connection refused" in three layers of their own words."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
