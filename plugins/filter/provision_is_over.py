# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: provision_is_over
short_description: Tell whether further batches would fail alike
version_added: 1.0.0
description:
  - Returns whether a batch failed for a reason that further ones have too, such as a revoked API key,
    or three writes in a row got no response.
  - Rejected keys block an address for 15 minutes, and each write to an API that is down waits for C(api_max_wait).
author:
  - oecsh.cloud contributors (@oecsh)
options:
  _input:
    description: The results of the loop over the batches of P(oecsh.cloud.provision_batches#filter), so far.
    type: list
    elements: dict
    required: true
seealso:
  - module: oecsh.cloud.oec_projects
  - plugin: oecsh.cloud.provision_batches
    plugin_type: filter
  - plugin: oecsh.cloud.provision_items
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Fail if further batches are useless
  ansible.builtin.assert:
    that: not batches.results | oecsh.cloud.provision_is_over
"""

RETURN = r"""
_value:
  description: Whether to stop.
  type: bool
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _provision


def provision_is_over(batches: Any) -> bool:
    try:
        return _provision.provision_is_over(batches)
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"provision_is_over: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provision_is_over": provision_is_over}
