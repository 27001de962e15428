#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_backup_info
short_description: List backups of an environment on oec.sh
version_added: 1.0.0
description:
  - Returns the backups of one environment, or those that match every given filter, the newest first. Or one backup by its id.
  - An empty filter counts as omitted.
  - Never returns the links by which a backup can be downloaded, as they give all data to whoever has them.
  - With O(environment_id) alone, the environment itself is not read. So the backups of one that was deleted can be listed as well.
  - Sends one request for each 100 backups, beside those that find the environment.
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
    description: The exact name of the environment. If several environments of the project have it, the module fails.
    type: str
    aliases: [name]
  environment_id:
    description: The UUID of the environment, instead of O(project) and O(environment). It may be that of a deleted one.
    type: str
    aliases: [id]
  backup_id:
    description: The backup with this UUID, instead of the options that name an environment.
    type: str
  status:
    description:
      - Backups with this status, such as V(completed) or V(failed). Upper and lower case are the same.
      - V(running) and V(in_progress) are two words for the same status.
    type: str
  backup_type:
    description: Backups of this type, such as V(manual), V(scheduled) or V(pre_restore). Upper and lower case are the same.
    type: str
  newer_than:
    description: Backups that were completed at most so long ago, in seconds or as V(90m), V(24h) or V(7d), by the clock of the API.
    type: str
seealso:
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_projects
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_deployment
  - module: oecsh.cloud.oec_backup
  - module: oecsh.cloud.oec_backup_restore
  - module: oecsh.cloud.oec_task_info
  - module: oecsh.cloud.oec_log_info
  - module: oecsh.cloud.oec_webhook
  - module: oecsh.cloud.oec_webhook_info
  - module: oecsh.cloud.oec_organization_info
  - module: oecsh.cloud.oec_server_info
"""

EXAMPLES = r"""
- name: List the backups of an environment that can be restored
  oecsh.cloud.oec_backup_info:
    project: Client ERP
    environment: production
    status: completed
  register: restorable

- name: Show when they were taken, and why
  ansible.builtin.debug:
    msg: "{{ item.completed_at }} {{ item.backup_type }} {{ item.notes or '' }}"
  loop: "{{ restorable.backups }}"
  loop_control:
    label: "{{ item.id }}"

- name: Look for a backup of the last day
  oecsh.cloud.oec_backup_info:
    project: Client ERP
    environment: production
    status: completed
    newer_than: 24h
  register: recent

- name: Check that there is one
  ansible.builtin.assert:
    that: recent.backups | length > 0
    fail_msg: The production of Client ERP has no backup of the last day.

- name: List what is left of an environment that was deleted
  oecsh.cloud.oec_backup_info:
    environment_id: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_backup_info -a 'project="Client ERP" environment=production newer_than=7d'
"""

RETURN = r"""
backups:
  description:
    - The matching backups, with the fields of the API unchanged, but without links. Empty if none matches.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The UUID of the backup.
      type: str
      returned: success
      sample: 4f6d21b9-8c05-4e7a-b3d9-a1e05c72f848
    environment_id:
      description: The UUID of its environment.
      type: str
      returned: success
      sample: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3
    task_id:
      description: The UUID of the task of oec.sh that takes it, or V(null).
      type: str
      returned: if the API returns it
      sample: c8a05f13-6e7d-4b92-a4c1-3f2b9e8d7061
    status:
      description:
        - V(pending), V(running) or V(in_progress), V(uploading) (to the storage), V(completed), V(failed), V(cancelled), V(expired),
          or a word of a newer version of the API.
      type: str
      returned: success
      sample: completed
    backup_type:
      description:
        - Why it was taken. V(manual) (as by M(oecsh.cloud.oec_backup)), V(scheduled), V(pre_deploy), V(pre_restore), V(pre_upgrade),
          V(pre_destroy), or another word.
      type: str
      returned: success
      sample: manual
    database_size:
      description: How many bytes its database has, or V(null) while that is not known.
      type: int
      returned: success
      sample: 188743680
    filestore_size:
      description: How many bytes its files have, or V(null) while that is not known.
      type: int
      returned: success
      sample: 52428800
    total_size:
      description: How many bytes both have, or V(null) while that is not known.
      type: int
      returned: success
      sample: 241172480
    compressed_size:
      description: How many bytes are stored, or V(null) while that is not known.
      type: int
      returned: success
      sample: 101711872
    started_at:
      description: When it was started, in ISO 8601, or V(null).
      type: str
      returned: success
      sample: "2026-11-20T02:00:04Z"
    completed_at:
      description: When it ended, in ISO 8601, or V(null).
      type: str
      returned: success
      sample: "2026-11-20T02:02:31Z"
    duration_seconds:
      description: How long it took, or V(null).
      type: int
      returned: success
      sample: 147
    retention_type:
      description: How long oec.sh keeps it. V(daily), V(weekly), V(monthly), V(yearly) or V(permanent).
      type: str
      returned: success
      sample: monthly
    expires_at:
      description: Until when oec.sh keeps it, in ISO 8601, or V(null).
      type: str
      returned: success
      sample: "2026-12-20T02:02:31Z"
    is_verified:
      description: Whether oec.sh has verified it. V(false) is normal for a new one.
      type: bool
      returned: success
      sample: false
    verified_at:
      description: When it was verified, in ISO 8601, or V(null).
      type: str
      returned: success
      sample: "2026-11-21T04:10:00Z"
    error_message:
      description: Why it failed, in the words of oec.sh, or V(null).
      type: str
      returned: success
      sample: No space left on the storage.
    notes:
      description: The notes that were given when it was taken, or V(null).
      type: str
      returned: success
      sample: Before the update to 18.2
    created_at:
      description: When it was requested, in ISO 8601.
      type: str
      returned: success
      sample: "2026-11-20T02:00:01Z"
    environment_snapshot:
      description: What oec.sh has noted about its environment, project and server when it was taken, or V(null).
      type: raw
      returned: if the API returns it
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import (
    BACKUP_FILTER_CHECKS,
    BACKUP_FILTERS,
    BACKUP_REDACTION,
    list_backups,
)


def main() -> None:
    run(list_backups, BACKUP_FILTERS, BACKUP_REDACTION, **BACKUP_FILTER_CHECKS)


if __name__ == "__main__":
    main()
