# SPDX-License-Identifier: Apache-2.0
"""The table that a run prints."""

MB = 1_000_000


class Table:
    """Rows in sections; all sections share the widths of the columns."""

    def __init__(self):
        self.rows = []
        self.missed = 0

    def section(self, *titles):
        if self.rows:
            self.rows.append(None)
        self.rows.append(titles)

    def row(self, *cells, budget="", met=None):
        verdict = "" if met is None else "ok" if met else "MISSED"
        self.missed += met is False
        cells = [str(cell) for cell in cells]
        self.rows.append((*cells, *[""] * (8 - len(cells)), budget, verdict))

    def print(self):
        full = [row for row in self.rows if row]
        widths = [max(len(row[i]) for row in full if i < len(row)) for i in range(10)]
        for row in self.rows:
            if row is None:
                print()
                continue
            cells = [f"{cell:<{widths[i]}}" if i in (0, 8) else f"{cell:>{widths[i]}}" for i, cell in enumerate(row)]
            print("  ".join(cells).rstrip())


def grouped(number):
    return f"{number:,.0f}".replace(",", " ")


def seconds_text(seconds):
    if seconds < 0.001:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


def megabytes(size):
    return f"{size / MB:.1f} MB"


def ratio(ours, theirs):
    return f"{ours / theirs:.3g}" if theirs > 0 else ""
