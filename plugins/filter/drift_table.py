# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drift_table
short_description: Show the drift of an estate as a table
version_added: 1.0.0
description:
  - Returns one line for each row of RV(oecsh.cloud.oec_projects#module:drift), under a header.
  - A project that cannot be planned has the message of its failure in place of the values.
author:
  - oecsh.cloud contributors (@oecsh)
options:
  _input:
    description: The result of M(oecsh.cloud.oec_projects), also of a failed one.
    type: dict
    required: true
seealso:
  - module: oecsh.cloud.oec_projects
  - plugin: oecsh.cloud.drift
    plugin_type: role
"""

EXAMPLES = r"""
- name: Compare the existing projects with the declared ones
  oecsh.cloud.oec_projects:
    projects: "{{ provision_projects }}"
  check_mode: true
  register: plan
  failed_when: false

- name: Show the differences
  ansible.builtin.debug:
    msg: "{{ plan | oecsh.cloud.drift_table }}"
"""

RETURN = r"""
_value:
  description: The lines of the table.
  type: list
  elements: str
  sample:
    - project          field           current -> desired
    - Bakery Lindgren  default_branch  hotfix -> main
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _drift


def drift_table(result: Any) -> list[str]:
    try:
        return _drift.drift_table(result)
    except (AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"drift_table: a result of oec_projects with drift is required ({error})") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"drift_table": drift_table}
