# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
from itertools import repeat


def test_an_endless_loop_ends():
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        for _forever in repeat(None):
            pass
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGALRM
