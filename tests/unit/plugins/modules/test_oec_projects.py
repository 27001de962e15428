# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import (
    OTHER_SERVER_ID,
    PRIVATE_REPO,
    REDACTED_REPO,
    REPO,
    SERVER_ID,
    UNKNOWN_ID,
    project_path,
    writes,
)

NEW = {"name": "New", "server": "production-fsn1"}
CLIENT_ID = "00000000-0000-4000-8000-00000000000a"


@pytest.fixture
def provision(run_module) -> Callable[..., dict[str, Any]]:
    """provision(*items, check=False, diff=True, **options): the result of the module."""

    def run(*items: dict[str, Any], **options: Any) -> dict[str, Any]:
        return run_module("oec_projects", projects=list(items), **options)

    return run


def add_projects(emulator, *names: str) -> list[dict[str, Any]]:
    return [emulator.add_project(name) for name in names]


def counts(**actions: int) -> dict[str, int]:
    return {**dict.fromkeys(["created", "updated", "deleted", "unchanged", "failed"], 0), **actions}


def actions(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["name"], entry["action"]) for entry in result["projects"]]


def row(project: str, *difference: str, code: str | None = None) -> dict[str, Any]:
    """Return a row of `drift`; the difference is field, current and desired."""
    field, current, desired = difference or (None, None, None)
    about = {"field": field, "current": current, "desired": desired, "code": code}
    return {"project": project, "environment": None, **about}


# A whole estate.


def test_an_estate_is_provisioned_once(provision, emulator):
    _stays, changes, goes = add_projects(emulator, "Stays", "Changes", "Goes")
    items = [
        {"name": "Changes", "default_branch": "dev"},
        {"name": "Comes", "server": "production-nyc1", "git_repo_url": REPO, "odoo_version": "17.0"},
        {"name": "Stays"},
        {"name": "Goes", "state": "absent"},
        {"name": "Gone", "state": "absent"},
    ]
    result = provision(*items)
    assert (result["changed"], result["summary"]) == (True, counts(created=1, updated=1, deleted=1, unchanged=2))
    updated, created, unchanged, deleted, gone = result["projects"]
    assert [project["name"] for project in emulator.projects()] == ["Stays", "Changes", "Comes"]
    comes = emulator.projects()[-1]
    same = {"changed": True, "error": None, "environments": []}
    changed = {**changes, "default_branch": "dev"}
    headers = [entry["after_header"] for entry in result["diff"]]
    assert headers == ["project 'Changes'", "project 'Comes'", "project 'Goes' (absent)"]
    assert updated == same | {"name": "Changes", "project_id": changes["id"], "action": "updated", "project": changed}
    assert created == same | {"name": "Comes", "project_id": comes["id"], "action": "created", "project": comes}
    assert deleted == same | {"name": "Goes", "project_id": goes["id"], "action": "deleted", "project": None}
    assert (unchanged["action"], unchanged["changed"]) == ("unchanged", False)
    assert (gone["action"], gone["changed"], gone["project_id"], gone["project"]) == ("unchanged", False, None, None)

    emulator.log.clear()
    again = provision(*items)
    assert (again["changed"], again["summary"], again["diff"]) == (False, counts(unchanged=5), [])
    assert (again["drift"], writes(emulator)) == ([], [])


@pytest.mark.parametrize("empty", [{}, {"server": "", "default_branch": " "}], ids=["omitted", "empty"])
def test_defaults_apply_where_an_item_has_no_value(provision, emulator, empty):
    defaults = {
        "server_id": "production-nyc1",
        "default_branch": "dev",
        "git_repo_url": PRIVATE_REPO,
        "state": "absent",
    }
    add_projects(emulator, "Goes")
    own = {"name": "Own", "state": "present", "server": "production-fsn1", "default_branch": "main"}
    result = provision({"name": "New", "state": "present", **empty}, own, {"name": "Goes"}, defaults=defaults)
    assert actions(result) == [("New", "created"), ("Own", "created"), ("Goes", "deleted")]
    stored = [(each["server_id"], each["default_branch"], each["git_repo_url"]) for each in emulator.projects()]
    assert stored == [(OTHER_SERVER_ID, "dev", PRIVATE_REPO), (SERVER_ID, "main", PRIVATE_REPO)]


# Drift.

DRIFT = {
    "nothing": ([{"name": "Client ERP"}], []),
    "create": ([NEW], [row("New", "project", "absent", "present")]),
    "delete": ([{"name": "Client ERP", "state": "absent"}], [row("Client ERP", "project", "present", "absent")]),
    "rename": ([{"project_id": CLIENT_ID, "name": "Client"}], [row("Client", "name", "Client ERP", "Client")]),
    "update": (
        [{"name": "Client ERP", "default_branch": "crm://a@b", "git_repo_url": PRIVATE_REPO.replace("robot", "joe")}],
        [
            row("Client ERP", "git_repo_url", REDACTED_REPO, f"{REDACTED_REPO} (other credentials)"),
            row("Client ERP", "default_branch", "crm://c@d", "crm://a@b"),
        ],
    ),
    "a name like a URL": ([{**NEW, "name": "crm://a@b"}], [row("crm://a@b", "project", "absent", "present")]),
    "immutable_field": (
        [{"name": "Client ERP", "server": "production-nyc1", "odoo_version": "18.0"}],
        [
            row("Client ERP", "server", "production-fsn1", "production-nyc1", code="immutable_field"),
            row("Client ERP", "odoo_version", "17.0", "18.0", code="immutable_field"),
        ],
    ),
    "ambiguous_name": ([{"name": "Twin"}], [row("Twin", code="ambiguous_name")]),
    "missing_server": ([{"name": "crm://a@b"}], [row("crm://a@b", code="missing_server")]),
    "unknown_server": ([{"name": "New", "server": "atlantis"}], [row("New", code="unknown_server")]),
    "not_found": ([{"project_id": UNKNOWN_ID}], [row(UNKNOWN_ID, code="not_found")]),
}


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("items", "rows"), DRIFT.values(), ids=DRIFT)
def test_drift_has_what_differed_before_the_task(provision, emulator, items, rows, check):
    """Also of the valid items in a rejected plan."""
    fields = {"git_repo_url": PRIVATE_REPO, "default_branch": "crm://c@d", "odoo_version": "17.0"}
    emulator.add_project("Client ERP", id=CLIENT_ID, **fields)
    add_projects(emulator, "Changes", "Twin", "Twin")
    result = provision({"name": "Changes", "default_branch": "dev"}, *items, check=check, diff=False)
    assert result["drift"] == [row("Changes", "default_branch", "main", "dev"), *rows]
    code = rows[0]["code"] if rows else None
    assert result.get("error", {}).get("code") == code
    assert bool(writes(emulator)) == (not check and code is None)
    assert "diff" not in result


def test_drift_has_what_prune_would_delete(provision, emulator):
    add_projects(emulator, "Client ERP", "Stray")
    rejected = provision({"name": "Client ERP"}, prune=True, prune_limit=0)
    assert rejected["error"]["code"] == "prune_limit_exceeded"
    assert rejected["drift"] == [row("Stray", "project", "present", "absent")]
    assert provision({"name": "Client ERP"}, prune=True)["drift"] == rejected["drift"]


def test_drift_is_missing_where_the_list_cannot_be_read(provision, emulator):
    emulator.faults.add("status", "GET", status=402)
    assert provision(NEW).get("drift") is None


def test_check_mode_has_a_line_for_each_change(provision, emulator):
    add_projects(emulator, "Bakery", "Former client", "Same")
    items = [{"name": "Café Olé", "server": "production-nyc1"}, {"name": "Bakery", "default_branch": "hotfix"}]
    result = provision(*items, {"name": "Same"}, prune=True, check=True, diff=False)
    assert result["msg"].splitlines() == [
        "+ Café Olé  on production-nyc1",
        "~ Bakery  default_branch main -> hotfix",
        "- Former client",
    ]
    assert "msg" not in provision(*items, prune=True, check=True)


def test_check_mode_has_lines_beside_what_is_rejected(provision, emulator):
    add_projects(emulator, "Bakery", "Twin", "Twin")
    items = [{"name": "Bakery", "default_branch": "hotfix"}, {"name": "Twin"}]
    result = provision(*items, skip_rejected=True, check=True, diff=False)
    headline, problem, line = result["msg"].splitlines()
    assert headline == "of 2 projects, 1 would fail, 1 would change:"
    assert (problem[:18], line) == ("- project 'Twin': ", "~ Bakery  default_branch main -> hotfix")


# What was approved.


def test_what_was_approved_is_what_is_applied(provision, emulator):
    changes, other = add_projects(emulator, "Changes", "Other")
    item = {"name": "Changes", "default_branch": "dev"}
    digest = provision(item, {"name": "Other"}, check=True)["plan_digest"]
    emulator.edit(other["id"], default_branch="other")
    assert provision(item, {"name": "Other"}, check=True)["plan_digest"] == digest
    emulator.edit(changes["id"], default_branch="old")
    for check in (True, False):
        result = provision(item, check=check, plan_digest=digest)
        assert (result["error"]["code"], result["plan_digest"] == digest) == ("plan_changed", False)
    assert writes(emulator) == []
    emulator.edit(changes["id"], default_branch="main")
    assert provision(item, plan_digest=f" {digest}\n")["plan_digest"] == digest
    assert len(writes(emulator)) == 1
    # Run again, it has nothing left to do.
    assert provision(item, plan_digest=digest)["changed"] is False


@pytest.mark.parametrize("digest", ["approved", "0" * 63, "A" * 64])
def test_what_is_no_digest_is_rejected_before_any_request(provision, emulator, digest):
    assert provision(NEW, plan_digest=digest)["error"]["code"] == "invalid_input"
    assert emulator.log.count() == 0


# Some of the items.


@pytest.mark.parametrize(
    ("only", "changed"),
    [
        (["A"], ["A"]),
        (["B*", "A"], ["A", "B", "Bakery"]),
        ([CLIENT_ID], ["Client ERP"]),
        (["B", ""], ["B"]),
        ([""], ["A", "B", "Bakery", "Client ERP"]),
        (["[AB]"], ["A", "B"]),
    ],
)
def test_only_leaves_the_other_items_alone(provision, emulator, only, changed):
    add_projects(emulator, "A", "B", "Bakery", "Stray")
    emulator.add_project("Client ERP", id=CLIENT_ID)
    items = [{"name": name, "default_branch": "dev"} for name in ("A", "B", "Bakery")]
    result = provision(*items, {"project_id": CLIENT_ID, "default_branch": "dev"}, only=only, prune=only != [""])
    assert actions(result) == [(name, "updated") for name in changed]
    assert [each["name"] for each in emulator.projects() if each["default_branch"] == "dev"] == changed
    assert len(emulator.projects()) == 5


@pytest.mark.parametrize(("pattern", "hint"), [("Bakerz", "Did you mean 'Bakery'?"), ("X*", "names of projects")])
def test_only_what_is_declared_can_be_selected(provision, emulator, pattern, hint):
    result = provision({"name": "Bakery"}, only=["B*", pattern])
    assert (result["error"]["code"], emulator.log.count()) == ("invalid_input", 0)
    assert repr(pattern) in result["msg"]
    assert hint in result["msg"]


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
def test_rejected_items_can_be_skipped(provision, emulator, check):
    """Nothing is pruned then: what is to be pruned may be what was rejected, under another name."""
    add_projects(emulator, "A", "Twin", "Twin", "Stray")
    items = [{"name": "A", "default_branch": "dev"}, {"name": "Twin"}, NEW]
    result = provision(*items, skip_rejected=True, prune=True, check=check)
    assert actions(result) == [("A", "updated"), ("Twin", "failed"), ("New", "created"), ("Stray", "failed")]
    codes = [entry["error"] and entry["error"]["code"] for entry in result["projects"]]
    assert codes == [None, "ambiguous_name", None, "skipped"]
    assert (result["changed"], result["error"]["code"]) == (True, "ambiguous_name")
    counted = "1 would fail, 1 would not be tried, 2 would change" if check else "1 failed, 1 not tried, 2 changed"
    assert result["msg"].startswith(f"of 4 projects, {counted}:\n- project 'Twin': ")
    assert len(writes(emulator)) == (0 if check else 2)


# What is rejected as a whole, before the first write.


def test_a_rejected_plan_reports_every_problem(provision, emulator):
    emulator.add_project("Client ERP", odoo_version="17.0")
    add_projects(emulator, "Changes", "Same", "Stray")
    items = [{"name": "Same"}, {"name": "Client ERP", "odoo_version": "18.0"}, {"name": "Lost", "server": "atlantis"}]
    result = provision({"name": "Changes", "default_branch": "dev"}, *items, prune=True, prune_limit=0)
    details = result["error"]["details"]
    assert all(set(each) == {"project", "code", "message"} and each["message"] for each in details)
    assert [(each["project"], each["code"]) for each in details] == [
        ("Client ERP", "immutable_field"),
        ("Lost", "unknown_server"),
        (None, "prune_limit_exceeded"),
    ]
    assert [entry["before_header"] for entry in result["diff"]] == ["project 'Changes'", "project 'Stray'"]
    assert {"changed", "projects", "summary"}.isdisjoint(result)
    assert writes(emulator) == []


def test_invalid_items_are_rejected_before_any_request(provision, emulator):
    repo = "http://robot:hunter22@github.com/x"
    items = [{"name": "n" * 256}, {"state": "absent"}, {"name": "Client ERP", "git_repo_url": repo}, {"id": "42"}]
    result = provision(NEW, *items, defaults={"default_branch": "dev"})
    assert (result["error"]["code"], result["error"]["status"]) == ("invalid_input", None)
    details = result["error"]["details"]
    assert all(set(each) == {"item", "project", "code", "message"} and each["message"] for each in details)
    assert [(each["item"], each["project"], each["code"]) for each in details] == [
        (2, "n" * 256, "invalid_input"),
        (3, None, "invalid_input"),
        (4, "Client ERP", "invalid_input"),
        (5, "42", "invalid_input"),
    ]
    assert emulator.log.count() == 0


@pytest.mark.parametrize("options", [{"prune": True}, {"prune_limit": -1}], ids=["nothing declared", "negative limit"])
def test_invalid_options_are_rejected_before_any_request(provision, emulator, options):
    result = provision(**options)
    assert (result["error"]["code"], emulator.log.count()) == ("invalid_input", 0)


# Prune.


def test_prune_deletes_what_is_not_declared_last(provision, emulator):
    stray, kept, twin, other_twin = add_projects(emulator, "Stray", "Kept", "Twin", "Twin")
    result = provision({"name": "Kept"}, NEW, prune=True, prune_limit=3)
    assert actions(result)[:2] == [("Kept", "unchanged"), ("New", "created")]
    assert actions(result)[2:] == [("Stray", "deleted"), ("Twin", "deleted"), ("Twin", "deleted")]
    assert [entry["project_id"] for entry in result["projects"][2:]] == [stray["id"], twin["id"], other_twin["id"]]
    assert [entry.headers["x-confirm-delete"] for entry in emulator.log.requests("DELETE")] == ["true"] * 3
    assert [kept["name"], "New"] == [project["name"] for project in emulator.projects()]


@pytest.mark.parametrize("count", [10, 11])
def test_prune_deletes_at_most_ten_projects_by_default(provision, emulator, count):
    emulator.fill(count)
    result = provision(NEW, prune=True)
    assert bool(result.get("failed")) == (count > 10)
    assert len(emulator.projects()) == (1 if count == 10 else 11)


def test_a_declared_project_is_never_pruned(provision, emulator):
    before, twin, goes = add_projects(emulator, "Before", "Twin", "Goes")
    items = [{"project_id": before["id"].upper(), "name": "After"}, {"project_id": twin["id"], "name": "Twin"}]
    result = provision(*items, {"name": "Goes", "state": "absent"}, prune=True, prune_limit=0)
    assert actions(result) == [("After", "updated"), ("Twin", "unchanged"), ("Goes", "deleted")]
    assert emulator.projects() == [{**before, "name": "After"}, twin]
    assert goes in emulator.deleted()


# Some fail.


def test_a_project_that_fails_does_not_stop_the_others(provision, emulator):
    _first, runs, _goes = add_projects(emulator, "First", "Runs", "Goes")
    body = {"error": "environments_running", "details": {"running": 1}}
    emulator.faults.add("status", "DELETE", project_path(runs), status=409, body=body)
    items = [{"name": "First", "default_branch": "dev"}, {"name": "Runs", "state": "absent"}]
    result = provision(*items, {"name": "Goes", "state": "absent"}, NEW)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["summary"] == counts(created=1, updated=1, deleted=1, failed=1)
    assert actions(result) == [("First", "updated"), ("Runs", "failed"), ("Goes", "deleted"), ("New", "created")]
    failed = result["projects"][1]
    assert (failed["changed"], failed["project_id"], failed["project"]["name"]) == (False, runs["id"], "Runs")
    facts = {"status": 409, "code": "environments_running", "details": {"running": 1}}
    assert facts.items() <= failed["error"].items()
    assert facts.items() <= result["error"].items()
    assert "'Runs'" in result["msg"]
    headers = [entry["after_header"] for entry in result["diff"]]
    assert headers == ["project 'First'", "project 'Goes' (absent)", "project 'New'"]
    assert [each["project"] for each in result["drift"]] == ["First", "Runs", "Goes", "New"]


def test_git_credentials_that_the_api_repeats_are_hidden(provision, emulator):
    """tests/unit/plugins/modules/conftest.py looks for them in every result."""
    body = {"error": "invalid", "message": "The password hunter22 is wrong."}
    emulator.faults.add("status", "POST", times=None, status=422, body=body)
    assert "The password *** is wrong" in provision({**NEW, "git_repo_url": PRIVATE_REPO})["msg"]


def test_what_would_fail_alike_is_skipped(provision, emulator):
    _first, _second, third, _same = add_projects(emulator, "First", "Second", "Third", "Same")
    emulator.faults.add("ip_blocked", "PATCH", skip=1, times=None)
    items = [{"name": name, "default_branch": "dev"} for name in ("First", "Second", "Third")]
    result = provision(*items, {"name": "Same"})
    assert (result["changed"], result["summary"]) == (True, counts(updated=1, failed=2, unchanged=1))
    assert (result["error"]["status"], result["error"]["code"]) == (429, "ip_blocked")
    skipped = result["projects"][2]
    assert (skipped["action"], skipped["changed"], skipped["project"]) == ("failed", False, third)
    assert (skipped["error"]["status"], skipped["error"]["code"]) == (None, "skipped")
    assert skipped["error"]["details"] == [{"code": "ip_blocked", "status": 429}]
    counted = "of 4 projects, 1 failed, 1 not tried, 1 changed, 1 unchanged:"
    assert result["msg"].splitlines()[0] == counted
    assert [line.partition(":")[0] for line in result["msg"].splitlines()[1:]] == [
        "- project 'Second'",
        "- project 'Third'",
    ]


def test_a_scoped_key_stops_after_its_first_item(provision, emulator):
    items = [{"name": f"New {number}", "server": SERVER_ID} for number in range(40)]
    result = provision(*items, api_key=emulator.keys.scoped)
    assert (result["error"]["code"], result["summary"]) == ("project_scoped_key", counts(failed=40))
    assert emulator.log.count("POST") == 2


def test_values_stored_differently_are_warned_of(provision, emulator):
    emulator.settings.normalise_names = True
    result = provision({**NEW, "name": " First trim "}, {**NEW, "name": "Same"}, {**NEW, "name": " Second trim "})
    warnings = json.dumps(result["warnings"])
    assert [name for name in ("First trim", "Same", "Second trim") if name in warnings] == ["First trim", "Second trim"]


def test_a_broken_run_is_finished_by_the_next(provision, emulator):
    items = [{"name": f"Client {number}", "server": SERVER_ID} for number in range(6)]
    emulator.faults.add("cut_after", "POST", skip=2)
    emulator.faults.add("cut_before", times=None, skip=4)
    assert provision(*items, api_retries=1)["failed"]
    created = len(emulator.projects())
    assert 0 < created < 6

    emulator.faults.clear()
    assert provision(*items)["summary"] == counts(created=6 - created, unchanged=created)
    assert sorted(project["name"] for project in emulator.projects()) == [item["name"] for item in items]


# Requests.


@pytest.mark.parametrize(("field", "requests"), [("id", 5), ("name", 6)], ids=["by id", "by name"])
def test_500_unchanged_projects_are_read_once(provision, emulator, field, requests):
    emulator.fill(500)
    servers = {server["id"]: server[field] for server in emulator.servers()}
    fields = ("name", "git_repo_url", "default_branch", "odoo_version")
    items = [
        {"server": servers[project["server_id"]], **{name: project[name] for name in fields}}
        for project in emulator.projects()
    ]
    result = provision(*items, prune=True, prune_limit=0)
    assert (result["changed"], result["summary"]) == (False, counts(unchanged=500))
    assert emulator.log.count() == emulator.log.count("GET") == requests
    assert emulator.log.count("GET /projects") == 5


def test_ids_are_looked_up_in_the_list(provision, emulator):
    first, second = add_projects(emulator, "Twin", "Twin")
    items = [{"project_id": first["id"], "default_branch": "dev"}, {"project_id": second["id"].upper()}]
    assert actions(provision(*items, diff=False)) == [("Twin", "updated"), ("Twin", "unchanged")]
    assert writes(emulator) == [("PATCH", project_path(first), {"default_branch": "dev"})]
    assert emulator.log.count() == 2


def test_the_write_limit_costs_no_more_time_than_it_must(provision, emulator, sleeps):
    emulator.settings.writes = 8
    started = emulator.clock.now()
    result = provision(*({"name": f"Client {number}", "server": SERVER_ID} for number in range(40)))
    assert result["summary"] == counts(created=40)
    # Five windows of a minute, of which the first may be half over, and one rejection for each new one.
    assert (emulator.clock.now() - started).total_seconds() <= 5 * 60
    assert (len(sleeps), emulator.log.count("POST /projects")) == (4, 44)
