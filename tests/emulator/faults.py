# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what goes wrong, with which request, how often."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from .answers import Answer, ApiError, in_flight, ip_blocked, page, rate_limited, shaped
from .service import Call, cursor_after

# Each kind with its parameters; README.md says what they do.
KINDS: dict[str, dict[str, Any]] = {
    "cut_before": {},
    "cut_after": {},
    "cut_midway": {},
    "truncate": {},
    "delay": {"seconds": 1.0},
    "delay_after": {"seconds": 1.0},
    "html": {"status": 502, "after": False},
    "status": {"status": 503, "body": None, "text": None, "headers": {}, "after": False},
    "redirect": {"location": "https://elsewhere.invalid/"},
    "rate_limit": {"style": "header", "retry_after": 1},
    "ip_blocked": {},
    "in_flight": {},
    "replace": {"body": None},
    "cursor_loop": {},
    "missing_cursor": {},
    "repeat_item": {},
    "drop_header": {"name": "Date"},
    "echo": {"status": 422},
}


class Fault:
    """`path` is a regular expression for the whole path below /api/public/v1; `times=None` means for ever;
    the first `skip` requests that match are let through."""

    def __init__(
        self,
        kind: str,
        method: str | None = None,
        path: str | None = None,
        times: int | None = 1,
        skip: int = 0,
        **parameters: Any,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"there is no fault {kind!r}")
        if unknown := set(parameters) - set(KINDS[kind]):
            raise ValueError(f"the fault {kind} has no {', '.join(sorted(unknown))}")
        if times is not None and times < 1:
            raise ValueError("times is at least 1, or None for ever")
        re.compile(path or "")
        self.kind = kind
        self.method = method
        self.path = path
        self.times = times
        self.skip = skip
        self.parameters = {**KINDS[kind], **parameters}

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and (self.path is None or bool(re.fullmatch(self.path, path)))

    def describe(self) -> dict[str, Any]:
        about = {"kind": self.kind, "method": self.method, "path": self.path, "times": self.times, "skip": self.skip}
        return {**about, **self.parameters}


class Faults(list[Fault]):
    """Checked in order with every API request. A fault that is used up leaves the list."""

    def add(self, kind: str, method: str | None = None, path: str | None = None, **more: Any) -> Fault:
        fault = Fault(kind, method, path, **more)
        self.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        for fault in list(self):
            if not fault.matches(method, path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.remove(fault)
            return fault
        return None


def stand_in(kind: str, given: dict[str, Any], call: Call, shape: str) -> Answer | None:
    """The answer that takes the place of the service's own, for the kinds that have one."""
    if kind == "html":
        return page(given["status"], _phrase(given["status"]))
    if kind == "status":
        return _any_status(given, shape)
    if kind == "redirect":
        return Answer(307, raw=b"", headers={"Location": given["location"]})
    if kind == "rate_limit":
        return rate_limited(given["style"], given["retry_after"])
    if kind == "ip_blocked":
        return shaped(ip_blocked(), shape)
    if kind == "in_flight":
        return shaped(in_flight(), shape)
    if kind == "echo":
        key, body = call.headers.get("authorization", ""), call.body.decode("utf-8", "replace")
        refusal = ApiError(given["status"], "validation", f"Refused: Authorization: {key}, body: {body}")
        answer = shaped(refusal, "nested")
        answer.headers["X-Received-Authorization"] = key
        return answer
    return None


def altered(kind: str, given: dict[str, Any], answer: Answer) -> Answer:
    """The service's own answer, spoilt, for the kinds that do so."""
    if kind == "truncate":
        return replace(answer, raw=answer.content[: len(answer.content) // 2])
    if kind == "replace":
        return replace(answer, payload=given["body"], raw=None)
    if not isinstance(answer.payload, dict) or "pagination" not in answer.payload:
        return answer
    items = answer.payload["data"]
    listed = "servers" if items and "provider" in items[0] else "projects"
    changes: dict[str, dict[str, Any]] = {
        "cursor_loop": {"has_more": True, "next_cursor": cursor_after(listed, "")},
        "missing_cursor": {"has_more": True, "next_cursor": None},
        # The next page begins one item too early.
        "repeat_item": {"has_more": True, "next_cursor": cursor_after(listed, items[-2]["id"] if items[1:] else "")},
    }
    pagination = {**answer.payload["pagination"], **changes.get(kind, {})}
    return replace(answer, payload={"data": items, "pagination": pagination})


def _any_status(given: dict[str, Any], shape: str) -> Answer:
    status, headers = given["status"], dict(given["headers"])
    if given["text"] is not None:
        return Answer(
            status, raw=str(given["text"]).encode("utf-8", "replace"), media_type="text/plain", headers=headers
        )
    if given["body"] is not None:
        return Answer(status, given["body"], headers=headers)
    phrase = _phrase(status)
    return replace(shaped(ApiError(status, phrase.lower().replace(" ", "_"), f"{phrase}."), shape), headers=headers)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in {known.value for known in HTTPStatus} else f"Status {status}"
