#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_project
short_description: Create, change or remove a project on oec.sh
description:
  - Makes a project what it is declared to be, and does nothing where it is that already.
  - A project is created once, however often the task is run, also by several jobs at once and when an answer is lost on the way.
    Only two different declarations of one name, made at the same moment, can still make two projects.
  - An option that is left out, or left blank, is left alone.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - oecsh.cloud.attributes
  - oecsh.cloud.attributes.changes
options:
  state:
    description:
      - Whether the project is to exist.
      - V(absent) removes it. A project with running or deploying environments is not removed; the task fails instead.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The project's name, to the letter. At most 255 characters.
      - The project is found by it, unless O(project_id) is given. More than one project of that name makes the task fail.
      - Together with O(project_id), a project of another name is renamed.
    type: str
  project_id:
    description:
      - The project's UUID. With O(state=present) the project must exist.
    type: str
    aliases: [id]
  server:
    description:
      - The name or the UUID of the server to create the project on. Needed to create one.
      - The API cannot move a project. Where an existing project is on another server, the task fails before it changes anything.
    type: str
    aliases: [server_id]
  git_repo_url:
    description:
      - The Git repository's https URL.
      - Credentials in it are sent as they are and shown as V(***). Declared with V(***) in their place, they are taken to be those there are.
    type: str
  default_branch:
    description:
      - The branch to deploy from. At most 255 characters. The API takes V(main) for a new project without one.
    type: str
  odoo_version:
    description:
      - The Odoo version, such as V(17.0). Quote it, so that YAML does not make a number of it.
      - The API cannot change it. Where an existing project has another one, the task fails before it changes anything.
    type: str
  idempotency_key:
    description:
      - The key by which the API recognises a repeated create, sent as it is.
      - Leave it out. The key that is then derived from the declaration also covers a project that was removed and is declared again,
        and a refusal whose cause was mended since.
    type: str
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

- name: Rename a client, found by its id
  oecsh.cloud.oec_project:
    project_id: 3fa85f64-5717-4562-b3fc-2c963f66afa6
    name: Client ERP (Ltd)

- name: Remove a client
  oecsh.cloud.oec_project:
    name: Client ERP
    state: absent

- name: Remove a client, and say more than the API does where it still runs
  block:
    - name: Remove it
      oecsh.cloud.oec_project:
        name: Client ERP
        state: absent
      register: removal
  rescue:
    - name: Name the one to ask
      ansible.builtin.fail:
        msg: "{{ removal.msg }} Ask the client first."
      when: removal.error.code == "environments_running"

# Ad hoc, with OECSH_API_KEY in the environment:
#   ansible localhost -m oecsh.cloud.oec_project -a 'name="Client ERP" default_branch=release/17.0' --check --diff
"""

RETURN = r"""
project:
  description:
    - The project after the task, as the API shows it. V(null) once it is absent.
    - In check mode the same, but for what the server assigns. RV(project.id) and RV(project.created_at) of a project to be created are V(null).
    - Credentials in RV(project.git_repo_url) are shown as V(***).
  returned: success
  type: dict
  contains:
    id:
      description: The project's UUID.
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
  description: What was changed, or in check mode would be.
  returned: success, in diff mode
  type: dict
  contains:
    before:
      description: The declarable fields before the task. Empty where there was no project.
      type: dict
      returned: success, in diff mode
      sample:
        name: Client ERP
        server_id: 8e4f2a1c-1234-5678-abcd-ef0123456789
        git_repo_url: https://github.com/acme/client-erp
        default_branch: main
        odoo_version: "17.0"
    after:
      description: The same fields after the task. Empty where there is no project any more.
      type: dict
      returned: success, in diff mode
      sample:
        name: Client ERP
        server_id: 8e4f2a1c-1234-5678-abcd-ef0123456789
        git_repo_url: https://github.com/acme/client-erp
        default_branch: release/17.0
        odoo_version: "17.0"
    before_header:
      description: Which project it is, and whether it was absent before the task.
      type: str
      returned: success, in diff mode
      sample: project 'Client ERP'
    after_header:
      description: Which project it is, and whether it is absent after the task.
      type: str
      returned: success, in diff mode
      sample: project 'Client ERP'
error:
  description: What went wrong, for C(rescue). RV(ignore:msg) says it in a sentence, with what to do.
  returned: failure
  type: dict
  contains:
    status:
      description: The HTTP status, or V(null) where no answer came.
      type: int
      returned: failure
      sample: 409
    code:
      description: The API's own code for it, or V(null).
      type: str
      returned: failure
      sample: environments_running
    message:
      description: What happened.
      type: str
      returned: failure
      sample: DELETE /projects/3fa85f64-5717-4562-b3fc-2c963f66afa6 was refused (409 environments_running)
    details:
      description: What else the API, or the module, says of it. Mostly a list with one entry for each wrong field.
      type: raw
      returned: failure
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._module import PROJECT_OPTIONS, ensure_project, run


def main() -> None:
    run(ensure_project, PROJECT_OPTIONS, required_one_of=[("name", "project_id")])


if __name__ == "__main__":
    main()
