# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's emulator, running while a step does."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .environment import Environment


class EmulatorError(Exception):
    """It did not start, or it was asked what the API does not document."""


@contextmanager
def emulator(environment: Environment, *options: str) -> Iterator[dict[str, str]]:
    """Give what the shell needs to reach it; every request is held against the API's reference."""
    printed = environment.tree / "tests" / "output" / "emulator.log"
    printed.parent.mkdir(parents=True, exist_ok=True)
    with printed.open("w") as log:
        process = subprocess.Popen(
            [environment.python, "-m", "tests.emulator", "--reads", "0", "--writes", "0", "--contract", *options],
            cwd=environment.tree,
            env=environment.variables | {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 30
        while "# control: " not in printed.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmulatorError(f"The emulator did not start:\n{printed.read_text()}")
            time.sleep(0.1)
        yield dict(re.findall(r"^export (OECSH_API_\w+)=(\S+)$", printed.read_text(), re.MULTILINE))
    finally:
        process.terminate()
        try:
            ended = process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            ended = process.wait()
    if ended:
        raise EmulatorError(printed.read_text().partition("# control: ")[2])
