# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of docs/reliability.md."""

from __future__ import annotations

HEADINGS = ("what was tried", "how often", "lost", "duplicated", "wrong")

Figures = dict[str, list[int]]


def figures_table(figures: Figures) -> str:
    rows = [HEADINGS, *((what, *(f"{count:,}" for count in counts)) for what, counts in figures.items())]
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))

    def line(what: str, *counts: str) -> str:
        cells = (count.rjust(width) for count, width in zip(counts, others, strict=True))
        return f"| {' | '.join([what.ljust(first), *cells])} |"

    rule = "|".join(["-" * (first + 2), *("-" * (width + 1) + ":" for width in others)])
    return "\n".join([line(*rows[0]), f"|{rule}|", *(line(*row) for row in rows[1:])])


def insert(table: str, marker: str, page: str) -> str:
    """Return the page with the table between the two comments of its marker; unchanged where it has none."""
    before, begin, rest = page.partition(f"<!-- {marker} -->")
    _old, end, after = rest.partition(f"<!-- /{marker} -->")
    return f"{before}{begin}\n{table}\n{end}{after}" if end else page
