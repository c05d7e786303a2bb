"""One scenario file, read and checked by itself: everything that is wrong in it, each with its place.

What a file inherits from its base, and what its values mean together with the base's, is left to
``cbhi.scenarios``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from cbhi.datasets import data_dir
from cbhi.months import format_month, parse_month
from cbhi.params import Confidence
from cbhi.scenarios.changes import (
    EVENT_WORDS,
    HEAD,
    Problem,
    as_toml,
    check_dated,
    check_value,
    explain_unknown,
    flatten,
    groups_of_keys,
    known_parameters,
    sections,
)
from cbhi.scenarios.toml_text import UNREADABLE, Document, Path, read_toml
from cbhi.words import listed, nearest, suggest

TABLES = ("event", "sources")
_WORDS = (*HEAD, *TABLES)


@dataclass(frozen=True)
class FileEvent:
    """An event as a file has it: month, changes, reason, and the path of each change."""

    month: int
    changes: Mapping[str, Any]
    why: str
    places: Mapping[str, Path]


@dataclass
class ScenarioFile:
    """What one file says.

    Attributes
    ----------
    name, base, country, start, end, parameter_sets
        Of the head; None where the file does not say it, or not rightly.
    said
        Words of the head that the file says, rightly or not.
    values, places
        Full key to value, and to its path.
    events
        Dated changes, in order of the file.
    sources
        Full key to (source, confidence).
    problems
        What is wrong, each with its path.
    document
        The text as read, with the lines of all paths.
    """

    document: Document
    name: str | None = None
    base: str | None = None
    country: str | None = None
    start: int | None = None
    end: int | None = None
    parameter_sets: str | None = None
    said: set[str] = field(default_factory=set)
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)
    events: list[FileEvent] = field(default_factory=list)
    sources: dict[str, tuple[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def lines(self, file: str, problems: list[Problem]) -> list[str]:
        """Return problems as a person reads them: file and line, what is wrong, in order of lines.

        Parameters
        ----------
        file
            What the file is called.
        problems
            What is wrong; this file's problems or those that its values have with the base's.
        """
        told: list[tuple[int, str]] = [(line, text) for line, text in self.document.problems]
        for problem in problems:
            told.append((self.document.line(self.place(problem)) or 0, problem.text))
        told.sort(key=lambda one: one[0] or 10**9)
        return list(
            dict.fromkeys(f"{file}:{line}: {text}" if line else f"{file}: {text}" for line, text in told)
        )

    def place(self, problem: Problem) -> Path:
        """Return the path of a problem; of one that keys share, where the last of them was set.

        Parameters
        ----------
        problem
            One of this file or of the scenario it makes.
        """
        if problem.path or not problem.keys:
            return problem.path
        set_here = [self.places[key] for key in problem.keys if key in self.places]
        for event in sorted(self.events, key=lambda e: e.month):
            if problem.month is None or event.month <= problem.month:
                set_here += [event.places[key] for key in problem.keys if key in event.places]
        return set_here[-1] if set_here else ()


def read_scenario_file(text: str) -> ScenarioFile:
    """Read a scenario file by itself.

    Parameters
    ----------
    text
        The content of the file.

    Returns
    -------
    ScenarioFile
        What it says, and everything that is wrong with it; wrong values are left out.
    """
    file = ScenarioFile(read_toml(text))
    content, moved = _recognised(file)
    _read_head(file, content, moved)
    body = {name: value for name, value in content.items() if name in sections()}
    flat = flatten(body)
    file.problems += flat.problems
    for key, path in flat.places.items():
        file.places[key] = path
        if key in flat.values:
            _accept(file, file.values, key, flat.values[key], path)
    _read_events(file, content, moved)
    _read_sources(file, content, moved)
    return file


def _accept(file: ScenarioFile, values: dict[str, Any], key: str, value: Any, path: Path) -> None:
    """Keep a value that is allowed, and note what is wrong with one that is not."""
    if _holds_unreadable(value):
        return
    wrong = check_value(key, value, path)
    file.problems += wrong
    if not wrong:
        values[key] = value


def _holds_unreadable(value: Any) -> bool:
    return value is UNREADABLE or (isinstance(value, Mapping) and UNREADABLE in value.values())


def _recognised(file: ScenarioFile) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the content with misspelt words of the head set right, and what these stand for in the file."""
    content: dict[str, Any] = {}
    moved: dict[str, str] = {}
    everything = file.document.content
    for name, value in everything.items():
        if name in sections() or name in _WORDS:
            content[name] = value
            continue
        kind: tuple[str, ...] = HEAD
        if isinstance(value, Mapping):
            kind = TABLES
        elif isinstance(value, list):
            kind = ("event",)
        others = sections() if isinstance(value, Mapping) else ()
        near = nearest(name, (*kind, *others))
        # a key of some section is one even where it looks like a word of the head
        is_key = any(key.rsplit(".", 1)[-1] == name for key in known_parameters())
        if near in _WORDS and near not in everything and not is_key:
            shown = {"event": "[[event]]", "sources": "[sources]"}.get(near, near)
            what = "section" if near in TABLES else "key"
            file.problems.append(
                Problem(f"unknown {what} '{name}'; did you mean '{shown}'?", (name,), (name,))
            )
            content[near] = value
            moved[near] = name
            continue
        flat = flatten({name: value}, words=_WORDS)
        file.problems += flat.problems
        for key, path in flat.places.items():
            if key in flat.values:
                _accept(file, {}, key, flat.values[key], path)
    file.said = {word for word in HEAD if word in content}
    return content, moved


# the head ----------------------------------------------------------------------------------------------


def _read_head(file: ScenarioFile, content: Mapping[str, Any], moved: Mapping[str, str]) -> None:
    def say(word: str, text: str) -> None:
        file.problems.append(Problem(text, (moved.get(word, word),)))

    texts: dict[str, str] = {}
    for word in ("name", "about", "base", "country", "parameter_sets"):
        value = content.get(word, UNREADABLE)
        if value is UNREADABLE:
            continue
        if not isinstance(value, str) or (word in ("name", "parameter_sets") and not value.strip()):
            say(word, f"'{word}' must be a text in quotes, got {as_toml(value)}")
        else:
            texts[word] = value
    file.name, file.base = texts.get("name"), texts.get("base")
    file.parameter_sets = texts.get("parameter_sets")
    if "country" in texts:
        known = countries()
        if texts["country"] and texts["country"] not in known:
            near = suggest(texts["country"], known)
            say(
                "country",
                f"no published figures of country '{texts['country']}'{near}; there are {listed(known)}",
            )
        else:
            file.country = texts["country"]
    for word in ("from", "to"):
        value = content.get(word, UNREADABLE)
        if value is UNREADABLE:
            continue
        try:
            month = read_month(value)
        except ValueError as error:
            say(word, f"{word}: {error}")
        else:
            if word == "from":
                file.start = month
            else:
                file.end = month


def read_month(value: Any) -> int:
    """Return the month number of a date or a month in a file.

    Parameters
    ----------
    value
        A TOML date, or a text such as ``"2011-07"``.

    Raises
    ------
    ValueError
        When it is neither, or there is no such day.
    """
    if isinstance(value, (str, datetime.date)):
        return parse_month(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return parse_month(str(value))
    raise ValueError(f"{as_toml(value)} is not a month; write it like 2011-07-01")


def countries() -> tuple[str, ...]:
    """Return the countries with published figures."""
    return tuple(
        sorted(path.name for path in data_dir().iterdir() if path.is_dir() and path.name != "scenarios")
    )


# events ------------------------------------------------------------------------------------------------


def _read_events(file: ScenarioFile, content: Mapping[str, Any], moved: Mapping[str, str]) -> None:
    if "event" not in content or content["event"] is UNREADABLE:
        return
    at: Path = (moved.get("event", "event"),)
    entries = content["event"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        text = "'event' must be written as tables: [[event]], then from = 2011-07-01 and changes"
        file.problems.append(Problem(text, at))
        return
    for number, entry in enumerate(entries):
        event = _read_event(file, entry, (*at, number))
        if event is not None:
            file.events.append(event)
    _check_contradictions(file)


def _read_event(file: ScenarioFile, entry: dict[str, Any], at: Path) -> FileEvent | None:
    words: dict[str, tuple[str, Any]] = {}
    rest: dict[str, Any] = {}
    for name, value in entry.items():
        near = None if isinstance(value, Mapping) else nearest(name, EVENT_WORDS)
        if name in EVENT_WORDS:
            words[name] = (name, value)
        elif near is not None and near not in entry:
            text = f"unknown key '{name}' in an event; did you mean '{near}'?"
            file.problems.append(Problem(text, (*at, name), (name,)))
            words[near] = (name, value)
        else:
            rest[name] = value
    flat = flatten(rest, at, EVENT_WORDS)
    file.problems += flat.problems
    changes: dict[str, Any] = {}
    for key, path in flat.places.items():
        if (refused := check_dated(key)) is not None:
            file.problems.append(Problem(refused, path, (key,)))
        elif key in flat.values:
            _accept(file, changes, key, flat.values[key], path)
    if not rest:
        text = "this event changes nothing; write what it changes, such as loans.offered = true"
        file.problems.append(Problem(text, at))
    why = words.get("why", ("why", ""))[1]
    if not isinstance(why, str) and why is not UNREADABLE:
        text = f"'why' must be a text in quotes, got {as_toml(why)}"
        file.problems.append(Problem(text, (*at, words["why"][0])))
    if "from" not in words:
        file.problems.append(Problem("'from' is missing in this event; example: from = 2011-07-01", at))
        return None
    name, value = words["from"]
    if value is UNREADABLE:
        return None
    try:
        month = read_month(value)
    except ValueError as error:
        file.problems.append(Problem(f"from: {error}", (*at, name)))
        return None
    return FileEvent(month, changes, str(why), flat.places)


def _check_contradictions(file: ScenarioFile) -> None:
    """Note keys that two events of one month set to different values."""
    first: dict[tuple[int, str], tuple[Any, Path]] = {}
    for event in file.events:
        for key, value in event.changes.items():
            earlier = first.setdefault((event.month, key), (value, event.places[key]))
            if earlier[0] != value:
                line = file.document.line(earlier[1])
                text = (
                    f"{key} = {as_toml(value)} contradicts line {line}, which sets it to"
                    f" {as_toml(earlier[0])} from the same month {format_month(event.month)}"
                )
                file.problems.append(Problem(text, event.places[key], (key,)))


# sources -----------------------------------------------------------------------------------------------


def _read_sources(file: ScenarioFile, content: Mapping[str, Any], moved: Mapping[str, str]) -> None:
    if "sources" not in content or content["sources"] is UNREADABLE:
        return
    at: Path = (moved.get("sources", "sources"),)
    entries = content["sources"]
    if not isinstance(entries, dict):
        file.problems.append(Problem("'sources' must be a table of keys, under the header [sources]", at))
        return
    for name, entry in entries.items():
        _read_source(file, str(name), entry, (*at, str(name)))


def _read_source(file: ScenarioFile, key: str, entry: Any, at: Path) -> None:
    if entry is UNREADABLE:
        return
    if key not in known_parameters():
        if key in groups_of_keys() and isinstance(entry, dict) and "source" not in entry:
            for name, inner in entry.items():
                _read_source(file, f"{key}.{name}", inner, (*at, str(name)))
            return
        if key in groups_of_keys():
            said = f"'{key}' is a group; name one key, such as '{groups_of_keys()[key][0]}'"
        else:
            said = explain_unknown(key) if "." in key else _unknown_source(key)
        file.problems.append(Problem(f"sources: {said}", at, (key,)))
        return
    if not isinstance(entry, dict):
        text = f"sources: {key} needs {{ source = '...', confidence = '...' }}, got {as_toml(entry)}"
        file.problems.append(Problem(text, at, (key,)))
        return
    wanted = ("source", "confidence")
    right = True
    given = dict(entry)
    for name in entry:
        if name in wanted:
            continue
        right = False
        near = nearest(name, [word for word in wanted if word not in entry])
        hint = f"; did you mean '{near}'?" if near else f"; there are {listed(wanted)}"
        file.problems.append(Problem(f"sources: unknown key '{name}' for {key}{hint}", (*at, name)))
        if near:
            given[near] = given.pop(name)
    if missing := [word for word in wanted if word not in given]:
        text = f"sources: {key} needs {{ source = '...', confidence = '...' }}; {listed(missing)} is missing"
        file.problems.append(Problem(text, at, (key,)))
        return
    for word in wanted:
        if not isinstance(given[word], str):
            text = f"sources: {word} of {key} must be a text in quotes, got {as_toml(given[word])}"
            file.problems.append(Problem(text, (*at, word)))
            right = False
    words = get_args(Confidence)
    if isinstance(given["confidence"], str) and given["confidence"] not in words:
        options = f"one of {', '.join(repr(word) for word in words)}"
        near_text = suggest(given["confidence"], words)
        text = (
            f"sources: confidence of {key} must be {options}, got {as_toml(given['confidence'])}{near_text}"
        )
        file.problems.append(Problem(text, (*at, "confidence")))
        right = False
    if right:
        file.sources[key] = (given["source"], given["confidence"])


def _unknown_source(word: str) -> str:
    """Return why a word in [sources] is no key; without a dot it may be the last part of one."""
    homes = [key for key in known_parameters() if key.rsplit(".", 1)[-1] == word]
    hint = (
        f"; write {listed((repr(home) for home in homes), 'or')}"
        if homes
        else suggest(word, known_parameters())
    )
    return f"unknown key '{word}'{hint}"
