# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed again and again, and started again each time."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable

from ansible_collections.oecsh.cloud.tests.chaos.commands import Ansible, end, kill
from ansible_collections.oecsh.cloud.tests.emulator import Emulator

COUNT = 60
NAMES = {f"Client {number:02}" for number in range(COUNT)}
SEED = 60


def test_a_killed_run_started_again_creates_every_project_once(
    emulator: Emulator, ansible: Ansible, long_run: bool, record: Callable[..., None]
) -> None:
    kills = 20 if long_run else 3
    generator = random.Random(SEED)
    emulator.settings.writes = emulator.settings.reads = None
    # Slow enough that each run has something left to create.
    emulator.faults.add("delay", "POST", "/projects", times=None, seconds=0.05 if long_run else 0.02)
    projects = [{"name": name, "server": "production-fsn1"} for name in sorted(NAMES)]
    tasks = [{"oecsh.cloud.oec_projects": {"projects": projects}}]
    created_at_kill = []

    for number in range(kills):
        run = ansible.play(["localhost"], tasks)
        share = COUNT * (number + 1) // (kills + 1)
        wait_for(emulator, run, generator.randint(share // 2, share), generator.uniform(0, 0.1))
        # The last time its worker continues, so that two are at work at once.
        kill(run, with_workers=number < kills - 1)
        created_at_kill.append(len(emulator.projects()))
    _printed, succeeded = end(ansible.play(["localhost"], tasks))
    names = [project["name"] for project in emulator.projects()]
    emulator.log.clear()
    printed, _succeeded = end(ansible.play(["localhost"], tasks))

    lost, duplicated = len(NAMES - set(names)), len(names) - len(set(names))
    wrong = (not succeeded) + len(emulator.log.writes) + ("changed=0" not in printed)
    record(f"Kills of a run that creates {COUNT} projects", kills, lost, duplicated, wrong)
    assert (lost, duplicated, wrong) == (0, 0, 0), names
    assert created_at_kill[-1] < COUNT, f"it was killed too late to prove anything: {created_at_kill}"


def wait_for(emulator: Emulator, run: subprocess.Popen[str], count: int, extra: float) -> None:
    """Wait for so many projects and a moment longer, or until the run ends."""
    while len(emulator.projects()) < count and run.poll() is None:
        time.sleep(0.005)
    time.sleep(extra)
