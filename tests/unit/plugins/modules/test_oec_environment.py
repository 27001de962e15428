# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

import pytest
import requests
from ansible_collections.oecsh.cloud.tests.support import OTHER_SERVER_ID, SERVER_ID, UNKNOWN_ID, writes

NEW = {"name": "new"}
GONE = {"state": "absent", "absent_backup_max_age": "0"}
ALL = {
    "branch": "release/18.0",
    "domain": "erp.example.com",
    "cpu_cores": 0.5,
    "ram_mb": 4096,
    "disk_gb": 40,
}
CREATE_ONLY = {
    "environment_type": "production",
    "postgres_version": "16",
    "enable_pgtune": True,
    "enable_pgbouncer": False,
    "enable_read_replica": False,
    "with_demo_data": False,
}


@pytest.fixture
def project(emulator) -> dict[str, Any]:
    return emulator.add_project("Client ERP", default_branch="main")


@pytest.fixture
def production(emulator, project) -> dict[str, Any]:
    return emulator.add_environment(project["id"])


@pytest.fixture
def oec_environment(run_module, project) -> Callable[..., dict[str, Any]]:
    """oec_environment(check=False, diff=False, **options): the result of the module for `production`."""
    return partial(run_module, "oec_environment", project=project["name"], name="production", diff=False)


def switch(emulator, switches: dict[str, Any]) -> None:
    for name, value in switches.items():
        setattr(emulator.settings, name, value)


def operations(emulator) -> list[str]:
    """Return the requests since the log was cleared, with * for ids, and repeated ones once."""
    requested = [f"{entry.method} {re.sub('[0-9a-fA-F-]{36}', '*', entry.path)}" for entry in emulator.log.requests()]
    return [operation for operation, _repeats in groupby(requested)]


def error_of(result: dict[str, Any]) -> str | None:
    return result["error"]["code"] if result.get("failed") else None


def warning_of(result: dict[str, Any]) -> str:
    (warning,) = result["warnings"]
    return json.dumps(warning)


# Create.

APIS = {
    "as it is now": ({}, 22),
    "one limit for reads and writes": ({"single_bucket": True}, 13),
    "a task that is late": ({"late_last_deploy": 5}, 21),
    "a status that is late": ({"status_moves_late": 190}, 22),
}


@pytest.mark.parametrize(("switches", "polls"), APIS.values(), ids=APIS)
def test_a_create_is_waited_for_until_odoo_responds(oec_environment, emulator, switches, polls):
    switch(emulator, switches)
    result = oec_environment(branch="dev")
    (environment,), (task,) = emulator.environments(), emulator.tasks()
    assert (result["changed"], result["pending"], result["log"]) == (True, [], [])
    assert (result["environment"], result["task"]) == (environment, task)
    assert (environment["status"], task["type"], task["status"]) == ("running", "deploy", "completed")
    page = requests.get(environment["url"], timeout=10)
    assert (page.status_code, "branch dev" in page.text) == (200, True)
    assert emulator.log.count("GET /deployments/.*") == polls
    assert 429 not in {entry.status for entry in emulator.log.requests()}


SIZES: dict[str, dict[str, Any]] = {
    "least": {"cpu_cores": 0.25, "ram_mb": 256, "disk_gb": 1},
    "most": {"cpu_cores": 32, "ram_mb": 131072, "disk_gb": 1000},
}
CREATES = {
    "only what must be": ({}, {"environment_type": "development"}),
    "everything": ({**ALL, **CREATE_ONLY}, {**ALL, **CREATE_ONLY}),
    **{f"the {word}": (sizes, {**sizes, "environment_type": "development"}) for word, sizes in SIZES.items()},
    "a server by name": (
        {"server": "production-nyc1"},
        {"vm_id": OTHER_SERVER_ID, "environment_type": "development"},
    ),
    "nothing to remove": ({"remove_domain": True}, {"environment_type": "development"}),
    "empty options": (dict.fromkeys([*ALL, *CREATE_ONLY], ""), {"environment_type": "development"}),
}


@pytest.mark.parametrize(("options", "body"), CREATES.values(), ids=CREATES)
def test_a_create_sends_what_is_given(oec_environment, emulator, project, options, body):
    result = oec_environment(**options)
    path = f"/projects/{project['id']}/environments"
    assert writes(emulator) == [("POST", path, {"name": "production", **body})]
    assert (result["changed"], [result["environment"]]) == (True, emulator.environments())


OPERATIONS = {
    "create": (
        NEW,
        ["POST /projects/*/environments", "GET /environments/*/status", "GET /deployments/*", "GET /environments/*"],
    ),
    "update": ({"branch": "dev"}, ["PATCH /environments/*"]),
    "stop": (
        {"state": "stopped"},
        ["GET /environments/*/logs", "POST /environments/*/stop", "GET /deployments/*", "GET /environments/*"],
    ),
    "delete": (GONE, ["DELETE /environments/*", "GET /deployments/*", "GET /environments/*"]),
}


@pytest.mark.parametrize(("options", "expected"), OPERATIONS.values(), ids=OPERATIONS)
def test_only_what_is_needed_is_requested(oec_environment, emulator, production, options, expected):
    found = ["GET /projects", "GET /projects/*/environments"]
    assert oec_environment(**options)["changed"]
    assert operations(emulator) == found + expected
    emulator.log.clear()
    assert not oec_environment(**{**options, "state": "present"} if options is NEW else options)["changed"]
    is_task_looked_for = options.get("state") == "stopped"
    assert operations(emulator) == found + ["GET /environments/*/logs", "GET /deployments/*"] * is_task_looked_for
    assert emulator.log.count() == (4 if is_task_looked_for else 2)


def test_an_environment_found_by_its_id_takes_one_request(oec_environment, emulator, production):
    for options in ({}, {"project": "", "name": ""}):
        emulator.log.clear()
        result = oec_environment(environment_id=production["id"].upper(), **options)
        assert (result["changed"], result["environment"]) == (False, production)
        assert operations(emulator) == ["GET /environments/*"] + ["GET /projects"] * ("name" not in options)


UNDEPLOYED = {
    "no server": ({"server_id": None}, {}),
    "no deployment is queued": ({}, {"queues_first_deploy": False}),
}


@pytest.mark.parametrize(("fields", "switches"), UNDEPLOYED.values(), ids=UNDEPLOYED)
def test_a_create_without_a_deployment_is_warned_of(oec_environment, emulator, project, fields, switches):
    emulator.edit(project["id"], **fields)
    switch(emulator, switches)
    result = oec_environment()
    assert (result["changed"], result["task"], result["environment"]["status"]) == (True, None, "pending")
    assert "oec_deployment" in warning_of(result)


@pytest.mark.parametrize(("place", "is_warned_of"), [("Client ERP", False), ("Another ERP", True)])
def test_environments_that_are_not_returned_are_warned_of(oec_environment, emulator, place, is_warned_of):
    """Those of its own project, and of no other that the list has before it."""
    emulator.set_running(emulator.add_project("Another ERP")["id"], 2)
    warnings = json.dumps(oec_environment(project=place, check=True).get("warnings", []))
    assert (f"project '{place}' has 2 environments, and 0 are" in warnings) is is_warned_of


@pytest.mark.parametrize("outcome", ["completed", "failed"])
def test_a_create_whose_task_stays_unknown_ends_by_its_status(oec_environment, emulator, outcome):
    emulator.settings.late_last_deploy = 3600
    emulator.plan_task("deploy", outcome=outcome)
    result = oec_environment()
    assert (result["changed"], result["task"]) == (True, None)
    assert [result["environment"]] == emulator.environments()
    assert error_of(result) == (None if outcome == "completed" else "wrong_state")


# How a task ends.

ENDS = {
    "failed": ({"outcome": "failed", "step": "update_modules", "error": "no such column", "log": "x"}, "task_failed"),
    "cancelled": ({"outcome": "cancelled"}, "task_cancelled"),
    "never started": ({"outcome": "never_started"}, "task_never_started"),
    "hangs": ({"outcome": "hangs"}, "wait_timeout"),
}
STARTS = {
    "create": (NEW, "deploy"),
    "stop": ({"state": "stopped"}, "stop"),
    "delete": (GONE, "destroy"),
}


@pytest.mark.parametrize("failure_word", ["error", "failed"])
@pytest.mark.parametrize(("plan", "code"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize(("options", "kind"), STARTS.values(), ids=STARTS)
def test_a_task_that_does_not_complete_is_a_failure(
    oec_environment, emulator, production, options, kind, plan, code, failure_word
):
    emulator.settings.failure_word = failure_word
    emulator.plan_task(kind, **{**plan, "step": plan.get("step") if kind == "deploy" else None})
    result = oec_environment(**options, wait_timeout=300)
    (task,), environment = emulator.tasks(), emulator.environments()[-1]
    assert (error_of(result), result["changed"], result["task"]) == (code, True, task)
    assert result["environment"] == environment
    assert [text for text in (task["id"], task["error_message"] or "") if text not in result["msg"]] == []
    if code == "wait_timeout":
        assert ("oec_task_info" in result["msg"], result["log"]) == (True, [])
    else:
        assert "ERROR" in result["log"][-1] or kind in result["log"][-1]
    if code == "task_failed" and kind == "deploy":
        assert (result["log"][-2], "update_modules" in result["msg"]) == ("x", True)


def test_a_failure_while_waiting_names_the_task(oec_environment, emulator):
    emulator.faults.add("cut_before", "GET", "/deployments/.*", times=None, skip=2)
    result = oec_environment()
    (task,) = emulator.tasks()
    assert (error_of(result), result["changed"], result["task"]["id"]) == ("no_response", True, task["id"])
    assert result["environment"]["id"] == task["environment_id"]


@pytest.mark.parametrize("is_hidden", [True, False], ids=["hidden", "unreadable"])
def test_a_failed_task_is_reported_without_its_environment(oec_environment, emulator, is_hidden):
    emulator.settings.hides_stopped = is_hidden
    emulator.plan_task("deploy", outcome="failed")
    if not is_hidden:
        emulator.faults.add("cut_before", "GET", "/environments/[^/]*(/logs)?", times=None)
    result = oec_environment()
    assert (error_of(result), result["changed"], result["task"]) == ("task_failed", True, emulator.tasks()[0])
    assert result["environment"]["id"] == emulator.environments()[0]["id"]


def test_a_create_that_took_too_long_is_waited_for_again(oec_environment, emulator):
    emulator.settings.deploy_seconds = 600
    first = oec_environment(wait_timeout=60)
    assert (error_of(first), first["changed"]) == ("wait_timeout", True)
    again = oec_environment()
    assert (again["changed"], [again["task"]]) == (False, emulator.tasks())
    assert [again["environment"]] == emulator.environments()
    assert (again["environment"]["status"], len(writes(emulator))) == ("running", 1)


@pytest.mark.parametrize("status", ["error", "failed"])
def test_an_environment_whose_last_task_failed_is_warned_of(oec_environment, emulator, production, status):
    emulator.edit_environment(production["id"], status=status)
    result = oec_environment()
    assert (result["changed"], "oec_deployment" in warning_of(result)) == (False, True)


@pytest.mark.parametrize(("options", "kind"), STARTS.values(), ids=STARTS)
def test_without_wait_the_task_is_only_named(oec_environment, emulator, production, sleeps, options, kind):
    result = oec_environment(**options, wait=False)
    (task,) = emulator.tasks()
    assert (result["changed"], result["task"]) == (True, {"id": task["id"], "status": "queued"})
    assert result["environment"] == (None if kind == "destroy" else emulator.environments()[-1])
    assert (task["type"], sleeps) == (kind, [])


# Change.


def test_only_what_differs_is_sent(oec_environment, emulator, production):
    emulator.edit_environment(production["id"], custom_domain="ERP.example.com")
    options = {**ALL, **CREATE_ONLY, "server": SERVER_ID.upper()}
    result = oec_environment(**options)
    sent = {name: value for name, value in ALL.items() if name != "domain"}
    assert writes(emulator) == [("PATCH", f"/environments/{production['id']}", sent)]
    assert (result["changed"], result["pending"], result["task"]) == (True, list(sent), None)
    assert [result["environment"]] == emulator.environments()
    assert sent.items() <= result["environment"].items()
    assert not oec_environment(**options)["changed"]


def test_a_domain_is_removed(oec_environment, emulator, production):
    emulator.edit_environment(production["id"], custom_domain="erp.example.com")
    assert not oec_environment(domain="")["changed"]
    result = oec_environment(remove_domain=True)
    assert writes(emulator) == [("PATCH", f"/environments/{production['id']}", {"domain": ""})]
    assert (result["environment"]["custom_domain"], result["pending"]) == (None, ["domain"])
    assert not oec_environment(remove_domain=True)["changed"]


def test_an_environment_found_by_its_id_is_renamed(oec_environment, emulator, production):
    result = oec_environment(id=production["id"], project="", name="live")
    assert (result["environment"]["name"], result["pending"]) == ("live", [])
    assert writes(emulator) == [("PATCH", f"/environments/{production['id']}", {"name": "live"})]


@pytest.mark.parametrize(("name", "ignored"), [("production", "ram_mb"), ("new", "domain")])
def test_a_value_that_was_not_stored_is_warned_of(oec_environment, emulator, production, name, ignored):
    emulator.settings.ignored_fields = [ignored]
    result = oec_environment(name=name, ram_mb=4096, domain="erp.example.com")
    sent = "'erp.example.com'" if ignored == "domain" else "4096"
    assert (result["changed"], sent in warning_of(result)) == (True, True)


RUNNING = (
    "name: production\nstatus: running\nbranch: main\ncpu_cores: 1\nram_mb: 2048\ndisk_gb: 10\n"
    "project: Client ERP\nserver: production-fsn1\n"
)
CREATED = (
    "name: new\nstatus: running\nbranch: dev\nram_mb: 4096\nproject: Client ERP\nserver: production-fsn1\n"
    "environment_type: staging\n"
)
DIFFS = {
    "create": ({**NEW, "branch": "dev", "ram_mb": 4096, "environment_type": "staging"}, "", CREATED),
    "update": ({"branch": "dev", "state": "started"}, RUNNING, RUNNING.replace("main", "dev")),
    "stop": ({"state": "stopped"}, RUNNING, RUNNING.replace("running", "stopped")),
    "delete": (GONE, RUNNING, ""),
}


@pytest.mark.parametrize(("options", "before", "after"), DIFFS.values(), ids=DIFFS)
def test_a_diff_shows_what_is_changed(oec_environment, production, options, before, after):
    diff = oec_environment(**options, diff=True)["diff"]
    assert (diff["before"], diff["after"]) == (before, after)
    subject = f"environment 'Client ERP/{options.get('name', 'production')}'"
    assert diff["before_header"] == (subject if before else f"{subject} (absent)")
    assert diff["after_header"] == (subject if after else f"{subject} (absent)")


def test_a_task_out_of_sight_leaves_a_change(oec_environment, emulator, production):
    emulator.faults.add("cut_before", "GET", "/deployments/.+", times=None)
    result = oec_environment(**NEW)
    assert (result["error"]["code"], result["changed"], result["task"]["status"]) == ("no_response", True, "queued")
    assert "oec_task_info" in result["msg"]
    assert result["environment"]["name"] == NEW["name"]


# Start and stop.

# For each status what `started` and `stopped` come to: whether something is done, or the code of the failure.
STATES: dict[str, tuple[bool | str, bool | str]] = {
    "running": (False, True),
    "stopped": (True, False),
    **dict.fromkeys(
        ("pending", "error", "failed", "paused", "destroying", "cloning", "hibernating"), ("wrong_state",) * 2
    ),
}
MOVING = ("cloning", "hibernating")


@pytest.mark.parametrize("state", ["started", "stopped"])
@pytest.mark.parametrize("status", STATES)
def test_what_a_state_means_depends_on_the_status(oec_environment, emulator, production, sleeps, status, state):
    emulator.edit_environment(production["id"], status=status)
    expected = STATES[status][state == "stopped"]
    result = oec_environment(state=state, wait_timeout=60)
    assert (error_of(result) or result["changed"]) == expected
    assert [entry.status for entry in emulator.log.writes] == [202] * (expected is True)
    assert (sum(sleeps) >= 60) == (status in MOVING)
    if not result.get("failed"):
        assert [result["environment"]] == emulator.environments()
        assert result["environment"]["status"] == ("running" if state == "started" else "stopped")
        assert not oec_environment(state=state)["changed"]


@pytest.mark.parametrize(("status", "code"), [("paused", None), ("destroying", "wrong_state"), ("stopped", None)])
def test_present_leaves_the_status_as_it_is(oec_environment, emulator, production, status, code):
    emulator.edit_environment(production["id"], status=status)
    result = oec_environment(branch="dev")
    assert (error_of(result), len(writes(emulator))) == (code, 0 if code else 1)


def test_a_change_comes_before_the_action(oec_environment, emulator, production):
    result = oec_environment(state="stopped", branch="dev")
    assert [path.rpartition("/")[2] for _method, path, _body in writes(emulator)] == [production["id"], "stop"]
    assert (result["pending"], result["environment"]["branch"]) == (["branch"], "dev")


@pytest.mark.parametrize("state", ["started", "stopped"])
@pytest.mark.parametrize("is_stricter", [True, False])
def test_a_status_that_was_reached_meanwhile_is_fine(oec_environment, emulator, production, state, is_stricter):
    """The list is from before somebody else has done the same."""
    emulator.settings.wrong_state_rejected = is_stricter
    old, new = ("stopped", "running") if state == "started" else ("running", "stopped")
    emulator.edit_environment(production["id"], status=new)
    path = f"/projects/{production['project_id']}/environments"
    emulator.faults.add("replace", "GET", path, body=[{**production, "status": old}])
    result = oec_environment(state=state)
    assert (error_of(result), result["environment"]["status"]) == (None, new)


@pytest.mark.parametrize(("late", "code"), [(50, None), (300, "wrong_state")])
def test_a_status_that_moves_late_is_waited_for(oec_environment, emulator, production, late, code):
    emulator.settings.status_moves_late = late
    result = oec_environment(state="stopped")
    assert (error_of(result), result["changed"], result["task"]) == (code, True, emulator.tasks()[0])
    assert [result["environment"]] == emulator.environments()


def test_a_hidden_environment_is_known_by_its_id(oec_environment, emulator, project):
    emulator.settings.hides_stopped = True
    created = oec_environment()["environment"]
    by_id = {"environment_id": created["id"], "project": "", "name": ""}
    stopped = oec_environment(state="stopped")
    assert (stopped["changed"], stopped["environment"]["status"]) == (True, "stopped")
    assert not oec_environment(**by_id, state="stopped")["changed"]
    assert error_of(oec_environment()) == "wrong_state"
    assert len(emulator.environments()) == 1
    started = oec_environment(**by_id, state="started")
    assert (started["changed"], [started["environment"]]) == (True, emulator.environments())
    assert started["environment"]["status"] == "running"


@pytest.mark.parametrize(("name", "is_deleted"), [("", True), ("staging", False)])
def test_a_hidden_environment_is_deleted_by_its_id(oec_environment, emulator, production, name, is_deleted):
    emulator.settings.hides_stopped = True
    emulator.start_task(production["id"], "stop")
    emulator.clock.advance(60)
    result = oec_environment(**GONE, environment_id=production["id"], project="", name=name)
    assert (bool(result.get("failed")), emulator.environments() == []) == (not is_deleted, is_deleted)


# Another task is running.

BUSY = {
    "deploy, no change": ("running", "deploy", {}, False),
    "deploy, then an update": ("running", "deploy", {"branch": "dev"}, True),
    "deploy, started": ("running", "deploy", {"state": "started"}, False),
    "deploy, then stop": ("running", "deploy", {"state": "stopped"}, True),
    "deploy, then delete": ("running", "deploy", GONE, True),
    "restart, then stop": ("running", "restart", {"state": "stopped"}, True),
    "stop, stopped": ("running", "stop", {"state": "stopped"}, False),
    "stop, then start": ("running", "stop", {"state": "started"}, True),
    "start, started": ("stopped", "start", {"state": "started"}, False),
    "start, then stop": ("stopped", "start", {"state": "stopped"}, True),
    "backup, then an update": ("running", "backup", {"branch": "dev"}, True),
    "backup, then delete": ("running", "backup", GONE, True),
    "destroy, deleted": ("running", "destroy", GONE, False),
}
CONFLICTS = {
    "as it is now": {},
    "changes are rejected": {"patch_conflicts": True},
    "no task in a conflict": {"patch_conflicts": True, "conflict_has_task_id": False},
}


@pytest.mark.parametrize("switches", CONFLICTS.values(), ids=CONFLICTS)
@pytest.mark.parametrize(("status", "kind", "options", "changed"), BUSY.values(), ids=BUSY)
def test_a_running_task_is_waited_for_first(
    oec_environment, emulator, production, switches, status, kind, options, changed
):
    switch(emulator, switches)
    emulator.edit_environment(production["id"], status=status)
    task = emulator.start_task(production["id"], kind)
    result = oec_environment(**options)
    assert (error_of(result), result["changed"]) == (None, changed)
    assert len([entry for entry in emulator.log.writes if entry.status in (200, 202)]) == changed
    if state := {"started": "running", "stopped": "stopped"}.get(options.get("state", "")):
        assert result["environment"]["status"] == state
    assert [result["environment"]] == (emulator.environments() or [None])
    if not options:
        assert result["task"] == {**emulator.tasks()[0], "id": task["id"]}
    assert not oec_environment(**options)["changed"]


@pytest.mark.parametrize("options", [{}, {"state": "stopped"}, {"branch": "dev"}])
def test_a_running_deployment_may_fail(oec_environment, emulator, production, options):
    emulator.start_task(production["id"], "deploy", outcome="failed")
    result = oec_environment(**options)
    code = "wrong_state" if "state" in options else "task_failed"
    assert (error_of(result), result["changed"], writes(emulator)) == (code, False, [])


@pytest.mark.parametrize(("options", "kind"), [({"state": "stopped"}, "backup"), (GONE, "deploy")])
def test_without_wait_a_running_task_is_a_failure(oec_environment, emulator, production, options, kind):
    task = emulator.start_task(production["id"], kind)
    result = oec_environment(**options, wait=False)
    assert (error_of(result), result["changed"]) == ("task_in_progress", False)
    assert result["error"]["details"]["task_id"] == task["id"]


def test_without_wait_a_running_deployment_goes_on(oec_environment, emulator, production, sleeps):
    emulator.start_task(production["id"], "deploy")
    result = oec_environment(wait=False)
    assert (result["changed"], result["environment"]["status"], sleeps) == (False, "deploying", [])


# Delete.

DAY, HOUR = 86400, 3600
BACKUPS: dict[str, tuple[list[tuple[float, str]], dict[str, Any], dict[str, Any], bool]] = {
    "none": ([], {}, {}, False),
    "too old": ([(24 * HOUR + 1, "completed")], {}, {}, False),
    "fresh": ([(24 * HOUR - 60, "completed")], {}, {}, True),
    "fresh, with another field for the pages": ([(HOUR, "completed")], {}, {"pages_field": "none"}, True),
    "fresh enough": ([(6 * DAY, "completed")], {"absent_backup_max_age": "7d"}, {}, True),
    "not completed": ([(HOUR, "failed"), (HOUR, "in_progress"), (HOUR, "pending")], {}, {}, False),
    "one of several": ([(2 * DAY, "completed"), (HOUR, "completed"), (60, "failed")], {}, {}, True),
    "none needed": ([], {"absent_backup_max_age": "0"}, {}, True),
    "no route": ([(HOUR, "completed")], {}, {"has_backups": False}, False),
    "no route, none needed": ([], {"absent_backup_max_age": "0"}, {"has_backups": False}, True),
}


@pytest.mark.parametrize(("backups", "options", "switches", "is_enough"), BACKUPS.values(), ids=BACKUPS)
def test_a_delete_needs_a_fresh_backup(oec_environment, emulator, production, backups, options, switches, is_enough):
    switch(emulator, switches)
    for age, status in backups:
        emulator.add_backup(production["id"], age, status)
    result = oec_environment(state="absent", **options)
    assert error_of(result) == (None if is_enough else "backup_required")
    assert bool(writes(emulator)) == (emulator.environments() == []) == is_enough


@pytest.mark.parametrize("has_task_id", [True, False])
def test_a_delete_is_confirmed_and_waited_for(oec_environment, emulator, production, has_task_id):
    emulator.settings.delete_has_task_id = has_task_id
    result = oec_environment(**GONE)
    (delete,) = emulator.log.writes
    assert (delete.method, delete.headers["x-confirm-delete"]) == ("DELETE", "true")
    assert (result["changed"], result["environment"], emulator.environments()) == (True, None, [])
    assert result["task"] == (emulator.tasks()[0] if has_task_id else None)


ABSENT = {
    "by name": {"name": "staging"},
    "by id": {"environment_id": UNKNOWN_ID},
    "in no project": {"project": "Former client"},
    "in no project by id": {"project": UNKNOWN_ID},
}


@pytest.mark.parametrize("options", ABSENT.values(), ids=ABSENT)
def test_what_is_absent_already_is_left_alone(oec_environment, emulator, production, options):
    result = oec_environment(state="absent", **options)
    assert (result["changed"], result["environment"], writes(emulator)) == (False, None, [])


# What is rejected.

INVALID = {
    "neither name nor id": {"name": ""},
    "neither project nor id": {"project": ""},
    "an id that is not a UUID": {"environment_id": "../servers"},
    "256 characters of name": {"name": "n" * 256},
    "a pull request as branch": {"branch": "refs/pull/7/head"},
    "an address as domain": {"domain": "https://erp.example.com"},
    "too few cores": {"cpu_cores": 0.24},
    "too many cores": {"cpu_cores": 32.5},
    "too little RAM": {"ram_mb": 255},
    "too much RAM": {"ram_mb": 131073},
    "no disk": {"disk_gb": 0},
    "too much disk": {"disk_gb": 1001},
    "an unknown type": {"environment_type": "live"},
    "11 characters of version": {"postgres_version": "16.00000000"},
    "a domain to set and to remove": {"domain": "erp.example.com", "remove_domain": True},
    "no timeout": {"wait_timeout": 0},
    "no interval": {"wait_interval": 0},
    "an age that is no time": {"absent_backup_max_age": "soon"},
}


@pytest.mark.parametrize("invalid", INVALID.values(), ids=INVALID)
def test_invalid_options_are_rejected_before_any_request(oec_environment, emulator, invalid):
    assert error_of(oec_environment(**invalid)) == "invalid_input"
    assert emulator.log.count() == 0


REJECTED = {
    "another server": ({"server": OTHER_SERVER_ID}, "immutable_field"),
    "an unknown server": ({"name": "new", "server": "atlantis"}, "unknown_server"),
    "another project": ({"environment_id": "production", "project": "Bakery ERP"}, "immutable_field"),
    "another project to delete from": (
        {"environment_id": "production", "project": "Bakery ERP", **GONE},
        "name_mismatch",
    ),
    "another name to delete": ({"environment_id": "production", "name": "staging", **GONE}, "name_mismatch"),
    "two of the name": ({"name": "twin"}, "ambiguous_name"),
    "two of the name to delete": ({"name": "twin", **GONE}, "ambiguous_name"),
    "two projects of the name": ({"project": "Twin ERP"}, "ambiguous_name"),
    "an unknown project": ({"project": "Former client"}, "not_found"),
    "an unknown project by id": ({"project": UNKNOWN_ID}, "not_found"),
    "an unknown id": ({"environment_id": UNKNOWN_ID}, "not_found"),
    "none to start": ({"name": "new", "state": "started"}, "not_found"),
    "none to stop": ({"name": "new", "state": "stopped"}, "not_found"),
    "a taken name": ({"environment_id": "production", "name": "twin"}, "name_taken"),
}


@pytest.mark.parametrize(("options", "code"), REJECTED.values(), ids=REJECTED)
def test_a_plan_is_rejected_before_any_write(oec_environment, emulator, project, production, options, code):
    for name in ("twin", "twin"):
        emulator.add_environment(project["id"], name)
    for name in ("Bakery ERP", "Twin ERP", "Twin ERP"):
        emulator.add_project(name)
    given = {"branch": "dev", **options}
    if given.get("environment_id") == "production":
        given["environment_id"] = production["id"]
    result = oec_environment(**given)
    assert (error_of(result), result["error"]["status"], writes(emulator)) == (code, None, [])
    (detail,) = result["error"]["details"]
    assert (detail["environment"], detail["code"]) == (given.get("name", "production"), code)


CHANGES = {"create": NEW, "update": {"branch": "dev"}, "stop": {"state": "stopped"}, "delete": GONE}


@pytest.mark.parametrize("options", CHANGES.values(), ids=CHANGES)
def test_a_read_only_key_is_enough_to_predict_only(oec_environment, emulator, production, options):
    key = {"api_key": emulator.keys.read_only}
    assert oec_environment(**key)["environment"] == production
    assert oec_environment(**options, **key, check=True)["changed"]
    result = oec_environment(**options, **key)
    assert (error_of(result), result["changed"], writes(emulator)) == ("read_only_key", False, [])


def test_a_scoped_key_is_enough_for_its_own_project(oec_environment, emulator):
    options = {"project": emulator.scoped_project["name"], "api_key": emulator.keys.scoped}
    assert oec_environment(**options)["changed"]
    assert oec_environment(**options, state="stopped")["environment"]["status"] == "stopped"
    assert oec_environment(**options, **GONE)["changed"]


# Exactly one.

LOSSES: dict[str, tuple[str, dict[str, Any]]] = {
    "before the work": ("cut_before", {}),
    "after the work": ("cut_after", {}),
    "not queued": ("enqueue_failed", {}),
    "queued all the same": ("enqueue_failed", {"after": True}),
}
LOST = {
    "create": (NEW, "POST", "deploy"),
    "update": ({"branch": "dev"}, "PATCH", None),
    "stop": ({"state": "stopped"}, "POST", "stop"),
    "delete": (GONE, "DELETE", "destroy"),
}


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize(("fault", "parameters"), LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize(("options", "method", "kind"), LOST.values(), ids=LOST)
def test_a_lost_response_changes_nothing(
    oec_environment, emulator, production, options, method, kind, fault, parameters, wait
):
    emulator.faults.add(fault, method, **parameters)
    result = oec_environment(**options, wait=wait)
    assert (error_of(result), result["changed"]) == (None, True)
    tasks = emulator.tasks()
    assert [task["type"] for task in tasks] == [kind] * (kind is not None)
    assert [result["task"]["id"] if result["task"] else None] == ([task["id"] for task in tasks] or [None])
    assert [result["environment"]][: method != "DELETE"] == emulator.environments()[-1:][: method != "DELETE"]


@pytest.mark.parametrize(("options", "kind"), [(NEW, "deploy"), ({"state": "stopped"}, "stop")])
def test_an_environment_is_looked_for_where_no_response_comes(oec_environment, emulator, production, options, kind):
    emulator.faults.add("cut_after", "POST", times=None)
    result = oec_environment(**options)
    assert (error_of(result), result["changed"]) == (None, True)
    assert [result["task"]] == emulator.tasks(type=kind)
    assert result["environment"] == emulator.environments()[-1]


def test_an_action_that_is_locked_is_tried_again(oec_environment, emulator, production, sleeps):
    emulator.faults.add("concurrent_action", "POST", times=2)
    assert oec_environment(state="stopped")["environment"]["status"] == "stopped"
    assert sleeps[:2] == [5, 5]


def test_a_deleted_environment_is_created_again(oec_environment, emulator):
    first = oec_environment()["environment"]
    assert oec_environment(**GONE)["changed"]
    again = oec_environment()
    assert (again["changed"], [again["environment"]]) == (True, emulator.environments())
    assert (again["environment"]["id"] != first["id"], again["environment"]["status"]) == (True, "running")


def test_a_stored_failure_does_not_come_back(oec_environment, emulator):
    emulator.settings.subscription_blocked = True
    assert error_of(oec_environment()) == "subscription_blocked"
    emulator.settings.subscription_blocked = False
    emulator.clock.advance(60)
    assert [oec_environment()["environment"]] == emulator.environments() != []
