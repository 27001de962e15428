# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from itertools import groupby
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import OTHER_SERVER_ID, SERVER_ID, UNKNOWN_ID, writes

COMMIT, OTHER_COMMIT = "9be1d04c2f" + 30 * "0", "4af20c7" + 33 * "0"
NOW = datetime(2026, 11, 28, 21, tzinfo=timezone.utc)
SINCE, FUTURE = "2026-11-28T20:00:00Z", "2026-11-28T21:00:02Z"
ENDS = ["completed", "adopted", "started", "not_needed", "failed", "cancelled", "never_started"]
OUTCOMES = [*ENDS, "still_running", "skipped"]
ACTIONS = {"deploy": "deploy", "quick_update": "quick-update", "restart": "restart"}
ONE = {"project": "Client ERP", "name": "production"}
DEPLOYMENT, DEPLOYMENTS = "/deployments/[^/]+", "/environments/[^/]+/deployments"


@pytest.fixture(autouse=True)
def at_nine(emulator):
    """It is an hour after SINCE."""
    emulator.clock.freeze(NOW)


@pytest.fixture
def oec_deployment(run_module, emulator) -> Callable[..., dict[str, Any]]:
    """oec_deployment(check=False, diff=True, **options): the result, whose rows and summary are consistent."""

    def run(**options: Any) -> dict[str, Any]:
        result: dict[str, Any] = run_module(
            "oec_deployment", **(options if "environments" in options else ONE | options)
        )
        if rows := result.get("deployments"):
            counts = Counter(row["outcome"] for row in rows)
            assert result["summary"] == {outcome: counts[outcome] for outcome in OUTCOMES}
            assert result["changed"] == any(row["changed"] for row in rows)
            assert bool(result.get("failed")) == any(row["error"] for row in rows)
            assert all(row["error"]["code"] for row in rows if row["error"])
        return result

    return run


@pytest.fixture
def erp(emulator) -> dict[str, Any]:
    """The production of Client ERP, which runs."""
    return emulator.add_environment(emulator.add_project("Client ERP")["id"], last_commit=OTHER_COMMIT)


@pytest.fixture
def clients(emulator) -> list[dict[str, Any]]:
    """The productions of four clients, three of them on one server."""
    servers = {"Bakery": SERVER_ID, "Brewery": SERVER_ID, "Dairy": SERVER_ID, "Mill": OTHER_SERVER_ID}
    return [
        emulator.add_environment(emulator.add_project(name, server)["id"], status="running")
        for name, server in servers.items()
    ]


def items(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"project": name, "name": "production", **more} for name in names]


def only(result: dict[str, Any]) -> dict[str, Any]:
    (row,) = result["deployments"]
    return row


def outcomes(result: dict[str, Any]) -> list[str]:
    return [row["outcome"] for row in result["deployments"]]


def deploy_earlier(emulator, environment, age: float, **plan: Any) -> None:
    """Start a deployment in the dashboard so many seconds ago."""
    emulator.clock.advance(-age)
    emulator.start_task(environment["id"], "deploy", **plan)
    emulator.clock.advance(age)


# One environment.


def test_one_deployment_from_request_to_result(oec_deployment, emulator, erp):
    emulator.push("main", COMMIT)
    result = oec_deployment()
    (task,) = emulator.tasks()
    about = {"project": "Client ERP", "environment": "production", "environment_id": erp["id"]}
    rest = {"task": task, "error": None, "log": [], "commit_before": erp["last_commit"], "commit": COMMIT}
    assert result["deployments"] == [{**about, "outcome": "completed", "changed": True, **rest}]
    path = f"/environments/{erp['id']}"
    steps = [step for step, _same in groupby((entry.method, entry.path) for entry in emulator.log.requests())]
    assert steps == [
        ("GET", "/projects"),
        ("GET", f"/projects/{erp['project_id']}/environments"),
        ("GET", path),
        ("GET", f"{path}/deployments"),
        ("POST", f"{path}/deploy"),
        ("GET", f"/deployments/{task['id']}"),
        ("GET", path),
    ]
    # Every 5 s in the first half minute, then every 10 s.
    assert emulator.log.count(f"GET {DEPLOYMENT}") <= 6 + (task["duration_seconds"] + 2 - 30) / 10 + 1
    assert emulator.log.count() == emulator.log.count(f"GET {DEPLOYMENT}") + 6
    (post,) = emulator.log.writes
    assert (post.json, "x-idempotency-key" in post.headers) == (None, False)


@pytest.mark.parametrize("option", ["environment_id", "id"])
def test_an_environment_is_found_by_its_id(run_module, emulator, erp, option):
    emulator.add_environment(erp["project_id"])
    result = run_module("oec_deployment", **{option: erp["id"].upper()})
    assert (only(result)["project"], only(result)["environment_id"]) == ("Client ERP", erp["id"])
    assert [task["environment_id"] for task in emulator.tasks()] == [erp["id"]]


def test_each_run_without_since_deploys_with_a_key_of_its_own(oec_deployment, emulator, erp):
    results = [oec_deployment(diff=False) for _run in range(2)]
    assert [(only(result)["outcome"], "diff" in result) for result in results] == [("completed", False)] * 2
    assert len({post.headers["idempotency-key"] for post in emulator.log.writes}) == 2 == len(emulator.tasks())


def test_a_branch_is_saved_before_it_is_deployed(oec_deployment, emulator, erp):
    emulator.push("dev", COMMIT)
    result = oec_deployment(branch="dev", update_modules=["all"])
    path = f"/environments/{erp['id']}"
    body = {"update_modules": ["all"]}
    assert writes(emulator) == [("PATCH", path, {"branch": "dev"}), ("POST", f"{path}/deploy", body)]
    assert only(result)["commit"] == COMMIT
    assert result["diff"] == [
        {
            "before": f'branch: main\ncommit: "{OTHER_COMMIT}"\n',
            "after": 'branch: dev\ncommit: "(newest of dev)"\nmethod: deploy\nupdate_modules: ["all"]\n',
            "before_header": "environment 'production' of project 'Client ERP'",
            "after_header": "environment 'production' of project 'Client ERP'",
        }
    ]


@pytest.mark.parametrize("method", ["quick_update", "restart"])
def test_other_methods_start_tasks_of_their_own(oec_deployment, emulator, erp, method):
    emulator.push("main", COMMIT)
    predicted = only(oec_deployment(method=method, check=True))
    assert predicted["commit"] == (erp["last_commit"] if method == "restart" else None)
    result = oec_deployment(method=method)
    row = only(result)
    assert (row["outcome"], row["task"]["type"]) == ("completed", method)
    assert ("newest of main" in result["diff"][0]["after"]) == (method == "quick_update")
    assert row["commit"] == (erp["last_commit"] if method == "restart" else COMMIT)
    assert [path for _method, path, _body in writes(emulator)] == [f"/environments/{erp['id']}/{ACTIONS[method]}"]


@pytest.mark.parametrize(
    ("plan", "outcome", "code", "words"),
    [
        ({"outcome": "failed", "step": "build_image", "error": "No space."}, "failed", "task_failed", "build_image"),
        (
            {"outcome": "failed", "error": "No\x1b[31m space."},
            "failed",
            "task_failed",
            "No [31m space. Look at its log",
        ),
        ({"outcome": "cancelled"}, "cancelled", "task_cancelled", "was cancelled. Somebody cancelled it"),
        ({"outcome": "never_started"}, "never_started", "task_never_started", "Nothing was done"),
        ({"outcome": "hangs", "step": "health_check"}, "still_running", "wait_timeout", "still runs (health_check, 90"),
        ({"seconds": 9999}, "still_running", "wait_timeout", "(validate, 0 %) after 600 s. It goes on."),
    ],
)
@pytest.mark.parametrize(("failure_word", "is_hidden"), [("error", False), ("failed", True)])
def test_a_task_that_does_not_complete(
    oec_deployment, emulator, erp, plan, outcome, code, words, failure_word, is_hidden
):
    emulator.settings.failure_word, emulator.settings.hides_stopped = failure_word, is_hidden
    emulator.plan_task("deploy", **plan)
    result = oec_deployment(wait_timeout=600, log_lines=2)
    row, (task,) = only(result), emulator.tasks()
    assert (row["outcome"], row["error"]["code"], result["error"]) == (outcome, code, row["error"])
    assert (row["changed"], row["task"]["id"]) == (True, task["id"])
    assert [part for part in (words, task["id"], "Client ERP/production") if part not in result["msg"]] == []
    assert len(row["log"]) == (0 if outcome == "still_running" else 2)
    if outcome == "still_running":
        assert f"oec_task_info (task_ids: [{task['id']}], wait: true)" in result["msg"]
        assert (emulator.clock.now() - NOW).total_seconds() == pytest.approx(600)
    elif outcome == "failed":
        assert row["log"][-1].startswith("ERROR: No")


def test_a_branch_that_is_missing_fails_its_deployment(oec_deployment, emulator, erp):
    emulator.missing_branches.add("dev")
    result = oec_deployment(branch="dev", log_lines=0)
    assert (only(result)["outcome"], only(result)["log"]) == ("failed", [])
    assert "failed at clone_repos: Remote branch dev not found" in result["msg"]
    assert emulator.log.count("GET /environments/[^/]+/logs") == 0


def test_a_commit_that_runs_is_left_alone(oec_deployment, emulator, erp):
    emulator.push("main", COMMIT)
    assert only(oec_deployment(commit=COMMIT[:9].upper()))["outcome"] == "completed"
    emulator.log.clear()
    result = oec_deployment(commit=COMMIT[:7])
    row, (task,) = only(result), emulator.tasks()
    assert (row["outcome"], row["commit"], row["task"]) == ("not_needed", COMMIT, task)
    assert (result["changed"], result["diff"], emulator.log.count()) == (False, [], 4)


@pytest.mark.parametrize("method", ["deploy", "quick_update"])
def test_another_commit_than_declared_fails(oec_deployment, emulator, erp, method):
    emulator.push("main", OTHER_COMMIT)
    result = oec_deployment(commit=COMMIT, method=method)
    row = only(result)
    assert (row["outcome"], row["error"]["code"], row["changed"]) == ("failed", "commit_mismatch", True)
    assert (row["commit"], row["task"]) == (OTHER_COMMIT, *emulator.tasks())
    assert [commit for commit in (COMMIT, OTHER_COMMIT) if commit not in result["msg"]] == []


def test_a_branch_that_is_not_saved_is_not_deployed(oec_deployment, emulator, erp):
    emulator.settings.ignored_fields = ["branch"]
    result = oec_deployment(branch="dev")
    assert result["error"]["code"] == "wrong_state"
    assert [part for part in ("'main'", "'dev'", "Nothing was deployed") if part not in result["msg"]] == []
    assert [method for method, _path, _body in writes(emulator)] == ["PATCH"]


def test_a_rejected_write_has_changed_nothing(oec_deployment, emulator, erp):
    emulator.faults.add("status", "PATCH", status=422)
    result = oec_deployment(branch="dev")
    assert (only(result)["outcome"], result["error"]["status"], result["changed"]) == ("failed", 422, False)
    assert emulator.tasks() == []


def test_the_status_may_come_late(oec_deployment, emulator, erp):
    emulator.settings.status_moves_late = 200
    emulator.push("main", COMMIT)
    assert only(oec_deployment())["outcome"] == "completed"


def test_a_task_that_completes_and_leads_to_an_error_fails(oec_deployment, emulator, erp):
    path = f"/environments/{erp['id']}"
    emulator.faults.add("replace", "GET", path, times=None, skip=1, body={**erp, "status": "error"})
    result = oec_deployment()
    assert (only(result)["outcome"], result["error"]["code"]) == ("failed", "wrong_state")
    assert "oec_log_info" in result["msg"]


def test_an_environment_in_error_is_deployed(oec_deployment, emulator, erp):
    emulator.edit_environment(erp["id"], status="error")
    assert only(oec_deployment())["outcome"] == "completed"
    assert emulator.environments()[0]["status"] == "running"


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("status", "method"),
    [("paused", "deploy"), ("destroying", "deploy"), ("stopped", "restart"), ("error", "quick_update")],
)
def test_a_wrong_state_is_rejected_before_a_write(oec_deployment, emulator, erp, status, method, check):
    emulator.edit_environment(erp["id"], status=status)
    result = oec_deployment(method=method, check=check)
    assert (result["error"]["code"], only(result)["outcome"], result["changed"]) == ("wrong_state", "failed", False)
    assert f"{status!r}" in result["msg"]
    assert emulator.log.writes == []


def test_a_read_only_key_only_looks(oec_deployment, emulator, erp):
    emulator.push("main", COMMIT)
    key = {"api_key": emulator.keys.read_only}
    assert only(oec_deployment(**key, check=True))["outcome"] == "completed"
    assert only(oec_deployment(**key, commit=erp["last_commit"]))["outcome"] == "not_needed"
    assert oec_deployment(**key, branch="dev")["error"]["code"] == "read_only_key"
    assert emulator.log.writes == []


# What was done since, and what runs.


@pytest.mark.parametrize(
    ("age", "plan", "expected"),
    [
        pytest.param(600, {}, "not_needed", id="completed"),
        pytest.param(4200, {}, "completed", id="completed before"),
        pytest.param(600, {"outcome": "failed"}, "completed", id="failed"),
        pytest.param(600, {"outcome": "cancelled"}, "completed", id="cancelled"),
        pytest.param(600, {"outcome": "never_started"}, "completed", id="never started"),
        pytest.param(60, {}, "adopted", id="running"),
        pytest.param(1, {}, "adopted", id="queued"),
        pytest.param(4200, {"seconds": 4500}, "completed", id="running since before"),
    ],
)
def test_what_was_done_since_is_not_done_again(oec_deployment, emulator, erp, age, plan, expected):
    deploy_earlier(emulator, erp, age, **plan)
    result = oec_deployment(since=SINCE)
    tasks = emulator.tasks()
    assert only(result)["outcome"] == expected
    assert len(tasks) == (2 if expected == "completed" else 1) == 1 + len(emulator.log.writes)
    assert (only(result)["task"], result["changed"]) == (tasks[-1], expected != "not_needed")
    emulator.log.clear()
    assert only(oec_deployment(since=SINCE))["outcome"] == "not_needed"
    assert emulator.log.writes == []


@pytest.mark.parametrize(
    ("since", "is_future"), [(FUTURE, True), ("2026-11-28T23:00:00+02:00", False), ("2026-11-28T20:00", False)]
)
def test_since_is_a_moment_that_has_been(oec_deployment, emulator, erp, since, is_future):
    result = oec_deployment(since=since)
    assert bool(result.get("failed")) is is_future
    if is_future:
        assert result["error"]["code"] == "invalid_input"
        assert "it is 2026-11-28T21:00:00Z" in result["msg"]
        assert emulator.log.writes == []


def test_a_running_deployment_is_waited_for_without_since(oec_deployment, emulator, erp):
    """It began before this run, so it is not what was asked for."""
    deploy_earlier(emulator, erp, 60)
    assert only(oec_deployment())["outcome"] == "completed"
    first, second = emulator.tasks()
    assert second["started_at"] >= first["completed_at"]
    assert len(emulator.log.writes) == 1


def test_a_running_deployment_of_another_branch_is_waited_for(oec_deployment, emulator, erp):
    deploy_earlier(emulator, erp, 60)
    emulator.push("dev", COMMIT)
    result = oec_deployment(branch="dev", since=SINCE)
    assert (only(result)["outcome"], only(result)["commit"], len(emulator.tasks())) == ("completed", COMMIT, 2)
    assert [method for method, _path, _body in writes(emulator)] == ["PATCH", "POST"]


def test_an_adopted_deployment_may_fail(oec_deployment, emulator, erp):
    deploy_earlier(emulator, erp, 60, outcome="failed", error="No space.")
    result = oec_deployment(since=SINCE)
    assert (only(result)["outcome"], result["error"]["code"], only(result)["log"][-1]) == (
        "failed",
        "task_failed",
        "ERROR: No space.",
    )
    assert emulator.log.writes == []


@pytest.mark.parametrize("has_task_id", [True, False])
def test_a_deployment_seen_only_by_the_409_is_adopted(oec_deployment, emulator, erp, has_task_id):
    emulator.settings.conflict_has_task_id, emulator.settings.status_moves_late = has_task_id, 30
    nothing = {"data": [], "pagination": {"has_more": False, "next_cursor": None, "total": 0}}
    emulator.faults.add("replace", "GET", DEPLOYMENTS, body=nothing)
    deploy_earlier(emulator, erp, 10)
    assert only(oec_deployment(since=SINCE))["outcome"] == "adopted"
    assert (len(emulator.tasks()), [entry.status for entry in emulator.log.writes]) == (1, [409])


@pytest.mark.parametrize("has_task_id", [True, False])
@pytest.mark.parametrize("patch_conflicts", [True, False])
@pytest.mark.parametrize("type_", ["restart", "quick_update", "backup"])
def test_a_task_of_another_type_is_waited_for(oec_deployment, emulator, erp, type_, patch_conflicts, has_task_id):
    """Only the 409 tells of it: the list has deployments only, and the status is still `running`."""
    emulator.settings.conflict_has_task_id, emulator.settings.patch_conflicts = has_task_id, patch_conflicts
    emulator.start_task(erp["id"], type_, seconds=100)
    emulator.push("dev", COMMIT)
    result = oec_deployment(branch="dev", since=SINCE)
    other, own = emulator.tasks()
    assert (only(result)["outcome"], only(result)["task"], only(result)["commit"]) == ("completed", own, COMMIT)
    assert own["started_at"] > other["completed_at"]
    assert [entry.status for entry in emulator.log.writes] == ([409, 200, 202] if patch_conflicts else [200, 409, 202])
    # Of the state before the run, also where its steps were decided twice.
    assert result["diff"][0]["before"].startswith("branch: main\n")


def test_waiting_for_another_task_ends_with_the_timeout(oec_deployment, emulator, erp):
    deploy_earlier(emulator, erp, 60, outcome="hangs")
    result = oec_deployment(wait_timeout=60)
    row, (task,) = only(result), emulator.tasks()
    assert (row["outcome"], row["error"]["code"], row["task"], row["changed"]) == (
        "still_running",
        "wait_timeout",
        task,
        False,
    )


def test_another_deployment_during_a_rate_limit_is_adopted(oec_deployment, emulator, erp, sleeps):
    emulator.faults.add("rate_limit", "POST", retry_after=30)
    sleeps.meanwhile = lambda: emulator.start_task(erp["id"], "deploy")
    assert only(oec_deployment(since=SINCE))["outcome"] == "adopted"
    assert len(emulator.tasks()) == 1


def test_a_deployment_begun_before_the_branch_is_no_substitute(oec_deployment, emulator, erp, sleeps):
    """Somebody deploys the old branch while this waits to save the new one."""
    emulator.push("dev", COMMIT)
    emulator.faults.add("rate_limit", "PATCH", retry_after=30)
    sleeps.meanwhile = lambda: emulator.start_task(erp["id"], "deploy")
    row = only(oec_deployment(branch="dev", since=SINCE))
    assert (row["outcome"], row["commit"], len(emulator.tasks())) == ("completed", COMMIT, 2)


FAULTS = {
    "cut before": ("cut_before", {}),
    "cut after": ("cut_after", {}),
    "cut midway": ("cut_midway", {}),
    "truncated": ("truncate", {}),
    "a proxy's page before": ("html", {}),
    "a proxy's page after": ("html", {"after": True}),
    "503": ("status", {}),
    "not queued": ("enqueue_failed", {}),
    "queued all the same": ("enqueue_failed", {"after": True}),
    "another action just now": ("concurrent_action", {"times": 2}),
    "in flight": ("in_flight", {}),
    "429": ("rate_limit", {"retry_after": 30}),
}


@pytest.mark.parametrize("method", ACTIONS)
@pytest.mark.parametrize(("kind", "parameters"), FAULTS.values(), ids=FAULTS)
def test_a_lost_response_to_an_action_starts_it_once(oec_deployment, emulator, erp, kind, parameters, method):
    emulator.faults.add(kind, "POST", **parameters)
    row = only(oec_deployment(method=method))
    (task,) = emulator.tasks()
    assert (row["task"], row["changed"]) == (task, True)
    assert row["outcome"] in ("completed", "adopted")
    assert len({post.headers["idempotency-key"] for post in emulator.log.writes}) == 1


@pytest.mark.parametrize("fault", ["cut before", "cut after", "truncated", "a proxy's page after", "503", "429"])
@pytest.mark.parametrize("request_", ["PATCH", "POST"])
def test_a_branch_is_deployed_once_whatever_gets_lost(oec_deployment, emulator, erp, request_, fault):
    kind, parameters = FAULTS[fault]
    emulator.push("dev", COMMIT)
    emulator.faults.add(kind, request_, **parameters)
    result = oec_deployment(branch="dev", since=SINCE)
    assert (only(result)["commit"], len(emulator.tasks())) == (COMMIT, 1)
    assert result["diff"][0]["before"].startswith("branch: main\n")


def test_an_action_that_stays_locked_is_given_up(oec_deployment, emulator, erp, sleeps):
    """The lock takes 30 s at most."""
    emulator.faults.add("concurrent_action", "POST", times=None)
    result = oec_deployment()
    assert (only(result)["outcome"], result["error"]["code"]) == ("failed", "concurrent_action")
    assert sum(sleeps) < 60


def test_tasks_that_never_end_to_get_in_between_are_given_up(oec_deployment, emulator, erp):
    emulator.faults.add("task_in_progress", "POST", times=None)
    result = oec_deployment()
    assert (only(result)["outcome"], result["error"]["code"], result["changed"]) == ("failed", "wrong_state", False)
    assert len(emulator.log.writes) == 10


def test_no_response_to_an_action_fails_it(oec_deployment, emulator, erp):
    emulator.faults.add("status", "POST", times=None)
    result = oec_deployment()
    assert (only(result)["outcome"], result["error"]["status"], only(result)["task"]) == ("failed", 503, None)
    assert len(emulator.log.writes) == 6


# Many environments.


def test_items_override_the_options_of_the_task(oec_deployment, emulator, clients):
    bakery, brewery, dairy, _mill = clients
    commits = {"main": OTHER_COMMIT, "dev": COMMIT}
    for branch, commit in commits.items():
        emulator.push(branch, commit)
    environments = [
        *items("Bakery", branch="main", commit=OTHER_COMMIT, update_modules=["sale"]),
        *items("Brewery"),
        {"environment_id": dairy["id"], "branch": "", "commit": COMMIT[:7]},
    ]
    result = oec_deployment(environments=environments, branch="dev", commit=COMMIT, update_modules=["all"])
    assert not result.get("failed")
    assert [row["environment_id"] for row in result["deployments"]] == [each["id"] for each in (bakery, brewery, dairy)]
    assert [row["commit"] for row in result["deployments"]] == [OTHER_COMMIT, COMMIT, COMMIT]
    bodies = {path: body for method, path, body in writes(emulator) if method == "POST"}
    assert [bodies[f"/environments/{each['id']}/deploy"] for each in (bakery, brewery, dairy)] == [
        {"update_modules": modules} for modules in (["sale"], ["all"], ["all"])
    ]


def test_an_empty_list_deploys_nothing(oec_deployment, emulator):
    result = oec_deployment(environments=[])
    assert (result["changed"], result["deployments"]) == (False, [])
    assert result["summary"] == dict.fromkeys(OUTCOMES, 0)
    assert emulator.log.count() == 0


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        ([{"project": "Dairy", "name": "staging"}], "not_found", "item 2: environment 'staging'"),
        ([{"project": "Dairy", "name": "staging"}], "not_found", "it has: 'production'"),
        ([{"project": "Nobody", "name": "production"}], "not_found", "'Nobody'"),
        ([{"environment_id": UNKNOWN_ID}], "not_found", f"item 2: environment '{UNKNOWN_ID}'"),
        ([{"project": "Mill", "name": "production"}], "ambiguous_name", "Set environment_id"),
        ([{"project": "Twin", "name": "production"}], "ambiguous_name", "'Twin'"),
        ([{"name": "production"}], "invalid_input", "item 2: environment 'production'"),
        ([{"project": "Dairy"}], "invalid_input", "item 2: an environment needs"),
        ([{"project": "Dairy", "name": "production", "branch": "refs/pull/7"}], "invalid_input", "item 2"),
        ([{"project": "Bakery", "name": "production"}], "duplicate_declaration", "environment 'Bakery/production'"),
        ([{"project": "Dairy", "nome": "production"}], "unknown_option", "Did you mean 'name'"),
        ([{"project": "Dairy", "name": "staging"}] * 2, "not_found", "item 3: environment 'staging'"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_a_wrong_item_rejects_all_before_a_write(oec_deployment, emulator, clients, wrong, code, words, check):
    emulator.add_environment(clients[3]["project_id"])
    for _twin in range(2):
        emulator.add_project("Twin")
    result = oec_deployment(environments=[*items("Bakery"), *wrong, *items("Brewery")], check=check)
    assert (result["error"]["code"], "deployments" in result) == (code, False)
    assert words in result["msg"]
    assert emulator.log.writes == []


def test_the_same_environment_by_name_and_by_id_is_rejected(oec_deployment, emulator, clients):
    result = oec_deployment(environments=[*items("Bakery"), {"environment_id": clients[0]["id"].upper()}])
    assert (result["error"]["code"], clients[0]["id"] in result["msg"]) == ("duplicate_declaration", True)
    assert emulator.log.writes == []


def test_failures_stop_what_has_not_begun(oec_deployment, emulator, clients):
    """Bakery fails while Mill runs, which is waited for. The rest is not tried."""
    emulator.plan_task("deploy", clients[0]["id"], outcome="failed", seconds=10)
    result = oec_deployment(
        environments=items("Bakery", "Brewery", "Dairy", "Mill"), parallel_per_server=1, stop_after=1
    )
    assert outcomes(result) == ["failed", "skipped", "skipped", "completed"]
    assert [row["error"]["code"] for row in result["deployments"][1:3]] == ["skipped"] * 2
    assert [row["changed"] for row in result["deployments"]] == [True, False, False, True]
    assert len(emulator.tasks()) == 2
    assert "of 4 deployments, 1 completed, 1 failed, 2 skipped:\n" in result["msg"]
    for name in ("Brewery", "Dairy"):
        assert f"- environment '{name}/production': not tried, because 1 failed (stop_after: 1)." in result["msg"]
    assert [detail["code"] for detail in result["error"]["details"]] == ["task_failed", "skipped", "skipped"]


def test_what_waits_for_another_task_is_stopped_too(oec_deployment, emulator, clients):
    """Its own deployment has not begun when the limit is reached."""
    deploy_earlier(emulator, clients[0], 60, seconds=300)
    emulator.plan_task("deploy", clients[3]["id"], outcome="failed", seconds=10)
    result = oec_deployment(environments=items("Bakery", "Mill"), stop_after=1)
    assert outcomes(result) == ["skipped", "failed"]
    assert len(emulator.tasks(clients[0]["id"])) == 1


def test_the_failure_of_the_task_is_one_that_stopped_it(oec_deployment, emulator, clients):
    """Whatever its place in the list: the rest was only skipped."""
    emulator.plan_task("deploy", outcome="failed")
    result = oec_deployment(environments=items("Mill", "Bakery", "Brewery"), parallel=1, stop_after=1)
    assert outcomes(result) == ["skipped", "failed", "skipped"]
    assert result["error"]["code"] == "task_failed"


def test_all_are_tried_without_a_limit_of_failures(oec_deployment, emulator, clients):
    emulator.plan_task("deploy", times=2, outcome="failed")
    emulator.plan_task("deploy", outcome="cancelled")
    result = oec_deployment(environments=items("Bakery", "Brewery", "Dairy", "Mill"), parallel=1)
    assert Counter(outcomes(result)) == {"failed": 2, "cancelled": 1, "completed": 1}
    details = [(detail["environment"], detail["code"]) for detail in result["error"]["details"]]
    assert Counter(code for _name, code in details) == {"task_failed": 2, "task_cancelled": 1}
    assert [name for name in ("Bakery", "Brewery", "Dairy") if name not in json.dumps(result["error"]["details"])] == []


@pytest.mark.parametrize("kind", ["status", "cut_before", "rate_limit"])
def test_lost_responses_to_polls_do_no_harm(oec_deployment, emulator, erp, kind):
    emulator.faults.add(kind, "GET", DEPLOYMENT, times=3)
    assert only(oec_deployment())["outcome"] == "completed"


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (503, "service_unavailable")])
def test_a_task_out_of_sight_is_named_and_still_running(oec_deployment, emulator, erp, status, code):
    """Nobody knows how it ends, so that it has not failed."""
    emulator.faults.add("status", "GET", DEPLOYMENT, skip=2, times=None, status=status)
    result = oec_deployment()
    row, (task,) = only(result), emulator.tasks()
    assert (row["error"]["code"], row["changed"], row["task"]["id"]) == (code, True, task["id"])
    assert row["outcome"] == "still_running"
    assert task["id"] in result["msg"]


def test_an_environment_that_disappears_fails_alone(oec_deployment, emulator, clients, sleeps):
    sleeps.meanwhile = lambda: emulator.remove_environment(clients[1]["id"])
    result = oec_deployment(environments=items("Bakery", "Brewery", "Dairy"), parallel=1)
    assert outcomes(result) == ["completed", "failed", "completed"]
    assert result["error"]["code"] == "not_found"


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (402, "subscription_blocked")])
def test_a_failure_of_the_account_ends_the_rest(oec_deployment, emulator, clients, status, code):
    emulator.faults.add("status", "POST", status=status, times=None)
    result = oec_deployment(environments=items("Bakery", "Brewery", "Dairy", "Mill"))
    assert sorted(outcomes(result)) == ["failed", *["skipped"] * 3]
    assert (result["error"]["code"], result["error"]["status"], result["changed"]) == (code, status, False)
    assert len(emulator.log.writes) == 1


# Rejected before the first request.

REJECTED = {
    "a branch with a space": ({"branch": "my branch"}, "' '"),
    "a reference as branch": ({"branch": "refs/pull/7/head"}, "begins with"),
    "a commit as branch": ({"branch": COMMIT}, "not a branch"),
    "a short commit": ({"commit": "9be1d0"}, "7 to 64 hexadecimal"),
    "a word as commit": ({"commit": "production"}, "7 to 64 hexadecimal"),
    "a long commit": ({"commit": 65 * "a"}, "7 to 64 hexadecimal"),
    "a module with a dash": ({"update_modules": ["sale-custom"]}, "'sale-custom'"),
    "two modules in one": ({"update_modules": ["sale stock"]}, "'sale stock'"),
    "51 modules": ({"update_modules": [f"m{number}" for number in range(51)]}, "up to 50"),
    "all and others": ({"update_modules": ["all", "sale"]}, "all alone"),
    "since is no time": ({"since": "yesterday"}, "'yesterday' is not a time"),
    "since a restart": ({"since": SINCE, "method": "restart"}, "method=deploy"),
    "since a quick update": ({"since": SINCE, "method": "quick_update"}, "method=deploy"),
    "no parallel": ({"parallel": 0}, "parallel is 0"),
    "no parallel per server": ({"parallel_per_server": 0}, "parallel_per_server is 0"),
    "a negative limit of failures": ({"stop_after": -1}, "stop_after is -1"),
    "negative log_lines": ({"log_lines": -1}, "log_lines is -1"),
    "1001 log_lines": ({"log_lines": 1001}, "log_lines is 1001"),
    "no time to wait": ({"wait_timeout": 0}, "wait_timeout is 0"),
    "no pause between polls": ({"wait_interval": 0}, "wait_interval is 0"),
    "a restart with a commit": ({"method": "restart", "commit": COMMIT}, "pulls no code"),
    "a restart with modules": ({"method": "restart", "update_modules": ["sale"]}, "pulls no code"),
    "a restart with a branch": ({"method": "restart", "branch": "dev"}, "branch is for method=deploy"),
    "a quick update with a branch": ({"method": "quick_update", "branch": "dev"}, "branch is for method=deploy"),
    "an unknown method": ({"method": "redeploy"}, "'redeploy'"),
    "environments beside a name": ({"environments": [], "name": "production"}, "mutually exclusive"),
    "environments beside an id": ({"environments": [], "environment_id": UNKNOWN_ID}, "mutually exclusive"),
    "environments beside a project": ({"environments": [], "project": "Client ERP"}, "mutually exclusive"),
    "neither name nor id": ({"name": ""}, "one of the following is required"),
    "no project": ({"project": ""}, "its project and its name"),
    "an id that is none": ({"environment_id": "production", "name": "", "project": ""}, "not a UUID"),
    "an option of an item": (
        {"environments": [*items("A"), *items("B", commit="xyz")]},
        "item 2: environment 'production'",
    ),
}


@pytest.mark.parametrize(("options", "words"), REJECTED.values(), ids=REJECTED)
def test_what_is_wrong_is_rejected_before_a_request(oec_deployment, emulator, options, words):
    result = oec_deployment(**options)
    assert (result["error"]["code"], emulator.log.count()) == ("invalid_input", 0)
    assert words in result["msg"]


# Check mode.

WORLD = ("Done", "Before", "Failed", "Running", "Old", "Stopped", "Error", "Fresh")
CASES = {
    "one": items("Fresh"),
    "one of another branch": items("Fresh", branch="dev", update_modules=["sale"]),
    "the saved branch": items("Done", branch="main"),
    "the commit that runs": items("Done", commit=COMMIT),
    "the commit that is expected": items("Fresh", commit=COMMIT),
    "another branch, deployed before": items("Done", branch="dev"),
    "all of them": items(*WORLD),
    "some of another branch": [*items("Done", "Old", branch="dev"), *items("Running", "Failed")],
    "none": [],
}
RUNS = {case: {"environments": environments} for case, environments in CASES.items()}
RUNS |= {f"{case}, since": {**options, "since": SINCE} for case, options in RUNS.items()}
RUNS |= {method: {"environments": items("Fresh", "Done"), "method": method} for method in ("quick_update", "restart")}


@pytest.fixture
def world(emulator) -> None:
    """An environment for each that may have happened before."""
    emulator.push("main", COMMIT)
    for name in WORLD:
        environment = emulator.add_environment(
            emulator.add_project(name)["id"], status={"Stopped": "stopped", "Error": "error"}.get(name, "running")
        )
        emulator.edit_environment(environment["id"], last_commit=COMMIT if name == "Done" else OTHER_COMMIT)
        age, plan = {
            "Done": (600, {}),
            "Before": (5000, {}),
            "Failed": (600, {"outcome": "failed"}),
            "Running": (60, {}),
            "Old": (5000, {"seconds": 5100}),
        }.get(name, (None, {}))
        if age:
            deploy_earlier(emulator, environment, age, **plan)


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_check_mode_predicts_the_run(oec_deployment, emulator, world, options, wait):
    """All begin at once: otherwise what runs may have ended before its turn."""
    options = {**options, "wait": wait, "parallel": 9, "parallel_per_server": 9}

    def told(result: dict[str, Any]) -> dict[str, Any]:
        names = ("project", "environment", "environment_id", "outcome", "changed", "commit_before")
        rows = [{name: row[name] for name in names} for row in result["deployments"]]
        return {"rows": rows, **{name: result.get(name) for name in ("changed", "summary", "diff", "failed")}}

    before = emulator.dump()
    predicted = oec_deployment(check=True, **options)
    assert (emulator.log.writes, emulator.dump()) == ([], before)
    done = oec_deployment(**options)
    assert told(predicted) == told(done)
    assert bool(emulator.log.writes) == ({"completed", "started"} & {*outcomes(done)} != set())
    if "since" in options and wait:
        emulator.log.clear()
        again = oec_deployment(**options)
        assert (again["changed"], set(outcomes(again)) <= {"not_needed"}, emulator.log.writes) == (False, True, [])


# Without waiting.


def test_what_is_started_is_not_waited_for(oec_deployment, emulator, clients, sleeps):
    names = "Bakery", "Brewery", "Dairy", "Mill"
    result = oec_deployment(environments=items(*names), wait=False, parallel=1, parallel_per_server=1)
    assert outcomes(result) == ["started"] * 4
    assert [(row["task"]["id"], row["changed"]) for row in result["deployments"]] == [
        (emulator.tasks(each["id"])[0]["id"], True) for each in clients
    ]
    assert (emulator.log.count(f"GET {DEPLOYMENT}"), list(sleeps)) == (0, [])


@pytest.mark.parametrize("type_", ["deploy", "restart"])
def test_another_task_fails_without_waiting(oec_deployment, emulator, erp, type_):
    emulator.start_task(erp["id"], type_)
    emulator.clock.advance(10)
    result = oec_deployment(wait=False)
    assert (only(result)["outcome"], result["changed"], len(emulator.tasks())) == ("failed", False, 1)
    assert result["error"]["code"] == {"deploy": "wrong_state", "restart": "task_in_progress"}[type_]
    assert emulator.tasks()[0]["id"] in json.dumps(result)


# Eighty environments.

SERVERS, COUNT, PARALLEL, PER_SERVER = 5, 80, 8, 2


@pytest.mark.parametrize(("single_bucket", "polls", "factor"), [(False, 24, 1.2), (True, 4, 1.5)])
def test_eighty_environments_keep_to_all_limits(oec_deployment, emulator, single_bucket, polls, factor):
    """In at most 1.2 times what writes, servers and durations force; polls take a fifth of the read limit.

    Where that is 4 a minute, each of 8 tasks is polled every two minutes.
    """
    state = emulator.dump()
    (server, *_others) = state["servers"]["acme"]
    servers = [{**server, "id": UNKNOWN_ID[:-1] + str(number), "name": f"s{number}"} for number in range(SERVERS)]
    emulator.load({**state, "servers": {"acme": servers}})
    emulator.settings.single_bucket = single_bucket
    # The first server has the most.
    homes = [servers[number % SERVERS if number < 70 else 0]["id"] for number in range(COUNT)]
    for number, home in enumerate(homes):
        emulator.add_environment(emulator.add_project(f"Client {number:02}", home)["id"])
    environments = items(*(f"Client {number:02}" for number in range(COUNT)), branch="dev")
    limits = {"parallel": PARALLEL, "parallel_per_server": PER_SERVER, "wait_timeout": 7200, "api_max_wait": 7200}
    result = oec_deployment(environments=environments, **limits)
    assert result["summary"]["completed"] == COUNT == len(emulator.tasks())
    assert max(emulator.most_at_once(each["id"]) for each in servers) == PER_SERVER
    assert emulator.most_at_once() == PARALLEL
    times = [
        datetime.fromisoformat(entry.time.replace("Z", "+00:00")).timestamp()
        for entry in emulator.log.requests("GET", DEPLOYMENT)
    ]
    # The log rounds to microseconds.
    assert max(sum(start <= time < start + 59.999 for time in times) for start in times) <= polls
    duration = emulator.settings.deploy_seconds + emulator.settings.queue_seconds
    largest = max(Counter(homes).values())
    bound = max(len(emulator.log.writes) / 20 * 60, COUNT * duration / PARALLEL, largest * duration / PER_SERVER)
    taken = (emulator.clock.now() - NOW).total_seconds()
    assert taken <= factor * bound
