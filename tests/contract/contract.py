# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what the collection sends against openapi.yaml, and what it gets where a test wants that.

Stricter than the file on one point: the API ignores what it does not know, and the collection must not send it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from ..emulator.log import LoggedRequest

OPENAPI = Path(__file__).with_name("openapi.yaml")

# What HTTP itself adds to a request. No API documents it, and it must still not be just anything.
HTTP_HEADERS = {
    "accept": r"application/json",
    "accept-encoding": r"[a-z, ]+",
    "connection": r"keep-alive",
    "content-length": r"[0-9]+",
    "content-type": r"application/json",
    "host": r"[^/@\s]+",
    "user-agent": r"ansible-collection-oecsh\.cloud",
}
AUTHORIZATION = r"Bearer [!-~]+"

Node = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """What one method on one path takes: for each name its validator, and which of them must be there."""

    path: re.Pattern[str]
    parameters: Mapping[str, Mapping[str, Any]]
    required: frozenset[tuple[str, str]]
    body: Any
    responses: Mapping[str, Any]


class Contract:
    def __init__(self, file: Path = OPENAPI) -> None:
        self._document: Node = yaml.safe_load(file.read_text(encoding="utf-8"))
        self._operations: dict[str, list[Operation]] = {}
        for template, item in self._document["paths"].items():
            for method in item.keys() - {"parameters"}:
                operation = self._operation(template, item.get("parameters", []), item[method])
                self._operations.setdefault(method.upper(), []).append(operation)

    def problems(self, request: LoggedRequest) -> list[str]:
        """What the contract does not allow in a request; empty where it is in order."""
        found = self._find(request.method, request.path)
        if found is None:
            return [f"{request.method} {request.path}: no such operation"]
        operation, path = found
        return [f"{request.method} {request.path}: {problem}" for problem in _wrong(operation, path, request)]

    def answer_problems(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What the contract does not allow in an answer of JSON. A `body` of None is an answer without one."""
        found = self._find(method, path)
        if found is None:
            return ["no such operation"]
        response = found[0].responses.get(str(status))
        if response is None:
            return [f"the status {status} is undocumented"]
        if "content" not in response:
            return [] if body is None else ["there is a body"]
        return _unfit("the body", _validator(response["content"]["application/json"]["schema"]), body)

    def _find(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
        for operation in self._operations.get(method, ()):
            if match := operation.path.fullmatch(path):
                return operation, match.groupdict()
        return None

    def _operation(self, template: str, shared: list[Node], about: Node) -> Operation:
        parameters: dict[str, dict[str, Any]] = {"query": {}, "path": {}, "header": {}}
        required = set()
        for parameter in map(self._resolved, [*shared, *about.get("parameters", [])]):
            place, name = parameter["in"], parameter["name"]
            name = name.lower() if place == "header" else name
            parameters[place][name] = (parameter["schema"].get("type"), _validator(parameter["schema"]))
            if parameter.get("required"):
                required.add((place, name))
        body = self._resolved(about.get("requestBody"))
        return Operation(
            re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)),
            parameters,
            frozenset(required),
            body and _validator(_closed(body["content"]["application/json"]["schema"])),
            self._resolved(about["responses"]),
        )

    def _resolved(self, node: Any) -> Any:
        """The same with every $ref replaced by what it names. None of them is circular."""
        if isinstance(node, list):
            return [self._resolved(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target: Any = self._document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            return self._resolved(target)
        return {name: self._resolved(inner) for name, inner in node.items() if name != "links"}


@cache
def contract() -> Contract:
    return Contract()


def _wrong(operation: Operation, path: Mapping[str, str], request: LoggedRequest) -> Iterator[str]:
    headers = dict(request.headers)
    if not re.fullmatch(AUTHORIZATION, headers.pop("authorization", "")):
        yield "the header authorization is not as documented"
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if has_body and "content-type" not in headers:
        yield "a body without content-type"
    documented = operation.parameters["header"]
    for name in headers.keys() - documented.keys():
        # Not shown: what is wrong with it may be that it holds a secret.
        if not re.fullmatch(HTTP_HEADERS.get(name, r"(?!)"), headers[name]):
            yield f"the header {name} is undocumented, or its value is"
    given = {
        "query": request.query,
        "path": {name: unquote(value) for name, value in path.items()},
        "header": {name: headers[name] for name in headers.keys() & documented.keys()},
    }
    for place, values in given.items():
        for name, value in values.items():
            if name not in operation.parameters[place]:
                yield f"the {place} parameter {name} is undocumented"
                continue
            kind, validator = operation.parameters[place][name]
            is_number = kind == "integer" and re.fullmatch(r"-?[0-9]+", value)
            yield from _unfit(f"the {place} parameter {name}", validator, int(value) if is_number else value)
    for place, name in sorted(operation.required):
        if name not in given[place]:
            yield f"the {place} parameter {name} is missing"
    if operation.body:
        yield from _unfit("the body", operation.body, request.json)
    elif has_body:
        yield "there is a body"


def _closed(schema: Node) -> Node:
    return {**schema, "additionalProperties": False}


def _validator(schema: Node) -> Any:
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _unfit(what: str, validator: Any, value: Any) -> list[str]:
    return [f"{what}: {problem.json_path}: {problem.message}" for problem in validator.iter_errors(value)]
