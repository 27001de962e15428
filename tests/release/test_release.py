# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make release` builds, from which trees, and that the artifact alone does what the demo shows."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.run.environment import project_files
from tests.run.release import ROOT, build

USED = {"meta", "playbooks", "plugins", "roles"}


def git(folder: Path, *words: str) -> None:
    author = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-11-24T12:00:00Z")
    subprocess.run(["git", *words], cwd=folder, env=os.environ | author | dates, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository of its own with one commit: the files as they are now."""
    place = tmp_path / "clone"
    for path in project_files():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, place / path, follow_symlinks=False)
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "All of it")
    return place


def test_the_same_commit_gives_the_same_bytes_from_any_clone_and_at_any_time(clone: Path, tmp_path: Path) -> None:
    artifact = build(clone)
    first = artifact.read_bytes()
    git(tmp_path, "clone", "--quiet", str(clone), "another")
    assert build(tmp_path / "another").read_bytes() == first
    assert build(clone).read_bytes() == first
    with tarfile.open(artifact) as archive:
        names = archive.getnames()
        listed = json.load(archive.extractfile("FILES.json"))["files"]
        for entry in listed:
            if entry["ftype"] == "file":
                content = archive.extractfile(entry["name"]).read()
                assert hashlib.sha256(content).hexdigest() == entry["chksum_sha256"], entry["name"]
    assert sorted(names) == sorted({entry["name"] for entry in listed} - {"."} | {"FILES.json", "MANIFEST.json"})
    tops = {name.partition("/")[0] for name in names}
    papers = {"CHANGELOG.rst", "CONTRIBUTING.md", "LICENSE", "LICENSES", "README.md", "REUSE.toml"}
    assert tops == USED | papers | {"FILES.json", "MANIFEST.json", "changelogs", "docs", "examples"}
    assert len(first) < 1_000_000


def edit(name: str, old: str, new: str, message: str = "") -> Callable[[Path], None]:
    """A change of one file; committed where there is a message for it."""

    def change(place: Path) -> None:
        path = place / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else new, encoding="utf-8")
        if message:
            git(place, "add", "--all")
            git(place, "commit", "--quiet", "--message", message)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (edit("README.md", "Declare", "Describe"), "changes that are not committed"),
        (edit("plugins/modules/left_over.py", "", "# nothing"), "changes that are not committed"),
        (edit("galaxy.yml", "version: 1.0.0", "version: 1.0.1", "Bump"), "galaxy.yml has 1.0.1, and the newest"),
        (edit("CHANGELOG.rst", "v1.0.0", "v1.0.0 (at last)", "By hand"), "not what antsibull-changelog makes"),
        (edit("changelogs/fragments/1.yml", "", "bugfixes: [Mend it.]", "Mend it"), "in no release yet"),
        (lambda place: git(place, "tag", "v2.0.0"), "tagged 2.0.0, and galaxy.yml has 1.0.0"),
    ],
    ids=["edited", "unknown to git", "version", "changelog", "fragment", "tag"],
)
def test_what_is_not_ready_is_refused_with_the_reason(clone: Path, change: Callable[[Path], None], reason: str) -> None:
    change(clone)
    with pytest.raises(SystemExit, match=reason):
        build(clone)
    assert list(clone.glob("*.tar.gz")) == []


def test_the_artifact_alone_does_what_the_demo_shows(clone: Path, tmp_path: Path) -> None:
    """Installed by ansible-galaxy, and stripped of everything that Ansible does not load."""
    collections = tmp_path / "collections"
    install = [Path(sys.executable).parent / "ansible-galaxy", "collection", "install", "--offline", build(clone)]
    # By PYTHONPATH Ansible would find the collection in the tree.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(collections), "HOME": str(tmp_path)}
    subprocess.run(install, env=environment, check=True, capture_output=True)
    for path in (collections / "ansible_collections" / "oecsh" / "cloud").iterdir():
        if path.name not in USED:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    environment |= {
        "DEMO_COLLECTIONS": str(collections),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    done = subprocess.run(
        [clone / "examples" / "demo"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summaries = re.findall(r'"msg": "(\d+ .*?)(?: \(check mode.*)?"', done.stdout)
    assert summaries == ["5 created, 0 unchanged", "5 created, 0 unchanged", "5 unchanged", "1 updated, 4 unchanged"]
    assert done.stdout.count("Nothing differs.") == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert (clone / ".cache" / "demo" / "report.html").is_file()
