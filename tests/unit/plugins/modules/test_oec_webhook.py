# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import EVENTS, WEBHOOK, ensure_webhook
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID, writes

Webhook = dict[str, Any]

URL = "https://ci.acme.example/oec"
OTHER_URL = "https://chat.acme.example/oec"
# The text behind `sig=` may be in no output.
SIGNED_URL = f"{URL}?sig=S1gnature"
NEW: dict[str, Any] = {"url": URL, "events": ["deploy.failed", "deploy.completed"]}
CREATED = {"url": URL, "events": ["deploy.completed", "deploy.failed"], "format": "raw", "is_active": True}


@pytest.fixture
def oec_webhook(run_module, emulator) -> Iterator[Callable[..., dict[str, Any]]]:
    """oec_webhook(check=False, diff=True, **options): the result of the module.

    Nothing secret is in it but for `secret`, and no request is sent that rotates a secret or calls a receiver.
    """

    def run(**options: Any) -> dict[str, Any]:
        result = run_module("oec_webhook", **options)
        text = json.dumps({**result, "secret": None})
        secrets = ["S1gnature", *(webhook["secret"] for webhook in emulator.webhooks())]
        assert [secret for secret in secrets if secret in text] == []
        return result

    yield run
    paths = {entry.path for entry in emulator.log.requests()}
    assert [path for path in paths if not re.fullmatch("/(projects|webhooks)(/[^/]*)?", path)] == []


@pytest.fixture
def project(emulator) -> dict[str, Any]:
    return emulator.add_project("Client ERP")


def webhook_path(webhook: Webhook) -> str:
    return f"/webhooks/{webhook['id']}"


def without_secret(webhook: Webhook) -> Webhook:
    return {name: value for name, value in webhook.items() if name != "secret"}


# Create, find, change, delete.

CREATES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "for the organization": ({}, {}),
    "with an event twice": ({"events": [*NEW["events"], "deploy.failed"]}, {}),
    "with events in one text": ({"events": "deploy.failed, deploy.completed"}, {"events": sorted(NEW["events"])}),
    "with every event": ({"events": list(EVENTS)}, {"events": sorted(EVENTS)}),
    "with everything": ({"description": "CI", "format": "teams", "is_active": False},) * 2,
    "with empty options": ({"description": "", "format": "", "project": "", "webhook_id": ""}, {}),
}


@pytest.mark.parametrize(("options", "body"), CREATES.values(), ids=CREATES)
def test_a_missing_webhook_is_created(oec_webhook, emulator, options, body):
    result = oec_webhook(**{**NEW, **options})
    assert writes(emulator) == [("POST", "/webhooks", {**CREATED, **body})]
    assert [{**result["webhook"], "secret": result["secret"]}] == emulator.webhooks()
    assert result["changed"]
    again = oec_webhook(**{**NEW, **options})
    assert (again["changed"], again["webhook"], "secret" in again) == (False, result["webhook"], False)


def test_url_and_project_are_the_key(oec_webhook, emulator, project):
    other = emulator.add_project("Bakery ERP")
    places = {None: {}, project["id"]: {"project": "Client ERP"}, other["id"]: {"project_id": other["id"].upper()}}
    created = {project_id: oec_webhook(**NEW, **place)["webhook"] for project_id, place in places.items()}
    assert [webhook["project_id"] for webhook in emulator.webhooks()] == list(places)
    emulator.log.clear()
    for project_id, place in places.items():
        assert oec_webhook(url=URL, **place, is_active=False)["webhook"]["id"] == created[project_id]["id"]
    assert [path for _method, path, _body in writes(emulator)] == [webhook_path(each) for each in created.values()]
    assert oec_webhook(url=URL, state="absent")["changed"]
    assert [webhook["project_id"] for webhook in emulator.webhooks()] == [project["id"], other["id"]]


CHANGES = {
    "one more event": ({"events": ["monitoring.alert", "deploy.failed"]}, None),
    "another description": ({"description": "Chat of the operators"}, None),
    "another format": ({"format": "discord"}, None),
    "switched on": ({"is_active": True}, None),
    "nothing but the url": ({}, {}),
    "the same events": ({"events": ["deploy.started", "deploy.failed", "deploy.failed"], "is_active": False}, {}),
    "one of two that differ": ({"format": "slack", "description": "x"}, {"description": "x"}),
}


@pytest.mark.parametrize(("options", "body"), CHANGES.values(), ids=CHANGES)
def test_only_what_differs_is_sent(oec_webhook, emulator, options, body):
    stored = {"format": "slack", "description": "Chat", "is_active": False}
    webhook = emulator.add_webhook(URL, ["deploy.started", "deploy.failed"], **stored)
    result = oec_webhook(url=URL, **options)
    sent = {**options, **({"events": sorted(options["events"])} if "events" in options else {})}
    body = sent if body is None else body
    assert writes(emulator) == ([("PATCH", webhook_path(webhook), body)] if body else [])
    assert result["webhook"] == without_secret({**webhook, **body}) == without_secret(emulator.webhooks()[0])
    assert (result["changed"], "secret" in result) == (bool(body), False)


def test_the_url_is_changed_by_id(oec_webhook, emulator, project):
    webhook = emulator.add_webhook(URL, ["deploy.failed"], project["id"])
    # That of the organization is another one.
    emulator.add_webhook(OTHER_URL, ["deploy.failed"])
    result = oec_webhook(webhook_id=webhook["id"].upper(), url=OTHER_URL, project="Client ERP")
    assert writes(emulator) == [("PATCH", webhook_path(webhook), {"url": OTHER_URL})]
    assert result["webhook"] == without_secret({**webhook, "url": OTHER_URL})


@pytest.mark.parametrize("stored", ["https://ci.acme.example/oec", "https://CI.acme.example:443/oec"])
def test_another_spelling_of_the_url_is_the_same(oec_webhook, emulator, stored):
    emulator.add_webhook(stored, NEW["events"])
    url = "HTTPS://ci.ACME.example/oec"
    assert oec_webhook(**{**NEW, "url": url})["changed"] is False
    assert oec_webhook(webhook_id=emulator.webhooks()[0]["id"], url=url)["changed"] is False
    assert oec_webhook(url=url, state="absent")["changed"] is True
    assert emulator.webhooks() == []


ABSENT = {
    "by its url": ({"url": URL}, True),
    "by its id": ({"id": "own"}, True),
    "by id, url and project": ({"webhook_id": "own", "url": URL, "project": "Client ERP"}, True),
    "gone": ({"url": OTHER_URL}, False),
    "gone, by id": ({"webhook_id": UNKNOWN_ID}, False),
    "gone with its project": ({"url": URL, "project": "Gone ERP"}, False),
}


@pytest.mark.parametrize(("options", "is_found"), ABSENT.values(), ids=ABSENT)
def test_a_webhook_is_deleted(oec_webhook, emulator, project, options, is_found):
    place = project["id"] if "project" in options else None
    webhook = emulator.add_webhook(URL, ["deploy.failed"], place)
    options = {name: webhook["id"] if value == "own" else value for name, value in options.items()}
    result = oec_webhook(**options, state="absent")
    assert (result["changed"], result["webhook"]) == (is_found, None)
    assert writes(emulator) == ([("DELETE", webhook_path(webhook), None)] if is_found else [])


def test_a_diff_names_project_and_events(oec_webhook, emulator, project):
    emulator.add_webhook(URL, ["monitoring.alert", "deploy.failed"], project["id"], description="CI")
    result = oec_webhook(url=URL, project=project["id"], is_active=False)
    fields = f'url: {URL}\nproject: Client ERP\nevents: ["deploy.failed", "monitoring.alert"]\n'
    assert result["diff"] == {
        "before": f"{fields}description: CI\nformat: raw\nis_active: true\n",
        "after": f"{fields}description: CI\nformat: raw\nis_active: false\n",
        "before_header": f"webhook '{URL}'",
        "after_header": f"webhook '{URL}'",
    }
    assert "diff" not in oec_webhook(url=URL, project=project["id"], is_active=True, diff=False)


# What is rejected before a write. OWN, TWIN and SHARED are the ids of existing webhooks.

OWN = "00000000-0000-4000-8000-0000000000a1"
TWIN = "00000000-0000-4000-8000-0000000000a2"
SHARED = "00000000-0000-4000-8000-0000000000a3"
TWIN_URL = "https://twin.acme.example/oec"
REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "two of the url": ({"url": TWIN_URL}, "ambiguous_name"),
    "two of the url to delete": ({"url": TWIN_URL, "state": "absent"}, "ambiguous_name"),
    "no events": ({"url": OTHER_URL}, "invalid_input"),
    "an unknown project": ({"url": URL, "project": "Gone ERP"}, "not_found"),
    "an unknown id of a project": ({"url": URL, "project": UNKNOWN_ID}, "not_found"),
    "an unknown id": ({"webhook_id": UNKNOWN_ID, "url": URL}, "not_found"),
    "another project": ({"webhook_id": OWN, "project": "Bakery ERP"}, "immutable_field"),
    "a project in place of the organization": ({"webhook_id": SHARED, "project": "Client ERP"}, "immutable_field"),
    "the url of another one": ({"webhook_id": SHARED, "url": TWIN_URL}, "name_taken"),
    "another url to delete": ({"webhook_id": OWN, "url": OTHER_URL, "state": "absent"}, "name_mismatch"),
    "another project to delete": ({"webhook_id": OWN, "project": "Bakery ERP", "state": "absent"}, "name_mismatch"),
    "a hidden query": ({"url": f"{URL}?***", "events": ["deploy.failed"]}, "invalid_input"),
    "a hidden query to delete": ({"url": f"{URL}?***", "state": "absent"}, "invalid_input"),
}


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("options", "code"), REJECTED.values(), ids=REJECTED)
def test_a_plan_is_rejected_before_any_write(oec_webhook, emulator, project, options, code, check):
    emulator.add_project("Bakery ERP")
    emulator.add_webhook(URL, ["deploy.failed"], project["id"], id=OWN)
    for ident, url in {TWIN: TWIN_URL, UNKNOWN_ID[:-1] + "9": TWIN_URL, SHARED: URL}.items():
        emulator.add_webhook(url, ["deploy.failed"], id=ident)
    result = oec_webhook(check=check, **{"description": "CI", **options})
    (detail,) = result["error"]["details"]
    assert (result["error"]["code"], detail["code"], writes(emulator)) == (code, code, [])


def test_one_of_two_is_found_by_its_id(oec_webhook, emulator):
    for ident in (OWN, TWIN):
        emulator.add_webhook(URL, ["deploy.failed"], id=ident)
    assert oec_webhook(webhook_id=TWIN, url=URL, state="absent")["changed"]
    assert [webhook["id"] for webhook in emulator.webhooks()] == [OWN]


INVALID: dict[str, dict[str, Any]] = {
    "plain http": {"url": "http://robot:hunter22@ci.acme.example/oec"},
    "a user and a password": {"url": "https://robot:hunter22@ci.acme.example/oec"},
    "a user": {"url": "https://hunter22@ci.acme.example/oec"},
    "a backslash": {"url": "https://ci.acme.example\\robot:hunter22@chat.acme.example/oec"},
    "a backslash and no user": {"url": "https://ci.acme.example\\oec"},
    "whitespace": {"url": "https://ci.acme.example/o ec"},
    "no host": {"url": "https:///oec"},
    "2049 characters of url": {"url": f"{URL}/".ljust(2049, "x")},
    "neither url nor id": {"url": ""},
    "no event": {"events": []},
    "an unknown event": {"events": ["deploy.completed", "deploy.done"]},
    "an unknown format": {"format": "xml"},
    "501 characters of description": {"description": "d" * 501},
    "an id that is not a UUID": {"webhook_id": "../org/api-keys"},
}


@pytest.mark.parametrize("invalid", INVALID.values(), ids=INVALID)
def test_invalid_options_are_rejected_before_any_request(oec_webhook, emulator, invalid):
    result = oec_webhook(**{**NEW, **invalid})
    assert (result["error"]["code"], emulator.log.count()) == ("invalid_input", 0)


# Keys with fewer rights.


@pytest.mark.parametrize("options", [{**NEW, "url": OTHER_URL}, {**NEW, "format": "slack"}, {"state": "absent"}])
def test_a_read_only_key_is_enough_to_predict_only(oec_webhook, emulator, options):
    emulator.add_webhook(URL, ["deploy.failed"])
    options = {"url": URL, **options, "api_key": emulator.keys.read_only}
    assert oec_webhook(**options, check=True)["changed"]
    assert oec_webhook(**options)["error"]["code"] == "read_only_key"
    assert writes(emulator) == []


def test_a_scoped_key_changes_webhooks_of_its_project_only(oec_webhook, emulator):
    project, key = emulator.scoped_project, {"api_key": emulator.keys.scoped}
    shared = emulator.add_webhook(URL, ["deploy.failed"])
    assert oec_webhook(**NEW, **key, project=project["name"])["webhook"]["project_id"] == project["id"]
    assert not oec_webhook(**NEW, **key, project=project["id"])["changed"]
    # What it does not see does not exist.
    assert not oec_webhook(webhook_id=shared["id"], **key, state="absent")["changed"]
    assert oec_webhook(**NEW, **key)["error"]["status"] == 422
    assert [webhook["project_id"] for webhook in emulator.webhooks()] == [None, project["id"]]


# The secret: the fixture looks for it everywhere else.


def test_check_mode_knows_no_secret(oec_webhook):
    result = oec_webhook(**NEW, check=True)
    assert (result["secret"], result["webhook"]["id"], result.get("warnings")) == (None, None, None)


LOST = {
    "before the create": {"kind": "cut_before"},
    "after the create": {"kind": "cut_after"},
    "amid the response": {"kind": "cut_midway"},
    "behind a proxy": {"kind": "html", "after": True},
    "with an error": {"kind": "status", "after": True},
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_lost_response_is_repeated_with_its_secret(oec_webhook, emulator, fault):
    emulator.faults.add(method="POST", **fault)
    result = oec_webhook(**NEW)
    (webhook,) = emulator.webhooks()
    assert {**result["webhook"], "secret": result["secret"]} == webhook
    first, second = emulator.log.writes
    assert first.headers["x-idempotency-key"] == second.headers["x-idempotency-key"]


def test_a_secret_that_is_lost_is_warned_of(oec_webhook, emulator):
    emulator.faults.add("cut_after", "POST")
    result = oec_webhook(**NEW, api_retries=0)
    assert (result["changed"], result["secret"]) == (True, None)
    assert [result["webhook"]] == list(map(without_secret, emulator.webhooks()))
    assert "secret" in json.dumps(result["warnings"])


def test_one_that_is_created_again_has_a_new_secret(oec_webhook, emulator):
    # The API stores its response to the first create for 24 hours.
    first = oec_webhook(**NEW)
    emulator.clock.advance(60)
    oec_webhook(url=URL, state="absent")
    emulator.clock.advance(60)
    second = oec_webhook(**NEW)
    assert [{**second["webhook"], "secret": second["secret"]}] == emulator.webhooks()
    assert second["secret"] not in (None, first["secret"])


def test_ten_at_once_make_one_and_know_its_secret(make_client, emulator):
    emulator.settings.writes = emulator.settings.webhook_mutations = None
    clients = [make_client() for _host in range(10)]
    for client in clients:
        assert client.of(WEBHOOK).known.objects == []
    ready = threading.Barrier(len(clients))

    def run(client: Any) -> Any:
        ready.wait()
        return ensure_webhook(NEW, client, Mode()).values["secret"]

    with ThreadPoolExecutor(len(clients)) as pool:
        secrets = set(pool.map(run, clients))
    assert [webhook["secret"] for webhook in emulator.webhooks()] == list(secrets)


# The query of a URL: the fixture looks for `S1gnature` in all that the module returns.

QUERIES = {
    "a signature": SIGNED_URL,
    "a name that says nothing": f"{URL}?x=S1gnature",
    "a quote before it": f"{URL}?a='b&sig=S1gnature",
    "a semicolon": f"{URL};S1gnature",
    "a fragment": f"{URL}#S1gnature",
}


@pytest.mark.parametrize("url", QUERIES.values(), ids=QUERIES)
def test_the_query_of_a_url_is_in_no_output(oec_webhook, emulator, url):
    created = oec_webhook(**{**NEW, "url": url})
    assert created["webhook"]["url"].endswith("***")
    assert [webhook["url"] for webhook in emulator.webhooks()] == [url]
    by_id = {"webhook_id": created["webhook"]["id"]}
    # As it is returned, it means the stored one.
    assert not oec_webhook(**by_id, url=created["webhook"]["url"])["changed"]
    assert oec_webhook(**by_id, url=f"{url}2")["changed"]
    assert oec_webhook(url=f"{url}2", description="CI")["changed"]
    assert oec_webhook(**by_id, url=url, state="absent")["error"]["code"] == "name_mismatch"
    emulator.add_webhook(url, ["deploy.failed"])
    assert oec_webhook(**by_id, url=url)["error"]["code"] == "name_taken"
    emulator.add_webhook(url, ["deploy.failed"])
    assert oec_webhook(url=url)["error"]["code"] == "ambiguous_name"
    assert oec_webhook(url=f"{url}3")["error"]["code"] == "invalid_input"
    assert oec_webhook(**{**NEW, "url": url, "format": "xml"})["error"]["code"] == "invalid_input"
    assert oec_webhook(url=f"{url}2", state="absent")["changed"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_query_that_the_api_repeats_is_hidden(oec_webhook, emulator, method):
    if method == "PATCH":
        emulator.add_webhook(SIGNED_URL, ["deploy.failed"])
    emulator.faults.add("echo", method, times=None)
    result = oec_webhook(**{**NEW, "url": SIGNED_URL})
    assert (result["error"]["status"], "***" in result["msg"]) == (422, True)


def test_a_value_stored_differently_is_warned_of(oec_webhook, emulator):
    webhook = emulator.add_webhook(URL, ["deploy.failed"])
    stored = without_secret({**webhook, "url": f"{SIGNED_URL}2", "format": "raw"})
    emulator.faults.add("replace", "PATCH", body=stored)
    result = oec_webhook(webhook_id=webhook["id"], url=SIGNED_URL, format="slack")
    warnings = json.dumps(result["warnings"])
    assert ("'slack'" in warnings, "'raw'" in warnings, "url" in warnings) == (True, True, True)


# Limits, pages and failures of the API.


@pytest.mark.parametrize("style", ["header", "none"])
def test_the_limit_of_mutations_is_waited_out(oec_webhook, emulator, sleeps, style):
    emulator.settings.webhook_mutations, emulator.settings.rate_limit_style = 1, style
    assert oec_webhook(**NEW)["changed"]
    assert oec_webhook(**{**NEW, "url": OTHER_URL})["secret"]
    assert (len(emulator.webhooks()), 55 <= sum(sleeps) <= 125) == (2, True)


def test_120_webhooks_take_two_requests(oec_webhook, emulator):
    webhooks = [emulator.add_webhook(f"{URL}/{number}", ["deploy.failed"]) for number in range(120)]
    assert oec_webhook(url=f"{URL}/119")["webhook"] == without_secret(webhooks[-1])
    assert [entry.query for entry in emulator.log.requests()] == [
        {"limit": "100", "offset": "0"},
        {"limit": "100", "offset": "100"},
    ]
    emulator.log.clear()
    assert oec_webhook(webhook_id=webhooks[-1]["id"], description="CI", diff=False)["changed"]
    assert [entry.method for entry in emulator.log.requests()] == ["GET", "PATCH"]


UNSUPPORTED: dict[str, dict[str, Any]] = {
    "to create": NEW,
    "to change by id": {"webhook_id": OWN, "format": "slack"},
    "to delete": {"url": URL, "state": "absent"},
}


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("options", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_an_api_without_webhooks_is_named_as_such(oec_webhook, emulator, options, status):
    emulator.settings.missing_routes = ["GET /webhooks", "POST /webhooks", "GET /webhooks/{webhook_id}"]
    emulator.settings.missing_route_status = status
    result = oec_webhook(**options)
    assert (result["error"]["code"], result["error"]["status"], writes(emulator)) == ("unsupported", status, [])


FAILURES: dict[str, tuple[dict[str, Any], dict[str, Any], int, str]] = {
    "more events than the API takes": ({"events": list(EVENTS)}, {"webhook_events": 10}, 422, "validation_error"),
    "a private address": ({"url": "https://10.0.0.7/oec"}, {}, 422, "validation_error"),
    "an unpaid subscription": ({}, {"subscription_blocked": True}, 402, "subscription_blocked"),
}


@pytest.mark.parametrize(("options", "switches", "status", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failure_has_its_status_and_code(oec_webhook, emulator, options, switches, status, code):
    for switch, value in switches.items():
        setattr(emulator.settings, switch, value)
    result = oec_webhook(**{**NEW, **options})
    assert (result["error"]["status"], result["error"]["code"]) == (status, code)
    assert (emulator.webhooks(), "secret" in result) == ([], False)
