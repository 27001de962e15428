# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils import _client
from ansible_collections.oecsh.cloud.plugins.module_utils._client import Client, Project
from ansible_collections.oecsh.cloud.plugins.module_utils._errors import (
    NoAnswerError,
    OecError,
    RefusedError,
    UnexpectedAnswerError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._transport import Transport
from ansible_collections.oecsh.cloud.tests.emulator import Emulator

MakeTransport = Callable[..., Transport]

SERVER_ID = "8e4f2a1c-1234-5678-abcd-ef0123456789"
OTHER_SERVER_ID = "b7c1d9e2-0a52-4c6e-9d0f-3f1a5e7c2b11"
NEW_SERVER_ID = "0f0f0f0f-0000-4000-8000-000000000001"
PROJECT_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
BODY = {"name": "Client ERP", "server_id": SERVER_ID}
NOON = datetime(2026, 3, 2, 12, 0, 20, 500_000, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def at_noon(request: pytest.FixtureRequest) -> None:
    """The emulator's clock stands at the same moment in every test: minutes matter here."""
    if "emulator" in request.fixturenames:
        request.getfixturevalue("emulator").clock.freeze(NOON)


def create(client: Client, key: str | None = None, /, **more: str) -> Project:
    """What a run does: read the list, then create."""
    return client.create({**BODY, **more}, client.projects(), key)


def keys(emulator: Emulator) -> list[str]:
    """The idempotency keys of the creates, in order."""
    return [request.headers["x-idempotency-key"] for request in emulator.log.requests("POST")]


def asked(emulator: Emulator) -> list[str]:
    return [f"{request.method} {request.path}" for request in emulator.log.requests()]


def add_server(emulator: Emulator) -> None:
    state = emulator.dump()
    state["servers"]["acme"].append({**state["servers"]["acme"][0], "id": NEW_SERVER_ID, "name": "new"})
    emulator.load(state)


# Lists.


def test_a_long_list_is_read_a_hundred_at_a_time(client: Client, emulator: Emulator) -> None:
    emulator.fill(250)
    listing = client.projects()
    assert [dict(project.fields) for project in listing.projects] == emulator.projects()
    assert listing.date == NOON.replace(microsecond=0)
    requests = emulator.log.requests()
    assert asked(emulator) == ["GET /projects"] * 3
    assert [request.query["limit"] for request in requests] == ["100"] * 3
    assert ["cursor" in request.query for request in requests] == [False, True, True]


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2)])
def test_no_page_is_asked_for_in_vain(client: Client, emulator: Emulator, count: int, requests: int) -> None:
    emulator.fill(count)
    assert len(client.projects().projects) == count
    assert emulator.log.count() == requests


def test_a_project_that_is_on_two_pages_counts_once(client: Client, emulator: Emulator) -> None:
    emulator.fill(150)
    emulator.faults.add("repeat_item", "GET", "/projects")
    assert [project.id for project in client.projects().projects] == [project["id"] for project in emulator.projects()]
    assert emulator.log.count() == 2


def test_the_date_of_a_list_is_that_of_its_first_page(client: Client, emulator: Emulator, sleeps: list[float]) -> None:
    emulator.fill(150)
    emulator.faults.add("rate_limit", "GET", "/projects", skip=1, retry_after=30)
    assert client.projects().date == NOON.replace(microsecond=0)
    assert len(sleeps) == 1


def test_servers_are_listed_in_the_api_s_order_with_their_fields_untouched(client: Client, emulator: Emulator) -> None:
    servers = client.servers()
    assert [{**server.fields, "environment_count": None} for server in servers] == [
        {**server, "environment_count": None} for server in emulator.servers()
    ]
    assert [server.id for server in servers] == [server["id"] for server in emulator.servers()]
    assert {server.provider for server in servers} == {"hetzner", "digitalocean"}
    assert servers[0].region == "fsn1"


# One project.


def test_a_project_is_read_as_the_api_shows_it(client: Client, emulator: Emulator) -> None:
    there = emulator.add_project("Client ERP", odoo_version="17.0", git_repo_url="https://git.example/r")
    project = client.project(there["id"])
    assert project
    assert dict(project.fields) == there
    typed = {field.name: getattr(project, field.name) for field in fields(Project) if field.name != "fields"}
    assert typed == {name: value for name, value in there.items() if name != "environment_count"}


def test_fields_that_are_new_to_the_api_are_kept(client: Client, emulator: Emulator) -> None:
    item = {"id": PROJECT_ID, "name": "Client ERP", "tags": ["a"]}
    emulator.faults.add("status", status=200, body=item)
    project = client.project(PROJECT_ID)
    assert project
    assert project.fields == item
    assert project.odoo_version is project.server_id is project.created_at is None


@pytest.mark.parametrize("shape", ["nested", "flat", "flat_detail", "loc", "text", "reason", "empty"])
def test_a_project_that_the_api_says_is_gone_is_gone(client: Client, emulator: Emulator, shape: str) -> None:
    emulator.settings.error_shape = shape
    assert client.project(PROJECT_ID) is None
    client.delete(PROJECT_ID)
    # Without the API's own code it may be a wrong api_url: then the list would fail as well.
    looked = [] if shape in ("nested", "flat", "flat_detail", "loc") else ["GET /projects"]
    assert asked(emulator) == [f"GET /projects/{PROJECT_ID}", *looked, f"DELETE /projects/{PROJECT_ID}"]


def test_a_wrong_api_url_makes_no_project_gone(client: Client, emulator: Emulator) -> None:
    emulator.faults.add("status", status=404, times=None, body={"detail": "Not Found"})
    with pytest.raises(RefusedError, match=r"GET /projects was refused \(404.*api_url"):
        client.project(PROJECT_ID)


@pytest.mark.parametrize("operation", ["project", "delete"])
@pytest.mark.parametrize(("fault", "parameters"), [("html", {}), ("status", {"text": "404 page not found"})])
def test_a_web_page_that_is_not_found_does_not_make_a_project_gone(
    client: Client, emulator: Emulator, operation: str, fault: str, parameters: dict[str, str]
) -> None:
    there = emulator.add_project("Client ERP")
    emulator.faults.add(fault, status=404, **parameters)
    with pytest.raises(RefusedError, match=r"404 Not Found.*web page"):
        getattr(client, operation)(there["id"])
    assert emulator.projects() == [there]


@pytest.mark.parametrize("operation", ["project", "delete"])
def test_a_refusal_does_not_make_a_project_gone(client: Client, emulator: Emulator, operation: str) -> None:
    emulator.settings.subscription_blocked = True
    with pytest.raises(RefusedError, match="402 subscription_blocked"):
        getattr(client, operation)(PROJECT_ID)


@pytest.mark.parametrize("project_id", ["../servers", "", f"{PROJECT_ID}?limit=1", f"{PROJECT_ID}/environments"])
def test_what_is_no_id_never_gets_into_a_url(client: Client, emulator: Emulator, project_id: str) -> None:
    for operation in (client.project, client.delete, lambda given: client.update(given, {"name": "New"})):
        with pytest.raises(ValueError, match="not a UUID"):
            operation(project_id)
    assert emulator.log.count() == 0


def test_an_update_sends_what_changes_and_returns_what_was_stored(client: Client, emulator: Emulator) -> None:
    there = emulator.add_project("Client ERP", git_repo_url="https://git.example/r")
    project = client.update(there["id"], {"name": "New name"})
    assert (project.id, project.name, project.git_repo_url) == (there["id"], "New name", "https://git.example/r")
    assert [(request.method, request.json) for request in emulator.log.requests()] == [("PATCH", {"name": "New name"})]


def test_a_delete_is_confirmed_in_its_header(client: Client, emulator: Emulator) -> None:
    client.delete(emulator.add_project("Client ERP")["id"])
    assert emulator.projects() == []
    assert [request.headers["x-confirm-delete"] for request in emulator.log.requests()] == ["true"]


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("cut_after", {}),
        ("cut_midway", {}),
        ("html", {"status": 504, "after": True}),
        ("status", {"status": 500, "after": True}),
        ("status", {"status": 200, "text": "", "after": True}),
    ],
    ids=["cut", "cut-midway", "504", "500", "empty"],
)
def test_a_lost_answer_to_a_delete_is_no_failure(
    client: Client, emulator: Emulator, fault: str, parameters: dict[str, Any]
) -> None:
    there = emulator.add_project("Client ERP")
    emulator.faults.add(fault, "DELETE", **parameters)
    client.delete(there["id"])
    assert emulator.deleted() == [there]
    assert [request.status for request in emulator.log.requests()][1:] == [404]


def test_a_project_with_environments_running_is_not_deleted(client: Client, emulator: Emulator) -> None:
    there = emulator.add_project("Client ERP")
    emulator.set_running(there["id"], 2)
    with pytest.raises(RefusedError, match=r"409 environments_running.*Stop the project's running"):
        client.delete(there["id"])
    assert (len(emulator.projects()), emulator.log.count()) == (1, 1)


@pytest.mark.parametrize(("key", "may_write"), [("full", True), ("scoped", True), ("read_only", False)])
def test_a_key_for_reading_is_refused_before_anything_is_sent(
    make_transport: MakeTransport, emulator: Emulator, key: str, may_write: bool
) -> None:
    client = Client(make_transport(api_key=getattr(emulator.keys, key)))
    if may_write:
        client.require_full_access()
    else:
        with pytest.raises(RefusedError, match=r"read-only.*oec_live_rw_") as caught:
            client.require_full_access()
        assert caught.value.code == "read_only_key"
    assert emulator.log.count() == 0


# Answers that the reference does not describe.

ITEM = {"id": PROJECT_ID, "name": "n"}
LAST = {"has_more": False, "next_cursor": None}

ODD_PAGES = [
    pytest.param({}, "without a list of data", id="empty"),
    pytest.param({"pagination": LAST}, "without a list of data", id="no-data"),
    pytest.param({"data": None, "pagination": LAST}, "without a list of data", id="null-data"),
    pytest.param({"data": {"id": PROJECT_ID}, "pagination": LAST}, "without a list of data", id="data-object"),
    pytest.param({"data": []}, "pagination.has_more", id="no-pagination"),
    pytest.param({"data": [], "pagination": []}, "pagination.has_more", id="pagination-list"),
    pytest.param({"data": [], "pagination": {}}, "pagination.has_more", id="no-has_more"),
    pytest.param({"data": [], "pagination": {"has_more": "false"}}, "pagination.has_more", id="has_more-text"),
    pytest.param({"data": [], "pagination": {"has_more": None}}, "pagination.has_more", id="has_more-null"),
    pytest.param({"data": [], "pagination": {"has_more": True}}, "no cursor", id="no-cursor"),
    pytest.param({"data": [], "pagination": {"has_more": True, "next_cursor": ""}}, "no cursor", id="empty-cursor"),
    pytest.param({"data": [], "pagination": {"has_more": True, "next_cursor": 7}}, "no cursor", id="cursor-number"),
    pytest.param({"data": [], "pagination": {"has_more": True, "next_cursor": "a\nb"}}, "no cursor", id="cursor-lines"),
    pytest.param({"data": ["x"], "pagination": LAST}, "a JSON str, not an object", id="item-text"),
    pytest.param({"data": [None], "pagination": LAST}, "a JSON NoneType, not an object", id="item-null"),
    pytest.param({"data": [{"name": "n"}], "pagination": LAST}, "without id", id="item-without-id"),
    pytest.param({"data": [ITEM, {"id": PROJECT_ID}], "pagination": LAST}, "without name", id="item-without-name"),
    pytest.param([], "a JSON list", id="list"),
    pytest.param(None, "a JSON NoneType", id="null"),
]
ODD_PROJECTS = [
    pytest.param({}, "without id", id="empty"),
    pytest.param({"id": None, "name": "n"}, "without id", id="null-id"),
    pytest.param({"id": 7, "name": "n"}, "whose id is a JSON int, not a string", id="id-number"),
    pytest.param({"id": "7", "name": "n"}, "whose id is not a UUID", id="id-no-uuid"),
    pytest.param({"id": PROJECT_ID, "name": None}, "without name", id="null-name"),
    pytest.param({"id": PROJECT_ID, "name": ["n"]}, "whose name is a JSON list, not a string", id="name-list"),
    pytest.param({**ITEM, "odoo_version": 17.0}, "whose odoo_version is a JSON float", id="version-number"),
    pytest.param({**ITEM, "created_at": 7}, "whose created_at is a JSON int", id="created_at-number"),
    pytest.param({"data": ITEM}, "without id", id="wrapped"),
    pytest.param([ITEM], "a JSON list", id="list"),
    pytest.param("created", "a JSON str", id="text"),
]


@pytest.mark.parametrize("what", ["projects", "servers"])
@pytest.mark.parametrize(("body", "problem"), ODD_PAGES)
def test_a_list_that_is_none_is_reported_and_never_taken_for_an_empty_one(
    client: Client, emulator: Emulator, what: str, body: Any, problem: str
) -> None:
    emulator.faults.add("replace", body=body)
    with pytest.raises(UnexpectedAnswerError, match=f"GET /{what} .*{problem}.*[Cc]heck api_url") as caught:
        getattr(client, what)()
    assert "Traceback" not in str(caught.value)
    assert emulator.log.count() == 1


@pytest.mark.parametrize("operation", ["GET", "PATCH", "POST"])
@pytest.mark.parametrize(("body", "problem"), ODD_PROJECTS)
def test_a_project_that_is_none_is_reported(
    client: Client, emulator: Emulator, operation: str, body: Any, problem: str
) -> None:
    there = emulator.add_project("Client ERP")["id"]
    emulator.faults.add("replace", operation, "/projects/.+" if operation == "GET" else None, body=body)
    calls = {
        "GET": lambda: client.project(there),
        "PATCH": lambda: client.update(there, {"name": "New name"}),
        "POST": lambda: create(client),
    }
    with pytest.raises(UnexpectedAnswerError, match=rf"{operation} /projects\S* .*{problem}.*[Cc]heck api_url"):
        calls[operation]()
    assert emulator.log.count(operation) == 1


def test_an_odd_item_of_a_server_list_names_its_field(client: Client, emulator: Emulator) -> None:
    emulator.faults.add("replace", body={"data": [{**ITEM, "region": 7}], "pagination": LAST})
    with pytest.raises(UnexpectedAnswerError, match="GET /servers answered a server whose region is a JSON int"):
        client.servers()


@pytest.mark.parametrize("what", ["projects", "servers"])
@pytest.mark.parametrize(
    ("fault", "problem", "requests"), [("cursor_loop", "never end", 2), ("missing_cursor", "no cursor", 1)]
)
def test_pages_that_never_end_or_break_off_are_reported(
    client: Client, emulator: Emulator, what: str, fault: str, problem: str, requests: int
) -> None:
    emulator.fill(3)
    emulator.faults.add(fault, times=None)
    with pytest.raises(UnexpectedAnswerError, match=f"GET /{what} .*{problem}"):
        getattr(client, what)()
    assert emulator.log.count() == requests


# Exactly one project.


def test_a_create_is_one_request(client: Client, emulator: Emulator) -> None:
    project = create(client, odoo_version="17.0")
    assert asked(emulator) == ["GET /projects", "POST /projects"]
    assert [dict(project.fields)] == emulator.projects()
    assert emulator.log.writes[0].json == {**BODY, "odoo_version": "17.0"}


def test_the_same_declaration_asks_under_the_same_key_whatever_the_order_of_its_fields(
    client: Client, emulator: Emulator
) -> None:
    listing = client.projects()
    first = client.create({"name": "Client ERP", "server_id": SERVER_ID, "odoo_version": "17.0"}, listing)
    again = client.create({"odoo_version": "17.0", "server_id": SERVER_ID, "name": "Client ERP"}, listing)
    assert first == again
    assert len(set(keys(emulator))) == 1
    assert UUID(keys(emulator)[0]).version == 5
    assert len(emulator.projects()) == 1


def test_two_keys_of_one_organisation_ask_under_the_same_idempotency_key(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    clients = [Client(make_transport(api_key=key)) for key in (emulator.keys.full, emulator.keys.second)]
    listing = clients[0].projects()
    assert clients[0].create(BODY, listing) == clients[1].create(BODY, listing)
    assert len(set(keys(emulator))) == 1
    assert len(emulator.projects()) == 1


@pytest.mark.parametrize(
    "difference",
    [
        {"server_id": OTHER_SERVER_ID},
        {"name": "Client ERP 2"},
        {"odoo_version": "17.0"},
        {"default_branch": "main"},
        {"git_repo_url": "https://git.example/r"},
    ],
    ids=lambda difference: next(iter(difference)),
)
def test_a_different_declaration_asks_under_a_different_key(
    client: Client, emulator: Emulator, difference: dict[str, str]
) -> None:
    listing = client.projects()
    first = client.create(BODY, listing)
    second = client.create({**BODY, **difference}, listing)
    assert first.id != second.id
    assert len(set(keys(emulator))) == 2


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("cut_before", {}),
        ("cut_after", {}),
        ("cut_midway", {}),
        ("truncate", {}),
        ("html", {"status": 504, "after": True}),
        ("status", {"status": 500, "after": True}),
        ("status", {"status": 503}),
        ("in_flight", {}),
    ],
    ids=["cut-before", "cut-after", "cut-midway", "truncated", "504-after", "500-after", "503", "in-flight"],
)
def test_a_lost_answer_to_a_create_makes_one_project(
    client: Client, emulator: Emulator, fault: str, parameters: dict[str, Any]
) -> None:
    emulator.faults.add(fault, "POST", **parameters)
    project = create(client)
    assert [dict(project.fields)] == emulator.projects()
    assert asked(emulator) == ["GET /projects", "POST /projects", "POST /projects"]
    assert len(set(keys(emulator))) == 1


def test_ten_hosts_that_create_at_once_make_one_project(make_transport: MakeTransport, emulator: Emulator) -> None:
    emulator.settings.reads = emulator.settings.writes = None
    ready, made, failed = threading.Barrier(10), [], []

    def host() -> None:
        client = Client(make_transport())
        listing = client.projects()
        ready.wait(10)
        try:
            made.append(client.create(BODY, listing))
        except OecError as error:
            failed.append(error)

    threads = [threading.Thread(target=host) for _turn in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(emulator.projects()) == 1
    assert {project.id for project in made} == {emulator.projects()[0]["id"]}


def test_a_project_that_was_deleted_since_is_made_again(client: Client, emulator: Emulator) -> None:
    first = create(client)
    emulator.clock.advance(5)
    emulator.remove(first.id)
    emulator.clock.advance(5)
    emulator.log.clear()
    second = create(client)
    assert [project["id"] for project in emulator.projects()] == [second.id]
    assert second.id != first.id
    assert asked(emulator) == ["GET /projects", "POST /projects", f"GET /projects/{first.id}", "POST /projects"]


def test_a_project_that_was_deleted_twice_is_made_a_third_time(client: Client, emulator: Emulator) -> None:
    made = []
    for _turn in range(3):
        made.append(create(client).id)
        emulator.clock.advance(5)
        assert [project["id"] for project in emulator.projects()] == made[-1:]
        emulator.remove(made[-1])
        emulator.clock.advance(5)
    assert len(set(made)) == 3
    # The third run asked under the keys of the first two again, and of each project that they name.
    assert keys(emulator)[3:5] == keys(emulator)[1:3]
    assert len(emulator.log.requests("POST")) == 1 + 2 + 3


def test_two_hosts_that_make_a_deleted_project_again_make_one(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    clients = [Client(make_transport()) for _turn in range(2)]
    emulator.remove(create(clients[0]).id)
    emulator.clock.advance(5)
    listings = [client.projects() for client in clients]
    made = [client.create(BODY, listing) for client, listing in zip(clients, listings, strict=True)]
    assert made[0] == made[1]
    assert len(emulator.projects()) == 1


def test_a_project_that_was_renamed_since_does_not_stand_for_the_new_one(client: Client, emulator: Emulator) -> None:
    first = create(client)
    emulator.clock.advance(5)
    emulator.edit(first.id, name="Another name")
    emulator.clock.advance(5)
    second = create(client)
    assert {project["id"]: project["name"] for project in emulator.projects()} == {
        first.id: "Another name",
        second.id: "Client ERP",
    }


def test_after_a_day_the_key_is_free_again(client: Client, emulator: Emulator) -> None:
    first = create(client)
    emulator.remove(first.id)
    emulator.clock.advance(24 * 3600 + 5)
    emulator.log.clear()
    assert create(client).id != first.id
    assert asked(emulator) == ["GET /projects", "POST /projects"]


def test_a_project_that_the_list_did_not_show_yet_is_adopted(client: Client, emulator: Emulator) -> None:
    first = create(client)
    emulator.clock.advance(5)
    emulator.faults.add("replace", "GET", "/projects", body={"data": [], "pagination": LAST})
    emulator.log.clear()
    assert create(client) == first
    assert asked(emulator) == ["GET /projects", "POST /projects", f"GET /projects/{first.id}"]
    assert len(emulator.projects()) == 1


@pytest.mark.parametrize("created_at", [None, "", "yesterday", "2026-13-45T00:00:00Z"])
def test_a_project_of_unknown_age_is_looked_up_once(client: Client, emulator: Emulator, created_at: str | None) -> None:
    listing = client.projects()
    there = emulator.add_project("Client ERP")
    emulator.faults.add("replace", "POST", body={**there, "created_at": created_at})
    assert client.create(BODY, listing).id == there["id"]
    assert asked(emulator) == ["GET /projects", "POST /projects", f"GET /projects/{there['id']}"]


@pytest.mark.parametrize(
    ("created_at", "lookups"),
    [
        ("2026-03-02T12:00:20Z", 0),
        ("2026-03-02T12:00:20.500+00:00", 0),
        ("2026-03-02T12:00:20", 0),
        ("2026-03-02T13:00:20+01:00", 0),
        ("2026-03-02T12:00:19Z", 1),
        ("2026-03-02T13:00:19.999999+01:00", 1),
    ],
)
def test_a_project_is_looked_up_where_it_is_older_than_the_list(
    client: Client, emulator: Emulator, created_at: str, lookups: int
) -> None:
    listing = client.projects()
    there = emulator.add_project("Client ERP")
    emulator.faults.add("replace", "POST", body={**there, "created_at": created_at})
    assert client.create(BODY, listing).id == there["id"]
    assert emulator.log.count("GET /projects/.+") == lookups


def test_where_the_list_has_no_date_the_new_project_is_looked_up_once(client: Client, emulator: Emulator) -> None:
    emulator.faults.add("drop_header", "GET", "/projects")
    project = create(client)
    assert asked(emulator) == ["GET /projects", "POST /projects", f"GET /projects/{project.id}"]
    assert len(emulator.projects()) == 1


def test_our_own_clock_being_wrong_changes_nothing(emulator: Emulator, make_transport: MakeTransport) -> None:
    transport = make_transport()
    transport.clock = replace(transport.clock, now=lambda: 0.0)
    client = Client(transport)
    emulator.remove(create(client).id)
    emulator.clock.advance(5)
    create(client)
    assert len(emulator.projects()) == 1


def test_a_server_that_repeats_one_project_for_ever_is_reported(client: Client, emulator: Emulator) -> None:
    emulator.clock.advance(-3600)
    gone = emulator.add_project("Client ERP")
    emulator.remove(gone["id"])
    emulator.clock.advance(3600)
    emulator.faults.add("replace", "POST", body=gone, times=None)
    with pytest.raises(
        UnexpectedAnswerError, match=rf"{gone['id']}, which is not the one declared\. Run this again in 24 hours"
    ):
        create(client)
    assert emulator.log.count("POST") == 2


# Refused.


def test_a_stored_refusal_whose_cause_is_mended_does_not_lock_out(client: Client, emulator: Emulator) -> None:
    with pytest.raises(RefusedError, match=r"422 validation.*there is no such server"):
        create(client, server_id=NEW_SERVER_ID)
    add_server(emulator)
    emulator.clock.advance(3600)
    emulator.log.clear()
    project = create(client, server_id=NEW_SERVER_ID)
    assert [dict(project.fields)] == emulator.projects()
    assert asked(emulator) == ["GET /projects", "POST /projects", "GET /projects", "POST /projects"]
    assert [(request.status, request.replayed) for request in emulator.log.requests("POST")] == [
        (422, True),
        (201, False),
    ]


def test_a_stored_refusal_that_was_mended_makes_one_project_however_often_it_is_run(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    clients = [Client(make_transport()) for _turn in range(2)]
    body = {**BODY, "server_id": NEW_SERVER_ID}
    with pytest.raises(RefusedError):
        clients[0].create(body, clients[0].projects())
    add_server(emulator)
    emulator.clock.advance(3600)
    listings = [client.projects() for client in clients]
    made = [client.create(body, listing) for client, listing in zip(clients, listings, strict=True)]
    assert made[0] == made[1]
    assert len(emulator.projects()) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad_request"),
        (402, "subscription_blocked"),
        (403, "plan_feature_required"),
        (404, "not_found"),
        (409, "conflict"),
        (422, "validation"),
    ],
)
def test_a_refusal_that_still_stands_is_reported_after_one_confirmation(
    client: Client, emulator: Emulator, sleeps: list[float], status: int, code: str
) -> None:
    for words in ("First words.", "Second words."):
        emulator.faults.add("status", "POST", status=status, body={"error": code, "message": words})
    with pytest.raises(RefusedError, match=rf"POST /projects was refused \({status} {code}\): Second words\."):
        create(client)
    assert asked(emulator) == ["GET /projects", "POST /projects", "GET /projects", "POST /projects"]
    # A conflict may be the words for "still being served": under another key that would make a second project.
    assert len(set(keys(emulator))) == (1 if status == 409 else 2)
    assert (emulator.projects(), sleeps) == ([], [])


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409, 422])
def test_a_refusal_that_does_not_stand_any_more_is_no_failure(client: Client, emulator: Emulator, status: int) -> None:
    emulator.faults.add("status", "POST", status=status)
    project = create(client)
    assert [dict(project.fields)] == emulator.projects()
    assert emulator.log.count("POST") == 2


def test_confirmations_within_a_minute_are_under_one_key_and_later_ones_under_others(
    client: Client, emulator: Emulator
) -> None:
    emulator.settings.store_errors = False
    for seconds in (10, 0, 60):
        with pytest.raises(RefusedError):
            create(client, server_id=NEW_SERVER_ID)
        emulator.clock.advance(seconds)
    with pytest.raises(RefusedError):
        create(client, server_id=NEW_SERVER_ID)
    confirmations = keys(emulator)[1::2]
    assert confirmations[0] == confirmations[1] == confirmations[2]
    assert confirmations[3] != confirmations[0]


def test_hosts_whose_clocks_differ_confirm_a_refusal_under_one_key(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    emulator.settings.store_errors = False
    for ahead in (0, 3600):
        transport = make_transport()
        transport.clock = replace(transport.clock, now=lambda ahead=ahead: NOON.timestamp() + ahead)
        with pytest.raises(RefusedError):
            create(Client(transport), server_id=NEW_SERVER_ID)
    assert len(keys(emulator)) == 4
    assert len(set(keys(emulator))) == 2


def test_without_a_date_from_the_server_a_refusal_is_confirmed_by_our_own_clock(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.add("status", "POST", status=422)
    emulator.faults.add("drop_header", "GET", "/projects", times=None)
    project = create(client)
    assert [dict(project.fields)] == emulator.projects()


@pytest.mark.parametrize(
    ("fault", "parameters", "words"),
    [
        ("status", {"status": 401, "body": {"error": "invalid_key"}}, "401 invalid_key"),
        ("ip_blocked", {}, "429 ip_blocked"),
        ("redirect", {}, "307"),
    ],
    ids=["401", "ip_blocked", "redirect"],
)
def test_a_refusal_that_says_nothing_about_the_project_is_not_confirmed(
    client: Client, emulator: Emulator, fault: str, parameters: dict[str, Any], words: str
) -> None:
    emulator.faults.add(fault, "POST", times=None, **parameters)
    with pytest.raises(RefusedError, match=f"POST /projects was refused .{words}"):
        create(client)
    assert asked(emulator) == ["GET /projects", "POST /projects"]


def test_a_project_that_is_there_after_the_refusal_is_adopted(client: Client, emulator: Emulator) -> None:
    listing = client.projects()
    there = emulator.add_project("Client ERP")
    emulator.faults.add("status", "POST", status=409, body={"error": "conflict", "message": "The name is taken."})
    assert client.create(BODY, listing).id == there["id"]
    assert emulator.log.count("POST") == 1
    assert len(emulator.projects()) == 1


def test_a_refusal_is_not_hidden_by_a_list_that_cannot_be_read(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    emulator.faults.add("status", "POST", status=402, body={"error": "subscription_blocked"})
    emulator.faults.add("status", "GET", status=503, skip=1, times=None)
    with pytest.raises(OecError, match=r"POST /projects was refused \(402 subscription_blocked\)"):
        create(Client(make_transport(api_retries=0)))


def test_a_confirmation_whose_answer_is_lost_makes_one_project(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    emulator.faults.add("status", "POST", status=422)
    emulator.faults.add("cut_after", "POST", times=None)
    project = create(Client(make_transport(api_retries=1)))
    assert [dict(project.fields)] == emulator.projects()
    assert emulator.log.count("POST") == 2


# Never answered.


def test_a_create_that_is_never_answered_is_found_in_the_list(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    emulator.add_project("Client ERP", org="other")
    emulator.add_project("Another client")
    emulator.faults.add("cut_after", "POST", times=None)
    project = create(Client(make_transport(api_retries=2)))
    assert [dict(project.fields)] == emulator.projects()[1:]
    assert asked(emulator) == ["GET /projects", *["POST /projects"] * 3, "GET /projects"]


def test_a_create_that_never_arrives_is_a_failure(make_transport: MakeTransport, emulator: Emulator) -> None:
    emulator.faults.add("cut_before", "POST", times=None)
    with pytest.raises(NoAnswerError, match="POST /projects got no usable answer: sent 3 times"):
        create(Client(make_transport(api_retries=2)))
    assert asked(emulator) == ["GET /projects", *["POST /projects"] * 3, "GET /projects"]


def test_of_two_new_projects_with_the_name_none_is_taken(make_transport: MakeTransport, emulator: Emulator) -> None:
    client = Client(make_transport(api_retries=0))
    listing = client.projects()
    emulator.add_project("Client ERP")
    emulator.faults.add("cut_after", "POST", times=None)
    with pytest.raises(NoAnswerError, match="POST /projects got no usable answer"):
        client.create(BODY, listing)
    assert emulator.log.count("POST") == 1


def test_a_project_that_was_there_before_is_not_taken_for_the_new_one(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    emulator.add_project("Client ERP")
    emulator.faults.add("cut_before", "POST", times=None)
    with pytest.raises(NoAnswerError, match="POST /projects got no usable answer"):
        create(Client(make_transport(api_retries=0)))


def test_where_the_list_fails_too_the_create_s_failure_is_reported(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    emulator.faults.add("cut_before", "POST", times=None)
    emulator.faults.add("status", "GET", status=503, skip=1, times=None)
    with pytest.raises(NoAnswerError, match="POST /projects got no usable answer"):
        create(Client(make_transport(api_retries=1)))


# The user's own idempotency key.


def test_the_user_s_own_idempotency_key_is_sent_as_it_is(client: Client, emulator: Emulator) -> None:
    project = create(client, "change-4711")
    assert keys(emulator) == ["change-4711"]
    with pytest.raises(UnexpectedAnswerError, match=f"{project.id}, which is not the one declared. Give another"):
        create(client, "change-4711", name="Another name")
    assert len(emulator.projects()) == 1


@pytest.mark.parametrize("since", ["deleted", "renamed"])
def test_the_user_s_own_key_whose_project_is_not_there_any_more_is_a_clear_failure(
    client: Client, emulator: Emulator, since: str
) -> None:
    first = create(client, "change-4711")
    emulator.clock.advance(5)
    if since == "deleted":
        emulator.remove(first.id)
    else:
        emulator.edit(first.id, name="Another name")
    emulator.clock.advance(5)
    emulator.log.clear()
    with pytest.raises(
        UnexpectedAnswerError, match=rf"{first.id}, which is not the one declared\. Give another idempotency_key"
    ):
        create(client, "change-4711")
    assert asked(emulator) == ["GET /projects", "POST /projects", f"GET /projects/{first.id}"]


def test_a_refusal_under_the_user_s_own_key_is_not_confirmed(client: Client, emulator: Emulator) -> None:
    emulator.faults.add("status", "POST", status=422)
    with pytest.raises(RefusedError, match="422"):
        create(client, "change-4711")
    assert asked(emulator) == ["GET /projects", "POST /projects"]


def test_a_lost_answer_under_the_user_s_own_key_is_found_in_the_list(
    make_transport: MakeTransport, emulator: Emulator
) -> None:
    emulator.faults.add("cut_after", "POST", times=None)
    project = create(Client(make_transport(api_retries=1)), "change-4711")
    assert [dict(project.fields)] == emulator.projects()
    assert keys(emulator) == ["change-4711"] * 2


# In a Python prompt.

PROMPT = """
import sys
sys.modules["ansible"] = None  # as if it were not installed
from ansible_collections.oecsh.cloud.plugins.module_utils._client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._transport import Settings, Transport
client = Client(Transport(Settings(sys.argv[1], sys.argv[2])))
print([project.name for project in client.projects().projects])
assert not [name for name in sys.modules if name.startswith("ansible.")]
"""


def test_the_client_can_be_tried_in_a_python_without_ansible(emulator: Emulator) -> None:
    emulator.add_project("Client ERP")
    root = Path(_client.__file__).parents[5]
    done = subprocess.run(
        [sys.executable, "-c", PROMPT, emulator.keys.full, emulator.url],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("['Client ERP']\n", "")
