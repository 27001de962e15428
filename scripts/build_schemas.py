# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/schemas, by which editors complete and check an estate file: `make schemas`.

From the argument specs of the modules and roles, and the descriptions in their documentation.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.estate_plan import ESTATE_OPTIONS

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "docs" / "schemas"
URL = "https://raw.githubusercontent.com/oecsh/ansible-collection-cloud/main/docs/schemas/{}"

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "path": "string"}
# Null and an empty text count as omitted.
_OTHERS = {"omitted": {"enum": [None, ""]}, "template": {"type": "string", "pattern": r"\{\{"}}
_LIMITS = {each.option_name: each.limits for each in ENVIRONMENT.declarable if each.limits}
_IDENTITY = {
    "projects": ("name", "project_id", "id", "previous_name"),
    "environments": ("name", "environment_id", "id"),
}


def estate_schema() -> dict[str, Any]:
    """Return the schema of the variables of the role provision."""
    documented = _documentation("oec_projects")
    role = yaml.safe_load((ROOT / "roles" / "provision" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    variables = {}
    for name, spec in role["argument_specs"]["main"]["options"].items():
        option = name.removeprefix("provision_")
        known = ESTATE_OPTIONS.get(option) if option in ("projects", "defaults", "environment_defaults") else None
        schema = _option(option, known, documented[option]) if known else {}
        variables[name] = {"description": _text(spec["description"]), **schema}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": URL.format("estate.json"),
        "title": "An estate on oec.sh, for the roles provision and drift of the Ansible collection oecsh.cloud",
        "type": "object",
        "properties": variables,
        # The file may have variables of others, but none that only looks like one of the role.
        "patternProperties": {"^(?!provision_)": {}},
        "additionalProperties": False,
        "definitions": _OTHERS,
    }


def _option(name: str, spec: Mapping[str, Any], documented: Mapping[str, Any]) -> dict[str, Any]:
    described = {"description": _text(documented["description"])}
    if "options" in spec:
        fields = _object(spec["options"], documented["suboptions"])
        if spec["type"] == "dict":
            return {**described, **fields}
        required = [{"required": [each]} for each in _IDENTITY[name] if each in fields["properties"]]
        return {**described, "type": "array", "items": {**fields, "anyOf": required}}
    if spec["type"] == "list":
        return {**described, "type": "array", "items": {"type": "string"}}
    if "choices" not in spec and spec["type"] == "str":
        # An age of 0 is a number to YAML.
        number = ["integer"] if name.endswith("_age") else []
        return {**described, "type": ["string", *number, "null"]}
    values: dict[str, Any] = {"enum": spec["choices"]} if "choices" in spec else {"type": _TYPES[spec["type"]]}
    if name in _LIMITS:
        values["minimum"], values["maximum"] = _LIMITS[name]
    return {**described, "anyOf": [values, *({"$ref": f"#/definitions/{each}"} for each in _OTHERS)]}


def _object(options: Mapping[str, Any], documented: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        each: _option(name, spec, documented[name])
        for name, spec in options.items()
        for each in (name, *spec.get("aliases", ()))
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _documentation(module: str) -> dict[str, Any]:
    """Return the documented options of a module."""
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8"))
    (text,) = [
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "DOCUMENTATION"
        and isinstance(node.value, ast.Constant)
    ]
    options: dict[str, Any] = yaml.safe_load(str(text))["options"]
    return options


def _text(description: str | list[str]) -> str:
    """Return a description without the markup of Ansible."""
    text = " ".join([description] if isinstance(description, str) else description)
    return re.sub(r"\b[A-Z]+\(([^()]*)\)", lambda found: found[1].rpartition("].")[2].replace("=", ": "), text)


def files() -> dict[Path, str]:
    """Return the text of each file."""
    return {SCHEMAS / "estate.json": json.dumps(estate_schema(), indent=2, ensure_ascii=False) + "\n"}


def main(folder: str) -> int:
    for path, text in files().items():
        (Path(folder) / path.name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
