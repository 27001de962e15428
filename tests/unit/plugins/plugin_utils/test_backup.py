# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.plugin_utils._backup import backup_report

ENVIRONMENTS = [{"id": str(n), "name": "production", "project_name": name} for n, name in enumerate("ABCD")]
ERROR = {"status": None, "details": None}


def error(code, message=""):
    return {**ERROR, "code": code, "message": message}


def row(number, outcome, ratio=None, failure=None, backup=None, completed="2026-11-30T02:01:59.5Z"):
    return {
        "project": ENVIRONMENTS[number]["project_name"],
        "environment": "production",
        "environment_id": str(number),
        "outcome": outcome,
        "changed": outcome not in ("not_needed", "skipped"),
        "task": None,
        "error": failure,
        "log": [],
        "backup": {"id": "x", "total_size": 2_400_000} if backup is None else backup,
        "size_ratio": ratio,
        "is_shrunken": ratio is not None and ratio < 0.5,
        "newest_completed_at": completed,
    }


FULL = error("task_failed", "No space\nleft.")
RESULTS = [
    {"backups": [row(0, "failed", failure=FULL, backup={"id": "x", "total_size": None}), row(1, "not_needed")]},
    {"backups": [row(2, "completed", ratio=0.1), row(3, "adopted", ratio=1.0)]},
]
TABLE = """\
project  environment  completed (UTC)   size  state
B        production   2026-11-30 02:01  2 MB  fresh
D        production   2026-11-30 02:01  2 MB  new
A        production   2026-11-30 02:01  -     task_failed
C        production   2026-11-30 02:01  2 MB  shrunken
"""


def test_the_report_of_a_night():
    report = backup_report(RESULTS, ENVIRONMENTS)
    assert report["summary"] == {"environments": 4, "good": 2, "new": 1, "failed": 2, "not_tried": 0}
    assert [each["is_good"] for each in report["backups"]] == [False, True, False, True]
    assert report["table"] == TABLE.splitlines()
    assert report["failures"] == [
        "A/production: No space left.",
        "C/production: its backup has 10 % of the size of the one before it. "
        "Look at the client. If all is well, take another one with oec_backup.",
    ]
    assert not report["is_over"]


@pytest.mark.parametrize(
    ("results", "seconds", "expected"),
    [
        ([], 0, "0 of 4 environments: 0 with a fresh backup"),
        (RESULTS[:1], 0, "2 of 4 environments: 1 with a fresh backup; 1 without"),
        (RESULTS[1:], 60, "2 of 4 environments: 1 with a fresh backup, 1 of them new; 1 without; about 1 min left"),
        (RESULTS[1:], 61, "2 of 4 environments: 1 with a fresh backup, 1 of them new; 1 without; about 2 min left"),
        (RESULTS, 60, "4 of 4 environments: 2 with a fresh backup, 1 of them new; 2 without"),
    ],
)
def test_the_line_after_a_batch(results, seconds, expected):
    assert backup_report(results, ENVIRONMENTS, seconds)["progress"] == expected


def test_check_mode_tells_what_would_be_taken():
    predicted = [row(0, "completed", backup={"id": None}, completed=None), row(1, "not_needed"), row(2, "adopted")]
    report = backup_report([{"backups": predicted}], ENVIRONMENTS[:3])
    assert report["progress"] == "3 of 3 environments: 2 with a fresh backup, 1 of them new; 1 would get one"
    assert report["table"][1].split() == ["A", "production", "-", "-", "to", "be", "taken"]


REVOKED, LOST = {**error("unauthorized", "Check the key."), "status": 401}, {**error("internal"), "status": 500}
GONE = {**error("not_found"), "status": 404}


def rejected(ids, *items, of=None, code="not_found"):
    """Return the result of a list of these ids that is rejected for some of its items."""
    details = [{"item": item, "code": code, "message": "Gone."} for item in items]
    return {"error": {**(of or GONE), "details": details}, "environment_ids": list(ids)}


UNTRIED = {"backups": [row(0, "failed", failure=REVOKED), row(1, "skipped", failure=error("skipped"))]}
UNKNOWN = {**error("unknown_option"), "details": [{"code": "unknown_option", "message": "paralel"}]}
DONE = {"backups": [row(1, "completed")], "environment_ids": ["1"]}
NO_CODES = ["skipped"] * 4
STORIES = {
    # The results; whether it is over, the ids that are left, and the codes of the rows.
    "nothing yet": ([], False, "", NO_CODES),
    "one has failed": ([{"backups": [row(3, "failed", failure=FULL)]}], False, "", [*NO_CODES[:3], "task_failed"]),
    "the key": ([{"error": REVOKED}], True, "", ["unauthorized"] * 4),
    "the key, named by items": ([rejected("0123", 1, of=REVOKED)], True, "", ["unauthorized"] * 4),
    "a crash": ([{"msg": "MODULE FAILURE"}], True, "", ["no_response"] * 4),
    "unknown options": ([{"error": UNKNOWN, "environment_ids": ["0", "1"]}], True, "", ["unknown_option"] * 4),
    "rows that were skipped": ([UNTRIED], True, "", ["unauthorized", *NO_CODES[:3]]),
    "one is gone": ([rejected("12", 2)], False, "1", ["skipped", "skipped", "not_found", "skipped"]),
    "one cannot be read": ([rejected("123", 1, code="internal")], False, "23", ["skipped", "internal", *NO_CODES[:2]]),
    "all are gone": ([rejected("12", 1, 2)], False, "", ["skipped", "not_found", "not_found", "skipped"]),
    "an item that is none of these": ([rejected("12", 1, 3)], False, "2", ["skipped", "not_found", *NO_CODES[:2]]),
    "the others are done": ([rejected("12", 2), DONE], False, "", ["skipped", None, "not_found", "skipped"]),
    "gone again": ([rejected("12", 2), rejected("1", 1)], False, "", ["skipped", "not_found", "not_found", "skipped"]),
    "three lost": ([rejected("012", 1, 2, 3, of=LOST, code="internal")], True, "", [*["internal"] * 3, "skipped"]),
    "two lost, and the next": (
        [rejected("01", 1, 2, of=LOST), rejected("2", 1, of=LOST)],
        True,
        "",
        [*["not_found"] * 3, "skipped"],
    ),
    "three lost, but not in a row": (
        [rejected("0123", 1, 2, 4, of=LOST)],
        False,
        "2",
        ["not_found", "not_found", "skipped", "not_found"],
    ),
    "two lost, one gone": (
        [rejected("01", 1, 2, of=LOST), rejected("2", 1)],
        False,
        "",
        [*["not_found"] * 3, "skipped"],
    ),
    "two lost, one done": (
        [rejected("02", 1, 2, of=LOST), DONE, rejected("3", 1, of=LOST)],
        False,
        "",
        ["not_found", None, "not_found", "not_found"],
    ),
    "two later": ([rejected("2", 1), DONE, rejected("03", 1)], False, "3", ["not_found", None, "not_found", "skipped"]),
}


@pytest.mark.parametrize(("results", "is_over", "left", "codes"), STORIES.values(), ids=STORIES)
def test_what_was_not_tried_and_whether_to_go_on(results, is_over, left, codes):
    report = backup_report(results, ENVIRONMENTS)
    assert (report["is_over"], report["left"]) == (is_over, list(left))
    assert [each["error"] and each["error"]["code"] for each in report["backups"]] == codes
    assert report["summary"]["not_tried"] == sum(each["outcome"] == "skipped" for each in report["backups"])


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"total_size": None, "compressed_size": 999}, "999 B"),
        ({"total_size": 0, "compressed_size": 999}, "0 B"),
        ({"total_size": "232", "compressed_size": 999}, "999 B"),
        ({"total_size": ["232"]}, "-"),
        ({"total_size": None, "database_size": 1000}, "1 kB"),
        ({"total_size": 232_000_000, "database_size": 1}, "232 MB"),
        ({"total_size": 1_500_000_000_000_000}, "1500 TB"),
        ({}, "-"),
    ],
)
def test_the_size_of_a_backup(sizes, expected):
    report = backup_report([{"backups": [row(0, "completed", backup={"id": "x", **sizes})]}], ENVIRONMENTS[:1])
    assert report["table"][1] == f"A        production   2026-11-30 02:01  {expected:4}  new"


@pytest.mark.parametrize("values", [({}, ENVIRONMENTS), (RESULTS, {}), (None, []), ([{"backups": [{}]}], ENVIRONMENTS)])
def test_other_input_is_rejected(values):
    with pytest.raises((KeyError, TypeError)):
        backup_report(*values)


def test_what_was_not_looked_at_has_one_line_for_each_reason():
    report = backup_report(
        [rejected("01", 2), {"backups": [row(0, "completed")]}, {"error": REVOKED}], ENVIRONMENTS, 60
    )
    assert report["failures"] == ["3 not looked at: Check the key."]
    assert report["progress"] == "1 of 4 environments: 1 with a fresh backup, 1 of them new"
    report = backup_report([UNTRIED], ENVIRONMENTS)
    untried = "not tried, because of an earlier failure"
    assert report["failures"] == [
        "A/production: Check the key.",
        "1 not looked at: skipped",
        f"2 not looked at: {untried}.",
    ]
