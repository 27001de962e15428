# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option --long, and the table at the end of a run: what was tried, how often, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.oecsh.cloud.tests.chaos.commands import Ansible
from ansible_collections.oecsh.cloud.tests.chaos.report import Figures, figures_table, insert
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import ROOT
from ansible_collections.oecsh.cloud.tests.unit.conftest import clock, emulator, run_module, running_emulator, sleeps

__all__ = ["clock", "emulator", "run_module", "running_emulator", "sleeps"]

PAGE = ROOT / "docs" / "reliability.md"
PROPERTY = "chaos"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos")
    group.addoption("--long", action="store_true", help="run for minutes rather than seconds")
    group.addoption("--page", type=Path, default=PAGE, help="where to write the tables (default: %(default)s)")


def is_long(config: pytest.Config) -> bool:
    return bool(config.getoption("--long", default=False))


@pytest.fixture(scope="session")
def long_run(request: pytest.FixtureRequest) -> bool:
    """Whether to run for minutes and try a lot, or for seconds and try a little of everything."""
    return is_long(request.config)


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Path:
    return request.config.getoption("--page", default=PAGE)


@pytest.fixture
def ansible(emulator: Emulator, tmp_path: Path) -> Iterator[Ansible]:
    """Real processes, so the clock must run."""
    emulator.clock.thaw()
    started = Ansible(emulator, tmp_path)
    yield started
    started.stop()


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """record(what, tried, lost=0, duplicated=0, wrong=0): a row of the table; rows of the same name are added up."""

    def note(what: str, tried: int, lost: int = 0, duplicated: int = 0, wrong: int = 0) -> None:
        # A property is part of the test's report, also if that comes from another process.
        request.node.user_properties.append((PROPERTY, [what, tried, lost, duplicated, wrong]))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    calls = [report for report in reports if report.when == "call"]
    figures: Figures = {}
    for report in sorted(calls, key=lambda report: report.location):
        for what, *counts in (row for name, row in report.user_properties if name == PROPERTY):
            figures[what] = [sum(pair) for pair in zip(figures.get(what, [0] * len(counts)), counts, strict=True)]
    if not figures:
        return
    terminalreporter.section("chaos")
    terminalreporter.write_line(figures_table(figures))
    page: Path = config.getoption("--page", default=PAGE)
    files = {Path(report.nodeid.partition("::")[0]).name for report in calls}
    all_files = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    is_whole = all_files <= files and "deselected" not in terminalreporter.stats
    if is_long(config) and exitstatus == pytest.ExitCode.OK and is_whole and page.exists():
        text = insert(figures_table(figures), "chaos table", page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
        terminalreporter.write_line(f"written to {page}")
