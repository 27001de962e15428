#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_project_info
short_description: List projects on oec.sh
version_added: 1.0.0
description:
  - Returns all projects that the API key sees, or those that match every given filter, in the API's order.
  - An empty filter counts as omitted.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.reads
options:
  project_id:
    description: The project with this UUID.
    type: str
    aliases: [id]
  name:
    description: Projects with exactly this name.
    type: str
  server:
    description: Projects on the server with this name or UUID. If no server has the name, the task fails.
    type: str
    aliases: [server_id]
  odoo_version:
    description: Projects with exactly this Odoo version, such as V(16.0).
    type: str
seealso:
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_projects
  - module: oecsh.cloud.oec_server_info
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_deployment
  - module: oecsh.cloud.oec_task_info
  - module: oecsh.cloud.oec_log_info
  - module: oecsh.cloud.oec_backup
  - module: oecsh.cloud.oec_backup_info
  - module: oecsh.cloud.oec_backup_restore
  - module: oecsh.cloud.oec_webhook
  - module: oecsh.cloud.oec_webhook_info
  - module: oecsh.cloud.oec_organization_info
  - plugin: oecsh.cloud.projects
    plugin_type: inventory
  - ref: ansible_collections.oecsh.cloud.docsite.export
    description: How to adopt projects that were created in the web interface.
"""

EXAMPLES = r"""
- name: List all projects
  oecsh.cloud.oec_project_info:
  register: all

- name: Find the clients that still run 16.0
  oecsh.cloud.oec_project_info:
    odoo_version: "16.0"
  register: old

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ old.projects | map(attribute='name') }}"

- name: List the projects on one server
  oecsh.cloud.oec_project_info:
    server: production-fsn1

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_project_info -a odoo_version=16.0
"""

RETURN = r"""
projects:
  description:
    - The matching projects, with the fields of the API unchanged. Empty if none matches.
    - Credentials in a Git URL are replaced by V(***).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The UUID of the project.
      type: str
      returned: success
    name:
      description: Its name.
      type: str
      returned: success
    odoo_version:
      description: The Odoo version, or V(null).
      type: str
      returned: success
    git_repo_url:
      description: The Git repository, or V(null).
      type: str
      returned: success
    default_branch:
      description: The branch it is deployed from, or V(null).
      type: str
      returned: success
    environment_count:
      description: How many active environments it has.
      type: int
      returned: success
    server_id:
      description: The UUID of the server it is on, or V(null).
      type: str
      returned: success
    created_at:
      description: When it was created, in ISO 8601.
      type: str
      returned: success
  sample:
    - id: 3fa85f64-5717-4562-b3fc-2c963f66afa6
      name: Client ERP
      odoo_version: "17.0"
      git_repo_url: https://github.com/acme/client-erp
      default_branch: main
      environment_count: 3
      server_id: 8e4f2a1c-1234-5678-abcd-ef0123456789
      created_at: "2025-09-15T10:30:00Z"
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT, list_projects


def main() -> None:
    run(list_projects, PROJECT.filter_options(), PROJECT.redaction)


if __name__ == "__main__":
    main()
