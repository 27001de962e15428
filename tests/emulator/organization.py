# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of the API for the organization and for what its servers use."""

from __future__ import annotations

from typing import Any

from .responses import ApiError, ApiResponse
from .service import ApiRequest, Endpoint, Service, uuid_in
from .state import Access

ORGANIZATIONS = {
    "acme": {"id": "0ac0e000-0000-4000-8000-000000000001", "name": "Acme", "slug": "acme"},
    "other": {"id": "07e00000-0000-4000-8000-000000000002", "name": "Other", "slug": "other"},
}
LIMITS = ("max_environments", "max_cpu_cores", "max_ram_mb", "max_disk_gb")
MEBIBYTE, GIBIBYTE = 1 << 20, 1 << 30


def get_organization(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    _permit(service, access)
    limits = {name: getattr(service.settings, name) for name in LIMITS}
    return ApiResponse(200, {**ORGANIZATIONS[access.org], "plan": service.settings.plan, **limits})


def get_usage(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    _permit(service, access)
    projects = {ident for ident, each in service.state.projects.items() if each.org == access.org and not each.deleted}
    environments = service.state.environments
    running = [
        each.fields
        for project_id in projects
        for each in environments.of_project(project_id)
        if environments.status(each) == "running"
    ]
    more = sum(service.state.projects[project_id].running for project_id in projects)
    used: dict[str, Any] = {
        name: sum(fields[field] for fields in running)
        for name, field in {"cpu_used": "cpu_cores", "ram_mb_used": "ram_mb", "disk_gb_used": "disk_gb"}.items()
    }
    return ApiResponse(200, {"environments_running": len(running) + more, **used})


def get_server_metrics(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    ident = uuid_in(request, "server_id")
    server = next((each for each in service.servers(access) if each["id"] == ident), None)
    if server is None or ident in service.settings.servers_without_metrics or not _uses(service, access, ident):
        raise ApiError(404, "not_found", "Server not found.")
    if limited := service.count_probe("servers", ident):
        return limited
    memory, disk, count = server["ram_mb"] * MEBIBYTE, server["disk_gb"] * GIBIBYTE, 2 * server["environment_count"]
    metrics = {
        "server_id": ident,
        "status": "healthy",
        "cpu_percent": 12.5,
        "memory_percent": 25.0,
        "memory_used_bytes": memory // 4,
        "memory_total_bytes": memory,
        "disk_percent": 50.0,
        "disk_used_bytes": disk // 2,
        "disk_total_bytes": disk,
        "network_rx_bytes_per_second": 20480.5,
        "network_tx_bytes_per_second": 81920.0,
        "container_count": count,
        "containers_running": count,
        "queried_at": service.state.timestamp(),
    }
    return ApiResponse(200, metrics)


def _uses(service: Service, access: Access, server_id: str) -> bool:
    """Return whether the key may see the server: one of a project needs an environment on it."""
    own = service.state.environments.of_project(access.project_id) if access.project_id else []
    return access.project_id is None or any(each.fields["server_id"] == server_id for each in own)


def _permit(service: Service, access: Access) -> None:
    if access.project_id and service.settings.org_rejects_scoped_key:
        raise ApiError(403, "org_scope_required", "This needs an org-scoped API key.")


ROUTES: dict[str, dict[str, Endpoint]] = {
    "/org": {"GET": get_organization},
    "/org/usage": {"GET": get_usage},
    "/servers/{server_id}/metrics": {"GET": get_server_metrics},
}
