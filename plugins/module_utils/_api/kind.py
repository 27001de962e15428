# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""A kind of thing, as data. Argument specs, validation, bodies, comparison, diff and redaction come from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import CURSOR, Pages, invalid_response
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Code, OecError, Subject
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction, has_mask
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import (
    is_https_url,
    is_text,
    is_uuid,
    normal_url,
)

Object = dict[str, Any]
Spec = dict[str, dict[str, Any]]

_JSON_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a string"),
    "float": ((int, float), "a number"),
    "list": ((list,), "an array"),
}


@dataclass(frozen=True)
class Field:
    """A field of the API's object, in the order in which objects are returned. A list of texts counts as a set.

    `option`: its name among the options, where that differs; the field's own name is then an alias.
    `writes`: its name in a request, where that differs.
    `limits`: the least and the greatest number; of a list how many it has.
    `check` returns what is wrong with a text, or nothing.
    `is_url`: an https URL, whose credentials are hidden. `is_address`: how it is written does not matter.
    `ignores_case`: as host names do.
    `create_only`: the API cannot change it later. `is_readable`: whether the API returns it.
    `is_removable`: an option `remove_...` empties it. `is_deferred`: a change takes effect with the next deployment.
    `required`: the code of the failure where a create lacks it.
    `reference`: the kind whose id it holds; the option also takes the name of such an object, and `unknown` is the code
    of the failure where that does not exist. `is_parent`: the object belongs to that one.
    `assigned`: only the API sets it. `is_displayed`: it stands in a diff all the same.
    `is_secret`: the API returns it once, with the response to a create.
    `default`: what the API stores where a create leaves it out, or else what the parent has in `inherits`.
    `always`: what a create sends where it is not given.
    `like`: an example of the usual form, digits aside; whitespace around a value is then a mistake.
    """

    name: str
    type: str = "str"
    option: str = ""
    writes: str = ""
    max_length: int | None = None
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[str], str] | None = None
    is_url: bool = False
    is_address: bool = False
    ignores_case: bool = False
    create_only: bool = False
    is_readable: bool = True
    is_removable: bool = False
    is_deferred: bool = False
    required: Code | None = None
    reference: Kind | None = None
    unknown: Code = "not_found"
    is_parent: bool = False
    assigned: bool = False
    is_displayed: bool = False
    is_secret: bool = False
    default: Any = None
    inherits: str = ""
    always: Any = None
    like: str = ""

    @property
    def option_name(self) -> str:
        return self.option or self.name

    @property
    def remove_option(self) -> str:
        return f"remove_{self.option_name}"

    def argument(self) -> dict[str, Any]:
        """Return the argument spec of its option."""
        choices = {"choices": list(self.choices)} if self.choices else {}
        # What can be read is left alone where it is not given.
        default = {} if self.always is None or self.is_readable else {"default": self.always}
        elements = {"elements": "str"} if self.type == "list" else {}
        aliases = {"aliases": [self.name]} if self.option else {}
        return {"type": self.type, **elements, **aliases, **choices, **default}

    def parse(self, value: Any) -> Any:
        """Return a given value as it is sent."""
        if self.type == "list":
            return sorted(set(value))
        return value.strip() if self.like else value

    def normal(self, value: Any) -> Any:
        """Return the same for all values that mean the same."""
        if self.type == "list":
            return frozenset(value or ())
        if not isinstance(value, str):
            return value
        if self.is_address:
            return normal_url(value)
        return value.lower() if self.reference or self.ignores_case else value

    def problem(self, value: Any) -> str:
        """Return what is wrong with a given value, or an empty string."""
        name = self.option_name
        if self.is_url and not is_https_url(value):
            # Without the value: what is not a URL may still contain a password.
            return f"{name} is not an https URL (https://host/path)"
        number = len(value) if self.type == "list" else value
        if self.limits and not self.limits[0] <= number <= self.limits[1]:
            verb = "has" if self.type == "list" else "is"
            return f"{name} {verb} {number}, and the API accepts {self.limits[0]} to {self.limits[1]}"
        if self.max_length is not None and len(value) > self.max_length:
            return f"{name} has {len(value)} characters, and the API accepts at most {self.max_length}"
        if self.max_length is not None and not is_text(value):
            return f"{name} contains NUL or unpaired surrogate characters"
        problem = self.check(value) if self.check else ""
        return f"{name} {problem}" if problem else ""

    def doubt(self, value: Any) -> str:
        """Return why a value may be a mistake, or an empty string."""
        if not self.like or _shape(value) == _shape(self.like):
            return ""
        return f"{self.option_name} {value!r} does not look like {self.like!r}"


def _shape(value: str) -> str:
    return re.sub(r"[0-9]+", "0", value)


@dataclass(frozen=True)
class Target:
    """A state beyond present and absent: the status of an object in it, the action that leads there, and from where."""

    state: str
    status: str
    action: str
    origin: str


@dataclass(frozen=True)
class Kind:
    """`path`: below api_url. `key`: the field by which users know an object. `filters`: the fields to list by.

    `collection`: the path of its list, where that differs; `{parent}` is the id of the object that it belongs to.
    `pages`: how its list is read. `states`: what the option `state` takes besides present and absent.
    `is_renamed`: users rename objects and look for them by name: declarations take what guards against mistakes in it.
    `needs_key`: whether an object without `key` is invalid.
    `takes_key`: users may choose the idempotency key of a create.
    `has_get`: whether the API returns one object by its id.
    `delete_headers`, `action_headers`: what a DELETE, or the start of an action, must carry.
    `trace`: what the API still returns of an existing object that it hides otherwise.
    """

    name: str
    path: str
    fields: tuple[Field, ...]
    key: str = "name"
    collection: str = ""
    pages: Pages = CURSOR
    filters: tuple[str, ...] = ()
    states: tuple[Target, ...] = ()
    is_renamed: bool = False
    needs_key: bool = True
    takes_key: bool = False
    has_get: bool = True
    delete_headers: Mapping[str, str] | None = None
    action_headers: Mapping[str, str] | None = None
    trace: str = ""

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
        return tuple(each for each in self.fields if not each.assigned)

    @cached_property
    def readable(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.fields if each.is_readable)

    @cached_property
    def displayed(self) -> tuple[Field, ...]:
        """The fields that a diff may have."""
        return tuple(each for each in self.fields if not each.assigned or each.is_displayed)

    @cached_property
    def references(self) -> tuple[tuple[Field, Kind], ...]:
        """The fields that hold the id of an object of another kind, with that kind."""
        return tuple((each, each.reference) for each in self.declarable if each.reference)

    @cached_property
    def parent(self) -> tuple[Field, Kind] | None:
        """The field that holds the id of the object that one of this kind belongs to, with the kind of that."""
        return next((pair for pair in self.references if pair[0].is_parent), None)

    @property
    def is_nested(self) -> bool:
        """Whether objects are listed with the one that they belong to; else all are in one list, if with a parent."""
        return "{parent}" in self.collection

    def belongs_to(self, item: Object, parent_id: str | None) -> bool:
        """Return whether an object of the list belongs to that parent, or to none where that is None."""
        if self.is_nested or not self.parent:
            return True
        return str(item.get(self.parent[0].name) or "").lower() == (parent_id or "").lower()

    def identity(self, name: Any) -> Any:
        """Return the same for all values of the key that mean one object."""
        return self.field(self.key).normal(name)

    def target(self, state: str) -> Target | None:
        return next((each for each in self.states if each.state == state), None)

    def field(self, name: str) -> Field:
        return next(each for each in self.fields if each.name == name)

    def subject(self, name: str, owner: str = "") -> Subject:
        label = self.redacted(self.key, name)
        return Subject(self.name, f"{owner}/{label}" if owner else label)

    # Options.

    def options(self) -> Spec:
        """Return the argument spec of a declaration: state, identity, and every field that can be declared."""
        options = self._declaration({each.option_name: each.argument() for each in self.declarable})
        options["state"]["default"] = "present"
        return options

    def item_options(self) -> Spec:
        """Return the argument spec of a declaration in a list: what it omits may be common to all items."""
        return self._declaration(self._own_options)

    def common_options(self) -> Spec:
        """Return the argument spec of what several declarations can have in common, but for what they belong to."""
        fields = {name: argument for name, argument in self._own_options.items() if name != self.key}
        return {"state": self._state_argument, **fields}

    @property
    def _own_options(self) -> Spec:
        own = [each for each in self.declarable if not (each.is_parent and self.is_nested)]
        arguments = [(each.option_name, each.argument()) for each in own]
        return {name: {part: each[part] for part in each if part != "default"} for name, each in arguments}

    @property
    def _state_argument(self) -> dict[str, Any]:
        return {"type": "str", "choices": ["present", "absent", *(each.state for each in self.states)]}

    def _declaration(self, fields: Spec) -> Spec:
        removals = {each.remove_option: {"type": "bool", "default": False} for each in self.fields if each.is_removable}
        own = {name: argument for name, argument in fields.items() if name != self.key}
        identity = {self.key: fields[self.key], self.id_option: self._id_argument, "state": self._state_argument}
        options = {**identity, **own, **removals}
        if self.is_renamed:
            options[self.previous_option] = {"type": "str"}
            options["allow_similar_name"] = {"type": "bool", "default": False}
        if self.takes_key:
            options["idempotency_key"] = {"type": "str", "no_log": False}
        return options

    def filter_options(self) -> Spec:
        """Return the argument spec of an info module."""
        by_field = {each.option_name: each.argument() for each in map(self.field, self.filters)}
        return {self.id_option: self._id_argument, **by_field}

    @property
    def _id_argument(self) -> dict[str, Any]:
        return {"type": "str", "aliases": ["id"]}

    # Requests.

    def collection_path(self, parent_id: str | None) -> str:
        return (self.collection or self.path).replace("{parent}", parent_id or "")

    def request_body(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of fields as a request has them. None empties a field, and null is never sent."""
        sent = ((self.field(name), value) for name, value in values.items())
        return {
            each.writes or each.name: "" if value is None else value
            for each, value in sent
            if not (each.is_parent and self.is_nested)
        }

    # Redaction and comparison.

    @cached_property
    def redaction(self) -> Redaction:
        urls = {each.name for each in self.declarable if each.is_url}
        return Redaction(frozenset(urls), frozenset(each.name for each in self.declarable) - urls)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.fields if each.is_secret)

    def without_secrets(self, item: Object | None) -> Object | None:
        return item and {name: value for name, value in item.items() if name not in self.secrets}

    def redacted(self, name: str, value: Any) -> Any:
        return self.redaction.field(name, value)

    def is_same(self, name: str, current: Any, desired: Any) -> bool:
        """Return whether the desired value of a field is the current one.

        A redacted URL, as modules return it, means "keep the stored credentials".
        """
        compared = self.field(name)
        if compared.is_removable and desired is None:
            return not current
        if compared.is_parent and self.is_nested and current is None:
            # Not said is not another one.
            return True
        is_kept = compared.is_url and has_mask(desired) and self.redacted(name, current) == desired
        return bool(compared.normal(current) == compared.normal(desired) or is_kept)

    # Objects of the API.

    def check(self, item: Any, request: str) -> Object:
        """Return an item of a response unchanged, or raise `invalid_response`: id is a UUID, texts are texts."""
        if not isinstance(item, dict):
            raise self._invalid(request, f"that is a JSON {type(item).__name__}, not an object")
        for name, kind in {"id": "str", **{each.name: each.type for each in self.fields}}.items():
            value = item.get(name)
            if value is None and (name == "id" or (name == self.key and self.needs_key)):
                raise self._invalid(request, f"without {name}")
            expected, called = _JSON_TYPES.get(kind, ((object,), ""))
            if value is not None and not isinstance(value, expected):
                raise self._invalid(request, f"whose {name} is a JSON {type(value).__name__}, not {called}")
            if kind == "list" and isinstance(value, list) and not all(isinstance(each, str) for each in value):
                raise self._invalid(request, f"whose {name} are not all texts")
        if not is_uuid(item["id"]):
            raise self._invalid(request, "whose id is not a UUID")
        return item

    def _invalid(self, request: str, problem: str) -> OecError:
        article = "an" if self.name[0] in "aeiou" else "a"
        return invalid_response(f"{request} returned {article} {self.name} {problem}")

    def label(self, item: Mapping[str, Any]) -> str:
        return str(self.redacted(self.key, item.get(self.key)) or item["id"])
