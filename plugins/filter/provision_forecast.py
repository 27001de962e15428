# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: provision_forecast
short_description: Tell how long the rest of an estate takes
version_added: 1.0.0
description:
  - Returns how long the batches are going to take that have no result yet, as the end of a line.
  - By what the API accepts in a minute, 20 writes and 120 reads, and by how long the deployments of the results took.
    One batch waits for all of its own together. Before the first has ended, three minutes are assumed.
author:
  - oecsh.cloud contributors (@oecsh)
positional: results
options:
  _input:
    description: All batches of P(oecsh.cloud.provision_batches#filter).
    type: list
    elements: dict
    required: true
  results:
    description: The results of the first of them, in order.
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
- name: Say how long it takes
  ansible.builtin.debug:
    msg: "Apply the estate{{ batches | oecsh.cloud.provision_forecast([]) }}"
  vars:
    batches: "{{ plan | oecsh.cloud.provision_batches(provision_projects) }}"
"""

RETURN = r"""
_value:
  description: Such as C(, about 14 min left). Empty for a minute or less.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _provision


def provision_forecast(batches: Any, results: Any) -> str:
    try:
        return _provision.provision_forecast(batches, results)
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"provision_forecast: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provision_forecast": provision_forecast}
