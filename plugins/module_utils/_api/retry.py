# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Whether one request is repeated, and how long to pause before that."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import AnyCode, NoResponseError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_MAX_DOUBLINGS = 20
_MINUTE = 60.0


class Replay(Enum):
    """How a request may be repeated after a failure that leaves open whether it was carried out."""

    SAFE = "GET, PATCH, DELETE: a repeat does no harm"
    KEYED = "a POST with an idempotency key: the API recognizes a repeat"
    NEVER = "any other POST: repeated only where it certainly was not carried out"


@dataclass(frozen=True)
class TransientFailure:
    """A failure that a repeat may fix. All times in seconds.

    `retry_after`: the pause that the API asks for. `counts_as_retry`: whether it uses up one of `api_retries`.
    `may_be_done`: whether the request may have been carried out all the same.
    """

    reason: str
    code: AnyCode = "no_response"
    status: int | None = None
    details: Any = None
    retry_after: float | None = None
    counts_as_retry: bool = True
    may_be_done: bool = True


class Retries:
    """The attempts of one request, bounded by `api_retries` and `api_max_wait`."""

    def __init__(
        self, request: str, replay: Replay, *, limit: int, max_wait: float, random: Callable[[], float]
    ) -> None:
        self._request = request
        self._replay = replay
        self._limit = limit
        self._max_wait = max_wait
        self._random = random
        self._sent = self._counted = self._backoffs = 0
        # Of any attempt.
        self.may_be_done = False

    def pause_after(self, failure: TransientFailure, elapsed: float) -> float:
        """Return the seconds to pause before the next attempt, or raise NoResponseError where there is none."""
        self._sent += 1
        self.may_be_done = self.may_be_done or failure.may_be_done
        self._counted += failure.counts_as_retry
        self._backoffs += failure.retry_after is None
        pause = self._backoff() if failure.retry_after is None else failure.retry_after
        is_final = self._replay is Replay.NEVER and failure.may_be_done
        if is_final or self._counted > self._limit or elapsed + pause >= self._max_wait:
            raise self.exhausted(failure, elapsed, pause)
        return pause

    def exhausted(self, failure: TransientFailure, elapsed: float, pause: float) -> NoResponseError:
        times = "once" if self._sent == 1 else f"{self._sent} times"
        pending = f" The API asks to wait another {pause:.0f} s." if failure.retry_after is not None else ""
        hint = "It is safe to run this again; api_retries and api_max_wait set how long to keep trying."
        if self._replay is Replay.NEVER and failure.may_be_done:
            hint = "The request may have been carried out all the same: look before you repeat it."
        return NoResponseError(
            failure.code,
            f"{self._request} got no usable response: sent {times} in {elapsed:.0f} s, "
            f"and the last time: {failure.reason.rstrip('.')}.{pending}",
            hint,
            may_be_done=self.may_be_done,
            status=failure.status,
            details=failure.details,
        )

    def _backoff(self) -> float:
        longest = min(_FIRST_PAUSE * 2.0 ** (min(self._backoffs, _MAX_DOUBLINGS) - 1), _LONGEST_PAUSE)
        return longest * (0.5 + 0.5 * self._random())


def rate_limit_pause(header: str | None, in_body: Any, now: datetime, random: float) -> float:
    """Return how long to wait after a 429: `Retry-After`, else the body's seconds, else the next full minute.

    `now` is the server's time where known. `random` in [0, 1) adds jitter, so that parallel jobs do not retry together.
    """
    wait = parse_retry_after(header, now)
    if wait is None:
        wait = parse_retry_after(in_body, now)
    if wait is None:
        wait = _MINUTE - now.timestamp() % _MINUTE + 1
    return max(1.0, wait) + min(2.0, 0.1 * wait) * random


def parse_retry_after(value: Any, now: datetime) -> float | None:
    """Read seconds or an HTTP date; None where it is not usable."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        until = parse_http_date(value) if isinstance(value, str) else None
        return max(0.0, (until - now).total_seconds()) if until else None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def parse_http_date(header: str | None) -> datetime | None:
    """Read an HTTP date; None where it is not readable, or so late that nothing can be reckoned from it."""
    try:
        parsed = parsedate_to_datetime(header or "")
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
    return aware if aware.year < MAXYEAR else None
