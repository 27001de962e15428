# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: provision_deletions
short_description: Declare what a plan prunes as absent
version_added: 1.0.0
description:
  - Returns one declaration with C(state=absent) for each project that a plan prunes.
  - So a later task deletes what was planned, and nothing that was created in the meantime.
  - Returns nothing if any project of the batches failed. A project to prune may be that one, under its old name.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.plan
positional: projects, batches
options:
  batches:
    description: The results of the loop over the batches of P(oecsh.cloud.provision_batches#filter).
    type: list
    elements: dict
    required: true
seealso:
  - module: oecsh.cloud.oec_projects
  - plugin: oecsh.cloud.provision_batches
    plugin_type: filter
  - plugin: oecsh.cloud.provision_result
    plugin_type: filter
  - plugin: oecsh.cloud.provision
    plugin_type: role
"""

EXAMPLES = r"""
- name: Plan the estate
  oecsh.cloud.oec_projects:
    projects: "{{ provision_projects }}"
    prune: true
  check_mode: true
  register: plan

- name: Apply the plan, a batch at a time
  oecsh.cloud.oec_projects:
    projects: "{{ plan | oecsh.cloud.provision_items(provision_projects, item.indexes) }}"
  loop: "{{ plan | oecsh.cloud.provision_batches(provision_projects) }}"
  register: batches
  failed_when: false

- name: Delete the projects that are not declared
  oecsh.cloud.oec_projects:
    projects: "{{ plan | oecsh.cloud.provision_deletions(provision_projects, batches.results) }}"
"""

RETURN = r"""
_value:
  description: The declarations, for O(oecsh.cloud.oec_projects#module:projects).
  type: list
  elements: dict
  sample:
    - project_id: 3fa85f64-5717-4562-b3fc-2c963f66afa6
      name: Client ERP
      state: absent
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _provision


def provision_deletions(plan: Any, projects: Any, batches: Any) -> list[dict[str, str]]:
    try:
        return _provision.provision_deletions(plan, projects, batches)
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"provision_deletions: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provision_deletions": provision_deletions}
