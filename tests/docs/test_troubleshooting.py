# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide `troubleshooting` has an entry for each code, and no other."""

from __future__ import annotations

import re
from collections import Counter

from ansible_collections.oecsh.cloud.plugins.module_utils._api.error_body import HINTS
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import CODES
from ansible_collections.oecsh.cloud.tests.support import ROOT

GUIDE = ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst"

# Codes and statuses of the API that need no hint in the message.
WITHOUT_HINT = {
    "409",
    "enqueue_failed",
    "idempotency_in_progress",
    "rate_limit_exceeded",
    "server_unreachable",
    "target_rate_limit",
    "webhook_mutation_rate_limit",
}


def entries() -> Counter[str]:
    """Count the terms that are a code or a status."""
    return Counter(re.findall(r"^``(\w+)``$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_guide_explains_each_code_and_no_other() -> None:
    hints = {key if isinstance(key, str) else str(int(key)) for key in HINTS}
    assert set(entries()) == set(CODES) | hints | WITHOUT_HINT


def test_the_guide_explains_each_code_once() -> None:
    assert max(entries().values()) == 1
