# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each message that the code can give has its entry in the guide `troubleshooting`, and each entry its message.

The messages are read off the source: the first argument of every error, with what is filled in left open. An entry is
a literal text in the guide, with words in capitals or an ellipsis where something is filled in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.oecsh.cloud.plugins.module_utils import _errors

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst"

# What makes a message of its first argument; `_Passing` is the end of "got no usable answer".
MAKERS = {
    "AnsibleParserError",
    "InputError",
    "NoAnswerError",
    "OecError",
    "PlanError",
    "RefusedError",
    "UnexpectedAnswerError",
    "_Passing",
    "_unexpected",
}
# Methods whose list of texts is shown as warnings.
WARNINGS = {"surprises"}
# Stands for what is filled in.
HOLE = "\0"
MOST = 50

# What passes on the message of another error, and so has none of its own.
PASSED_ON = {
    ("_client.py", "_unexpected"),
    ("_module.py", "_declarations"),
    ("_transport.py", "_failure"),
    ("projects.py", "parse"),
}
# Messages of Ansible; test_what_ansible_says_is_in_the_guide_as_it_says_it asks for some of them.
NOT_OURS = [
    "missing required arguments: api_key",
    "one of the following is required: name, project_id",
    "value of state must be one of: present, absent, got: WORD",
    "Failed to import the required Python library (requests) on …",
    "couldn't resolve module/action 'oecsh.cloud.oec_project'",
    "Unsupported parameters for (oecsh.cloud.oec_project) module: NAME",
    # Codes and statuses of the API, which the collection has a hint for.
    *(str(int(key)) if isinstance(key, int) else key for key in _errors._HINTS),
    "409",
    "429 rate_limit_exceeded",
]


class Reader:
    """What strings an expression can be, as far as its own function and module tell."""

    def __init__(self, tree: ast.Module) -> None:
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        self.functions = {node.name: node for node in nodes}

    def texts(self, node: ast.AST | None, inside: ast.AST, depth: int = 0) -> list[str]:
        if node is None or depth > 6:
            return [HOLE]

        def read(inner: ast.AST) -> list[str]:
            return self.texts(inner, inside, depth + 1)

        match node:
            case ast.Constant(value=str() as text):
                return [text]
            case ast.JoinedStr(values=parts):
                return self._joined([read(part) for part in parts])
            case ast.FormattedValue(value=inner, conversion=conversion):
                # With !r a text comes in quotes, so it is no part of the sentence.
                return read(inner) if conversion == -1 else [HOLE]
            case ast.BinOp(left=left, right=right, op=ast.Add()):
                return self._joined([read(left), read(right)])
            case ast.IfExp(body=body, orelse=other):
                return [*read(body), *read(other)]
            case ast.BoolOp(values=values):
                return [text for value in values for text in read(value)]
            case ast.Name(id=name):
                found = [text for value in _assigned(name, inside) for text in read(value)]
                return found or [HOLE]
            case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant()), args=[argument]):
                return [text + HOLE if text != HOLE else text for text in read(argument)]
            case ast.Call(func=ast.Attribute(attr="_clean"), args=[argument]):
                return read(argument)
            case ast.Call(func=ast.Name(id=name)) if name in self.functions:
                function = self.functions[name]
                returns = [part.value for part in ast.walk(function) if isinstance(part, ast.Return) and part.value]
                found = [text for value in returns for text in self.texts(value, function, depth + 1)]
                return found or [HOLE]
            case ast.ListComp(elt=element):
                return read(element)
        return [HOLE]

    @staticmethod
    def _joined(parts: Sequence[Sequence[str]]) -> list[str]:
        return ["".join(choice) for choice in list(product(*parts))[:MOST]]


def _assigned(name: str, inside: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(inside):
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            yield node.value


def source_messages(path: Path) -> Iterator[tuple[str, int, list[str]]]:
    """The function, the line and the possible texts of each message that a file makes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    reader = Reader(tree)
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS and node.args:
                yield function.name, node.lineno, reader.texts(node.args[0], function)
            elif isinstance(node, ast.Return) and node.value and function.name in WARNINGS:
                yield function.name, node.lineno, reader.texts(node.value, function)
            elif isinstance(node, ast.Call):
                said = [keyword.value for keyword in node.keywords if keyword.arg == "msg"]
                for value in said:
                    if (texts := reader.texts(value, function)) != [HOLE]:
                        yield function.name, node.lineno, texts


def plugin_messages() -> list[tuple[str, str]]:
    """Where a message is made, and its text."""
    found = []
    for path in sorted((ROOT / "plugins").glob("*/*.py")):
        for function, line, texts in source_messages(path):
            own = [text for text in texts if re.search(r"[a-z]{2}", text)]
            if not own:
                assert (path.name, function) in PASSED_ON, f"{path.name}:{line}: no words can be made out"
            found += [(f"{path.name}:{line}", text) for text in own]
    return found


def role_messages() -> list[tuple[str, str]]:
    """The same of the roles: what `fail` says, in its task or in the template that it takes it from."""
    found = []
    for path in sorted((ROOT / "roles").glob("*/tasks/*.yml")):
        for task in yaml.safe_load(path.read_text(encoding="utf-8")):
            msg = task.get("ansible.builtin.fail", {}).get("msg", "")
            if template := re.search(r"'ansible\.builtin\.template', '(.+?)'", msg):
                msg = (path.parents[1] / "templates" / template[1]).read_text(encoding="utf-8")
            for line in re.sub(r"\{%.*?%\}", "", msg).splitlines():
                text = re.sub(r"\{\{.*?\}\}", HOLE, line).strip()
                if re.search(r"[a-z]{2}", text):
                    found.append((f"{path.parent.parent.name}/{path.name}", text))
    return found


def entries() -> list[str]:
    """Every literal text of the guide that could be a message, and of those the ones that have an explanation."""
    text = GUIDE.read_text(encoding="utf-8").partition("The connection is not set up")[2]
    terms = re.findall(r"^``(.+?)``$", text, re.MULTILINE)
    return [*terms, *re.findall(r"^\* ``(.+?)``$", text, re.MULTILINE)]


@cache
def in_common(one: str, other: str) -> float:
    """How many characters two texts with holes share at most if they are the same text; below 0 if they cannot be."""
    if not (one and other):
        return 0 if set(one + other) <= {HOLE} else float("-inf")
    if one[0] == HOLE:
        return max(in_common(one[1:], other), in_common(one, other[1:]))
    if other[0] == HOLE:
        return max(in_common(one, other[1:]), in_common(one[1:], other))
    return 1 + in_common(one[1:], other[1:]) if one[0] == other[0] else float("-inf")


def likeness(entry: str, text: str) -> float:
    """How well the guide's entry shows the message, of whose end something may be left out; below 0 if it does not."""
    shown = entry.replace("…", HOLE).rstrip(".")
    return max(in_common(shown, end) for end in (text.rstrip("."), text.rstrip(f". {HOLE}")))


@cache
def explained() -> dict[str, str]:
    """For each entry the place of the message that it is about: the one that it is most like."""
    messages = [*plugin_messages(), *role_messages()]
    found = {}
    for entry in set(entries()) - set(NOT_OURS):
        best, where = max((likeness(entry, text), where) for where, text in messages)
        if best > 0:
            found[entry] = where
    return found


@pytest.mark.parametrize(("where", "text"), [*plugin_messages(), *role_messages()])
def test_every_message_has_an_entry_in_the_guide(where: str, text: str) -> None:
    own = [entry for entry, place in explained().items() if place == where]
    shown = text.replace(HOLE, "…")
    assert any(likeness(entry, text) > 0 for entry in own), (
        f"{where}: docs/docsite/rst/troubleshooting.rst lacks: {shown}"
    )


@pytest.mark.parametrize("entry", entries())
def test_every_entry_of_the_guide_is_a_message_that_there_is(entry: str) -> None:
    assert entry in NOT_OURS or entry in explained(), f"nothing says: {entry}"


def test_every_code_of_the_api_that_there_is_advice_for_has_an_entry() -> None:
    assert [entry for entry in NOT_OURS if entry not in entries()] == []


def test_a_new_error_is_seen_whatever_way_its_words_are_put_together(tmp_path: Path) -> None:
    file = tmp_path / "new.py"
    file.write_text(
        "def f(name):\n"
        "    what = f'{name} is odd' if name else 'nothing is odd'\n"
        "    raise PlanError(f'{what}; so it goes' + '!')\n",
        encoding="utf-8",
    )
    ((_name, line, texts),) = source_messages(file)
    assert (line, texts) == (3, [f"{HOLE} is odd; so it goes!", "nothing is odd; so it goes!"])
    assert likeness("NAME is odd; so it goes!", texts[0]) > likeness("… is odd; …", texts[0]) > 0
    assert likeness("NAME is even", texts[0]) < 0


def test_an_error_without_words_of_its_own_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "new.py"
    file.write_text("def f(problem):\n    raise PlanError(str(problem))\n", encoding="utf-8")
    assert [texts for _name, _line, texts in source_messages(file)] == [[HOLE]]


@pytest.mark.parametrize(
    ("module", "options", "beginning"),
    [
        ("oec_project", {"api_key": ""}, "missing required arguments: api_key"),
        ("oec_project", {}, "one of the following is required: name, project_id"),
        ("oec_project", {"name": "A", "state": "gone"}, "value of state must be one of: present, absent, got: "),
    ],
)
def test_what_ansible_says_is_in_the_guide_as_it_says_it(
    module: str, options: dict[str, Any], beginning: str, run_module: Callable[..., dict[str, Any]]
) -> None:
    assert run_module(module, **options)["msg"].startswith(beginning)
    assert any(entry.startswith(beginning) for entry in entries())
