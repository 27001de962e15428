# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible as users run it: real processes, with their own home and settings."""

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

from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import COLLECTIONS, clean_environment

TIMEOUT = 300  # seconds; far more than any of the tests needs


class Ansible:
    """Starts processes in a folder; `stop` ends those that still run, with everything they have started."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []
        # Or Ansible would read the settings of the machine.
        (folder / "ansible.cfg").touch()
        self.environment = clean_environment(
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
            ANSIBLE_HOME=str(folder / ".ansible"),
            ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_PYTHON_INTERPRETER=sys.executable,
            HOME=str(folder),
            LC_ALL="C.UTF-8",
            OECSH_API_KEY=emulator.keys.full,
            OECSH_API_URL=emulator.url,
            PYTHONDONTWRITEBYTECODE="1",
        )

    def start(self, program: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [Path(sys.executable).parent / program, *arguments],
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def task(self, module: str, options: Mapping[str, Any]) -> subprocess.Popen[str]:
        """Start an ad-hoc command on this machine; the module's options are passed as JSON."""
        place = ("-i", "localhost,", "-c", "local", "localhost")
        return self.start("ansible", *place, "-m", f"oecsh.cloud.{module}", "-a", json.dumps(options))

    def play(
        self, hosts: Sequence[str], tasks: Sequence[Mapping[str, Any]], *arguments: str, **keywords: Any
    ) -> subprocess.Popen[str]:
        """Start a playbook with these tasks on all hosts at once; each host is this machine."""
        play = {"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [*tasks], **keywords}
        playbook, inventory = self.folder / "play.yml", ",".join([*hosts, ""])
        playbook.write_text(json.dumps([play]))  # JSON is YAML too
        common = ("-i", inventory, "--forks", str(len(hosts)))
        return self.start("ansible-playbook", *common, *arguments, str(playbook))

    def stop(self) -> None:
        for process in self.started:
            kill(process)


def kill(process: subprocess.Popen[str], *, with_workers: bool = True) -> None:
    """Send SIGKILL to the process and everything it has started; other workers would finish their task."""
    workers = descendants(process.pid) if with_workers and process.poll() is None else []
    process.kill()
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def descendants(ident: int) -> list[int]:
    """Return the processes below this one. A process group is not enough: each worker of Ansible starts its own."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name before it, in brackets, may contain anything.
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found = [ident]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def end(process: subprocess.Popen[str]) -> tuple[str, bool]:
    """Wait until the process ends; return what it printed, and whether it succeeded."""
    printed, _errors = process.communicate(timeout=TIMEOUT)
    return printed, process.returncode == 0
