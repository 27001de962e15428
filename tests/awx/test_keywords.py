# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keywords that a task of anybody's may carry: each does with our modules what it does with all."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Emulator

Run = Callable[..., subprocess.CompletedProcess[str]]
Play = Callable[..., str]
PROJECT = "oecsh.cloud.oec_project"
INFO = "oecsh.cloud.oec_project_info"
CLIENT = {"name": "Client ERP", "server": "production-fsn1"}


@pytest.fixture
def play(ansible: Run, tmp_path: Path) -> Play:
    """play(task, task, hosts="localhost"): what a play of these tasks prints; it has to succeed."""

    def run(*tasks: dict[str, Any], env: dict[str, str] | None = None, fails: bool = False, **keywords: Any) -> str:
        book = {"hosts": "localhost", "gather_facts": False, "tasks": [*tasks], **keywords}
        (tmp_path / "play.yml").write_text(json.dumps([book]), encoding="utf-8")
        # Nobody is at these addresses: a task that is not delegated fails.
        inventory = "localhost ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}'\n"
        (tmp_path / "hosts").write_text(inventory + "[clients]\nhost[1:3].invalid\n", encoding="utf-8")
        done = ansible("ansible-playbook", "-i", "hosts", "play.yml", env=env)
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def verify(*claims: str) -> dict[str, Any]:
    return {"ansible.builtin.assert": {"that": [*claims]}}


def test_async_with_poll_waits_for_the_result(play: Play, emulator: Emulator) -> None:
    play(
        {PROJECT: CLIENT, "async": 60, "poll": 1, "register": "made"},
        verify("made is changed", "made.project.name == 'Client ERP'", "made.project.id | length == 36"),
    )
    assert len(emulator.projects()) == 1


def test_async_without_poll_is_fetched_later(play: Play, emulator: Emulator) -> None:
    status = {"jid": "{{ started.ansible_job_id }}"}
    play(
        {PROJECT: CLIENT, "async": 60, "poll": 0, "register": "started"},
        {
            "ansible.builtin.async_status": status,
            "register": "made",
            "until": "made is finished",
            "retries": 100,
            "delay": 0.3,
        },
        verify("made is changed", "made.project.name == 'Client ERP'"),
    )
    assert len(emulator.projects()) == 1


def test_check_mode_on_a_task_predicts_and_writes_nothing(play: Play, emulator: Emulator) -> None:
    play(
        {PROJECT: CLIENT, "check_mode": True, "diff": True, "register": "made"},
        verify("made is changed", "made.project.id is none", "(made.diff.after | from_yaml).name == 'Client ERP'"),
    )
    assert emulator.log.writes == []


def test_no_log_hides_the_result_of_success_and_of_failure(play: Play, emulator: Emulator) -> None:
    printed = play({PROJECT: CLIENT, "no_log": True}, env={"ANSIBLE_VERBOSITY": "3"})
    assert "Client ERP" not in printed
    assert "'no_log: true' was specified" in printed
    url = "https://git:hunter2secret@example.com/x"
    failed = play({PROJECT: {"name": "Client", "server": "nowhere", "git_repo_url": url}, "no_log": True}, fails=True)
    # ansible-core 2.19 and later print the sentence of a failure all the same, so it may hold no secret.
    assert re.search(r'fatal: \[localhost\]: FAILED! => \{"censored": ', failed)
    assert "hunter2secret" not in failed


def test_delegate_to_works_for_unreachable_hosts(play: Play, emulator: Emulator) -> None:
    named = {**CLIENT, "name": "{{ inventory_hostname }}"}
    play({PROJECT: named, "delegate_to": "localhost"}, hosts="clients")
    assert sorted(project["name"] for project in emulator.projects()) == [f"host{n}.invalid" for n in (1, 2, 3)]


def test_run_once_sends_one_request_for_all_hosts(play: Play, emulator: Emulator) -> None:
    play(
        {PROJECT: CLIENT, "delegate_to": "localhost", "run_once": True, "register": "made"},
        verify("made.project.name == 'Client ERP'"),
        hosts="clients",
    )
    assert emulator.log.count("POST /projects") == 1


def test_environment_of_a_task_or_a_play_carries_the_connection(play: Play, emulator: Emulator) -> None:
    connection = {"OECSH_API_KEY": emulator.keys.read_only, "OECSH_API_URL": emulator.url}
    nothing = {"OECSH_API_KEY": "", "OECSH_API_URL": ""}
    play({INFO: {}, "environment": connection}, env=nothing)
    # From -vvv on Ansible itself shows the variables of this keyword; docs/ad_hoc.md warns of it.
    printed = play({INFO: {}}, environment=connection, env={**nothing, "ANSIBLE_VERBOSITY": "2"})
    assert len(emulator.log.requests("GET", "/projects")) == 2
    assert emulator.keys.read_only not in printed


def test_module_defaults_of_the_group_reach_every_module(play: Play, emulator: Emulator) -> None:
    emulator.add_project("Client ERP")
    connection = {"api_key": emulator.keys.full, "api_url": emulator.url, "api_retries": "0"}
    printed = play(
        {PROJECT: {"name": "Client ERP"}},
        {INFO: {}},
        {"oecsh.cloud.oec_projects": {"projects": [{"name": "Client ERP"}]}},
        {"oecsh.cloud.oec_server_info": {}},
        module_defaults={"group/oecsh.cloud.all": connection},
        env={"OECSH_API_KEY": "", "OECSH_API_URL": ""},
    )
    assert len(emulator.log.requests("GET")) == 4
    assert emulator.keys.full not in printed
