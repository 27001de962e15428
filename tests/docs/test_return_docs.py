# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules, roles and the inventory plugin take and return what their documentation says.

Each module runs in all of its CASES, with and without check mode and diff mode, and each result is compared with the
RETURN of the module: every key is documented, with its type, and is present if and only if its `returned` says so.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import ROOT, UNKNOWN_ID, clean_environment

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("oec_*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())

# How a run ends: well; before there is a plan; with a rejected plan; while the plan is applied.
SUCCESS, FAILURE, REJECTED, PARTIAL = "success", "failure", "rejected plan", "failure while applying"

# Every value of `returned` that the documentation may use, and what it means.
CONDITIONS: dict[str, Callable[[str, bool], bool]] = {
    "always": lambda ended, diff: True,
    "success": lambda ended, diff: ended == SUCCESS,
    "failure": lambda ended, diff: ended != SUCCESS,
    "in diff mode": lambda ended, diff: diff,
    "success, in diff mode": lambda ended, diff: diff and ended == SUCCESS,
    "success, and failure after the first write": lambda ended, diff: ended in (SUCCESS, PARTIAL),
    "success, and failure after the projects were read": lambda ended, diff: ended != FAILURE,
    "in diff mode, also when the plan is rejected": lambda ended, diff: diff and ended != FAILURE,
    "success, and failure after planning": lambda ended, diff: ended in (SUCCESS, PARTIAL),
    "success, and failure after planning, in diff mode": lambda ended, diff: diff and ended in (SUCCESS, PARTIAL),
    "success, and failure after the tasks were read": lambda ended, diff: ended != FAILURE,
}
# What depends on an option, or on the response: such a key is there in some results, and missing in others.
OPTIONAL = {
    "if a webhook is created",
    "if health is set",
    "if log_lines is set",
    "if metrics is set",
    "if the API returns it",
    "once it was read",
}

# Ansible's own: https://docs.ansible.com/projects/ansible/latest/reference_appendices/common_return_values.html
COMMON = {"changed", "failed", "invocation", "msg", "warnings"}

TYPES: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "dict": dict,
    # JSON may have 2 for 2.0.
    "float": (int, float),
    "int": int,
    "list": list,
    "raw": object,
    "str": str,
}


@dataclass(frozen=True)
class ModuleCase:
    """`arrange` prepares the emulator and returns the options; `checked` is how the run ends in check mode."""

    module: str
    what: str
    ended: str
    arrange: Callable[[Emulator], dict[str, Any]]
    checked: str = ""

    def __str__(self) -> str:
        return f"{self.module}: {self.what}"


def erp(emulator: Emulator, **fields: Any) -> dict[str, Any]:
    usual = {"server": "production-fsn1", "odoo_version": "17.0", "git_repo_url": "https://github.com/acme/client-erp"}
    return emulator.add_project("Client ERP", **{**usual, **fields})


def with_fault(
    options: dict[str, Any], kind: str, *where: str, **parameters: Any
) -> Callable[[Emulator], dict[str, Any]]:
    def arrange(emulator: Emulator) -> dict[str, Any]:
        erp(emulator)
        emulator.faults.add(kind, *where, times=None, **parameters)
        return options

    return arrange


def with_erp(**options: Any) -> Callable[[Emulator], dict[str, Any]]:
    def arrange(emulator: Emulator) -> dict[str, Any]:
        erp(emulator)
        return options

    return arrange


def twice(**options: Any) -> Callable[[Emulator], dict[str, Any]]:
    def arrange(emulator: Emulator) -> dict[str, Any]:
        erp(emulator)
        return {**with_erp(**options)(emulator)}

    return arrange


def bare(**options: Any) -> Callable[[Emulator], dict[str, Any]]:
    """With a project that has nothing but its name, and a server without a region."""

    def arrange(emulator: Emulator) -> dict[str, Any]:
        project = emulator.add_project("Client ERP")
        optional = ("odoo_version", "git_repo_url", "default_branch", "server_id")
        emulator.edit(project["id"], **dict.fromkeys(optional))
        state = emulator.dump()
        for server in state["servers"]["acme"]:
            server["region"] = None
        emulator.load(state)
        return options

    return arrange


def running(**options: Any) -> Callable[[Emulator], dict[str, Any]]:
    def arrange(emulator: Emulator) -> dict[str, Any]:
        emulator.set_running(erp(emulator)["id"], 1)
        return options

    return arrange


def keyed(key: str, **options: Any) -> Callable[[Emulator], dict[str, Any]]:
    return lambda emulator: {**with_erp(**options)(emulator), "api_key": getattr(emulator.keys, key)}


def production(*steps: Callable[[Emulator], Any], **options: Any) -> Callable[[Emulator], dict[str, Any]]:
    """With a project that has one environment, with which the steps do more."""

    def arrange(emulator: Emulator) -> dict[str, Any]:
        emulator.add_environment(erp(emulator)["id"], id=PRODUCTION_ID)
        for step in steps:
            step(emulator)
        return options

    return arrange


def blocked(**options: Any) -> Callable[[Emulator], dict[str, Any]]:
    """With an environment that the module takes for deletable, and the API not."""
    return production(edited(status="pending"), configured(pending_blocks_delete=True), **options)


def planned(outcome: str, **plan: Any) -> Callable[[Emulator], Any]:
    return lambda emulator: emulator.plan_task(outcome=outcome, **plan)


def edited(**fields: Any) -> Callable[[Emulator], Any]:
    return lambda emulator: emulator.edit_environment(PRODUCTION_ID, **fields)


def began(kind: str, seconds: float, outcome: str = "completed") -> Callable[[Emulator], Any]:
    """A task that somebody has started so many seconds ago, and that takes a minute."""

    def step(emulator: Emulator) -> None:
        emulator.start_task(PRODUCTION_ID, kind, outcome=outcome, seconds=60)
        emulator.clock.advance(seconds)

    return step


def backed_up(*statuses: str, **fields: Any) -> Callable[[Emulator], Any]:
    """A backup in each status, an hour old and more."""

    def step(emulator: Emulator) -> None:
        for hours, status in enumerate(statuses, 1):
            emulator.add_backup(PRODUCTION_ID, hours * 3600, status, **fields)

    return step


def configured(**settings: Any) -> Callable[[Emulator], Any]:
    return lambda emulator: vars(emulator.settings).update(settings)


def of_backup(*steps: Callable[[Emulator], Any], status: str = "completed", **options: Any) -> Callable[..., Any]:
    """With a backup of the environment, whose id is the option."""

    def arrange(emulator: Emulator) -> dict[str, Any]:
        given = production(backed_up(status), *steps, **options)(emulator)
        return {**given, "backup_id": emulator.backups(PRODUCTION_ID)[0]["id"]}

    return arrange


def hooked(*steps: Callable[[Emulator], Any], **options: Any) -> Callable[[Emulator], dict[str, Any]]:
    """With one webhook of the organization, and one of a project that was sent something."""

    def arrange(emulator: Emulator) -> dict[str, Any]:
        emulator.add_webhook(HOOK["url"], HOOK["events"])
        project_id, more = erp(emulator)["id"], {"description": "CI", "last_triggered_at": SINCE}
        emulator.add_webhook(HOOK["url"], HOOK["events"], project_id, **more)
        for step in steps:
            step(emulator)
        return options

    return arrange


def faulty(kind: str, path: str, **parameters: Any) -> Callable[[Emulator], Any]:
    return lambda emulator: emulator.faults.add(kind, "GET", f"/environments/[^/]+/{path}", times=None, **parameters)


def all_tasks(arrange: Callable[[Emulator], dict[str, Any]]) -> Callable[[Emulator], dict[str, Any]]:
    return lambda emulator: {**arrange(emulator), "task_ids": [task["id"] for task in emulator.tasks()]}


CREATED = {"name": "Bakery", "server": "staging-hel1", "git_repo_url": "https://robot:hunter22@github.com/acme/b"}
UPDATED = {"name": "Client ERP", "default_branch": "release/17.0"}
DELETED = {"name": "Client ERP", "state": "absent"}

PRODUCTION_ID = "e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3"
PRODUCTION = {"project": "Client ERP", "name": "production"}
STAGING = {"project": "Client ERP", "name": "staging"}
PLACE = {"project": "Client ERP", "environment": "production"}
RESTARTED = {**PRODUCTION, "method": "restart"}
NO_BACKUP = {"absent_backup_max_age": "0"}
HEAD = "9be1d04" + "0" * 33
SINCE = "2026-01-01T00:00:00Z"
NOTHING_KNOWN = edited(**dict.fromkeys(("url", "odoo_version", "branch", "last_commit", "server_id", "custom_domain")))
NO_SIZES = edited(**dict.fromkeys(("cpu_cores", "ram_mb", "disk_gb")))
ABOUT = {"environment_id": PRODUCTION_ID, "status": "running"}
NO_FIGURES = {"detail": {"error": "metrics_unavailable", "message": "The server does not respond."}}
NO_PROJECTS = {"data": [], "pagination": {"has_more": False, "next_cursor": None, "total": 0}}
UNPROBED = dict.fromkeys(("url", "container_running", "db_ready", "http_ok", "last_deploy"))

WITH_PRODUCTION: dict[str, Any] = {"name": "Client ERP", "environments": [{"name": "production"}]}
WITH_ENVIRONMENTS: dict[str, Any] = {
    "name": "Client ERP",
    "environments": [{"name": "production", "branch": "release"}, {"name": "staging"}],
}

HOOK: dict[str, Any] = {"url": "https://ci.acme.com/oec", "events": ["deploy.failed"]}
ERP_HOOK = {**HOOK, "project": "Client ERP"}
CONFIRMED = {"confirm": "production"}
NOTHING_MORE = configured(backup_has_task_id=False, backup_has_snapshot=False)
LIMITS = ("max_environments", "max_cpu_cores", "max_ram_mb", "max_disk_gb")
VERIFIED = {
    "is_verified": True,
    "verified_at": SINCE,
    "notes": "x",
    "task_id": UNKNOWN_ID,
    "expires_at": "2999-01-01T00:00:00Z",
}

CASES = [
    ModuleCase("oec_project", "created", SUCCESS, with_erp(**CREATED)),
    ModuleCase("oec_project", "updated", SUCCESS, with_erp(**UPDATED)),
    ModuleCase("oec_project", "unchanged", SUCCESS, with_erp(name="Client ERP")),
    ModuleCase("oec_project", "unchanged, and bare", SUCCESS, bare(name="Client ERP")),
    ModuleCase("oec_project", "deleted", SUCCESS, with_erp(**DELETED)),
    ModuleCase("oec_project", "absent already", SUCCESS, with_erp(name="Nobody", state="absent")),
    ModuleCase("oec_project", "a wrong option", FAILURE, with_erp(name="x" * 256)),
    ModuleCase("oec_project", "a wrong connection", FAILURE, with_erp(**UPDATED, api_url="http://example.com")),
    ModuleCase("oec_project", "a wrong key", FAILURE, keyed("expired", **UPDATED)),
    ModuleCase("oec_project", "no response", FAILURE, with_fault(UPDATED, "cut_before")),
    ModuleCase("oec_project", "an invalid response", FAILURE, with_fault(UPDATED, "replace", "GET", body={"data": 1})),
    ModuleCase("oec_project", "two of the name", REJECTED, twice(**UPDATED)),
    ModuleCase("oec_project", "no such project", REJECTED, with_erp(project_id=UNKNOWN_ID)),
    ModuleCase("oec_project", "no such server", REJECTED, with_erp(name="Bakery", server="nowhere")),
    ModuleCase("oec_project", "another version", REJECTED, with_erp(name="Client ERP", odoo_version="18.0")),
    ModuleCase("oec_project", "a read-only key", PARTIAL, keyed("read_only", **UPDATED), SUCCESS),
    ModuleCase("oec_project", "running environments", REJECTED, running(**DELETED)),
    ModuleCase("oec_project", "a rejected delete", PARTIAL, blocked(**DELETED, **NO_BACKUP), SUCCESS),
    ModuleCase("oec_project", "a field rejected", PARTIAL, with_fault(UPDATED, "echo", "PATCH"), SUCCESS),
    ModuleCase("oec_projects", "all kinds", SUCCESS, with_erp(projects=[CREATED, UPDATED, {**DELETED, "name": "No"}])),
    ModuleCase("oec_projects", "unchanged", SUCCESS, with_erp(projects=[{"name": "Client ERP"}])),
    ModuleCase("oec_projects", "unchanged, and bare", SUCCESS, bare(projects=[{"name": "Client ERP"}])),
    ModuleCase("oec_projects", "deleted", SUCCESS, with_erp(projects=[DELETED])),
    ModuleCase("oec_projects", "pruned", SUCCESS, with_erp(projects=[CREATED], prune=True)),
    ModuleCase("oec_projects", "a wrong item", FAILURE, with_erp(projects=[CREATED, {"name": "x" * 256}])),
    ModuleCase("oec_projects", "nothing to keep", FAILURE, with_erp(projects=[], prune=True)),
    ModuleCase("oec_projects", "a wrong key", FAILURE, keyed("expired", projects=[CREATED])),
    ModuleCase("oec_projects", "no response", FAILURE, with_fault({"projects": [CREATED]}, "cut_before")),
    ModuleCase("oec_projects", "declared twice", REJECTED, with_erp(projects=[CREATED, CREATED])),
    ModuleCase("oec_projects", "too many", REJECTED, with_erp(projects=[CREATED], prune=True, prune_limit=0)),
    ModuleCase("oec_projects", "no such server", REJECTED, with_erp(projects=[UPDATED, {"name": "B", "server": "no"}])),
    ModuleCase("oec_projects", "one fails", REJECTED, running(projects=[CREATED, DELETED])),
    ModuleCase(
        "oec_projects", "one fails later", PARTIAL, blocked(projects=[CREATED, {**DELETED, **NO_BACKUP}]), SUCCESS
    ),
    ModuleCase("oec_projects", "environments", SUCCESS, production(projects=[WITH_ENVIRONMENTS])),
    ModuleCase("oec_projects", "environments, unchanged", SUCCESS, production(projects=[WITH_PRODUCTION])),
    ModuleCase(
        "oec_projects",
        "an environment fails",
        PARTIAL,
        production(planned("failed", error="No space."), projects=[WITH_ENVIRONMENTS]),
        SUCCESS,
    ),
    ModuleCase(
        "oec_projects",
        "a wrong environment",
        REJECTED,
        production(
            projects=[{**WITH_ENVIRONMENTS, "environments": [{"name": "production", "server": "production-nyc1"}]}]
        ),
    ),
    ModuleCase(
        "oec_projects",
        "each fails",
        PARTIAL,
        with_fault({"projects": [CREATED]}, "status", "POST", status=402),
        SUCCESS,
    ),
    ModuleCase("oec_project_info", "all", SUCCESS, with_erp()),
    ModuleCase("oec_project_info", "bare", SUCCESS, bare()),
    ModuleCase("oec_project_info", "none", SUCCESS, with_erp(name="Nobody")),
    ModuleCase("oec_project_info", "by version", SUCCESS, with_erp(odoo_version="17.0", server="production-fsn1")),
    ModuleCase("oec_project_info", "a wrong option", FAILURE, with_erp(project_id="17")),
    ModuleCase("oec_project_info", "a wrong key", FAILURE, keyed("expired")),
    ModuleCase("oec_project_info", "no response", FAILURE, with_fault({}, "cut_before")),
    ModuleCase("oec_server_info", "all", SUCCESS, with_erp()),
    ModuleCase("oec_server_info", "bare", SUCCESS, bare()),
    ModuleCase("oec_server_info", "none", SUCCESS, with_erp(provider="nobody")),
    ModuleCase("oec_server_info", "measured", SUCCESS, with_erp(metrics=True)),
    ModuleCase(
        "oec_server_info",
        "without figures",
        SUCCESS,
        with_fault({"metrics": True}, "status", "GET", "/servers/.+", status=404, body=NO_FIGURES),
    ),
    ModuleCase("oec_server_info", "a wrong option", FAILURE, with_erp(server_id="17")),
    ModuleCase("oec_server_info", "a wrong key", FAILURE, keyed("expired")),
    ModuleCase("oec_server_info", "no response", FAILURE, with_fault({}, "cut_before")),
    ModuleCase("oec_environment", "created", SUCCESS, production(**STAGING, cpu_cores=2, environment_type="staging")),
    ModuleCase("oec_environment", "created, without waiting", SUCCESS, production(**STAGING, wait=False)),
    ModuleCase("oec_environment", "created in a bare project", SUCCESS, bare(**STAGING)),
    ModuleCase("oec_environment", "updated", SUCCESS, production(**PRODUCTION, branch="hotfix", ram_mb=4096)),
    ModuleCase("oec_environment", "unchanged", SUCCESS, production(edited(custom_domain="erp.acme.com"), **PRODUCTION)),
    ModuleCase("oec_environment", "unchanged, and bare", SUCCESS, production(NOTHING_KNOWN, NO_SIZES, **PRODUCTION)),
    ModuleCase("oec_environment", "stopped", SUCCESS, production(**PRODUCTION, state="stopped")),
    ModuleCase("oec_environment", "started by somebody", SUCCESS, production(began("deploy", 3), **PRODUCTION)),
    ModuleCase("oec_environment", "deleted", SUCCESS, production(state="absent", **PRODUCTION, **NO_BACKUP)),
    ModuleCase("oec_environment", "absent already", SUCCESS, production(state="absent", **STAGING)),
    ModuleCase("oec_environment", "a wrong option", FAILURE, production(**PRODUCTION, cpu_cores=64)),
    ModuleCase("oec_environment", "a wrong key", FAILURE, keyed("expired", **PRODUCTION)),
    ModuleCase("oec_environment", "no fresh backup", REJECTED, production(**PRODUCTION, state="absent")),
    ModuleCase("oec_environment", "no such project", REJECTED, production(project="Nobody", name="production")),
    ModuleCase("oec_environment", "another server", REJECTED, production(**PRODUCTION, server="staging-hel1")),
    ModuleCase("oec_environment", "fails", PARTIAL, production(planned("failed"), **STAGING), SUCCESS),
    ModuleCase("oec_environment", "hangs", PARTIAL, production(planned("hangs"), **STAGING, wait_timeout=60), SUCCESS),
    ModuleCase(
        "oec_environment",
        "never starts",
        PARTIAL,
        production(planned("never_started"), **PRODUCTION, state="stopped"),
        SUCCESS,
    ),
    ModuleCase("oec_environment_info", "all", SUCCESS, production(edited(custom_domain="erp.acme.com"))),
    ModuleCase("oec_environment_info", "bare", SUCCESS, production(NOTHING_KNOWN, NO_SIZES)),
    ModuleCase("oec_environment_info", "none", SUCCESS, production(status="stopped")),
    ModuleCase("oec_environment_info", "measured", SUCCESS, production(began("deploy", 90), health=True, metrics=True)),
    ModuleCase(
        "oec_environment_info",
        "without health or metrics",
        SUCCESS,
        production(
            faulty("replace", "status", body={**ABOUT, **UNPROBED}),
            faulty("status", "metrics", status=404, body=NO_FIGURES),
            health=True,
            metrics=True,
        ),
    ),
    ModuleCase(
        "oec_environment_info", "deleted", SUCCESS, production(faulty("status", "status", status=404), health=True)
    ),
    ModuleCase(
        "oec_environment_info",
        "without figures",
        SUCCESS,
        production(
            faulty(
                "replace", "metrics", body={**ABOUT, "queried_at": SINCE, "odoo": None, "postgres": None, "disk": None}
            ),
            metrics=True,
        ),
    ),
    ModuleCase(
        "oec_environment_info",
        "in a project that is gone",
        SUCCESS,
        production(
            lambda emulator: emulator.faults.add("replace", "GET", "/projects", body=NO_PROJECTS),
            environment_id=PRODUCTION_ID,
        ),
    ),
    ModuleCase("oec_environment_info", "a wrong option", FAILURE, production(environment_id="17")),
    ModuleCase("oec_environment_info", "a wrong key", FAILURE, keyed("expired")),
    ModuleCase("oec_deployment", "deployed", SUCCESS, production(**PRODUCTION, branch="hotfix")),
    ModuleCase(
        "oec_deployment",
        "deployed to a commit",
        SUCCESS,
        production(lambda emulator: emulator.push("main", HEAD), **PRODUCTION, commit=HEAD),
    ),
    ModuleCase("oec_deployment", "many", SUCCESS, production(environments=[PRODUCTION])),
    ModuleCase("oec_deployment", "for the first time", SUCCESS, production(edited(last_commit=None), **PRODUCTION)),
    ModuleCase("oec_deployment", "restarted without a commit", SUCCESS, production(NOTHING_KNOWN, **RESTARTED)),
    ModuleCase("oec_deployment", "without waiting", SUCCESS, production(**PRODUCTION, wait=False)),
    ModuleCase("oec_deployment", "adopted", SUCCESS, production(began("deploy", 3), **PRODUCTION, since=SINCE)),
    ModuleCase("oec_deployment", "not needed", SUCCESS, production(began("deploy", 90), **PRODUCTION, since=SINCE)),
    ModuleCase("oec_deployment", "a wrong option", FAILURE, production(**PRODUCTION, parallel=0)),
    ModuleCase("oec_deployment", "no such environment", FAILURE, production(**STAGING)),
    ModuleCase("oec_deployment", "a wrong key", FAILURE, keyed("expired", **PRODUCTION)),
    ModuleCase("oec_deployment", "paused", PARTIAL, production(edited(status="paused"), **PRODUCTION)),
    ModuleCase("oec_deployment", "fails", PARTIAL, production(planned("failed"), **PRODUCTION), SUCCESS),
    ModuleCase(
        "oec_deployment",
        "one hangs, one is skipped",
        PARTIAL,
        production(
            lambda emulator: emulator.add_environment(emulator.projects()[0]["id"], "staging"),
            planned("hangs"),
            environments=[PRODUCTION, STAGING],
            wait_timeout=60,
            stop_after=1,
            parallel=1,
        ),
        SUCCESS,
    ),
    ModuleCase("oec_task_info", "completed", SUCCESS, all_tasks(production(began("stop", 90), wait=True))),
    ModuleCase("oec_task_info", "queued", SUCCESS, all_tasks(production(began("deploy", 1)))),
    ModuleCase("oec_task_info", "of an environment", SUCCESS, production(began("deploy", 90), **PLACE, log_lines=5)),
    ModuleCase("oec_task_info", "a wrong option", FAILURE, production(task_ids=["17"])),
    ModuleCase("oec_task_info", "no such task", FAILURE, production(task_ids=[UNKNOWN_ID])),
    ModuleCase("oec_task_info", "a wrong key", FAILURE, keyed("expired", **PLACE)),
    ModuleCase("oec_task_info", "fails", PARTIAL, all_tasks(production(began("deploy", 3, "failed"), wait=True))),
    ModuleCase(
        "oec_task_info",
        "several have not completed",
        PARTIAL,
        all_tasks(
            production(
                began("deploy", 90, "failed"), began("stop", 3, "hangs"), wait=True, wait_timeout=60, log_lines=5
            )
        ),
    ),
    ModuleCase("oec_log_info", "of a task", SUCCESS, production(began("deploy", 90), **PLACE, lines=5)),
    ModuleCase("oec_log_info", "of Odoo", SUCCESS, production(**PLACE, source="odoo")),
    ModuleCase("oec_log_info", "little", SUCCESS, production(faulty("replace", "logs", body={"log": "x"}), **PLACE)),
    ModuleCase("oec_log_info", "a wrong option", FAILURE, production(**PLACE, lines=0)),
    ModuleCase("oec_log_info", "stopped", FAILURE, production(edited(status="stopped"), **PLACE, source="odoo")),
    ModuleCase("oec_log_info", "a wrong key", FAILURE, keyed("expired", **PLACE)),
    ModuleCase("oec_backup", "taken", SUCCESS, production(backed_up("completed"), **PRODUCTION, notes="x")),
    ModuleCase(
        "oec_backup", "many", SUCCESS, production(NOTHING_MORE, environments=[PRODUCTION], retention_type="permanent")
    ),
    ModuleCase("oec_backup", "without waiting", SUCCESS, production(**PRODUCTION, wait=False)),
    ModuleCase("oec_backup", "adopted", SUCCESS, production(began("backup", 3), **PRODUCTION)),
    ModuleCase(
        "oec_backup", "not needed", SUCCESS, production(backed_up("completed", **VERIFIED), **PRODUCTION, max_age="7d")
    ),
    ModuleCase("oec_backup", "a wrong option", FAILURE, production(**PRODUCTION, min_size_ratio=2)),
    ModuleCase("oec_backup", "no such environment", FAILURE, production(**STAGING)),
    ModuleCase("oec_backup", "a wrong key", FAILURE, keyed("expired", **PRODUCTION)),
    ModuleCase("oec_backup", "no storage", PARTIAL, production(configured(has_storage=False), **PRODUCTION), SUCCESS),
    ModuleCase("oec_backup", "fails", PARTIAL, production(planned("failed", type="backup"), **PRODUCTION), SUCCESS),
    ModuleCase(
        "oec_backup_info",
        "all",
        SUCCESS,
        production(backed_up("completed", **VERIFIED), backed_up("pending", "failed"), **PLACE),
    ),
    ModuleCase("oec_backup_info", "none", SUCCESS, production(**PLACE)),
    ModuleCase("oec_backup_info", "one", SUCCESS, of_backup(NOTHING_MORE)),
    ModuleCase("oec_backup_info", "a wrong option", FAILURE, production(**PLACE, newer_than="soon")),
    ModuleCase("oec_backup_info", "a wrong key", FAILURE, keyed("expired", **PLACE)),
    ModuleCase("oec_backup_restore", "restored", SUCCESS, of_backup(edited(custom_domain="erp.acme.com"), **CONFIRMED)),
    ModuleCase("oec_backup_restore", "without waiting", SUCCESS, of_backup(**CONFIRMED, wait=False)),
    ModuleCase("oec_backup_restore", "of a bare environment", SUCCESS, of_backup(NOTHING_KNOWN, NO_SIZES, **CONFIRMED)),
    ModuleCase("oec_backup_restore", "not confirmed", FAILURE, of_backup(confirm="staging")),
    ModuleCase("oec_backup_restore", "not completed", FAILURE, of_backup(status="failed", **CONFIRMED)),
    ModuleCase("oec_backup_restore", "a wrong option", FAILURE, of_backup(**CONFIRMED, wait_timeout=0)),
    ModuleCase("oec_backup_restore", "a wrong key", FAILURE, keyed("expired", backup_id=UNKNOWN_ID)),
    ModuleCase(
        "oec_backup_restore", "fails", PARTIAL, of_backup(planned("failed", type="restore"), **CONFIRMED), SUCCESS
    ),
    ModuleCase(
        "oec_webhook", "created", SUCCESS, hooked(**{**ERP_HOOK, "url": "https://ci.acme.com/x?token=hunter22"})
    ),
    ModuleCase("oec_webhook", "updated", SUCCESS, hooked(**{**ERP_HOOK, "events": ["monitoring.alert"]})),
    ModuleCase("oec_webhook", "unchanged", SUCCESS, hooked(**HOOK)),
    ModuleCase("oec_webhook", "deleted", SUCCESS, hooked(**HOOK, state="absent")),
    ModuleCase("oec_webhook", "a wrong option", FAILURE, hooked(url="http://ci.acme.com")),
    ModuleCase("oec_webhook", "a wrong key", FAILURE, keyed("expired", **HOOK)),
    ModuleCase("oec_webhook", "no such project", REJECTED, hooked(**{**HOOK, "project": "Nobody"})),
    ModuleCase("oec_webhook_info", "all", SUCCESS, hooked()),
    ModuleCase("oec_webhook_info", "none", SUCCESS, hooked(url="https://ci.acme.com")),
    ModuleCase("oec_webhook_info", "a wrong option", FAILURE, hooked(webhook_id="17")),
    ModuleCase("oec_webhook_info", "a wrong key", FAILURE, keyed("expired")),
    ModuleCase("oec_organization_info", "with limits", SUCCESS, production()),
    ModuleCase("oec_organization_info", "without limits", SUCCESS, production(configured(**dict.fromkeys(LIMITS)))),
    ModuleCase("oec_organization_info", "a wrong key", FAILURE, keyed("expired")),
]


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], dict[str, Any]]:
    """described(type, name): the output of ansible-doc, fragments included."""
    folder = tmp_path_factory.mktemp("documentation")
    (folder / "ansible_collections" / "oecsh").mkdir(parents=True)
    (folder / "ansible_collections" / "oecsh" / "cloud").symlink_to(ROOT, target_is_directory=True)
    environment = clean_environment(ANSIBLE_COLLECTIONS_PATH=str(folder), PYTHONDONTWRITEBYTECODE="1")
    names = {"module": MODULES, "inventory": ["projects"]}
    documentations = {}
    for kind, plugins in names.items():
        command = [sys.executable, "-m", "ansible", "doc", "--type", kind, "--json"]
        command += [f"oecsh.cloud.{name}" for name in plugins]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        documentations[kind] = json.loads(done.stdout)

    def describe(kind: str, name: str) -> dict[str, Any]:
        documentation: dict[str, Any] = documentations[kind][f"oecsh.cloud.{name}"]
        return documentation

    return describe


def sentences(documented: Mapping[str, Any]) -> str:
    text = documented.get("description", "")
    return text if isinstance(text, str) else " ".join(text)


@dataclass
class Judge:
    """Compares the results of one module with its RETURN, and records which keys and nulls occurred."""

    returns: Callable[[str], dict[str, Any]]
    problems: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    nulls: set[str] = field(default_factory=set)
    documented_as_null: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)

    def meant(self, name: str, documented: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the documentation of a value, which may be that of another module: "as M(...) returns it"."""
        found = re.search(r"\bas M\(oecsh\.cloud\.(\w+)\) (?:returns|describes) it", sentences(documented))
        other = self.returns(found[1]).get(name, {}) if found else {}
        if "contains" in other:
            # The conditions of the other module do not hold here: the value is complete wherever it is returned.
            other = {
                **other,
                "contains": {
                    key: {**entry, "returned": entry["returned"] if entry["returned"] in OPTIONAL else "always"}
                    for key, entry in other["contains"].items()
                },
            }
        both = f"{sentences(documented)} {sentences(other)}"
        return {**other, **documented, "description": both}

    def keys(self, place: str, given: Mapping[str, Any], documented: Mapping[str, Any], ended: str, diff: bool) -> None:
        for name in given.keys() - documented.keys():
            self.problems.append(f"{place}{name} is returned, and not documented")
        for name, entry in documented.items():
            condition = entry.get("returned", "")
            if condition in OPTIONAL:
                self.missing |= set() if name in given else {f"{place}{name}"}
            elif condition not in CONDITIONS:
                self.problems.append(f"{place}{name}: 'returned: {condition}' is not a known condition")
            elif CONDITIONS[condition](ended, diff) != (name in given):
                presence = "is returned" if name in given else "is not returned"
                self.problems.append(f"{place}{name} {presence}, and is documented as '{condition}'")
            if name in given:
                self.value(f"{place}{name}", given[name], self.meant(name, entry), ended, diff)

    def value(self, place: str, given: Any, documented: Mapping[str, Any], ended: str, diff: bool) -> None:
        expected_type = documented.get("type", "no type")
        if given is None:
            self.nulls.add(place)
            is_documented = "V(null)" in sentences(documented) or place.endswith(tuple(self.documented_as_null))
            if expected_type != "raw" and not is_documented:
                self.problems.append(f"{place} is null, and the documentation does not say that it may be")
            return
        self.seen.add(place)
        is_bool = isinstance(given, bool) and expected_type in ("int", "float")
        if expected_type not in TYPES or is_bool or not isinstance(given, TYPES[expected_type]):
            self.problems.append(f"{place} is a {type(given).__name__}, and is documented as {expected_type}")
            return
        if isinstance(given, dict) and expected_type != "raw":
            self.inside(f"{place}.", given, documented, ended, diff)
        if isinstance(given, list) and expected_type != "raw":
            for item in given:
                self.value(f"{place}[]", item, {**documented, "type": documented.get("elements")}, ended, diff)

    def inside(
        self, place: str, given: Mapping[str, Any], documented: Mapping[str, Any], ended: str, diff: bool
    ) -> None:
        for sentence in sentences(documented).split(". "):
            # Also in a sentence of its own: "RV(project.id) of a new one is V(null)".
            if "V(null)" in sentence:
                self.documented_as_null |= set(re.findall(r"RV\((?:ignore:)?([\w.\[\]]+)\)", sentence))
        if "contains" in documented:
            self.keys(place, given, documented["contains"], ended, diff)
            return
        sample = documented.get("sample")
        named = set(sample) if isinstance(sample, dict) else set()
        named |= set(re.findall(r"C\((\w+)\)", sentences(documented)))
        for name in given.keys() - named:
            self.problems.append(f"{place}{name} is returned, and neither contains, sample nor description names it")


def expected(returns: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every documented key with its place."""
    for name, entry in returns.items():
        yield f"{place}{name}", entry
        inner = f"{place}{name}{'[]' if entry.get('type') == 'list' else ''}."
        yield from expected(entry.get("contains", {}), inner)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_returns_what_it_documents(
    module: str,
    described: Callable[[str, str], dict[str, Any]],
    emulator: Emulator,
    run_module: Callable[..., dict[str, Any]],
) -> None:
    judge = Judge(lambda name: described("module", name)["return"])
    returns = judge.returns(module)
    cases = [case for case in CASES if case.module == module]
    assert {case.ended for case in cases} >= {SUCCESS, FAILURE}
    for case, check, diff in product(cases, (False, True), (False, True)):
        emulator.reset()
        emulator.clock.freeze()
        result = run_module(module, check=check, diff=diff, **case.arrange(emulator))
        ended = (case.checked or case.ended) if check else case.ended
        assert result.get("failed", False) == (ended != SUCCESS), f"{case}: {result}"
        assert (ended == SUCCESS) or result["msg"]
        judge.keys("", {name: result[name] for name in result.keys() - COMMON}, returns, ended, diff)
    for place, entry in expected(returns):
        if place not in judge.seen and entry.get("type") != "raw":
            judge.problems.append(f"{place} is documented, and was never returned")
        if re.search(r"\bor V\(null\)|V\(null\) (once|if)", sentences(entry)) and place not in judge.nulls:
            judge.problems.append(f"{place} is documented as sometimes null, and never was")
        if entry.get("returned") in OPTIONAL and place not in judge.missing:
            judge.problems.append(f"{place} is documented as '{entry['returned']}', and was always returned")
    assert not judge.problems, "\n".join(sorted(set(judge.problems)))


@pytest.mark.parametrize("module", MODULES)
def test_every_sample_has_the_documented_type(module: str, described: Callable[[str, str], dict[str, Any]]) -> None:
    for place, entry in expected(described("module", module)["return"]):
        assert entry["type"] in TYPES, place
        assert sentences(entry).endswith("."), place
        if "sample" in entry:
            assert isinstance(entry["sample"], TYPES[entry["type"]]), place
        if entry["type"] == "list":
            assert entry.get("elements"), place


class SpecificationError(Exception):
    """Carries the argument specification out of the module's constructor."""


def specification(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    def capture(self: AnsibleModule, *, argument_spec: dict[str, Any], **_: Any) -> None:
        raise SpecificationError(argument_spec)

    monkeypatch.setattr(AnsibleModule, "__init__", capture)
    imported = importlib.import_module(f"ansible_collections.oecsh.cloud.plugins.modules.{module}")
    with pytest.raises(SpecificationError) as captured:
        imported.main()
    argument_spec: dict[str, Any] = captured.value.args[0]
    return argument_spec


def differences(place: str, documented: Mapping[str, Any], specified: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the documentation of options and their specification differ."""
    for name in sorted(documented.keys() ^ specified.keys()):
        where = "documented, and not specified" if name in documented else "specified, and not documented"
        yield f"{place}{name} is {where}"
    for name in sorted(documented.keys() & specified.keys()):
        described_option, option = documented[name], specified[name]
        facts = {
            "type": (described_option.get("type"), option.get("type", "str")),
            "elements": (described_option.get("elements"), option.get("elements")),
            "required": (bool(described_option.get("required")), bool(option.get("required"))),
            "default": (described_option.get("default"), option.get("default")),
            "choices": (described_option.get("choices"), option.get("choices")),
            "aliases": (sorted(described_option.get("aliases", [])), sorted(option.get("aliases", []))),
            "environment": (
                sorted(set(re.findall(r"E\((OECSH_\w+)\)", sentences(described_option)))),
                sorted(option["fallback"][1]) if "fallback" in option else [],
            ),
        }
        for fact, (documented_value, value) in facts.items():
            if documented_value != value:
                yield f"{place}{name}: the documentation says {fact} {documented_value!r}, the specification {value!r}"
        yield from differences(f"{place}{name}.", described_option.get("suboptions", {}), option.get("options", {}))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_documents_its_options(
    module: str, described: Callable[[str, str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = described("module", module)["doc"]["options"]
    assert list(differences("", options, specification(module, monkeypatch))) == []


def test_the_inventory_plugin_shares_the_api_options(
    described: Callable[[str, str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = described("inventory", "projects")["doc"]["options"]
    specified = {
        name: option
        for name, option in specification("oec_server_info", monkeypatch).items()
        if name.startswith("api_") or name in ("ca_path", "validate_certs")
    }
    # The plugin could not tell an empty path from the folder in which Ansible is started, so it takes a text.
    assert (options["ca_path"]["type"], specified["ca_path"]["type"]) == ("str", "path")
    specified["ca_path"] = {**specified["ca_path"], "type": "str"}
    # It could not tell a template from false either.
    specified["validate_certs"] = {**specified["validate_certs"], "type": "raw"}
    shared = {name: options[name] for name in specified}
    for name, option in shared.items():
        variables = [source["name"] for source in option.get("env", [])]
        assert variables == list(specified[name].get("fallback", (None, []))[1]), name
    # The plugin has its own message for a missing key, which says how to set it.
    assert not shared["api_key"].get("required")
    assert list(differences("", shared, {**specified, "api_key": {**specified["api_key"], "required": False}})) == []


def test_the_inventory_plugin_documents_host_variables(
    described: Callable[[str, str], dict[str, Any]], emulator: Emulator, tmp_path: Path
) -> None:
    emulator.add_environment(erp(emulator)["id"])
    (tmp_path / "ansible_collections" / "oecsh").mkdir(parents=True)
    (tmp_path / "ansible_collections" / "oecsh" / "cloud").symlink_to(ROOT, target_is_directory=True)
    connection = {"api_key": emulator.keys.read_only, "api_url": emulator.url}
    given = {"oec_environments", "oec_projects"}
    for kind, host in (("projects", "Client_ERP"), ("environments", "Client_ERP-production")):
        source = tmp_path / f"{kind}.oec.yml"
        options = {"plugin": "oecsh.cloud.projects", "hosts": kind, **connection}
        source.write_text(yaml.safe_dump(options), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "inventory", "-i", str(source), "--host", host],
            env=clean_environment(ANSIBLE_COLLECTIONS_PATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1"),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        given |= {name for name in json.loads(done.stdout) if name.startswith(("oec_", "ansible_"))}
    text = sentences(described("inventory", "projects")["doc"])
    # Of an environment the documentation has examples: its fields are those of the module.
    named = set(re.findall(r"C\(((?:oec|ansible)_\w+)\)", text))
    assert {name for name in given if not name.startswith("oec_environment_")} <= named <= given


def role_file(role: str, path: str) -> Any:
    file = ROOT / "roles" / role / path
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}


def role_options(role: str) -> dict[str, Any]:
    options: dict[str, Any] = role_file(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return options


@pytest.mark.parametrize("role", ROLES)
def test_defaults_of_a_role_are_documented(role: str) -> None:
    """The role drift takes the variables of provision, and the defaults of those from the module."""
    defaults = role_file(role, "defaults/main.yml")
    for name, option in role_options(role).items():
        if name.startswith("provision_") and role != "provision":
            assert option == role_options("provision")[name]
        elif role == "drift":
            assert "default" in option, name
        elif option.get("required"):
            assert name not in defaults
        else:
            # A default that is computed is empty, and described.
            assert defaults.pop(name) == option.get("default", ""), name
            assert "default" in option or "The default is" in sentences(option), name
    assert defaults == {}


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_of_a_role_has_its_variables(role: str) -> None:
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| .+ \|$", text, re.MULTILINE)
    options = role_options(role)
    assert [name for name, _default in rows] == list(options)
    for name, default in rows:
        if options[name].get("required"):
            assert default == "required", name
        elif options[name].get("default", "") != "":
            literal = options[name]["default"]
            assert default.strip("`") == (literal if isinstance(literal, str) else json.dumps(literal)), name


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sets_the_variables_it_documents(role: str) -> None:
    """`<role>_…` set by set_fact or set_stats are the ones that the specification names."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "roles" / role / "tasks").glob("*.yml"))
    facts = set()
    for task in yaml.safe_load(text.replace("\n---\n", "\n")):
        facts |= set(task.get("ansible.builtin.set_fact", {}))
        facts |= set(task.get("ansible.builtin.set_stats", {}).get("data", {}))
    described = sentences(role_file(role, "meta/argument_specs.yml")["argument_specs"]["main"])
    assert {name for name in facts if not name.startswith("__")} == set(re.findall(rf"C\(({role}_\w+)\)", described))


def test_an_undocumented_condition_is_found() -> None:
    judge = Judge(lambda _: {})
    judge.keys("", {}, {"x": {"returned": "sometimes", "type": "str", "description": "X."}}, SUCCESS, False)
    judge.keys("", {"y": 1}, {}, SUCCESS, False)
    judge.keys("", {"z": "1"}, {"z": {"returned": "always", "type": "int", "description": "Z."}}, SUCCESS, False)
    assert judge.problems == [
        "x: 'returned: sometimes' is not a known condition",
        "y is returned, and not documented",
        "z is a str, and is documented as int",
    ]
