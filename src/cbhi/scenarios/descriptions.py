"""What a parameter, a section or a result is: unit, range, source, and its value in a scenario over time."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping
from typing import Any

from cbhi.months import format_month
from cbhi.params import ParameterInfo, Parameters
from cbhi.scenarios import Scenario
from cbhi.scenarios.changes import (
    SERIES_RANGE,
    as_toml,
    check_dated,
    explain_unknown,
    groups_of_keys,
    known_parameters,
    sections,
)
from cbhi.strata import GROUPS, stratified_names
from cbhi.tables import Table
from cbhi.variables import VARIABLES, YEARLY_ONLY
from cbhi.words import listed, nearest, number_text

_HEADS = ("what", "value")


def describe(word: str, scenario: Scenario) -> Table:
    """Return what is known about a parameter, a group of parameters or a variable of the results.

    Parameters
    ----------
    word
        A full key, its last part, a section or a part of it, the name of a variable, a part of some names, or
        ``results`` for all variables, or an empty text for all sections.
    scenario
        The scenario whose values are shown.

    Raises
    ------
    ValueError
        When nothing has such a name, with the nearest one.
    """
    word = word.strip().rstrip(".")
    if not word:
        return _sections_table(scenario)
    if word in ("results", "variables"):
        return _variables_table("variables of the results", tuple(VARIABLES))
    if word in known_parameters():
        return _parameter_table(word, scenario)
    if word in groups_of_keys():
        about = _about_section(word)
        table = _keys_table(f"{word}: {about}" if about else word, groups_of_keys()[word], scenario)
        if word not in VARIABLES:
            return table
        also = f"The results have a variable '{word}' too: {VARIABLES[word].about} [{VARIABLES[word].unit}]."
        return dataclasses.replace(table, notes=(*table.notes, also))
    if word in VARIABLES:
        return _variable_table(word)
    homes = [key for key in known_parameters() if key.rsplit(".", 1)[-1] == word]
    if len(homes) == 1:
        return _parameter_table(homes[0], scenario)
    holding = tuple(key for key in known_parameters() if word in key)
    results = tuple(
        name for name, variable in VARIABLES.items() if word in name or word in variable.about.split()
    )
    if holding and len(word) > 2:
        table = _keys_table(f"keys with '{word}' in their names", holding, scenario)
        also = f"Results with it: {', '.join(results)}." if results else ""
        return dataclasses.replace(table, notes=(*table.notes, also)) if also else table
    if results and len(word) > 2:
        return _variables_table(f"results with '{word}' in their names", results)
    near = nearest(word, VARIABLES, loose=False)
    if near is not None and not _like_section(word):
        raise ValueError(f"nothing is called '{word}'; did you mean the variable '{near}'?")
    said = explain_unknown(word, {} if _like_section(word) else None)
    if "did you mean" not in said and "belongs" not in said:
        near = nearest(word, VARIABLES)
        said = f"nothing is called '{word}'" + (f"; did you mean the variable '{near}'?" if near else "")
        said += "" if near else "; `cbhi show` lists all sections, `cbhi show results` all results"
    raise ValueError(said)


def _like_section(word: str) -> bool:
    return "." not in word and nearest(word, sections(), loose=False) is not None


def allowed(info: ParameterInfo) -> str:
    """Return the values that a parameter can take, as text.

    Parameters
    ----------
    info
        What is known about it.
    """
    if info.choices:
        return listed(info.choices, "or")
    if isinstance(info.default, bool):
        return "true or false"
    if info.key in SERIES_RANGE:
        low, high = SERIES_RANGE[info.key]
        return f"{number_text(low)} to {number_text(high)}, by month"
    if info.low is not None and info.high is not None:
        return f"{number_text(info.low)} to {number_text(info.high)}"
    return "a month such as 2009-07, or never" if info.default == "never" else "a month such as 2009-07"


def _about_section(name: str) -> str:
    """Return the first line that the code says about a section."""
    model: Any = Parameters
    for part in name.split("."):
        model = model.model_fields[part].annotation
    return str(model.__doc__ or "").split("\n")[0].rstrip(".")


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        entries = list(value.items())
        if len(entries) > 2:
            first, last = entries[0], entries[-1]
            return f"{_said(first[1])} ({first[0]}) to {_said(last[1])} ({last[0]})"
        return as_toml(value)
    return value if isinstance(value, str) else as_toml(value)


def _value(p: Any, key: str) -> Any:
    for part in key.split("."):
        p = getattr(p, part)
    return p


def history(key: str, scenario: Scenario) -> list[tuple[int, int, Any]]:
    """Return (first month, last month, value) of a parameter for each stretch of a run.

    Parameters
    ----------
    key
        A full key.
    scenario
        The scenario; what its events change after its end is left out.
    """
    found: list[tuple[int, int, Any]] = []
    regimes = scenario.regimes()
    ends = [month - 1 for month, _ in regimes[1:]] + [scenario.end]
    for (month, p), end in zip(regimes, ends, strict=True):
        value = _value(p, key)
        if found and found[-1][2] == value:
            found[-1] = (found[-1][0], end, value)
        else:
            found.append((month, end, value))
    return found


def _parameter_table(key: str, scenario: Scenario) -> Table:
    info = known_parameters()[key]
    source, confidence = info.source, info.confidence
    mine = scenario.source_of(key)
    rows = [
        ("unit", info.unit),
        ("allowed", allowed(info)),
        ("default", _said(info.default)),
        ("an event can change it", "yes" if (reason := check_dated(key)) is None else "no"),
    ]
    notes = [f"Source of the default: {source} ({confidence})."]
    if reason is not None:
        notes.append(f"{reason}.")
    if mine is not None:
        notes.append(f"Source of the value at the start in {scenario.name}: {mine[0]} ({mine[1]}).")
    elif key in scenario.values:
        notes.append(f"Source of the value at the start in {scenario.name}: given in the scenario.")
    for begin, end, value in history(key, scenario):
        if isinstance(value, Mapping):
            rows += [(f"{scenario.name}, {month}", _said(entry)) for month, entry in value.items()]
        else:
            rows.append((f"{scenario.name}, {format_month(begin)} to {format_month(end)}", _said(value)))
    if scenario.sets is not None and key in scenario.sets.keys:
        low, middle, high = (_said(float(f"{value:.4g}")) for value in scenario.sets.quantiles(key))
        rows.append(("parameter sets", f"{len(scenario.sets)}: median {middle}, 5-95 % {low} to {high}"))
    waiting = [
        f"{format_month(event.month)}: {_said(event.changes[key])}"
        for event in scenario.events
        if key in event.changes and event.month > scenario.end
    ]
    if waiting:
        rows.append(("in a longer run", "; ".join(waiting)))
    return Table(f"{key}: {info.title}", (_HEADS,), tuple(rows), tuple(notes), n_labels=2)


def _keys_table(title: str, keys: tuple[str, ...], scenario: Scenario) -> Table:
    rows = []
    for key in keys:
        info = known_parameters()[key]
        values = history(key, scenario)
        changes = "" if len(values) == 1 else f" (+{len(values) - 1})"
        dated = "yes" if info.datable else "no"
        rows.append((key, _said(values[0][2]) + changes, info.unit, allowed(info), dated))
    heads = (("key", "value", "unit", "allowed", "dated"),)
    notes = (
        f"value: at the start of {scenario.name}; (+n): changed n times later; dated: events can change it",
    )
    return Table(title, heads, tuple(rows), notes, n_labels=5)


def _sections_table(scenario: Scenario) -> Table:
    rows = []
    for name in sections():
        rows.append((name, _about_section(name), str(len(groups_of_keys()[name]))))
    notes = (
        "`cbhi show SECTION` lists its keys, `cbhi show KEY` says all about one;"
        f" values are those of {scenario.name}.",
    )
    return Table("sections of parameters", (("section", "about", "keys"),), tuple(rows), notes, n_labels=2)


def _variables_table(title: str, names: tuple[str, ...]) -> Table:
    rows = []
    for name in names:
        by = ", ".join(kind for kind in GROUPS if name in stratified_names(kind))
        rows.append((name, textwrap.shorten(VARIABLES[name].about, 34, placeholder=" ..."), by))
    notes = ("`cbhi show NAME` says all about one. Each also by district.",)
    return Table(title, (("result", "about", "also by"),), tuple(rows), notes, n_labels=3)


def _variable_table(name: str) -> Table:
    variable = VARIABLES[name]
    groups = ["the whole country", "district"]
    groups += [f"{by} (by year)" for by in GROUPS if name in stratified_names(by)]
    periods = "year" if name in YEARLY_ONLY else "month and year"
    rows = (
        ("unit", variable.unit),
        ("by", listed(groups)),
        ("every", periods),
        ("at national scale", "yes, multiplied by the sample's weight" if variable.scaled else "not counted"),
        ("in Python", f'results.to_frame("{name}")'),
    )
    return Table(f"{name}: {variable.about}", (_HEADS,), rows, n_labels=2)
