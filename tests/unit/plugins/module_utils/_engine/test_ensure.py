# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import ensure_one, list_matching, read
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import WEBHOOK
from ansible_collections.oecsh.cloud.tests.emulator.state import SCOPED_PROJECT_ID
from ansible_collections.oecsh.cloud.tests.support import SERVER_ID, UNKNOWN_ID

PARENT_ID, IDENT = SCOPED_PROJECT_ID, "3fa85f64-5717-4562-b3fc-2c963f66afa6"
PARENT, ITSELF, SERVERS = f"/projects/{PARENT_ID}", f"/environments/{IDENT}", "/servers"
PROJECTS, ENVIRONMENTS = "/projects", f"{PARENT}/environments"
ABSENT, BY_ID = {"state": "absent"}, {"environment_id": IDENT}
BY_NAME = {"project": "Scoped project", "name": "production"}
READS = {
    # Options, the requests, and the names of what may be meant.
    "by name": (BY_NAME, [PROJECTS, ENVIRONMENTS], ["production", "staging"]),
    "by the project's id": (BY_NAME | {"project": PARENT_ID}, [PARENT, ENVIRONMENTS], ["production", "staging"]),
    "of an unknown project": (BY_NAME | {"project": "nowhere"}, [PROJECTS], []),
    "of an unknown project by id": (BY_NAME | {"project": UNKNOWN_ID}, [f"/projects/{UNKNOWN_ID}"], []),
    "with a server by name": (
        BY_NAME | {"server": "production-fsn1"},
        [PROJECTS, ENVIRONMENTS, SERVERS],
        ["production", "staging"],
    ),
    "with a server by id": (BY_NAME | {"server": SERVER_ID}, [PROJECTS, ENVIRONMENTS], ["production", "staging"]),
    "absent": (BY_NAME | ABSENT | {"server": "x"}, [PROJECTS, ENVIRONMENTS], ["production", "staging"]),
    "by id": (BY_ID, [ITSELF], ["production"]),
    "by id, with its name": (BY_ID | {"name": "production"}, [ITSELF], ["production"]),
    "by id, with its project": (BY_ID | BY_NAME, [ITSELF, PROJECTS], ["production"]),
    "by id, of none": ({"environment_id": UNKNOWN_ID, "name": "x"}, [f"/environments/{UNKNOWN_ID}"], []),
    "renamed": (BY_ID | {"name": "live"}, [ITSELF, ENVIRONMENTS], ["production", "staging"]),
    "another name, absent": (BY_ID | {"name": "live"} | ABSENT, [ITSELF], ["production"]),
}


@pytest.mark.parametrize(("options", "requests", "names"), READS.values(), ids=READS)
def test_no_more_is_read_than_a_declaration_needs(client, emulator, options, requests, names):
    project = emulator.scoped_project
    emulator.add_environment(project["id"], "production", id=IDENT)
    emulator.add_environment(project["id"], "staging")
    reading = read(Desired.parse(ENVIRONMENT, options), client)
    assert [item["name"] for item in reading.existing] == names
    assert [request.path for request in emulator.log.requests()] == requests


def test_siblings_of_an_unknown_parent_are_not_read(client, emulator):
    """An API may leave out any field but the id."""
    existing = emulator.add_environment(emulator.scoped_project["id"], id=IDENT)
    emulator.faults.add("replace", body={**existing, "project_id": None})
    reading = read(Desired.parse(ENVIRONMENT, BY_ID | {"name": "live"}), client)
    assert (len(reading.existing), emulator.log.count()) == (1, 1)


@pytest.mark.parametrize("project", ["Scoped project", PARENT_ID])
def test_the_parent_is_read_for_what_it_hands_down(client, emulator, project):
    existing = emulator.scoped_project
    reading = read(Desired.parse(ENVIRONMENT, {"name": "new", "project": project}), client)
    assert reading.references["project"] == [existing]


# What is in one list, whatever it belongs to.

URL, WEBHOOKS = "https://hooks.example/a", "/webhooks"
HOOK_ID = {"webhook_id": IDENT}
WEBHOOK_READS = {
    # Options, the requests, and the descriptions of what may be meant.
    "of the organization": ({"url": URL}, [WEBHOOKS], ["own", "own, other URL"]),
    "of a project": ({"url": URL, "project": "Scoped project"}, [PROJECTS, WEBHOOKS], ["of the project"]),
    "of a project by id": ({"url": URL, "project": PARENT_ID}, [PARENT, WEBHOOKS], ["of the project"]),
    "of an unknown project": ({"url": URL, "project": "nowhere"}, [PROJECTS], []),
    "by id": (HOOK_ID, [f"{WEBHOOKS}/{IDENT}"], ["own"]),
    "by id, with its URL": (HOOK_ID | {"url": URL}, [f"{WEBHOOKS}/{IDENT}"], ["own"]),
    "by id, with another URL": (
        HOOK_ID | {"url": f"{URL}2"},
        [f"{WEBHOOKS}/{IDENT}", WEBHOOKS],
        ["own", "own, other URL"],
    ),
}


@pytest.mark.parametrize(("options", "requests", "names"), WEBHOOK_READS.values(), ids=WEBHOOK_READS)
def test_what_belongs_to_another_parent_is_not_meant(client, emulator, options, requests, names):
    project_id, events = emulator.scoped_project["id"], ["deploy.failed"]
    emulator.add_webhook(URL, events, description="own", id=IDENT)
    emulator.add_webhook(URL, events, project_id, description="of the project")
    emulator.add_webhook(URL, events, emulator.add_project("Acme")["id"], description="of another")
    emulator.add_webhook(f"{URL}1", events, description="own, other URL")
    reading = read(Desired.parse(WEBHOOK, options), client)
    assert [item["description"] for item in reading.existing] == names
    assert [request.path for request in emulator.log.requests()] == requests


# What is returned once.

NEW_HOOK = {"url": URL, "events": ["deploy.failed"]}


def test_a_secret_is_returned_with_the_create_alone(client, emulator):
    result = ensure_one(WEBHOOK, NEW_HOOK, client, Mode(diff=True))
    (stored,) = emulator.webhooks()
    assert (result.values["secret"], result.secrets, result.warnings) == (stored["secret"], [stored["secret"]], [])
    assert result.values["webhook"] == {name: stored[name] for name in stored if name != "secret"}
    assert stored["secret"] not in str(result.values["diff"])


LATER = {"unchanged": {}, "updated": {"format": "slack"}, "deleted": {"state": "absent"}}


@pytest.mark.parametrize("options", LATER.values(), ids=LATER)
def test_a_secret_is_not_returned_later(client, emulator, options):
    """Not even by an API that repeats it."""
    stored = emulator.add_webhook(**NEW_HOOK)
    emulator.faults.add("replace", "GET", WEBHOOKS, body={"items": [stored], "has_more": False})
    result = ensure_one(WEBHOOK, NEW_HOOK | options, client, Mode(diff=True))
    assert result.values["changed"] is bool(options)
    assert stored["secret"] not in str(result.values)
    assert ("secret" in result.values, result.secrets, result.warnings) == (False, [], [])


def test_a_list_has_no_secrets(client, emulator):
    stored = emulator.add_webhook(**NEW_HOOK)
    emulator.faults.add("replace", body={"items": [stored], "has_more": False})
    (webhook,) = list_matching(WEBHOOK, dict.fromkeys(["webhook_id", "url", "project"]), client).values["webhooks"]
    assert webhook == {name: stored[name] for name in stored if name != "secret"}


FILTERS = {
    "exact": (f"{URL}?sig=hunter22", ["a"]),
    "as it is returned": (f"{URL}?***", ["a", "b"]),
    "another": (URL, []),
    "none": (None, ["a", "b"]),
}


@pytest.mark.parametrize(("url", "names"), FILTERS.values(), ids=FILTERS)
def test_a_list_is_filtered_by_a_url_even_if_redacted(client, emulator, url, names):
    for name, secret in (("a", "hunter22"), ("b", "swordfish")):
        emulator.add_webhook(f"{URL}?sig={secret}", ["deploy.failed"], description=name)
    options = {"webhook_id": None, "project": None, "url": url}
    webhooks = list_matching(WEBHOOK, options, client).values["webhooks"]
    assert [webhook["description"] for webhook in webhooks] == names


def test_check_mode_predicts_no_secret(client, emulator):
    result = ensure_one(WEBHOOK, NEW_HOOK, client, Mode(check=True))
    assert (result.values["secret"], result.secrets, result.warnings) == (None, [], [])
    assert "secret" not in result.values["webhook"]


def test_a_secret_that_is_lost_with_the_response_is_warned_of(make_client, emulator):
    emulator.faults.add("cut_after", "POST")
    result = ensure_one(WEBHOOK, NEW_HOOK, make_client(api_retries=0), Mode())
    warning = f"webhook '{URL}': it was created, but its secret was lost with a response."
    assert (result.values["changed"], result.values["webhook"]["url"]) == (True, URL)
    assert (result.values["secret"], result.secrets, result.warnings) == (None, [], [warning])


def test_a_secret_is_kept_where_the_create_is_read_again(client, emulator):
    """Without a date, what the response to a create says might be old."""
    emulator.faults.add("drop_header", "GET", times=None)
    result = ensure_one(WEBHOOK, NEW_HOOK, client, Mode())
    assert (result.values["secret"], result.warnings) == (emulator.webhooks()[0]["secret"], [])
