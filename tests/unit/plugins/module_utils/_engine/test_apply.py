# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import NoResponseError, OecError, RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import DELETED, UPDATED, Action
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.apply import CircuitBreaker, apply_plan
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import plan
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.tests.support import SERVER_ID, project_path, writes

# When to stop.

DECLARED = Action(PROJECT, UPDATED, "Declared")
PRUNED = Action(PROJECT, DELETED, "Pruned", is_pruned=True)


def failed(error, action=DECLARED):
    return lambda breaker: breaker.record_failure(action, error, error.failure)


OK = CircuitBreaker.record_success
REJECTED, OTHER = [failed(RejectedError("validation", message, status=422)) for message in ("first", "other")]
FORBIDDEN = failed(RejectedError("forbidden", "forbidden", status=403))
NO_PLAN, SCOPED = [
    failed(RejectedError(code, code, status=403)) for code in ("plan_feature_required", "project_scoped_key")
]
REVOKED = failed(RejectedError("invalid_key", "revoked", status=401))
UNPAID = failed(RejectedError("subscription_blocked", "unpaid", status=402))
BLOCKED = failed(RejectedError("ip_blocked", "blocked", status=429))
LOST, LAST_LOST = [failed(NoResponseError("no_response", message)) for message in ("lost", "last lost")]
RUNNING = failed(RejectedError("environments_running", "running", status=409), PRUNED)
LOST_PRUNED = failed(NoResponseError("no_response", "lost"), PRUNED)
INVALID = failed(OecError("invalid_response", "invalid"))
# What has happened: why a declared project is skipped then, and why one to prune is.
SKIPPED = {
    "nothing": ([], None, None),
    "success": ([OK], None, None),
    "a rejection": ([REJECTED], None, "first"),
    "rejections": ([REJECTED, OTHER, OK], None, "first"),
    "something forbidden": ([FORBIDDEN], None, "forbidden"),
    "a plan without this": ([NO_PLAN], "plan_feature_required", "plan_feature_required"),
    "a key of one project": ([SCOPED, REJECTED], "project_scoped_key", "project_scoped_key"),
    "a rejection, then two without a response": ([REJECTED, LOST, LOST, OK], None, "first"),
    "an invalid response": ([INVALID] * 3, None, "invalid"),
    "a revoked key": ([REVOKED], "revoked", "revoked"),
    "a blocked subscription": ([OK, UNPAID], "unpaid", "unpaid"),
    "a blocked address": ([REJECTED, BLOCKED], "blocked", "blocked"),
    "two fatal failures": ([UNPAID, REVOKED], "unpaid", "unpaid"),
    "two without a response": ([LOST, LOST], None, "lost"),
    "three without a response": ([LOST, LOST, LAST_LOST], "last lost", "last lost"),
    "four without a response": ([LOST, LOST, LAST_LOST, LOST], "last lost", "last lost"),
    "a project that cannot be pruned": ([RUNNING], None, None),
    "a rejection before that": ([REJECTED, RUNNING], None, "first"),
    "three prunes without a response": ([LOST_PRUNED] * 3, "lost", "lost"),
    "a rejection before two": ([REJECTED, LOST, LOST], None, "first"),
    "a rejection in between": ([LOST, LOST, REJECTED, LOST, LOST], None, "lost"),
    "a success in between": ([LOST, LOST, OK, LOST, LOST], None, "lost"),
}


@pytest.mark.parametrize(("events", "declared", "pruned"), SKIPPED.values(), ids=SKIPPED)
def test_writes_stop_once_further_ones_would_do_harm(events, declared, pruned):
    breaker = CircuitBreaker()
    for record in events:
        record(breaker)
    reasons = [breaker.skip_reason(action) for action in (DECLARED, PRUNED)]
    assert [reason and reason.message for reason in reasons] == [declared, pruned]


# The plan, applied.

APPLY, CHECK = Mode(), Mode(check=True)


@pytest.fixture
def apply(make_client):
    """apply(*items, mode=APPLY, prune=False, **settings): the outcomes of a plan."""

    def run(*items, mode=APPLY, prune=False, **settings):
        client = make_client(**settings)
        declarations = [Desired.parse(PROJECT, item) for item in items]
        planned = plan(PROJECT, declarations, client.of(PROJECT).known.objects, {}, prune=prune, prune_limit=9)
        return apply_plan(client, planned.actions, mode)

    return run


def summary(outcomes):
    """Return name, and code of the failure or what was done, of each."""
    return [(each.action.name, each.failure.code if each.failure else each.action.type) for each in outcomes]


def changes(*names):
    return [{"name": name, "default_branch": "dev"} for name in names]


ESTATE = [
    *changes("Changed"),
    {"name": "New", "server": SERVER_ID, "idempotency_key": "change-4711"},
    {"name": "Same"},
    {"name": "Running", "state": "absent"},
    {"name": "Deleted", "state": "absent"},
]


def test_a_plan_is_applied_in_order_and_past_a_failure(apply, emulator):
    changed, same, running, deleted = [emulator.add_project(n) for n in ("Changed", "Same", "Running", "Deleted")]
    emulator.set_running(running["id"], 1)
    outcomes = apply(*ESTATE)
    assert [(*summary([each])[0], each.changed, each.after) for each in outcomes] == [
        ("Changed", "updated", True, {**changed, "default_branch": "dev"}),
        ("New", "created", True, emulator.projects()[-1]),
        ("Same", "unchanged", False, same),
        ("Running", "environments_running", False, emulator.projects()[2]),
        ("Deleted", "deleted", True, None),
    ]
    assert str(outcomes[3].failure.subject) == "project 'Running'"
    assert writes(emulator) == [
        ("PATCH", project_path(changed), {"default_branch": "dev"}),
        ("POST", "/projects", {"name": "New", "server_id": SERVER_ID}),
        ("DELETE", project_path(running), None),
        ("DELETE", project_path(deleted), None),
    ]
    assert emulator.log.writes[1].headers["x-idempotency-key"] == "change-4711"


@pytest.mark.parametrize("key", ["full", "read_only"])
def test_in_check_mode_nothing_is_written(apply, emulator, key):
    existing = [emulator.add_project(name) for name in ("Changed", "Same", "Running", "Deleted")]
    outcomes = apply(*ESTATE, mode=CHECK, api_key=getattr(emulator.keys, key))
    assert [outcome.action.type for outcome in outcomes] == ["updated", "created", "unchanged", "deleted", "deleted"]
    assert [outcome.after for outcome in outcomes] == [outcome.action.after for outcome in outcomes]
    assert (emulator.projects(), writes(emulator)) == (existing, [])


def test_a_read_only_key_is_enough_where_nothing_changes(apply, emulator):
    emulator.add_project("Same")
    assert summary(apply({"name": "Same"}, api_key=emulator.keys.read_only)) == [("Same", "unchanged")]
    with pytest.raises(OecError) as caught:
        apply(*changes("Same"), api_key=emulator.keys.read_only)
    assert caught.value.failure.code == "read_only_key"
    assert writes(emulator) == []


def test_after_a_fatal_failure_the_remaining_writes_are_skipped(apply, emulator):
    for name in ("A", "B", "C", "D", "Same"):
        emulator.add_project(name)
    emulator.faults.add("status", "PATCH", skip=1, times=None, status=402, body={"error": "subscription_blocked"})
    outcomes = apply(*changes("A", "B", "C", "D"), {"name": "Same"})
    codes = ["updated", "subscription_blocked", "skipped", "skipped", "unchanged"]
    assert summary(outcomes) == list(zip(["A", "B", "C", "D", "Same"], codes, strict=True))
    assert emulator.log.count("PATCH") == 2
    cause = outcomes[1].failure
    for outcome in outcomes[2:4]:
        failure = outcome.failure
        assert (failure.status, failure.details) == (None, [{"code": "subscription_blocked", "status": 402}])
        assert failure.message == f"not tried, because project 'B' failed: {cause.message}"
        assert (str(failure.subject), failure.hint) == (f"project '{outcome.action.name}'", cause.hint)
        assert outcome.after == outcome.action.before


@pytest.mark.parametrize(("between", "sent"), [([{"name": "Same"}], 3), (changes("Same"), 5)])
def test_three_writes_in_a_row_without_a_response_are_the_last(apply, emulator, between, sent):
    """An unchanged project in between is no response, one that is written is."""
    same, *_others = [emulator.add_project(name) for name in ("Same", "A", "B", "C", "D")]
    emulator.faults.add("status", "PATCH", f"/projects/(?!{same['id']}).*", times=None, status=503)
    outcomes = apply(*changes("A", "B"), *between, *changes("C", "D"), api_retries=0)
    assert summary(outcomes)[-1] == ("D", "skipped" if sent == 3 else "service_unavailable")
    assert emulator.log.count("PATCH") == sent


def test_nothing_is_pruned_after_a_failure(apply, emulator):
    """What is to be pruned may be the failed project, under its old name."""
    existing = [emulator.add_project(name) for name in ("Old name", "Other")]
    emulator.faults.add("status", "POST", times=None, status=422, body={"error": "validation"})
    items = [{"name": name, "server": SERVER_ID} for name in ("New name", "Another")]
    outcomes = apply(*items, prune=True)
    assert [code for _name, code in summary(outcomes)] == ["validation", "validation", "skipped", "skipped"]
    assert "because project 'New name' failed" in outcomes[2].failure.message
    assert (emulator.projects(), emulator.log.count("DELETE")) == (existing, 0)


def test_a_name_is_taken_after_it_is_free(apply, emulator):
    """In any order of the list; a cycle begins with its last one."""
    ids = {name: emulator.add_project(name)["id"] for name in ("A", "B", "C", "X", "Y")}
    renames = {"A": "B", "X": "Y", "B": "C", "Y": "X"}
    items = [{"project_id": ids[old], "name": new} for old, new in renames.items()]
    outcomes = apply(*items, {"project_id": ids["C"], "state": "absent"})
    assert summary(outcomes) == [*((new, "updated") for new in renames.values()), ("C", "deleted")]
    assert [entry.path for entry in emulator.log.writes] == [f"/projects/{ids[name]}" for name in "CBAYX"]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_name_that_was_not_freed_is_not_taken(apply, emulator, is_reversed):
    projects = {name: emulator.add_project(name) for name in ("A", "B", "C", "Running")}
    emulator.set_running(projects["Running"]["id"], 1)
    renames = {"A": "B", "B": "C", "C": "Running"}
    items = [{"project_id": projects[old]["id"], "name": new} for old, new in renames.items()]
    items += [{"project_id": projects["Running"]["id"], "state": "absent"}]
    outcomes = apply(*reversed(items) if is_reversed else items)
    codes = [*((name, "skipped") for name in renames.values()), ("Running", "environments_running")]
    assert summary(outcomes) == (codes[::-1] if is_reversed else codes)
    assert [each["name"] for each in emulator.projects()] == list(projects)
    assert emulator.log.count("PATCH") == 0


def test_values_stored_differently_are_warned_of(apply, emulator):
    emulator.settings.normalise_names = True
    trimmed, same = apply(*({"name": name, "server": SERVER_ID} for name in (" Trimmed ", "Same")))
    assert [len(outcome.warnings) for outcome in (trimmed, same)] == [1, 0]
    assert trimmed.after["name"] == "Trimmed"
