# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator of oec.sh, jobs for ansible-runner, ansible's own commands, and the collection awx.awx."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.awx.jobs import BIN, PATIENCE, PROJECT, ROOT, Job, clean, injected, link_collection, load
from tests.emulator import Emulator

CACHE = ROOT / ".cache" / "awx"
LONGEST_LINE = 4000
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session", autouse=True)
def _isolated_environment() -> Iterator[None]:
    """No API key, AWX or setting of Ansible in the environment reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(clean()):
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Emulator]:
    with Emulator(reads=10_000, writes=None) as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator: Emulator) -> Emulator:
    """The service, whose tasks end at once."""
    running_emulator.reset()
    for switch in ("queue_seconds", "deploy_seconds", "action_seconds", "upload_seconds"):
        setattr(running_emulator.settings, switch, 0)
    return running_emulator


@pytest.fixture
def credential(emulator: Emulator) -> dict[str, str]:
    """The environment that a credential of the shipped type injects."""
    return injected(load(PROJECT / "credential_type.yml"), {"api_key": emulator.keys.full, "api_url": emulator.url})


@pytest.fixture
def job(tmp_path: Path, credential: dict[str, str], emulator: Emulator) -> Iterator[Callable[..., Job]]:
    """job(survey={...}): the next job, with the credential attached. What a job leaves behind holds no key."""
    jobs: list[Job] = []

    def make(**more: Any) -> Job:
        jobs.append(Job(tmp_path / f"awx_{len(jobs)}", credential, **more))
        return jobs[-1]

    yield make
    for each in jobs:
        files = [file for file in each.artifacts.rglob("*") if file.is_file() and file.name != "command"]
        # Long enough a part of it would be a leak, too.
        assert not [file for file in files if emulator.keys.full[:24].encode() in file.read_bytes()]
        # Readable lines, and no escape codes but Ansible's colours.
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", each.printed), repr(each.printed)
        assert max(map(len, each.printed.splitlines())) <= LONGEST_LINE


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return link_collection(tmp_path_factory.mktemp("collections"))


@pytest.fixture
def ansible(tmp_path: Path, collections: Path, credential: dict[str, str]) -> Run:
    """ansible("ansible-playbook", "play.yml", env={...}): in a folder of the test's own, which is its home, too."""

    def run(*command: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        settings = {
            # Ansible asks the system, and not HOME, where that of a user is.
            "ANSIBLE_ASYNC_DIR": str(tmp_path / ".ansible_async"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "ANSIBLE_HOME": str(tmp_path / ".ansible"),
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "1",
            "HOME": str(tmp_path),
        }
        return subprocess.run(
            [str(BIN / command[0]), *map(str, command[1:])],
            env=clean(**{**settings, **credential, **(env or {})}),
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def awx_collection() -> Path:
    """A collections path with the real awx.awx 24, out of the package `ansible` 11: the last one that carries it."""
    place, download = CACHE / "collections", CACHE / "download"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "ansible_collections" / "awx" / "awx" / "MANIFEST.json").exists():
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(download)]
            done = subprocess.run(
                [*pip, "ansible==11.*"], capture_output=True, text=True, timeout=PATIENCE, check=False
            )
            wheels = sorted(download.glob("ansible-11.*.whl"))
            if not wheels:
                pytest.skip(
                    f"the package ansible 11, which carries awx.awx, cannot be had: {done.stderr.strip()[-300:]}"
                )
            with zipfile.ZipFile(wheels[-1]) as wheel:
                names = [name for name in wheel.namelist() if name.startswith("ansible_collections/awx/awx/")]
                # The manifest last: it says that the rest is there.
                names.sort(key=lambda name: name.endswith("/MANIFEST.json"))
                wheel.extractall(place, names)
            shutil.rmtree(download)
    return place
