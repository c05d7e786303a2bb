"""Hypothesis strategies: random scenarios, events, schemes and populations inside the documented ranges.

Each comes in two sizes. ``"small"`` is quick and shrinks to what a person can read: twelve to thirty
months, a dozen changed keys. ``"large"`` meets more: up to five years, some forty keys, more events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import hypothesis
from hypothesis import strategies as st

from cbhi.kernels.codes import TARGETING
from cbhi.months import parse_month
from cbhi.populations import HOUSEHOLD_COLUMNS, MEMBER_COLUMNS, Population
from cbhi.scenarios import Event, Scenario, ScenarioError
from cbhi.scenarios.changes import known_parameters
from cbhi.simulation import load_scenario
from cbhi.testing.values import changes

__all__ = ["SCHEME_KEYS", "Size", "events", "populations", "scenarios", "schemes"]

Size = Literal["small", "large"]
FIRST_MONTH = parse_month("2004-01")


class _Limits(NamedTuple):
    months: int
    keys: int
    events: int
    keys_of_event: int


_SIZES: dict[str, _Limits] = {"small": _Limits(30, 12, 2, 4), "large": _Limits(60, 40, 6, 10)}

# few households and short runs see little of what is rare, so some of it is made common; the first is the
# default, towards which examples shrink
_COMMON: dict[str, tuple[Any, ...]] = {
    "enrolment.attention_per_month": (0.35, 1.0),
    "enrolment.intercept": (-1.0, 1.0),
    "subsidy.offered": (False, True, True),
    "subsidy.slots_share": (0.0, 0.3, 0.5, 1.0),
    "mandate.compulsory": (False, True),
    "scheme.calendar": ("rolling", "fixed"),
    "scheme.enrolment_unit": ("household", "person", "group"),
    "loans.offered": (False, True, True),
    "loans.borrowers": ("members", "everyone"),
    "loans.liability": ("individual", "joint"),
    "loans.equity_rwf_per_person": (50.0, 5000.0),
    "groups.savings": (False, True),
    "provider.payment": ("fee", "case", "capitation"),
    "scheme.portability_share": (0.0, 0.3, 1.0),
    "subsidy.targeting": ("community", *(name for name in TARGETING if name != "community")),
    "demography.deaths": (1.0, 5.0),
    "rollout.pilot_month": ("1999-07", "2004-06"),
    "switches.rollout": (True, False, False),
}

SCHEME_KEYS = tuple(
    key
    for key in known_parameters()
    if key.split(".")[0] in ("scheme", "subsidy", "mandate", "loans", "groups")
    or key
    in (
        "care.copayment_rwf", "care.coinsurance_share", "fund.deficit_rule", "provider.payment",
        "switches.subsidies", "switches.mandate", "switches.service_gate", "switches.waiting",
    )
)  # fmt: skip
"""The contract between scheme and member: what ``schemes`` changes."""


def _limits(size: Size) -> _Limits:
    if size not in _SIZES:
        raise ValueError(f"size must be 'small' or 'large', got {size!r}")
    return _SIZES[size]


@st.composite
def scenarios(draw: st.DrawFn, size: Size = "small") -> Scenario:
    """Draw a scenario: span, switches, parameters and dated changes of both.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    size
        ``"small"``: 12 to 30 months, up to a dozen keys and two events beside switches and what makes rare
        things common. ``"large"``: up to 60 months, 40 keys and six events.

    Returns
    -------
    Scenario
        Valid; it shrinks to few changed keys, near their defaults.
    """
    limits = _limits(size)
    start = FIRST_MONTH + draw(st.integers(0, 24))
    n_months = draw(st.integers(12, limits.months))
    switches = [key for key in known_parameters() if key.startswith("switches.")]
    # not unique: such lists shrink by leaving entries out
    off = draw(st.lists(st.sampled_from(switches), max_size=12))
    common = {key: draw(st.sampled_from(choices)) for key, choices in _COMMON.items()}
    values = {
        **{key: value for key, value in common.items() if value != _COMMON[key][0]},
        **{key: not known_parameters()[key].default for key in off},
        **draw(changes(limits.keys)),
    }
    later = draw(_dated(start, n_months, limits, None))
    return _valid(lambda: Scenario("random", start, start + n_months - 1, values, later))


@st.composite
def _dated(
    draw: st.DrawFn, start: int, n_months: int, limits: _Limits, keys: tuple[str, ...] | None
) -> tuple[Event, ...]:
    """Draw events, some of them after the end."""
    one = st.tuples(st.integers(0, n_months), changes(limits.keys_of_event, True, keys))
    drawn = draw(st.lists(one, max_size=limits.events))
    return tuple(Event(start + month, changed) for month, changed in drawn if changed)


def _valid(make: Callable[[], Scenario]) -> Scenario:
    """Return what is made; an example in which a rule between keys is broken is no example."""
    try:
        return make()
    except ScenarioError:
        hypothesis.reject()


@st.composite
def events(
    draw: st.DrawFn,
    base: Scenario | str | Path,
    size: Size = "small",
    keys: Iterable[str] | None = None,
) -> Scenario:
    """Draw dated changes on top of a scenario.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    base
        A scenario, or the name or file of one.
    size
        ``"small"``: at most two events of four keys; ``"large"``: six of ten.
    keys
        Only these keys are changed, such as ``SCHEME_KEYS``; all that can be dated if not given.

    Returns
    -------
    Scenario
        The base with more events; without any, the base itself.
    """
    chosen = load_scenario(base).at_point()
    known = None if keys is None else tuple(keys)
    later = draw(_dated(chosen.start, chosen.n_months, _limits(size), known))

    def make() -> Scenario:
        return Scenario(
            chosen.name, chosen.start, chosen.end, dict(chosen.values), (*chosen.events, *later),
            dict(chosen.sources), chosen.country,
        )  # fmt: skip

    return _valid(make) if later else chosen


@st.composite
def schemes(draw: st.DrawFn, base: Scenario | str | Path, size: Size = "small") -> Scenario:
    """Draw other contracts between scheme and member: premium, unit, calendar, waiting, subsidy, mandate...

    Parameters
    ----------
    draw
        Given by Hypothesis.
    base
        A scenario, or the name or file of one; everything but the contract stays as it is.
    size
        ``"small"``: at most a dozen keys of ``SCHEME_KEYS``; ``"large"``: forty.

    Returns
    -------
    Scenario
        The base under another contract from its first month on; events of the base that would change the
        same keys are dropped.
    """
    chosen = load_scenario(base).at_point()
    drawn = draw(changes(_limits(size).keys, False, SCHEME_KEYS))
    return _valid(lambda: chosen.replace(drawn, name=chosen.name)) if drawn else chosen


# narrower than possible, where the rest of the range meets nothing new
_NARROWER_COLUMNS: dict[str, tuple[float, float]] = {
    "section": (1, 3),
    "household": (0, 5_000),
    "consumption_rwf": (1_000, 10_000_000),
    "distance_km": (0, 100),
    "need": (0, 20),
    "taste": (-10, 10),
    "cash_rwf": (0, 10_000_000),
    "association": (0, 5),
}
_MOST_ROWS = {"small": 12, "large": 60}
_MOST_MEMBERS = 6
# how many different bills, in tenths of probability
_BILLS = ((1,), (5, 5), (9, 1), (2, 3, 5))


def _column(name: str, whole: bool, low: float, high: float) -> st.SearchStrategy[Any]:
    low, high = _NARROWER_COLUMNS.get(name, (low, high))
    return st.integers(int(low), int(high)) if whole else st.floats(low, high, allow_subnormal=False)


@st.composite
def populations(draw: st.DrawFn, size: Size = "small") -> Population:
    """Draw households as a user may supply them, some with members and with bills of their own.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    size
        ``"small"``: at most 12 households; ``"large"``: 60. They live in up to three sections.

    Returns
    -------
    Population
        Any of its columns may be left out; it shrinks to one household of which nothing is said.
    """
    most = _MOST_ROWS["small" if _limits(size) is _SIZES["small"] else "large"]
    homes = draw(st.lists(_homes(), min_size=1, max_size=most, unique=True))
    households: dict[str, list[Any]] = {"section": [s for s, _ in homes], "household": [n for _, n in homes]}
    own_members = draw(st.booleans())
    barred = {"section", "household", "position" if draw(st.booleans()) else "consumption_rwf"}
    barred |= {"persons"} if own_members else set()
    for name in draw(_columns(HOUSEHOLD_COLUMNS, barred)):
        column = HOUSEHOLD_COLUMNS[name]
        values = _column(name, column.whole, column.low, column.high)
        households[name] = draw(st.lists(values, min_size=len(homes), max_size=len(homes)))
    members = draw(_members(homes)) if own_members else None
    bills = draw(_bills()) if draw(st.booleans()) else None
    return Population(households, members, bills)


def _homes() -> st.SearchStrategy[tuple[int, int]]:
    (low, high), (first, last) = _NARROWER_COLUMNS["section"], _NARROWER_COLUMNS["household"]
    return st.tuples(st.integers(int(low), int(high)), st.integers(int(first), int(last)))


def _columns(known: Any, barred: set[str]) -> st.SearchStrategy[list[str]]:
    free = [name for name in known if name not in barred]
    return st.lists(st.sampled_from(free), max_size=len(free)).map(lambda names: list(dict.fromkeys(names)))


@st.composite
def _members(draw: st.DrawFn, homes: list[tuple[int, int]]) -> dict[str, list[Any]]:
    counts = draw(st.lists(st.integers(1, _MOST_MEMBERS), min_size=len(homes), max_size=len(homes)))
    rows = [home for home, count in zip(homes, counts, strict=True) for _ in range(count)]
    table: dict[str, list[Any]] = {"section": [s for s, _ in rows], "household": [n for _, n in rows]}
    for name in draw(_columns(MEMBER_COLUMNS, {"section", "household"})):
        column = MEMBER_COLUMNS[name]
        values = _column(name, column.whole, column.low, column.high)
        table[name] = draw(st.lists(values, min_size=len(rows), max_size=len(rows)))
    return table


@st.composite
def _bills(draw: st.DrawFn) -> dict[str, list[float]]:
    """Draw sizes of bills with mean 1."""
    tenths = draw(st.sampled_from(_BILLS))
    chances = [part / sum(tenths) for part in tenths]
    raw = draw(st.lists(st.floats(0.01, 100), min_size=len(tenths), max_size=len(tenths)))
    mean = sum(size * chance for size, chance in zip(raw, chances, strict=True))
    return {"size": [size / mean for size in raw], "probability": chances}
