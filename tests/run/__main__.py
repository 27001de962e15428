# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests and checks of the collection, all of them or those that are named."""

from __future__ import annotations

import argparse
import fcntl
import sys
import time
from pathlib import Path

from .environment import CACHE, Environment
from .steps import GROUPS, STEPS, Outcome


def run(name: str, environment: Environment) -> Outcome:
    print(f"== {name} ({environment})", flush=True)
    environment.open_log(name)
    started = time.monotonic()
    outcome = STEPS[name](environment)
    took = time.monotonic() - started
    if outcome.report:
        print(outcome.report.rstrip())
    print(f"-- {outcome.passed} passed, {outcome.failed} failed, {took:.0f} s", flush=True)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.run", description=__doc__, epilog="What follows -- is given to ansible-test."
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"{', '.join([*STEPS, *GROUPS])} (default: all)")
    parser.add_argument(
        "--python",
        type=Path,
        default=Path(sys.executable),
        help="the Python whose ansible-core is tested (default: %(default)s)",
    )
    own, extra = sys.argv[1:], []
    if "--" in own:
        own, extra = own[: own.index("--")], own[own.index("--") + 1 :]
    arguments = parser.parse_args(own)
    unknown = set(arguments.steps) - set(STEPS) - set(GROUPS)
    if unknown:
        parser.error(f"no such step: {', '.join(sorted(unknown))}")

    wanted = {step for name in arguments.steps or STEPS for step in GROUPS.get(name, [name])}
    CACHE.mkdir(exist_ok=True)
    # Two runs at once would take the copy away from each other: the second waits.
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment = Environment.of(arguments.python, extra)
        environment.copy_collection()
        outcomes = [run(name, environment) for name in STEPS if name in wanted]
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
