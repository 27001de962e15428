# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a partner sees who types commands. tests/docs runs those of docs/ad_hoc.md."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.emulator import Emulator

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def clients(emulator: Emulator) -> Emulator:
    emulator.add_project("Bakery Lindgren", server="production-fsn1", odoo_version="17.0")
    emulator.add_project("Harbour Logistics", server="production-fsn1", odoo_version="16.0")
    return emulator


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
