"""Small tables of text: what a person reads on a terminal, in a notebook, in a paper or in a spreadsheet."""

from __future__ import annotations

import csv
import html
import io
import math
import textwrap
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["WIDTH", "Scale", "Table", "scale_of"]

WIDTH = 100
_GAP = "  "
_LATEX = str.maketrans(
    {
        "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    }
)  # fmt: skip


class Scale(NamedTuple):
    """How numbers of one kind are written: multiplied, with so many decimals, in this unit."""

    factor: float
    unit: str
    decimals: int

    def show(self, value: float) -> str:
        """Return a value as text, ``-`` where there is none; what rounds to zero has no sign."""
        if math.isnan(value):
            return "-"
        return f"{round(value * self.factor, self.decimals) + 0.0:,.{self.decimals}f}"


def scale_of(unit: str, largest: float) -> Scale:
    """Return the scale in which values of a unit are easy to read.

    Parameters
    ----------
    unit
        Unit of a variable of the results: ``"share"`` is shown in %, ``"RWF"`` in billions, millions or
        thousands, everything else with three significant figures, to the third decimal at most.
    largest
        Largest absolute value to be shown, in that unit; not a number where there is none.
    """
    if unit == "share":
        return Scale(100.0, "%", 1)
    if unit == "RWF":
        for factor, name in ((1e9, "bn RWF"), (1e6, "m RWF"), (1e3, "1,000 RWF")):
            if largest >= factor:
                return Scale(1.0 / factor, name, 2 if largest < 100.0 * factor else 1)
        return Scale(1.0, "RWF", 0)
    if unit in ("persons", "households", "loans", "events") and largest >= 1e4:
        return Scale(1e-3, f"1,000 {unit}", 1)
    if not largest > 0.0:  # not a number included
        return Scale(1.0, unit, 0)
    return Scale(1.0, unit, min(3, max(0, 2 - math.floor(math.log10(largest)))))


@dataclass(frozen=True)
class Table:
    """Text in rows and columns, with a title and facts above and notes below.

    Attributes
    ----------
    title
        Stands above the table.
    heads
        Rows of column heads; each as long as the rows.
    rows
        Cells as text; the first ``n_labels`` columns stand to the left, all others to the right.
    notes
        Lines below, wrapped where text has a fixed width.
    n_labels
        Columns that hold labels.
    facts
        Pairs of name and value between title and table, such as what was run.
    say_once
        Whether labels that the row above has said are left out where a person reads the table; CSV keeps
        them, so that a spreadsheet can filter.
    """

    title: str
    heads: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    n_labels: int = 1
    facts: tuple[tuple[str, str], ...] = ()
    say_once: bool = False

    def __post_init__(self) -> None:
        widths = {len(row) for row in (*self.heads, *self.rows)}
        if len(widths) > 1:
            raise ValueError(f"the rows of table '{self.title}' have {sorted(widths)} cells")

    def __str__(self) -> str:
        """Return the table as text of fixed width."""
        return self.as_text()

    @property
    def _shown(self) -> tuple[tuple[str, ...], ...]:
        """The rows, without labels that the row above has said if they are said once."""
        if not self.say_once:
            return self.rows
        shown = []
        before: tuple[str, ...] = ()
        for row in self.rows:
            said = 0
            while said < self.n_labels and row[: said + 1] == before[: said + 1]:
                said += 1
            # the last label tells the rows apart
            said = min(said, self.n_labels - 1)
            shown.append(("",) * said + row[said:])
            before = row
        return tuple(shown)

    def _widths(self) -> list[int]:
        """Return the characters that each column needs."""
        return [max(map(len, column)) for column in zip(*self.heads, *self.rows, strict=True)]

    @property
    def width(self) -> int:
        """Characters of a line that holds all columns side by side."""
        widths = self._widths()
        return sum(widths) + len(_GAP) * max(0, len(widths) - 1)

    def as_text(self, width: int = WIDTH) -> str:
        """Return the table as text of fixed width.

        Parameters
        ----------
        width
            Characters of a line. Columns that do not fit follow below, under the same labels; a single
            column that is wider than this is not cut.
        """
        lines = textwrap.wrap(self.title, width) or [""]
        lines += self._fact_lines(width)
        if self.heads or self.rows:
            widths = self._widths()
            for places in self._panels(widths, width):
                lines += self._panel(places, widths)
        for note in self.notes:
            lines += textwrap.wrap(note, width)
        return "\n".join(lines)

    def _fact_lines(self, width: int) -> list[str]:
        """Return the facts as lines, short ones in two columns that are filled downwards."""
        name_width = max((len(name) for name, _ in self.facts), default=0)
        cells = [f"{name.ljust(name_width)}  {value}" for name, value in self.facts]
        # in two columns what is short, then what is not
        short = [cell for cell in cells if len(cell) <= width // 2 - 2]
        half = -(-len(short) // 2)
        left, right = short[:half], [*short[half:], ""]
        first = max((len(cell) for cell in left), default=0) + 4
        lines = [f"{one.ljust(first)}{two}".rstrip() for one, two in zip(left, right, strict=False)]
        hanging = " " * (name_width + 2)
        for cell in cells:
            if cell not in short:
                lines += textwrap.wrap(cell, width, subsequent_indent=hanging)
        return lines

    def _panels(self, widths: list[int], width: int) -> list[list[int]]:
        """Return the places of the columns of each panel, the labels first in every one."""
        labels = list(range(self.n_labels))
        start = sum(widths[: self.n_labels]) + len(_GAP) * (self.n_labels - 1)
        panels, used = [list(labels)], start
        for place in range(self.n_labels, len(widths)):
            needs = len(_GAP) + widths[place]
            if used + needs > width and len(panels[-1]) > self.n_labels:
                panels.append(list(labels))
                used = start
            panels[-1].append(place)
            used += needs
        return panels

    def _panel(self, places: list[int], widths: list[int]) -> list[str]:
        """Return the lines of some of the columns between rules."""
        rule = "-" * (sum(widths[i] for i in places) + len(_GAP) * (len(places) - 1))
        lines = [rule]
        for number, row in enumerate((*self.heads, *self._shown)):
            if number == len(self.heads):
                lines.append(rule)
            cells = [
                row[i].ljust(widths[i]) if i < self.n_labels else row[i].rjust(widths[i]) for i in places
            ]
            lines.append(_GAP.join(cells).rstrip())
        return [*lines, rule]

    def as_html(self) -> str:
        """Return the table as HTML, without styles of its own but alignment."""
        facts = [f"<b>{html.escape(name)}</b> {html.escape(value)}" for name, value in self.facts]
        parts = [f"<p>{' · '.join(facts)}</p>"] if facts else []
        parts += ["<table>", f"<caption>{html.escape(self.title)}</caption>"]
        for tag, cell_tag, rows in (("thead", "th", self.heads), ("tbody", "td", self._shown)):
            parts.append(f"<{tag}>")
            for row in rows:
                cells = "".join(
                    f'<{cell_tag} style="text-align:{"left" if i < self.n_labels else "right"}">'
                    f"{_indented(html.escape(cell), '&nbsp;')}</{cell_tag}>"
                    for i, cell in enumerate(row)
                )
                parts.append(f"<tr>{cells}</tr>")
            parts.append(f"</{tag}>")
        parts.append("</table>")
        parts += [f"<p><small>{html.escape(note)}</small></p>" for note in self.notes]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        return self.as_html()

    def as_latex(self) -> str:
        """Return the table as a LaTeX ``tabular`` with the title as caption; needs no package."""
        n_columns = len((*self.heads, *self.rows)[0]) if self.heads or self.rows else 1
        form = "l" * self.n_labels + "r" * (n_columns - self.n_labels)

        def line(row: tuple[str, ...]) -> str:
            cells = [_indented(cell.translate(_LATEX), "~") for cell in row]
            # the line before ends with a command that takes a star or a bracket for its own
            guard = "{}" if cells[:1] and cells[0][:1] in ("[", "*") else ""
            return guard + " & ".join(cells) + r" \\"

        facts = "; ".join(f"{name}: {value}" for name, value in self.facts)
        body = [line(row) for row in self.heads] + [r"\hline"] + [line(row) for row in self._shown]
        parts = [
            r"\begin{table}",
            rf"\caption{{{self.title.translate(_LATEX)}}}",
            *([rf"\par\small {facts.translate(_LATEX)}\par"] if facts else []),
            rf"\begin{{tabular}}{{{form}}}",
            r"\hline",
            *body,
            r"\hline",
            r"\end{tabular}",
            *(rf"\par\small {note.translate(_LATEX)}" for note in self.notes),
            r"\end{table}",
        ]
        return "\n".join(parts)

    def as_csv(self) -> str:
        """Return heads and rows as CSV, without title, facts and notes.

        Several rows of heads are joined, and every row has all of its labels.
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        if self.heads:
            joined = zip(*self.heads, strict=True)
            writer.writerow([" ".join(part for part in column if part) for column in joined])
        writer.writerows(self.rows)
        return out.getvalue()


def _indented(cell: str, space: str) -> str:
    """Return a cell whose leading spaces are kept by a format that drops them."""
    bare = cell.lstrip(" ")
    return space * (len(cell) - len(bare)) + bare
