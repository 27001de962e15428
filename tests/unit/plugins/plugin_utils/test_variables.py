# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.plugin_utils._variables import unknown_variables

KNOWN = ["provision_projects", "provision_prune", "provision_prune_limit", "drift_fail"]
OUTPUTS = ["provision_result"]


def test_only_unknown_names_have_a_sentence():
    assert unknown_variables([*OUTPUTS, "drift_zzz", *KNOWN, "drift_aaa"], KNOWN, OUTPUTS) == [
        "drift_aaa is no variable of the role.",
        "drift_zzz is no variable of the role.",
    ]


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("provision_prun", "; did you mean provision_prune?"),
        ("provision_prune_limt", "; did you mean provision_prune_limit?"),
        ("drift_prune", "; did you mean provision_prune?"),
        # The prefix alone makes no name similar, and what the role sets is never what was meant.
        ("provision_zzz", "."),
        ("provision_results", "."),
    ],
)
def test_a_sentence_names_the_nearest_known_name(name, ending):
    assert unknown_variables([name], KNOWN, OUTPUTS) == [f"{name} is no variable of the role{ending}"]
