# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what goes wrong, with which request, how often."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from .responses import (
    ApiError,
    ApiResponse,
    concurrent_action,
    in_flight,
    invalid,
    ip_blocked,
    page,
    rate_limited,
    render_error,
    subscription_blocked,
    task_in_progress,
)
from .service import ApiRequest, cursor_after

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
    "concurrent_action": {},
    "task_in_progress": {"task_id": None},
    "enqueue_failed": {"retry_after": 5, "after": False},
    "replace": {"body": None},
    "cursor_loop": {},
    "missing_cursor": {},
    "repeat_item": {},
    "drop_header": {"name": "Date"},
    "echo": {"status": 422},
}


class Fault:
    """`path` is a regular expression for the whole path below /api/public/v1; `times=None` means always;
    the first `skip` requests that match get a normal response."""

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
            raise ValueError("times is at least 1, or None for always")
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


def faulty_response(kind: str, parameters: dict[str, Any], request: ApiRequest, shape: str) -> ApiResponse | None:
    """Return the response that replaces the service's own, for the kinds that have one."""
    if kind == "html":
        return page(parameters["status"], _phrase(parameters["status"]))
    if kind == "status":
        return _any_status(parameters, shape)
    if kind == "redirect":
        return ApiResponse(307, raw=b"", headers={"Location": parameters["location"]})
    if kind == "rate_limit":
        return rate_limited(**parameters)
    if kind == "ip_blocked":
        return render_error(ip_blocked(), shape)
    if kind == "in_flight":
        return render_error(in_flight(), shape)
    if kind == "concurrent_action":
        return render_error(concurrent_action(), shape)
    if kind == "task_in_progress":
        return render_error(task_in_progress(parameters["task_id"]), shape)
    if kind == "enqueue_failed":
        error = ApiError(503, "enqueue_failed", "The action could not be queued.")
        return replace(render_error(error, shape), headers={"Retry-After": str(parameters["retry_after"])})
    if kind == "echo":
        key, body = request.headers.get("authorization", ""), request.body.decode("utf-8", "replace")
        error = ApiError(parameters["status"], "validation", f"Rejected: Authorization: {key}, body: {body}")
        return replace(render_error(error, "nested"), headers={"X-Received-Authorization": key})
    return None


def corrupt(kind: str, parameters: dict[str, Any], response: ApiResponse) -> ApiResponse:
    """Return the service's own response, corrupted, for the kinds that do so."""
    if kind == "truncate":
        return replace(response, raw=response.content[: len(response.content) // 2])
    if kind == "replace":
        return replace(response, payload=parameters["body"], raw=None)
    if not isinstance(response.payload, dict) or "pagination" not in response.payload:
        return response
    items = response.payload["data"]
    collection = response.collection
    last_but_one = items[-2]["id"] if items[1:] else ""
    changes: dict[str, dict[str, Any]] = {
        "cursor_loop": {"has_more": True, "next_cursor": cursor_after(collection, "")},
        "missing_cursor": {"has_more": True, "next_cursor": None},
        # The next page starts one item too early.
        "repeat_item": {"has_more": True, "next_cursor": cursor_after(collection, last_but_one)},
    }
    pagination = {**response.payload["pagination"], **changes.get(kind, {})}
    return replace(response, payload={"data": items, "pagination": pagination})


def _any_status(parameters: dict[str, Any], shape: str) -> ApiResponse:
    status, headers = parameters["status"], dict(parameters["headers"])
    if parameters["text"] is not None:
        raw = str(parameters["text"]).encode("utf-8", "replace")
        return ApiResponse(status, raw=raw, media_type="text/plain", headers=headers)
    if parameters["body"] is not None:
        return ApiResponse(status, parameters["body"], headers=headers)
    phrase = _phrase(status)
    error = ApiError(status, phrase.lower().replace(" ", "_"), f"{phrase}.")
    error = {402: subscription_blocked(), 422: invalid("body", "name", "is rejected")}.get(status, error)
    return replace(render_error(error, shape), headers=headers)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in {known.value for known in HTTPStatus} else f"Status {status}"
