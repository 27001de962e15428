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
seealso:
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_projects
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_deployment
  - module: oecsh.cloud.oec_task_info
  - module: oecsh.cloud.oec_log_info
"""

EXAMPLES = r"""
- name: List the servers of one provider
  oecsh.cloud.oec_server_info:
    provider: hetzner
  register: hetzner

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
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER, list_servers


def main() -> None:
    run(list_servers, SERVER.filter_options(), SERVER.redaction)


if __name__ == "__main__":
    main()
