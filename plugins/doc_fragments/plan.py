# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The input of the filters that take a plan of an estate apart.
    DOCUMENTATION = r"""
options:
  _input:
    description: The plan, which is the result of M(oecsh.cloud.oec_projects) in check mode.
    type: dict
    required: true
  projects:
    description: The declared projects of the plan, in the same order.
    type: list
    elements: dict
    required: true
"""
