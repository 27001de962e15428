# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run sessions of nox, two at a time, and count their tests. `make` calls it; noxfile.py reads its constants."""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.support import ROOT

RESULTS = ROOT / "tests" / "output"

# The oldest and the newest Python that a controller of each ansible-core supports.
CORES = {
    "2.16": ("3.10", "3.12"),
    "2.17": ("3.10", "3.12"),
    "2.18": ("3.11", "3.13"),
    "2.19": ("3.11", "3.13"),
    "2.20": ("3.12", "3.14"),
    "2.21": ("3.12", "3.14"),
    "2.22": ("3.13", "3.15"),
}
ENTRIES = {f"{core}-py{python}": (core, python) for core, pythons in CORES.items() for python in pythons}
CANDIDATE = "2.22"  # has no release yet
OLDEST = "2.16-py3.10"
OLDEST_REQUESTS = "units-with-oldest-requests"
KINDS = ("sanity", "units", "integration")
HERE = "{}.{}".format(*sys.version_info)


@dataclass
class Run:
    session: str
    python: str = ""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0

    @property
    def results(self) -> Path:
        return results_of(self.session, self.python)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.results.name}: {self.passed} passed, {self.failed} failed{skipped}, {self.seconds:.0f} s"


def results_of(session: str, python: str) -> Path:
    return RESULTS / (f"{session}-py{python}" if python else session)


def nox(run: Run, arguments: list[str], lock: int) -> Run:
    """Run a session as continuous integration does: formatters check only, and a missing Python is a failure."""
    shutil.rmtree(run.results, ignore_errors=True)
    run.results.mkdir(parents=True)
    print(f"== {run.results.name}", flush=True)
    started = time.monotonic()
    with (run.results / "nox.log").open("w") as log:
        done = subprocess.run(
            [sys.executable, "-m", "nox", "--session", run.session, *(["--", *arguments] if arguments else [])],
            cwd=ROOT,
            env=os.environ | {"CI": "true"} | ({"NOXFORCEPYTHON": run.python} if run.python else {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],  # if this process is killed, the session still holds it
            check=False,
        )
    run.seconds = time.monotonic() - started
    count(run, succeeded=done.returncode == 0)
    printed = (run.results / "nox.log").read_text(errors="replace")
    # After a success only the tables that tests sum up.
    tables = re.findall(r"^\|.*\n", printed, re.MULTILINE)
    print(printed if run.failed else "".join(tables), f"-- {run}\n", sep="", end="", flush=True)
    return run


def count(run: Run, *, succeeded: bool) -> None:
    """Sum up the JUnit files of a session. A session that has no tests, such as a linter, counts as one."""
    try:
        reports = [ElementTree.parse(path) for path in run.results.glob("junit/*.xml")]
    except ElementTree.ParseError:  # the process that wrote it was killed
        reports, succeeded = [], False
    cases = [case for report in reports for case in report.iter("testcase")]
    run.skipped = sum(case.find("skipped") is not None for case in cases)
    broken = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    # An integration test may cause a failure and rescue it.
    broken = 0 if succeeded else broken
    if cases:
        run.passed = len(cases) - run.skipped - broken
        run.failed = broken or int(not succeeded)
    else:
        has_tests = run.session.startswith("ansible-test-") or (ROOT / "tests" / run.session).is_dir()
        run.passed = int(succeeded and not has_tests)
        run.failed = 1 - run.passed


def newest_core() -> str:
    """Return the newest ansible-core that runs on this Python; a candidate only if there is nothing else."""
    supported = [core for core, (oldest, newest) in CORES.items() if parsed(oldest) <= parsed(HERE) <= parsed(newest)]
    if not supported:
        raise SystemExit(f"No supported ansible-core runs on Python {HERE}. `make PYTHON=python3.13 ...` uses another.")
    return ([core for core in supported if core != CANDIDATE] or supported)[-1]


def parsed(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))


def is_installed(python: str) -> bool:
    """Return whether it runs: a shim of pyenv may not."""
    path = shutil.which(f"python{python}")
    return path is not None and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0


def matrix(selected: list[str]) -> tuple[list[Run], list[str]]:
    """Return the runs of the entries that begin with one of these, and what is left out, with the reason."""
    runs, left_out = [], []
    for entry, (core, python) in ENTRIES.items():
        if not entry.startswith(tuple(selected)):
            left_out.append(entry + (" (`make test` runs it)" if (core, python) == (newest_core(), HERE) else ""))
        elif not is_installed(python):
            left_out.append(f"{entry} (this Python is not installed)")
        else:
            # The least of everything that is supported, at once.
            replaced = {"units": OLDEST_REQUESTS} if entry == OLDEST else {}
            runs += [Run(f"ansible-test-{replaced.get(kind, kind)}-{core}", python) for kind in KINDS]
    return runs, left_out


def session_name(word: str) -> str:
    """Return the name. It becomes the name of a folder that is emptied, so a path is rejected."""
    if not re.fullmatch(r"\w[\w.-]*", word):
        raise argparse.ArgumentTypeError(f"{word!r} is not the name of a session")
    return word


def part_of_matrix(word: str) -> str:
    """Return the word if entries of the matrix begin with it."""
    if not any(entry.startswith(word) for entry in ENTRIES):
        raise argparse.ArgumentTypeError(f"no entry of the matrix begins with {word!r}")
    return word


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog="What follows -- is given to the sessions.")
    on_core = f"{', '.join(KINDS)} on ansible-core {newest_core()}"
    parser.add_argument("sessions", nargs="*", type=session_name, help=f"{on_core}, or any session of noxfile.py")
    parser.add_argument("--matrix", nargs="+", type=part_of_matrix, metavar="ENTRY", help="such as 2.16 or 2.16-py3.12")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:end])
    if not shutil.which("git"):
        parser.error("git is missing: nox needs it to find the files of the collection")

    runs = [
        Run(f"ansible-test-{name}-{newest_core()}", HERE) if name in KINDS else Run(name) for name in options.sessions
    ]
    more, left_out = matrix(options.matrix) if options.matrix else ([], [])
    (ROOT / ".cache").mkdir(exist_ok=True)
    # The environments and results belong to one process at a time: a second one waits.
    with (ROOT / ".cache" / "lock").open("w") as lock, ThreadPoolExecutor(2) as pool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another run in this folder to end.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        runs = list(pool.map(lambda run: nox(run, words[end + 1 :], lock.fileno()), runs + more))

    width = max((len(run.results.name) for run in runs), default=0)
    for run in runs:
        counts = f"{run.passed:6} passed {run.failed:4} failed {run.skipped:4} skipped {run.seconds:5.0f} s"
        print(f"{run.results.name:{width}} {counts}")
    if left_out:
        print("Left out of the matrix:", *left_out, sep="\n  ")
    passed, failed = sum(run.passed for run in runs), sum(run.failed for run in runs)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
