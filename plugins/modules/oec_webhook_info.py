#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_webhook_info
short_description: List webhooks on oec.sh
version_added: 1.0.0
description:
  - Returns all webhooks that the API key sees, or those that match every given filter, in the API's order.
  - An empty filter counts as omitted.
  - Never returns a secret. The API returns that only when a webhook is created, see M(oecsh.cloud.oec_webhook).
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.reads
  - oecsh.cloud.beyond_reference
options:
  webhook_id:
    description: The webhook with this UUID.
    type: str
    aliases: [id]
  url:
    description:
      - Webhooks with this URL. The case of its host, port 443, and C(/) in place of no path do not matter.
      - A URL with V(***) in place of its query, as modules return it, matches every webhook that is returned so.
    type: str
  project:
    description: Webhooks of the project with this name or UUID. If no project has the name, the module fails.
    type: str
    aliases: [project_id]
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
  - module: oecsh.cloud.oec_organization_info
  - module: oecsh.cloud.oec_server_info
"""

EXAMPLES = r"""
- name: List all webhooks
  oecsh.cloud.oec_webhook_info:
  register: all

- name: Show those that fail
  ansible.builtin.debug:
    msg: "{{ item.url }} has failed {{ item.failure_count }} times"
  loop: "{{ all.webhooks | selectattr('failure_count', 'gt', 0) }}"
  loop_control:
    label: "{{ item.id }}"

- name: List those of the organization itself
  ansible.builtin.debug:
    msg: "{{ all.webhooks | rejectattr('project_id') | map(attribute='url') }}"

- name: List the webhooks of a client
  oecsh.cloud.oec_webhook_info:
    project: Client ERP

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_webhook_info -a 'project="Client ERP"'
"""

RETURN = r"""
webhooks:
  description: The matching webhooks, with the fields of the API unchanged, except for the query of a URL. Empty if none matches.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The UUID of the webhook.
      type: str
      returned: success
      sample: b27e9c40-1d63-4a8f-9e52-70c4d8f1a396
    url:
      description: The URL to which the events are sent. A query in it is replaced by V(***).
      type: str
      returned: success
      sample: https://ci.example.com/oec
    project_id:
      description: The UUID of the project whose events are sent, or V(null) if it is the organization's own.
      type: str
      returned: success
      sample: 3fa85f64-5717-4562-b3fc-2c963f66afa6
    events:
      description: The events that are sent.
      type: list
      elements: str
      returned: success
      sample: [deploy.completed, deploy.failed]
    description:
      description: What it is for, or V(null).
      type: str
      returned: success
      sample: CI
    format:
      description: The form in which they are sent. V(raw), V(slack), V(teams) or V(discord).
      type: str
      returned: success
      sample: raw
    is_active:
      description: Whether they are sent.
      type: bool
      returned: success
      sample: true
    last_triggered_at:
      description: When an event was last sent, in ISO 8601, or V(null).
      type: str
      returned: success
      sample: "2026-11-20T16:03:52Z"
    failure_count:
      description: How often sending has failed.
      type: int
      returned: success
      sample: 0
    created_at:
      description: When it was created, in ISO 8601.
      type: str
      returned: success
      sample: "2026-11-01T09:00:00Z"
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import WEBHOOK, list_webhooks


def main() -> None:
    run(list_webhooks, WEBHOOK.filter_options(), WEBHOOK.redaction)


if __name__ == "__main__":
    main()
