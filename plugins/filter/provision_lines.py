# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: provision_lines
short_description: Sum up the result of an estate for people
version_added: 1.0.0
description:
  - Returns how many projects and environments were created, updated, deleted, left as they are, or failed.
  - And a line for each that failed, or, if all of these were skipped, for each that was not tried.
author:
  - oecsh.cloud contributors (@oecsh)
positional: is_check
options:
  _input:
    description: The result of P(oecsh.cloud.provision_result#filter).
    type: dict
    required: true
  is_check:
    description: Whether it is the result of check mode.
    type: bool
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
- name: Show the summary
  ansible.builtin.debug:
    msg: "{{ (provision_result | oecsh.cloud.provision_lines(false)).summary }}"
"""

RETURN = r"""
_value:
  description: C(summary), a line, and C(failures), a list of lines.
  type: dict
  sample:
    summary: 2 created, 78 unchanged; of their environments 4 created, 156 unchanged
    failures: []
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _provision


def provision_lines(result: Any, is_check: bool) -> dict[str, Any]:
    try:
        return _provision.provision_lines(result, is_check)
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"provision_lines: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provision_lines": provision_lines}
