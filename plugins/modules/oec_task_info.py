#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_task_info
short_description: Look at tasks of oec.sh, or wait for them
version_added: 1.0.0
description:
  - Returns the tasks with the given ids, of any type, or the deployments of one environment.
  - With O(wait=true), it waits until all of them have ended. It fails if one of them has failed, was cancelled, or goes on after O(wait_timeout),
    and still returns all of them. It also waits in check mode, as it changes nothing.
  - That is the way on after the failure C(wait_timeout) of another module, and in the next node of an AWX workflow after one with C(wait=false).
  - Sends one request for each id, or else the lists of projects, of environments and of deployments. O(log_lines) adds one for each task.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.reads
  - oecsh.cloud.beyond_reference
  - oecsh.cloud.wait
options:
  task_ids:
    description:
      - The UUIDs of the tasks. They are in the result of each module that starts tasks, also if it fails.
      - A task can be read after its environment is deleted.
    type: list
    elements: str
  project:
    description: The name or the UUID of the project. Required together with O(environment).
    type: str
    aliases: [project_id]
  environment:
    description: The exact name of the environment whose deployments are returned, without O(task_ids).
    type: str
    aliases: [name]
  environment_id:
    description: The UUID of the environment, instead of O(project) and O(environment).
    type: str
    aliases: [id]
  limit:
    description:
      - How many deployments of the environment are returned, the newest first.
      - With O(wait=true), older ones that had ended before the module was called do not fail it.
    type: int
    default: 20
  log_lines:
    description: How many of the last lines of its log are returned with each task, from 0 to 1000.
    type: int
    default: 0
  wait:
    description:
      - Whether to wait until all tasks have ended, and to fail if one of them has not completed.
      - All of O(task_ids) must complete. Of the deployments of an environment, those that still ran when the module was called must, and the newest
        one in any case.
    type: bool
    default: false
seealso:
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_deployment
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
- name: Wait for what the last node of an AWX workflow has started
  oecsh.cloud.oec_task_info:
    task_ids: "{{ deployment_task_ids }}"
    wait: true

- name: Start a deployment, and do something else meanwhile
  oecsh.cloud.oec_deployment:
    project: Client ERP
    name: production
    wait: false
  register: started

- name: Wait for it up to an hour
  oecsh.cloud.oec_task_info:
    task_ids: "{{ started.deployments | map(attribute='task') | select | map(attribute='id') }}"
    wait: true
    wait_timeout: 3600
    log_lines: 20

- name: Wait for the newest deployment of an environment, whoever has started it
  oecsh.cloud.oec_task_info:
    project: Client ERP
    environment: production
    limit: 1
    wait: true

- name: List the last five deployments of an environment
  oecsh.cloud.oec_task_info:
    project: Client ERP
    environment: production
    limit: 5
  register: history

- name: Show how long they took
  ansible.builtin.debug:
    msg: "{{ item.started_at }} {{ item.status }} {{ item.duration_seconds }} s"
  loop: "{{ history.tasks }}"
  loop_control:
    label: "{{ item.id }}"

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_task_info -a 'project="Client ERP" environment=production limit=1 log_lines=50'
"""

RETURN = r"""
tasks:
  description:
    - The tasks with the fields of the API unchanged, in the order of O(task_ids), or the newest first.
    - One that goes on after O(wait_timeout) is returned as it was last seen.
  returned: success, and failure after the tasks were read
  type: list
  elements: dict
  contains:
    id:
      description: The UUID of the task.
      type: str
      returned: always
      sample: c8a05f13-6e7d-4b92-a4c1-3f2b9e8d7061
    type:
      description: What it does, such as V(deploy), V(restart), V(start), V(stop), V(backup) or V(destroy).
      type: str
      returned: always
      sample: deploy
    status:
      description: V(pending), V(queued), V(running), V(completed), V(failed) or V(cancelled).
      type: str
      returned: always
      sample: completed
    environment_id:
      description: The UUID of its environment.
      type: str
      returned: always
      sample: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3
    progress_percent:
      description: How much of it is done.
      type: int
      returned: always
      sample: 100
    current_step:
      description: Its current or last step, or V(null) if it has not started.
      type: str
      returned: always
      sample: health_check
    steps_completed:
      description: How many of its steps are done.
      type: int
      returned: always
      sample: 11
    total_steps:
      description: How many steps it has.
      type: int
      returned: always
      sample: 11
    started_at:
      description: When it started, in ISO 8601, or V(null). A failed task that never started has done nothing.
      type: str
      returned: always
      sample: "2026-11-20T16:00:41Z"
    completed_at:
      description: When it ended, in ISO 8601, or V(null).
      type: str
      returned: always
      sample: "2026-11-20T16:03:52Z"
    duration_seconds:
      description: How long it took, or V(null).
      type: int
      returned: always
      sample: 191
    error_message:
      description: Why it failed, in the words of oec.sh, or V(null).
      type: str
      returned: always
    log:
      description: The last lines of its log. Empty if it has none.
      type: list
      elements: str
      returned: if log_lines is set
error:
  description:
    - The first failure, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
    - If several tasks have not completed, its details have C(code) and C(message) of each.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import WAIT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.task import (
    TASK_CHECKS,
    TASK_OPTIONS,
    TASK_REDACTION,
    list_tasks,
)


def main() -> None:
    options = {**TASK_OPTIONS, **WAIT_OPTIONS, "wait": {"type": "bool", "default": False}}
    run(list_tasks, options, TASK_REDACTION, **TASK_CHECKS)


if __name__ == "__main__":
    main()
