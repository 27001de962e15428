# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import SERVER_ID, UNKNOWN_ID


@pytest.fixture
def list_servers(run_module) -> Callable[..., list[dict[str, Any]]]:
    """list_servers(**options): the servers that the module returns."""

    def run(**options: Any) -> list[dict[str, Any]]:
        result = run_module("oec_server_info", **options)
        assert result["changed"] is False
        assert "diff" not in result
        return result["servers"]

    return run


EMPTY = dict.fromkeys(["server_id", "name", "provider", "region"], "")
FILTERS = {
    "none": ({}, ["production-fsn1", "production-nyc1", "staging-hel1"]),
    "empty ones": (EMPTY, ["production-fsn1", "production-nyc1", "staging-hel1"]),
    "a provider among empty ones": ({**EMPTY, "provider": "digitalocean"}, ["production-nyc1"]),
    "an id": ({"server_id": SERVER_ID}, ["production-fsn1"]),
    "an id in upper case": ({"id": SERVER_ID.upper()}, ["production-fsn1"]),
    "an unknown id": ({"server_id": UNKNOWN_ID}, []),
    "a name": ({"name": "staging-hel1"}, ["staging-hel1"]),
    "a part of a name": ({"name": "production"}, []),
    "a provider": ({"provider": "hetzner"}, ["production-fsn1", "staging-hel1"]),
    "a region": ({"region": "nyc1"}, ["production-nyc1"]),
    "a provider and a region": ({"provider": "hetzner", "region": "hel1"}, ["staging-hel1"]),
    "an id and another name": ({"server_id": SERVER_ID, "name": "staging-hel1"}, []),
}


@pytest.mark.parametrize(("filters", "names"), FILTERS.values(), ids=FILTERS)
def test_a_server_must_match_every_filter(list_servers, emulator, filters, names):
    assert [server["name"] for server in list_servers(**filters)] == names
    assert emulator.log.count() == emulator.log.count("GET /servers") == 1


def test_250_servers_take_3_requests_in_the_order_of_the_api(list_servers, emulator):
    first, *_others = emulator.servers()
    servers = [
        {**first, "id": f"ABCDEF00-0000-4000-8000-{number:012}", "name": f"s{number % 7}"} for number in range(250)
    ]
    emulator.load({"servers": {"acme": servers}})
    assert [server["id"] for server in list_servers()] == [server["id"] for server in servers]
    assert emulator.log.count() == 3
    assert [server["id"] for server in list_servers(id=servers[1]["id"].lower())] == [servers[1]["id"]]
    assert len(list_servers(name="s1")) == 36


def test_servers_are_returned_unchanged(list_servers, emulator):
    project = emulator.add_project("Client ERP", server="production-fsn1")
    emulator.set_running(project["id"], 4)
    first, *_others = emulator.servers()
    assert list_servers(name="production-fsn1") == [{**first, "environment_count": 4}]
    server = {**first, "name": "crm://a@b", "region": None, "gpu": {"cores": 2}, "labels": ["a", None]}
    page = {"data": [server], "pagination": {"has_more": False, "next_cursor": None, "total": 1}}
    emulator.faults.add("replace", "GET", "/servers", times=2, body=page)
    assert list_servers() == [server]
    assert list_servers(region="fsn1") == []


def test_a_read_only_key_is_enough(list_servers, emulator):
    emulator.load({"servers": {"acme": []}})
    assert list_servers(api_key=emulator.keys.read_only, check=True) == []


def test_failures_have_no_list(run_module, emulator):
    expired = run_module("oec_server_info", api_key=emulator.keys.expired)
    assert (expired["error"]["code"], "servers" in expired) == ("key_expired", False)
    emulator.log.clear()
    invalid = run_module("oec_server_info", server_id="production-fsn1")
    assert (invalid["error"]["code"], emulator.log.count()) == ("invalid_input", 0)


# Metrics.

UNREACHABLE = {"detail": {"error": "server_unreachable", "message": "The server did not respond."}}


def test_metrics_are_read_for_each_server_where_asked_for(list_servers, emulator):
    first, second, third = emulator.servers()
    emulator.settings.servers_without_metrics = [second["id"]]
    emulator.faults.add("status", "GET", f"/servers/{third['id']}/metrics", status=502, body=UNREACHABLE, times=None)
    measured, *others = list_servers(metrics=True)
    assert (measured["metrics"]["server_id"], measured["metrics"]["disk_percent"]) == (first["id"], 50)
    assert [(each["id"], each["metrics"]) for each in others] == [(second["id"], None), (third["id"], None)]

    emulator.log.clear()
    assert list_servers(metrics=True, name="production-nyc1") == others[:1]
    assert [entry.path for entry in emulator.log.requests()] == ["/servers", f"/servers/{second['id']}/metrics"]
    assert "metrics" not in list_servers(name="production-nyc1")[0]


def test_a_key_of_a_project_measures_the_servers_of_it(list_servers, emulator):
    emulator.add_environment(emulator.scoped_project["id"])
    key = emulator.keys.scoped
    measured = [server["name"] for server in list_servers(metrics=True, api_key=key) if server["metrics"]]
    assert measured == ["production-fsn1"]


def test_the_limit_of_metrics_is_waited_out(list_servers, emulator, sleeps):
    metrics = [list_servers(metrics=True, server_id=SERVER_ID)[0]["metrics"] for _call in range(7)]
    assert (None in metrics, 55 <= sum(sleeps) <= 65) == (False, True)


def test_metrics_that_are_forbidden_are_a_failure(run_module, emulator):
    emulator.faults.add("status", "GET", "/servers/.*/metrics", status=403)
    result = run_module("oec_server_info", metrics=True)
    assert (result["error"]["status"], "servers" in result) == (403, False)
