# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import (
    Backups,
    completion,
    description,
    size_ratio,
    status_of,
    unsupported_or,
    without_links,
)

NOW = datetime(2026, 11, 28, 20, 0, tzinfo=timezone.utc)
MINUTE, HOUR, DAY = 60, 3600, 86400


def at(ago):
    """Return the moment so many seconds ago, as the API writes it."""
    return f"{NOW - timedelta(seconds=ago):%Y-%m-%dT%H:%M:%SZ}"


def backup(name="a", ago=HOUR, status="completed", **fields):
    """Return a backup that was completed, or else started, so long ago."""
    moment = "completed_at" if status in ("completed", "expired") else "started_at"
    return {"id": name, "status": status, moment: at(ago), **fields}


def backups(*items):
    return Backups(items, NOW)


def name_of(found):
    return found and found["id"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("completed", "completed"), ("In_Progress", "running"), ("RUNNING", "running"), (None, "none")],
)
def test_a_status_has_one_word(status, expected):
    assert status_of({"status": status}) == expected


GOOD = {
    "just now": (backup(ago=0), True),
    "in capitals": (backup(status="completed") | {"status": "COMPLETED"}, True),
    "kept for a minute more": (backup(expires_at=at(-MINUTE)), True),
    "kept until now": (backup(expires_at=at(0)), True),
    "expired a second ago": (backup(expires_at=at(1)), False),
    "expired, as its status says": (backup(status="expired"), False),
    "by a clock that is ahead": (backup(ago=-5 * MINUTE), True),
    "of the future": (backup(ago=-5 * MINUTE - 1), False),
    "failed": (backup(status="failed", completed_at=at(HOUR)), False),
    "uploading": (backup(status="uploading", completed_at=at(HOUR)), False),
    "without a time": ({"status": "completed", "completed_at": None}, False),
}


@pytest.mark.parametrize(("item", "is_good"), GOOD.values(), ids=GOOD)
def test_only_a_completed_backup_that_is_kept_is_good(item, is_good):
    found = completion(item, NOW)
    assert f"{found:%Y-%m-%dT%H:%M:%SZ}" == item["completed_at"] if is_good else found is None


@pytest.mark.parametrize(
    ("items", "newest"),
    [
        ([], None),
        ([backup("a", DAY), backup("b", HOUR), backup("c", 2 * DAY)], "b"),
        ([backup("a", MINUTE, "failed"), backup("b", HOUR, expires_at=at(1)), backup("c", DAY)], "c"),
        ([backup("a", HOUR), backup("b", HOUR)], "a"),
    ],
    ids=["none", "in any order", "the others are not good", "of one moment"],
)
def test_the_newest_good_backup_is_found(items, newest):
    found = backups(*items)
    assert name_of(found.newest) == newest
    assert name_of(found.fresh(timedelta(days=9))) == newest


@pytest.mark.parametrize(("ago", "is_fresh"), [(DAY - 1, True), (DAY, True), (DAY + 1, False), (-MINUTE, True)])
def test_a_backup_is_fresh_up_to_its_age(ago, is_fresh):
    assert bool(backups(backup(ago=ago)).fresh(timedelta(days=1))) is is_fresh


RUNNING_AND_LOST = {
    "all over": ([backup("a", 2 * DAY, word) for word in ("completed", "failed", "cancelled", "expired")], None, None),
    **{
        f"{word}": ([backup("z"), backup("a", HOUR, word)], "a", None)
        for word in ("pending", "running", "in_progress", "uploading", "new to the API")
    },
    "for a day": ([backup("a", DAY, "uploading")], "a", None),
    "for more than a day": ([backup("a", DAY + 1, "uploading")], None, "a"),
    "begun a day after it was created": ([backup("a", HOUR, "running", created_at=at(2 * DAY))], "a", None),
    "created, and never begun": ([{"id": "a", "status": "pending", "created_at": at(DAY + 1)}], None, "a"),
    "without a time": ([{"id": "a", "status": "pending"}], "a", None),
    "before a good one": ([backup("z", DAY), backup("a", DAY + 1, "running")], None, None),
    "as a good one was completed": ([backup("z", DAY + 1), backup("a", DAY + 1, "running")], None, None),
    "after a good one": ([backup("a", DAY + 1, "running"), backup("z", DAY + 2)], None, "a"),
    "after one that has expired": ([backup("z", expires_at=at(1)), backup("a", 2 * DAY, "running")], None, "a"),
    "one of two after a good one": (
        [backup("z", 3 * DAY), backup("a", 4 * DAY, "running"), backup("b", 2 * DAY, "running")],
        None,
        "b",
    ),
    "the newest of each": (
        [backup(name, ago, "running") for name, ago in zip("abcd", (MINUTE, HOUR, 2 * DAY, 3 * DAY), strict=True)],
        "a",
        "c",
    ),
    "one behind a lost one": ([backup("a", 2 * DAY, "pending"), backup("b", HOUR, "pending")], "b", "a"),
}


@pytest.mark.parametrize(("items", "running", "lost"), RUNNING_AND_LOST.values(), ids=RUNNING_AND_LOST)
def test_what_has_run_for_a_day_is_lost(items, running, lost):
    found = backups(*items)
    assert (name_of(found.running), name_of(found.lost)) == (running, lost)


@pytest.mark.parametrize(
    ("items", "previous"),
    [
        ([], None),
        ([backup("mine", HOUR), backup("a", DAY), backup("b", 2 * DAY)], "a"),
        ([backup("newer", MINUTE), backup("b", 2 * DAY), backup("a", DAY)], "a"),
        ([backup("failed", 2 * HOUR, "failed", completed_at=at(2 * HOUR)), backup("a", DAY, "expired")], "a"),
        ([backup("a", HOUR)], "a"),
        ([backup("none") | {"completed_at": None}], None),
    ],
    ids=["none", "beside itself", "a newer one", "an expired one", "of one moment", "without a time"],
)
def test_the_completed_backup_before_another_is_found(items, previous):
    assert name_of(backups(*items).before(backup("mine", HOUR))) == previous


def test_a_backup_without_a_time_comes_after_all():
    assert name_of(backups(backup("a", MINUTE)).before({"id": "mine", "completed_at": None})) == "a"


def sizes(total=None, database=None, compressed=None):
    return {"total_size": total, "database_size": database, "compressed_size": compressed}


RATIOS = {
    # The sizes, those of the one before it, whether the filestore counts; and the ratio.
    "half": (sizes(100, 90), sizes(200, 90), True, 0.5),
    "of the database alone": (sizes(100, 90), sizes(200, 120), False, 0.75),
    "rounded": (sizes(1), sizes(3), True, 0.333),
    "larger": (sizes(300), sizes(200), True, 1.5),
    "no total": (sizes(None, 30, 10), sizes(None, 30, 40), True, 0.25),
    "only a database": (sizes(None, 30), sizes(200, 60), True, 0.5),
    "no size of the database": (sizes(100), sizes(200), False, None),
    "the one before was empty": (sizes(100), sizes(0), True, None),
    "nothing before": (sizes(100, 90, 50), None, True, None),
    "empty": (sizes(0), sizes(200), True, 0.0),
    "empty, and nothing before": (sizes(0), None, True, 0.0),
    "an empty database": (sizes(100, 0), sizes(200, 90), False, 0.0),
    "no sizes": (sizes(), sizes(200, 90), True, None),
    "an empty database beside a filestore": (sizes(100, 0), sizes(100, 90), True, 0.0),
    "a text": (sizes("100", 30), sizes(200, 60), True, 0.5),
    "a list before": (sizes(100, 30), sizes([200], 60), True, 0.5),
    "a text that is empty": (sizes("0", "0"), sizes(200, 60), True, None),
    "negative": (sizes(-100, 30), sizes(200, 60), True, 0.5),
    "negative before": (sizes(100, None), sizes(-200, None), True, None),
}


@pytest.mark.parametrize(("size", "before", "with_filestore", "ratio"), RATIOS.values(), ids=RATIOS)
def test_a_size_is_compared_with_the_one_before(size, before, with_filestore, ratio):
    assert size_ratio(size, before, with_filestore=with_filestore) == ratio


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (backup(ago=90 * MINUTE), "2026-11-28 18:30 UTC (1 h 30 min ago)"),
        ({"completed_at": "2026-11-28T01:30:00+02:00"}, "2026-11-27 23:30 UTC (20 h 30 min ago)"),
        ({"completed_at": None}, "an unknown time"),
        ({"completed_at": "yesterday"}, "an unknown time"),
    ],
)
def test_a_backup_is_told_by_its_time_and_age(item, text):
    assert description(item, NOW) == text


def test_only_fields_that_hold_no_link_are_kept():
    known = {**backup(notes="n", task_id=None), "environment_snapshot": {"environment": {}}}
    links = {"download_url": "https://s3.example/x?sig=1", "signed_url": None, "links": {"database": "https://s3"}}
    assert without_links({**known, **links}) == known


@pytest.mark.parametrize(
    ("status", "code", "from_api", "expected"),
    [
        (404, "rejected", True, "unsupported"),
        (404, "not_found", True, "not_found"),
        (404, "rejected", False, "rejected"),
        (405, "unsupported", True, "unsupported"),
        (400, "rejected", True, "rejected"),
    ],
)
def test_a_404_without_a_code_is_unsupported(status, code, from_api, expected):
    error = RejectedError(code, "GET /x was rejected (404)", status=status, from_api=from_api)
    found = unsupported_or(error).failure
    assert (found.code, found.status, found.message) == (expected, status, error.failure.message)
    assert ("does not have that yet" in found.hint) is (code != expected)
