# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the artifact of the commit that is checked out: the same bytes, wherever and how often that is done."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import yaml
from packaging.version import Version

from tests.support import ROOT, clean_environment

BIN = Path(sys.executable).parent
MANIFEST, FILES = "MANIFEST.json", "FILES.json"
GENERATED = ("changelogs/changelog.yaml", "CHANGELOG.rst", "CHANGELOG.md")


def command(folder: Path, *words: str | Path) -> str:
    done = subprocess.run(words, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def problems(root: Path, export: Path) -> list[str]:
    """Why this is not to be released; `export` holds what is committed, and is changed."""
    version = str(yaml.safe_load((export / "galaxy.yml").read_text(encoding="utf-8"))["version"])
    changes = yaml.safe_load((export / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))["releases"]
    newest = max(changes, key=Version)
    tags = [tag.removeprefix("v") for tag in command(root, "git", "tag", "--points-at", "HEAD").split()]
    written = [(export / name).read_bytes() for name in GENERATED]
    # It can't read playbooks, and would drop them.
    options: list[str | Path] = [
        "--reload-plugins",
        "--refresh-plugins",
        "prevent-removal",
        "--ansible-doc-bin",
        BIN / "ansible-doc",
    ]
    command(export, BIN / "antsibull-changelog", "generate", *options)
    generated = [(export / name).read_bytes() for name in GENERATED]
    found = {
        "there are changes that are not committed": command(root, "git", "status", "--porcelain"),
        "there are fragments that are in no release yet": [*export.glob("changelogs/fragments/*.y*ml")],
        f"galaxy.yml has {version}, and the newest in changelogs/changelog.yaml is {newest}": version != newest,
        f"the commit is tagged {', '.join(tags)}, and galaxy.yml has {version}": tags and version not in tags,
        f"{', '.join(GENERATED)} are not what antsibull-changelog generates": written != generated,
    }
    return [problem for problem, applies in found.items() if applies]


def build(root: Path) -> Path:
    moment = int(command(root, "git", "log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        exports = [place / "checked", place / "built"]
        for export in exports:
            command(root, "git", "archive", "--output", place / "export.tar", "HEAD")
            export.mkdir()
            command(export, "tar", "-xf", place / "export.tar")
        if found := problems(root, exports[0]):
            raise SystemExit("\n".join(["This is not to be released:", *found]))
        command(exports[1], BIN / "ansible-galaxy", "collection", "build", "--output-path", place)
        (built,) = place.glob("*.tar.gz")
        artifact = root / built.name
        artifact.write_bytes(reproducible(built, moment))
    return artifact


def reproducible(built: Path, moment: int) -> bytes:
    """ansible-galaxy notes the time of the build, and lists the files as the file system happens to."""
    with tarfile.open(built) as archive:
        members = {member.name: member for member in archive}
        # A link has no content of its own; extractfile would read that of its target.
        files = {name: archive.extractfile(member) for name, member in members.items() if member.isfile()}
        contents = {name: file.read() for name, file in files.items() if file}
    listing, manifest = (json.loads(contents[name]) for name in (FILES, MANIFEST))
    listing["files"].sort(key=lambda entry: entry["name"])
    contents[FILES] = as_json(listing)
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(contents[FILES]).hexdigest()
    contents[MANIFEST] = as_json(manifest)

    result = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", fileobj=result, mtime=moment) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in [MANIFEST, FILES, *sorted(set(members) - {MANIFEST, FILES})]:
            content = contents.get(name, b"")
            members[name].mtime, members[name].size = moment, len(content)
            archive.addfile(members[name], io.BytesIO(content))
    return result.getvalue()


def as_json(value: Any) -> bytes:
    return json.dumps(value, indent=True).encode()


def main() -> None:
    artifact = build(ROOT)
    content = artifact.read_bytes()
    with tarfile.open(artifact) as archive:
        count = sum(member.isfile() for member in archive)
    print(f"{artifact.name}: {count} files, {len(content):,} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
