# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of the API for backups."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from .backup_state import RETENTION_DAYS
from .clock import iso
from .environments import find_environment, lock, queued, reject_if_busy
from .responses import ApiError, ApiResponse, invalid
from .service import (
    BOOLEAN,
    IDENT,
    ApiRequest,
    Endpoint,
    Rule,
    Service,
    number_in,
    one_of,
    text,
    uuid_in,
    word_in,
)
from .state import STORAGE_CONFIG_IDS, Access

# The words of the official client that the documentation does not have, and what it has in their place.
DOCUMENTED = {"in_progress": "running", "uploading": "running", "expired": "completed"}
DOCUMENTED |= dict.fromkeys(("pre_restore", "pre_upgrade", "pre_destroy"), "pre_deploy")
WORDS = {
    "status": ("pending", "completed", "failed", "cancelled", "in_progress", "uploading", "expired"),
    "backup_type": ("manual", "scheduled", "pre_restore", "pre_upgrade", "pre_destroy"),
}
CREATE: dict[str, Rule] = {
    "backup_type": one_of("manual"),
    "include_filestore": BOOLEAN,
    "retention_type": one_of(*RETENTION_DAYS, "permanent"),
    "storage_config_id": IDENT,
    "notes": text(0, 500),
}


def list_backups(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    ident = find_environment(service, request, access, also_deleted=True).fields["id"]
    page, size = number_in(request, "page", 1), number_in(request, "page_size", 20, 100)
    filters = {name: word_in(request, name, {_word(service, word) for word in words}) for name, words in WORDS.items()}
    views = [_view(service, each) for each in reversed(service.state.backups.of(ident))]
    found = [each for each in views if all(word in (None, each[name]) for name, word in filters.items())]
    payload = {
        "items": found[(page - 1) * size : page * size],
        "total": len(found),
        "page": page,
        "page_size": size,
        service.settings.pages_field: math.ceil(len(found) / size),
    }
    payload.pop("none", None)
    return ApiResponse(200, payload)


def create_backup(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    environment = find_environment(service, request, access)
    body = service.valid(request, CREATE)
    if body.pop("storage_config_id", STORAGE_CONFIG_IDS[access.org]).lower() != STORAGE_CONFIG_IDS[access.org]:
        raise invalid("body", "storage_config_id", "there is no such storage")
    if not service.settings.has_storage:
        raise ApiError(400, "", "No storage configuration available.")
    _reject_above_quota(service, access)
    running = service.state.environments.task_in_progress(environment)
    if running and running.type == "backup" and service.settings.backup_conflict == "text":
        raise ApiError(409, "", "A backup is already running.")
    if not (running and running.type == "backup" and service.settings.backup_conflict == "none"):
        reject_if_busy(service, environment)
    body.setdefault("retention_type", "permanent")
    backup = service.state.backups.begin(environment, None, body.pop("include_filestore", True), **body)
    return ApiResponse(201, {**_view(service, backup), "status": "pending"})


def get_backup(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    backup = _find(service, request, access)
    snapshot = backup["environment_snapshot"] if service.settings.backup_has_snapshot else None
    return ApiResponse(200, {**_view(service, backup), "environment_snapshot": snapshot})


def download_backup(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    backup = _find(service, request, access)
    seconds = number_in(request, "expires_in", 300, 3600, lowest=300)
    _reject_unless_completed(service, backup)
    files = {"database": True, "filestore": backup["filestore_size"], "manifest": True}
    links = {
        f"{name}_url": f"https://storage.example.com/{backup['id']}/{name}?signature=secret" if exists else None
        for name, exists in files.items()
    }
    expires = iso(service.state.clock.now() + timedelta(seconds=seconds))
    return ApiResponse(200, {"backup_id": backup["id"], **links, "expires_in": seconds, "expires_at": expires})


def restore_backup(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    if service.settings.confirm_restore and request.headers.get("x-confirm-restore") != "true":
        raise ApiError(400, "confirm_required", "Restoring needs the header X-Confirm-Restore: true.")
    backup = _find(service, request, access)
    environment = service.state.environments.stored[backup["environment_id"]]
    if environment.deleted:
        raise ApiError(404, "not_found", "Environment not found.")
    _reject_unless_completed(service, backup)
    lock(service, environment.fields["id"])
    reject_if_busy(service, environment)
    response = queued(service.state.backups.begin_restore(backup))
    return ApiResponse(202, {**response.payload, "backup_id": backup["id"]})


def _find(service: Service, request: ApiRequest, access: Access) -> dict[str, Any]:
    backup = service.state.backups.stored.get(uuid_in(request, "backup_id"))
    if backup is not None:
        environment = service.state.environments.stored[backup["environment_id"]]
        if service.sees(access, service.state.projects[environment.fields["project_id"]]):
            return backup
    raise ApiError(404, "not_found", "Backup not found.")


def _reject_unless_completed(service: Service, backup: dict[str, Any]) -> None:
    if service.state.backups.view(backup)["status"] != "completed":
        raise ApiError(400, "", "Backup is not completed.")


def _reject_above_quota(service: Service, access: Access) -> None:
    """Reject another backup where the organization has as many as it may. The code is made up."""
    if service.settings.backup_quota is None:
        return
    environments, projects = service.state.environments.stored, service.state.projects
    statuses = [
        service.state.backups.view(each)["status"]
        for each in service.state.backups.stored.values()
        if projects[environments[each["environment_id"]].fields["project_id"]].org == access.org
    ]
    count = sum(status not in ("failed", "cancelled", "expired") for status in statuses)
    if count >= service.settings.backup_quota:
        raise ApiError(403, "backup_quota_exceeded", "The organization has as many backups as its plan allows.")


def _view(service: Service, backup: dict[str, Any]) -> dict[str, Any]:
    view = service.state.backups.view(backup)
    if not service.settings.backup_has_task_id:
        del view["task_id"]
    return {**view, **{name: _word(service, view[name]) for name in WORDS}}


def _word(service: Service, word: str) -> str:
    return DOCUMENTED.get(word, word) if service.settings.backup_words == "documented" else word


ROUTES: dict[str, dict[str, Endpoint]] = {
    "/environments/{environment_id}/backups": {"GET": list_backups, "POST": create_backup},
    "/backups/{backup_id}": {"GET": get_backup},
    "/backups/{backup_id}/download": {"GET": download_backup},
    "/backups/{backup_id}/restore": {"POST": restore_backup},
}
