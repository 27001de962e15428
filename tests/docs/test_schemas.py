# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schemas in docs/schemas, by which editors check an estate file."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.oecsh.cloud.plugins.plugin_utils._estate import estate_file
from ansible_collections.oecsh.cloud.scripts import build_schemas
from ansible_collections.oecsh.cloud.tests.support import ROOT
from jsonschema import Draft7Validator

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "estate.json").read_text(encoding="utf-8"))
CLIENT = {"name": "Client ERP", "environments": [{"name": "production", "ram_mb": 4096}]}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelled variable": ({"provision_project": []}, "provision_project"),
    "a misspelled option": ({"provision_projects": [{**CLIENT, "sever": "x"}]}, "provision_projects/0"),
    "an option of an environment": (
        {"provision_projects": [{"name": "A", "environments": [{"name": "b", "brnch": "x"}]}]},
        "provision_projects/0/environments/0",
    ),
    "no name": ({"provision_projects": [{"server": "x"}]}, "provision_projects/0"),
    "a number as a version": ({"provision_defaults": {"odoo_version": 17.0}}, "provision_defaults/odoo_version"),
    "a state that does not exist": (
        {"provision_environment_defaults": {"state": "running"}},
        "provision_environment_defaults/state",
    ),
    "a size that the API does not have": (
        {"provision_environment_defaults": {"cpu_cores": 64}},
        "provision_environment_defaults/cpu_cores",
    ),
    "a text as a size": (
        {"provision_projects": [{"name": "A", "environments": [{"name": "b", "ram_mb": "much"}]}]},
        "provision_projects/0/environments/0/ram_mb",
    ),
}


def test_the_files_are_made_of_the_argument_specs() -> None:
    written = {path: path.read_text(encoding="utf-8") for path in build_schemas.SCHEMAS.glob("*.json")}
    assert written == build_schemas.files(), "run `make schemas`"


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", ["examples/estate.yml"])
def test_the_examples_are_valid(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert f"$schema={SCHEMA['$id']}" in text
    assert list(Draft7Validator(SCHEMA).iter_errors(yaml.safe_load(text))) == []


def test_an_exported_file_is_valid() -> None:
    project = {"id": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "name": "Client ERP", "odoo_version": "17.0"}
    environment = {"id": "e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3", "name": "production", "project_id": project["id"]}
    sizes = {"status": "stopped", "branch": "main", "cpu_cores": 1.5, "ram_mb": 2048, "custom_domain": "a.example"}
    exported = yaml.safe_load(estate_file([project], [], [{**environment, **sizes}]))
    assert list(Draft7Validator(SCHEMA).iter_errors(exported)) == []
    assert exported["provision_projects"][0]["environments"][0]["state"] == "stopped"


@pytest.mark.parametrize("value", ["{{ ram }}", "", None, 4096])
def test_templates_and_empty_values_are_valid(value: Any) -> None:
    estate = {"provision_projects": [{"name": "A", "environments": [{"name": "b", "ram_mb": value}]}], "my_own": 1}
    assert list(Draft7Validator(SCHEMA).iter_errors(estate)) == []


@pytest.mark.parametrize(("estate", "place"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_found_where_it_is(estate: dict[str, Any], place: str) -> None:
    (error,) = Draft7Validator(SCHEMA).iter_errors(estate)
    assert place in "/".join(map(str, error.absolute_path)) or place in error.message
