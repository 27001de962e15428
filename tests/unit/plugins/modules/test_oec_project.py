# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import yaml
from ansible_collections.oecsh.cloud.tests.support import (
    OTHER_SERVER_ID,
    PRIVATE_REPO,
    REDACTED_REPO,
    REPO,
    SERVER_ID,
    UNKNOWN_ID,
    project_path,
    writes,
)

NEW = {"name": "Client ERP", "server": "production-fsn1"}


@pytest.fixture
def oec_project(run_module) -> Callable[..., dict[str, Any]]:
    """oec_project(check=False, diff=True, **options): the result of the module."""
    return partial(run_module, "oec_project")


# Create, find, change, delete.

CREATES = {
    "server by name": ({"server": "production-nyc1"}, {"server_id": OTHER_SERVER_ID}),
    "server by id": ({"server": OTHER_SERVER_ID}, {"server_id": OTHER_SERVER_ID}),
    "server by id in upper case": ({"server_id": OTHER_SERVER_ID.upper()}, {"server_id": OTHER_SERVER_ID}),
    "a version that YAML made a number": ({"odoo_version": 17.0}, {"odoo_version": "17.0"}),
    "all fields": [{"git_repo_url": REPO, "default_branch": "release/17.0", "odoo_version": "17.0"}] * 2,
}


@pytest.mark.parametrize(("options", "body"), CREATES.values(), ids=CREATES)
def test_a_missing_project_is_created(oec_project, emulator, options, body):
    server = {} if "server_id" in body else {"server": "production-fsn1"}
    result = oec_project(name="Client ERP", **server, **options)
    assert (result["changed"], emulator.projects()) == (True, [result["project"]])
    assert writes(emulator) == [("POST", "/projects", {"name": "Client ERP", "server_id": SERVER_ID, **body})]
    assert body.items() <= result["project"].items()


def test_an_own_idempotency_key_is_sent_unchanged(oec_project, emulator):
    oec_project(**NEW, idempotency_key="ticket 4711")
    (create,) = emulator.log.writes
    assert create.headers["x-idempotency-key"] == "ticket 4711"


@pytest.mark.parametrize("option", ["project_id", "id"])
def test_a_project_found_by_its_id_is_renamed(oec_project, emulator, option):
    project = emulator.add_project("Client ERP", git_repo_url=REPO)
    assert oec_project(**{option: project["id"].upper()})["project"] == project
    result = oec_project(**{option: project["id"].upper()}, name="Client ERP (Ltd)")
    assert result["project"] == {**project, "name": "Client ERP (Ltd)"} == emulator.projects()[0]
    assert writes(emulator) == [("PATCH", project_path(project), {"name": "Client ERP (Ltd)"})]


def test_only_what_differs_is_sent(oec_project, emulator):
    emulator.add_project("client erp")
    project = emulator.add_project("Client ERP", git_repo_url=REPO, odoo_version="17.0")
    desired = {"git_repo_url": REPO, "default_branch": "dev", "server": SERVER_ID.upper(), "odoo_version": "17.0"}
    result = oec_project(name="Client ERP", **desired)
    assert writes(emulator) == [("PATCH", project_path(project), {"default_branch": "dev"})]
    assert (result["changed"], result["project"]) == (True, {**project, "default_branch": "dev"})


@pytest.mark.parametrize("by_id", [False, True], ids=["by name", "by id and name"])
def test_a_project_is_deleted_with_the_required_header(oec_project, emulator, by_id):
    project, other = emulator.add_project("Client ERP"), emulator.add_project("Bakery ERP")
    identity = {"name": "Client ERP"} | ({"project_id": project["id"]} if by_id else {})
    result = oec_project(**identity, state="absent")
    assert (result["changed"], result["project"]) == (True, None)
    (delete,) = emulator.log.writes
    assert (delete.method, delete.path, delete.headers["x-confirm-delete"]) == ("DELETE", project_path(project), "true")
    assert emulator.projects() == [other]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ß" * 255, id="255 umlauts"),
        pytest.param(" two\nlines\ttab ", id="whitespace"),
        pytest.param("{{ lookup('pipe', 'id') }} {% raw %}", id="a template"),
        pytest.param("'\"\\ <b>&amp;</b> ../..?x=1#", id="quotes, markup and slashes"),
        pytest.param("crm://a@b", id="like a URL"),
        pytest.param("null", id="null"),
    ],
)
def test_a_name_is_used_unchanged(oec_project, emulator, name):
    created = oec_project(name=name, server="production-fsn1")
    assert created["project"]["name"] == name == emulator.projects()[0]["name"]
    assert yaml.safe_load(created["diff"]["after"])["name"] == name
    assert not oec_project(name=name, server="production-fsn1")["changed"]
    assert oec_project(name=name, default_branch="dev")["project"]["id"] == created["project"]["id"]
    assert oec_project(name=name, state="absent")["changed"]
    assert emulator.projects() == []


# The result.


def test_a_diff_is_returned_in_diff_mode_only(oec_project, emulator):
    project = emulator.add_project("Client ERP", git_repo_url=REPO)
    assert "diff" not in oec_project(project_id=project["id"], default_branch="a", diff=False)
    fields = f"name: Client ERP\nserver: production-fsn1\ngit_repo_url: {REPO}\ndefault_branch: "
    assert oec_project(project_id=project["id"], server="production-fsn1", default_branch="b")["diff"] == {
        "before": f"{fields}a\n",
        "after": f"{fields}b\n",
        "before_header": "project 'Client ERP'",
        "after_header": "project 'Client ERP'",
    }


def test_unknown_fields_of_the_api_are_returned_unchanged(oec_project, emulator):
    project = {**emulator.add_project("Client ERP"), "colour": "blue", "tags": [1, {"a": None}]}
    emulator.faults.add("replace", "GET", project_path(project), body=project)
    assert oec_project(project_id=project["id"])["project"] == project


def test_a_value_stored_differently_is_warned_of(oec_project, emulator):
    emulator.settings.normalise_names = True
    result = oec_project(name=" Trimmed ERP ", server="production-fsn1", git_repo_url=PRIVATE_REPO)
    assert result["project"]["name"] == "Trimmed ERP"
    warnings = json.dumps(result["warnings"])
    assert [value for value in ("' Trimmed ERP '", "'Trimmed ERP'") if value not in warnings] == []
    assert "git_repo_url" not in warnings


# What is rejected before a write.

REJECTED = {
    "no server": ({"name": "New ERP"}, "missing_server"),
    "an unknown server": ({"name": "New ERP", "server": "atlantis"}, "unknown_server"),
    "two servers of the name": ({"name": "New ERP", "server": "twins"}, "ambiguous_name"),
    "two projects of the name": ({"name": "Twin ERP"}, "ambiguous_name"),
    "two projects of the name to delete": ({"name": "Twin ERP", "state": "absent"}, "ambiguous_name"),
    "an unknown id": ({"name": "New ERP", "project_id": UNKNOWN_ID, "server": SERVER_ID}, "not_found"),
    "another server": ({"name": "Client ERP", "server": OTHER_SERVER_ID}, "immutable_field"),
    "another version": ({"name": "Client ERP", "odoo_version": "18.0"}, "immutable_field"),
    "a name with other whitespace": ({"name": " Client ERP", "server": SERVER_ID}, "similar_name"),
    "redacted credentials": ({"name": "Client ERP", "git_repo_url": REDACTED_REPO}, "invalid_input"),
}


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("options", "code"), REJECTED.values(), ids=REJECTED)
def test_a_plan_is_rejected_before_any_write(oec_project, emulator, options, code, check):
    first, second, third = emulator.servers()
    emulator.load({"servers": {"acme": [first, {**second, "name": "twins"}, {**third, "name": "twins"}]}})
    for name in ("Client ERP", "Twin ERP", "Twin ERP"):
        emulator.add_project(name, odoo_version="17.0")
    result = oec_project(check=check, **{"default_branch": "dev", **options})
    assert (result["error"]["code"], result["error"]["status"]) == (code, None)
    (detail,) = result["error"]["details"]
    assert (detail["project"], detail["code"]) == (options["name"], code)
    assert writes(emulator) == []


INVALID = {
    "256 characters of name": {"name": "n" * 256},
    "a NUL in the name": {"name": "Client\0ERP"},
    "an http repository": {"git_repo_url": "http://robot:hunter22@github.com/acme/x"},
    "an ssh repository": {"git_repo_url": "robot:hunter22@github.com:acme/x.git"},
    "a slash in the password": {"git_repo_url": "https://robot:a/hunter22@github.com/x"},
    "an id that is not a UUID": {"project_id": "../servers"},
    "an idempotency key of two lines": {"idempotency_key": "a\nb"},
    "plain http": {"api_url": "http://api.oec.sh/v1"},
    "no timeout": {"api_timeout": 0},
}


@pytest.mark.parametrize("invalid", INVALID.values(), ids=INVALID)
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_invalid_options_are_rejected_before_any_request(oec_project, emulator, invalid, check):
    result = oec_project(check=check, **{**NEW, **invalid})
    assert (result["error"]["code"], result["error"]["status"]) == ("invalid_input", None)
    assert emulator.log.count() == 0


# Keys with fewer rights.

CHANGES = {
    "create": {"name": "New ERP", "server": "production-fsn1"},
    "update": {"name": "Scoped project", "default_branch": "dev"},
    "delete": {"name": "Scoped project", "state": "absent"},
}


@pytest.mark.parametrize("options", CHANGES.values(), ids=CHANGES)
def test_a_read_only_key_is_enough_to_predict_only(oec_project, emulator, options):
    project = emulator.scoped_project
    key = {"api_key": emulator.keys.read_only}
    assert oec_project(name=project["name"], **key)["project"] == project
    assert oec_project(**options, **key, check=True)["changed"]
    assert oec_project(**options, **key)["error"]["code"] == "read_only_key"
    assert writes(emulator) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_scoped_key_can_only_change_its_own_project(oec_project, emulator, change):
    project = emulator.scoped_project
    result = oec_project(**CHANGES[change], api_key=emulator.keys.scoped)
    if change == "update":
        assert result["project"] == {**project, "default_branch": "dev"} == emulator.projects()[0]
    else:
        assert (result["error"]["status"], result["error"]["code"]) == (403, "project_scoped_key")
        assert emulator.projects() == [project]


# Secrets: tests/unit/plugins/modules/conftest.py looks for them in every result.


def test_git_credentials_are_sent_and_never_returned(oec_project, emulator):
    result = oec_project(**NEW, git_repo_url=PRIVATE_REPO)
    assert emulator.projects()[0]["git_repo_url"] == PRIVATE_REPO
    assert result["project"]["git_repo_url"] == REDACTED_REPO
    assert yaml.safe_load(result["diff"]["after"])["git_repo_url"] == REDACTED_REPO


def test_changed_git_credentials_are_in_no_warning(oec_project, emulator):
    project = emulator.add_project("Private ERP", git_repo_url=PRIVATE_REPO)
    desired = PRIVATE_REPO.replace("hunter22", "swordfish")
    stored = {**project, "git_repo_url": PRIVATE_REPO.replace("hunter22", "tr0ub4dor")}
    emulator.faults.add("replace", "PATCH", body=stored)
    result = oec_project(name="Private ERP", git_repo_url=desired)
    assert writes(emulator) == [("PATCH", project_path(project), {"git_repo_url": desired})]
    assert "Private ERP" in json.dumps(result["warnings"])
    assert [word for word in ("swordfish", "tr0ub4dor") if word in json.dumps(result)] == []


def test_git_credentials_that_the_api_repeats_are_hidden(oec_project, emulator):
    emulator.faults.add("echo", "POST", times=None)
    result = oec_project(**NEW, git_repo_url=PRIVATE_REPO)
    assert result["error"]["status"] == 422
    assert "***" in result["msg"]


def test_the_key_is_hidden_where_the_api_returns_it(oec_project, emulator):
    project = emulator.add_project(f"My key is {emulator.keys.full}")
    assert oec_project(project_id=project["id"])["project"]["id"] == project["id"]
    emulator.faults.add("echo", "PATCH")
    options = {"default_branch": "dev", "api_key": f" {emulator.keys.full}\n"}
    assert oec_project(project_id=project["id"], **options)["error"]["status"] == 422


# Requests.


def test_a_create_among_250_projects_takes_5_requests(oec_project, emulator):
    emulator.fill(250)
    assert oec_project(**NEW)["changed"]
    counts = [emulator.log.count(operation) for operation in ("GET /projects", "GET /servers", "POST /projects")]
    assert (counts, emulator.log.count()) == ([3, 1, 1], 5)

    emulator.log.clear()
    assert not oec_project(**NEW)["changed"]
    assert emulator.log.count() == emulator.log.count("GET") == 4


@pytest.mark.parametrize(
    ("options", "requests"),
    [
        pytest.param({"state": "absent"}, ["GET", "GET", "DELETE"], id="delete"),
        pytest.param(
            {"state": "absent", "server": "production-fsn1"}, ["GET", "GET", "DELETE"], id="delete with a server"
        ),
        pytest.param({"server": SERVER_ID}, ["GET"], id="unchanged with a server by id"),
        pytest.param({"server": "production-fsn1"}, ["GET", "GET"], id="unchanged with a server by name"),
    ],
)
def test_a_project_found_by_id_needs_no_list(oec_project, emulator, options, requests):
    project = emulator.add_project("Client ERP")
    oec_project(project_id=project["id"], diff=False, **options)
    assert [entry.method for entry in emulator.log.requests()] == requests
    assert emulator.log.count("GET /projects") == 0


def test_a_rename_by_id_looks_for_the_new_name_in_the_list(oec_project, emulator):
    project = emulator.add_project("Client ERP")
    assert oec_project(project_id=project["id"], name="Client ERP (Ltd)", diff=False)["changed"]
    assert [entry.method for entry in emulator.log.requests()] == ["GET", "GET", "PATCH"]
    other = emulator.add_project("Bakery ERP")
    assert oec_project(project_id=other["id"], name="Client ERP (Ltd)")["error"]["code"] == "name_taken"


@pytest.mark.parametrize(
    "options",
    [{"state": "absent"}, {"default_branch": "dev"}, {"project_id": "", "name": "New", "server": SERVER_ID}],
    ids=["delete", "update", "create"],
)
@pytest.mark.parametrize("is_readable", [True, False])
def test_a_diff_names_the_server_if_it_can(oec_project, emulator, options, is_readable):
    project = emulator.add_project("Client ERP")
    if not is_readable:
        emulator.faults.add("status", "GET", "/servers", status=403)
    diff = oec_project(**{"project_id": project["id"], **options})["diff"]
    server = "production-fsn1" if is_readable else f'"{SERVER_ID}"'
    assert f"server: {server}\n" in diff["before"] + diff["after"]
    assert len(writes(emulator)) == 1


# Failures of the API. `key`: one of the emulator's keys, or any other text.

FAILURES = {
    "a wrong key": ({"key": "oec_live_rw_" + "WrongKey" * 5}, {}, 401, "invalid_key"),
    "an expired key": ({"key": "expired"}, {}, 401, "key_expired"),
    "a text that is no key": ({"key": "password"}, {}, 401, "invalid_key_format"),
    "an unpaid subscription": ({"subscription_blocked": True}, {}, 402, "subscription_blocked"),
    "a plan without the API": ({"plan_feature_required": True}, {}, 403, "plan_feature_required"),
    "a validation error": ({}, {"kind": "echo", "method": "POST", "times": None}, 422, "validation"),
    "a list of wrong fields": ({}, {"kind": "status", "status": 422, "body": {"detail": []}}, 422, "validation_error"),
    "a page of a proxy": ({}, {"kind": "html", "status": 404}, 404, "rejected"),
    "a redirect": ({}, {"kind": "redirect"}, 307, "redirected"),
    "a blocked address": ({}, {"kind": "ip_blocked"}, 429, "ip_blocked"),
    "a rate limit without end": ({}, {"kind": "rate_limit", "times": None}, 429, "rate_limit_exceeded"),
    "an API that is down": ({}, {"kind": "status", "times": None}, 503, "service_unavailable"),
    "a proxy whose API is down": ({}, {"kind": "html", "times": None}, 502, "no_response"),
    "a connection that breaks": ({}, {"kind": "cut_before", "times": None}, None, "no_response"),
    "half a response": ({}, {"kind": "truncate", "times": None}, 200, "no_response"),
    "a list without items": ({}, {"kind": "replace", "body": {}}, None, "invalid_response"),
    "a response that is a list": ({}, {"kind": "replace", "body": []}, 200, "invalid_response"),
    "pages without an end": ({}, {"kind": "cursor_loop", "times": None}, None, "invalid_response"),
}


@pytest.mark.parametrize(("switches", "fault", "status", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failure_has_its_status_and_code(oec_project, emulator, switches, fault, status, code):
    key = switches.get("key", emulator.keys.full)
    for switch in set(switches) - {"key"}:
        setattr(emulator.settings, switch, True)
    if fault:
        emulator.faults.add(**fault)
    result = oec_project(**NEW, api_key=getattr(emulator.keys, key, key), api_max_wait=5)
    assert (result["error"]["status"], result["error"]["code"]) == (status, code)
    assert not result.get("changed")


def test_a_rejected_write_names_its_project(oec_project, emulator):
    project = emulator.add_project("Client ERP")
    emulator.add_environment(project["id"], status="pending")
    emulator.settings.pending_blocks_delete = True
    result = oec_project(project_id=project["id"], state="absent", absent_backup_max_age="0")
    assert (result["error"]["status"], result["error"]["code"]) == (409, "environments_running")
    assert "'Client ERP'" in result["msg"]
    assert emulator.projects() != []
