# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID

HOUR, DAY = 3600, 86400
BACKUPS = "/environments/[^/]+/backups"
ONE = {"project": "Client ERP", "environment": "production"}
LINKS = {f"{name}_url": f"https://storage.example.com/{name}?signature=x" for name in ("database", "filestore")}


@pytest.fixture
def list_backups(run_module) -> Callable[..., list[dict[str, Any]]]:
    """list_backups(**options): the backups that the module returns."""

    def run(**options: Any) -> list[dict[str, Any]]:
        result = run_module("oec_backup_info", **options)
        assert (result["changed"], "diff" in result) == (False, False)
        assert "storage.example.com" not in json.dumps(result)
        return result["backups"]

    return run


@pytest.fixture
def erp(emulator) -> dict[str, Any]:
    """The production of Client ERP."""
    return emulator.add_environment(emulator.add_project("Client ERP")["id"])


@pytest.fixture
def backups(emulator, erp) -> dict[str, dict[str, Any]]:
    """Its backups, newest first, by a word for each."""
    places = {
        "running": (10, "in_progress", {}),
        "upload": (20, "uploading", {}),
        "fresh": (HOUR, "completed", {}),
        "safety": (2 * HOUR, "completed", {"backup_type": "pre_restore"}),
        "bad": (3 * HOUR, "failed", {}),
        "daily": (DAY, "completed", {"backup_type": "scheduled"}),
        "old": (9 * DAY, "expired", {"backup_type": "scheduled"}),
    }
    return {word: emulator.add_backup(erp["id"], *place[:2], **place[2]) for word, place in places.items()}


ALL = ["running", "upload", "fresh", "safety", "bad", "daily", "old"]
# What is found in the words of the client, and in those of the documentation where that differs.
FILTERS = {
    "none": ({}, ALL, None),
    "empty ones": (dict.fromkeys(["status", "backup_type", "newer_than", "backup_id"], ""), ALL, None),
    "a status": ({"status": "failed"}, ["bad"], None),
    "a status in upper case": (
        {"status": "COMPLETED"},
        ["fresh", "safety", "daily"],
        ["fresh", "safety", "daily", "old"],
    ),
    "running in the words of the client": ({"status": "in_progress"}, ["running"], ["running", "upload"]),
    "running in the words of the documentation": ({"status": "running"}, ["running"], ["running", "upload"]),
    "a status of the client only": ({"status": "uploading"}, ["upload"], []),
    "an unknown status": ({"status": "lost"}, [], None),
    "a type in any case": ({"backup_type": "Scheduled"}, ["daily", "old"], None),
    "an age": ({"newer_than": "2h"}, ["fresh", "safety"], None),
    "an age in seconds": ({"newer_than": str(3 * HOUR)}, ["fresh", "safety", "bad"], None),
    "all": ({"status": "completed", "backup_type": "manual", "newer_than": "7d"}, ["fresh"], None),
}


@pytest.mark.parametrize("words", ["client", "documented"])
@pytest.mark.parametrize(("options", "found", "documented"), FILTERS.values(), ids=FILTERS)
def test_filters(list_backups, emulator, backups, options, found, documented, words):
    emulator.settings.backup_words = words
    expected = documented if words == "documented" and documented is not None else found
    ids = {backup["id"]: word for word, backup in backups.items()}
    assert [ids[each["id"]] for each in list_backups(**ONE, **options)] == expected


def test_the_backups_are_as_the_api_has_them(list_backups, emulator, backups):
    assert list_backups(**ONE) == list(backups.values())
    (found,) = list_backups(backup_id=backups["fresh"]["id"].upper())
    assert found.items() >= backups["fresh"].items()
    assert found["environment_snapshot"]["environment"]["name"] == "production"
    assert list_backups(backup_id=UNKNOWN_ID) == []
    assert list_backups(backup_id=backups["bad"]["id"], status="completed") == []


@pytest.mark.parametrize("option", ["environment_id", "id"])
def test_a_deleted_environment_still_has_backups(run_module, list_backups, emulator, erp, backups, option):
    emulator.remove_environment(erp["id"])
    assert len(list_backups(**{option: erp["id"].upper()})) == len(backups)
    assert emulator.log.count() == emulator.log.count(f"GET {BACKUPS}") == 1
    assert run_module("oec_backup_info", **ONE)["error"]["code"] == "not_found"


def test_no_result_has_a_link(list_backups, emulator, erp, backups):
    whole = {**backups["fresh"], **LINKS}
    page = {"items": [whole], "total": 1, "page": 1, "page_size": 100, "pages": 1}
    emulator.faults.add("replace", "GET", BACKUPS, body=page)
    emulator.faults.add("replace", "GET", "/backups/.*", body=whole)
    for options in ({"environment_id": erp["id"]}, {"backup_id": whole["id"]}):
        (found,) = list_backups(**options)
        assert found.keys() == whole.keys() - LINKS.keys()


@pytest.mark.parametrize("pages_field", ["pages", "total_pages", "none"])
def test_all_pages_are_read(list_backups, emulator, erp, pages_field):
    emulator.settings.pages_field = pages_field
    for age in range(201):
        emulator.add_backup(erp["id"], age)
    assert len({each["id"] for each in list_backups(**ONE)}) == 201
    assert [entry.query["page"] for entry in emulator.log.requests("GET", BACKUPS)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("options", "code", "requests"),
    [
        ({}, "invalid_input", 0),
        ({"project": "Client ERP"}, "invalid_input", 0),
        ({"environment": "production"}, "invalid_input", 0),
        ({"environment_id": "production"}, "invalid_input", 0),
        ({"backup_id": "newest"}, "invalid_input", 0),
        ({"backup_id": UNKNOWN_ID, **ONE}, "invalid_input", 0),
        ({**ONE, "newer_than": "a day"}, "invalid_input", 0),
        ({**ONE, "environment": "staging"}, "not_found", 2),
        ({**ONE, "project": "Gone ERP"}, "not_found", 1),
        ({"environment_id": UNKNOWN_ID}, "not_found", 1),
        ({"environment_id": "ERP", "environment": "staging"}, "name_mismatch", 1),
        ({"environment_id": "ERP", "project": "Another ERP"}, "not_found", 1),
    ],
)
def test_rejected(run_module, emulator, erp, options, code, requests):
    named = {name: erp["id"] if value == "ERP" else value for name, value in options.items()}
    result = run_module("oec_backup_info", **named)
    assert (result["error"]["code"], emulator.log.count()) == (code, requests)


def test_a_name_beside_the_id_is_compared(list_backups, emulator, erp, backups):
    assert len(list_backups(**ONE, environment_id=erp["id"])) == len(backups)


def test_a_service_without_backups_is_unsupported(run_module, emulator, erp):
    emulator.settings.has_backups = False
    assert run_module("oec_backup_info", **ONE)["error"]["code"] == "unsupported"
