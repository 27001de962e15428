# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.create_once import create_once, derived_key
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import WEBHOOK
from ansible_collections.oecsh.cloud.tests.support import OTHER_SERVER_ID, SERVER_ID

NEW_SERVER_ID = "0f0f0f0f-0000-4000-8000-000000000001"
BODY = {"name": "Client ERP", "server_id": SERVER_ID}
ON_NEW_SERVER = {**BODY, "server_id": NEW_SERVER_ID}
NOON = datetime(2026, 3, 2, 12, 0, 20, 500_000, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def at_noon(request):
    """The emulator's clock stands at the same moment in every test: minutes matter here."""
    if "emulator" in request.fixturenames:
        request.getfixturevalue("emulator").clock.freeze(NOON)


@pytest.fixture
def host(make_http):
    """host(now=None, **settings): the projects' API of a run that has read the list. `now`: its own clock."""

    def start(now=None, **settings):
        http = make_http(**settings)
        http.clock = replace(http.clock, now=now or http.clock.now)
        api = Client(http).of(PROJECT)
        assert api.known
        return api

    return start


def requests(emulator):
    """Return what was sent, as in "list create read"."""
    names = {("GET", "/projects"): "list", ("POST", "/projects"): "create"}
    return " ".join(names.get((request.method, request.path), "read") for request in emulator.log.requests())


def keys(emulator):
    """Return the idempotency keys of the creates, in order."""
    return [request.headers["x-idempotency-key"] for request in emulator.log.requests("POST")]


def pause(emulator, change, project):
    """Let time pass before and after a change, and clear the log."""
    emulator.clock.advance(5)
    change(emulator, project)
    emulator.clock.advance(5)
    emulator.log.clear()


def failure_of(api, body=None, key=None):
    with pytest.raises(OecError) as caught:
        create_once(api, body or BODY, key)
    return caught.value.failure


# The derived key.


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (BODY, "56b47991-f760-5f58-8936-a1e42f8fd6b6"),
        (dict(reversed(BODY.items())), "56b47991-f760-5f58-8936-a1e42f8fd6b6"),
        ({**BODY, "name": "Bäckerei", "odoo_version": "17.0"}, "70865b9d-00d8-5ee2-83a4-399b7b300aa6"),
    ],
    ids=["minimal", "another order", "umlauts"],
)
def test_every_version_derives_this_key(body, key):
    """Two versions that run at once must not create two projects."""
    assert derived_key("/projects", body) == key


def test_different_declarations_derive_different_keys():
    repo = {"git_repo_url": "https://git.example/r"}
    others = [{"server_id": OTHER_SERVER_ID}, {"name": "2"}, {"odoo_version": "17.0"}, {"default_branch": "main"}, repo]
    found = {derived_key("/projects", {**BODY, **other}) for other in [{}, *others]}
    assert len(found | {derived_key("/webhooks", BODY)}) == len(others) + 2


def test_the_key_of_a_child_is_that_of_its_parent_and_request(client, emulator):
    emulator.fill(2)
    bodies = []
    for project in emulator.projects():
        values = {"name": "production", "project_id": project["id"], "server_id": SERVER_ID}
        create_once(client.of(ENVIRONMENT, project["id"]), values)
        bodies.append((f"/projects/{project['id']}/environments", {"name": "production", "vm_id": SERVER_ID}))
    assert keys(emulator) == [derived_key(*body) for body in bodies]
    assert len(set(keys(emulator))) == 2


# Exactly one project.

NO_DATE = {"kind": "drop_header", "method": "GET", "times": None}
NO_RESPONSE = {"kind": "cut_after", "times": None}
REJECTION = {"kind": "status", "status": 422, "body": {"error": "validation"}}
CREATED = {
    "no fault": ([], None, "list create"),
    "cut before": ([{"kind": "cut_before"}], None, "list create create"),
    "cut after": ([{"kind": "cut_after"}], None, "list create create"),
    "cut midway": ([{"kind": "cut_midway"}], None, "list create create"),
    "truncated": ([{"kind": "truncate"}], None, "list create create"),
    "504 after": ([{"kind": "html", "status": 504, "after": True}], None, "list create create"),
    "500 after": ([{"kind": "status", "status": 500, "after": True}], None, "list create create"),
    "503": ([{"kind": "status", "status": 503}], None, "list create create"),
    "in flight": ([{"kind": "in_flight"}], None, "list create create"),
    "no response": ([NO_RESPONSE], None, "list create create create list"),
    "no response to the user's own key": ([NO_RESPONSE], "change-4711", "list create create create list"),
    **{
        f"{status} once": ([{"kind": "status", "status": status}], None, "list create list create")
        for status in (400, 402, 403, 404, 409, 422)
    },
    # Before each repeat of the retry the list is read: only a project that exists by then ends it.
    "422, then 503": ([REJECTION, {"kind": "status", "status": 503}], None, "list create list create list create"),
    "422, then no response": ([REJECTION, NO_RESPONSE], None, "list create list create list list"),
    # Then the project is read, and the minute of a retry is our own.
    "no date": ([NO_DATE], None, "list create read"),
    "no date, 422": ([REJECTION, NO_DATE], None, "list create list create read"),
}


@pytest.mark.parametrize(("faults", "key", "expected"), CREATED.values(), ids=CREATED)
def test_a_create_makes_one_project_whatever_fails(host, emulator, faults, key, expected):
    emulator.add_project("Client ERP", org="other")
    emulator.add_project("Another client")
    for fault in faults:
        emulator.faults.add(**{"method": "POST", **fault})
    assert [create_once(host(api_retries=2), BODY, key)] == emulator.projects()[1:]
    assert (requests(emulator), emulator.log.writes[0].json) == (expected, BODY)
    assert keys(emulator)[0] == (key or derived_key("/projects", BODY))
    # A rejection is retried with a new key; a conflict may mean "still in progress", and a new key creates a second.
    has_new_key = any(fault.get("status") in (400, 402, 403, 404, 422) for fault in faults)
    assert len(set(keys(emulator))) == (2 if has_new_key else 1)


def test_ten_hosts_that_create_at_once_make_one_project(host, emulator):
    """With two API keys of the organization."""
    emulator.settings.reads = emulator.settings.writes = None
    ready = threading.Barrier(10)

    def create(api):
        ready.wait(10)
        return create_once(api, BODY)

    hosts = [host(api_key=key) for key in [emulator.keys.full, emulator.keys.second] * 5]
    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(create, hosts)) == emulator.projects() * 10
    assert len(emulator.projects()) == 1


# A repeated response to an earlier create.

EMPTY_LIST = {"data": [], "pagination": {"has_more": False, "next_cursor": None}}
CHANGES = {
    "nothing": lambda emulator, project: None,
    "deleted": lambda emulator, project: emulator.remove(project["id"]),
    "expired": lambda emulator, project: emulator.remove(project["id"]) or emulator.clock.advance(24 * 3600),
    "renamed": lambda emulator, project: emulator.edit(project["id"], name="Another name"),
    "renamed back": lambda emulator, project: emulator.edit(project["id"], name="Client ERP"),
    "not in the list": lambda emulator, project: emulator.faults.add("replace", "GET", "/projects", body=EMPTY_LIST),
}


@pytest.mark.parametrize(
    ("before", "between", "expected", "is_new"),
    [
        ("deleted", "nothing", "list create read create", True),
        ("renamed", "nothing", "list create read create", True),
        ("renamed", "renamed back", "list create read", False),
        ("expired", "nothing", "list create", True),
        ("not in the list", "nothing", "list create read", False),
    ],
)
def test_an_earlier_project_is_not_taken_for_a_new_one(host, emulator, before, between, expected, is_new):
    """What happens to it before the list is read, and between that and the create."""
    first = create_once(host(), BODY)
    pause(emulator, CHANGES[before], first)
    api = host()
    emulator.clock.advance(5)
    CHANGES[between](emulator, first)
    second = create_once(api, BODY)
    assert (second["id"] != first["id"]) is is_new
    assert requests(emulator) == expected
    assert [project for project in emulator.projects() if project["name"] == "Client ERP"] == [second]


def test_a_project_deleted_twice_is_created_a_third_time(host, emulator):
    """Also by a host whose own clock is wrong."""
    created = []
    for _turn in range(3):
        created.append(create_once(host(now=lambda: 0.0), BODY)["id"])
        emulator.clock.advance(5)
        assert [project["id"] for project in emulator.projects()] == created[-1:]
        emulator.remove(created[-1])
        emulator.clock.advance(5)
    assert len(set(created)) == 3
    # The third run sent the keys of the first two again, and one for each project that they name.
    assert keys(emulator)[3:5] == keys(emulator)[1:3]
    assert len(keys(emulator)) == 1 + 2 + 3


def test_two_hosts_create_a_deleted_project_again_once(host, emulator):
    pause(emulator, CHANGES["deleted"], create_once(host(), BODY))
    first, second = [create_once(api, BODY) for api in [host(), host()]]
    assert [first] == [second] == emulator.projects()


@pytest.mark.parametrize(
    ("created_at", "reads"),
    [
        ("2026-03-02T12:00:20Z", ""),
        ("2026-03-02T12:00:20.500+00:00", ""),
        ("2026-03-02T12:00:20", ""),
        ("2026-03-02T13:00:20+01:00", ""),
        ("2026-03-02T12:00:19Z", " read"),
        ("2026-03-02T13:00:19.999999+01:00", " read"),
        (None, " read"),
        ("", " read"),
        ("yesterday", " read"),
        ("2026-13-45T00:00:00Z", " read"),
    ],
)
def test_a_project_is_read_if_it_may_be_older_than_the_list(host, emulator, created_at, reads):
    api = host()
    existing = emulator.add_project("Client ERP")
    emulator.faults.add("replace", "POST", body={**existing, "created_at": created_at})
    assert create_once(api, BODY)["id"] == existing["id"]
    assert requests(emulator) == f"list create{reads}"


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_child_that_the_api_hides_is_not_created_again(make_client, emulator, is_deleted):
    emulator.settings.hides_stopped = True
    project = emulator.add_project("Client ERP")

    def create():
        api = make_client().of(ENVIRONMENT, project["id"])
        assert api.known
        return create_once(api, {"name": "production", "project_id": project["id"]})

    first = create()
    emulator.clock.advance(600)
    emulator.edit_environment(first["id"], status="stopped")
    if is_deleted:
        emulator.remove_environment(first["id"])
        assert create()["id"] != first["id"]
    else:
        with pytest.raises(OecError, match=first["id"]) as caught:
            create()
        assert (caught.value.failure.code, len(emulator.environments())) == ("wrong_state", 1)


def test_an_api_that_repeats_one_project_is_reported(host, emulator):
    emulator.clock.advance(-3600)
    deleted = emulator.add_project("Client ERP")
    emulator.remove(deleted["id"])
    emulator.clock.advance(3600)
    emulator.faults.add("replace", "POST", body=deleted, times=None)
    failure = failure_of(host())
    assert (failure.code, deleted["id"] in failure.message) == ("invalid_response", True)
    assert "24 hours" in failure.hint
    assert len(keys(emulator)) == 2


# Rejected.


def test_a_stored_rejection_whose_cause_is_fixed_is_retried(host, emulator):
    """By two hosts, as one project."""
    assert failure_of(host(), ON_NEW_SERVER).code == "validation_error"
    state = emulator.dump()
    state["servers"]["acme"].append({**state["servers"]["acme"][0], "id": NEW_SERVER_ID, "name": "new"})
    emulator.load(state)
    emulator.clock.advance(3600)
    hosts = [host(), host()]
    emulator.log.clear()
    first, second = [create_once(api, ON_NEW_SERVER) for api in hosts]
    assert [first] == [second] == emulator.projects()
    assert requests(emulator) == "create list create create list"
    creates = [(request.status, request.replayed) for request in emulator.log.requests("POST")]
    assert creates == [(422, True), (201, False), (422, True)]


def test_one_api_key_is_not_told_what_another_was(host, emulator, sleeps):
    """In the same minute: the rejection is stored for the whole organization."""
    assert failure_of(host(api_key=emulator.keys.scoped)).code == "project_scoped_key"
    assert [create_once(host(), BODY)] == emulator.projects("acme")[-1:]
    creates = [(request.status, request.replayed) for request in emulator.log.requests("POST")]
    assert creates == [(403, False), (403, False), (403, True), (201, False)]
    assert sleeps == []


@pytest.mark.parametrize(
    ("status", "code", "different_keys"),
    [
        (400, "bad_request", 2),
        (402, "subscription_blocked", 2),
        (403, "plan_feature_required", 2),
        (404, "not_found", 2),
        (409, "conflict", 1),
        (422, "validation", 2),
    ],
)
def test_a_repeated_rejection_is_reported_after_one_retry(host, emulator, sleeps, status, code, different_keys):
    for message in ("First.", "Second."):
        emulator.faults.add("status", "POST", status=status, body={"error": code, "message": message})
    failure = failure_of(host())
    assert (failure.code, failure.status, failure.message[-7:]) == (code, status, "Second.")
    assert requests(emulator) == "list create list create"
    assert (len(set(keys(emulator))), emulator.projects(), sleeps) == (different_keys, [], [])


@pytest.mark.parametrize(
    ("fault", "key", "code"),
    [
        ({"kind": "status", "status": 401, "body": {"error": "invalid_key"}}, None, "invalid_key"),
        ({"kind": "ip_blocked"}, None, "ip_blocked"),
        ({"kind": "redirect"}, None, "redirected"),
        (REJECTION, "change-4711", "validation"),
    ],
    ids=["401", "ip_blocked", "redirect", "the user's own key"],
)
def test_another_rejection_is_reported_without_a_retry(host, emulator, fault, key, code):
    """One that is not about the project, or under a key that is not ours to derive another from."""
    emulator.faults.add(method="POST", times=None, **fault)
    assert failure_of(host(), key=key).code == code
    assert requests(emulator) == "list create"


def test_the_key_of_a_retry_is_the_same_within_a_minute(host, emulator):
    """The API's minute: hosts whose own clocks differ send the same."""
    emulator.settings.store_errors = False
    for seconds, ahead in ((10, 0), (0, 3600), (60, 0), (0, 0)):
        api = host(now=lambda ahead=ahead: NOON.timestamp() + ahead)
        assert failure_of(api, ON_NEW_SERVER).status == 422
        emulator.clock.advance(seconds)
    firsts, retries = keys(emulator)[::2], keys(emulator)[1::2]
    assert firsts == [derived_key("/projects", ON_NEW_SERVER)] * 4
    assert retries[0] == retries[1] == retries[2] != retries[3]


# What exists in the end.

NAME, CUT_BEFORE, CUT_AFTER = "Client ERP", {"kind": "cut_before"}, {"kind": "cut_after"}
UNREADABLE = {"kind": "status", "method": "GET", "status": 503, "times": None}
IN_THE_LIST = {
    # Projects before the list is read, and after it; what goes wrong; the code of the failure.
    "one is new after a conflict": ([], [NAME], [{"kind": "status", "status": 409}], "list create list", None),
    "one is new": ([], [NAME], [CUT_BEFORE], "list create list", None),
    "one is new since the retry": ([], [NAME] * 2, [REJECTION, CUT_AFTER], "list create list create list", None),
    "none": ([], [], [CUT_BEFORE], "list create list", "no_response"),
    "one has another name": ([], ["Another"], [CUT_BEFORE], "list create list", "no_response"),
    "one is old": ([NAME], [], [CUT_BEFORE], "list create list", "no_response"),
    "two are new": ([], [NAME], [CUT_AFTER], "list create list", "no_response"),
    "the list fails": ([], [], [CUT_BEFORE, UNREADABLE], "list create list", "no_response"),
    "the list fails after a rejection": ([], [], [REJECTION, UNREADABLE], "list create list", "validation"),
}


@pytest.mark.parametrize(("before", "between", "faults", "expected", "code"), IN_THE_LIST.values(), ids=IN_THE_LIST)
def test_only_the_one_new_project_in_the_list_is_adopted(host, emulator, before, between, faults, expected, code):
    for name in before:
        emulator.add_project(name)
    api = host(api_retries=0)
    for name in between:
        emulator.add_project(name)
    for fault in faults:
        emulator.faults.add(**{"method": "POST", **fault})
    if code is None:
        assert create_once(api, BODY) == emulator.projects()[-1]
    else:
        failure = failure_of(api)
        assert (failure.code, failure.message.split(" ")[:2]) == (code, ["POST", "/projects"])
    assert requests(emulator) == expected


@pytest.mark.parametrize(
    ("parents", "parent", "adopted"),
    [
        ([None, "mine", "other"], "mine", 1),
        ([None, "mine", "other"], None, 0),
        (["other", None], "mine", None),
        (["mine", "mine"], None, None),
        (["mine", "mine"], "mine", None),
    ],
)
def test_only_the_new_one_of_the_same_parent_is_adopted(make_client, emulator, parents, parent, adopted):
    """Others have webhooks of the URL, too. None is sent a create again: the request was lost."""
    ids = {None: None, **{name: emulator.add_project(name)["id"] for name in ("mine", "other")}}
    api = make_client(api_retries=0).of(WEBHOOK)
    body = {"url": "https://hooks.example/a", "events": ["deploy.failed"]}
    assert api.known.objects == []
    found = [emulator.add_webhook(**body, project_id=ids[name])["id"] for name in parents]
    emulator.faults.add("cut_before", "POST")
    owner = {"project_id": ids[parent]} if parent else {}
    if adopted is None:
        assert failure_of(api, body | owner).code == "no_response"
    else:
        assert create_once(api, body | owner)["id"] == found[adopted]
    assert emulator.log.count("POST") == 1


# The user's own idempotency key.


@pytest.mark.parametrize("change", ["nothing", "deleted", "renamed"])
def test_the_user_s_own_key_of_another_project_is_rejected(host, emulator, change):
    first = create_once(host(), BODY, "change-4711")
    assert keys(emulator) == ["change-4711"]
    pause(emulator, CHANGES[change], first)
    body = {**BODY, "name": "Second ERP"} if change == "nothing" else BODY
    failure = failure_of(host(), body, "change-4711")
    assert (failure.code, first["id"] in failure.message) == ("invalid_response", True)
    assert "idempotency_key" in failure.hint
    assert requests(emulator) == "list create read"
