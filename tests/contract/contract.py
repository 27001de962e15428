# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what the collection sends, and on demand what it receives, against openapi.yaml and platform.yaml.

Stricter than the files on two points: the API ignores unknown fields, and the collection must not send them; and
`x-sent` is what the collection keeps to where the API accepts more. An operation with `x-sent: false` is never sent.
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

OPENAPI = Path(__file__).with_name("openapi.yaml")  # the reference
PLATFORM = OPENAPI.with_name("platform.yaml")  # what is known otherwise

# What HTTP adds to a request. APIs do not document it, and it must still have an expected value.
HTTP_HEADERS = {
    "accept": r"application/json",
    "accept-encoding": r"[a-z, ]+",
    "connection": r"keep-alive",
    "content-length": r"[0-9]+",
    "content-type": r"application/json",
    "host": r"[^/@\s]+",
}
# What each client fills in as it likes.
FREE_HEADERS = re.compile(r"user-agent|accept-language|sec-fetch-[a-z]+")
AUTHORIZATION = r"Bearer [!-~]+"

Node = dict[str, Any]


@dataclass(frozen=True)
class DocumentedOperation:
    """What one method on one path accepts: for each parameter its type and validator, and which are required."""

    path: re.Pattern[str]
    parameters: Mapping[str, Mapping[str, Any]]
    required: frozenset[tuple[str, str]]
    body: Any
    needs_body: bool
    is_sent: bool
    responses: Mapping[str, Any]


class Contract:
    def __init__(self, *files: Path) -> None:
        self._operations: dict[str, list[DocumentedOperation]] = {}
        for file in files:
            for template, item in _document(file)["paths"].items():
                item = _resolve(item, file)
                for method in item.keys() - {"parameters"}:
                    operation = _operation(template, item.get("parameters", []), item[method])
                    self._operations.setdefault(method.upper(), []).append(operation)

    def problems(self, request: LoggedRequest) -> list[str]:
        """Return what the contract does not allow in a request."""
        found = self._find(request.method, request.path)
        if found is None:
            return [f"{request.method} {request.path}: no such operation"]
        operation, path = found
        return [f"{request.method} {request.path}: {problem}" for problem in _problems(operation, path, request)]

    def response_problems(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """Return what the contract does not allow in a response of JSON. A `body` of None means no body."""
        found = self._find(method, path)
        if found is None:
            return ["no such operation"]
        responses = found[0].responses
        response = responses.get(str(status), responses.get(f"{status // 100}XX"))
        if response is None:
            return [f"the status {status} is undocumented"]
        if "content" not in response:
            return [] if body is None else ["unexpected body"]
        return _mismatches("the body", _validator(response["content"]["application/json"]["schema"]), body)

    def _find(self, method: str, path: str) -> tuple[DocumentedOperation, Mapping[str, str]] | None:
        for operation in self._operations.get(method, ()):
            if match := operation.path.fullmatch(path):
                return operation, match.groupdict()
        return None


@cache
def contract() -> Contract:
    return Contract(OPENAPI, PLATFORM)


@cache
def _document(file: Path) -> Node:
    document: Node = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def _operation(template: str, shared: list[Node], node: Node) -> DocumentedOperation:
    parameters: dict[str, dict[str, Any]] = {"query": {}, "path": {}, "header": {}}
    required = set()
    for parameter in [*shared, *node.get("parameters", [])]:
        place, name = parameter["in"], parameter["name"]
        name = name.lower() if place == "header" else name
        parameters[place][name] = (parameter["schema"].get("type"), _validator(parameter["schema"]))
        if parameter.get("required"):
            required.add((place, name))
    body = node.get("requestBody", {})
    return DocumentedOperation(
        re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)),
        parameters,
        frozenset(required),
        body and _validator({**body["content"]["application/json"]["schema"], "additionalProperties": False}),
        body.get("required", False),
        node.get("x-sent") is not False,
        node["responses"],
    )


def _resolve(node: Any, file: Path) -> Any:
    """Return a node of a file with x-sent laid over it, and each $ref replaced by what it names. None is circular."""
    if isinstance(node, list):
        return [_resolve(inner, file) for inner in node]
    if not isinstance(node, dict):
        return node
    own = {name: inner for name, inner in node.items() if name not in ("$ref", "links", "x-sent")}
    sent = node.get("x-sent", {})
    sent = {"x-sent": False} if sent is False else sent
    resolved = {name: _resolve(inner, file) for name, inner in {**own, **sent}.items()}
    if "$ref" not in node:
        return resolved
    name, _hash, pointer = node["$ref"].partition("#/")
    origin = file.with_name(name or file.name)
    target: Any = _document(origin)
    for step in pointer.split("/"):
        target = target[step]
    return {**_resolve(target, origin), **resolved}


def _problems(operation: DocumentedOperation, path: Mapping[str, str], request: LoggedRequest) -> Iterator[str]:
    if not operation.is_sent:
        yield "the collection never sends it"
    headers = dict(request.headers)
    if not re.fullmatch(AUTHORIZATION, headers.pop("authorization", "")):
        yield "the header authorization is not as documented"
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if has_body and "content-type" not in headers:
        yield "a body without content-type"
    documented = operation.parameters["header"]
    for name in headers.keys() - documented.keys():
        if FREE_HEADERS.fullmatch(name):
            continue
        # The value is left out: it may be a secret in the wrong place.
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
            yield from _mismatches(f"the {place} parameter {name}", validator, int(value) if is_number else value)
    for place, name in sorted(operation.required):
        if name not in given[place]:
            yield f"the {place} parameter {name} is missing"
    if has_body and not operation.body:
        yield "unexpected body"
    elif has_body or operation.needs_body:
        yield from _mismatches("the body", operation.body, request.json)


def _validator(schema: Node) -> Any:
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _mismatches(what: str, validator: Any, value: Any) -> list[str]:
    return [f"{what}: {problem.json_path}: {problem.message}" for problem in validator.iter_errors(value)]
