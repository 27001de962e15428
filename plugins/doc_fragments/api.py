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
      - The API key. It never appears in any output.
      - A read-only key (C(oec_live_ro_...)) is enough for reading and for check mode.
      - The environment variable E(OECSH_API_KEY) is used if the option is omitted.
    type: str
    required: true
  api_url:
    description:
      - The address of the API. Only V(https), or V(http) on the loopback address.
      - The environment variable E(OECSH_API_URL) is used if the option is omitted.
      - An empty value means the default.
    type: str
    default: https://api.oec.sh/api/public/v1
  api_timeout:
    description:
      - Seconds to wait for a connection, and for each part of a response.
      - The environment variable E(OECSH_API_TIMEOUT) is used if the option is omitted.
    type: int
    default: 30
  api_retries:
    description:
      - How often one request is repeated after a transient failure. Waiting for the rate limit does not count.
      - The environment variable E(OECSH_API_RETRIES) is used if the option is omitted.
    type: int
    default: 5
  api_max_wait:
    description:
      - The longest time in seconds that one request may take, including repeats and rate-limit waits.
      - The environment variable E(OECSH_API_MAX_WAIT) is used if the option is omitted.
    type: int
    default: 600
  validate_certs:
    description:
      - Whether the certificate of the server is checked. Disable it for tests only.
    type: bool
    default: true
  ca_path:
    description:
      - A file with the PEM certificates of the authorities to trust, instead of those that C(requests) trusts.
    type: path
requirements:
  - Python >= 3.10
  - requests >= 2.25
  - urllib3 >= 1.26.5
seealso:
  - name: oec.sh
    description: The service that the public API belongs to; its documentation has the API reference.
    link: https://oec.sh
"""
