# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What the modules and the inventory plugin have in common.
    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - The API key. It is never shown, whatever fails.
      - A read-only key (C(oec_live_ro_...)) is enough for reading and for check mode.
      - The environment variable E(OECSH_API_KEY) is used where the option is not given.
    type: str
    required: true
  api_url:
    description:
      - Where the API is. Only V(https), or V(http) on the loopback address.
      - The environment variable E(OECSH_API_URL) is used where the option is not given.
      - Left blank, it means the default.
    type: str
    default: https://api.oec.sh/api/public/v1
  api_timeout:
    description:
      - Seconds to wait for a connection, and for each part of an answer.
      - The environment variable E(OECSH_API_TIMEOUT) is used where the option is not given.
    type: int
    default: 30
  api_retries:
    description:
      - How often one request is repeated after a failure that may pass. Waiting for the rate limit does not count.
      - The environment variable E(OECSH_API_RETRIES) is used where the option is not given.
    type: int
    default: 5
  api_max_wait:
    description:
      - The longest time in seconds that one request may take, with its repeats and its waiting for the rate limit.
      - The environment variable E(OECSH_API_MAX_WAIT) is used where the option is not given.
    type: int
    default: 600
  validate_certs:
    description:
      - Whether the server's certificate is checked. Turn it off for nothing but a test.
    type: bool
    default: true
  ca_path:
    description:
      - A file with the PEM certificates of the authorities to trust, in place of those that C(requests) trusts.
    type: path
requirements:
  - requests >= 2.25
seealso:
  - name: oec.sh
    description: The service that the public API belongs to; its documentation has the API reference.
    link: https://oec.sh
"""
