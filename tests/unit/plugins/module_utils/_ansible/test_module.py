# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible import module
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import HttpClient
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.tests.support import PRIVATE_REPO, REDACTED_REPO, SERVER_ID

ITEM = {"name": "Client ERP", "git_repo_url": PRIVATE_REPO}


def errors(result: dict[str, Any]) -> tuple[Any, ...]:
    assert set(result["error"]) == {"status", "code", "message", "details"}
    return result["failed"], result["error"]["code"], result["error"]["status"]


# What Ansible rejects by itself.

REJECTED = {
    "neither name nor id": ("oec_project", {"git_repo_url": PRIVATE_REPO}),
    "an unknown option": ("oec_project", {**ITEM, "brunch": "dev"}),
    "an unknown state": ("oec_project", {**ITEM, "state": "gone"}),
    "a timeout that is not a number": ("oec_project", {**ITEM, "api_timeout": "soon"}),
    "a missing key": ("oec_project", {**ITEM, "api_key": None}),
    "a key of whitespace": ("oec_project", {**ITEM, "api_key": "  "}),
    "an unknown filter": ("oec_server_info", {"nmae": "x"}),
    "no list": ("oec_projects", {"defaults": {"git_repo_url": PRIVATE_REPO}}),
    "a list of names": ("oec_projects", {"projects": ["Client ERP", PRIVATE_REPO]}),
    "an unknown option of an item": ("oec_projects", {"projects": [{**ITEM, "brunch": "dev"}]}),
    "an unknown state of an item": ("oec_projects", {"projects": [{**ITEM, "state": PRIVATE_REPO}]}),
    "a default that every item must set": ("oec_projects", {"projects": [ITEM], "defaults": ITEM}),
    "a prune_limit that is not a number": ("oec_projects", {"projects": [ITEM], "prune_limit": "many"}),
}


@pytest.mark.parametrize(("name", "options"), REJECTED.values(), ids=REJECTED)
def test_a_rejection_by_ansible_has_a_code_and_no_secret(run_module, emulator, name, options):
    result = run_module(name, **options)
    assert errors(result) == (True, "invalid_input", None)
    assert result["error"]["message"].startswith(result["msg"])
    assert [secret for secret in ("hunter22", emulator.keys.full) if secret in json.dumps(result)] == []
    assert emulator.log.count() == 0


def test_a_missing_requests_library_has_its_code(run_module, emulator, monkeypatch):
    monkeypatch.setattr(module, "REQUESTS_IMPORT_ERROR", "Traceback: No module named 'requests'")
    result = run_module("oec_project", name="Client ERP")
    assert errors(result) == (True, "missing_library", None)
    assert "requests" in result["msg"]
    assert emulator.log.count() == 0


# Empty options, as empty survey fields are.

CONNECTION = ["api_timeout", "api_retries", "api_max_wait", "validate_certs", "ca_path"]
FIELDS = ["state", "project_id", "server", "git_repo_url", "default_branch", "odoo_version", "idempotency_key"]
FILTERS = ["project_id", "name", "server", "odoo_version"]


@pytest.mark.parametrize("empty", ["", "  ", None], ids=["empty", "whitespace", "null"])
def test_an_empty_option_counts_as_omitted(run_module, emulator, empty):
    project = emulator.add_project("Client ERP", git_repo_url=PRIVATE_REPO, default_branch="dev", odoo_version="17.0")
    connection, fields = dict.fromkeys(CONNECTION, empty), dict.fromkeys(FIELDS, empty)
    options = dict.fromkeys(["prune", "prune_limit", "defaults"], empty)
    item = {**fields, "name": "Client ERP"}
    assert run_module("oec_project", **item, **connection)["changed"] is False
    assert run_module("oec_project", project_id=project["id"], name=empty)["changed"] is False
    assert run_module("oec_projects", projects=[item], **options)["summary"]["unchanged"] == 1
    assert len(run_module("oec_project_info", **dict.fromkeys(FILTERS, empty))["projects"]) == 1
    assert emulator.log.writes == []
    # Rejected after the check of api_url, so that no request leaves this machine.
    assert errors(run_module("oec_project", **item, api_url=empty, api_timeout=0)) == (True, "invalid_input", None)


@pytest.mark.parametrize(
    ("variable", "invalid"), [("OECSH_API_TIMEOUT", "0"), ("OECSH_API_RETRIES", "-1"), ("OECSH_API_MAX_WAIT", "0")]
)
def test_the_environment_sets_what_the_task_does_not(run_module, emulator, monkeypatch, variable, invalid):
    monkeypatch.setenv(variable, invalid)
    assert errors(run_module("oec_project_info")) == (True, "invalid_input", None)
    assert run_module("oec_project_info", **{variable.removeprefix("OECSH_").lower(): 7})["projects"] == []
    monkeypatch.setenv(variable, " ")
    assert run_module("oec_project_info")["projects"] == []


def test_the_environment_may_hold_key_and_url(run_module, emulator, monkeypatch):
    monkeypatch.setenv("OECSH_API_KEY", emulator.keys.full)
    monkeypatch.setenv("OECSH_API_URL", emulator.url)
    assert run_module("oec_server_info", api_key="", api_url="")["servers"] != []
    monkeypatch.setenv("OECSH_API_KEY", "")
    assert errors(run_module("oec_server_info", api_key="", api_url="")) == (True, "invalid_input", None)


CONNECTIONS = {
    "omitted": ({}, {}),
    "given": (
        {"api_timeout": 7, "validate_certs": "no", "ca_path": "~/ca.pem"},
        {"api_timeout": 7, "validate_certs": False, "ca_path": os.path.expanduser("~/ca.pem")},
    ),
}


@pytest.mark.parametrize(("options", "settings"), CONNECTIONS.values(), ids=CONNECTIONS)
def test_connection_options_become_settings(run_module, emulator, monkeypatch, options, settings):
    used = []

    def connect(received: Settings) -> HttpClient:
        used.append(received)
        return HttpClient(received)

    monkeypatch.setattr(module, "HttpClient", connect)
    assert run_module("oec_server_info", **options)["servers"] != []
    assert used == [Settings(api_key=emulator.keys.full, api_url=emulator.url, **settings)]


# Secrets.


def test_invocation_has_the_options_without_secrets(run_module, emulator):
    invalid = "robot:hunter22@github.com:x"
    items = [{"name": "crm://a@b", "git_repo_url": PRIVATE_REPO}, {"name": "a@b", "git_repo_url": invalid}]
    result = run_module("oec_projects", projects=items, api_key=f" {emulator.keys.full} ")
    assert [secret for secret in ("hunter22", emulator.keys.full) if secret in json.dumps(result)] == []
    if "invocation" not in result:
        pytest.skip("ansible-core 2.21 and later do not return the options")
    projects = result["invocation"]["module_args"]["projects"]
    returned = [(item["name"], item["git_repo_url"]) for item in projects]
    assert returned == [("crm://a@b", REDACTED_REPO), ("a@b", "***")]


def test_a_git_user_may_be_part_of_names_and_urls(run_module, emulator):
    defaults = {"git_repo_url": "https://acme:hunter22@github.com/acme/client-erp"}
    items = [{"name": "acme shop", "server": SERVER_ID}, {"name": "acme crm"}]
    rejected = run_module("oec_projects", projects=items, defaults=defaults)
    assert [each["project"] for each in rejected["drift"]] == ["acme shop", "acme crm"]
    (created,) = run_module("oec_projects", projects=items[:1], defaults=defaults)["projects"]
    assert (created["name"], created["project"]["name"]) == ("acme shop", "acme shop")
    assert created["project"]["git_repo_url"] == REDACTED_REPO


def test_git_credentials_are_hidden_in_every_error(run_module, emulator):
    emulator.faults.add("status", "POST", times=None, status=422, text="robot has no access with hunter22")
    items = [{**ITEM, "name": name, "server": SERVER_ID} for name in ("Client ERP", "Bakery ERP")]
    result = run_module("oec_projects", projects=items)
    assert result["summary"]["failed"] == 2
    assert [word for word in ("robot", "hunter22") if word in json.dumps(result)] == []


@pytest.mark.parametrize("user", ["server", "input", "code", "message", "project", "missing"])
def test_a_git_user_may_be_a_word_of_the_error(run_module, emulator, user):
    result = run_module("oec_project", name="Client ERP", git_repo_url=f"https://{user}:hunter22@github.com/x")
    assert errors(result) == (True, "missing_server", None)
    assert "'server' is required" in result["msg"]


@pytest.mark.parametrize("key", ["{}\n", " {} "])
@pytest.mark.parametrize("options", [{"name": "New"}, {"state": "absent"}, {"state": "gone"}, {"colour": 1}])
def test_a_key_of_the_environment_is_hidden(run_module, emulator, monkeypatch, key, options):
    monkeypatch.setenv("OECSH_API_KEY", key.format(emulator.keys.full))
    project = emulator.add_project(f"My key is {emulator.keys.full}")
    options = {name: f"{emulator.keys.full}{value}" if name != "state" else value for name, value in options.items()}
    result = run_module("oec_project", project_id=project["id"], api_key="", **options)
    assert emulator.keys.full not in json.dumps(result)


@pytest.mark.parametrize("key", ["msg", "error", "status", "code"])
def test_a_short_key_may_be_a_word_of_the_result(run_module, key):
    result = run_module("oec_project", name="Client ERP", api_key=key)
    _failed, code, status = errors(result)
    assert code
    assert status == 401
    assert "401" in result["msg"]
