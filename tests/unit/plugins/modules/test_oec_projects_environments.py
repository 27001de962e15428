# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What oec_projects does with the environments of its items."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import OTHER_SERVER_ID, SERVER_ID, UNKNOWN_ID, writes

HERE = {"server": SERVER_ID}
NONE = dict.fromkeys(["created", "updated", "deleted", "unchanged", "failed"], 0)


@pytest.fixture
def provision(run_module) -> Callable[..., dict[str, Any]]:
    """provision(*items, check=False, diff=False, **options): the result of the module."""

    def run(*items: dict[str, Any], diff: bool = False, **options: Any) -> dict[str, Any]:
        return run_module("oec_projects", projects=list(items), diff=diff, **options)

    return run


def client(name: str, *environments: dict[str, Any] | str, **options: Any) -> dict[str, Any]:
    """Return an item with environments, of which some have a name alone."""
    given = [{"name": each} if isinstance(each, str) else each for each in environments]
    return {"name": name, "environments": given, **options}


def actions(result: dict[str, Any]) -> dict[str, str]:
    """Return what became of each environment, by project and name."""
    return {
        f"{entry['name']}/{each['name']}": each["action"]
        for entry in result["projects"]
        for each in entry["environments"]
    }


def operations(emulator) -> list[str]:
    """Return the requests since the log was cleared, with * for ids, but for the polls."""
    found = [f"{entry.method} {re.sub('[0-9a-fA-F-]{36}', '*', entry.path)}" for entry in emulator.log.requests()]
    return [each for each in found if not each.startswith("GET /deployments/")]


def rows(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in result["drift"]]


# A whole estate.


def test_an_estate_is_provisioned_with_its_environments_once(provision, emulator):
    bakery = emulator.add_project("Bakery")
    emulator.add_environment(bakery["id"], "production")
    emulator.add_environment(bakery["id"], "not declared")
    items = [
        client("Bakery", {"name": "production", "branch": "release"}, "staging"),
        client("New", "production", **HERE),
        {"name": "Plain", **HERE},
    ]
    result = provision(*items)
    assert (result["changed"], actions(result)) == (
        True,
        {"Bakery/production": "updated", "Bakery/staging": "created", "New/production": "created"},
    )
    assert result["environment_summary"] == {**NONE, "created": 2, "updated": 1}
    assert result["summary"] == {**NONE, "created": 2, "unchanged": 1}
    production, staging = result["projects"][0]["environments"]
    assert (production["pending"], production["task"], production["changed"]) == (["branch"], None, True)
    assert (staging["environment"]["status"], staging["task"]["status"]) == ("running", "completed")
    assert staging["environment_id"] == staging["environment"]["id"]
    assert {each["name"] for each in emulator.environments()} >= {"not declared"}

    emulator.log.clear()
    again = provision(*items)
    assert (again["changed"], again["drift"], writes(emulator)) == (False, [], [])
    assert operations(emulator) == ["GET /projects", *["GET /projects/*/environments"] * 2]
    assert again["requests"] == {"reads": 3, "writes": 0}


def test_parents_come_first_and_all_are_waited_for_together(provision, emulator):
    emulator.settings.deploy_seconds = 300
    items = [client(name, "production", "staging", **HERE) for name in "AB"]
    started = emulator.clock.now()
    provision(*items)
    kinds = [path.rpartition("/")[2] for _method, path, _body in writes(emulator)]
    assert kinds == ["projects", "projects", *["environments"] * 4]
    assert (emulator.clock.now() - started).total_seconds() < 500
    read = [each for each in operations(emulator) if each.startswith("GET") and not each.endswith("/status")]
    assert [each for each in read if "environments" not in each] == ["GET /projects"]
    assert read.count("GET /projects/*/environments") == 2


def test_without_wait_nothing_is_polled(provision, emulator):
    emulator.settings.deploy_seconds = 300
    result = provision(client("New", "production", **HERE), wait=False)
    (entry,) = result["projects"][0]["environments"]
    assert (entry["environment"]["status"], entry["task"]["status"]) == ("deploying", "queued")
    assert emulator.log.count("GET /deployments/.*") == 0


def test_a_name_that_looks_like_a_url_is_not_redacted(provision, emulator):
    emulator.add_project("Bakery")
    result = provision(client("Bakery", "crm://a@b"), check=True)
    found = result["projects"][0]["environments"][0]["environment"]
    assert (rows(result)[0][1], found["name"]) == ("crm://a@b", "crm://a@b")


def test_environment_defaults_apply_where_an_item_has_no_value(provision, emulator):
    defaults = {"environment_type": "production", "ram_mb": 4096, "enable_pgtune": True}
    own = {"name": "staging", "environment_type": "staging", "enable_pgtune": False}
    provision(client("New", "production", own, **HERE), environment_defaults=defaults, wait=False)
    sent = [body for _method, path, body in writes(emulator) if path.endswith("/environments")]
    assert sent == [
        {"name": "production", **defaults},
        {"name": "staging", **defaults, "environment_type": "staging", "enable_pgtune": False},
    ]


def test_a_project_without_environments_costs_no_request_more(provision, emulator):
    items = [{"name": emulator.add_project(f"Client {number}")["name"]} for number in range(250)]
    provision(*items)
    assert operations(emulator) == ["GET /projects"] * 3


# Check mode.


@pytest.mark.parametrize("diff", [False, True])
def test_check_mode_shows_environments_below_their_project(provision, emulator, diff):
    bakery = emulator.add_project("Bakery")
    emulator.add_environment(bakery["id"], "production", branch="main")
    gone = emulator.add_environment(bakery["id"], "old")
    emulator.add_environment(bakery["id"], "same")
    items = [
        client(
            "Bakery",
            "same",
            {"name": "production", "branch": "hotfix"},
            {"name": "old", "state": "absent", "absent_backup_max_age": "0"},
        ),
        client("New", "production", **HERE),
    ]
    checked = provision(*items, check=True, diff=diff)
    assert writes(emulator) == []
    if diff:
        headers = [entry["after_header"] for entry in checked["diff"]]
        assert headers == [
            "environment 'Bakery/production'",
            "environment 'Bakery/old' (absent)",
            "project 'New'",
            "environment 'New/production'",
        ]
    else:
        assert checked["msg"].splitlines() == [
            "~ Bakery/production  branch main -> hotfix",
            "- Bakery/old",
            "+ New  on production-fsn1",
            "+ New/production  on production-fsn1",
        ]
    assert rows(checked) == [
        ("Bakery", "production", "branch", "main", "hotfix", None),
        ("Bakery", "old", "environment", "present", "absent", None),
        ("New", None, "project", "absent", "present", None),
        ("New", "production", "environment", "absent", "present", None),
    ]
    done = provision(*items, diff=diff, plan_digest=checked["plan_digest"])
    assert (actions(done), done["drift"]) == (actions(checked), checked["drift"])
    assert done.get("diff") == checked.get("diff")
    deleted = done["projects"][0]["environments"][2]
    assert (deleted["environment_id"], deleted["environment"]) == (gone["id"], None)
    assert gone["id"] not in [each["id"] for each in emulator.environments()]
    predicted = checked["projects"][1]["environments"][0]["environment"]
    created = done["projects"][1]["environments"][0]["environment"]
    assert {name: created[name] for name in ("status", "branch", "server_id")} == {
        name: predicted[name] for name in ("status", "branch", "server_id")
    }


def test_the_digest_covers_what_no_object_shows(provision, emulator):
    emulator.add_project("Bakery")
    digests = {
        provision(client("Bakery", {"name": "production", **options}), check=True)["plan_digest"]
        for options in ({}, {"environment_type": "production"}, {"enable_pgtune": True})
    }
    assert len(digests) == 3
    pair = [client("A", "production", **HERE), client("B", **HERE)]
    moved = [client("A", **HERE), client("B", "production", **HERE)]
    assert len({provision(*items, check=True)["plan_digest"] for items in (pair, pair[::-1], moved)}) == 2
    rejected = provision(client("Bakery", "staging"), plan_digest=digests.pop())
    assert (rejected["error"]["code"], writes(emulator)) == ("plan_changed", [])


# Rejected.

REJECTED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a wrong size": (
        client("Bakery", {"name": "x", "ram_mb": 1}),
        "invalid_input",
        "item 1: project 'Bakery': item 1: environment 'x': ram_mb is 1",
    ),
    "a wrong id": (
        client("Bakery", {"environment_id": "42"}),
        "invalid_input",
        "item 1: project 'Bakery': item 1: environment '42': environment_id '42' is not a UUID",
    ),
    "an unknown id": (client("Bakery", {"environment_id": UNKNOWN_ID}), "not_found", f"the environment {UNKNOWN_ID}"),
    "neither name nor id": (client("Bakery", {"branch": "main"}), "invalid_input", "neither name nor environment_id"),
    "an unknown key": (
        client("Bakery", {"name": "x", "brnch": "main"}),
        "unknown_option",
        "item 1: project 'Bakery': item 1: environment 'x': there is no option 'brnch'",
    ),
    "an absent project": (
        client("Bakery", "production", state="absent"),
        "invalid_input",
        "it is declared absent, and so cannot have environments",
    ),
    "the same name twice": (client("Bakery", "x", "x"), "duplicate_declaration", "environment 'Bakery/x'"),
    "another server": (
        client("Bakery", {"name": "production", "server": "production-nyc1"}),
        "immutable_field",
        "environment 'Bakery/production': cannot change server",
    ),
    "a deletion without a backup": (
        client("Bakery", {"name": "production", "state": "absent"}),
        "backup_required",
        "environment 'Bakery/production': deleting it",
    ),
    "one to start that does not exist": (
        client("Bakery", {"name": "x", "state": "started"}),
        "not_found",
        "'Bakery/x'",
    ),
    "another project's id": (
        client("Bakery", {"environment_id": "00000000-0000-4000-8000-00000000000b", "name": "x"}),
        "immutable_field",
        "cannot change project",
    ),
}


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("item", "code", "message"), REJECTED.values(), ids=REJECTED)
def test_one_wrong_environment_rejects_the_whole_estate(provision, emulator, item, code, message, check):
    emulator.add_environment(emulator.add_project("Bakery")["id"], "production")
    other = emulator.add_project("Harbour")
    emulator.add_environment(other["id"], "other", id="00000000-0000-4000-8000-00000000000b")
    result = provision(item, client("New", "production", **HERE), check=check)
    assert (result["error"]["code"], writes(emulator)) == (code, [])
    assert result["error"]["details"][0]["project"] == "Bakery"
    assert message in result["msg"]


def test_a_wrong_default_of_environments_is_rejected(provision, emulator):
    result = provision(client("Bakery", "x"), environment_defaults={"brnch": "main"})
    assert (result["error"]["code"], emulator.log.count()) == ("unknown_option", 0)
    assert "environment_defaults: there is no option 'brnch'" in result["msg"]


def test_rejected_environments_may_be_skipped(provision, emulator):
    production = emulator.add_environment(emulator.add_project("Bakery")["id"], "production")
    emulator.add_project("Former")
    items = [
        client("Bakery", {"name": "production", "server": "production-nyc1"}, "staging"),
        {"project_id": UNKNOWN_ID, "environments": [{"name": "production"}]},
        client("New", "production", **HERE),
    ]
    result = provision(*items, skip_rejected=True, prune=True)
    assert actions(result) == {
        "Bakery/production": "failed",
        "Bakery/staging": "created",
        f"{UNKNOWN_ID}/production": "failed",
        "New/production": "created",
    }
    entries = [each for entry in result["projects"] for each in entry["environments"]]
    assert [each["error"] and each["error"]["code"] for each in entries] == ["immutable_field", None, "skipped", None]
    assert [each["environment"] and each["environment"]["id"] for each in entries] == [
        each["environment_id"] for each in entries
    ]
    assert (entries[0]["environment_id"], entries[2]["environment_id"]) == (production["id"], None)
    assert [set(each) for each in entries] == [set(entries[1])] * 4
    assert "environment 'production': not tried" in result["msg"]
    assert "Former" in [project["name"] for project in emulator.projects()]
    assert result["error"]["code"] == "immutable_field"


def test_environments_of_a_rejected_project_are_not_planned(provision, emulator):
    emulator.add_environment(emulator.add_project("Bakery")["id"], "production")
    result = provision(client("Bakery", {"name": "production", "branch": "dev"}, server=OTHER_SERVER_ID))
    assert [row[1:3] for row in rows(result)] == [(None, "server")]
    assert operations(emulator) == ["GET /projects"]


# Failures.


def test_a_failed_project_skips_its_environments_alone(provision, emulator):
    emulator.faults.add("status", "POST", "/projects", times=2, status=422)
    result = provision(client("A", "production", **HERE), client("B", "production", **HERE))
    assert actions(result) == {"A/production": "failed", "B/production": "created"}
    error = result["projects"][0]["environments"][0]["error"]
    assert (error["code"], "project 'A' failed" in error["message"]) == ("skipped", True)
    assert "of 2 projects, 1 failed, 1 changed; of 2 environments, 1 not tried, 1 changed" in result["msg"]


def test_a_failed_deployment_is_reported_and_nothing_is_pruned(provision, emulator):
    bakery = emulator.add_project("Bakery")
    emulator.add_project("Former")
    emulator.plan_task("deploy", None, outcome="failed", error="No module x.")
    result = provision(client("Bakery", "production", "staging"), prune=True)
    production, staging = result["projects"][0]["environments"]
    assert (production["action"], production["changed"], production["error"]["code"]) == ("failed", True, "task_failed")
    assert (production["environment"]["name"], bool(production["log"])) == ("production", True)
    assert (staging["action"], result["changed"]) == ("created", True)
    assert "of 2 environments, 1 failed, 1 changed" in result["msg"]
    assert [project["name"] for project in emulator.projects()] == [bakery["name"], "Former"]
    entry = result["projects"][1]
    assert (entry["name"], entry["error"]["code"]) == ("Former", "skipped")


def test_a_failure_of_the_account_stops_the_rest(provision, emulator):
    emulator.add_environment(emulator.add_project("Bakery")["id"], "same")
    emulator.faults.add("status", "POST", "/projects/[^/]+/environments", times=None, status=402)
    result = provision(client("Bakery", "a", "b", "c", "same"))
    errors = [each["error"] for each in result["projects"][0]["environments"]]
    assert [error and error["code"] for error in errors][1:] == ["skipped", "skipped", None]
    assert len(writes(emulator)) <= 2


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 402}, {"kind": "cut_before"}], ids=["402", "no response"]
)
def test_projects_that_fail_alike_stop_environments(provision, emulator, fault):
    emulator.add_project("Bakery")
    emulator.faults.add(**fault, method="POST", path="/projects", times=None)
    result = provision(client("Bakery", "production"), *({"name": each, **HERE} for each in "ABCD"), api_retries=0)
    assert result["projects"][0]["environments"][0]["error"]["code"] == "skipped"
    assert (result["error"]["status"], emulator.environments()) == (fault.get("status"), [])
    assert result["error"]["code"] != "skipped"


def test_environments_of_a_new_project_that_cannot_be_read(provision, emulator):
    emulator.faults.add("status", "GET", "/projects/[^/]+/environments", times=None, status=403)
    result = provision(client("New", "production", **HERE), {"name": "Plain", **HERE})
    assert (actions(result), result["summary"]["created"]) == ({"New/production": "failed"}, 2)
    assert result["projects"][0]["environments"][0]["error"]["status"] == 403


def test_a_read_only_key_writes_nothing(provision, emulator):
    emulator.add_project("Bakery")
    key = {"api_key": emulator.keys.read_only}
    result = provision(client("Bakery", "production"), **key)
    assert (result["error"]["code"], writes(emulator), "projects" in result) == ("read_only_key", [], False)
    assert provision(client("Bakery", "production"), **key, check=True)["changed"]


def test_a_list_that_cannot_be_read_rejects_the_estate(provision, emulator):
    emulator.add_project("Bakery")
    emulator.faults.add("status", "GET", "/projects/[^/]+/environments", times=None, status=403)
    result = provision(client("New", "production", **HERE), client("Bakery", "production"))
    assert (result["error"]["status"], writes(emulator)) == (403, [])
    assert "item 2: project 'Bakery'" in result["msg"]


def test_an_environment_whose_last_task_failed_is_warned_of(provision, emulator):
    emulator.add_environment(emulator.add_project("Bakery")["id"], "production", status="failed")
    assert "environment 'Bakery/production' is 'failed'" in json.dumps(
        provision(client("Bakery", "production"))["warnings"]
    )


# Crowds and stories.


def test_an_environment_that_another_job_created_is_adopted(provision, emulator):
    """Both jobs have created the project, which is one, and the other one is faster with the environment."""
    item = client("New", {"name": "production", "branch": "dev"}, **HERE)
    provision(item)
    (project,), (environment,) = emulator.projects(), emulator.environments()
    emulator.edit(project["id"], default_branch="main")
    emulator.faults.add("replace", "GET", "/projects", times=1, body={"data": [], "pagination": {"has_more": False}})
    result = provision(item)
    assert actions(result) == {"New/production": "unchanged"}
    assert (emulator.projects(), emulator.environments()) == ([project], [environment])


def test_a_lost_response_creates_none_too_many(provision, emulator):
    for fault in ("cut_after", "html"):
        emulator.faults.add(fault, "POST", ".*", times=2)
    result = provision(client("New", "production", "staging", **HERE))
    assert not result.get("failed"), result
    assert len(emulator.projects()) == 1
    assert sorted(each["name"] for each in emulator.environments()) == ["production", "staging"]


def test_prune_leaves_undeclared_environments_alone(provision, emulator):
    bakery = emulator.add_project("Bakery")
    for name in ("production", "staging"):
        emulator.add_environment(bakery["id"], name)
    provision(client("Bakery", "production"), prune=True)
    assert len(emulator.environments()) == 2
    provision({"name": "Bakery", "environments": []}, prune=True)
    assert len(emulator.environments()) == 2


def test_states_are_reached_and_asked_for_only_where_they_differ(provision, emulator):
    bakery = emulator.add_project("Bakery")
    _first, second = [emulator.add_environment(bakery["id"], name) for name in "ab"]
    ident = {"environment_id": second["id"].upper()}
    environments = [{"name": "a", "state": "stopped"}, {**ident, "state": "started"}]
    items = [{"project_id": bakery["id"], "environments": environments}]
    result = provision(*items)
    assert actions(result) == {"Bakery/a": "updated", "Bakery/b": "unchanged"}
    assert rows(result) == [("Bakery", "a", "status", "running", "stopped", None)]
    emulator.log.clear()
    assert provision(*items)["changed"] is False
    assert operations(emulator) == ["GET /projects", "GET /projects/*/environments"]


# Deleted projects.

AGES = {"1 hour": ("24h", 3600, None), "2 days": ("24h", 172800, "backup_required"), "not looked at": ("0", None, None)}


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("prune", [False, True], ids=["absent", "pruned"])
@pytest.mark.parametrize(("max_age", "age", "code"), AGES.values(), ids=AGES)
def test_a_deleted_project_needs_backups_of_its_environments(provision, emulator, prune, max_age, age, code, check):
    former = emulator.add_project("Former")
    stopped = emulator.add_environment(former["id"], "production", status="stopped")
    if age:
        emulator.add_backup(stopped["id"], age)
    emulator.add_project("Bakery")
    items = [{"name": "Bakery"}, *([] if prune else [{"name": "Former", "state": "absent"}])]
    result = provision(*items, prune=prune, defaults={"absent_backup_max_age": max_age}, check=check)
    assert result.get("error", {}).get("code") == code
    assert ("Former" in [each["name"] for each in emulator.projects()]) == bool(code or check)
    if code:
        assert "'production': " in result["msg"]
        assert "oec_environment" in result["msg"]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("prune", [False, True], ids=["absent", "pruned"])
@pytest.mark.parametrize("status", ["running", "deploying", "cloning"])
def test_a_project_whose_environments_run_is_kept(provision, emulator, prune, check, status):
    """The API would reject it, too, but only when others are deleted already."""
    former = emulator.add_project("Former")
    emulator.add_environment(former["id"], "production", status=status)
    emulator.add_project("Gone")
    items = [
        {"name": "New", **HERE},
        *([] if prune else [{"name": each, "state": "absent"} for each in ("Gone", "Former")]),
    ]
    result = provision(*items, prune=prune, defaults={"absent_backup_max_age": "0"}, check=check)
    assert (result["error"]["code"], writes(emulator)) == ("environments_running", [])
    assert "project 'Former': it has environments that run or are deployed: 'production'" in result["msg"]


@pytest.mark.parametrize("status", ["paused", "pending", "error", "failed", "destroying"])
def test_backups_are_looked_for_where_the_api_would_delete(provision, emulator, status):
    """While one is being destroyed, the API rejects it."""
    emulator.add_environment(emulator.add_project("Former")["id"], "production", status=status)
    result = provision({"name": "Former", "state": "absent"}, check=True)
    assert result.get("error", {}).get("code") == (None if status == "destroying" else "backup_required")


def test_too_many_to_prune_are_not_asked_for_their_environments(provision, emulator):
    for number in range(12):
        emulator.add_environment(emulator.add_project(f"Former {number}")["id"], "production")
    result = provision({"name": "New", **HERE}, prune=True)
    assert (result["error"]["code"], operations(emulator)) == ("prune_limit_exceeded", ["GET /projects"])


def test_a_stopped_environment_that_the_api_hides_needs_a_backup(provision, emulator):
    former = emulator.add_project("Former")
    emulator.add_environment(former["id"], "production", status="stopped")
    emulator.settings.hides_stopped = True
    result = provision({"name": "Former", "state": "absent"})
    assert (result["error"]["code"], writes(emulator)) == ("backup_required", [])
    assert "1 that this version of the API hides" in result["msg"]


@pytest.mark.parametrize("status", [404, 405])
def test_where_the_api_has_no_environments_none_are_looked_for(provision, emulator, status):
    emulator.add_project("Former")
    body = {"detail": "No such route"}
    emulator.faults.add("status", "GET", "/projects/[^/]+/environments", times=None, status=status, body=body)
    assert provision({"name": "Former", "state": "absent"})["changed"]
    assert emulator.projects() == []
