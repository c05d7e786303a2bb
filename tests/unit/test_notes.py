"""Notes: what is called idle is idle to the last franc."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from cbhi.packing import pack_rules
from cbhi.scenarios import Scenario, scenario
from cbhi.scenarios.changes import known_parameters
from cbhi.scenarios.notes import NEEDS, Need, notes
from cbhi.simulation import simulate
from cbhi.variables import Arrays


def world() -> Scenario:
    """Every partner at work in a small country whose people wish to join, with changes on the way."""
    values: dict[str, Any] = {
        "population.sections": 4, "population.districts": 2,
        "population.persons": {"2004-01": 4_000.0, "2009-01": 4_800.0},
        "population.group_share": 0.8, "population.group_size": 8.0,
        "rollout.pilot_districts": 1, "rollout.pilot_sections": 1,
        "rollout.schemes": {"2004-01": 2.0, "2004-09": 4.0},
        "enrolment.intercept": 1.0, "enrolment.attention_per_month": 0.6,
        "subsidy.offered": True, "subsidy.slots_share": 0.2, "subsidy.state_share": 0.3,
        "subsidy.donor_share": 0.4, "subsidy.refresh_years": 1, "subsidy.cross_subsidy_share": 0.1,
        "subsidy.capture_share": 0.3, "mandate.compulsory": True, "mandate.initial_capacity": 0.8,
        "mandate.mobilisation_effort": 0.5, "formal.share": {"2004-07": 0.1}, "formal.levy_share": 0.01,
        "loans.offered": True, "loans.default_share": 0.12, "groups.savings": True,
        "scheme.premium_rule": "break_even", "scheme.premium_veto_slope": 1.5, "fund.stop_loss": True,
        "provider.hire_share": 0.2, "provider.post_hazard": 0.6, "provider.post_load": 0.5,
        "provider.performance_rwf": 100.0, "provider.performance_donor_share": 0.4,
        "provider.payment": "capitation", "donors.exit_month": "2004-10", "donors.taper_months": 6,
        "donors.pool_grant_rwf": 100.0, "donors.budget_support_rwf": 20.0, "donors.assistance_rwf": 10.0,
        "fund.national_share": 0.02, "fund.equalisation_share": 0.5, "fund.pool_grant_rwf": 50.0,
        "switches.fraud": True, "fraud.ghost_share": 0.2, "groups.required": True,
    }  # fmt: skip
    return Scenario(name="world", start=12 * 2004, end=12 * 2005 + 5).replace(values, name="world")


def another(key: str) -> Any:
    """An allowed value other than the one in the world."""
    info = known_parameters()[key]
    value: Any = world().regimes()[0][1]
    for part in key.split("."):
        value = getattr(value, part)
    if key == "donors.exit_month":
        return "2004-06"
    if key == "rollout.pilot_month":
        return "1999-09"
    if isinstance(value, bool):
        return not value
    if info.choices:
        return next(choice for choice in info.choices if choice != value)
    if isinstance(value, dict):
        return {month: 0.8 * v for month, v in value.items()}
    assert info.low is not None
    assert info.high is not None
    middle = 0.5 * (info.low + value) if value > info.low else min(info.high, info.low + 0.2)
    return int(middle) + (int(middle) == value) if isinstance(value, int) else middle


def idle_value(need: Need) -> Any:
    info = known_parameters()[need.of]
    for value in info.choices or (False, "never", 0.0):
        if type(value) is type(info.default) and need.idle(value):
            return value
    raise AssertionError(need.of)


@functools.cache
def run(changes: tuple[tuple[str, Any], ...]) -> Arrays:
    return simulate(world().replace(dict(changes), name="run"), households=200, seed=5).arrays


def cases() -> list[tuple[str, tuple[str, ...]]]:
    """(number of the need, its keys); the keys of one are tried together."""
    found = []
    for number, need in enumerate(NEEDS):
        keys = [
            key
            for key in known_parameters()
            if key != need.of and any(key == one or key.startswith(f"{one}.") for one in need.keys)
        ]
        found.append((str(number), tuple(keys)))
    return found


def whole(changes: dict[str, Any]) -> bool:
    """Say whether keys that share a rule still keep it."""
    shares = [changes.get(k, v) for k, v in (("subsidy.state_share", 0.3), ("subsidy.donor_share", 0.4))]
    return sum(shares) + changes.get("subsidy.cross_subsidy_share", 0.1) <= 1


@pytest.mark.parametrize(
    ("number", "keys"), cases(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_called_idle_changes_nothing(number: str, keys: tuple[str, ...]) -> None:
    need = NEEDS[int(number)]
    assert keys
    off = (need.of, idle_value(need))
    changed = {key: another(key) for key in keys}
    if need.of == "switches.rollout":
        changed["rollout.pilot_month"] = "1999-09"
    assert whole(changed)
    one, other = run((off,)), run((off, *((k, v) for k, v in changed.items() if not isinstance(v, dict))))
    for name, a, b in zip(one._fields, one, other, strict=True):
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), name
    for key, value in changed.items():
        if isinstance(value, dict):  # a series cannot be part of a cached call
            s = world().replace(dict([off]), name="x")
            assert np.array_equal(
                pack_rules(s)["need_rate"], pack_rules(s.replace({key: value}))["need_rate"]
            )


def test_every_key_and_condition_is_a_parameter() -> None:
    from cbhi.scenarios.changes import groups_of_keys

    for need in NEEDS:
        assert need.of in known_parameters()
        assert all(key in known_parameters() or key in groups_of_keys() for key in need.keys), need.keys


def start(**values: Any) -> Scenario:
    plain = Scenario(name="unit", start=12 * 2004, end=12 * 2005)
    return plain.replace({key.replace("__", "."): value for key, value in values.items()}, name="unit")


def test_an_option_without_its_switch_is_noted_and_with_it_is_not() -> None:
    (note,) = notes(start(groups__weekly_rwf=50.0))
    assert note == (
        "groups.weekly_rwf has no effect while groups.savings = false; needed: groups.savings = true"
    )
    assert notes(start(groups__weekly_rwf=50.0, groups__savings=True)) == []
    (note,) = notes(start(groups__required=True, switches__groups=False))
    assert "while switches.groups = false" in note
    (note,) = notes(start(donors__taper_months=12))
    assert note.endswith("needed: a month in donors.exit_month")


def test_a_default_written_out_is_no_option() -> None:
    assert notes(start(fraud__ghost_share=0.03)) == []


def test_what_an_event_switches_on_is_not_idle() -> None:
    s = start(groups__weekly_rwf=50.0)
    assert notes(s.add_event("2004-06", {"groups.savings": True})) == []


def test_many_keys_make_one_note() -> None:
    keys = ("ghost_share", "billing_share", "embezzled_share", "audit_effect", "trust_loss")
    (note,) = notes(start(**{f"fraud__{key}": 0.5 for key in keys}))
    assert "and 1 more have no effect while switches.fraud = false" in note


def test_events_outside_the_run_are_noted() -> None:
    s = start().add_event("2009-01", {"care.copayment_rwf": 5}).add_event("2001-01", {"care.seek_price": 1.0})
    early, late = notes(s)
    assert (
        early
        == "event of 2001-01 (care.seek_price) holds from the start: the run goes from 2004-01 to 2005-01"
    )
    assert late.startswith("event of 2009-01 (care.copayment_rwf) waits for a longer run")


def test_the_shipped_scenarios_ask_for_nothing_in_vain() -> None:
    for name in ("rwanda", "rwanda-rules"):
        assert [note for note in notes(scenario(name)) if "no effect" in note] == []
