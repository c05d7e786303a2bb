"""What two scenarios say differently: values at the start, events, and where each value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cbhi.months import format_month
from cbhi.scenarios import Scenario
from cbhi.scenarios.changes import as_toml, flat_values, known_parameters
from cbhi.tables import Table


@dataclass(frozen=True)
class Difference:
    """One thing that two scenarios say differently.

    Attributes
    ----------
    month
        ``"start"``, or the month such as ``"2006-01"`` of an event that makes, changes or ends a difference.
    key
        Full key of a parameter, or ``from``, ``to``, ``country`` and ``parameter_sets``.
    values
        What is in force in each scenario from then on.
    unit
        Of the values.
    sources
        Where each value comes from.
    """

    month: str
    key: str
    values: tuple[Any, Any]
    unit: str
    sources: tuple[str, str]


def differences(one: Scenario, other: Scenario) -> list[Difference]:
    """Return everything that decides the results and differs between two scenarios.

    Parameters
    ----------
    one, other
        Scenarios; their names, and the reasons given for events, do not count.

    Returns
    -------
    list of Difference
        Span and country, values at the start in the order of the parameters, then events by month. Empty
        exactly where both have one fingerprint or say the same in other words.
    """
    found = []
    for word, a, b in (
        ("from", format_month(one.start), format_month(other.start)),
        ("to", format_month(one.end), format_month(other.end)),
        ("country", one.country, other.country),
    ):
        if a != b:
            found.append(Difference("start", word, (a, b), "month" if word != "country" else "-", ("", "")))
    values = flat_values(one.regimes()[0][1]), flat_values(other.regimes()[0][1])
    for key, info in known_parameters().items():
        a, b = values[0][key], values[1][key]
        if a != b:
            sources = _source(one, key), _source(other, key)
            found.append(Difference("start", key, (a, b), info.unit, sources))
    if one.sets != other.sets:
        (ours, source), (theirs, its_source) = _of_sets(one), _of_sets(other)
        said = (ours, theirs if theirs != ours else f"{theirs}, others")
        found.append(Difference("start", "parameter_sets", said, "sets", (source, its_source)))
    return found + _of_events(one, other, values)


def _of_sets(scenario: Scenario) -> tuple[str, str]:
    """Return how many parameter sets a scenario carries, and where they come from."""
    sets = scenario.sets
    if sets is None:
        return "none", ""
    return f"{len(sets)} of {len(sets.keys)} keys", sets.about.get("source", "no source")


def _of_events(
    one: Scenario, other: Scenario, values: tuple[dict[str, Any], dict[str, Any]]
) -> list[Difference]:
    """Return, by month, what is in force in each where an event makes, changes or ends a difference."""
    by_month = _by_month(one), _by_month(other)
    force = dict(values[0]), dict(values[1])
    found = []
    for month in sorted({*by_month[0], *by_month[1]}):
        changes = by_month[0].get(month, {}), by_month[1].get(month, {})
        for key, info in known_parameters().items():
            if key not in changes[0] and key not in changes[1]:
                continue
            before = force[0][key], force[1][key]
            for side in (0, 1):
                force[side][key] = changes[side].get(key, (force[side][key], ""))[0]
            after = force[0][key], force[1][key]
            if after != before and (after[0] != after[1] or before[0] != before[1]):
                whys = tuple(changes[side].get(key, (None, ""))[1] for side in (0, 1))
                found.append(Difference(format_month(month), key, after, info.unit, (whys[0], whys[1])))
    return found


def _by_month(scenario: Scenario) -> dict[int, dict[str, tuple[Any, str]]]:
    """Return month to full key to (value, reason) of the events after the start; the last one counts."""
    found: dict[int, dict[str, tuple[Any, str]]] = {}
    for event in scenario.events:
        if event.month <= scenario.start:
            continue  # part of the values at the start
        for key, value in event.changes.items():
            found.setdefault(event.month, {})[key] = (value, event.why)
    return found


def _source(scenario: Scenario, key: str) -> str:
    info = known_parameters()[key]
    mine = scenario.source_of(key)
    source, confidence = mine or (info.source, info.confidence)
    if key in scenario.values and mine is None:
        source, confidence = "given in the scenario", "no source"
    return f"{source} ({confidence})"


def difference_table(one: Scenario, other: Scenario, sources: bool = True) -> Table:
    """Return the differences of two scenarios as a table that a person reads.

    Parameters
    ----------
    one, other
        Scenarios.
    sources
        Whether to say where each value comes from.
    """
    found = differences(one, other)
    if not found:
        return Table(f"{one.name} and {other.name} are the same", (), ())
    heads = ("from", "key", _short(one.name, 24), _short(other.name, 24), "unit")
    rows = []
    notes = []
    for d in found:
        a, b = (_said(value) for value in d.values)
        rows.append((d.month, d.key, a, b if d.values[0] != d.values[1] else "the same", d.unit))
        if sources and d.month == "start" and any(d.sources):
            notes.append(f"{d.key}: {_short(d.sources[0])} | {_short(d.sources[1])}")
    reasons = [
        f"event of {d.month}, {d.key}: {' | '.join(reason or 'none' for reason in d.sources)}"
        for d in found
        if d.month != "start" and any(d.sources) and d.values[0] != d.values[1]
    ]
    if notes:
        notes.insert(0, f"Where the values come from ({one.name} | {other.name}):")
    if sources and reasons:
        notes += [f"Reasons given for events ({one.name} | {other.name}):", *reasons]
    n = sum(d.values[0] != d.values[1] for d in found)
    return Table(
        f"{one.name} and {other.name}: {n} difference{'s' if n > 1 else ''}",
        (heads,), tuple(rows), tuple(notes), n_labels=2,
    )  # fmt: skip


def _short(text: str, width: int = 90) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _said(value: Any) -> str:
    if isinstance(value, dict) and len(value) > 2:
        months = list(value)
        ends = f"{as_toml(value[months[0]])} ... {as_toml(value[months[-1]])}"
        return f"{ends} ({len(months)} months)"
    return value if isinstance(value, str) else as_toml(value)


def as_records(found: list[Difference]) -> list[dict[str, Any]]:
    """Return differences as plain values, for JSON.

    Parameters
    ----------
    found
        What ``differences`` returns.
    """
    return [
        {
            "from": d.month,
            "key": d.key,
            "unit": d.unit,
            "values": list(d.values),
            "sources": list(d.sources),
        }
        for d in found
    ]
