# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the state machines share: the faults, the run of a sequence, and the count of what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.oecsh.cloud.tests.emulator import Emulator, Fault
from ansible_collections.oecsh.cloud.tests.emulator.state import RATE_LIMIT_STYLES
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

Object = dict[str, Any]

A_MINUTE_LATER = 61.0  # a rejected create is retried with another key in the next minute of the service

picks = st.integers(0, 9)
# The Date of the service has whole seconds: what happens within one second has no order.
pauses = st.sampled_from([1.5, 2.25, 3.75])


AFTER_THE_WORK = [
    *({"kind": kind} for kind in ("cut_after", "cut_midway", "truncate")),
    *({"kind": "status", "status": status, "after": True} for status in (400, 403, 422, 500, 503)),
    {"kind": "html", "status": 502, "after": True},
    {"kind": "replace", "body": {}},
]
INSTEAD_OF_THE_WORK = [
    *({"kind": kind} for kind in ("cut_before", "in_flight", "redirect", "ip_blocked")),
    *({"kind": "status", "status": status} for status in (400, 401, 402, 403, 409, 422, 500, 503)),
    *({"kind": "html", "status": status} for status in (403, 404, 502, 504)),
    *({"kind": "rate_limit", "style": style, "retry_after": 40} for style in RATE_LIMIT_STYLES),
]
LISTS = [{"kind": kind} for kind in ("drop_header", "cursor_loop", "missing_cursor", "repeat_item")]
WRITE = "whatever the run writes first"
faults = st.builds(
    lambda fault, method, times, skip: {
        **fault,
        "method": "GET" if fault in LISTS else method,
        "times": times,
        "skip": skip,
    },
    st.one_of(*map(st.sampled_from, [AFTER_THE_WORK, AFTER_THE_WORK, INSTEAD_OF_THE_WORK, INSTEAD_OF_THE_WORK, LISTS])),
    st.sampled_from([WRITE, WRITE, WRITE, None, "GET"]),
    st.sampled_from([1, 2, 7]),
    st.sampled_from([0, 0, 0, 1]),
)


@dataclass(frozen=True)
class FaultPlan:
    """What goes wrong during one run."""

    faults: Sequence[Object] = ()
    retries: int = 5
    victim: int | None = None  # the project that somebody else changes or deletes just before a write
    at_write: int = 0
    deletes: bool = False

    def __bool__(self) -> bool:
        return bool(self.faults) or self.victim is not None


NO_FAULTS = FaultPlan()
fault_plans = st.one_of(
    st.just(NO_FAULTS),
    st.builds(FaultPlan, st.lists(faults, min_size=1, max_size=2), st.sampled_from([5, 1, 0])),
    st.builds(FaultPlan, st.lists(faults, max_size=1), st.just(5), picks, st.sampled_from([0, 1, 2]), st.booleans()),
)


class ConcurrentChange(Fault):
    """Lets every request pass, and calls `act` just before a write."""

    def __init__(self, act: Callable[[], None], at_write: int) -> None:
        super().__init__("cut_before")
        self.act = act
        self.left: int = at_write
        self.has_happened = False

    def matches(self, method: str, path: str) -> bool:
        if method != "GET" and not self.has_happened:
            self.has_happened = self.left == 0
            self.left -= 1
            if self.has_happened:
                self.act()
        return False


@dataclass
class Tally:
    sequences: int = 0
    runs: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0


class Machine(RuleBasedStateMachine):
    """The service, and what people do to it."""

    def __init__(self, emulator: Emulator, run_module: Callable[..., Object], tally: Tally) -> None:
        super().__init__()
        self.emulator = emulator
        self.run_module = run_module
        self.tally = tally
        self.invented = 0
        tally.sequences += 1
        emulator.reset()
        emulator.clock.freeze(datetime(2026, 1, 1, 12, 0, 0, 250_000, timezone.utc))

    def another(self, what: str) -> str:
        self.invented += 1
        return f"{what} {self.invented}".replace(" ", "-" if what == "repository" else " ")

    def install(self, plan: FaultPlan, write: str, act: Callable[[FaultPlan], None]) -> ConcurrentChange:
        """Let the next run have the faults of a plan. `write`: the method of what it writes first."""
        concurrent = ConcurrentChange(lambda: act(plan), plan.at_write)
        if plan.victim is not None:
            self.emulator.faults.append(concurrent)
        for fault in plan.faults:
            method = write if fault["method"] == WRITE else fault["method"]
            self.emulator.faults.append(Fault(**{**fault, "method": method}))
        return concurrent

    def must(self, holds: bool, figure: str, problem: str) -> None:
        if not holds:
            setattr(self.tally, figure, getattr(self.tally, figure) + 1)
            raise AssertionError(problem)


def run_machine(
    what: str,
    machine: Callable[[Emulator, Callable[..., Object], Tally], Machine],
    count: int,
    emulator: Emulator,
    run_module: Callable[..., Object],
    long_run: bool,
    record: Callable[..., None],
) -> None:
    """Try so many sequences, and record what came of them."""
    tally = Tally()
    try:
        run_state_machine_as_test(
            lambda: machine(emulator, run_module, tally),
            settings=settings(
                max_examples=count,
                stateful_step_count=25,
                derandomize=not long_run,  # a long run tries other sequences each time, and prints how to repeat one
                database=None,
                deadline=None,
                phases=(Phase.explicit, Phase.generate, Phase.shrink),
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        record(what, tally.sequences, tally.lost, tally.duplicated, tally.wrong)
        print(f"{tally.sequences} sequences, {tally.runs} runs of a module")
