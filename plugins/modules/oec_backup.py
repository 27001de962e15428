#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_backup
short_description: Take backups of environments on oec.sh
version_added: 1.0.0
description:
  - Sees to it that one environment, or each of many, has a fresh backup of its database and files. Waits for all of them, and reports what came of each.
  - Without O(max_age), each run takes another backup. With O(max_age), an environment whose newest backup is not older than that is left alone.
    So a run that failed can be repeated, and takes only the backups that are still missing.
  - If a backup of an environment is running already, it is adopted, which means that it is waited for and counts as this one, also without O(max_age).
    One that has been running for more than 24 hours is taken for lost. The module then warns, and takes another one.
  - Any other task of the environment is waited for, and then the module decides anew what to do. With O(wait=false), that environment fails instead.
  - A backup is completed once it is stored. After its task has ended, the module waits for the upload too, both together up to O(wait_timeout).
  - A backup that has much less than the one before it may be worth nothing. The module warns then, see O(min_size_ratio).
  - An environment that cannot be found rejects all of them before the first write. A backup that fails does not stop the others, but if the API rejects
    the key, the account or the address, or does not respond three times in a row, nothing more is started.
    The module fails at its end, and still reports every environment.
  - If a backup takes longer than O(wait_timeout), its outcome is V(still_running), and the module fails with the code C(wait_timeout).
    RV(ignore:changed) is then V(true). Run the same again with O(max_age), which adopts it.
  - The projects cost one request for each 100, each environment that is given by its id one, or else each project of theirs one, and each list of
    backups one. What is taken costs one request for writing, about two more, and about six a minute for waiting.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.changes
  - oecsh.cloud.beyond_reference
  - oecsh.cloud.wait
attributes:
  idempotent:
    support: partial
    details:
      - Without O(max_age) it takes a backup each time.
options:
  project:
    description: The name or the UUID of the project. Required together with O(name).
    type: str
    aliases: [project_id]
  name:
    description: The exact name of the environment. If several environments of the project have it, the module fails.
    type: str
    aliases: [environment]
  environment_id:
    description: The UUID of the environment, instead of O(project) and O(name).
    type: str
    aliases: [id]
  environments:
    description:
      - The environments to back up, instead of O(project), O(name) and O(environment_id). An empty list backs up nothing.
      - The examples show how to make it of what M(oecsh.cloud.oec_environment_info) returns.
      - An environment may be listed once.
    type: list
    elements: dict
    suboptions:
      project:
        description: The name or the UUID of the project. Required together with O(environments[].name).
        type: str
        aliases: [project_id]
      name:
        description: The exact name of the environment.
        type: str
        aliases: [environment]
      environment_id:
        description: The UUID of the environment, instead of O(environments[].project) and O(environments[].name).
        type: str
        aliases: [id]
  max_age:
    description:
      - How old the newest completed backup may be, in seconds or as V(90m), V(24h) or V(7d), so that none is taken. It is counted from when that was
        completed, by the clock of the API.
      - Every completed backup counts, whoever has taken it, for whatever reason, and also one without files. One that has expired, or whose time is
        in the future, does not.
      - If the option is omitted, or V(0), a backup is taken each time.
    type: str
  include_filestore:
    description: Whether the backup has the files of Odoo, beside its database.
    type: bool
    default: true
  retention_type:
    description:
      - How long oec.sh keeps the backup. It is up to oec.sh how many days each of the words means.
      - It is always sent, as the API itself would keep the backup forever. The API cannot delete one.
    type: str
    choices: [daily, weekly, monthly, yearly, permanent]
    default: monthly
  storage_config_id:
    description:
      - The UUID of a storage configuration of the organization, to store the backup there. By default, it is stored in the default one.
      - The API does not list the storage configurations.
    type: str
  notes:
    description: Why the backup is taken, for people. At most 500 characters.
    type: str
  min_size_ratio:
    description:
      - If a backup has less than this share of the size of the completed one before it, from 0 to 1, the module warns, and RV(backups[].is_shrunken) is
        V(true). One that was not needed is looked at too.
      - The total sizes are compared. With O(include_filestore=false), those of the databases are.
      - If a backup has no data, or an empty database, the module warns in any case, also with V(0).
    type: float
    default: 0.5
  parallel:
    description: How many backups may be taken at once. With O(wait=false) all are started at once.
    type: int
    default: 4
  wait:
    description:
      - Whether to wait until each backup is stored.
      - With V(false), run the module again later with O(max_age). It waits for the backups that were started.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for each task of oec.sh, from 1 to 2592000, which is 30 days.
      - When the time is over, the module fails with the code C(wait_timeout). The backup goes on. Run the module again with O(max_age), which waits
        for this backup, and takes no second one.
      - The environment variable E(OECSH_WAIT_TIMEOUT) is used if the option is omitted.
    type: int
    default: 1800
notes:
  - The API has no idempotency key for this. If a response is lost, the module never sends the request again. It looks for about ten seconds whether
    a new backup appears in the list, and waits for that. If there is none, the module fails with the code C(no_response), and
    RV(ignore:changed) is V(true), as it may still begin. Run the same again with O(max_age).
  - Without a storage for backups, the API rejects the request, and the code is C(rejected). A plan may also limit how many backups there are.
    An older version of the API that cannot take backups leads to the code C(unsupported).
  - Older versions of the API hide an environment that is stopped, paused or failed. It then looks as if it did not exist, and is not backed up.
seealso:
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_projects
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_deployment
  - module: oecsh.cloud.oec_backup_info
  - module: oecsh.cloud.oec_backup_restore
  - module: oecsh.cloud.oec_task_info
  - module: oecsh.cloud.oec_log_info
  - module: oecsh.cloud.oec_webhook
  - module: oecsh.cloud.oec_webhook_info
  - module: oecsh.cloud.oec_organization_info
  - module: oecsh.cloud.oec_server_info
"""

EXAMPLES = r"""
- name: Back up the production of a client before a change
  oecsh.cloud.oec_backup:
    project: Client ERP
    name: production
    notes: Before the import of the price list

- name: See to it that it has a backup of the last two hours, and deploy then
  oecsh.cloud.oec_backup:
    project: Client ERP
    name: production
    max_age: 2h

- name: Deploy
  oecsh.cloud.oec_deployment:
    project: Client ERP
    name: production
    update_modules: [all]

- name: Back up one client each night, and keep that for a short time
  oecsh.cloud.oec_backup:
    project: Client ERP
    name: production
    max_age: 20h
    retention_type: daily

- name: Find the productions of all clients
  oecsh.cloud.oec_environment_info:
    name: production
  register: productions

- name: Back up all of them each night; to go on after a failure, run the same again
  oecsh.cloud.oec_backup:
    environments: "{{ dict(ids | zip(names)) | dict2items(key_name='environment_id', value_name='name') }}"
    max_age: 20h
    parallel: 8
  register: nightly
  vars:
    ids: "{{ productions.environments | map(attribute='id') }}"
    names: "{{ productions.environments | map(attribute='name') }}"

- name: Show what came of each
  ansible.builtin.debug:
    msg: "{{ item.project }} {{ item.outcome }} {{ item.backup.completed_at }}"
  loop: "{{ nightly.backups }}"
  loop_control:
    label: "{{ item.project }}"

- name: Check that no backup has much less than the one before it
  ansible.builtin.assert:
    that: nightly.backups | selectattr('is_shrunken') | length == 0
    fail_msg: "{{ nightly.backups | selectattr('is_shrunken') | map(attribute='project') | join(', ') }}"

- name: Back up only the database, and go on without waiting
  oecsh.cloud.oec_backup:
    project: Client ERP
    name: staging
    include_filestore: false
    retention_type: weekly
    wait: false
  register: started

- name: Wait for it later, by the same way that finds it fresh
  oecsh.cloud.oec_backup:
    environment_id: "{{ started.backups[0].environment_id }}"
    max_age: 1h

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_backup -a 'project="Client ERP" name=production max_age=2h'
"""

RETURN = r"""
backups:
  description: One entry for each environment, in the order of the list.
  returned: success, and failure after planning
  type: list
  elements: dict
  contains:
    project:
      description: The name of the project.
      type: str
      returned: always
      sample: Client ERP
    environment:
      description: The name of the environment.
      type: str
      returned: always
      sample: production
    environment_id:
      description: The UUID of the environment.
      type: str
      returned: always
      sample: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3
    outcome:
      description:
        - What came of it, or in check mode would come of it. V(completed) then means that a backup would be taken.
        - V(completed), V(adopted) (completed, but started by somebody else or by an earlier run), V(started) (and not waited for), V(not_needed)
          (there is a fresh one), V(failed), V(cancelled), V(never_started) (failed before anything was done), V(still_running) (after O(wait_timeout)),
          or V(skipped) (not tried, because of the failures of others).
        - With O(wait=false), what is V(adopted) still runs.
      type: str
      returned: always
      sample: completed
    changed:
      description: Whether a backup was taken, started or waited for. An adopted one counts.
      type: bool
      returned: always
      sample: true
    backup:
      description:
        - The backup that was taken, adopted or found, as the API returns it, or V(null) if there is none.
        - Right after it was started, such as with O(wait=false), the API may leave out some of the fields.
        - It never has the links by which it can be downloaded.
        - In check mode, if one would be taken, what is known of it. RV(backups[].backup.id) and whatever only the API knows is then V(null).
      type: dict
      returned: always
      contains:
        id:
          description: The UUID of the backup. V(null) in check mode.
          type: str
          returned: always
          sample: 4f6d21b9-8c05-4e7a-b3d9-a1e05c72f848
        environment_id:
          description: The UUID of its environment.
          type: str
          returned: always
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
          returned: always
          sample: completed
        backup_type:
          description:
            - Why it was taken. V(manual) (as by M(oecsh.cloud.oec_backup)), V(scheduled), V(pre_deploy), V(pre_restore), V(pre_upgrade),
              V(pre_destroy), or another word.
          type: str
          returned: always
          sample: manual
        database_size:
          description: How many bytes its database has, or V(null) while that is not known.
          type: int
          returned: always
          sample: 188743680
        filestore_size:
          description: How many bytes its files have, or V(null) while that is not known.
          type: int
          returned: always
          sample: 52428800
        total_size:
          description: How many bytes both have, or V(null) while that is not known.
          type: int
          returned: always
          sample: 241172480
        compressed_size:
          description: How many bytes are stored, or V(null) while that is not known.
          type: int
          returned: always
          sample: 101711872
        started_at:
          description: When it was started, in ISO 8601, or V(null).
          type: str
          returned: always
          sample: "2026-11-20T02:00:04Z"
        completed_at:
          description: When it ended, in ISO 8601, or V(null).
          type: str
          returned: always
          sample: "2026-11-20T02:02:31Z"
        duration_seconds:
          description: How long it took, or V(null).
          type: int
          returned: always
          sample: 147
        retention_type:
          description: How long oec.sh keeps it. V(daily), V(weekly), V(monthly), V(yearly) or V(permanent).
          type: str
          returned: always
          sample: monthly
        expires_at:
          description: Until when oec.sh keeps it, in ISO 8601, or V(null).
          type: str
          returned: always
          sample: "2026-12-20T02:02:31Z"
        is_verified:
          description: Whether oec.sh has verified it. V(false) is normal for a new one. V(null) in check mode.
          type: bool
          returned: always
          sample: false
        verified_at:
          description: When it was verified, in ISO 8601, or V(null).
          type: str
          returned: always
          sample: "2026-11-21T04:10:00Z"
        error_message:
          description: Why it failed, in the words of oec.sh, or V(null).
          type: str
          returned: always
          sample: No space left on the storage.
        notes:
          description: The notes that were given when it was taken, or V(null).
          type: str
          returned: always
          sample: Before the update to 18.2
        created_at:
          description: When it was requested, in ISO 8601. V(null) in check mode.
          type: str
          returned: always
          sample: "2026-11-20T02:00:01Z"
        environment_snapshot:
          description: What oec.sh has noted about its environment, project and server when it was taken, or V(null).
          type: raw
          returned: if the API returns it
    size_ratio:
      description:
        - The size of the backup, divided by that of the completed one before it, or V(null) if there is nothing to compare.
        - V(0.0) if it has no data, or an empty database.
      type: float
      returned: always
      sample: 1.004
    is_shrunken:
      description: Whether that is less than O(min_size_ratio), or the backup has no data.
      type: bool
      returned: always
      sample: false
    newest_completed_at:
      description: When the newest good backup of the environment was completed, as known after the task, in ISO 8601, or V(null) if there is none.
      type: str
      returned: always
      sample: "2026-11-20T02:02:31Z"
    task:
      description:
        - The task of oec.sh that takes it, as M(oecsh.cloud.oec_environment) returns it, or V(null) if there is none.
        - In check mode, and if it was not waited for, only its id is known. RV(ignore:backups[].task.status) is then V(null).
      type: dict
      returned: always
    error:
      description: Why it failed, as M(oecsh.cloud.oec_project) describes it, or V(null).
      type: dict
      returned: always
    log:
      description: The last 20 lines of the log of a task that failed. Otherwise empty.
      type: list
      elements: str
      returned: always
summary:
  description: How many environments have each outcome.
  returned: success, and failure after planning
  type: dict
  sample:
    completed: 76
    adopted: 1
    started: 0
    not_needed: 2
    failed: 1
    cancelled: 0
    never_started: 0
    still_running: 0
    skipped: 0
diff:
  description:
    - One entry with C(before), C(after), C(before_header) and C(after_header) for each environment of which a backup is taken or adopted, or in check mode
      would be. For people, with the time of the newest backup and what is sent.
  returned: success, and failure after planning, in diff mode
  type: list
  elements: dict
  sample:
    - before: |
        newest_backup: "2026-11-19T02:02:31Z"
      after: |
        newest_backup: "(new)"
        backup_type: manual
        include_filestore: true
        retention_type: monthly
      before_header: environment 'production' of project 'Client ERP'
      after_header: environment 'production' of project 'Client ERP'
error:
  description:
    - The first failure, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
    - With several environments, its details have C(project), C(environment), C(environment_id), C(code) and C(message) of each failure.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import WAIT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import BACKUP_REDACTION
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup_take import BACKUP_OPTIONS, take_backups
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_selection import SELECTION_CHECKS


def main() -> None:
    run(take_backups, {**BACKUP_OPTIONS, **WAIT_OPTIONS}, BACKUP_REDACTION, **SELECTION_CHECKS)


if __name__ == "__main__":
    main()
