# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible as users run it: real processes, with a home and settings of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.oecsh.cloud.tests import emulator as package
from ansible_collections.oecsh.cloud.tests.emulator import Emulator

COLLECTIONS = Path(package.__path__[0]).parents[4]
PATIENCE = 300  # seconds; far more than any of the tests needs


class Ansible:
    """Starts processes in a folder; `stop` ends those that still run, with all they have started."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "OECSH_"))}
        self.variables = kept | {
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(folder / ".ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "OECSH_API_KEY": emulator.keys.full,
            "OECSH_API_URL": emulator.url,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [Path(sys.executable).parent / program, *arguments],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def task(self, module: str, options: Mapping[str, Any]) -> subprocess.Popen[str]:
        """An ad-hoc command on this machine; its module's options come as JSON."""
        return self.start(
            "ansible",
            "-i",
            "localhost,",
            "-c",
            "local",
            "-m",
            f"oecsh.cloud.{module}",
            "-a",
            json.dumps(options),
            "localhost",
        )

    def play(self, hosts: Sequence[str], tasks: Sequence[Mapping[str, Any]]) -> subprocess.Popen[str]:
        """A playbook of these tasks, on all the hosts at once; each of them is this machine."""
        book, inventory = self.folder / "play.yml", ",".join([*hosts, ""])
        # JSON is YAML too.
        book.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [*tasks]}]))
        return self.start("ansible-playbook", "-i", inventory, "--forks", str(len(hosts)), str(book))

    def stop(self) -> None:
        for process in self.started:
            kill(process)


def kill(process: subprocess.Popen[str], *, with_workers: bool = True) -> None:
    """SIGKILL to it and all that it has started; without its workers, those finish the task they are at."""
    workers = descendants(process.pid) if with_workers and process.poll() is None else []
    process.kill()
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def descendants(ident: int) -> list[int]:
    """A group would not do: each worker of Ansible begins one of its own."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name before it, in brackets, may hold anything.
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found = [ident]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def end(process: subprocess.Popen[str]) -> tuple[str, bool]:
    """Wait for its end: what it has printed, and whether it succeeded."""
    printed, _errors = process.communicate(timeout=PATIENCE)
    return printed, process.returncode == 0
