# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time. Do not import it from elsewhere.

"""The API's six operations, typed; pages; and a create that makes exactly one project."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from ansible_collections.oecsh.cloud.plugins.module_utils._errors import (
    NoAnswerError,
    OecError,
    RefusedError,
    UnexpectedAnswerError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._transport import Answer, Transport, is_uuid

PAGE_SIZE = 100
READ_ONLY_PREFIX = "oec_live_ro_"

_NAMESPACE = uuid5(NAMESPACE_URL, "https://api.oec.sh/api/public/v1/projects")


@dataclass(frozen=True)
class Project:
    """A project as the API shows it (reference: Project Object Fields). `fields` is its object, untouched."""

    id: str
    name: str
    odoo_version: str | None
    git_repo_url: str | None
    default_branch: str | None
    server_id: str | None
    created_at: str | None
    fields: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, item: Any, request: str) -> Project:
        read = _Reader(item, f"{request} answered a project")
        texts = ("odoo_version", "git_repo_url", "default_branch", "server_id", "created_at")
        optional = {name: read.optional_text(name) for name in texts}
        return cls(id=read.uuid("id"), name=read.text("name"), fields=read.item, **optional)


@dataclass(frozen=True)
class Server:
    """A server as the API shows it (reference: Server Object Fields). `fields` is its object, untouched."""

    id: str
    name: str
    provider: str | None
    region: str | None
    fields: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, item: Any, request: str) -> Server:
        read = _Reader(item, f"{request} answered a server")
        texts = ("provider", "region")
        optional = {name: read.optional_text(name) for name in texts}
        return cls(id=read.uuid("id"), name=read.text("name"), fields=read.item, **optional)


class _Reader:
    """Takes typed fields out of an item of an answer, or fails naming the request and the field."""

    def __init__(self, item: Any, answered: str) -> None:
        if not isinstance(item, dict):
            raise _unexpected(f"{answered} that is a JSON {type(item).__name__}, not an object")
        self.item: dict[str, Any] = item
        self._answered = answered

    def optional_text(self, name: str) -> str | None:
        value = self.item.get(name)
        if value is not None and not isinstance(value, str):
            raise _unexpected(f"{self._answered} whose {name} is a JSON {type(value).__name__}, not a string")
        return value

    def text(self, name: str) -> str:
        value = self.optional_text(name)
        if value is None:
            raise _unexpected(f"{self._answered} without {name}")
        return value

    def uuid(self, name: str) -> str:
        value = self.text(name)
        if not is_uuid(value):
            raise _unexpected(f"{self._answered} whose {name} is not a UUID")
        return value


def _unexpected(message: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        message,
        "The API reference describes something else: check api_url; if it is right, report this to the collection.",
    )


@dataclass(frozen=True)
class Listing:
    """All projects, in the API's order, and the server's clock when the first page was read (None: it did not say)."""

    projects: list[Project]
    date: datetime | None


Item = TypeVar("Item", Project, Server)


class Client:
    """The operations of the API. Every method raises OecError subclasses only."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def require_full_access(self) -> None:
        """Refuses a write before it is sent, where the key says by its prefix that it may only read."""
        if self._transport.settings.api_key.startswith(READ_ONLY_PREFIX):
            raise RefusedError(
                "there is something to change, and this is a read-only API key (oec_live_ro_...); nothing was sent",
                "Use a full access key (oec_live_rw_...), or check mode to see what would change.",
                code="read_only_key",
            )

    def projects(self) -> Listing:
        """Reference: List Projects."""
        return Listing(*self._all("/projects", Project.parse))

    def servers(self) -> list[Server]:
        """Reference: List Servers."""
        return self._all("/servers", Server.parse)[0]

    def project(self, project_id: str) -> Project | None:
        """Reference: Get Project. None where the API says that there is no such project."""
        try:
            answer = self._transport.request("GET", _project_path(project_id))
        except RefusedError as refused:
            if not refused.not_found:
                raise
            if refused.code is None:
                # Where api_url is wrong, everything is 404: then the list fails as well.
                self.projects()
            return None
        return Project.parse(answer.body, answer.request)

    def update(self, project_id: str, changes: Mapping[str, str]) -> Project:
        """Reference: Update Project. `changes`: any of name, default_branch, git_repo_url."""
        answer = self._transport.request("PATCH", _project_path(project_id), body=changes)
        return Project.parse(answer.body, answer.request)

    def delete(self, project_id: str) -> None:
        """Reference: Delete Project. One that is gone already is as good as deleted."""
        try:
            self._transport.request("DELETE", _project_path(project_id), headers={"X-Confirm-Delete": "true"})
        except RefusedError as refused:
            if not refused.not_found:
                raise

    def create(self, body: Mapping[str, str], listing: Listing, idempotency_key: str | None = None) -> Project:
        """Makes one project, however often and by however many this is called at once (reference: Create Project).

        `body`: name, server_id, and any of git_repo_url, default_branch, odoo_version. `listing`: what was read before,
        without a project of that name. `idempotency_key`: the user's own, which is sent as it is.
        """
        key = idempotency_key or str(uuid5(_NAMESPACE, _canonical(body)))
        known = {project.id for project in listing.projects}
        replayed: set[str] = set()
        while True:
            project = self._post(body, key, listing, is_derived=idempotency_key is None)
            current = self._current(project, listing)
            if current is not None and (idempotency_key is None or current.id not in known):
                return current
            if idempotency_key is not None or project.id in replayed:
                raise UnexpectedAnswerError(
                    f"the API repeated its answer to an earlier create: {project.id}, which is not the one declared",
                    "Give another idempotency_key, or none." if idempotency_key else "Run this again in 24 hours.",
                )
            replayed.add(project.id)
            key = _next_key(key, project.id)

    def _post(
        self,
        body: Mapping[str, str],
        key: str,
        listing: Listing,
        *,
        is_derived: bool,
        is_settled: Callable[[], bool] | None = None,
    ) -> Project:
        headers = {"X-Idempotency-Key": key}
        try:
            answer = self._transport.request("POST", "/projects", body=body, headers=headers, is_settled=is_settled)
        except NoAnswerError:
            adopted = self._made_since(listing, body["name"])
            if adopted is None:
                raise
            return adopted
        except RefusedError as refused:
            if not is_derived or not refused.is_about_the_request:
                raise
            return self._confirm(body, key, listing, refused)
        return Project.parse(answer.body, answer.request)

    def _confirm(self, body: Mapping[str, str], key: str, listing: Listing, refused: RefusedError) -> Project:
        """A refusal may be a stored answer whose cause is mended since: looks, and asks once more under a new key.

        Under the same key after a 409, which may be the words for "still being served": a new one would make a second.
        """
        try:
            again = self.projects()
        except OecError:
            # What matters to the user is why the create was refused.
            raise refused from None
        adopted = _only_new(again, listing, body["name"])
        if adopted is not None:
            return adopted
        if refused.status != HTTPStatus.CONFLICT:
            key = _next_key(key, (again.date or self._now()).strftime("%Y-%m-%dT%H:%M"))

        def is_settled() -> bool:
            # In the next minute another job asks under another key.
            return self._made_since(again, body["name"]) is not None

        return self._post(body, key, again, is_derived=False, is_settled=is_settled)

    def _made_since(self, listing: Listing, name: str) -> Project | None:
        try:
            return _only_new(self.projects(), listing, name)
        except OecError:
            # What matters to the user is why the create got no answer; the caller reports that.
            return None

    def _current(self, project: Project, listing: Listing) -> Project | None:
        """The project, unless it was made before `listing` was read and is gone or has another name since."""
        created = _moment(project.created_at)
        if created is not None and listing.date is not None and created >= listing.date:
            return project
        found = self.project(project.id)
        return found if found is not None and found.name == project.name else None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._transport.clock.now(), timezone.utc)

    def _all(self, path: str, parse: Callable[[Any, str], Item]) -> tuple[list[Item], datetime | None]:
        """Every page of a list (reference: List Projects, List Servers). What shows up on two pages counts once."""
        first = answer = self._transport.request("GET", path, query={"limit": PAGE_SIZE})
        items: dict[str, Item] = {}
        cursors: set[str] = set()
        while True:
            found, cursor = _page(answer)
            for item in found:
                parsed = parse(item, answer.request)
                items.setdefault(parsed.id, parsed)
            if cursor is None:
                return list(items.values()), first.date
            if cursor in cursors:
                raise _unexpected(f"{answer.request} gave a cursor that it had given before, so its pages never end")
            cursors.add(cursor)
            answer = self._transport.request("GET", path, query={"limit": PAGE_SIZE, "cursor": cursor})


def _page(answer: Answer) -> tuple[list[Any], str | None]:
    """The items of a page, and the cursor of the next one (None: this is the last)."""
    items, pagination = answer.body.get("data"), answer.body.get("pagination")
    if not isinstance(items, list):
        raise _unexpected(f"{answer.request} answered without a list of data")
    if not isinstance(pagination, dict) or not isinstance(pagination.get("has_more"), bool):
        raise _unexpected(f"{answer.request} answered without pagination.has_more")
    if not pagination["has_more"]:
        return items, None
    cursor = pagination.get("next_cursor")
    if not isinstance(cursor, str) or not cursor or not cursor.isprintable():
        raise _unexpected(f"{answer.request} says that there are more pages, but gives no cursor to read them")
    return items, cursor


def _project_path(project_id: str) -> str:
    if not is_uuid(project_id):
        raise ValueError(f"not a UUID: {project_id!r}")
    return f"/projects/{project_id}"


def _only_new(again: Listing, before: Listing, name: str) -> Project | None:
    known = {project.id for project in before.projects}
    new = [project for project in again.projects if project.name == name and project.id not in known]
    return new[0] if len(new) == 1 else None


def _canonical(body: Mapping[str, str]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _next_key(key: str, salt: str) -> str:
    return str(uuid5(UUID(key), salt))


def _moment(created_at: str | None) -> datetime | None:
    """An ISO 8601 moment; without a time zone it is taken as UTC. None where there is none to read."""
    try:
        # Python 3.10 does not read the Z.
        moment = datetime.fromisoformat((created_at or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
