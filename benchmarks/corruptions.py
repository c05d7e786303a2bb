"""Damage scenario files in one place and see whether the check says so, where, and what was meant.

Each corruption is one mistake that people make: a letter wrong in a key, a section, a choice or a name, a
number out of range, a percentage for a share, thousands separators, a number as a text, an impossible date, a
key in the wrong section or given twice, a bracket or quote missing, an event that contradicts another, a base
that does not exist. ``cbhi check`` is then run on the damaged file. Texts that a person may write freely are
left alone, and what leaves a file that can be run is no corruption: another one is drawn instead.

    python benchmarks/corruptions.py --n 500 --seed 1
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from cbhi.cli import main as cli
from cbhi.scenarios import scenario_names, scenarios_dir
from cbhi.scenarios.changes import flatten, groups_of_keys, known_parameters, sections
from cbhi.scenarios.toml_text import read_toml
from cbhi.tables import Table

ROOT = Path(__file__).resolve().parents[1]
LARGE = ROOT / "tests" / "data" / "large_scenario.toml"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Corruption:
    """A damaged text: what was done, in which line the mistake stands, and the word that was meant."""

    kind: str
    text: str
    line: int
    meant: str = ""


@dataclass(frozen=True)
class Outcome:
    """What the check made of a corruption."""

    corruption: Corruption
    exit_code: int
    problems: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """Exit code 2 and exactly one problem."""
        return self.exit_code == 2 and len(self.problems) == 1

    @property
    def right_line(self) -> bool:
        """The first problem names the damaged line."""
        return bool(self.problems) and f".toml:{self.corruption.line}: " in self.problems[0]

    @property
    def right_word(self) -> bool:
        """The problem suggests what was meant; true where nothing was to be suggested."""
        meant = self.corruption.meant
        after = self.problems[0].partition("did you mean")[2] if self.problems else ""
        return not meant or bool(re.search(rf"(?<![\w-]){re.escape(meant)}(?![\w-])", after))


class Text:
    """The lines of a scenario file and what stands in them."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        document = read_toml(text)
        free = _free_lines(text)
        self.headers = [
            n for n, line in enumerate(self.lines) if re.match(r"\[+[\w.]+\]+", line) and n not in free
        ]
        self.assignments = [
            n for n, line in enumerate(self.lines) if re.match(r"[\w.\"]+\s*=", line) and n not in free
        ]
        # line of a parameter -> its full keys
        self.keys: dict[int, list[str]] = {}
        for where, changes in _parts(document.content):
            for key, path in flatten(changes, where).places.items():
                line = document.line(path)
                assert line is not None
                self.keys.setdefault(line - 1, []).append(key)

    def with_line(self, number: int, line: str) -> str:
        """Return the text with another line in one place."""
        return "\n".join([*self.lines[:number], line, *self.lines[number + 1 :]])

    def single(self, number: int) -> str | None:
        """Return the full key of a line that sets one parameter only."""
        keys = self.keys.get(number, [])
        return keys[0] if len(keys) == 1 and "{" not in self.lines[number].split("#")[0] else None


def _free_lines(text: str) -> set[int]:
    """Return the lines inside texts of several lines."""
    free: set[int] = set()
    for match in re.finditer(r'"""[\s\S]*?"""', text):
        first = text.count("\n", 0, match.start())
        free |= set(range(first, first + match[0].count("\n") + 1))
    return free


def _parts(content: dict[str, object]) -> list[tuple[tuple[str | int, ...], dict[str, object]]]:
    events = content.get("event", [])
    assert isinstance(events, list)
    parts: list[tuple[tuple[str | int, ...], dict[str, object]]] = [
        ((), {name: value for name, value in content.items() if name in sections()})
    ]
    for number, event in enumerate(events):
        parts.append((("event", number), {k: v for k, v in event.items() if k not in ("from", "why")}))
    return parts


def typo(word: str, rng: random.Random) -> str:
    """Return a word with one letter dropped, doubled, replaced or swapped with the next."""
    while True:
        at = rng.randrange(len(word))
        how = rng.choice(("drop", "double", "swap", "replace"))
        if how == "drop":
            wrong = word[:at] + word[at + 1 :]
        elif how == "double":
            wrong = word[: at + 1] + word[at:]
        elif how == "swap":
            wrong = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
        else:
            wrong = word[:at] + rng.choice(LETTERS) + word[at + 1 :]
        if wrong and wrong != word:
            return wrong


# corruptions: each returns None where the line drawn has no room for it --------------------------------


def typo_in_key(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice(t.assignments)
    line = t.lines[n]
    left, right = line.split("=", 1)
    words = list(re.finditer(r"\w+", left))
    word = rng.choice(words)
    wrong = typo(word[0], rng)
    text = t.with_line(n, f"{left[: word.start()]}{wrong}{left[word.end() :]}={right}")
    key = t.single(n)
    if key is not None:
        return Corruption("letter wrong in a key", text, n + 1, key if word is words[-1] else word[0])
    full = left.strip().strip('"')
    if n in t.keys:  # a table of several keys: the group of them is meant
        inside = t.keys[n]
        group = next((g for g in groups_of_keys() if set(inside) <= set(groups_of_keys()[g])), inside[0])
        return Corruption("letter wrong in a key", text, n + 1, inside[0] if len(inside) == 1 else group)
    return Corruption("letter wrong in a key", text, n + 1, full)


def typo_in_section(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice(t.headers)
    words = list(re.finditer(r"\w+", t.lines[n]))
    word = rng.choice(words)
    wrong = typo(word[0], rng)
    line = t.lines[n][: word.start()] + wrong + t.lines[n][word.end() :]
    return Corruption("letter wrong in a section", t.with_line(n, line), n + 1, word[0])


def typo_in_choice(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice(t.assignments)
    key = t.single(n)
    if key is None or known_parameters()[key].choices is None:
        return None
    match = re.search(r"=\s*[\"'](\w+)[\"']", t.lines[n])
    assert match is not None
    wrong = typo(match[1], rng)
    line = t.lines[n][: match.start(1)] + wrong + t.lines[n][match.end(1) :]
    return Corruption("letter wrong in a choice", t.with_line(n, line), n + 1, match[1])


def typo_in_inline_key(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice(t.assignments)
    bare = re.sub(r'"[^"]*"', lambda m: "0" * len(m[0]), t.lines[n])
    words = list(re.finditer(r"[{,]\s*([a-z_]+) =", bare))
    if not words:
        return None
    word = rng.choice(words)
    wrong = typo(word[1], rng)
    line = t.lines[n][: word.start(1)] + wrong + t.lines[n][word.end(1) :]
    return Corruption("letter wrong in a key", t.with_line(n, line), n + 1, word[1])


def typo_in_base(t: Text, rng: random.Random) -> Corruption | None:
    found = [(n, m) for n, line in enumerate(t.lines) if (m := re.match(r'base = "([\w-]+)"', line))]
    if not found:
        return None
    n, match = found[0]
    return Corruption(
        "letter wrong in a base", t.with_line(n, f'base = "{typo(match[1], rng)}"'), n + 1, match[1]
    )


def unknown_base(t: Text, rng: random.Random) -> Corruption | None:
    found = [n for n, line in enumerate(t.lines) if line.startswith("base = ")]
    if not found:
        return None
    name = rng.choice(("atlantis", "my-country", "ghana-2003", "base.toml", "../none.toml"))
    return Corruption("unknown base", t.with_line(found[0], f'base = "{name}"'), found[0] + 1)


def _number(t: Text, rng: random.Random) -> tuple[int, str, re.Match[str]] | None:
    """Return a line that sets one number: its place, key and number."""
    n = rng.choice(t.assignments)
    key = t.single(n)
    match = re.search(r"=\s*(-?[\d_]+(?:\.\d+)?)\s*(?:#|$)", t.lines[n])
    return (n, key, match) if key is not None and match is not None else None


def out_of_range(t: Text, rng: random.Random) -> Corruption | None:
    found = _number(t, rng)
    if found is None:
        return None
    n, key, match = found
    info = known_parameters()[key]
    if info.low is None or info.high is None:
        return None
    wide = info.high - info.low
    value = rng.choice((info.low - 1 - wide * rng.random(), info.high + 1 + 200 * wide * (1 + rng.random())))
    said = str(round(value)) if isinstance(info.default, int) else f"{value:.4f}"
    line = t.lines[n][: match.start(1)] + said + t.lines[n][match.end(1) :]
    return Corruption("number out of range", t.with_line(n, line), n + 1)


def percent(t: Text, rng: random.Random) -> Corruption | None:
    found = _number(t, rng)
    if found is None:
        return None
    n, key, match = found
    info = known_parameters()[key]
    value = round(100 * float(match[1]), 6)
    if not info.unit.startswith("share") or info.high is None or not info.high < value <= 100:
        return None
    said = rng.choice((f"{value:g}", f"{value:g}%", f'"{value:g}%"', f"{value:g} %"))
    line = t.lines[n][: match.start(1)] + said + t.lines[n][match.end(1) :]
    return Corruption("percentage for a share", t.with_line(n, line), n + 1)


def thousands(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice(t.assignments)
    bare = re.sub(r'"[^"]*"', lambda m: "x" * len(m[0]), t.lines[n].split("#")[0])
    numbers = list(re.finditer(r"= (\d{4,})(?![\d.-])", bare))
    if not numbers or n not in t.keys:
        return None
    number = rng.choice(numbers)
    said = f"{int(number[1]):,}".replace(",", rng.choice((",", " ", "'")))
    line = t.lines[n][: number.start(1)] + said + t.lines[n][number.end(1) :]
    return Corruption("thousands separators", t.with_line(n, line), n + 1)


def number_as_text(t: Text, rng: random.Random) -> Corruption | None:
    found = _number(t, rng)
    if found is None:
        return None
    n, _, match = found
    line = f'{t.lines[n][: match.start(1)]}"{match[1]}"{t.lines[n][match.end(1) :]}'
    return Corruption("number as a text", t.with_line(n, line), n + 1)


def impossible_date(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice(t.assignments)
    if not re.match(r"(from|to) =", t.lines[n]):
        return None
    year = rng.randint(2003, 2011)
    dates = ("{}-13-01", "{}-00-10", "{}-02-30", "{}-06-31", "{}/07/01", "01.07.{}", "{}-07", "{}", "{}-7-1")
    said = rng.choice(dates).format(year)
    if rng.random() < 0.3 and not re.fullmatch(r"\d{4}-07", said):
        said = f'"{said}"'
    word = t.lines[n].split("=")[0]
    return Corruption("impossible date", t.with_line(n, f"{word}= {said}"), n + 1)


def wrong_section(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice(t.assignments)
    key = t.single(n)
    if key is None or key.count(".") != 1:
        return None
    leaf = key.split(".")[1]
    opened = {line.strip("[]").removeprefix("event.") for line in t.lines if line.startswith("[event.")}
    other = rng.choice([s for s in sections() if f"{s}.{leaf}" not in known_parameters() and s not in opened])
    left, right = t.lines[n].split("=", 1)
    if "." in left:
        return Corruption("wrong section", t.with_line(n, f"{other}.{leaf} ={right}"), n + 1)
    # a header is written before the line, and the old one again after it, where it would be opened twice
    places = [
        h
        for h in t.headers
        if re.fullmatch(r"\[\w+\]", t.lines[h]) and t.lines[h] != f"[{key.split('.')[0]}]"
    ]
    places = [
        h
        for h in places
        if f"{t.lines[h][1:-1]}.{leaf}" not in known_parameters() and t.lines[h] != "[sources]"
    ]
    if not places:
        return None
    to = rng.choice(places)
    lines = list(t.lines)
    moved = lines.pop(n)
    to -= to > n
    lines.insert(to + 1, moved)
    return Corruption("wrong section", "\n".join(lines), to + 2)


def key_twice(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice(t.assignments)
    lines = [*t.lines[: n + 1], t.lines[n], *t.lines[n + 1 :]]
    return None if '"""' in t.lines[n] else Corruption("key given twice", "\n".join(lines), n + 2)


def bracket_missing(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice((*t.headers, *t.assignments))
    line = t.lines[n]
    bare = re.sub(r'"[^"]*"|#.*', lambda m: "x" * len(m[0]), line)
    places = [at for at, mark in enumerate(bare) if mark in "[]{}"]
    if not places:
        return None
    at = rng.choice(places)
    return Corruption("bracket missing", t.with_line(n, line[:at] + line[at + 1 :]), n + 1)


def quote_missing(t: Text, rng: random.Random) -> Corruption | None:
    n = rng.choice(t.assignments)
    line = t.lines[n]
    if '"""' in line:
        return None
    places = [at for at, mark in enumerate(line.split("#")[0]) if mark == '"' and line[at - 1] != "\\"]
    if not places:
        return None
    at = rng.choice(places)
    return Corruption("quote missing", t.with_line(n, line[:at] + line[at + 1 :]), n + 1)


def contradiction(t: Text, rng: random.Random) -> Corruption | None:
    document = read_toml("\n".join(t.lines))
    events = document.content.get("event", [])
    if not events:
        return None
    event = rng.choice(events)
    flat = flatten({k: v for k, v in event.items() if k not in ("from", "why")}).values
    switches = [key for key, value in flat.items() if isinstance(value, bool)]
    choices = [key for key in flat if known_parameters()[key].choices]
    if switches:
        key = rng.choice(switches)
        other = "false" if flat[key] else "true"
    elif choices:
        key = rng.choice(choices)
        other = f'"{rng.choice([c for c in known_parameters()[key].choices or () if c != flat[key]])}"'
    else:
        return None
    month = event["from"] if not isinstance(event["from"], str) else f'"{event["from"]}"'
    at = next((h for h in t.headers if t.lines[h] == "[sources]"), len(t.lines))
    added = ["[[event]]", f"from = {month}", f"{key} = {other}", ""]
    return Corruption("contradictory event", "\n".join([*t.lines[:at], *added, *t.lines[at:]]), at + 3)


KINDS: tuple[Callable[[Text, random.Random], Corruption | None], ...] = (
    typo_in_key, typo_in_key, typo_in_inline_key, typo_in_section, typo_in_choice, typo_in_base, unknown_base,
    out_of_range, percent, thousands, number_as_text, impossible_date, wrong_section, key_twice,
    bracket_missing, quote_missing, contradiction,
)  # fmt: skip


def check(corruption: Corruption, folder: Path) -> Outcome:
    """Run ``cbhi check`` on a damaged file, in this process."""
    file = folder / "damaged.toml"
    file.write_text(corruption.text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", str(file)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    lines = result.stderr.splitlines()
    return Outcome(corruption, result.exit_code, tuple(line.strip() for line in lines[1:]))


def outcomes(n: int, seed: int, folder: Path) -> list[Outcome]:
    """Return what the check makes of ``n`` corruptions, the same for the same seed."""
    rng = random.Random(seed)
    texts = [(scenarios_dir() / f"{name}.toml").read_text(encoding="utf-8") for name in scenario_names()]
    for sets in scenarios_dir().glob("*-sets.csv"):  # named by scenarios as a file beside them
        shutil.copy(sets, folder)
    texts += 2 * [LARGE.read_text(encoding="utf-8")]
    files = [Text(text) for text in texts]
    found: list[Outcome] = []
    while len(found) < n:
        kind = KINDS[len(found) % len(KINDS)]
        drawn = kind(rng.choice(files), rng)
        if drawn is None:
            continue
        outcome = check(drawn, folder)
        if outcome.exit_code != 0 or not is_harmless(drawn):
            found.append(outcome)
    return found


def is_harmless(corruption: Corruption) -> bool:
    """Say whether a damaged file still is a valid text that means a scenario that can be run.

    A quote lost from a comment is no mistake that anybody could see. Nothing else is harmless: a file that is
    let through counts as not refused.
    """
    return corruption.kind == "quote missing" and not read_toml(corruption.text).problems


def table(found: list[Outcome]) -> Table:
    """Return the outcomes by kind."""
    rows = []
    kinds = [*sorted({o.corruption.kind for o in found}), "all"]
    for kind in kinds:
        own = [o for o in found if kind in ("all", o.corruption.kind)]
        typos = [o for o in own if o.corruption.meant]
        right = f"{sum(o.right_word for o in typos)} of {len(typos)}" if typos else "-"
        rows.append(
            (
                kind,
                str(len(own)),
                str(sum(o.refused for o in own)),
                str(sum(o.right_line for o in own)),
                right,
            )
        )
    return Table(
        "Damaged scenario files and what `cbhi check` says",
        (("mistake", "files", "refused, one message", "right line", "right suggestion"),),
        tuple(rows),
    )


def main() -> None:
    """Damage files, print the table; exit 1 where a target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print every miss")
    asked = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = outcomes(asked.n, asked.seed, Path(folder))
    print(table(found).as_text())
    print(f"{asked.n} files, seed {asked.seed}, {time.perf_counter() - began:.1f} s")
    if asked.show:
        for o in found:
            if not (o.refused and o.right_line and o.right_word):
                lines = o.corruption.text.split("\n")
                print(f"\n{o.corruption.kind}, line {o.corruption.line}: {lines[o.corruption.line - 1]!r}")
                print(f"  meant {o.corruption.meant!r}; exit {o.exit_code}", *o.problems, sep="\n  ")
    typos = [o for o in found if o.corruption.meant]
    reached = (
        all(o.refused for o in found)
        and sum(o.right_line for o in found) >= 0.99 * len(found)
        and sum(o.right_word for o in typos) >= 0.95 * len(typos)
    )
    print("targets reached" if reached else "targets missed")
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
