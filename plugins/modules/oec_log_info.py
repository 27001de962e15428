#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_log_info
short_description: Read the last lines of a log on oec.sh
version_added: 1.0.0
description:
  - Returns the last lines of the log of a task, of Odoo, of its container, or of PostgreSQL.
  - The lines are text that programs and other people wrote. They are returned as they are, except for control characters, and for credentials in URLs.
  - Sends one request beside those that find the environment.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.reads
  - oecsh.cloud.beyond_reference
options:
  project:
    description: The name or the UUID of the project. Required together with O(environment).
    type: str
    aliases: [project_id]
  environment:
    description: The exact name of the environment.
    type: str
    aliases: [name]
  environment_id:
    description: The UUID of the environment, instead of O(project) and O(environment).
    type: str
    aliases: [id]
  source:
    description:
      - V(task) is the log of one task of oec.sh, such as a deployment, step by step.
      - V(odoo) is the log of Odoo, V(container) is what its container prints, and V(postgres) is the log of its database. They are read from the server,
        and the API allows six such requests a minute for one environment.
      - If the environment does not run, only V(task) can be read. The others fail with the code C(wrong_state).
    type: str
    choices: [task, odoo, container, postgres]
    default: task
  task_id:
    description: The UUID of the task, with O(source=task). By default, the latest task of any type.
    type: str
  lines:
    description: How many lines are returned at most, from 1 to 1000.
    type: int
    default: 100
seealso:
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_deployment
  - module: oecsh.cloud.oec_task_info
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
- name: Read the last 50 lines of the log of Odoo
  oecsh.cloud.oec_log_info:
    project: Client ERP
    environment: production
    source: odoo
    lines: 50
  register: odoo

- name: Show the errors among them
  ansible.builtin.debug:
    msg: "{{ odoo.log | select('search', ' ERROR ') }}"

- name: Read why the last task failed
  oecsh.cloud.oec_log_info:
    project: Client ERP
    environment: production

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_log_info -a 'project="Client ERP" environment=production source=odoo lines=50'
"""

RETURN = r"""
log:
  description: The lines, the oldest first. Empty if there are none.
  returned: success
  type: list
  elements: str
  sample: ["[10/11] configure_proxy", "[11/11] health_check", "deploy: completed"]
source:
  description: Which log it is, as given by the option.
  returned: success
  type: str
  sample: task
task_id:
  description: The UUID of the task, or V(null) with another source or if there was no task yet.
  returned: success
  type: str
  sample: c8a05f13-6e7d-4b92-a4c1-3f2b9e8d7061
truncated:
  description: Whether the log has more lines than those, or V(null) if the API does not tell.
  returned: success
  type: bool
  sample: true
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.task import LOG_OPTIONS, TASK_REDACTION, read_log


def main() -> None:
    run(read_log, LOG_OPTIONS, TASK_REDACTION)


if __name__ == "__main__":
    main()
