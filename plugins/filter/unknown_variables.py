# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: unknown_variables
short_description: Find the variables that a role does not know
version_added: 1.0.0
description:
  - Returns a sentence for each variable that a role does not know, with the nearest name that it knows.
  - The roles of this collection use it, so that a misspelt variable is not ignored.
  - It takes names only, and never reads a value.
author:
  - oecsh.cloud contributors (@oecsh)
positional: known, outputs
options:
  _input:
    description: The names of the variables that begin with the prefix of the role.
    type: list
    elements: str
    required: true
  known:
    description: The names of the variables that the role takes.
    type: list
    elements: str
    required: true
  outputs:
    description: The names of the variables that the role sets. They are never suggested.
    type: list
    elements: str
    default: []
seealso:
  - plugin: ansible.builtin.varnames
    plugin_type: lookup
  - plugin: oecsh.cloud.provision
    plugin_type: role
  - plugin: oecsh.cloud.drift
    plugin_type: role
  - plugin: oecsh.cloud.export
    plugin_type: role
  - plugin: oecsh.cloud.report
    plugin_type: role
"""

EXAMPLES = r"""
# In tasks/main.yml of a role that takes web_port and web_root, and sets web_result:
- name: Check the names of the variables
  ansible.builtin.assert:
    that: unknown | length == 0
    quiet: true
    fail_msg: "{{ unknown | join(' ') }}"
  vars:
    names: "{{ query('ansible.builtin.varnames', '^web_') }}"
    unknown: "{{ names | oecsh.cloud.unknown_variables(['web_port', 'web_root'], ['web_result']) }}"
"""

RETURN = r"""
_value:
  description: One sentence for each unknown variable, in the order of their names.
  type: list
  elements: str
  sample:
    - web_prot is no variable of the role; did you mean web_port?
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _variables


def unknown_variables(names: Any, known: Any, outputs: Any = ()) -> list[str]:
    try:
        return _variables.unknown_variables(names, known, outputs)
    except TypeError as error:
        raise AnsibleFilterError(f"unknown_variables: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unknown_variables": unknown_variables}
