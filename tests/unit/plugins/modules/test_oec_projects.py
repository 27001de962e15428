# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest

FSN = "8e4f2a1c-1234-5678-abcd-ef0123456789"
NYC = "b7c1d9e2-0a52-4c6e-9d0f-3f1a5e7c2b11"
NOWHERE = "00000000-0000-4000-8000-000000000000"
REPO = "https://github.com/acme/client-erp"
PRIVATE_REPO = "https://robot:hunter22@github.com/acme/client-erp"
MASKED_REPO = "https://***@github.com/acme/client-erp"


@pytest.fixture
def provision(run_module):
    """provision(*items, check=False, diff=True, **options): what the module answers."""

    def run(*items: dict[str, Any], **options: Any) -> dict[str, Any]:
        return run_module("oec_projects", projects=list(items), **options)

    return run


def sent(emulator) -> list[tuple[str, str, Any]]:
    """The writes that the API has got: method, path and body."""
    return [(entry.method, entry.path, entry.json) for entry in emulator.log.writes]


def at(project: dict[str, Any]) -> str:
    return f"/projects/{project['id']}"


def counted(**kinds: int) -> dict[str, int]:
    return {**dict.fromkeys(["created", "updated", "deleted", "unchanged", "failed"], 0), **kinds}


def became(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["name"], entry["action"]) for entry in result["projects"]]


def there_are(emulator, *names: str) -> list[dict[str, Any]]:
    return [emulator.add_project(name) for name in names]


def test_the_file_becomes_the_estate_and_stays_it(provision, emulator):
    there_are(emulator, "Stays", "Changes", "Goes")
    estate = [
        {"name": "Changes", "default_branch": "dev"},
        {"name": "Comes", "server": "production-nyc1", "git_repo_url": REPO, "odoo_version": "17.0"},
        {"name": "Stays"},
        {"name": "Goes", "state": "absent"},
        {"name": "Gone", "state": "absent"},
    ]
    result = provision(*estate)
    assert result["changed"]
    assert result["summary"] == counted(created=1, updated=1, deleted=1, unchanged=2)
    assert became(result) == [
        ("Changes", "updated"),
        ("Comes", "created"),
        ("Stays", "unchanged"),
        ("Goes", "deleted"),
        ("Gone", "unchanged"),
    ]
    assert [name["name"] for name in emulator.projects()] == ["Stays", "Changes", "Comes"]

    emulator.log.clear()
    again = provision(*estate)
    assert (again["changed"], again["summary"], again["diff"]) == (False, counted(unchanged=5), [])
    assert sent(emulator) == []


def test_each_project_is_reported_with_what_became_of_it(provision, emulator):
    changes, goes = there_are(emulator, "Changes", "Goes")
    result = provision(
        {"name": "Changes", "default_branch": "dev"},
        {"name": "Goes", "state": "absent"},
        {"name": "Comes", "server": FSN},
        {"project_id": NOWHERE, "state": "absent"},
    )
    updated, deleted, created, gone = result["projects"]
    same = {"changed": True, "error": None}
    assert updated == {
        **same,
        "name": "Changes",
        "project_id": changes["id"],
        "action": "updated",
        "project": {**changes, "default_branch": "dev"},
    }
    assert deleted == {**same, "name": "Goes", "project_id": goes["id"], "action": "deleted", "project": None}
    comes = emulator.projects()[-1]
    assert created == {**same, "name": "Comes", "project_id": comes["id"], "action": "created", "project": comes}
    assert (gone["action"], gone["changed"], gone["project_id"], gone["project"]) == ("unchanged", False, None, None)


def test_only_what_differs_is_sent(provision, emulator):
    (there,) = there_are(emulator, "Client ERP")
    blanks = dict.fromkeys(["project_id", "server", "git_repo_url", "odoo_version", "idempotency_key"], "")
    provision({"name": "Client ERP", "default_branch": "dev", **blanks})
    assert sent(emulator) == [("PATCH", at(there), {"default_branch": "dev"})]


def test_the_diff_has_an_entry_for_each_project_that_changes(provision, emulator):
    there_are(emulator, "Stays", "Changes", "Goes")
    items = [
        {"name": "Stays"},
        {"name": "Changes", "default_branch": "dev"},
        {"name": "Goes", "state": "absent"},
        {"name": "Comes", "server": FSN},
    ]
    assert "diff" not in provision(*items, check=True, diff=False)
    diff = provision(*items)["diff"]
    assert [(entry["before_header"], entry["after_header"]) for entry in diff] == [
        ("project 'Changes'", "project 'Changes'"),
        ("project 'Goes'", "project 'Goes' (absent)"),
        ("project 'Comes' (absent)", "project 'Comes'"),
    ]
    assert [(entry["before"].get("default_branch"), entry["after"].get("default_branch")) for entry in diff] == [
        ("main", "dev"),
        ("main", None),
        (None, "main"),
    ]


def test_check_mode_reports_the_estate_as_it_would_be_and_writes_nothing(provision, emulator):
    before = there_are(emulator, "Changes", "Goes", "Stray")
    result = provision(
        {"name": "Changes", "default_branch": "dev"},
        {"name": "Goes", "state": "absent"},
        {"name": "Comes", "server": FSN},
        prune=True,
        check=True,
    )
    assert result["changed"]
    assert result["summary"] == counted(created=1, updated=1, deleted=2)
    assert [entry["project_id"] for entry in result["projects"]] == [
        before[0]["id"],
        before[1]["id"],
        None,
        before[2]["id"],
    ]
    assert len(result["diff"]) == 4
    assert (sent(emulator), emulator.projects()) == ([], before)


# How many requests it takes.


@pytest.mark.parametrize(("field", "requests"), [("id", 5), ("name", 6)], ids=["by id", "by name"])
def test_an_unchanged_estate_of_500_is_read_once(provision, emulator, field, requests):
    emulator.fill(500)
    servers = {server["id"]: server for server in emulator.servers()}
    items = [
        {
            "name": project["name"],
            "server": servers[project["server_id"]][field],
            "git_repo_url": project["git_repo_url"],
            "default_branch": project["default_branch"],
            "odoo_version": project["odoo_version"],
        }
        for project in emulator.projects()
    ]
    result = provision(*items, prune=True, prune_limit=0)
    assert (result["changed"], result["summary"]) == (False, counted(unchanged=500))
    assert emulator.log.count() == emulator.log.count("GET") == requests
    assert emulator.log.count("GET /projects") == 5


def test_ids_are_looked_up_in_the_list_and_not_one_by_one(provision, emulator):
    emulator.fill(30)
    provision(*({"project_id": project["id"]} for project in emulator.projects()))
    assert emulator.log.count() == 1


def test_more_writes_than_a_minute_allows_are_waited_for(provision, emulator, sleeps):
    result = provision(*({"name": f"Client {number}", "server": FSN} for number in range(25)))
    assert result["summary"] == counted(created=25)
    assert len(emulator.projects()) == 25
    assert len(sleeps) == 1


def test_forty_projects_at_eight_writes_a_minute_take_hardly_longer_than_the_limit_forces(provision, emulator, sleeps):
    emulator.settings.writes = 8
    begun = emulator.clock.now()
    result = provision(*({"name": f"Client {number}", "server": FSN} for number in range(40)))
    assert result["summary"] == counted(created=40)
    # Five windows of a minute, of which the first may be half over.
    assert (emulator.clock.now() - begun).total_seconds() <= 5 * 60
    # One refusal for each new window: it is awaited by what the answer says, not by trial.
    assert (len(sleeps), emulator.log.count("POST /projects")) == (4, 44)


# What can be known to be wrong is refused as a whole, before the first write.

GOOD = {"name": "Good ERP", "server": "production-fsn1"}
REFUSED = {
    "a name listed twice": ([GOOD, GOOD], ["'Good ERP'", "listed 2 times"]),
    "a project listed by name and by id": ([{"name": "Client ERP"}, {"project_id": "client"}], ["listed 2 times"]),
    "two projects of a name": ([GOOD, {"name": "Twin"}], ["2 projects have this name"]),
    "two projects of a name, to go": ([GOOD, {"name": "Twin", "state": "absent"}], ["2 projects have this name"]),
    "an unknown server": ([GOOD, {"name": "New", "server": "atlantis"}], ["'atlantis'", "'staging-hel1'"]),
    "no server for a new one": ([GOOD, {"name": "New"}], ["project 'New'", "server must be given"]),
    "another server": (
        [GOOD, {"name": "Client ERP", "server": NYC}],
        ["'production-fsn1'", "'production-nyc1'", "cannot change"],
    ),
    "another version": ([GOOD, {"name": "Client ERP", "odoo_version": "18.0"}], ["'17.0'", "'18.0'"]),
    "an id that is not there": ([GOOD, {"project_id": NOWHERE}], [f"there is no project {NOWHERE}"]),
    "masked credentials": ([GOOD, {"name": "Client ERP", "git_repo_url": MASKED_REPO}], ["real credentials"]),
}


@pytest.mark.parametrize(("items", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_one_wrong_item_keeps_all_of_them_from_being_written(provision, emulator, items, words, check):
    client = emulator.add_project("Client ERP", odoo_version="17.0")
    there_are(emulator, "Twin", "Twin")
    items = [{**item, "project_id": client["id"]} if item.get("project_id") == "client" else item for item in items]
    result = provision(*items, check=check)
    assert result["failed"]
    assert [word for word in words if word not in result["msg"]] == []
    assert not result.get("changed")
    assert result["error"]["status"] is None
    assert sent(emulator) == []


def test_all_that_is_wrong_is_said_at_once(provision, emulator):
    emulator.add_project("Client ERP", odoo_version="17.0")
    there_are(emulator, "Twin", "Twin", "Stray")
    result = provision(
        {"name": "Client ERP", "odoo_version": "18.0"},
        {"name": "Twin"},
        {"name": "New"},
        {"name": "Lost", "server": "atlantis"},
        prune=True,
        prune_limit=0,
    )
    for words in ("'18.0' is wanted", "2 projects have", "server must be given", "'atlantis'", "prune would remove"):
        assert words in result["msg"]
    assert len(result["error"]["details"]) == 5
    assert sent(emulator) == []


def test_of_many_problems_the_first_are_in_the_message_and_all_in_the_details(provision, emulator):
    result = provision(*({"name": f"New {number:02}"} for number in range(25)))
    assert "'New 00'" in result["msg"]
    assert "'New 24'" not in result["msg"]
    assert [problem["project"] for problem in result["error"]["details"]] == [f"New {n:02}" for n in range(25)]
    assert all("server must be given" in problem["message"] for problem in result["error"]["details"])


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_a_refused_plan_shows_what_else_differs(provision, emulator, check):
    there_are(emulator, "Changes", "Twin", "Twin")
    items = [{"name": "Changes", "default_branch": "dev"}, {"name": "Twin"}]
    result = provision(*items, check=check)
    assert [entry["after"]["default_branch"] for entry in result["diff"]] == ["dev"]
    assert "diff" not in provision(*items, check=check, diff=False)
    assert sent(emulator) == []


def test_items_that_cannot_be_right_are_refused_before_the_first_request(provision, emulator):
    result = provision(
        GOOD,
        {"name": "n" * 256},
        {"state": "absent"},
        {"name": "Client ERP", "git_repo_url": "http://robot:hunter22@github.com/x"},
        {"name": "Client ERP", "project_id": "42"},
    )
    for number, words in ((2, "name has 256"), (3, "neither name nor"), (4, "not an https URL"), (5, "not a UUID")):
        assert f"item {number}: " in result["msg"]
        assert words in result["msg"]
    assert "item 1" not in result["msg"]
    assert "hunter22" not in json.dumps(result)
    assert emulator.log.count() == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, "missing required arguments: projects", id="no list"),
        pytest.param({"projects": [{"name": "x", "state": "gone"}]}, "value of state must be one of", id="a state"),
        pytest.param({"projects": [{"name": "x", "nmae": "y"}]}, "Unsupported parameters", id="a misspelt option"),
        pytest.param({"projects": ["Client ERP"]}, "dictionary requested", id="names alone"),
    ],
)
def test_ansible_itself_refuses_what_the_documentation_does_not_have(run_module, emulator, options, words):
    result = run_module("oec_projects", **options)
    assert result["failed"]
    assert words in result["msg"]
    assert emulator.log.count() == 0


def test_one_idempotency_key_cannot_make_two_projects(provision, emulator):
    result = provision(
        {"name": "Bakery ERP", "server": FSN, "idempotency_key": "copied"},
        {"name": "Brewery ERP", "server": FSN, "idempotency_key": "copied"},
    )
    reported = [entry["name"] for entry in result.get("projects", []) if entry["action"] == "created"]
    assert reported == [project["name"] for project in emulator.projects()]
    assert result.get("failed")


# Prune.


def test_what_is_not_listed_is_left_alone(provision, emulator):
    before = there_are(emulator, "Listed", "Stray")
    assert not provision({"name": "Listed"})["changed"]
    assert emulator.projects() == before


def test_prune_removes_what_is_not_listed_and_reports_it_last(provision, emulator):
    stray, listed, twin, other_twin = there_are(emulator, "Stray", "Listed", "Twin", "Twin")
    emulator.add_project("Another organisation's", org="other")
    result = provision({"name": "Listed"}, {"name": "Comes", "server": FSN}, prune=True)
    assert became(result) == [
        ("Listed", "unchanged"),
        ("Comes", "created"),
        ("Stray", "deleted"),
        ("Twin", "deleted"),
        ("Twin", "deleted"),
    ]
    assert [entry["project_id"] for entry in result["projects"][2:]] == [stray["id"], twin["id"], other_twin["id"]]
    assert [entry.headers["x-confirm-delete"] for entry in emulator.log.requests("DELETE")] == ["true"] * 3
    assert [project["name"] for project in emulator.projects()] == ["Listed", "Comes"]
    assert listed in emulator.projects()
    assert len(emulator.projects("other")) == 1


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_prune_with_an_empty_list_is_refused_before_the_first_request(provision, emulator, check):
    there_are(emulator, "Client ERP")
    result = provision(prune=True, check=check)
    assert "would remove every project" in result["msg"]
    assert emulator.log.count() == 0


def test_an_empty_list_without_prune_is_an_empty_estate_file(provision, emulator):
    there_are(emulator, "Client ERP")
    result = provision()
    assert (result["changed"], result["projects"], result["summary"]) == (False, [], counted())


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_a_run_that_would_prune_too_many_fails_before_its_first_write(provision, emulator, check):
    emulator.fill(11)
    result = provision({"name": "Comes", "server": FSN}, prune=True, check=check)
    assert "prune would remove 11 projects, and prune_limit is 10" in result["msg"]
    assert "'Client 011'" in result["msg"]
    assert sent(emulator) == []


def test_nothing_is_pruned_once_something_that_was_named_has_failed(provision, emulator):
    """The one may be the other under a new name, given without its id."""
    (there,) = there_are(emulator, "Client ERP")
    emulator.faults.add("status", "POST", times=None, status=422)
    result = provision({"name": "Client ERP Ltd", "server": FSN}, prune=True)
    assert became(result) == [("Client ERP Ltd", "failed"), ("Client ERP", "failed")]
    assert (
        "not tried, because of what happened to project 'Client ERP Ltd'" in result["projects"][1]["error"]["message"]
    )
    assert emulator.projects() == [there]


def test_prune_goes_up_to_its_limit(provision, emulator):
    emulator.fill(11)
    result = provision({"name": "Comes", "server": FSN}, prune=True, prune_limit=11)
    assert result["summary"] == counted(created=1, deleted=11)


def test_what_is_listed_as_absent_counts_neither_as_pruned_nor_twice(provision, emulator):
    emulator.fill(12)
    items = [{"name": project["name"], "state": "absent"} for project in emulator.projects()]
    assert provision(*items, prune=True, prune_limit=0)["summary"] == counted(deleted=12)


def test_a_project_that_is_renamed_is_not_pruned(provision, emulator):
    (there,) = there_are(emulator, "Before")
    result = provision({"project_id": there["id"], "name": "After"}, prune=True, prune_limit=0)
    assert became(result) == [("After", "updated")]
    assert emulator.projects() == [{**there, "name": "After"}]


# Names and ids.


def test_projects_that_share_a_name_are_told_apart_by_their_ids(provision, emulator):
    first, second = there_are(emulator, "Twin", "Twin")
    result = provision(
        {"project_id": first["id"], "name": "Twin", "default_branch": "dev"},
        {"project_id": second["id"].upper(), "name": "Twin"},
    )
    assert became(result) == [("Twin", "updated"), ("Twin", "unchanged")]
    assert sent(emulator) == [("PATCH", at(first), {"default_branch": "dev"})]


def test_two_projects_may_swap_their_names(provision, emulator):
    first, second = there_are(emulator, "A", "B")
    items = [{"project_id": first["id"], "name": "B"}, {"project_id": second["id"], "name": "A"}]
    assert became(provision(*items)) == [("B", "updated"), ("A", "updated")]
    assert [project["name"] for project in emulator.projects()] == ["B", "A"]
    assert not provision(*items)["changed"]


def test_git_credentials_are_sent_as_given_and_shown_to_nobody(provision, emulator):
    emulator.add_project("There", git_repo_url=PRIVATE_REPO)
    emulator.faults.add("echo", "POST", skip=1, times=None)
    result = provision(
        {"name": "Comes", "server": FSN, "git_repo_url": PRIVATE_REPO},
        {"name": "Fails", "server": FSN, "git_repo_url": PRIVATE_REPO},
        {"name": "There", "git_repo_url": MASKED_REPO},
    )
    assert became(result) == [("Comes", "created"), ("Fails", "failed"), ("There", "unchanged")]
    assert emulator.projects()[-1]["git_repo_url"] == PRIVATE_REPO
    assert "hunter22" not in json.dumps(result)
    assert emulator.keys.full not in json.dumps(result)


def test_what_the_api_stores_differently_is_warned_of(provision, emulator):
    emulator.settings.normalise_names = True
    result = provision({"name": " Estate trims ", "server": FSN}, {"name": "Estate calm", "server": FSN})
    assert result["projects"][0]["project"]["name"] == "Estate trims"
    assert "asked for name ' Estate trims ', the API stored 'Estate trims'" in json.dumps(result["warnings"])
    assert "Estate calm" not in json.dumps(result["warnings"])


# Some fail.


def test_an_item_that_fails_does_not_stop_the_others(provision, emulator):
    _first, runs, _goes = there_are(emulator, "First", "Runs", "Goes")
    emulator.set_running(runs["id"], 1)
    result = provision(
        {"name": "First", "default_branch": "dev"},
        {"name": "Runs", "state": "absent"},
        {"name": "Goes", "state": "absent"},
        {"name": "Comes", "server": FSN},
    )
    assert result["failed"]
    assert result["changed"]
    assert result["summary"] == counted(created=1, updated=1, deleted=1, failed=1)
    assert became(result) == [("First", "updated"), ("Runs", "failed"), ("Goes", "deleted"), ("Comes", "created")]
    failed = result["projects"][1]
    assert (failed["changed"], failed["project_id"]) == (False, runs["id"])
    assert failed["project"]["name"] == "Runs"
    assert failed["error"]["code"] == "environments_running"
    assert {"status", "code", "message", "details"} <= set(failed["error"])
    assert "1 of 4 projects failed" in result["msg"]
    assert "project 'Runs'" in result["msg"]
    assert "Stop the project's running or deploying environments first" in result["msg"]
    assert result["error"]["code"] == "environments_running"
    assert [entry["after_header"] for entry in result["diff"]] == [
        "project 'First'",
        "project 'Goes' (absent)",
        "project 'Comes'",
    ]
    assert [project["name"] for project in emulator.projects()] == ["First", "Runs", "Comes"]


def test_a_pruned_project_that_cannot_go_is_reported_like_a_listed_one(provision, emulator):
    _listed, runs = there_are(emulator, "Listed", "Runs")
    emulator.set_running(runs["id"], 1)
    result = provision({"name": "Listed"}, prune=True)
    assert became(result) == [("Listed", "unchanged"), ("Runs", "failed")]
    assert (result["failed"], result["changed"]) == (True, False)
    assert "project 'Runs'" in result["msg"]


def test_where_all_fail_nothing_is_changed(provision, emulator):
    there_are(emulator, "A", "B", "C", "D")
    emulator.faults.add("status", "PATCH", times=None, status=422)
    result = provision(*({"name": name, "default_branch": "dev"} for name in "ABCD"))
    assert (result["failed"], result["changed"], result["summary"]) == (True, False, counted(failed=4))
    assert "4 of 4 projects failed" in result["msg"]
    assert emulator.log.count("PATCH") == 4


PATIENT = {"api_retries": 0}
REFUSALS = {
    "a key that was revoked": ({"kind": "status", "status": 401}, 401, True),
    "a subscription that ran out": ({"kind": "status", "status": 402}, 402, True),
    "a blocked address": ({"kind": "ip_blocked"}, 429, True),
    "a plan without this": ({"kind": "status", "status": 403}, 403, False),
    "a value": ({"kind": "status", "status": 422}, 422, False),
    "a breakdown": ({"kind": "status", "status": 503}, 503, False),
}


@pytest.mark.parametrize(("fault", "status", "concerns_all"), REFUSALS.values(), ids=REFUSALS)
def test_where_the_account_is_refused_nothing_more_is_sent(provision, emulator, fault, status, concerns_all):
    there_are(emulator, "Alpha", "Beta", "Gamma", "Same")
    emulator.faults.add(method="PATCH", skip=1, times=None, **fault)
    result = provision(
        *({"name": name, "default_branch": "dev"} for name in ("Alpha", "Beta", "Gamma")), {"name": "Same"}, **PATIENT
    )
    assert became(result) == [("Alpha", "updated"), ("Beta", "failed"), ("Gamma", "failed"), ("Same", "unchanged")]
    assert [entry["error"]["status"] for entry in result["projects"][1:3]] == [status, status]
    assert emulator.log.count("PATCH") == (2 if concerns_all else 3)
    assert "project 'Beta'" in result["msg"]
    assert "project 'Gamma'" in result["msg"]
    assert result["changed"]


@pytest.mark.parametrize("between", [[], [{"name": "Same"}]], ids=["in a row", "with unchanged ones between"])
def test_where_three_in_a_row_get_no_answer_the_rest_is_not_tried(provision, emulator, between):
    there_are(emulator, *"ABCDE", "Same")
    emulator.faults.add("status", "PATCH", times=None, status=503)
    items = []
    for number, name in enumerate("ABCDE"):
        items += [{"name": name, "default_branch": "dev"}, *(between if number == 1 else [])]
    result = provision(*items, **PATIENT)
    assert result["summary"] == counted(failed=5, unchanged=len(between))
    assert emulator.log.count("PATCH") == 3
    assert "project 'E': not tried, because of what happened to project 'C'" in result["msg"]


def test_two_without_an_answer_and_then_one_with_are_no_reason_to_stop(provision, emulator):
    there_are(emulator, *"ABCDEF")
    for skip in (0, 1):
        emulator.faults.add("status", "PATCH", times=2, skip=skip, status=503)
    result = provision(*({"name": name, "default_branch": "dev"} for name in "ABCDEF"), **PATIENT)
    assert emulator.log.count("PATCH") == 6
    assert result["summary"] == counted(updated=2, failed=4)


def test_a_create_that_is_refused_for_the_account_is_the_last(provision, emulator):
    emulator.faults.add("status", "POST", skip=1, times=None, status=402)
    result = provision(*({"name": name, "server": FSN} for name in ("Alpha", "Beta", "Gamma", "Delta")))
    assert result["summary"] == counted(created=1, failed=3)
    assert {entry.json["name"] for entry in emulator.log.requests("POST")} == {"Alpha", "Beta"}


def test_a_run_that_broke_off_is_finished_by_the_next(provision, emulator):
    items = [{"name": f"Client {number}", "server": FSN} for number in range(6)]
    emulator.faults.add("cut_after", "POST", skip=2)
    emulator.faults.add("cut_before", times=None, skip=4)
    broken = provision(*items, api_retries=1)
    assert broken["failed"]
    done = len(emulator.projects())
    assert 0 < done < 6

    emulator.faults.clear()
    result = provision(*items)
    assert result["summary"] == counted(created=6 - done, unchanged=done)
    assert sorted(project["name"] for project in emulator.projects()) == [item["name"] for item in items]


# Keys that may not do everything.


def test_a_read_only_key_is_enough_where_nothing_is_to_be_done(provision, emulator):
    there_are(emulator, "Client ERP")
    assert not provision({"name": "Client ERP"}, api_key=emulator.keys.read_only)["changed"]


def test_a_read_only_key_foretells_what_it_may_not_do(provision, emulator):
    there_are(emulator, "Client ERP")
    items = [{"name": "Client ERP", "default_branch": "dev"}, {"name": "Comes", "server": FSN}]
    assert provision(*items, api_key=emulator.keys.read_only, check=True)["summary"] == counted(created=1, updated=1)
    result = provision(*items, api_key=emulator.keys.read_only)
    assert (result["failed"], result["error"]["code"]) == (True, "read_only_key")
    assert sent(emulator) == []
