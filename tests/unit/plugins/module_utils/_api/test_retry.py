# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.retry import (
    Replay,
    Retries,
    TransientFailure,
    parse_http_date,
    parse_retry_after,
    rate_limit_pause,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, NoResponseError

NOON = datetime(2026, 3, 2, 12, 0, 20, tzinfo=timezone.utc)
CUT = TransientFailure("the connection failed")
UNSENT = replace(CUT, may_be_done=False)
LIMITED = TransientFailure("429", "limit", 429, [1], retry_after=10.0, counts_as_retry=False, may_be_done=False)
IN_FLIGHT = TransientFailure("409", "in_progress", 409, counts_as_retry=False)


def run(*failures, replay=Replay.SAFE, limit=5, max_wait=600, random=0.5):
    """Return the pauses, and the failure that ends the attempts, if any."""
    retries = Retries("GET /projects", replay, limit=limit, max_wait=max_wait, random=lambda: random)
    pauses = []
    for failure in failures:
        try:
            pauses.append(retries.pause_after(failure, sum(pauses)))
        except NoResponseError as error:
            return pauses, error
    return pauses, None


@pytest.mark.parametrize(
    ("random", "pauses"),
    [
        (0.0, [0.25, 0.5, 1, 2, 4, 8, 15, 15]),
        (0.5, [0.375, 0.75, 1.5, 3, 6, 12, 22.5, 22.5]),
        (1.0, [0.5, 1, 2, 4, 8, 16, 30, 30]),
    ],
)
def test_pauses_double_up_to_half_a_minute_with_jitter(random, pauses):
    assert run(*[CUT] * 8, limit=8, random=random) == (pauses, None)
    assert run(*[CUT] * 2000, limit=2000, max_wait=1e9, random=random)[1] is None


@pytest.mark.parametrize(
    ("failures", "options", "pauses", "is_over"),
    [
        pytest.param([CUT], {"limit": 0}, [], True, id="no-retry"),
        pytest.param([CUT, CUT], {"limit": 1}, [0.375], True, id="one-retry"),
        pytest.param([LIMITED] * 4 + [CUT], {"limit": 1}, [10, 10, 10, 10, 0.375], False, id="429-is-no-retry"),
        pytest.param([IN_FLIGHT] * 3, {"limit": 0}, [0.375, 0.75, 1.5], False, id="in-flight-is-no-retry"),
        pytest.param([IN_FLIGHT] * 9, {"limit": 0, "max_wait": 1}, [0.375], True, id="in-flight-always"),
        pytest.param([LIMITED] * 6, {"max_wait": 60}, [10] * 5, True, id="max-wait-left-nothing"),
        pytest.param([LIMITED] * 6, {"max_wait": 60.1}, [10] * 6, False, id="max-wait-left-something"),
        pytest.param([replace(LIMITED, retry_after=600.0)], {}, [], True, id="retry-after-is-max-wait"),
    ],
)
def test_retries_end_with_their_limits(failures, options, pauses, is_over):
    actual, failure = run(*failures, **options)
    assert (actual, failure is not None) == (pauses, is_over)


@pytest.mark.parametrize("failure", [CUT, UNSENT, LIMITED, TransientFailure("500", status=500)])
@pytest.mark.parametrize("replay", Replay)
def test_never_is_repeated_only_where_nothing_was_done(replay, failure):
    is_final = replay is Replay.NEVER and failure.may_be_done
    assert (run(failure, replay=replay)[1] is not None) is is_final


ONCE = "once in 0 s, and the last time: the connection failed."
RUN_AGAIN = "It is safe to run this again; api_retries and api_max_wait set how long to keep trying."
LOOK = "The request may have been carried out all the same: look before you repeat it."
PENDING = "once in 0 s, and the last time: 429. The API asks to wait another 3601 s."
NEVER = Replay.NEVER


@pytest.mark.parametrize(
    ("failures", "replay", "message", "hint"),
    [
        ([CUT], Replay.SAFE, ONCE, RUN_AGAIN),
        ([CUT], NEVER, ONCE, LOOK),
        ([UNSENT], NEVER, ONCE, RUN_AGAIN),
        ([LIMITED, replace(CUT, reason="Over.")], NEVER, "2 times in 10 s, and the last time: Over.", LOOK),
        ([replace(LIMITED, retry_after=3601.0)], NEVER, PENDING, RUN_AGAIN),
    ],
)
def test_giving_up_says_how_often_how_long_and_why(failures, replay, message, hint):
    message = f"GET /projects got no usable response: sent {message}"
    expected = Failure(failures[-1].code, message, hint, status=failures[-1].status, details=failures[-1].details)
    error = run(*failures, replay=replay, limit=0)[1]
    assert error.failure == expected


@pytest.mark.parametrize(
    ("failures", "may_be_done"),
    [([CUT], True), ([UNSENT], False), ([LIMITED, UNSENT], False), ([LIMITED, CUT], True), ([CUT, LIMITED], True)],
)
def test_one_attempt_is_enough_to_have_done_it(failures, may_be_done):
    last = replace(failures[-1], retry_after=3601.0)
    assert run(*failures[:-1], last)[1].may_be_done is may_be_done


@pytest.mark.parametrize(
    ("header", "in_body", "pause"),
    [
        pytest.param("17", 5, 17 + 0.85, id="header"),
        pytest.param("0.5", None, 1 + 0.025, id="at-least-a-second"),
        pytest.param("300", None, 300 + 1, id="at-most-two-seconds-of-jitter"),
        pytest.param("Mon, 02 Mar 2026 12:00:50 GMT", None, 30 + 1, id="date"),
        pytest.param("Mon, 02 Mar 2026 11:00:00 GMT", 7, 1, id="date-in-the-past"),
        pytest.param(None, 17, 17 + 0.85, id="body"),
        pytest.param("soon", 7, 7 + 0.35, id="invalid-header"),
        pytest.param("soon", "soon", 41 + 1, id="next-full-minute"),
    ],
)
def test_a_rate_limit_pause_is_the_first_usable_one(header, in_body, pause):
    assert rate_limit_pause(header, in_body, NOON, 0.5) == pytest.approx(pause)


def test_parallel_jobs_do_not_retry_together_nor_too_early():
    pauses = [rate_limit_pause("17", None, NOON, random) for random in (0.0, 0.1, 0.5, 0.999)]
    assert (pauses, pauses[0], pauses[-1] < 19) == (sorted(set(pauses)), 17, True)


@pytest.mark.parametrize(
    ("seconds", "values"),
    [
        (17, [17, "17", 17.0, " 17 ", "Mon, 02 Mar 2026 12:00:37 GMT"]),
        (0, [0, "0", "Mon, 02 Mar 2026 12:00:19 GMT"]),
        (None, ["-5", "inf", "nan", "", None, ["soon"], {}, 10**400, "Mon, 99 Mar 2026"]),
    ],
)
def test_retry_after_is_seconds_or_a_date(seconds, values):
    assert [parse_retry_after(value, NOON) for value in values] == [seconds] * len(values)


@pytest.mark.parametrize("zone", ["12:00:20 GMT", "12:00:20 -0000", "12:00:20", "13:00:20 +0100"])
def test_an_http_date_is_read_in_its_time_zone(zone):
    date = parse_http_date(f"Mon, 02 Mar 2026 {zone}")
    assert (date, date.tzinfo is None) == (NOON, False)


@pytest.mark.parametrize(
    "date", [None, "", "yesterday", "99 Mar 2026 99:99", "2 Mar 2026 12:00 +9999", f"2 Mar {10**20} 12:00"]
)
def test_an_invalid_http_date_is_none(date):
    assert parse_http_date(date) is None
