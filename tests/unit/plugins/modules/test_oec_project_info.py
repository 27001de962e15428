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


@pytest.fixture
def listed(run_module):
    """listed(**options): the projects that the module returns."""

    def run(**options: Any) -> list[dict[str, Any]]:
        result = run_module("oec_project_info", **options)
        assert result["changed"] is False
        assert "diff" not in result
        return result["projects"]

    return run


@pytest.fixture
def estate(emulator) -> dict[str, dict[str, Any]]:
    """Five projects, by a word for each."""
    return {
        "old": emulator.add_project("Bakery ERP", odoo_version="16.0"),
        "new": emulator.add_project("Brewery ERP", odoo_version="17.0"),
        "twin": emulator.add_project("Bakery ERP", server="production-nyc1", odoo_version="17.0"),
        "bare": emulator.add_project("bakery erp", server_id=None),
        "third": emulator.add_project("Tailor ERP", server="production-nyc1", odoo_version="17.0"),
    }


FILTERS = {
    "none": ({}, ["old", "new", "twin", "bare", "third"]),
    "a name": ({"name": "Bakery ERP"}, ["old", "twin"]),
    "a name nobody has": ({"name": "BAKERY"}, []),
    "a version": ({"odoo_version": "17.0"}, ["new", "twin", "third"]),
    "a version that is a number": ({"odoo_version": 16.0}, ["old"]),
    "a server by name": ({"server": "production-nyc1"}, ["twin", "third"]),
    "a server by id": ({"server": NYC}, ["twin", "third"]),
    "a server by its id in capitals": ({"server": NYC.upper()}, ["twin", "third"]),
    "a server by its other name": ({"server_id": NYC}, ["twin", "third"]),
    "a server without projects": ({"server": "staging-hel1"}, []),
    "an unknown server": ({"server": "atlantis"}, []),
    "an unknown server id": ({"server": NOWHERE}, []),
    "a server and a version": ({"server": "production-fsn1", "odoo_version": "17.0"}, ["new"]),
    "a server and a name": ({"server": FSN, "name": "Bakery ERP"}, ["old"]),
    "everything": ({"server": NYC, "name": "Bakery ERP", "odoo_version": "17.0"}, ["twin"]),
    "what does not go together": ({"name": "Brewery ERP", "odoo_version": "16.0"}, []),
    "blanks": (
        {"project_id": "", "name": "", "server": "", "odoo_version": ""},
        ["old", "new", "twin", "bare", "third"],
    ),
    "a name among blanks": ({"project_id": "", "name": "Tailor ERP", "server": "", "odoo_version": ""}, ["third"]),
}


@pytest.mark.parametrize(("filters", "found"), FILTERS.values(), ids=FILTERS)
def test_those_projects_are_listed_that_match_every_filter(listed, estate, filters, found):
    assert listed(**filters) == [estate[word] for word in found]


@pytest.mark.parametrize(
    ("filters", "is_found"),
    [
        pytest.param({}, True, id="nothing else"),
        pytest.param({"name": "Bakery ERP", "server": "production-nyc1", "odoo_version": "17.0"}, True, id="all right"),
        pytest.param({"name": "Brewery ERP"}, False, id="another name"),
        pytest.param({"server": "production-fsn1"}, False, id="another server"),
        pytest.param({"odoo_version": "16.0"}, False, id="another version"),
    ],
)
def test_a_project_is_found_by_its_id_if_the_rest_matches_too(listed, estate, filters, is_found):
    twin = estate["twin"]
    assert listed(project_id=twin["id"].upper(), **filters) == ([twin] if is_found else [])


def test_an_id_that_is_not_there_lists_nothing(listed, estate):
    assert listed(id=NOWHERE) == []


def test_servers_that_share_a_name_count_as_one(listed, emulator):
    first, second, *_others = emulator.servers()
    emulator.load({"servers": {"acme": [{**first, "name": "erp"}, {**second, "name": "erp"}]}})
    here, there = emulator.add_project("A", server=FSN), emulator.add_project("B", server=NYC)
    assert listed(server="erp") == [here, there]


def test_an_organisation_without_projects_has_an_empty_list(listed, emulator):
    assert listed() == []


def test_250_projects_take_3_requests_and_come_in_the_apis_order(listed, emulator):
    emulator.fill(250)
    assert listed() == emulator.projects()
    assert emulator.log.count() == emulator.log.count("GET /projects") == 3


@pytest.mark.parametrize(
    ("filters", "requests"),
    [
        pytest.param({"id": NOWHERE}, {}, id="by id"),
        pytest.param({"server": FSN}, {"GET /projects": 1}, id="by server id"),
        pytest.param({"server": "production-fsn1"}, {"GET /projects": 1, "GET /servers": 1}, id="by server name"),
    ],
)
def test_nothing_is_read_that_is_not_needed(listed, emulator, filters, requests):
    listed(**filters)
    lists = {operation: emulator.log.count(operation) for operation in ("GET /projects", "GET /servers")}
    assert {operation: count for operation, count in lists.items() if count} == requests


def test_fields_that_nobody_knows_of_yet_come_back_untouched(listed, emulator):
    shown = {**emulator.add_project("Client ERP"), "colour": "blue", "addons": {"list": [1, None, True]}}
    page = {"data": [shown], "pagination": {"has_more": False, "next_cursor": None, "total": 1}}
    emulator.faults.add("replace", "GET", "/projects", body=page)
    assert listed() == [shown]


def test_git_credentials_are_masked(run_module, emulator):
    emulator.add_project("Private ERP", git_repo_url="https://robot:hunter22@github.com/acme/x")
    result = run_module("oec_project_info")
    assert result["projects"][0]["git_repo_url"] == "https://***@github.com/acme/x"
    assert "hunter22" not in json.dumps(result)


@pytest.mark.parametrize("key", ["read_only", "second"])
def test_every_key_of_the_organisation_sees_the_same(listed, emulator, estate, key):
    assert listed(api_key=getattr(emulator.keys, key), check=True) == list(estate.values())


def test_a_scoped_key_sees_its_project_only(listed, emulator, estate):
    there = emulator.scoped_project
    assert listed(api_key=emulator.keys.scoped) == [there]


@pytest.mark.parametrize("value", ["42", "Bakery ERP", "../servers"])
def test_an_id_that_is_none_is_refused_before_the_first_request(run_module, emulator, value):
    result = run_module("oec_project_info", project_id=value)
    assert f"project_id {value!r} is not a UUID" in result["msg"]
    assert set(result["error"]) == {"status", "code", "message", "details"}
    assert emulator.log.count() == 0


@pytest.mark.parametrize("filters", [{"id": NOWHERE}, {}, {"server": "x"}], ids=["by id", "list", "servers"])
def test_a_refusal_is_not_taken_for_an_empty_list(run_module, emulator, filters):
    emulator.settings.subscription_blocked = True
    result = run_module("oec_project_info", **filters)
    assert (result["failed"], result["error"]["code"]) == (True, "subscription_blocked")
    assert "projects" not in result
