# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The planned change of one object: the source of check mode, diff, `changed` and result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Subject

CREATED, UPDATED, DELETED, UNCHANGED, FAILED = "created", "updated", "deleted", "unchanged", "failed"


@dataclass(frozen=True)
class Difference:
    """A field that is not as desired. An object that is missing, or one too many, differs in the field of its kind."""

    field: str
    current: Any
    desired: Any


@dataclass(frozen=True)
class Action:
    """`before`: the existing object. `body`: what is sent. `after`: the predicted object, None once it is deleted."""

    kind: Kind
    type: str
    name: str
    before: Object | None = None
    body: Mapping[str, str] | None = None
    after: Object | None = None
    idempotency_key: str | None = None
    is_pruned: bool = False

    @property
    def subject(self) -> Subject:
        return self.kind.subject(self.name)

    @property
    def changed(self) -> bool:
        return self.type != UNCHANGED

    @property
    def diff(self) -> dict[str, Any]:
        """Return {before, after, before_header, after_header}: the declarable fields; {} where there is no object."""
        before, after = self._displayed_sides()
        absent = f"{self.subject} (absent)"
        return {
            "before": before,
            "after": after,
            "before_header": str(self.subject) if before else absent,
            "after_header": str(self.subject) if after else absent,
        }

    @property
    def differences(self) -> list[Difference]:
        if not self.changed:
            return []
        before, after = self._displayed_sides()
        if before and after:
            return [
                Difference(field.option_name, before[field.name], after[field.name])
                for field in self.kind.declarable
                if before[field.name] != after[field.name]
            ]
        presence = [["absent", "present"][bool(side)] for side in (before, after)]
        return [Difference(self.kind.name, *presence)]

    def stored_mismatches(self, stored: Object) -> list[str]:
        """Return a warning for each field that the API stored with another value: the next run changes it again."""
        return [
            f"{self.subject}: sent {name} {self.kind.redacted(name, sent)!r}, "
            f"the API stored {self.kind.redacted(name, stored.get(name))!r}. "
            "Declare the stored value, or the next run will try to change it again."
            for name, sent in (self.body or {}).items()
            if not self.kind.is_same(name, stored.get(name), sent)
        ]

    def _displayed_sides(self) -> tuple[dict[str, Any], dict[str, Any]]:
        before, after = self._displayed(self.before), self._displayed(self.after)
        for name in [field.name for field in self.kind.declarable if field.is_url and before and after]:
            if before[name] == after[name] and name in (self.body or {}):
                after[name] += " (other credentials)"
        return before, after

    def _displayed(self, item: Object | None) -> dict[str, Any]:
        fields = self.kind.declarable if item else ()
        return {field.name: self.kind.redacted(field.name, (item or {}).get(field.name)) for field in fields}
