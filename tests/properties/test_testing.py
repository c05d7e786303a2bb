"""The public properties hold, and each of them fails when what it says is made untrue."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from eventful_cases import cases as eventful_cases
from hypothesis import given, settings
from strategies import quick

import cbhi
from cbhi import Halted, Population, Scenario, ScenarioError, testing
from cbhi.kernels import codes as c
from cbhi.months import parse_month
from cbhi.params import parameter_table
from cbhi.replicates import Engine
from cbhi.scenarios.changes import flat_values
from cbhi.testing import (
    FROZEN,
    PROPERTIES,
    SCHEME_KEYS,
    Case,
    Outcome,
    Property,
    PropertyFailed,
    always,
    check_properties,
    equal_draws,
    expectation,
    freeze_surroundings,
    recorder,
    repeats,
    reports,
)
from cbhi.testing import examples as case_module
from cbhi.testing.core import Broken
from cbhi.testing.surroundings import scale_values

ON_EVERY_RUN = [name for name, p in PROPERTIES.items() if p.kind != "in expectation"]


def busy(**changes: Any) -> Scenario:
    """Everything open, people care to join, slots and loans are to be had."""
    values = {
        "switches.rollout": False,
        "enrolment.attention_per_month": 0.9,
        "enrolment.intercept": 0.5,
        "subsidy.offered": True,
        "subsidy.slots_share": 0.3,
        "loans.offered": True,
        "loans.borrowers": "everyone",
        "loans.equity_rwf_per_person": 2000.0,
        "provider.clinicians": {"2005-07": 2000.0},
        **{key.replace("__", "."): value for key, value in changes.items()},
    }
    start, end = parse_month("2005-03"), parse_month("2006-12")
    return Scenario("busy", start, end, values).add_event("2006-02", {"care.copayment_rwf": 500})


def failed(name: str, case: Case) -> str:
    """The message of a property that must fail."""
    with pytest.raises(PropertyFailed) as raised:
        PROPERTIES[name].check_case(case)
    assert raised.value.name == name
    assert f"PROPERTIES['{name}'].check(SCENARIO, households={case.households}" in str(raised.value)
    return raised.value.reason


class TestTheyHold:
    @pytest.mark.parametrize("name", ON_EVERY_RUN)
    @pytest.mark.parametrize("unit", ["household", "person"])
    def test_on_a_busy_scenario(self, name: str, unit: str) -> None:
        case = Case(busy(scheme__enrolment_unit=unit), 80, 3, thorough=unit == "person")
        assert PROPERTIES[name].check_case(case).verdict == "ok"

    @pytest.mark.parametrize("kind", list(eventful_cases()))
    def test_on_eventful_scenarios(self, kind: str) -> None:
        scenario, households = eventful_cases()[kind]
        case = Case(scenario, households, 3)
        for name in ON_EVERY_RUN:
            assert PROPERTIES[name].check_case(case).verdict in ("ok", "not met"), name

    @given(reports.cases())
    @settings(quick, max_examples=6)
    def test_on_random_scenarios_and_people(self, case: Case) -> None:
        for name in ON_EVERY_RUN:
            PROPERTIES[name].check_case(case)

    def test_every_property_says_what_it_says(self) -> None:
        for name, one in PROPERTIES.items():
            assert one.name == name
            assert one.statement.endswith(".")
            assert one.kind in testing.KINDS
        assert {"always", "equal draws", "in expectation"} == {p.kind for p in PROPERTIES.values()}


def corrupted(
    monkeypatch: pytest.MonkeyPatch, corrupt: Callable[[Engine, int], None], month: int = 9
) -> None:
    """Let a month of stepped runs end with a corrupted state."""
    run = case_module.run_between

    def wrong(engine: Engine, begin: int, end: int) -> None:
        run(engine, begin, end)
        if begin <= month < end:
            corrupt(engine, month)

    monkeypatch.setattr(case_module, "run_between", wrong)


def _steal(engine: Engine, _: int) -> None:
    rich = int(np.argmax(engine.state.households["cash"]))
    engine.state.households["cash"][rich] -= 1


def _forget_somebody(engine: Engine, _: int) -> None:
    engine.state.households["n_members"][0] -= 1


def _two_of_one_number(engine: Engine, _: int) -> None:
    engine.state.households["ordinal"][1] = engine.state.households["ordinal"][0]


def _too_much_trust(engine: Engine, _: int) -> None:
    engine.state.sections["trust"][0] = 1.01


def _slot_for_a_stranger(engine: Engine, _: int) -> None:
    hh = engine.state.households
    row = int(np.flatnonzero((hh["alive"] != 0) & (hh["subsidised"] == 0) & (hh["formal"] == 0))[0])
    hh[row].subsidised = 1


def _money_without_a_slot(engine: Engine, _: int) -> None:
    hh = engine.state.households
    row = int(np.flatnonzero((hh["alive"] != 0) & (hh["subsidised"] == 0) & (hh["formal"] == 0))[0])
    engine.state.watch.flows[int(hh["watched"][row]) - 1, c.SUBSIDY_DONOR] += 7


def _off_the_list(engine: Engine, month: int) -> None:
    hh = engine.state.households
    hh["on_list"] = np.where(hh["subsidised"] != 0, 0, hh["on_list"])
    hh["elite"] = 0


def _a_franc_unpaid(engine: Engine, month: int) -> None:
    engine.state.watch.flows[:, c.CONTRIBUTION] -= engine.state.watch.tallies[:, c.ENROLMENTS] > 0


def _cover_never_sold(engine: Engine, _: int) -> None:
    engine.state.watch.tallies[0, c.HOUSEHOLD_MONTHS_INSURED] += 100


def _debt_off_the_books(engine: Engine, _: int) -> None:
    engine.state.households["loan"][0] += 1


class TestTheyCanFail:
    @pytest.mark.parametrize(
        ("name", "corrupt", "month", "told"),
        [
            ("accounting", _steal, 9, "cash in households' hands: replicate 0, month 2005-12"),
            ("people", _forget_somebody, 9, "people of a section: replicate 0, month 2005-12, section"),
            ("people", _two_of_one_number, 9, "two households of one section share a number"),
            ("shares", _too_much_trust, 9, "trust: replicate 0, month 2005-12, section"),
            ("subsidies", _slot_for_a_stranger, 8, "slot outside the month of allotment"),
            ("subsidies", _money_without_a_slot, 9, "subsidy for a household without a slot"),
            ("subsidies", _off_the_list, 10, "slot of a household on no list: replicate 0, month 2006-01"),
            ("backing", _a_franc_unpaid, 0, "premium paid"),
            ("backing", _cover_never_sold, 9, "household-months insured so far"),
            ("loan book", _debt_off_the_books, 9, "the lender's book says"),
        ],
    )
    def test_a_corrupted_month(
        self, name: str, corrupt: Any, month: int, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        corrupted(monkeypatch, corrupt, month)
        assert told in failed(name, Case(busy(), 60, 3))

    def test_capacity(self) -> None:
        case = Case(busy(), 60, 3)
        tallies = case.results.arrays.tallies
        tallies.flags.writeable = True
        tallies[0, 3, 0, c.CAPACITY] -= 1
        assert "month 2005-06" in failed("capacity", case)
        tallies[0, 3, 0, c.CAPACITY] += 2
        assert "contacts without a place: replicate 0, month 2005-06" in failed("capacity", case)

    @pytest.mark.parametrize("name", ["determinism", "timing", "table order", "money"])
    def test_runs_that_differ(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        # the second run meets other luck
        case = Case(busy(), 40, 3)
        assert case.results is not None
        simulate, calls = case_module.simulate, 0

        def unlucky(*args: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            return simulate(*args, **{**more, "seed": more["seed"] + calls})

        monkeypatch.setattr(case_module, "simulate", unlucky)
        assert "changes" in failed(name, case)

    def test_a_change_felt_before_its_date(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(repeats, "_rules_differ_from", lambda ours, theirs: ours.n_months)
        assert "the change of 2006-02, before its date, changes" in failed("timing", Case(busy(), 60, 3))
        monkeypatch.setattr(repeats, "_rules_differ_from", lambda ours, theirs: 2)
        assert "in force from 2005-05" in failed("timing", Case(busy(), 60, 3))

    def test_saving(self, monkeypatch: pytest.MonkeyPatch) -> None:
        case = Case(busy(), 20, 3)
        other = Case(busy(), 20, 4).results
        monkeypatch.setattr(repeats, "read_arrays", lambda path, scenario: (other, {}))
        assert "writing and reading arrays changes" in failed("save and load", case)

    def test_splitting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        load = Halted.load

        def richer(path: Path) -> Halted:
            halted = load(path)
            halted._at.state.households["cash"][0] += 1
            return halted

        monkeypatch.setattr(Halted, "load", richer)
        assert "halting at 2006-01" in failed("splitting", Case(busy(), 20, 3))

    def test_storage_order(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # brides are asked in the order of rows, so this engine is no longer indifferent
        monkeypatch.setattr(repeats, "_ORDERLY", {"demography.marriages": 4.0})
        assert "storing households in another order changes" in failed("storage order", Case(busy(), 100, 3))

    def test_one_more_household(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for key in ("switches.peers", "switches.rationing"):
            monkeypatch.delitem(FROZEN, key)
        told = failed("one more household", Case(busy(), 40, 3))
        assert "differs with one more household: month 200" in told

    def test_worse_offers(self) -> None:
        case = Case(busy(), 200, 3)
        base = equal_draws._offer(case)
        dear = scale_values(base, lambda key, value: value * 5 if key in equal_draws._PREMIUMS else value)
        cheap, costly = (equal_draws._first_sale(scenario, case) for scenario in (base, dear))
        with pytest.raises(Broken, match="a premium x 5 removes the enrolment of household"):
            equal_draws._loses_nobody(case, cheap, costly, "a premium x 5")
        assert equal_draws._loses_nobody(case, costly, cheap, "a premium / 5")

    def test_fines_do_keep_people_from_enrolling(self) -> None:
        # why the property of the mandate leaves out who was fined: without that it is false
        fines = {
            "mandate__enforcement_max": 1.0,
            "mandate__initial_capacity": 1.0,
            "mandate__penalty_rwf": 10_000_000,
            "mandate__gate_cost_share": 0.0,
            "loans__offered": False,
            "scheme__calendar": "fixed",
            "scheme__year_start_month": 3,
        }
        case = Case(busy(**fines), 250, 3)
        base = equal_draws._offer(case, mandate__compulsory=False, switches__mandate=True)
        law = base.replace({"mandate.compulsory": True})
        before, after = (equal_draws._first_sale(scenario, case) for scenario in (base, law))
        with pytest.raises(Broken, match="a mandate removes the enrolment"):
            equal_draws._loses_nobody(case, before, after, "a mandate")
        assert PROPERTIES["mandate"].check_case(case).verdict == "ok"

    def test_money_without_the_coin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scaled = equal_draws._in_smaller_units

        def same_coin(scenario: Scenario, factor: int) -> Scenario | None:
            found = scaled(scenario, factor)
            return None if found is None else found.replace({"income.smallest_coin_rwf": 1}, name="x")

        monkeypatch.setattr(equal_draws, "_in_smaller_units", same_coin)
        assert "money times 2 changes" in failed("money", Case(busy(), 80, 3))

    @pytest.mark.parametrize("key", ["mandate.penalty_rwf", "care.copayment_rwf", "enrolment.hassle_rwf"])
    def test_money_with_one_amount_left_out(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        scaled = equal_draws._in_smaller_units

        def but_one(scenario: Scenario, factor: int) -> Scenario | None:
            found = scaled(scenario, factor)
            old = parameter_table()[key].default
            return None if found is None else found.replace({key: old}, name="x")

        monkeypatch.setattr(equal_draws, "_in_smaller_units", but_one)
        busier = busy(mandate__compulsory=True, mandate__enforcement_max=1.0, mandate__initial_capacity=1.0)
        assert "money times" in failed("money", Case(busier, 100, 3))


def test_a_country_that_dies_out_in_its_first_month_breaks_no_rule() -> None:
    # one person of 95 whose household has its anniversary in the first month, March
    people = Population(
        {"section": [1], "household": [2]}, {"section": [1], "household": [2], "age_years": [95]}
    )
    died = 0
    for seed in range(6):
        case = Case(busy(demography__deaths=5.0, enrolment__intercept=9.0), 1, seed, population=people)
        assert PROPERTIES["timing"].check_case(case).verdict in ("ok", "not met")
        assert PROPERTIES["people"].check_case(case).verdict == "ok"
        died += int(case.results.arrays.tallies[:, 0, :, c.DEATHS].sum())
    assert died >= 3


class TestDrawKeys:
    def test_what_is_counted(self) -> None:
        found = recorder.record_draws(busy(), 5, 3)
        assert found.problem == ""
        assert found.draws > found.addresses > 100

    @pytest.mark.parametrize(
        ("first", "second", "told"),
        [
            (
                ((1, 2, 0, 5, 4, 0), (9,), 7, "a"),
                ((1, 3, 0, 5, 4, 0), (9,), 7, "a"),
                "two addresses have one counter",
            ),
            (((1, 2, 0, 5, 4, 0), (9,), 7, "a"), ((1, 2, 0, 5, 4, 0), (9,), 8, "a"), "two of a kind"),
            (((1, 2, 0, 5, 4, 0), (9,), 7, "a"), ((1, 2, 0, 5, 4, 0), (9,), 7, "b"), "two decisions"),
            (((1, 2, 0, 5, 7, 0), (9,), 7, "a"), ((1, 2, 0, 5, 7, 0), (9,), 7, "b"), ""),
            (((1, 2, 0, 5, 4, 0), (9,), 7, "a"), ((1, 2, 0, 6, 4, 0), (8,), 9, "b"), ""),
        ],
    )
    def test_what_is_a_problem(self, first: Any, second: Any, told: str) -> None:
        found = recorder.Recorded()
        for one in (first, second, second):
            found.note(*one)
        assert found.draws == 3
        assert found.problem.startswith(told)
        assert bool(found.problem) == bool(told)

    def test_a_decision_with_the_code_of_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # the child process gives the fines the code of the month's illness and income
        planted = "from cbhi.kernels import codes\ncodes.DRAW_PENALTY = codes.DRAW_MONTH\n"
        head, tail = recorder._CHILD.split("\n", 1)
        monkeypatch.setattr(recorder, "_CHILD", f"{head}\n{planted}{tail}")
        child = recorder._Child()
        monkeypatch.setattr(recorder, "_child", lambda: child)
        try:
            law = busy(mandate__compulsory=True, scheme__calendar="fixed")
            assert "two decisions look at one draw" in failed("draw keys", Case(law, 20, 3))
        finally:
            child.close()

    def test_a_run_that_fails_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recorder, "_CHILD", "raise SystemExit('no engine here')")
        child = recorder._Child()
        monkeypatch.setattr(recorder, "_child", recorder.functools.cache(lambda: child))
        with pytest.raises(RuntimeError, match="no engine here"):
            recorder.record_draws(busy(), 5, 3)


class TestExpectation:
    def test_hand_worked_errors(self) -> None:
        # differences 1, 2, 3: mean 2, sd 1, error 1 / sqrt(3)
        assert expectation.paired(np.array([1.0, 2.0, 3.0])) == pytest.approx((2.0, 3**-0.5))
        # of a mean the jackknife gives the same error, scaled by the sum
        sums = np.array([[1.0], [2.0], [3.0]])
        figure, error = expectation.jackknife(lambda s: float(s[0]), sums)
        assert figure == 6.0
        assert error == pytest.approx(2 / 3**0.5)

    def test_hand_worked_slope(self) -> None:
        # 80 of 100 enrolled at risk 1.0 at the low price, 30 at risk 1.5 at the high one: 0.5 over 0.5
        sums = np.array([80.0, 80.0, 100.0, 30.0, 45.0, 100.0])
        assert expectation._slope(sums) == pytest.approx(1.0)
        assert np.isnan(expectation._slope(np.array([30.0, 30.0, 100.0, 30.0, 45.0, 100.0])))

    @pytest.mark.parametrize("figure", [-0.31, -5.0])
    def test_the_wrong_sign_fails(self, figure: float) -> None:
        with pytest.raises(Broken, match="expected above 0"):
            expectation._verdict(figure, 0.1, "visits", "the rise in visits")

    @pytest.mark.parametrize(
        ("figure", "verdict"),
        [(0.3, "ok"), (0.1, "undecided"), (-0.2, "undecided"), (float("nan"), "not met")],
    )
    def test_verdicts(self, figure: float, verdict: str) -> None:
        assert expectation._verdict(figure, 0.1, "visits", "the rise").verdict == verdict

    @pytest.mark.parametrize(
        ("name", "changes", "least"),
        [
            ("private information", {"enrolment__price_slope": 60.0, "enrolment__taste_sd": 0.5}, 0.1),
            ("household unit flattens", {"enrolment__price_slope": 60.0, "enrolment__taste_sd": 0.5}, 0.1),
            (
                "household unit excludes",
                {"income__mean_consumption_rwf": 60_000.0, "loans__offered": False},
                0.005,
            ),
            ("free care", {"provider__clinicians": {"2005-07": 9000.0}}, 0.02),
            ("frozen supply", {}, 0.3),
        ],
    )
    def test_they_hold(self, name: str, changes: Any, least: float) -> None:
        found = PROPERTIES[name].check(busy(**changes), households=500, seed=2, thorough=False)
        assert found.verdict == "ok"
        assert found.figure is not None
        assert found.standard_error is not None
        assert found.figure > max(least, 2 * found.standard_error)
        assert found.unit

    def test_swapped_they_fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        units = expectation._units
        monkeypatch.setattr(expectation, "_units", lambda case: units(case)[::-1])
        case = Case(busy(enrolment__price_slope=60.0, enrolment__taste_sd=0.5), 500, 2)
        assert "the loss of slope is -" in failed("household unit flattens", case)
        monkeypatch.setattr(expectation, "ACCESS_TARGET", 0.01)
        monkeypatch.setattr(expectation, "_PREMIUMS", ())
        # nothing moves where no premium does, and a target that all reach says nothing
        assert PROPERTIES["private information"].check_case(case).verdict == "not met"
        assert PROPERTIES["frozen supply"].check_case(case).verdict == "not met"

    def test_a_target_that_is_reached_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        few = busy()
        capacity = Case(few, 300, 2).begin().rules["consultations_per_person"][0] * 12
        monkeypatch.setattr(expectation, "ACCESS_TARGET", capacity * 1.0001)
        case = Case(few.replace({"switches.queues": False, "care.need_per_person_year": 60.0}), 300, 2)
        # all capacity is used, so nothing is missing to a target of just that
        found = PROPERTIES["frozen supply"].check_case(case)
        assert found.figure is not None
        assert found.standard_error is not None
        assert found.verdict == "undecided"
        assert abs(found.figure) < 3 * found.standard_error


class TestStrategies:
    @given(testing.scenarios("small"))
    @quick
    def test_scenarios_are_valid_and_small(self, scenario: Scenario) -> None:
        assert 12 <= scenario.n_months <= 30
        assert len(scenario.events) <= 2

    def test_a_planted_defect_shrinks_to_its_key(self) -> None:
        def defect(scenario: Scenario) -> bool:
            return any(p.scheme.waiting_months > 4 for _, p in scenario.regimes())

        found = hypothesis.find(testing.schemes(busy()), defect, settings=settings(quick, max_examples=500))
        assert dict(found.values) == {**busy().values, "scheme.waiting_months": 5}
        assert found.events == busy().events

    def test_a_defect_of_two_keys_shrinks_to_them(self) -> None:
        def defect(scenario: Scenario) -> bool:
            p = scenario.regimes()[0][1]
            return not p.switches.trust and p.scheme.calendar == "fixed"

        found = hypothesis.find(
            testing.scenarios("small"), defect, settings=settings(quick, max_examples=500)
        )
        assert dict(found.values) == {"switches.trust": False, "scheme.calendar": "fixed"}
        assert not found.events

    @given(testing.schemes("rwanda"))
    @quick
    def test_schemes_change_the_contract_only(self, scenario: Scenario) -> None:
        base = cbhi.scenario("rwanda")
        changed = {key for key in scenario.values if scenario.values[key] != base.values.get(key)}
        assert changed <= set(SCHEME_KEYS)
        assert (scenario.start, scenario.end) == (base.start, base.end)

    @given(testing.events(busy(), keys=("care.copayment_rwf", "loans.months")))
    @quick
    def test_events_come_on_top(self, scenario: Scenario) -> None:
        base = busy()
        assert scenario.values == base.values
        assert set(base.events) <= set(scenario.events) if not scenario.events else True
        keys = {key for event in scenario.events for key in event.changes}
        assert keys <= {"care.copayment_rwf", "loans.months"}
        assert len(scenario.events) <= 3

    @given(testing.populations())
    @quick
    def test_populations_run(self, people: Population) -> None:
        assert 1 <= people.n_households <= 12
        results = cbhi.simulate(busy(), population=people)
        assert results.households == people.n_households

    def test_populations_shrink_to_one_household(self) -> None:
        found = hypothesis.find(
            testing.populations(),
            lambda people: "taste" in people.households,
            settings=settings(quick, max_examples=300),
        )
        assert found.n_households == 1
        assert set(found.households) == {"section", "household", "taste"}
        assert found.households["taste"].tolist() == [0.0]

    def test_sizes(self) -> None:
        with pytest.raises(ValueError, match="size must be 'small' or 'large', got 'huge'"):
            hypothesis.find(testing.scenarios("huge"), bool)  # type: ignore[arg-type]

    @given(testing.scenarios("large"))
    @quick
    def test_large_ones_are_valid(self, scenario: Scenario) -> None:
        assert 12 <= scenario.n_months <= 60
        assert len(scenario.events) <= 6


class TestFreezing:
    def test_frozen_keys_are_set_and_kept_ones_not(self) -> None:
        frozen = freeze_surroundings(busy(), keep=("subsidy.offered",), care__copayment_rwf=0)
        p = frozen.regimes()[-1][1]
        assert not p.switches.peers
        assert not p.loans.offered
        assert p.subsidy.offered
        assert p.care.copayment_rwf == 0

    def test_persons_may_go_on_deciding_alone(self) -> None:
        person = freeze_surroundings(busy(scheme__enrolment_unit="person"))
        group = freeze_surroundings(busy(scheme__enrolment_unit="group"))
        assert person.regimes()[0][1].scheme.enrolment_unit == "person"
        assert group.regimes()[0][1].scheme.enrolment_unit == "household"

    def test_an_unknown_key_to_keep(self) -> None:
        with pytest.raises(ValueError, match=r"'care.copayment_rwf' is not among the keys that are frozen"):
            freeze_surroundings(busy(), keep=("care.copayment_rwf",))

    def test_events_are_mapped_too(self) -> None:
        doubled = scale_values(busy(), lambda key, value: value * 2 if key == "care.copayment_rwf" else value)
        assert [p.care.copayment_rwf for _, p in doubled.regimes()] == [400, 1000]


# with the smallest value from which the planted property fails
PLANTED = {
    "scheme.household_premium_rwf": 2_601,
    "scheme.premium_rwf.middle": 1_101,
    "scheme.waiting_months": 3,
    "scheme.grace_months": 4,
    "mandate.penalty_rwf": 5_501,
    "loans.exclusion_months": 30,
}


def planted(case: Case) -> Outcome:
    """Holds where no value is far above its default."""
    for _, p in case.scenario.regimes():
        values = flat_values(p)
        for key, least in PLANTED.items():
            if values[key] >= least:
                raise Broken(f"{key} is too large")
    return Outcome()


class TestReports:
    def test_three_lines(self, tmp_path: Path) -> None:
        file = tmp_path / "my_scheme.toml"
        file.write_text(
            'name = "mine"\nfrom = 2005-01-01\nto = 2006-06-01\nscheme.calendar = "fixed"\n', encoding="utf-8"
        )
        report = check_properties(str(file), examples=3, kinds=("always", "equal draws"))
        assert report.ok, str(report)
        report.raise_failures()
        text = str(report)
        assert "properties of 'mine'" in text
        for name in ON_EVERY_RUN:
            assert f"\n{name} " in text
        assert all(row.examples == 3 for row in report.rows)

    def test_a_failure_is_made_small_and_can_be_replayed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        broken = Property("planted", "Values are near their defaults.", "always", "", planted)
        monkeypatch.setitem(PROPERTIES, "planted", broken)
        seen: list[tuple[int, int]] = []
        report = check_properties(
            busy(),
            examples=400,
            names=["planted", "people"],
            progress=lambda *n: seen.append(n),
            households=20,
        )
        assert seen[-1] == (400, 400)
        assert not report.ok
        assert [row.verdict for row in report.rows] == ["ok", "FAILED"]
        with pytest.raises(PropertyFailed, match=r"property 'planted' does not hold: .* is too large"):
            report.raise_failures()
        case = report.failures[0].case
        assert case is not None
        # nothing is left of the example but what makes it fail
        assert (case.households, case.seed, case.population) == (1, 0, None)
        values = {k: v for k, v in case.scenario.values.items() if v != busy().values.get(k)}
        later = [dict(event.changes) for event in case.scenario.events if event not in busy().events]
        ((key, value),) = [*values.items(), *(item for changes in later for item in changes.items())]
        assert value == PLANTED[key]

    def test_an_example_as_a_file_is_the_same_scenario(self, tmp_path: Path) -> None:
        # properties are about one set of values, so an example leaves parameter sets out
        rwanda = cbhi.scenario("rwanda").at_point()
        for scenario in (busy(), rwanda, eventful_cases()["partners"][0]):
            file = tmp_path / "case.toml"
            file.write_text(Case(scenario).to_toml(), encoding="utf-8")
            assert cbhi.scenario(file).fingerprint() == scenario.fingerprint()

    def test_a_clock_finds_the_slowest(self) -> None:
        ticks = iter(range(10_000))
        report = check_properties(
            busy(), examples=2, names=["people"], clock=lambda: float(next(ticks)), households=10
        )
        assert report.rows[0].seconds == 2.0
        assert report.rows[0].slowest == 1.0
        assert "slowest, s" in str(report)
        assert "household-months" in str(check_properties(busy(), examples=1, names=["people"], households=5))

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"names": ["accountign"]}, "unknown property 'accountign'; did you mean 'accounting'"),
            ({"kinds": ["never"]}, "unknown kind 'never'"),
            ({"examples": 0}, "examples = 0 is outside 1"),
            ({"households": 20_000}, "households = 20000 is outside 1 to 10000"),
            ({"in_expectation": 5}, "in_expectation = 5 is outside 100"),
            ({"seed": -1}, "seed = -1 is outside"),
        ],
    )
    def test_bad_input(self, given: Any, told: str) -> None:
        with pytest.raises(ValueError, match=told):
            check_properties(busy(), **given)

    def test_a_scenario_that_is_none(self) -> None:
        with pytest.raises(ScenarioError, match="no such scenario"):
            check_properties("rwnda")
        with pytest.raises(ValueError, match="households = 0 is outside"):
            PROPERTIES["people"].check(busy(), households=0)


def test_without_hypothesis_the_extra_is_named() -> None:
    code = "import sys; sys.modules['hypothesis'] = None\nimport cbhi.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ImportError: cbhi.testing needs Hypothesis" in done.stderr
    assert "pip install 'cbhi[testing]'" in done.stderr


def test_what_is_read_off_one_run_needs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(busy(), 20, 3)
    assert case.results.n_replicates == 2
    assert len(case.months) == case.scenario.n_months + 1
    monkeypatch.setattr(case_module, "simulate", None)
    for one in always.OF_ONE_RUN:
        one.check_case(case)


def test_the_page_says_what_every_property_says() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
    text = page.read_text(encoding="utf-8")
    for one in PROPERTIES.values():
        told = f"| {one.name} | {one.kind} | {one.statement}"
        assert told in text, "run: python benchmarks/properties.py --json FILE --page docs/testing.md"
