# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of the API for webhooks. Nothing is ever sent to one."""

from __future__ import annotations

import ipaddress
import re
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from .clock import iso
from .responses import ApiError, ApiResponse, invalid
from .service import BOOLEAN, IDENT, ApiRequest, Endpoint, Rule, Service, number_in, one_of, text, uuid_in
from .state import Access
from .webhook_state import Webhook, new_secret

EVENTS = {
    *(f"deploy.{word}" for word in ("started", "completed", "failed", "cancelled")),
    *(f"environment.{word}" for word in ("created", "deleted", "status_changed", "ready")),
    *(f"automation_rule.{word}" for word in ("triggered", "completed", "failed")),
    "monitoring.alert",
}
URL = re.compile(r"https://[^\s/?#@\\]+([/?#][^\s\\]*)?", re.ASCII)
LONGEST_URL = 2048
DELIVERIES = 50


def _has_host(url: Any) -> bool:
    if not isinstance(url, str) or len(url) > LONGEST_URL or not URL.fullmatch(url):
        return False
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _are_events(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) and each in EVENTS for each in value)


UPDATE: dict[str, Rule] = {
    "url": (_has_host, f"must be an https URL of at most {LONGEST_URL} characters, without user and whitespace"),
    "events": (_are_events, "must be a list of the names of events"),
    "description": text(0, 500),
    "format": one_of("raw", "slack", "teams", "discord"),
    "is_active": BOOLEAN,
}
CREATE: dict[str, Rule] = {**UPDATE, "project_id": IDENT}


def list_webhooks(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    limit = number_in(request, "limit", 50, 100)
    offset = number_in(request, "offset", 0, lowest=0)
    found = [webhook.fields for webhook in service.state.webhooks.stored.values() if _sees(access, webhook)]
    page = {"items": found[offset : offset + limit], "total": len(found), "limit": limit, "offset": offset}
    return ApiResponse(200, {**page, "has_more": offset + limit < len(found)})


def get_webhook(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    return ApiResponse(200, _find(service, request, access).fields)


def create_webhook(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    if limited := _count_mutation(service, access):
        return limited
    fields = _valid_fields(service, request, CREATE, required=("url", "events"))
    fields["project_id"] = ident = fields.get("project_id", "").lower() or None
    if ident is None and access.project_id:
        raise invalid("body", "project_id", "is required with a project-scoped API key")
    project = service.state.projects.get(ident) if ident else None
    if ident and (project is None or project.deleted or not service.sees(access, project)):
        raise ApiError(404, "not_found", "Project not found.")
    existing = {(each.fields["url"], each.fields["project_id"]) for each in service.state.webhooks.of(access.org)}
    if service.settings.unique_webhooks and (fields["url"], ident) in existing:
        raise ApiError(409, "duplicate_webhook", "This URL has a webhook already.")
    return ApiResponse(201, service.state.webhooks.add(access.org, **fields).with_secret())


def update_webhook(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    if limited := _count_mutation(service, access):
        return limited
    webhook = _find(service, request, access)
    webhook.fields.update(_valid_fields(service, request, UPDATE))
    return ApiResponse(200, webhook.fields)


def delete_webhook(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    if limited := _count_mutation(service, access):
        return limited
    del service.state.webhooks.stored[_find(service, request, access).fields["id"]]
    return ApiResponse(204, raw=b"")


def ping_webhook(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    _find(service, request, access)
    return ApiResponse(200, {"success": True, "status_code": 200, "duration_ms": 64, "message": None})


def rotate_secret(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    webhook = _find(service, request, access)
    webhook.secret = new_secret()
    return ApiResponse(200, {"secret": webhook.secret})


def list_deliveries(service: Service, request: ApiRequest, access: Access) -> ApiResponse:
    webhook = _find(service, request, access)
    events, newest = webhook.fields["events"], webhook.deliveries
    rows = []
    for number in range(newest, max(0, newest - DELIVERIES), -1):
        time = iso(service.state.clock.now() - timedelta(minutes=newest - number + 1))
        row = {
            "id": str(uuid.uuid5(uuid.UUID(webhook.fields["id"]), str(number))),
            "event": events[number % len(events)],
            "status": "delivered",
            "attempt_count": 1,
            "response_status": 200,
            "duration_ms": 64,
            "delivered_at": time,
            "created_at": time,
            "response_body": "ok",
        }
        rows.append(row)
    return ApiResponse(200, rows)


def _sees(access: Access, webhook: Webhook) -> bool:
    return webhook.org == access.org and access.project_id in (None, webhook.fields["project_id"])


def _find(service: Service, request: ApiRequest, access: Access) -> Webhook:
    webhook = service.state.webhooks.stored.get(uuid_in(request, "webhook_id"))
    if webhook is None or not _sees(access, webhook):
        raise ApiError(404, "not_found", "Webhook not found.")
    return webhook


def _valid_fields(
    service: Service, request: ApiRequest, rules: dict[str, Rule], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    fields = service.valid(request, rules, required)
    if len(fields.get("events", ())) > service.settings.webhook_events:
        raise invalid("body", "events", f"must be at most {service.settings.webhook_events}")
    if service.settings.private_webhooks_rejected and "url" in fields and _is_private(fields["url"]):
        raise invalid("body", "url", "must not be of a private or loopback address")
    return fields


def _is_private(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def _count_mutation(service: Service, access: Access) -> ApiResponse | None:
    limit = service.settings.webhook_mutations
    return service.count_call(("webhooks", access.key), limit, "webhook_mutation_rate_limit")


_WEBHOOK = "/webhooks/{webhook_id}"
ROUTES: dict[str, dict[str, Endpoint]] = {
    "/webhooks": {"GET": list_webhooks, "POST": create_webhook},
    _WEBHOOK: {"GET": get_webhook, "PATCH": update_webhook, "DELETE": delete_webhook},
    f"{_WEBHOOK}/test": {"POST": ping_webhook},
    f"{_WEBHOOK}/rotate-secret": {"POST": rotate_secret},
    f"{_WEBHOOK}/deliveries": {"GET": list_deliveries},
}
