# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time. Do not import it from elsewhere.

"""What went wrong, and what the user can do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote

T = TypeVar("T")
E = TypeVar("E", bound="OecError")

MASK = "***"

# In a sentence, where a URL ends somewhere; and in a field that is one, where a password may hold whatever it likes.
_USERINFO = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_CREDENTIALS = re.compile(r"\A([a-z][a-z0-9+.-]*://).*@", re.DOTALL | re.IGNORECASE)
_URL = "git_repo_url"
_NEVER_URLS = ("name", "default_branch", "odoo_version", "server_name")
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_EXCERPT = 200
_LISTED_AT_MOST = 5
_SECRET_LENGTH = 4


def masked(value: T, secrets: Iterable[str] = ()) -> T:
    """The same value with credentials in URLs, and every one of `secrets`, replaced in all its strings."""

    def mask(item: Any, field: str = "") -> Any:
        if isinstance(item, str):
            clean = shown(field, item)
            for secret in longest_first:
                clean = clean.replace(secret, MASK)
            return item if clean == item else clean
        if isinstance(item, Mapping):
            return {mask(key): mask(inner, str(key).removeprefix("oec_")) for key, inner in item.items()}
        if isinstance(item, list):
            return [mask(inner) for inner in item]
        return item

    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    result: T = mask(value)
    return result


def shown(field: str, value: Any) -> Any:
    """A field of an object of the API as it is shown: a name stays as it is, a URL comes without its credentials."""
    if not isinstance(value, str) or field in _NEVER_URLS:
        return value
    return _CREDENTIALS.sub(rf"\1{MASK}@", value) if field == _URL else _USERINFO.sub(f"{MASK}@", value)


def project_label(name: str) -> str:
    return f"project {name!r}"


def listed(sentences: Sequence[str]) -> str:
    """The first few of them, and how many more there are: a message is read by a person."""
    more = len(sentences) - _LISTED_AT_MOST
    return " ".join([*sentences[:_LISTED_AT_MOST], *([f"... and {more} more."] if more > 0 else [])])


def credentials_in(url: str) -> list[str]:
    """The user name and password in a URL, as they stand and percent-decoded, but for parts too short to be secret."""
    userinfo = url.partition("://")[2].rpartition("@")[0]
    parts = [userinfo, *userinfo.partition(":")[::2]]
    return [text for part in parts for text in (part, unquote(part)) if len(text) >= _SECRET_LENGTH]


class OecError(Exception):
    """Every failure that can be foreseen. `status` is the HTTP status, None where no answer came."""

    def __init__(
        self, message: str, hint: str = "", *, status: int | None = None, code: str | None = None, details: Any = None
    ) -> None:
        super().__init__(message)
        self.project = ""
        # The API's own words are part of it, and no terminal is to obey them.
        self.message = "".join(character if character.isprintable() else " " for character in message)
        self.hint = hint
        self.status = status
        self.code = code
        self.details = details

    def __str__(self) -> str:
        return f"{project_label(self.project)}: {self.sentences}" if self.project else self.sentences

    @property
    def sentences(self) -> str:
        """What happened, and what to do about it."""
        happened = self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."
        return f"{happened} {self.hint}".rstrip()

    def of_project(self: E, name: str) -> E:
        """The same error, which now says what project it is about."""
        self.project = name
        return self

    def as_error(self) -> dict[str, Any]:
        """The shape of `error` in a module's result: {status, code, message, details}."""
        return {"status": self.status, "code": self.code, "message": self.sentences, "details": self.details}

    @property
    def concerns_the_account(self) -> bool:
        """Whether every further write would be refused alike: going on could get this address blocked."""
        return self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED) or self.code == "ip_blocked"


class InputError(OecError):
    """The user's own input is wrong: nothing was sent."""


class PlanError(OecError):
    """What is wanted does not fit what is there: nothing was written."""


class NoAnswerError(OecError):
    """No usable answer within `api_retries` and `api_max_wait`, or none possible (a certificate that fails)."""


class RefusedError(OecError):
    """The API's final answer is no (4xx), or it tried to send us elsewhere (3xx)."""

    is_api_answer = True

    @property
    def is_about_the_request(self) -> bool:
        """A 4xx that says no to what was asked, rather than to who asks, or how often."""
        others = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
        return (self.status or 0) >= HTTPStatus.BAD_REQUEST and self.status not in others

    @property
    def not_found(self) -> bool:
        """404 in the API's own words; a proxy's 404 page says nothing about a project."""
        return self.status == HTTPStatus.NOT_FOUND and self.is_api_answer


class UnexpectedAnswerError(OecError):
    """The API answered something that its reference does not describe."""


_HINTS: dict[str | int, str] = {
    "environments_running": "Stop the project's running or deploying environments first, then run this again.",
    "read_only_key": "Use a full access key (oec_live_rw_...) for changes.",
    "project_scoped_key": "This key belongs to one project; use an organisation's key to create or delete projects.",
    "org_scope_required": "This key belongs to one project; use an organisation's key.",
    "plan_feature_required": "The organisation's plan does not include this; change the plan, then run this again.",
    "ip_blocked": "Too many wrong keys came from this address: correct api_key (or OECSH_API_KEY), and wait 15 min.",
    "key_expired": "Make a new API key and set api_key (or OECSH_API_KEY) to it.",
    HTTPStatus.UNAUTHORIZED: "Check api_key (or OECSH_API_KEY): it may be mistyped or revoked.",
    HTTPStatus.PAYMENT_REQUIRED: "Settle the organisation's subscription at oec.sh, then run this again.",
    HTTPStatus.FORBIDDEN: "This API key may not do that; use a full access key of the organisation.",
    HTTPStatus.NOT_FOUND: "Check project_id and api_url, and that the key is of the same organisation.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Correct the named value, then run this again.",
}
_REDIRECT_HINT = (
    "Redirects are not followed: they would carry the API key elsewhere. Set api_url to the API's own address."
)
_PAGE_HINT = "That is a web page rather than the API's own words: check api_url, and the proxies in between."


@dataclass(frozen=True)
class ErrorWords:
    """What an error body says, whichever of its shapes it has."""

    code: str | None = None
    message: str = ""
    details: Any = None
    retry_after: Any = None

    @classmethod
    def of(cls, body: Any, text: str = "") -> ErrorWords:
        """Reads each shape the API is known to use: flat, nested under `detail`, field lists, text, none, HTML."""
        if not isinstance(body, Mapping):
            return cls(message=" ".join(_TAGS.sub(" ", text).split())[:_EXCERPT])
        detail = body.get("detail")
        source = detail if isinstance(detail, Mapping) else body
        code = source.get("error", body.get("error"))
        message = source.get("message") or source.get("reason") or body.get("message")
        message = message or (detail if isinstance(detail, str) else "")
        fields = source.get("detail") if isinstance(source.get("detail"), list) else None
        field_words = "; ".join(_field_words(field) for field in fields or [])
        return cls(
            code=code if isinstance(code, str) else None,
            message=": ".join(part for part in (str(message)[: 5 * _EXCERPT], field_words) if part),
            details=fields if fields is not None else source.get("details"),
            retry_after=source.get("retry_after", body.get("retry_after")),
        )


def _field_words(field: Any) -> str:
    if not isinstance(field, Mapping):
        return str(field)[:_EXCERPT]
    place = field.get("loc")
    name = ".".join(str(part) for part in place if part != "body") if isinstance(place, list) else field.get("field")
    return ": ".join(str(part)[:_EXCERPT] for part in (name, field.get("message") or field.get("msg")) if part)


def refusal(request: str, status: int, words: ErrorWords, *, is_api_answer: bool) -> RefusedError:
    """The error for a final answer. `request` names it, as in "POST /projects"."""
    said = f": {words.message}" if words.message else ""
    name = " ".join(part for part in (str(status), words.code or _phrase(status)) if part)
    hint = _HINTS.get(words.code or "") or _HINTS.get(status, "")
    if not is_api_answer:
        hint = _PAGE_HINT
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        hint = _REDIRECT_HINT
    error = RefusedError(
        f"{request} was refused ({name}){said}", hint, status=status, code=words.code, details=words.details
    )
    error.is_api_answer = is_api_answer
    return error


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
