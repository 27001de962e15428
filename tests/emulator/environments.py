# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of the API for environments, their actions, tasks and logs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from .environment_state import HIDDEN, MOVING, Environment
from .responses import ApiError, ApiResponse, concurrent_action, invalid, task_in_progress
from .service import (
    BASE,
    BOOLEAN,
    IDENT,
    UUID,
    ApiRequest,
    Endpoint,
    Rule,
    Service,
    matching,
    number_in,
    one_of,
    page_of,
    text,
    uuid_in,
    word_in,
)
from .state import Access
from .tasks import Task

STATUS_WORDS = {"pending", "cloning", "running", "deleted", *MOVING.values(), *HIDDEN}


def _number(lowest: float, highest: float, whole: bool = False) -> Rule:
    def check(value: Any) -> bool:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and lowest <= value <= highest and not (whole and value % 1)

    return check, f"must be {'a whole number' if whole else 'a number'} from {lowest} to {highest}"


HOST = re.compile(r"(?=.{1,253}\Z)(\*\.)?([a-z0-9-]+\.)+[a-z0-9-]+\Z", re.ASCII | re.IGNORECASE)
HOST_OR_EMPTY = re.compile(rf"\Z|{HOST.pattern}", HOST.flags)
MODULE = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
MODULES: Rule = (
    lambda value: (
        isinstance(value, list)
        and 1 <= len(value) <= 50
        and all(isinstance(name, str) and MODULE.fullmatch(name) for name in value)
    ),
    "must be a list of 1 to 50 names of modules",
)

UPDATE: dict[str, Rule] = {
    "name": text(1, 255),
    "branch": text(1, 255),
    "domain": matching(HOST_OR_EMPTY, "must be a host name, or empty"),
    "cpu_cores": _number(0.25, 32),
    "ram_mb": _number(256, 131072, whole=True),
    "disk_gb": _number(1, 1000, whole=True),
}
CREATE: dict[str, Rule] = {
    **UPDATE,
    "domain": matching(HOST, "must be a host name"),
    "vm_id": IDENT,
    "environment_type": one_of("development", "staging", "production"),
    "postgres_version": text(0, 10),
    **dict.fromkeys(("enable_pgtune", "enable_pgbouncer", "enable_read_replica", "with_demo_data"), BOOLEAN),
}
# The names in a body that differ from those of the object.
OBJECT_NAMES = {"vm_id": "server_id", "domain": "custom_domain"}
LISTING_MODES = ("update_specific", "reinitialize_specific")

# The state that an action needs. A deploy works in every state.
NEEDED = {"start": "stopped", "stop": "running", "restart": "running", "quick_update": "running"}

RUNTIME_LOG = {
    "odoo": "INFO {name} odoo.http: request {number} served",
    "container": "{name}-odoo | request {number} served",
    "postgres": "LOG:  checkpoint {number} complete",
}
RUNTIME_LOG_LENGTH = 120


def find_environment(service: Service, request: ApiRequest, access: Access, also_deleted: bool = False) -> Environment:
    environment = service.state.environments.stored.get(uuid_in(request, "environment_id"))
    if environment is not None and (also_deleted or not environment.deleted):
        project = service.state.projects[environment.fields["project_id"]]
        if service.sees(access, project):
            return environment
    raise ApiError(404, "not_found", "Environment not found.")


# Environments.


def list_environments(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    project = service.find_project(request, access)
    word = word_in(request, "status", STATUS_WORDS)
    environments = service.state.environments
    found = [
        environments.view(each)
        for each in environments.of_project(project.fields["id"])
        if not environments.is_hidden(each) and word in (None, environments.status(each))
    ]
    return ApiResponse(200, sorted(found, key=lambda fields: str(fields["created_at"])))


def create_environment(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    project = service.find_project(request, access).fields
    fields = _valid_fields(service, request, CREATE, required=("name",))
    environments = service.state.environments
    if (ident := fields.get("server_id")) and service.state.server(access.org, ident) is None:
        raise invalid("body", "vm_id", "there is no such server")
    existing = {each.fields["name"] for each in environments.of_project(project["id"])}
    if service.settings.unique_environment_names and fields["name"] in existing:
        raise ApiError(409, "duplicate_name", "The project has an environment of this name.")
    is_deployed = service.settings.queues_first_deploy and fields.get("server_id", project["server_id"]) is not None
    environment = environments.add(project["id"], status="deploying" if is_deployed else "pending", **fields)
    if is_deployed:
        environments.begin(environment, "deploy")
    return ApiResponse(201, environments.view(environment))


def get_environment(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    environment = find_environment(service, request, access)
    if service.state.environments.is_hidden(environment):
        raise ApiError(404, "not_found", "Environment not found.")
    return ApiResponse(200, service.state.environments.view(environment))


def update_environment(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    environment = find_environment(service, request, access)
    fields = _valid_fields(service, request, UPDATE)
    if service.settings.patch_conflicts:
        reject_if_busy(service, environment)
    if "custom_domain" in fields:
        fields["custom_domain"] = fields["custom_domain"] or None
        fields["custom_domain_verified"] = False
    environment.fields.update(fields, updated_at=service.state.timestamp())
    return ApiResponse(200, service.state.environments.view(environment))


def delete_environment(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    if service.settings.confirm_environment_delete and request.headers.get("x-confirm-delete") != "true":
        raise ApiError(400, "confirm_required", "Deleting needs the header X-Confirm-Delete: true.")
    environment = find_environment(service, request, access)
    reject_if_busy(service, environment)
    response = queued(service.state.environments.begin(environment, "destroy"))
    if not service.settings.delete_has_task_id:
        del response.payload["task_id"], response.payload["poll_url"]
    return response


def get_status(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    environment = find_environment(service, request, access)
    environments, now = service.state.environments, service.state.clock.now()
    late = timedelta(seconds=service.settings.late_last_deploy)
    deploys = [each for each in environment.tasks if each.type == "deploy" and now >= each.created_at + late]
    names = ("id", "status", "started_at", "completed_at")
    deploy = {name: deploys[-1].view(now)[name] for name in names} if deploys else None
    fields, is_up = environments.view(environment), environments.is_up(environment)
    about = {"environment_id": fields["id"], "status": fields["status"], "url": fields["url"]}
    about |= dict.fromkeys(("container_running", "db_ready", "http_ok"), is_up)
    return ApiResponse(200, {**about, "last_deploy": deploy})


def _valid_fields(
    service: Service, request: ApiRequest, rules: dict[str, Rule], required: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the fields of the body by their names in the object."""
    body = service.valid(request, rules, required)
    for name in ("ram_mb", "disk_gb"):
        if name in body:
            body[name] = int(body[name])
    if "vm_id" in body:
        body["vm_id"] = body["vm_id"].lower()
    return {
        OBJECT_NAMES.get(name, name): value
        for name, value in body.items()
        if name in required or name not in service.settings.ignored_fields
    }


# Actions.


def act(kind: str, service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    environment = find_environment(service, request, access)
    if kind == "deploy" and request.body:
        service.valid(request, {"update_modules": MODULES})
    if kind == "quick_update":
        _check_mode(service, request)
    lock(service, environment.fields["id"])
    reject_if_busy(service, environment)
    if service.settings.wrong_state_rejected and kind in NEEDED and environment.fields["status"] != NEEDED[kind]:
        message = f"This needs an environment that is {NEEDED[kind]}: it is {environment.fields['status']}."
        raise ApiError(409, "invalid_state", message)
    return queued(service.state.environments.begin(environment, kind))


def _check_mode(service: Service, request: ApiRequest) -> None:
    rules = {"mode": one_of("pull_restart", "update_all", *LISTING_MODES), "modules": MODULES}
    body = service.valid(request, rules, required=("mode",))
    needs_list = body["mode"] in LISTING_MODES
    if needs_list != ("modules" in body):
        raise invalid("body", "modules", f"is {'required' if needs_list else 'not allowed'} with {body['mode']}")


def lock(service: Service, ident: str) -> None:
    """Reject an action too soon after another one. One that is rejected here does not count."""
    acted_at, now = service.state.environments.acted_at, service.state.clock.now()
    if ident in acted_at and now < acted_at[ident] + timedelta(seconds=service.settings.action_lock_seconds):
        raise concurrent_action()
    acted_at[ident] = now


def reject_if_busy(service: Service, environment: Environment) -> None:
    if task := service.state.environments.task_in_progress(environment):
        raise task_in_progress(task.id if service.settings.conflict_has_task_id else None)


def queued(task: Task) -> ApiResponse:
    about = {"task_id": task.id, "status": "queued", "environment_id": task.environment_id}
    return ApiResponse(202, {**about, "poll_url": f"{BASE}/deployments/{task.id}"})


# Tasks, logs and metrics.


def get_task(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    task = service.state.environments.tasks.get(uuid_in(request, "task_id"))
    if task is None or not service.sees(access, service.state.projects[task.project_id]):
        raise ApiError(404, "not_found", "Task not found.")
    return ApiResponse(200, task.view(service.state.clock.now()))


def list_deployments(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    environment, now = find_environment(service, request, access), service.state.clock.now()
    deploys = [(each.id, each.view(now)) for each in reversed(environment.tasks) if each.type == "deploy"]
    return page_of("deployments", request, deploys)


def get_log(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    environment, ident = find_environment(service, request, access), request.query.get("task_id")
    length = number_in(request, "lines", 200, 1000)
    if ident is not None and not UUID.fullmatch(ident):
        raise invalid("query", "task_id", "must be a UUID")
    tasks = [each for each in environment.tasks if ident is None or each.id == ident.lower()]
    if not tasks and ident is not None:
        raise ApiError(404, "not_found", "Task not found.")
    lines = tasks[-1].log_lines(service.state.clock.now()) if tasks else []
    return ApiResponse(200, {"task_id": tasks[-1].id if tasks else None, **_end_of(lines, length)})


def get_runtime_log(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    environment, source = find_environment(service, request, access), request.query.get("source", "odoo")
    length = number_in(request, "lines", 100, 1000)
    if source not in RUNTIME_LOG:
        raise invalid("query", "source", f"must be one of {', '.join(RUNTIME_LOG)}")
    if limited := service.count_probe("runtime-logs", environment.fields["id"]):
        return limited
    if environment.fields["status"] in HIDDEN:
        raise ApiError(404, "not_found", "The environment is not running.")
    template, name = RUNTIME_LOG[source], environment.fields["name"]
    numbers = range(1, RUNTIME_LOG_LENGTH + 1) if service.state.environments.is_up(environment) else ()
    lines = [template.replace("{number}", str(number)).replace("{name}", name) for number in numbers]
    about = {"environment_id": environment.fields["id"], "source": source, "fetched_at": service.state.timestamp()}
    return ApiResponse(200, {**about, **_end_of(lines, length)})


def get_metrics(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    environment = find_environment(service, request, access)
    if limited := service.count_probe("metrics", environment.fields["id"]):
        return limited
    fields, now = service.state.environments.view(environment), service.state.timestamp()
    used, limit = 912_680_550, fields["ram_mb"] * 1024 * 1024
    odoo = {
        "status": "running",
        "cpu_percent": 4.2,
        "memory_used_bytes": min(used, limit),
        "memory_limit_bytes": limit,
        "memory_percent": round(100 * min(used, limit) / limit, 1),
    }
    disk = {
        "allocated_gb": fields["disk_gb"],
        "database_bytes": 188_743_680,
        "filestore_bytes": 52_428_800,
        "addons_bytes": 10_485_760,
        "measured_at": now,
    }
    is_up = service.state.environments.is_up(environment)
    about = {"environment_id": fields["id"], "status": fields["status"], "queried_at": now}
    return ApiResponse(200, {**about, "odoo": odoo if is_up else None, "postgres": None, "disk": disk})


def _end_of(lines: list[str], length: int) -> dict[str, Any]:
    end = lines[-length:]
    return {"log": "\n".join(end), "lines": len(end), "truncated": len(end) < len(lines)}


_ENVIRONMENT = "/environments/{environment_id}"
ROUTES: dict[str, dict[str, Endpoint]] = {
    "/projects/{project_id}/environments": {"GET": list_environments, "POST": create_environment},
    _ENVIRONMENT: {"GET": get_environment, "PATCH": update_environment, "DELETE": delete_environment},
    **{
        f"{_ENVIRONMENT}/{kind.replace('_', '-')}": {"POST": partial(act, kind)}
        for kind in ("deploy", "restart", "start", "stop", "quick_update")
    },
    f"{_ENVIRONMENT}/status": {"GET": get_status},
    f"{_ENVIRONMENT}/deployments": {"GET": list_deployments},
    f"{_ENVIRONMENT}/logs": {"GET": get_log},
    f"{_ENVIRONMENT}/runtime-logs": {"GET": get_runtime_log},
    f"{_ENVIRONMENT}/metrics": {"GET": get_metrics},
    "/deployments/{task_id}": {"GET": get_task},
}
