# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports go down only, and files stay small enough to read: the rules of CONTRIBUTING.md."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ansible_collections.oecsh.cloud.tests.support import ROOT

PREFIX = "ansible_collections.oecsh.cloud.plugins."
# What each layer may import besides itself and the standard library.
LAYERS = {
    "_base": set(),
    "_api": {"_base", "requests"},
    "_engine": {"_api", "_base"},
    "_resources": {"_engine", "_api", "_base"},
    "_ansible": {"_api", "_base", "ansible"},
    "plugin_utils": {"_resources", "_engine", "_api", "_base", "yaml"},
    "filter": {"plugin_utils", "_base", "ansible"},
    "inventory": {"plugin_utils", "_resources", "_engine", "_api", "_base", "ansible"},
    "modules": {"_ansible", "_resources"},
    "doc_fragments": set(),
}
THIRD_PARTY = {"ansible", "requests", "yaml"}
MAX_LINES = {"modules": 15, "filter": 15, "inventory": 130}
FILES = sorted((ROOT / "plugins").rglob("*.py"))


def layer(parts):
    return next(part for part in parts if part in LAYERS)


def imported(tree):
    """Yield the layers and libraries that a file imports."""
    for node in ast.walk(tree):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.startswith(PREFIX):
                yield layer(name.split("."))
            elif name.partition(".")[0] in THIRD_PARTY:
                yield name.partition(".")[0]


def lines_of_code(path: Path, tree: ast.Module) -> int:
    """Return the number of lines without documentation, comments and blank lines."""
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    texts = {
        number
        for node in constants
        if node.lineno < node.end_lineno
        for number in range(node.lineno, node.end_lineno + 1)
    }
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return sum(bool(line.strip()) and not line.strip().startswith(("#", '"""')) and n not in texts for n, line in lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "plugins")))
def test_a_file_keeps_to_its_layer(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = layer(path.relative_to(ROOT).parts)
    assert set(imported(tree)) <= LAYERS[own] | {own}
    assert lines_of_code(path, tree) <= MAX_LINES.get(own, 300)
