# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real processes that all want something at once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._errors import RefusedError
from ansible_collections.oecsh.cloud.plugins.module_utils._transport import Clock, Settings, Transport
from ansible_collections.oecsh.cloud.tests.chaos.commands import Ansible, end
from ansible_collections.oecsh.cloud.tests.chaos.later import LATER, add_server
from ansible_collections.oecsh.cloud.tests.emulator import Emulator

NAME = "Client ERP"


def processes(ansible: Ansible, count: int, options: dict[str, Any]) -> list[subprocess.Popen[str]]:
    return [ansible.task("oec_project", options) for _turn in range(count)]


def hosts_of_one_play(ansible: Ansible, count: int, options: dict[str, Any]) -> list[subprocess.Popen[str]]:
    return [ansible.play([f"host{number}" for number in range(count)], [{"oecsh.cloud.oec_project": options}])]


CROWDS = {"processes": processes, "hosts of one play": hosts_of_one_play}


def disturb(emulator: Emulator, count: int, seconds: float) -> None:
    """Late lists, so that many have read theirs before the first has written; then creates that are late, and lost."""
    emulator.faults.clear()
    emulator.faults.add("delay_after", "GET", "/projects", times=count, seconds=seconds)
    emulator.faults.add("delay_after", "POST", "/projects", times=1, seconds=2)
    emulator.faults.add("cut_after", "POST", "/projects", times=max(1, count // 5))
    emulator.faults.add("truncate", "POST", "/projects", times=1)
    emulator.faults.add("cut_before", "POST", "/projects", times=1)


def everything(emulator: Emulator) -> set[str]:
    return {project["id"] for project in [*emulator.projects(), *emulator.deleted()]}


@pytest.mark.parametrize("kind", CROWDS)
def test_a_crowd_that_declares_one_project_makes_one(
    kind: str, emulator: Emulator, ansible: Ansible, long_run: bool, record: Callable[..., None]
) -> None:
    """After the service had refused it; where there is none; and where it was deleted a moment ago."""
    if kind == "hosts of one play" and not long_run:
        pytest.skip("in the long run only")
    count, seconds = (20, 15.0) if long_run else (6, 5.0)  # for an answer, api_timeout is 30
    emulator.settings.writes = emulator.settings.reads = None
    options = {"name": NAME, "server": LATER["id"], "odoo_version": "17.0"}
    made: list[int] = []
    failures: list[str] = []

    def crowd(options: dict[str, Any]) -> None:
        known = everything(emulator)
        emulator.log.clear()
        disturb(emulator, count, seconds)
        for process in CROWDS[kind](ansible, count, options):
            printed, succeeded = end(process)
            failures.extend([] if succeeded else [printed])
        methods = [entry.method for entry in emulator.log.requests(path="/projects")]
        assert methods.index("POST") > 1, "they did not meet"
        made.append(len(everything(emulator) - known))

    printed, succeeded = end(ansible.task("oec_project", options))
    assert not succeeded
    assert "there is no such server" in printed
    add_server(emulator)
    # The minute in which the service refused is over. What a full minute within a crowd does has a test of its own.
    emulator.clock.advance(61 - emulator.clock.now().second)
    try:
        crowd(options)
        if long_run:
            crowd({**options, "name": "Bakery ERP"})
            for project in emulator.projects():
                emulator.remove(project["id"])
            crowd(options)
            crowd({**options, "name": "Bakery ERP"})
    finally:
        lost, duplicated = made.count(0), sum(max(0, new - 1) for new in made)
        record(f"Crowds: {count} {kind} that create one project at once", len(made), lost, duplicated, len(failures))
    assert failures == []
    assert made == [1] * len(made)


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


class Job:
    """A job that creates the project, by itself; `other` runs as a whole when the first one sleeps."""

    def __init__(self, emulator: Emulator, other: Job | None = None) -> None:
        self.emulator = emulator
        self.other = other

    def run(self) -> None:
        clock = Clock(now=self.now, monotonic=self.now, sleep=self.sleep, chance=lambda: 0.5)
        client = Client(Transport(Settings(self.emulator.keys.full, self.emulator.url), clock=clock))
        client.create({"name": NAME, "server_id": LATER["id"]}, client.projects())

    def now(self) -> float:
        return self.emulator.clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self.emulator.clock.advance(seconds)
        other, self.other = self.other, None
        if other:
            other.run()


def test_two_jobs_either_side_of_a_full_minute_make_one_project(emulator: Emulator) -> None:
    """The service had refused it and stored that, the cause is mended, and a request of the first one is lost."""
    emulator.clock.freeze(datetime(2026, 1, 1, 11, 50, tzinfo=timezone.utc))
    with pytest.raises(RefusedError):
        Job(emulator).run()
    add_server(emulator)
    emulator.clock.freeze(datetime(2026, 1, 1, 12, 0, 59, 900_000, tzinfo=timezone.utc))
    emulator.faults.add("cut_before", "POST", "/projects", skip=1)

    Job(emulator, other=Job(emulator)).run()

    assert [project["name"] for project in emulator.projects()] == [NAME]


@pytest.mark.parametrize("words", ["", "Another request is still working on it"])
def test_a_conflict_in_other_words_makes_no_second_project(words: str, emulator: Emulator) -> None:
    """The first job's create is on its way: the service answers the second one 409, in words nobody has seen yet."""
    add_server(emulator)
    emulator.faults.add("cut_before", "POST", "/projects")
    emulator.faults.add("status", "POST", "/projects", status=409, text=words)

    Job(emulator, other=Job(emulator)).run()

    assert [project["name"] for project in emulator.projects()] == [NAME]
