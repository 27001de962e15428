# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # For each module that uses a route that the API reference does not have. Without `options` it is no fragment.
    DOCUMENTATION = r"""
options: {}
notes:
  - The routes that this module uses are not in the published API reference. They are known from the official client
    and the guides of oec.sh. So the module may need an update when the API changes.
  - A value in a response that is not known is reported as it is, and its meaning is not guessed.
    Please report a difference from the service at U(https://github.com/oecsh/ansible-collection-cloud/issues).
"""
