# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

FSN = "8e4f2a1c-1234-5678-abcd-ef0123456789"
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def listed(run_module):
    """listed(**options): the servers that the module returns."""

    def run(**options: Any) -> list[dict[str, Any]]:
        result = run_module("oec_server_info", **options)
        assert result["changed"] is False
        assert "diff" not in result
        return result["servers"]

    return run


FILTERS = {
    "none": ({}, ["production-fsn1", "production-nyc1", "staging-hel1"]),
    "an id": ({"server_id": FSN}, ["production-fsn1"]),
    "an id in capitals": ({"server_id": FSN.upper()}, ["production-fsn1"]),
    "an id by its other name": ({"id": FSN}, ["production-fsn1"]),
    "an unknown id": ({"server_id": NOWHERE}, []),
    "a name": ({"name": "staging-hel1"}, ["staging-hel1"]),
    "a part of a name": ({"name": "production"}, []),
    "a provider": ({"provider": "hetzner"}, ["production-fsn1", "staging-hel1"]),
    "a region": ({"region": "nyc1"}, ["production-nyc1"]),
    "a provider and a region": ({"provider": "hetzner", "region": "hel1"}, ["staging-hel1"]),
    "everything": (
        {"server_id": FSN, "name": "production-fsn1", "provider": "hetzner", "region": "fsn1"},
        ["production-fsn1"],
    ),
    "what does not go together": ({"provider": "digitalocean", "region": "fsn1"}, []),
    "blanks": (
        {"server_id": "", "name": "", "provider": "", "region": ""},
        ["production-fsn1", "production-nyc1", "staging-hel1"],
    ),
    "a provider among blanks": (
        {"server_id": "", "name": "", "provider": "digitalocean", "region": ""},
        ["production-nyc1"],
    ),
}


@pytest.mark.parametrize(("filters", "names"), FILTERS.values(), ids=FILTERS)
def test_those_servers_are_listed_that_match_every_filter(listed, emulator, filters, names):
    assert [server["name"] for server in listed(**filters)] == names
    assert emulator.log.count() == emulator.log.count("GET /servers") == 1


def test_a_server_comes_with_its_capacity_and_its_load(listed, emulator):
    project = emulator.add_project("Client ERP", server="production-fsn1")
    emulator.set_running(project["id"], 4)
    (server,) = listed(name="production-fsn1")
    assert server == {**emulator.servers()[0], "environment_count": 4}


def test_250_servers_take_3_requests_and_come_in_the_apis_order(listed, emulator):
    first, *_others = emulator.servers()
    many = [{**first, "id": f"00000000-0000-4000-8000-{number:012}", "name": f"s{number % 7}"} for number in range(250)]
    emulator.load({"servers": {"acme": many}})
    assert [server["id"] for server in listed()] == [server["id"] for server in many]
    assert emulator.log.count() == 3


def test_servers_may_share_a_name(listed, emulator):
    first, second, _third = emulator.servers()
    emulator.load({"servers": {"acme": [{**first, "name": "erp"}, {**second, "name": "erp"}]}})
    assert [server["id"] for server in listed(name="erp")] == [first["id"], second["id"]]


def test_a_server_without_a_region_is_listed_unless_one_is_asked_for(listed, emulator):
    first, *_others = emulator.servers()
    emulator.load({"servers": {"acme": [{**first, "region": None}]}})
    assert listed()[0]["region"] is None
    assert listed(region="fsn1") == []


def test_an_organisation_without_servers_has_an_empty_list(listed, emulator):
    emulator.load({"servers": {"acme": []}})
    assert listed() == []


def test_fields_that_nobody_knows_of_yet_come_back_untouched(listed, emulator):
    shown = {**emulator.servers()[0], "gpu": {"cores": 2}, "labels": ["a", None]}
    page = {"data": [shown], "pagination": {"has_more": False, "next_cursor": None, "total": 1}}
    emulator.faults.add("replace", "GET", "/servers", body=page)
    assert listed() == [shown]


def test_a_read_only_key_is_enough(listed, emulator):
    assert len(listed(api_key=emulator.keys.read_only, check=True)) == 3


def test_an_id_that_is_none_is_refused_before_the_first_request(run_module, emulator):
    result = run_module("oec_server_info", server_id="production-fsn1")
    assert "server_id 'production-fsn1' is not a UUID" in result["msg"]
    assert emulator.log.count() == 0


def test_a_refusal_is_not_taken_for_an_empty_list(run_module, emulator):
    result = run_module("oec_server_info", api_key=emulator.keys.expired)
    assert (result["failed"], result["error"]["code"]) == (True, "key_expired")
    assert "servers" not in result
