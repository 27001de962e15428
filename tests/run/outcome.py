# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a step, and how it is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from .environment import Environment


@dataclass
class Outcome:
    passed: int
    failed: int
    report: str = ""


Step = Callable[[Environment], Outcome]


def check(*command: str) -> Step:
    """A step that is one command, and counts as one test."""

    def step(environment: Environment) -> Outcome:
        return judge(environment, environment.run(*command))

    return step


def judge(environment: Environment, succeeded: bool) -> Outcome:
    return Outcome(1, 0) if succeeded else Outcome(0, 1, environment.printed)


def test_cases(*reports: Path) -> list[ElementTree.Element]:
    return [case for report in reports for case in ElementTree.parse(report).iter("testcase")]


def count(environment: Environment, succeeded: bool, cases: list[ElementTree.Element]) -> Outcome:
    """The outcome of a run of pytest."""
    unsuccessful = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sorted({case.get("message", "") for found in cases for case in found.iter("skipped")})
    left_out = sum(case.find("skipped") is not None for case in cases)
    failed = len(unsuccessful) or int(not (succeeded and cases))
    words = [environment.printed] if failed else [f"{left_out} skipped: {'; '.join(skipped)}"] if left_out else []
    return Outcome(len(cases) - len(unsuccessful) - left_out, failed, "\n".join(words))
