# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses before they are sent, and the shapes of errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

HTML = (
    "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr><center>nginx</center></body></html>"
)


@dataclass
class ApiResponse:
    status: int
    payload: Any = None
    raw: bytes | None = None  # sent in place of the payload
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False
    idempotency: tuple[str, str] | None = None  # organization and key, if the response has just been stored
    is_transient: bool = False  # it is not stored for an idempotency key
    collection: str = ""  # what its cursor pages through

    @property
    def content(self) -> bytes:
        # ASCII escapes, since what clients send may hold lone surrogates, which UTF-8 can't encode.
        return json.dumps(self.payload).encode("ascii") if self.raw is None else self.raw


class ApiError(Exception):
    """An error of the API. A detail is a place ("body", "query", "path"), a field, and what is wrong with it.

    `facts` stand beside the code. An error without a code is a text in every shape.
    """

    def __init__(
        self, status: int, code: str, message: str = "", details: Sequence[tuple[str, str, str]] = (), **facts: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details
        self.facts = facts
        self.message = message or "; ".join(f"{name}: {problem}" for _place, name, problem in details)


def render_error(error: ApiError, shape: str) -> ApiResponse:
    if shape == "empty":
        return ApiResponse(error.status, raw=b"")
    if not error.code:
        return ApiResponse(error.status, {"detail": error.message})
    if shape == "html":
        return page(error.status, error.message)
    details = error.details
    flat: dict[str, Any] = {"error": error.code, "message": error.message, **error.facts}
    payload: dict[str, Any] = {"detail": flat}
    if shape == "loc" and details:
        payload["detail"] = [{"loc": [place, name], "msg": msg, "type": "value_error"} for place, name, msg in details]
    elif shape == "flat_detail" and details:
        payload = {**flat, "detail": [{"field": name, "message": text} for _place, name, text in details]}
    elif shape in ("flat", "flat_detail"):
        payload = flat
    elif shape == "text":
        payload["detail"] = error.message
    elif error.status == 402:
        payload["detail"] = {"reason": error.code, "message": error.message, **error.facts}
    return ApiResponse(error.status, payload)


def page(status: int, title: str) -> ApiResponse:
    return ApiResponse(status, raw=HTML.format(title).encode("utf-8", "replace"), media_type="text/html; charset=utf-8")


def rate_limited(style: str, retry_after: int, code: str = "rate_limit_exceeded") -> ApiResponse:
    """Return a 429. Its shape has a switch of its own."""
    payload: dict[str, Any] = {"error": code, "message": "Too many requests. Slow down."}
    if style != "none":
        payload["retry_after"] = retry_after
    headers = {"Retry-After": str(retry_after)} if style == "header" else {}
    return ApiResponse(429, {"detail": payload} if style == "nested" else payload, headers=headers)


def subscription_blocked() -> ApiError:
    message = "The organization's subscription is blocked."
    return ApiError(402, "subscription_blocked", message, subscription_status="past_due")


def invalid(place: str, name: str, problem: str) -> ApiError:
    return ApiError(422, "validation", details=[(place, name, problem)])


def ip_blocked() -> ApiError:
    return ApiError(429, "ip_blocked", "Too many rejected API keys from this address: it is blocked for 15 minutes.")


def concurrent_action() -> ApiError:
    return ApiError(409, "concurrent_action", "Another action on this environment is just being queued.")


def task_in_progress(task_id: str | None) -> ApiError:
    error = ApiError(409, "task_in_progress", "A task of this environment is queued or running.")
    error.facts = {"task_id": task_id} if task_id else {}
    return error


def in_flight() -> ApiError:
    message = "A request with this idempotency key is still being served."
    return ApiError(409, "idempotency_in_progress", message)
