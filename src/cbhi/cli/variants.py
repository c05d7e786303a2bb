"""Variants of a scenario, written on the command line: ``[NAME:] KEY=VALUE[, KEY=VALUE ...]``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cbhi.cli.options import parse_changes

if TYPE_CHECKING:
    from cbhi.scenarios import Scenario

_NAMED = re.compile(r"^([^=\"']*?[^=\"'\s])\s*:\s*(.*)$", re.DOTALL)


def split_changes(text: str) -> list[str]:
    """Return the KEY=VALUE parts of a text; commas in brackets, braces and quotes do not part."""
    parts, depth, quote, start = [], 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [part.strip() for part in (*parts, text[start:])]


def variant(base: Scenario, text: str) -> Scenario:
    """Return the scenario with the changes of one ``--with``.

    Raises
    ------
    ValueError
        When the text is no list of KEY=VALUE, or a key or value is wrong.
    """
    named = _NAMED.match(text)
    name, changes = (named[1].strip(), named[2]) if named else (None, text)
    parts = split_changes(changes)
    for part in parts:
        if not part.partition("=")[0].strip() or "=" not in part:
            raise ValueError(
                f"--with {text}: '{part}' is not KEY=VALUE; write"
                ' --with "free care: care.copayment_rwf=0, care.coinsurance_share=0"'
            )
    from cbhi.scenarios import ScenarioError

    try:
        return base.replace(parse_changes(tuple(parts)), name=name)
    except ScenarioError as error:
        lines = [f"--with {text}: {line.removeprefix('--set ')}" for line in error.problems]
        raise ScenarioError("the command line", lines) from None
