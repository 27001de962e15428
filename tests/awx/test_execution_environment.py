# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder reads of the collection and makes of the example; and the lowest requests it may install."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.awx.conftest import CACHE
from tests.awx.jobs import BIN, PATIENCE, ROOT, clean
from tests.emulator import Emulator

Run = Callable[..., subprocess.CompletedProcess[str]]
REQUIREMENTS = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").split()


def build(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "ansible-builder"), *map(str, arguments)]
    return subprocess.run(command, env=clean(), capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_introspect_finds_the_requirements(collections: Path, tmp_path: Path) -> None:
    requirements, packages = tmp_path / "requirements.txt", tmp_path / "bindep.txt"
    done = build("introspect", collections, "--write-pip", requirements, "--write-bindep", packages)
    assert done.returncode == 0, done.stdout + done.stderr
    found = requirements.read_text(encoding="utf-8").splitlines()
    assert [line.split("#")[0].strip() for line in found if line.strip()] == REQUIREMENTS
    assert "oecsh.cloud" in found[0]
    assert not packages.exists() or packages.read_text(encoding="utf-8").strip() == ""
    assert "warning" not in (done.stdout + done.stderr).lower()


def test_create_makes_a_build_context_of_the_example(tmp_path: Path) -> None:
    context, example = tmp_path / "context", ROOT / "examples" / "execution-environment.yml"
    done = build("create", "-f", example, "-c", context, "--output-filename", "Containerfile")
    assert done.returncode == 0, done.stdout + done.stderr
    galaxy = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert galaxy["collections"] == [{"name": "oecsh.cloud", "version": f">={version}"}]
    steps = (context / "Containerfile").read_text(encoding="utf-8")
    assert "ansible-doc oecsh.cloud.oec_project_info" in steps
    assert "ansible-core>=2.16" in steps


def test_the_lowest_versions_that_are_allowed_work(ansible: Run, emulator: Emulator, tmp_path: Path) -> None:
    lowest = [bound.replace(">=", "==") for bound in REQUIREMENTS]
    place = CACHE / "-".join([*lowest, f"py{sys.version_info[0]}.{sys.version_info[1]}"])
    if not (place / "requests").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(place), *lowest]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            pytest.skip(f"{' and '.join(lowest)} cannot be had: {done.stderr.strip()[-300:]}")
    for name, version in (each.split("==") for each in lowest):
        program = f"import {name}; print({name}.__version__)"
        used = subprocess.check_output([sys.executable, "-c", program], env=clean(PYTHONPATH=str(place)), text=True)
        assert f"{used.strip()}.".startswith(f"{version}.")

    expected = [{"name": "Client ERP", "server": "production-fsn1"}]
    tasks = [
        {"oecsh.cloud.oec_projects": {"projects": expected}},
        {"oecsh.cloud.oec_project": {"name": "Client ERP", "default_branch": "hotfix"}},
        {"oecsh.cloud.oec_project": {"name": "Client ERP", "state": "absent"}},
    ]
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    emulator.faults.add("cut_after", "POST", "/projects")
    emulator.faults.add("html", "PATCH", times=1)
    done = ansible("ansible-playbook", "play.yml", env={"PYTHONPATH": str(place)})
    assert "changed=3" in done.stdout, done.stdout + done.stderr
    assert (emulator.projects(), len(emulator.deleted())) == ([], 1)
