# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code block of the guides runs against the emulator, or is parsed as its language.

The blocks of a guide are taken in their order, in one folder:

- `yaml` and `python` with a `:caption:` are written to the file of that name, as a reader would. Plays and tasks pass
  `--syntax-check`, inventories are read, tests and programs run, everything else is parsed.
- `shell` runs; with `:class: fails` it must fail.
- `text` is the output of the shell block before it: its lines must occur in that order; `...` stands for anything.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import ROOT, clean_environment

GUIDES = ROOT / "docs" / "docsite" / "rst"
PAGES = sorted(path.stem for path in GUIDES.glob("*.rst"))

# Lines that cannot be run here, and why.
NOT_RUN = {
    "ansible-galaxy collection install": "would install a released collection",
    "ansible-builder build": "needs a container engine",
    "export OECSH_API_KEY": "would replace the emulator's key",
    "git ": "needs a remote, or a commit",
    "make ": "is what runs this test, or takes minutes",
    "python3 -m pip install": "would change this environment",
    "read -rs": "waits for the keyboard",
}


@dataclass(frozen=True)
class Block:
    language: str
    line: int
    text: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def caption(self) -> str:
        return self.options.get("caption", "")


def blocks(rst: str) -> Iterator[Block]:
    """Yield the code blocks of a page. Any other notation for a block is an error."""
    lines = rst.splitlines()
    number = 0
    while number < len(lines):
        start, line = number, lines[number]
        number += 1
        if re.match(r"\s*\.\. (code|sourcecode|literalinclude|parsed-literal|highlight)::", line) or (
            line.rstrip().endswith("::") and not line.lstrip().startswith("..")
        ):
            raise AssertionError(f"line {number}: only code-block is supported: {line.strip()}")
        found = re.match(r"(\s*)\.\. code-block::\s*(\S*)$", line)
        if not found:
            continue
        inside = []
        while number < len(lines) and (not lines[number].strip() or lines[number].startswith(found[1] + "   ")):
            inside.append(lines[number][len(found[1]) + 3 :])
            number += 1
        options = {}
        while inside and (option := re.match(r":([\w-]+):\s*(.*)$", inside[0])):
            options[option[1]] = option[2]
            inside.pop(0)
        yield Block(found[2], start + 1, "\n".join(inside).strip("\n") + "\n", options)


def runnable(shell: str) -> str:
    return "\n".join(line for line in shell.splitlines() if not line.startswith(tuple(NOT_RUN)))


class GuideRunner:
    """Follows the guide in a folder of its own, with the emulator as the account."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.collections = folder / "collections"
        self.work = folder / "work"
        self.work.mkdir()
        self.collection = self.collections / "ansible_collections" / "oecsh" / "cloud"
        self.collection.parent.mkdir(parents=True)
        # A copy: the guide for a new module writes into it.
        for part in ("plugins", "roles", "playbooks", "meta"):
            shutil.copytree(ROOT / part, self.collection / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "galaxy.yml", self.collection)
        (folder / "home").mkdir()
        self.environment = clean_environment(
            ANSIBLE_COLLECTIONS_PATH=str(self.collections),
            ANSIBLE_DEPRECATION_WARNINGS="false",
            ANSIBLE_INVENTORY_UNPARSED_WARNING="false",
            ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_NOCOLOR="true",
            HOME=str(folder / "home"),
            OECSH_API_KEY=emulator.keys.full,
            OECSH_API_URL=emulator.url,
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.printed = ""

    def run(self, *command: str, fails: bool = False) -> None:
        done = subprocess.run(
            command, cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        self.printed = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, f"{command[-1]} ended with {done.returncode}:\n{self.printed}"

    def follow(self, block: Block) -> None:
        reader: Callable[[Block], None] | None = getattr(self, f"read_{block.language.partition('+')[0]}", None)
        assert reader, f"the language {block.language!r} is not supported"
        reader(block)

    def read_shell(self, block: Block) -> None:
        script = runnable(block.text)
        if script:
            self.run("bash", "-euo", "pipefail", "-c", script, fails="fails" in block.options.get("class", ""))
        else:
            self.printed = ""

    def read_text(self, block: Block) -> None:
        position = 0
        for line in block.text.splitlines():
            pattern = ".*?".join(re.escape(part) for part in re.split(r"\s*\.\.\.\s*", line.strip()))
            found = re.compile(pattern).search(self.printed, position)
            assert found, f"{line.strip()!r} was not printed, or in another order:\n{self.printed}"
            position = found.end()

    def read_yaml(self, block: Block) -> None:
        path = self._path(block.caption or f"line{block.line}.yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        for part in yaml.load_all(block.text, UnsafeLoader):
            self._check_yaml(path, part)

    def _check_yaml(self, path: Path, part: Any) -> None:
        if isinstance(part, dict) and part.get("plugin") == "oecsh.cloud.projects":
            source = path if path.name.endswith("oec.yml") else path.with_suffix(".oec.yml")
            source.write_text(yaml.safe_dump(part), encoding="utf-8")
            command = ["ansible-inventory", "-i", str(source), "--list"]
            self.run("env", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true", *command)
        elif isinstance(part, list) and all(isinstance(item, dict) for item in part):
            plays = part if any("hosts" in item or "import_playbook" in str(item) for item in part) else None
            modules = [key for item in part for key in item if key.count(".") == 2]
            if plays is None and not modules:
                return
            self._stub(path.read_text(encoding="utf-8"))
            checked = path
            if plays is None:
                checked = path.with_suffix(".play.yml")
                indented = "".join(f"    {line}\n" for line in path.read_text(encoding="utf-8").splitlines())
                checked.write_text(f"- hosts: localhost\n  tasks:\n{indented}", encoding="utf-8")
            self.run("ansible-playbook", "--syntax-check", str(checked))

    def _stub(self, text: str) -> None:
        """Create empty modules of other collections: only their names are checked."""
        for namespace, name, module in re.findall(r"^\s*(?:- )?(awx)\.(awx)\.(\w+):$", text, re.MULTILINE):
            folder = self.collections / "ansible_collections" / namespace / name / "plugins" / "modules"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{module}.py").touch()

    def read_python(self, block: Block) -> None:
        ast.parse(block.text)
        if not block.caption:
            self.run("env", f"PYTHONPATH={self.collections}", sys.executable, "-c", block.text)
            return
        path = self._path(block.caption.removeprefix("at the end of "))
        before = path.read_text(encoding="utf-8") + "\n\n" if block.caption.startswith("at the end of ") else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before + block.text, encoding="utf-8")
        if path.name.startswith("test_"):
            for part in ("emulator", "contract", "support.py", "unit/conftest.py"):
                source = ROOT / "tests" / part
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, self.collection / "tests" / part)
            options = ("-p", "no:cacheprovider", "--import-mode=importlib", f"--rootdir={self.collection}")
            self.run("env", f"PYTHONPATH={self.collections}", sys.executable, "-m", "pytest", *options, str(path))

    def _path(self, caption: str) -> Path:
        return (self.collection if caption.startswith(("plugins/", "meta/", "tests/")) else self.work) / caption


class UnsafeLoader(yaml.SafeLoader):
    """YAML with Ansible's own tags."""


def unsafe_text(loader: yaml.SafeLoader, node: yaml.Node) -> str:
    return str(node.value)


for tag in ("!unsafe", "!vault"):
    UnsafeLoader.add_constructor(tag, unsafe_text)


def add_estate(emulator: Emulator) -> None:
    """Create the projects that some guides start from."""
    hub = {"git_repo_url": "https://github.com/acme/bakery-lindgren"}
    emulator.add_project("Bakery Lindgren", server="production-fsn1", odoo_version="17.0", **hub)
    emulator.add_project("Harbour Logistics", server="production-nyc1", odoo_version="16.0")
    emulator.add_project("Demo for prospects", server="staging-hel1", odoo_version="18.0")


BEFORE: dict[str, Callable[[Emulator], None]] = {
    "awx": add_estate,
    "export": add_estate,
    "failures": add_estate,
    "inventory": add_estate,
    "new_module": add_estate,
    "troubleshooting": add_estate,
}


@pytest.mark.parametrize("page", PAGES)
def test_every_code_block_of_a_guide_works(page: str, tmp_path: Path) -> None:
    with Emulator() as emulator:
        if page in BEFORE:
            BEFORE[page](emulator)
        runner = GuideRunner(tmp_path, emulator)
        for block in blocks((GUIDES / f"{page}.rst").read_text(encoding="utf-8")):
            try:
                runner.follow(block)
            except Exception as problem:
                raise AssertionError(f"{page}.rst:{block.line}: {problem}") from problem
            emulator.clock.advance(60)


def test_every_guide_has_a_label_and_is_in_the_contents() -> None:
    contents = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))
    references = [entry["ref"] for section in contents["sections"] for entry in section["toctree"]]
    assert PAGES
    assert sorted(references) == PAGES
    for page in PAGES:
        text = (GUIDES / f"{page}.rst").read_text(encoding="utf-8")
        assert f".. _ansible_collections.oecsh.cloud.docsite.{page}:\n" in text


def test_an_unsupported_notation_fails() -> None:
    with pytest.raises(AssertionError, match="only code-block"):
        list(blocks("Like this::\n\n   ansible localhost\n"))
    with pytest.raises(AssertionError, match="only code-block"):
        list(blocks(".. code:: shell\n\n   ansible localhost\n"))


def test_only_named_lines_are_skipped() -> None:
    shell = "git clone https://example.com\nansible localhost -m ping\n"
    assert runnable(shell) == "ansible localhost -m ping"
