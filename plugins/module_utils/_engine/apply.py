# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Carry out a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    MAX_CONSECUTIVE_TIMEOUTS,
    Failure,
    NoResponseError,
    OecError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import (
    CREATED,
    DELETED,
    UPDATED,
    Action,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.create_once import create_once


@dataclass(frozen=True)
class Outcome:
    """What became of an action, or in check mode would: the object after it, or why it failed."""

    action: Action
    after: Object | None
    failure: Failure | None = None
    warnings: Sequence[str] = ()

    @property
    def changed(self) -> bool:
        return self.action.changed and not self.failure


class CircuitBreaker:
    """Stops writes that would fail alike, take a name that is not free, or delete what failed under its old name."""

    def __init__(self) -> None:
        self._first_declared: Failure | None = None
        self._fatal: Failure | None = None
        self._timeouts = 0
        self._kept_names: dict[str, Failure] = {}

    def skip_reason(self, action: Action) -> Failure | None:
        if action.is_pruned:
            # It may be a declared object that failed, under its old name.
            return self._fatal or self._first_declared
        return self._fatal or self._kept_names.get(action.new_name or "")

    def record_kept_name(self, action: Action, failure: Failure) -> None:
        if action.freed_name:
            self._kept_names[action.freed_name] = failure

    def record_success(self) -> None:
        self._timeouts = 0

    def record_rejection(self, failure: Failure) -> None:
        self._first_declared = self._first_declared or failure

    def record_failure(self, action: Action, error: OecError, failure: Failure) -> None:
        self.record_kept_name(action, failure)
        if not action.is_pruned:
            self.record_rejection(failure)
        self._timeouts = self._timeouts + 1 if isinstance(error, NoResponseError) else 0
        if failure.is_fatal or self._timeouts == MAX_CONSECUTIVE_TIMEOUTS:
            self._fatal = self._fatal or failure


def apply_plan(
    client: Client, actions: Sequence[Action], mode: Mode, breaker: CircuitBreaker | None = None
) -> list[Outcome]:
    """Carry out the actions, unless in check mode, and return their outcomes in the same order.

    An action that is rejected or fails does not stop the others, but for one that needs the name which it was to free.
    `breaker`: of what was carried out before.
    """
    breaker = breaker or CircuitBreaker()
    for action in actions:
        if action.rejection:
            breaker.record_rejection(action.rejection)
    if not mode.check and any(action.changed and not breaker.skip_reason(action) for action in actions):
        client.require_full_access()
    outcomes = {position: _outcome(client, actions[position], breaker, mode) for position in _order(actions)}
    return [outcomes[position] for position in range(len(actions))]


def _order(actions: Sequence[Action]) -> list[int]:
    """Return the positions of the actions, each after those that free its new name; a cycle begins with its last."""
    freed: dict[str, list[int]] = {}
    for position, action in enumerate(actions):
        if action.freed_name:
            freed.setdefault(action.freed_name, []).append(position)
    order: dict[int, None] = {}
    for position in range(len(actions)):
        pending = [position]
        while pending:
            freeing = freed.get(actions[pending[-1]].new_name or "", [])
            missing = [each for each in freeing if each not in order and each not in pending]
            if missing:
                pending.append(missing[0])
            else:
                order[pending.pop()] = None
    return list(order)


def _outcome(client: Client, action: Action, breaker: CircuitBreaker, mode: Mode) -> Outcome:
    if not action.changed:
        return Outcome(action, action.after, action.rejection, action.warnings)
    if reason := breaker.skip_reason(action):
        breaker.record_kept_name(action, reason)
        return Outcome(action, action.before, skipped(reason, mode).about(action.subject))
    if mode.check:
        return Outcome(action, action.after, warnings=action.warnings)
    return _apply(client, action, breaker)


def _apply(client: Client, action: Action, breaker: CircuitBreaker) -> Outcome:
    try:
        stored = _write(client, action)
    except OecError as error:
        failure = error.failure.about(action.subject)
        breaker.record_failure(action, error, failure)
        return Outcome(action, action.before, failure)
    breaker.record_success()
    mismatches = action.stored_mismatches(stored) if stored else []
    return Outcome(action, stored, warnings=[*action.warnings, *mismatches])


def _write(client: Client, action: Action) -> Object | None:
    """Return the object as the API stored it; None where it is deleted."""
    api = client.of(action.kind)
    if action.type == CREATED:
        return create_once(api, action.body or {}, action.idempotency_key)
    if action.before and action.type == UPDATED:
        return api.update(action.before["id"], action.body or {})
    if action.before and action.type == DELETED:
        api.delete(action.before["id"])
    return None


def skipped(reason: Failure, mode: Mode) -> Failure:
    """Return the failure of what is not tried, because something else failed."""
    tenses = ("would not be tried", "would fail") if mode.check else ("not tried", "failed")
    message = f"{tenses[0]}, because {reason.subject} {tenses[1]}: {reason.message}"
    return Failure("skipped", message, reason.hint, details=[{"code": reason.code, "status": reason.status}])
