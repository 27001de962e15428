# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired, resolve
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import WEBHOOK
from ansible_collections.oecsh.cloud.tests.support import (
    OTHER_SERVER_ID,
    PRIVATE_REPO,
    REDACTED_REPO,
    SERVER_ID,
    UNKNOWN_ID,
)

PROJECT_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


def desired(**options):
    return Desired.parse(PROJECT, options)


@pytest.mark.parametrize(
    "option", ["state", "project_id", "server", "git_repo_url", "default_branch", "odoo_version", "idempotency_key"]
)
@pytest.mark.parametrize("empty", ["", None], ids=["empty", "null"])
def test_an_empty_option_is_omitted(option, empty):
    assert desired(name="Client ERP", **{option: empty}) == Desired(PROJECT, "present", None, {"name": "Client ERP"})


def test_an_empty_name_is_omitted_if_an_id_is_set():
    assert desired(name="", project_id=PROJECT_ID) == Desired(PROJECT, "present", PROJECT_ID, {})


@pytest.mark.parametrize(
    "values",
    [
        {"name": "ä" * 255},
        {"name": " "},
        {"name": "x", "default_branch": "two\nlines"},
        {"name": "x", "git_repo_url": PRIVATE_REPO},
        {"name": "x", "git_repo_url": REDACTED_REPO},
    ],
    ids=["umlauts", "space", "newline", "credentials", "redacted"],
)
def test_what_is_declared_is_kept(values):
    """A server by the name of its field, whose value may still be a name."""
    found = desired(**values, state="absent", project_id=PROJECT_ID.upper(), server="berlin", idempotency_key="a ~!")
    assert found == Desired(PROJECT, "absent", PROJECT_ID.upper(), {**values, "server_id": "berlin"}, "a ~!")


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"remove_domain": True}, {"custom_domain": None}),
        ({"remove_domain": True, "domain": ""}, {"custom_domain": None}),
        ({"remove_domain": False, "domain": ""}, {}),
        ({"domain": "a.b", "remove_domain": False}, {"custom_domain": "a.b"}),
        ({"enable_pgtune": False, "cpu_cores": 0.5}, {"cpu_cores": 0.5, "enable_pgtune": False}),
        ({"environment_id": PROJECT_ID, "project": None}, {}),
    ],
)
def test_a_field_is_emptied_by_an_option_of_its_own(options, values):
    found = Desired.parse(ENVIRONMENT, {"name": "n", "project": PROJECT_ID, **options})
    parent = {} if "project" in options else {"project_id": PROJECT_ID}
    assert found.values == {"name": "n", **parent, **values}


def test_a_list_is_declared_as_a_set_and_may_need_no_parent():
    found = Desired.parse(WEBHOOK, {"url": "https://a/b", "events": ["b", "a", "b"], "is_active": False})
    assert found.values == {"url": "https://a/b", "events": ["a", "b"], "is_active": False}


HEADER = "project 'x': idempotency_key contains characters that an HTTP header cannot carry."
REJECTED = {
    "nothing": ({}, "neither name nor project_id is set."),
    "only empty": ({"name": "", "project_id": ""}, "neither name nor project_id is set."),
    "an id that is none": ({"project_id": "42"}, "project '42': project_id '42' is not a UUID."),
    "more than an id": (
        {"name": "x", "project_id": f"{PROJECT_ID}/.."},
        f"project 'x': project_id '{PROJECT_ID}/..' is not a UUID.",
    ),
    "a branch that is no text": (
        {"project_id": PROJECT_ID, "default_branch": "\0"},
        f"project '{PROJECT_ID}': default_branch contains NUL or unpaired surrogate characters.",
    ),
    # Without the value: it may contain a password.
    "a URL": (
        {"name": "x", "git_repo_url": "https://robot:hun/ter22@h:x/y"},
        "project 'x': git_repo_url is not an https URL (https://host/path).",
    ),
    "a key with umlauts": ({"name": "x", "idempotency_key": "schlüssel"}, HEADER),
    "a key with whitespace": ({"name": "x", "idempotency_key": " a"}, HEADER),
    "a key with a second header": ({"name": "x", "idempotency_key": "a\r\nb: c"}, HEADER),
}


ENVIRONMENT_REJECTED = {
    "no parent": ({"name": "x"}, "environment 'x': neither project nor environment_id is set."),
    "set and removed": (
        {"name": "x", "project": PROJECT_ID, "domain": "a.b", "remove_domain": True},
        "environment 'x': domain and remove_domain are both set.",
    ),
    "a number beyond its limits": (
        {"environment_id": PROJECT_ID, "cpu_cores": 64.0},
        f"environment '{PROJECT_ID}': cpu_cores is 64.0, and the API accepts 0.25 to 32.",
    ),
}
WEBHOOK_REJECTED = {
    "neither URL nor id": ({"project": "Acme"}, "neither url nor webhook_id is set."),
    "no event": (
        {"url": "https://a/b?sig=1", "events": []},
        "webhook 'https://a/b?***': events has 0, and the API accepts 1 to 12.",
    ),
    # Without the value: it contains a password.
    "a URL with a user": (
        {"url": "https://joe:hunter22@a/b"},
        "webhook 'https://***@a/b': url contains a user name or password.",
    ),
}


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        *((PROJECT, *row) for row in REJECTED.values()),
        *((ENVIRONMENT, *row) for row in ENVIRONMENT_REJECTED.values()),
        *((WEBHOOK, *row) for row in WEBHOOK_REJECTED.values()),
    ],
    ids=[*REJECTED, *ENVIRONMENT_REJECTED, *WEBHOOK_REJECTED],
)
def test_an_invalid_declaration_is_rejected(kind, options, message):
    with pytest.raises(OecError) as caught:
        Desired.parse(kind, options)
    assert (caught.value.failure.code, str(caught.value.failure)) == ("invalid_input", message)


@pytest.mark.parametrize(
    ("kind", "options", "names"),
    [
        (PROJECT, {"server": "berlin"}, ["server"]),
        (PROJECT, {"server": SERVER_ID}, []),
        (PROJECT, {"server": SERVER_ID.upper()}, []),
        (PROJECT, {}, []),
        (PROJECT, {"server": "berlin", "state": "absent"}, []),
        (ENVIRONMENT, {"project": "Client ERP", "server": "berlin"}, ["project", "server"]),
        (ENVIRONMENT, {"project": PROJECT_ID}, []),
        (ENVIRONMENT, {"project": "Client ERP", "server": "berlin", "state": "absent"}, ["project"]),
    ],
    ids=["name", "id", "id in capitals", "none", "absent", "parent", "parent id", "parent absent"],
)
def test_other_kinds_are_read_only_to_resolve_a_name(kind, options, names):
    assert [each.name for each in Desired.parse(kind, {"name": "n", **options}).named_kinds] == names


@pytest.mark.parametrize(("url", "found"), [("https://joe:hunter22@h/x", {"joe:hunter22", "hunter22"}), ("", set())])
def test_the_credentials_of_a_declaration_are_in_its_urls(url, found):
    assert set(desired(name="x://ann:secret99@h", git_repo_url=url).credentials) == found


# References.

ON_SERVER = PROJECT.field("server_id")
TWINS = [{"id": f"{number:08}-0000-4000-8000-000000000000", "name": "twin"} for number in (91, 92)]
SERVERS = [{"id": SERVER_ID, "name": "berlin"}, {"id": OTHER_SERVER_ID.upper(), "name": "paris"}, *TWINS]


@pytest.mark.parametrize(
    ("value", "servers", "resolved"),
    [
        ("berlin", SERVERS, SERVER_ID),
        ("paris", SERVERS, OTHER_SERVER_ID.upper()),
        (SERVER_ID.upper(), [], SERVER_ID),
        ("twin", SERVERS, "ambiguous_name"),
        ("Berlin", SERVERS, "unknown_server"),
        ("berlin", [], "unknown_server"),
    ],
)
def test_a_reference_is_resolved_by_its_exact_name(value, servers, resolved):
    found = resolve(SERVER, ON_SERVER, value, {"server": servers})
    assert (found.code if isinstance(found, Failure) else found) == resolved


@pytest.mark.parametrize(
    ("value", "is_checked", "resolved"),
    [
        (UNKNOWN_ID, False, UNKNOWN_ID),
        (UNKNOWN_ID, True, "unknown_server"),
        (SERVER_ID.upper(), True, SERVER_ID),
        (OTHER_SERVER_ID, True, OTHER_SERVER_ID),
    ],
)
def test_an_id_is_checked_where_its_object_was_read(value, is_checked, resolved):
    found = resolve(SERVER, ON_SERVER, value, {"server": SERVERS}, is_checked=is_checked)
    assert (found.code if isinstance(found, Failure) else found) == resolved


KNOWN = f"'berlin' ({SERVER_ID}); 'paris' ({OTHER_SERVER_ID.upper()})"
TWIN_NAMES = f"'twin' ({TWINS[0]['id']}); 'twin' ({TWINS[1]['id']})"
MANY = [{"id": SERVER_ID, "name": f"s{number}"} for number in range(30)]
NAMES = [f"'s{number}' ({SERVER_ID})" for number in range(12)]


@pytest.mark.parametrize(
    ("value", "servers", "message"),
    [
        ("rome", SERVERS[:2], f"the server 'rome' does not exist; the servers are: {KNOWN}"),
        ("rome", [], "the server 'rome' does not exist; the servers are: none"),
        ("rome", MANY[:12], f"the server 'rome' does not exist; the servers are: {'; '.join(NAMES)}"),
        ("rome", MANY, f"the server 'rome' does not exist; the servers are: {'; '.join(NAMES)}; ..."),
        ("twin", SERVERS, f"2 servers are named 'twin'; the servers are: {TWIN_NAMES}; {KNOWN}"),
        (
            "twin",
            [*MANY, *TWINS],
            f"2 servers are named 'twin'; the servers are: {TWIN_NAMES}; {'; '.join(NAMES[:10])}; ...",
        ),
    ],
    ids=["unknown", "no servers", "unknown of 12", "unknown of 30", "two", "two of 32"],
)
def test_an_unresolved_reference_names_the_first_candidates(value, servers, message):
    failure = resolve(SERVER, ON_SERVER, value, {"server": servers})
    assert (failure.message, failure.hint) == (message, "Use one of those names, or the id of a server.")
