# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Environments, which run an ERP each. Beyond the reference: tests/contract/platform.yaml has the sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind, Object, Spec, Target
from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import WHOLE
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError, RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import (
    branch_problem,
    host_problem,
    name_problem,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired, join_limited, resolve
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import COMPLETED, ending
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Steps, Wait
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import check_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER, measured

RUNNING, STOPPED, PENDING, DESTROYING, PAUSED = "running", "stopped", "pending", "destroying", "paused"
FAILED_STATUSES = frozenset({"error", "failed"})
SETTLED = frozenset({RUNNING, STOPPED, PENDING, PAUSED}) | FAILED_STATUSES
DEPLOYING = frozenset({"deploying", "cloning"})

ENVIRONMENT = Kind(
    "environment",
    "/environments",
    (
        Field("name", max_length=255, check=name_problem, required="invalid_input"),
        Field("status", assigned=True, is_displayed=True, default=RUNNING),
        Field("url", assigned=True),
        Field("odoo_version", assigned=True, inherits="odoo_version"),
        Field("branch", max_length=255, check=branch_problem, is_deferred=True, inherits="default_branch"),
        Field("last_commit", assigned=True),
        Field("cpu_cores", "float", limits=(0.25, 32), is_deferred=True),
        Field("ram_mb", "int", limits=(256, 131072), is_deferred=True),
        Field("disk_gb", "int", limits=(1, 1000), is_deferred=True),
        Field("project_id", option="project", create_only=True, reference=PROJECT, is_parent=True),
        Field(
            "server_id",
            option="server",
            writes="vm_id",
            create_only=True,
            reference=SERVER,
            unknown="unknown_server",
            inherits="server_id",
        ),
        Field(
            "custom_domain",
            option="domain",
            writes="domain",
            check=host_problem,
            ignores_case=True,
            is_removable=True,
            is_deferred=True,
        ),
        Field("custom_domain_verified", "bool", assigned=True, default=False),
        Field("created_at", assigned=True),
        Field("updated_at", assigned=True),
        Field(
            "environment_type",
            choices=("development", "staging", "production"),
            create_only=True,
            is_readable=False,
            always="development",
        ),
        Field("postgres_version", max_length=10, create_only=True, is_readable=False),
        Field("enable_pgtune", "bool", create_only=True, is_readable=False),
        Field("enable_pgbouncer", "bool", create_only=True, is_readable=False),
        Field("enable_read_replica", "bool", create_only=True, is_readable=False),
        Field("with_demo_data", "bool", create_only=True, is_readable=False),
    ),
    collection="/projects/{parent}/environments",
    pages=WHOLE,
    states=(Target("started", RUNNING, "start", STOPPED), Target("stopped", STOPPED, "stop", RUNNING)),
    delete_headers={"X-Confirm-Delete": "true"},
    trace="logs",
    needs_key=False,
)

# The status may lag behind the task that changes it.
STATUS_LAG = 60.0
_HIDDEN_HINT = (
    "Correct what identifies it, or create it with oec_environment. "
    "Older versions of the API hide an environment that is stopped."
)

ENVIRONMENT_FILTERS: Spec = {
    "project": {"type": "list", "elements": "str", "aliases": ["project_id"]},
    "name": {"type": "str"},
    "environment_id": {"type": "str", "aliases": ["id"]},
    "status": {"type": "str"},
    "health": {"type": "bool", "default": False},
    "metrics": {"type": "bool", "default": False},
}


def status_of(environment: Mapping[str, Any] | None) -> str:
    return str((environment or {}).get("status")).lower()


def reach(
    client: Client, ident: str, is_reached: Callable[[Object | None], bool], timeout: float
) -> Steps[Object | None]:
    """Return an environment once it is as expected (None: it is gone). Raise `wrong_state` where that is not so.

    A status that does not move may lag behind, and is the end if it stays.
    """
    api, clock = client.of(ENVIRONMENT), client.clock
    found, last_moved = api.get(ident), clock.monotonic()

    def poll() -> bool | None:
        nonlocal found, last_moved
        found, now = api.get(ident), clock.monotonic()
        if found and status_of(found) not in SETTLED:
            last_moved = now
        return is_reached(found) or now - last_moved >= STATUS_LAG or None

    if not is_reached(found):
        yield Wait(timeout, poll)
    if not is_reached(found):
        message = f"its status is still {status_of(found)!r}" if found else "it is gone"
        raise OecError("wrong_state", message, "Look at its log with oec_log_info, then run this again.")
    return found


def hidden_environment(desired: Desired, latest: Object | None) -> list[Object]:
    """Return what is known of an environment that an older version of the API hides, by its id and its latest task.

    Raise `name_mismatch` where it is to be deleted, and more is declared than can be compared.
    """
    if not desired.id or not latest:
        return []
    if desired.state == "absent" and {"name", "project_id"} & set(desired.values):
        message = "this version of the API hides it, so that its name and project cannot be compared"
        raise OecError("name_mismatch", message, "To delete it by its id alone, remove them.", subject=desired.subject)
    status = STOPPED if latest.get("type") == "stop" and ending(latest) == COMPLETED else "error"
    return [{**dict.fromkeys(ENVIRONMENT.readable), "id": desired.id.lower(), "name": desired.label, "status": status}]


def check_target(project: str | None, name: str | None, ident: str | None) -> None:
    """Raise `invalid_input` where an environment is not identified."""
    check_uuid({"environment_id": ident}, "environment_id")
    if not ident and not (project and name):
        raise OecError("invalid_input", "an environment needs its project and its name, or environment_id")


def find_environment(client: Client, project: str | None, name: str | None, ident: str | None) -> Object:
    """Return the environment with that id, or of that name in a project. Raise OecError where there is not just one."""
    check_target(project, name, ident)
    project_id = _project_id(client, project, name or ident or "") if project else None
    if ident:
        found = client.of(ENVIRONMENT).get(ident.lower())
        if not found:
            raise OecError("not_found", f"the environment {ident} does not exist", _HIDDEN_HINT)
        if name not in (None, found["name"]) or project_id not in (None, found.get("project_id")):
            message = f"the environment {ident} has another name, {found['name']!r}, or belongs to another project"
            raise OecError("name_mismatch", message, "Correct or remove what identifies it.")
        return found
    objects = client.of(ENVIRONMENT, project_id).known.objects
    matches = [item for item in objects if item["name"] == name]
    if len(matches) > 1:
        ids = ", ".join(item["id"] for item in matches)
        message = f"{len(matches)} environments of the project {project!r} have the name {name!r}: {ids}"
        raise OecError("ambiguous_name", message, "Set environment_id to say which one.")
    if not matches:
        names = join_limited([repr(item["name"]) for item in objects], ", ") or "none"
        message = f"the project {project!r} has no environment {name!r}; it has: {names}"
        raise OecError("not_found", message, _HIDDEN_HINT)
    return matches[0]


def _project_id(client: Client, project: str, label: str) -> str:
    projects = {PROJECT.name: client.of(PROJECT).known.objects}
    found = resolve(PROJECT, ENVIRONMENT.field("project_id"), project, projects, is_checked=True)
    if isinstance(found, Failure):
        raise found.about(ENVIRONMENT.subject(label)).as_exception()
    return found


def list_environments(options: Options, client: Client, _mode: Mode) -> Result:
    """oec_environment_info."""
    name, status = options["name"], (options["status"] or "").lower()
    environments = [
        {**item, "project_name": project, **_measured(item["id"], options, client)}
        for project, item in _selected(options, client)
        if name in (None, item["name"]) and status in ("", status_of(item))
    ]
    return Result({"changed": False, "environments": environments})


def _selected(options: Options, client: Client) -> Iterator[tuple[str | None, Object]]:
    """Yield the environments of the given projects, or of all, each with the name of its project."""
    ident = options["environment_id"]
    check_uuid(options, "environment_id")
    projects = client.of(PROJECT).known.objects
    names = {project["id"]: project["name"] for project in projects}
    field = ENVIRONMENT.field("project_id")
    ids: list[str] = []
    for value in options["project"] or []:
        matches = [project["id"] for project in projects if project["name"] == value]
        # Several projects of one name are no mistake in a filter.
        found = matches or resolve(PROJECT, field, value, {PROJECT.name: projects}, is_checked=True)
        if isinstance(found, Failure):
            raise found.as_exception()
        ids += [found] if isinstance(found, str) else found
    if ident:
        found_one = client.of(ENVIRONMENT).get(ident.lower())
        if found_one and (not ids or found_one.get("project_id") in ids):
            yield names.get(str(found_one.get("project_id"))), found_one
        return
    for project_id in dict.fromkeys(ids or names):
        for item in environments_of(client, project_id):
            yield names[project_id], item


def environments_of(client: Client, project_id: str) -> list[Object]:
    """Return the environments of a project that was listed; none if it was deleted meanwhile."""
    try:
        return client.of(ENVIRONMENT, project_id).known.objects
    except RejectedError as error:
        if not error.is_not_found:
            raise
        return []


def _measured(ident: str, options: Options, client: Client) -> dict[str, Any]:
    """Return `health` and `metrics`, as far as they are asked for."""
    parts = {"health": "status", "metrics": "metrics"}
    return {name: measured(client, ENVIRONMENT, ident, part) for name, part in parts.items() if options[name]}
