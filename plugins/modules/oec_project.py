#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_project
short_description: Create, update or delete a project on oec.sh
version_added: 1.0.0
description:
  - Creates, updates or deletes a project to match the options. If it matches already, nothing is written.
  - A project is created once, even if the task is run again, run by several jobs at once, or if a response is lost.
    Only two different declarations of one name at the same moment can still create two projects.
  - An option that is omitted or empty leaves its field unchanged.
  - The environments of a project that is to be deleted are listed. It is rejected if one of them runs or lacks a fresh backup.
    The routes for environments are not in the published API reference. If the API does not have them, nothing is looked for.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.changes
options:
  absent_backup_max_age:
    description:
      - How old the newest completed backup of each environment may be that is deleted with the project, in seconds or as V(90m), V(24h) or V(7d).
      - If one has none that is fresh enough, the task fails with the code C(backup_required), and deletes nothing.
      - V(0) deletes them without looking for backups. A project without environments needs none.
      - An API without environments has nothing to look at. If it hides some of them, as older versions do, the task fails too.
    type: str
    default: 24h
  state:
    description:
      - Whether the project should exist.
      - V(absent) deletes it. If it has running or deploying environments, the task fails and nothing is deleted.
      - Its other environments, such as stopped ones and failed ones, are deleted with it, and so are their databases and files.
        See O(absent_backup_max_age).
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The exact name of the project. At most 255 characters.
      - The project is found by it, unless O(project_id) is set. If several projects have the name, the task fails.
      - Together with O(project_id), the project is renamed if its name differs. If another project has the new name, the task fails.
      - With O(state=absent) and O(project_id), both must be those of one project. Otherwise the task fails, and deletes nothing.
    type: str
  previous_name:
    description:
      - If no project has O(name), and one has this name, that one is renamed. So a rename needs no O(project_id), and the option may stay.
      - If neither exists, the project is created, with a warning. With O(project_id) or O(state=absent) nothing is renamed.
    type: str
  allow_similar_name:
    description:
      - Whether the project may get a name that people could take for the name of another one.
      - By default the task fails if such a name differs from an existing one only in case, whitespace, the encoding of accents,
        or invisible characters.
    type: bool
    default: false
  project_id:
    description:
      - The UUID of the project. With O(state=present) the project must exist.
    type: str
    aliases: [id]
  server:
    description:
      - The name or the UUID of the server to create the project on. Required to create one.
      - The API cannot move a project. If an existing project is on another server, the task fails before it changes anything.
    type: str
    aliases: [server_id]
  git_repo_url:
    description:
      - The https URL of the Git repository.
      - The API stores it as given. With and without the suffix C(.git) are different values, of which the declared one is sent.
      - Credentials in it are sent unchanged and returned as V(***). A URL with V(***) in their place keeps the stored credentials.
    type: str
  default_branch:
    description:
      - The branch to deploy from. At most 255 characters. The default of a new project is V(main).
    type: str
  odoo_version:
    description:
      - The Odoo version, such as V(17.0). Quote it, so that YAML does not read it as a number. Whitespace around it is removed.
      - The task warns if it creates a project with a version that does not look like V(17.0).
      - The API cannot change it. If an existing project has another version, the task fails before it changes anything.
    type: str
  idempotency_key:
    description:
      - The key by which the API recognizes a repeated create, sent unchanged.
      - Usually omit it. The key that is then derived from the options also covers a project that was deleted and is declared again,
        and a rejection whose cause was fixed in the meantime.
    type: str
seealso:
  - module: oecsh.cloud.oec_projects
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
  - plugin: oecsh.cloud.projects
    plugin_type: inventory
  - ref: ansible_collections.oecsh.cloud.docsite.estate
    description: How to declare all projects in one file, with the roles provision and drift.
"""

EXAMPLES = r"""
- name: Provision a client
  oecsh.cloud.oec_project:
    name: Client ERP
    server: production-fsn1
    git_repo_url: https://github.com/acme/client-erp
    odoo_version: "17.0"

- name: Move a client to a release branch
  oecsh.cloud.oec_project:
    name: Client ERP
    default_branch: release/17.0

- name: Rename a client
  oecsh.cloud.oec_project:
    name: Client ERP (Ltd)
    previous_name: Client ERP

- name: Rename a client, found by its id
  oecsh.cloud.oec_project:
    project_id: 3fa85f64-5717-4562-b3fc-2c963f66afa6
    name: Client ERP (Ltd)

- name: Delete the production of a client, which needs a fresh backup
  oecsh.cloud.oec_environment:
    project: Client ERP
    name: production
    state: absent

- name: Delete the client
  oecsh.cloud.oec_project:
    name: Client ERP
    state: absent

- name: Delete a client, and add a hint if it still runs
  block:
    - name: Delete it
      oecsh.cloud.oec_project:
        name: Client ERP
        state: absent
      register: removal
  rescue:
    - name: Say whom to ask
      ansible.builtin.fail:
        msg: "{{ removal.msg }}{{ ' Ask the client first.' if removal.error.code == 'environments_running' else '' }}"

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_project -a 'name="Client ERP" default_branch=release/17.0' --check --diff
"""

RETURN = r"""
project:
  description:
    - The project after the task, as the API returns it. V(null) once it is absent.
    - In check mode the same, except for what the server assigns. RV(project.id) and RV(project.created_at) of a project to be created are V(null).
    - Credentials in RV(project.git_repo_url) are replaced by V(***).
  returned: success
  type: dict
  contains:
    id:
      description: The UUID of the project.
      type: str
      returned: success
      sample: 3fa85f64-5717-4562-b3fc-2c963f66afa6
    name:
      description: Its name.
      type: str
      returned: success
      sample: Client ERP
    odoo_version:
      description: The Odoo version, or V(null).
      type: str
      returned: success
      sample: "17.0"
    git_repo_url:
      description: The Git repository, or V(null).
      type: str
      returned: success
      sample: https://github.com/acme/client-erp
    default_branch:
      description: The branch it is deployed from, or V(null).
      type: str
      returned: success
      sample: main
    environment_count:
      description: How many active environments it has.
      type: int
      returned: success
      sample: 3
    server_id:
      description: The UUID of the server it is on, or V(null).
      type: str
      returned: success
      sample: 8e4f2a1c-1234-5678-abcd-ef0123456789
    created_at:
      description: When it was created, in ISO 8601.
      type: str
      returned: success
      sample: "2025-09-15T10:30:00Z"
diff:
  description: What was changed, or in check mode would be changed.
  returned: success, in diff mode
  type: dict
  contains:
    before:
      description:
        - The declared options before the task, as YAML for people. A server has its name if the task has read it.
        - Empty if the project did not exist.
      type: str
      returned: success, in diff mode
      sample: |
        name: Client ERP
        server: production-fsn1
        default_branch: main
    after:
      description: The same after the task. Empty if the project does not exist any more.
      type: str
      returned: success, in diff mode
      sample: |
        name: Client ERP
        server: production-fsn1
        default_branch: release/17.0
    before_header:
      description: The name of the project, and whether it was absent before the task.
      type: str
      returned: success, in diff mode
      sample: project 'Client ERP'
    after_header:
      description: The name of the project, and whether it is absent after the task.
      type: str
      returned: success, in diff mode
      sample: project 'Client ERP'
error:
  description:
    - What went wrong, for C(rescue). RV(ignore:msg) says it in a sentence, with what to do.
    - The guide "Troubleshooting by code" explains each code.
  returned: failure
  type: dict
  contains:
    status:
      description: The HTTP status, or V(null) if there was no response.
      type: int
      returned: failure
      sample: 409
    code:
      description: The code of the API, or else one of the collection. Never V(null).
      type: str
      returned: failure
      sample: environments_running
    message:
      description: What happened, and what to do.
      type: str
      returned: failure
      sample: DELETE /projects/3fa85f64-5717-4562-b3fc-2c963f66afa6 was rejected (409 environments_running)
    details:
      description:
        - More about it, or V(null). What the API returned, or a list of the module with one entry for each declaration that is wrong.
        - Such an entry has C(project), C(code) and C(message).
      type: raw
      returned: failure
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.module import run
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project_ensure import (
    PROJECT_OPTIONS,
    ensure_project,
)


def main() -> None:
    run(ensure_project, PROJECT_OPTIONS, PROJECT.redaction, required_one_of=[("name", "project_id")])


if __name__ == "__main__":
    main()
