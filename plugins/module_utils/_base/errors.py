# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Failures that can be foreseen: a code for programs, a message for people, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Literal, NewType, TypeAlias, get_args

# The codes of the collection. The API's own codes stand beside them in `error.code`.
Code = Literal[
    "ambiguous_name",
    "duplicate_declaration",
    "immutable_field",
    "invalid_input",
    "invalid_response",
    "missing_library",
    "missing_server",
    "no_response",
    "not_found",
    "prune_limit_exceeded",
    "read_only_key",
    "redirected",
    "rejected",
    "similar_name",
    "skipped",
    "unknown_server",
    "untrusted_certificate",
    "validation_error",
]
CODES: tuple[str, ...] = get_args(Code)
ApiCode = NewType("ApiCode", str)
AnyCode: TypeAlias = "Code | ApiCode"

_MAX_SENTENCES = 5


@dataclass(frozen=True)
class Subject:
    """The object that a failure is about, such as project 'Client ERP'."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"


@dataclass(frozen=True)
class Failure:
    """What went wrong. `status` is the HTTP status, None where there was no response; `details` is JSON."""

    code: AnyCode
    message: str
    hint: str = ""
    subject: Subject | None = None
    status: int | None = None
    details: Any = None

    def __post_init__(self) -> None:
        # Texts of the API are part of it: a terminal must not interpret their control characters.
        printable = "".join(character if character.isprintable() else " " for character in self.message)
        object.__setattr__(self, "message", printable)

    def __str__(self) -> str:
        return f"{self.subject}: {self.sentences}" if self.subject else self.sentences

    @property
    def sentences(self) -> str:
        """What happened, and what to do about it."""
        happened = self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."
        return f"{happened} {self.hint}".rstrip()

    @property
    def is_fatal(self) -> bool:
        """Whether every further write would fail alike: going on could get this address blocked."""
        return self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED) or self.code == "ip_blocked"

    def about(self, subject: Subject) -> Failure:
        return replace(self, subject=subject)

    def as_error(self) -> dict[str, Any]:
        """Return `error` of a module's result: {status, code, message, details}."""
        return {"status": self.status, "code": self.code, "message": self.sentences, "details": self.details}


class OecError(Exception):
    """Raised for every failure that can be foreseen."""

    def __init__(self, code: AnyCode, message: str, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self._failure = Failure(code, message, hint, **facts)

    @property
    def failure(self) -> Failure:
        return self._failure

    def __str__(self) -> str:
        return str(self._failure)


class NoResponseError(OecError):
    """No usable response within `api_retries` and `api_max_wait`, or none possible."""


class RejectedError(OecError):
    """A 3xx or final 4xx response. `from_api`: in the API's own words, not a proxy's page."""

    def __init__(self, code: AnyCode, message: str, hint: str = "", *, from_api: bool = True, **facts: Any) -> None:
        super().__init__(code, message, hint, **facts)
        self._from_api = from_api

    @property
    def is_about_the_request(self) -> bool:
        """Whether it rejects what was asked, rather than who asks, or how often."""
        others = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
        status = self.failure.status or 0
        return status >= HTTPStatus.BAD_REQUEST and status not in others

    @property
    def is_not_found(self) -> bool:
        """404 in the API's own words; a proxy's 404 page says nothing about an object."""
        return self.failure.status == HTTPStatus.NOT_FOUND and self._from_api


def summarize(sentences: Sequence[str]) -> str:
    """Join the first few sentences, and count the others: a person reads them."""
    more = len(sentences) - _MAX_SENTENCES
    return " ".join([*sentences[:_MAX_SENTENCES], *([f"... and {more} more."] if more > 0 else [])])
