"""Scenarios: parameters, dated policy events over them, and where each value comes from.

A scenario says only what differs from its base. A key written in a scenario holds for the whole run
and replaces the base's value and the base's events for that key; its events then change it from their
month on.
"""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import functools
import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from cbhi.datasets import data_dir
from cbhi.months import format_month, parse_month
from cbhi.params import ParameterInfo, Parameters, parameter_table


class ScenarioError(ValueError):
    """A scenario that cannot be run; ``problems`` holds one line each, all found at once."""

    def __init__(self, place: str, problems: Iterable[str]) -> None:
        self.place = place
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{place} has {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


@functools.cache
def _table() -> dict[str, ParameterInfo]:
    return parameter_table()


@dataclass(frozen=True)
class Event:
    """Changes of parameters from one month on."""

    month: int
    changes: Mapping[str, Any]
    why: str = ""


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
    """

    name: str
    start: int
    end: int
    values: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    sources: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    country: str = ""

    def __post_init__(self) -> None:
        # a table such as scheme.premium_rwf is taken apart, so that an event can change one of its entries
        # and never writes into the caller's
        flat, unknown = flatten(self.values)
        object.__setattr__(self, "values", MappingProxyType(dict(self.values) if unknown else flat))
        object.__setattr__(self, "sources", MappingProxyType(dict(self.sources)))
        object.__setattr__(self, "events", tuple(sorted(self.events, key=lambda e: e.month)))
        problems = []
        if self.end < self.start:
            problems.append(
                f"the run ends in {format_month(self.end)}, before it starts in {format_month(self.start)}"
            )
        elif self.end - self.start >= 12 * 100:
            problems.append("the run is longer than 100 years")
        for event in self.events:
            problems += [
                f"event of {format_month(event.month)}: {key} describes the start and cannot change later"
                for key in event.changes
                if key in _table() and not _table()[key].datable
            ]
        if problems:
            raise ScenarioError(f"scenario '{self.name}'", problems)
        self.regimes()

    def __reduce__(self) -> Any:
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        plain["values"] = dict(self.values)
        plain["sources"] = dict(self.sources)
        plain["events"] = tuple(Event(e.month, dict(e.changes), e.why) for e in self.events)
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
        current = dict(self.values)
        problems: list[str] = []
        changes_by_month: dict[int, dict[str, Any]] = {self.start: {}}
        for event in self.events:
            changes_by_month.setdefault(max(event.month, self.start), {}).update(event.changes)
        regimes = []
        for month in sorted(changes_by_month):
            current.update(changes_by_month[month])
            try:
                parameters = Parameters.model_validate(_nest(current))
                # later events are read for mistakes only
                if month <= self.end + beyond:
                    regimes.append((month, parameters))
            except ValidationError as error:
                for problem in _explain(error):
                    if problem not in problems:
                        problems.append(problem)
        if regimes:
            problems += _problems_of_series(regimes[0][1])
        # rules that two keys share, checked on what is in force
        for month, p in regimes:
            if p.subsidy.state_share + p.subsidy.donor_share + p.subsidy.cross_subsidy_share > 1.0 + 1e-9:
                problems.append(
                    f"from {format_month(month)}: subsidy.state_share + subsidy.donor_share"
                    " + subsidy.cross_subsidy_share is above 1"
                )
            if p.subsidy.poorest_share + p.subsidy.rich_share > 1.0:
                problems.append(
                    f"from {format_month(month)}: subsidy.poorest_share + subsidy.rich_share is above 1"
                )
            if p.fund.pool_share + p.fund.national_share > 1.0 + 1e-9:
                problems.append(
                    f"from {format_month(month)}: fund.pool_share + fund.national_share is above 1"
                )
            if p.scheme.open_months_before + p.scheme.open_months_after > 12:
                problems.append(
                    f"from {format_month(month)}: scheme.open_months_before + scheme.open_months_after is"
                    " above 12: two membership years would be on sale at once"
                )
            if p.rollout.pilot_sections > p.population.sections:
                problems.append("rollout.pilot_sections is above population.sections")
            if p.rollout.pilot_districts > p.population.districts:
                problems.append("rollout.pilot_districts is above population.districts")
            if p.population.districts > p.population.sections:
                problems.append("population.districts is above population.sections")
        if problems:
            raise ScenarioError(f"scenario '{self.name}'", dict.fromkeys(problems))
        return regimes

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
        flat, problems = flatten(changes or {})
        if problems:
            try:
                self.replace(flat, name=name, start=start, end=end)
            except ScenarioError as error:
                problems += error.problems
            raise ScenarioError("the change", problems)
        values = {**self.values, **flat}
        events = []
        for event in self.events:
            kept = {key: value for key, value in event.changes.items() if key not in flat}
            if kept:
                events.append(Event(event.month, kept, event.why))
        if name is None:
            said = ", ".join(f"{key}={value}" for key, value in (changes or {}).items())
            name = f"{self.name} + {said}" if said else self.name
        given = dict.fromkeys(flat, ("given by the user", "assumption"))
        return Scenario(
            name=name,
            start=self.start if start is None else _month(start),
            end=self.end if end is None else _month(end),
            values=values,
            events=tuple(events),
            sources={**self.sources, **given},
            country=self.country,
        )

    def add_event(self, month: str, changes: Mapping[str, Any], why: str = "") -> Scenario:
        """Return a copy with one more event: ``changes`` hold from ``month`` (such as "2011-07") on."""
        flat, problems = flatten(changes)
        if problems:
            raise ScenarioError(f"event of {month}", problems)
        return dataclasses.replace(self, events=(*self.events, Event(_month(month), flat, why)))

    def as_dict(self) -> dict[str, Any]:
        """Return the scenario as plain values, for a run record or JSON."""
        return {
            "name": self.name,
            "start": format_month(self.start),
            "end": format_month(self.end),
            "country": self.country,
            "values": dict(self.values),
            "events": [
                {"from": format_month(e.month), "why": e.why, "changes": dict(e.changes)} for e in self.events
            ],
        }

    def fingerprint(self) -> str:
        """Return a hash of everything that decides the result, the name apart."""
        content = {key: value for key, value in self.as_dict().items() if key != "name"}
        for event in content["events"]:
            event.pop("why")
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def provenance(self) -> list[dict[str, Any]]:
        """Return one row a parameter: key, value at the start, unit, range, source, confidence."""
        first = _flat_values(self.regimes()[0][1])
        rows = []
        for key, info in _table().items():
            source, confidence = self.sources.get(key, (info.source, info.confidence))
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


# values that a series can take; formal employment is found in the better-off half of people only
_SERIES_RANGE = {
    "population.persons": (1.0, 1e10),
    "income.gini": (0.0, 0.95),
    "provider.clinicians": (0.0, 1e9),
    "provider.health_centres": (0.0, 1e9),
    "formal.share": (0.0, 0.5),
    "rollout.schemes": (0.0, 1e9),
}


def _problems_of_series(p: Parameters) -> list[str]:
    """Return one line for every entry of a series that is out of range."""
    flat = _flat_values(p)
    return [
        f"{key} of {month} = {value!r} is outside {low:g} to {high:g} [{_table()[key].unit}]"
        for key, (low, high) in _SERIES_RANGE.items()
        for month, value in flat[key].items()
        if not low <= value <= high
    ]


def _rebuild(plain: dict[str, Any]) -> Scenario:
    return Scenario(**plain)


def _month(text: str | datetime.date) -> int:
    try:
        return parse_month(text)
    except ValueError as error:
        raise ScenarioError("the change", [str(error)]) from None


def _nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *sections, leaf = key.split(".")
        here = nested
        for section in sections:
            here = here.setdefault(section, {})
        here[leaf] = value
    return nested


def _flat_values(parameters: Parameters) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key in _table():
        value: Any = parameters
        for part in key.split("."):
            value = getattr(value, part)
        values[key] = value
    return values


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, or an empty text."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not near:
        tails = {name.rsplit(".", 1)[-1]: name for name in known}
        match = difflib.get_close_matches(word.rsplit(".", 1)[-1], list(tails), n=1, cutoff=0.75)
        near = [tails[match[0]]] if match else []
    return f"; did you mean '{near[0]}'?" if near else ""


def flatten(changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return (full key to value, problems) of nested or dotted changes."""
    known = _table()
    flat: dict[str, Any] = {}
    problems: list[str] = []

    def walk(prefix: str, value: Any) -> None:
        if prefix in known:
            flat[prefix] = value
        elif isinstance(value, Mapping) and any(key.startswith(f"{prefix}.") for key in known):
            for name, inner in value.items():
                walk(f"{prefix}.{name}", inner)
        elif any(key.startswith(f"{prefix}.") for key in known):
            inside = [key for key in known if key.startswith(f"{prefix}.")]
            problems.append(f"'{prefix}' is a group of {len(inside)} parameters, such as '{inside[0]}'")
        else:
            problems.append(f"unknown key '{prefix}'{suggest(prefix, known)}")

    for key, value in changes.items():
        walk(str(key), value)
    return flat, problems


def _explain(error: ValidationError) -> list[str]:
    """Return one line a problem: which parameter, what is wrong, range and unit."""
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        info = _table().get(key) or _table().get(key.rsplit(".", 1)[0])
        value = problem["input"]
        if info is None:
            lines.append(f"{key} = {value!r}: {problem['msg']}")
            continue
        if problem["type"] in ("greater_than_equal", "less_than_equal"):
            low = "any" if info.low is None else f"{info.low:g}"
            high = "any" if info.high is None else f"{info.high:g}"
            line = f"{key} = {value!r} is outside {low} to {high} [{info.unit}]"
            if info.high == 1 and isinstance(value, (int, float)) and 1 < value <= 100:
                line += f"; {value:g} % is written {value / 100:g}"
        elif info.choices:
            options = ", ".join(repr(choice) for choice in info.choices)
            line = f"{key} must be one of {options}, got {value!r}"
            if isinstance(value, str):
                line += suggest(value, info.choices)
        else:
            kind = {"int": "a whole number", "bool": "true or false", "float": "a number"}
            wanted = next((text for name, text in kind.items() if problem["type"].startswith(name)), None)
            line = f"{key} must be {wanted}, got {value!r}" if wanted else f"{key}: {problem['msg']}"
            line += f" [{info.unit}]; example: {info.default!r}"
        lines.append(line)
    return lines


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
        raise ScenarioError(name, [f"there is no file '{path}'"])
    path = scenarios_dir() / f"{name}.toml"
    if path.is_file():
        return path
    known = ", ".join(scenario_names())
    raise ScenarioError(
        f"scenario '{name}'", [f"no such scenario{suggest(name, scenario_names())}; shipped: {known}"]
    )


def _line_of(text: str, key: str) -> int | None:
    """Return the line of a TOML text in which the last part of ``key`` is first assigned."""
    leaf = key.rsplit(".", 1)[-1]
    for number, line in enumerate(text.splitlines(), start=1):
        left = line.split("=", 1)[0].strip() if "=" in line else ""
        if left and left.rsplit(".", 1)[-1].strip("\"' ") == leaf:
            return number
    return None


_HEAD = ("name", "base", "country", "from", "to", "about", "event", "sources")


def _tables_of_events(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = content.get("event", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("'event' must be written as tables: [[event]], then from = 2011-07-01 and changes")
    return entries


def _read_sources(content: Mapping[str, Any]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    entries = content.get("sources", {})
    if not isinstance(entries, dict):
        return {}, ["'sources' must be a table of keys"]
    sources: dict[str, tuple[str, str]] = {}
    problems = []
    for key, entry in entries.items():
        if key not in _table():
            problems.append(f"sources: unknown key '{key}'{suggest(key, _table())}")
        elif not isinstance(entry, dict) or not {"source", "confidence"} <= set(entry):
            problems.append(f"sources: {key} needs {{ source = '...', confidence = '...' }}")
        else:
            sources[key] = (str(entry["source"]), str(entry["confidence"]))
    return sources, problems


def _load(path: Path, inside: tuple[Path, ...] = ()) -> Scenario:
    if path in inside:
        circle = " -> ".join(p.name for p in (*inside, path))
        raise ScenarioError(path.name, [f"its bases run in a circle: {circle}"])
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ScenarioError(path.name, [f"not a UTF-8 text: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(path.name, [f"not valid TOML: {error}"]) from None
    problems: list[str] = []
    base: Scenario | None = None
    if "base" in content:
        base = _load(_find(str(content["base"]), path.parent).resolve(), (*inside, path))
    sections = set(Parameters.model_fields)
    body = {key: value for key, value in content.items() if key in sections}
    problems += [
        f"unknown key '{key}'{suggest(key, [*sections, *_HEAD])}"
        for key in content
        if key not in sections and key not in _HEAD
    ]
    values, wrong = flatten(body)
    problems += wrong
    events = []
    try:
        entries = _tables_of_events(content)
    except ValueError as error:
        entries = []
        problems.append(str(error))
    for number, entry in enumerate(entries, start=1):
        changes, wrong = flatten({k: v for k, v in entry.items() if k not in ("from", "why")})
        problems += [f"event {number}: {problem}" for problem in wrong]
        try:
            if "from" not in entry:
                raise ValueError("'from' is missing; example: from = 2011-07-01")
            events.append(Event(parse_month(entry["from"]), changes, str(entry.get("why", ""))))
        except ValueError as error:
            problems.append(f"event {number}: {error}")
    span = {}
    for word, inherited in (("from", base.start if base else None), ("to", base.end if base else None)):
        try:
            if word in content:
                span[word] = parse_month(content[word])
            elif inherited is not None:
                span[word] = inherited
            else:
                raise ValueError(f"'{word}' is missing: the run needs a first and a last month")
        except ValueError as error:
            problems.append(str(error))
    sources, wrong = _read_sources(content)
    problems += wrong
    if problems:
        raise ScenarioError(path.name, [_with_line(path, text, problem) for problem in problems])
    inherited_events = [
        Event(event.month, kept, event.why)
        for event in (base.events if base else ())
        if (kept := {k: v for k, v in event.changes.items() if k not in values})
    ]
    try:
        return Scenario(
            name=str(content.get("name", path.stem)),
            start=span["from"],
            end=span["to"],
            values={**(base.values if base else {}), **values},
            events=(*inherited_events, *events),
            sources={**_inherited_sources(base, values, path), **sources},
            country=str(content.get("country", base.country if base else "")),
        )
    except ScenarioError as error:
        raise ScenarioError(
            path.name, [_with_line(path, text, problem) for problem in error.problems]
        ) from None


def _inherited_sources(
    base: Scenario | None, values: Mapping[str, Any], path: Path
) -> dict[str, tuple[str, str]]:
    """Return the base's sources; a value that the file replaces no longer has the base's source."""
    inherited = dict(base.sources) if base else {}
    return {
        key: (f"given in {path.name}", "assumption") if key in values else inherited[key] for key in inherited
    }


def _with_line(path: Path, text: str, problem: str) -> str:
    words = problem.replace("'", " ").split()
    candidates = [word.strip("'\",:;") for word in words if "." in word or word in text]
    for word in candidates:
        line = _line_of(text, word)
        if line is not None:
            return f"{path.name}:{line}: {problem}"
    return f"{path.name}: {problem}"


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
