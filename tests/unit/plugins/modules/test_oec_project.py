# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils import _module

FSN = "8e4f2a1c-1234-5678-abcd-ef0123456789"
NYC = "b7c1d9e2-0a52-4c6e-9d0f-3f1a5e7c2b11"
SERVERS = ("production-fsn1", "production-nyc1", "staging-hel1")
NOWHERE = "00000000-0000-4000-8000-000000000000"
REPO = "https://github.com/acme/client-erp"
PRIVATE_REPO = "https://robot:hunter22@github.com/acme/client-erp"
MASKED_REPO = "https://***@github.com/acme/client-erp"


@pytest.fixture
def oec_project(run_module):
    """oec_project(check=False, diff=True, **options): what the module answers."""

    def run(**options: Any) -> dict[str, Any]:
        return run_module("oec_project", **options)

    return run


def sent(emulator) -> list[tuple[str, str, Any]]:
    """The writes that the API has got: method, path and body."""
    return [(entry.method, entry.path, entry.json) for entry in emulator.log.writes]


def at(project: dict[str, Any]) -> str:
    return f"/projects/{project['id']}"


def said(result: dict[str, Any]) -> str:
    return json.dumps(result.get("warnings", []))


# Create.


@pytest.mark.parametrize("server", ["production-nyc1", NYC], ids=["by name", "by id"])
def test_a_project_that_is_not_there_is_created_on_its_server(oec_project, emulator, server):
    result = oec_project(name="Client ERP", server=server)
    assert result["changed"]
    assert emulator.projects() == [result["project"]]
    assert (result["project"]["name"], result["project"]["server_id"]) == ("Client ERP", NYC)
    assert sent(emulator) == [("POST", "/projects", {"name": "Client ERP", "server_id": NYC})]


def test_a_project_is_created_with_all_that_is_declared(oec_project, emulator):
    options = {"git_repo_url": REPO, "default_branch": "release/17.0", "odoo_version": "17.0"}
    result = oec_project(name="Client ERP", server="production-fsn1", **options)
    assert sent(emulator) == [("POST", "/projects", {"name": "Client ERP", "server_id": FSN, **options})]
    assert options.items() <= result["project"].items()


def test_an_odoo_version_that_yaml_made_a_number_is_still_text(oec_project, emulator):
    oec_project(name="Client ERP", server="production-fsn1", odoo_version=17.0)
    assert emulator.projects()[0]["odoo_version"] == "17.0"


def test_an_upper_case_server_id_is_the_same_server(oec_project, emulator):
    result = oec_project(name="Client ERP", server=FSN.upper())
    assert result["project"]["server_id"] == FSN
    assert result["diff"]["after"]["server_id"] == FSN
    assert FSN.upper() not in said(result)


def test_a_create_without_a_server_says_that_it_needs_one(oec_project, emulator):
    result = oec_project(name="Cleint ERP")
    assert result["failed"]
    assert "'Cleint ERP'" in result["msg"]
    assert "server must be given" in result["msg"]
    assert sent(emulator) == []


def test_an_unknown_server_is_refused_with_the_servers_there_are(oec_project, emulator):
    result = oec_project(name="Client ERP", server="production-fsn2")
    assert "there is no server 'production-fsn2'" in result["msg"]
    assert [name for name in SERVERS if repr(name) not in result["msg"]] == []
    assert sent(emulator) == []


def test_of_two_servers_with_the_name_one_must_be_chosen_by_id(oec_project, emulator):
    first, second, *_others = emulator.servers()
    emulator.load({"servers": {"acme": [{**first, "name": "erp"}, {**second, "name": "erp"}]}})
    result = oec_project(name="Client ERP", server="erp")
    assert "2 servers are named 'erp'" in result["msg"]
    assert FSN in result["msg"]
    assert NYC in result["msg"]
    assert sent(emulator) == []
    assert oec_project(name="Client ERP", server=NYC)["project"]["server_id"] == NYC


def test_the_key_of_a_create_is_derived_from_what_is_declared(oec_project, emulator):
    project = oec_project(name="Client ERP", server="production-fsn1")["project"]
    emulator.edit(project["id"], name="Renamed by hand")
    oec_project(name="Client ERP", server="production-fsn1")
    first, again, *_others = [entry.headers["x-idempotency-key"] for entry in emulator.log.requests("POST")]
    assert str(UUID(first)) == first == again


def test_a_users_own_idempotency_key_is_sent_as_it_is(oec_project, emulator):
    oec_project(name="Client ERP", server="production-fsn1", idempotency_key="ticket 4711")
    (create,) = emulator.log.writes
    assert create.headers["x-idempotency-key"] == "ticket 4711"


def test_an_idempotency_key_spent_on_another_project_does_not_pass_for_this_one(oec_project, emulator):
    oec_project(name="Bakery ERP", server="production-fsn1", idempotency_key="copied")
    emulator.clock.advance(60)
    result = oec_project(name="Brewery ERP", server="production-fsn1", idempotency_key="copied")
    assert [project["name"] for project in emulator.projects()] == ["Bakery ERP"]
    assert result.get("failed"), result
    assert "'Brewery ERP'" in result["msg"]


def test_a_client_who_left_can_come_back_on_the_same_day(oec_project, emulator):
    declared = {"name": "Client ERP", "server": "production-fsn1"}
    first = oec_project(**declared)["project"]
    oec_project(name="Client ERP", state="absent")
    emulator.clock.advance(60)
    second = oec_project(**declared)["project"]
    assert second["id"] != first["id"]
    assert emulator.projects() == [second]


# Find and change.


def test_a_project_is_found_by_its_exact_name(oec_project, emulator):
    emulator.add_project("client erp")
    there = emulator.add_project("Client ERP")
    assert oec_project(name="Client ERP")["project"] == there
    assert sent(emulator) == []


def test_a_project_is_found_by_its_id(oec_project, emulator):
    there = emulator.add_project("Client ERP")
    result = oec_project(project_id=there["id"].upper())
    assert (result["changed"], result["project"]) == (False, there)


def test_a_project_found_by_its_id_is_renamed(oec_project, emulator):
    there = emulator.add_project("Client ERP", git_repo_url=REPO)
    result = oec_project(id=there["id"], name="Client ERP (Ltd)")
    assert result["project"] == {**there, "name": "Client ERP (Ltd)"} == emulator.projects()[0]
    assert sent(emulator) == [("PATCH", at(there), {"name": "Client ERP (Ltd)"})]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_two_projects_with_the_name_are_told_apart_by_nothing_but_their_ids(oec_project, emulator, state):
    first, second = emulator.add_project("Client ERP"), emulator.add_project("Client ERP")
    result = oec_project(name="Client ERP", state=state)
    assert result["failed"]
    assert "'Client ERP'" in result["msg"]
    assert first["id"] in result["msg"]
    assert second["id"] in result["msg"]
    assert sent(emulator) == []
    assert not oec_project(project_id=first["id"], state=state).get("failed")


def test_an_id_that_is_not_there_fails_where_the_project_is_to_exist(oec_project, emulator):
    result = oec_project(project_id=NOWHERE, name="Client ERP", server="production-fsn1")
    assert result["failed"]
    assert f"there is no project {NOWHERE}" in result["msg"]
    assert sent(emulator) == []


def test_an_id_that_is_not_there_is_fine_where_the_project_is_to_be_absent(oec_project, emulator):
    result = oec_project(project_id=NOWHERE, state="absent")
    assert (result["changed"], result["project"]) == (False, None)
    assert sent(emulator) == []


@pytest.mark.parametrize(
    ("declared", "body"),
    [
        pytest.param({"default_branch": "dev"}, {"default_branch": "dev"}, id="a branch"),
        pytest.param({"git_repo_url": REPO + "2"}, {"git_repo_url": REPO + "2"}, id="a repository"),
        pytest.param(
            {"git_repo_url": REPO, "default_branch": "dev", "server": "production-fsn1", "odoo_version": "17.0"},
            {"default_branch": "dev"},
            id="a branch, with all that is right already",
        ),
        pytest.param(
            {"git_repo_url": REPO + "2", "default_branch": "dev"},
            {"git_repo_url": REPO + "2", "default_branch": "dev"},
            id="both",
        ),
    ],
)
def test_only_what_differs_is_sent(oec_project, emulator, declared, body):
    there = emulator.add_project("Client ERP", git_repo_url=REPO, odoo_version="17.0")
    result = oec_project(name="Client ERP", **declared)
    assert sent(emulator) == [("PATCH", at(there), body)]
    assert result["changed"]
    assert result["project"] == {**there, **body} == emulator.projects()[0]


@pytest.mark.parametrize("server", ["production-fsn1", FSN, FSN.upper()], ids=["by name", "by id", "in capitals"])
def test_what_is_there_already_is_not_written(oec_project, emulator, server):
    there = emulator.add_project("Client ERP", git_repo_url=REPO, odoo_version="17.0")
    declared = {"git_repo_url": REPO, "default_branch": "main", "odoo_version": "17.0", "server": server}
    result = oec_project(name="Client ERP", **declared)
    assert (result["changed"], result["project"]) == (False, there)
    assert sent(emulator) == []


BLANKS = dict.fromkeys(
    ["project_id", "server", "git_repo_url", "default_branch", "odoo_version", "idempotency_key"], ""
)


def test_blank_survey_fields_leave_the_project_alone(oec_project, emulator):
    there = emulator.add_project("Client ERP", git_repo_url=REPO, default_branch="release/17.0", odoo_version="17.0")
    result = oec_project(name="Client ERP", **BLANKS)
    assert (result["changed"], result["project"]) == (False, there)
    assert sent(emulator) == []


def test_blank_survey_fields_of_a_new_project_are_not_sent(oec_project, emulator):
    oec_project(name="Client ERP", **{**BLANKS, "server": "production-fsn1"})
    assert sent(emulator) == [("POST", "/projects", {"name": "Client ERP", "server_id": FSN})]


def test_a_blank_survey_field_counts_as_not_given_whatever_its_type(run_module, emulator):
    emulator.add_project("Tailor ERP")
    blanks = {
        "state": "",
        "api_timeout": "",
        "api_retries": "",
        "api_max_wait": "",
        "validate_certs": "",
        "ca_path": "",
    }
    assert run_module("oec_project", name="Tailor ERP", **blanks)["changed"] is False
    declared = [{"name": "Tailor ERP", "state": ""}]
    assert run_module("oec_projects", projects=declared, prune="", prune_limit="")["summary"]["unchanged"] == 1


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_name_and_a_blank_key_are_missed_like_those_left_out(run_module, emulator, blank):
    assert "one of the following is required: name, project_id" in run_module("oec_project", name=blank)["msg"]
    assert "missing required arguments: api_key" in run_module("oec_project", name="Tailor ERP", api_key=blank)["msg"]
    assert emulator.log.count() == 0


def test_a_blank_key_in_the_environment_says_what_to_set(run_module, emulator, monkeypatch):
    monkeypatch.setenv("OECSH_API_KEY", "")
    assert "OECSH_API_KEY" in run_module("oec_project", name="Tailor ERP", api_key="")["msg"]
    assert emulator.log.count() == 0


def test_a_blank_name_renames_nobody(oec_project, emulator):
    there = emulator.add_project("Client ERP")
    assert oec_project(project_id=there["id"], name="")["project"] == there
    assert sent(emulator) == []


def test_a_blank_api_url_is_one_left_out(run_module, emulator, monkeypatch):
    # Only as far as the first check that comes after the URL's: nothing leaves this machine.
    result = run_module("oec_project", name="Client ERP", api_url="", api_timeout=0)
    assert "api_timeout is 0" in result["msg"]


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        pytest.param({"server": NYC}, [FSN, NYC], id="server by id"),
        pytest.param({"server": "production-nyc1"}, ["'production-fsn1'", "'production-nyc1'"], id="server by name"),
        pytest.param({"odoo_version": "18.0"}, ["'17.0'", "'18.0'"], id="odoo_version"),
    ],
)
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_what_the_api_cannot_change_fails_with_both_values_before_any_write(
    oec_project, emulator, declared, values, check
):
    emulator.add_project("Client ERP", odoo_version="17.0")
    result = oec_project(name="Client ERP", default_branch="dev", check=check, **declared)
    assert result["failed"]
    assert "cannot change" in result["msg"]
    assert [value for value in ["'Client ERP'", *values] if value not in result["msg"]] == []
    assert sent(emulator) == []


# Remove.


def test_a_project_is_removed_with_the_confirmation_the_api_wants(oec_project, emulator):
    there, stays = emulator.add_project("Client ERP"), emulator.add_project("Bakery ERP")
    result = oec_project(name="Client ERP", state="absent")
    assert (result["changed"], result["project"]) == (True, None)
    (removal,) = emulator.log.writes
    assert (removal.method, removal.path, removal.headers["x-confirm-delete"]) == ("DELETE", at(there), "true")
    assert emulator.projects() == [stays]


def test_a_project_is_removed_by_its_id_whatever_it_is_called(oec_project, emulator):
    there = emulator.add_project("Client ERP")
    assert oec_project(project_id=there["id"], name="Something else", state="absent")["changed"]
    assert emulator.deleted() == [there]


def test_what_is_gone_already_is_as_it_should_be(oec_project, emulator):
    emulator.remove(emulator.add_project("Client ERP")["id"])
    result = oec_project(name="Client ERP", state="absent")
    assert (result["changed"], result["project"]) == (False, None)
    assert sent(emulator) == []


def test_a_project_that_somebody_else_removes_meanwhile_is_removed(oec_project, emulator):
    there = emulator.add_project("Client ERP")
    emulator.faults.add("cut_after", "DELETE")
    result = oec_project(name="Client ERP", state="absent")
    assert (result["changed"], result["project"]) == (True, None)
    assert [entry.status for entry in emulator.log.requests("DELETE", at(there))] == [None, 404]


def test_a_project_with_running_environments_is_not_removed_but_its_user_told_what_to_do(oec_project, emulator):
    there = emulator.add_project("Client ERP")
    emulator.set_running(there["id"], 2)
    result = oec_project(name="Client ERP", state="absent")
    assert result["failed"]
    assert "'Client ERP'" in result["msg"]
    assert "2 environment(s) are still running" in result["msg"]
    assert "Stop the project's running or deploying environments first" in result["msg"]
    assert (result["error"]["status"], result["error"]["code"]) == (409, "environments_running")
    assert set(result["error"]) == {"status", "code", "message", "details"}
    assert len(emulator.projects()) == 1


# What comes back.


def test_a_diff_is_shown_only_when_it_is_asked_for(oec_project, emulator):
    there = emulator.add_project("Client ERP", git_repo_url=REPO)
    assert "diff" not in oec_project(project_id=there["id"], default_branch="a", diff=False)
    result = oec_project(project_id=there["id"], default_branch="b", diff=True)
    before = {
        "name": "Client ERP",
        "server_id": FSN,
        "git_repo_url": REPO,
        "default_branch": "a",
        "odoo_version": None,
    }
    assert result["diff"] == {
        "before": before,
        "after": {**before, "default_branch": "b"},
        "before_header": "project 'Client ERP'",
        "after_header": "project 'Client ERP'",
    }


def test_check_mode_foretells_a_create_and_writes_nothing(oec_project, emulator):
    result = oec_project(name="Client ERP", server="production-nyc1", odoo_version="17.0", check=True)
    assert result["changed"]
    assert result["project"] == {
        "id": None,
        "name": "Client ERP",
        "odoo_version": "17.0",
        "git_repo_url": None,
        "default_branch": "main",
        "environment_count": 0,
        "server_id": NYC,
        "created_at": None,
    }
    assert (sent(emulator), emulator.projects()) == ([], [])


def test_fields_that_nobody_knows_of_yet_come_back_untouched(oec_project, emulator):
    there = emulator.add_project("Client ERP")
    emulator.faults.add("replace", "GET", at(there), body={**there, "colour": "blue", "tags": [1, {"a": None}]})
    project = oec_project(project_id=there["id"])["project"]
    assert (project["colour"], project["tags"]) == ("blue", [1, {"a": None}])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("n" * 255, id="255 characters"),
        pytest.param("ß" * 255, id="255 umlauts"),
        pytest.param("Bäckerei Müller 🥖", id="umlauts and emoji"),
        pytest.param("two\nlines\ttab", id="a newline"),
        pytest.param(" blanks around ", id="blanks around"),
        pytest.param("{{ lookup('pipe', 'id') }} {% raw %}", id="a template"),
        pytest.param("'\"\\ <b>&amp;</b> ../..?x=1#", id="quotes, markup and slashes"),
        pytest.param("null", id="null"),
    ],
)
def test_a_name_is_taken_to_the_letter(oec_project, emulator, name):
    created = oec_project(name=name, server="production-fsn1")
    assert created["project"]["name"] == name == emulator.projects()[0]["name"]
    assert not oec_project(name=name, server="production-fsn1")["changed"]
    assert oec_project(name=name, default_branch="dev")["project"]["id"] == created["project"]["id"]
    assert oec_project(name=name, state="absent")["changed"]
    assert emulator.projects() == []


# Where the API stores something else than it was asked to.


def test_a_name_that_the_api_trims_is_warned_of_with_both(oec_project, emulator):
    emulator.settings.normalise_names = True
    result = oec_project(name=" Trimmed ERP ", server="production-fsn1")
    assert result["project"]["name"] == "Trimmed ERP"
    assert "asked for name ' Trimmed ERP ', the API stored 'Trimmed ERP'" in said(result)


def test_a_change_that_the_api_ignores_is_warned_of_with_both(oec_project, emulator):
    there = emulator.add_project("Ignored ERP")
    emulator.faults.add("replace", "PATCH", at(there), body=there)
    result = oec_project(name="Ignored ERP", default_branch="dev")
    assert result["project"] == there
    assert "project 'Ignored ERP': asked for default_branch 'dev', the API stored 'main'" in said(result)


def test_a_create_that_the_api_fulfils_only_in_part_is_warned_of(oec_project, emulator):
    stored = emulator.add_project("Partly ERP", server="staging-hel1", default_branch="main")
    emulator.remove(stored["id"])
    emulator.faults.add("replace", "POST", "/projects", body=stored)
    options = {"server": "production-fsn1", "default_branch": "dev", "odoo_version": "17.0"}
    warnings = said(oec_project(name="Partly ERP", **options))
    for words in ("asked for server_id", "asked for default_branch 'dev'", "asked for odoo_version '17.0'"):
        assert f"project 'Partly ERP': {words}" in warnings


def test_what_is_stored_as_asked_for_is_not_warned_of(oec_project, emulator):
    result = oec_project(name="Calm ERP", server="production-fsn1", git_repo_url=PRIVATE_REPO)
    assert "Calm ERP" not in said(result)


# Keys that may not do everything.


def test_a_read_only_key_reads(oec_project, emulator):
    there = emulator.add_project("Client ERP")
    result = oec_project(name="Client ERP", default_branch="main", api_key=emulator.keys.read_only)
    assert (result["changed"], result["project"]) == (False, there)


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"name": "New ERP", "server": "production-fsn1"}, id="create"),
        pytest.param({"name": "Client ERP", "default_branch": "dev"}, id="update"),
        pytest.param({"name": "Client ERP", "state": "absent"}, id="delete"),
    ],
)
def test_a_read_only_key_foretells_what_it_may_not_do(oec_project, emulator, wanted):
    emulator.add_project("Client ERP")
    assert oec_project(**wanted, api_key=emulator.keys.read_only, check=True)["changed"]
    result = oec_project(**wanted, api_key=emulator.keys.read_only)
    assert result["failed"]
    assert "read-only API key" in result["msg"]
    assert "oec_live_rw_" in result["msg"]
    assert result["error"]["code"] == "read_only_key"
    assert sent(emulator) == []


def test_a_scoped_key_changes_its_own_project(oec_project, emulator):
    there = emulator.scoped_project
    result = oec_project(name=there["name"], default_branch="dev", api_key=emulator.keys.scoped)
    assert result["project"] == {**there, "default_branch": "dev"}


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"name": "New ERP", "server": "production-fsn1"}, id="create"),
        pytest.param({"name": "Scoped project", "state": "absent"}, id="delete"),
    ],
)
def test_a_scoped_key_is_told_that_it_can_neither_create_nor_delete(oec_project, emulator, wanted):
    there = emulator.scoped_project
    result = oec_project(**wanted, api_key=emulator.keys.scoped)
    assert (result["error"]["status"], result["error"]["code"]) == (403, "project_scoped_key")
    assert "use an organisation's key" in result["msg"]
    assert emulator.projects() == [there]


# What can be known to be wrong is refused before the first request.

REFUSED = {
    "256 characters of name": ({"name": "n" * 256}, "name has 256 characters"),
    "256 characters of branch": ({"default_branch": "b" * 256}, "default_branch has 256 characters"),
    "an http repository": ({"git_repo_url": "http://github.com/acme/x"}, "git_repo_url is not an https URL"),
    "an ssh repository": ({"git_repo_url": "git@github.com:acme/x.git"}, "git_repo_url is not an https URL"),
    "an id that is none": ({"project_id": "../servers"}, "project_id '../servers' is not a UUID"),
    "an idempotency key of two lines": ({"idempotency_key": "a\nb"}, "idempotency_key has characters"),
    "a key of two lines": ({"api_key": "oec_live_rw_a\nb"}, "api_key has characters that no API key has"),
    "plain http": ({"api_url": "http://api.oec.sh/v1"}, "plain http is for loopback only"),
    "no scheme": ({"api_url": "api.oec.sh"}, "is not an https URL"),
    "a file": ({"api_url": "file:///etc/passwd"}, "is not an https URL"),
    "credentials in api_url": ({"api_url": "https://u:hunter22@h/"}, "neither credentials"),
    "a query in api_url": ({"api_url": "https://h/?key=1"}, "a query"),
    "no timeout": ({"api_timeout": 0}, "api_timeout is 0"),
    "less than no retries": ({"api_retries": -1}, "api_retries is -1"),
    "no time": ({"api_max_wait": 0}, "api_max_wait is 0"),
    "no such CA file": ({"ca_path": "/nowhere/ca.pem"}, "ca_path /nowhere/ca.pem could not be read"),
}


@pytest.mark.parametrize(("wrong", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_what_can_be_known_to_be_wrong_is_refused_before_the_first_request(oec_project, emulator, wrong, words, check):
    result = oec_project(check=check, **{"name": "Client ERP", "server": "production-fsn1", **wrong})
    assert result["failed"]
    assert words in result["msg"]
    assert result["error"]["status"] is None
    assert "hunter22" not in json.dumps(result)
    assert emulator.log.count() == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, "one of the following is required: name, project_id", id="neither name nor id"),
        pytest.param({"name": "x", "state": "gone"}, "value of state must be one of: present, absent", id="a state"),
        pytest.param({"name": "x", "nmae": "y"}, "Unsupported parameters", id="a misspelt option"),
        pytest.param({"name": "x", "api_timeout": "soon"}, "api_timeout", id="a timeout that is no number"),
    ],
)
def test_ansible_itself_refuses_what_the_documentation_does_not_have(oec_project, emulator, options, words):
    result = oec_project(**options)
    assert result["failed"]
    assert words in result["msg"]
    assert emulator.log.count() == 0


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("OECSH_API_TIMEOUT", "0", "api_timeout is 0"),
        ("OECSH_API_RETRIES", "-1", "api_retries is -1"),
        ("OECSH_API_MAX_WAIT", "0", "api_max_wait is 0"),
    ],
)
def test_the_environment_sets_what_the_task_does_not(oec_project, monkeypatch, emulator, variable, value, words):
    monkeypatch.setenv(variable, value)
    assert words in oec_project(name="Client ERP")["msg"]
    option = variable.removeprefix("OECSH_").lower()
    assert "server must be given" in oec_project(name="Client ERP", **{option: 7})["msg"]


def test_a_missing_requests_library_is_named_as_ansible_does_it(oec_project, emulator, monkeypatch):
    monkeypatch.setattr(_module, "REQUESTS_IMPORT_ERROR", "Traceback: No module named 'requests'")
    result = oec_project(name="Client ERP")
    assert result["failed"]
    assert "Failed to import the required Python library (requests)" in result["msg"]
    assert emulator.log.count() == 0


# Credentials in the repository's URL.


def test_git_credentials_are_sent_as_given_and_shown_to_nobody(oec_project, emulator):
    result = oec_project(name="Private ERP", server="production-fsn1", git_repo_url=PRIVATE_REPO)
    assert emulator.projects()[0]["git_repo_url"] == PRIVATE_REPO
    # ansible-core 2.21 and later do not show the options.
    shown = [result["project"], result["diff"]["after"], result.get("invocation", {}).get("module_args")]
    assert [place["git_repo_url"] for place in shown if place] == [MASKED_REPO] * (3 if shown[2] else 2)
    assert "hunter22" not in json.dumps(result)


def test_new_git_credentials_are_sent_and_neither_the_old_nor_the_new_shown(oec_project, emulator):
    there = emulator.add_project("Private ERP", git_repo_url=PRIVATE_REPO)
    renewed = PRIVATE_REPO.replace("hunter22", "swordfish")
    emulator.faults.add(
        "replace", "PATCH", body={**there, "git_repo_url": PRIVATE_REPO.replace("hunter22", "tr0ub4dor")}
    )
    result = oec_project(name="Private ERP", git_repo_url=renewed)
    assert sent(emulator) == [("PATCH", at(there), {"git_repo_url": renewed})]
    assert "Private ERP" in said(result)
    assert [word for word in ("hunter22", "swordfish", "tr0ub4dor") if word in json.dumps(result)] == []


@pytest.mark.parametrize("fault", ["echo", "status"])
def test_git_credentials_are_not_in_a_failure_either(oec_project, emulator, fault):
    words = {"status": 422, "text": "robot has no access with hunter22"} if fault == "status" else {}
    emulator.faults.add(fault, "POST", times=None, **words)
    result = oec_project(name="Private ERP", server="production-fsn1", git_repo_url=PRIVATE_REPO)
    assert result["error"]["status"] == 422
    assert "***" in result["msg"]
    assert "hunter22" not in json.dumps(result)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://robot:hunter22@github.com/x", id="http"),
        pytest.param("ssh://robot:hunter22@github.com/x", id="ssh"),
        pytest.param("robot:hunter22@github.com:x", id="scp"),
        pytest.param("https://robot:a/hunter22@github.com/x", id="a slash in the password"),
        pytest.param("https://robot:a hunter22@github.com/x", id="a space in the password"),
        pytest.param("https://robot:a#hunter22@github.com/x", id="a hash in the password"),
    ],
)
def test_a_refused_url_shows_no_password_either(oec_project, emulator, url):
    result = oec_project(name="Client ERP", git_repo_url=url)
    assert "git_repo_url is not an https URL" in result["msg"]
    assert "hunter22" not in json.dumps(result)
    assert emulator.log.count() == 0


def test_git_credentials_are_masked_also_where_ansible_refuses_the_task(oec_project):
    result = oec_project(name="Client ERP", git_repo_url=PRIVATE_REPO, brunch="dev")
    assert "Unsupported parameters" in result["msg"]
    assert "hunter22" not in json.dumps(result)


def test_what_is_shown_of_a_private_repository_can_be_declared_again(oec_project, emulator):
    emulator.add_project("Private ERP", git_repo_url=PRIVATE_REPO)
    shown = oec_project(name="Private ERP")["project"]["git_repo_url"]
    assert shown == MASKED_REPO
    assert not oec_project(name="Private ERP", git_repo_url=shown)["changed"]
    assert oec_project(name="Private ERP", git_repo_url=shown, default_branch="dev")["changed"]
    assert [body for _method, _path, body in sent(emulator)] == [{"default_branch": "dev"}]


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param({"name": "New ERP", "server": "production-fsn1"}, id="of a new project"),
        pytest.param({"name": "Private ERP"}, id="of another repository"),
    ],
)
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_masked_credentials_are_never_stored(oec_project, emulator, declared, check):
    emulator.add_project("Private ERP", git_repo_url="https://robot:hunter22@gitlab.com/acme/x")
    result = oec_project(git_repo_url=MASKED_REPO, check=check, **declared)
    assert result["failed"]
    assert "Give the real credentials" in result["msg"]
    assert sent(emulator) == []


# How many requests it takes.


def test_a_create_by_server_name_among_250_projects_takes_5_requests(oec_project, emulator):
    emulator.fill(250)
    oec_project(name="Client ERP", server="production-fsn1")
    counts = [emulator.log.count(operation) for operation in ("GET /projects", "GET /servers", "POST /projects")]
    assert (counts, emulator.log.count()) == ([3, 1, 1], 5)

    emulator.log.clear()
    assert not oec_project(name="Client ERP", server="production-fsn1")["changed"]
    assert emulator.log.count() == emulator.log.count("GET") == 4


@pytest.mark.parametrize(
    ("options", "requests"),
    [
        pytest.param({"name": "Client ERP (Ltd)"}, ["GET", "PATCH"], id="rename"),
        pytest.param({"state": "absent"}, ["GET", "DELETE"], id="delete"),
        pytest.param({"default_branch": "main"}, ["GET"], id="unchanged"),
        pytest.param({"server": FSN}, ["GET"], id="unchanged on a server by id"),
        pytest.param({"server": "production-fsn1"}, ["GET", "GET"], id="unchanged on a server by name"),
    ],
)
def test_what_is_found_by_id_needs_no_list(oec_project, emulator, options, requests):
    emulator.fill(250)
    there = emulator.add_project("Client ERP")
    oec_project(project_id=there["id"], **options)
    assert [entry.method for entry in emulator.log.requests()] == requests
    assert emulator.log.count("GET /projects") == 0


# Failures.

WRONG_KEY = "oec_live_rw_" + "WrongKey" * 5
FAILURES = {
    "a wrong key": ({"api_key": WRONG_KEY}, {}, None, 401, "invalid_key"),
    "an expired key": ({"api_key": "expired"}, {}, None, 401, "key_expired"),
    "no key at all": ({"api_key": "password"}, {}, None, 401, "invalid_key_format"),
    "an unpaid subscription": ({}, {"subscription_blocked": True}, None, 402, "subscription_blocked"),
    "a plan without the API": ({}, {"plan_feature_required": True}, None, 403, "plan_feature_required"),
    "another organisation's project": ({"project_id": "other"}, {}, None, None, None),
    "a validation error": ({}, {}, {"kind": "echo", "method": "POST", "times": None}, 422, "validation"),
    "a page of a proxy": ({}, {}, {"kind": "html", "status": 404}, 404, None),
    "a redirect": ({}, {}, {"kind": "redirect"}, 307, None),
    "a blocked address": ({}, {}, {"kind": "ip_blocked"}, 429, "ip_blocked"),
    "a rate limit that does not end": (
        {"api_max_wait": 5},
        {},
        {"kind": "rate_limit", "times": None},
        429,
        "rate_limit_exceeded",
    ),
    "an API that is down": ({}, {}, {"kind": "status", "times": None}, 503, "service_unavailable"),
    "a connection that breaks": ({}, {}, {"kind": "cut_before", "times": None}, None, None),
    "half an answer": ({}, {}, {"kind": "truncate", "times": None}, 200, None),
    "a list without data": ({}, {}, {"kind": "replace", "body": {}}, None, None),
    "a list of something else": ({}, {}, {"kind": "replace", "body": []}, 200, None),
    "pages without an end": ({}, {}, {"kind": "cursor_loop", "times": None}, None, None),
}


@pytest.mark.parametrize(("options", "switches", "fault", "status", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failure_says_what_happened_without_a_traceback_or_the_key(
    oec_project, emulator, options, switches, fault, status, code
):
    for switch, value in switches.items():
        setattr(emulator.settings, switch, value)
    if fault:
        emulator.faults.add(**fault)
    declared = {"name": "Client ERP", "server": "production-fsn1", "api_key": emulator.keys.full, **options}
    if declared["api_key"] == "expired":
        declared["api_key"] = emulator.keys.expired
    if "project_id" in declared:
        declared["project_id"] = emulator.add_project("Client ERP", org="other")["id"]
    result = oec_project(**declared, _ansible_verbosity=3)
    assert result["failed"]
    assert (result["error"]["status"], result["error"]["code"]) == (status, code)
    assert set(result["error"]) == {"status", "code", "message", "details"}
    assert result["msg"].endswith((".", "!", "?"))
    assert "exception" not in result
    assert "Traceback" not in json.dumps(result)
    assert declared["api_key"] not in json.dumps(result)
    assert not result.get("changed")


@pytest.mark.parametrize("key", ["{key}\n", " {key} "], ids=["a newline behind it", "blanks around it"])
def test_a_key_copied_with_blanks_works_and_is_shown_no_more_than_another(oec_project, emulator, key):
    there = emulator.add_project(f"My key is {emulator.keys.full}")
    emulator.faults.add("echo", "PATCH")
    result = oec_project(project_id=there["id"], default_branch="dev", api_key=key.format(key=emulator.keys.full))
    assert result["error"]["status"] == 422
    assert emulator.keys.full not in json.dumps(result)


def test_a_key_is_not_shown_where_the_api_gives_it_back(oec_project, emulator):
    there = emulator.add_project(f"My key is {emulator.keys.full}")
    result = oec_project(project_id=there["id"])
    assert result["project"]["id"] == there["id"]
    assert emulator.keys.full not in json.dumps(result)


@pytest.mark.parametrize("key", ["msg", "error", "status"])
def test_a_wrong_key_that_is_a_word_of_the_results_still_fails_in_words(oec_project, key):
    result = oec_project(name="Client ERP", api_key=key)
    assert "401" in result["msg"]
    assert result["error"]["status"] == 401


def test_a_failing_write_names_its_project(oec_project, emulator):
    there = emulator.add_project("Client ERP")
    emulator.faults.add("status", "PATCH", times=None, status=403)
    result = oec_project(project_id=there["id"], default_branch="dev")
    assert "project 'Client ERP'" in result["msg"]
    assert result["error"]["status"] == 403


def test_a_passing_failure_is_waited_out(oec_project, emulator, sleeps):
    emulator.faults.add("html", "POST", status=502)
    emulator.faults.add("cut_after", "POST")
    result = oec_project(name="Client ERP", server="production-fsn1")
    assert emulator.projects() == [result["project"]]
    assert len(sleeps) == 2
