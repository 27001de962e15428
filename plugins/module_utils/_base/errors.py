# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Failures that can be foreseen: a code for programs, a message for people, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Literal, NewType, TypeAlias, TypeVar, get_args

Item = TypeVar("Item")
T = TypeVar("T")

# The codes of the collection. The API's own codes stand beside them in `error.code`.
Code = Literal[
    "ambiguous_name",
    "backup_required",
    "commit_mismatch",
    "confirmation_required",
    "duplicate_declaration",
    "immutable_field",
    "invalid_input",
    "invalid_response",
    "likely_rename",
    "missing_library",
    "missing_server",
    "name_mismatch",
    "name_taken",
    "no_response",
    "not_found",
    "plan_changed",
    "prune_limit_exceeded",
    "read_only_key",
    "redirected",
    "rejected",
    "similar_name",
    "skipped",
    "task_cancelled",
    "task_failed",
    "task_never_started",
    "unknown_option",
    "unknown_server",
    "unsupported",
    "untrusted_certificate",
    "validation_error",
    "wait_timeout",
    "wrong_state",
]
CODES: tuple[str, ...] = get_args(Code)
ApiCode = NewType("ApiCode", str)
AnyCode: TypeAlias = "Code | ApiCode"

_KEY_CODES = frozenset({"key_expired", "org_scope_required", "project_scoped_key", "read_only_key"})
_ACCOUNT_CODES = _KEY_CODES | {"ip_blocked", "plan_feature_required"}
_ACCOUNT_STATUSES = (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED)

# In a row: then the API is down, and each further write would only wait for it.
MAX_CONSECUTIVE_TIMEOUTS = 3
_MAX_LINES = 5


@dataclass(frozen=True)
class Subject:
    """The object that a failure is about, such as project 'Client ERP'."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"


@dataclass(frozen=True)
class Failure:
    """What went wrong. `status` is the HTTP status, None where there was no response; `details` is JSON.

    `lines`: where it is made up of several failures, one each.
    """

    code: AnyCode
    message: str
    hint: str = ""
    subject: Subject | None = None
    status: int | None = None
    details: Any = None
    lines: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", one_line(self.message))

    def __str__(self) -> str:
        return f"{self.subject}: {self.sentences}" if self.subject else self.sentences

    @property
    def sentences(self) -> str:
        """What happened, and what to do about it."""
        happened = self.message if self.message.endswith((".", "!", "?", ":")) else f"{self.message}."
        return "\n".join([f"{happened} {self.hint}".rstrip(), *self.lines])

    @property
    def is_fatal(self) -> bool:
        """Whether every further write would fail alike: going on could get this address blocked."""
        return self.status in _ACCOUNT_STATUSES or self.code in _ACCOUNT_CODES

    @property
    def is_transient(self) -> bool:
        """Whether it says that no usable response came, rather than that the API rejected something."""
        status = self.status or 0
        is_limited = status == HTTPStatus.TOO_MANY_REQUESTS and not self.is_fatal
        return self.code == "no_response" or status >= HTTPStatus.INTERNAL_SERVER_ERROR or is_limited

    def about(self, subject: Subject) -> Failure:
        return replace(self, subject=subject)

    def as_exception(self) -> OecError:
        return OecError(
            self.code, self.message, self.hint, subject=self.subject, status=self.status, details=self.details
        )

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
    """No usable response within `api_retries` and `api_max_wait`, or none possible.

    `may_be_done`: whether the request may have been carried out all the same.
    """

    def __init__(self, code: AnyCode, message: str, hint: str = "", *, may_be_done: bool = True, **facts: Any) -> None:
        super().__init__(code, message, hint, **facts)
        self.may_be_done = may_be_done


class RejectedError(OecError):
    """A 3xx or final 4xx response. `from_api`: in the API's own words, not a proxy's page.

    `may_be_done`: whether an earlier attempt of the same request, which had no response, may have been carried out.
    """

    def __init__(self, code: AnyCode, message: str, hint: str = "", *, from_api: bool = True, **facts: Any) -> None:
        super().__init__(code, message, hint, **facts)
        self._from_api = from_api
        self.may_be_done = False

    @property
    def is_about_the_request(self) -> bool:
        """Whether it rejects what was asked, rather than who asks, or how often."""
        others = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
        status = self.failure.status or 0
        return status >= HTTPStatus.BAD_REQUEST and status not in others

    @property
    def is_about_the_key(self) -> bool:
        """Whether another API key may be allowed what this one is not."""
        return self.failure.status == HTTPStatus.FORBIDDEN or self.failure.code in _KEY_CODES

    @property
    def is_not_found(self) -> bool:
        """404 in the API's own words; a proxy's 404 page says nothing about an object."""
        return self.failure.status == HTTPStatus.NOT_FOUND and self._from_api


def of_item(failure: Failure, number: int, kind: str, name: str | None) -> Failure:
    """Return the failure with the item of a list that it is about; `details`: [{item, <kind>, code, message}]."""
    detail = {"item": number, kind: name, "code": failure.code, "message": failure.sentences}
    about = failure.about(Subject(kind, name)) if name else failure
    return Failure(failure.code, f"item {number}: {about}", status=failure.status, details=[detail])


def of_each(
    items: Iterable[tuple[int, Item]], read: Callable[[Item], T], kind: str, label: Callable[[Item], str | None]
) -> list[T] | Failure:
    """Return what `read` returns for each numbered item of a list, or else all that is wrong in any of them.

    What would fail for every item, or gets no response, ends the reading: to go on could get this address blocked.
    """
    found: list[T] = []
    failures: list[Failure] = []
    timeouts = 0
    for number, item in items:
        try:
            found.append(read(item))
            timeouts = 0
        except OecError as error:
            failures.append(of_item(error.failure, number, kind, label(item)))
            timeouts = timeouts + 1 if error.failure.is_transient else 0
            if error.failure.is_fatal or timeouts == MAX_CONSECUTIVE_TIMEOUTS:
                break
    return reject_all(failures) if failures else found


def reject_all(failures: Sequence[Failure]) -> Failure:
    """Return the failure of a task that is rejected before its first write; `details` are those of all failures."""
    if len(failures) == 1:
        return failures[0]
    details = [
        detail for each in failures for detail in each.details or [{"code": each.code, "message": each.sentences}]
    ]
    return join_failures(failures, f"nothing was written, because {len(failures)} things are wrong", details)


def join_failures(failures: Sequence[Failure], headline: str, details: Any) -> Failure:
    """Return one failure for several, with the code of the first one, and a line for each of the first few."""
    more = len(failures) - _MAX_LINES
    lines = [f"- {one_line(str(failure))}" for failure in failures[:_MAX_LINES]]
    return Failure(
        failures[0].code,
        f"{headline}:",
        status=failures[0].status,
        details=details,
        lines=(*lines, *([f"- ... and {more} more"] if more > 0 else [])),
    )


def one_line(text: str) -> str:
    """Return the text without control characters: a terminal must not interpret what the API or a user wrote."""
    return "".join(character if character.isprintable() else " " for character in text)
