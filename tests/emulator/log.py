# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of requests and of the responses to them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class LoggedRequest:
    time: str
    method: str
    path: str  # below /api/public/v1
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    json: Any  # None if the body was not JSON
    status: int | None = None  # None: no response (yet), or the connection was cut
    fault: str | None = None
    replayed: bool = False


Check = Callable[[LoggedRequest], list[str]]


class RequestLog:
    """Every API request, in the order of arrival. Patterns are regular expressions for the whole path."""

    def __init__(self, check: Check | None = None) -> None:
        self._lock = threading.Lock()
        self._check = check
        self._entries: list[LoggedRequest] = []
        self._problems: list[str] = []

    def add(self, entry: LoggedRequest) -> None:
        problems = self._check(entry) if self._check else []
        with self._lock:
            self._entries.append(entry)
            self._problems += problems

    def take_problems(self) -> list[str]:
        """Return what the check has found since the last call. `clear` and a reset of the emulator keep it."""
        with self._lock:
            taken, self._problems = self._problems, []
            return taken

    def clear(self) -> None:
        with self._lock:
            self._entries = []

    def requests(self, method: str | None = None, path: str | None = None) -> list[LoggedRequest]:
        with self._lock:
            return [
                entry
                for entry in self._entries
                if method in (None, entry.method) and (path is None or re.fullmatch(path, entry.path))
            ]

    @property
    def writes(self) -> list[LoggedRequest]:
        return [entry for entry in self.requests() if entry.method in ("POST", "PATCH", "DELETE")]

    def count(self, operation: str | None = None) -> int:
        """Count the requests: all, those of one method ("GET"), or those to one path ("GET /projects")."""
        method, _space, path = (operation or "").partition(" ")
        return len(self.requests(method or None, path or None))
