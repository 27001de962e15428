#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_server_info
short_description: List servers on oec.sh
version_added: 1.0.0
description:
  - Returns all servers of the organization, or those that match every given filter, in the API's order.
  - An empty filter counts as omitted.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.reads
options:
  server_id:
    description: The server with this UUID.
    type: str
    aliases: [id]
  name:
    description: Servers with exactly this name.
    type: str
  provider:
    description: Servers with exactly this provider, such as V(hetzner).
    type: str
  region:
    description: Servers in exactly this region, such as V(fsn1).
    type: str
  metrics:
    description:
      - Whether to ask for the use of CPU, memory and disk of each server that is returned. Costs one request each.
      - The API allows six such requests a minute for one server.
    type: bool
    default: false
notes:
  - The route that O(metrics) uses is not in the published API reference. It is known from the official client.
seealso:
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_projects
  - module: oecsh.cloud.oec_project_info
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
"""

EXAMPLES = r"""
- name: List the servers of one provider
  oecsh.cloud.oec_server_info:
    provider: hetzner
  register: hetzner

- name: Find out how full the servers are
  oecsh.cloud.oec_server_info:
    metrics: true
  register: measured

- name: Check that each of them has a fifth of its disk left
  ansible.builtin.assert:
    that: measured.servers | selectattr('metrics') | selectattr('metrics.disk_percent', 'gt', 80) | length == 0
    fail_msg: "Too full: {{ measured.servers | selectattr('metrics') | selectattr('metrics.disk_percent', 'gt', 80) | map(attribute='name') | join(', ') }}"

- name: Look for the client
  oecsh.cloud.oec_project_info:
    name: Client ERP
  register: client

- name: Check that a new client can have a server
  ansible.builtin.assert:
    that: client.projects | length > 0 or hetzner.servers | length > 0
    fail_msg: There is no server of the provider hetzner.

- name: Provision a new client on the server with the fewest environments; an existing one stays on its server
  oecsh.cloud.oec_project:
    name: Client ERP
    server: "{{ '' if client.projects else (hetzner.servers | sort(attribute='environment_count') | first).id }}"

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_server_info -a provider=hetzner
"""

RETURN = r"""
servers:
  description: The matching servers, with the fields of the API unchanged. Empty if none matches.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The UUID of the server.
      type: str
      returned: success
    name:
      description: Its name.
      type: str
      returned: success
    provider:
      description: The cloud provider.
      type: str
      returned: success
    region:
      description: The provider's region or datacenter, or V(null).
      type: str
      returned: success
    cpu_cores:
      description: How many CPU cores it has.
      type: int
      returned: success
    ram_mb:
      description: Its RAM in megabytes.
      type: int
      returned: success
    disk_gb:
      description: Its disk in gigabytes.
      type: int
      returned: success
    environment_count:
      description: How many active environments are on it.
      type: int
      returned: success
    metrics:
      description: What it uses, or V(null) if the API has no figures of it now, such as of a shared server, or of one that does not respond.
      type: dict
      returned: if metrics is set
      contains:
        server_id:
          description: The UUID of the server.
          type: str
          returned: always
        status:
          description: How it is, such as V(healthy).
          type: str
          returned: always
          sample: healthy
        cpu_percent:
          description: How much of its CPU is used.
          type: float
          returned: always
          sample: 12.5
        memory_percent:
          description: How much of its memory is used.
          type: float
          returned: always
          sample: 41.3
        memory_used_bytes:
          description: How much memory that is.
          type: int
          returned: always
        memory_total_bytes:
          description: How much memory it has.
          type: int
          returned: always
        disk_percent:
          description: How much of its disk is used.
          type: float
          returned: always
          sample: 63.8
        disk_used_bytes:
          description: How much disk that is.
          type: int
          returned: always
        disk_total_bytes:
          description: How much disk it has.
          type: int
          returned: always
        network_rx_bytes_per_second:
          description: What it receives.
          type: float
          returned: always
          sample: 20480.5
        network_tx_bytes_per_second:
          description: What it sends.
          type: float
          returned: always
          sample: 81920.0
        container_count:
          description: How many containers it has.
          type: int
          returned: always
          sample: 8
        containers_running:
          description: How many of them run.
          type: int
          returned: always
          sample: 8
        queried_at:
          description: When the figures were read, in ISO 8601.
          type: str
          returned: always
          sample: "2026-11-20T16:10:02Z"
  sample:
    - id: 8e4f2a1c-1234-5678-abcd-ef0123456789
      name: production-server
      provider: hetzner
      region: fsn1
      cpu_cores: 6
      ram_mb: 63488
      disk_gb: 477
      environment_count: 4
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER, SERVER_FILTERS, list_servers


def main() -> None:
    run(list_servers, SERVER_FILTERS, SERVER.redaction)


if __name__ == "__main__":
    main()
