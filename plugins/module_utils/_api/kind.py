# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""A kind of thing, as data. Argument specs, validation, bodies, comparison, diff and redaction come from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Code, OecError, Subject
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction, has_mask
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_https_url, is_text, is_uuid

Object = dict[str, Any]
Spec = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Field:
    """A field of the API's object, in the order in which objects are returned.

    `option`: its name among the options, where that differs; the field's own name is then an alias.
    `is_url`: an https URL, whose credentials are hidden. `create_only`: the API cannot change it later.
    `required`: the code of the failure where a create lacks it.
    `reference`: the kind whose id it holds; the option also takes the name of such an object, and `unknown` is the code
    of the failure where that does not exist.
    `assigned`: only the API sets it. `default`: what the API stores where a create leaves it out.
    `like`: an example of the usual form, digits aside; whitespace around a value is then a mistake.
    """

    name: str
    type: str = "str"
    option: str = ""
    max_length: int | None = None
    is_url: bool = False
    create_only: bool = False
    required: Code | None = None
    reference: Kind | None = None
    unknown: Code = "not_found"
    assigned: bool = False
    default: Any = None
    like: str = ""

    @property
    def option_name(self) -> str:
        return self.option or self.name

    def argument(self) -> dict[str, Any]:
        return {"type": self.type, **({"aliases": [self.name]} if self.option else {})}

    def parse(self, value: str) -> str:
        """Return a given value as it is sent."""
        return value.strip() if self.like else value

    def problem(self, value: str) -> str:
        """Return what is wrong with a given value, or an empty string."""
        if self.is_url and not is_https_url(value):
            # Without the value: what is not a URL may still contain a password.
            return f"{self.option_name} is not an https URL (https://host/path)"
        if self.max_length is not None and len(value) > self.max_length:
            return f"{self.option_name} has {len(value)} characters, and the API accepts at most {self.max_length}"
        if self.max_length is not None and not is_text(value):
            return f"{self.option_name} contains NUL or unpaired surrogate characters"
        return ""

    def doubt(self, value: str) -> str:
        """Return why a value may be a mistake, or an empty string."""
        if not self.like or _shape(value) == _shape(self.like):
            return ""
        return f"{self.option_name} {value!r} does not look like {self.like!r}"


def _shape(value: str) -> str:
    return re.sub(r"[0-9]+", "0", value)


@dataclass(frozen=True)
class Kind:
    """`path`: below api_url. `key`: the field by which users know an object. `filters`: the fields to list by.

    `is_renamed`: users rename objects and look for them by name: declarations take what guards against mistakes in it.
    `has_get`: whether the API returns one object by its id. `delete_headers`: what a DELETE must carry.
    """

    name: str
    path: str
    fields: tuple[Field, ...]
    key: str = "name"
    filters: tuple[str, ...] = ()
    is_renamed: bool = False
    has_get: bool = True
    delete_headers: Mapping[str, str] | None = None

    @property
    def plural(self) -> str:
        return f"{self.name}s"

    @property
    def id_option(self) -> str:
        return f"{self.name}_id"

    @property
    def previous_option(self) -> str:
        return f"previous_{self.key}"

    @cached_property
    def declarable(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if not field.assigned)

    @cached_property
    def references(self) -> tuple[tuple[Field, Kind], ...]:
        """The fields that hold the id of an object of another kind, with that kind."""
        return tuple((field, field.reference) for field in self.declarable if field.reference)

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def subject(self, name: str) -> Subject:
        return Subject(self.name, name)

    # Options.

    def options(self, *, default_state: str | None = "present") -> Spec:
        """Return the argument spec of a declaration: state, identity, and every field that can be declared."""
        shared = self.shared_options()
        if default_state:
            shared["state"]["default"] = default_state
        identity = {self.key: self.field(self.key).argument(), self.id_option: self._id_argument}
        if self.is_renamed:
            identity[self.previous_option] = {"type": "str"}
            shared["allow_similar_name"] = {"type": "bool", "default": False}
        return {**identity, **shared, "idempotency_key": {"type": "str", "no_log": False}}

    def shared_options(self) -> Spec:
        """Return the argument spec of what several declarations can have in common."""
        state = {"type": "str", "choices": ["present", "absent"]}
        fields = {field.option_name: field.argument() for field in self.declarable if field.name != self.key}
        return {"state": state, **fields}

    def filter_options(self) -> Spec:
        """Return the argument spec of an info module."""
        by_field = {field.option_name: field.argument() for field in map(self.field, self.filters)}
        return {self.id_option: self._id_argument, **by_field}

    @property
    def _id_argument(self) -> dict[str, Any]:
        return {"type": "str", "aliases": ["id"]}

    # Redaction and comparison.

    @cached_property
    def redaction(self) -> Redaction:
        urls = {field.name for field in self.declarable if field.is_url}
        return Redaction(frozenset(urls), frozenset(field.name for field in self.declarable) - urls)

    def redacted(self, name: str, value: Any) -> Any:
        return self.redaction.field(name, value)

    def is_same(self, name: str, current: Any, desired: str) -> bool:
        """Return whether the desired value of a field is the current one.

        A redacted URL, as modules return it, means "keep the stored credentials".
        """
        if self.field(name).reference:
            return isinstance(current, str) and current.lower() == desired.lower()
        is_kept = self.field(name).is_url and has_mask(desired) and self.redacted(name, current) == desired
        return bool(current == desired or is_kept)

    # Objects of the API.

    def check(self, item: Any, request: str) -> Object:
        """Return an item of a response unchanged, or raise `invalid_response`: id is a UUID, texts are texts."""
        if not isinstance(item, dict):
            raise self._invalid(request, f"that is a JSON {type(item).__name__}, not an object")
        texts = ["id", *(field.name for field in self.fields if field.type == "str")]
        for name in texts:
            value = item.get(name)
            if value is None and name in ("id", self.key):
                raise self._invalid(request, f"without {name}")
            if value is not None and not isinstance(value, str):
                raise self._invalid(request, f"whose {name} is a JSON {type(value).__name__}, not a string")
        if not is_uuid(item["id"]):
            raise self._invalid(request, "whose id is not a UUID")
        return item

    def _invalid(self, request: str, problem: str) -> OecError:
        return invalid_response(f"{request} returned a {self.name} {problem}")


def invalid_response(message: str) -> OecError:
    hint = "The API reference describes something else: check api_url; if it is right, report this to the collection."
    return OecError("invalid_response", message, hint)
