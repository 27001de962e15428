#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_backup_restore
short_description: Restore an environment from a backup on oec.sh
version_added: 1.0.0
description:
  - Overwrites the database and the files of the environment that the backup was taken of. What was entered into it since then is lost.
    Its Odoo does not respond meanwhile.
  - oec.sh first takes another backup, of the type C(pre_restore), of what is overwritten. It is the way back.
  - A backup can only be restored into its own environment. oec.sh can restore it elsewhere in the dashboard, but not over its API.
  - O(confirm) must name the environment. So check mode without it tells how old the backup is, and restores nothing.
  - Each run restores again. Another task of the environment is waited for first, even if it is a restore, as nothing says which backup that is of.
    With O(wait=false), the module fails instead. If that task is a restore, look at its result before you restore again.
  - The restore is started once, even if a response is lost. If none comes at all, the module fails, and RV(ignore:changed) is V(true).
  - The environment may be stopped afterwards if it was stopped before. The module then warns.
  - If the restore takes longer than O(wait_timeout), the module fails with the code C(wait_timeout), and RV(ignore:changed) is V(true). Do not run it again
    then, but wait with M(oecsh.cloud.oec_task_info).
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.changes
  - oecsh.cloud.beyond_reference
  - oecsh.cloud.wait
attributes:
  diff_mode:
    details:
      - The API does not tell what the database and the files contain. The diff names the backup and its time.
  idempotent:
    support: none
    details:
      - It restores each time. What was entered since the first run is lost again.
options:
  backup_id:
    description:
      - The UUID of the backup. M(oecsh.cloud.oec_backup_info) lists them.
      - It must be completed. Otherwise the module fails with the code C(wrong_state).
    type: str
    required: true
    aliases: [id]
  confirm:
    description:
      - The environment that is overwritten, as a person would type it. Do not compute it of what the API returns.
      - Its project and its name, such as V(Client ERP/production), which no other client has. Its exact name alone, such as V(production), is accepted
        too, but does not protect against the backup of another client.
      - If it is omitted, or names another one, the module fails with the code C(confirmation_required), also in check mode. The message says how old the
        backup is, and what would be lost.
    type: str
  wait_timeout:
    description:
      - How many seconds to wait for each task of oec.sh, from 1 to 2592000, which is 30 days.
      - When the time is over, the module fails with the code C(wait_timeout). The restore goes on, and the id of its task is in the result.
        Wait for it with M(oecsh.cloud.oec_task_info). Do not run the module again, as it would restore again.
      - The environment variable E(OECSH_WAIT_TIMEOUT) is used if the option is omitted.
    type: int
    default: 1800
notes:
  - An environment that was deleted, that is paused by oec.sh, or that is being destroyed is not restored. Older versions of the API also hide one that is
    stopped or failed. Start it with M(oecsh.cloud.oec_environment) first, or restore it in the dashboard.
  - An older version of the API that cannot restore backups leads to the code C(unsupported).
seealso:
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_projects
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_deployment
  - module: oecsh.cloud.oec_backup
  - module: oecsh.cloud.oec_backup_info
  - module: oecsh.cloud.oec_task_info
  - module: oecsh.cloud.oec_log_info
  - module: oecsh.cloud.oec_webhook
  - module: oecsh.cloud.oec_webhook_info
  - module: oecsh.cloud.oec_organization_info
  - module: oecsh.cloud.oec_server_info
"""

EXAMPLES = r"""
- name: Find the backups that can be restored, the newest first
  oecsh.cloud.oec_backup_info:
    project: Client ERP
    environment: production
    status: completed
  register: restorable

- name: Restore the newest one, but not what an earlier restore has overwritten
  oecsh.cloud.oec_backup_restore:
    backup_id: "{{ (restorable.backups | rejectattr('backup_type', 'match', '(?i)pre_restore') | first).id }}"
    # A person has typed Client ERP/production into a survey.
    confirm: "{{ restore_confirm }}"
  register: restored

- name: Show the address
  ansible.builtin.debug:
    msg: "{{ restored.environment.url }} is as of {{ restored.backup.completed_at }}"

- name: Back up a staging before an update
  oecsh.cloud.oec_backup:
    project: Client ERP
    name: staging
    notes: Before the update
  register: before

- name: Deploy it, and restore it if that fails
  block:
    - name: Deploy
      oecsh.cloud.oec_deployment:
        project: Client ERP
        name: staging
        update_modules: [all]
  rescue:
    - name: Restore the database and the files; the code that is deployed stays the new one
      oecsh.cloud.oec_backup_restore:
        backup_id: "{{ before.backups[0].backup.id }}"
        confirm: Client ERP/staging

- name: Restore a client from a backup that a person has chosen
  oecsh.cloud.oec_backup_restore:
    backup_id: 4f6d21b9-8c05-4e7a-b3d9-a1e05c72f848
    confirm: "{{ restore_confirm }}"
    wait_timeout: 7200

# Ad hoc, with OECSH_API_KEY in the environment; without confirm it says what would be lost:
#   ansible localhost -m oecsh.cloud.oec_backup_restore -a 'backup_id=4f6d21b9-8c05-4e7a-b3d9-a1e05c72f848' --check
"""

RETURN = r"""
environment:
  description:
    - The environment after the task, as M(oecsh.cloud.oec_environment) returns it. In check mode, and with O(wait=false), as it was before.
  returned: success, and failure after planning
  type: dict
backup:
  description:
    - The backup, with the fields of M(oecsh.cloud.oec_backup_info), and without links.
  returned: success, and failure after planning
  type: dict
  sample:
    id: 4f6d21b9-8c05-4e7a-b3d9-a1e05c72f848
    environment_id: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3
    task_id: 71c0b8de-52a4-4f0e-9d13-c6a8e4b20f95
    status: completed
    backup_type: manual
    database_size: 188743680
    filestore_size: 52428800
    total_size: 241172480
    compressed_size: 101711872
    started_at: "2026-11-20T02:00:04Z"
    completed_at: "2026-11-20T02:02:31Z"
    duration_seconds: 147
    retention_type: monthly
    expires_at: "2026-12-20T02:02:31Z"
    is_verified: false
    verified_at: null
    error_message: null
    notes: Before the update to 18.2
    created_at: "2026-11-20T02:00:01Z"
    environment_snapshot: null
task:
  description:
    - The restore, which is a task of oec.sh, as M(oecsh.cloud.oec_environment) returns it. V(null) in check mode, or if it could not be started.
    - If it was not waited for, only its id and its status.
  returned: success, and failure after planning
  type: dict
log:
  description: The last 20 lines of its log, if it failed. Otherwise empty.
  returned: success, and failure after planning
  type: list
  elements: str
diff:
  description: What was overwritten, or in check mode would be. C(before), C(after), C(before_header) and C(after_header), for people.
  returned: success, and failure after planning, in diff mode
  type: dict
  sample:
    before: |
      database_and_files: of now
    after: |
      database_and_files: "of 2026-11-20T02:02:31Z"
      backup: 4f6d21b9-8c05-4e7a-b3d9-a1e05c72f848
    before_header: environment 'production' of project 'Client ERP'
    after_header: environment 'production' of project 'Client ERP'
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import WAIT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import BACKUP_REDACTION
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup_restore import (
    RESTORE_OPTIONS,
    restore_backup,
)


def main() -> None:
    run(restore_backup, {**RESTORE_OPTIONS, **WAIT_OPTIONS}, BACKUP_REDACTION)


if __name__ == "__main__":
    main()
