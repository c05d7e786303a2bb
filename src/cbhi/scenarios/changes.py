"""Changes of parameters, checked: unknown keys, wrong values and rules that several keys share.

A change is a key with a value. Whatever is wrong is said in one line that names the key, the range and the
unit, and how to write what was probably meant.
"""

from __future__ import annotations

import datetime
import functools
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from cbhi.months import explain_date, format_month, parse_month
from cbhi.params import ParameterInfo, Parameters, parameter_table
from cbhi.scenarios.toml_text import UNREADABLE, Path
from cbhi.words import listed, nearest, number_text, suggest

HEAD = ("name", "about", "base", "country", "from", "to", "parameter_sets")
"""Words at the head of a scenario file, beside the sections, ``event`` and ``sources``."""
EVENT_WORDS = ("from", "why")
"""Words of an event beside the keys that it changes."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    text
        What is wrong and how to mend it, in one line.
    path
        Where it stands in what was given.
    keys
        Full keys of the parameters it is about.
    month
        The month from which it holds, where that matters.
    """

    text: str
    path: Path = ()
    keys: tuple[str, ...] = ()
    month: int | None = None

    def __str__(self) -> str:
        """Return the line that a person reads."""
        return self.text


class Flat(NamedTuple):
    """Changes taken apart.

    Attributes
    ----------
    values
        Full key to value.
    places
        Full key to its path in what was given.
    problems
        What is no parameter.
    """

    values: dict[str, Any]
    places: dict[str, Path]
    problems: list[Problem]


@functools.cache
def known_parameters() -> dict[str, ParameterInfo]:
    """Return what is known about every parameter, by full key."""
    return parameter_table()


@functools.cache
def groups_of_keys() -> dict[str, tuple[str, ...]]:
    """Return the sections and the tables inside them, each with the full keys in it."""
    groups: dict[str, list[str]] = {}
    for key in known_parameters():
        parts = key.split(".")
        for depth in range(1, len(parts)):
            groups.setdefault(".".join(parts[:depth]), []).append(key)
    return {name: tuple(keys) for name, keys in groups.items()}


def sections() -> tuple[str, ...]:
    """Return the names of the sections of parameters."""
    return tuple(Parameters.model_fields)


# unknown keys ------------------------------------------------------------------------------------------


def flatten(changes: Mapping[str, Any], at: Path = (), words: Iterable[str] = ()) -> Flat:
    """Take nested or dotted changes apart.

    Parameters
    ----------
    changes
        Keys such as ``"care.copayment_rwf"``, or tables of them such as ``{"care": {...}}``.
    at
        Where the changes stand, put before every path.
    words
        Names beside sections that were possible here, for suggestions.

    Returns
    -------
    Flat
        Values and problems; a key that is nearly right is read as the one it was meant to be, so that what
        follows from it is checked as well.
    """
    flat = Flat({}, {}, [])
    for name, value in changes.items():
        _walk(flat, str(name), value, (*at, str(name)), tuple(words))
    return flat


def _plain(value: Any) -> Any:
    """Return a number of numpy or pandas as Python's own; anything else as it is."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def _walk(flat: Flat, key: str, value: Any, path: Path, words: tuple[str, ...]) -> None:
    groups = groups_of_keys()
    if key in known_parameters():
        if value is not UNREADABLE:
            flat.values[key] = _plain(value)
        flat.places[key] = path
    elif key in groups:
        if isinstance(value, Mapping):
            for name, inner in value.items():
                _walk(flat, f"{key}.{name}", inner, (*path, str(name)), words)
        elif value is not UNREADABLE:
            inside = groups[key]
            text = f"'{key}' is a group of {len(inside)} parameters, such as '{inside[0]}'"
            if isinstance(value, list) and "." not in key:
                text += f"; its header is written [{key}], in single brackets"
            flat.problems.append(Problem(text, path))
    else:
        text, meant = _unknown(key, value, words)
        # what was meant is missing where it belongs, so nothing is to be concluded from its absence
        about = dict.fromkeys([key, *([meant] if meant else []), *_homes(key.rsplit(".", 1)[-1])])
        flat.problems.append(Problem(text, path, tuple(about)))
        if meant in groups and isinstance(value, Mapping):
            for name, inner in value.items():
                _walk(flat, f"{meant}.{name}", inner, (*path, str(name)), words)


def explain_unknown(key: str, value: Any = None, words: Iterable[str] = ()) -> str:
    """Return why a key is no parameter, with the one that was probably meant.

    Parameters
    ----------
    key
        What was written for a full key.
    value
        What it was given: a table is taken for a section.
    words
        Names beside sections that were possible here.
    """
    return _unknown(key, value, tuple(words))[0]


def _unknown(key: str, value: Any, words: tuple[str, ...]) -> tuple[str, str | None]:
    """Return (what is wrong, the key or group that was meant)."""
    parts = key.split(".")
    if len(parts) == 1:
        return _unknown_at_top(key, value, words)
    groups = groups_of_keys()
    around, leaf = ".".join(parts[:-1]), parts[-1]
    said = f"unknown key '{key}'"
    if parts[0] not in groups and (near := nearest(parts[0], groups_at_top())) is not None:
        # the section is misspelt, and perhaps the rest too
        rest = ".".join([near, *parts[1:]])
        full = rest if rest in known_parameters() or rest in groups else None
        full = full or nearest(rest, (*known_parameters(), *groups))
        return (f"{said}; did you mean '{full}'?", full) if full else (said, None)
    if around in groups:
        inside = _children(around)
        near = nearest(leaf, inside, loose=False)
        if near is not None:
            return f"{said}; did you mean '{around}.{near}'?", f"{around}.{near}"
    homes = _homes(leaf)
    if homes:
        return f"{said}; {_belongs(leaf, homes)}", homes[0] if len(homes) == 1 else None
    if leaf in HEAD:
        return f"{said}; '{leaf}' is written at the head of the file, above the first section", None
    if around in groups and (near := nearest(leaf, _children(around))) is not None:
        return f"{said}; did you mean '{around}.{near}'?", f"{around}.{near}"
    return f"{said}{suggest(key, known_parameters()) or _LIST}", None


_LIST = "; `cbhi show` lists all keys"


def _unknown_at_top(name: str, value: Any, words: tuple[str, ...]) -> tuple[str, str | None]:
    homes = _homes(name)
    if isinstance(value, Mapping):
        candidates = (*groups_at_top(), *(word for word in words if word in ("event", "sources")))
        near = nearest(name, candidates)
        if near is None and (owner := _owner(value)) is not None:
            return f"unknown section '{name}'; its keys belong to [{owner}]", owner
        if near is None:
            return f"unknown section '{name}'; there are {listed(candidates)}", None
        return f"unknown section '{name}'; did you mean '{near}'?", near
    if homes:
        return f"unknown key '{name}'; {_belongs(name, homes)}", homes[0] if len(homes) == 1 else None
    near = nearest(name, words)
    if near is not None:
        return f"unknown key '{name}'; did you mean '{near}'?", near
    if name in HEAD:
        return f"unknown key '{name}'; it is written at the head of the file", None
    leaves = {key.rsplit(".", 1)[-1]: key for key in known_parameters()}
    if (leaf := nearest(name, leaves, loose=False)) is not None:
        return f"unknown key '{name}'; did you mean '{leaves[leaf]}'?", leaves[leaf]
    return f"unknown key '{name}'{suggest(name, (*sections(), *known_parameters())) or _LIST}", None


def groups_at_top() -> tuple[str, ...]:
    """Return the groups of keys that stand by themselves: the sections."""
    return tuple(name for name in groups_of_keys() if "." not in name)


def _children(group: str) -> set[str]:
    return {key[len(group) + 1 :].split(".")[0] for key in groups_of_keys()[group]}


def _homes(leaf: str) -> list[str]:
    """Return the full keys and groups whose last part is this word."""
    names = (*known_parameters(), *(name for name in groups_of_keys() if "." in name))
    return [name for name in names if name.rsplit(".", 1)[-1] == leaf]


def _belongs(leaf: str, homes: list[str]) -> str:
    places = listed(f"[{home.rsplit('.', 1)[0]}]" for home in homes)
    return f"'{leaf}' belongs to {places}: {listed(homes, 'or')}"


def _owner(table: Mapping[str, Any]) -> str | None:
    """Return the one section that knows all keys of a table."""
    found = [group for group in groups_at_top() if table and set(table) <= _children(group)]
    return found[0] if len(found) == 1 else None


# wrong values ------------------------------------------------------------------------------------------

# values that a series can take; formal employment is found in the better-off half of people only
SERIES_RANGE = {
    "population.persons": (1.0, 1e10),
    "income.gini": (0.0, 0.95),
    "provider.clinicians": (0.0, 1e9),
    "provider.health_centres": (0.0, 1e9),
    "formal.share": (0.0, 0.5),
    "rollout.schemes": (0.0, 1e9),
}
"""Lowest and highest value of each parameter that is a series."""


def check_value(key: str, value: Any, at: Path = ()) -> list[Problem]:
    """Check one value of one parameter.

    Parameters
    ----------
    key
        A full key that is known.
    value
        What it was given.
    at
        Where it stands.

    Returns
    -------
    list of Problem
        Empty where the value is allowed; of a series one for each entry that is not.
    """
    info = known_parameters()[key]
    if key in SERIES_RANGE:
        return _check_series(info, value, at)
    try:
        Parameters.model_validate(nest({key: value}))
    except ValidationError as error:
        return [Problem(_explain(info, value, error), at, (key,))]
    return []


def _check_series(info: ParameterInfo, series: Any, at: Path) -> list[Problem]:
    key, unit = info.key, info.unit
    if not isinstance(series, Mapping):
        example = as_toml(info.default)
        text = (
            f"{key} is a series by month, got {as_toml(series)} [{unit}]; example: {_leaf(key)} = {example}"
        )
        return [Problem(text, at, (key,))]
    if not series:
        return [Problem(f"{key}: a series needs at least one entry, such as 2005-07 = 353", at, (key,))]
    low, high = SERIES_RANGE[key]
    problems = []
    for month, value in series.items():
        place = (*at, str(month))
        try:
            parse_month(str(month))
        except ValueError as error:
            said = str(error)
            if re.fullmatch(r"\d{4}", str(month)):
                said = f"'{month}' is not a month but a year; write it like {month}-07"
            problems.append(Problem(f"{key}: {said}", place, (key,)))
            continue
        name = f"{key} of {month}"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            said = _not_a_number(value, "a number", unit)
            problems.append(Problem(f"{name} must be {said} [{unit}]", place, (key,)))
        elif not low <= value <= high:
            problems.append(Problem(_outside(name, value, low, high, unit), place, (key,)))
    return problems


def _outside(name: str, value: float, low: float | None, high: float | None, unit: str) -> str:
    """Return the line for a number out of range; a percentage of what is a share is said to be one."""
    least = "any" if low is None else number_text(low)
    most = "any" if high is None else number_text(high)
    line = f"{name} = {number_text(value)} is outside {least} to {most} [{unit}]"
    inside = (low is None or low <= value / 100) and (high is None or value / 100 <= high)
    if unit.startswith("share") and 1 < value <= 100 and inside:
        line += f"; {number_text(value)} % is written {value / 100:g}"
    return line


def _not_a_number(value: Any, wanted: str, unit: str) -> str:
    """Return what a number must be and what was given, with the number that a text seems to hold."""
    said = f"{wanted}, got {as_toml(value)}"
    if not isinstance(value, str):
        return said
    text = value.strip()
    if (match := re.fullmatch(r"([+-]?\d+(?:\.\d+)?)\s*%", text)) and unit.startswith("share"):
        return f"{said}; {match[1]} % is written {float(match[1]) / 100:g}, without quotes"
    if re.fullmatch(r"[+-]?\d{1,3}([,' ]\d{3})+(\.\d+)?", text):
        return f"{said}; written {re.sub(r'[,]|[ ]|[^0-9.+-]', '', text)}, without separators and quotes"
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        return f"{said}; written {text.replace(',', '.')}, with a point and without quotes"
    if re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", text, re.IGNORECASE):
        return f"{said}; written {text}, without quotes"
    return said


def _explain(info: ParameterInfo, value: Any, error: ValidationError) -> str:
    """Return one line: which parameter, what is wrong, unit, and how it is written."""
    key, unit, default = info.key, info.unit, info.default
    example = f"; example: {_leaf(key)} = {as_toml(default)}"
    if info.choices:
        options = f"one of {', '.join(repr(choice) for choice in info.choices)}"
        near = suggest(value, info.choices) if isinstance(value, str) else ""
        return f"{key} must be {options}, got {as_toml(value)}{near}"
    if unit == "month" and isinstance(default, str):
        return _explain_month(key, value, default)
    if isinstance(default, bool):
        return f"{key} must be true or false, got {as_toml(value)}{_switch_hint(value)} [{unit}]"
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and not (isinstance(default, int) and value != value // 1):
        whole_by_another_name = isinstance(default, int) and isinstance(value, float)
        if not whole_by_another_name or not _is_inside(info, value):
            return _outside(key, value, info.low, info.high, unit)
        return f"{key} must be a whole number, got {value!r}; written {int(value)} [{unit}]"
    wanted = "a whole number" if isinstance(default, int) else "a number"
    if is_number:
        return f"{key} must be {wanted}, got {value!r} [{unit}]{example}"
    said = _not_a_number(value, wanted, unit)
    hint = "" if "written" in said else example
    return f"{key} must be {said} [{unit}]{hint}"


def _is_inside(info: ParameterInfo, value: float) -> bool:
    return (info.low is None or value >= info.low) and (info.high is None or value <= info.high)


def _explain_month(key: str, value: Any, default: str) -> str:
    if isinstance(value, datetime.date):
        said = f"{key} is a month in quotes; write '{value.year:04d}-{value.month:02d}'"
    elif match := re.fullmatch(r"(\d{4})-(\d{2})-\d{2}", str(value)):
        said = f"{key}: '{value}' is a day, not a month; write '{match[1]}-{match[2]}'"
    else:
        said = f"{key}: {explain_date(value)}"
    if default == "never":
        said += "; or 'never'" + ("" if not isinstance(value, str) else suggest(value, ["never"]))
    return said


def _switch_hint(value: Any) -> str:
    words = {"yes": "true", "on": "true", "true": "true", "1": "true"}
    words |= {"no": "false", "off": "false", "false": "false", "0": "false"}
    right = words.get(str(value).lower())
    if right is None and isinstance(value, str) and (near := nearest(value, ("true", "false"), loose=False)):
        right = near
    return f"; written {right}, without quotes" if right else ""


def _leaf(key: str) -> str:
    return key.rsplit(".", 1)[-1]


def as_toml(value: Any) -> str:
    """Return a value as a scenario file writes it.

    Parameters
    ----------
    value
        A switch, a number, a text, a date, a table or a list of these.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'" if "'" not in value and value.isprintable() else json.dumps(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{name} = {as_toml(inner)}" for name, inner in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(as_toml(inner) for inner in value)}]"
    if isinstance(value, float) and math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value)}.0"
    return str(value)


# rules that several keys share -------------------------------------------------------------------------


def _value_of(p: Parameters, key: str) -> Any:
    value: Any = p
    for part in key.split("."):
        value = getattr(value, part)
    return value


# keys whose sum must not be above a limit, and why where it is not plain
_SUMS: tuple[tuple[tuple[str, ...], float, str], ...] = (
    (("subsidy.state_share", "subsidy.donor_share", "subsidy.cross_subsidy_share"), 1.0, ""),
    (("subsidy.poorest_share", "subsidy.rich_share"), 1.0, ""),
    (("fund.pool_share", "fund.national_share"), 1.0, ""),
    (
        ("scheme.open_months_before", "scheme.open_months_after"),
        12.0,
        ": two membership years would be on sale at once",
    ),
)
# the first of two keys must not be above the second
_ORDERS = (
    ("rollout.pilot_sections", "population.sections"),
    ("rollout.pilot_districts", "population.districts"),
    ("population.districts", "population.sections"),
)


def broken_rules(p: Parameters) -> list[tuple[tuple[str, ...], str]]:
    """Return the rules between keys that some parameters break.

    Parameters
    ----------
    p
        Parameters in force together.

    Returns
    -------
    list of (keys, text)
        The keys that share the rule, and what is wrong with their values.
    """
    broken = []
    for keys, limit, why in _SUMS:
        values = [_value_of(p, key) for key in keys]
        if sum(values) > limit + 1e-9:
            terms = " + ".join(f"{k} {number_text(v)}" for k, v in zip(keys, values, strict=True))
            broken.append((keys, f"{terms} = {number_text(sum(values))} is above {number_text(limit)}{why}"))
    for small, large in _ORDERS:
        one, other = _value_of(p, small), _value_of(p, large)
        if one > other:
            broken.append(((small, large), f"{small} {one} is above {large} {other}"))
    return broken


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return full keys to values as tables inside tables.

    Parameters
    ----------
    flat
        Full key to value.
    """
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *around, leaf = key.split(".")
        here = nested
        for section in around:
            here = here.setdefault(section, {})
        here[leaf] = value
    return nested


def flat_values(p: Parameters) -> dict[str, Any]:
    """Return full key to value of all parameters.

    Parameters
    ----------
    p
        Parameters in force together.
    """
    return {key: _value_of(p, key) for key in known_parameters()}


def stretches(
    start: int, values: Mapping[str, Any], events: Iterable[tuple[int, Mapping[str, Any]]]
) -> tuple[list[tuple[int, Parameters]], list[Problem]]:
    """Return the parameters in force from each change on, and everything that is wrong.

    Parameters
    ----------
    start
        First month of the run; events before it hold from it.
    values
        Full key to value at the start.
    events
        (month, full key to value), in order of month.

    Returns
    -------
    list of (int, Parameters)
        First month and parameters of each stretch; wrong values are left out of them.
    list of Problem
        Wrong values, each once, and rules between keys, each where it is broken first.
    """
    by_month: dict[int, dict[str, Any]] = {start: dict(values)}
    for month, changes in events:
        by_month.setdefault(max(month, start), {}).update(changes)
    series = {key: values[key] for key in SERIES_RANGE if key in values}
    problems = [problem for key, value in series.items() for problem in check_value(key, value)]
    try:
        if problems:
            raise ValueError
        found = _in_force(by_month)
    except ValueError:  # pydantic's error is one
        problems, by_month = _sorted_out(by_month)
        found = _in_force(by_month)
    wrong = {key for problem in problems for key in problem.keys}
    told: set[tuple[str, ...]] = set()
    for month, p in found:
        for keys, text in broken_rules(p):
            if keys in told or wrong & set(keys):
                continue
            told.add(keys)
            later = f"from {format_month(month)}: " if month > start else ""
            problems.append(Problem(f"{later}{text}", (), keys, month))
    return found, problems


def _in_force(by_month: Mapping[int, Mapping[str, Any]]) -> list[tuple[int, Parameters]]:
    current: dict[str, Any] = {}
    found: list[tuple[int, Parameters]] = []
    for month in sorted(by_month):
        current.update(by_month[month])
        changed = {_section(key) for key in by_month[month]}
        given = nest({key: value for key, value in current.items() if _section(key) in changed})
        if found:
            # sections are validated when they change
            before = found[-1][1]
            given |= {name: getattr(before, name) for name in before.model_fields_set - changed}
        found.append((month, Parameters.model_validate(given)))
    return found


def _section(key: str) -> str:
    return key.split(".", 1)[0]


def _sorted_out(
    by_month: Mapping[int, Mapping[str, Any]],
) -> tuple[list[Problem], dict[int, dict[str, Any]]]:
    """Return what is wrong with single values, each once, and the changes without them."""
    problems: dict[str, Problem] = {}
    rest: dict[int, dict[str, Any]] = {}
    for month in sorted(by_month):
        rest[month] = {}
        for key, value in by_month[month].items():
            if key not in known_parameters():
                wrong = [Problem(explain_unknown(key, value), (), (key,))]
            else:
                wrong = check_value(key, value)
            problems.update({problem.text: problem for problem in wrong if problem.text not in problems})
            if not wrong:
                rest[month][key] = value
    return list(problems.values()), rest


def check_span(start: int, end: int) -> str | None:
    """Return what is wrong with the first and last month of a run, or None.

    Parameters
    ----------
    start, end
        Month numbers.
    """
    if end < start:
        return f"the run ends in {format_month(end)}, before it starts in {format_month(start)}"
    if end - start >= 12 * 100:
        return "the run is longer than 100 years"
    return None


def check_dated(key: str) -> str | None:
    """Return why an event cannot change a parameter, or None where it can.

    Parameters
    ----------
    key
        A full key that is known.
    """
    info = known_parameters()[key]
    if info.datable:
        return None
    section = key.rsplit(".", 1)[0]
    if key in SERIES_RANGE:
        return f"{key} is a series by month already; give its later values under [{section}], not in an event"
    return f"{key} describes the start and cannot change later; write it under [{section}]"
