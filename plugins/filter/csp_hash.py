# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: csp_hash
short_description: Compute the hash of an inline style or script for a Content-Security-Policy
version_added: 1.0.0
description:
  - Returns the SHA-256 of a text in the form of a C(Content-Security-Policy), which allows inline text by its hash.
  - The text must be exactly what stands between the tags, whitespace included.
author:
  - oecsh.cloud contributors (@oecsh)
options:
  _input:
    description: The text of the style or script.
    type: str
    required: true
seealso:
  - plugin: oecsh.cloud.report_model
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Allow one inline script
  ansible.builtin.debug:
    msg: "script-src '{{ script | oecsh.cloud.csp_hash }}'"
  vars:
    script: alert(1)
"""

RETURN = r"""
_value:
  description: The name of the hash function and the hash in Base64.
  type: str
  sample: sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _report_values


def csp_hash(text: object) -> str:
    if not isinstance(text, str):
        raise AnsibleFilterError(f"csp_hash: the input is not a text, but of type {type(text).__name__}")
    return _report_values.csp_hash(text)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"csp_hash": csp_hash}
