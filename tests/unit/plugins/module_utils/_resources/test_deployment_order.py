# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.deployment_order import (
    ADOPT,
    NOTHING,
    START,
    WAIT,
    Order,
)
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID

COMMIT = "9be1d04c2f" + 30 * "0"
# In this order: a moment before `since`, that one, between both, and when this run was started.
EARLY, SINCE, LATE, STARTED = (f"2026-11-28T{hour}:00:00Z" for hour in (19, 20, 21, 22))
AFTER_START, SAVED = "2026-11-28T22:00:01.5Z", "2026-11-28T22:00:02Z"


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def order(**options):
    since = {"since": moment(options["since"])} if "since" in options else {}
    return Order({"id": UNKNOWN_ID, "name": "production"}, "Client ERP", **{**options, **since})


def deployment(status, started_at):
    return {"id": UNKNOWN_ID, "status": status, "started_at": started_at}


def decision(options, environment, newest, saved=None):
    """Return what is decided, or the code of the error. `saved`: when this run has saved the branch."""
    existing = {"status": "running", "branch": "main", "last_commit": COMMIT, **environment}
    try:
        return order(**options).decide(existing, newest, moment(STARTED), saved and moment(saved))
    except OecError as error:
        return error.failure.code


SETTLED = ("running", "stopped", "pending", "error", "failed")
BY_STATUS = {
    "deploy": {**dict.fromkeys(SETTLED, START), "RUNNING": START},
    "quick_update": {**dict.fromkeys(SETTLED, "wrong_state"), "running": START, "Running": START},
    "restart": {**dict.fromkeys(SETTLED, "wrong_state"), "running": START},
}
MOVING = {**dict.fromkeys(["paused", "destroying", "Paused"], "wrong_state")}
MOVING |= dict.fromkeys(["deploying", "cloning", "migrating", None], WAIT)


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [(method, status, each) for method, rows in BY_STATUS.items() for status, each in {**rows, **MOVING}.items()],
)
def test_what_each_status_leads_to(method, status, expected):
    assert decision({"method": method}, {"status": status}, None) == expected


SINCE_OPTION, DEV = {"since": SINCE}, {"branch": "dev"}
RUNNING = {
    "no since, and it started after this run": ({}, "running", AFTER_START, ADOPT),
    "no since, and it started with this run": ({}, "running", STARTED, ADOPT),
    "no since, and it started before this run": ({}, "running", LATE, WAIT),
    "no since, and it has yet to start": ({}, "queued", None, ADOPT),
    "since, and it started later": (SINCE_OPTION, "running", LATE, ADOPT),
    "since, and it started then": (SINCE_OPTION, "running", SINCE, ADOPT),
    "since, and it started before": (SINCE_OPTION, "running", EARLY, WAIT),
    "since, and it has yet to start": (SINCE_OPTION, "pending", None, ADOPT),
    "a word that nobody knows": (SINCE_OPTION, "building", LATE, ADOPT),
    "the branch is saved": ({**SINCE_OPTION, "branch": "main"}, "running", LATE, ADOPT),
    "another branch": ({**SINCE_OPTION, **DEV}, "running", LATE, WAIT),
    "the commit before": ({"commit": COMMIT}, "running", AFTER_START, ADOPT),
    "quick_update": ({"method": "quick_update"}, "running", AFTER_START, WAIT),
    "restart": ({"method": "restart"}, "running", AFTER_START, WAIT),
}


@pytest.mark.parametrize("status", ["deploying", "running", "stopped"])
@pytest.mark.parametrize(("options", "word", "started_at", "expected"), RUNNING.values(), ids=RUNNING)
def test_what_a_running_deployment_leads_to(options, word, started_at, expected, status):
    """Whatever the status says: it may come late."""
    assert decision(options, {"status": status}, deployment(word, started_at)) == expected


@pytest.mark.parametrize("status", ["paused", "destroying"])
def test_no_deployment_is_adopted_in_a_wrong_state(status):
    assert decision(SINCE_OPTION, {"status": status}, deployment("running", LATE)) == "wrong_state"


DONE, BOTH = ("completed", LATE), {"since": SINCE, "commit": COMMIT}
OTHER_COMMIT, STOPPED = {"last_commit": 40 * "a"}, {"status": "stopped"}
ENDED = {
    "neither since nor commit": ({}, {}, ("completed", AFTER_START), START),
    "since: no deployment yet": (SINCE_OPTION, {}, None, START),
    "since: completed later": (SINCE_OPTION, {}, DONE, NOTHING),
    "since: completed, and started then": (SINCE_OPTION, {}, ("completed", SINCE), NOTHING),
    "since: completed, and started before": (SINCE_OPTION, {}, ("completed", EARLY), START),
    "since: failed later": (SINCE_OPTION, {}, ("failed", LATE), START),
    "since: cancelled later": (SINCE_OPTION, {}, ("cancelled", LATE), START),
    "since: never started": (SINCE_OPTION, {}, ("failed", None), START),
    "since: completed, and stopped meanwhile": (SINCE_OPTION, STOPPED, DONE, NOTHING),
    "since: completed, but it moves": (SINCE_OPTION, {"status": "deploying"}, DONE, WAIT),
    "since: the branch is saved": ({**SINCE_OPTION, "branch": "main"}, {}, DONE, NOTHING),
    "since: another branch": ({**SINCE_OPTION, **DEV}, {}, DONE, START),
    "commit: it runs": ({"commit": COMMIT}, {}, None, NOTHING),
    "commit: it runs, after a failure": ({"commit": COMMIT}, {}, ("failed", LATE), NOTHING),
    "commit: it runs, of another branch": ({"commit": COMMIT, **DEV}, {}, None, START),
    "commit: it is deployed, but stopped": ({"commit": COMMIT}, STOPPED, None, START),
    "commit: another one runs": ({"commit": COMMIT}, OTHER_COMMIT, DONE, START),
    "commit: it runs, for quick_update": ({"commit": COMMIT, "method": "quick_update"}, {}, None, NOTHING),
    "both hold": (BOTH, {}, DONE, NOTHING),
    "both: deployed since, to another commit": (BOTH, OTHER_COMMIT, DONE, START),
    "both: the commit, deployed before": (BOTH, {}, ("completed", EARLY), START),
    "both: stopped meanwhile": (BOTH, STOPPED, DONE, START),
}


@pytest.mark.parametrize(("options", "environment", "newest", "expected"), ENDED.values(), ids=ENDED)
def test_what_was_deployed_is_done_or_not(options, environment, newest, expected):
    assert decision(options, environment, newest and deployment(*newest)) == expected


@pytest.mark.parametrize("options", [{}, SINCE_OPTION])
@pytest.mark.parametrize(
    ("word", "started_at", "expected"),
    [
        ("running", AFTER_START, WAIT),
        ("running", SAVED, ADOPT),
        ("queued", None, ADOPT),
        ("completed", AFTER_START, START),
    ],
)
def test_what_began_before_the_branch_was_saved_does_not_count(options, word, started_at, expected):
    environment = {"branch": "dev"}
    assert decision({**options, **DEV}, environment, deployment(word, started_at), SAVED) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (COMMIT, COMMIT, True),
        (COMMIT[:7], COMMIT, True),
        (COMMIT, COMMIT[:7], True),
        (COMMIT[:8], COMMIT[:7], True),
        (COMMIT.upper(), COMMIT, True),
        (COMMIT, COMMIT[:7].upper(), True),
        (COMMIT, COMMIT[:6], False),
        (COMMIT[:8], COMMIT[:7] + "0", False),
        (COMMIT[1:], COMMIT, False),
        (COMMIT, "", False),
        (COMMIT, None, False),
    ],
)
def test_a_commit_is_compared_as_far_as_both_go(ours, theirs, expected):
    assert order(commit=ours).is_at_commit({"last_commit": theirs}) is expected


@pytest.mark.parametrize(
    ("method", "modules", "action", "body"),
    [
        ("deploy", (), "deploy", None),
        ("deploy", ("sale", "stock"), "deploy", {"update_modules": ["sale", "stock"]}),
        ("deploy", ("all",), "deploy", {"update_modules": ["all"]}),
        ("quick_update", (), "quick-update", {"mode": "pull_restart"}),
        ("quick_update", ("all",), "quick-update", {"mode": "update_all"}),
        ("quick_update", ("sale",), "quick-update", {"mode": "update_specific", "modules": ["sale"]}),
        ("restart", (), "restart", None),
    ],
)
def test_the_request_of_each_method(method, modules, action, body):
    assert order(method=method, modules=modules).action == (action, body)
