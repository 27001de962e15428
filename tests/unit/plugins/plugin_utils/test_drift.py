# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.plugin_utils._drift import drift_table

TABLE = """\
project     field           current -> desired
Bakery ERP  default_branch  hotfix -> main
Bakery ERP  git_repo_url    None -> https://***@github.com/acme/erp
Tailor ERP  project         absent -> present
Smithy ERP  odoo_version    17.0 -> 18.0 (immutable_field)
Shop                        2 projects have this name.
"""


WITH_ENVIRONMENTS = """\
project     environment  field           current -> desired
Bakery ERP               default_branch  hotfix -> main
Bakery ERP  production   ram_mb          2048 -> 4096
Bakery ERP  staging                      It has two names.
"""


def row(project, field=None, current=None, desired=None, code=None, environment=None):
    about = {"field": field, "current": current, "desired": desired, "code": code}
    return {"project": project, "environment": environment, **about}


SHOP = row("Shop", code="ambiguous_name")


def detail(**fields):
    return {"project": "Shop", "code": "ambiguous_name", "message": "2 projects have this name.", **fields}


def result(*rows, details=None):
    return {"changed": False, "drift": list(rows), "error": {"code": "ambiguous_name", "details": details}}


def test_the_table():
    rows = [
        row("Bakery ERP", "default_branch", "hotfix", "main"),
        row("Bakery ERP", "git_repo_url", None, "https://***@github.com/acme/erp"),
        row("Tailor ERP", "project", "absent", "present"),
        row("Smithy ERP", "odoo_version", "17.0", "18.0", "immutable_field"),
        SHOP,
    ]
    assert drift_table(result(*rows, details=[detail()])) == TABLE.splitlines()


def test_the_table_with_environments():
    rows = [
        row("Bakery ERP", "default_branch", "hotfix", "main"),
        row("Bakery ERP", "ram_mb", 2048, 4096, environment="production"),
        row("Bakery ERP", code="ambiguous_name", environment="staging"),
    ]
    of_others = [detail(project="Bakery ERP"), detail(project="Bakery ERP", environment="production")]
    own = detail(project="Bakery ERP", environment="staging", message="It has two names.")
    assert drift_table(result(*rows, details=[*of_others, own])) == WITH_ENVIRONMENTS.splitlines()


@pytest.mark.parametrize("of_the_result", [{}, {"error": None}, {"error": {"code": "rejected", "details": None}}])
def test_no_drift_is_one_line(of_the_result):
    assert drift_table({"drift": [], **of_the_result}) == ["Nothing differs."]


def test_values_stay_on_one_line():
    _header, line = drift_table({"drift": [row("x", "default_branch", "a\nb", "c\x1b[1m")]})
    assert line.endswith("a b -> c [1m")


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ([detail()], "2 projects have this name."),
        ([detail(project="Blog"), detail()], "2 projects have this name."),
        ([detail(code="similar_name", message="Other."), detail()], "2 projects have this name."),
        ([detail(project=None)], "ambiguous_name"),
        (None, "ambiguous_name"),
        # Those of a failed write are the API's own.
        ({"name": ["is taken"]}, "ambiguous_name"),
        (["is taken"], "ambiguous_name"),
        ([{"message": "is taken"}], "ambiguous_name"),
        ([detail(project={"id": 1})], "ambiguous_name"),
        ("is taken", "ambiguous_name"),
        (42, "ambiguous_name"),
    ],
)
def test_message_of_a_project_that_cannot_be_planned(details, expected):
    _header, line = drift_table(result(SHOP, details=details))
    assert line.split(maxsplit=1)[1] == expected
