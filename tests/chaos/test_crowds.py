# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real processes that all declare something at once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import Clock, HttpClient
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.create_once import create_once
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.tests.chaos.commands import Ansible, end
from ansible_collections.oecsh.cloud.tests.chaos.ordered_server import ORDERED_SERVER, deliver
from ansible_collections.oecsh.cloud.tests.emulator import Emulator

NAME, OTHER_NAME = "Client ERP", "Bakery ERP"


def processes(ansible: Ansible, count: int, options: dict[str, Any]) -> list[subprocess.Popen[str]]:
    return [ansible.task("oec_project", options) for _number in range(count)]


def hosts_of_one_play(ansible: Ansible, count: int, options: dict[str, Any]) -> list[subprocess.Popen[str]]:
    return [ansible.play([f"host{number}" for number in range(count)], [{"oecsh.cloud.oec_project": options}])]


CROWDS = {"processes": processes, "hosts of one play": hosts_of_one_play}


def disturb(emulator: Emulator, count: int, seconds: float) -> None:
    """Delay the lists, so that many are read before the first write; then delay, lose and corrupt some creates."""
    emulator.faults.clear()
    emulator.faults.add("delay_after", "GET", "/projects", times=count, seconds=seconds)
    emulator.faults.add("delay_after", "POST", "/projects", times=1, seconds=2)
    emulator.faults.add("cut_after", "POST", "/projects", times=max(1, count // 5))
    emulator.faults.add("truncate", "POST", "/projects", times=1)
    emulator.faults.add("cut_before", "POST", "/projects", times=1)


def all_ids(emulator: Emulator) -> set[str]:
    return {project["id"] for project in [*emulator.projects(), *emulator.deleted()]}


@pytest.mark.parametrize("kind", CROWDS)
def test_a_crowd_creates_one_project(
    kind: str, emulator: Emulator, ansible: Ansible, long_run: bool, record: Callable[..., None]
) -> None:
    """After the service had rejected it; where it never existed; and where it was deleted a moment ago."""
    if kind == "hosts of one play" and not long_run:
        pytest.skip("in the long run only")
    count, seconds = (20, 15.0) if long_run else (6, 5.0)  # api_timeout is 30
    emulator.settings.writes = emulator.settings.reads = None
    options = {"name": NAME, "server": ORDERED_SERVER["id"], "odoo_version": "17.0"}
    created: list[int] = []
    failures: list[str] = []

    def crowd(name: str) -> None:
        known = all_ids(emulator)
        emulator.log.clear()
        disturb(emulator, count, seconds)
        for process in CROWDS[kind](ansible, count, {**options, "name": name}):
            printed, succeeded = end(process)
            failures.extend([] if succeeded else [printed])
        methods = [entry.method for entry in emulator.log.requests(path="/projects")]
        assert methods.index("POST") > 1, "they did not meet"
        created.append(len(all_ids(emulator) - known))

    _printed, succeeded = end(ansible.task("oec_project", options))
    assert not succeeded
    assert {entry.status for entry in emulator.log.writes} == {422}
    deliver(emulator)
    # End the minute of the rejection: a full minute within a crowd has its own test.
    emulator.clock.advance(61 - emulator.clock.now().second)
    try:
        crowd(NAME)
        if long_run:
            crowd(OTHER_NAME)
            for project in emulator.projects():
                emulator.remove(project["id"])
            crowd(NAME)
            crowd(OTHER_NAME)
    finally:
        lost, duplicated = created.count(0), sum(max(0, new - 1) for new in created)
        record(f"Crowds: {count} {kind} that create one project at once", len(created), lost, duplicated, len(failures))
    assert failures == []
    assert created == [1] * len(created)


def test_many_hosts_with_a_project_each_share_the_write_limit(
    emulator: Emulator, ansible: Ansible, long_run: bool, record: Callable[..., None]
) -> None:
    count, emulator.settings.writes, emulator.settings.window = (20, 5, 4.0) if long_run else (6, 2, 2.0)
    emulator.settings.reads = 2 * count
    hosts = [f"host{number:02}" for number in range(count)]
    options = {"name": "Client {{ inventory_hostname }}", "server": "production-fsn1"}

    printed, succeeded = end(ansible.play(hosts, [{"oecsh.cloud.oec_project": options}]))

    names = [project["name"] for project in emulator.projects()]
    missing = {f"Client {host}" for host in hosts} - set(names)
    limited = [entry for entry in emulator.log.writes if entry.status == 429]
    what = f"Plays of {count} hosts with a project each, {emulator.settings.writes} writes a window"
    record(what, 1, len(missing), len(names) - len(set(names)), int(not succeeded))
    assert succeeded, printed
    assert sorted(names) == [f"Client {host}" for host in hosts]
    assert limited, "the limit was never reached"


class SimulatedJob:
    """A job that creates the project; `other` runs as a whole when this one sleeps for the first time."""

    def __init__(self, emulator: Emulator, other: SimulatedJob | None = None) -> None:
        self.emulator = emulator
        self.other = other

    def run(self) -> None:
        clock = Clock(now=self.now, monotonic=self.now, sleep=self.sleep, random=lambda: 0.5)
        http = HttpClient(Settings(self.emulator.keys.full, self.emulator.url), clock=clock)
        create_once(Client(http).of(PROJECT), {"name": NAME, "server_id": ORDERED_SERVER["id"]})

    def now(self) -> float:
        return self.emulator.clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self.emulator.clock.advance(seconds)
        other, self.other = self.other, None
        if other:
            other.run()


def test_two_jobs_around_a_full_minute_create_one_project(emulator: Emulator) -> None:
    """A stored rejection whose cause is fixed by now, and a lost request of the first job."""
    emulator.clock.freeze(datetime(2026, 1, 1, 11, 50, tzinfo=timezone.utc))
    with pytest.raises(RejectedError):
        SimulatedJob(emulator).run()
    deliver(emulator)
    emulator.clock.freeze(datetime(2026, 1, 1, 12, 0, 59, 900_000, tzinfo=timezone.utc))
    emulator.faults.add("cut_before", "POST", "/projects", skip=1)

    SimulatedJob(emulator, other=SimulatedJob(emulator)).run()

    assert [project["name"] for project in emulator.projects()] == [NAME]


@pytest.mark.parametrize("text", ["", "Another request is still working on it"])
def test_an_unknown_conflict_creates_no_second_project(text: str, emulator: Emulator) -> None:
    """The first job's create is in progress: the second one gets a 409 whose text the collection does not know."""
    deliver(emulator)
    emulator.faults.add("cut_before", "POST", "/projects")
    emulator.faults.add("status", "POST", "/projects", status=409, text=text)

    SimulatedJob(emulator, other=SimulatedJob(emulator)).run()

    assert [project["name"] for project in emulator.projects()] == [NAME]
