# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make` and the workflow run, and how the results are counted."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

from scripts.run_sessions import CORES, KINDS, Run, count, matrix
from tests.support import ROOT

JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))["jobs"]


def test_the_workflow_has_the_whole_matrix() -> None:
    entries = [(entry["core"], entry["python"]) for entry in JOBS["ansible-test"]["strategy"]["matrix"]["include"]]
    assert entries == [(core, python) for core, pythons in CORES.items() for python in pythons]


def test_the_workflow_has_every_session_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    of_make = set(" ".join(re.findall(r"\$\(SESSIONS\) ([\w -]+?)(?: --.*)?$", makefile, re.MULTILINE)).split())
    include = JOBS["sessions"]["strategy"]["matrix"]["include"]
    of_workflow = [name for job in include for name in job["sessions"].split()]
    assert sorted(of_workflow) == sorted({*of_make, "docs-site"} - set(KINDS))


CASE = "<testcase name='{}'>{}</testcase>"
PASSED, SKIPPED = CASE.format("a", ""), CASE.format("b", "<skipped/>")
FAILED, BROKEN = CASE.format("c", "<failure/>"), CASE.format("d", "<error/>")


@pytest.mark.parametrize(
    ("reports", "succeeded", "expected"),
    [
        ([], True, (1, 0)),
        ([], False, (0, 1)),
        ([PASSED + SKIPPED, PASSED], True, (2, 0)),
        ([PASSED + FAILED, BROKEN + SKIPPED], False, (1, 2)),
        # An integration test may cause a failure and rescue it.
        ([PASSED + FAILED], True, (2, 0)),
        # The tests passed, and what follows them failed, such as the coverage.
        ([PASSED + PASSED], False, (2, 1)),
    ],
)
def test_count(
    reports: list[str], succeeded: bool, expected: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "results", tmp_path)
    (tmp_path / "junit").mkdir()
    for number, report in enumerate(reports):
        (tmp_path / "junit" / f"{number}.xml").write_text(f"<testsuites><testsuite>{report}</testsuite></testsuites>")
    run = Run("units")
    count(run, succeeded=succeeded)
    assert (run.passed, run.failed) == expected


def test_what_is_not_selected_or_not_installed_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3.12").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    runs, left_out = matrix(["2.16", "2.19-py3.13"])
    assert [(run.session, run.python) for run in runs] == [(f"ansible-test-{kind}-2.16", "3.12") for kind in KINDS]
    assert len(left_out) == 13
    assert [entry for entry in left_out if "not installed" in entry] == [
        "2.16-py3.10 (this Python is not installed)",
        "2.19-py3.13 (this Python is not installed)",
    ]
