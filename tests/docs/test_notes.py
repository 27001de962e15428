# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reads besides options and returns: the notes of the modules, the names of tasks, the lines of make."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind
from ansible_collections.oecsh.cloud.tests.contract.contract import OPENAPI
from ansible_collections.oecsh.cloud.tests.support import ROOT, clean_environment

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("oec_*.py"))
TASK_FILES = sorted(ROOT.glob("roles/*/tasks/*.yml"))
RESOURCES = "ansible_collections.oecsh.cloud.plugins.module_utils._resources."
REFERENCE = set(yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))["paths"])


def source(module: str) -> str:
    return (ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")


def documentation(module: str) -> dict[str, Any]:
    return yaml.safe_load(source(module).split('DOCUMENTATION = r"""')[1].split('"""')[0])


@pytest.mark.parametrize("module", MODULES)
def test_a_module_names_the_others(module: str) -> None:
    named = {each["module"] for each in documentation(module)["seealso"] if "module" in each}
    assert named == {f"oecsh.cloud.{other}" for other in MODULES if other != module}


@pytest.mark.parametrize("module", ["oec_project", "oec_projects"])
def test_a_module_tells_the_suffix_of_a_repository(module: str) -> None:
    options = documentation(module)["options"]
    options = options["projects"]["suboptions"] if "projects" in options else options
    assert "C(.git) are different values" in " ".join(options["git_repo_url"]["description"])


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_that_its_routes_are_not_documented(module: str) -> None:
    """The kinds of a module are those that its file in `_resources` knows."""
    resources = re.findall(rf"^from ({RESOURCES}\w+) import", source(module), re.MULTILINE)
    known = [value for name in resources for value in vars(import_module(name)).values()]
    paths = {value.path for value in known if isinstance(value, Kind)}
    assert paths
    is_beyond = "oecsh.cloud.beyond_reference" in documentation(module)["extends_documentation_fragment"]
    if "/projects" in paths and module in ("oec_project", "oec_projects"):
        # Only what they do with environments is.
        assert "The routes for environments are not in the published API reference" in source(module)
    else:
        assert is_beyond == (not paths <= REFERENCE)


def tasks(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in entries:
        yield task
        for section in ("block", "rescue", "always"):
            yield from tasks(task.get(section, []))


@pytest.mark.parametrize("path", TASK_FILES, ids=[str(path.relative_to(ROOT)) for path in TASK_FILES])
def test_a_check_is_named_for_what_holds_and_never_skipped(path: Path) -> None:
    for task in tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
        is_check = "ansible.builtin.assert" in task
        assert task["name"].startswith("Check that ") == is_check
        assert not (is_check and "when" in task)
        assert "ansible.builtin.fail" not in task


def test_make_says_what_it_installs_before_pip_is_silent() -> None:
    command = ["make", "--always-make", "--dry-run", ".venv"]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)
    assert "echo " in done.stdout.partition("pip install")[0]
