"""Small tables of text: what a person reads on a terminal, in a notebook, in a paper or in a spreadsheet."""

from __future__ import annotations

import csv
import html
import io
import textwrap
from dataclasses import dataclass

WIDTH = 100
_LATEX = str.maketrans(
    {
        "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Text in rows and columns, with a title above and notes below.

    Attributes
    ----------
    title
        One line above the table.
    heads
        Rows of column heads; each as long as the rows.
    rows
        Cells as text; the first ``n_labels`` columns stand to the left, all others to the right.
    notes
        Lines below, wrapped where text has a fixed width.
    n_labels
        Columns that hold labels.
    """

    title: str
    heads: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    n_labels: int = 1

    def __post_init__(self) -> None:
        widths = {len(row) for row in (*self.heads, *self.rows)}
        if len(widths) > 1:
            raise ValueError(f"the rows of table '{self.title}' have {sorted(widths)} cells")

    def __str__(self) -> str:
        """Return the table as text of fixed width."""
        return self.as_text()

    def as_text(self) -> str:
        """Return the table as text of fixed width."""
        lines = [self.title]
        if self.heads or self.rows:
            columns = list(zip(*self.heads, *self.rows, strict=True))
            widths = [max(len(cell) for cell in column) for column in columns]
            rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
            lines.append(rule)
            for place, row in enumerate((*self.heads, *self.rows)):
                if place == len(self.heads):
                    lines.append(rule)
                cells = [
                    cell.ljust(width) if i < self.n_labels else cell.rjust(width)
                    for i, (cell, width) in enumerate(zip(row, widths, strict=True))
                ]
                lines.append("  ".join(cells).rstrip())
            lines.append(rule)
        for note in self.notes:
            lines += textwrap.wrap(note, WIDTH)
        return "\n".join(lines)

    def as_html(self) -> str:
        """Return the table as HTML, without styles of its own but alignment."""
        parts = ["<table>", f"<caption>{html.escape(self.title)}</caption>"]
        for tag, cell_tag, rows in (("thead", "th", self.heads), ("tbody", "td", self.rows)):
            parts.append(f"<{tag}>")
            for row in rows:
                cells = "".join(
                    f'<{cell_tag} style="text-align:{"left" if i < self.n_labels else "right"}">'
                    f"{html.escape(cell)}</{cell_tag}>"
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
            return " & ".join(cell.translate(_LATEX) for cell in row) + r" \\"

        body = [line(row) for row in self.heads] + [r"\hline"] + [line(row) for row in self.rows]
        parts = [
            r"\begin{table}",
            rf"\caption{{{self.title.translate(_LATEX)}}}",
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
        """Return heads and rows as CSV, without title and notes; several rows of heads are joined."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        if self.heads:
            joined = zip(*self.heads, strict=True)
            writer.writerow([" ".join(part for part in column if part) for column in joined])
        writer.writerows(self.rows)
        return out.getvalue()
