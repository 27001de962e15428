# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps, in the order they run."""

from __future__ import annotations

import os
import re
import shutil
from functools import partial

from ..support import ROOT, project_files
from .emulated import EmulatorError, emulator
from .environment import CACHE, Environment
from .outcome import Outcome, Step, check, count, judge, test_cases
from .readme import readme

# Where a module of Python's own, an ansible-core or a collection warns of what is of this collection.
DEPRECATION = re.compile(r"^(\[DEPRECATION WARNING\]|.*\bDeprecationWarning\b).*", re.MULTILINE)


def shellcheck(environment: Environment) -> Outcome:
    """ansible-test only knows shell scripts by the suffix .sh, and those of this project have none."""
    scripts = [path for path in project_files() if re.match(rb"#!.*\b(ba)?sh\n", (ROOT / path).read_bytes())]
    return check("shellcheck", *map(str, scripts))(environment)


def mypy(environment: Environment) -> Outcome:
    command = ("mypy", f"--config-file={environment.tree / 'pyproject.toml'}", f"--cache-dir={CACHE / 'mypy'}")
    return judge(environment, environment.run(*command, cwd=environment.collections))


def ansible_test(environment: Environment, *arguments: str) -> bool:
    shutil.rmtree(environment.tree / "tests" / "output" / "junit", ignore_errors=True)
    return environment.run("ansible-test", *arguments, "--local", "--color", "no", *environment.extra)


def sanity(environment: Environment, *options: str) -> Outcome:
    succeeded = ansible_test(environment, "sanity", "--junit", *options)
    cases = test_cases(*(environment.tree / "tests" / "output" / "junit").glob("*.xml"))
    broken = [failure for case in cases for failure in case.iter("failure")]
    skipped = [case.get("name", "") for case in cases if case.find("skipped") is not None]
    outcome = Outcome(len(cases) - len(broken) - len(skipped), len(broken))
    if not succeeded and not broken:
        return Outcome(outcome.passed, 1, environment.printed)
    words = [f"{failure.get('message')}\n{failure.text}" for failure in broken]
    outcome.report = "\n".join([*words, *([f"nothing to look at: {', '.join(skipped)}"] if skipped else [])])
    return outcome


def units(environment: Environment, *options: str) -> Outcome:
    # Without --python it takes every Python it finds.
    succeeded = ansible_test(environment, "units", "--python", environment.version, *options)
    reports = sorted((environment.tree / "tests" / "output" / "junit").glob("*.xml"))
    return count(environment, succeeded, test_cases(*reports))


def covered_units(environment: Environment) -> Outcome:
    """The coverage counts as one test; a file that no test imports is part of it."""
    # --requirements is for the release of coverage that ansible-core pins.
    outcome = units(environment, "--requirements", "--coverage")
    if environment.extra:
        return outcome
    found = [str(path) for path in environment.tree.glob("tests/output/coverage/units=*")]
    environment.run("coverage", "run", os.devnull)
    environment.run("coverage", "combine", "--append", "--keep", *found)
    environment.open_log("coverage")
    enough = environment.run("coverage", "report")
    return Outcome(outcome.passed + enough, outcome.failed + (not enough), outcome.report + environment.printed)


def integration(environment: Environment) -> Outcome:
    """Counts the assertions that held, the targets that broke, and the emulator's verdict on all requests."""
    undocumented = ""
    try:
        with emulator(environment) as exports:
            url = exports["OECSH_API_URL"]
            (environment.tree / "tests" / "integration" / "integration_config.yml").write_text(
                f"emulator_url: {url.partition('/api/')[0]}/_emulator\n"
                f"oecsh_api_url: {url}\n"
                f"oecsh_api_key: {exports['OECSH_API_KEY']}\n"
            )
            target = ("--python", environment.version, "--continue-on-error")
            succeeded = ansible_test(environment, "integration", *target)
    except EmulatorError as error:
        undocumented = str(error)
        succeeded = "FATAL" not in environment.printed
    cases = test_cases(*(environment.tree / "tests" / "output" / "junit").glob("*.xml"))
    held = sum("All assertions passed" in case.findtext("system-out", "") for case in cases)
    broken = re.search(r"The (\d+) integration test", environment.printed)
    failed = int(broken[1]) if broken else int(not (succeeded and held))
    words = [environment.printed] if failed else []
    deprecated = sorted({found[0] for found in DEPRECATION.finditer(environment.printed)})
    verdicts = [undocumented, "\n".join(deprecated)]
    words += [verdict for verdict in verdicts if verdict]
    return Outcome(held + verdicts.count(""), failed + len(verdicts) - verdicts.count(""), "\n".join(words))


def tests_of(folder: str, environment: Environment) -> Outcome:
    """pytest over a folder below tests/, both with the collection under its name and with the copy as a plain clone."""
    report = environment.tree / "tests" / "output" / f"{folder}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    options = ("-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir=.", f"--junit-xml={report}")
    succeeded = environment.run(
        *("python", "-m", "pytest", *options, f"tests/{folder}", *environment.extra),
        PYTHONPATH=f"{environment.collections}{os.pathsep}{environment.tree}",
        PYTHONDONTWRITEBYTECODE="1",
    )
    outcome = count(environment, succeeded, test_cases(report) if report.exists() else [])
    if not outcome.failed:
        # What the tests sum up in a table, those of chaos above all.
        rows = [line for line in environment.printed.splitlines() if line.startswith("|")]
        outcome.report = "\n".join([*rows, *filter(None, [outcome.report])])
    return outcome


def nox(environment: Environment) -> Outcome:
    """Counts the sessions of antsibull-nox; nox has an environment of its own, and makes one for each of them."""
    place = CACHE / "nox"
    environment.run("python", "-m", "nox", "--envdir", str(place), "--reuse-existing-virtualenvs", *environment.extra)
    sessions = re.findall(r"^nox > \* (\S+): (\w+)", environment.printed, re.MULTILINE)
    failed = [name for name, result in sessions if result != "success"]
    return Outcome(
        len(sessions) - len(failed),
        len(failed) or int(not sessions),
        environment.printed if failed or not sessions else "",
    )


STEPS: dict[str, Step] = {
    "ruff-check": check("ruff", "check", "--no-cache", "."),
    "ruff-format": check("ruff", "format", "--no-cache", "--check", "."),
    "mypy": mypy,
    "changelog": check("antsibull-changelog", "lint"),
    "shellcheck": shellcheck,
    "reuse": check("reuse", "lint", "--quiet"),
    "ansible-lint": check("ansible-lint"),
    "sanity": sanity,
    "units": covered_units,
    "integration": integration,
    "readme": readme,
    # Every other folder with tests is a step of its own.
    **{
        path.name: partial(tests_of, path.name)
        for path in sorted({path.parent for path in ROOT.glob("tests/*/test_*.py")})
    },
}
# What takes minutes: `make test` leaves it to `make test-all`.
LONG = ["awx", "browser", "docs"]
GROUPS = {"lint": ["ruff-check", "ruff-format", "mypy", "changelog", "shellcheck", "reuse", "ansible-lint"]}
