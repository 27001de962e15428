# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall time and requests of unchanged projects, side by side: `make bench`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
HUNDRED = 100
SIZES = (10, 100, 1000, 5000)

URI = {
    "ansible.builtin.uri": {
        "url": "{{ lookup('ansible.builtin.env', 'OECSH_API_URL') }}/projects/{{ item.id }}",
        "headers": {"Authorization": "Bearer {{ lookup('ansible.builtin.env', 'OECSH_API_KEY') }}"},
    },
    "no_log": True,
}
ONE = {"oecsh.cloud.oec_project": {"name": "{{ item.name }}", "default_branch": "main"}}
LOOP = {"loop": "{{ projects }}", "loop_control": {"label": "{{ item.name }}"}}
ESTATE = {"oecsh.cloud.oec_projects": {"projects": "{{ declared }}"}}


def run(emulator: Emulator, place: Path, task: dict[str, Any]) -> tuple[float, int]:
    """Seconds and requests of a play with that one task, on all the projects there are."""
    projects = emulator.projects()
    servers = {server["id"]: server["name"] for server in emulator.servers()}
    declared = [
        {"name": project["name"], "default_branch": "main", "server": servers[project["server_id"]]}
        for project in projects
    ]
    (place / "vars.json").write_text(json.dumps({"projects": projects, "declared": declared}))
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [{"name": "Bench", **task}]}
    (place / "play.json").write_text(json.dumps([play]))
    environment = os.environ | {
        "ANSIBLE_COLLECTIONS_PATH": str(place),
        "HOME": str(place),
        "OECSH_API_KEY": emulator.keys.full,
        "OECSH_API_URL": emulator.url,
    }
    emulator.log.clear()
    started = time.monotonic()
    playbook = Path(sys.executable).parent / "ansible-playbook"
    done = subprocess.run(
        [playbook, "play.json", "-e", "@vars.json"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - started
    if done.returncode or "changed=0 " not in done.stdout:
        raise SystemExit((done.stdout + done.stderr)[:5000])
    return took, emulator.log.count()


def main() -> None:
    limits: dict[str, Any] = {"reads": None, "writes": None}
    with tempfile.TemporaryDirectory() as folder, Emulator(**limits) as emulator:
        place = Path(folder)
        (place / "ansible_collections" / "oecsh").mkdir(parents=True)
        (place / "ansible_collections" / "oecsh" / "cloud").symlink_to(ROOT)
        empty, _requests = run(emulator, place, {"ansible.builtin.debug": {"msg": ""}})
        print(f"A play that does nothing takes {empty:.1f} s; that is taken off the figures.\n")

        print(f"{HUNDRED} unchanged projects    seconds    an item  requests")
        emulator.fill(HUNDRED)
        seconds = {}
        for name, task in (
            ("loop of uri", URI | LOOP),
            ("loop of oec_project", ONE | LOOP),
            ("one oec_projects", ESTATE),
        ):
            took, requests = run(emulator, place, task)
            seconds[name] = took - empty
            print(f"{name:22} {took - empty:8.2f} {(took - empty) / HUNDRED * 1000:8.1f} ms {requests:8}")
        best = min(seconds["loop of uri"], seconds["loop of oec_project"])
        print(f"oec_projects is {best / seconds['one oec_projects']:.0f} times as fast as the best loop.\n")

        print("oec_projects           seconds    an item  requests")
        for size in SIZES:
            emulator.reset()
            emulator.fill(size)
            took, requests = run(emulator, place, ESTATE)
            print(f"{size:6} projects        {took - empty:8.2f} {(took - empty) / size * 1000:8.1f} ms {requests:8}")


if __name__ == "__main__":
    main()
