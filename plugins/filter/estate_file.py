# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: estate_file
short_description: Write projects as an estate file
version_added: 1.0.0
description:
  - Returns a variables file for the role P(oecsh.cloud.provision#role), which declares the projects as they are.
  - The role P(oecsh.cloud.export#role) writes all projects. Use this filter for some of them.
  - C(provision_defaults) has the most frequent server, branch and version, if several projects share it, and
    C(provision_environment_defaults) the most frequent branch and sizes. What has another value declares it.
    If one has none that can be declared, there is no default, since it would get it.
  - A project has a C(project_id) where its name does not identify it. A server is given by its name if that is unique.
  - Names, branches and versions are quoted. A text with a brace is tagged C(!unsafe), so that it is not a template.
  - A value that M(oecsh.cloud.oec_projects) would reject is left out, with a comment that says why.
author:
  - oecsh.cloud contributors (@oecsh)
positional: servers, environments
options:
  _input:
    description:
      - The projects, as M(oecsh.cloud.oec_project_info) returns them.
      - Projects that share a name are only recognized if all of them are in the list.
    type: list
    elements: dict
    required: true
  servers:
    description: All servers, as M(oecsh.cloud.oec_server_info) returns them.
    type: list
    elements: dict
    required: true
  environments:
    description:
      - The environments of these projects, as M(oecsh.cloud.oec_environment_info) returns them. Others are left out.
      - One that is stopped has C(state=stopped), and one that is being destroyed is left out, with a comment.
    type: list
    elements: dict
    default: []
seealso:
  - plugin: oecsh.cloud.export
    plugin_type: role
  - plugin: oecsh.cloud.provision
    plugin_type: role
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_server_info
"""

EXAMPLES = r"""
- name: List the projects on 16.0
  oecsh.cloud.oec_project_info:
    odoo_version: "16.0"
  register: old

- name: List all servers
  oecsh.cloud.oec_server_info:
  register: hosting

- name: Write an estate file for them
  ansible.builtin.copy:
    content: "{{ old.projects | oecsh.cloud.estate_file(hosting.servers) }}"
    dest: old.yml
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
  sample: |
    ---
    provision_defaults:
      server: "production-fsn1"
      default_branch: "main"
    provision_projects:
      - name: "Client ERP"
        git_repo_url: "https://github.com/acme/client-erp"
        odoo_version: "17.0"
      - name: "Bakery ERP"
        odoo_version: "18.0"
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _estate


def estate_file(projects: Any, servers: Any, environments: Any = ()) -> str:
    try:
        return _estate.estate_file(projects, servers, environments)
    except TypeError as error:
        raise AnsibleFilterError(f"estate_file: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"estate_file": estate_file}
