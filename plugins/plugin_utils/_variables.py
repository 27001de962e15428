# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The names of a role's variables."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import nearest


def unknown_variables(names: Sequence[str], known: Sequence[str], outputs: Sequence[str] = ()) -> list[str]:
    """Return a sentence for each name that is neither known nor an output, with the known name that was probably meant.

    Raise TypeError for other input.
    """
    for what, value in (("input", names), ("known names", known), ("outputs", outputs)):
        if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
            raise TypeError(f"the {what} must be a list of names of variables")
    return [_sentence(name, known) for name in sorted({*names} - {*known, *outputs})]


def _sentence(name: str, known: Sequence[str]) -> str:
    # Without the prefix, which all have in common, and which would make any two of them similar.
    rests = {_rest(each): each for each in known}
    meant = nearest(_rest(name), rests)
    return f"{name} is no variable of the role{f'; did you mean {rests[meant]}?' if meant else '.'}"


def _rest(name: str) -> str:
    return name.partition("_")[2]
