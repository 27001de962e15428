# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.oecsh.cloud.plugins.filter.estate_file import FilterModule
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import drop_empty_options
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import plan
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.plugin_utils._estate import estate_file, estate_from
from hypothesis import given, settings
from hypothesis import strategies as st

SERVER_ID = "8e4f2a1c-1234-5678-abcd-ef0123456789"
SERVER = {"id": SERVER_ID, "name": "production-fsn1"}
OTHER_ID = "8e4f2a1c-1234-5678-abcd-ef0123456780"

FILE = """\
# yaml-language-server: $schema=https://raw.githubusercontent.com/oecsh/ansible-collection-cloud/main/docs/schemas/estate.json
---
# The projects on oec.sh, as the role oecsh.cloud.export found them. The role oecsh.cloud.provision makes them so.
# A project that omits a field has the value in provision_defaults, and an environment that in provision_environment_defaults.
# Where *** stands in a URL, the API holds credentials that are not written here; declared like this, they stay as they are.
provision_defaults:
  server: "production-fsn1"
provision_environment_defaults:
  ram_mb: 2048
provision_projects:
  - name: "Client ERP"
    git_repo_url: "https://***@github.com/acme/client-erp"
    default_branch: "main"
    odoo_version: "17.0"
    # environment "old" is left out: it is being destroyed.
    environments:
      - name: "production"
        branch: "main"
        cpu_cores: 1.5
        domain: "erp.bakery.example"
      - name: "staging"
        state: stopped
        server: "staging-hel1"
        branch: "no"
      - # name is left out: it contains NUL or unpaired surrogate characters.
        environment_id: 00000000-0000-0000-0000-000000000013
      - environment_id: 00000000-0000-0000-0000-000000000014
  - name: !unsafe "{{ 7 * 7 }}"
    project_id: 00000000-0000-0000-0000-000000000001
    # git_repo_url is left out: it is not an https URL (https://host/path).
  - name: !unsafe "{{ 7 * 7 }}"
    project_id: 00000000-0000-0000-0000-000000000002
  - # name is left out: it has 256 characters, and the API accepts at most 255.
    project_id: 00000000-0000-0000-0000-000000000003
    # default_branch is left out: it contains NUL or unpaired surrogate characters.
    odoo_version: !unsafe "{% 1 %}"
"""  # noqa: E501


def project(number: int = 0, **fields: Any) -> dict[str, Any]:
    values = {**dict.fromkeys(PROJECT.readable), "name": "Client ERP", "environment_count": 3}
    return {**values, **fields, "id": f"00000000-0000-0000-0000-{number:012}"}


def environment(number: int = 10, of: int = 0, **fields: Any) -> dict[str, Any]:
    values = {**dict.fromkeys(ENVIRONMENT.readable), "name": "production", "status": "running"}
    return {**values, **fields, "id": f"00000000-0000-0000-0000-{number:012}", "project_id": project(of)["id"]}


def exported(*projects: dict[str, Any], servers: Any = None) -> list[dict[str, str]]:
    return estate_from(list(projects), [SERVER] if servers is None else servers)["provision_projects"]


def test_the_file():
    url = "https://***@github.com/acme/client-erp"
    projects = [
        project(0, server_id=SERVER_ID, git_repo_url=url, default_branch="main", odoo_version="17.0"),
        project(1, server_id=SERVER_ID, name="{{ 7 * 7 }}", git_repo_url="git@github.com:acme/x.git"),
        project(2, server_id=SERVER_ID, name="{{ 7 * 7 }}"),
        project(3, server_id=SERVER_ID, name="x" * 256, default_branch="a\0b", odoo_version="{% 1 %}"),
    ]
    place = {"server_id": SERVER_ID, "ram_mb": 2048}
    environments = [
        environment(10, **place, branch="main", cpu_cores=1.5, custom_domain="erp.bakery.example"),
        environment(11, **{**place, "server_id": OTHER_ID}, name="staging", status="Stopped", branch="no"),
        environment(12, **place, name="old", status="destroying"),
        environment(13, **place, name="a\0b"),
        environment(14, **place, name=None),
        environment(15, of=9, name="of a project that is not exported"),
    ]
    assert estate_file(projects, [SERVER, {"id": OTHER_ID, "name": "staging-hel1"}], environments) == FILE
    empty = "provision_defaults: {}\nprovision_environment_defaults: {}\nprovision_projects: []\n"
    assert estate_file([], []).endswith(f"as they are.\n{empty}")


@pytest.mark.parametrize(
    ("name", "is_identified"),
    [
        ("Client ERP", True),
        (" Client ERP", True),
        ("client erp", True),
        ("x" * 255, True),
        ("x" * 256, False),
        ("shared", False),
        ("", False),
        (" \t", False),
        ("a\0b", False),
        ("a\ud800b", False),
    ],
)
def test_project_id_where_the_name_identifies_none(name, is_identified):
    item = exported(project(1, name=name), project(2, name="shared"))[0]
    assert ("project_id" not in item) == is_identified


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ([SERVER], "production-fsn1"),
        ([SERVER, {**SERVER, "id": OTHER_ID}], SERVER_ID),
        ([], SERVER_ID),
        ([{"id": SERVER_ID, "name": ""}], SERVER_ID),
        ([{"id": SERVER_ID, "name": " "}], SERVER_ID),
        ([{"id": SERVER_ID, "name": OTHER_ID}], SERVER_ID),
        ([{"id": SERVER_ID, "name": "a\ud800b"}], SERVER_ID),
    ],
)
def test_server_is_named_where_the_name_is_unique(servers, expected):
    assert exported(project(server_id=SERVER_ID), servers=servers)[0]["server"] == expected


@pytest.mark.parametrize(
    ("branches", "default", "own"),
    [
        (["main", "dev", "dev"], "dev", ["main", None, None]),
        (["main", "dev", "dev", "main"], "main", [None, "dev", "dev", None]),
        (["main", "dev"], None, ["main", "dev"]),
        (["main"], None, ["main"]),
        # A project without a value of its own would get the default.
        (["main", "main", None], None, ["main", "main", None]),
        (["main", "main", " "], None, ["main", "main", " "]),
        (["main", "main", "x" * 256], None, ["main", "main", None]),
    ],
)
def test_the_most_frequent_value_is_the_default(branches, default, own):
    estate = estate_from([project(number, default_branch=branch) for number, branch in enumerate(branches)], [])
    assert estate["provision_defaults"].get("default_branch") == default
    assert [item.get("default_branch") for item in estate["provision_projects"]] == own


def test_environments_have_defaults_of_their_own():
    values = {"branch": "dev", "cpu_cores": 2, "ram_mb": 4096, "disk_gb": 20}
    estate = estate_from([project()], [], [environment(number, **values, name=f"e{number}") for number in (10, 11)])
    assert estate["provision_environment_defaults"] == values
    assert estate["provision_projects"][0]["environments"] == [{"name": "e10"}, {"name": "e11"}]


@pytest.mark.parametrize(
    ("field", "value", "is_exported"),
    [
        ("git_repo_url", "https://github.com/acme/x", True),
        ("git_repo_url", "https://***@github.com:8443/acme/x", True),
        ("git_repo_url", "https://a:b/c", False),
        ("git_repo_url", "https://host:99999/x", False),
        ("git_repo_url", "http://github.com/acme/x", False),
        ("git_repo_url", "https://github.com/a b", False),
        ("git_repo_url", "git@github.com:acme/x.git", False),
        ("default_branch", "x" * 255, True),
        ("default_branch", "x" * 256, False),
        ("default_branch", "a\0b", False),
        ("odoo_version", "a\ud800b", False),
        ("odoo_version", " 17.0", False),
        ("odoo_version", "", False),
        ("odoo_version", None, False),
    ],
)
def test_what_the_module_rejects_is_left_out(field, value, is_exported):
    assert exported(project(**{field: value}))[0] == {"name": "Client ERP", **({field: value} if is_exported else {})}


HOSTILE = st.sampled_from(["", " ", "007", "17.0", "yes", "~", "<<", "{{ x }}", "{% x", "!unsafe", "*a", "- b", "é: #"])
# The categories include unpaired surrogates (Cs) and control characters (Cc).
TEXTS = HOSTILE | st.text(st.characters(categories=["L", "N", "P", "S", "Z", "C"]) | st.sampled_from("{}\"'\\\0\n"))
URLS = st.none() | TEXTS | st.builds("https://{}@{}/{}".format, TEXTS, st.sampled_from(["host", "a:b", "a:1"]), TEXTS)
NAMES = st.just("x" * 256) | TEXTS
# Few, so that several projects share one.
COMMON = st.sampled_from(["main", "17.0", "dev", "{{ x }}"])
PROJECTS = st.lists(
    st.builds(
        dict,
        name=NAMES,
        server_id=st.sampled_from([SERVER_ID, OTHER_ID, None]),
        git_repo_url=URLS,
        default_branch=COMMON | st.none() | NAMES,
        odoo_version=COMMON | st.none() | TEXTS,
    ),
    max_size=4,
)
SERVERS = st.tuples(TEXTS, TEXTS).map(
    lambda names: [{"id": ident, "name": name} for ident, name in zip((SERVER_ID, OTHER_ID), names, strict=True)]
)


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(PROJECTS, SERVERS)
def test_provisioning_the_file_changes_nothing(fields, servers):
    """Ansible reads exactly what was declared, and the module has nothing to reject or to change."""
    existing = [project(number, **each) for number, each in enumerate(fields)]
    projects = PROJECT.redaction(existing)
    estate = DataLoader().load(estate_file(projects, servers))
    assert estate == estate_from(projects, servers)
    defaults = estate["provision_defaults"]
    desired = [
        Desired.parse(PROJECT, {**defaults, **item}) for item in drop_empty_options(estate["provision_projects"])
    ]
    planned = plan(PROJECT, desired, existing, {"server": servers}, prune=True)
    assert planned.problems == []
    assert [action.changed for action in planned.actions] == [False] * len(existing)


ENVIRONMENTS = st.lists(
    st.builds(
        dict,
        name=st.none() | COMMON | NAMES,
        status=st.sampled_from(["running", "stopped", "failed"]),
        server_id=st.sampled_from([SERVER_ID, OTHER_ID, None]),
        branch=COMMON | st.none() | NAMES,
        custom_domain=st.none() | TEXTS | st.sampled_from(["erp.example", "ERP.Example"]),
        cpu_cores=st.sampled_from([None, 1, 1.5, 64]),
        ram_mb=st.sampled_from([None, 2048, 1]),
    ),
    max_size=4,
)


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(ENVIRONMENTS, SERVERS)
def test_environments_of_the_file_change_nothing(fields, servers):
    owner = project(0, server_id=SERVER_ID)
    existing = [environment(number, **each) for number, each in enumerate(fields, 10)]
    estate = DataLoader().load(estate_file([owner], servers, existing))
    assert estate == estate_from([owner], servers, existing)
    items = drop_empty_options(estate["provision_projects"][0].get("environments", []))
    desired = [
        Desired.parse(ENVIRONMENT, {"project": owner["id"], **estate["provision_environment_defaults"], **each})
        for each in items
    ]
    named = [{**each, "name": each["name"] or ""} for each in existing]
    planned = plan(ENVIRONMENT, desired, named, {"server": servers, "project": [owner]})
    assert [(action.changed, action.rejection) for action in planned.actions] == [(False, None)] * len(existing)


@pytest.mark.parametrize(
    ("wrong", "value"),
    [
        ("projects", ""),
        ("projects", {"projects": []}),
        ("projects", [None]),
        ("projects", [{"name": "without id"}]),
        ("projects", [{"id": SERVER_ID, "name": None}]),
        ("projects", [project(odoo_version=17.0)]),
        ("servers", None),
        ("servers", ["production-fsn1"]),
        ("environments", "production"),
        ("environments", [{"name": "without id"}]),
        ("environments", [environment(branch=17.0)]),
    ],
)
def test_the_filter_rejects_other_types(wrong, value):
    values = {"projects": [], "servers": [], wrong: value}
    message = f"^estate_file: {wrong} must be a list of dictionaries with id and name"
    with pytest.raises(AnsibleFilterError, match=message):
        FilterModule().filters()["estate_file"](**values)
