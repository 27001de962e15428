#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_deployment
short_description: Deploy, update or restart environments on oec.sh
version_added: 1.0.0
description:
  - Deploys one environment, or many at once, waits for all of them, and reports what came of each.
  - Without O(since) and O(commit), each run deploys again. With O(since), a further run resumes the first one. What is done is left alone,
    what failed is tried again, and what still runs is waited for.
  - One deployment of an environment runs at a time. If one is running already, and it has the declared branch and started after O(since) or after
    this run, it is adopted, which means that it is waited for and counts as this one. Any other task of the environment is waited for, and then the
    module decides anew what to do. With O(wait=false), that environment fails instead.
  - After a deployment the environment must be running, with the branch that was deployed. Its status and commit may lag up to a minute behind.
    Otherwise it fails with the code C(wrong_state), or C(commit_mismatch).
  - An environment that cannot be found rejects all of them before the first write. A deployment that fails does not stop the others, see O(stop_after).
    The module then fails at its end, and still reports every environment.
  - If a deployment takes longer than O(wait_timeout), its outcome is V(still_running), and the module fails. RV(ignore:changed) is then V(true).
    Wait for it with M(oecsh.cloud.oec_task_info), or run the same again with O(since).
  - Each environment costs two requests for reading, and each list of environments of a project one. What is deployed costs one request for writing,
    another one if its branch changes, and about six a minute for waiting.
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
      - Without O(since) and O(commit) it deploys each time.
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
      - The environments to deploy, instead of O(project), O(name) and O(environment_id). An empty list deploys nothing.
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
      branch:
        description: The branch to deploy. By default, O(branch) for all of them.
        type: str
      commit:
        description: The commit to which its deployment must lead. By default, O(commit) for all of them.
        type: str
      update_modules:
        description: The modules to update. By default, O(update_modules) for all of them.
        type: list
        elements: str
  method:
    description:
      - V(deploy) pulls the code, rebuilds the environment, updates O(update_modules) and restarts it. It also works after a failed deployment,
        and starts an environment that is stopped.
      - V(quick_update) pulls the code, updates O(update_modules) and restarts Odoo, without a rebuild. The environment must be running.
      - V(restart) restarts Odoo, and pulls no code. The environment must be running.
      - Each of them interrupts Odoo for a short time.
    type: str
    choices: [deploy, quick_update, restart]
    default: deploy
  branch:
    description:
      - The branch to deploy, with O(method=deploy). It is saved in the environment first, if it differs. By default, the saved one is deployed.
      - A commit, or a reference such as C(refs/pull/7/head), is rejected.
    type: str
  commit:
    description:
      - The commit to which the deployment must lead, as 7 to 64 hexadecimal digits. Quote it, so that YAML does not read it as a number.
      - It does not choose what is deployed. That is always the newest commit of the branch, which is compared only when it runs.
      - An environment that runs at this commit already, with the declared branch, is left alone. If a deployment leads to another commit, it fails
        with the code C(commit_mismatch). That needs O(wait=true).
      - Not with O(method=restart).
    type: str
  update_modules:
    description:
      - The names of up to 50 Odoo modules to update, or V(all) alone. By default, none is updated.
      - Not with O(method=restart).
      - The API does not tell which modules a deployment updates. If one is adopted, the module warns that this is not known.
    type: list
    elements: str
  since:
    description:
      - The moment from which on a deployment counts, in ISO 8601, such as V(2026-11-28T20:00:00Z). Quote it. Without a time zone it is UTC.
      - An environment is left alone if its newest deployment has started at that moment or later, and has completed, and if the declared branch is saved.
        If O(commit) is set as well, both must hold. A deployment without a time of its start counts by its end.
      - If an environment that is left alone does not run, the module warns.
      - Keep the value while a release goes on. The current time, computed anew by each run, would deploy each time.
      - With O(method=deploy) only, as the API lists no other tasks. A moment in the future is rejected, by the clock of the API.
    type: str
  parallel:
    description: How many deployments may run at once. With O(wait=false) all are started at once.
    type: int
    default: 4
  parallel_per_server:
    description: How many of them may run at once on one server. With O(wait=false) all are started at once.
    type: int
    default: 2
  stop_after:
    description:
      - After so many failures nothing more is started. What runs is waited for, and the rest has the outcome V(skipped). V(0) means never.
      - If the API rejects the key, the account or the address, nothing more is started in any case.
    type: int
    default: 0
  log_lines:
    description: How many of the last lines of the log are returned of a task that failed, from 0 to 1000.
    type: int
    default: 20
notes:
  - Older versions of the API hide an environment that is stopped, paused or failed. It then looks as if it did not exist, and cannot be deployed
    with this module.
seealso:
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
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
- name: Deploy the production of a client
  oecsh.cloud.oec_deployment:
    project: Client ERP
    name: production

- name: Deploy a branch, and update all modules
  oecsh.cloud.oec_deployment:
    project: Client ERP
    name: production
    branch: release/2026.11
    update_modules: [all]

- name: Deploy until one commit runs; if it runs already, do nothing
  oecsh.cloud.oec_deployment:
    project: Client ERP
    name: production
    branch: main
    commit: "9be1d04c2f"

- name: Pull the code without a rebuild, and update two modules
  oecsh.cloud.oec_deployment:
    project: Client ERP
    name: staging
    method: quick_update
    update_modules: [sale_custom, stock_custom]

- name: Restart Odoo
  oecsh.cloud.oec_deployment:
    project: Client ERP
    name: production
    method: restart

- name: Find the productions of all clients
  oecsh.cloud.oec_environment_info:
    name: production
  register: productions

- name: Release to all of them; to go on after a failure, run the same again
  oecsh.cloud.oec_deployment:
    environments: "{{ dict(ids | zip(names)) | dict2items(key_name='environment_id', value_name='name') }}"
    branch: release/2026.11
    update_modules: [all]
    since: "2026-11-28T20:00:00Z"
    parallel: 8
    parallel_per_server: 2
    stop_after: 3
  register: release
  vars:
    ids: "{{ productions.environments | map(attribute='id') }}"
    names: "{{ productions.environments | map(attribute='name') }}"

- name: Deploy all but one of them, each with the branch that it has
  oecsh.cloud.oec_deployment:
    environments: "{{ dict(ids | zip(names)) | dict2items(key_name='environment_id', value_name='name') }}"
  vars:
    chosen: "{{ productions.environments | rejectattr('project_name', 'eq', 'Client ERP') }}"
    ids: "{{ chosen | map(attribute='id') }}"
    names: "{{ chosen | map(attribute='name') }}"

- name: Show who has it
  ansible.builtin.debug:
    msg: "{{ item.project }} {{ item.outcome }} {{ item.commit_before }} -> {{ item.commit }}"
  loop: "{{ release.deployments }}"
  loop_control:
    label: "{{ item.project }}"

- name: Deploy, and give what still runs another hour
  block:
    - name: Deploy two clients
      oecsh.cloud.oec_deployment:
        environments:
          - project: Client ERP
            name: production
          - project: Bakery ERP
            name: production
            branch: release/17.0
      register: two
  rescue:
    - name: Wait for what still runs
      oecsh.cloud.oec_task_info:
        task_ids: "{{ two.deployments | selectattr('outcome', 'eq', 'still_running') | map(attribute='task') | select | map(attribute='id') }}"
        wait: true
        wait_timeout: 3600
      when: two.error.code == 'wait_timeout'

    - name: Fail with anything else
      ansible.builtin.fail:
        msg: "{{ two.msg }}"
      when: two.error.code != 'wait_timeout'

- name: Start a deployment, and wait for it in the next node of an AWX workflow
  oecsh.cloud.oec_deployment:
    project: Client ERP
    name: production
    wait: false
  register: started

- name: Hand the id of its task on to the next node
  ansible.builtin.set_stats:
    data:
      deployment_task_ids: "{{ started.deployments | map(attribute='task') | select | map(attribute='id') }}"

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_deployment -a 'project="Client ERP" name=production update_modules=all'
"""

RETURN = r"""
deployments:
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
        - What came of it, or in check mode would come of it. V(completed) then means that a deployment would be started.
        - V(completed), V(adopted) (completed, but started by somebody else or by an earlier run), V(started) (and not waited for), V(not_needed),
          V(failed), V(cancelled), V(never_started) (failed before anything was done), V(still_running) (after O(wait_timeout)),
          or V(skipped) (not tried, because of the failures of others).
        - With O(wait=false), what is V(adopted) still runs.
      type: str
      returned: always
      sample: completed
    changed:
      description: Whether something was changed or started.
      type: bool
      returned: always
      sample: true
    task:
      description:
        - The task of oec.sh, as M(oecsh.cloud.oec_environment) returns it, or V(null) if there is none.
        - With the outcome V(not_needed), the newest deployment. V(null) in check mode if something would be started.
      type: dict
      returned: always
    error:
      description: Why it failed, as M(oecsh.cloud.oec_project) describes it, or V(null).
      type: dict
      returned: always
    log:
      description: The last lines of the log of a task that failed. Otherwise empty.
      type: list
      elements: str
      returned: always
    commit_before:
      description: The commit that was deployed before, or V(null).
      type: str
      returned: always
      sample: 9be1d04
    commit:
      description:
        - The commit that is deployed after the task, or V(null).
        - In check mode, if it would be deployed, the option O(commit), or else V(null), as the API tells the newest commit only after a deployment.
      type: str
      returned: always
      sample: 4af20c7
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
    - One entry with C(before), C(after), C(before_header) and C(after_header) for each environment that is deployed, or in check mode would be deployed.
    - For people, with the branch and the commit of both sides.
  returned: success, and failure after planning, in diff mode
  type: list
  elements: dict
  sample:
    - before: |
        branch: main
        commit: 9be1d04
      after: |
        branch: release/2026.11
        commit: (newest of release/2026.11)
        method: deploy
      before_header: environment 'production' of project 'Client ERP'
      after_header: environment 'production' of project 'Client ERP'
error:
  description:
    - The first failure, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
    - With several environments, its details have C(environment), C(code) and C(message) of each failure.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import WAIT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.deployment import (
    DEPLOYMENT_REDACTION,
    deploy_environments,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.deployment_order import DEPLOYMENT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_selection import SELECTION_CHECKS


def main() -> None:
    run(deploy_environments, {**DEPLOYMENT_OPTIONS, **WAIT_OPTIONS}, DEPLOYMENT_REDACTION, **SELECTION_CHECKS)


if __name__ == "__main__":
    main()
