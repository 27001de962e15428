# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What the body of an error response says, and the error that it becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import AnyCode, ApiCode, RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid

# By the API's code, or else by the status.
HINTS: dict[str | int, str] = {
    "environments_running": "Stop the project's running or deploying environments first, then run this again.",
    "task_in_progress": "Wait for that task with oec_task_info, or set wait; then run this again.",
    "concurrent_action": "Another action of this object is just being started: run this again in a minute.",
    "read_only_key": "Use a full access key (oec_live_rw_...) for changes.",
    "project_scoped_key": "This key belongs to one project; create and delete projects with a key of the organization.",
    "org_scope_required": "This key belongs to one project; use a key of the organization.",
    "plan_feature_required": "The organization's plan does not include this; change the plan, then run this again.",
    "ip_blocked": "Too many wrong keys came from this address: correct api_key (OECSH_API_KEY), then wait 15 minutes.",
    "key_expired": "Create a new API key and set api_key (or OECSH_API_KEY) to it.",
    HTTPStatus.UNAUTHORIZED: "Check api_key (or OECSH_API_KEY): it may be mistyped or revoked.",
    HTTPStatus.PAYMENT_REQUIRED: "Settle the organization's subscription at oec.sh, then run this again.",
    HTTPStatus.FORBIDDEN: (
        "The organization or this API key may not do that; if it is the key, use a full access key of the organization."
    ),
    HTTPStatus.NOT_FOUND: "Check the id and api_url, and that the key belongs to the same organization.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Correct the named value, then run this again.",
}
_REDIRECT_HINT = (
    "Redirects are not followed: they would carry the API key elsewhere. Set api_url to the API's own address."
)
_PATH_HINT = "Check api_url; if it is right, this version of the API does not have that yet."
_PAGE_HINT = "That is a web page rather than a response of the API: check api_url, and the proxies in between."
_KEY_HINT = (
    "The given key does not look like a key of oec.sh: those are oec_live_ro_ or oec_live_rw_, "
    "and at least 20 letters, digits, hyphens or underscores."
)

_FACTS = ("required_plan", "current_plan", "subscription_status", "task_id")
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_EXCERPT = 200
_MAX_MESSAGE = 1000


@dataclass(frozen=True)
class ErrorBody:
    """`details` and `retry_after` are as the API sent them."""

    code: str | None = None
    message: str = ""
    details: Any = None
    retry_after: Any = None

    @classmethod
    def parse(cls, body: Any, text: str = "") -> ErrorBody:
        """Read each shape the API is known to use: flat, nested under `detail`, field lists, text, none, HTML.

        A 402 has its code in `reason`.
        """
        if not isinstance(body, Mapping):
            return cls(message=" ".join(_TAGS.sub(" ", text).split())[:_EXCERPT])
        detail = body.get("detail")
        source = detail if isinstance(detail, Mapping) else body
        reason = str(source.get("reason") or "")
        is_code = bool(_CODE.fullmatch(reason))
        code = source.get("error") or (reason if is_code else body.get("error"))
        message = source.get("message") or ("" if is_code else reason) or body.get("message")
        message = message or (detail if isinstance(detail, str) else "")
        fields = source.get("detail") if isinstance(source.get("detail"), list) else None
        facts = {name: source[name] for name in _FACTS if name in source}
        problems = "; ".join(_field_problem(field) for field in fields or [])
        return cls(
            code=code if isinstance(code, str) and code else None,
            message=": ".join(part for part in (str(message), problems) if part)[:_MAX_MESSAGE],
            details=fields if fields is not None else source.get("details") or facts or None,
            retry_after=source.get("retry_after", body.get("retry_after")),
        )

    def code_for(self, status: int) -> AnyCode:
        """Return the API's own code, or else the collection's for a rejection with this status."""
        if self.code:
            return ApiCode(self.code)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return "redirected"
        return "validation_error" if isinstance(self.details, list) else "rejected"


def _field_problem(field: Any) -> str:
    if not isinstance(field, Mapping):
        return str(field)[:_EXCERPT]
    place = field.get("loc")
    name = ".".join(str(part) for part in place if part != "body") if isinstance(place, list) else field.get("field")
    return ": ".join(str(part)[:_EXCERPT] for part in (name, field.get("message") or field.get("msg")) if part)


def error_from_response(
    request: str, status: int, body: ErrorBody, *, from_api: bool = True, has_usual_key: bool = True
) -> RejectedError:
    """Return the error for a final response. `request` names it, as in "POST /projects"."""
    reason = " ".join(part for part in (str(status), body.code or _phrase(status)) if part)
    message = f"{request} was rejected ({reason})" + (f": {body.message}" if body.message else "")
    hint = HINTS.get(body.code or "") or HINTS.get(status, "")
    code = body.code_for(status)
    is_missing_object = status == HTTPStatus.NOT_FOUND and any(map(is_uuid, request.split("/")))
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED) and not is_missing_object:
        hint = _PATH_HINT
        if from_api and not body.code:
            code = "unsupported"
    if not from_api:
        hint = _PAGE_HINT
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        hint = _REDIRECT_HINT
    if status == HTTPStatus.UNAUTHORIZED and not has_usual_key:
        hint = f"{hint} {_KEY_HINT}"
    return RejectedError(code, message, hint, status=status, details=body.details, from_api=from_api)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
