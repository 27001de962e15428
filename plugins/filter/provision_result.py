# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: provision_result
short_description: Merge the results of all batches of an estate
version_added: 1.0.0
description:
  - Returns what M(oecsh.cloud.oec_projects) would have returned for the whole estate in one task.
  - A project in none of the batches was not tried, and counts as failed.
  - A task that failed as a whole fails each of its projects. Their C(project) is then V(null), because it is unknown.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.plan
positional: projects, batches, pruning
options:
  batches:
    description: The results of the loop over the batches of P(oecsh.cloud.provision_batches#filter).
    type: list
    elements: dict
    required: true
  pruning:
    description:
      - The result of the task that deletes the projects of P(oecsh.cloud.provision_deletions#filter), also if skipped.
    type: dict
    required: true
seealso:
  - module: oecsh.cloud.oec_projects
  - plugin: oecsh.cloud.provision_batches
    plugin_type: filter
  - plugin: oecsh.cloud.provision_deletions
    plugin_type: filter
  - plugin: oecsh.cloud.provision
    plugin_type: role
"""

EXAMPLES = r"""
- name: Apply the plan, a batch at a time
  oecsh.cloud.oec_projects:
    projects: "{{ plan | oecsh.cloud.provision_items(provision_projects, item.indexes) }}"
  loop: "{{ plan | oecsh.cloud.provision_batches(provision_projects) }}"
  loop_control:
    label: "{{ item.label }}"
  register: batches
  failed_when: false

- name: Count what was done
  ansible.builtin.debug:
    msg: "{{ (plan | oecsh.cloud.provision_result(provision_projects, batches.results, {})).summary }}"
"""

RETURN = r"""
_value:
  description:
    - RV(oecsh.cloud.oec_projects#module:projects), RV(oecsh.cloud.oec_projects#module:summary),
      RV(oecsh.cloud.oec_projects#module:environment_summary) and RV(oecsh.cloud.oec_projects#module:requests),
      as the module does.
  type: dict
  sample:
    projects: []
    summary:
      created: 0
      updated: 0
      deleted: 0
      unchanged: 0
      failed: 0
    environment_summary:
      created: 0
      updated: 0
      deleted: 0
      unchanged: 0
      failed: 0
    requests:
      reads: 2
      writes: 0
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _provision


def provision_result(plan: Any, projects: Any, batches: Any, pruning: Any) -> dict[str, Any]:
    try:
        return _provision.provision_result(plan, projects, batches, pruning)
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"provision_result: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provision_result": provision_result}
