# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID

ONE = {"project": "Client ERP", "environment": "production"}


@pytest.fixture
def erp(emulator) -> dict[str, Any]:
    """The production of Client ERP, which runs."""
    return emulator.add_environment(emulator.add_project("Client ERP")["id"])


@pytest.fixture
def oec_task_info(run_module, emulator) -> Callable[..., dict[str, Any]]:
    """oec_task_info(**options): the result, which is never changed."""

    def run(**options: Any) -> dict[str, Any]:
        result: dict[str, Any] = run_module("oec_task_info", **options)
        assert "diff" not in result
        assert (result.get("changed", False), emulator.log.writes) == (False, [])
        return result

    return run


@pytest.fixture
def history(emulator, erp) -> list[dict[str, Any]]:
    """25 deployments, the newest first. A restart is none of them."""
    for _number in range(25):
        emulator.start_task(erp["id"], "deploy", seconds=10)
        emulator.clock.advance(20)
    emulator.start_task(erp["id"], "restart")
    return emulator.tasks(type="deploy")[::-1]


@pytest.mark.parametrize(("limit", "count"), [({}, 20), ({"limit": 1}, 1), ({"limit": 25}, 25), ({"limit": 1000}, 25)])
def test_the_newest_deployments_of_an_environment(oec_task_info, emulator, history, limit, count):
    assert oec_task_info(**ONE, **limit)["tasks"] == history[:count]
    assert emulator.log.count() == 3


def test_an_environment_is_found_by_its_id(oec_task_info, emulator, history, erp):
    assert oec_task_info(environment_id=erp["id"].upper(), limit=2)["tasks"] == history[:2]


def test_tasks_of_any_type_are_read_by_their_ids(oec_task_info, emulator, history, erp):
    """Also after their environment is gone, and in the order of the ids."""
    restart, deployment = emulator.tasks(type="restart")[0], history[3]
    emulator.remove_environment(erp["id"])
    ids = [restart["id"].upper(), deployment["id"], restart["id"]]
    assert oec_task_info(task_ids=ids)["tasks"] == [restart, deployment, restart]
    paths = [f"/deployments/{ident}" for ident in (restart["id"], deployment["id"], restart["id"])]
    assert [entry.path for entry in emulator.log.requests()] == paths


def test_the_way_on_after_a_deployment_that_was_not_waited_for(run_module, oec_task_info, emulator, erp):
    """Of three tasks, each is waited for within the timeout; those that have not completed are joined."""
    emulator.add_environment(erp["project_id"], "staging")
    emulator.add_environment(erp["project_id"], "test")
    emulator.plan_task(outcome="failed", step="build_image", error="No space.")
    emulator.plan_task(outcome="hangs")
    items = [{"project": "Client ERP", "name": name} for name in ("production", "staging", "test")]
    started = run_module("oec_deployment", environments=items, wait=False)
    assert started["summary"]["started"] == 3
    ids = [row["task"]["id"] for row in started["deployments"]]
    emulator.log.clear()
    for check in (False, True):
        result = oec_task_info(task_ids=ids, wait=True, wait_timeout=600, log_lines=2, check=check)
        logs = [task.pop("log") for task in result["tasks"]]
        assert (result["tasks"], [len(log) for log in logs]) == (emulator.tasks(), [2, 2, 2])
        assert [task["status"] for task in result["tasks"]] == ["failed", "running", "completed"]
        assert logs[0][1] == "ERROR: No space."
        assert (result["error"]["code"], "of 3 tasks, 2 have not completed" in result["msg"]) == ("task_failed", True)
        assert [detail["code"] for detail in result["error"]["details"]] == ["task_failed", "wait_timeout"]
        assert [ident for ident in ids[:2] if ident not in result["msg"]] == []


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ({}, None),
        ({"outcome": "failed"}, "task_failed"),
        ({"outcome": "cancelled"}, "task_cancelled"),
        ({"outcome": "never_started"}, "task_never_started"),
        ({"outcome": "hangs"}, "wait_timeout"),
    ],
)
def test_a_task_that_has_not_completed_fails_only_a_wait(oec_task_info, emulator, erp, plan, code):
    task = emulator.start_task(erp["id"], "quick_update", **plan)
    assert oec_task_info(task_ids=[task["id"]])["tasks"] == [task]
    result = oec_task_info(task_ids=[task["id"]], wait=True, wait_timeout=60)
    assert (result.get("error") or {"code": None})["code"] == code
    assert result["tasks"] == emulator.tasks()
    assert oec_task_info(task_ids=[task["id"]])["tasks"] == emulator.tasks()


def test_what_has_ended_is_neither_polled_nor_judged(oec_task_info, emulator, history, erp, sleeps):
    """A list has tasks that ended long ago. The newest is judged, and those that are named."""
    emulator.clock.advance(60)
    task = emulator.start_task(erp["id"], "deploy", outcome="failed")
    emulator.clock.advance(600)
    assert oec_task_info(**ONE, wait=True)["error"]["code"] == "task_failed"
    emulator.start_task(erp["id"], "deploy")
    emulator.clock.advance(600)
    emulator.log.clear()
    result = oec_task_info(**ONE, wait=True)
    assert [each["status"] for each in result["tasks"]] == ["completed", "failed", *["completed"] * 18]
    assert (result.get("failed"), emulator.log.count(), sleeps) == (None, 3, [])
    assert oec_task_info(task_ids=[task["id"]], wait=True)["error"]["code"] == "task_failed"


def test_an_empty_list_of_ids_has_no_tasks(oec_task_info, emulator):
    assert oec_task_info(task_ids=[], wait=True)["tasks"] == []
    assert emulator.log.count() == 0


@pytest.mark.parametrize(
    ("options", "code", "words", "requests"),
    [
        ({"task_ids": [UNKNOWN_ID]}, "not_found", UNKNOWN_ID, 2),
        ({"task_ids": ["4711"]}, "invalid_input", "'4711' is not a UUID", 0),
        ({"project": "Client ERP"}, "invalid_input", "task_ids", 0),
        ({}, "invalid_input", "task_ids", 0),
        ({"environment_id": "production"}, "invalid_input", "'production' is not a UUID", 0),
        ({**ONE, "limit": 0}, "invalid_input", "limit is 0", 0),
        ({**ONE, "log_lines": -1}, "invalid_input", "log_lines is -1", 0),
        ({**ONE, "log_lines": 1001}, "invalid_input", "log_lines is 1001", 0),
        ({**ONE, "wait_timeout": 0}, "invalid_input", "wait_timeout is 0", 0),
        ({**ONE, "environment": "staging"}, "not_found", "it has: 'production'", 2),
    ],
)
def test_what_cannot_be_read_is_rejected(oec_task_info, emulator, erp, options, code, words, requests):
    result = oec_task_info(**options)
    assert (result["error"]["code"], words in result["msg"]) == (code, True)
    assert emulator.log.count() <= requests


def test_a_read_only_key_may_wait(oec_task_info, emulator, erp):
    emulator.start_task(erp["id"], "deploy")
    result = oec_task_info(**ONE, wait=True, api_key=emulator.keys.read_only)
    assert [task["status"] for task in result["tasks"]] == ["completed"]
