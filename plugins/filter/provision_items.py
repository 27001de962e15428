# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: provision_items
short_description: Return the declarations of a batch
version_added: 1.0.0
description:
  - Returns the declared projects of one batch, with what the plan has found out about them.
  - They have the ids of their projects and servers, so that a batch changes what was planned,
    and reads no list of servers.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.plan
positional: projects, indexes, only
options:
  indexes:
    description: The C(indexes) of a batch of P(oecsh.cloud.provision_batches#filter).
    type: list
    elements: int
    required: true
  only:
    description: The value of O(oecsh.cloud.oec_projects#module:only) that the plan was made with.
    type: list
    elements: str
    default: []
seealso:
  - module: oecsh.cloud.oec_projects
  - plugin: oecsh.cloud.provision_batches
    plugin_type: filter
  - plugin: oecsh.cloud.provision_result
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Plan the estate
  oecsh.cloud.oec_projects:
    projects: "{{ provision_projects }}"
  check_mode: true
  register: plan

- name: Apply the plan, five projects at a time
  oecsh.cloud.oec_projects:
    projects: "{{ plan | oecsh.cloud.provision_items(provision_projects, item.indexes) }}"
  loop: "{{ plan | oecsh.cloud.provision_batches(provision_projects, 5) }}"
  loop_control:
    label: "{{ item.label }}"
"""

RETURN = r"""
_value:
  description: The declarations, for O(oecsh.cloud.oec_projects#module:projects).
  type: list
  elements: dict
  sample:
    - name: Client ERP
      project_id: 3fa85f64-5717-4562-b3fc-2c963f66afa6
      server: 8e4f2a1c-1234-5678-abcd-ef0123456789
      allow_similar_name: true
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _provision


def provision_items(plan: Any, projects: Any, indexes: Any, only: Any = None) -> list[dict[str, Any]]:
    try:
        return _provision.provision_items(plan, projects, indexes, only)
    except (IndexError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"provision_items: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provision_items": provision_items}
