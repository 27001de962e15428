# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

LIMITS = {"max_environments": 2, "max_cpu_cores": 8, "max_ram_mb": 4096, "max_disk_gb": 100}


def test_what_is_left_is_the_limit_less_what_runs(run_module, emulator):
    for name, limit in LIMITS.items():
        setattr(emulator.settings, name, limit)
    project = emulator.add_project("Client ERP")
    sizes = {"cpu_cores": 1.5, "ram_mb": 3072, "disk_gb": 40}
    for name, status in {"production": "running", "staging": "running", "old": "stopped"}.items():
        emulator.add_environment(project["id"], name, status, **sizes)
    result = run_module("oec_organization_info", api_key=emulator.keys.read_only, check=True)
    assert (result["changed"], "diff" in result) == (False, False)
    assert result["organization"].items() >= {"name": "Acme", "plan": "pro", **LIMITS}.items()
    assert result["usage"] == {"environments_running": 2, "cpu_used": 3, "ram_mb_used": 6144, "disk_gb_used": 80}
    # A plan may have become smaller than what runs.
    assert result["remaining"] == {"environments": 0, "cpu_cores": 5, "ram_mb": -2048, "disk_gb": 20}
    assert [entry.path for entry in emulator.log.requests()] == ["/org", "/org/usage"]


USED = {"environments_running": 3, "cpu_used": 4.5, "ram_mb_used": 9216, "disk_gb_used": 90}
REMAINING: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "no limits": (dict.fromkeys(LIMITS), USED, {}),
    "no limit and no use of most": ({}, {"cpu_used": 0}, {}),
    "what a computer cannot add": (
        {**dict.fromkeys(LIMITS), "max_cpu_cores": 1},
        {**USED, "cpu_used": 0.9},
        {"cpu_cores": 0.1},
    ),
    "one limit": ({**dict.fromkeys(LIMITS), "max_cpu_cores": 6}, USED, {"cpu_cores": 1.5}),
    "a limit, and nothing says what is used": (LIMITS, {**USED, "ram_mb_used": None}, {"ram_mb": None}),
}


@pytest.mark.parametrize(("limits", "used", "remaining"), REMAINING.values(), ids=REMAINING)
def test_nothing_is_left_of_what_is_unknown(run_module, emulator, limits, used, remaining):
    organization = {"id": "0d9b0000-0000-4000-8000-000000000001", "plan": None, **limits}
    emulator.faults.add("replace", "GET", "/org", body=organization)
    emulator.faults.add("replace", "GET", "/org/usage", body=used)
    result = run_module("oec_organization_info")
    assert (result["organization"], result["usage"]) == (organization, used)
    known = {"environments": -1, "cpu_cores": 3.5, "ram_mb": -5120, "disk_gb": 10} if limits == LIMITS else {}
    unknown = dict.fromkeys(["environments", "cpu_cores", "ram_mb", "disk_gb"])
    assert result["remaining"] == {**unknown, **known, **remaining}


ORGANIZATION = {"id": "0d9b0000-0000-4000-8000-000000000001", **LIMITS}


@pytest.mark.parametrize(
    ("organization", "usage"),
    [({"data": None}, USED), ({**ORGANIZATION, "id": 7}, USED), (ORGANIZATION, {}), (ORGANIZATION, {"data": None})],
)
def test_what_the_api_does_not_describe_is_invalid(run_module, emulator, organization, usage):
    emulator.faults.add("replace", "GET", "/org", body=organization)
    emulator.faults.add("replace", "GET", "/org/usage", body=usage)
    result = run_module("oec_organization_info")
    assert (result["error"]["code"], "organization" in result) == ("invalid_response", False)


FAILURES: dict[str, tuple[dict[str, Any], int, str]] = {
    "an API without it": ({"missing_routes": ["GET /org"]}, 404, "unsupported"),
    "an API without usage": ({"missing_routes": ["GET /org/usage"], "missing_route_status": 405}, 405, "unsupported"),
    "the key of a project": ({"org_rejects_scoped_key": True}, 403, "org_scope_required"),
}


@pytest.mark.parametrize(("switches", "status", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failure_has_its_status_and_code(run_module, emulator, switches, status, code):
    for switch, value in switches.items():
        setattr(emulator.settings, switch, value)
    assert emulator.scoped_project
    result = run_module("oec_organization_info", api_key=emulator.keys.scoped)
    assert (result["error"]["status"], result["error"]["code"]) == (status, code)
    assert "remaining" not in result


def test_the_key_of_a_project_may_be_enough(run_module, emulator):
    assert emulator.scoped_project
    assert run_module("oec_organization_info", api_key=emulator.keys.scoped)["remaining"]["environments"] == 20
