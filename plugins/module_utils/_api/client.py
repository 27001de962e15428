# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The operations of the API on the objects of a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import HttpClient, Response
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object, invalid_response
from ansible_collections.oecsh.cloud.plugins.module_utils._api.retry import Replay
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError, RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid

PAGE_SIZE = 100


@dataclass(frozen=True)
class Listing:
    """All objects of a kind, in the API's order, and the server's time of the first page (None: it did not say)."""

    objects: list[Object]
    date: datetime | None

    @property
    def ids(self) -> set[str]:
        return {item["id"] for item in self.objects}


class ResourceApi:
    """The objects of one kind. All methods raise OecError only."""

    def __init__(self, kind: Kind, http: HttpClient) -> None:
        self.kind = kind
        self._http = http
        self._known: Listing | None = None

    @property
    def known(self) -> Listing:
        """The list as it was first read: what existed before this run wrote anything."""
        if self._known is None:
            self._known = self.list()
        return self._known

    def list(self) -> Listing:
        """Read every page (reference: List Projects, List Servers). An object on two pages counts once."""
        first = response = self._page()
        items: dict[str, Object] = {}
        cursors: set[str] = set()
        while True:
            page, cursor = _read_page(response)
            for item in page:
                checked = self.kind.check(item, response.request)
                items.setdefault(checked["id"], checked)
            if cursor is None:
                return Listing(list(items.values()), first.date)
            if cursor in cursors:
                raise invalid_response(f"{response.request} returned a cursor for the second time: its pages never end")
            cursors.add(cursor)
            response = self._page(cursor=cursor)

    def get(self, object_id: str) -> Object | None:
        """Read one object (reference: Get Project). Return None where the API says that it does not exist."""
        try:
            response = self._http.request("GET", self._path(object_id), replay=Replay.SAFE)
        except RejectedError as error:
            if not error.is_not_found:
                raise
            if error.failure.code in ("rejected", "validation_error"):
                # Without a code of the API it may be a wrong api_url: then the list fails as well.
                self.list()
            return None
        return self.kind.check(response.body, response.request)

    def create(self, body: Mapping[str, Any], key: str, stop_retrying: Callable[[], bool] | None = None) -> Object:
        """Send one create under an idempotency key (reference: Create Project)."""
        response = self._http.request(
            "POST",
            self.kind.path,
            replay=Replay.KEYED,
            body=body,
            headers={"X-Idempotency-Key": key},
            stop_retrying=stop_retrying,
        )
        return self.kind.check(response.body, response.request)

    def update(self, object_id: str, body: Mapping[str, Any]) -> Object:
        """Send the fields that change (reference: Update Project)."""
        response = self._http.request("PATCH", self._path(object_id), replay=Replay.SAFE, body=body)
        return self.kind.check(response.body, response.request)

    def delete(self, object_id: str) -> None:
        """Delete one object (reference: Delete Project). One that does not exist any more counts as deleted."""
        try:
            headers = self.kind.delete_headers
            self._http.request("DELETE", self._path(object_id), replay=Replay.SAFE, headers=headers)
        except RejectedError as error:
            if not error.is_not_found:
                raise

    @property
    def key_fingerprint(self) -> str:
        """A text that differs from one API key to the next, and says nothing about it."""
        return self._http.settings.key_fingerprint

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._http.clock.now(), timezone.utc)

    def _path(self, object_id: str) -> str:
        if not is_uuid(object_id):
            raise ValueError(f"not a UUID: {object_id!r}")
        return f"{self.kind.path}/{object_id}"

    def _page(self, **query: str) -> Response:
        return self._http.request("GET", self.kind.path, replay=Replay.SAFE, query={"limit": PAGE_SIZE, **query})


class Client:
    """The whole API, a kind at a time."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._apis: dict[str, ResourceApi] = {}

    def of(self, kind: Kind) -> ResourceApi:
        return self._apis.setdefault(kind.name, ResourceApi(kind, self._http))

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


def _read_page(response: Response) -> tuple[list[Any], str | None]:
    """Return the items of a page, and the cursor of the next one (None: this is the last)."""
    items, pagination = response.body.get("data"), response.body.get("pagination")
    if not isinstance(items, list):
        raise invalid_response(f"{response.request} returned no list of data")
    if not isinstance(pagination, dict) or not isinstance(pagination.get("has_more"), bool):
        raise invalid_response(f"{response.request} returned no pagination.has_more")
    if not pagination["has_more"]:
        return items, None
    cursor = pagination.get("next_cursor")
    if not isinstance(cursor, str) or not cursor or not cursor.isprintable():
        raise invalid_response(f"{response.request} returned no cursor for the next page")
    return items, cursor
