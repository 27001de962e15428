# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The operations of the API on the objects of a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import Clock, HttpClient, RateLimit
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import PAGE_SIZE, Query, invalid_response
from ansible_collections.oecsh.cloud.plugins.module_utils._api.retry import Replay
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError, RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid


@dataclass(frozen=True)
class Listing:
    """All objects of a kind, in the API's order, and the server's time of the first page (None: it did not say)."""

    objects: list[Object]
    date: datetime | None

    @property
    def ids(self) -> set[str]:
        return {item["id"] for item in self.objects}


class ResourceApi:
    """The objects of one kind, or those that belong to one parent. All methods raise OecError only."""

    def __init__(self, kind: Kind, http: HttpClient, parent_id: str | None = None) -> None:
        self.kind = kind
        self.collection = kind.collection_path(parent_id)
        self._http = http
        self._parent_id = parent_id
        self._known: Listing | None = None

    @property
    def known(self) -> Listing:
        """The list as it was first read: what existed before this run wrote anything."""
        if self._known is None:
            self._known = self.list()
        return self._known

    def list(self, limit: int | None = None) -> Listing:
        """Read every page, or as many as `limit` objects need. An object on two pages counts once."""
        pages = self.kind.pages
        query: Query | None = pages.first(min(limit or PAGE_SIZE, PAGE_SIZE))
        items: dict[str, Object] = {}
        asked: list[Query] = []
        date = None
        while query is not None and (limit is None or len(items) < limit):
            asked.append(query)
            response = self._http.request("GET", self.collection, replay=Replay.SAFE, query=query)
            date = date or response.date
            count = len(items)
            page, query = pages.read(response, query, count)
            for item in page:
                checked = self.kind.check(item, response.request)
                items.setdefault(checked["id"], {**checked, **self._belongs(checked)})
            if query in asked or (query and pages.is_counted and len(items) == count):
                raise invalid_response(f"{response.request} has pages that never end")
        return Listing(list(items.values())[:limit], date)

    def _belongs(self, item: Object) -> Object:
        """Return the field that says to what an object belongs, if the API leaves it out where it lists just those."""
        field = self.kind.parent[0].name if self.kind.parent and self._parent_id else ""
        return {field: self._parent_id} if field and item.get(field) is None else {}

    def get(self, object_id: str) -> Object | None:
        """Read one object (reference: Get Project). Return None where the API says that it does not exist."""
        try:
            response = self._http.request("GET", self._path(object_id), replay=Replay.SAFE)
        except RejectedError as error:
            if not error.is_not_found:
                raise
            if error.failure.code in ("rejected", "validation_error"):
                # Without a code of the API it may be a wrong api_url: then a list fails as well.
                kind = self.kind.parent[1] if self.kind.parent and self.kind.is_nested else self.kind
                if not kind.collection:
                    ResourceApi(kind, self._http).list(1)
            return None
        return self.kind.check(response.body, response.request)

    def is_hidden(self, object_id: str) -> bool:
        """Return whether an object that cannot be read exists all the same, as far as its kind leaves a trace."""
        return bool(self.kind.trace) and self.find(object_id, self.kind.trace, lines=1) is not None

    def create(
        self, body: Mapping[str, Any], key: str | None = None, stop_retrying: Callable[[], bool] | None = None
    ) -> Object:
        """Send one create (reference: Create Project); without an idempotency key, it is never repeated blindly."""
        response = self._http.request(
            "POST",
            self.collection,
            replay=Replay.KEYED if key else Replay.NEVER,
            body=self.kind.request_body(body),
            headers={"X-Idempotency-Key": key} if key else None,
            stop_retrying=stop_retrying,
        )
        return self.kind.check(response.body, response.request)

    def update(self, object_id: str, body: Mapping[str, Any]) -> Object:
        """Send the fields that change (reference: Update Project)."""
        response = self._http.request(
            "PATCH", self._path(object_id), replay=Replay.SAFE, body=self.kind.request_body(body)
        )
        return self.kind.check(response.body, response.request)

    def delete(self, object_id: str) -> Object:
        """Delete one object (reference: Delete Project), and return the body of the response, which may be empty.

        One that does not exist any more counts as deleted.
        """
        headers = self.kind.delete_headers
        try:
            return self._http.request("DELETE", self._path(object_id), replay=Replay.SAFE, headers=headers).body
        except RejectedError as error:
            if not error.is_not_found:
                raise
            return {}

    def read(self, object_id: str, part: str, **query: str | int) -> Object:
        """Return what the API tells about one object besides it, such as its `status`."""
        path = f"{self._path(object_id)}/{part}"
        return self._http.request("GET", path, replay=Replay.SAFE, query=query or None).body

    def find(self, object_id: str, part: str, **query: str | int) -> Object | None:
        """Read a part as `read` does. Return None where the API says that there is none."""
        try:
            return self.read(object_id, part, **query)
        except RejectedError as error:
            if not error.is_not_found:
                raise
            return None

    def read_single(self, part: str = "") -> Object:
        """Return the one object of a kind that has no list, or what the API tells about it besides."""
        path = f"{self.kind.path}/{part}" if part else self.kind.path
        return self._http.request("GET", path, replay=Replay.SAFE).body

    def act(
        self,
        object_id: str,
        action: str,
        body: Mapping[str, Any] | None,
        key: str,
        stop_retrying: Callable[[], bool] | None = None,
    ) -> Object:
        """Start an action under an idempotency key, and return the response: {task_id, status}."""
        path = f"{self._path(object_id)}/{action}"
        response = self._http.request(
            "POST",
            path,
            replay=Replay.KEYED,
            body=body,
            headers={"Idempotency-Key": key, **(self.kind.action_headers or {})},
            stop_retrying=stop_retrying,
        )
        if not is_uuid(str(response.body.get("task_id"))):
            raise invalid_response(f"{response.request} returned no task_id")
        return response.body

    @property
    def key_fingerprint(self) -> str:
        """A text that differs from one API key to the next, and says nothing about it."""
        return self._http.settings.key_fingerprint

    def now(self) -> datetime:
        return self._http.server_time()

    def _path(self, object_id: str) -> str:
        if not is_uuid(object_id):
            raise ValueError(f"not a UUID: {object_id!r}")
        return f"{self.kind.path}/{object_id}"


class Client:
    """The whole API, a kind at a time."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._apis: dict[tuple[str, str | None], ResourceApi] = {}

    def of(self, kind: Kind, parent_id: str | None = None) -> ResourceApi:
        """Return the objects of a kind; `parent_id` is needed where they are listed or created with their parent."""
        return self._apis.setdefault((kind.name, parent_id), ResourceApi(kind, self._http, parent_id))

    @property
    def clock(self) -> Clock:
        return self._http.clock

    @property
    def read_limit(self) -> RateLimit:
        return self._http.read_limit

    @property
    def requests(self) -> dict[str, int]:
        """Return how many reads and writes were sent so far, repeated ones included."""
        reads = self._http.sent["GET"]
        return {"reads": reads, "writes": self._http.sent.total() - reads}

    def server_time(self) -> datetime:
        """Return the time as the API has it, or else the own one."""
        return self._http.server_time()

    @property
    def started(self) -> datetime:
        """The server's time of the first response to this run, or else the own one."""
        return self._http.started or self.server_time()

    def hide(self, secrets: Iterable[str]) -> None:
        self._http.hide(secrets)

    def require_full_access(self) -> None:
        """Raise `read_only_key` before a write is sent, where the key says by its prefix that it may only read."""
        if self._http.settings.is_read_only:
            raise OecError(
                "read_only_key",
                "changes are needed, but the API key is read-only (oec_live_ro_...); nothing was written",
                "Use a full access key (oec_live_rw_...), or check mode to see what would change.",
            )
