"""Tables of text: every form holds the same cells and breaks on none of them."""

from __future__ import annotations

import csv
import io
import math
from html.parser import HTMLParser

import pytest

from cbhi.tables import WIDTH, Scale, Table, scale_of

NASTY = "a_b & 50 % $x$ #1 {y} ~ ^ \\z <b>\"q\"</b>, 'r'"


def small() -> Table:
    return Table(
        title="Members",
        heads=(("", "2003", "2004"), ("", "6 months", "12 months")),
        rows=(("Coverage", "", ""), ("  true", "7.0", "27.0"), ("  official", "7", "-")),
        notes=("A note.",),
        facts=(("Seed", "1"), ("Households", "200")),
    )


def test_text_is_lined_up() -> None:
    assert small().as_text().splitlines() == [
        "Members",
        "Seed        1    Households  200",
        "-------------------------------",
        "                2003       2004",
        "            6 months  12 months",
        "-------------------------------",
        "Coverage",
        "  true           7.0       27.0",
        "  official         7          -",
        "-------------------------------",
        "A note.",
    ]
    assert str(small()) == small().as_text()
    assert small().width == len("-------------------------------")


def test_wide_tables_are_folded_under_the_same_labels() -> None:
    years = [str(year) for year in range(1999, 2013)]
    table = Table(
        title="word " * 40,
        heads=(("variable", *years),),
        rows=(("visits", *(f"{i}.00 [0.10, 9.90]" for i in range(14))),),
        notes=("note " * 50,),
    )
    lines = table.as_text().splitlines()
    assert max(map(len, lines)) <= WIDTH
    heads = [line.split()[1:] for line in lines if line.startswith("variable")]
    assert len(heads) > 1
    assert [year for head in heads for year in head] == years
    bodies = [line for line in lines if line.startswith("visits")]
    assert len(bodies) == len(heads)
    assert sum(body.count("[0.10, 9.90]") for body in bodies) == 14
    # each panel is filled: one more column would not have fitted
    assert all(len(body) + 2 + len("0.00 [0.10, 9.90]") > WIDTH for body in bodies[:-1])
    assert len([line for line in table.as_text(width=10_000).splitlines() if line.startswith("visits")]) == 1


def test_a_column_wider_than_the_line_is_not_cut() -> None:
    text = Table("t", (("", "x"),), (("label", "y" * 150),)).as_text()
    assert "y" * 150 in text


def test_facts_that_are_long_stand_alone() -> None:
    facts = (("A", "1"), ("B", "long " * 30), ("C", "3"), ("D", "4"))
    lines = Table("t", (), (), facts=facts).as_text().splitlines()
    assert lines[1:3] == ["A  1    D  4", "C  3"]
    assert lines[3].startswith("B  long")
    assert lines[4].startswith("   long")
    assert max(map(len, lines)) <= WIDTH


class Reader(HTMLParser):
    """Collect the text of cells, and the tags that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def test_html_is_escaped_and_closed() -> None:
    table = Table(NASTY, ((NASTY, NASTY),), ((f"  {NASTY}", NASTY),), (NASTY,), facts=((NASTY, NASTY),))
    reader = Reader()
    reader.feed(table.as_html())
    assert reader.open == []
    # the bold type is the table's own, for the name of a fact
    assert reader.tags == {"p", "b", "table", "caption", "thead", "tbody", "tr", "th", "td", "small"}
    assert reader.cells == [NASTY, NASTY, "\xa0\xa0" + NASTY, NASTY]
    assert table.as_html().count("<b>") == 1
    assert table._repr_html_() == table.as_html()


def test_latex_is_escaped() -> None:
    text = Table(NASTY, (("", NASTY),), (("  x", NASTY), ("[y]", "*")), (NASTY,)).as_latex()
    escaped = (
        r"a\_b \& 50 \% \$x\$ \#1 \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{}z"
        " <b>\"q\"</b>, 'r'"
    )
    assert text.count(escaped) == 4
    assert NASTY not in text
    assert r"\begin{tabular}{lr}" in text
    assert rf"~~x & {escaped} \\" in text
    # after a line's end, a bracket would be read as its argument
    assert "\n{}[y] & * \\\\" in text
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 1


def test_csv_reads_back() -> None:
    table = Table("t", (("", "2003"), ("", "6 months")), ((NASTY, '1,5 "x"\ny'),), ("note",))
    assert list(csv.reader(io.StringIO(table.as_csv()))) == [["", "2003 6 months"], [NASTY, '1,5 "x"\ny']]


def test_rows_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the rows of table 'Members' have \[2, 3\] cells"):
        Table("Members", (("a", "b"),), (("1", "2", "3"),))


@pytest.mark.parametrize(
    ("unit", "largest", "value", "shown", "said"),
    [
        ("share", 0.5, 0.1234, "12.3", "%"),
        ("share", 0.5, -0.00001, "0.0", "%"),
        ("RWF", 29.01e9, 1.234e9, "1.23", "bn RWF"),
        ("RWF", 290.1e9, -290.14e9, "-290.1", "bn RWF"),
        ("RWF", 5e6, 4.5e6, "4.50", "m RWF"),
        ("RWF", 5e3, 4_560.0, "4.56", "1,000 RWF"),
        ("RWF", 500.0, 123.4, "123", "RWF"),
        ("RWF", 0.0, 0.0, "0", "RWF"),
        ("RWF", math.nan, math.nan, "-", "RWF"),
        ("persons", 2e6, 1_234_567.0, "1,234.6", "1,000 persons"),
        ("persons", 900.0, 123.4, "123", "persons"),
        ("RWF per person per year", 380.0, 344.4, "344", "RWF per person per year"),
        ("0 to 1", 0.73, 0.7294, "0.729", "0 to 1"),
        ("hours", 1.9, 0.7294, "0.73", "hours"),
        ("hours", 10.0, 9.96, "10.0", "hours"),
        ("contacts", 0.004, 0.0041, "0.004", "contacts"),
    ],
)
def test_numbers_are_written_in_a_scale_that_is_easy_to_read(
    unit: str, largest: float, value: float, shown: str, said: str
) -> None:
    scale = scale_of(unit, largest)
    assert scale.show(value) == shown
    assert scale.unit == said


def test_what_rounds_to_zero_has_no_sign_and_nothing_is_a_dash() -> None:
    assert Scale(1.0, "", 2).show(-0.001) == "0.00"
    assert Scale(1.0, "", 2).show(-0.006) == "-0.01"
    assert Scale(1.0, "", 2).show(math.nan) == "-"


def test_labels_are_said_once_where_a_person_reads_and_always_in_csv() -> None:
    rows = (("a", "1", "x"), ("a", "2", "y"), ("b", "2", "z"), ("b", "2", "w"), ("", "2", "v"))
    table = Table("t", (("", "year", "v"),), rows, n_labels=2, say_once=True)
    assert table.as_text().splitlines()[4:-1] == [
        "a  1     x",
        "   2     y",
        "b  2     z",
        "   2     w",
        "   2     v",
    ]
    assert list(csv.reader(io.StringIO(table.as_csv())))[1:] == [list(row) for row in rows]
    assert " & 2 & y" in table.as_latex()
    assert "a & 2" not in table.as_latex()
    plain = Table("t", (("", "year", "v"),), rows, n_labels=2)
    assert "a & 2 & y" in plain.as_latex()
