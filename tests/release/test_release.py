# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make release` builds, from which trees, and that the artifact alone runs the demo."""

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

from scripts.build_release import build
from tests.support import clean_environment, collection_tree

USED = {"meta", "playbooks", "plugins", "roles"}


def git(folder: Path, *words: str) -> None:
    author = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-11-24T12:00:00Z")
    subprocess.run(
        ["git", *words], cwd=folder, env=clean_environment(**author, **dates), check=True, capture_output=True
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit: the files as they are now."""
    place = collection_tree(tmp_path / "clone")
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "All of it")
    return place


def test_a_commit_gives_the_same_bytes_in_any_clone(clone: Path, tmp_path: Path) -> None:
    artifact = build(clone)
    first = artifact.read_bytes()
    git(tmp_path, "clone", "--quiet", str(clone), "another")
    assert build(tmp_path / "another").read_bytes() == first
    assert build(clone).read_bytes() == first
    with tarfile.open(artifact) as archive:
        names = archive.getnames()
        entries = json.load(archive.extractfile("FILES.json"))["files"]
        for entry in entries:
            if entry["ftype"] == "file":
                content = archive.extractfile(entry["name"]).read()
                assert hashlib.sha256(content).hexdigest() == entry["chksum_sha256"], entry["name"]
    assert sorted(names) == sorted({entry["name"] for entry in entries} - {"."} | {"FILES.json", "MANIFEST.json"})
    tops = {name.partition("/")[0] for name in names}
    papers = {
        "CHANGELOG.md",
        "CHANGELOG.rst",
        "CONTRIBUTING.md",
        "LICENSE",
        "LICENSES",
        "README.md",
        "REUSE.toml",
        "SECURITY.md",
    }
    assert tops == USED | papers | {"FILES.json", "MANIFEST.json", "changelogs", "docs", "examples"}
    assert len(first) < 1_000_000


def edit(name: str, old: str, new: str, message: str = "") -> Callable[[Path], None]:
    """Return a change of one file, committed if it has a message."""

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
        (edit("CHANGELOG.rst", "v1.0.0", "v1.0.0 (at last)", "By hand"), "not what antsibull-changelog generates"),
        (
            edit("plugins/modules/oec_project.py", "short_description: ", "short_description: X", "X"),
            "not what antsibull",
        ),
        (edit("changelogs/fragments/1.yml", "", "bugfixes: [Fix it.]", "Fix it"), "in no release yet"),
        (lambda place: git(place, "tag", "v2.0.0"), "tagged 2.0.0, and galaxy.yml has 1.0.0"),
    ],
    ids=["edited", "unknown to git", "version", "changelog", "description", "fragment", "tag"],
)
def test_what_is_not_ready_is_rejected(clone: Path, change: Callable[[Path], None], reason: str) -> None:
    change(clone)
    with pytest.raises(SystemExit, match=reason):
        build(clone)
    assert list(clone.glob("*.tar.gz")) == []


def test_the_artifact_alone_runs_the_demo(clone: Path, tmp_path: Path) -> None:
    """It is installed by ansible-galaxy, without everything that Ansible does not load."""
    collections = tmp_path / "collections"
    install = [Path(sys.executable).parent / "ansible-galaxy", "collection", "install", "--offline", build(clone)]
    environment = clean_environment(ANSIBLE_COLLECTIONS_PATH=str(collections), HOME=str(tmp_path))
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
    summaries = re.findall(r'"msg": "(\d+ [^."]*?)(?: \(check mode.*)?"', done.stdout)
    assert summaries == [
        "5 would be created, 0 unchanged; of their environments 4 would be created, 0 unchanged",
        "5 created, 0 unchanged; of their environments 4 created, 0 unchanged",
        "5 unchanged; of their environments 4 unchanged",
        "5 unchanged; of their environments 1 updated, 3 unchanged",
        "4 of 4 environments: 3 with a fresh backup, 3 of them new; 1 without",
        "4 of 4 environments: 4 with a fresh backup, 1 of them new",
    ]
    assert "Bakery Lindgren  staging      branch  hotfix -> develop" in done.stdout
    assert done.stdout.count("Nothing differs.") == 1
    assert "\nprovision_defaults:\n" in done.stdout
    assert "has 4 projects with 4 environments on 2 servers." in done.stdout
    assert "has 5 projects with 5 environments on 3 servers; 3 projects need attention." in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert (clone / ".cache" / "demo" / "report.html").is_file()
