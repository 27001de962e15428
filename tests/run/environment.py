# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a step runs: a Python with its ansible-core, and a copy of the collection laid out as ansible-test needs it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ..support import ROOT, clean_environment, collection_tree

CACHE = ROOT / ".cache"
LOGS = ROOT / "tests" / "output"
AT_ONCE = 2

PROBE = """
import json, sys
from types import SimpleNamespace
from ansible.release import __version__
from ansible_test._internal.python_requirements import get_venv_packages
version = "%d.%d" % sys.version_info[:2]
packages = get_venv_packages(SimpleNamespace(version=version))
print(json.dumps({"core": __version__, "version": version, "packages": packages}))
"""

# Stands in for the script that ansible-test would otherwise download from a host of its own.
GET_PIP = """
import pathlib, runpy, sys
wheel, = pathlib.Path(__file__).parent.glob("pip-{pip}-*.whl")
sys.path.insert(0, str(wheel))
options = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", "--no-index", "--find-links", str(wheel.parent), *options]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


@dataclass
class Environment:
    python: Path
    core: str
    version: str
    extra: list[str]
    name: str
    logs: Path
    place: str = ""
    log: Path = field(default=Path(os.devnull))

    @classmethod
    def of(cls, python: Path, extra: list[str], entry: str = "") -> Environment:
        """An entry of the matrix has its own name, and a folder of its own for its logs."""
        found = json.loads(subprocess.run([python, "-c", PROBE], check=True, capture_output=True, text=True).stdout)
        name = entry or f"{found['core']}-py{found['version']}"
        environment = cls(python, found["core"], found["version"], extra, name, LOGS / entry)
        provide_pip(environment.home, found["packages"])
        return environment

    def __str__(self) -> str:
        return f"ansible-core {self.core}, Python {self.version}"

    @property
    def collections(self) -> Path:
        return CACHE / "trees" / self.name / self.place

    @property
    def home(self) -> Path:
        return CACHE / "homes" / self.name

    @property
    def tree(self) -> Path:
        return self.collections / "ansible_collections" / "oecsh" / "cloud"

    @property
    def variables(self) -> dict[str, str]:
        return clean_environment(
            ANSIBLE_COLLECTIONS_PATH=str(self.collections),
            ANSIBLE_NOCOLOR="1",
            HOME=str(self.home),
            NO_COLOR="1",
            PATH=os.pathsep.join([str(self.python.parent), *python_path()]),
        )

    def open_log(self, name: str) -> None:
        self.log = self.logs / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")

    @property
    def printed(self) -> str:
        return self.log.read_text(errors="replace")

    def run(self, *command: str, cwd: Path | None = None, **variables: str) -> bool:
        """Return whether a command succeeded; its output goes into the log of the step."""
        with self.log.open("ab") as log:
            try:
                done = subprocess.run(
                    [self.python.parent / command[0], *command[1:]],
                    cwd=cwd or self.tree,
                    env=self.variables | variables,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    timeout=1800,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as problem:
                log.write(f"{problem}\n".encode())
                return False
        return done.returncode == 0

    def copy_collection(self) -> None:
        """Copy the collection to where ansible-test accepts it: it resolves symlinks first."""
        shutil.rmtree(self.collections, ignore_errors=True)
        collection_tree(self.collections)
        # What a test downloads is kept from one copy to the next.
        (CACHE / "downloads").mkdir(parents=True, exist_ok=True)
        (self.tree / ".cache").symlink_to(CACHE / "downloads")
        if shutil.which("git"):
            # Without a repository of its own ansible-test would ask the one around it, which ignores the copy.
            subprocess.run(["git", "init", "--quiet", self.tree], check=True, env=self.variables)


def python_path() -> list[str]:
    """Where ansible-test looks for more Pythons: a shim of pyenv only runs where its version is switched on."""
    folders = os.environ["PATH"].split(os.pathsep)
    shims = [folder for folder in folders if Path(folder).name == "shims"]
    versions = [str(path) for shim in shims for path in sorted(Path(shim).parent.glob("versions/3.*/bin"))]
    return [folder for folder in folders if folder not in shims] + versions


def provide_pip(home: Path, packages: dict[str, str]) -> None:
    folder = home / ".ansible" / "test" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip"]
    script = folder / f"get_pip_{packages['pip'].replace('.', '_')}.py"
    if not script.exists():
        download = [*pip, "download", "--quiet", "--no-deps", "--dest", str(folder)]
        subprocess.run([*download, *(f"{name}=={version}" for name, version in packages.items())], check=True)
        script.write_text(GET_PIP.replace("{pip}", packages["pip"]))

    # ansible-test hands neither the environment nor the real home on to pip: the settings in both go into a file.
    listing = subprocess.run([*pip, "config", "list"], check=True, capture_output=True, text=True).stdout
    settings = {"cache-dir": str(CACHE / "pip")}
    for line in sorted(listing.splitlines(), reverse=True):  # :env: comes last, and wins
        key, _equals, value = line.partition("=")
        settings[key.rpartition(".")[2]] = ast.literal_eval(value).replace("\n", "\n    ")
    configuration = home / ".config" / "pip" / "pip.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text("\n".join(["[global]", *(f"{name} = {value}" for name, value in settings.items()), ""]))
