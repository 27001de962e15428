# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides render on GitHub as on the site, and links lead to pages of the site that exist."""

from __future__ import annotations

import ast
import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from ansible_collections.oecsh.cloud.tests.support import ROOT, project_files
from ansible_collections.oecsh.cloud.tests.unit.plugins.test_layers import FILES, LAYERS, imported, layer
from docutils.core import publish_doctree

GUIDES = sorted(ROOT.glob("docs/docsite/rst/*.rst"))
NAMES = [path.stem for path in GUIDES]

SITE = re.compile(r"https://oecsh\.github\.io/ansible-collection-cloud\b/?([\w./-]*\w)?")
LINKING = {"README.md", "CONTRIBUTING.md", "docs", "examples", "galaxy.yml", "plugins", "roles"}


@pytest.mark.parametrize("guide", GUIDES, ids=NAMES)
def test_a_guide_needs_no_sphinx(guide: Path) -> None:
    messages = StringIO()
    settings = {"file_insertion_enabled": False, "raw_enabled": False, "syntax_highlight": "none"}
    settings |= {"report_level": 2, "halt_level": 5, "warning_stream": messages}
    publish_doctree(guide.read_text(encoding="utf-8"), settings_overrides=settings)
    assert messages.getvalue() == ""


def test_every_guide_has_a_label_and_is_in_the_contents() -> None:
    contents = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))
    assert sorted(entry["ref"] for section in contents["sections"] for entry in section["toctree"]) == NAMES
    for path in GUIDES:
        assert f".. _ansible_collections.oecsh.cloud.docsite.{path.stem}:\n" in path.read_text(encoding="utf-8")


def site_pages() -> set[str]:
    """Return the pages that docs/site/build makes."""
    kinds = {"modules": "module", "filter": "filter", "inventory": "inventory"}
    names = {f"{path.stem}_{kind}" for folder, kind in kinds.items() for path in ROOT.glob(f"plugins/{folder}/*.py")}
    names |= {f"{path.parts[-3]}_role" for path in ROOT.glob("roles/*/meta/argument_specs.yml")}
    names |= {f"docsite/{name}" for name in NAMES} | {"environment_variables", "index", "search"}
    return {f"{name}.html" for name in names}


def test_a_link_to_the_site_leads_to_a_page() -> None:
    pages = site_pages() | {""}
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in project_files() if path.parts[0] in LINKING}
    unknown = {path: set(SITE.findall(text)) - pages for path, text in texts.items()}
    assert {path: links for path, links in unknown.items() if links} == {}
    assert [path for path, text in texts.items() if re.search(r"docsite/rst/\w+\.rst|[(<]\w+\.rst\b", text)] == []


def arrows() -> set[tuple[str, str]]:
    """Return the boxes that each arrow of the picture leads from and to."""
    picture = ElementTree.parse(ROOT / "docs" / "docsite" / "rst" / "layers.svg")
    boxes = list(picture.iterfind(".//{*}rect[@id]"))

    def box_at(arrow: ElementTree.Element, end: str) -> str:
        def is_near(box: ElementTree.Element, axis: str, size: str) -> bool:
            start = float(box.get(axis, ""))
            return start - 1 <= float(arrow.get(f"{axis}{end}", "")) <= start + float(box.get(size, "")) + 1

        (name,) = (box.get("id", "") for box in boxes if is_near(box, "x", "width") and is_near(box, "y", "height"))
        return name

    return {(box_at(arrow, "1"), box_at(arrow, "2")) for arrow in picture.iterfind(".//{*}line")}


def test_the_picture_has_the_imports_as_arrows() -> None:
    below: dict[str, set[str]] = {}
    for path in FILES:
        own = layer(path.relative_to(ROOT).parts)
        names = set(imported(ast.parse(path.read_text(encoding="utf-8"))))
        below[own] = below.get(own, set()) | (names & LAYERS.keys() - {own})

    def reached(name: str) -> set[str]:
        return {name}.union(*(reached(lower) for lower in below[name]))

    # Without the imports that other arrows lead to.
    drawn = {(a, c) for a in below for c in below[a] if not any(c in reached(b) for b in below[a] - {c})}
    assert {arrow for arrow in arrows() if LAYERS.keys() >= set(arrow)} == drawn
