"""The nearest known word to a misspelt one, and how values are said in messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def edits(one: str, other: str) -> int:
    """Return how many letters must be added, dropped, replaced or swapped with their neighbour.

    Parameters
    ----------
    one, other
        Two words; upper and lower case are different letters.

    Returns
    -------
    int
        Optimal string alignment distance: 0 for equal words.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def nearest(word: str, known: Iterable[str], loose: bool = True) -> str | None:
    """Return the known word nearest to a misspelt one.

    Parameters
    ----------
    word
        What was written.
    known
        Words that could have been meant.
    loose
        Whether a word that only looks alike will do; without it at most a third of the letters, and never
        more than two, may differ.

    Returns
    -------
    str or None
        The word, or None where nothing is near.
    """
    known = sorted(set(known))
    small = word.lower()
    ranked = sorted(
        (edits(small, k.lower()), -difflib.SequenceMatcher(None, small, k.lower()).ratio(), k) for k in known
         if abs(len(k) - len(word)) <= 2
    )  # fmt: skip
    if ranked:
        distance, _, best = ranked[0]
        # a word of two letters may miss one of them, or have them swapped
        if distance <= max(1, min(2, len(best) // 3)) and len(best) > 1:
            return best
    if loose:
        near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
        return near[0] if near else None
    return None


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, or an empty text.

    Parameters
    ----------
    word
        What was written.
    known
        Words that could have been meant; of words with dots the last part counts too.
    """
    known = list(known)
    near = nearest(word, known)
    if near is None:
        tails = {name.rsplit(".", 1)[-1]: name for name in known}
        match = difflib.get_close_matches(word.rsplit(".", 1)[-1], list(tails), n=1, cutoff=0.75)
        near = tails[match[0]] if match else None
    return f"; did you mean '{near}'?" if near else ""


def listed(words: Iterable[str], joint: str = "and") -> str:
    """Return words as a list in a sentence: ``"a, b and c"``.

    Parameters
    ----------
    words
        What to list.
    joint
        The word before the last.
    """
    words = list(words)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def number_text(value: float) -> str:
    """Return a number as a person writes it: whole numbers without a point, thousands not in powers of ten.

    Parameters
    ----------
    value
        A number of any size.
    """
    if abs(value) < 1e15 and value == int(value):
        return str(int(value))
    return f"{value:.6g}"
