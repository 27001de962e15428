# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API itself: who may do what, how often, and the six operations. No HTTP framework and no faults in here."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .answers import Answer, ApiError, in_flight, ip_blocked, rate_limited, shaped
from .state import ACCESS, Access, Project, Settings, State

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
KEY = re.compile(r"oec_live_(ro|rw)_[A-Za-z0-9_-]{20,200}", re.ASCII)


@dataclass
class Call:
    """A request, read to its end."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    address: str
    parameters: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        def refuse(constant: str) -> None:
            raise ValueError(f"{constant} is not JSON")

        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=refuse)
        except (ValueError, RecursionError) as problem:
            raise ApiError(422, "validation", details=[("body", "body", "is not valid JSON")]) from problem


Operation = Callable[["Service", Call, Access], Answer]


def cursor_after(kind: str, ident: str) -> str:
    """The cursor of the page that begins behind an item; with an empty id, of the first page."""
    return base64.urlsafe_b64encode(f"{kind}:{ident}".encode()).decode()


class Service:
    def __init__(self, state: State, settings: Settings) -> None:
        self.state = state
        self.settings = settings

    # What happens to every request.

    def perform(self, operation: Operation, call: Call) -> Answer:
        try:
            access = self._authenticate(call)
        except ApiError as refusal:
            return shaped(refusal, self.settings.error_shape)
        headers, over = self._spend(call, access)
        answer = over or self._once(operation, call, access)
        answer.headers.update(headers)
        return answer

    def _authenticate(self, call: Call) -> Access:
        now = self.state.clock.now()
        if now < self.state.blocked_until.get(call.address, now):
            raise ip_blocked()
        scheme, _blank, key = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            key = call.headers.get("x-api-key", "")
        key = key.strip()
        if not key:
            raise ApiError(401, "missing_auth", "Send the API key as Authorization: Bearer KEY.")
        access = ACCESS.get(key)
        if access and not access.expired:
            return access
        self._count_refused(call.address, now)
        if not KEY.fullmatch(key):
            raise ApiError(401, "invalid_key_format", "That is not an API key.")
        if access is None:
            raise ApiError(401, "invalid_key", "There is no such API key.")
        raise ApiError(401, "key_expired", "The API key has expired.")

    def _count_refused(self, address: str, now: datetime) -> None:
        recent = [then for then in self.state.refusals.get(address, []) if now - then < timedelta(minutes=1)]
        self.state.refusals[address] = [*recent, now]
        if self.settings.refused_keys and len(recent) + 1 >= self.settings.refused_keys:
            self.state.blocked_until[address] = now + timedelta(minutes=15)
            self.state.refusals[address] = []

    def _spend(self, call: Call, access: Access) -> tuple[dict[str, str], Answer | None]:
        kind, limit = ("reads", self.settings.reads) if call.method == "GET" else ("writes", self.settings.writes)
        if limit is None:
            return {}, None
        now, length = self.state.clock.now().timestamp(), self.settings.window
        window = math.floor(now / length)
        spent_in, spent = self.state.spent.get((access.key, kind), (window, 0))
        spent = spent if spent_in == window else 0
        over = None
        if spent >= limit:
            over = rate_limited(self.settings.rate_limit_style, max(1, math.ceil((window + 1) * length - now)))
        else:
            spent += 1
        self.state.spent[access.key, kind] = (window, spent)
        headers = {"Limit": str(limit), "Remaining": str(limit - spent), "Window": f"{length:g}"}
        return {f"X-RateLimit-{name}": value for name, value in headers.items()}, over

    def _once(self, operation: Operation, call: Call, access: Access) -> Answer:
        """Do the work, unless there is a stored answer for its idempotency key."""
        key = call.headers.get("x-idempotency-key") if call.method == "POST" else None
        if not key:
            return self._work(operation, call, access)
        slot = (access.org, key)
        if slot in self.state.in_flight:
            return shaped(in_flight(), self.settings.error_shape)
        stored = self.state.stored.get(slot)
        if stored and self.state.timestamp() < stored.expires:
            return Answer(stored.status, raw=stored.body.encode(), media_type=stored.media_type, replayed=True)
        answer = self._work(operation, call, access)
        answer.idempotency = slot
        if answer.status < 400 or self.settings.store_errors:
            self.state.store(slot, answer.status, answer.content.decode(), answer.media_type)
        return answer

    def _work(self, operation: Operation, call: Call, access: Access) -> Answer:
        try:
            self._permit(call, access)
            return operation(self, call, access)
        except ApiError as refusal:
            return shaped(refusal, self.settings.error_shape)

    def _permit(self, call: Call, access: Access) -> None:
        if self.settings.subscription_blocked:
            raise ApiError(402, "subscription_blocked", "The organisation's subscription is blocked.")
        if self.settings.plan_feature_required:
            raise ApiError(403, "plan_feature_required", "The organisation's plan does not include the API.")
        if call.method != "GET" and not access.writes:
            raise ApiError(403, "read_only_key", "This needs a full_access API key.")
        if call.method in ("POST", "DELETE") and access.project_id:
            raise ApiError(403, "project_scoped_key", "This needs an org-scoped API key.")

    # The six operations.

    def list_projects(self, call: Call, access: Access) -> Answer:
        items = [(ident, project) for ident, project in self.state.projects.items() if self._sees(access, project)]
        return _page("projects", call, [(ident, None if p.deleted else p.shown) for ident, p in items])

    def list_servers(self, call: Call, access: Access) -> Answer:
        environments: dict[str, int] = {}
        for project in self.state.shown(access.org):
            on = project["server_id"]
            environments[on] = environments.get(on, 0) + project["environment_count"]
        servers = self.state.servers[access.org]
        shown = [{**server, "environment_count": environments.get(server["id"], 0)} for server in servers]
        return _page("servers", call, [(server["id"], server) for server in shown])

    def create_project(self, call: Call, access: Access) -> Answer:
        wanted = self._valid(call, RULES, required=("name", "server_id"))
        if self.state.server(access.org, wanted["server_id"].lower()) is None:
            raise ApiError(422, "validation", details=[("body", "server_id", "there is no such server")])
        wanted["server_id"] = wanted["server_id"].lower()
        return Answer(201, self.state.add_project(access.org, **wanted))

    def get_project(self, call: Call, access: Access) -> Answer:
        return Answer(200, dict(self._find(call, access).shown))

    def update_project(self, call: Call, access: Access) -> Answer:
        project = self._find(call, access)
        project.shown.update(self._valid(call, ("name", "default_branch", "git_repo_url")))
        return Answer(200, dict(project.shown))

    def delete_project(self, call: Call, access: Access) -> Answer:
        if call.headers.get("x-confirm-delete") != "true":
            raise ApiError(400, "confirm_required", "Deleting needs the header X-Confirm-Delete: true.")
        project = self._find(call, access)
        if project.running:
            message = f"{project.running} environment(s) are still running or deploying. Stop them first."
            raise ApiError(409, "environments_running", message)
        project.deleted = True
        return Answer(204, raw=b"")

    def _sees(self, access: Access, project: Project) -> bool:
        return project.org == access.org and access.project_id in (None, project.shown["id"])

    def _find(self, call: Call, access: Access) -> Project:
        ident = call.parameters["project_id"]
        if not UUID.fullmatch(ident):
            raise ApiError(422, "validation", details=[("path", "project_id", "must be a UUID")])
        project = self.state.projects.get(ident.lower())
        if project is None or project.deleted or not self._sees(access, project):
            raise ApiError(404, "not_found", "Project not found.")
        return project

    def _valid(self, call: Call, known: Iterable[str], required: Iterable[str] = ()) -> dict[str, Any]:
        """The known fields of the body, checked. Unknown ones are ignored, as the service does."""
        media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = call.json()
        if media_type != "application/json" or not isinstance(body, dict):
            raise ApiError(
                422, "validation", details=[("body", "body", "must be a JSON object, sent as application/json")]
            )
        wanted = {name: body[name] for name in known if name in body}
        problems = [("body", name, "is required") for name in required if name not in wanted]
        for name, value in wanted.items():
            if not isinstance(value, str):
                problems.append(("body", name, "must be a string"))
                continue
            if name == "name" and self.settings.normalise_names:
                wanted[name] = value = value.strip()
            if not RULES[name][0](value):
                problems.append(("body", name, RULES[name][1]))
        if problems:
            raise ApiError(422, "validation", details=problems)
        return wanted


RULES: dict[str, tuple[Callable[[str], bool], str]] = {
    "name": (lambda value: 1 <= len(value) <= 255, "must have 1 to 255 characters"),
    "server_id": (lambda value: bool(UUID.fullmatch(value)), "must be a UUID"),
    "git_repo_url": (lambda value: bool(re.match(r"https://[^\s/]", value)), "must be an https URL"),
    "default_branch": (lambda value: len(value) <= 255, "must have at most 255 characters"),
    "odoo_version": (lambda value: True, ""),
}


def _page(kind: str, call: Call, items: list[tuple[str, dict[str, Any] | None]]) -> Answer:
    """One page. Deleted items (None) still mark their place, so that a cursor outlives the item it was made from."""
    limit, start = call.query.get("limit", "20"), 0
    if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= 100:
        raise ApiError(422, "validation", details=[("query", "limit", "must be a number from 1 to 100")])
    if (cursor := call.query.get("cursor")) is not None:
        places = {cursor_after(kind, ident): place for place, (ident, _shown) in enumerate(items, 1)}
        places[cursor_after(kind, "")] = 0
        if cursor not in places:
            raise ApiError(400, "bad_request", "Unknown cursor.")
        start = places[cursor]
    rest = [shown for _ident, shown in items[start:] if shown]
    found = rest[: int(limit)]
    more = len(rest) > len(found)
    pagination = {
        "has_more": more,
        "next_cursor": cursor_after(kind, found[-1]["id"]) if more else None,
        "total": sum(1 for _ident, shown in items if shown),
    }
    return Answer(200, {"data": found, "pagination": pagination})


ROUTES: dict[str, dict[str, Operation]] = {
    "/projects": {"GET": Service.list_projects, "POST": Service.create_project},
    "/projects/{project_id}": {
        "GET": Service.get_project,
        "PATCH": Service.update_project,
        "DELETE": Service.delete_project,
    },
    "/servers": {"GET": Service.list_servers},
}
