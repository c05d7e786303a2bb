"""Scenarios: parameters, dated policy events over them, and where each value comes from.

A scenario says only what differs from its base. A key written in a scenario holds for the whole run
and replaces the base's value and the base's events for that key; its events then change it from their
month on.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cbhi.datasets import data_dir
from cbhi.months import format_month, parse_month
from cbhi.params import Parameters
from cbhi.scenarios.changes import (
    Problem,
    as_toml,
    check_dated,
    check_span,
    flat_values,
    known_parameters,
    stretches,
)
from cbhi.scenarios.changes import flatten as flatten
from cbhi.scenarios.files import FileEvent, ScenarioFile, read_scenario_file
from cbhi.scenarios.frozen import freeze, thaw
from cbhi.scenarios.parameter_sets import ParameterSets
from cbhi.words import listed, nearest
from cbhi.words import suggest as suggest


class ScenarioError(ValueError):
    """A scenario that cannot be run.

    Attributes
    ----------
    place
        What is wrong: a file, a scenario, a change.
    problems
        One line each, all found at once.
    details
        The same with their places and keys.
    """

    def __init__(self, place: str, problems: Iterable[str | Problem]) -> None:
        self.place = place
        self.details = tuple(p if isinstance(p, Problem) else Problem(p) for p in problems)
        self.problems = tuple(problem.text for problem in self.details)
        count = len(self.problems)
        head = f"{place} has {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))

    def __reduce__(self) -> Any:
        return ScenarioError, (self.place, self.details)


@dataclass(frozen=True)
class Event:
    """Changes of parameters from one month on; immutable."""

    month: int
    changes: Mapping[str, Any]
    why: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", freeze(self.changes))


@dataclass(frozen=True)
class Scenario:
    """Rules and parameters of a run; immutable, changed by ``replace``.

    Attributes
    ----------
    name
        What tables and files call it.
    start, end
        First and last simulated month, as month numbers (``cbhi.months``).
    values
        Full key to value, for what differs from the defaults of ``cbhi.params``.
    events
        Dated changes, in order of month.
    sources
        Full key to (source, confidence), for values that have a better one than the default's.
    country
        Name of the data set with published figures to print beside the model, or an empty text.
    sets
        Parameter sets that a run is simulated with one after another, or None. They take the place of
        ``values`` from the start; events change what they say like anything else.
    """

    name: str
    start: int
    end: int
    values: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    sources: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    country: str = ""
    sets: ParameterSets | None = None

    def __post_init__(self) -> None:
        # a table such as scheme.premium_rwf is taken apart, so that an event can change one of its entries
        # and never writes into the caller's
        flat = flatten(self.values)
        values = dict(self.values) if flat.problems else flat.values
        object.__setattr__(self, "values", MappingProxyType(freeze(values)))
        object.__setattr__(self, "sources", MappingProxyType(dict(self.sources)))
        object.__setattr__(self, "events", tuple(sorted(self.events, key=lambda e: e.month)))
        problems = [*flat.problems]
        if (wrong := check_span(self.start, self.end)) is not None:
            problems.append(Problem(wrong))
        for event in self.events:
            for key in event.changes:
                if key in known_parameters() and (refused := check_dated(key)) is not None:
                    problems.append(Problem(f"event of {format_month(event.month)}: {refused}", (), (key,)))
        if problems:
            raise ScenarioError(f"scenario '{self.name}'", problems)
        self.regimes()

    def __hash__(self) -> int:
        """Return a number that equal scenarios share."""
        return hash((self.name, self.fingerprint()))

    def __repr__(self) -> str:
        """Return one line: name, span, and how much it says."""
        span = f"{format_month(self.start)} to {format_month(self.end)}"
        said = f"{len(self.values)} values, {len(self.events)} events"
        if self.sets is not None:
            said += f", {len(self.sets)} parameter sets"
        return f"<Scenario {self.name!r}: {span}, {said}, fingerprint {self.fingerprint()}>"

    def __reduce__(self) -> Any:
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        plain["values"] = dict(self.values)
        plain["sources"] = dict(self.sources)
        return _rebuild, (plain,)

    @property
    def n_months(self) -> int:
        """Number of simulated months."""
        return self.end - self.start + 1

    def regimes(self, beyond: int = 0) -> list[tuple[int, Parameters]]:
        """Return (first month, parameters in force) for every stretch between events.

        Parameters
        ----------
        beyond
            Months after the end of the run to look ahead, for cover that is sold before it starts.

        Raises
        ------
        ScenarioError
            With every value that is out of range or of the wrong type.
        """
        return [(month, p) for month, p in self._stretches if month <= self.end + beyond]

    @functools.cached_property
    def _stretches(self) -> tuple[tuple[int, Parameters], ...]:
        # kept, for whatever a run packs asks for them; events after the end are read for mistakes only
        found, problems = stretches(self.start, self.values, ((e.month, e.changes) for e in self.events))
        if problems:
            raise ScenarioError(f"scenario '{self.name}'", problems)
        return tuple(found)

    def replace(
        self,
        changes: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        start: str | None = None,
        end: str | None = None,
    ) -> Scenario:
        """Return a copy with other values.

        Parameters
        ----------
        changes
            Full or sectional keys to values, such as ``{"care.copayment_rwf": 0}`` or
            ``{"scheme.premium_rwf": {"poorest": 0}}``. Each holds for the whole run: events of this
            scenario that change the same key are dropped.
        name
            Name of the copy; by default the old name with the changes.
        start, end
            First and last month, such as ``"2018-06"``.

        Raises
        ------
        ScenarioError
            For unknown keys (with the nearest known one) and values out of range, all at once.
        """
        taken = flatten(changes or {})
        flat = taken.values
        problems = taken.problems
        first = self.start if start is None else _month(start, "start", problems)
        last = self.end if end is None else _month(end, "end", problems)
        if problems:
            try:
                self.replace(flat, name=name)
            except ScenarioError as error:
                problems += error.details
            raise ScenarioError("the change", problems)
        values = {**self.values, **flat}
        events = _without_keys(self.events, flat)
        if name is None:
            said = ", ".join(f"{key}={as_toml(value)}" for key, value in (changes or {}).items())
            name = f"{self.name} + {said}" if said else self.name
        given = {key: _given(key, "given by the user") for key in flat}
        return Scenario(
            name=name,
            start=first,
            end=last,
            values=values,
            events=events,
            sources={**self.sources, **given},
            country=self.country,
            sets=None if self.sets is None else self.sets.without(flat),
        )

    def with_sets(self, sets: ParameterSets | None) -> Scenario:
        """Return a copy that carries parameter sets.

        Parameters
        ----------
        sets
            Sets in place of those that it carries, if any; None for none. As with ``replace``, events of this
            scenario that change one of their keys are dropped, while those added later change what the sets
            say.

        Returns
        -------
        Scenario
            A key that ``replace`` is given afterwards is no longer decided by the sets.

        Raises
        ------
        ValueError
            When what is given holds no sets.
        """
        if sets is None:
            return dataclasses.replace(self, sets=None)
        if not isinstance(sets, ParameterSets):
            raise ValueError(f"cbhi.ParameterSets are wanted, got {sets!r}")
        events = _without_keys(self.events, sets.keys)
        return dataclasses.replace(self, sets=sets, events=events)

    def at_point(self) -> Scenario:
        """Return the scenario without parameter sets: its own values, one for each parameter."""
        return self if self.sets is None else dataclasses.replace(self, sets=None)

    def of_set(self, number: int) -> Scenario:
        """Return the scenario with the values of one of its parameter sets, and without sets.

        Parameters
        ----------
        number
            Of the set, from 0.

        Raises
        ------
        ValueError
            When it carries no sets, or not so many.
        ScenarioError
            When the values of the set do not go together with the others.
        """
        if self.sets is None:
            raise ValueError(
                f"scenario '{self.name}' carries no parameter sets; scenario.with_sets adds some"
            )
        if not 0 <= number < len(self.sets):
            raise ValueError(f"the sets are numbered from 0 to {len(self.sets) - 1}, got {number!r}")
        known = self._of_sets
        if number not in known:
            values = {**self.values, **self.sets[int(number)]}
            try:
                known[int(number)] = dataclasses.replace(self, values=values, sets=None)
            except ScenarioError as error:
                place = f"scenario '{self.name}' with parameter set {number}"
                raise ScenarioError(place, error.details) from None
        return known[int(number)]

    @functools.cached_property
    def _of_sets(self) -> dict[int, Scenario]:
        # kept, for packing, results and checks all ask for them
        return {}

    def set_of(self, replicate: int) -> int:
        """Return the number of the parameter set that a replicate is simulated with; 0 where there are none.

        Parameters
        ----------
        replicate
            Number of the replicate, from 0.
        """
        return 0 if self.sets is None else self.sets.of_replicate(int(replicate))

    def of_replicate(self, replicate: int) -> Scenario:
        """Return the scenario that a replicate is simulated with: that of its set, or this one without sets.

        Parameters
        ----------
        replicate
            Number of the replicate, from 0.
        """
        return self if self.sets is None else self.of_set(self.set_of(replicate))

    @property
    def is_uncertain(self) -> bool:
        """Whether parameters differ between replicates: two sets or more that decide something."""
        return self.sets is not None and len(self.sets) > 1 and len(self.sets.keys) > 0

    def add_event(self, month: str, changes: Mapping[str, Any], why: str = "") -> Scenario:
        """Return a copy with one more event: ``changes`` hold from ``month`` on.

        Parameters
        ----------
        month
            First month, such as ``"2011-07"``.
        changes
            Full or sectional keys to values, as in ``replace``.
        why
            What happened, for whoever reads the scenario.

        Raises
        ------
        ScenarioError
            For what is not a month, unknown keys, values out of range, and keys that no event can change.
        """
        taken = flatten(changes)
        problems = taken.problems
        at = _month(month, "month", problems)
        if not changes:
            problems.append(
                Problem("it changes nothing; give what it changes, such as {'loans.offered': True}")
            )
        if problems:
            try:
                dataclasses.replace(self, events=(*self.events, Event(self.start, taken.values)))
            except ScenarioError as error:
                problems += error.details
            raise ScenarioError(f"event of {month}", problems)
        return dataclasses.replace(self, events=(*self.events, Event(at, taken.values, why)))

    def as_dict(self) -> dict[str, Any]:
        """Return the scenario as plain values, for a run record or JSON."""
        content = {
            "name": self.name,
            "start": format_month(self.start),
            "end": format_month(self.end),
            "country": self.country,
            "values": thaw(self.values),
            "events": [
                {"from": format_month(e.month), "why": e.why, "changes": thaw(e.changes)} for e in self.events
            ],
        }
        return content if self.sets is None else {**content, "parameter_sets": self.sets.as_dict()}

    def fingerprint(self) -> str:
        """Return a hash of everything that decides the result, the name apart."""
        return self._fingerprint

    @functools.cached_property
    def _fingerprint(self) -> str:
        content = {key: value for key, value in self.as_dict().items() if key != "name"}
        for event in content["events"]:
            event.pop("why")
        if self.sets is not None:
            content["parameter_sets"] = self.sets.fingerprint()
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def source_of(self, key: str) -> tuple[str, str] | None:
        """Return source and confidence of a value where they are better known than the default's.

        Parameters
        ----------
        key
            Full key; what its parameter sets say of themselves holds for all of theirs.
        """
        if self.sets is not None and key in self.sets.keys and "source" in self.sets.about:
            return self.sets.about["source"], self.sets.about.get("confidence", "assumption")
        return self.sources.get(key)

    def provenance(self) -> list[dict[str, Any]]:
        """Return one row a parameter: key, value at the start, unit, range, source, confidence."""
        first = flat_values(self.regimes()[0][1])
        rows = []
        for key, info in known_parameters().items():
            source, confidence = self.source_of(key) or (info.source, info.confidence)
            rows.append(
                {
                    "key": key,
                    "title": info.title,
                    "value": first[key],
                    "unit": info.unit,
                    "low": info.low,
                    "high": info.high,
                    "source": source,
                    "confidence": confidence,
                    "changed_by_events": any(key in event.changes for event in self.events),
                }
            )
        return rows


def _without_keys(events: Iterable[Event], keys: Iterable[str]) -> tuple[Event, ...]:
    """Return events without what they change of some keys; those that change nothing else are left out."""
    gone = set(keys)
    kept = ((e, {key: value for key, value in e.changes.items() if key not in gone}) for e in events)
    return tuple(Event(e.month, changes, e.why) for e, changes in kept if changes)


def _rebuild(plain: dict[str, Any]) -> Scenario:
    return Scenario(**plain)


def _month(text: str | datetime.date, word: str, problems: list[Problem]) -> int:
    """Return the month number, or note what is wrong with it."""
    try:
        return parse_month(text)
    except ValueError as error:
        problems.append(Problem(f"{word}: {error}", (word,)))
        return 0


def scenarios_dir() -> Path:
    """Return the folder of the shipped scenarios."""
    return data_dir() / "scenarios"


def scenario_names() -> tuple[str, ...]:
    """Return the names of the shipped scenarios."""
    return tuple(sorted(path.stem for path in scenarios_dir().glob("*.toml")))


def _find(name: str, beside: Path | None) -> Path:
    if name.endswith(".toml"):
        path = Path(name) if beside is None else beside / name
        if path.is_file():
            return path
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        others = [p.name for p in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        meant = nearest(path.name, [other for other in others if other != path.name], loose=False)
        near = f"; did you mean '{meant}'?" if meant else ""
        raise ScenarioError(name, [f"the file '{path}' {what}{near}"])
    path = scenarios_dir() / f"{name}.toml"
    if path.is_file() and "/" not in name:
        return path
    known = scenario_names()
    mine = Path(f"{name}.toml") if beside is None else beside / f"{name}.toml"
    hint = f"; there is a file: write '{name}.toml'" if mine.is_file() else suggest(name, known)
    end = "" if hint.endswith("?") else ";"
    raise ScenarioError(
        f"scenario '{name}'", [f"no such scenario{hint}{end} shipped: {listed(known)}; or give a .toml file"]
    )


def _read(path: Path) -> ScenarioFile:
    try:
        return read_scenario_file(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        lines = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ScenarioError(
            path.name, [f"{path.name}:{lines}: not a UTF-8 text; save the file with encoding UTF-8"]
        ) from None


def _load(path: Path, inside: tuple[Path, ...] = ()) -> Scenario:
    if path in inside:
        circle = " -> ".join(p.name for p in (*inside, path))
        raise ScenarioError(path.name, [f"its bases run in a circle: {circle}"])
    file = _read(path)
    problems = list(file.problems)
    base, of_base = _load_base(file, path, inside, problems)
    start, end = _span(file, base, problems)
    sets = _load_sets(file, base, path, problems)
    own_sets = sets if "parameter_sets" in file.said else None
    gone = (*file.places, *(own_sets.keys if own_sets is not None else ()))
    inherited = _without_keys(base.events if base else (), gone)
    events = (*inherited, *(Event(e.month, e.changes, e.why) for e in file.events if e.changes))
    values = {**(base.values if base else {}), **file.values}
    if "base" not in file.said or base is not None:
        # rules between keys, where the base's values are known; values that are wrong are told already
        _, shared = stretches(
            start, values, sorted(((e.month, e.changes) for e in events), key=lambda e: e[0])
        )
        wrong = {key for problem in problems for key in problem.keys} | _unread(file)
        problems += [_with_lines(file, p) for p in shared if not wrong & set(p.keys)]
    if problems or of_base or file.document.problems:
        raise ScenarioError(path.name, [*of_base, *file.lines(path.name, problems)])
    return Scenario(
        name=file.name or path.stem,
        start=start,
        end=end,
        values=values,
        events=events,
        sources={**_inherited_sources(base, file, start, path), **file.sources},
        country=base.country if file.country is None and base else file.country or "",
        sets=sets,
    )


def _load_sets(
    file: ScenarioFile, base: Scenario | None, path: Path, problems: list[Problem]
) -> ParameterSets | None:
    """Return the sets of a file or, without the keys that it gives, those of its base."""
    if "parameter_sets" not in file.said:
        return base.sets.without(file.values) if base is not None and base.sets is not None else None
    name = file.parameter_sets
    if name is None or name == "none":
        return None
    try:
        return ParameterSets.read(path.parent / name)
    except OSError as error:
        said = [f"the file '{path.parent / name}' cannot be read: {error.strerror or error}"]
    except ValueError as error:
        said = str(error).split("\n")
    problems += [Problem(f"parameter_sets: {text}", _head_path(file, "parameter_sets")) for text in said]
    return None


def _unread(file: ScenarioFile) -> set[str]:
    """Return the keys whose values a file gives and nobody could read."""
    unread = set(file.places) - set(file.values)
    for event in file.events:
        unread |= set(event.places) - set(event.changes)
    return unread


def _load_base(
    file: ScenarioFile, path: Path, inside: tuple[Path, ...], problems: list[Problem]
) -> tuple[Scenario | None, list[str]]:
    """Return the base, where there is one, and what is wrong inside it."""
    if file.base is None:
        return None, []
    try:
        found = _find(file.base, path.parent).resolve()
    except ScenarioError as error:
        problems += [
            Problem(f"base '{file.base}': {text}", _head_path(file, "base")) for text in error.problems
        ]
        return None, []
    try:
        return _load(found, (*inside, path)), []
    except ScenarioError as error:
        if found in (*inside, path):
            problems += [Problem(text, _head_path(file, "base")) for text in error.problems]
            return None, []
        return None, list(error.problems)


def _head_path(file: ScenarioFile, word: str) -> tuple[str | int, ...]:
    """Return the path of a word of the head, also where it was misspelt."""
    return (word,) if (word,) in file.document.lines else ()


def _span(file: ScenarioFile, base: Scenario | None, problems: list[Problem]) -> tuple[int, int]:
    """Return the first and last month, and note what is wrong with them."""
    start = file.start if file.start is not None else base.start if base else None
    end = file.end if file.end is not None else base.end if base else None
    for word, month, example in (("from", start, "1999-07-01"), ("to", end, "2012-06-30")):
        if month is None and word not in file.said and "base" not in file.said:
            problems.append(
                Problem(
                    f"'{word}' is missing: a run needs a first and a last month, or a base that has them;"
                    f" example: {word} = {example}"
                )
            )
    if start is not None and end is not None:
        if (wrong := check_span(start, end)) is not None:
            word = "to" if file.end is not None else "from"
            problems.append(Problem(wrong, _head_path(file, word)))
        problems += [p for event in file.events for p in _too_far(event, start, end)]
    first = start if start is not None else end if end is not None else parse_month("2000-01")
    return first, end if end is not None else first


def _too_far(event: FileEvent, start: int, end: int) -> list[Problem]:
    """Note an event that no run from this start can reach; one after the end waits for a longer run."""
    if event.month - start < 12 * 100:
        return []
    place = next(iter(event.places.values()), ())[:2]
    text = (
        f"from: {format_month(event.month)} can never take effect: runs last at most 100 years, this one from"
        f" {format_month(start)} to {format_month(end)}"
    )
    return [Problem(text, (*place, "from"))]


def _with_lines(file: ScenarioFile, problem: Problem) -> Problem:
    """Return a problem that several keys share with the lines in which they were set."""
    lines = set()
    for key in problem.keys:
        one = file.place(dataclasses.replace(problem, keys=(key,)))
        if one and (line := file.document.line(one)) is not None:
            lines.add(line)
    if len(lines) < 2:
        return problem
    return dataclasses.replace(problem, text=f"{problem.text}; lines {listed(str(n) for n in sorted(lines))}")


def _inherited_sources(
    base: Scenario | None, file: ScenarioFile, start: int, path: Path
) -> dict[str, tuple[str, str]]:
    """Return the base's sources; a value of the start that the file gives has the file as its source."""
    if base is None:
        return {}
    given = {*file.values, *(key for e in file.events if e.month <= start for key in e.changes)}
    return {**base.sources, **{key: _given(key, f"given in {path.name}") for key in given}}


def _given(key: str, where: str) -> tuple[str, str]:
    """Return source and confidence of a value that a user gives."""
    is_choice = known_parameters()[key].confidence == "choice"
    return where, "choice" if is_choice else "assumption"


def scenario(name: str | Path) -> Scenario:
    """Return a shipped scenario by name, or one from a TOML file.

    Parameters
    ----------
    name
        A name that ``cbhi list`` prints, such as ``"rwanda"``, or the path of a ``.toml`` file.

    Raises
    ------
    ScenarioError
        When there is no such scenario (with the nearest name), or with every problem of the file at once.
    """
    return _load(_find(str(name), None).resolve())


def base_of(name: str | Path) -> tuple[str, Scenario]:
    """Return what a scenario starts from: the name of its base, and the base.

    Parameters
    ----------
    name
        As for ``scenario``.

    Returns
    -------
    str
        What the file calls its base, or ``"the defaults"`` where it has none.
    Scenario
        The base; without one, all default values over the same months.

    Raises
    ------
    ScenarioError
        When there is no such scenario, or it cannot be run.
    """
    chosen = scenario(name)
    path = _find(str(name), None).resolve()
    base = _read(path).base
    if base is None:
        defaults = Scenario(name="the defaults", start=chosen.start, end=chosen.end, country=chosen.country)
        return "the defaults", defaults
    return base, _load(_find(base, path.parent).resolve())
