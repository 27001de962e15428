# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API itself: who may do what, how often, and projects and servers. Without an HTTP framework, without faults."""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from .responses import (
    ApiError,
    ApiResponse,
    in_flight,
    invalid,
    ip_blocked,
    rate_limited,
    render_error,
    subscription_blocked,
)
from .state import ACCESS, Access, EmulatorSettings, State, StoredProject

BASE = "/api/public/v1"
PROBES_PER_MINUTE = 6
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
KEY = re.compile(r"oec_live_(ro|rw)_[A-Za-z0-9_-]{20,200}", re.ASCII)

# The header that a POST may have, by its path. Any other is ignored.
IDEMPOTENCY_HEADERS = (
    (re.compile(r"/projects(/[^/]+/environments)?|/webhooks"), "x-idempotency-key"),
    (re.compile(r"/environments/[^/]+/(deploy|restart|start|stop|quick-update)"), "idempotency-key"),
    (re.compile(r"/backups/[^/]+/restore"), "idempotency-key"),
)


@dataclass
class ApiRequest:
    """A request, read to its end."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    address: str
    parameters: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        def reject(constant: str) -> None:
            raise ValueError(f"{constant} is not JSON")

        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=reject)
        except (ValueError, RecursionError) as error:
            raise invalid("body", "body", "is not valid JSON") from error


Endpoint = Callable[["Service", ApiRequest, Access], ApiResponse]
Rule = tuple[Callable[[Any], bool], str]


def cursor_after(collection: str, ident: str) -> str:
    """Return the cursor of the page that starts after an item; with an empty id, of the first page."""
    return base64.urlsafe_b64encode(f"{collection}:{ident}".encode()).decode()


class Service:
    def __init__(self, state: State, settings: EmulatorSettings) -> None:
        self.state = state
        self.settings = settings

    # What happens to every request.

    def perform(self, endpoint: Endpoint, request: ApiRequest) -> ApiResponse:
        try:
            access = self._authenticate(request)
        except ApiError as error:
            return self.render(error)
        limited, headers = self._count_request(request, access)
        response = limited or self._with_idempotency(endpoint, request, access)
        response.headers.update(headers)
        return response

    def missing_route(self, method: str, path: str) -> ApiError | None:
        """Return the error in place of an operation that this version of the API does not have."""
        missing = {re.sub(r"{\w*}", "{}", operation) for operation in self.settings.missing_routes}
        if re.sub(r"{\w*}", "{}", f"{method} {path}") in missing:
            status = self.settings.missing_route_status
            return ApiError(status, "", HTTPStatus(status).phrase)
        is_missing = "backups" in path and not self.settings.has_backups
        return ApiError(404, "", "Not Found") if is_missing else None

    def render(self, error: ApiError) -> ApiResponse:
        return render_error(error, self.settings.error_shape)

    def _authenticate(self, request: ApiRequest) -> Access:
        now = self.state.clock.now()
        if now < self.state.blocked_until.get(request.address, now):
            raise ip_blocked()
        scheme, _space, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            key = request.headers.get("x-api-key", "")
        key = key.strip()
        if not key:
            raise ApiError(401, "missing_auth", "Send the API key as Authorization: Bearer KEY.")
        access = ACCESS.get(key)
        if access and key not in self.state.expired:
            return access
        self._count_rejection(request.address, now)
        if not KEY.fullmatch(key):
            raise ApiError(401, "invalid_key_format", "That is not an API key.")
        if access is None:
            raise ApiError(401, "invalid_key", "There is no such API key.")
        raise ApiError(401, "key_expired", "The API key has expired.")

    def _count_rejection(self, address: str, now: datetime) -> None:
        count, last = self.state.rejections.get(address, (0, now))
        count = count + 1 if now - last < timedelta(minutes=1) else 1
        self.state.rejections[address] = (count, now)
        if self.settings.rejected_keys and count >= self.settings.rejected_keys:
            self.state.blocked_until[address] = now + timedelta(minutes=15)
            del self.state.rejections[address]

    def _count_request(self, request: ApiRequest, access: Access) -> tuple[ApiResponse | None, dict[str, str]]:
        """Return a 429 if the limit of this window is reached, and the headers that describe the limit."""
        is_read = request.method == "GET" and not (self.settings.single_bucket and access.writes)
        kind, limit = ("reads", self.settings.reads) if is_read else ("writes", self.settings.writes)
        if limit is None:
            return None, {}
        now, length = self.state.clock.now().timestamp(), self.settings.window
        window = math.floor(now / length)
        end = (window + 1) * length
        seconds = max(1, math.ceil(end - now))
        slot = (access.key, kind, window)
        if self.state.counted[slot] >= limit:
            limited = rate_limited(self.settings.rate_limit_style, seconds)
            if self.settings.rate_limit_style == "nested":
                return limited, {}
        else:
            limited = None
            self.state.counted[slot] += 1
        headers: dict[str, Any] = {"Limit": limit}
        headers |= {"Remaining": max(0, limit - self.state.counted[slot]), "Window": f"{length:g}"}
        if self.settings.rate_limit_reset != "none":
            headers["Reset"] = seconds if self.settings.rate_limit_reset == "seconds" else math.ceil(end)
        return limited, {f"X-RateLimit-{name}": str(value) for name, value in headers.items()}

    def count_call(self, slot: tuple[str, str], limit: int | None, code: str) -> ApiResponse | None:
        """Return a 429 after too many calls, in the minute since the first of them."""
        if limit is None:
            return None
        calls, now = self.state.calls, self.state.clock.now()
        since, count = calls.get(slot, (now, 0))
        if now >= since + timedelta(minutes=1):
            since, count = now, 0
        if count >= limit:
            seconds = max(1, math.ceil(60 - (now - since).total_seconds()))
            limited = rate_limited(self.settings.rate_limit_style, seconds, code)
            limited.is_transient = True
            return limited
        calls[slot] = (since, count + 1)
        return None

    def count_probe(self, route: str, ident: str) -> ApiResponse | None:
        """Return a 429 after too many calls to what asks the customer's server."""
        return self.count_call((route, ident), PROBES_PER_MINUTE, "target_rate_limit")

    def _with_idempotency(self, endpoint: Endpoint, request: ApiRequest, access: Access) -> ApiResponse:
        """Do the work, unless a response is stored for its idempotency key."""
        names = [name for path, name in IDEMPOTENCY_HEADERS if path.fullmatch(request.path)]
        key = request.headers.get(names[0]) if request.method == "POST" and names else None
        if not key:
            return self._work(endpoint, request, access)
        slot = (access.org, key)
        if slot in self.state.in_flight:
            return self.render(in_flight())
        stored = self.state.stored.get(slot)
        if stored and self.state.timestamp() < stored.expires:
            return ApiResponse(stored.status, raw=stored.body.encode(), media_type=stored.media_type, replayed=True)
        response = self._work(endpoint, request, access)
        response.idempotency = slot
        if response.status < 400 or (self.settings.store_errors and not response.is_transient):
            self.state.store(slot, response.status, response.content.decode(), response.media_type)
        return response

    def _work(self, endpoint: Endpoint, request: ApiRequest, access: Access) -> ApiResponse:
        try:
            self._permit(endpoint, request, access)
            return endpoint(self, request, access)
        except ApiError as error:
            response = self.render(error)
            response.is_transient = error.code == "concurrent_action"
            return response

    def _permit(self, endpoint: Endpoint, request: ApiRequest, access: Access) -> None:
        is_write = request.method != "GET"
        if self.settings.subscription_blocked and (is_write or self.settings.subscription_blocks_reads):
            raise subscription_blocked()
        if self.settings.plan_feature_required:
            message = "The organization's plan does not include the API."
            raise ApiError(403, "plan_feature_required", message, required_plan="starter", current_plan="free")
        if is_write and not access.writes:
            raise ApiError(403, "read_only_key", "This needs a full_access API key.")
        if endpoint in (Service.create_project, Service.delete_project) and access.project_id:
            # The reference names the code of a delete only.
            is_other = self.settings.org_scope_required and request.method == "POST"
            code = "org_scope_required" if is_other else "project_scoped_key"
            raise ApiError(403, code, "This needs an org-scoped API key.")

    # Projects and servers.

    def list_projects(self, request: ApiRequest, access: Access) -> ApiResponse:
        items = [(ident, project) for ident, project in self.state.projects.items() if self.sees(access, project)]
        return page_of("projects", request, [(ident, None if p.deleted else self.state.view(p)) for ident, p in items])

    def list_servers(self, request: ApiRequest, access: Access) -> ApiResponse:
        return page_of("servers", request, [(server["id"], server) for server in self.servers(access)])

    def get_server(self, request: ApiRequest, access: Access) -> ApiResponse:
        ident = uuid_in(request, "server_id")
        for server in self.servers(access):
            if server["id"] == ident and access.project_id is None:
                checked = {"qualification_status": "ready", "last_checked_at": self.state.timestamp()}
                return ApiResponse(200, {**server, **checked})
        raise ApiError(404, "not_found", "Server not found.")

    def create_project(self, request: ApiRequest, access: Access) -> ApiResponse:
        fields = self.valid(request, RULES, required=("name", "server_id"))
        fields["server_id"] = fields["server_id"].lower()
        if self.state.server(access.org, fields["server_id"]) is None:
            raise invalid("body", "server_id", "there is no such server")
        return ApiResponse(201, self.state.add_project(access.org, **fields))

    def get_project(self, request: ApiRequest, access: Access) -> ApiResponse:
        return ApiResponse(200, self.state.view(self.find_project(request, access)))

    def update_project(self, request: ApiRequest, access: Access) -> ApiResponse:
        project = self.find_project(request, access)
        project.fields.update(self.valid(request, {name: RULES[name] for name in CHANGEABLE}))
        return ApiResponse(200, self.state.view(project))

    def delete_project(self, request: ApiRequest, access: Access) -> ApiResponse:
        if request.headers.get("x-confirm-delete") != "true":
            raise ApiError(400, "confirm_required", "Deleting needs the header X-Confirm-Delete: true.")
        project = self.find_project(request, access)
        busy, pending = self.state.environments.count_busy(project.fields["id"])
        pending = (project.pending + pending) * self.settings.pending_blocks_delete
        if blocking := project.running + busy + pending:
            message = f"{blocking} environment(s) are still running or deploying. Stop them first."
            raise ApiError(409, "environments_running", message)
        self.state.remove(project.fields["id"])
        return ApiResponse(204, raw=b"")

    def sees(self, access: Access, project: StoredProject) -> bool:
        return project.org == access.org and access.project_id in (None, project.fields["id"])

    def servers(self, access: Access) -> list[dict[str, Any]]:
        counts: Counter[str] = Counter()
        for project in self.state.projects_of(access.org):
            counts[project["server_id"]] += project["environment_count"]
        servers = self.state.servers[access.org]
        return [{**server, "environment_count": counts[server["id"]]} for server in servers]

    def find_project(self, request: ApiRequest, access: Access) -> StoredProject:
        project = self.state.projects.get(uuid_in(request, "project_id"))
        if project is None or project.deleted or not self.sees(access, project):
            raise ApiError(404, "not_found", "Project not found.")
        return project

    def valid(self, request: ApiRequest, rules: Mapping[str, Rule], required: Iterable[str] = ()) -> dict[str, Any]:
        """Return the known fields of the body, checked. Unknown fields are ignored, as the service does."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = request.json()
        if media_type != "application/json" or not isinstance(body, dict):
            raise invalid("body", "body", "must be a JSON object, sent as application/json")
        fields = {name: body[name] for name in rules if name in body}
        problems = [("body", name, "is required") for name in required if name not in fields]
        for name, value in fields.items():
            if name == "name" and isinstance(value, str) and self.settings.normalise_names:
                fields[name] = value = value.strip()
            if not rules[name][0](value):
                problems.append(("body", name, rules[name][1]))
        if problems:
            raise ApiError(422, "validation", details=problems)
        return fields


def text(shortest: int, longest: int) -> Rule:
    problem = f"must be a string of {shortest} to {longest} characters"
    return lambda value: isinstance(value, str) and shortest <= len(value) <= longest, problem


def matching(pattern: re.Pattern[str], problem: str) -> Rule:
    return lambda value: isinstance(value, str) and bool(pattern.match(value)), problem


def one_of(*words: str) -> Rule:
    return lambda value: value in words, f"must be one of {', '.join(words)}"


BOOLEAN: Rule = (lambda value: isinstance(value, bool), "must be true or false")
IDENT = matching(re.compile(rf"{UUID.pattern}\Z", UUID.flags), "must be a UUID")
RULES: dict[str, Rule] = {
    "name": text(1, 255),
    "server_id": IDENT,
    "git_repo_url": matching(re.compile(r"https://[^\s/]"), "must be an https URL"),
    "default_branch": text(0, 255),
    "odoo_version": (lambda value: isinstance(value, str), "must be a string"),
}
CHANGEABLE = ("name", "default_branch", "git_repo_url")


def uuid_in(request: ApiRequest, name: str) -> str:
    ident = request.parameters[name]
    if not UUID.fullmatch(ident):
        raise invalid("path", name, "must be a UUID")
    return ident.lower()


def word_in(request: ApiRequest, name: str, words: set[str]) -> str | None:
    word = request.query.get(name)
    if word is not None and word.lower() not in words:
        raise invalid("query", name, f"must be one of {', '.join(sorted(words))}")
    return None if word is None else word.lower()


def number_in(request: ApiRequest, name: str, default: int, highest: float = math.inf, lowest: int = 1) -> int:
    """Return a whole number of the query."""
    value = request.query.get(name, str(default))
    # int() has a limit of 4300 digits.
    if not re.fullmatch(r"[0-9]{1,1000}", value) or not lowest <= int(value) <= highest:
        raise invalid("query", name, f"must be a whole number from {lowest} to {highest}")
    return int(value)


def page_of(collection: str, request: ApiRequest, items: Sequence[tuple[str, dict[str, Any] | None]]) -> ApiResponse:
    """Return one page. Deleted items (None) keep their position, so that a cursor outlives the item it names."""
    limit, start = number_in(request, "limit", 20, 100), 0
    if (cursor := request.query.get("cursor")) is not None:
        positions = {cursor_after(collection, ident): index for index, (ident, _item) in enumerate(items, 1)}
        positions[cursor_after(collection, "")] = 0
        if cursor not in positions:
            raise ApiError(400, "bad_request", "Unknown cursor.")
        start = positions[cursor]
    rest = [item for _ident, item in items[start:] if item]
    found = rest[:limit]
    more = len(rest) > len(found)
    pagination = {
        "has_more": more,
        "next_cursor": cursor_after(collection, found[-1]["id"]) if more else None,
        "total": sum(1 for _ident, item in items if item),
    }
    return ApiResponse(200, {"data": found, "pagination": pagination}, collection=collection)


ROUTES: dict[str, dict[str, Endpoint]] = {
    "/projects": {"GET": Service.list_projects, "POST": Service.create_project},
    "/projects/{project_id}": {
        "GET": Service.get_project,
        "PATCH": Service.update_project,
        "DELETE": Service.delete_project,
    },
    "/servers": {"GET": Service.list_servers},
    "/servers/{server_id}": {"GET": Service.get_server},
}
