# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of `make test`, in the order they run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.etree import ElementTree

from .environment import CACHE, ROOT, Environment, project_files


@dataclass
class Outcome:
    passed: int
    failed: int
    report: str = ""


def check(*command: str) -> Callable[[Environment], Outcome]:
    """A step that is one command, and counts as one test."""

    def step(environment: Environment) -> Outcome:
        if environment.run(*command):
            return Outcome(1, 0)
        return Outcome(0, 1, environment.printed)

    return step


def shellcheck(environment: Environment) -> Outcome:
    """ansible-test only knows shell scripts by the suffix .sh, and those of this project have none."""
    scripts = [path for path in project_files() if re.match(rb"#!.*\b(ba)?sh\n", (ROOT / path).read_bytes())]
    return check("shellcheck", *map(str, scripts))(environment)


def ansible_test(environment: Environment, *arguments: str) -> bool:
    shutil.rmtree(environment.tree / "tests" / "output" / "junit", ignore_errors=True)
    return environment.run("ansible-test", *arguments, "--local", "--color", "no", *environment.extra)


def test_cases(environment: Environment) -> list[ElementTree.Element]:
    reports = sorted((environment.tree / "tests" / "output" / "junit").glob("*.xml"))
    return [case for report in reports for case in ElementTree.parse(report).iter("testcase")]


def sanity(environment: Environment) -> Outcome:
    succeeded = ansible_test(environment, "sanity", "--junit")
    cases = test_cases(environment)
    broken = [failure for case in cases for failure in case.iter("failure")]
    skipped = [case.get("name", "") for case in cases if case.find("skipped") is not None]
    outcome = Outcome(len(cases) - len(broken) - len(skipped), len(broken))
    if not succeeded and not broken:
        return Outcome(outcome.passed, 1, environment.printed)
    words = [f"{failure.get('message')}\n{failure.text}" for failure in broken]
    outcome.report = "\n".join([*words, *([f"nothing to look at: {', '.join(skipped)}"] if skipped else [])])
    return outcome


def units(environment: Environment) -> Outcome:
    # Without --python it takes every Python it finds, and installs the requirements into each.
    succeeded = ansible_test(environment, "units", "--requirements", "--coverage", "--python", environment.version)
    cases = test_cases(environment)
    unsuccessful = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    failed = len(unsuccessful) or int(not (succeeded and cases))
    outcome = Outcome(len(cases) - len(unsuccessful) - skipped, failed)
    if outcome.failed:
        outcome.report = environment.printed
    return outcome if environment.extra else covered(environment, outcome)


def covered(environment: Environment, outcome: Outcome) -> Outcome:
    """The coverage counts as one test; a file that no test imports is part of it."""
    found = [str(path) for path in environment.tree.glob("tests/output/coverage/units=*")]
    environment.run("coverage", "run", os.devnull)
    environment.run("coverage", "combine", "--append", "--keep", *found)
    environment.open_log("coverage")
    enough = environment.run("coverage", "report")
    return Outcome(outcome.passed + enough, outcome.failed + (not enough), outcome.report + environment.printed)


def mypy(environment: Environment) -> Outcome:
    configuration = f"--config-file={environment.tree / 'pyproject.toml'}"
    if environment.run("mypy", configuration, f"--cache-dir={CACHE / 'mypy'}", cwd=environment.collections):
        return Outcome(1, 0)
    return Outcome(0, 1, environment.printed)


@contextmanager
def emulator(environment: Environment) -> Iterator[None]:
    """Start the API's emulator, and tell the integration targets where it listens."""
    printed = environment.tree / "tests" / "output" / "emulator.log"
    printed.parent.mkdir(parents=True, exist_ok=True)
    with printed.open("w") as log:
        process = subprocess.Popen(
            [environment.python, "-m", "tests.emulator", "--reads", "0", "--writes", "0"],
            cwd=environment.tree,
            env=environment.variables | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 30
        exports: dict[str, str] = {}
        while len(exports) < 2:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The emulator did not start:\n{printed.read_text()}")
            time.sleep(0.1)
            exports = dict(re.findall(r"^export OECSH_API_(URL|KEY)=(\S+)$", printed.read_text(), re.MULTILINE))
        (environment.tree / "tests" / "integration" / "integration_config.yml").write_text(
            f"emulator_url: {exports['URL'].partition('/api/')[0]}/_emulator\n"
            f"oecsh_api_url: {exports['URL']}\n"
            f"oecsh_api_key: {exports['KEY']}\n"
        )
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def integration(environment: Environment) -> Outcome:
    """Counts the assertions that held, and the targets that broke."""
    try:
        with emulator(environment):
            succeeded = ansible_test(environment, "integration", "--requirements", "--continue-on-error")
    except RuntimeError as error:
        return Outcome(0, 1, str(error))
    held = sum("All assertions passed" in case.findtext("system-out", "") for case in test_cases(environment))
    if succeeded and held:
        return Outcome(held, 0)
    broken = re.search(r"The (\d+) integration test", environment.printed)
    return Outcome(held, int(broken[1]) if broken else 1, environment.printed)


STEPS: dict[str, Callable[[Environment], Outcome]] = {
    "ruff-check": check("ruff", "check", "--no-cache", "."),
    "ruff-format": check("ruff", "format", "--no-cache", "--check", "."),
    "mypy": mypy,
    "changelog": check("antsibull-changelog", "lint"),
    "shellcheck": shellcheck,
    "ansible-lint": check("ansible-lint"),
    "sanity": sanity,
    "units": units,
    "integration": integration,
}
GROUPS = {"lint": ["ruff-check", "ruff-format", "mypy", "changelog", "shellcheck", "ansible-lint"]}
