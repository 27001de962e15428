# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder reads of the collection, and makes of the example."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.awx.jobs import BIN, PATIENCE, PROJECT, ROOT, clean, load

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
    asked = [{"name": "oecsh.cloud", "version": f">={load(ROOT / 'galaxy.yml')['version']}"}]
    assert load(context / "_build" / "requirements.yml")["collections"] == asked
    # AWX installs what the project asks for, where the image has no collection.
    assert load(PROJECT / "collections" / "requirements.yml")["collections"] == asked
    steps = (context / "Containerfile").read_text(encoding="utf-8")
    assert "ansible-doc oecsh.cloud.oec_project_info" in steps
    assert "ansible-core>=2.16" in steps
