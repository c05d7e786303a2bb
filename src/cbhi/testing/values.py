"""Random values of parameters inside their documented ranges, that shrink towards the default."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import strategies as st

from cbhi.scenarios.changes import known_parameters

__all__ = ["TOGETHER", "changes", "datable_keys", "together", "values_of"]

Draw = st.SearchStrategy[Any]

# narrower than documented where the rest of the range only costs time or overflows any currency
_NARROWER: dict[str, tuple[float, float]] = {
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
    "subsidy.state_budget_rwf_per_person": (0, 1_000_000),
}
_SOME: dict[str, tuple[Any, ...]] = {
    "population.persons": ({"2000-01": 8e6}, {"2003-07": 8e6, "2006-07": 9e6}, {"2005-07": 2e4}),
    "income.gini": ({"2004-07": 0.0}, {"2004-07": 0.45, "2006-07": 0.5}, {"2004-07": 0.7}),
    "provider.clinicians": ({"2005-07": 0.0}, {"2004-07": 300.0}, {"2004-07": 5e3, "2006-07": 9e3}),
    "provider.health_centres": ({"2005-07": 1.0}, {"2004-07": 200.0, "2006-07": 400.0}),
    "formal.share": ({"2004-07": 0.0}, {"2004-07": 0.02, "2006-07": 0.4}, {"2004-07": 0.5, "2005-07": 0.0}),
    "rollout.schemes": ({"2004-07": 0.0, "2006-07": 403.0}, {"2005-03": 403.0}, {"2005-01": 60.0}),
    "rollout.pilot_month": ("1999-07", "2004-06", "2005-02"),
    "donors.exit_month": ("never", "2004-08", "2005-06", "2006-01"),
}
_SHARES = (
    ("subsidy.state_share", "subsidy.donor_share", "subsidy.cross_subsidy_share"),
    ("fund.pool_share", "fund.national_share"),
    ("subsidy.poorest_share", "subsidy.rich_share"),
)
_SALE = ("scheme.open_months_before", "scheme.open_months_after")
_DISTRICTS = ("population.districts", "rollout.pilot_districts")
TOGETHER = (*_SHARES, _SALE, _DISTRICTS)
"""Keys that a rule binds to each other; they are drawn together."""
# amounts in whole coins, which no random change of the coin may contradict
_LEFT_ALONE = ("income.smallest_coin_rwf",)


@functools.cache
def datable_keys(datable: bool) -> tuple[str, ...]:
    """Return the keys that are drawn one by one; with ``datable`` those that an event can change."""
    bound = {key for keys in TOGETHER for key in keys} | set(_LEFT_ALONE)
    return tuple(
        k for k, info in known_parameters().items() if k not in bound and (info.datable or not datable)
    )


@functools.cache
def values_of(key: str) -> Draw:
    """Draw a value of one parameter inside its documented range.

    Parameters
    ----------
    key
        Full key, such as ``"care.copayment_rwf"``.

    Returns
    -------
    hypothesis.strategies.SearchStrategy
        Values that shrink towards the default.
    """
    info = known_parameters()[key]
    default = info.default
    if key in _SOME:
        return st.sampled_from(_SOME[key])
    if info.choices:
        return st.sampled_from([default, *(c for c in info.choices if c != default)])
    if isinstance(default, bool):
        return st.booleans() if not default else st.booleans().map(lambda off: not off)
    if info.low is None or info.high is None:
        raise ValueError(f"no range is known for '{key}'; give examples of its values in cbhi.testing.values")
    low, high = _NARROWER.get(key, (info.low, info.high))
    if isinstance(default, int):
        return _whole(int(default), int(low), int(high))
    return _real(float(default), float(low), float(high))


def _whole(default: int, low: int, high: int) -> Draw:
    """Draw around the default, and in the whole range; small amounts are where rounding shows."""
    at = min(max(default, low), high)
    near = max(1, at // 2)
    around = st.integers(max(low, at - near) - at, min(high, at + near) - at)
    anywhere = st.integers(low - at, high - at)
    small = st.integers(low, min(high, low + 50))
    return around.map(lambda more: at + more) | anywhere.map(lambda more: at + more) | small


def _real(default: float, low: float, high: float) -> Draw:
    """Draw around the default, in the whole range, and its ends."""
    at = min(max(default, low), high)

    def shifted(down: float, up: float) -> Draw:
        # the sum may leave the range by its last digit
        return st.floats(down - at, up - at).map(lambda more: min(high, max(low, at + more)))

    near = 0.5 * abs(at)
    return (
        shifted(max(low, at - near), min(high, at + near)) | shifted(low, high) | st.sampled_from([low, high])
    )


@st.composite
def together(draw: st.DrawFn, keys: tuple[str, ...]) -> dict[str, Any]:
    """Draw values that bound each other; shares sum to one at most.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    keys
        One entry of ``TOGETHER``.

    Returns
    -------
    dict
        Key to value.
    """
    if keys == _DISTRICTS:
        districts = draw(st.integers(1, 30))
        return {keys[0]: districts, keys[1]: draw(st.integers(0, districts))}
    if keys == _SALE:
        before = draw(st.integers(0, 11))
        return {keys[0]: before, keys[1]: draw(st.integers(1, 12 - before))}
    left = 1.0
    shares = {}
    for key in keys:
        shares[key] = draw(st.floats(0, 1)) * left
        left -= shares[key]
    return shares


def _one(keys: tuple[str, ...]) -> Draw:
    return st.sampled_from(keys).flatmap(lambda key: st.tuples(st.just(key), values_of(key)))


@st.composite
def changes(
    draw: st.DrawFn, most: int, datable: bool = False, keys: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """Draw values of up to ``most`` parameters that differ from the defaults.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    most
        Keys at most, those that are drawn together apart.
    datable
        Only keys that an event can change.
    keys
        Only these keys; all if not given.

    Returns
    -------
    dict
        Key to value; a failing example shrinks to few keys, near their defaults.
    """
    single = tuple(key for key in datable_keys(datable) if keys is None or key in keys)
    pairs = draw(st.lists(_one(single), max_size=most, unique_by=lambda pair: pair[0]))
    drawn = {key: value for key, value in pairs if value != known_parameters()[key].default}
    bound = [
        several
        for several in TOGETHER
        if (keys is None or several[0] in keys) and (known_parameters()[several[0]].datable or not datable)
    ]
    if bound:
        for several in draw(st.lists(st.sampled_from(bound), max_size=2)):
            drawn.update(draw(together(several)))
    return drawn
