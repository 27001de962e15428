# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import (
    OTHER_SERVER_ID,
    PRIVATE_REPO,
    REDACTED_REPO,
    REPO,
    SERVER_ID,
    UNKNOWN_ID,
)

CLIENT = "00000000-0000-4000-8000-00000000000a"
PRIVATE = "00000000-0000-4000-8000-00000000000b"
EMPTY = "00000000-0000-4000-8000-00000000000c"
TWIN = "00000000-0000-4000-8000-00000000000d"
OTHER_TWIN = "00000000-0000-4000-8000-00000000000e"
EXISTING = [
    {"id": CLIENT, "name": "Client ERP", "git_repo_url": REPO, "odoo_version": "17.0", "environment_count": 3},
    {"id": PRIVATE, "name": "Private ERP", "git_repo_url": PRIVATE_REPO, "default_branch": "release/17.0"},
    {"id": EMPTY, "name": "Empty ERP", "default_branch": None, "server_id": None},
    {"id": TWIN, "name": "Twin ERP"},
    {"id": OTHER_TWIN, "name": "Twin ERP", "default_branch": "dev"},
]
NEW = {"name": "New ERP", "server": "production-nyc1"}
UNCHANGED = {
    "name": "Client ERP",
    "server": "production-fsn1",
    "git_repo_url": REPO,
    "default_branch": "main",
    "odoo_version": "17.0",
}
KEPT = [{"project_id": project["id"]} for project in EXISTING]

ONE = {
    "create": NEW,
    "create on a server by id": {**NEW, "server": OTHER_SERVER_ID},
    "create on a server by id in upper case": {**NEW, "server": OTHER_SERVER_ID.upper()},
    "create with a repository": {**NEW, "git_repo_url": REPO},
    "create with a private repository": {**NEW, "git_repo_url": PRIVATE_REPO},
    "create with a branch": {**NEW, "default_branch": "dev"},
    "create with a version": {**NEW, "odoo_version": "18.0"},
    "create with an idempotency key": {**NEW, "idempotency_key": "ticket 4711"},
    "create with everything": {**NEW, "git_repo_url": REPO, "default_branch": "dev", "odoo_version": "18.0"},
    "create with empty options": {**NEW, **dict.fromkeys(["git_repo_url", "default_branch", "project_id"], "")},
    "create with a name of many letters": {**NEW, "name": "Bäckerei 🥖\n{{ x }}"},
    "create with the longest name": {**NEW, "name": "🥖" * 255},
    "create with a name of control characters": {**NEW, "name": "\x1b[31mred\x07"},
    "rename": {"project_id": CLIENT, "name": "Client ERP (Ltd)"},
    "rename by an id in upper case": {"project_id": CLIENT.upper(), "name": "Client ERP (Ltd)"},
    "rename one of two": {"project_id": TWIN, "name": "Single ERP"},
    "rename by the previous name": {"name": "Client ERP (Ltd)", "previous_name": "Client ERP"},
    "keep a previous name": {**UNCHANGED, "previous_name": "Client"},
    "create with a previous name": {**NEW, "previous_name": "Old ERP"},
    "create with a similar name": {**NEW, "name": "CLIENT ERP", "allow_similar_name": True},
    "create with an unusual version": {**NEW, "odoo_version": "17"},
    "change the repository": {"name": "Client ERP", "git_repo_url": REPO + "2"},
    "change to a private repository": {"name": "Client ERP", "git_repo_url": PRIVATE_REPO},
    "change from a private repository": {"name": "Private ERP", "git_repo_url": REPO},
    "change the branch": {"name": "Client ERP", "default_branch": "dev"},
    "change the branch of a private repository": {
        "name": "Private ERP",
        "git_repo_url": REDACTED_REPO,
        "default_branch": "dev",
    },
    "change all": {"project_id": CLIENT, "name": "C", "git_repo_url": REPO + "2", "default_branch": "dev"},
    "fill in": {"name": "Empty ERP", "git_repo_url": REPO, "default_branch": "main"},
    "delete by name": {"name": "Client ERP", "state": "absent", "absent_backup_max_age": "0"},
    "rejected: delete without a backup": {"name": "Client ERP", "state": "absent"},
    "delete by id": {"project_id": TWIN, "state": "absent"},
    "absent already": {"name": "Gone ERP", "state": "absent"},
    "absent already, by id": {"project_id": UNKNOWN_ID, "state": "absent"},
    "unchanged": UNCHANGED,
    "unchanged, by id": {**UNCHANGED, "project_id": CLIENT},
    "unchanged, with the server's id in upper case": {**UNCHANGED, "server": SERVER_ID.upper()},
    "unchanged, only named": {"name": "Empty ERP"},
    "unchanged, as it is returned": {"name": "Private ERP", "git_repo_url": REDACTED_REPO},
    "rejected: two of the name": {"name": "Twin ERP"},
    "rejected: no server": {"name": "New ERP"},
    "rejected: an unknown server": {**NEW, "server": "atlantis"},
    "rejected: another version": {**UNCHANGED, "odoo_version": "18.0", "default_branch": "dev"},
    "rejected: another server": {**UNCHANGED, "server": OTHER_SERVER_ID},
    "rejected: unknown id": {"project_id": UNKNOWN_ID},
    "rejected: redacted credentials": {**NEW, "git_repo_url": REDACTED_REPO},
    "rejected: a similar name": {**NEW, "name": " Client ERP"},
    "rejected: a taken name": {"project_id": CLIENT, "name": "Private ERP"},
    "rejected: another name to delete": {"project_id": CLIENT, "name": "Client", "state": "absent"},
    "rejected: two of the previous name": {**NEW, "previous_name": "Twin ERP"},
    "rejected: not https": {**NEW, "git_repo_url": "http://github.com/acme/x"},
}
MANY = {
    "nothing": {"projects": []},
    "all unchanged": {"projects": KEPT},
    "all unchanged, and pruned": {"projects": KEPT, "prune": True, "prune_limit": 0},
    "some of everything": {
        "projects": [
            {"project_id": CLIENT, "name": "Client ERP (Ltd)", "default_branch": "dev"},
            NEW,
            {"name": "Private ERP", "git_repo_url": REDACTED_REPO},
            {"name": "Empty ERP", "state": "absent"},
            {"name": "Gone ERP", "state": "absent"},
            {**NEW, "name": "Newer ERP", "git_repo_url": PRIVATE_REPO},
        ]
    },
    "some of everything, and pruned": {
        "projects": [NEW, {"project_id": TWIN, "name": "Single ERP"}, {"name": "Client ERP", "default_branch": "dev"}],
        "prune": True,
    },
    "two swap their names": {
        "projects": [{"project_id": CLIENT, "name": "Private ERP"}, {"project_id": PRIVATE, "name": "Client ERP"}]
    },
    "three names move in a cycle": {
        "projects": [
            {"project_id": CLIENT, "name": "Private ERP"},
            {"project_id": PRIVATE, "name": "Empty ERP"},
            {"project_id": EMPTY, "name": "Client ERP"},
        ]
    },
    "only some": {"projects": [NEW, {"name": "Empty ERP", "state": "absent"}], "only": ["New *"], "prune": True},
    "rejected: only one that is not declared": {"projects": [NEW], "only": ["Newer ERP"]},
    "rejected: another plan was approved": {"projects": [NEW], "plan_digest": "0" * 64},
    "rejected: a likely rename": {
        "projects": [*KEPT[1:], {**NEW, "git_repo_url": REPO}],
        "prune": True,
    },
    "two of one name": {"projects": [{"project_id": TWIN, "default_branch": "a"}, {"project_id": OTHER_TWIN}]},
    "rejected: one wrong among good ones": {"projects": [NEW, {"name": "Twin ERP"}]},
    "rejected: too many to prune": {"projects": [NEW], "prune": True, "prune_limit": 1},
    "rejected: everything to prune": {"projects": [], "prune": True},
    "rejected: two new ones of one name": {"projects": [NEW, NEW]},
    "rejected: one idempotency key for two": {
        "projects": [{**NEW, "idempotency_key": "copied"}, {**NEW, "name": "Newer ERP", "idempotency_key": "copied"}]
    },
    "defaults under items": {
        "defaults": {"server_id": "production-nyc1", "default_branch": "dev", "odoo_version": "18.0"},
        "projects": [
            {"name": "New ERP"},
            {"name": "Newer ERP", "server": "production-fsn1", "default_branch": "main", "odoo_version": "17.0"},
            {"name": "Newest ERP", "server": "", "default_branch": " ", "state": ""},
        ],
    },
    "defaults with credentials": {
        "defaults": {"git_repo_url": PRIVATE_REPO},
        "projects": [{"name": "Client ERP"}, {"name": "Private ERP"}, {"name": "Empty ERP", "git_repo_url": REPO}],
    },
    "defaults with state absent": {
        "defaults": {"state": "absent", "server": "production-fsn1", "absent_backup_max_age": "0"},
        "projects": [{"name": "Client ERP"}, {"name": "Gone ERP"}, {"name": "New ERP", "state": "present"}],
    },
    "rejected: defaults that cannot be changed": {
        "defaults": {"odoo_version": "18.0"},
        "projects": [{"name": "Client ERP"}, NEW],
    },
}

HOME = "00000000-0000-4000-8000-000000000010"
LIVE = "00000000-0000-4000-8000-000000000011"
IDLE = "00000000-0000-4000-8000-000000000012"
BUSY = "00000000-0000-4000-8000-000000000013"
ENVIRONMENTS = [
    {"id": LIVE, "name": "live", "custom_domain": "erp.example.com", "cpu_cores": 1.5},
    {"id": IDLE, "name": "idle", "status": "stopped"},
    {"id": BUSY, "name": "busy"},
    {"name": "paused", "status": "paused"},
    {"name": "failed", "status": "failed"},
    {"name": "never deployed", "status": "pending"},
    {"name": "twin"},
    {"name": "twin", "status": "stopped"},
]
SIZES = {"cpu_cores": 2, "ram_mb": 4096, "disk_gb": 40}
SETTINGS = {"environment_type": "production", "postgres_version": "16", "enable_pgtune": True, "with_demo_data": False}
CREATE = {"project": "Home ERP", "name": "new"}
DELETE = {"state": "absent", "absent_backup_max_age": "0"}


def of(name: str, **options: Any) -> dict[str, Any]:
    return {"project": "Home ERP", "name": name, **options}


ENVIRONMENT = {
    "create": CREATE,
    "create by the id of the project": {**CREATE, "project": HOME.upper()},
    "create with everything": {**CREATE, **SIZES, **SETTINGS, "branch": "dev", "domain": "erp.example.com"},
    "create on another server": {**CREATE, "server": "production-nyc1"},
    "create on no server": {**CREATE, "project": "Serverless ERP"},
    "create on a server where the project has none": {**CREATE, "project": "Serverless ERP", "server": SERVER_ID},
    "create without wait": {**CREATE, "wait": False},
    "create with a domain to remove": {**CREATE, "remove_domain": True},
    "rename": {"environment_id": LIVE, "name": "live (old)"},
    "change the branch": of("live", branch="dev"),
    "change the domain": of("live", domain="www.example.com"),
    "change all": of("live", branch="dev", domain="www.example.com", **SIZES),
    "change without wait": of("live", branch="dev", wait=False),
    "remove the domain": of("live", remove_domain=True),
    "change what is deployed": of("busy", branch="dev"),
    "change what is stopped": of("idle", branch="dev"),
    "change what is paused": of("paused", ram_mb=4096),
    "stop": of("live", state="stopped"),
    "stop by id": {"environment_id": LIVE.upper(), "state": "stopped"},
    "stop without wait": of("live", state="stopped", wait=False),
    "stop what is deployed": of("busy", state="stopped"),
    "change and stop": of("live", state="stopped", branch="dev"),
    "start": of("idle", state="started"),
    "start without wait": of("idle", state="started", wait=False),
    "change and start": of("idle", state="started", ram_mb=4096),
    "delete": of("live", **DELETE),
    "delete what is deployed": of("busy", **DELETE),
    "delete by id": {"environment_id": IDLE, **DELETE},
    "delete without wait": of("live", **DELETE, wait=False),
    "delete with a backup": of("live", state="absent"),
    "absent already": of("new", state="absent"),
    "absent already, with its project": of("new", state="absent", project="Gone ERP"),
    "unchanged": of("live", domain="ERP.example.com", cpu_cores=1.5, branch="main", server="production-fsn1"),
    "unchanged, by id": {"environment_id": LIVE, "project": HOME},
    "unchanged, with what cannot be read": of("live", **SETTINGS),
    "unchanged, once it is deployed": of("busy"),
    "started already": of("live", state="started"),
    "started already, once it is deployed": of("busy", state="started"),
    "stopped already": of("idle", state="stopped"),
    "a failed one": of("failed"),
    "a pending one": of("never deployed"),
    "rejected: no fresh backup": of("idle", state="absent"),
    "rejected: two of the name": of("twin", branch="dev"),
    "rejected: another server": of("live", server=OTHER_SERVER_ID, branch="dev"),
    "rejected: another project": {"environment_id": LIVE, "project": "Serverless ERP"},
    "rejected: a taken name": {"environment_id": LIVE, "name": "idle"},
    "rejected: another name to delete": {"environment_id": LIVE, "name": "idle", **DELETE},
    "rejected: an unknown project": of("live", project="Gone ERP"),
    "rejected: an unknown id": {"environment_id": UNKNOWN_ID},
    "rejected: none to start": of("new", state="started"),
    "rejected: start what is paused": of("paused", state="started"),
    "rejected: stop what failed": of("failed", state="stopped"),
    "rejected: a commit as branch": of("live", branch="0" * 40),
    "rejected: too much": of("live", ram_mb=131073),
}

HOOK = "00000000-0000-4000-8000-000000000020"
HOOK_TWIN = "00000000-0000-4000-8000-000000000021"
HOOK_URL = "https://ci.acme.example/oec"
NEW_HOOK = {"url": "https://new.acme.example/oec?sig=x", "events": ["deploy.failed", "deploy.completed"]}
WEBHOOK = {
    "create": NEW_HOOK,
    "create for a project": {**NEW_HOOK, "project": "Client ERP"},
    "create with everything": {**NEW_HOOK, "description": "CI", "format": "teams", "is_active": False},
    "create what another project has": {"url": HOOK_URL, "events": ["deploy.failed"], "project": "Private ERP"},
    "change the events": {"url": HOOK_URL, "events": ["monitoring.alert", "deploy.failed"]},
    "change all": {"url": HOOK_URL, "description": "CI", "format": "slack", "is_active": False},
    "change the url": {"webhook_id": HOOK, "url": "https://new.acme.example/oec"},
    "delete": {"url": HOOK_URL, "state": "absent"},
    "delete by id": {"webhook_id": HOOK_TWIN, "state": "absent"},
    "absent already": {"url": HOOK_URL, "project": "Private ERP", "state": "absent"},
    "unchanged": {"url": HOOK_URL, "events": ["deploy.failed", "deploy.started"], "format": "raw"},
    "rejected: no events": {"url": "https://new.acme.example/oec"},
    "rejected: two of the url": {"url": HOOK_URL, "project": "Client ERP"},
    "rejected: another project": {"webhook_id": HOOK, "project": "Client ERP"},
}

STORED = {"include_filestore": False, "retention_type": "yearly", "notes": "before 18.2"}
BACKUP = {
    "take": of("idle"),
    "take with everything": of("idle", **STORED, storage_config_id="5704a6e0-0000-4000-8000-000000000001"),
    "take without wait": of("idle", wait=False),
    "take in place of an old one": of("paused"),
    "take by id, once it is deployed": {"environment_id": BUSY},
    "take some of many": {"environments": [of("live"), of("idle"), of("paused"), {"environment_id": BUSY}]},
    "adopt": of("failed"),
    "adopt without wait": of("failed", wait=False),
    "fresh": of("live"),
    "none": {"environments": []},
    "rejected: two of the name": of("twin"),
    "rejected: one wrong among good ones": {"environments": [of("idle"), of("new")]},
    "rejected: an unknown project": of("live", project="Gone ERP"),
    "rejected: long notes": of("idle", notes="x" * 501),
}


def in_estate(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of oec_projects that declare the same as those of oec_environment."""
    project = options.get("project", "Home ERP")
    identity = {"project_id": project} if project.lower() == HOME else {"name": project}
    environment = {name: value for name, value in options.items() if name not in ("project", "wait")}
    waits = {"wait": options["wait"]} if "wait" in options else {}
    return {"projects": [{**identity, "environments": [environment]}], **waits}


NEW_ESTATE = {**NEW, "environments": [{"name": "new", "branch": "dev"}, {"name": "other"}]}
ESTATE = {
    "a project and its environments": {"projects": [NEW_ESTATE]},
    "without wait": {"projects": [NEW_ESTATE], "wait": False},
    "defaults of both": {
        "projects": [{"name": "New ERP", "environments": [{"name": "new"}, {"name": "old", "state": "absent"}]}],
        "defaults": {"server": "production-fsn1"},
        "environment_defaults": {"environment_type": "staging", "branch": "dev", "absent_backup_max_age": "0"},
    },
    "a renamed project and its environments": {
        "projects": [
            {
                "project_id": HOME,
                "name": "Our ERP",
                "environments": [{"name": "live", "branch": "dev"}, {"name": "new"}],
            }
        ],
    },
    "environments that swap their names": {
        "projects": [
            {
                "name": "Home ERP",
                "environments": [
                    {"environment_id": LIVE, "name": "idle", "branch": "dev"},
                    {"environment_id": IDLE, "name": "live"},
                ],
            }
        ],
    },
    "all states": {
        "projects": [
            {
                "name": "Home ERP",
                "environments": [
                    {"name": "live", "state": "stopped"},
                    {"name": "idle", "state": "started"},
                    {"name": "busy", "state": "absent", "absent_backup_max_age": "0"},
                    {"name": "new"},
                ],
            }
        ],
    },
    "rejected: an environment of many": {
        "projects": [NEW_ESTATE, {"name": "Home ERP", "environments": [{"name": "live", "server": OTHER_SERVER_ID}]}],
    },
}

CASES = {f"one: {case}": ("oec_project", options) for case, options in ONE.items()}
CASES |= {f"many of one: {case}": ("oec_projects", {"projects": [options]}) for case, options in ONE.items()}
CASES |= {f"many: {case}": ("oec_projects", options) for case, options in MANY.items()}
CASES |= {f"environment: {case}": ("oec_environment", options) for case, options in ENVIRONMENT.items()}
CASES |= {
    f"estate of one: {case}": ("oec_projects", in_estate(options))
    for case, options in ENVIRONMENT.items()
    if "Gone ERP" not in options.values()
}
CASES |= {f"estate: {case}": ("oec_projects", options) for case, options in ESTATE.items()}
CASES |= {f"webhook: {case}": ("oec_webhook", options) for case, options in WEBHOOK.items()}
CASES |= {f"backup: {case}": ("oec_backup", {"max_age": "24h", **options}) for case, options in BACKUP.items()}


def add_environments(emulator: Emulator) -> None:
    emulator.add_project("Serverless ERP", server_id=None)
    project = emulator.add_project("Home ERP", id=HOME)
    for environment in ENVIRONMENTS:
        emulator.add_environment(project["id"], **environment)
    emulator.add_backup(LIVE)
    emulator.start_task(BUSY, "deploy")


def add_backups(emulator: Emulator) -> None:
    idents = {environment["name"]: environment["id"] for environment in emulator.environments()}
    emulator.add_backup(idents["paused"], 90000)
    emulator.start_task(idents["failed"], "backup")


def add_webhooks(emulator: Emulator) -> None:
    emulator.add_webhook(HOOK_URL, ["deploy.started", "deploy.failed"], id=HOOK)
    emulator.add_webhook(HOOK_URL, ["deploy.failed"], CLIENT, id=HOOK_TWIN)
    emulator.add_webhook(HOOK_URL, ["deploy.failed"], CLIENT)


def state(emulator: Emulator) -> tuple[Any, ...]:
    """Return all that a write changes: the status follows from the tasks."""
    moving = dict.fromkeys(["status", "last_commit", "updated_at"])
    environments = [{**environment, **moving} for environment in emulator.environments()]
    tasks = [(task["id"], task["type"]) for task in emulator.tasks()]
    backups = [backup["id"] for backup in emulator.backups()]
    return emulator.projects(), environments, tasks, emulator.webhooks(), backups


def without_assigned_values(result: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return the result with null in place of what only the API knows before."""
    known = {HOME, *(project["id"] for project in EXISTING)}
    for reported in (result, *result.get("projects", ())):
        project = reported.get("project")
        if project and project["id"] not in known:
            project.update(id=None, created_at=None)
            reported.update({"project_id": None} if "project_id" in reported else {})
    if "task" in result:
        result.update(task=None, log=[])
    for row in [row for row in result.get("backups", ()) if row["changed"]]:
        # How large it becomes is not known either, nor when it is completed.
        names = ("environment_id", "backup_type", "retention_type", "notes")
        row.update(
            task=None, size_ratio=None, newest_completed_at=None, backup={name: row["backup"][name] for name in names}
        )
    if "secret" in result:
        result["webhook"].update(id=None, created_at=None)
        result["secret"] = None
    result.pop("requests", None)
    entries = [each for project in result.get("projects", ()) for each in project["environments"]]
    for each in entries:
        each.update(task=None, log=[], environment_id=None)
    for environment in [each["environment"] for each in (result, *entries) if each.get("environment")]:
        environment.update(last_commit=None, updated_at=None)
        if environment["name"] in ("new", "other"):
            unknown = ["id", "url", "odoo_version", "created_at", "project_id", *(set(SIZES) - set(options))]
            environment.update(dict.fromkeys(unknown))
    return result


@pytest.mark.parametrize("case", CASES)
def test_check_mode_predicts_the_run_and_the_next_does_nothing(run_module, emulator, case):
    """The whole result is predicted: `changed`, objects, diff, drift rows and failures."""
    module, options = CASES[case]
    for project in EXISTING:
        emulator.add_project(**project)
    if module in ("oec_environment", "oec_backup") or case.startswith("estate"):
        add_environments(emulator)
    if module == "oec_backup":
        add_backups(emulator)
    if module == "oec_webhook":
        add_webhooks(emulator)
    before = state(emulator)

    predicted = run_module(module, check=True, **options)
    assert (emulator.log.writes, state(emulator)) == ([], before)

    done = run_module(module, **options)
    assert bool(done.get("failed")) == ("rejected" in case)
    assert without_assigned_values(done, options) == without_assigned_values(predicted, options)
    # What is adopted changes, and not by this run.
    is_written = bool(done.get("changed")) and "adopt" not in case
    assert bool(emulator.log.writes) == is_written == (state(emulator) != before)

    # Until what was not waited for has ended.
    emulator.clock.advance(600)
    emulator.log.clear()
    after = state(emulator)
    again = run_module(module, **options)
    assert not again.get("changed")
    assert again.get("failed") == done.get("failed")
    assert again.get("failed") or not again.get("drift")
    assert (emulator.log.writes, state(emulator)) == ([], after)
