# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What the user declares of one object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError, Subject
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import credentials_in
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_header_value, is_uuid

# The objects that a field may refer to, by the name of their kind.
References = Mapping[str, list[Object]]

_MAX_NAMES = 12


@dataclass(frozen=True)
class Desired:
    """`values`: the given fields by name; omitted ones are left alone, and None empties one.

    A reference may still be a name. `owner`: the name of the object that it belongs to, as far as that was given.
    """

    kind: Kind
    state: str
    id: str | None
    values: Mapping[str, Any]
    idempotency_key: str | None = None
    previous_name: str | None = None
    allow_similar_name: bool = False
    owner: str = ""

    @classmethod
    def parse(cls, kind: Kind, options: Mapping[str, Any], owner: str = "") -> Desired:
        """Read a module's options; an empty one counts as omitted. Raise OecError `invalid_input`.

        `owner`: the name or id of the object that declares this one as its own.
        """
        values = {field.name: value for field in kind.declarable for value in _given(field, options)}
        parent = owner or (str(values.get(kind.parent[0].name) or "") if kind.parent else "")
        desired = cls(
            kind,
            options.get("state") or "present",
            options.get(kind.id_option) or None,
            values,
            options.get("idempotency_key") or None,
            options.get(kind.previous_option) or None,
            bool(options.get("allow_similar_name")),
            "" if is_uuid(parent) else parent,
        )
        both = [
            f for f in kind.fields if f.is_removable and options.get(f.remove_option) and options.get(f.option_name)
        ]
        problem = (
            f"{both[0].option_name} and {both[0].remove_option} are both set" if both else desired._problem(parent)
        )
        if problem:
            raise OecError("invalid_input", problem, subject=desired.subject if desired.label else None)
        return desired

    @property
    def name(self) -> str | None:
        return self.values.get(self.kind.key)

    @property
    def label(self) -> str:
        return self.name or self.id or ""

    @property
    def subject(self) -> Subject:
        return self.kind.subject(self.label, self.owner)

    @property
    def named_kinds(self) -> list[Kind]:
        """The kinds whose objects must be read, because one is given by its name."""
        references = [pair for pair in self.kind.references if pair[0].is_parent or self.state != "absent"]
        return [kind for field, kind in references if (value := self.values.get(field.name)) and not is_uuid(value)]

    @property
    def credentials(self) -> list[str]:
        urls = [self.values.get(field.name, "") for field in self.kind.declarable if field.is_url]
        return [text for url in urls for text in credentials_in(url)]

    @property
    def warnings(self) -> list[str]:
        """What may be a mistake in a create, a sentence each."""
        doubts = [self.kind.field(name).doubt(value) for name, value in self.values.items() if value is not None]
        if self.previous_name:
            doubts.append(f"it is created, since there is no {self.kind.name} {self.previous_name!r} to rename")
        return [f"{self.subject}: {doubt}." for doubt in doubts if doubt]

    def _problem(self, parent: str) -> str:
        if not self.name and not self.id:
            return f"neither {self.kind.key} nor {self.kind.id_option} is set"
        if self.id and not is_uuid(self.id):
            return f"{self.kind.id_option} {self.id!r} is not a UUID"
        if not self.id and self.kind.is_nested and self.kind.parent and not parent:
            return f"neither {self.kind.parent[0].option_name} nor {self.kind.id_option} is set"
        given = {name: value for name, value in self.values.items() if value is not None}
        problems = (self.kind.field(name).problem(value) for name, value in given.items())
        if problem := next(filter(None, problems), ""):
            return problem
        if not is_header_value(self.idempotency_key or ""):
            return "idempotency_key contains characters that an HTTP header cannot carry"
        return ""


def _given(field: Field, options: Mapping[str, Any]) -> Iterator[Any]:
    value = options.get(field.option_name)
    if value not in (None, ""):
        yield field.parse(value)
    elif field.is_removable and options.get(field.remove_option):
        yield None


def resolve(kind: Kind, field: Field, value: str, references: References, *, is_checked: bool = False) -> str | Failure:
    """Return the id of the object of a kind that a field names, or why there is not exactly one.

    `is_checked`: whether an id must be that of an object among `references`.
    """
    objects = references.get(kind.name, [])
    if is_uuid(value):
        if not is_checked or any(item["id"].lower() == value.lower() for item in objects):
            return value.lower()
        hint = f"Correct {field.option_name}, or use a key that sees it."
        return Failure(field.unknown, f"the {kind.name} {value} does not exist, or this key does not see it", hint)
    matches = [item["id"] for item in objects if item[kind.key] == value]
    if len(matches) == 1:
        return str(matches[0])
    # The first names are read if there are many.
    matches_first = sorted(objects, key=lambda item: item[kind.key] != value)
    names = join_limited([f"{item[kind.key]!r} ({item['id']})" for item in matches_first], "; ")
    known = f"the {kind.plural} are: {names or 'none'}"
    hint = f"Use one of those names, or the id of a {kind.name}."
    if matches:
        return Failure("ambiguous_name", f"{len(matches)} {kind.plural} are named {value!r}; {known}", hint)
    return Failure(field.unknown, f"the {kind.name} {value!r} does not exist; {known}", hint)


def join_limited(names: list[str], separator: str) -> str:
    return separator.join([*names[:_MAX_NAMES], *(["..."] if len(names) > _MAX_NAMES else [])])
