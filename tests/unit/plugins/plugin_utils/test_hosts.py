# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from itertools import permutations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.placement import Placed
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.plugin_utils._hosts import host_name, host_variables, unique_host_names

ONE = "11111111-aaaa-4000-8000-000000000001"
TWO = "22222222-bbbb-4000-8000-000000000002"
SAME_START = "11111111-aaaa-4000-8000-000000000009"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("client-erp.example", "client-erp.example"),
        ("Client ERP (Ltd)", "Client_ERP_Ltd"),
        ("Müller & Söhne", "Müller_Söhne"),
        ("顧客", "顧客"),
        ("!a:b,c[1]", "a_b_c_1"),
        ("~&-lead", "lead"),
        ("trail.-_", "trail"),
        ("../../etc/passwd", "etc_passwd"),
        ("{{ lookup('pipe', 'id') }}", "lookup_pipe_id"),
        ("two\nlines\t'\"`$", "two_lines"),
        ("[1,2]", "1_2"),
        (True, "True"),
        (17.0, "17.0"),
        ("", ONE),
        ("  ", ONE),
        ("***", ONE),
        ("._-", ONE),
        (None, ONE),
    ],
)
def test_host_name(name, expected):
    assert host_name(name, fallback=ONE) == expected


@pytest.mark.parametrize(
    ("names", "taken", "expected"),
    [
        pytest.param({}, {}, {}, id="none"),
        pytest.param({ONE: "Shop", TWO: "Blog"}, {}, {ONE: "Shop", TWO: "Blog"}, id="different"),
        pytest.param({ONE: "Shop", TWO: "shop"}, {}, {ONE: "Shop", TWO: "shop"}, id="case differs"),
        pytest.param({ONE: "Shop", TWO: "Shop"}, {}, {ONE: "Shop-11111111", TWO: "Shop-22222222"}, id="same"),
        pytest.param(
            {ONE: "all", TWO: "Blog"}, {"all": "a group"}, {ONE: "all-11111111", TWO: "Blog"}, id="taken by a group"
        ),
        pytest.param({ONE: "Shop"}, {"Shop": ONE}, {ONE: "Shop"}, id="taken by itself"),
        pytest.param(
            {ONE: "Shop"},
            {"Shop": TWO, "Shop-11111111": TWO},
            {ONE: f"Shop-11111111-{ONE}"},
            id="taken with the start of the id too",
        ),
        pytest.param(
            {ONE: "Shop", TWO: "Shop-11111111", SAME_START: "Shop"},
            {},
            {
                ONE: f"Shop-11111111-{ONE}",
                TWO: f"Shop-11111111-{TWO}",
                SAME_START: f"Shop-11111111-{SAME_START}",
            },
            id="same start of the id",
        ),
    ],
)
def test_host_names_are_unique_in_any_order(names, taken, expected):
    """`taken`: the owner of each name that is in use."""

    def is_taken(name, project_id):
        return taken.get(name, project_id) != project_id

    for order in permutations(names.items()):
        assert unique_host_names(dict(order), is_taken) == expected


def test_what_an_older_api_leaves_out_is_null():
    project, environment = {"id": ONE, "name": "Shop"}, {"id": TWO, "name": "production", "new-field": 1, "replicas": 2}
    variables = host_variables(Placed(project, {}), [])
    assert variables.items() >= {"oec_id": ONE, "oec_server_name": None, "oec_server_provider": None}.items()
    assert {name for name in variables if name.startswith("oec_environment_")} == {"oec_environment_count"}
    assert {f"oec_{name}" for name in PROJECT.readable} <= variables.keys()
    more = host_variables(Placed(project, {"name": "fsn1", "provider": "hetzner"}, environment), [])
    assert {f"oec_environment_{name}" for name in ENVIRONMENT.readable} <= more.keys()
    assert (more["oec_environment_id"], more["oec_environment_replicas"], more["oec_server_name"]) == (TWO, 2, "fsn1")
    assert [name for name in more if not name.isidentifier()] == []


def test_variables_contain_no_secret():
    url = "https://robot:hunter22@github.com/acme/shop"
    project = {"id": ONE, "name": "key-of-40-characters was pasted", "git_repo_url": url}
    variables = host_variables(
        Placed(project, {}, {"id": TWO, "name": "key-of-40-characters"}), ["key-of-40-characters"]
    )
    assert [secret for secret in ("hunter22", "key-of") if secret in str(variables)] == []
