# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supported versions of ansible-core, each on the oldest and the newest Python that it runs on and that is here."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..support import ROOT
from .environment import AT_ONCE, CACHE, Environment, python_path
from .outcome import Outcome
from .steps import integration, sanity, units

# The Pythons that each ansible-core supports on a controller.
CORES = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
    "2.22": ("3.13", "3.14", "3.15"),
}
PRE_RELEASE = "2.22"

# ansible-test turns these warnings off; here they make the step fail.
SITE = "import os\n\nos.environ['ANSIBLE_DEPRECATION_WARNINGS'] = 'true'\n"


@dataclass
class Entry:
    name: str
    core: str
    version: str
    python: Path
    lowest: bool = False
    is_oldest: bool = False
    note: str = ""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def requirements(self) -> list[str]:
        # ~= takes a pre-release only where one is named.
        core = f"ansible-core~={self.core}.0{'.dev0' if self.core == PRE_RELEASE else ''}"
        found = [line for name in ("unit", "integration") for line in required(f"tests/{name}/requirements.txt")]
        promised = required("meta/ee-requirements.txt")
        return [core, *found, *(line.replace(">=", "==") if self.lowest else line for line in promised)]

    @property
    def steps(self) -> dict[str, Callable[[Environment], Outcome]]:
        # What depends on the Python is to compile and to import; all else of sanity is looked at once.
        options = ["--python", self.version]
        if self.is_oldest:
            options += ["--test", "compile", "--test", "import", "--test", "validate-modules"]
        elif self.core == PRE_RELEASE:
            options += ["--skip-test", "pylint"]  # wants an archive that is on no package index
        always: dict[str, Callable[[Environment], Outcome]] = {"units": units, "integration": integration}
        return always if self.lowest else {"sanity": lambda environment: sanity(environment, *options), **always}


def required(path: str) -> list[str]:
    return [line for line in (ROOT / path).read_text().splitlines() if line and not line.startswith("#")]


def pythons() -> dict[str, Path]:
    supported = {version for versions in CORES.values() for version in versions}
    found = {version: shutil.which(f"python{version}", path=":".join(python_path())) for version in supported}
    return {version: Path(path) for version, path in found.items() if path}


def entries() -> tuple[list[Entry], list[str]]:
    """Return the entries, those that differ most first in case time runs out, and notes on missing Pythons."""
    here = pythons()
    newest, oldest, notes = [], [], []
    for core, versions in CORES.items():
        usable = [version for version in versions if version in here]
        if missing := sorted({versions[0], versions[-1]} - set(usable)):
            notes.append(f"ansible-core {core}: no Python {' and '.join(missing)} here")
        for version in usable[-1:]:
            newest.append(Entry(f"{core}-py{version}", core, version, here[version]))
        for version in usable[:1] if len(usable) > 1 else []:
            oldest.append(Entry(f"{core}-py{version}", core, version, here[version], is_oldest=True))
    last = len(newest) - 1
    newest = [newest[number] for number in sorted(range(last + 1), key=lambda number: min(number, last - number))]
    lowest = [Entry(f"{e.name}-lowest", e.core, e.version, e.python, lowest=True) for e in oldest[:1]]
    return [*newest, *lowest, *oldest], notes


def make_environment(entry: Entry, log: Path) -> Path:
    """Return the Python of a virtual environment, built again when its requirements change, and each week."""
    recipe = "\n".join([*entry.requirements, SITE, str(entry.python), time.strftime("%G-%V")])
    place = CACHE / "envs" / entry.name
    stamp = place / hashlib.sha256(recipe.encode()).hexdigest()
    python = place / "bin" / "python"
    if stamp.exists():
        return python
    shutil.rmtree(place, ignore_errors=True)
    with log.open("w") as printed:
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile"]
        for command in (
            [str(entry.python), "-m", "venv", "--without-pip", str(place)],
            [*install, *entry.requirements],
        ):
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT)
    next(place.glob("lib/python*/site-packages")).joinpath("sitecustomize.py").write_text(SITE)
    stamp.touch()
    return python


def attempt(entry: Entry, extra: list[str], deadline: float) -> None:
    if time.monotonic() > deadline:
        entry.note = "no time left"
        return
    log = ROOT / "tests" / "output" / entry.name / "environment.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        environment = Environment.of(make_environment(entry, log), extra, entry.name)
        environment.copy_collection()
    except subprocess.CalledProcessError:
        entry.outcomes["environment"] = Outcome(0, 1, log.read_text())
        entry.note = "no environment"
        return
    finally:
        entry.seconds["environment"] = time.monotonic() - started
    entry.note = re.sub(r"ansible-core ", "", str(environment))
    for name, step in entry.steps.items():
        environment.open_log(name)
        started = time.monotonic()
        entry.outcomes[name] = step(environment)
        entry.seconds[name] = time.monotonic() - started
    print(f"-- {entry.name}: {summary(entry)}", flush=True)


def summary(entry: Entry) -> str:
    passed = sum(outcome.passed for outcome in entry.outcomes.values())
    failed = sum(outcome.failed for outcome in entry.outcomes.values())
    return f"{passed} passed, {failed} failed, {sum(entry.seconds.values()):.0f} s"


def table(tried: list[Entry]) -> str:
    columns = ("environment", "sanity", "units", "integration")
    rows: list[tuple[str, ...]] = [("ansible-core", *columns, "")]
    for entry in tried:
        cells = []
        for column in columns:
            outcome, seconds = entry.outcomes.get(column), entry.seconds.get(column)
            counted = f"{outcome.passed}/{outcome.passed + outcome.failed}, " if outcome else ""
            cells.append("-" if seconds is None else f"{counted}{seconds:.0f} s")
        rows.append((entry.name, *cells, entry.note))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def run_matrix(only: str, minutes: float, extra: list[str]) -> Outcome:
    tried, notes = entries()
    tried = [entry for entry in tried if entry.name.startswith(only)]
    deadline = time.monotonic() + 60 * minutes
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(attempt, entry, extra, deadline) for entry in tried]:
            future.result()
    for entry in tried:
        for name, outcome in entry.outcomes.items():
            if outcome.failed:
                print(f"== {entry.name}: {name}\n{outcome.report.rstrip()}")
    outcomes = [outcome for entry in tried for outcome in entry.outcomes.values()]
    report = "\n".join(["", table(tried), *notes, ""])
    return Outcome(sum(o.passed for o in outcomes), sum(o.failed for o in outcomes), report)
