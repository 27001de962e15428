# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Existing objects and desired ones give actions. Pure: nothing here reads or writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, summarize
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import MASK, has_mask
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import (
    CREATED,
    DELETED,
    UNCHANGED,
    UPDATED,
    Action,
    Difference,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import (
    Desired,
    References,
    join_limited,
    resolve,
)


@dataclass(frozen=True)
class Problem:
    """Why a declaration is rejected, and the fields in which it cannot be fulfilled."""

    failure: Failure
    differences: Sequence[Difference] = ()


@dataclass(frozen=True)
class Plan:
    """An action for each valid declaration, in order, then for each object to prune. With problems, none is applied."""

    kind: Kind
    actions: Sequence[Action]
    problems: Sequence[Problem] = ()

    @property
    def rejection(self) -> Failure | None:
        """The failure with everything that is wrong, if anything is; `details`: [{<kind>, code, message}]."""
        failures = [problem.failure for problem in self.problems]
        if not failures:
            return None
        details = [
            {
                self.kind.name: failure.subject and failure.subject.name,
                "code": failure.code,
                "message": failure.sentences,
            }
            for failure in failures
        ]
        return Failure(failures[0].code, summarize([str(failure) for failure in failures]), details=details)


def plan(
    kind: Kind,
    declarations: Sequence[Desired],
    existing: Iterable[Object],
    references: References,
    *,
    prune: bool = False,
    prune_limit: int = 0,
) -> Plan:
    """Plan all declarations. `references` may lack the kinds that no declaration names an object of."""
    objects = list(existing)
    by_id = {item["id"].lower(): item for item in objects}
    by_name: dict[str, list[Object]] = {}
    for item in objects:
        by_name.setdefault(item[kind.key], []).append(item)
    by_stripped_name = {item[kind.key].strip(): item for item in objects}

    problems = _duplicates(kind, declarations)
    actions: list[Action] = []
    matched_ids: list[str] = []
    for desired in declarations:
        if desired.id:
            matches = [by_id[key] for key in [desired.id.lower()] if key in by_id]
        else:
            matches = by_name.get(desired.name or "", [])
        matched_ids += [item["id"] for item in matches]
        outcome = _plan_one(desired, matches, references, by_stripped_name)
        if isinstance(outcome, Action):
            actions.append(outcome)
        else:
            problems.append(replace(outcome, failure=outcome.failure.about(desired.subject)))
    reported = {problem.failure.subject for problem in problems}
    for object_id, count in Counter(matched_ids).items():
        subject = kind.subject(by_id[object_id.lower()][kind.key])
        if count > 1 and subject not in reported:
            message = f"it is declared {count} times, as {object_id}"
            problems.append(Problem(Failure("duplicate_declaration", message, "Declare it once.", subject)))
    if prune:
        skipped = set(matched_ids)
        pruned = [replace(_deletion(kind, item), is_pruned=True) for item in objects if item["id"] not in skipped]
        problems += _prune_limit_problems(kind, pruned, prune_limit)
        actions += pruned
    return Plan(kind, actions, problems)


def _duplicates(kind: Kind, declarations: Sequence[Desired]) -> list[Problem]:
    """Reject names and idempotency keys declared twice; a name only where no id tells one object from the other."""
    names = Counter(desired.name for desired in declarations if desired.name)
    names_without_id = {desired.name for desired in declarations if desired.name and not desired.id}
    keys = Counter(desired.idempotency_key for desired in declarations if desired.idempotency_key)
    by_name = [
        Failure(
            "duplicate_declaration",
            f"it is declared {count} times",
            f"Declare it once, or set the {kind.id_option} of each.",
            kind.subject(name),
        )
        for name, count in names.items()
        if count > 1 and name in names_without_id
    ]
    by_key = [
        Failure(
            "duplicate_declaration",
            f"{count} {kind.plural} have the idempotency_key {key!r}",
            "Remove it, or set one for each.",
        )
        for key, count in keys.items()
        if count > 1
    ]
    return [Problem(failure) for failure in by_name + by_key]


def _prune_limit_problems(kind: Kind, pruned: Sequence[Action], limit: int) -> list[Problem]:
    if len(pruned) <= limit:
        return []
    names = join_limited([repr(action.name) for action in pruned], ", ")
    return [
        Problem(
            Failure(
                "prune_limit_exceeded",
                f"prune would delete {len(pruned)} {kind.plural}, and prune_limit is {limit}: {names}",
                "Declare those to keep, or raise prune_limit.",
            )
        )
    ]


def _plan_one(
    desired: Desired, matches: Sequence[Object], references: References, by_stripped_name: Mapping[str, Object]
) -> Action | Problem:
    kind = desired.kind
    if len(matches) > 1:
        ids = ", ".join(item["id"] for item in matches)
        message = f"{len(matches)} {kind.plural} have this {kind.key}: {ids}"
        return Problem(Failure("ambiguous_name", message, f"Set {kind.id_option} to say which one."))
    before = matches[0] if matches else None
    if desired.state == "absent":
        return _deletion(kind, before) if before else Action(kind, UNCHANGED, desired.label)
    if desired.id and not before:
        message = f"the {kind.name} {desired.id} does not exist"
        hint = f"A {kind.name} cannot be created with a given id: remove {kind.id_option}, or correct it."
        return Problem(Failure("not_found", message, hint))
    values: dict[str, str] = dict(desired.values)
    for field, reference in kind.references:
        if field.name in values:
            resolved = resolve(reference, values[field.name], references, field.unknown)
            if isinstance(resolved, Failure):
                return Problem(resolved)
            values[field.name] = resolved
    if before:
        return _change(kind, before, values, references)
    return _creation(desired, values, by_stripped_name)


def _creation(desired: Desired, values: dict[str, str], by_stripped_name: Mapping[str, Object]) -> Action | Problem:
    kind = desired.kind
    for field in kind.declarable:
        if field.required and field.name not in values:
            message = f"the {kind.name} does not exist, and '{field.option_name}' is required to create it"
            return Problem(Failure(field.required, message, f"Set {field.option_name}, or correct the {kind.key}."))
    if problem := _redacted_url_problem(kind, values):
        return problem
    name = values[kind.key]
    if similar := by_stripped_name.get(name.strip()):
        return Problem(
            Failure(
                "similar_name",
                f"{kind.subject(similar[kind.key])} ({similar['id']}) already exists and differs only in leading or "
                "trailing whitespace",
                f"Use the existing {kind.key}.",
            )
        )
    predicted: Object = {"id": None, **{field.name: field.default for field in kind.fields}, **values}
    return Action(kind, CREATED, name, None, values, predicted, desired.idempotency_key)


def _change(kind: Kind, before: Object, values: Mapping[str, str], references: References) -> Action | Problem:
    differs = {name: value for name, value in values.items() if not kind.is_same(name, before.get(name), value)}
    fixed = [
        Difference(
            field.option_name,
            _display_value(kind, field.name, before.get(field.name), references),
            _display_value(kind, field.name, differs[field.name], references),
        )
        for field in kind.declarable
        if field.create_only and field.name in differs
    ]
    if fixed:
        changes = "; ".join(f"{each.field} from {each.current!r} to {each.desired!r}" for each in fixed)
        message = f"cannot change {changes}: the API does not support it"
        hint = f"Declare the current value: it is set when the {kind.name} is created, and stays."
        return Problem(Failure("immutable_field", message, hint), fixed)
    if not differs:
        return Action(kind, UNCHANGED, before[kind.key], before, None, before)
    if problem := _redacted_url_problem(kind, differs):
        return problem
    return Action(kind, UPDATED, differs.get(kind.key) or before[kind.key], before, differs, {**before, **differs})


def _display_value(kind: Kind, name: str, value: Any, references: References) -> Any:
    """Return a reference as the name of its object where that was read."""
    reference = kind.field(name).reference
    objects = references.get(reference.name, []) if reference else []
    names = {item["id"].lower(): item[reference.key] for item in objects if reference}
    return names.get(str(value).lower(), kind.redacted(name, value))


def _deletion(kind: Kind, item: Object) -> Action:
    return Action(kind, DELETED, item[kind.key], item)


def _redacted_url_problem(kind: Kind, values: Mapping[str, str]) -> Problem | None:
    for name, value in values.items():
        if kind.field(name).is_url and has_mask(value):
            message = f"{name} has {MASK} instead of credentials, as in the output of modules"
            return Problem(Failure("invalid_input", message, f"Set the real credentials, or remove {name}."))
    return None
