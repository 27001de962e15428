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
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID, writes

NOW = datetime(2026, 11, 28, 21, tzinfo=timezone.utc)
HOUR, DAY = 3600, 86400
ENDS = ["completed", "adopted", "started", "not_needed", "failed", "cancelled", "never_started"]
OUTCOMES = [*ENDS, "still_running", "skipped"]
ONE = {"project": "Client ERP", "name": "production"}
NAMES = ("Bakery", "Brewery", "Dairy", "Mill", "Vineyard")
BACKUP, BACKUPS, TASK = "/backups/[^/]+", "/environments/[^/]+/backups", "/deployments/[^/]+"
CREATE = "POST /environments/{environment_id}/backups"
STORAGE_ID = "5704a6e0-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def at_nine(emulator):
    emulator.clock.freeze(NOW)


@pytest.fixture
def oec_backup(run_module) -> Callable[..., dict[str, Any]]:
    """oec_backup(check=False, diff=True, **options): the result, whose rows and summary are consistent."""

    def run(**options: Any) -> dict[str, Any]:
        result: dict[str, Any] = run_module("oec_backup", **(options if "environments" in options else ONE | options))
        if rows := result.get("backups"):
            counts = Counter(row["outcome"] for row in rows)
            assert result["summary"] == {outcome: counts[outcome] for outcome in OUTCOMES}
            assert result["changed"] == any(row["changed"] for row in rows)
            assert bool(result.get("failed")) == any(row["error"] for row in rows)
            assert all(row["error"]["code"] for row in rows if row["error"])
        return result

    return run


@pytest.fixture
def erp(emulator) -> dict[str, Any]:
    """The production of Client ERP."""
    return emulator.add_environment(emulator.add_project("Client ERP")["id"])


@pytest.fixture
def clients(emulator) -> list[dict[str, Any]]:
    """The productions of five clients."""
    return [emulator.add_environment(emulator.add_project(name)["id"]) for name in NAMES]


def items(*names: str) -> list[dict[str, Any]]:
    return [{"project": name, "name": "production"} for name in names]


def only(result: dict[str, Any]) -> dict[str, Any]:
    (row,) = result["backups"]
    return row


def outcomes(result: dict[str, Any]) -> list[str]:
    return [row["outcome"] for row in result["backups"]]


def warnings_of(result: dict[str, Any]) -> list[str]:
    return [json.dumps(warning) for warning in result.get("warnings", ())]


def back_up_earlier(emulator, environment, age: float, **plan: Any) -> None:
    """Start a backup in the dashboard so many seconds ago."""
    emulator.clock.advance(-age)
    emulator.start_task(environment["id"], "backup", **plan)
    emulator.clock.advance(age)


# One environment.


def test_one_backup_from_request_to_result(oec_backup, emulator, erp):
    result = oec_backup(max_age="24h")
    (task,), (backup,) = emulator.tasks(), emulator.backups()
    row = only(result)
    assert row.pop("backup").items() >= backup.items()
    about = {"project": "Client ERP", "environment": "production", "environment_id": erp["id"]}
    rest = {"task": task, "error": None, "log": [], "size_ratio": None, "is_shrunken": False}
    rest["newest_completed_at"] = backup["completed_at"]
    assert row == {**about, "outcome": "completed", "changed": True, **rest}
    path = f"/environments/{erp['id']}/backups"
    steps = [step for step, _same in groupby((entry.method, entry.path) for entry in emulator.log.requests())]
    assert steps == [
        ("GET", "/projects"),
        ("GET", f"/projects/{erp['project_id']}/environments"),
        ("GET", path),
        ("POST", path),
        ("GET", f"/deployments/{task['id']}"),
        ("GET", f"/backups/{backup['id']}"),
    ]
    assert emulator.log.count() == emulator.log.count(f"GET {TASK}") + emulator.log.count(f"GET {BACKUP}") + 4
    (post,) = emulator.log.writes
    assert post.json == {"backup_type": "manual", "include_filestore": True, "retention_type": "monthly"}
    assert [name for name in post.headers if "idempotency" in name] == []
    # Now it exists: three reads, and nothing else.
    emulator.log.clear()
    assert only(oec_backup(max_age="24h"))["outcome"] == "not_needed"
    assert (emulator.log.count(), emulator.log.count("GET")) == (3, 3)


@pytest.mark.parametrize("option", ["environment_id", "id"])
def test_an_environment_is_found_by_its_id(run_module, emulator, erp, option):
    row = only(run_module("oec_backup", **{option: erp["id"].upper()}))
    assert (row["project"], row["environment_id"]) == ("Client ERP", erp["id"])


def test_what_is_asked_for_is_sent_and_announced(oec_backup, emulator, erp):
    emulator.add_backup(erp["id"], 2 * HOUR)
    body = {
        "include_filestore": False,
        "retention_type": "yearly",
        "storage_config_id": STORAGE_ID,
        "notes": "before 18.2",
    }
    result = oec_backup(max_age="1h", **body)
    assert writes(emulator) == [("POST", f"/environments/{erp['id']}/backups", {"backup_type": "manual", **body})]
    header = "environment 'production' of project 'Client ERP'"
    (diff,) = result["diff"]
    assert diff["before"] == 'newest_backup: "2026-11-28T19:00:00.000000Z"\n'
    assert diff["after"].startswith('newest_backup: "(new)"\nbackup_type: manual\ninclude_filestore: false\n')
    assert diff["after"].endswith("notes: before 18.2\n")
    assert (diff["before_header"], diff["after_header"]) == (header, header)
    assert "diff" not in oec_backup(diff=False)


@pytest.mark.parametrize(
    ("max_age", "age", "fields", "outcome"),
    [
        pytest.param("1h", HOUR, {}, "not_needed", id="as old as it may be"),
        pytest.param("1h", HOUR + 1, {}, "completed", id="older"),
        pytest.param("1h", 60, {"expires_at": "2026-11-28T20:59:59Z"}, "completed", id="expired"),
        pytest.param("1h", 60, {"status": "failed"}, "completed", id="failed"),
        pytest.param("1h", 60, {"backup_type": "scheduled"}, "not_needed", id="taken by the service"),
        pytest.param("1h", -60, {}, "not_needed", id="clocks that differ a little"),
        pytest.param("1h", -2 * HOUR, {}, "completed", id="of the future"),
        pytest.param(None, 60, {}, "completed", id="no age"),
        pytest.param("0", 60, {}, "completed", id="none is fresh enough"),
    ],
)
def test_a_fresh_backup_is_enough(oec_backup, emulator, erp, max_age, age, fields, outcome):
    old = emulator.add_backup(erp["id"], age, **fields)
    result = oec_backup(max_age=max_age)
    assert (only(result)["outcome"], result["changed"]) == (outcome, outcome == "completed")
    assert (only(result)["backup"]["id"] == old["id"]) is (outcome == "not_needed") is not bool(emulator.log.writes)


@pytest.mark.parametrize("words", ["client", "documented"])
@pytest.mark.parametrize(("age", "status"), [(1, "pending"), (10, "in_progress"), (24, "uploading")])
def test_a_running_backup_is_adopted(oec_backup, emulator, erp, age, status, words):
    emulator.settings.backup_words = words
    back_up_earlier(emulator, erp, age)
    (running,) = emulator.backups()
    result = oec_backup(max_age="24h" if status == "pending" else None)
    (backup,) = emulator.backups()
    row = only(result)
    assert (running["status"], row["outcome"], row["changed"]) == (status, "adopted", True)
    assert (row["backup"]["id"], row["backup"]["status"]) == (backup["id"], "completed")
    assert "(running)" in result["diff"][0]["after"]
    assert emulator.log.writes == []


@pytest.mark.parametrize("is_lost", [True, False])
@pytest.mark.parametrize("check", [True, False])
def test_one_that_runs_for_a_day_is_taken_for_lost(oec_backup, emulator, erp, is_lost, check):
    lost = emulator.add_backup(erp["id"], DAY - 59 if is_lost else DAY - 61, "uploading" if check else "pending")
    # Decided twice, and told once.
    emulator.faults.add("task_in_progress", "POST")
    result = oec_backup(max_age="24h", wait_timeout=60, check=check)
    assert only(result)["outcome"] == ("completed" if is_lost else "adopted" if check else "still_running")
    assert len(emulator.backups()) == 1 + (is_lost and not check)
    told = [text for text in warnings_of(result) if lost["id"] in text and "for more than a day" in text]
    assert len(told) == is_lost


@pytest.mark.parametrize(
    ("plan", "outcome", "code", "words"),
    [
        (
            {"outcome": "failed", "error": "Disk\x1b[31m full."},
            "failed",
            "task_failed",
            "full. Look at its log with oec_log_info",
        ),
        ({"outcome": "cancelled"}, "cancelled", "task_cancelled", "was cancelled"),
        ({"outcome": "never_started"}, "never_started", "task_never_started", "Nothing was done"),
        ({"outcome": "hangs"}, "still_running", "wait_timeout", "It goes on. Run this again with max_age"),
        ({"outcome": "upload_hangs"}, "still_running", "wait_timeout", "'uploading' after 120 s. It goes on. Run this"),
        ({"outcome": "upload_fails"}, "failed", "task_failed", "is 'failed': The upload failed."),
    ],
)
def test_a_backup_that_does_not_complete(oec_backup, emulator, erp, plan, outcome, code, words):
    old = emulator.add_backup(erp["id"], 30 * HOUR)
    emulator.plan_task("backup", **plan)
    result = oec_backup(wait_timeout=120)
    row, (task,), (_old, backup) = only(result), emulator.tasks(), emulator.backups()
    assert (row["outcome"], row["error"]["code"], result["error"]) == (outcome, code, row["error"])
    assert (row["changed"], row["task"]["id"], row["backup"]["id"]) == (True, task["id"], backup["id"])
    assert (row["backup"]["status"], row["newest_completed_at"]) == (backup["status"], old["completed_at"])
    assert [part for part in (words, "Client ERP/production") if part not in result["msg"]] == []
    # Where the task itself is good, its log says nothing.
    assert bool(row["log"]) == (row["task"]["status"] in ("failed", "cancelled"))
    if outcome == "still_running":
        assert (emulator.clock.now() - NOW).total_seconds() == pytest.approx(120)
    else:
        assert only(oec_backup(max_age="24h"))["outcome"] == "completed"


@pytest.mark.parametrize(
    ("plan", "outcome", "words"),
    [
        ({}, "completed", ""),
        ({"outcome": "failed", "error": "Disk full."}, "failed", "is 'failed': Disk full."),
        ({"outcome": "cancelled"}, "cancelled", "was cancelled"),
        ({"outcome": "hangs"}, "still_running", "is still 'running' after 120 s. It goes on."),
    ],
)
def test_without_a_task_the_backup_itself_is_watched(oec_backup, emulator, erp, plan, outcome, words):
    emulator.settings.backup_has_task_id = False
    emulator.plan_task("backup", **plan)
    result = oec_backup(wait_timeout=120)
    row = only(result)
    assert (row["outcome"], row["task"], row["changed"]) == (outcome, None, True)
    assert words in result.get("msg", "")
    assert emulator.log.count(f"GET {TASK}") == 0


def test_a_task_that_cannot_be_found_is_done_without(oec_backup, emulator, erp):
    emulator.faults.add("status", "GET", TASK, times=None, status=404)
    row, (task,) = only(oec_backup()), emulator.tasks()
    assert (row["outcome"], row["backup"]["status"], row["task"]["id"]) == ("completed", "completed", task["id"])


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (503, "service_unavailable")])
@pytest.mark.parametrize("path", [TASK, BACKUP])
def test_a_backup_out_of_sight_is_named_and_still_running(oec_backup, emulator, erp, status, code, path):
    """Nobody knows how it ends, so that it has not failed."""
    emulator.faults.add("status", "GET", path, times=None, status=status)
    result = oec_backup()
    row, (backup,) = only(result), emulator.backups()
    assert (row["error"]["code"], row["changed"], row["backup"]["id"]) == (code, True, backup["id"])
    assert row["outcome"] == "still_running"
    assert backup["id"] in result["msg"] or backup["task_id"] in result["msg"]
    assert "can no longer be watched" in result["msg"]


def test_a_failed_task_outweighs_a_backup_out_of_sight(oec_backup, emulator, erp):
    emulator.plan_task("backup", outcome="failed", error="Disk full.")
    emulator.faults.add("status", "GET", BACKUP, times=None)
    row, (backup,) = only(oec_backup()), emulator.backups()
    assert (row["outcome"], row["error"]["code"], row["backup"]["id"]) == ("failed", "task_failed", backup["id"])
    assert row["log"][-1] == "ERROR: Disk full."


def test_a_backup_that_disappears_fails(oec_backup, emulator, erp):
    emulator.faults.add("status", "GET", BACKUP, status=404, body={"error": "not_found", "message": "Gone."})
    result = oec_backup()
    assert (only(result)["outcome"], result["error"]["code"], result["changed"]) == ("failed", "not_found", True)


# A lost response, and a conflict.

FAULTS = {
    "cut before": ("cut_before", {}, 0),
    "cut after": ("cut_after", {}, 1),
    "cut midway": ("cut_midway", {}, 1),
    "truncated": ("truncate", {}, 1),
    "a proxy's page before": ("html", {}, 0),
    "a proxy's page after": ("html", {"after": True}, 1),
    "503": ("status", {}, 0),
    "503 after": ("status", {"after": True}, 1),
    "another action just now": ("concurrent_action", {"times": 2}, 3),
    "429": ("rate_limit", {"retry_after": 30}, 2),
}


@pytest.mark.parametrize(("kind", "parameters", "attempt"), FAULTS.values(), ids=FAULTS)
def test_a_lost_response_takes_one_backup(oec_backup, emulator, erp, kind, parameters, attempt):
    """`attempt`: the request that is carried out. What may have been carried out is never repeated."""
    emulator.add_backup(erp["id"], 2 * HOUR)
    emulator.faults.add(kind, "POST", **parameters)
    result = oec_backup(max_age="1h")
    assert emulator.log.count("POST") == max(attempt, 1)
    assert only(result)["outcome"] == ("completed" if attempt else "failed")
    if not attempt:
        # It may still begin.
        assert (result["changed"], only(result)["backup"], bool(result["diff"])) == (True, None, True)
        assert [part for part in ("No new backup was found", "Run this again") if part not in result["msg"]] == []
        assert oec_backup(max_age="1h")["summary"]["completed"] == 1
    assert len(emulator.backups()) == 2


def test_a_backup_that_the_list_has_late_is_found(oec_backup, emulator, erp, sleeps):
    nothing = {"items": [], "total": 0, "page": 1, "page_size": 100, "pages": 0}
    emulator.faults.add("cut_after", "POST")
    emulator.faults.add("replace", "GET", BACKUPS, skip=1, times=2, body=nothing)
    assert only(oec_backup())["outcome"] == "completed"
    assert (len(emulator.backups()), sleeps[:3]) == (1, [3, 3, 5])


@pytest.mark.parametrize(("type_", "outcome"), [("manual", "completed"), ("scheduled", "failed")])
def test_only_a_manual_backup_is_taken_for_ours(oec_backup, emulator, erp, sleeps, type_, outcome):
    emulator.faults.add("cut_before", "POST")
    sleeps.meanwhile = lambda: emulator.add_backup(erp["id"], backup_type=type_)
    assert (only(oec_backup())["outcome"], len(emulator.log.writes)) == (outcome, 1)


UNUSABLE = [{}, {"id": None}, [], {"id": UNKNOWN_ID, "task_id": 7}, {"message": "Backup started"}]


@pytest.mark.parametrize("body", UNUSABLE, ids=json.dumps)
def test_a_201_that_cannot_be_used_is_looked_for(oec_backup, emulator, erp, body):
    emulator.faults.add("replace", "POST", body=body)
    row = only(oec_backup())
    (backup,) = emulator.backups()
    assert (row["outcome"], row["changed"], row["backup"]["id"]) == ("completed", True, backup["id"])
    assert len(emulator.log.writes) == 1


@pytest.mark.parametrize(
    ("begun", "outcome"), [(0, "completed"), (5 * 60 - 1, "completed"), (5 * 60 + 1, "failed"), (DAY, "failed")]
)
def test_an_older_backup_is_not_taken_for_ours(oec_backup, emulator, erp, sleeps, begun, outcome):
    """One that moves up into the page of the newest, where others are deleted, is new to this run."""
    old = emulator.add_backup(erp["id"], begun, started_at=None)
    moment = datetime.fromtimestamp(NOW.timestamp() - begun, timezone.utc).isoformat()
    page = {"items": [{**old, "started_at": moment}], "total": 1, "page": 1, "page_size": 100, "pages": 1}
    emulator.faults.add("cut_before", "POST")
    emulator.faults.add("replace", "GET", BACKUPS, times=1, body={**page, "items": [], "total": 0})
    emulator.faults.add("replace", "GET", BACKUPS, times=None, body=page)
    row = only(oec_backup())
    assert (row["outcome"], (row["backup"] or {}).get("id")) == (outcome, old["id"] if outcome == "completed" else None)


def test_a_fatal_failure_while_looking_is_the_one(oec_backup, emulator, clients):
    emulator.faults.add("cut_after", "POST")
    emulator.faults.add("status", "GET", BACKUPS, skip=1, times=None, status=401)
    result = oec_backup(environments=items(*NAMES), parallel=1)
    assert (outcomes(result), result["error"]["code"]) == (["failed", *["skipped"] * 4], "unauthorized")
    assert (result["changed"], len(emulator.log.writes)) == (True, 1)


HELD_UP = {
    "over the limit": ("rate_limit", {"retry_after": 30}),
    "another action just now": ("concurrent_action", {}),
}


@pytest.mark.parametrize(("kind", "parameters"), HELD_UP.values(), ids=HELD_UP)
@pytest.mark.parametrize(("is_over", "outcome"), [(True, "not_needed"), (False, "adopted")])
def test_what_is_held_up_is_decided_anew(oec_backup, emulator, erp, sleeps, kind, parameters, is_over, outcome):
    """Another job takes the backup meanwhile."""
    emulator.faults.add(kind, "POST", **parameters)
    sleeps.meanwhile = lambda: (
        emulator.add_backup(erp["id"], 0) if is_over else emulator.start_task(erp["id"], "backup", seconds=100)
    )
    result = oec_backup(max_age="24h")
    (backup,) = emulator.backups()
    assert (only(result)["outcome"], only(result)["backup"]["id"]) == (outcome, backup["id"])
    # What was not done is no difference.
    assert (len(emulator.log.writes), bool(result["diff"])) == (1, not is_over)


def test_a_limit_that_stays_has_changed_nothing(oec_backup, emulator, erp, sleeps):
    emulator.faults.add("rate_limit", "POST", retry_after=30, times=None)
    result = oec_backup(api_max_wait=100)
    assert (result["error"]["status"], result["changed"], result["diff"]) == (429, False, [])
    # A look before each repeat, and one at the end.
    assert emulator.log.count(f"GET {BACKUPS}") == len(emulator.log.writes) + 1


def test_a_list_that_fails_leaves_it_to_the_next_run(oec_backup, emulator, erp):
    emulator.faults.add("cut_after", "POST")
    emulator.faults.add("status", "GET", BACKUPS, skip=1, times=None)
    result = oec_backup(max_age="24h")
    assert (only(result)["outcome"], result["error"]["code"], result["changed"]) == ("failed", "no_response", True)
    words = ("The list of backups could not be read", "Run this again with max_age")
    assert [part for part in words if part not in result["msg"]] == []
    emulator.faults.clear()
    assert only(oec_backup(max_age="24h"))["outcome"] in ("adopted", "not_needed")
    assert (len(emulator.backups()), len(emulator.log.writes)) == (1, 1)


@pytest.mark.parametrize("conflict", ["task_in_progress", "text"])
@pytest.mark.parametrize("has_task_id", [True, False])
@pytest.mark.parametrize("wait", [True, False])
def test_a_backup_seen_only_by_the_409_is_adopted(oec_backup, emulator, erp, conflict, has_task_id, wait):
    emulator.settings.backup_conflict, emulator.settings.conflict_has_task_id = conflict, has_task_id
    nothing = {"items": [], "total": 0, "page": 1, "page_size": 100, "pages": 0}
    emulator.faults.add("replace", "GET", BACKUPS, body=nothing)
    back_up_earlier(emulator, erp, 10)
    assert only(oec_backup(wait=wait))["outcome"] == "adopted"
    assert (len(emulator.backups()), [entry.status for entry in emulator.log.writes]) == (1, [409])


@pytest.mark.parametrize("has_task_id", [True, False])
@pytest.mark.parametrize("type_", ["deploy", "restart"])
def test_another_task_is_waited_for(oec_backup, emulator, erp, type_, has_task_id):
    emulator.settings.conflict_has_task_id = has_task_id
    emulator.start_task(erp["id"], type_, seconds=100)
    assert only(oec_backup())["outcome"] == "completed"
    other, own = emulator.tasks()
    assert own["started_at"] > other["completed_at"]
    assert [entry.status for entry in emulator.log.writes] == [409, 201]


def test_another_task_in_unknown_words_is_waited_for(oec_backup, emulator, erp):
    emulator.start_task(erp["id"], "restart", seconds=100)
    emulator.faults.add("status", "POST", status=409, body={"detail": "Something else runs."})
    assert only(oec_backup())["outcome"] == "completed"
    assert len(emulator.tasks()) == 2


def test_another_task_fails_without_waiting(oec_backup, emulator, erp):
    other = emulator.start_task(erp["id"], "restart")
    result = oec_backup(wait=False)
    row = only(result)
    assert (row["outcome"], result["changed"], result["diff"]) == ("failed", False, [])
    assert (row["error"]["code"], row["task"]["id"]) == ("wrong_state", other["id"])
    assert [part for part in ("wait is off", "set wait: true", other["id"]) if part not in result["msg"]] == []


def test_a_task_that_stays_in_the_way_is_named(oec_backup, emulator, erp):
    other = emulator.start_task(erp["id"], "restart", outcome="hangs")
    result = oec_backup(wait_timeout=60)
    row = only(result)
    assert (row["error"]["code"], row["task"]["id"], row["changed"]) == ("wait_timeout", other["id"], False)
    assert other["id"] in result["msg"]


def test_a_conflict_without_a_cause_is_final(oec_backup, emulator, erp):
    emulator.faults.add("status", "POST", status=409, text="It is locked.")
    result = oec_backup()
    assert (result["error"]["code"], result["error"]["status"], result["changed"]) == ("rejected", 409, False)
    assert "It is locked." in result["msg"]
    assert len(emulator.log.writes) == 1


@pytest.mark.parametrize(("wait", "outcome", "sent", "pauses"), [(True, "completed", 2, [5]), (False, "failed", 1, [])])
def test_a_task_that_is_over_already_is_paused_for(oec_backup, emulator, erp, sleeps, wait, outcome, sent, pauses):
    emulator.faults.add("task_in_progress", "POST")
    assert only(oec_backup(wait=wait))["outcome"] == outcome
    assert (len(emulator.log.writes), sleeps[:1]) == (sent, pauses)


def test_tasks_that_never_end_to_get_in_between_are_given_up(oec_backup, emulator, erp):
    emulator.faults.add("concurrent_action", "POST", times=None)
    result = oec_backup()
    assert (only(result)["outcome"], result["error"]["code"], result["changed"]) == ("failed", "wrong_state", False)
    assert (len(emulator.log.writes), (emulator.clock.now() - NOW).total_seconds()) == (10, pytest.approx(50))


# What the API rejects.


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"has_storage": False}, "rejected", "No storage configuration available."),
        ({"backup_quota": 1}, "backup_quota_exceeded", "as many backups as its plan allows"),
        ({"missing_routes": [CREATE]}, "unsupported", "does not have that yet"),
        ({"missing_routes": [CREATE], "missing_route_status": 405}, "unsupported", "does not have that yet"),
        ({"has_backups": False}, "unsupported", "does not have that yet"),
    ],
)
def test_a_rejected_backup_has_changed_nothing(oec_backup, emulator, erp, settings, code, words):
    emulator.add_backup(erp["id"], 2 * HOUR)
    for name, value in settings.items():
        setattr(emulator.settings, name, value)
    result = oec_backup(max_age="1h")
    assert (only(result)["outcome"], result["error"]["code"], result["changed"]) == ("failed", code, False)
    assert (only(result)["backup"], result["diff"]) == (None, [])
    assert words in result["msg"]
    assert len(emulator.backups()) == 1


def test_a_read_only_key_only_looks(oec_backup, emulator, erp):
    key = {"api_key": emulator.keys.read_only}
    assert only(oec_backup(**key, check=True))["outcome"] == "completed"
    assert oec_backup(**key)["error"]["code"] == "read_only_key"
    emulator.add_backup(erp["id"])
    assert only(oec_backup(**key, max_age="1h"))["outcome"] == "not_needed"
    assert emulator.log.writes == []


# How large it is.


@pytest.mark.parametrize(
    ("before", "ratio", "options", "expected", "is_shrunken"),
    [
        pytest.param({}, 0.49, {}, 0.49, True, id="less than half"),
        pytest.param({}, 0.5, {}, 0.5, False, id="half"),
        pytest.param({}, 0.5, {"min_size_ratio": 0.6}, 0.5, True, id="less than declared"),
        pytest.param({}, 0.1, {"min_size_ratio": 0}, 0.1, False, id="no limit"),
        pytest.param({}, 0, {"min_size_ratio": 0}, 0, True, id="empty all the same"),
        pytest.param({}, 1, {"include_filestore": False}, 1, False, id="a database like that one"),
        pytest.param({}, 0, {"include_filestore": False}, 0, True, id="an empty database"),
        pytest.param(None, 1, {}, None, False, id="the first one"),
        pytest.param(None, 0, {}, 0, True, id="the first one, empty"),
        pytest.param({"status": "failed"}, 0.1, {}, None, False, id="the first that is good"),
        pytest.param({"expires_at": "2026-11-28T12:00:00Z"}, 0.1, {}, 0.1, True, id="the one before has expired"),
    ],
)
def test_a_backup_that_has_shrunken_warns(oec_backup, emulator, erp, before, ratio, options, expected, is_shrunken):
    if before is not None:
        emulator.add_backup(erp["id"], 30 * HOUR, **before)
    emulator.plan_task("backup", size_ratio=ratio)
    for outcome in ("completed", "not_needed"):
        result = oec_backup(max_age="24h", **options)
        row = only(result)
        assert (row["outcome"], row["size_ratio"], row["is_shrunken"]) == (outcome, expected, is_shrunken)
        told = [text for text in warnings_of(result) if row["backup"]["id"] in text]
        assert len(told) == is_shrunken
        assert all("Client ERP/production" in text and f"{expected * 100:.0f} %" in text for text in told)


def test_thirty_pages_of_backups_are_one_to_this(oec_backup, emulator, erp):
    for number in range(3000):
        emulator.add_backup(erp["id"], 2 * HOUR + number * DAY)
    assert only(oec_backup(max_age="1h"))["size_ratio"] == 1
    assert [entry.query for entry in emulator.log.requests("GET", BACKUPS)] == [{"page": "1", "page_size": "100"}]


# Many environments.


def test_many_are_taken_at_once_with_few_requests(oec_backup, emulator, clients):
    result = oec_backup(environments=items(*NAMES), max_age="24h", parallel=2)
    assert outcomes(result) == ["completed"] * 5
    assert [row["environment_id"] for row in result["backups"]] == [each["id"] for each in clients]
    assert [len(emulator.backups(each["id"])) for each in clients] == [1] * 5
    assert emulator.most_at_once() == 2
    polls = emulator.log.count(f"GET {TASK}") + emulator.log.count(f"GET {BACKUP}")
    # The projects; the environments, the backups and a request for each.
    assert emulator.log.count() == 1 + 3 * 5 + polls
    # A fifth of the reads, over three rounds of half a minute each.
    assert polls <= 24 * (emulator.clock.now() - NOW).total_seconds() / 60 + 1
    emulator.log.clear()
    again = oec_backup(environments=items(*NAMES), max_age="24h")
    assert (outcomes(again), again["changed"], again["diff"]) == (["not_needed"] * 5, False, [])
    assert (emulator.log.count(), emulator.log.count("GET")) == (1 + 2 * 5, 1 + 2 * 5)


def test_one_failure_leaves_the_others_alone(oec_backup, emulator, clients):
    emulator.plan_task("backup", clients[1]["id"], outcome="failed", error="Disk full.")
    emulator.plan_task("backup", clients[3]["id"], outcome="upload_hangs")
    emulator.add_backup(clients[2]["id"])
    result = oec_backup(environments=items(*NAMES), max_age="1h", wait_timeout=120)
    assert outcomes(result) == ["completed", "failed", "not_needed", "still_running", "completed"]
    assert "of 5 backups, 2 completed, 1 not needed, 1 failed, 1 still running:\n" in result["msg"]
    details = [(detail["project"], detail["environment"], detail["code"]) for detail in result["error"]["details"]]
    assert details == [("Brewery", "production", "task_failed"), ("Mill", "production", "wait_timeout")]


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (402, "subscription_blocked")])
def test_a_failure_of_the_account_ends_the_rest(oec_backup, emulator, clients, status, code):
    emulator.faults.add("status", "POST", status=status, times=None)
    result = oec_backup(environments=items(*NAMES))
    assert (outcomes(result), result["error"]["code"]) == (["failed", *["skipped"] * 4], code)
    assert len(emulator.log.writes) == 1


def test_three_lost_responses_in_a_row_end_the_rest(oec_backup, emulator, clients):
    emulator.faults.add("status", "POST", times=None)
    result = oec_backup(environments=items(*NAMES), parallel=1)
    assert outcomes(result) == ["failed"] * 3 + ["skipped"] * 2
    assert len(emulator.log.writes) == 3


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        ([{"project": "Gone", "name": "production"}], "not_found", "item 2"),
        ([{"project": "Dairy", "name": "staging"}], "not_found", "'staging'"),
        ([{"environment_id": UNKNOWN_ID}], "not_found", UNKNOWN_ID),
        ([{"name": "production"}], "invalid_input", "its project and its name"),
        ([{"project": "Bakery", "name": "production"}], "duplicate_declaration", "'Bakery/production'"),
        ([{"project": "Dairy", "nome": "production"}], "unknown_option", "Did you mean 'name'"),
    ],
)
def test_a_wrong_item_rejects_all_before_a_write(oec_backup, emulator, clients, wrong, code, words):
    result = oec_backup(environments=[*items("Bakery"), *wrong, *items("Brewery")])
    assert (result["error"]["code"], "backups" in result) == (code, False)
    assert words in result["msg"]
    assert emulator.log.writes == []


def test_a_rejected_key_is_sent_once(oec_backup, emulator, clients):
    ids = [{"environment_id": each["id"]} for each in clients]
    result = oec_backup(environments=ids, api_key=emulator.keys.expired)
    assert (result["error"]["status"], result["error"]["code"], emulator.log.count()) == (401, "key_expired", 1)


def test_what_is_started_is_not_waited_for(oec_backup, emulator, clients, sleeps):
    back_up_earlier(emulator, clients[0], 10)
    result = oec_backup(environments=items(*NAMES), wait=False, parallel=1)
    assert outcomes(result) == ["adopted", *["started"] * 4]
    assert [(row["changed"], row["backup"]["environment_id"]) for row in result["backups"]] == [
        (True, each["id"]) for each in clients
    ]
    assert {row["backup"]["status"] for row in result["backups"][1:]} == {"pending"}
    assert (emulator.log.count(f"GET {TASK}"), list(sleeps)) == (0, [])


def test_a_new_backup_is_returned_without_links(oec_backup, emulator, erp):
    backup = {"id": UNKNOWN_ID, "status": "pending"}
    emulator.faults.add("replace", "POST", body={**backup, "database_url": "https://storage.example.com/x?signature=x"})
    result = oec_backup(wait=False)
    assert (only(result)["backup"], only(result)["task"]) == (backup, None)


# Rejected before the first request.

REJECTED = {
    "an age in words": ({"max_age": "one day"}, "'one day' is not a time"),
    "a negative age": ({"max_age": "-1h"}, "'-1h' is not a time"),
    "an unknown retention": ({"retention_type": "weakly"}, "weakly"),
    "a storage that is none": ({"storage_config_id": "s3"}, "storage_config_id 's3' is not a UUID"),
    "long notes": ({"notes": "x" * 501}, "notes"),
    "a ratio above 1": ({"min_size_ratio": 1.1}, "min_size_ratio is 1.1"),
    "a ratio below 0": ({"min_size_ratio": -0.1}, "min_size_ratio is -0.1"),
    "no parallel": ({"parallel": 0}, "parallel is 0"),
    "no time to wait": ({"wait_timeout": 0}, "wait_timeout is 0"),
    "environments beside a name": ({"environments": [], "name": "production"}, "mutually exclusive"),
    "neither name nor id": ({"name": ""}, "one of the following is required"),
    "no project": ({"project": ""}, "its project and its name"),
}


@pytest.mark.parametrize(("options", "words"), REJECTED.values(), ids=REJECTED)
def test_what_is_wrong_is_rejected_before_a_request(oec_backup, emulator, options, words):
    result = oec_backup(**options)
    assert (result["error"]["code"], emulator.log.count()) == ("invalid_input", 0)
    assert words in result["msg"]
