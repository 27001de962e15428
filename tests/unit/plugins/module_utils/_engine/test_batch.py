# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError, Subject
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.batch import (
    OUTCOMES,
    Batch,
    BatchItem,
    batch_result,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import Tasks
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Poller
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT

REJECTED = Failure("validation", "rejected", "Fix it.", Subject("thing", "A"), 422)
UNPAID = Failure("subscription_blocked", "unpaid", "Pay.", Subject("thing", "B"), 402)
LOST, LATE = [Failure("no_response", message, "Wait.", Subject("thing", "C")) for message in ("lost", "late")]


def batch(**options):
    """Return a batch whose items send no request."""
    return Batch(None, None, True, **{"mode": Mode(), **options})


# When nothing new begins.

SKIPPED = {
    # What has come of items, in order, stop_after; and why the next one is skipped.
    "nothing": ([], 0, None),
    "a failure": ([REJECTED], 0, None),
    "a fatal failure": ([UNPAID, None, REJECTED], 0, "not tried, because thing 'B' failed: unpaid. Pay."),
    "two without a response": ([LOST, LOST], 0, None),
    "three without a response": ([LOST, LOST, LATE], 0, "not tried, because thing 'C' failed: late. Wait."),
    "a success in between": ([LOST, LOST, None, LOST], 0, None),
    "a rejection in between": ([LOST, LOST, REJECTED, LOST], 0, None),
    "fewer than the limit": ([REJECTED, None], 2, None),
    "as many as the limit": (
        [REJECTED, None, LOST],
        2,
        "not tried, because 2 failed (stop_after: 2). Fix what failed, then run this again.",
    ),
    "more than the limit": (
        [REJECTED] * 3,
        2,
        "not tried, because 3 failed (stop_after: 2). Fix what failed, then run this again.",
    ),
    "a fatal failure beyond the limit": ([UNPAID], 1, "not tried, because thing 'B' failed: unpaid. Pay."),
}


@pytest.mark.parametrize(("events", "stop_after", "reason"), SKIPPED.values(), ids=SKIPPED)
def test_nothing_begins_where_it_would_do_harm(events, stop_after, reason):
    found = batch(stop_after=stop_after)
    for event in events:
        found.record(event)
    if reason is None:
        found.check_begin()
    else:
        with pytest.raises(OecError) as caught:
            found.check_begin()
        assert (caught.value.failure.code, str(caught.value)) == ("skipped", reason)


# What is reported.


@dataclass(kw_only=True)
class Thing(BatchItem):
    """It ends as `ends` says, once it was decided anew so many times."""

    ends: tuple[str, bool, dict[str, str] | None] = ("", True, None)
    again: int = 0
    is_blue: bool = True

    def advance(self):
        code, self.changed, self.task = self.ends
        self.diff = {"before": "", "after": f"{self.subject}"}
        if self.again:
            self.again -= 1
            return False
        yield from ()
        if code:
            raise OecError(code, "it went wrong", status=409)
        self.outcome = "completed"
        return True

    @property
    def facts(self):
        return {"is_blue": self.is_blue}


def things(found, *ends, **options):
    """Return items of a batch, each done."""
    pairs = zip("ABCDE", ends, strict=False)
    items = [Thing(found, Subject("thing", name), {"name": name}, ends=end, **options) for name, end in pairs]
    for item in items:
        assert list(item.steps()) == []
    return items


RUNNING, OVER = {"status": "running"}, {"status": "failed", "started_at": "2026-11-28T20:00:00Z"}
ENDS = {
    # The code of the failure, whether anything has changed, and the task.
    "": [((True, None), "completed"), ((False, None), "completed")],
    "task_failed": [((True, OVER), "failed")],
    "task_cancelled": [((True, OVER), "cancelled")],
    "task_never_started": [((True, OVER), "never_started")],
    "wait_timeout": [((True, RUNNING), "still_running")],
    # Nobody knows how the task ends.
    "no_response": [((True, RUNNING), "still_running"), ((True, None), "failed"), ((False, RUNNING), "failed")],
    "rejected": [((False, None), "failed")],
    "skipped": [((False, None), "skipped")],
}


@pytest.mark.parametrize(
    ("code", "changed", "task", "outcome"),
    [(code, *end, outcome) for code, rows in ENDS.items() for end, outcome in rows],
)
def test_an_item_has_one_outcome(code, changed, task, outcome):
    found = batch()
    (item,) = things(found, (code, changed, task))
    row = item.row
    error = {"status": 409, "code": code, "message": "it went wrong.", "details": None} if code else None
    expected = {"name": "A", "outcome": outcome, "changed": changed, "task": task, "error": error}
    assert row == {**expected, "log": [], "is_blue": True}
    assert [failure.code for failure in found.failures] == [code] * (outcome not in ("completed", "skipped"))
    # What was not done is no difference.
    assert bool(item.diff) is changed


def test_an_item_is_decided_anew_unless_nothing_new_is_to_begin():
    found = batch()
    (item,) = things(found, ("", True, None), again=1)
    assert (item.outcome, item.again) == ("completed", 0)
    found.record(UNPAID)
    (item,) = things(found, ("", True, None), again=1)
    assert (item.outcome, item.again, item.changed) == ("skipped", 1, False)


@dataclass(kw_only=True)
class Late(Thing):
    """It waits for another task first."""

    other: Object

    def advance(self):
        yield from self.wait_for(self.other)
        self.outcome, self.changed = "completed", True
        return True


@pytest.mark.parametrize(
    ("outcome", "is_waiting", "code"),
    [
        ("completed", True, None),
        ("failed", True, None),
        ("hangs", True, "wait_timeout"),
        ("hangs", False, "wrong_state"),
    ],
)
def test_another_task_is_waited_for(client, emulator, sleeps, outcome, is_waiting, code):
    environment = emulator.add_environment(emulator.add_project("Client ERP")["id"])
    other = emulator.start_task(environment["id"], "restart", outcome=outcome)
    found = Batch(client, Tasks(client, ENVIRONMENT, 60), is_waiting, Mode())
    item = Late(found, Subject("thing", "A"), {"name": "A"}, other=other)
    Poller(client, 5).run(item.steps())
    assert (item.failure and item.failure.code, item.changed, bool(sleeps)) == (code, code is None, is_waiting)
    # The one that it waits for is named only where it is in the way.
    assert (item.task and item.task["id"]) == (other["id"] if code else None)
    assert code is None or other["id"] in item.failure.sentences


def test_an_item_that_is_done_says_that_the_api_responds():
    lost, done = ("no_response", False, None), ("", True, None)
    outcomes = [item.outcome for item in things(batch(), lost, lost, done, lost, done)]
    assert outcomes == ["failed", "failed", "completed", "failed", "completed"]


SKIP, FAIL, OK = ("skipped", False, None), ("task_failed", True, OVER), ("", True, None)
HEADLINE = "of 2 things, would be: 1 failed, 1 skipped:"


def test_the_result_has_a_row_each_and_what_they_come_to():
    found = batch(mode=Mode(check=True, diff=True))
    items = things(found, SKIP, FAIL)
    items[0].warn("it is red")
    result = batch_result(found, items, "things")
    counts = {**dict.fromkeys(OUTCOMES, 0), "failed": 1, "skipped": 1}
    values = {"changed": True, "things": [each.row for each in items], "summary": counts, "diff": [items[1].diff]}
    assert (result.values, result.warnings) == (values, ["thing 'A': it is red."])
    # What was skipped is not the reason, but it is in its place among the details.
    assert (result.failure.code, str(result.failure).splitlines()[:2]) == (
        "task_failed",
        [HEADLINE, "- thing 'B': it went wrong."],
    )
    codes = [(detail["name"], detail["code"], detail["message"]) for detail in result.failure.details]
    assert codes == [(name, code, "it went wrong.") for name, code in (("A", "skipped"), ("B", "task_failed"))]


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ([], None),
        ([OK, OK], None),
        ([FAIL], "thing 'A': it went wrong."),
        ([OK, FAIL], "of 2 things, 1 completed, 1 failed:\n- thing 'B': it went wrong."),
    ],
)
def test_the_failure_of_one_item_is_its_own(ends, message):
    found = batch()
    result = batch_result(found, things(found, *ends), "things")
    assert (result.failure and str(result.failure), "diff" in result.values) == (message, False)
