# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifiers use the words of the field, so that a reader can search for what they know."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path

from ansible_collections.oecsh.cloud.tests.support import ROOT

# Each with the word to use in its place.
WORDS = {
    "answer": "response",
    "blank": "empty",
    "foretell": "predict",
    "foretold": "predicted",
    "handle": "a verb that says what is done",
    "helper": "a name that says what it does",
    "listed": "joined, or declared",
    "manager": "a name that says what it does",
    "mend": "fix",
    "odd": "invalid, or unexpected",
    "refusal": "rejection",
    "refused": "rejected",
    "settled": "final",
    "shown": "redacted, or displayed",
    "spare": "skip",
    "surprise": "mismatch",
    "there": "existing",
    "utils": "a name that says what it does",
    "wanted": "desired",
}
MAX_TEST_NAME = 60


def identifiers(path: Path) -> set[str]:
    """Return the names in a file that are ours: neither builtins, nor imported from elsewhere."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and "oecsh" not in str(node.module)]
    foreign = {"module_utils", *dir(builtins), *(alias.name for node in imports for alias in node.names)}
    names = {getattr(node, attribute, None) for node in nodes for attribute in ("name", "id", "arg", "attr")}
    return {name for name in names if isinstance(name, str)} - foreign


def problems(name: str) -> set[str]:
    parts = re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", name).lower())
    found = {f"use: {WORDS[word]}" for part in parts for word in (part, part.removesuffix("s")) if word in WORDS}
    is_long = name.startswith("test_") and len(name) > MAX_TEST_NAME
    return found | ({f"more than {MAX_TEST_NAME} characters"} if is_long else set())


def test_identifiers_use_the_words_of_the_field():
    paths = [path for folder in ("plugins", "tests") for path in (ROOT / folder).rglob("*.py")]
    found = {f"{path.relative_to(ROOT)}: {name}": problems(name) for path in paths for name in identifiers(path)}
    assert {place: problem for place, problem in found.items() if problem} == {}
