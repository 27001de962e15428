#!/usr/bin/python
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oec_projects
short_description: Make many projects on oec.sh what they are declared to be, in one task
description:
  - Reads the list of projects once, plans everything, refuses before the first write what can be known to be wrong, and then applies it.
  - A project that fails does not stop the others. The task then fails at its end, and still reports every project.
  - Where the API refuses the key, the account or the address as such, or answers nothing three times in a row, what is left is
    reported as failed without being sent.
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
      - A name may be listed twice only where each of the two has its O(projects[].project_id).
    type: list
    elements: dict
    required: true
    suboptions:
      state:
        description: Whether the project is to exist.
        type: str
        choices: [present, absent]
        default: present
      name:
        description: The project's name, to the letter. At most 255 characters. Together with O(projects[].project_id) it renames.
        type: str
      project_id:
        description: The project's UUID. With O(projects[].state=present) the project must exist.
        type: str
        aliases: [id]
      server:
        description: The name or the UUID of the server to create the project on. The API cannot move a project.
        type: str
        aliases: [server_id]
      git_repo_url:
        description: The Git repository's https URL. Credentials in it are sent as they are and shown as V(***).
        type: str
      default_branch:
        description: The branch to deploy from. At most 255 characters.
        type: str
      odoo_version:
        description: The Odoo version, such as V(17.0). Quote it. The API cannot change it.
        type: str
      idempotency_key:
        description: The key by which the API recognises a repeated create. Leave it out.
        type: str
  prune:
    description:
      - Whether to remove the projects that are not listed. Refused with an empty list.
      - Nothing is pruned once a listed project has failed, as one may be the other under a new name.
    type: bool
    default: false
  prune_limit:
    description:
      - A run that would prune more projects than this fails before its first write. Projects listed as V(absent) do not count.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Provision two clients, and see to it that a third is gone
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

- name: Make the file in git the whole truth, and remove up to three others
  oecsh.cloud.oec_projects:
    projects: "{{ provision_projects }}"
    prune: true
    prune_limit: 3
"""

RETURN = r"""
projects:
  description: One entry for each listed project, in the order of the list, and then for each pruned one.
  returned: success, and failure after the first write
  type: list
  elements: dict
  contains:
    name:
      description: The project's name after the task.
      type: str
      returned: always
      sample: Client ERP
    project_id:
      description: Its UUID, or V(null) where it has none.
      type: str
      returned: always
      sample: 3fa85f64-5717-4562-b3fc-2c963f66afa6
    action:
      description: What was done, or in check mode would be. V(created), V(updated), V(deleted), V(unchanged) or V(failed).
      type: str
      returned: always
      sample: created
    changed:
      description: Whether it was changed.
      type: bool
      returned: always
      sample: true
    project:
      description: The project after the task, as M(oecsh.cloud.oec_project) returns it. Of a failed one, as it was before.
      type: dict
      returned: always
    error:
      description: Why it failed, as M(oecsh.cloud.oec_project) describes it. V(null) where it did not.
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
diff:
  description:
    - One entry with C(before), C(after), C(before_header) and C(after_header) for each project that is changed, or in check mode would be.
    - Where the plan is refused, one for each that could be planned all the same.
  returned: in diff mode, also when the plan is refused
  type: list
  elements: dict
error:
  description: The first thing that went wrong, for C(rescue), as M(oecsh.cloud.oec_project) describes it.
  returned: failure
  type: dict
"""

from ansible_collections.oecsh.cloud.plugins.module_utils._module import ESTATE_OPTIONS, ensure_projects, run


def main() -> None:
    run(ensure_projects, ESTATE_OPTIONS)


if __name__ == "__main__":
    main()
