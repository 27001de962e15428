# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError, RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import (
    Tasks,
    ending,
    is_busy,
    lines_of,
    task_failure,
    until_decided,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Poller
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID

# How a task ends.

STARTED, OVER = {"started_at": "2026-11-20T16:00:41Z"}, {"completed_at": "2026-11-20T16:03:52Z"}


@pytest.mark.parametrize(
    ("status", "times", "expected"),
    [
        ("pending", {}, None),
        ("queued", {}, None),
        ("running", STARTED, None),
        ("completed", STARTED | OVER, "completed"),
        ("COMPLETED", {}, "completed"),
        ("failed", STARTED | OVER, "failed"),
        ("failed", STARTED, "failed"),
        ("failed", OVER, "never_started"),
        ("failed", {"started_at": None}, "never_started"),
        ("cancelled", {}, "cancelled"),
        ("success", STARTED | OVER, "completed"),
        ("destroyed", STARTED | OVER, "completed"),
        ("success", STARTED, None),
        ("error", STARTED | OVER, "failed"),
        ("new to the API", STARTED, None),
        (None, {}, None),
    ],
)
def test_a_status_is_an_end_or_none(status, times, expected):
    assert ending({"status": status, **times}) == expected


TASK = {"id": UNKNOWN_ID, "type": "deploy"}
STEP, ERROR = {"current_step": "clone_repos", "progress_percent": 45}, {"error_message": "No such\x1b branch."}
AGAIN, GOES_ON = ["run this again"], [f"task_ids: [{UNKNOWN_ID}]", "wait_timeout"]


@pytest.mark.parametrize(
    ("fields", "code", "message", "hints"),
    [
        (
            {"status": "failed", **STARTED, **STEP, **ERROR},
            "task_failed",
            "deploy ID failed at clone_repos: No such  branch.",
            ["log", "oec_deployment"],
        ),
        ({"type": None, "status": "failed", **STARTED}, "task_failed", "task ID failed", AGAIN),
        ({"status": "failed", **ERROR}, "task_never_started", "deploy ID never started: No such  branch.", []),
        ({"type": "stop", "status": "cancelled", **STARTED}, "task_cancelled", "stop ID was cancelled", AGAIN),
        ({"status": "queued"}, "wait_timeout", "deploy ID has not started yet (it is queued) after 90 s", GOES_ON),
        ({"status": "running", **STEP}, "wait_timeout", "deploy ID still runs (clone_repos, 45 %) after 90 s", GOES_ON),
        (
            {"status": "running", "progress_percent": 0},
            "wait_timeout",
            "deploy ID still runs (0 %) after 90 s",
            GOES_ON,
        ),
        ({"status": None}, "wait_timeout", "deploy ID still runs after 90 s", GOES_ON),
    ],
)
def test_a_task_that_has_not_completed_is_a_failure(fields, code, message, hints):
    failure = task_failure({**TASK, **fields}, 90)
    assert (failure.code, failure.message.replace(UNKNOWN_ID, "ID")) == (code, f"the {message}")
    assert [hint for hint in hints if hint not in failure.hint] == []


def test_a_completed_task_is_none():
    assert task_failure({**TASK, "status": "completed"}, 90) is None


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "task_in_progress", True),
        (409, "concurrent_action", False),
        (409, "invalid_state", False),
        (422, "task_in_progress", False),
    ],
)
def test_an_object_is_busy_if_the_api_says_so(status, code, expected):
    assert is_busy(RejectedError(code, "m", status=status)) is expected


@pytest.mark.parametrize(
    ("founds", "attempts"),
    [(["a"], 1), ([None, None, False, "d"], 3), ([*[None] * 9, "a"], 10), ([*[None] * 10, "a"], None)],
)
def test_it_is_decided_anew_only_so_many_times(founds, attempts):
    left = list(founds)

    def attempt():
        yield from ()
        return left.pop(0)

    def drive():
        found.append((yield from until_decided(attempt)))

    found = []
    if attempts:
        assert list(drive()) == []
        assert (found, len(founds) - len(left)) == ([founds[attempts - 1]], attempts)
    else:
        with pytest.raises(OecError, match="other tasks got in between 10 times") as caught:
            list(drive())
        assert (caught.value.failure.code, left) == ("wrong_state", ["a"])


# Tasks of the API.


@pytest.fixture
def environment(emulator):
    return emulator.add_environment(emulator.add_project("Client ERP")["id"])["id"]


@pytest.fixture
def tasks(client):
    return Tasks(client, ENVIRONMENT, 1800, 3)


def run(tasks, steps):
    return Poller(tasks.client, 5).run(steps)


def finish(emulator, ident, kind, **plan):
    """Return a task that is over."""
    emulator.start_task(ident, kind, **plan)
    emulator.clock.advance(600)
    return emulator.tasks()[-1]


def paths(emulator, method="GET"):
    """Return the last parts of the paths, such as `logs`."""
    return [request.path.rpartition("/")[2] for request in emulator.log.requests(method)]


def test_the_latest_task_may_be_of_any_type(tasks, emulator, environment):
    assert (tasks.latest(environment), tasks.running(environment), tasks.newest_deployment(environment)) == (None,) * 3
    finish(emulator, environment, "deploy")
    deploy, restart = finish(emulator, environment, "deploy"), emulator.start_task(environment, "restart")
    assert tasks.latest(environment) == tasks.running(environment) == tasks.get(restart["id"]) == restart
    assert tasks.newest_deployment(environment) == deploy
    emulator.clock.advance(600)
    assert (tasks.latest(environment)["id"], tasks.running(environment)) == (restart["id"], None)
    assert (tasks.get(UNKNOWN_ID), tasks.latest(UNKNOWN_ID)) == (None, None)


@pytest.mark.parametrize(
    ("count", "lines"), [(1, ["ERROR: Broken."]), (3, ["two", "three", "ERROR: Broken."]), (0, [])]
)
def test_the_last_lines_of_a_log_are_returned(tasks, emulator, environment, count, lines):
    task = finish(emulator, environment, "deploy", outcome="failed", error="Broken.", log="one\ntwo\nthree")
    finish(emulator, environment, "restart")
    assert replace(tasks, log_lines=count).log(task) == lines
    assert emulator.log.count() == (count > 0)


def test_a_log_that_cannot_be_read_is_empty(tasks, emulator, environment):
    task = finish(emulator, environment, "deploy")
    emulator.faults.add("status", status=402)
    assert (tasks.log(task), emulator.log.count()) == ([], 1)
    assert (tasks.log({**task, "environment_id": None}), emulator.log.count()) == ([], 1)


@pytest.mark.parametrize(
    ("log", "lines"), [("a\n\nb\x1b[1m\n", ["a", "", "b [1m"]), ("", []), (None, []), ("\u202ea", [" a"])]
)
def test_lines_of_a_log_are_for_a_terminal(log, lines):
    assert lines_of({"log": log}) == lines


# Wait.


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled", "never_started"])
def test_a_task_is_waited_for_to_its_end(tasks, emulator, environment, sleeps, outcome):
    task = emulator.start_task(environment, "restart", outcome=outcome, seconds=11)
    ended = run(tasks, tasks.wait(task))
    assert [ended] == emulator.tasks()
    assert (ending(ended), sleeps) == (outcome, [5, 5, 5])


def test_a_task_that_goes_on_is_returned_as_last_seen(tasks, emulator, environment):
    task = emulator.start_task(environment, "deploy", outcome="hangs", step="clone_repos")
    last = run(tasks, replace(tasks, timeout=30).wait(task))
    assert (last["id"], last["status"], last["current_step"]) == (task["id"], "running", "clone_repos")
    emulator.faults.add("status", status=404, body={"error": "not_found"})
    assert run(tasks, replace(tasks, timeout=7).wait(task)) == task


GONE = {"status": 404, "body": {"error": "not_found"}}


def test_a_task_may_be_readable_late(tasks, emulator, environment):
    task = emulator.start_task(environment, "restart")
    emulator.faults.add("status", times=2, **GONE)
    assert run(tasks, tasks.wait(task))["status"] == "completed"
    assert emulator.log.count() == 3


@pytest.mark.parametrize(
    ("fault", "code", "reads"), [(GONE, "not_found", 3), ({"status": 402}, "subscription_blocked", 1)]
)
def test_a_task_that_cannot_be_watched_is_named(tasks, emulator, environment, fault, code, reads):
    task = emulator.start_task(environment, "restart")
    emulator.faults.add("status", times=None, **fault)
    with pytest.raises(OecError, match=task["id"]) as caught:
        run(tasks, tasks.wait(task))
    assert (caught.value.failure.code, emulator.log.count()) == (code, reads)


# Start.


def start(tasks, ident, known=None, action="restart", body=None):
    return run(tasks, tasks.start(ident, action, body, tasks.latest, known))


LOCKED, CUT_BEFORE, CUT_AFTER = {"kind": "concurrent_action"}, {"kind": "cut_before"}, {"kind": "cut_after"}
NO_LOG = {"kind": "status", "method": "GET", "status": 402, "times": None}
STARTS = {
    # What goes wrong; how many POSTs; the reads in between.
    "nothing": ([], 1, []),
    "another action": ([LOCKED | {"times": 6}], 7, []),
    "no response, nothing done": ([CUT_BEFORE], 2, ["logs"]),
    "no response, twice": ([CUT_BEFORE | {"times": 2}], 3, ["logs"] * 2),
    "no response, done": ([CUT_AFTER], 1, ["logs", "task"] * 2),
    "no response, and no log": ([CUT_BEFORE, NO_LOG], 2, ["logs"]),
    "not queued": ([{"kind": "enqueue_failed"}], 2, ["logs"]),
    "queued all the same": ([{"kind": "enqueue_failed", "after": True}], 1, ["logs", "task"] * 2),
    "no response, then another action": ([CUT_BEFORE, LOCKED], 3, ["logs"]),
}


@pytest.mark.parametrize(("faults", "posts", "reads"), STARTS.values(), ids=STARTS)
def test_an_action_is_started_once(tasks, emulator, environment, sleeps, faults, posts, reads):
    for fault in faults:
        emulator.faults.add(**{"method": "POST", **fault})
    started = start(tasks, environment)
    (task,) = emulator.tasks()
    assert (started["id"], started["status"]) == (task["id"], "queued")
    keys = [request.headers["idempotency-key"] for request in emulator.log.requests("POST")]
    assert (len(keys), len(set(keys))) == (posts, 1)
    assert [{task["id"]: "task"}.get(part, part) for part in paths(emulator)] == reads
    assert sleeps.count(5) == sum(fault.get("times", 1) for fault in faults if fault["kind"] == "concurrent_action")


@pytest.mark.parametrize(
    ("action", "body", "found", "is_ours"),
    [
        ("stop", None, "stop", True),
        ("quick-update", {"mode": "pull_restart"}, "quick_update", True),
        ("restart", None, "deploy", False),
        ("deploy", None, "deploy", True),
    ],
)
def test_a_newer_task_may_be_that_of_a_lost_response(tasks, emulator, environment, action, body, found, is_ours):
    """A type that is not known may be that of the action."""

    def newest(ident):
        return (emulator.tasks() or [emulator.start_task(ident, found)])[0]

    emulator.faults.add("cut_before", "POST")
    started = run(tasks, tasks.start(environment, action, body, newest, None))
    assert (started, emulator.log.count("POST")) == (emulator.tasks()[0] if is_ours else None, 1)


def test_each_action_has_a_key_of_its_own(tasks, emulator, environment):
    for _turn in range(2):
        assert start(tasks, environment)
        emulator.clock.advance(600)
    assert len({request.headers["idempotency-key"] for request in emulator.log.requests("POST")}) == 2


def test_a_known_task_is_not_the_new_one(tasks, emulator, environment):
    known = finish(emulator, environment, "deploy")
    emulator.faults.add("cut_before", "POST")
    assert start(tasks, environment, known)["id"] == emulator.tasks(type="restart")[0]["id"]


def test_what_somebody_else_starts_meanwhile_counts(make_http, clock, emulator, environment):
    """While a 429 is waited for."""

    def sleep(seconds):
        clock.sleep(seconds)
        emulator.start_task(environment, "deploy")

    http = make_http()
    http.clock = replace(clock, sleep=sleep)
    emulator.faults.add("rate_limit", "POST", retry_after=30)
    assert start(Tasks(Client(http), ENVIRONMENT, 1800), environment) is None
    assert (emulator.log.count("POST"), [task["type"] for task in emulator.tasks()]) == (1, ["deploy"])


@pytest.mark.parametrize(
    ("fault", "code", "posts", "seconds"),
    [
        (LOCKED, "concurrent_action", 7, 30),
        (CUT_BEFORE, "no_response", 6, None),
        ({"kind": "enqueue_failed"}, "enqueue_failed", 6, None),
        ({"kind": "task_in_progress"}, "task_in_progress", 1, 0),
        ({"kind": "status", "status": 422}, "validation_error", 1, 0),
    ],
)
def test_an_action_that_does_not_start_is_reported(tasks, emulator, environment, sleeps, fault, code, posts, seconds):
    emulator.faults.add(**fault, method="POST", times=None)
    with pytest.raises(OecError) as caught:
        start(tasks, environment)
    assert (caught.value.failure.code, emulator.log.count("POST"), emulator.tasks()) == (code, posts, [])
    assert seconds in (None, sum(sleeps))


@pytest.mark.parametrize(("seconds", "is_found", "reads"), [(0, True, 1), (5, True, 3), (60, False, 4)])
def test_the_first_deployment_may_be_readable_late(tasks, emulator, environment, sleeps, seconds, is_found, reads):
    emulator.settings.late_last_deploy = seconds
    task = emulator.start_task(environment, "deploy")
    first = run(tasks, tasks.first(environment))
    assert (first and first["id"], emulator.log.count()) == (task["id"] if is_found else None, reads)
    assert sleeps == [3] * (reads - 1)


# Until another task is over.


def busy(task_id):
    details = {"task_id": task_id} if task_id else None
    return RejectedError("task_in_progress", "m", status=409, details=details)


@pytest.mark.parametrize(("is_named", "outcome"), [(True, "completed"), (False, "failed")])
def test_the_task_that_is_in_the_way_is_waited_for(tasks, emulator, environment, is_named, outcome):
    emulator.settings.conflict_has_task_id = is_named
    running = emulator.start_task(environment, "deploy", outcome=outcome)
    with pytest.raises(RejectedError) as caught:
        start(tasks, environment)
    assert run(tasks, tasks.wait_until_free(environment, caught.value)) == emulator.tasks()[0]
    assert emulator.tasks()[0]["status"] == outcome
    assert paths(emulator)[:2] == ([running["id"]] * 2 if is_named else ["logs", running["id"]])


@pytest.mark.parametrize("task_id", [None, UNKNOWN_ID])
def test_a_task_that_is_not_found_is_paused_for(tasks, emulator, environment, sleeps, task_id):
    finish(emulator, environment, "deploy")
    assert run(tasks, tasks.wait_until_free(environment, busy(task_id))) is None
    assert sleeps == [5]


def test_a_task_that_stays_in_the_way_is_a_timeout(tasks, emulator, environment):
    running = emulator.start_task(environment, "deploy", outcome="hangs")
    with pytest.raises(OecError, match=running["id"]) as caught:
        run(tasks, tasks.wait_until_free(environment, busy(running["id"])))
    assert caught.value.failure.code == "wait_timeout"
