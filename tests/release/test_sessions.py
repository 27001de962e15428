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

from scripts.run_sessions import ENTRIES, KINDS, Run, count, matrix
from tests.support import ROOT

JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))["jobs"]


def test_the_workflow_has_the_whole_matrix() -> None:
    entries = [(entry["core"], entry["python"]) for entry in JOBS["ansible-test"]["strategy"]["matrix"]["include"]]
    assert entries == list(ENTRIES.values())


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
    ("session", "reports", "succeeded", "expected"),
    [
        ("codeqa", [], True, (1, 0, 0)),
        ("codeqa", [], False, (0, 1, 0)),
        # No test ran, or the process that wrote the report was killed.
        ("chaos", [], True, (0, 1, 0)),
        ("chaos", ["<testcase>"], True, (0, 1, 0)),
        ("chaos", [PASSED + SKIPPED, PASSED], True, (2, 0, 1)),
        ("chaos", [PASSED + FAILED, BROKEN + SKIPPED], False, (1, 2, 1)),
        # An integration test may cause a failure and rescue it.
        ("ansible-test-integration-2.19", [PASSED + FAILED], True, (2, 0, 0)),
        # The tests passed, and what follows them failed, such as the coverage.
        ("ansible-test-units-2.19", [PASSED + PASSED], False, (2, 1, 0)),
    ],
)
def test_count(
    session: str,
    reports: list[str],
    succeeded: bool,
    expected: tuple[int, int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Run, "results", tmp_path)
    (tmp_path / "junit").mkdir()
    for number, report in enumerate(reports):
        (tmp_path / "junit" / f"{number}.xml").write_text(f"<testsuites><testsuite>{report}</testsuite></testsuites>")
    run = Run(session)
    count(run, succeeded=succeeded)
    assert (run.passed, run.failed, run.skipped) == expected


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
