# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code block of the documentation runs against the emulator, or is parsed as its language.

The blocks of a page are taken in their order, in one folder. Markdown and reStructuredText have the same blocks:

- `yaml` and `python` are written to the file that a comment in their first line names, as a reader would. Plays and
  tasks pass `--syntax-check`, a play without a file runs, inventories are read, tests and programs run, everything else
  is parsed.
- `shell` and `bash` run; with `:class: fails` they must fail. An export holds for the rest of the page.
  `export NAME=...` stands for the first id that was printed before, which a reader copies by hand.
- `text` is the output of the block before it: its lines must occur in that order; `...` stands for anything.
- A Markdown block without a language is not code.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
import yaml
from ansible_collections.oecsh.cloud.tests.contract.contract import contract
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import ROOT, clean_environment

PATTERNS = ("*.md", "docs/*.md", "docs/docsite/rst/*.rst", "examples/**/README.md", "roles/*/README.md", "tests/*.md")
PAGES = sorted(str(path.relative_to(ROOT)) for pattern in PATTERNS for path in ROOT.glob(pattern))

# How the lines begin that cannot be run here, and why.
NOT_RUN = {
    ". .venv/bin/activate": "is not in this folder",
    ".venv/bin/": "runs tests, or an emulator that does not end",
    "ansible-builder build": "needs a container engine",
    "ansible-galaxy collection install": "would install a released collection",
    "ansible-playbook oecsh.cloud.awx_setup -e awx_setup_": "needs AWX",
    "cd ansible-collection-cloud": "is the folder of the clone",
    "export ANSIBLE_COLLECTIONS_PATH=": "would hide what a guide writes",
    "export OECSH_API_": "would replace the emulator",
    "git ": "needs a remote, or a commit",
    "make ": "is what runs this test, or takes minutes",
    "python -m tests.emulator": "does not end",
    "python3 -m pip install": "would change this environment",
    "read -rs": "waits for the keyboard",
}

# How a block is written (its language, options and lines), and how any other notation for a block begins.
NOTATIONS = {
    ".md": (r"^```(\w*)\n()((?:(?!```).*\n)*)```$", r"^.*(```|~~~).*"),
    ".rst": (
        r"^\.\. code-block:: (\w+)\n((?: +:.*\n)*)\n((?:(?: .*)?\n)+)",
        r"^\s*\.\. (code|code-block|sourcecode|literalinclude|parsed-literal|highlight)::.*|^(?!\s*\.\.).*::\s*$",
    ),
}

HUB = {"git_repo_url": "https://github.com/acme/bakery-lindgren"}
ESTATE: list[dict[str, Any]] = [
    {"name": "Bakery Lindgren", "server": "production-fsn1", "odoo_version": "17.0", **HUB},
    {"name": "Harbour Logistics", "server": "production-nyc1", "odoo_version": "16.0"},
    {"name": "Demo for prospects", "server": "staging-hel1", "odoo_version": "18.0"},
]
# What exists on the pages that do not start with ESTATE.
PROJECTS: dict[str, list[dict[str, Any]]] = {
    "README.md": [],
    "docs/ad_hoc.md": [
        {"name": "Bakery Lindgren", "server": "production-fsn1", "odoo_version": "17.0"},
        {"name": "Café Olé", "server": "production-nyc1", "odoo_version": "17.0"},
        {"name": "Harbour Logistics", "server": "production-fsn1", "odoo_version": "16.0"},
        {"name": "Former Client", "server": "staging-hel1", "odoo_version": "16.0"},
    ],
    "docs/docsite/rst/client_erp.rst": [],
    "docs/docsite/rst/estate.rst": [],
    "docs/docsite/rst/first_client.rst": [],
    "roles/provision/README.md": [],
}
BROKEN = {
    "outcome": "failed",
    "step": "update_modules",
    "error": "Module sale_custom: column partner_ref does not exist.",
    "log": "Updating sale_custom ...",
}
NO_SPACE = {"type": "backup", "outcome": "failed", "error": "No space left on the storage."}
# Which of these projects have a production that runs, and what becomes of its next tasks.
PRODUCTIONS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "docs/ad_hoc.md": {"Bakery Lindgren": []},
    "docs/docsite/rst/awx.rst": {"Bakery Lindgren": []},
    "docs/docsite/rst/backups.rst": {
        "Bakery Lindgren": [],
        "Harbour Logistics": [NO_SPACE, {"type": "backup"}, NO_SPACE],
        "Demo for prospects": [{"type": "backup", "size_ratio": 0.1}],
    },
    "docs/docsite/rst/deployments.rst": {
        "Bakery Lindgren": [],
        "Harbour Logistics": [BROKEN, {}, BROKEN],
        "Demo for prospects": [{"seconds": 30}],
    },
    "docs/docsite/rst/export.rst": {"Bakery Lindgren": [], "Harbour Logistics": []},
    "docs/docsite/rst/inventory.rst": {"Bakery Lindgren": [], "Harbour Logistics": []},
    "roles/backup/README.md": {"Bakery Lindgren": []},
}
# How many seconds old the newest backup of each production of the page is.
BACKUPS = {
    "docs/docsite/rst/backups.rst": {"Bakery Lindgren": 7200, "Harbour Logistics": 90000, "Demo for prospects": 90000},
}
# Time passes for real while a command runs: a task takes half a second. Between two blocks, the clock moves.
TIMES: dict[str, Any] = {
    **dict.fromkeys(("deploy_seconds", "action_seconds", "destroy_seconds"), 0.5),
    **dict.fromkeys(("queue_seconds", "upload_seconds"), 0),
    # All polls together keep to a share of it.
    "reads": 10_000,
}
# What a reader of the page has done before.
BEFORE = {"roles/drift/README.md": "ansible-playbook oecsh.cloud.export -e export_path=estate.yml"}


@dataclass(frozen=True)
class Block:
    language: str
    line: int
    text: str
    fails: bool = False

    @property
    def file(self) -> str:
        found = re.match(r"# (\S+\.(?:py|ya?ml))\n", self.text)
        return found[1] if found else ""


def blocks(page: str, suffix: str) -> list[Block]:
    """Return the code blocks of a page. Any other notation for a block is an error."""
    notation, other = (re.compile(pattern, re.MULTILINE) for pattern in NOTATIONS[suffix])
    if unsupported := other.search(notation.sub("", page)):
        raise AssertionError(f"this notation for a code block is not supported: {unsupported[0].strip()}")
    return [
        Block(each[1], page.count("\n", 0, each.start()) + 1, dedent(each[3]).strip("\n") + "\n", "fails" in each[2])
        for each in notation.finditer(page)
    ]


def runnable(shell: str) -> str:
    # What follows a backslash belongs to the same command.
    lines = re.sub(r"\\\n\s*", "", shell).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("#", *NOT_RUN)))


def only_asks(block: Block) -> bool:
    """Return whether the commands of a block say that they write nothing."""
    lines = runnable(block.text).splitlines() if block.language in ("shell", "bash") else []
    return bool(lines) and all(re.search(r"--check\b|_info |ansible-inventory|--list-hosts", line) for line in lines)


class Reader:
    """Follows a page in a folder of its own, with the emulator as the account."""

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
            OECSH_WAIT_INTERVAL="1",
            # A commit that never comes is waited for no longer than that.
            OECSH_WAIT_TIMEOUT="20",
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
        assert [secret for secret in (self.environment["OECSH_API_KEY"], "Traceback") if secret in self.printed] == []
        assert (done.returncode != 0) == fails, f"{command[-1]} ended with {done.returncode}:\n{self.printed}"

    def follow(self, block: Block) -> None:
        read: Callable[[Block], None] | None = getattr(self, f"read_{block.language}", None)
        assert read or not block.language, f"the language {block.language!r} is not supported"
        if read:
            read(block)

    def read_shell(self, block: Block) -> None:
        copied = re.search(r'"id": "(\S+)"', self.printed)
        text = re.sub(r"(?m)^(export \w+=)\.\.\.$", rf"\g<1>{copied[1]}", block.text) if copied else block.text
        self.printed = ""
        if script := runnable(text):
            self.environment |= re.findall(r"^export (\w+)=(\S+)$", script, re.MULTILINE)
            self.run("bash", "-euo", "pipefail", "-c", script, fails=block.fails)

    read_bash = read_shell

    def read_text(self, block: Block) -> None:
        position = 0
        for line in block.text.splitlines():
            pattern = ".*?".join(re.escape(part) for part in re.split(r"\s*\.\.\.\s*", line.strip()))
            found = re.compile(pattern).search(self.printed, position)
            assert found, f"{line.strip()!r} was not printed, or in another order:\n{self.printed}"
            position = found.end()

    def write(self, block: Block, name: str) -> Path:
        path = (self.collection if name.startswith(("plugins/", "meta/", "tests/")) else self.work) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text.partition("\n")[2] if block.file else block.text, encoding="utf-8")
        return path

    def read_yaml(self, block: Block) -> None:
        path = self.write(block, block.file or f"line{block.line}.yml")
        part = yaml.load(block.text, UnsafeLoader)
        entries = [entry for entry in part if isinstance(entry, dict)] if isinstance(part, list) else []
        if isinstance(part, dict) and part.get("plugin") == "oecsh.cloud.projects":
            source = path if path.name.endswith("oec.yml") else path.rename(path.with_suffix(".oec.yml"))
            command = ("ansible-inventory", "-i", str(source), "--list")
            self.run("env", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true", *command)
        elif any("hosts" in entry for entry in entries):
            self.run("ansible-playbook", *(["--syntax-check"] if block.file else []), str(path))
        elif any(key.count(".") == 2 for entry in entries for key in entry):
            path.write_text(f"- hosts: localhost\n  tasks:\n{indent(block.text, '    ')}", encoding="utf-8")
            self.run("ansible-playbook", "--syntax-check", str(path))

    def read_python(self, block: Block) -> None:
        ast.parse(block.text)
        python = ("env", f"PYTHONPATH={self.collections}", sys.executable)
        if not block.file:
            self.run(*python, "-c", block.text)
            return
        path = self.write(block, block.file)
        if path.name.startswith("test_"):
            for part in ("emulator", "contract", "support.py", "unit/conftest.py"):
                source = ROOT / "tests" / part
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, self.collection / "tests" / part)
            options = ("-p", "no:cacheprovider", "--import-mode=importlib", f"--rootdir={self.collection}")
            self.run(*python, "-m", "pytest", *options, str(path))


class UnsafeLoader(yaml.SafeLoader):
    """YAML with Ansible's own tags."""


for tag in ("!unsafe", "!vault"):
    UnsafeLoader.add_constructor(tag, lambda _loader, node: str(node.value))


@pytest.mark.parametrize("page", PAGES)
def test_every_code_block_of_a_page_works(page: str, tmp_path: Path) -> None:
    found = blocks((ROOT / page).read_text(encoding="utf-8"), Path(page).suffix)
    with Emulator(check=contract().problems, **TIMES) as emulator:
        for project in PROJECTS.get(page, ESTATE):
            ident = emulator.add_project(**project)["id"]
            plans = PRODUCTIONS.get(page, {}).get(project["name"])
            if plans is not None:
                production = emulator.add_environment(ident)["id"]
                if age := BACKUPS.get(page, {}).get(project["name"]):
                    emulator.add_backup(production, age)
                for plan in plans:
                    emulator.plan_task(environment_id=production, **plan)
        # Links to what can be downloaded. A backup without files has no link to them.
        file = f"{emulator.root}/_emulator/settings"
        links = {"database_url": file, "filestore_url": None, "manifest_url": file}
        emulator.faults.add("replace", "GET", "/backups/[^/]+/download", times=None, body=links)
        reader = Reader(tmp_path, emulator)
        reader.read_shell(Block("shell", 0, BEFORE.get(page, "")))
        for block in found:
            written = len(emulator.log.writes)
            try:
                reader.follow(block)
            except Exception as problem:
                raise AssertionError(f"{page}:{block.line}: {problem}") from problem
            assert len(emulator.log.writes) == written or not only_asks(block), f"{page}:{block.line} writes"
            emulator.clock.advance(600 if page in BACKUPS else 60)
        # Download links are what a page asks for, and the collection never does.
        assert [each for each in emulator.log.take_problems() if "/download: " not in each] == []


@pytest.mark.parametrize(
    ("suffix", "page"),
    [
        (".md", "~~~shell\nansible localhost\n~~~\n"),
        (".md", "- A step:\n\n  ```shell\n  ansible localhost\n  ```\n"),
        (".md", "```shell title=1\nansible localhost\n```\n"),
        (".rst", "Like this::\n\n   ansible localhost\n"),
        (".rst", ".. code:: shell\n\n   ansible localhost\n"),
        (".rst", "* A step:\n\n  .. code-block:: shell\n\n     ansible localhost\n"),
    ],
)
def test_an_unsupported_notation_fails(suffix: str, page: str) -> None:
    with pytest.raises(AssertionError, match="not supported"):
        blocks(page, suffix)


def test_both_notations_give_the_same_block() -> None:
    (markdown,) = blocks("A play:\n\n```yaml\n# play.yml\n- hosts: all\n```\n", ".md")
    (rst,) = blocks("A play:\n\n.. code-block:: yaml\n\n   # play.yml\n   - hosts: all\n\nEnd.\n", ".rst")
    assert markdown == rst == Block("yaml", 3, "# play.yml\n- hosts: all\n")
    assert rst.file == "play.yml"


def test_only_named_lines_are_skipped() -> None:
    shell = "git clone \\\n  https://example.com\nansible localhost \\\n  -m ping\n"
    assert runnable(shell) == "ansible localhost -m ping"
