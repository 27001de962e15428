# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Many items in one task, each done by itself: what one failure means for the others, and what is reported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    MAX_CONSECUTIVE_TIMEOUTS,
    Failure,
    OecError,
    Subject,
    join_failures,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import (
    CANCELLED,
    COMPLETED,
    FAILED,
    NEVER_STARTED,
    Tasks,
    ending,
    how_to_wait,
    task_failure,
    until_decided,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Steps

ADOPTED, STARTED, NOT_NEEDED, STILL_RUNNING, SKIPPED = "adopted", "started", "not_needed", "still_running", "skipped"
OUTCOMES = (COMPLETED, ADOPTED, STARTED, NOT_NEEDED, FAILED, CANCELLED, NEVER_STARTED, STILL_RUNNING, SKIPPED)
_OUTCOME_OF = {
    "task_failed": FAILED,
    "task_cancelled": CANCELLED,
    "task_never_started": NEVER_STARTED,
    "wait_timeout": STILL_RUNNING,
    "skipped": SKIPPED,
}


@dataclass
class Batch:
    """What the items of one task have in common, and what they know of each other."""

    client: Client
    tasks: Tasks
    is_waiting: bool
    mode: Mode
    stop_after: int = 0
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    timeouts: int = 0

    def record(self, failure: Failure | None) -> None:
        self.timeouts = self.timeouts + 1 if failure and failure.is_transient else 0
        self.failures += [failure] if failure else []

    def check_begin(self) -> None:
        """Raise `skipped` where nothing new is to begin."""
        fatal = next((failure for failure in self.failures if failure.is_fatal), None)
        if self.timeouts >= MAX_CONSECUTIVE_TIMEOUTS:
            fatal = self.failures[-1]
        if fatal:
            raise OecError("skipped", f"not tried, because {fatal.subject} failed: {fatal.message}", fatal.hint)
        if self.stop_after and len(self.failures) >= self.stop_after:
            message = f"not tried, because {len(self.failures)} failed (stop_after: {self.stop_after})"
            raise OecError("skipped", message, "Fix what failed, then run this again.")


@dataclass
class BatchItem(ABC):
    """One item on its way, and what has come of it so far. `place`: what identifies it in the result."""

    batch: Batch
    subject: Subject
    place: Mapping[str, Any]
    outcome: str = SKIPPED
    changed: bool = False
    task: Object | None = None
    failure: Failure | None = None
    log: list[str] = field(default_factory=list)
    diff: dict[str, str] = field(default_factory=dict)

    @abstractmethod
    def advance(self) -> Steps[bool]:
        """Do what is to be done now. Return False where it has to be decided anew."""

    @property
    @abstractmethod
    def facts(self) -> Mapping[str, Any]:
        """What the result says of an item of this kind alone."""

    @property
    def row(self) -> dict[str, Any]:
        """Return the entry of the result."""
        return {
            **self.place,
            "outcome": self.outcome,
            "changed": self.changed,
            "task": self.task,
            "error": self.failure.as_error() if self.failure else None,
            "log": self.log,
            **self.facts,
        }

    @property
    def is_going_on(self) -> bool:
        """Whether what was started had not ended when it was last seen."""
        return self.task is not None and not ending(self.task)

    def warn(self, text: str) -> None:
        warning = f"{self.subject}: {text}."
        # What is decided anew may be said again.
        if warning not in self.batch.warnings:
            self.batch.warnings.append(warning)

    def steps(self) -> Steps[None]:
        """Bring the item to where it is to be, and note what came of it."""
        try:
            yield from until_decided(self._attempt)
        except OecError as error:
            self.failure = error.failure.about(self.subject)
            is_unseen = self.changed and self.is_going_on
            self.outcome = _OUTCOME_OF.get(self.failure.code, STILL_RUNNING if is_unseen else FAILED)
        if self.outcome != SKIPPED:
            self.batch.record(self.failure)
        self.diff = self.diff if self.changed else {}

    def _attempt(self) -> Steps[bool | None]:
        self.batch.check_begin()
        return (yield from self.advance()) or None

    def wait_for(self, busy: Object) -> Steps[None]:
        """Wait for another task. Raise OecError `wait_timeout`, or `wrong_state` where this run does not wait."""
        tasks, self.task = self.batch.tasks, busy
        if not self.batch.is_waiting:
            hint = f"{how_to_wait(busy)} Or set wait: true here."
            raise OecError("wrong_state", "another task of it is running, and wait is off", hint)
        self.task = yield from tasks.wait(busy)
        if not ending(self.task) and (failure := task_failure(self.task, tasks.timeout)):
            raise failure.as_exception()
        self.task = None


def batch_result(batch: Batch, items: Sequence[BatchItem], name: str) -> Result:
    """Return {changed, <name>: a row for each item, summary, diff}, and the failure of all that failed."""
    counts = Counter(each.outcome for each in items)
    values: dict[str, Any] = {
        "changed": any(each.changed for each in items),
        name: [each.row for each in items],
        "summary": {outcome: counts[outcome] for outcome in OUTCOMES},
    }
    if batch.mode.diff:
        values["diff"] = [each.diff for each in items if each.diff]
    would = "would be: " if batch.mode.check else ""
    parts = ", ".join(f"{counts[outcome]} {outcome.replace('_', ' ')}" for outcome in OUTCOMES if counts[outcome])
    return Result(values, _joined(items, f"of {len(items)} {name}, {would}{parts}"), batch.warnings)


def _joined(items: Sequence[BatchItem], headline: str) -> Failure | None:
    failures = [each.failure for each in items if each.failure]
    # What was skipped is not the reason.
    failures.sort(key=lambda failure: failure.code == "skipped")
    if len(items) < 2 or not failures:
        return failures[0] if failures else None
    details = [
        {**each.place, "code": each.failure.code, "message": each.failure.sentences} for each in items if each.failure
    ]
    return join_failures(failures, headline, details)
