"""Which family to follow: by its place, by its traits at the start, or by what happens to it later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.family.run import CATEGORIES, Engine, prepare, step
from cbhi.kernels import codes
from cbhi.kernels.records import Table
from cbhi.layouts import Layout
from cbhi.months import format_month
from cbhi.scenarios import Scenario
from cbhi.words import listed, suggest

__all__ = [
    "EVENTS",
    "TRAITS",
    "Found",
    "check_events",
    "check_place",
    "check_traits",
    "find_family",
    "never_founded",
]

Mask = NDArray[np.bool_]

TRAITS = {
    "quintile": "1 (poorest) to 5 (richest), of consumption per adult equivalent",
    "category": "poorest, middle or rich: its true poverty category",
    "size": f"1 to {codes.MEMBER_SLOTS} members",
    "chronic": "true or false: whether a member is chronically ill",
    "in_group": "true or false: whether it belongs to an association",
}
"""Traits at the start by which a family can be picked."""

EVENTS = {
    "joins": "buys cover or is registered",
    "renews": "buys cover that goes on where the last ended",
    "lapses": "lets cover end without renewing",
    "stays-out": "decides on cover and never has any",
    "cannot-pay": "wishes for cover and cannot pay for it",
    "subsidised": "holds a slot, and somebody else pays at least a part of a premium",
    "group-pays": "has a premium paid by its association",
    "borrows": "takes a loan for a premium",
    "refused": "is refused a loan",
    "defaults": "defaults on a loan",
    "fined": "pays a fine for having no cover",
    "admitted": "has a member in hospital",
    "turned-away": "is turned away by the health centre, over arrears or for want of places",
    "unpaid-care": "goes without care that it cannot pay for",
    "dissolves": "ends during the run",
}
"""What can happen to a family, by which it can be found."""

_FLOWS = {
    "subsidised": (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_NGO, codes.SUBSIDY_POOL),
    "group-pays": (codes.GROUP_CONTRIBUTION,),
    "borrows": (codes.LOAN,),
    "fined": (codes.PENALTY,),
}
_TALLIES = {
    "joins": (codes.ENROLMENTS,),
    "refused": (codes.LOANS_REFUSED,),
    "defaults": (codes.LOAN_DEFAULTS,),
    "admitted": (codes.ADMISSIONS,),
    "turned-away": (codes.FORGONE_CAPACITY, codes.FORGONE_REFUSED),
    "unpaid-care": (codes.FORGONE_CASH,),
}
_LIVES_ON = "lives-on"
# looked for in this order when nothing is asked for: the first says most about the scheme
_TELLING = (("renews", "lapses", _LIVES_ON), ("joins",), ())
_SAID = EVENTS | {_LIVES_ON: "lives to the end of the run"}


class Found(NamedTuple):
    """A family: its row, and why this one."""

    row: int
    why: str


def check_traits(pick: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the traits asked for, or say everything that is wrong with them.

    Parameters
    ----------
    pick
        Keys of ``TRAITS`` and the values wanted.
    """
    if pick is None:
        return {}
    if not isinstance(pick, Mapping):
        raise ValueError(f"pick must map traits to values, such as {{'quintile': 1}}, got {pick!r}")
    problems = []
    for name, value in pick.items():
        if name not in TRAITS:
            problems.append(
                f"unknown trait '{name}'{suggest(str(name), TRAITS)}; there are: {listed(TRAITS)}"
            )
        elif not _fits(name, value):
            problems.append(f"{name} = {value!r}: must be {TRAITS[name]}")
    if problems:
        raise ValueError("; ".join(problems))
    return dict(pick)


def _fits(name: str, value: Any) -> bool:
    if name == "category":
        return value in CATEGORIES
    if name in ("chronic", "in_group"):
        return isinstance(value, (bool, np.bool_))
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return whole and 1 <= value <= (codes.QUINTILES if name == "quintile" else codes.MEMBER_SLOTS)


def check_events(find: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the events asked for, each once; refuse unknown ones.

    Parameters
    ----------
    find
        One or several of ``EVENTS``; a family has to live through all of them.
    """
    wanted: tuple[str, ...] = (find,) if isinstance(find, str) else tuple(find or ())
    for name in wanted:
        if name not in EVENTS:
            raise ValueError(
                f"unknown event '{name}'{suggest(str(name), EVENTS)}; there are: {', '.join(EVENTS)}"
            )
    return tuple(dict.fromkeys(wanted))


def check_place(layout: Layout, section: Any, number: Any) -> int | None:
    """Return the place of a section among those simulated, or None; refuse one that is not.

    Parameters
    ----------
    layout
        Of the run.
    section, number
        As in ``cbhi.household``.
    """
    if section is None:
        if number is not None:
            raise ValueError(f"number = {number} needs a section; its families are numbered from 0")
        return None
    numbers: list[int] = (layout.number + 1).tolist()
    if isinstance(section, bool) or not isinstance(section, (int, np.integer)) or section not in numbers:
        some = numbers if len(numbers) <= 12 else [*numbers[:6], "...", *numbers[-3:]]
        raise ValueError(
            f"section {section!r} is not simulated with {int(layout.households.sum()):,} households;"
            f" simulated: {', '.join(map(str, some))}"
        )
    place = numbers.index(int(section))
    if number is None:
        return place
    whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    last, room = int(layout.households[place]) - 1, int((layout.limit - layout.households)[place])
    founded = codes.FIRST_FOUNDED
    if not whole or not (0 <= number <= last or founded <= number < founded + room):
        raise ValueError(
            f"section {section} has no family {number!r}; those of the start are numbered 0 to {last}, those"
            f" founded by marriages during the run {founded} onwards"
        )
    return place


def find_family(
    scenario: Scenario,
    layout: Layout,
    seed: int,
    replicate: int,
    pick: Mapping[str, Any],
    find: tuple[str, ...],
    section: int | None,
    number: int | None,
    tick: Callable[[int], None],
) -> Found:
    """Return the family asked for; the arguments are those of ``cbhi.household``, checked.

    What happens to families is found by a first run with everybody watched.
    """
    place = check_place(layout, section, number)
    firsts = np.concatenate([[0], np.cumsum(layout.limit)])
    if place is not None and number is not None:
        started = int(layout.households[place])
        offset = number if number < started else started + number - codes.FIRST_FOUNDED
        return Found(int(firsts[place]) + offset, "as asked for")
    telling = not pick and not find
    everybody = int(layout.limit.sum())
    engine = prepare(
        scenario, layout, seed, replicate, rows=everybody if find or telling else 0, choices=0,
        share=1.0 if find or telling else 0.0,
    )  # fmt: skip
    fits = engine.state.households["alive"] != 0
    if place is not None:
        fits[: firsts[place]] = fits[firsts[place + 1] :] = False
    for name, value in pick.items():
        fits &= _has_trait(engine, name, value)
    if not find and not telling:
        return _first(fits, pick, find, section, place)
    if not fits.any():
        return _first(fits, pick, find, section, place)
    lived = _what_happens(engine, tick)
    for events in _TELLING if telling else (find,):
        matched = fits.copy()
        for event in events:
            matched &= lived[event]
        if matched.any() or not telling:
            return _first(matched, pick, events, section, place)
    raise AssertionError("a sample without families")


def _first(
    fits: Mask, pick: Mapping[str, Any], find: tuple[str, ...], section: int | None, place: int | None
) -> Found:
    """Return the first of the families that fit, in the order of sections and numbers."""
    said = [f"{name} {value}" for name, value in pick.items()] + [_SAID[name] for name in find]
    where = f" in section {section}" if place is not None else ""
    rows = np.flatnonzero(fits)
    if rows.size == 0:
        raise ValueError(
            f"no family of the start{where} fits: {listed(said)}; ask for less, or simulate more households"
        )
    count = "the only family" if rows.size == 1 else f"the first of {rows.size:,} families"
    return Found(int(rows[0]), f"{count}{where}: {listed(said)}" if said else f"{count}{where}")


def _has_trait(engine: Engine, name: str, value: Any) -> Mask:
    households, members = engine.state.households, engine.state.members
    if name == "quintile":
        return np.asarray(households["quintile"] == value - 1)
    if name == "category":
        return np.asarray(households["category"] == CATEGORIES.index(value))
    if name == "size":
        return np.asarray(households["n_members"] == value)
    if name == "in_group":
        return np.asarray((households["group"] != codes.NO_GROUP) == value)
    filled = np.arange(codes.MEMBER_SLOTS) < households["n_members"][:, None]
    return np.asarray((filled & (members["chronic"] != 0)).any(axis=1) == value)


def _what_happens(engine: Engine, tick: Callable[[int], None]) -> dict[str, Mask]:
    """Run an engine that watches everybody; return which rows live through each event."""
    households, watch = engine.state.households, engine.state.watch
    seen = {name: np.zeros(households.size, dtype=np.bool_) for name in EVENTS}
    enrolled_before = np.zeros(households.size, dtype=np.int64)
    for t in range(engine.scenario.n_months):
        now = engine.scenario.start + t
        before = {name: households[name].copy() for name in ("alive", "cover_until", "n_enrolled")}
        step(engine, t)
        tick(t + 1)
        enrolled = _of_rows(households, watch.tallies[:, codes.ENROLMENTS])
        lives = (households["alive"] != 0) & (before["alive"] != 0)
        ended = (before["cover_until"] == now) & (before["n_enrolled"] > 0)
        bought = enrolled > enrolled_before
        seen["lapses"] |= lives & ended & (households["formal"] == 0)
        seen["renews"] |= lives & bought & (before["cover_until"] > now)
        seen["dissolves"] |= (before["alive"] != 0) & (households["alive"] == 0)
        wished = codes.STANDING_UNAFFORDABLE
        seen["cannot-pay"] |= lives & (
            (households["standing"] == wished) | (households["standing_next"] == wished)
        )
        enrolled_before = enrolled
    for name, kinds in _FLOWS.items():
        seen[name] |= _of_rows(households, watch.flows[:, list(kinds)].sum(axis=1)) > 0
    for name, kinds in _TALLIES.items():
        seen[name] |= _of_rows(households, watch.tallies[:, list(kinds)].sum(axis=1)) > 0
    decided = _of_rows(households, watch.tallies[:, codes.DECISIONS]) > 0
    seen[_LIVES_ON] = households["alive"] != 0
    seen["stays-out"] = decided & ~seen["joins"] & (households["alive"] != 0)
    return seen


def _of_rows(households: Table, noted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what was noted of each household, 0 for those not watched."""
    watched = households["watched"]
    return np.asarray(np.where(watched > 0, noted[np.maximum(watched, 1) - 1], 0))


def never_founded(engine: Engine, section: int, number: int) -> str:
    """Return why a family that was to be founded during the run cannot be followed."""
    sections = engine.state.sections
    founded = int(sections["founded"][int(np.flatnonzero(sections["number"] == section - 1)[0])])
    known = (
        "none is founded there"
        if founded == 0
        else f"those founded there are numbered {codes.FIRST_FOUNDED} to {codes.FIRST_FOUNDED + founded - 1}"
    )
    return (
        f"section {section} has no family {number} before the end of the run in"
        f" {format_month(engine.scenario.end)}; {known}"
    )
