#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_environment
short_description: Create, update, start, stop or delete an environment on oec.sh
version_added: 1.0.0
description:
  - An environment is one running Odoo of a project, with its database and files, such as a production and a staging.
  - Creates, changes, starts, stops or deletes it to match the options. If it matches already, nothing is written.
  - Creating an environment starts its first deployment. Changing one never deploys. RV(pending) names the options that take effect
    with the next deployment or restart. Deploy with M(oecsh.cloud.oec_deployment).
  - If the first deployment fails, the module fails. A further run does not deploy again. It succeeds, and warns that the last task has failed.
  - An environment is created once, even if the task is run again, run by several jobs at once, or if a response is lost.
    Only two different declarations of one name at the same moment can still create two environments.
  - An option that is omitted or empty leaves its field unchanged.
  - The API does not return what O(environment_type), O(postgres_version), O(enable_pgtune), O(enable_pgbouncer), O(enable_read_replica) and
    O(with_demo_data) are set to. They are sent when the environment is created. Later they are not compared, and changing them has no effect.
  - Creating, starting, stopping and deleting are tasks of oec.sh, which take from seconds to minutes. If another task of the environment is running,
    the module waits for that one first, and then decides anew what to do. With O(wait=false), it fails if that task is in the way.
  - If waiting takes longer than O(wait_timeout), the module fails. RV(ignore:changed) is then V(true) if it has changed or started something.
  - For an environment that matches, the module sends two requests (the projects and the environments of one), and a third if O(server) is a name.
    With O(state=started) and O(state=stopped) it also looks whether a task is running, which takes two more, in check mode too.
    With O(environment_id), it sends one.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.changes
  - oecsh.cloud.beyond_reference
  - oecsh.cloud.wait
options:
  state:
    description:
      - V(present) creates the environment if it is missing, and otherwise changes what differs. If it is being deployed, that deployment is
        waited for, and the module fails if it fails.
      - V(started) and V(stopped) need an environment that exists. One that has the state already is left as it is. Only one that is stopped can
        be started, and only one that runs can be stopped. Other options are changed before that.
      - V(absent) destroys the environment with its database and files. Only a backup can bring them back, see O(absent_backup_max_age).
      - An environment that was paused by oec.sh can neither be started nor stopped.
    type: str
    choices: [present, absent, started, stopped]
    default: present
  name:
    description:
      - The exact name of the environment. At most 255 characters, without whitespace around it. Required to create one.
      - The environment is found by it in O(project), unless O(environment_id) is set. If several have the name, the module fails.
      - A name that the project does not have yet, such as a misspelled one, declares another environment. Check mode shows that it would be created.
      - Together with O(environment_id), the environment is renamed if its name differs. If another one of the project has the name, the module fails.
      - With O(state=absent) and O(environment_id), both must be those of one environment. Otherwise the module fails, and deletes nothing.
    type: str
  environment_id:
    description:
      - The UUID of the environment. O(project) is not needed then. Unless O(state=absent), the environment must exist. So none is created.
    type: str
    aliases: [id]
  project:
    description:
      - The name or the UUID of the project. Required, unless O(environment_id) is set.
      - An environment cannot be moved. If that of O(environment_id) is in another project, the module fails.
    type: str
    aliases: [project_id]
  server:
    description:
      - The name or the UUID of the server to create the environment on. The default of a new environment is the server of the project.
      - The API cannot move an environment. If an existing one is on another server, the module fails before it changes anything.
    type: str
    aliases: [server_id]
  branch:
    description:
      - The branch to deploy. At most 255 characters. The default of a new environment is the default branch of the project.
      - A commit, or a reference such as C(refs/pull/7/head), is rejected.
    type: str
  domain:
    description:
      - The host name of the environment, such as V(erp.example.com), beside the address that oec.sh gives it. Upper and lower case are the same.
      - Let the domain lead to oec.sh in the DNS first. RV(environment.custom_domain_verified) says whether oec.sh has found that.
      - An empty value leaves the domain unchanged. O(remove_domain) removes it.
    type: str
    aliases: [custom_domain]
  remove_domain:
    description: Whether to remove the domain. Not together with O(domain).
    type: bool
    default: false
  cpu_cores:
    description: How many CPU cores it gets, from 0.25 to 32.
    type: float
  ram_mb:
    description: How much RAM it gets in megabytes, from 256 to 131072.
    type: int
  disk_gb:
    description: How much disk it gets in gigabytes, from 1 to 1000.
    type: int
  environment_type:
    description: What a new environment is for. Not compared afterwards.
    type: str
    choices: [development, staging, production]
    default: development
  postgres_version:
    description: The major version of PostgreSQL of a new environment, such as V(16). Quote it. Not compared afterwards.
    type: str
  enable_pgtune:
    description: Whether the PostgreSQL of a new environment is tuned for its size. Not compared afterwards.
    type: bool
  enable_pgbouncer:
    description: Whether a new environment has a PgBouncer. Not compared afterwards.
    type: bool
  enable_read_replica:
    description: Whether a new environment has a read replica of its database. Not compared afterwards.
    type: bool
  with_demo_data:
    description:
      - Whether the database of a new environment has the demo data of Odoo. Not compared afterwards.
      - If the option is omitted, one with O(environment_type=development) has them, and others have not.
    type: bool
  absent_backup_max_age:
    description:
      - How old the newest completed backup may be with O(state=absent), in seconds or as V(90m), V(24h) or V(7d).
      - If there is none that is fresh enough, the module fails with the code C(backup_required), and deletes nothing. A backup that has
        expired, or whose time is in the future, does not count.
      - V(0) deletes the environment without looking for a backup.
    type: str
    default: 24h
notes:
  - Older versions of the API hide an environment that is stopped, paused or failed. It then looks as if it did not exist. If it is given by
    O(project) and O(name), O(state=present) could create a second one, O(state=absent) reports it as deleted, and O(state=started) fails.
    Set O(environment_id) instead. O(state=started), O(state=stopped) and O(state=absent) then work, and O(state=present) fails.
    If an environment is to be created in a project that has more environments than are listed, the module warns.
seealso:
  - module: oecsh.cloud.oec_environment_info
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
- name: Provision the project of a client
  oecsh.cloud.oec_project:
    name: Client ERP
    server: production-fsn1
    git_repo_url: https://github.com/acme/client-erp
    odoo_version: "18.0"

- name: Provision its production, and wait until Odoo runs
  oecsh.cloud.oec_environment:
    project: Client ERP
    name: production
    environment_type: production
    branch: main
    cpu_cores: 2
    ram_mb: 4096
    disk_gb: 40
  register: production

- name: Show the address
  ansible.builtin.debug:
    msg: "{{ production.environment.url }}"

- name: Give it a domain and more memory
  oecsh.cloud.oec_environment:
    project: Client ERP
    name: production
    domain: erp.example.com
    ram_mb: 8192
  register: resized

- name: Restart it if something takes effect only then
  oecsh.cloud.oec_deployment:
    environment_id: "{{ resized.environment.id }}"
    method: restart
  when: resized.pending | length > 0

- name: Stop the staging in the evening
  oecsh.cloud.oec_environment:
    project: Client ERP
    name: staging
    state: stopped

- name: Start it in the morning
  oecsh.cloud.oec_environment:
    project: Client ERP
    name: staging
    state: started

- name: Find the stagings of all clients that run
  oecsh.cloud.oec_environment_info:
    name: staging
    status: running
  register: stagings

- name: Stop them
  oecsh.cloud.oec_environment:
    environment_id: "{{ item.id }}"
    state: stopped
  loop: "{{ stagings.environments }}"
  loop_control:
    label: "{{ item.project_name }}"

- name: Delete an environment that has a backup of the last two hours
  oecsh.cloud.oec_environment:
    project: Client ERP
    name: staging
    state: absent
    absent_backup_max_age: 2h

- name: Delete an environment, and say what to do if it has no backup
  block:
    - name: Delete it
      oecsh.cloud.oec_environment:
        project: Client ERP
        name: staging
        state: absent
      register: removal
  rescue:
    - name: Say what to do
      ansible.builtin.fail:
        msg: "{{ removal.msg }}{{ ' Ask the client first.' if removal.error.code == 'backup_required' else '' }}"

- name: Rename an environment
  oecsh.cloud.oec_environment:
    environment_id: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3
    name: production-eu

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_environment -a 'project="Client ERP" name=staging state=stopped' --check --diff
"""

RETURN = r"""
environment:
  description:
    - The environment after the task, as the API returns it. V(null) once it is absent.
    - In check mode the same, except for what the server assigns. Of an environment to be created, RV(environment.id), RV(environment.url),
      RV(environment.last_commit), RV(environment.created_at), RV(environment.updated_at) and the sizes that are not
      declared are V(null).
  returned: success, and failure after planning
  type: dict
  contains:
    id:
      description: The UUID of the environment.
      type: str
      returned: always
      sample: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3
    name:
      description: Its name.
      type: str
      returned: always
      sample: production
    status:
      description:
        - What it does. V(pending) (nothing is deployed yet), V(deploying), V(running), V(stopped), V(paused) (by oec.sh), V(error) or V(failed)
          (its last task failed), V(cloning), V(destroying), or a word of a newer version of the API.
      type: str
      returned: always
      sample: running
    url:
      description: The address of its Odoo, or V(null).
      type: str
      returned: always
      sample: https://client-erp-production.apps.oec.sh
    odoo_version:
      description: The Odoo version, or V(null).
      type: str
      returned: always
      sample: "18.0"
    branch:
      description: The branch of its next deployment, or V(null).
      type: str
      returned: always
      sample: main
    last_commit:
      description: The commit that is deployed, or V(null).
      type: str
      returned: always
      sample: 9be1d04
    cpu_cores:
      description: Its share of CPU cores, or V(null).
      type: float
      returned: always
      sample: 1.5
    ram_mb:
      description: Its RAM in megabytes, or V(null).
      type: int
      returned: always
      sample: 3072
    disk_gb:
      description: Its disk in gigabytes, or V(null).
      type: int
      returned: always
      sample: 25
    project_id:
      description: The UUID of its project.
      type: str
      returned: always
      sample: 3fa85f64-5717-4562-b3fc-2c963f66afa6
    server_id:
      description: The UUID of the server it is on, or V(null).
      type: str
      returned: always
      sample: 8e4f2a1c-1234-5678-abcd-ef0123456789
    custom_domain:
      description: Its own domain, or V(null).
      type: str
      returned: always
      sample: erp.example.com
    custom_domain_verified:
      description: Whether oec.sh has found that the domain leads to it.
      type: bool
      returned: always
      sample: true
    created_at:
      description: When it was created, in ISO 8601.
      type: str
      returned: always
      sample: "2026-11-02T07:41:09Z"
    updated_at:
      description: When it was last changed, in ISO 8601.
      type: str
      returned: always
      sample: "2026-11-20T16:03:55Z"
pending:
  description:
    - The options of an existing environment that were changed, or in check mode would be changed, and that take effect with its next deployment
      or restart. A new branch needs a deployment.
    - Only those that this task changed. The API does not tell what an earlier task has left pending.
  returned: success, and failure after planning
  type: list
  elements: str
  sample: [branch, ram_mb]
task:
  description:
    - The task of oec.sh that was started or waited for, or V(null) if there was none. V(null) in check mode.
    - If it was not waited for, only its id and its status.
  returned: success, and failure after planning
  type: dict
  contains:
    id:
      description: The UUID of the task.
      type: str
      returned: always
      sample: c8a05f13-6e7d-4b92-a4c1-3f2b9e8d7061
    type:
      description: What it does, such as V(deploy), V(restart), V(start), V(stop), V(backup) or V(destroy).
      type: str
      returned: once it was read
      sample: deploy
    status:
      description: V(pending), V(queued), V(running), V(completed), V(failed) or V(cancelled).
      type: str
      returned: always
      sample: completed
    environment_id:
      description: The UUID of its environment.
      type: str
      returned: once it was read
      sample: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3
    progress_percent:
      description: How much of it is done.
      type: int
      returned: once it was read
      sample: 100
    current_step:
      description: Its current or last step, or V(null) if it has not started.
      type: str
      returned: once it was read
      sample: health_check
    steps_completed:
      description: How many of its steps are done.
      type: int
      returned: once it was read
      sample: 11
    total_steps:
      description: How many steps it has.
      type: int
      returned: once it was read
      sample: 11
    started_at:
      description: When it started, in ISO 8601, or V(null). A failed task that never started has done nothing.
      type: str
      returned: once it was read
      sample: "2026-11-20T16:00:41Z"
    completed_at:
      description: When it ended, in ISO 8601, or V(null).
      type: str
      returned: once it was read
      sample: "2026-11-20T16:03:52Z"
    duration_seconds:
      description: How long it took, or V(null).
      type: int
      returned: once it was read
      sample: 191
    error_message:
      description: Why it failed, in the words of oec.sh, or V(null).
      type: str
      returned: once it was read
log:
  description: The last 20 lines of the log of a task that failed. Otherwise empty.
  returned: success, and failure after planning
  type: list
  elements: str
diff:
  description:
    - What was changed, or in check mode would be changed. C(before), C(after), C(before_header) and C(after_header).
    - For people, as M(oecsh.cloud.oec_project) describes it. What the API never returns stands in it when it is set.
  returned: success, and failure after planning, in diff mode
  type: dict
  sample:
    before: |
      name: production
      status: running
      branch: main
    after: |
      name: production
      status: running
      branch: release/18.0
    before_header: environment 'Client ERP/production'
    after_header: environment 'Client ERP/production'
error:
  description: What went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import WAIT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_ensure import (
    ENVIRONMENT_OPTIONS,
    ensure_environment,
)


def main() -> None:
    run(ensure_environment, {**ENVIRONMENT_OPTIONS, **WAIT_OPTIONS}, ENVIRONMENT.redaction)


if __name__ == "__main__":
    main()
