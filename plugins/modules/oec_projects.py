#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_projects
short_description: Manage many projects on oec.sh in one task
version_added: 1.0.0
description:
  - Reads the list of projects once, plans everything, rejects before the first write what can be known to be wrong, and then applies it.
  - A project that fails does not stop the others. The task then fails at its end, and still reports every project.
  - If the API rejects the key, the account or the address, or does not respond three times in a row, the remaining projects are
    reported as failed with the code C(skipped), and nothing more is sent.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.changes
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
      - A deleted project takes its stopped and failed environments with it, and their data. No backup is looked for.
        M(oecsh.cloud.oec_environment) looks for one.
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
      description: Always V(null), as only projects are compared.
      type: raw
      returned: always
    field:
      description:
        - The option that differs. C(project) if the project is missing, or is to be deleted; the values are then V(absent) and V(present).
        - V(null) if the project cannot be compared.
      type: str
      returned: always
    current:
      description: The value before the task, or V(null).
      type: str
      returned: always
    desired:
      description: The declared value, or V(null).
      type: str
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
    - One entry with C(before), C(after), C(before_header) and C(after_header) for each project that is changed, or in check mode would be changed.
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
