# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: report_model
short_description: Compute a report on projects and servers
version_added: 1.0.0
description:
  - Returns what the page of the role P(oecsh.cloud.report#role) displays, as dictionaries and lists.
  - It counts, compares and sorts. It sends no request.
  - Texts are as the API returned them, without surrounding whitespace. A template must escape them.
  - A text that is missing is empty, and a number that is missing is 0.
  - Credentials in a Git URL are replaced by V(***).
author:
  - oecsh.cloud contributors (@oecsh)
positional: servers, oldest_supported
options:
  _input:
    description: The projects, as in RV(oecsh.cloud.oec_project_info#module:projects).
    type: list
    elements: dict
    required: true
  servers:
    description: The servers, as in RV(oecsh.cloud.oec_server_info#module:servers).
    type: list
    elements: dict
    required: true
  oldest_supported:
    description: Projects with an Odoo version before this one are old. Empty means the default.
    type: str
    default: "17.0"
seealso:
  - plugin: oecsh.cloud.csp_hash
    plugin_type: filter
  - plugin: oecsh.cloud.report
    plugin_type: role
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_server_info
"""

EXAMPLES = r"""
- name: List all projects
  oecsh.cloud.oec_project_info:
  register: result_projects

- name: List all servers
  oecsh.cloud.oec_server_info:
  register: result_servers

- name: Fail if a project has an old Odoo version
  ansible.builtin.assert:
    that: report.figures.old == 0
    fail_msg: "Projects with an old Odoo version: {{ report.figures.old }} of {{ report.figures.projects }}"
  vars:
    report: "{{ result_projects.projects | oecsh.cloud.report_model(result_servers.servers) }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    oldest_supported:
      description: The oldest Odoo version that is not old.
      type: str
      sample: "17.0"
    figures:
      description: How many there are of each.
      type: dict
      contains:
        projects:
          description: All projects.
          type: int
        servers:
          description: All servers.
          type: int
        environments:
          description: The environments of all servers, and of projects that are not on one of them.
          type: int
        old:
          description: Projects with an old Odoo version.
          type: int
        attention:
          description: Projects that have at least one note.
          type: int
    rows:
      description: The projects, sorted by name.
      type: list
      elements: dict
      contains:
        id:
          description: The UUID of the project.
          type: str
        name:
          description: Its name, or V((no name\)).
          type: str
        version:
          description: Its Odoo version.
          type: str
        number:
          description: The first number in the version, or -1.
          type: float
        repository:
          description: The URL of its Git repository.
          type: str
        link:
          description: The same without credentials if it is a valid https URL, otherwise empty.
          type: str
        branch:
          description: Its default branch.
          type: str
        environments:
          description: How many environments it has.
          type: int
        server_id:
          description: The UUID of its server.
          type: str
        server:
          description: The name of its server. Empty if the server is not in O(servers).
          type: str
        created:
          description: When it was created.
          type: str
        notes:
          description:
            - Why it deserves attention.
            - The notes are V(old), V(version), V(repository) and V(environments) (it has none of these),
              V(duplicate) (another project has the same name), and V(server) (it is not on a known server).
          type: list
          elements: str
    places:
      description:
        - The servers in their order.
        - If projects are not on one of them, there is one more item for these, with an empty C(id).
      type: list
      elements: dict
      contains:
        id:
          description: The UUID of the server.
          type: str
        name:
          description: Its name, or V((no name\)).
          type: str
        location:
          description: Its provider and region.
          type: str
          sample: hetzner · fsn1
        cores:
          description: Its processor cores. Unknown if C(value) is 0, as in C(ram) and C(disk).
          type: dict
          contains: &amount
            value:
              description: The number.
              type: int
            text:
              description: The number with its unit.
              type: str
            meter:
              description: A bar that compares it with the largest of its kind.
              type: dict
              contains:
                fill:
                  description: Width of the first part in percent. Empty if it has none.
                  type: str
                  sample: 75.0%
                old:
                  description: Width of the part for old Odoo versions, which follows. Empty if it has none.
                  type: str
                old_start:
                  description: Where that part starts. Empty if it has none.
                  type: str
        ram:
          description: Its memory in megabytes, with a text in gigabytes.
          type: dict
          contains: *amount
        disk:
          description: Its disk in gigabytes.
          type: dict
          contains: *amount
        projects:
          description: How many projects are on it.
          type: dict
          contains: *amount
        old:
          description: How many of these have an old Odoo version.
          type: int
        environments:
          description: How many environments are on it.
          type: dict
          contains: *amount
        ram_per_environment:
          description: Its memory divided by its environments, in gigabytes. Empty if either is unknown.
          type: str
          sample: 2.6 GB
    versions:
      description:
        - The Odoo versions, newest first.
        - If projects have no version, there is one more item for these, with an empty C(name).
      type: list
      elements: dict
      contains:
        name:
          description: The version.
          type: str
        number:
          description: The first number in it, or -1.
          type: float
        old:
          description: Whether it is older than C(oldest_supported).
          type: bool
        projects:
          description: How many projects have it.
          type: dict
          contains: *amount
    attention:
      description: The notes that at least one project has.
      type: list
      elements: dict
      contains:
        note:
          description: The note, as in C(notes) of a row.
          type: str
        title:
          description: What it is called.
          type: str
        explanation:
          description: Why it matters.
          type: str
        projects:
          description: The C(id) and C(name) of each project that has it.
          type: list
          elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _report


def report_model(projects: object, servers: object, oldest_supported: object = "") -> dict[str, Any]:
    try:
        return _report.report_model(projects, servers, oldest_supported)
    except (TypeError, ValueError) as error:
        raise AnsibleFilterError(f"report_model: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"report_model": report_model}
