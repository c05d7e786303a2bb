"""TOML with lines: the content that tomllib reads, the line of every value, mistakes where they stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbhi.scenarios import scenario_names, scenarios_dir
from cbhi.scenarios.toml_text import UNREADABLE, read_toml

LARGE = Path(__file__).resolve().parents[1] / "data" / "large_scenario.toml"
SHIPPED = [scenarios_dir() / f"{name}.toml" for name in scenario_names()]


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    else:
        yield path, value


@pytest.mark.parametrize("file", [*SHIPPED, LARGE], ids=lambda file: file.name)
def test_every_key_of_a_scenario_stands_in_its_line(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    document = read_toml(text)
    assert document.content == tomllib.loads(text)
    assert document.problems == []
    lines = text.split("\n")
    n_seen = 0
    for path, _ in leaves(document.content):
        n_seen += 1
        line = lines[document.lines[path] - 1]
        assert str(path[-1]) in line, path
    assert n_seen > 50


# generated texts: every value is a number that stands nowhere else, so searching for it finds its line
NAMES = st.text("abcdefgh-_0123", min_size=1, max_size=5)
TRICKY = (
    '"a = 1 [b] # no"',
    "'{ x = 1'",
    '"""\na = 1\n[b]\n"""',
    "'''\n[[c]] # \\\n'''",
    '"\\""',
    '"#"',
    '""',
)
COMMENTS = ("", " # a = 1", "  # [b]", " # 'open", ' # """')


class Writer:
    """Writes TOML with numbers that are all different."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.parts: list[str] = []
        self.number = 100_000

    def next(self) -> str:
        self.number += 1
        return str(self.number)

    def key(self, name: str) -> str:
        return self.draw(st.sampled_from((name, f'"{name}"', f"'{name}'")))

    def value(self, depth: int = 0) -> str:
        kind = self.draw(st.sampled_from(("number", "number", "text", "array", "table", "date")))
        if kind == "number" or depth > 2:
            return self.next()
        if kind == "text":
            return self.draw(st.sampled_from(TRICKY if depth == 0 else TRICKY[:2]))
        if kind == "date":
            return self.draw(st.sampled_from(("2011-07-01", "2011-07-01 10:00:00", "07:30:00")))
        names = self.draw(st.lists(NAMES, unique=True, max_size=3))
        if kind == "table":
            return "{ " + ", ".join(f"{self.key(n)} = {self.value(depth + 1)}" for n in names) + " }"
        gaps = ("", " ", "\n", "\n  # a comment, with ] and '\n  ") if depth == 0 else ("", " ")
        gap = self.draw(st.sampled_from(gaps))
        return "[" + f",{gap}".join(gap + self.value(depth + 1) for _ in names) + gap + "]"

    def block(self, names: list[str]) -> None:
        for name in names:
            dotted = self.draw(st.booleans())
            key = f"{self.key(name)}.{self.key('in')} . {self.key('most')}" if dotted else self.key(name)
            self.parts.append(f"{key} = {self.value()}{self.draw(st.sampled_from(COMMENTS))}")
            if self.draw(st.booleans()):
                self.parts.append(self.draw(st.sampled_from(("", "# x = 1", "   "))))


@st.composite
def toml_texts(draw: st.DrawFn) -> str:
    writer = Writer(draw)
    names = draw(st.lists(NAMES, unique=True, min_size=1, max_size=8))
    cut = draw(st.integers(0, len(names)))
    writer.block(names[:cut])
    for name in names[cut:]:
        kind = draw(st.sampled_from(("table", "array", "inside")))
        for _ in range(draw(st.integers(1, 3)) if kind == "array" else 1):
            header = writer.key(name)
            writer.parts.append(f"[[{header}]]" if kind == "array" else f"[ {header} ]")
            writer.block(draw(st.lists(NAMES, unique=True, max_size=4)))
            if kind == "array" and draw(st.booleans()):
                writer.parts.append(f"[{header}.'sub table'] # more of it")
                writer.block(["deep"])
        if kind == "inside":
            writer.parts.append(f"[{name}.z9.y9]")
            writer.block(["deep"])
    ending = draw(st.sampled_from(("\n", "\r\n")))
    return "\n".join(writer.parts).replace("\n", ending) + draw(st.sampled_from(("", ending)))


@settings(max_examples=300, deadline=None)
@given(toml_texts())
def test_any_valid_text_reads_as_tomllib_reads_it_and_knows_its_lines(text: str) -> None:
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assert read_toml(text).problems
        return
    document = read_toml(text)
    assert document.problems == []
    assert document.content == expected
    lines = text.split("\n")
    for path, value in leaves(expected):
        if isinstance(value, int) and not isinstance(value, bool):
            (right,) = [n for n, line in enumerate(lines, 1) if re.search(rf"\b{value}\b", line)]
            first = document.lines[path]
            # the key of an array's element is the element; of any other value the key stands before it
            assert first == right, (path, value)


@settings(max_examples=200, deadline=None)
@given(st.text("abc=[]{}\"'#.,\n 120-", max_size=40))
def test_any_text_is_read_and_called_wrong_exactly_where_tomllib_does(text: str) -> None:
    document = read_toml(text)
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assert document.problems
        n_lines = text.count("\n") + 1
        assert all(1 <= line <= n_lines for line, _ in document.problems)
    else:
        assert document.problems == []
        assert document.content == expected


def test_the_same_leaf_in_two_sections_has_two_lines() -> None:
    document = read_toml(
        "[loans]\noffered = true\n\n[subsidy]\noffered = true\n[[event]]\nloans.offered = 1\n"
    )
    assert document.lines["loans", "offered"] == 2
    assert document.lines["subsidy", "offered"] == 5
    assert document.lines["event", 0, "loans", "offered"] == 7
    assert document.line(("event", 0, "loans", "nothing", "here")) == 7
    assert document.line(("nowhere",)) is None


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a = 1\nx = 1,000\n", 2, "x: 1,000 is written 1000, without separators"),
        ("x = 10 000", 1, "10 000 is written 10000"),
        ("x = { a = 1, b = 2,500, c = 3 }", 1, "2,500 is written 2500"),
        ("x = 15%", 1, "15 % is written 0.15"),
        ("x = 0,5", 1, "0,5 is written 0.5, with a point"),
        ("x = .5", 1, ".5 is written 0.5"),
        ("x = 5.", 1, "5. is written 5.0"),
        ("x = 007", 1, "007 is written 7"),
        ("x = True", 1, "True is written true"),
        ("x = yes", 1, "yes is written true"),
        ("x = tru", 1, "did you mean true?"),
        ("x = fixed", 1, 'a text stands in quotes; write "fixed"'),
        ("x = 'fixed\ny = 1", 1, "the closing quote ' is missing"),
        ("x = fixed'\ny = 1", 1, "the opening quote ' is missing"),
        ("x =\ny = 1", 1, "a value is missing after '='; write x = value"),
        ("x = 2011-13-01", 1, "months run from 1 to 12"),
        ("x = 2011-02-30", 1, "February 2011 has 28 days; write 2011-02-28"),
        ("x = 2012-02-30", 1, "February 2012 has 29 days"),
        ("x = 2011-06-31", 1, "June 2011 has 30 days"),
        ("x = 2011/07/01", 1, "write '2011-07', or 2011-07-01 as a date"),
        ("x = 01.07.2011", 1, "the year comes first"),
        ("x = 2011-07", 1, "a month without a day; write 2011-07-01"),
        ("[loans\nx = 1", 1, "'[loans' lacks a bracket or a quote; write [loans]"),
        ("loans]\nx = 1", 1, "'loans]' lacks a bracket; write [loans]"),
        ("[[event]\nx = 1", 1, "write [[event]]"),
        ("event]]\nx = 1", 1, "write [[event]]"),
        ("[[event]]\nx=1\n[event]\ny = 1", 3, "write [[event]]"),
        ("x = [1, 2\ny = 3", 1, "the closing bracket ']' is missing"),
        ("x = { a = 1\n[b]", 1, "the closing brace '}' is missing"),
        ("x = a = 1 }", 1, "the opening brace '{' is missing"),
        ("x = { a = 1 b = 2 }", 1, "a comma is missing"),
        ("x = { a = 1, a = 2 }", 1, "x: 'a' is given twice"),
        ("x = {\n  a = 1,\n  b = 2\n}\ny = 1", 1, "a table in braces stands on one line"),
        ("x = [\n  1,\n  2 3,\n]\ny = 1", 3, "'2 3,' is neither"),
        ("x 3", 1, "'x 3' lacks '='; write x = 3"),
        ("x: 3", 1, "lacks '='"),
        ("nonsense", 1, "neither a section nor a key"),
        ("= 3", 1, "a key is missing before '='"),
        ("pr\u00e4mie = 3", 1, "may hold letters, digits"),
        ('"x = 3', 1, "lacks a closing quote"),
        ("x = 1\ny = 2\nx = 3", 3, "'x' is given twice, first in line 1; keep one of them"),
        ("[a]\nx = 1\n[b]\n[a]\ny = 2", 4, "section [a] is opened a second time; line 1 opens it"),
        ("x = '''\nabc\n", 1, "the closing quote ''' is missing"),
    ],
)
def test_a_mistake_is_said_once_in_its_line_with_its_cure(text: str, line: int, said: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    ((found, what),) = read_toml(text).problems
    assert found == line
    assert said in what


def test_all_mistakes_at_once_and_the_rest_is_read() -> None:
    document = read_toml("a = 1,000\n[loans\nb = fixed\nc = 3\n[[event]]\nd = 2011-02-30\ne = 4\n")
    assert [line for line, _ in document.problems] == [1, 2, 3, 6]
    assert document.content == {
        "a": UNREADABLE,
        "loans": {"b": UNREADABLE, "c": 3},
        "event": [{"d": UNREADABLE, "e": 4}],
    }
    assert document.problems[2][1].startswith("loans.b: ")


def test_a_table_over_several_lines_is_wrong_and_still_understood() -> None:
    document = read_toml("x = {\n  a = 1, # one\n  b = 2,\n}\n")
    assert document.content == {"x": {"a": 1, "b": 2}}
    assert document.lines["x", "b"] == 3
