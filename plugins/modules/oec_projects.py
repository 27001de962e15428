#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_projects
short_description: Manage many projects on oec.sh, and their environments, in one task
version_added: 1.0.0
description:
  - Reads the list of projects once, and the environments of each project that declares some. Plans everything, rejects before the first
    write what can be known to be wrong, and then applies it. Projects come first, then their environments, and at the end all tasks are
    waited for together.
  - A project or an environment that fails does not stop the others. The task then fails at its end, and still reports every one.
    The environments of a project that has failed are not tried.
  - If the API rejects the key, the account or the address, or does not respond three times in a row, the remaining projects are
    reported as failed with the code C(skipped), and nothing more is sent.
  - What the environments of an item mean, and which fields are compared, is that of M(oecsh.cloud.oec_environment). An environment that is
    in its declared state already is not asked whether a task of it is running.
  - The routes for environments are not in the published API reference. Without O(projects[].environments) none of them is used, but
    for a project that is to be deleted. Its environments are listed, and it is rejected if one of them runs or lacks a fresh backup.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.changes
  - oecsh.cloud.wait
options:
  projects:
    description:
      - The projects, each with the options of M(oecsh.cloud.oec_project).
      - A name may be declared twice only if each of the two has its O(projects[].project_id).
    type: list
    elements: dict
    required: true
    suboptions:
      state:
        description: Whether the project should exist. V(present) if neither the item nor O(defaults) has a state.
        type: str
        choices: [present, absent]
      name:
        description: The exact name of the project. At most 255 characters. Together with O(projects[].project_id) it renames the project.
        type: str
      previous_name:
        description:
          - If no project has O(projects[].name), and one has this name, that one is renamed. The option may stay.
        type: str
      allow_similar_name:
        description: Whether the name may differ from another one only in case, whitespace, the encoding of accents, or invisible characters.
        type: bool
        default: false
      project_id:
        description: The UUID of the project. With O(projects[].state=present) the project must exist.
        type: str
        aliases: [id]
      server:
        description: The name or the UUID of the server to create the project on. The API cannot move a project.
        type: str
        aliases: [server_id]
      git_repo_url:
        description:
          - The https URL of the Git repository. Credentials in it are sent unchanged and returned as V(***).
          - The API stores it as given. With and without the suffix C(.git) are different values, of which the declared one is sent.
        type: str
      default_branch:
        description: The branch to deploy from. At most 255 characters.
        type: str
      odoo_version:
        description: The Odoo version, such as V(17.0). Quote it. The API cannot change it. Whitespace around it is removed.
        type: str
      idempotency_key:
        description: The key by which the API recognizes a repeated create. Usually omit it.
        type: str
      absent_backup_max_age:
        description:
          - How old the newest completed backup of each environment may be that is deleted with the project, such as V(24h).
            V(24h) if neither the item nor O(defaults) has it. V(0) does not look for one.
        type: str
      environments:
        description:
          - The environments of the project, each with the options of M(oecsh.cloud.oec_environment), which describes them.
          - An environment that is not listed is left alone, whatever O(prune) says. An empty list declares nothing.
          - Not together with O(projects[].state=absent).
        type: list
        elements: dict
        suboptions:
          state:
            description: Whether it should exist, run or be stopped. V(present) if neither the item nor O(environment_defaults) has a state.
            type: str
            choices: [present, absent, started, stopped]
          name:
            description: The exact name of the environment. Together with O(projects[].environments[].environment_id) it renames the environment.
            type: str
          environment_id:
            description: The UUID of the environment, which must exist in this project.
            type: str
            aliases: [id]
          server:
            description: The name or the UUID of the server to create it on. By default that of the project.
            type: str
            aliases: [server_id]
          branch:
            description: The branch to deploy. By default the default branch of the project.
            type: str
          domain:
            description: Its own host name, such as V(erp.example.com).
            type: str
            aliases: [custom_domain]
          remove_domain:
            description: Whether to remove the domain.
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
            description: What a new environment is for. V(development) if it is set nowhere. Not compared afterwards.
            type: str
            choices: [development, staging, production]
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
            description: Whether the database of a new environment has the demo data of Odoo. Not compared afterwards.
            type: bool
          absent_backup_max_age:
            description: How old the newest completed backup of one to delete may be, such as V(24h). V(24h) if it is set nowhere. V(0) does not look for one.
            type: str
  defaults:
    description:
      - Options for every item that omits them, or has an empty value for them.
    type: dict
    suboptions:
      state:
        description: Whether the projects should exist.
        type: str
        choices: [present, absent]
      server:
        description: The name or the UUID of the server to create projects on.
        type: str
        aliases: [server_id]
      git_repo_url:
        description: The https URL of the Git repository.
        type: str
      default_branch:
        description: The branch to deploy from.
        type: str
      odoo_version:
        description: The Odoo version, such as V(17.0). Quote it.
        type: str
      absent_backup_max_age:
        description: How old a backup may be of what is deleted with a project, declared or pruned.
        type: str
  environment_defaults:
    description:
      - Options for every environment that omits them, or has an empty value for them.
    type: dict
    suboptions:
      state:
        description: Whether environments should exist, run or be stopped.
        type: str
        choices: [present, absent, started, stopped]
      server:
        description: The name or the UUID of the server to create it on. By default that of the project.
        type: str
        aliases: [server_id]
      branch:
        description: The branch to deploy. By default the default branch of the project.
        type: str
      domain:
        description: Its own host name, such as V(erp.example.com).
        type: str
        aliases: [custom_domain]
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
        description: What a new environment is for. V(development) if it is set nowhere. Not compared afterwards.
        type: str
        choices: [development, staging, production]
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
        description: Whether the database of a new environment has the demo data of Odoo. Not compared afterwards.
        type: bool
      absent_backup_max_age:
        description: How old the newest completed backup of one to delete may be, such as V(24h). V(24h) if it is set nowhere. V(0) does not look for one.
        type: str
  only:
    description:
      - Names, UUIDs or shell patterns of the projects to look at. The other items are left alone, and nothing is pruned.
      - Each must match an item of the list. Empty means all.
    type: list
    elements: str
  skip_rejected:
    description:
      - Whether an item that cannot be carried out, such as one with another Odoo version, leaves the others as they are.
      - By default it rejects the whole run before the first write. With V(true) the others are applied, nothing is pruned,
        and the task fails at its end.
      - An item with an invalid or unknown option rejects the whole run in any case.
    type: bool
    default: false
  plan_digest:
    description:
      - RV(plan_digest) of an earlier run in check mode. If the plan is another one by now, the task fails before its first write.
      - If nothing is left to change, any digest is accepted.
    type: str
  prune:
    description:
      - Whether to delete the projects that are not declared. Rejected with an empty list.
      - A project that is created with the repository of one that is pruned was probably renamed. The task fails, since that would
        delete what the project contains. Declare O(projects[].previous_name). Nor is a project pruned that still has that name.
      - Nothing is pruned once a declared project has failed, because a project to prune may be that one under its old name.
      - A deleted project takes its stopped and failed environments with it, and their data. The run is rejected unless each has a fresh
        backup, see O(defaults.absent_backup_max_age).
    type: bool
    default: false
  prune_limit:
    description:
      - A run that would prune more projects than this fails before its first write. Projects declared as V(absent) do not count.
    type: int
    default: 10
seealso:
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_server_info
  - module: oecsh.cloud.oec_environment
  - module: oecsh.cloud.oec_environment_info
  - module: oecsh.cloud.oec_deployment
  - module: oecsh.cloud.oec_task_info
  - module: oecsh.cloud.oec_log_info
  - module: oecsh.cloud.oec_backup
  - module: oecsh.cloud.oec_backup_info
  - module: oecsh.cloud.oec_backup_restore
  - module: oecsh.cloud.oec_webhook
  - module: oecsh.cloud.oec_webhook_info
  - module: oecsh.cloud.oec_organization_info
  - plugin: oecsh.cloud.drift_table
    plugin_type: filter
  - ref: ansible_collections.oecsh.cloud.docsite.estate
    description: How to declare all projects in one file, with the roles provision and drift.
"""

EXAMPLES = r"""
- name: Provision two clients, and delete a third
  oecsh.cloud.oec_projects:
    projects:
      - name: Client ERP
        server: production-fsn1
        git_repo_url: https://github.com/acme/client-erp
        odoo_version: "17.0"
      - name: Bakery ERP
        server: production-nyc1
        default_branch: release/17.0
      - name: Former Client ERP
        state: absent

- name: Provision clients down to their ERPs, and wait until all run
  oecsh.cloud.oec_projects:
    projects:
      - name: Client ERP
        environments:
          - name: production
            environment_type: production
            domain: erp.client.example
            ram_mb: 8192
          - name: staging
      - name: Bakery ERP
        environments:
          - name: production
            environment_type: production
    defaults:
      server: production-fsn1
      odoo_version: "18.0"
    environment_defaults:
      branch: main
      ram_mb: 4096

- name: Apply the file in git, and delete up to three projects that are not in it
  oecsh.cloud.oec_projects:
    projects: "{{ provision_projects }}"
    defaults:
      server: production-fsn1
      odoo_version: "17.0"
    prune: true
    prune_limit: 3

- name: Rename a client, without deleting anything
  oecsh.cloud.oec_projects:
    projects:
      - name: Client ERP (Ltd)
        previous_name: Client ERP

- name: Look at what would change
  oecsh.cloud.oec_projects:
    projects: "{{ provision_projects }}"
  check_mode: true
  register: plan

- name: Apply just that
  oecsh.cloud.oec_projects:
    projects: "{{ provision_projects }}"
    plan_digest: "{{ plan.plan_digest }}"
"""

RETURN = r"""
projects:
  description: One entry for each declared project, in the order of the list, and then for each pruned one.
  returned: success, and failure after the first write
  type: list
  elements: dict
  contains:
    name:
      description: The name of the project after the task.
      type: str
      returned: always
      sample: Client ERP
    project_id:
      description: Its UUID, or V(null) if it has none.
      type: str
      returned: always
      sample: 3fa85f64-5717-4562-b3fc-2c963f66afa6
    action:
      description: What was done, or in check mode would be done. V(created), V(updated), V(deleted), V(unchanged) or V(failed).
      type: str
      returned: always
      sample: created
    changed:
      description: Whether it was changed.
      type: bool
      returned: always
      sample: true
    project:
      description: The project after the task, as M(oecsh.cloud.oec_project) returns it. If it failed, the project before the task.
      type: dict
      returned: always
    error:
      description: Why it failed, as M(oecsh.cloud.oec_project) describes it, or V(null).
      type: dict
      returned: always
    environments:
      description: One entry for each declared environment of the project, in the order of the item.
      type: list
      elements: dict
      returned: always
      contains:
        name:
          description: The name of the environment after the task.
          type: str
          returned: always
          sample: production
        environment_id:
          description: Its UUID, or V(null) if it has none.
          type: str
          returned: always
          sample: e3f7b8a1-4c29-4d05-b6f8-1a9d0c7e52b3
        action:
          description: As RV(projects[].action).
          type: str
          returned: always
          sample: created
        changed:
          description: Whether it was changed, which it may be though it has failed.
          type: bool
          returned: always
          sample: true
        environment:
          description: The environment after the task, as M(oecsh.cloud.oec_environment) returns it. If nothing was done, as it was before.
          type: dict
          returned: always
        pending:
          description: The options that take effect with the next deployment or restart.
          type: list
          elements: str
          returned: always
        task:
          description: The task that was started or waited for, as M(oecsh.cloud.oec_environment) returns it, or V(null).
          type: dict
          returned: always
        log:
          description: The last lines of the log of a task that has failed.
          type: list
          elements: str
          returned: always
        error:
          description: Why it failed, as M(oecsh.cloud.oec_project) describes it, or V(null).
          type: dict
          returned: always
environment_summary:
  description: How many environments were C(created), C(updated), C(deleted), C(unchanged) and C(failed).
  returned: success, and failure after the first write
  type: dict
  sample:
    created: 3
    updated: 0
    deleted: 0
    unchanged: 75
    failed: 0
summary:
  description: How many projects were C(created), C(updated), C(deleted), C(unchanged) and C(failed).
  returned: success, and failure after the first write
  type: dict
  sample:
    created: 2
    updated: 0
    deleted: 1
    unchanged: 37
    failed: 0
requests:
  description: How many C(reads) and C(writes) were sent to the API, repeated ones included.
  returned: success, and failure after the first write
  type: dict
  sample:
    reads: 41
    writes: 3
plan_digest:
  description:
    - Stands for all changes of the plan, in any order. It is the same in check mode and in the run.
  returned: success, and failure after the projects were read
  type: str
  sample: 0f1d4c6e2b7a4f5f8a0c9d3e1b6f7a8c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a
drift:
  description:
    - One row for each field that differed before the task.
    - If the plan is rejected, also the rows of the projects that are wrong, with the code of their failure.
  returned: success, and failure after the projects were read
  type: list
  elements: dict
  contains:
    project:
      description: The name of the project.
      type: str
      returned: always
    environment:
      description: The name of the environment, or V(null) if the row is about the project.
      type: str
      returned: always
    field:
      description:
        - The option that differs. C(project) or C(environment) if it is missing, or is to be deleted; the values are then V(absent) and
          V(present). C(status) of an environment that is to be started or stopped.
        - V(null) if it cannot be compared.
      type: str
      returned: always
    current:
      description: The value before the task, or V(null).
      type: raw
      returned: always
    desired:
      description: The declared value, or V(null).
      type: raw
      returned: always
    code:
      description: Why the declaration is rejected, or V(null).
      type: str
      returned: always
  sample:
    - project: Client ERP
      environment:
      field: default_branch
      current: hotfix
      desired: main
      code:
diff:
  description:
    - One entry with C(before), C(after), C(before_header) and C(after_header) for each project or environment that is changed, or in check
      mode would be changed. Environments follow their project.
    - For people, as M(oecsh.cloud.oec_project) describes it. Programs read RV(projects) and RV(drift).
    - In check mode without diff mode, RV(ignore:msg) has a line for each change instead, such as
      C(~ Bakery  default_branch main -> hotfix).
    - If the plan is rejected, one for each project that could be planned.
  returned: in diff mode, also when the plan is rejected
  type: list
  elements: dict
error:
  description: The first failure, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import WAIT_OPTIONS
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.estate import ESTATE_REDACTION, ensure_projects
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.estate_plan import ESTATE_OPTIONS


def main() -> None:
    run(ensure_projects, {**ESTATE_OPTIONS, **WAIT_OPTIONS}, ESTATE_REDACTION)


if __name__ == "__main__":
    main()
