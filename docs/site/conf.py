# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the site with sphinx from the output of antsibull-docs: see `build`."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from docutils.nodes import reference

project = "oecsh.cloud"
copyright = "oecsh.cloud contributors"  # noqa: A001  # the name that sphinx requires
title = "Ansible collection oecsh.cloud"
html_title = title
html_short_title = title

extensions = ["sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_static_path = ["static"]
html_css_files = ["site.css"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_show_sphinx = False
html_use_index = False
html_copy_source = False
smartquotes = False
default_role = "any"
nitpicky = True

# What the pages refer to in Ansible's documentation. Listed here, so that a build needs no other site.
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"
CONFIG = "reference_appendices/config.html"
LABELS = {
    "ansible_collections.ansible.builtin.jsonfile_cache": "collections/ansible/builtin/jsonfile_cache.html",
    "ansible_collections.ansible.builtin.varnames_lookup": "collections/ansible/builtin/varnames_lookup.html",
    "ansible_configuration_settings": CONFIG,
    "common_return_values": "reference_appendices/common_return_values.html",
}
VARIABLES = [
    "ANSIBLE_CACHE_PLUGIN",
    "ANSIBLE_CACHE_PLUGIN_CONNECTION",
    "ANSIBLE_CACHE_PLUGIN_PREFIX",
    "ANSIBLE_CACHE_PLUGIN_TIMEOUT",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED",
]


def inventory(path: Path) -> str:
    """Write a list of targets in the format of sphinx, and return its path."""
    lines = [f"{label} std:label -1 {page} {label}" for label, page in LABELS.items()]
    lines += [f"{name} std:envvar 1 {CONFIG}#envvar-$ -" for name in VARIABLES]
    head = "# Sphinx inventory version 2\n# Project: ansible\n# Version: latest\n"
    head += "# The remainder of this file is compressed using zlib.\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.encode() + zlib.compress("".join(f"{line}\n" for line in lines).encode()))
    return str(path)


intersphinx_mapping = {
    "ansible": (ANSIBLE, inventory(Path(__file__).resolve().parents[2] / ".cache" / "docs" / "ansible.inv")),
}

SITE = "https://oecsh.github.io/ansible-collection-cloud/"


def link_within(_app: Any, page: Any, name: str) -> None:
    """Let links to the published site lead to the pages of this build."""
    for link in page.findall(reference):
        if link.get("refuri", "").startswith(SITE):
            link["refuri"] = "../" * name.count("/") + (link["refuri"].removeprefix(SITE) or "index.html")


def setup(app: Any) -> None:
    app.connect("doctree-resolved", link_within)
