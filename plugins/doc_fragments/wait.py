# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # For each module that starts what takes a while, or waits for it.
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait until what was started has ended.
      - With V(false), the result has the id of each task that was started.
        M(oecsh.cloud.oec_task_info) waits for it later.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for each task of oec.sh, from 1 to 2592000, which is 30 days.
      - When the time is over, the module fails with the code C(wait_timeout). The task goes on, and its id is in the
        result. Wait for it with M(oecsh.cloud.oec_task_info), or run the module again.
      - The environment variable E(OECSH_WAIT_TIMEOUT) is used if the option is omitted.
    type: int
    default: 1800
  wait_interval:
    description:
      - The shortest pause in seconds between two requests for the state of one task, from 1 to 2592000.
        After half a minute, it is 10 seconds at least.
      - All these requests together use at most a fifth of the rate limit for reading, which can make the pauses longer.
      - The environment variable E(OECSH_WAIT_INTERVAL) is used if the option is omitted.
    type: int
    default: 5
"""
