# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import signal
from itertools import repeat

import pytest


def test_an_endless_loop_fails():
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    with pytest.raises(pytest.fail.Exception, match="60 s"):
        any(each for each in repeat(0))
