#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_organization_info
short_description: Read the limits of the plan on oec.sh, and what is left of them
version_added: 1.0.0
description:
  - Returns the organization of the API key, the limits of its plan, what its running environments use, and what is left.
  - Two requests. With a wrong key it fails, so it is also the shortest way to check one.
  - A key of one project may not be allowed to read that. The code is then C(org_scope_required).
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.reads
  - oecsh.cloud.beyond_reference
options: {}
seealso:
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_projects
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_deployment
  - module: oecsh.cloud.oec_backup
  - module: oecsh.cloud.oec_backup_info
  - module: oecsh.cloud.oec_backup_restore
  - module: oecsh.cloud.oec_task_info
  - module: oecsh.cloud.oec_log_info
  - module: oecsh.cloud.oec_webhook
  - module: oecsh.cloud.oec_webhook_info
  - module: oecsh.cloud.oec_server_info
"""

EXAMPLES = r"""
- name: Read the limits of the plan
  oecsh.cloud.oec_organization_info:
  register: plan

- name: Check that the plan has room for a new client
  ansible.builtin.assert:
    that:
      - plan.remaining.environments is none or plan.remaining.environments >= 1
      - plan.remaining.cpu_cores is none or plan.remaining.cpu_cores >= 2
      - plan.remaining.ram_mb is none or plan.remaining.ram_mb >= 4096
      - plan.remaining.disk_gb is none or plan.remaining.disk_gb >= 40
    fail_msg: "The plan {{ plan.organization.plan }} has no room for it: {{ plan.remaining }}"

- name: Provision the client
  oecsh.cloud.oec_project:
    name: Client ERP
    server: production-fsn1
    git_repo_url: https://github.com/acme/client-erp
    odoo_version: "18.0"

- name: Provision its production
  oecsh.cloud.oec_environment:
    project: Client ERP
    name: production
    environment_type: production
    cpu_cores: 2
    ram_mb: 4096
    disk_gb: 40

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_organization_info
"""

RETURN = r"""
organization:
  description: The organization, with the fields of the API unchanged.
  returned: success
  type: dict
  contains:
    id:
      description: The UUID of the organization.
      type: str
      returned: success
      sample: 0d9b6a35-2f41-4c8e-9b77-5e1c3a90d8f2
    name:
      description: Its name.
      type: str
      returned: success
      sample: Acme
    slug:
      description: Its name in addresses.
      type: str
      returned: success
      sample: acme
    plan:
      description: The plan that it has subscribed to.
      type: str
      returned: success
      sample: pro
    max_environments:
      description: How many environments may run, or V(null).
      type: int
      returned: success
      sample: 20
    max_cpu_cores:
      description: How many CPU cores they may have, or V(null).
      type: float
      returned: success
      sample: 32
    max_ram_mb:
      description: How much RAM in megabytes they may have, or V(null).
      type: int
      returned: success
      sample: 65536
    max_disk_gb:
      description: How much disk in gigabytes they may have, or V(null).
      type: int
      returned: success
      sample: 800
usage:
  description: What is used of that, with the fields of the API unchanged.
  returned: success
  type: dict
  contains:
    environments_running:
      description: How many environments run.
      type: int
      returned: success
      sample: 3
    cpu_used:
      description: How many CPU cores they have.
      type: float
      returned: success
      sample: 4.5
    ram_mb_used:
      description: How much RAM in megabytes they have.
      type: int
      returned: success
      sample: 9216
    disk_gb_used:
      description: How much disk in gigabytes they have.
      type: int
      returned: success
      sample: 90
remaining:
  description:
    - What is left, which is the limit less what is used. Below 0 if more is used than the plan has.
    - Each of them may be null if there is no limit, or if the API does not tell what is used.
  returned: success
  type: dict
  contains:
    environments:
      description: How many more environments may run, or V(null).
      type: int
      returned: success
      sample: 17
    cpu_cores:
      description: How many CPU cores are left, or V(null).
      type: float
      returned: success
      sample: 27.5
    ram_mb:
      description: How much RAM in megabytes is left, or V(null).
      type: int
      returned: success
      sample: 56320
    disk_gb:
      description: How much disk in gigabytes is left, or V(null).
      type: int
      returned: success
      sample: 710
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.organization import ORGANIZATION, read_organization


def main() -> None:
    run(read_organization, {}, ORGANIZATION.redaction)


if __name__ == "__main__":
    main()
