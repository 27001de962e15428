# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID

MINUTE, HOUR, DAY = 60, 3600, 86400
RESTORE = "POST /backups/{backup_id}/restore"
TASK = "/deployments/[^/]+"


@pytest.fixture
def erp(emulator) -> dict[str, Any]:
    """The production of Client ERP, which runs."""
    return emulator.add_environment(emulator.add_project("Client ERP")["id"])


@pytest.fixture
def backup(emulator, erp) -> dict[str, Any]:
    """A backup of it, and a newer one that is not to be restored."""
    old = emulator.add_backup(erp["id"], 2 * DAY + 3 * HOUR + 5 * MINUTE)
    emulator.add_backup(erp["id"], HOUR)
    return old


@pytest.fixture
def restore(run_module, backup) -> Callable[..., dict[str, Any]]:
    """restore(check=False, diff=True, **options): the result of a restore that is confirmed."""
    return lambda **options: run_module(
        "oec_backup_restore", **{"backup_id": backup["id"], "confirm": "production", **options}
    )


def restored_from(emulator) -> str | None:
    (environment,) = emulator.dump()["environments"]
    return environment["restored_from"]


def test_one_restore_from_request_to_result(restore, emulator, erp, backup):
    result = restore(backup_id=backup["id"].upper())
    (task,) = emulator.tasks()
    (environment,) = emulator.environments()
    assert (restored_from(emulator), task["type"]) == (backup["id"], "restore")
    assert result["backup"].items() >= backup.items()
    assert [result[name] for name in ("changed", "environment", "task", "log")] == [True, environment, task, []]
    header = "environment 'production' of project 'Client ERP'"
    diff = result["diff"]
    assert (diff["before"], diff["before_header"], diff["after_header"]) == (
        "database_and_files: of now\n",
        header,
        header,
    )
    assert [part for part in (backup["completed_at"], backup["id"]) if part not in diff["after"]] == []
    path, place = f"/backups/{backup['id']}", f"/environments/{erp['id']}"
    steps = [step for step, _same in groupby((entry.method, entry.path) for entry in emulator.log.requests())]
    assert steps == [
        ("GET", path),
        ("GET", place),
        ("GET", "/projects"),
        ("POST", f"{path}/restore"),
        ("GET", f"/deployments/{task['id']}"),
        ("GET", place),
    ]
    (post,) = emulator.log.writes
    assert (post.json, post.headers["x-confirm-restore"], "idempotency-key" in post.headers) == (None, "true", True)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("confirm", [None, "", "Production", "staging", "yes"])
def test_a_restore_is_confirmed_by_the_name(restore, emulator, backup, confirm, check):
    result = restore(confirm=confirm, check=check)
    assert (result["error"]["code"], emulator.log.writes) == ("confirmation_required", [])
    words = ("(2 d 3 h ago)", "would be lost", "set confirm: Client ERP/production.", backup["id"])
    assert [word for word in words if word not in result["msg"]] == []
    assert (f"confirm is {confirm!r}" if confirm else "confirm is not set") in result["msg"]


def test_the_name_of_the_project_may_stand_before_it(restore):
    assert "error" not in restore(confirm="Client ERP/production", check=True)


def test_check_mode_predicts_the_restore(restore, emulator):
    predicted = restore(check=True)
    assert (predicted["changed"], predicted["task"], emulator.log.writes) == (True, None, [])
    done = restore()
    assert [done[name] for name in ("changed", "diff", "backup")] == [
        predicted[name] for name in ("changed", "diff", "backup")
    ]
    # It is an action: the next run restores again.
    assert restore(diff=False)["changed"] is True
    assert len({post.headers["idempotency-key"] for post in emulator.log.writes}) == 2


@pytest.mark.parametrize(
    ("words", "status"),
    [
        *(("client", status) for status in ("pending", "in_progress", "uploading", "failed", "cancelled", "expired")),
        *(("documented", status) for status in ("in_progress", "expired")),
    ],
)
def test_a_backup_that_is_not_completed_is_rejected(restore, emulator, erp, status, words):
    emulator.settings.backup_words = words
    other = emulator.add_backup(erp["id"], HOUR, status)
    result = restore(backup_id=other["id"])
    assert restored_from(emulator) is None
    if (status, words) == ("expired", "documented"):
        # That is another word for completed there: the API itself rejects it.
        assert (result["error"]["code"], result["changed"]) == ("rejected", False)
    else:
        assert (result["error"]["code"], emulator.log.writes) == ("wrong_state", [])
        assert "oec_backup_info" in result["msg"]


def test_an_unknown_backup_is_not_found(restore, emulator):
    result = restore(backup_id=UNKNOWN_ID)
    assert (result["error"]["code"], emulator.log.writes) == ("not_found", [])
    assert UNKNOWN_ID in result["msg"]


@pytest.mark.parametrize("options", [{"backup_id": "newest"}, {"wait_interval": 0}])
def test_what_is_wrong_is_rejected_before_a_request(restore, emulator, options):
    assert (restore(**options)["error"]["code"], emulator.log.count()) == ("invalid_input", 0)


def test_a_backup_must_say_what_it_is_of(restore, emulator, backup):
    emulator.faults.add("replace", "GET", "/backups/.*", body={**backup, "environment_id": None})
    assert (restore()["error"]["code"], emulator.log.writes) == ("invalid_response", [])


@pytest.mark.parametrize("is_deleted", [True, False])
def test_an_environment_that_is_not_visible_is_not_restored(restore, emulator, erp, is_deleted):
    emulator.settings.hides_stopped = True
    emulator.edit_environment(erp["id"], status="stopped")
    if is_deleted:
        emulator.remove_environment(erp["id"])
    result = restore()
    assert (result["error"]["code"], erp["id"] in result["msg"]) == ("not_found", True)
    assert emulator.log.writes == []


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("status", ["paused", "destroying"])
def test_a_wrong_state_is_rejected_before_a_write(restore, emulator, erp, status, check):
    emulator.edit_environment(erp["id"], status=status)
    result = restore(check=check)
    assert (result["error"]["code"], repr(status) in result["msg"]) == ("wrong_state", True)
    # Whoever has not confirmed it, is asked first.
    assert restore(check=check, confirm=None)["error"]["code"] == "confirmation_required"
    assert emulator.log.writes == []


def test_a_read_only_key_only_looks(restore, emulator):
    key = {"api_key": emulator.keys.read_only}
    assert restore(**key, check=True)["changed"] is True
    result = restore(**key)
    assert (result["error"]["code"], result["changed"], emulator.log.writes) == ("read_only_key", False, [])
    assert "diff" not in result


FAULTS = {
    "cut before": ("cut_before", {}),
    "cut after": ("cut_after", {}),
    "truncated": ("truncate", {}),
    "a proxy's page after": ("html", {"after": True}),
    "503": ("status", {}),
    "not queued": ("enqueue_failed", {}),
    "queued all the same": ("enqueue_failed", {"after": True}),
    "another action just now": ("concurrent_action", {"times": 2}),
    "in flight": ("in_flight", {}),
    "429": ("rate_limit", {"retry_after": 30}),
}


@pytest.mark.parametrize(("kind", "parameters"), FAULTS.values(), ids=FAULTS)
def test_a_lost_response_restores_once(restore, emulator, backup, kind, parameters):
    emulator.faults.add(kind, "POST", **parameters)
    result = restore()
    (task,) = emulator.tasks()
    assert (result["task"], result["changed"], restored_from(emulator)) == (task, True, backup["id"])
    assert {post.headers["x-confirm-restore"] for post in emulator.log.writes} == {"true"}
    assert len({post.headers["idempotency-key"] for post in emulator.log.writes}) == 1


def test_no_response_at_all_may_have_changed_something(restore, emulator):
    emulator.faults.add("status", "POST", times=None)
    result = restore()
    assert (result["error"]["code"], result["error"]["status"], result["changed"]) == ("no_response", 503, True)
    assert ("the restore may have been started" in result["msg"], "diff" in result) == (True, True)


def test_a_limit_that_stays_has_changed_nothing(restore, emulator):
    emulator.faults.add("rate_limit", "POST", retry_after=30, times=None)
    result = restore(api_max_wait=100)
    assert (result["error"]["status"], result["changed"], "diff" in result) == (429, False, False)


@pytest.mark.parametrize("body", [{}, {"status": "queued"}, {"task_id": "7"}])
def test_a_202_that_cannot_be_used_may_have_changed_it(restore, emulator, body):
    emulator.faults.add("replace", "POST", body=body)
    result = restore()
    assert (result["changed"], result["task"], len(emulator.log.writes)) == (True, None, 1)


@pytest.mark.parametrize("has_task_id", [True, False])
@pytest.mark.parametrize("type_", ["backup", "deploy", "restore", "quick_update"])
def test_another_task_is_waited_for(restore, emulator, erp, backup, type_, has_task_id):
    emulator.settings.conflict_has_task_id = has_task_id
    emulator.start_task(erp["id"], type_, seconds=100)
    result = restore()
    other, own = emulator.tasks()
    assert (result["task"], result["changed"], restored_from(emulator)) == (own, True, backup["id"])
    assert own["started_at"] > other["completed_at"]
    first, second = emulator.log.writes
    assert (first.status, second.status) == (409, 202)
    # The response to the first one may be stored.
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


HELD_UP = {
    # Whether it may have been carried out.
    "over the limit": ("rate_limit", {"retry_after": 30}, False),
    "another action just now": ("concurrent_action", {}, False),
    "503": ("status", {}, True),
    "cut before": ("cut_before", {}, True),
    "not queued": ("enqueue_failed", {}, True),
}


@pytest.mark.parametrize("type_", ["restore", "quick_update"])
@pytest.mark.parametrize(("kind", "parameters", "may_be_done"), HELD_UP.values(), ids=HELD_UP)
def test_no_other_task_is_taken_for_ours(restore, emulator, erp, backup, sleeps, kind, parameters, may_be_done, type_):
    """Another one begins while this one is held up. What may have been carried out is not sent under another key."""
    emulator.faults.add(kind, "POST", **parameters)
    sleeps.meanwhile = lambda: emulator.start_task(erp["id"], type_, seconds=50)
    result = restore()
    other, *own = emulator.tasks()
    keys = {entry.headers["idempotency-key"] for entry in emulator.log.writes}
    assert (result["changed"], len(keys), len(own)) == (True, 1 if may_be_done else 2, not may_be_done)
    if may_be_done:
        assert (result["error"]["code"], result["task"]["id"]) == ("no_response", other["id"])
    else:
        assert (result["task"], restored_from(emulator)) == (*own, backup["id"])


def test_another_task_fails_without_waiting(restore, emulator, erp):
    other = emulator.start_task(erp["id"], "backup")
    result = restore(wait=False)
    assert (result["error"]["code"], result["changed"], "diff" in result) == ("task_in_progress", False, False)
    assert result["task"]["id"] == other["id"]


def test_tasks_that_never_end_to_get_in_between_are_given_up(restore, emulator):
    emulator.faults.add("task_in_progress", "POST", times=None)
    result = restore()
    assert (result["error"]["code"], result["changed"], len(emulator.log.writes)) == ("wrong_state", False, 10)


@pytest.mark.parametrize(
    ("plan", "code", "status", "words"),
    [
        ({"outcome": "failed", "error": "Disk full."}, "task_failed", "error", "Disk full."),
        ({"outcome": "cancelled"}, "task_cancelled", "running", "was cancelled"),
        ({"outcome": "never_started"}, "task_never_started", "running", "never started"),
        ({"outcome": "hangs"}, "wait_timeout", "restarting", "oec_task_info"),
    ],
)
def test_a_restore_that_does_not_complete(restore, emulator, plan, code, status, words):
    emulator.plan_task("restore", **plan)
    result = restore(wait_timeout=120)
    (task,), (environment,) = emulator.tasks(), emulator.environments()
    assert (result["error"]["code"], result["changed"], result["task"]["id"]) == (code, True, task["id"])
    assert (result["environment"], bool(result["log"])) == (environment, code != "wait_timeout")
    assert environment["status"] == status or code == "wait_timeout"
    assert [part for part in (words, "Client ERP/production") if part not in result["msg"]] == []


def test_a_failure_outweighs_an_environment_that_cannot_be_read(restore, emulator, erp):
    emulator.plan_task("restore", outcome="failed")
    emulator.faults.add("status", "GET", f"/environments/{erp['id']}", skip=1, times=None)
    result = restore()
    assert (result["error"]["code"], result["environment"]["status"]) == ("task_failed", "running")


@pytest.mark.parametrize(("starts", "status"), [(True, "running"), (False, "stopped")])
def test_an_environment_that_was_stopped_is_read_afterwards(restore, emulator, erp, starts, status):
    emulator.settings.restore_starts = starts
    emulator.edit_environment(erp["id"], status="stopped")
    result = restore()
    assert (result["environment"]["status"], "failed" in result) == (status, False)
    assert ("'stopped' now" in json.dumps(result.get("warnings", []))) is not starts


def test_the_status_may_come_late(restore, emulator):
    emulator.settings.status_moves_late = 60
    result = restore()
    assert (result["environment"]["status"], "failed" in result) == ("running", False)


def test_what_is_started_is_not_waited_for(restore, emulator, sleeps):
    result = restore(wait=False)
    (task,) = emulator.tasks()
    assert (result["changed"], result["task"]["id"], result["environment"]["status"]) == (True, task["id"], "running")
    assert (emulator.log.count(f"GET {TASK}"), sleeps) == (0, [])


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"missing_routes": [RESTORE]}, "unsupported"),
        ({"missing_routes": [RESTORE], "missing_route_status": 405}, "unsupported"),
        # Its 404 may be about the backup: the message says where to look.
        ({"has_backups": False}, "not_found"),
    ],
)
def test_a_service_without_the_route_rejects_it(restore, emulator, settings, code):
    for name, value in settings.items():
        setattr(emulator.settings, name, value)
    result = restore()
    assert (result["error"]["code"], result.get("changed", False)) == (code, False)
    assert restored_from(emulator) is None
