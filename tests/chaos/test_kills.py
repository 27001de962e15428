# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed and started again: at each of their requests, and processes at any moment."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count
from typing import Any

import pytest
import requests
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


class Killed(BaseException):
    """The process ends here, so that nothing may catch it."""


class Killer:
    """Ends a run with its request number `at`: before it is sent, or else once the API has done its work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.send = requests.adapters.HTTPAdapter.send
        self.at = self.sent = 0
        self.before = False

        def send(adapter: Any, *given: Any, **more: Any) -> Any:
            return self.act(adapter, *given, **more)

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)

    def act(self, *given: Any, **more: Any) -> Any:
        self.sent += 1
        if self.sent == self.at and self.before:
            raise Killed
        response = self.send(*given, **more)
        if self.sent == self.at:
            raise Killed
        return response

    def run(self, at: int, before: bool, run: Callable[[], Any]) -> bool:
        """Return whether the run was killed."""
        self.at, self.before, self.sent = at, before, 0
        try:
            run()
        except Killed:
            return True
        finally:
            self.at = 0
        return False

    def at_each_request(
        self, arrange: Callable[[], None], run: Callable[[], Any], more_than: int
    ) -> Iterator[tuple[int, bool]]:
        """Kill a run at each of its requests, before and after it, and yield where; `arrange` comes before each."""
        for before in (True, False):
            for at in count(1):
                arrange()
                if not self.run(at, before, run):
                    break
                yield at, before
            assert at > more_than, "it sends fewer requests than that"


STARTED = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
CLIENT, SINCE = "Client ERP", STARTED.isoformat()
PRODUCTION = {"project": CLIENT, "name": "production"}
ESTATE = {
    "environment_defaults": {"branch": "main"},
    "projects": [
        {
            "name": "Bakery ERP",
            "server": "production-fsn1",
            "environments": [{"name": "production"}, {"name": "staging"}],
        },
        {"name": "Brewery ERP", "server": "production-nyc1", "environments": [{"name": "production"}]},
    ],
}
RELEASE = {"environments": [{"project": f"Client 00{number}", "name": "production"} for number in (1, 2, 3)]}


@dataclass(frozen=True)
class KilledRun:
    """A run, and the type of the task that it must lead to, once in so many environments; without one, a webhook.

    `status`: that of the client's environment before (empty: it does not exist).
    """

    module: str
    options: dict[str, Any]
    task: str = ""
    environments: int = 1
    status: str = "running"

    def done(self, emulator: Emulator) -> Counter[str]:
        """Count what the runs have led to, in each environment."""
        if not self.task:
            return Counter(str(webhook["project_id"]) for webhook in emulator.webhooks())
        return Counter(task["environment_id"] for task in emulator.tasks(type=self.task))


KILLED_RUNS = {
    "create": KilledRun("oec_environment", {**PRODUCTION, "branch": "main"}, "deploy", status=""),
    "start": KilledRun(
        "oec_environment", {**PRODUCTION, "state": "started", "ram_mb": 4096}, "start", status="stopped"
    ),
    "stop": KilledRun("oec_environment", {**PRODUCTION, "state": "stopped"}, "stop"),
    "destroy": KilledRun("oec_environment", {**PRODUCTION, "state": "absent"}, "destroy"),
    "deploy": KilledRun("oec_deployment", {**RELEASE, "branch": "18.0", "since": SINCE, "parallel": 2}, "deploy", 3),
    "backup": KilledRun("oec_backup", {**RELEASE, "max_age": "1h", "wait_interval": 30}, "backup", 3),
    "estate": KilledRun("oec_projects", ESTATE, "deploy", 3, status=""),
    "webhook": KilledRun(
        "oec_webhook", {"project": CLIENT, "url": "https://hooks.example.org/oec", "events": ["deploy.failed"]}
    ),
}
SWITCHES: dict[str, dict[str, Any]] = {
    "prompt": {},
    "late": {
        "status_moves_late": 15,
        "late_last_deploy": 10,
        "conflict_has_task_id": False,
        "delete_has_task_id": False,
        "patch_conflicts": True,
        "backup_conflict": "text",
        "backup_has_task_id": False,
        "backup_words": "documented",
    },
}


@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES)
@pytest.mark.parametrize("case", KILLED_RUNS.values(), ids=KILLED_RUNS)
def test_a_run_killed_at_any_request_is_completed_by_the_next(
    case: KilledRun,
    switches: dict[str, Any],
    emulator: Emulator,
    run_module: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    long_run: bool,
    record: Callable[..., None],
) -> None:
    """What the killed run has started goes on meanwhile. A third run finds nothing to do."""
    if case.options is ESTATE and switches and not long_run:
        pytest.skip("in the long run only")
    killer = Killer(monkeypatch)

    def run() -> dict[str, Any]:
        waits = {"wait_interval": 15} if case.task else {}
        return run_module(case.module, **{**waits, **case.options})

    for place in killer.at_each_request(lambda: prepare(emulator, case, switches), run, more_than=3):
        result = run()
        emulator.log.clear()
        again = run()
        done = case.done(emulator)
        names = [project["name"] for project in emulator.projects()]
        lost = max(0, case.environments - len(done))
        duplicated = sum(done.values()) - len(done) + len(names) - len(set(names))
        is_wrong = any(each.get("failed") for each in (result, again)) or again["changed"] or emulator.log.writes
        record("Kills of a run, at each of its requests", 1, lost, duplicated, int(bool(is_wrong)))
        assert (lost, duplicated, is_wrong) == (0, 0, []), (place, result, again, emulator.tasks())
        assert {task["status"] for task in emulator.tasks()} <= {"completed"}


@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES)
def test_a_restore_killed_at_any_request_is_done_once_more(
    switches: dict[str, Any],
    emulator: Emulator,
    run_module: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    record: Callable[..., None],
) -> None:
    """At most: which backup a restore that still runs is of is not known. It is waited for, and no two run at once."""
    killer = Killer(monkeypatch)

    def run() -> dict[str, Any]:
        (backup,) = (each for each in emulator.backups() if each["backup_type"] == "manual")
        options = {"backup_id": backup["id"], "confirm": PRODUCTION["name"], "wait_interval": 15}
        return run_module("oec_backup_restore", **options)

    case = KilledRun("oec_backup_restore", {})
    for place in killer.at_each_request(lambda: prepare(emulator, case, switches), run, more_than=5):
        begun = emulator.tasks(type="restore")
        result = run()
        tasks = emulator.tasks(type="restore")
        lost, duplicated = int(not tasks), max(0, len(tasks) - len(begun) - 1)
        is_wrong = result.get("failed") or not result["changed"] or emulator.most_at_once() > 1
        record("Kills of a restore, at each of its requests", 1, lost, duplicated, int(bool(is_wrong)))
        assert (lost, duplicated, is_wrong) == (0, 0, False), (place, result, tasks)
        assert {task["status"] for task in tasks} == {"completed"}


def prepare(emulator: Emulator, case: KilledRun, switches: dict[str, Any]) -> None:
    emulator.reset()
    emulator.clock.freeze(STARTED)
    emulator.settings.deploy_seconds = 20
    for switch, value in switches.items():
        setattr(emulator.settings, switch, value)
    emulator.fill(3, environments=["production"])
    project = emulator.add_project(CLIENT)
    if case.status:
        emulator.add_backup(emulator.add_environment(project["id"], status=case.status)["id"])
