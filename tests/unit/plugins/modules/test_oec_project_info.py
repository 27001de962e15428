# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import (
    OTHER_SERVER_ID,
    PRIVATE_REPO,
    REDACTED_REPO,
    SERVER_ID,
    UNKNOWN_ID,
)


@pytest.fixture
def list_projects(run_module) -> Callable[..., list[dict[str, Any]]]:
    """list_projects(**options): the projects that the module returns."""

    def run(**options: Any) -> list[dict[str, Any]]:
        result = run_module("oec_project_info", **options)
        assert result["changed"] is False
        assert "diff" not in result
        return result["projects"]

    return run


@pytest.fixture
def estate(emulator) -> dict[str, dict[str, Any]]:
    """Five projects, by a word for each; the API has the server's id of the last one in upper case."""
    return {
        "old": emulator.add_project("Bakery ERP", odoo_version="16.0"),
        "new": emulator.add_project("Brewery ERP", odoo_version="17.0"),
        "twin": emulator.add_project("Bakery ERP", server="production-nyc1", odoo_version="17.0"),
        "bare": emulator.add_project("bakery erp", server_id=None),
        "last": emulator.add_project("Tailor ERP", server_id=OTHER_SERVER_ID.upper(), odoo_version="17.0"),
    }


EMPTY = dict.fromkeys(["project_id", "name", "server", "odoo_version"], "")
FILTERS = {
    "none": ({}, ["old", "new", "twin", "bare", "last"]),
    "empty ones": (EMPTY, ["old", "new", "twin", "bare", "last"]),
    "a name among empty ones": ({**EMPTY, "name": "Tailor ERP"}, ["last"]),
    "a name": ({"name": "Bakery ERP"}, ["old", "twin"]),
    "a name in upper case": ({"name": "BAKERY ERP"}, []),
    "a version": ({"odoo_version": "17.0"}, ["new", "twin", "last"]),
    "a version that is a number": ({"odoo_version": 16.0}, ["old"]),
    "a server by name": ({"server": "production-nyc1"}, ["twin", "last"]),
    "a server by id": ({"server": OTHER_SERVER_ID}, ["twin", "last"]),
    "a server by id in upper case": ({"server_id": OTHER_SERVER_ID.upper()}, ["twin", "last"]),
    "a server without projects": ({"server": "staging-hel1"}, []),
    "an unknown server id": ({"server": UNKNOWN_ID}, []),
    "a server and a version": ({"server": "production-fsn1", "odoo_version": "17.0"}, ["new"]),
    "all": ({"server": OTHER_SERVER_ID, "name": "Bakery ERP", "odoo_version": "17.0"}, ["twin"]),
    "all, and no match": ({"server": SERVER_ID, "name": "Brewery ERP", "odoo_version": "16.0"}, []),
}


@pytest.mark.parametrize(("filters", "found"), FILTERS.values(), ids=FILTERS)
def test_a_project_must_match_every_filter(list_projects, estate, filters, found):
    assert list_projects(**filters) == [estate[word] for word in found]
    by_id = {**filters, "project_id": estate["twin"]["id"].upper()}
    assert list_projects(**by_id) == [estate["twin"]] * ("twin" in found)


def test_an_unknown_server_is_named(run_module, emulator):
    result = run_module("oec_project_info", server="atlantis")
    assert result["error"]["code"] == "unknown_server"
    assert "'production-fsn1'" in result["msg"]


def test_servers_that_share_a_name_count_as_one(list_projects, emulator):
    first, second, third = emulator.servers()
    servers = [{**first, "name": "erp"}, {**second, "id": second["id"].upper(), "name": "erp"}, third]
    emulator.load({"servers": {"acme": servers}})
    projects = [emulator.add_project(f"On {server['region']}", server_id=server["id"].lower()) for server in servers]
    assert list_projects(server="erp") == projects[:2]


def test_250_projects_take_3_requests_in_the_order_of_the_api(list_projects, emulator):
    assert list_projects() == []
    emulator.log.clear()
    emulator.fill(250)
    assert list_projects() == emulator.projects()
    assert emulator.log.count() == emulator.log.count("GET /projects") == 3


REQUESTS = {
    "by id": ({"id": SERVER_ID.upper()}, {f"/projects/{SERVER_ID}"}),
    "by server id": ({"server": SERVER_ID}, {"/projects"}),
    "by server name": ({"server": "production-fsn1"}, {"/projects", "/servers"}),
}


@pytest.mark.parametrize(("filters", "paths"), REQUESTS.values(), ids=REQUESTS)
def test_only_what_is_needed_is_read(list_projects, run_module, emulator, filters, paths):
    assert list_projects(**filters) == []
    assert {entry.path for entry in emulator.log.requests()} == paths
    emulator.settings.subscription_blocked = emulator.settings.subscription_blocks_reads = True
    result = run_module("oec_project_info", **filters)
    assert result["error"]["code"] == "subscription_blocked"
    assert "projects" not in result


def test_projects_are_returned_unchanged_but_redacted(list_projects, emulator):
    project = emulator.add_project("crm://a@b", default_branch="crm://a@b", git_repo_url=PRIVATE_REPO)
    project |= {"colour": "blue", "addons": {"list": [1, None, True]}}
    page = {"data": [project], "pagination": {"has_more": False, "next_cursor": None, "total": 1}}
    emulator.faults.add("replace", "GET", "/projects", body=page)
    assert list_projects() == [{**project, "git_repo_url": REDACTED_REPO}]


def test_a_key_lists_what_it_may_read(list_projects, emulator, estate):
    assert list_projects(api_key=emulator.keys.read_only, check=True) == list(estate.values())
    project = emulator.scoped_project
    assert list_projects(api_key=emulator.keys.scoped) == [project]


@pytest.mark.parametrize("value", ["42", "Bakery ERP", "../servers"])
def test_an_invalid_id_is_rejected_before_any_request(run_module, emulator, value):
    result = run_module("oec_project_info", project_id=value)
    assert (result["error"]["code"], emulator.log.count()) == ("invalid_input", 0)
