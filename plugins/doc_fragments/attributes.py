# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Shared by the modules, but not by the inventory plugin.
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what the real run would return, without changing anything.
    support: full
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing.
    support: full
  action_group:
    description: Use C(group/oecsh.cloud.all) in C(module_defaults) to set the connection for all modules at once.
    support: full
    membership:
      - oecsh.cloud.all
notes:
  - The module talks to the API from the host that it runs on. Run it on V(localhost), or delegate to it.
  - Set the connection once for all modules with C(module_defaults) and the group C(oecsh.cloud.all).
"""

    CHANGES = r"""
attributes:
  diff_mode:
    description: Returns in diff mode what was changed, or in check mode would be changed, field by field.
    support: full
"""

    READS = r"""
attributes:
  diff_mode:
    description: Returns in diff mode what was changed.
    support: N/A
    details: The module changes nothing.
"""
