# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID

URL = "https://ci.acme.example/oec"
OTHER_URL = "https://chat.acme.example/oec"
HOME = "00000000-0000-4000-8000-000000000010"


@pytest.fixture
def list_webhooks(run_module, emulator) -> Callable[..., list[dict[str, Any]]]:
    """list_webhooks(**options): the webhooks that the module returns, without any secret."""

    def run(**options: Any) -> list[dict[str, Any]]:
        result = run_module("oec_webhook_info", **options)
        assert (result["changed"], "diff" in result, "secret" in result) == (False, False, False)
        text = json.dumps(result)
        assert [webhook for webhook in emulator.webhooks() if webhook["secret"] in text] == []
        return result["webhooks"]

    return run


@pytest.fixture
def estate(emulator) -> dict[str, dict[str, Any]]:
    """Four webhooks without their secrets, by a word for each."""
    emulator.add_project("Client ERP", id=HOME)
    webhooks = {
        "shared": emulator.add_webhook(URL, ["deploy.failed"]),
        "own": emulator.add_webhook(URL, ["deploy.failed"], HOME),
        "twin": emulator.add_webhook(URL, ["monitoring.alert"], HOME, format="slack"),
        "other": emulator.add_webhook(OTHER_URL, ["deploy.failed"], emulator.scoped_project["id"]),
    }
    return {word: {k: v for k, v in webhook.items() if k != "secret"} for word, webhook in webhooks.items()}


EMPTY = dict.fromkeys(["webhook_id", "url", "project"], "")
FILTERS: dict[str, tuple[dict[str, str], list[str]]] = {
    "none": ({}, ["shared", "own", "twin", "other"]),
    "empty ones": (EMPTY, ["shared", "own", "twin", "other"]),
    "a url": ({"url": URL}, ["shared", "own", "twin"]),
    "an unknown url": ({"url": f"{URL}2"}, []),
    "a project by name": ({"project": "Client ERP"}, ["own", "twin"]),
    "a project by id in upper case": ({"project_id": HOME.upper()}, ["own", "twin"]),
    "an unknown id of a project": ({"project": UNKNOWN_ID}, []),
    "a project and a url": ({"project": "Client ERP", "url": OTHER_URL}, []),
}


@pytest.mark.parametrize(("filters", "found"), FILTERS.values(), ids=FILTERS)
def test_a_webhook_must_match_every_filter(list_webhooks, estate, filters, found):
    assert list_webhooks(**filters) == [estate[word] for word in found]
    by_id = {**filters, "webhook_id": estate["twin"]["id"].upper()}
    assert list_webhooks(**by_id) == [estate["twin"]] * ("twin" in found)


def test_a_key_lists_what_it_may_read(list_webhooks, emulator, estate):
    assert list_webhooks(api_key=emulator.keys.read_only, check=True) == list(estate.values())
    assert list_webhooks(api_key=emulator.keys.scoped) == [estate["other"]]
    assert list_webhooks(webhook_id=estate["own"]["id"], api_key=emulator.keys.scoped) == []


def test_webhooks_are_returned_without_secrets(list_webhooks, emulator, estate):
    url, more = f"{URL}?sig=S1gnature", {"secret": "whsec_EarlierVersion", "retries": {"most": 3}}
    page = {"items": [{**estate["own"], **more, "url": url}], "total": 1, "limit": 100, "offset": 0, "has_more": False}
    emulator.faults.add("replace", "GET", "/webhooks", body=page)
    found = list_webhooks(url=url)
    assert found == [{**estate["own"], "retries": {"most": 3}, "url": f"{URL}?***"}]


def test_250_webhooks_take_3_requests_in_the_order_of_the_api(list_webhooks, emulator):
    ids = [emulator.add_webhook(f"{URL}/{number}", ["deploy.failed"])["id"] for number in range(250)]
    assert [webhook["id"] for webhook in list_webhooks()] == ids
    assert emulator.log.count() == emulator.log.count("GET /webhooks") == 3


def test_a_webhook_on_two_pages_is_returned_once(list_webhooks, emulator):
    webhooks = [emulator.add_webhook(f"{URL}/{number}", ["deploy.failed"]) for number in range(120)]
    # One is added before the others while the pages are read.
    shifted = {"items": webhooks[99:], "total": 121, "limit": 100, "offset": 100, "has_more": False}
    emulator.faults.add("replace", "GET", "/webhooks", skip=1, body=shifted)
    assert [webhook["id"] for webhook in list_webhooks()] == [webhook["id"] for webhook in webhooks]


FAILURES: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "an unknown project": ({"project": "Gone ERP"}, {}, "not_found"),
    "an id that is not a UUID": ({"webhook_id": "../org"}, {}, "invalid_input"),
    "an API without webhooks": ({}, {"missing_routes": ["GET /webhooks"]}, "unsupported"),
}


@pytest.mark.parametrize(("filters", "switches", "code"), FAILURES.values(), ids=FAILURES)
def test_failures_have_no_list(run_module, emulator, filters, switches, code):
    for switch, value in switches.items():
        setattr(emulator.settings, switch, value)
    result = run_module("oec_webhook_info", **filters)
    assert (result["error"]["code"], "webhooks" in result) == (code, False)
