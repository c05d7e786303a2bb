"""The nearest word: distances by hand, and every one-letter mistake in every key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbhi.params import parameter_table
from cbhi.words import edits, listed, nearest, number_text, suggest

WORDS = st.text("abcde_", max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "", 0),
        ("loans", "loans", 0),
        ("loan", "loans", 1),
        ("looans", "loans", 1),
        ("laons", "loans", 1),
        ("lozns", "loans", 1),
        ("", "abc", 3),
        ("kitten", "sitting", 3),
        ("Loans", "loans", 1),
    ],
)
def test_edits_by_hand(one: str, other: str, distance: int) -> None:
    assert edits(one, other) == distance


@given(WORDS, WORDS)
def test_edits_are_a_distance(one: str, other: str) -> None:
    distance = edits(one, other)
    assert distance == edits(other, one)
    assert (distance == 0) == (one == other)
    assert abs(len(one) - len(other)) <= distance <= max(len(one), len(other))


@given(st.sampled_from(sorted(parameter_table())), st.data())
def test_a_letter_wrong_in_a_long_key_finds_it_again(key: str, data: st.DataObject) -> None:
    section, leaf = key.rsplit(".", 1)
    inside = [k.rsplit(".", 1)[1] for k in parameter_table() if k.rsplit(".", 1)[0] == section]
    at = data.draw(st.integers(0, len(leaf) - 1))
    wrong = leaf[:at] + leaf[at + 1 :]
    if wrong in inside:
        return
    meant = nearest(wrong, inside)
    assert meant is not None
    assert edits(wrong, meant) == 1


def test_short_words_may_miss_or_swap_a_letter() -> None:
    assert nearest("t", ("to", "name")) == "to"
    assert nearest("ot", ("to", "name")) == "to"
    assert nearest("form", ("from", "to")) == "from"
    assert nearest("zzz", ("from", "to")) is None
    assert nearest("rollng", ("rolling", "fixed"), loose=False) == "rolling"
    assert nearest("totally else", ("rolling",), loose=False) is None


def test_suggestions_are_questions_or_nothing() -> None:
    assert suggest("loans.offerd", ["loans.offered", "care.x"]) == "; did you mean 'loans.offered'?"
    assert suggest("qqqq", ["loans.offered"]) == ""


def test_lists_and_numbers_as_people_write_them() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a", "b"], "or") == "a or b"
    assert number_text(1e6) == "1000000"
    assert number_text(0.15) == "0.15"
    assert number_text(-3) == "-3"
    assert number_text(1e300) == "1e+300"
    assert number_text(float("inf")) == "inf"
    assert number_text(float("nan")) == "nan"
