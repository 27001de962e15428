# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real processes that all declare something at once."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import Clock, HttpClient
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.create_once import create_once
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT as PROJECT_KIND
from ansible_collections.oecsh.cloud.tests.chaos.commands import Ansible, end
from ansible_collections.oecsh.cloud.tests.chaos.ordered_server import ORDERED_SERVER, deliver
from ansible_collections.oecsh.cloud.tests.emulator import Emulator

NAME, OTHER_NAME = "Client ERP", "Bakery ERP"
# Reads in a minute. Where the API names no limit, a task is polled as seldom as the lowest one allows.
MANY = 10_000


@dataclass(frozen=True)
class Crowd:
    """What all of them ask for, and the paths of the GET by which they decide, and of the POST that must work once."""

    module: str
    options: Mapping[str, Any]
    decisive: str
    post: str

    def processes(self, ansible: Ansible, count: int, **more: Any) -> list[subprocess.Popen[str]]:
        return [ansible.task(self.module, {**self.options, **more}) for _number in range(count)]

    def hosts_of_one_play(self, ansible: Ansible, count: int, **more: Any) -> list[subprocess.Popen[str]]:
        hosts = [f"host{number}" for number in range(count)]
        return [ansible.play(hosts, [{f"oecsh.cloud.{self.module}": {**self.options, **more}}])]

    def disturb(self, emulator: Emulator, count: int, seconds: float) -> None:
        """Delay the GETs, so that many are done before the first POST; then delay, lose and corrupt some POSTs."""
        emulator.faults.clear()
        emulator.faults.add("delay_after", "GET", self.decisive, times=count, seconds=seconds)
        emulator.faults.add("delay_after", "POST", self.post, times=1, seconds=2)
        emulator.faults.add("cut_after", "POST", self.post, times=max(1, count // 5))
        emulator.faults.add("truncate", "POST", self.post, times=1)
        emulator.faults.add("cut_before", "POST", self.post, times=1)

    def end(self, emulator: Emulator, started: Sequence[subprocess.Popen[str]]) -> list[str]:
        """Wait for all of them; return what those printed that have failed."""
        ends = [end(process) for process in started]
        paths = {"GET": self.decisive, "POST": self.post}
        methods = [entry.method for entry in emulator.log.requests() if re.fullmatch(paths[entry.method], entry.path)]
        assert methods.index("POST") > 1, "they did not meet"
        return [printed for printed, succeeded in ends if not succeeded]


PROJECT = Crowd("oec_project", {"server": ORDERED_SERVER["id"], "odoo_version": "17.0"}, "/projects", "/projects")
IN_ENVIRONMENT = {"project": NAME, "name": "production", "wait_interval": 1}
ENVIRONMENT = Crowd("oec_environment", IN_ENVIRONMENT, "/projects/.+/environments", "/projects/.+/environments")
BACKUP = Crowd(
    "oec_backup", {**IN_ENVIRONMENT, "max_age": "1h"}, "/environments/.+/backups", "/environments/.+/backups"
)
WEBHOOK = Crowd(
    "oec_webhook", {"url": "https://hooks.example.org/oec", "events": ["deploy.failed"]}, "/webhooks", "/webhooks"
)
DEPLOYMENT = Crowd("oec_deployment", IN_ENVIRONMENT, "/environments/.+/deployments", "/environments/.+/deploy")

ESTATE = Crowd(
    "oec_projects",
    {
        "defaults": {"server": "production-fsn1"},
        "projects": [
            {"name": NAME, "environments": [{"name": "production"}, {"name": "staging"}]},
            {"name": OTHER_NAME, "environments": [{"name": "production"}]},
        ],
        "wait_interval": 1,
    },
    "/projects",
    "/projects(/.+/environments)?",
)

CROWDS = {"processes": Crowd.processes, "hosts of one play": Crowd.hosts_of_one_play}


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
    created: list[int] = []
    failures: list[str] = []

    def crowd(name: str) -> None:
        known = all_ids(emulator)
        emulator.log.clear()
        PROJECT.disturb(emulator, count, seconds)
        failures.extend(PROJECT.end(emulator, CROWDS[kind](PROJECT, ansible, count, name=name)))
        created.append(len(all_ids(emulator) - known))

    _printed, succeeded = end(ansible.task(PROJECT.module, {**PROJECT.options, "name": NAME}))
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


@pytest.mark.parametrize("crowd", [ENVIRONMENT, DEPLOYMENT], ids=["environment", "deployment"])
def test_a_crowd_deploys_one_environment_once(
    crowd: Crowd, emulator: Emulator, ansible: Ansible, long_run: bool, record: Callable[..., None]
) -> None:
    """It does not exist, and is created; or it exists, and is deployed."""
    if crowd is not DEPLOYMENT and not long_run:
        pytest.skip("in the long run only")
    count, seconds = (20, 15.0) if long_run else (4, 3.0)
    emulator.settings.writes, emulator.settings.reads = None, MANY
    # A deployment that begins and ends while their GETs are delayed would be none of theirs.
    emulator.settings.deploy_seconds = 2 * seconds
    project, since = emulator.add_project(NAME), {}
    if crowd is DEPLOYMENT:
        emulator.add_environment(project["id"])
        since = {"since": emulator.clock.now().isoformat()}
    crowd.disturb(emulator, count, seconds)

    failures = crowd.end(emulator, crowd.processes(ansible, count, **since))

    found, tasks = emulator.environments(), emulator.tasks()
    figures = (int(not tasks), max(0, len(found) - 1) + max(0, len(tasks) - 1), len(failures))
    record(f"Crowds: {count} processes that create or deploy one environment at once", 1, *figures)
    assert figures == (0, 0, 0), (found, tasks, failures)
    assert [task["status"] for task in tasks] == ["completed"]


def test_a_crowd_provisions_one_estate_once(
    emulator: Emulator, ansible: Ansible, long_run: bool, record: Callable[..., None]
) -> None:
    count, seconds = (10, 10.0) if long_run else (4, 3.0)
    emulator.settings.writes, emulator.settings.reads = None, MANY
    emulator.settings.deploy_seconds = 2 * seconds
    ESTATE.disturb(emulator, count, seconds)

    failures = ESTATE.end(emulator, ESTATE.processes(ansible, count))

    projects = {project["id"]: project["name"] for project in emulator.projects()}
    found = Counter(
        [*projects.values(), *((projects[each["project_id"]], each["name"]) for each in emulator.environments())]
    )
    tasks = emulator.tasks()
    figures = (max(0, 5 - len(found)), sum(found.values()) - len(found) + max(0, len(tasks) - 3), len(failures))
    record(f"Crowds: {count} processes that provision one estate at once", 1, *figures)
    assert figures == (0, 0, 0), (found, tasks, failures)
    assert [task["status"] for task in tasks] == ["completed"] * 3


# What a service says to a backup while another one is running.
CONFLICTS: dict[str, dict[str, Any]] = {
    "task": {},
    "task without id": {"conflict_has_task_id": False},
    "text": {"backup_conflict": "text", "backup_has_task_id": False},
}


@pytest.mark.parametrize("switches", CONFLICTS.values(), ids=CONFLICTS)
def test_a_crowd_takes_one_backup(
    switches: dict[str, Any], emulator: Emulator, ansible: Ansible, long_run: bool, record: Callable[..., None]
) -> None:
    if "backup_conflict" not in switches and not long_run:
        pytest.skip("in the long run only")
    count, seconds = (10, 10.0) if long_run else (4, 2.0)
    emulator.settings.writes, emulator.settings.reads = None, MANY
    # One that begins and ends while their GETs are delayed would be none of theirs.
    emulator.settings.action_seconds = 2 * seconds
    emulator.settings.queue_seconds = emulator.settings.upload_seconds = 0.5
    for switch, value in switches.items():
        setattr(emulator.settings, switch, value)
    emulator.add_environment(emulator.add_project(NAME)["id"])
    BACKUP.disturb(emulator, count, seconds)

    failures = BACKUP.end(emulator, BACKUP.processes(ansible, count))

    backups = emulator.backups()
    figures = (int(not backups), max(0, len(backups) - 1), len(failures))
    record(f"Crowds: {count} processes that need a backup of one environment at once", 1, *figures)
    assert figures == (0, 0, 0), (backups, failures)
    assert [backup["status"] for backup in backups] == ["completed"]


def test_a_crowd_creates_one_webhook(
    emulator: Emulator, ansible: Ansible, long_run: bool, record: Callable[..., None]
) -> None:
    """Each of them returns the one secret, or warns that it was lost."""
    if not long_run:
        pytest.skip("in the long run only")
    count, seconds = 10, 10.0
    emulator.settings.writes = emulator.settings.reads = emulator.settings.webhook_mutations = None
    WEBHOOK.disturb(emulator, count, seconds)

    ends = [end(process) for process in WEBHOOK.processes(ansible, count)]

    webhooks = emulator.webhooks()
    failed = [printed for printed, succeeded in ends if not succeeded]
    secrets = [re.findall(r'"secret": "(.+)"', printed) for printed, _succeeded in ends]
    known = [[each["secret"]] for each in webhooks[:1]]
    unknown = [
        printed
        for (printed, _succeeded), secret in zip(ends, secrets, strict=True)
        if secret not in known and "secret was lost" not in printed
    ]
    figures = (int(not webhooks), max(0, len(webhooks) - 1), len(failed) + len(unknown))
    record(f"Crowds: {count} processes that create one webhook at once", 1, *figures)
    assert figures == (0, 0, 0), (webhooks, failed, unknown)
    assert secrets.count(known[0]) > 1, ends


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
        create_once(Client(http).of(PROJECT_KIND), {"name": NAME, "server_id": ORDERED_SERVER["id"]})

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


def act_meanwhile(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Let others act as a whole when the run that is to come sleeps for the first time."""
    advance, left = emulator.clock.advance, [act]

    def advance_and_act(seconds: float) -> None:
        advance(seconds)
        if left:
            left.pop()()

    monkeypatch.setattr(emulator.clock, "advance", advance_and_act)


@pytest.mark.parametrize(("wait", "outcome"), [(True, "not_needed"), (False, "adopted")])
def test_a_job_at_the_limit_does_not_deploy_after_another(
    wait: bool, outcome: str, emulator: Emulator, run_module: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.add_environment(emulator.add_project(NAME)["id"])
    options = {**IN_ENVIRONMENT, "since": emulator.clock.now().isoformat(timespec="seconds")}
    emulator.faults.add("rate_limit", "POST", retry_after=30)
    act_meanwhile(emulator, monkeypatch, lambda: run_module("oec_deployment", wait=wait, **options))

    result = run_module("oec_deployment", **options)

    assert [row["outcome"] for row in result["deployments"]] == [outcome], result
    assert [task["status"] for task in emulator.tasks()] == ["completed"]


@pytest.mark.parametrize("conflict", [*CONFLICTS.values(), {"backup_conflict": "none"}], ids=[*CONFLICTS, "none"])
@pytest.mark.parametrize("fault", ["rate_limit", "cut_before", "cut_after", "concurrent_action"])
@pytest.mark.parametrize("wait", [True, False])
def test_a_job_that_is_held_up_takes_no_second_backup(
    wait: bool,
    fault: str,
    conflict: dict[str, Any],
    emulator: Emulator,
    run_module: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the first job is held up at its request, the second one takes the backup, and waits for it or not."""
    for switch, value in conflict.items():
        setattr(emulator.settings, switch, value)
    emulator.add_environment(emulator.add_project(NAME)["id"])
    emulator.faults.add(fault, "POST")
    options = {**IN_ENVIRONMENT, "max_age": "1h"}
    act_meanwhile(emulator, monkeypatch, lambda: run_module("oec_backup", wait=wait, **options))

    result = run_module("oec_backup", **options)

    assert not result.get("failed"), result
    assert [backup["status"] for backup in emulator.backups()] == ["completed"]
    assert run_module("oec_backup", **options)["changed"] is False


@pytest.mark.parametrize("fault", ["rate_limit", "cut_before", "cut_after"])
def test_two_jobs_around_a_hidden_environment_create_one(
    fault: str, emulator: Emulator, run_module: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first job is held up, the second one creates it; then somebody stops it, which older versions hide."""
    emulator.settings.hides_stopped = True
    emulator.add_project(NAME)
    emulator.faults.add(fault, "POST")

    def act() -> None:
        assert not run_module("oec_environment", **IN_ENVIRONMENT).get("failed")
        (environment,) = emulator.environments()
        emulator.edit_environment(environment["id"], status="stopped")

    act_meanwhile(emulator, monkeypatch, act)
    results = [run_module("oec_environment", **IN_ENVIRONMENT) for _number in range(2)]

    assert [result["error"]["code"] for result in results] == ["wrong_state", "wrong_state"]
    assert len(emulator.environments()) == 1
