# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID

BAKERY = "00000000-0000-4000-8000-00000000000a"


@pytest.fixture
def list_environments(run_module) -> Callable[..., list[dict[str, Any]]]:
    """list_environments(**options): the environments that the module returns."""

    def run(**options: Any) -> list[dict[str, Any]]:
        result = run_module("oec_environment_info", **options)
        assert result["changed"] is False
        assert "diff" not in result
        return result["environments"]

    return run


@pytest.fixture
def estate(emulator) -> dict[str, dict[str, Any]]:
    """Five environments in three of four projects, by a word for each."""
    bakery, brewery = emulator.add_project("Bakery ERP", id=BAKERY), emulator.add_project("Brewery ERP")
    twin, _empty = emulator.add_project("Bakery ERP"), emulator.add_project("Empty ERP")
    places = {
        "live": (bakery, "production", "running"),
        "test": (bakery, "staging", "stopped"),
        "other": (brewery, "production", "paused"),
        "same": (brewery, "production", "error"),
        "twin": (twin, "Production", "running"),
    }
    return {
        word: {**emulator.add_environment(project["id"], name, status), "project_name": project["name"]}
        for word, (project, name, status) in places.items()
    }


FILTERS = {
    "none": ({}, ["live", "test", "other", "same", "twin"]),
    "empty ones": (
        dict.fromkeys(["project", "name", "environment_id", "status"], ""),
        ["live", "test", "other", "same", "twin"],
    ),
    "a project by id in upper case": ({"project": BAKERY.upper()}, ["live", "test"]),
    "two projects of a name": ({"project": "Bakery ERP"}, ["live", "test", "twin"]),
    "several projects": ({"project": ["Brewery ERP", BAKERY, "Brewery ERP"]}, ["other", "same", "live", "test"]),
    "a project without environments": ({"project": "Empty ERP"}, []),
    "a name": ({"name": "production"}, ["live", "other", "same"]),
    "a status in upper case": ({"status": "RUNNING"}, ["live", "twin"]),
    "a status of another word": ({"status": "failed"}, []),
    "all": ({"project": "Brewery ERP", "name": "production", "status": "error"}, ["same"]),
}


@pytest.mark.parametrize(("filters", "found"), FILTERS.values(), ids=FILTERS)
def test_an_environment_must_match_every_filter(list_environments, estate, filters, found):
    assert list_environments(**filters) == [estate[word] for word in found]
    by_id = {**filters, "environment_id": estate["same"]["id"].upper()}
    assert list_environments(**by_id) == [estate["same"]] * ("same" in found)


@pytest.mark.parametrize(
    ("options", "code", "requests"),
    [
        pytest.param({"project": "Former client"}, "not_found", 1, id="an unknown project"),
        pytest.param({"project": ["Brewery ERP", UNKNOWN_ID]}, "not_found", 1, id="an unknown id of a project"),
        pytest.param({"environment_id": "../servers"}, "invalid_input", 0, id="an id that is not a UUID"),
    ],
)
def test_what_cannot_be_found_is_a_failure(run_module, emulator, estate, options, code, requests):
    result = run_module("oec_environment_info", **options)
    assert (result["error"]["code"], emulator.log.count()) == (code, requests)
    assert "environments" not in result


REQUESTS = {
    "all": ({}, 1 + 4),
    "one project": ({"project": "Brewery ERP", "name": "production"}, 1 + 1),
    "an unknown id": ({"environment_id": UNKNOWN_ID}, 1 + 1),
    "health": ({"project": "Brewery ERP", "health": True}, 1 + 1 + 2),
    "health and metrics of one": ({"name": "staging", "health": True, "metrics": True}, 1 + 4 + 2),
}


@pytest.mark.parametrize(("options", "count"), REQUESTS.values(), ids=REQUESTS)
def test_only_what_is_needed_is_read(list_environments, emulator, estate, options, count):
    list_environments(**options, check=True, api_key=emulator.keys.read_only)
    assert emulator.log.count() == emulator.log.count("GET") == count


def test_health_and_metrics_are_added(list_environments, emulator, estate):
    task = emulator.start_task(estate["live"]["id"], "deploy")
    emulator.clock.advance(200)
    (found,) = list_environments(environment_id=estate["live"]["id"], health=True, metrics=True)
    assert (found["health"]["http_ok"], found["health"]["last_deploy"]["id"]) == (True, task["id"])
    assert (found["metrics"]["odoo"]["status"], found["project_name"]) == ("running", "Bakery ERP")


NO_METRICS = {
    "an older version": ({"status": 404, "body": {"detail": "Not Found"}}, None),
    "a server that does not respond": ({"status": 502, "body": {"detail": {"error": "server_unreachable"}}}, None),
    "no figures": ({"status": 502, "body": {"detail": {"error": "metrics_unavailable"}}}, None),
    "a slow server": ({"status": 504, "body": {"detail": {"error": "docker_timeout"}}}, None),
    "a key without access": ({"status": 403, "body": {"detail": {"error": "forbidden"}}}, "forbidden"),
}


@pytest.mark.parametrize(("fault", "code"), NO_METRICS.values(), ids=NO_METRICS)
def test_metrics_may_be_missing(run_module, emulator, estate, fault, code):
    emulator.faults.add("status", "GET", ".*/metrics", times=None, **fault)
    result = run_module("oec_environment_info", name="staging", metrics=True)
    if code:
        assert result["error"]["code"] == code
    else:
        assert result["environments"] == [{**estate["test"], "metrics": None}]


def test_more_metrics_than_the_limit_are_waited_for(list_environments, estate, sleeps):
    for _number in range(7):
        (found,) = list_environments(name="staging", metrics=True)
        assert found["metrics"]
    assert 60 <= sum(sleeps) < 65


def test_hidden_environments_are_not_returned(list_environments, emulator, estate):
    emulator.settings.hides_stopped = True
    assert list_environments() == [estate["live"], estate["twin"]]
    assert list_environments(id=estate["test"]["id"]) == []


def test_unknown_fields_of_the_api_are_returned_unchanged(list_environments, emulator, estate):
    environment = {**estate["live"], "colour": "blue", "addons": {"list": [1, None, True]}, "ram_mb": None}
    emulator.faults.add("replace", "GET", f"/environments/{environment['id']}", body=environment)
    assert list_environments(id=environment["id"]) == [environment]
