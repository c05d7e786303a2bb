"""Hypothesis strategies for random scenarios inside the documented ranges."""

from __future__ import annotations

import functools
import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from cbhi.kernels.codes import TARGETING
from cbhi.months import parse_month
from cbhi.params import ParameterInfo, parameter_table
from cbhi.scenarios import Event, Scenario

FIRST_MONTH = parse_month("2004-01")

# the same examples in every run, so that a failure on one machine is a failure on all; for a long search
# run the tests with CBHI_TEST_PROFILE=thorough
settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile("thorough", max_examples=2000, deadline=None, database=None)
quick = settings.get_profile(os.environ.get("CBHI_TEST_PROFILE", "quick"))

# narrower than documented where the rest of the range only costs time or overflows any currency
NARROWER: dict[str, tuple[float, float]] = {
    "care.need_per_person_year": (0, 60),
    "care.need_under_5": (0, 3),
    "care.need_5_to_14": (0, 3),
    "care.need_15_to_49": (0, 3),
    "care.need_50_and_over": (0, 3),
    "care.cost_outpatient_rwf": (0, 100_000),
    "care.cost_admission_rwf": (0, 10_000_000),
    "care.user_fee_outpatient_rwf": (0, 100_000),
    "care.user_fee_year": (1995, 2012),
    "income.mean_consumption_rwf": (1_000, 5_000_000),
    "income.nominal_growth": (-0.2, 0.5),
    "income.reference_year": (1995, 2012),
    "provider.wage_rwf_per_month": (0, 1_000_000),
    "provider.wage_year": (1995, 2012),
    "population.household_size": (1, 8),
    "population.sections": (60, 403),
    "rollout.pilot_sections": (0, 60),
    "provider.capitation_rwf": (0, 100_000),
    "loans.equity_rwf_per_person": (0, 10_000),
    "groups.weekly_rwf": (0, 10_000),
    "groups.forming_size": (2, 40),
    "fraud.audit_hour_rwf": (0, 100_000),
    "fraud.audit_hours_per_1000_claims": (0, 1000),
}
# rules that two keys share are drawn together
TOGETHER = (
    ("subsidy.state_share", "subsidy.donor_share", "subsidy.cross_subsidy_share"),
    ("fund.pool_share", "fund.national_share"),
    ("subsidy.poorest_share", "subsidy.rich_share"),
    ("scheme.open_months_before", "scheme.open_months_after"),
    ("population.districts", "rollout.pilot_districts"),
)
_SERIES_VALUES: dict[str, list[dict[str, float]]] = {
    "population.persons": [{"2000-01": 8e6}, {"2003-07": 8e6, "2006-07": 9e6}, {"2005-07": 2e4}],
    "income.gini": [{"2004-07": 0.0}, {"2004-07": 0.45, "2006-07": 0.5}, {"2004-07": 0.7}],
    "provider.clinicians": [{"2005-07": 0.0}, {"2004-07": 300.0}, {"2004-07": 5e3, "2006-07": 9e3}],
    "provider.health_centres": [{"2005-07": 1.0}, {"2004-07": 200.0, "2006-07": 400.0}],
    "formal.share": [{"2004-07": 0.0}, {"2004-07": 0.02, "2006-07": 0.4}, {"2004-07": 0.5, "2005-07": 0.0}],
    "rollout.schemes": [{"2004-07": 0.0, "2006-07": 403.0}, {"2005-03": 403.0}, {"2005-01": 60.0}],
}
SERIES = {key: st.sampled_from(values) for key, values in _SERIES_VALUES.items()}


@functools.cache
def _table() -> dict[str, ParameterInfo]:
    return parameter_table()


def values_of(key: str) -> st.SearchStrategy[Any]:
    """Draw a value of one parameter inside its documented range."""
    info = _table()[key]
    if key in SERIES:
        return SERIES[key]
    if key == "rollout.pilot_month":
        return st.sampled_from(["1999-07", "2004-06", "2005-02"])
    if key == "donors.exit_month":
        return st.sampled_from(["never", "2004-08", "2005-06", "2006-01"])
    if info.choices:
        return st.sampled_from(info.choices)
    if isinstance(info.default, bool):
        return st.booleans()
    low, high = NARROWER.get(key, (info.low, info.high))
    assert low is not None, key
    assert high is not None, key
    if isinstance(info.default, int):
        # small amounts are where rounding shows
        near = st.integers(int(low), min(int(high), int(low) + 50))
        return near | st.integers(int(low), int(high))
    near_default = (
        st.floats(max(low, info.default / 2), min(high, info.default * 2))
        if info.default > 0
        else st.just(info.default)
    )
    return st.sampled_from([float(low), float(high)]) | near_default | st.floats(low, high)


@st.composite
def together(draw: st.DrawFn, keys: tuple[str, ...]) -> dict[str, Any]:
    """Draw values that bound each other; shares sum to one at most."""
    if keys[0] == "population.districts":
        districts = draw(st.integers(1, 30))
        return {keys[0]: districts, keys[1]: draw(st.integers(0, districts))}
    if keys[0].startswith("scheme."):
        before = draw(st.integers(0, 11))
        return {keys[0]: before, keys[1]: draw(st.integers(1, 12 - before))}
    left = 1.0
    shares = {}
    for key in keys:
        shares[key] = draw(st.floats(0, 1)) * left
        left -= shares[key]
    return shares


@st.composite
def changes(draw: st.DrawFn, most: int, datable: bool = False) -> dict[str, Any]:
    """Draw values of up to ``most`` parameters; ``datable`` keeps to those that an event can change."""
    paired = {key for pair in TOGETHER for key in pair}
    keys = [k for k, info in _table().items() if k not in paired and (info.datable or not datable)]
    chosen = draw(st.lists(st.sampled_from(keys), max_size=most, unique=True))
    drawn = {key: draw(values_of(key)) for key in chosen}
    for pair in TOGETHER:
        if draw(st.booleans()) and (not datable or _table()[pair[0]].datable):
            drawn.update(draw(together(pair)))
    return drawn


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a scenario of 12 to 40 months: switches, parameters and dated changes of both."""
    start = FIRST_MONTH + draw(st.integers(0, 24))
    n_months = draw(st.integers(12, 40))
    switches = [key for key in _table() if key.startswith("switches.")]
    off = draw(st.lists(st.sampled_from(switches), max_size=len(switches), unique=True))
    values = {
        # few households and short runs see little of what is rare, so some is made common
        "enrolment.attention_per_month": draw(st.sampled_from([0.35, 1.0])),
        "subsidy.offered": draw(st.booleans()),
        "subsidy.slots_share": draw(st.floats(0, 1)),
        "mandate.compulsory": draw(st.booleans()),
        "scheme.calendar": draw(st.sampled_from(["rolling", "fixed"])),
        "scheme.enrolment_unit": draw(st.sampled_from(["household", "person", "group"])),
        "loans.offered": draw(st.booleans()),
        "loans.liability": draw(st.sampled_from(["individual", "joint"])),
        "groups.savings": draw(st.booleans()),
        "provider.payment": draw(st.sampled_from(["fee", "case", "capitation"])),
        "scheme.portability_share": draw(st.sampled_from([0.0, 0.3, 1.0])),
        "subsidy.targeting": draw(st.sampled_from(TARGETING)),
        "demography.deaths": draw(st.sampled_from([1.0, 5.0])),
        "rollout.pilot_month": "2004-06",
        **dict.fromkeys(off, False),
        **draw(changes(25)),
    }
    events = [
        Event(start + draw(st.integers(0, n_months)), draw(changes(8, datable=True)))
        for _ in range(draw(st.integers(0, 4)))
    ]
    return Scenario(name="random", start=start, end=start + n_months - 1, values=values, events=tuple(events))
