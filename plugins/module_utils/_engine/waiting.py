# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Many jobs at once, in one thread: while one waits, the others go on.

A job is a generator. It yields a Wait, and gets back what that came to. One poller serves all of them, so that all
polls together keep to their share of the rate limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Options

T = TypeVar("T")

# The pace of the official client: 10 s after half a minute, and a fifth of the reads for all polls together.
_SLOWER_AFTER, _SLOWER = 30.0, 10.0
_SHARE_OF_READS = 0.2
_MAX_FAILED_POLLS = 3
_LONGEST_WAIT = 30 * 86400


@dataclass(frozen=True)
class WaitOptions:
    """Whether to wait for what a task starts, for how many seconds, and how many between two polls."""

    wait: bool
    timeout: int
    interval: int

    @classmethod
    def parse(cls, options: Options) -> WaitOptions:
        """Read the options of a module. Raise OecError `invalid_input`."""
        for name in ("wait_timeout", "wait_interval"):
            if not 1 <= options[name] <= _LONGEST_WAIT:
                raise OecError("invalid_input", f"{name} is {options[name]}, and must be 1 to {_LONGEST_WAIT} seconds")
        return cls(options["wait"], options["wait_timeout"], options["wait_interval"])


@dataclass(frozen=True)
class Wait:
    """Wait until `poll` returns something, or else for `timeout` seconds: then the job gets None."""

    timeout: float
    poll: Callable[[], Any] | None = None


Steps = Generator[Wait, Any, T]


@dataclass(frozen=True)
class Job(Generic[T]):
    """Steps that have not begun. `group`: the jobs of one group share the limit `per_group`."""

    steps: Steps[T]
    group: str | None = None


@dataclass
class _Waiting(Generic[T]):
    """A job that waits. `since` and `due`, the time of its next poll, are seconds of the clock."""

    position: int
    job: Job[T]
    wait: Wait
    since: float
    due: float
    failed_polls: int = 0
    was_polled: bool = False

    @property
    def deadline(self) -> float:
        return self.since + self.wait.timeout


class Poller:
    """`interval`: the shortest pause between two polls of one job, in seconds."""

    def __init__(self, client: Client, interval: float) -> None:
        self._client = client
        self._clock = client.clock
        self._interval = interval
        self._next_poll = 0.0
        self._fatal: OecError | None = None

    def run(self, steps: Steps[T]) -> T:
        return self.run_all([Job(steps)], parallel=1, per_group=1)[0]

    def run_all(self, jobs: Sequence[Job[T]], *, parallel: int, per_group: int) -> list[T]:
        """Return what each job returned, in order. At any moment at most so many have begun and not ended.

        Whatever a job raises ends all of them.
        """
        results: dict[int, T] = {}
        pending = dict(enumerate(jobs))
        waiting: list[_Waiting[T]] = []

        def go_on(position: int, job: Job[T], found: Any) -> None:
            try:
                wait = job.steps.throw(found) if isinstance(found, OecError) else job.steps.send(found)
            except StopIteration as end:
                results[position] = end.value
            else:
                now = self._clock.monotonic()
                waiting.append(_Waiting(position, job, wait, now, now + self._interval))

        while pending or waiting:
            position = _startable(pending, waiting, parallel, per_group)
            if position is not None:
                go_on(position, pending.pop(position), None)
                continue
            first = min(waiting, key=lambda entry: (self._moment(entry), entry.due))
            if (pause := self._moment(first) - self._clock.monotonic()) > 0:
                self._clock.sleep(pause)
            is_over = self._moment(first) == first.deadline
            # However short the time is, nothing is given up unseen.
            found = None if is_over and first.was_polled else self._poll(first)
            if is_over or found is not None:
                waiting.remove(first)
                go_on(first.position, first.job, found)
        return [results[position] for position in range(len(jobs))]

    def _moment(self, entry: _Waiting[T]) -> float:
        """Return when a job goes on: at its next poll, or when its time is over before that."""
        if self._fatal:
            return self._clock.monotonic()
        return entry.deadline if entry.wait.poll is None else min(max(entry.due, self._next_poll), entry.deadline)

    def _poll(self, entry: _Waiting[T]) -> Any:
        """Return what a poll found, or the error that ends the wait; None as long as there is neither.

        What would fail for all is not tried again: that could get this address blocked.
        """
        if self._fatal or not entry.wait.poll:
            return self._fatal
        entry.was_polled = True
        found: Any = None
        is_limited = False
        try:
            found = entry.wait.poll()
            entry.failed_polls = 0
        except OecError as error:
            is_limited = error.failure.status == HTTPStatus.TOO_MANY_REQUESTS
            entry.failed_polls += not is_limited
            if not error.failure.is_transient or entry.failed_polls == _MAX_FAILED_POLLS:
                found = error
            self._fatal = error if error.failure.is_fatal else None
        # It may have waited for the rate limit.
        now, limit = self._clock.monotonic(), self._client.read_limit
        self._next_poll = now + limit.window / (limit.requests * _SHARE_OF_READS)
        slower = limit.window if is_limited else _SLOWER if now - entry.since >= _SLOWER_AFTER else 0.0
        entry.due = now + max(self._interval, slower)
        return found


def _startable(pending: dict[int, Job[T]], waiting: Sequence[_Waiting[T]], parallel: int, per_group: int) -> int | None:
    """Return the next job to begin, of the group that has most left: it would otherwise be the last to end."""
    if len(waiting) >= parallel:
        return None
    active = Counter(entry.job.group for entry in waiting)
    left = Counter(job.group for job in pending.values())
    free = [position for position, job in pending.items() if job.group is None or active[job.group] < per_group]
    return max(free, key=lambda position: left[pending[position].group], default=None)
