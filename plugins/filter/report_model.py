# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: report_model
short_description: Compute a report on projects, environments and servers
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
  environments:
    description:
      - The environments, as in RV(oecsh.cloud.oec_environment_info#module:environments).
      - With O(oecsh.cloud.oec_environment_info#module:health), the report has their last deployments.
    type: list
    elements: dict
  backups:
    description:
      - The results of M(oecsh.cloud.oec_backup_info) in a loop over environments.
        Each has C(item), the environment, and C(backups).
      - How old the backups of an environment are is not known if it is in none of them, or C(backups) is missing.
    type: list
    elements: dict
  organization:
    description: The result of M(oecsh.cloud.oec_organization_info). If that has failed, the report has no limits.
    type: dict
  production:
    description: The names of the environments that clients work in.
    type: list
    elements: str
    default: [production]
  backup_max_age:
    description: How old the newest good backup of such an environment may be, such as V(26h). Empty means the default.
    type: str
    default: 26h
  now:
    description: When O(backups) were read, in ISO 8601. Required with O(backups).
    type: str
seealso:
  - plugin: oecsh.cloud.csp_hash
    plugin_type: filter
  - plugin: oecsh.cloud.report
    plugin_type: role
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_backup_info
  - module: oecsh.cloud.oec_organization_info
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
    account:
      description: The name of the organization. Empty if it is not known.
      type: str
      sample: Acme
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
          description: Projects that have at least one note, or whose environments have one.
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
          description: Its name, or V((no visible name\)) with the start of its UUID.
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
        environment_rows:
          description: Its environments, in their order.
          type: list
          elements: dict
          contains:
            id:
              description: The UUID of the environment.
              type: str
            name:
              description: Its name, as that of a project.
              type: str
            status:
              description: What it does, or V(unknown).
              type: str
            link:
              description: Its address if that is a valid https URL, otherwise empty.
              type: str
            branch:
              description: The branch of its next deployment.
              type: str
            commit:
              description: The first eight characters of the commit that is deployed.
              type: str
            domain:
              description: Its own domain.
              type: str
            is_verified:
              description: Whether that leads to it.
              type: bool
            deployed:
              description: When its last deployment ended, or else began.
              type: str
            backup:
              description: When its newest good backup was completed.
              type: str
            backup_age:
              description: How long ago that was, or V(never). Empty if its backups are not known.
              type: str
              sample: 7 h ago
            notes:
              description:
                - Why it needs attention.
                - The notes are V(failed), V(deployment) (the last one failed, and what runs is the version before),
                  V(stopped) (a production), V(domain) (it is not verified), and V(backup) (a production has no
                  fresh one).
              type: list
              elements: str
        notes:
          description:
            - Why it needs attention.
            - The notes are those of its environments, and V(old), V(version) and V(repository) (it has none of these),
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
          description: Its name, or V((no visible name\)) with the start of its UUID.
          type: str
        location:
          description: Its provider and region.
          type: str
          sample: hetzner · fsn1
        cores:
          description: Its processor cores. Empty if they are not known, as are C(ram) and C(disk).
          type: str
          sample: "6"
        cores_used:
          description: How much of them is used in percent, or null if that is not known.
          type: int
        ram:
          description: Its memory.
          type: str
          sample: 62 GB
        ram_used:
          description: How much of that is used in percent, or null if that is not known.
          type: int
        disk:
          description: Its disk.
          type: str
          sample: 477 GB
        disk_used:
          description: How much of that is used in percent, or null if that is not known.
          type: int
        projects:
          description: How many projects are on it.
          type: int
        old:
          description: How many of these have an old Odoo version.
          type: int
        environments:
          description: How many environments are on it.
          type: int
        ram_per_environment:
          description: Its memory divided by its environments. Empty if either is unknown.
          type: str
          sample: 2.6 GB
        load:
          description: A bar that compares how many environments share a gigabyte with the server where these are most.
          type: dict
          contains: &meter
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
        notes:
          description: Why it needs attention. V(disk) (nearly full) is the only note.
          type: list
          elements: str
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
          type: int
        meter:
          description: A bar that compares it with the version of most projects.
          type: dict
          contains: *meter
    limits:
      description: The limits of the plan of which it is known how much is used.
      type: list
      elements: dict
      contains:
        name:
          description: What is limited.
          type: str
          sample: RAM
        used:
          description: How much of it is used.
          type: str
          sample: 9 GB
        most:
          description: How much of it the plan has.
          type: str
          sample: 64 GB
        percent:
          description: How much of the limit is used in percent.
          type: int
          sample: 14
        meter:
          description: A bar for that.
          type: dict
          contains: *meter
        notes:
          description: Why it needs attention. V(limit) (nearly used) is the only note.
          type: list
          elements: str
    attention:
      description: The notes that anything has, the most urgent first.
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
        objects:
          description: What has it, each with its C(anchor) on the page and its C(name).
          type: list
          elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _report


def report_model(projects: object, servers: object, oldest_supported: object = "", **read: object) -> dict[str, Any]:
    try:
        return _report.report_model(projects, servers, oldest_supported, **read)
    except (TypeError, ValueError) as error:
        raise AnsibleFilterError(f"report_model: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"report_model": report_model}
