# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Existing objects and desired ones give actions. Pure: nothing here reads or writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, reject_all
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import Action
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.conflicts import (
    reject_duplicates,
    reject_likely_renames,
    reject_names,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.decide import decide, deletion
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired, References, join_limited

_DIGEST_ROUNDS = 50_000


@dataclass(frozen=True)
class Plan:
    """An action for each declaration, in order, then for each object to prune. `problems`: of the list as a whole."""

    kind: Kind
    actions: Sequence[Action]
    problems: Sequence[Failure] = ()

    def rejection(self, *, skip_rejected: bool = False) -> Failure | None:
        """Return the failure with everything that is wrong, if anything is."""
        failures = self.failures(skip_rejected=skip_rejected)
        return reject_all(failures) if failures else None

    def failures(self, *, skip_rejected: bool = False) -> list[Failure]:
        """Return all that is wrong, once each; `details`: [{<kind>, code, message}], and what it belongs to.

        `skip_rejected`: what is wrong with single declarations does not count.
        """
        rejected = [] if skip_rejected else [each for each in self.actions if each.rejection]
        found = [(self._labels(each), each.rejection) for each in rejected if each.rejection]
        found += [({self.kind.name: None}, problem) for problem in self.problems]
        failures: list[Failure] = []
        for labels, failure in found:
            detail = {**labels, "code": failure.code, "message": failure.sentences}
            detailed = Failure(failure.code, str(failure), details=[detail])
            if detailed not in failures:
                failures.append(detailed)
        return failures

    def _labels(self, action: Action) -> dict[str, str | None]:
        parent = {self.kind.parent[1].name: action.owner} if self.kind.parent and action.owner else {}
        return {**parent, self.kind.name: self.kind.redacted(self.kind.key, action.name)}

    def with_names(self, references: References) -> Plan:
        """Return the plan with the names of the objects that fields refer to, for display."""
        names = _reference_names(self.kind, references)
        return replace(self, actions=[replace(action, names=names) for action in self.actions])


def digest(actions: Iterable[Action]) -> str:
    """Return the hash over all changes, in any order: equal plans have the same."""
    changes = sorted(_canonical(action) for action in actions if action.changed or action.rejection)
    # Slow on purpose: the changes may contain a password, and the digest is handed on in the open.
    return hashlib.pbkdf2_hmac("sha256", json.dumps(changes).encode(), b"plan_digest", _DIGEST_ROUNDS).hex()


def _canonical(action: Action) -> str:
    sides = [
        item and {field.name: item.get(field.name) for field in action.kind.declarable}
        for item in (action.before, action.after)
    ]
    ident, code = (action.before or {}).get("id"), action.rejection and action.rejection.code
    # What is sent has also what no object shows, such as the settings of a create.
    identity = [action.kind.name, action.type, action.owner, action.name, ident]
    return json.dumps([*identity, *sides, action.body, action.start, code], sort_keys=True)


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
        by_name.setdefault(kind.identity(item[kind.key]), []).append(item)
    names = _reference_names(kind, references)

    actions: list[Action] = []
    declared_ids: set[str] = set()
    for desired in declarations:
        if desired.id:
            matches = [by_id[key] for key in [desired.id.lower()] if key in by_id]
        else:
            matches = by_name.get(kind.identity(desired.name) or "") or by_name.get(desired.previous_name or "", [])
        declared_ids |= {item["id"] for item in matches}
        actions.append(decide(desired, matches, references, names))
    actions = reject_names(objects, declarations, reject_duplicates(declarations, actions))
    problems: list[Failure] = []
    if prune:
        unlisted = [item for item in objects if item["id"] not in declared_ids]
        pruned = [replace(deletion(kind, item, names), is_pruned=True) for item in unlisted]
        problems = _prune_limit_problems(kind, pruned, prune_limit)
        actions = [*reject_likely_renames(declarations, actions, pruned), *pruned]
    return Plan(kind, actions, problems)


def _reference_names(kind: Kind, references: References) -> dict[str, str]:
    """Return the names of the objects that fields may refer to, by id."""
    return {
        item["id"].lower(): item[reference.key]
        for _field, reference in kind.references
        for item in references.get(reference.name, [])
        if item["id"]
    }


def _prune_limit_problems(kind: Kind, pruned: Sequence[Action], limit: int) -> list[Failure]:
    if len(pruned) <= limit:
        return []
    names = join_limited([repr(action.name) for action in pruned], ", ")
    message = f"prune would delete {len(pruned)} {kind.plural}, and prune_limit is {limit}: {names}"
    return [Failure("prune_limit_exceeded", message, "Declare those to keep, or raise prune_limit.")]
