# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import TASK
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import BACKUP
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.organization import ORGANIZATION
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import WEBHOOK
from ansible_collections.oecsh.cloud.tests.support import (
    COLLECTIONS,
    SERVER_ID,
    UNKNOWN_ID,
    clean_environment,
    project_path,
    writes,
)

PROJECT_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
ITEM = {"id": PROJECT_ID, "name": "n"}
LAST = {"has_more": False, "next_cursor": None}


@pytest.fixture
def projects(client):
    return client.of(PROJECT)


@pytest.fixture
def environment(emulator):
    return emulator.add_environment(emulator.add_project("Client ERP")["id"])


def failure_of(call, *arguments):
    with pytest.raises(OecError) as caught:
        call(*arguments)
    return caught.value.failure


# Lists.


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (250, 3)])
def test_a_list_is_read_a_hundred_at_a_time(projects, emulator, count, requests):
    emulator.fill(count)
    listing = projects.list()
    assert listing.objects == emulator.projects()
    assert listing.ids == {project["id"] for project in emulator.projects()}
    queries = [request.query for request in emulator.log.requests("GET", "/projects")]
    assert [query["limit"] for query in queries] == ["100"] * requests
    assert ["cursor" in query for query in queries] == [False, True, True][:requests]


@pytest.mark.parametrize(
    ("limit", "sizes", "count"),
    [(1, ["1"], 1), (100, ["100"], 100), (150, ["100"] * 2, 150), (999, ["100"] * 3, 250)],
)
def test_no_more_pages_are_read_than_needed(projects, emulator, limit, sizes, count):
    emulator.fill(250)
    assert projects.list(limit).objects == emulator.projects()[:count]
    assert [request.query["limit"] for request in emulator.log.requests()] == sizes


def test_an_object_on_two_pages_counts_once(projects, emulator):
    emulator.fill(150)
    emulator.faults.add("repeat_item", "GET", "/projects")
    assert projects.list().objects == emulator.projects()
    assert emulator.log.count() == 2


def test_the_date_of_a_list_is_that_of_its_first_page(projects, emulator, sleeps):
    emulator.fill(150)
    emulator.faults.add("rate_limit", "GET", "/projects", skip=1, retry_after=30)
    first_page = emulator.clock.now().replace(microsecond=0)
    assert projects.list().date == first_page
    assert len(sleeps) == 1


def test_servers_keep_their_order_and_their_fields(client, emulator):
    assert client.of(SERVER).list().objects == [{**server, "environment_count": 0} for server in emulator.servers()]


def test_what_was_known_is_read_once(client, emulator):
    before = client.of(PROJECT).known
    emulator.add_project("Client ERP")
    assert client.of(PROJECT).known is before
    assert (before.objects, emulator.log.count()) == ([], 1)
    assert client.of(SERVER).known.objects


def test_a_whole_list_is_that_of_one_parent(client, emulator):
    emulator.fill(2, environments=["production", "staging"])
    first, second = [client.of(ENVIRONMENT, project["id"]) for project in emulator.projects()]
    for api, project in zip((first, second), emulator.projects(), strict=True):
        assert client.of(ENVIRONMENT, project["id"]) is api
        assert api.known.objects == emulator.environments(project["id"])
    paths = [f"{project_path(project)}/environments" for project in emulator.projects()]
    assert [(request.path, request.query) for request in emulator.log.requests()] == [(path, {}) for path in paths]


@pytest.mark.parametrize("pages_field", ["pages", "total_pages", "none"])
@pytest.mark.parametrize(("count", "requests"), [(0, 1), (100, 1), (101, 2), (250, 3)])
def test_numbered_pages_are_read_up_to_their_total(client, emulator, environment, count, requests, pages_field):
    emulator.settings.pages_field = pages_field
    ids = {emulator.add_backup(environment["id"], age)["id"] for age in range(count)}
    listing = client.of(BACKUP, environment["id"]).list()
    assert (listing.ids, len(listing.objects)) == (ids, count)
    queries = [{"page": f"{number}", "page_size": "100"} for number in range(1, requests + 1)]
    assert [request.query for request in emulator.log.requests()] == queries


@pytest.mark.parametrize(("count", "offsets"), [(0, [0]), (100, [0]), (101, [0, 100]), (250, [0, 100, 200])])
def test_pages_by_offset_are_read_up_to_the_last(client, emulator, count, offsets):
    ids = [emulator.add_webhook(f"https://hooks.example/{number}", ["deploy.failed"])["id"] for number in range(count)]
    assert [webhook["id"] for webhook in client.of(WEBHOOK).list().objects] == ids
    queries = [{"limit": "100", "offset": f"{offset}"} for offset in offsets]
    assert [request.query for request in emulator.log.requests()] == queries


def test_the_page_after_a_short_one_begins_where_that_ended(client, emulator):
    first, second = [emulator.add_webhook(f"https://hooks.example/{name}", ["deploy.failed"]) for name in "ab"]
    emulator.faults.add("replace", body={"items": [first], "has_more": True})
    assert client.of(WEBHOOK).list().ids == {first["id"], second["id"]}
    assert [request.query["offset"] for request in emulator.log.requests()] == ["0", "1"]


@pytest.mark.parametrize("kind", [BACKUP, WEBHOOK], ids=["backups", "webhooks"])
def test_a_page_without_items_is_the_last(client, emulator, environment, kind):
    """Something may have been deleted meanwhile."""
    emulator.faults.add("replace", body={"items": [], "total": 9, "has_more": True})
    assert (client.of(kind, environment["id"]).list().objects, emulator.log.count()) == ([], 1)


@pytest.mark.parametrize("kind", [BACKUP, WEBHOOK], ids=["backups", "webhooks"])
def test_counted_pages_that_never_end_are_reported(client, emulator, environment, kind):
    item = {"id": UNKNOWN_ID, "url": "https://hooks.example/a"}
    emulator.faults.add("replace", times=5, body={"items": [item], "total": 500, "has_more": True})
    failure = failure_of(client.of(kind, environment["id"]).list)
    assert (failure.code, "never end" in failure.message, emulator.log.count()) == ("invalid_response", True, 2)


INVALID_PAGES = {
    "empty": {},
    "no data": {"pagination": LAST},
    "data null": {"data": None, "pagination": LAST},
    "data object": {"data": ITEM, "pagination": LAST},
    "no pagination": {"data": []},
    "pagination list": {"data": [], "pagination": []},
    "no has_more": {"data": [], "pagination": {}},
    "has_more text": {"data": [], "pagination": {"has_more": "false"}},
    "has_more null": {"data": [], "pagination": {"has_more": None}},
    "no cursor": {"data": [], "pagination": {"has_more": True}},
    "cursor empty": {"data": [], "pagination": {"has_more": True, "next_cursor": ""}},
    "cursor number": {"data": [], "pagination": {"has_more": True, "next_cursor": 7}},
    "cursor lines": {"data": [], "pagination": {"has_more": True, "next_cursor": "a\nb"}},
    "second item invalid": {"data": [ITEM, {"id": PROJECT_ID}], "pagination": LAST},
    "list": [],
    "null": None,
}


@pytest.mark.parametrize("kind", [PROJECT, SERVER], ids=["projects", "servers"])
@pytest.mark.parametrize("body", INVALID_PAGES.values(), ids=INVALID_PAGES)
def test_an_invalid_list_is_never_taken_for_an_empty_one(client, emulator, kind, body):
    emulator.faults.add("replace", body=body)
    failure = failure_of(client.of(kind).list)
    assert failure.code == "invalid_response"
    assert failure.message.startswith(f"GET {kind.path} returned ")
    assert "heck api_url" in failure.hint
    assert emulator.log.count() == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ENVIRONMENT, {}),
        (ENVIRONMENT, {"data": []}),
        (ENVIRONMENT, None),
        (ENVIRONMENT, [{"name": "production"}]),
        (BACKUP, []),
        (BACKUP, {"items": [], "page": 1}),
        (BACKUP, {"items": [], "total": "0"}),
        (BACKUP, {"items": None, "total": 0}),
        (BACKUP, {"items": ["b"], "total": 1}),
        (WEBHOOK, {"items": [], "total": 0}),
        (WEBHOOK, {"items": [], "has_more": "false"}),
        (WEBHOOK, {"items": {}, "has_more": False}),
        (WEBHOOK, {"items": [ITEM], "has_more": False}),
    ],
)
def test_an_invalid_list_in_another_shape_is_reported(client, emulator, environment, kind, body):
    emulator.faults.add("replace", body=body)
    api = client.of(kind, environment["project_id" if kind is ENVIRONMENT else "id"])
    failure = failure_of(api.list)
    assert (failure.code, failure.message.startswith(f"GET {api.collection} returned ")) == ("invalid_response", True)
    assert emulator.log.count() == 1


@pytest.mark.parametrize("kind", [PROJECT, SERVER], ids=["projects", "servers"])
@pytest.mark.parametrize(("fault", "requests"), [("cursor_loop", 2), ("missing_cursor", 1)])
def test_pages_that_loop_or_break_off_are_reported(client, emulator, kind, fault, requests):
    emulator.fill(3)
    emulator.faults.add(fault, times=None)
    assert failure_of(client.of(kind).list).code == "invalid_response"
    assert emulator.log.count() == requests


# One object.


def test_a_project_is_returned_with_all_its_fields(projects, emulator):
    existing = emulator.add_project("Client ERP", odoo_version="17.0", git_repo_url="https://git.example/r")
    assert projects.get(existing["id"]) == existing


def test_fields_that_are_new_to_the_api_are_kept(projects, emulator):
    emulator.faults.add("status", status=200, body={**ITEM, "tags": ["a"]})
    assert projects.get(PROJECT_ID) == {**ITEM, "tags": ["a"]}


@pytest.mark.parametrize("shape", ["loc", "nested", "flat", "flat_detail", "text", "empty"])
def test_a_404_of_the_api_means_that_the_object_is_gone(projects, emulator, shape):
    """Without the API's own code it may be a wrong api_url: then the list fails as well."""
    emulator.settings.error_shape = shape
    assert projects.get(PROJECT_ID) is None
    projects.delete(PROJECT_ID)
    assert emulator.log.count("GET /projects") == (0 if shape in ("nested", "flat", "flat_detail", "loc") else 1)
    assert emulator.log.count(f"GET /projects/{PROJECT_ID}") == emulator.log.count("DELETE") == 1


@pytest.mark.parametrize(
    ("kind", "requests"),
    [
        (ENVIRONMENT, [f"/environments/{UNKNOWN_ID}", "/projects"]),
        (TASK, [f"/deployments/{UNKNOWN_ID}"]),
        (WEBHOOK, [f"/webhooks/{UNKNOWN_ID}", "/webhooks"]),
    ],
)
def test_a_404_without_a_code_is_checked_with_a_list(client, emulator, kind, requests):
    """That of the parent's kind if it is listed with that, and none where there is no list without a parent."""
    emulator.settings.error_shape = "text"
    assert client.of(kind).get(UNKNOWN_ID) is None
    assert [request.path for request in emulator.log.requests()] == requests


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, {"detail": [{"loc": ["path"], "msg": "Not Found"}]}])
def test_a_404_of_a_wrong_api_url_is_a_failure(projects, emulator, body):
    emulator.faults.add("status", status=404, times=None, body=body)
    failure = failure_of(projects.get, PROJECT_ID)
    assert (failure.status, failure.message.partition(" was")[0]) == (404, "GET /projects")
    assert "api_url" in failure.hint


@pytest.mark.parametrize("operation", ["get", "delete"])
@pytest.mark.parametrize(
    ("fault", "parameters", "code"),
    [
        ("html", {"status": 404}, "rejected"),
        ("status", {"status": 404, "text": "404 page not found"}, "rejected"),
        ("status", {"status": 402, "body": {"error": "subscription_blocked"}}, "subscription_blocked"),
        ("status", {"status": 409, "body": {"error": "environments_running"}}, "environments_running"),
    ],
    ids=["a proxy's page", "a proxy's text", "402", "409"],
)
def test_another_rejection_is_a_failure(projects, emulator, operation, fault, parameters, code):
    existing = emulator.add_project("Client ERP")
    emulator.faults.add(fault, **parameters)
    failure = failure_of(getattr(projects, operation), existing["id"])
    assert (failure.code, failure.status) == (code, parameters["status"])
    assert (emulator.projects(), emulator.log.count()) == ([existing], 1)


@pytest.mark.parametrize("object_id", ["../servers", "", f"{PROJECT_ID}?limit=1", f"{PROJECT_ID}/environments"])
def test_only_a_uuid_gets_into_a_url(projects, emulator, object_id):
    for operation in (projects.get, projects.delete, lambda given: projects.update(given, {"name": "New"})):
        with pytest.raises(ValueError, match="not a UUID"):
            operation(object_id)
    assert emulator.log.count() == 0


@pytest.mark.parametrize("operation", ["GET", "PATCH", "POST"])
def test_an_invalid_object_is_reported_by_every_operation(projects, emulator, operation):
    existing = emulator.add_project("Client ERP")
    calls = {
        "GET": lambda: projects.get(existing["id"]),
        "PATCH": lambda: projects.update(existing["id"], {"name": "New name"}),
        "POST": lambda: projects.create({"name": "New", "server_id": SERVER_ID}, "key"),
    }
    emulator.faults.add("replace", operation, body={**existing, "id": "7"})
    failure = failure_of(calls[operation])
    assert (failure.code, emulator.log.count()) == ("invalid_response", 1)
    assert failure.message.startswith(f"{operation} /projects")


def test_a_write_sends_its_body_and_returns_what_is_stored(projects, emulator):
    body, changes = {"name": "Client ERP", "server_id": SERVER_ID}, {"default_branch": "dev"}
    created = projects.create(body, "change-4711")
    assert [created] == emulator.projects()
    assert [projects.update(created["id"], changes)] == emulator.projects() == [{**created, **changes}]
    projects.delete(created["id"])
    assert emulator.projects() == []
    path = project_path(created)
    assert writes(emulator) == [("POST", "/projects", body), ("PATCH", path, changes), ("DELETE", path, None)]
    post, _patch, delete = [request.headers for request in emulator.log.writes]
    assert (post["x-idempotency-key"], delete["x-confirm-delete"]) == ("change-4711", "true")


def test_a_child_is_created_with_its_parent(client, emulator):
    project = emulator.add_project("Client ERP")
    values = {"name": "production", "project_id": project["id"], "server_id": SERVER_ID, "custom_domain": "a.b"}
    created = client.of(ENVIRONMENT, project["id"]).create(values, "change-4711")
    assert [created] == emulator.environments()
    assert client.of(ENVIRONMENT).update(created["id"], {"custom_domain": None})["custom_domain"] is None
    assert writes(emulator) == [
        ("POST", f"{project_path(project)}/environments", {"name": "production", "vm_id": SERVER_ID, "domain": "a.b"}),
        ("PATCH", f"/environments/{created['id']}", {"domain": ""}),
    ]


@pytest.mark.parametrize(
    ("fault", "parameters", "count", "code"),
    [
        ("cut_before", {}, 1, "no_response"),
        ("cut_after", {}, 1, "no_response"),
        ("status", {"status": 503}, 1, "service_unavailable"),
        ("rate_limit", {}, 2, None),
    ],
)
def test_a_create_without_a_key_is_not_repeated_blindly(client, emulator, environment, fault, parameters, count, code):
    """Only a 429 says that it was certainly not carried out."""
    emulator.faults.add(fault, "POST", **parameters)
    create = client.of(BACKUP, environment["id"]).create
    body = {"backup_type": "manual", "include_filestore": True, "retention_type": "daily"}
    if code:
        assert failure_of(create, body).code == code
    else:
        assert create(body)["environment_id"] == environment["id"]
    assert len(emulator.backups()) == (fault in ("cut_after", "rate_limit"))
    assert emulator.log.count("POST") == count
    assert "x-idempotency-key" not in emulator.log.writes[0].headers


@pytest.mark.parametrize(
    ("status", "text", "returned"),
    [(202, '{"status": "queued"}', {"status": "queued"}), (202, "", {}), (200, "", {}), (204, "", {})],
)
def test_a_delete_returns_what_the_api_says(client, emulator, environment, status, text, returned):
    emulator.faults.add("status", "DELETE", status=status, text=text)
    assert client.of(ENVIRONMENT).delete(environment["id"]) == returned
    assert (emulator.log.count(), emulator.log.writes[0].headers["x-confirm-delete"]) == (1, "true")


# Beside an object, and with it.


def test_a_part_of_an_object_is_read_with_a_query(client, emulator, environment):
    part = client.of(ENVIRONMENT).read(environment["id"], "logs", lines=1)
    assert part == {"task_id": None, "log": "", "lines": 0, "truncated": False}
    assert client.of(ENVIRONMENT).read(environment["id"], "status")["environment_id"] == environment["id"]
    path = f"/environments/{environment['id']}"
    logs, status = [(request.path, request.query) for request in emulator.log.requests()]
    assert (logs, status) == ((f"{path}/logs", {"lines": "1"}), (f"{path}/status", {}))


@pytest.mark.parametrize(("part", "path"), [("", "/org"), ("usage", "/org/usage")])
def test_a_single_object_is_read_without_an_id(client, emulator, part, path):
    assert client.of(ORGANIZATION).read_single(part)
    assert [(request.method, request.path, request.query) for request in emulator.log.requests()] == [("GET", path, {})]


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_hidden_object_leaves_a_trace(client, emulator, environment, is_deleted):
    emulator.settings.hides_stopped = True
    emulator.edit_environment(environment["id"], status="stopped")
    if is_deleted:
        emulator.remove_environment(environment["id"])
    api = client.of(ENVIRONMENT)
    assert (api.get(environment["id"]), api.is_hidden(environment["id"])) == (None, not is_deleted)


def test_only_a_404_says_that_nothing_is_hidden(client, projects, emulator, environment):
    assert (projects.is_hidden(PROJECT_ID), emulator.log.count()) == (False, 0)
    emulator.faults.add("status", status=402)
    assert failure_of(client.of(ENVIRONMENT).is_hidden, environment["id"]).status == 402


@pytest.mark.parametrize(("action", "body"), [("restart", None), ("deploy", {"update_modules": ["sale"]})])
def test_an_action_is_started_under_its_own_header(client, emulator, environment, action, body):
    accepted = client.of(ENVIRONMENT).act(environment["id"], action, body, "change-4711", lambda: False)
    (task,) = emulator.tasks(type=action)
    assert (accepted["task_id"], accepted["status"]) == (task["id"], "queued")
    assert writes(emulator) == [("POST", f"/environments/{environment['id']}/{action}", body)]
    headers = emulator.log.writes[0].headers
    assert (headers["idempotency-key"], "x-idempotency-key" in headers) == ("change-4711", False)
    assert "x-confirm-restore" not in headers


def test_an_action_may_need_a_header_of_its_kind(client, emulator, environment):
    backup = emulator.add_backup(environment["id"])
    client.of(BACKUP).act(backup["id"], "restore", None, "change-4711", lambda: False)
    (restore,) = emulator.log.writes
    assert restore.path == f"/backups/{backup['id']}/restore"
    headers = (restore.headers["idempotency-key"], restore.headers["x-confirm-restore"])
    assert headers == ("change-4711", "true")


@pytest.mark.parametrize("body", [{"status": "queued"}, {"task_id": None}, {"task_id": "7"}, {"task_id": 7}, []])
def test_an_action_without_a_task_is_an_invalid_response(client, emulator, environment, body):
    emulator.faults.add("replace", body=body)
    act = client.of(ENVIRONMENT).act
    failure = failure_of(act, environment["id"], "stop", None, "key", lambda: False)
    assert (failure.code, emulator.log.count()) == ("invalid_response", 1)


def test_a_lost_response_to_a_delete_is_no_failure(projects, emulator):
    existing = emulator.add_project("Client ERP")
    emulator.faults.add("cut_after", "DELETE")
    projects.delete(existing["id"])
    assert emulator.deleted() == [existing]
    assert [request.status for request in emulator.log.requests()] == [None, 404]


@pytest.mark.parametrize(("key", "may_write"), [("full", True), ("scoped", True), ("read_only", False)])
def test_a_read_only_key_is_rejected_before_a_write(make_client, emulator, key, may_write):
    client = make_client(api_key=getattr(emulator.keys, key))
    if may_write:
        client.require_full_access()
    else:
        assert failure_of(client.require_full_access).code == "read_only_key"
    assert emulator.log.count() == 0


# In a Python prompt.

PROMPT = """
import sys
sys.modules["ansible"] = None  # as if it were not installed
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import HttpClient
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._engine import apply, plan
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
client = Client(HttpClient(Settings(sys.argv[1], sys.argv[2])))
print([project["name"] for project in client.of(PROJECT).list().objects])
assert not [name for name in sys.modules if name.startswith("ansible.")]
"""


def test_the_client_needs_no_ansible(emulator):
    emulator.add_project("Client ERP")
    done = subprocess.run(
        [sys.executable, "-c", PROMPT, emulator.keys.full, emulator.url],
        env=clean_environment(PYTHONPATH=str(COLLECTIONS)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("['Client ERP']\n", "")
