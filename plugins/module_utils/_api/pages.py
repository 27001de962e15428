# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The shapes in which the API returns a list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import Response
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError

PAGE_SIZE = 100

Query = Mapping[str, "str | int"]


class Pages(ABC):
    """How one list is read. `is_counted`: the next page is found by counting, so that one without news is the last."""

    is_counted = False

    @abstractmethod
    def first(self, size: int) -> Query:
        """Return the query of the first page."""

    @abstractmethod
    def read(self, response: Response, query: Query, count: int) -> tuple[list[Any], Query | None]:
        """Return the items of a page, and the query of the next one (None: this is the last).

        `count`: how many items were read before. Raise OecError `invalid_response`.
        """


class CursorPages(Pages):
    """`{data: [], pagination: {has_more, next_cursor}}` (reference: List Projects, List Servers)."""

    def first(self, size: int) -> Query:
        return {"limit": size}

    def read(self, response: Response, query: Query, count: int) -> tuple[list[Any], Query | None]:
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
        return items, {"limit": query["limit"], "cursor": cursor}


class NumberedPages(Pages):
    """`{items: [], total}`, without what differs between versions: `pages` and `total_pages` (GET backups)."""

    is_counted = True

    def first(self, size: int) -> Query:
        return {"page": 1, "page_size": size}

    def read(self, response: Response, query: Query, count: int) -> tuple[list[Any], Query | None]:
        items, total = response.body.get("items"), response.body.get("total")
        if not isinstance(items, list) or not isinstance(total, int):
            raise invalid_response(f"{response.request} returned no list of items with their total")
        is_last = not items or count + len(items) >= total
        return items, None if is_last else {**query, "page": int(query["page"]) + 1}


class WholeList(Pages):
    """A JSON array, and no pages (GET environments)."""

    def first(self, size: int) -> Query:
        return {}

    def read(self, response: Response, query: Query, count: int) -> tuple[list[Any], Query | None]:
        if not isinstance(response.payload, list):
            raise invalid_response(f"{response.request} returned no list")
        return response.payload, None


class OffsetPages(Pages):
    """`{items: [], has_more}`: a page begins after as many items as were received before it (GET webhooks)."""

    is_counted = True

    def first(self, size: int) -> Query:
        return {"limit": size, "offset": 0}

    def read(self, response: Response, query: Query, count: int) -> tuple[list[Any], Query | None]:
        items, has_more = response.body.get("items"), response.body.get("has_more")
        if not isinstance(items, list) or not isinstance(has_more, bool):
            raise invalid_response(f"{response.request} returned no list of items with has_more")
        is_last = not items or not has_more
        return items, None if is_last else {**query, "offset": int(query["offset"]) + len(items)}


CURSOR, NUMBERED, WHOLE, OFFSET = CursorPages(), NumberedPages(), WholeList(), OffsetPages()


def invalid_response(message: str) -> OecError:
    hint = "The API reference describes something else: check api_url; if it is right, report this to the collection."
    return OecError("invalid_response", message, hint)
