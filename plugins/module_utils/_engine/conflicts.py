# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What declarations mean for each other, and for the objects that no declaration changes. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import comparable_name
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import CREATED, Action
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.decide import reject
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired, join_limited

_HOW_SIMILAR = "differs only in case, whitespace, or what cannot be seen"


def reject_duplicates(declarations: Sequence[Desired], actions: Sequence[Action]) -> list[Action]:
    """Reject what is declared twice: by name, as the same object, or with the same idempotency key."""
    counts = Counter(desired.name for desired in declarations if desired.name)
    names_without_id = {desired.name for desired in declarations if desired.name and not desired.id}
    keys = Counter(desired.idempotency_key for desired in declarations if desired.idempotency_key)
    sharers: dict[str, list[tuple[Desired, Action]]] = {}
    for desired, action in zip(declarations, actions, strict=True):
        if action.before:
            sharers.setdefault(action.before["id"], []).append((desired, action))

    def check(desired: Desired, action: Action) -> Action:
        kind, name, key = desired.kind, desired.name or "", desired.idempotency_key or ""
        if name in names_without_id and counts[name] > 1:
            hint = f"Declare it once, or set the {kind.id_option} of each."
            return _duplicate(action, f"it is declared {counts[name]} times", hint)
        if keys[key] > 1:
            message = f"{keys[key]} {kind.plural} have the idempotency_key {key!r}"
            return _duplicate(action, message, "Remove it, or set one for each.")
        same = sharers[action.before["id"]] if action.before else []
        renamed = next((other.new_name for _desired, other in same if other.new_name), None)
        if renamed and _is_found_by_name(desired, action):
            message = f"the {kind.name} of this {kind.key} is renamed to {renamed!r} in the same list"
            # Compared with the object that is renamed, it may differ in what cannot change: that is beside the point.
            action = replace(action, rejection=None)
            hint = f"Remove it for now, and create the new {name!r} in the next run."
            if desired.state == "absent":
                hint = "Remove it: afterwards, no object has this name."
            elif desired.previous_name:
                hint = f"Declare it as {desired.previous_name!r} for now, and rename it in the next run."
            return _duplicate(action, message, hint)
        if desired.previous_name and action.new_name and any(_is_found_by_name(*other) for other in same):
            message = f"its {kind.previous_option}, {desired.previous_name!r}, is declared in the same list"
            return _duplicate(action, message, f"Remove that declaration, or {kind.previous_option}.")
        count = sum(not (renamed and _is_found_by_name(*other)) for other in same)
        if action.before and count > 1:
            return _duplicate(action, f"it is declared {count} times, as {action.before['id']}", "Declare it once.")
        return action

    return [check(desired, action) for desired, action in zip(declarations, actions, strict=True)]


def _duplicate(action: Action, message: str, hint: str) -> Action:
    return reject(action, "duplicate_declaration", message, hint)


def _is_found_by_name(desired: Desired, action: Action) -> bool:
    """Whether a declaration means its object by nothing but the name that it has now."""
    return not desired.id and action.before is not None and desired.name == action.before[desired.kind.key]


@dataclass(frozen=True)
class _Holder:
    """A name as it will be. `position`: of the declaration that introduces it, before all for existing names."""

    name: str
    label: str
    position: int = -1
    allows_similar: bool = False


def reject_names(objects: Sequence[Object], declarations: Sequence[Desired], actions: Sequence[Action]) -> list[Action]:
    """Reject new names that another object keeps, or that people could take for the name of another object.

    A name that the same list frees may be taken: its object is renamed or deleted. Pruning frees none, since it comes
    last, and only if nothing failed.
    """
    checked = list(actions)
    while any(action.new_name for action in checked):
        holders = _holders(objects, declarations, checked)
        rejected = [
            _reject_name(position, desired, action, holders.get(comparable_name(action.new_name), []))
            if action.new_name
            else action
            for position, (desired, action) in enumerate(zip(declarations, checked, strict=True))
        ]
        if all(after is before for after, before in zip(rejected, checked, strict=True)):
            break
        # What is rejected frees no name.
        checked = rejected
    return checked


def _holders(
    objects: Sequence[Object], declarations: Sequence[Desired], actions: Sequence[Action]
) -> dict[str, list[_Holder]]:
    """Return the names after the plan, by what people see of them."""
    kept = {item["id"]: item for item in objects}
    allowed: set[str] = set()
    holders = []
    for position, (desired, action) in enumerate(zip(declarations, actions, strict=True)):
        if action.before and action.freed_name:
            kept.pop(action.before["id"], None)
        elif action.before and desired.allow_similar_name:
            allowed.add(action.before["id"])
        if action.new_name:
            holders.append(_Holder(action.new_name, "of the same list", position, desired.allow_similar_name))
    key = declarations[0].kind.key
    kept_names = [
        _Holder(item[key], f"({item['id']})", allows_similar=item["id"] in allowed)
        for item in kept.values()
        if item[key]
    ]
    by_comparable: dict[str, list[_Holder]] = {}
    for holder in [*kept_names, *holders]:
        by_comparable.setdefault(comparable_name(holder.name), []).append(holder)
    return by_comparable


def _reject_name(position: int, desired: Desired, action: Action, holders: Sequence[_Holder]) -> Action:
    kind, name = desired.kind, action.new_name
    others = [holder for holder in holders if holder.position != position]
    if taken := next((holder for holder in others if holder.name == name), None):
        message = f"another {kind.name} has this {kind.key}: {kind.subject(taken.name)} {taken.label}"
        hint = f"Choose another {kind.key}, or rename or delete that one in the same list."
        return reject(action, "name_taken", message, hint)
    similar = next((holder for holder in others if holder.position < position and not holder.allows_similar), None)
    if similar and kind.is_renamed and not desired.allow_similar_name:
        seen = repr(similar.name) if similar.name.isascii() else f"{similar.name!r} ({similar.name!a})"
        message = f"{kind.name} {seen} {similar.label} {_HOW_SIMILAR}"
        hint = f"Use that {kind.key}, or set allow_similar_name if it is another {kind.name}."
        return reject(action, "similar_name", message, hint)
    return action


def reject_likely_renames(
    declarations: Sequence[Desired], actions: Sequence[Action], pruned: Sequence[Action]
) -> list[Action]:
    """Reject what may be a rename, but loses what the object contains that is pruned.

    That is one that is created with the repository of a pruned one or with a previous name that nothing has, and one
    beside which its previous name is pruned.
    """
    losses: dict[tuple[str, str], list[str]] = {}
    for action in pruned:
        for place in _repositories(action.kind, action.before):
            losses.setdefault(place, []).append(action.name)
    names = [action.name for action in pruned]
    return [
        _reject_likely_rename(desired, action, names, losses)
        for desired, action in zip(declarations, actions, strict=True)
    ]


def _reject_likely_rename(
    desired: Desired, action: Action, names: Sequence[str], losses: Mapping[tuple[str, str], Sequence[str]]
) -> Action:
    kind = action.kind
    if desired.previous_name in names:
        message = f"the {kind.name} {desired.previous_name!r} exists as well, and would be deleted"
        hint = f"To delete it, declare it absent; if it is another {kind.name}, remove {kind.previous_option}."
        return reject(action, "likely_rename", message, hint)
    if action.type != CREATED:
        return action
    if desired.previous_name and names:
        pruned = join_limited([repr(name) for name in names], ", ")
        message = f"it would be created, since there is no {desired.previous_name!r} to rename, and {pruned} deleted"
        return reject(action, "likely_rename", message, f"Correct {kind.previous_option}, or remove it.")
    for field, repository in _repositories(kind, action.after):
        if lost := losses.get((field, repository)):
            pruned = join_limited([repr(name) for name in lost], ", ")
            message = f"it would be created, and {pruned} with the same {field} deleted: that looks like a rename"
            hint = (
                f"To rename that one and keep what it contains, set {kind.previous_option} to its {kind.key}. "
                f"If this is another {kind.name}, create it in a run without prune."
            )
            return reject(action, "likely_rename", message, hint)
    return action


def _repositories(kind: Kind, item: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Return field and repository, without what may differ between two URLs of one repository."""
    for field in kind.declarable:
        if field.is_url and item and (url := item.get(field.name)):
            place = re.split("[?#]", url.partition("://")[2].rpartition("@")[2])[0]
            yield field.name, place.rstrip("/").removesuffix(".git").lower()
