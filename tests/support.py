# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests share: constants, a clean environment, and the tree that Ansible finds the collection in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .emulator import Emulator

# Not resolved: a link under ansible_collections is a place of the collection, too.
ROOT = Path(__file__).absolute().parents[1]
# The folder for ANSIBLE_COLLECTIONS_PATH. Without a meaning in a plain clone: see collection_tree.
COLLECTIONS = Path(os.path.normpath(ROOT / "../../.."))

SERVER_ID = "8e4f2a1c-1234-5678-abcd-ef0123456789"  # production-fsn1
OTHER_SERVER_ID = "b7c1d9e2-0a52-4c6e-9d0f-3f1a5e7c2b11"  # production-nyc1
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

REPO = "https://github.com/acme/client-erp"
PRIVATE_REPO = "https://robot:hunter22@github.com/acme/client-erp"
REDACTED_REPO = "https://***@github.com/acme/client-erp"

_DROPPED = ("ANSIBLE_", "CONTROLLER_", "GIT_", "OECSH_", "PYTEST_", "PYTHON", "TOWER_")
_NOT_OURS = {".ansible", ".cache", ".git", ".nox", ".venv", "__pycache__", "output"}


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without API keys, and without settings of Ansible, AWX, Python or a git hook."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)} | more


def writes(emulator: Emulator) -> list[tuple[str, str, Any]]:
    """Return method, path and body of each write that the emulator has received."""
    return [(entry.method, entry.path, entry.json) for entry in emulator.log.writes]


def project_path(project: Mapping[str, Any]) -> str:
    return f"/projects/{project['id']}"


def project_files() -> list[Path]:
    """Return the files of the project, relative to its root: what git knows or would add."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=clean_environment())
        return [Path(name) for name in done.stdout.split("\0") if name and os.path.lexists(ROOT / name)]
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file() or path.is_symlink())
    return [path for path in paths if not _NOT_OURS.intersection(path.parts)]


def collection_tree(place: Path) -> Path:
    """Copy the project to where Ansible finds it if `place` is ANSIBLE_COLLECTIONS_PATH, and return that folder."""
    tree = place / "ansible_collections" / "oecsh" / "cloud"
    for path in project_files():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, tree / path, follow_symlinks=False)
    return tree
