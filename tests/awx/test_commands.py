# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a partner types: the commands of docs/ad_hoc.md, and what `-o` and ansible-console print."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.awx.jobs import ROOT
from tests.emulator import Emulator

Run = Callable[..., subprocess.CompletedProcess[str]]
PAGE = (ROOT / "docs" / "ad_hoc.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def clients(emulator: Emulator) -> Emulator:
    bakery = emulator.add_project("Bakery Lindgren", server="production-fsn1", odoo_version="17.0")
    emulator.add_environment(bakery["id"], "production")
    for switch in ("queue_seconds", "deploy_seconds", "action_seconds", "destroy_seconds", "upload_seconds"):
        setattr(emulator.settings, switch, 0)
    emulator.add_project("Café Olé", server="production-nyc1", odoo_version="17.0")
    emulator.add_project("Harbour Logistics", server="production-fsn1", odoo_version="16.0")
    emulator.add_project("Former Client", server="staging-hel1", odoo_version="16.0")
    return emulator


def test_every_command_of_the_page_does_what_the_page_says(ansible: Run, clients: Emulator, tmp_path: Path) -> None:
    (inventory,) = [text for kind, text in BLOCKS if kind == "yaml"]
    (tmp_path / "clients.oec.yml").write_text(inventory, encoding="utf-8")
    shell = [text.strip() for kind, text in BLOCKS if kind == "shell"]
    expected = {before[1].strip(): text for before, (kind, text) in pairwise(BLOCKS) if kind == "text"}
    exports, commands = dict(re.findall(r"^export (\w+)=(\S+)$", shell[0], re.MULTILINE)), shell[1:]
    exports["OECSH_WAIT_INTERVAL"] = "1"
    del exports["OECSH_API_KEY"]

    printed: dict[str, str] = {}
    for command in commands:
        clients.log.clear()
        done = ansible("/bin/bash", "-c", command, env=exports)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert clients.keys.full not in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        if command in expected:
            assert done.stdout.rstrip() == expected[command].rstrip()
        printed[command] = done.stdout
        # The commands that ask, and the one with --check, write nothing.
        writing = r"oec_(project|environment|deployment|backup) .*(?<!--check --diff)$"
        is_write = re.search(writing, command, re.MULTILINE)
        assert bool(clients.log.writes) == bool(is_write), command
    of_projects = [command for command in commands if re.search(r"oec_(server_info|project_info|project) ", command)]
    server, client, check, move, move_all, create, remove = (printed[command] for command in of_projects)
    assert "name: production-fsn1" in server
    assert "ram_mb: " in server
    assert "name: Bakery Lindgren" in client
    assert "+default_branch: release/17.0" in check
    assert "localhost | CHANGED" in check
    assert "changed: true" in move
    assert move_all.count("default_branch: release/16.0") == move_all.count("changed: true") == 2
    assert "name: New Client" in create
    assert "project: null" in remove
    branches = {project["name"]: project["default_branch"] for project in clients.projects()}
    assert branches == {
        "Bakery Lindgren": "release/17.0",
        "Café Olé": "main",
        "Harbour Logistics": "release/16.0",
        "New Client": "main",
    }
    again = ansible("/bin/bash", "-c", of_projects[3], env=exports)
    assert "changed: false" in again.stdout


def test_one_line_output_holds_only_the_result(ansible: Run, clients: Emulator) -> None:
    command = ["ansible", "localhost", "-o", "-m", "oecsh.cloud.oec_project"]
    done = ansible(*command, "-a", "name='Harbour Logistics' default_branch=hotfix")
    if "unrecognized arguments" in done.stderr:
        pytest.skip("this ansible-core has no -o any more")
    (line,) = done.stdout.strip().splitlines()
    assert line.startswith("localhost | CHANGED => {")
    assert len(line) < 500
    assert "invocation" not in line
    failed = ansible(*command, "-a", "name='Harbour Logistics' odoo_version=99.0")
    assert failed.returncode != 0
    (line,) = [line for line in failed.stdout.strip().splitlines() if line.startswith("localhost")]
    assert "the API does not support it" in line
    assert len(line) < 1000


@pytest.mark.parametrize("options", [[], ["--verbose"]])
def test_a_failure_by_hand_is_a_sentence_and_no_traceback(ansible: Run, clients: Emulator, options: list[str]) -> None:
    arguments = "name='Somebody new' server=nowhere git_repo_url=https://git:hunter2secret@host/x"
    done = ansible("ansible", "localhost", *options, "-m", "oecsh.cloud.oec_project", "-a", arguments)
    assert "the server 'nowhere' does not exist; the servers are: 'production-fsn1'" in done.stdout.replace('\\"', '"')
    assert "Traceback" not in done.stdout + done.stderr
    assert "hunter2secret" not in done.stdout + done.stderr


def test_the_console_takes_the_modules_as_commands(ansible: Run, clients: Emulator) -> None:
    typed = "oecsh.cloud.oec_project_info odoo_version=16.0\noecsh.cloud.oec_server_info provider=hetzner\nexit\n"
    done = ansible("ansible-console", "localhost", typed=typed)
    assert '"name": "Harbour Logistics"' in done.stdout
    assert '"name": "Bakery Lindgren"' not in done.stdout
    assert '"name": "staging-hel1"' in done.stdout
    assert clients.keys.full not in done.stdout + done.stderr
