#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_webhook
short_description: Create, update or delete a webhook on oec.sh
version_added: 1.0.0
description:
  - A webhook is a URL to which oec.sh sends what happens, such as that a deployment has failed. It belongs to one project, or to the organization.
  - Creates, updates or deletes a webhook to match the options. If it matches already, nothing is written.
  - It is found by its O(url) and its O(project). The same URL can have one webhook of each project, and one of the organization.
  - When a webhook is created, the API returns RV(secret) once, and never again. Receivers check with it that a message comes from oec.sh (HMAC-SHA256).
    See the notes on how to keep it.
  - A webhook is created once, even if the task is run again, run by several jobs at once, or if a response is lost.
    Only two different declarations of one URL at the same moment can still create two webhooks.
  - An option that is omitted or empty leaves its field unchanged.
  - The secret is never renewed, and no test message is sent.
  - The API accepts ten changes of webhooks a minute. The module waits for that.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.changes
  - oecsh.cloud.beyond_reference
options:
  state:
    description:
      - Whether the webhook should exist.
      - V(absent) deletes it, and with it the record of what it has sent.
    type: str
    choices: [present, absent]
    default: present
  url:
    description:
      - The URL to which oec.sh sends the events. Only V(https), at most 2048 characters, without a user name or a password.
        The API rejects private addresses. Required to create a webhook.
      - From then on, oec.sh sends data about your environments to that address.
      - The case of its host, port 443, and C(/) in place of no path do not matter.
      - The webhook is found by it among those of O(project), or else among those of the organization, unless O(webhook_id) is set. If two of them
        have the URL, the module fails with the code C(ambiguous_name).
      - Together with O(webhook_id), the URL is changed if it differs. If another webhook of the same project has it, the module fails.
      - A query in it, such as V(?token=...), is compared, but replaced by V(***) in every output. A URL with V(***) in its place keeps the stored one.
      - A secret in its path, as in the URLs of Slack, Teams and Discord, is not hidden. Set C(no_log=true) for such a task.
    type: str
  webhook_id:
    description: The UUID of the webhook. With O(state=present) the webhook must exist. So none is created.
    type: str
    aliases: [id]
  project:
    description:
      - The name or the UUID of the project whose events are sent. If it is omitted, the webhook is the organization's own, unless O(webhook_id) is set.
      - The API cannot move a webhook. If that of O(webhook_id) is of another project, the module fails before it changes anything.
      - A key of one project needs it, and sees the webhooks of that project only.
    type: str
    aliases: [project_id]
  events:
    description:
      - The events to send. Required to create a webhook. Their order does not matter, and an event that is listed twice counts once.
      - They replace those that the webhook has.
      - Older versions of the API accept ten of them at most, and know neither V(environment.ready) nor V(monitoring.alert).
    type: list
    elements: str
    choices:
      - deploy.started
      - deploy.completed
      - deploy.failed
      - deploy.cancelled
      - environment.created
      - environment.ready
      - environment.deleted
      - environment.status_changed
      - automation_rule.triggered
      - automation_rule.completed
      - automation_rule.failed
      - monitoring.alert
  description:
    description: What the webhook is for, for people. At most 500 characters.
    type: str
  format:
    description: The form in which the events are sent. That of a new webhook is V(raw), unless it is set.
    type: str
    choices: [raw, slack, teams, discord]
  is_active:
    description: Whether the events are sent. Those of a new webhook are, unless it is V(false).
    type: bool
notes:
  - From ansible-core 2.22 on, RV(secret) is registered as a secret, so that Ansible hides it in what it prints. Before that, set C(no_log=true) for
    the task, and for each one that uses the secret, as the examples do. An ad hoc command that creates a webhook prints it.
    To change one, O(webhook_id) never creates any.
  - Store the secret in the same play, such as in the CI or in a vault. If the play fails before that, the webhook exists, but its secret is unknown.
    The same is true if the response to the create is lost, and the API does not repeat it. The module warns then.
    Delete the webhook and create it again, or renew its secret in the dashboard of oec.sh.
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
  - module: oecsh.cloud.oec_webhook_info
  - module: oecsh.cloud.oec_organization_info
  - module: oecsh.cloud.oec_server_info
"""

EXAMPLES = r"""
- name: Tell the CI about the deployments of a client
  oecsh.cloud.oec_webhook:
    project: Client ERP
    url: https://ci.example.com/oec
    events: [deploy.completed, deploy.failed]
    description: CI
  register: ci
  # The result has the secret when the webhook is created.
  no_log: true

- name: Store the secret once, in a file that only this user can read
  ansible.builtin.copy:
    content: "{{ ci.secret }}"
    dest: ~/.oec_webhook_secret
    mode: "0600"
  no_log: true
  when: ci.secret is defined and not ansible_check_mode

- name: Tell the team in Slack what fails, whatever the client
  oecsh.cloud.oec_webhook:
    url: "{{ slack_webhook_url }}"
    format: slack
    events: [deploy.failed, automation_rule.failed, monitoring.alert]
  no_log: true

- name: Pause a webhook
  oecsh.cloud.oec_webhook:
    project: Client ERP
    url: https://ci.example.com/oec
    is_active: false

- name: Move a webhook to another address; it keeps its secret
  oecsh.cloud.oec_webhook:
    webhook_id: b27e9c40-1d63-4a8f-9e52-70c4d8f1a396
    url: https://ci.example.org/oec

- name: Delete a webhook
  oecsh.cloud.oec_webhook:
    project: Client ERP
    url: https://ci.example.com/oec
    state: absent

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_webhook -a 'project="Client ERP" url=https://ci.example.com/oec state=absent' --check --diff
"""

RETURN = r"""
webhook:
  description:
    - The webhook after the task, as the API returns it, without its secret. V(null) once it is absent.
    - In check mode the same, except for what the server assigns.
  returned: success
  type: dict
  contains:
    id:
      description: The UUID of the webhook. V(null) in check mode of one to be created.
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
      description: When it was created, in ISO 8601. V(null) in check mode of one to be created.
      type: str
      returned: success
      sample: "2026-11-01T09:00:00Z"
secret:
  description:
    - The secret with which the messages of the webhook are signed. The API returns it once. V(null) in check mode.
    - It stands in no other part of the result.
  returned: if a webhook is created
  type: str
  sample: whsec_0b7e51d2c94f48a6
diff:
  description:
    - What was changed, or in check mode would be changed. C(before), C(after), C(before_header) and C(after_header).
    - For people, as M(oecsh.cloud.oec_project) describes it.
  returned: success, in diff mode
  type: dict
  sample:
    before: |
      url: https://ci.example.com/oec
      project: Client ERP
      events: ["deploy.failed"]
      format: raw
      is_active: true
    after: |
      url: https://ci.example.com/oec
      project: Client ERP
      events: ["deploy.completed", "deploy.failed"]
      format: raw
      is_active: true
    before_header: webhook 'Client ERP/https://ci.example.com/oec'
    after_header: webhook 'Client ERP/https://ci.example.com/oec'
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import WEBHOOK, ensure_webhook


def main() -> None:
    run(ensure_webhook, WEBHOOK.options(), WEBHOOK.redaction)


if __name__ == "__main__":
    main()
