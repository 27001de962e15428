# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import TASK
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import EVENTS, WEBHOOK
from ansible_collections.oecsh.cloud.tests.support import (
    OTHER_SERVER_ID,
    PRIVATE_REPO,
    REDACTED_REPO,
    REPO,
    SERVER_ID,
    UNKNOWN_ID,
)

PROJECT_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
ITEM = {"id": PROJECT_ID, "name": "Client ERP"}
TEXT = {"type": "str"}


# Options.

PROJECT_FIELDS = {
    "server": {"type": "str", "aliases": ["server_id"]},
    "git_repo_url": TEXT,
    "default_branch": TEXT,
    "odoo_version": TEXT,
}
PROJECT_ID_OPTION = {"project_id": {"type": "str", "aliases": ["id"]}}


def test_a_declaration_has_the_declarable_fields_as_options():
    state = {"type": "str", "choices": ["present", "absent"]}
    identity, key = {"name": TEXT, **PROJECT_ID_OPTION}, {"idempotency_key": {"type": "str", "no_log": False}}
    renaming = {"previous_name": TEXT, "allow_similar_name": {"type": "bool", "default": False}}
    assert "previous_name" not in replace(PROJECT, is_renamed=False).options()
    assert PROJECT.options() == {
        "state": {**state, "default": "present"},
        **identity,
        **PROJECT_FIELDS,
        **key,
        **renaming,
    }
    assert PROJECT.item_options() == {"state": state, **identity, **PROJECT_FIELDS, **key, **renaming}
    assert PROJECT.common_options() == {"state": state, **PROJECT_FIELDS}


def test_an_info_module_has_its_filters_as_options():
    server, version = PROJECT_FIELDS["server"], PROJECT_FIELDS["odoo_version"]
    by_field = {"name": TEXT, "server": server, "odoo_version": version}
    assert PROJECT.filter_options() == {**PROJECT_ID_OPTION, **by_field}
    assert list(SERVER.filter_options()) == ["server_id", "name", "provider", "region"]


def test_options_have_choices_defaults_states_and_removals():
    options = ENVIRONMENT.options()
    assert options["state"]["choices"] == ["present", "absent", "started", "stopped"]
    types = {"choices": ["development", "staging", "production"], "default": "development"}
    assert options["environment_type"] == {"type": "str", **types}
    assert (options["cpu_cores"], options["enable_pgtune"]) == ({"type": "float"}, {"type": "bool"})
    assert options["project"] == {"type": "str", "aliases": ["project_id"]}
    assert options["domain"] == {"type": "str", "aliases": ["custom_domain"]}
    assert options["remove_domain"] == {"type": "bool", "default": False}
    assert {"remove_branch", "status", "url", "idempotency_key", "previous_name"} & set(options) == set()


def test_an_item_of_a_list_has_no_defaults_and_no_parent():
    """They may be common to all items; and an environment belongs to the project that declares it."""
    item, common = ENVIRONMENT.item_options(), ENVIRONMENT.common_options()
    assert {"project", "default"} & {*item, *item["state"], *item["environment_type"]} == set()
    assert set(ENVIRONMENT.options()) - set(item) == {"project"}
    assert set(item) - set(common) == {"name", "environment_id", "remove_domain"}
    assert "project" in WEBHOOK.item_options()


def test_what_can_be_read_has_no_default_among_the_options():
    """It is left alone where it is not given. What the API alone sets is no option."""
    options = WEBHOOK.options()
    assert options["events"] == {"type": "list", "elements": "str", "choices": list(EVENTS)}
    assert options["format"] == {"type": "str", "choices": ["raw", "slack", "teams", "discord"]}
    assert options["is_active"] == {"type": "bool"}
    assert list(options) == ["url", "webhook_id", "state", "project", "events", "description", "format", "is_active"]


LIMITED = Field("branch", max_length=255)
VALUES = {
    "umlauts up to the limit": (LIMITED, "ä" * 255, ""),
    "emoji up to the limit": (LIMITED, "🥖" * 255, ""),
    "a newline": (LIMITED, "two\nlines", ""),
    "too long": (LIMITED, "n" * 256, "branch has 256 characters, and the API accepts at most 255"),
    "NUL": (LIMITED, "x\0", "branch contains NUL or unpaired surrogate characters"),
    "half a character": (LIMITED, "a\ud83d", "branch contains NUL or unpaired surrogate characters"),
    "no limit": (Field("version"), "n" * 999, ""),
    "the least number": (ENVIRONMENT.field("cpu_cores"), 0.25, ""),
    "the greatest number": (ENVIRONMENT.field("disk_gb"), 1000, ""),
    "below the least": (ENVIRONMENT.field("ram_mb"), 255, "ram_mb is 255, and the API accepts 256 to 131072"),
    "above the greatest": (
        ENVIRONMENT.field("cpu_cores"),
        32.5,
        "cpu_cores is 32.5, and the API accepts 0.25 to 32",
    ),
    "no number": (
        ENVIRONMENT.field("cpu_cores"),
        float("nan"),
        "cpu_cores is nan, and the API accepts 0.25 to 32",
    ),
    "as many as it takes": (WEBHOOK.field("events"), list(EVENTS), ""),
    "too few": (WEBHOOK.field("events"), [], "events has 0, and the API accepts 1 to 12"),
    "too many": (WEBHOOK.field("events"), [*EVENTS, "x"], "events has 13, and the API accepts 1 to 12"),
    "checked": (ENVIRONMENT.field("branch"), "a..b", "branch contains '..', which no branch can"),
    "checked by its option": (
        ENVIRONMENT.field("custom_domain"),
        "x",
        "domain 'x' is not a host name, such as erp.example.com",
    ),
    "a URL with credentials": (Field("repo", is_url=True), PRIVATE_REPO, ""),
    "a redacted URL": (Field("repo", is_url=True), REDACTED_REPO, ""),
    "no https": (Field("repo", is_url=True), "http://a/b", "repo is not an https URL (https://host/path)"),
    "by its option": (
        Field("repo_url", option="repo", is_url=True),
        "x",
        "repo is not an https URL (https://host/path)",
    ),
}


@pytest.mark.parametrize(("field", "value", "problem"), VALUES.values(), ids=VALUES)
def test_a_field_says_what_is_wrong_with_a_value(field, value, problem):
    assert field.problem(value) == problem


# Requests.


def test_a_request_has_its_own_names_and_no_null():
    values = {"name": "n", "project_id": PROJECT_ID, "server_id": SERVER_ID, "custom_domain": None, "cpu_cores": 0.5}
    sent = {"name": "n", "vm_id": SERVER_ID, "domain": "", "cpu_cores": 0.5}
    assert ENVIRONMENT.request_body(values) == sent


def test_a_request_has_the_parent_that_its_path_has_not():
    values = {"url": "https://a/b", "project_id": PROJECT_ID, "events": ["deploy.failed"], "is_active": False}
    assert WEBHOOK.request_body(values) == values


@pytest.mark.parametrize(
    ("kind", "parent", "parent_id", "expected"),
    [
        (WEBHOOK, PROJECT_ID, PROJECT_ID, True),
        (WEBHOOK, PROJECT_ID.upper(), PROJECT_ID, True),
        (WEBHOOK, PROJECT_ID, PROJECT_ID.upper(), True),
        (WEBHOOK, PROJECT_ID, None, False),
        (WEBHOOK, None, PROJECT_ID, False),
        (WEBHOOK, None, None, True),
        (ENVIRONMENT, PROJECT_ID, SERVER_ID, True),
        (PROJECT, None, None, True),
    ],
)
def test_an_object_of_a_common_list_may_belong_to_a_parent(kind, parent, parent_id, expected):
    """Those of a list of the parent all do, whatever they say."""
    assert kind.belongs_to({"id": UNKNOWN_ID, "project_id": parent}, parent_id) is expected


@pytest.mark.parametrize(
    ("kind", "path"),
    [(PROJECT, "/projects"), (ENVIRONMENT, "/projects/7/environments"), (TASK, "/environments/7/deployments")],
)
def test_a_list_may_belong_to_a_parent(kind, path):
    assert kind.collection_path("7") == path


# Objects of the API.


def test_a_diff_has_what_is_declarable_and_the_status():
    names = [each.name for each in ENVIRONMENT.displayed]
    assert [name for name in names if ENVIRONMENT.field(name).assigned] == ["status"]
    unreadable = {"environment_type", "postgres_version", "enable_pgtune", "enable_pgbouncer"}
    unreadable |= {"enable_read_replica", "with_demo_data"}
    assert set(names) - set(ENVIRONMENT.readable) == unreadable


INVALID = {
    "empty": ({}, "without id"),
    "id null": ({**ITEM, "id": None}, "without id"),
    "id number": ({**ITEM, "id": 7}, "whose id is a JSON int, not a string"),
    "id not a UUID": ({**ITEM, "id": "7"}, "whose id is not a UUID"),
    "no name": ({"id": PROJECT_ID}, "without name"),
    "name null": ({**ITEM, "name": None}, "without name"),
    "name list": ({**ITEM, "name": ["n"]}, "whose name is a JSON list, not a string"),
    "version number": ({**ITEM, "odoo_version": 17.0}, "whose odoo_version is a JSON float, not a string"),
    "assigned number": ({**ITEM, "created_at": 7}, "whose created_at is a JSON int, not a string"),
    "wrapped": ({"data": ITEM}, "without id"),
    "list": ([ITEM], "that is a JSON list, not an object"),
    "text": ("created", "that is a JSON str, not an object"),
    "null": (None, "that is a JSON NoneType, not an object"),
}


@pytest.mark.parametrize(("item", "problem"), INVALID.values(), ids=INVALID)
def test_an_invalid_object_is_reported_with_its_request(item, problem):
    with pytest.raises(OecError) as caught:
        PROJECT.check(item, "GET /projects")
    failure = caught.value.failure
    assert (failure.code, failure.message) == ("invalid_response", f"GET /projects returned a project {problem}")
    assert "api_url" in failure.hint


@pytest.mark.parametrize(
    ("kind", "fields", "problem"),
    [
        (SERVER, {"region": 7}, "server whose region is a JSON int, not a string"),
        (ENVIRONMENT, {"cpu_cores": "1"}, "environment whose cpu_cores is a JSON str, not a number"),
        (WEBHOOK, {"url": "https://a/b", "events": "all"}, "webhook whose events is a JSON str, not an array"),
        (WEBHOOK, {"url": "https://a/b", "events": ["a", {"b": 1}]}, "webhook whose events are not all texts"),
    ],
)
def test_an_invalid_object_is_called_by_its_kind(kind, fields, problem):
    with pytest.raises(OecError, match=f"GET /x returned an? {problem}"):
        kind.check({**ITEM, **fields}, "GET /x")


@pytest.mark.parametrize("cores", [1, 0.5, None])
def test_a_number_may_be_whole_or_fractional(cores):
    assert ENVIRONMENT.check({**ITEM, "cpu_cores": cores}, "GET /x")["cpu_cores"] == cores


@pytest.mark.parametrize("more", [{}, {"server_id": None}, {"environment_count": 3}, {"tags": ["new to the API"]}])
def test_a_valid_object_is_returned_unchanged(more):
    item = {**ITEM, **more}
    assert PROJECT.check(item, "GET /projects") is item
    assert item == {**ITEM, **more}


# Comparison and redaction.

SAME = {
    "equal": ("default_branch", "main", "main", True),
    "other letters": ("default_branch", "main", "Main", False),
    "not set": ("default_branch", None, "main", False),
    "an id in capitals, declared": ("server_id", SERVER_ID, SERVER_ID.upper(), True),
    "an id in capitals, of the API": ("server_id", SERVER_ID.upper(), SERVER_ID, True),
    "another id": ("server_id", OTHER_SERVER_ID, SERVER_ID, False),
    "no id": ("server_id", None, SERVER_ID, False),
    "redacted output, declared again": ("git_repo_url", PRIVATE_REPO, REDACTED_REPO, True),
    "an API that redacts by itself": ("git_repo_url", REDACTED_REPO, REDACTED_REPO, True),
    "the real credentials": ("git_repo_url", PRIVATE_REPO, PRIVATE_REPO, True),
    "credentials removed": ("git_repo_url", PRIVATE_REPO, REPO, False),
    "redacted, of another repository": ("git_repo_url", f"{PRIVATE_REPO}2", REDACTED_REPO, False),
    "redacted, where none are stored": ("git_repo_url", REPO, REDACTED_REPO, False),
    "redacted, where no URL is stored": ("git_repo_url", None, REDACTED_REPO, False),
    "a branch like a redacted URL": ("default_branch", "x://joe@b", "x://***@b", False),
}


ENVIRONMENT_SAME = {
    "a host in other letters": ("custom_domain", "ERP.example.com", "erp.Example.com", True),
    "another host": ("custom_domain", "erp.example.com", "erp.example.org", False),
    "no host": ("custom_domain", None, "erp.example.com", False),
    "removed": ("custom_domain", None, None, True),
    "empty": ("custom_domain", "", None, True),
    "to be removed": ("custom_domain", "erp.example.com", None, False),
    "a whole number": ("cpu_cores", 1, 1.0, True),
    "another number": ("cpu_cores", 1, 1.5, False),
    "no number": ("ram_mb", None, 2048, False),
    "its parent, which is not said": ("project_id", None, PROJECT_ID, True),
}
WEBHOOK_SAME = {
    "in another order": ("events", ["b", "a"], ["a", "b"], True),
    "twice": ("events", ["a", "a"], ["a"], True),
    "one more": ("events", ["a"], ["a", "b"], False),
    "one less": ("events", ["a", "b"], ["a"], False),
    "none": ("events", None, ["a"], False),
    "off": ("is_active", True, False, False),
    "of the organization, not of a project": ("project_id", None, PROJECT_ID, False),
    "of the project": ("project_id", PROJECT_ID.upper(), PROJECT_ID, True),
}


@pytest.mark.parametrize(
    ("kind", "name", "current", "desired", "is_same"),
    [
        *((PROJECT, *row) for row in SAME.values()),
        *((ENVIRONMENT, *row) for row in ENVIRONMENT_SAME.values()),
        *((WEBHOOK, *row) for row in WEBHOOK_SAME.values()),
    ],
    ids=[*SAME, *ENVIRONMENT_SAME, *WEBHOOK_SAME],
)
def test_a_current_value_is_compared_with_the_desired_one(kind, name, current, desired, is_same):
    assert kind.is_same(name, current, desired) is is_same


@pytest.mark.parametrize(
    ("name", "value", "redacted"),
    [
        ("git_repo_url", PRIVATE_REPO, REDACTED_REPO),
        ("git_repo_url", "https://joe:a b/c@h/x", "https://***@h/x"),
        ("git_repo_url", None, None),
        ("default_branch", "x://a@b", "x://a@b"),
        ("name", PRIVATE_REPO, PRIVATE_REPO),
        ("new_to_the_api", f"see {PRIVATE_REPO}", f"see {REDACTED_REPO}"),
        ("environment_count", 3, 3),
    ],
)
def test_only_urls_are_redacted_among_declarable_fields(name, value, redacted):
    assert PROJECT.redacted(name, value) == redacted


def test_a_subject_hides_the_secrets_of_a_url():
    hidden = "https://hooks.example/T1?***"
    assert str(WEBHOOK.subject("https://hooks.example/T1?sig=hunter22")) == f"webhook '{hidden}'"
    assert str(WEBHOOK.subject("https://hooks.example/T1?sig=hunter22", "Acme")) == f"webhook 'Acme/{hidden}'"


def test_what_is_returned_once_is_taken_out():
    item = {"id": PROJECT_ID, "url": "https://a/b", "events": ["deploy.failed"]}
    assert WEBHOOK.without_secrets({**item, "secret": "whsec_1"}) == item
    assert PROJECT.without_secrets({**ITEM, "secret": "new to the API"}) == {**ITEM, "secret": "new to the API"}
    assert WEBHOOK.without_secrets(None) is None
