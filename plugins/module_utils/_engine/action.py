# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The planned change of one object: the source of check mode, diff, `changed` and result."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, Subject, one_line

CREATED, UPDATED, DELETED, UNCHANGED, FAILED = "created", "updated", "deleted", "unchanged", "failed"

# What YAML reads as the text that it is, and what it would read as something else.
_PLAIN = re.compile(r"[^\W\d_](?:[\w ./@+-]|:(?=/))*(?<! )")
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True)
class Difference:
    """A field that is not as desired. An object that is missing, or one too many, differs in the field of its kind."""

    field: str
    current: Any
    desired: Any

    def __str__(self) -> str:
        current, desired = ("(none)" if side is None else side for side in (self.current, self.desired))
        return one_line(f"{self.field} {current} -> {desired}")


@dataclass(frozen=True)
class Action:
    """`before`: the existing object. `body`: what is sent. `after`: the predicted object, None once it is deleted.

    `owner`: the name of the object that it belongs to, as far as that was given.
    `start`: the action of the API that is started after that, such as `stop`.
    `names`: of objects that fields refer to, by id, as far as they were read. `rejection`: why it cannot be carried
    out; its `type` is then FAILED, and `conflicts` are the fields in which the declaration cannot be fulfilled.
    """

    kind: Kind
    type: str
    name: str
    before: Object | None = None
    body: Mapping[str, Any] | None = None
    after: Object | None = None
    idempotency_key: str | None = None
    is_pruned: bool = False
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    warnings: Sequence[str] = ()
    rejection: Failure | None = None
    conflicts: Sequence[Difference] = ()
    start: str = ""
    owner: str = ""

    @property
    def subject(self) -> Subject:
        return self.kind.subject(self.name, self.owner)

    @property
    def changed(self) -> bool:
        return self.type not in (UNCHANGED, FAILED)

    @property
    def new_name(self) -> str | None:
        """The name that an object gets which did not have it."""
        name = self.after[self.kind.key] if self.changed and self.after else None
        return None if self.before and self.before[self.kind.key] == name else name

    @property
    def freed_name(self) -> str | None:
        """The name that an object loses."""
        return self.before[self.kind.key] if self.before and (self.new_name or self.type == DELETED) else None

    @property
    def diff(self) -> dict[str, str]:
        """Return {before, after, before_header, after_header}: the declarable fields as YAML, for people."""
        before, after = self._displayed_sides()
        absent = f"{self.subject} (absent)"
        header = str(self.kind.subject(self.kind.label(self.before), self.owner)) if self.before else absent
        return {
            "before": as_yaml(before),
            "after": as_yaml(after),
            "before_header": header,
            "after_header": str(self.subject) if after else absent,
        }

    @property
    def differences(self) -> list[Difference]:
        if not self.changed:
            return list(self.conflicts)
        before, after = self._displayed_sides()
        if before and after:
            return [Difference(name, before[name], after[name]) for name in before if before[name] != after[name]]
        presence = [["absent", "present"][bool(side)] for side in (before, after)]
        return [Difference(self.kind.name, *presence)]

    @property
    def line(self) -> str:
        """Return the change in a line, such as `~ Bakery  default_branch main -> hotfix`."""
        name = one_line(self.subject.name)
        if self.type == DELETED:
            return f"- {name}"
        if self.type == CREATED:
            after = self._displayed(self.after)
            places = [after[field.option_name] for field, _kind in self.kind.references if not field.is_parent]
            return "  ".join([f"+ {name}", *(f"on {place}" for place in places if place)])
        return f"~ {name}  {', '.join(map(str, self.differences))}"

    def stored_mismatches(self, stored: Object) -> list[str]:
        """Return a warning for each field that the API stored with another value: the next run changes it again."""
        return [
            f"{self.subject}: sent {name} {self.kind.redacted(name, sent)!r}, "
            f"the API stored {self.kind.redacted(name, stored.get(name))!r}. "
            "Declare the stored value, or the next run will try to change it again."
            for name, sent in (self.body or {}).items()
            if self.kind.field(name).is_readable and not self.kind.is_same(name, stored.get(name), sent)
        ]

    def _displayed_sides(self) -> tuple[dict[str, Any], dict[str, Any]]:
        before = self._displayed(self.before)
        # What the API never returns is displayed when it is set.
        after = self._displayed(self.after and {**(self.body or {}), **self.after})
        for url in [each for each in self.kind.declarable if each.is_url and before and after]:
            name = url.option_name
            if before[name] == after[name] and url.name in (self.body or {}):
                after[name] += " (other credentials)"
        return before, after

    def _displayed(self, item: Object | None) -> dict[str, Any]:
        if not item:
            return {}
        return {each.option_name: self._display(each, item.get(each.name)) for each in self.kind.displayed}

    def _display(self, declared: Field, value: Any) -> Any:
        """Return a value as people know it: a reference by the name of its object, a URL without its credentials."""
        if declared.is_parent and self.owner:
            # It may be yet to be created.
            return self.owner
        if declared.reference:
            return self.names.get(str(value).lower(), value)
        return sorted(value) if isinstance(value, list) else self.kind.redacted(declared.name, value)


def diff_of(header: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Return {before, after, before_header, after_header} of something that keeps its name."""
    sides = {"before": as_yaml(before), "after": as_yaml(after)}
    return {**sides, "before_header": header, "after_header": header}


def as_yaml(fields: Mapping[str, Any]) -> str:
    """Return the fields that have a value as lines of YAML."""
    return "".join(f"{name}: {_scalar(value)}\n" for name, value in fields.items() if value is not None)


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    is_plain = _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT
    return value if is_plain else json.dumps(value, ensure_ascii=not value.isprintable())
