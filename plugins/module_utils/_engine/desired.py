# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What the user declares of one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Code, Failure, OecError, Subject
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import credentials_in
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_header_value, is_uuid

# The objects that a field may refer to, by the name of their kind.
References = Mapping[str, list[Object]]

_MAX_NAMES = 12


@dataclass(frozen=True)
class Desired:
    """`values`: the given fields by name; omitted ones are left alone. A reference may still be a name."""

    kind: Kind
    state: str
    id: str | None
    values: Mapping[str, str]
    idempotency_key: str | None = None
    previous_name: str | None = None
    allow_similar_name: bool = False

    @classmethod
    def parse(cls, kind: Kind, options: Mapping[str, Any]) -> Desired:
        """Read a module's options; an empty one counts as omitted. Raise OecError `invalid_input`."""
        desired = cls(
            kind,
            options.get("state") or "present",
            options.get(kind.id_option) or None,
            {field.name: field.parse(value) for field in kind.declarable if (value := options.get(field.option_name))},
            options.get("idempotency_key") or None,
            options.get(kind.previous_option) or None,
            bool(options.get("allow_similar_name")),
        )
        problem = desired._problem()
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
        return self.kind.subject(self.label)

    @property
    def named_kinds(self) -> list[Kind]:
        """The kinds whose objects must be read, because one is given by its name."""
        references = self.kind.references if self.state == "present" else ()
        return [kind for field, kind in references if (value := self.values.get(field.name)) and not is_uuid(value)]

    @property
    def credentials(self) -> list[str]:
        urls = [self.values.get(field.name, "") for field in self.kind.declarable if field.is_url]
        return [text for url in urls for text in credentials_in(url)]

    @property
    def warnings(self) -> list[str]:
        """What may be a mistake in a create, a sentence each."""
        doubts = [self.kind.field(name).doubt(value) for name, value in self.values.items()]
        if self.previous_name:
            doubts.append(f"it is created, since there is no {self.kind.name} {self.previous_name!r} to rename")
        return [f"{self.subject}: {doubt}." for doubt in doubts if doubt]

    def _problem(self) -> str:
        if not self.name and not self.id:
            return f"neither {self.kind.key} nor {self.kind.id_option} is set"
        if self.id and not is_uuid(self.id):
            return f"{self.kind.id_option} {self.id!r} is not a UUID"
        problems = (self.kind.field(name).problem(value) for name, value in self.values.items())
        if problem := next(filter(None, problems), ""):
            return problem
        if not is_header_value(self.idempotency_key or ""):
            return "idempotency_key contains characters that an HTTP header cannot carry"
        return ""


def resolve(kind: Kind, value: str, references: References, unknown: Code) -> str | Failure:
    """Return the id of the object that a reference names, or why there is not exactly one (`unknown`: if none)."""
    if is_uuid(value):
        return value.lower()
    objects = references.get(kind.name, [])
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
    return Failure(unknown, f"the {kind.name} {value!r} does not exist; {known}", hint)


def join_limited(names: list[str], separator: str) -> str:
    return separator.join([*names[:_MAX_NAMES], *(["..."] if len(names) > _MAX_NAMES else [])])
