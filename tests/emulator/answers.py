# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer on its way out, and the shapes that errors come in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

HTML = (
    "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr><center>nginx</center></body></html>"
)


@dataclass
class Answer:
    status: int
    payload: Any = None
    raw: bytes | None = None  # sent in place of the payload
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False
    idempotency: tuple[str, str] | None = None  # organisation and key, where the answer has just been stored

    @property
    def content(self) -> bytes:
        # ASCII escapes, since what clients send may hold lone surrogates, which UTF-8 can't.
        return json.dumps(self.payload).encode("ascii") if self.raw is None else self.raw


class ApiError(Exception):
    """An error of the API. Each detail is where ("body", "query", "path"), which field, and what is wrong with it."""

    def __init__(self, status: int, code: str, message: str = "", details: Sequence[tuple[str, str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details
        self.message = message or "; ".join(f"{name}: {problem}" for _where, name, problem in details)


def shaped(refusal: ApiError, shape: str) -> Answer:
    status, details = refusal.status, refusal.details
    flat = {"error": refusal.code, "message": refusal.message}
    if shape == "empty":
        return Answer(status, raw=b"")
    if shape == "html":
        return page(status, refusal.message)
    if shape == "loc" and details:
        listed = [{"loc": [where, name], "msg": text, "type": "value_error"} for where, name, text in details]
        return Answer(status, {"detail": listed})
    if shape == "flat_detail" and details:
        return Answer(status, {**flat, "detail": [{"field": name, "message": text} for _where, name, text in details]})
    if shape in ("flat", "flat_detail"):
        return Answer(status, flat)
    if shape == "text":
        return Answer(status, {"detail": refusal.message})
    if shape == "reason":
        return Answer(status, {"detail": {"reason": refusal.message}})
    return Answer(status, {"detail": flat})


def page(status: int, title: str) -> Answer:
    return Answer(status, raw=HTML.format(title).encode("utf-8", "replace"), media_type="text/html; charset=utf-8")


def rate_limited(style: str, retry_after: int) -> Answer:
    """It has a switch of its own, and is flat whatever shape the other errors have."""
    answer = Answer(429, {"error": "rate_limit_exceeded", "message": "Too many requests. Slow down."})
    if style != "none":
        answer.payload["retry_after"] = retry_after
    if style == "header":
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def ip_blocked() -> ApiError:
    return ApiError(429, "ip_blocked", "Too many refused API keys from this address: it is blocked for 15 minutes.")


def in_flight() -> ApiError:
    message = "A request with this idempotency key is still being served."
    return ApiError(409, "idempotency_in_progress", message)
