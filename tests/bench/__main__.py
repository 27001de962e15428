# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare wall time and requests for unchanged projects: `make bench`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.emulator import Emulator
from tests.support import clean_environment, collection_tree

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
ESTATE = {"oecsh.cloud.oec_projects": {"projects": "{{ desired }}"}}


def run(emulator: Emulator, place: Path, task: dict[str, Any]) -> tuple[float, int]:
    """Return seconds and requests of a play with that one task, for all existing projects."""
    projects = emulator.projects()
    servers = {server["id"]: server["name"] for server in emulator.servers()}
    desired = [
        {"name": project["name"], "default_branch": "main", "server": servers[project["server_id"]]}
        for project in projects
    ]
    (place / "vars.json").write_text(json.dumps({"projects": projects, "desired": desired}))
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [{"name": "Bench", **task}]}
    (place / "play.json").write_text(json.dumps([play]))
    environment = clean_environment(
        ANSIBLE_COLLECTIONS_PATH=str(place),
        HOME=str(place),
        OECSH_API_KEY=emulator.keys.full,
        OECSH_API_URL=emulator.url,
    )
    emulator.log.clear()
    started = time.monotonic()
    playbook = Path(sys.executable).parent / "ansible-playbook"
    command = [playbook, "play.json", "-e", "@vars.json"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    took = time.monotonic() - started
    if done.returncode or "changed=0 " not in done.stdout:
        raise SystemExit((done.stdout + done.stderr)[:5000])
    return took, emulator.log.count()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Emulator(reads=None, writes=None) as emulator:
        place = Path(folder)
        collection_tree(place)
        empty, _requests = run(emulator, place, {"ansible.builtin.debug": {"msg": ""}})
        print(f"An empty play takes {empty:.1f} s, which is subtracted from the times below.\n")

        print(f"{HUNDRED} unchanged projects    seconds   per item  requests")
        emulator.fill(HUNDRED)
        seconds = {}
        tasks = {"loop of uri": URI | LOOP, "loop of oec_project": ONE | LOOP, "one oec_projects": ESTATE}
        for name, task in tasks.items():
            took, requests = run(emulator, place, task)
            seconds[name] = took - empty
            print(f"{name:22} {took - empty:8.2f} {(took - empty) / HUNDRED * 1000:8.1f} ms {requests:8}")
        best = min(seconds["loop of uri"], seconds["loop of oec_project"])
        print(f"oec_projects is {best / seconds['one oec_projects']:.0f} times as fast as the best loop.\n")

        print("oec_projects           seconds   per item  requests")
        for size in SIZES:
            emulator.reset()
            emulator.fill(size)
            took, requests = run(emulator, place, ESTATE)
            print(f"{size:6} projects        {took - empty:8.2f} {(took - empty) / size * 1000:8.1f} ms {requests:8}")


if __name__ == "__main__":
    main()
