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
NAMES = ("production", "staging")

API = {
    "ansible.builtin.uri": {
        "url": "{{ lookup('ansible.builtin.env', 'OECSH_API_URL') }}/{{ path }}/{{ item.id }}",
        "headers": {"Authorization": "Bearer {{ lookup('ansible.builtin.env', 'OECSH_API_KEY') }}"},
    },
    "no_log": True,
    "loop": "{{ objects }}",
}
PROJECT = {"oecsh.cloud.oec_project": {"name": "{{ item.name }}", "default_branch": "main"}}
ENVIRONMENT = {
    "oecsh.cloud.oec_environment": {"project": "{{ item.project_id }}", "name": "{{ item.name }}", "ram_mb": 2048}
}
LOOP = {"loop": "{{ objects }}", "loop_control": {"label": "{{ item.name }}"}}
ESTATE = {"oecsh.cloud.oec_projects": {"projects": "{{ desired }}"}}
LOOPS = {"projects": {"oec_project": PROJECT}, "environments": {"oec_environment": ENVIRONMENT}}


def fill(emulator: Emulator, size: int, kind: str) -> None:
    """Let there be so many projects, or so many with two environments each."""
    emulator.reset()
    emulator.fill(size)
    if kind == "environments":
        for project in emulator.projects():
            for name in NAMES:
                emulator.add_environment(project["id"], name, ram_mb=2048)


def run(emulator: Emulator, place: Path, kind: str, task: dict[str, Any]) -> tuple[float, int]:
    """Return seconds and requests of a play with that one task, for all that exists."""
    projects = emulator.projects()
    servers = {server["id"]: server["name"] for server in emulator.servers()}
    below = {"environments": [{"name": name, "ram_mb": 2048} for name in NAMES]} if kind == "environments" else {}
    desired = [
        {"name": project["name"], "default_branch": "main", "server": servers[project["server_id"]], **below}
        for project in projects
    ]
    objects = emulator.environments() if kind == "environments" else projects
    variables = {"path": kind, "objects": objects, "desired": desired}
    (place / "vars.json").write_text(json.dumps(variables))
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
        empty, _requests = run(emulator, place, "projects", {"ansible.builtin.debug": {"msg": ""}})
        print(f"An empty play takes {empty:.1f} s, which is subtracted from the times below.")
        for kind, loops in LOOPS.items():
            what = f"{HUNDRED} unchanged projects" + (" with 2 environments each" if kind == "environments" else "")
            fill(emulator, HUNDRED, kind)
            print(f"\n{what:50} seconds  requests")
            tasks = {"loop of uri": API, **{f"loop of {name}": task | LOOP for name, task in loops.items()}}
            seconds = {}
            for name, task in {**tasks, "one oec_projects": ESTATE}.items():
                took, requests = run(emulator, place, kind, task)
                seconds[name] = took - empty
                print(f"  {name:48} {took - empty:7.2f} {requests:9}")
            best = min(seconds[name] for name in tasks)
            print(f"  oec_projects is {best / seconds['one oec_projects']:.0f} times as fast as the best loop.")
        for kind in LOOPS:
            what = "one oec_projects" + (" with 2 environments each" if kind == "environments" else "")
            print(f"\n{what:50} seconds  requests")
            for size in SIZES if kind == "projects" else SIZES[:3]:
                fill(emulator, size, kind)
                took, requests = run(emulator, place, kind, ESTATE)
                print(f"  {size:6} projects {'':32} {took - empty:7.2f} {requests:9}")


if __name__ == "__main__":
    main()
