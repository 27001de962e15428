# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the commands of README.md, in order and in an empty folder, with the emulator for an account."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from .emulated import EmulatorError, emulator
from .environment import Environment
from .outcome import Outcome

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# How the lines begin that cannot be run here.
NOT_RUN = {
    "ansible-galaxy collection install oecsh.cloud": "the released collection",
    "cd ansible-collection-cloud": "the folder of the clone",
    "export OECSH_API_KEY=oec_live_rw_...": "no key of the emulator",
    "git clone https://github.com/oecsh/": "needs the network",
    "make ": "runs this test, or takes minutes",
}


def readme(environment: Environment) -> Outcome:
    """Counts the commands that run, and the files that can be read."""
    outcome = Outcome(0, 0)
    folder = environment.tree / "tests" / "output" / "readme"
    folder.mkdir(parents=True)
    page = (environment.tree / "README.md").read_text(encoding="utf-8")
    try:
        with emulator(environment) as exports:
            for language, text in BLOCK.findall(page):
                for what, succeeded in follow(environment, folder, exports, language, text):
                    outcome.passed += succeeded
                    outcome.failed += not succeeded
                    outcome.report += "" if succeeded else f"{what}\n"
    except EmulatorError as error:
        outcome.failed += 1
        outcome.report += f"{error}\n"
    if outcome.failed:
        outcome.report += environment.printed
    return outcome


def follow(
    environment: Environment, folder: Path, exports: dict[str, str], language: str, text: str
) -> list[tuple[str, bool]]:
    if language == "shell":
        # What follows a backslash belongs to the same command.
        lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line and not line.startswith("#")]
        commands = [line for line in lines if not line.startswith(tuple(NOT_RUN))]
    elif language in ("json", "yaml"):
        try:
            parsed = yaml.safe_load(text) if language == "yaml" else json.loads(text)
        except (ValueError, yaml.YAMLError) as error:
            return [(str(error), False)]
        named = re.match(r"# (\S+\.ya?ml)\n", text)
        path = folder / (named[1] if named else "block.yml")
        path.write_text(text, encoding="utf-8")
        is_play = isinstance(parsed, list) and all("hosts" in play for play in parsed)
        if not is_play:
            return [(path.name, True)]
        commands = [f"ansible-playbook {path.name}"]
    else:
        return [] if language in ("", "text") else [(f"nothing here checks {language}", False)]
    done = []
    for command in commands:
        with environment.log.open("a") as log:
            log.write(f"$ {command}\n")
        done.append((command, environment.run("/bin/bash", "-c", command, cwd=folder, **exports)))
    return done
