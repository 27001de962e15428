# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A field of a survey may be empty: for every option of every module, that means "omitted". For roles: test_jobs.py."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

from tests.awx.jobs import ROOT, Job
from tests.emulator import Emulator

Run = Callable[..., subprocess.CompletedProcess[str]]
URL = "https://example.com/hook"
PRODUCTION = {"project": "Client ERP", "name": "production"}
ITS = {"project": "Client ERP", "environment": "production"}
# What each of these cannot do without.
GIVEN: dict[str, dict[str, Any]] = {
    "oec_backup": PRODUCTION,
    "oec_backup_info": ITS,
    "oec_deployment": PRODUCTION,
    "oec_environment": PRODUCTION,
    "oec_log_info": ITS,
    "oec_project": {"name": "Client ERP"},
    "oec_task_info": ITS,
    "oec_webhook": {"url": URL},
}
# The estate is a tree, and what it consists of has a name.
ESTATE = {"projects": {"name": "Client ERP"}, "environments": {"name": "production"}}


def without_values(options: dict[str, Any], tree: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [{**without_values(option["suboptions"], tree), **tree[name]}] if name in tree else "{{ empty }}"
        for name, option in options.items()
    }


def test_every_option_of_every_module_may_be_empty(ansible: Run, job: Callable[..., Job], emulator: Emulator) -> None:
    production = emulator.add_environment(emulator.add_project("Client ERP")["id"])
    backup = emulator.add_backup(production["id"])
    emulator.add_webhook(URL, ["deployment.failed"])
    names = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("oec_*.py"))
    documented = json.loads(ansible("ansible-doc", "--json", *(f"oecsh.cloud.{name}" for name in names)).stdout)
    options = {name: documented[f"oecsh.cloud.{name}"]["doc"]["options"] for name in names}
    given = {**GIVEN, "oec_backup_restore": {"backup_id": backup["id"], "confirm": "production"}}
    empty = {name: without_values(options[name], ESTATE if name == "oec_projects" else {}) for name in names}
    tasks = [{f"oecsh.cloud.{name}": {**empty[name], **given.get(name, {})}} for name in names]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "check_mode": True, "tasks": tasks}
    done = job(survey={"empty": ""})
    (done.folder / "project" / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    done.run("play.yml")
    assert done.status == "successful", done.printed
    assert emulator.log.writes == []
