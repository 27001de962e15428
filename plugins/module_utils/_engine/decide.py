# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What one declaration means for the object that it matches. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import AnyCode, Code, Failure
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import MASK, has_mask
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import (
    CREATED,
    DELETED,
    FAILED,
    UNCHANGED,
    UPDATED,
    Action,
    Difference,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired, References, resolve

Names = Mapping[str, str]


def decide(desired: Desired, matches: Sequence[Object], references: References, names: Names) -> Action:
    """Return the action of a declaration. `matches`: the objects that it may mean; `names`: see Action."""
    kind = desired.kind
    if len(matches) > 1:
        ids = ", ".join(item["id"] for item in matches)
        message = f"{len(matches)} {kind.plural} have the {kind.key} {matches[0][kind.key]!r}: {ids}"
        return _rejected(desired, None, "ambiguous_name", message, f"Set {kind.id_option} to say which one.")
    before = matches[0] if matches else None
    if desired.state == "absent":
        return _absent(desired, before, names)
    if desired.id and not before:
        message = f"the {kind.name} {desired.id} does not exist"
        hint = f"A {kind.name} cannot be created with a given id: remove {kind.id_option}, or correct it."
        return _rejected(desired, None, "not_found", message, hint)
    values: dict[str, str] = dict(desired.values)
    for field, reference in kind.references:
        if field.name in values:
            resolved = resolve(reference, values[field.name], references, field.unknown)
            if isinstance(resolved, Failure):
                return _rejected(desired, before, resolved.code, resolved.message, resolved.hint)
            values[field.name] = resolved
    return _change(desired, before, values, names) if before else _creation(desired, values, names)


def deletion(kind: Kind, item: Object, names: Names) -> Action:
    return Action(kind, DELETED, item[kind.key], item, names=names)


def reject(action: Action, code: Code, message: str, hint: str) -> Action:
    """Return the action rejected; one that is rejected already keeps its first reason."""
    return action if action.rejection else _rejected(action, action.before, code, message, hint)


def _rejected(
    rejected: Desired | Action,
    before: Object | None,
    code: AnyCode,
    message: str,
    hint: str,
    conflicts: Sequence[Difference] = (),
) -> Action:
    subject = rejected.subject
    failure = Failure(code, message, hint, subject)
    return Action(rejected.kind, FAILED, subject.name, before, after=before, rejection=failure, conflicts=conflicts)


def _absent(desired: Desired, before: Object | None, names: Names) -> Action:
    kind = desired.kind
    if before is None:
        return Action(kind, UNCHANGED, desired.label)
    if before[kind.key] == desired.previous_name and not desired.id:
        kept = (
            f"{desired.subject}: it does not exist, and {desired.previous_name!r}, its {kind.previous_option}, is kept."
        )
        return Action(kind, UNCHANGED, desired.label, warnings=[kept])
    if desired.name in (None, before[kind.key]):
        return deletion(kind, before, names)
    message = f"nothing is deleted, because the {kind.name} {before['id']} is named {before[kind.key]!r}"
    hint = f"To delete that one, declare its own {kind.key}; else correct or remove what identifies it."
    return _rejected(desired, before, "name_mismatch", message, hint)


def _creation(desired: Desired, values: dict[str, str], names: Names) -> Action:
    kind = desired.kind
    for field in kind.declarable:
        if field.required and field.name not in values:
            message = f"the {kind.name} does not exist, and '{field.option_name}' is required to create it"
            hint = f"Set {field.option_name}, or correct the {kind.key}."
            return _rejected(desired, None, field.required, message, hint)
    if url := _redacted_url(kind, values):
        return _rejected_url(desired, None, url)
    predicted: Object = {"id": None, **{field.name: field.default for field in kind.fields}, **values}
    return Action(
        kind,
        CREATED,
        values[kind.key],
        body=values,
        after=predicted,
        idempotency_key=desired.idempotency_key,
        names=names,
        warnings=desired.warnings,
    )


def _change(desired: Desired, before: Object, values: Mapping[str, str], names: Names) -> Action:
    kind = desired.kind
    differs = {name: value for name, value in values.items() if not kind.is_same(name, before.get(name), value)}
    name = differs.get(kind.key) or before[kind.key]
    if not differs:
        return Action(kind, UNCHANGED, name, before, after=before, names=names)
    action = Action(kind, UPDATED, name, before, differs, {**before, **differs}, names=names)
    fixed = {field.option_name for field in kind.declarable if field.create_only and field.name in differs}
    if fixed:
        conflicts = [difference for difference in action.differences if difference.field in fixed]
        changes = "; ".join(f"{each.field} from {each.current!r} to {each.desired!r}" for each in conflicts)
        message = f"cannot change {changes}: the API does not support it"
        hint = f"Declare the current value: it is set when the {kind.name} is created, and stays."
        return _rejected(desired, before, "immutable_field", message, hint, conflicts)
    if url := _redacted_url(kind, differs):
        return _rejected_url(desired, before, url)
    return action


def _redacted_url(kind: Kind, values: Mapping[str, str]) -> str:
    return next((name for name, value in values.items() if kind.field(name).is_url and has_mask(value)), "")


def _rejected_url(desired: Desired, before: Object | None, name: str) -> Action:
    message = f"{name} has {MASK} instead of credentials, as in the output of modules"
    return _rejected(desired, before, "invalid_input", message, f"Set the real credentials, or remove {name}.")
