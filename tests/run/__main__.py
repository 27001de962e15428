# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests and checks of the collection, all of them or those that are named."""

from __future__ import annotations

import argparse
import fcntl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from .environment import AT_ONCE, CACHE, Environment
from .matrix import run_matrix
from .outcome import Outcome
from .steps import GROUPS, LONG, STEPS, nox


def run(name: str, environment: Environment) -> Outcome:
    """In a copy of its own, as two steps run at a time."""
    own = replace(environment, place=name)
    own.copy_collection()
    own.open_log(name)
    print(f"== {name} ({environment})\n", end="", flush=True)
    started = time.monotonic()
    outcome = {**STEPS, "nox": nox}[name](own)
    took = time.monotonic() - started
    verdict = f"-- {name}: {outcome.passed} passed, {outcome.failed} failed, {took:.0f} s"
    print("\n".join([*filter(None, [outcome.report.rstrip()]), verdict, ""]), end="", flush=True)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.run", description=__doc__, epilog="What follows -- is given to ansible-test or pytest."
    )
    names = [*STEPS, *GROUPS, "nox", "matrix"]
    short = [name for name in STEPS if name not in LONG]
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"{', '.join(names)} (default: {', '.join(short)})")
    parser.add_argument(
        "--python",
        type=Path,
        default=Path(sys.executable),
        help="the Python whose ansible-core is tested (default: %(default)s)",
    )
    parser.add_argument("--only", default="", help="how the entries of the matrix begin, as 2.16 or 2.21-py3.13")
    parser.add_argument(
        "--minutes", type=float, default=90, help="after which no entry of the matrix begins (default: %(default)s)"
    )
    own, extra = sys.argv[1:], []
    if "--" in own:
        own, extra = own[: own.index("--")], own[own.index("--") + 1 :]
    arguments = parser.parse_args(own)
    unknown = set(arguments.steps) - set(names)
    if unknown:
        parser.error(f"no such step: {', '.join(sorted(unknown))}")

    selected = {step for name in arguments.steps or short for step in GROUPS.get(name, [name])}
    CACHE.mkdir(exist_ok=True)
    outcomes = []
    # Two runs at once would take the copy away from each other: the second waits.
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if selected != {"matrix"}:
            environment = Environment.of(arguments.python, extra)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                steps = [pool.submit(run, name, environment) for name in [*STEPS, "nox"] if name in selected]
            outcomes = [step.result() for step in steps]
        if "matrix" in selected:
            outcomes.append(run_matrix(arguments.only, arguments.minutes, extra))
            print(outcomes[-1].report)
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
