#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_environment_info
short_description: List environments on oec.sh
version_added: 1.0.0
description:
  - Returns all environments that the API key sees, or those that match every given filter, project by project, in the API's order.
  - An empty filter counts as omitted.
  - What is deleted while the module runs is left out.
  - Sends one request for the list of projects, and one for each project that is looked at. With O(environment_id), two in all.
    O(health) and O(metrics) add one request each for every environment that is returned.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.reads
  - oecsh.cloud.beyond_reference
options:
  project:
    description:
      - The names or UUIDs of the projects to look at, or of one. All projects if it is omitted.
      - If one of them does not exist, the module fails. If several have the name, all of these are looked at.
      - Write a name that contains a comma in a list, as otherwise it is taken for two names.
    type: list
    elements: str
    aliases: [project_id]
  name:
    description: Environments with exactly this name.
    type: str
  environment_id:
    description: The environment with this UUID.
    type: str
    aliases: [id]
  status:
    description: Environments with this status, such as V(running), V(stopped) or V(error). Upper and lower case are the same.
    type: str
  health:
    description: Whether to ask for the health of each environment.
    type: bool
    default: false
  metrics:
    description:
      - Whether to ask for the use of CPU, memory and disk of each environment.
      - The API allows six such requests a minute for one environment.
    type: bool
    default: false
notes:
  - Older versions of the API hide environments that are stopped, paused or failed. They are not returned then.
seealso:
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_deployment
  - module: oecsh.cloud.oec_task_info
  - module: oecsh.cloud.oec_log_info
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_projects
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_server_info
  - module: oecsh.cloud.oec_backup
  - module: oecsh.cloud.oec_backup_info
  - module: oecsh.cloud.oec_backup_restore
  - module: oecsh.cloud.oec_webhook
  - module: oecsh.cloud.oec_webhook_info
  - module: oecsh.cloud.oec_organization_info
"""

EXAMPLES = r"""
- name: List all environments
  oecsh.cloud.oec_environment_info:
  register: all

- name: Find out which client runs which commit in production
  oecsh.cloud.oec_environment_info:
    name: production
  register: productions

- name: Show it
  ansible.builtin.debug:
    msg: "{{ item.project_name }} {{ item.branch }} {{ item.last_commit }}"
  loop: "{{ productions.environments }}"
  loop_control:
    label: "{{ item.project_name }}"

- name: Find the environments whose last task failed
  oecsh.cloud.oec_environment_info:
    status: error
  register: failed

- name: Look at the health of two clients
  oecsh.cloud.oec_environment_info:
    project: [Client ERP, Bakery ERP]
    health: true
  register: health

- name: Check that each Odoo that should run responds
  ansible.builtin.assert:
    that: health.environments | selectattr('health') | selectattr('status', 'eq', 'running') | rejectattr('health.http_ok') | length == 0

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_environment_info -a 'project="Client ERP" health=true'
"""

RETURN = r"""
environments:
  description: The matching environments, with the fields of the API unchanged. Empty if none matches.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The UUID of the environment.
      type: str
      returned: success
      sample: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3
    name:
      description: Its name.
      type: str
      returned: success
      sample: production
    status:
      description:
        - What it does. V(pending) (nothing is deployed yet), V(deploying), V(running), V(stopped), V(paused) (by oec.sh), V(error) or V(failed)
          (its last task failed), V(cloning), V(destroying), or a word of a newer version of the API.
      type: str
      returned: success
      sample: running
    url:
      description: The address of its Odoo, or V(null).
      type: str
      returned: success
      sample: https://client-erp-production.apps.oec.sh
    odoo_version:
      description: The Odoo version, or V(null).
      type: str
      returned: success
      sample: "18.0"
    branch:
      description: The branch of its next deployment, or V(null).
      type: str
      returned: success
      sample: main
    last_commit:
      description: The commit that is deployed, or V(null).
      type: str
      returned: success
      sample: 9be1d04
    cpu_cores:
      description: Its share of CPU cores, or V(null).
      type: float
      returned: success
      sample: 1.5
    ram_mb:
      description: Its RAM in megabytes, or V(null).
      type: int
      returned: success
      sample: 3072
    disk_gb:
      description: Its disk in gigabytes, or V(null).
      type: int
      returned: success
      sample: 25
    project_id:
      description: The UUID of its project.
      type: str
      returned: success
      sample: 3fa85f64-5717-4562-b3fc-2c963f66afa6
    server_id:
      description: The UUID of the server it is on, or V(null).
      type: str
      returned: success
      sample: 8e4f2a1c-1234-5678-abcd-ef0123456789
    custom_domain:
      description: Its own domain, or V(null).
      type: str
      returned: success
      sample: erp.example.com
    custom_domain_verified:
      description: Whether oec.sh has found that the domain leads to it.
      type: bool
      returned: success
      sample: true
    created_at:
      description: When it was created, in ISO 8601.
      type: str
      returned: success
      sample: "2026-11-02T07:41:09Z"
    updated_at:
      description: When it was last changed, in ISO 8601.
      type: str
      returned: success
      sample: "2026-11-20T16:03:55Z"
    project_name:
      description: The name of its project, or V(null) if the key does not see the project.
      type: str
      returned: success
      sample: Client ERP
    health:
      description: What the API tells about its health, or V(null) if the environment was deleted meanwhile.
      type: dict
      returned: if health is set
      contains:
        environment_id:
          description: The UUID of the environment.
          type: str
          returned: always
        status:
          description: Its status.
          type: str
          returned: always
          sample: running
        url:
          description: The address of its Odoo, or V(null).
          type: str
          returned: always
        container_running:
          description: Whether its container runs, or V(null) if that is not known.
          type: bool
          returned: always
          sample: true
        db_ready:
          description: Whether its database responds, or V(null) if that is not known.
          type: bool
          returned: always
          sample: true
        http_ok:
          description: Whether its Odoo responds, or V(null) if that is not known.
          type: bool
          returned: always
          sample: true
        last_deploy:
          description: Its last deployment with C(id), C(status), C(started_at) and C(completed_at), or V(null) if there was none.
          type: dict
          returned: always
          sample:
            id: c8a05f13-6e7d-4b92-a4c1-3f2b9e8d7061
            status: completed
            started_at: "2026-11-20T16:00:41Z"
            completed_at: "2026-11-20T16:03:52Z"
    metrics:
      description: What it uses, or V(null) if the API has no figures of it now.
      type: dict
      returned: if metrics is set
      contains:
        environment_id:
          description: The UUID of the environment.
          type: str
          returned: always
        status:
          description: Its status.
          type: str
          returned: always
          sample: running
        odoo:
          description: What its Odoo uses, or V(null). Its figures can be V(null) as well.
          type: dict
          returned: always
          sample:
            status: running
            cpu_percent: 4.2
            memory_used_bytes: 912680550
            memory_limit_bytes: 3221225472
            memory_percent: 28.3
        postgres:
          description: What its PostgreSQL uses, like RV(environments[].metrics.odoo), or V(null).
          type: raw
          returned: always
        disk:
          description: What it uses of its disk, or V(null).
          type: dict
          returned: always
          sample:
            allocated_gb: 25
            database_bytes: 188743680
            filestore_bytes: 52428800
            addons_bytes: 10485760
            measured_at: "2026-11-20T16:10:02Z"
        queried_at:
          description: When the figures were read, in ISO 8601.
          type: str
          returned: always
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    ENVIRONMENT,
    ENVIRONMENT_FILTERS,
    list_environments,
)


def main() -> None:
    run(list_environments, ENVIRONMENT_FILTERS, ENVIRONMENT.redaction)


if __name__ == "__main__":
    main()
