# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: provision_batches
short_description: Split an estate into batches of changes
version_added: 1.0.0
description:
  - Returns which of the declared projects a plan changes, a batch at a time.
  - Projects that pass a name on, such as two that swap their names, are in one batch, which may be larger for that.
  - The role P(oecsh.cloud.provision#role) applies one batch after the other, so that a long run shows its progress.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.plan
positional: projects, size
options:
  size:
    description: How many projects a batch has. Empty or 0 means 20, which is what the API accepts in a minute.
    type: raw
seealso:
  - module: oecsh.cloud.oec_projects
  - plugin: oecsh.cloud.provision_deletions
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
  description:
    - The batches. C(indexes) are the positions of their projects in the plan, and C(label) is the progress.
    - C(writes), C(reads) and C(deploys) are how many of them a batch needs.
    - A batch holds no project, because Ansible prints the variable of a loop, and a project may contain credentials.
  type: list
  elements: dict
  sample:
    - indexes: [0, 2]
      label: projects 1 to 2 of 2, with 3 environments
      writes: 4
      reads: 5
      deploys: 3
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _provision


def provision_batches(plan: Any, projects: Any, size: Any = None) -> list[dict[str, Any]]:
    try:
        return _provision.provision_batches(plan, projects, size)
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"provision_batches: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provision_batches": provision_batches}
