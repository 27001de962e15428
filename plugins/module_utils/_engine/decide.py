# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What one declaration means for the object that it matches. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import AnyCode, Failure
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
    return replace(_decide(desired, matches, references, names), owner=desired.owner)


def _decide(desired: Desired, matches: Sequence[Object], references: References, names: Names) -> Action:
    kind = desired.kind
    if len(matches) > 1:
        ids = ", ".join(item["id"] for item in matches)
        message = f"{len(matches)} {kind.plural} have the {kind.key} {kind.label(matches[0])!r}: {ids}"
        return _rejected(desired, None, "ambiguous_name", message, f"Set {kind.id_option} to say which one.")
    before = matches[0] if matches else None
    values: dict[str, Any] = dict(desired.values)
    for field, reference in kind.references:
        if field.name not in values or (desired.state == "absent" and not field.is_parent):
            continue
        resolved = resolve(
            reference, field, values[field.name], references, is_checked=field.is_parent and not desired.id
        )
        if isinstance(resolved, str):
            values[field.name] = resolved
        elif desired.state != "absent" or resolved.code != field.unknown:
            # What belongs to an object that does not exist is absent as well.
            return _rejected(desired, before, resolved.code, resolved.message, resolved.hint)
    if desired.state == "absent":
        return _absent(desired, before, values, names)
    if before:
        return _change(desired, before, values, names)
    if desired.id or kind.target(desired.state):
        message = f"the {kind.name} {desired.subject.name if desired.id is None else desired.id} does not exist"
        hint = f"No {kind.name} can be created with a given id: remove {kind.id_option}, or correct it."
        if kind.target(desired.state):
            hint = f"Create it with state=present, or correct what identifies it: {desired.state} creates none."
        return _rejected(desired, None, "not_found", message, hint)
    return _creation(desired, values, references, names)


def deletion(kind: Kind, item: Object, names: Names) -> Action:
    return Action(kind, DELETED, kind.label(item), item, names=names)


def reject(action: Action, code: AnyCode, message: str, hint: str) -> Action:
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
    failure = Failure(code, message, hint, rejected.subject)
    name, kind = rejected.label if isinstance(rejected, Desired) else rejected.name, rejected.kind
    return Action(
        kind,
        FAILED,
        name,
        before,
        after=before,
        rejection=failure,
        conflicts=conflicts,
        owner=rejected.owner,
    )


def _absent(desired: Desired, before: Object | None, values: Mapping[str, Any], names: Names) -> Action:
    kind = desired.kind
    if before is None:
        if not desired.id and (url := _redacted_url(kind, {kind.key: desired.name})):
            return _rejected_url(desired, None, url)
        return Action(kind, UNCHANGED, desired.label)
    if before[kind.key] == desired.previous_name and not desired.id:
        kept = (
            f"{desired.subject}: it does not exist, and {desired.previous_name!r}, its {kind.previous_option}, is kept."
        )
        return Action(kind, UNCHANGED, desired.label, warnings=[kept])
    is_of_another = False
    if kind.parent and (place := kind.parent[0].name) in values:
        is_of_another = not kind.is_same(place, before.get(place), values[place])
    if kind.identity(desired.name) in (None, kind.identity(before[kind.key])) and not is_of_another:
        return deletion(kind, before, names)
    if kind.parent and is_of_another:
        message = f"nothing is deleted, because the {kind.name} {before['id']} belongs to another {kind.parent[1].name}"
        return _rejected(desired, before, "name_mismatch", message, "Correct or remove what identifies it.")
    message = f"nothing is deleted, because the {kind.name} {before['id']} is named {kind.label(before)!r}"
    hint = f"To delete that one, declare its own {kind.key}; else correct or remove what identifies it."
    return _rejected(desired, before, "name_mismatch", message, hint)


def _creation(desired: Desired, values: dict[str, Any], references: References, names: Names) -> Action:
    kind = desired.kind
    # There is nothing to empty yet.
    given = {name: value for name, value in values.items() if value is not None}
    for field in kind.declarable:
        if field.required and field.name not in given:
            message = f"the {kind.name} does not exist, and '{field.option_name}' is required to create it"
            hint = f"Set {field.option_name}, or correct the {kind.key}."
            return _rejected(desired, None, field.required, message, hint)
    if url := _redacted_url(kind, given):
        return _rejected_url(desired, None, url)
    body = {**{field.name: field.always for field in kind.declarable if field.always is not None}, **given}
    defaults = {field.name: field.default for field in kind.fields if field.is_readable}
    parent = parent_of(kind, given, references)
    inherited = {field.name: parent.get(field.inherits) for field in kind.fields if field.inherits}
    predicted: Object = {"id": None, **defaults, **inherited}
    predicted |= {name: value for name, value in body.items() if kind.field(name).is_readable}
    return Action(
        kind,
        CREATED,
        values[kind.key],
        body=body,
        after=predicted,
        idempotency_key=desired.idempotency_key,
        names=names,
        warnings=desired.warnings,
    )


def parent_of(kind: Kind, values: Mapping[str, Any], references: References) -> Object:
    """Return the object that one with these values belongs to, as far as it was read; else nothing of it.

    One that is yet to be created has no id, and the values then lack it.
    """
    if not kind.parent:
        return {}
    field, parent = kind.parent
    ident = str(values.get(field.name)).lower()
    return next((item for item in references.get(parent.name, []) if str(item["id"]).lower() == ident), {})


def _change(desired: Desired, before: Object, values: Mapping[str, Any], names: Names) -> Action:
    kind = desired.kind
    comparable = {name: value for name, value in values.items() if kind.field(name).is_readable}
    differs = {name: value for name, value in comparable.items() if not kind.is_same(name, before.get(name), value)}
    target = kind.target(desired.state)
    status = str(before.get("status")).lower()
    start = target if target and status != target.status else None
    name = differs.get(kind.key) or kind.label(before)
    if not differs and not start:
        return Action(kind, UNCHANGED, name, before, after=before, names=names)
    after = {**before, **differs, **({"status": start.status} if start else {})}
    action = Action(kind, UPDATED, name, before, differs, after, names=names, start=start.action if start else "")
    fixed = {field.option_name for field in kind.declarable if field.create_only and field.name in differs}
    if fixed:
        conflicts = [difference for difference in action.differences if difference.field in fixed]
        changes = "; ".join(f"{each.field} from {each.current!r} to {each.desired!r}" for each in conflicts)
        message = f"cannot change {changes}: the API does not support it"
        hint = f"Declare the current value: it is set when the {kind.name} is created, and stays."
        return _rejected(desired, before, "immutable_field", message, hint, conflicts)
    if url := _redacted_url(kind, differs):
        return _rejected_url(desired, before, url)
    if start and status != start.origin:
        message = f"it is {status!r}, and only one that is {start.origin!r} can be {desired.state}"
        hint = f"Bring the {kind.name} into that state first; a deployment starts one that failed or never ran."
        return _rejected(desired, before, "wrong_state", message, hint)
    return action


def _redacted_url(kind: Kind, values: Mapping[str, Any]) -> str:
    return next((name for name, value in values.items() if value and kind.field(name).is_url and has_mask(value)), "")


def _rejected_url(desired: Desired, before: Object | None, name: str) -> Action:
    message = f"{name} has {MASK} instead of credentials, as in the output of modules"
    return _rejected(desired, before, "invalid_input", message, f"Set the real credentials, or remove {name}.")
