# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible import module
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import split_lists
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
    "an unknown state": ("oec_project", {**ITEM, "state": "gone"}),
    "a timeout that is not a number": ("oec_project", {**ITEM, "api_timeout": "soon"}),
    "a missing key": ("oec_project", {**ITEM, "api_key": None}),
    "a key of whitespace": ("oec_project", {**ITEM, "api_key": "  "}),
    "no list": ("oec_projects", {"defaults": {"git_repo_url": PRIVATE_REPO}}),
    "a list of names": ("oec_projects", {"projects": ["Client ERP", PRIVATE_REPO]}),
    "an unknown state of an item": ("oec_projects", {"projects": [{**ITEM, "state": PRIVATE_REPO}]}),
    "a prune_limit that is not a number": ("oec_projects", {"projects": [ITEM], "prune_limit": "many"}),
}


@pytest.mark.parametrize(("name", "options"), REJECTED.values(), ids=REJECTED)
def test_a_rejection_by_ansible_has_a_code_and_no_secret(run_module, emulator, name, options):
    result = run_module(name, **options)
    assert errors(result) == (True, "invalid_input", None)
    assert result["error"]["message"].startswith(result["msg"])
    assert [secret for secret in ("hunter22", emulator.keys.full) if secret in json.dumps(result)] == []
    assert emulator.log.count() == 0


def test_a_missing_key_names_the_variable(run_module):
    assert "OECSH_API_KEY" in run_module("oec_projects", api_key=None)["msg"]


# What the collection rejects before Ansible does, by option, item and name.

OPTIONS = {
    "unknown": ("oec_project", {**ITEM, "branch": "dev"}, "unknown_option", [["'branch'", "'default_branch'"]]),
    "unknown, of an info module": ("oec_server_info", {"nmae": "x"}, "unknown_option", [["'nmae'", "'name'"]]),
    "unknown and far from all": ("oec_server_info", {"x": 1}, "unknown_option", [["The options are: api_key"]]),
    "unknown, of an item": (
        "oec_projects",
        {"projects": [ITEM, {**ITEM, "servr": PRIVATE_REPO}]},
        "unknown_option",
        [["item 2: project 'Client ERP'", "'servr'", "'server'"]],
    ),
    "unknown, of two items": (
        "oec_projects",
        {"projects": [{"nmae": "x"}, {**ITEM, "colour": 1}]},
        "unknown_option",
        [["nothing was written"], ["item 1: ", "'name'"], ["item 2: project 'Client ERP'", "'colour'"]],
    ),
    "unknown, of the defaults": (
        "oec_projects",
        {"projects": [], "defaults": ITEM},
        "unknown_option",
        [["defaults: ", "'name'"]],
    ),
    "a boolean": ("oec_project", {"name": False}, "invalid_input", [["name is a boolean", "Quote"]]),
    "a list": ("oec_project", {**ITEM, "odoo_version": ["17.0"]}, "invalid_input", [["odoo_version is a list"]]),
    "a dictionary": ("oec_project_info", {"server": {"a": 1}}, "invalid_input", [["server is a dictionary"]]),
    "a boolean of an item": (
        "oec_projects",
        {"projects": [{**ITEM, "default_branch": True}]},
        "invalid_input",
        [["item 1: project 'Client ERP'", "default_branch is a boolean"]],
    ),
    # Before ansible-core 2.18, it would not get past the system's log.
    "a NUL": ("oec_project", {"name": "Client\0ERP"}, "invalid_input", [["name contains NUL"]]),
    "another state": (
        "oec_projects",
        {"projects": [ITEM, {**ITEM, "state": "deleted"}]},
        "invalid_input",
        [["item 2: project 'Client ERP'", "state is 'deleted'", "present or absent"]],
    ),
    "items that are no dictionaries": (
        "oec_projects",
        {"projects": [ITEM, None, f"name=x git_repo_url={PRIVATE_REPO}"]},
        "invalid_input",
        [["nothing was written"], ["item 2: ", "no dictionary"], ["item 3: ", "no dictionary"]],
    ),
    "a dictionary of an item, in place of a list": (
        "oec_projects",
        {"projects": [{**ITEM, "environments": {"name": "production"}}]},
        "invalid_input",
        [["item 1: project 'Client ERP'", "environments is a dictionary", "list"]],
    ),
    "numbers and booleans of an item in an item": (
        "oec_projects",
        {"projects": [{**ITEM, "environments": [{"name": "new", "ram_mb": "4 GB", "enable_pgtune": "perhaps"}]}]},
        "invalid_input",
        [
            ["nothing was written"],
            ["item 1: project 'Client ERP': item 1: environment 'new'", "ram_mb is '4 GB'", "whole number"],
            ["item 1: project 'Client ERP': item 1: environment 'new'", "enable_pgtune is 'perhaps'", "true or false"],
        ],
    ),
    "a boolean in a list": ("oec_projects", {"projects": [], "only": [True]}, "invalid_input", [["only is a boolean"]]),
}


@pytest.mark.parametrize(("name", "options", "code", "texts"), OPTIONS.values(), ids=OPTIONS)
def test_a_mistake_in_the_options_is_named(run_module, emulator, name, options, code, texts):
    result = run_module(name, **options)
    assert errors(result) == (True, code, None)
    for line, words in zip(result["msg"].splitlines(), texts, strict=True):
        assert [word for word in words if word not in line] == []
    assert [secret for secret in ("hunter22", emulator.keys.full) if secret in json.dumps(result)] == []
    assert emulator.log.count() == 0


@pytest.mark.parametrize("options", [{"api_key": ["k" * 30]}, {"api_key": {"k" * 30: "k" * 30}}], ids=["list", "dict"])
def test_a_key_that_is_no_text_is_not_displayed(run_module, options):
    result = run_module("oec_project_info", **options)
    # Since ansible-core 2.21 there is no invocation here.
    displayed = result.get("invocation", {}).get("module_args", {}).get("api_key", "***")
    assert (result["failed"], displayed) == (True, "***")
    assert "k" * 30 not in json.dumps(result)


@pytest.mark.parametrize("version", [17.0, "17.0"])
def test_a_number_is_a_text_that_nobody_quoted(run_module, emulator, version):
    assert run_module("oec_project", name=2024, server=SERVER_ID, odoo_version=version)["changed"]
    assert [(each["name"], each["odoo_version"]) for each in emulator.projects()] == [("2024", "17.0")]


def test_details_name_the_items_with_a_mistake(run_module):
    items = [{"nmae": "x"}, ITEM, {"name": "B", "state": "absent", "colour": 1, "default_branch": []}]
    details = run_module("oec_projects", projects=items)["error"]["details"]
    assert [(each["item"], each["project"], each["code"]) for each in details] == [
        (1, None, "unknown_option"),
        (3, "B", "unknown_option"),
        (3, "B", "invalid_input"),
    ]


TEXTS = {"type": "list", "elements": "str", "aliases": ["modules"]}


@pytest.mark.parametrize(
    ("value", "split"),
    [("sale", ["sale"]), (" sale,stock , crm ", ["sale", "stock", "crm"]), (["sale, stock"], ["sale, stock"]), (7, 7)],
)
def test_a_list_may_be_one_text(value, split):
    spec = {"update_modules": TEXTS, "notes": {"type": "str"}}
    options = {"update_modules": value, "modules": value, "notes": "sale, stock", "unknown": "a,b"}
    assert split_lists(options, spec) == {**options, "update_modules": split, "modules": split}


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


@pytest.mark.parametrize("is_known", [True, False])
def test_a_secret_of_the_result_is_registered_if_possible(run_module, emulator, monkeypatch, is_known):
    """ansible-core 2.22 and later mask it in whatever they print; earlier ones cannot."""
    registered = []
    monkeypatch.setattr(module, "register_secrets", registered.extend if is_known else None)
    options = {"url": "https://hooks.example/a", "events": ["deploy.failed"]}
    secret = run_module("oec_webhook", **options)["secret"]
    assert registered == ([secret] if is_known else [])
    assert run_module("oec_webhook", **options)["changed"] is False
    assert len(registered) == is_known


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
