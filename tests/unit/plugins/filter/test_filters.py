# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import (
    _backup,
    _drift,
    _estate,
    _provision,
    _report,
    _report_values,
    _variables,
)

PROJECT = {"id": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "name": "Client ERP"}
ENTRY = {
    "name": "Client ERP",
    "project_id": PROJECT["id"],
    "action": "updated",
    "changed": True,
    "project": PROJECT,
    "error": None,
    "environments": [],
}
ENVIRONMENT = {"id": PROJECT["id"], "name": "production", "project_name": "Client ERP"}
REVOKED = {"status": 401, "code": "invalid_key", "message": "No.", "details": None}
SUMMARIES = {"summary": {"failed": 0}, "environment_summary": {"failed": 0}}
PLAN = {"projects": [ENTRY, {**ENTRY, "action": "deleted"}], **SUMMARIES}
DECLARED = [{"name": "Client ERP"}]
BATCH = {"ansible_loop_var": "batch", "batch": {"indexes": [0]}, "projects": [ENTRY], **SUMMARIES}
NEEDS = {"writes": 60, "reads": 1, "deploys": 0}
DRIFT = {
    "project": "Client ERP",
    "environment": None,
    "field": "default_branch",
    "current": "a",
    "desired": "b",
    "code": None,
}

# The function of each filter, input that it accepts, and input that it rejects with words of its message.
FILTERS = {
    "backup_report": (
        _backup.backup_report,
        [[{"error": REVOKED}], [ENVIRONMENT], 0],
        [
            ([None, []], "results of oec_backup are required"),
            ([[], "text"], "results of oec_backup are required"),
            ([[], [], "soon"], "could not convert"),
        ],
    ),
    "csp_hash": (_report_values.csp_hash, ["alert(1)"], [([None], "not a text"), ([1], "not a text")]),
    "drift_table": (
        _drift.drift_table,
        [{"drift": [DRIFT]}],
        [
            ([None], "a result of oec_projects with drift"),
            (["text"], "a result of oec_projects with drift"),
            ([{"msg": "failed"}], "a result of oec_projects with drift"),
            ([{"drift": ["text"]}], "a result of oec_projects with drift"),
            ([{"drift": [DRIFT], "error": "text"}], "a result of oec_projects with drift"),
        ],
    ),
    "estate_file": (
        _estate.estate_file,
        [[PROJECT], []],
        [(["text", []], "projects must be a list"), ([[PROJECT], None], "servers must be a list")],
    ),
    "provision_batches": (
        _provision.provision_batches,
        [PLAN, DECLARED, 5],
        [
            ([None, DECLARED], "plan must be the result"),
            ([PLAN, None], "projects must be the list"),
            ([PLAN, DECLARED, "many"], "whole number of at least 1, not 'many'"),
        ],
    ),
    "provision_deletions": (
        _provision.provision_deletions,
        [PLAN, DECLARED, [BATCH]],
        [([None, DECLARED, []], "plan must be the result"), ([PLAN, DECLARED, "text"], "batches must be the results")],
    ),
    "provision_forecast": (
        _provision.provision_forecast,
        [[NEEDS], []],
        [(["text", []], "string indices"), ([[{}], []], "writes")],
    ),
    "provision_is_over": (
        _provision.provision_is_over,
        [[{**BATCH, "projects": [{**ENTRY, "error": REVOKED}]}]],
        [(["text"], "batches must be the results"), ([[{**BATCH, "projects": [{}]}]], "environments")],
    ),
    "provision_items": (
        _provision.provision_items,
        [PLAN, DECLARED, [0]],
        [([None, DECLARED, [0]], "plan must be the result"), ([PLAN, DECLARED, [7]], "index out of range")],
    ),
    "provision_lines": (
        _provision.provision_lines,
        [{"projects": [], "summary": dict.fromkeys(_provision.ACTIONS, 0)}, False],
        [(["text", False], "string indices"), ([{}, False], "projects")],
    ),
    "provision_result": (
        _provision.provision_result,
        [PLAN, DECLARED, [BATCH], {}],
        [
            ([None, DECLARED, [], {}], "plan must be the result"),
            ([PLAN, DECLARED, [{}], {}], "batches must be the results"),
            ([PLAN, DECLARED, [BATCH], "text"], "pruning must be the result"),
        ],
    ),
    "report_model": (
        _report.report_model,
        [[PROJECT], [], "16.0"],
        [
            (["text", []], "projects is not a list"),
            ([[PROJECT], None], "servers is not a list"),
            ([[], [], "many"], "'many', which is not a version"),
        ],
    ),
    "unknown_variables": (
        _variables.unknown_variables,
        [["web_prot"], ["web_port"], ["web_result"]],
        [
            (["web_prot", []], "input must be a list"),
            ([["web_prot"], None], "known names must be a list"),
            ([["web_prot"], [], [None]], "outputs must be a list"),
        ],
    ),
}


def plugin(name: str) -> Callable[..., Any]:
    module = import_module(f"ansible_collections.oecsh.cloud.plugins.filter.{name}")
    filters = module.FilterModule().filters()
    assert list(filters) == [name]
    return filters[name]


def test_each_filter_is_tested():
    folder = Path(_drift.__file__).parents[1] / "filter"
    assert sorted(path.stem for path in folder.glob("*.py")) == sorted(FILTERS)


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_gives_what_its_function_returns(name):
    function, accepted, _rejected = FILTERS[name]
    result = plugin(name)(*accepted)
    assert result
    assert result == function(*accepted)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [(name, *rejected) for name, (_function, _accepted, rows) in FILTERS.items() for rejected in rows],
)
def test_a_filter_rejects_input_of_the_wrong_type(name, values, words):
    with pytest.raises(AnsibleFilterError, match=words) as raised:
        plugin(name)(*values)
    assert f"{name}: " in str(raised.value)
