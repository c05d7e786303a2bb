"""Watched households: whatever they pay and do is noted, once, and interviews tell it."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np
import pytest
from support import NOW, fixed, flows, household, rule, section, tallies

import cbhi
from cbhi.kernels import codes, notes
from cbhi.kernels.enrolment import NO_MEANS
from cbhi.kernels.income import adult_equivalents
from cbhi.kernels.loans import loan_cost
from cbhi.kernels.records import Output, State
from cbhi.layouts import lay_out
from cbhi.months import parse_month
from cbhi.packing import pack_rules
from cbhi.replicates import begin_replicate, make_watch, run_between
from cbhi.scenarios import Scenario

PARTNERS = {
    "loans.offered": True,
    "groups.savings": True,
    "scheme.calendar": "fixed",
    "subsidy.offered": True,
    "mandate.compulsory": True,
}
SEED = 5


class Watched(NamedTuple):
    state: State
    output: Output
    cash: Any  # at the start


@functools.cache
def rich(unit: str = "household") -> Scenario:
    return plain().replace({**PARTNERS, "scheme.enrolment_unit": unit}, name=unit)


@functools.cache
def plain() -> Scenario:
    return Scenario(
        name="watched",
        start=parse_month("2004-01"),
        end=parse_month("2007-12"),
        values={
            "switches.rollout": False,
            "population.sections": 4,
            "population.districts": 2,
            "rollout.pilot_sections": 0,
            "rollout.pilot_districts": 0,
        },
    )


@functools.cache
def run(unit: str = "household", share: float = 1.0, households: int = 120) -> Watched:
    """Every household watched, from the start or its founding on, and every choice written down."""
    scenario = rich(unit)
    layout = lay_out(scenario, households)
    watch = make_watch(int(layout.limit.sum()) if share else 0, scenario.n_months, choices=100_000)
    engine = begin_replicate(scenario, layout, SEED, 0, share, watch)
    cash = engine.state.households["cash"].copy()
    run_between(engine, 0, scenario.n_months)
    return Watched(engine.state, engine.output, cash)


# what households do or undergo; everything else is booked by sections and districts
OF_HOUSEHOLDS = [
    kind for kind, (_, payer, payee, _) in enumerate(codes.FLOWS) if codes.HOUSEHOLDS in (payer, payee)
]


class TestNotes:
    def test_rows_of_interviews_have_no_gaps(self) -> None:
        kind = make_watch(0, 0).interviews.dtype
        assert kind.itemsize == sum(kind[name].itemsize for name in kind.names)

    def test_before_and_after(self) -> None:
        watch = make_watch(2, 12)
        hh, _ = household(watched=2)
        f, t = flows(), tallies()
        f[codes.FEE_HOSPITAL], t[codes.BIRTHS] = 70, 3
        notes.note_before(watch, f, t)
        f[codes.FEE_HOSPITAL] += 11
        t[codes.BIRTHS] += 1
        notes.note_after(watch, hh, f, t)
        assert watch.flows[1, codes.FEE_HOSPITAL] == watch.flows.sum() == 11
        assert watch.tallies[1, codes.BIRTHS] == watch.tallies.sum() == 1

    def test_the_lot_takes_its_share_and_stops_when_full(self) -> None:
        watch = make_watch(5_000, 12)
        hh, _ = household()
        for ordinal in range(10_000):
            hh.ordinal, hh.watched = ordinal, 0
            notes.start_watching(watch, hh, section(), NOW, fixed(watched_share=0.3))
        assert abs(watch.used[notes.N_WATCHED] - 3_000) < 4 * np.sqrt(10_000 * 0.21)
        small = make_watch(2, 12)
        for ordinal in range(100):
            hh.ordinal, hh.watched = ordinal, 0
            notes.start_watching(small, hh, section(), NOW, fixed(watched_share=1.0))
            assert hh.watched == (ordinal + 1 if ordinal < 2 else 0)
        notes.start_watching(make_watch(5, 12), hh, section(), NOW, fixed(watched_share=0.0))
        assert hh.watched == 0

    def test_an_interview_by_hand_and_the_next_one(self) -> None:
        watch = make_watch(1, 36)
        watch.asked[0] = NOW + 5
        hh, mm = household(
            (40, 35, 10), watched=1, income=10_000, rate_enrolled=2.0, rate_other=3.0, quintile=4
        )
        f = {codes.CONTRIBUTION: 900, codes.GROUP_CONTRIBUTION: 100, codes.COPAYMENT_HEALTH_CENTRE: 40}
        f |= {codes.FEE_HEALTH_CENTRE: 60, codes.FEE_HOSPITAL: 7, codes.SUBSIDY_DONOR: 500, codes.LOAN: 800}
        t = {codes.BILLED_HEALTH_CENTRE: 400, codes.BILLED_HOSPITAL: 7, codes.VISITS_INSURED: 2}
        t |= {codes.VISITS_UNINSURED: 1, codes.FORGONE_CASH: 1, codes.FORGONE_UNSOUGHT: 4, codes.INSURED: 9}
        for year in (1, 2):
            for kind, value in f.items():
                watch.flows[0, kind] += value * year
            for kind, value in t.items():
                watch.tallies[0, kind] += value * year
            notes.interview(watch, hh, mm, section(number=9), True, NOW + 12 * year, rule(need_rate=3.0))
        first, second = watch.interviews[0], watch.interviews[1]
        assert (first.month, first.section, first.months) == (NOW + 12, 9, 7)
        assert (second.month, second.months) == (NOW + 24, 12)
        assert first.contribution_rwf == 1_000
        assert first.out_of_pocket_rwf == 107
        assert first.claims_rwf == 407 - 107
        assert (first.visits, first.forgone, first.insured_person_months) == (3, 5, 9)
        assert (first.sponsored_rwf, first.loans_rwf, first.is_member, first.persons) == (500, 800, 1, 3)
        assert first.consumption_rwf == 120_000
        assert first.adult_equivalents == pytest.approx(adult_equivalents(2, 1))
        assert (first.expected_episodes, first.public_expected_episodes) == (5.0, 9.0)
        for name in ("contribution_rwf", "out_of_pocket_rwf", "claims_rwf", "visits", "forgone"):
            assert second[name] == 2 * first[name]


@pytest.mark.parametrize("unit", ["household", "person", "group"])
class TestWholeRun:
    def test_what_all_households_did_is_what_the_country_booked(self, unit: str) -> None:
        state, output, _ = run(unit)
        noted, booked = state.watch.flows.sum(axis=0), output.flows.sum(axis=(0, 1))
        np.testing.assert_array_equal(noted[OF_HOUSEHOLDS], booked[OF_HOUSEHOLDS])
        assert (booked[[codes.CONTRIBUTION, codes.LOAN, codes.FEE_HEALTH_CENTRE]] > 0).all()
        events = [
            "insured", "enrolments", "persons_enrolled", "episodes", "contacts_wanted", "visits_insured",
            "visits_uninsured", "visits_formal", "admissions", "forgone_unsought", "forgone_capacity",
            "forgone_refused", "forgone_cash", "births", "deaths", "penalties", "gate_refusals", "loans",
            "loans_refused", "loan_defaults", "loan_written_off", "decisions", "person_months",
            "formal_months", "household_months_insured",
        ]  # fmt: skip
        for name in events:
            kind = codes.TALLIES.index(name)
            assert state.watch.tallies[:, kind].sum() == output.tallies[..., kind].sum(), name

    def test_every_households_cash_is_what_came_less_what_went(self, unit: str) -> None:
        state, _, opening = run(unit)
        hh, watch = state.households, state.watch
        rows = np.flatnonzero(hh["watched"])
        assert rows.size > 125
        place = hh["watched"][rows] - 1
        sign = np.array([(payee == 0) * 1 - (payer == 0) * 1 for _, payer, payee, _ in codes.FLOWS])
        expected = opening[rows] + watch.flows[place] @ sign + watch.moved[place]
        np.testing.assert_array_equal(hh["cash"][rows], expected)
        assert watch.moved.sum() == 0
        assert np.abs(watch.moved).sum() > 0

    def test_choices_are_those_that_were_made(self, unit: str) -> None:
        state, output, _ = run(unit)
        made = state.watch.choices[: state.watch.used[notes.N_CHOICES]]
        assert 100 < made.size < 100_000
        weighed = (made["unasked"] == 0) & (made["again"] == 0) & (made["gate"] != 4)
        assert weighed.sum() <= output.tallies[..., codes.DECISIONS].sum()
        joined = (made["means"] != NO_MEANS) & (made["draw"] < made["probability_with_loan"])
        for month in np.unique(made["month"]):
            enrolled = output.tallies[month - rich(unit).start, :, codes.ENROLMENTS].sum()
            here = made["month"] == month
            certain = here & joined & (made["means"] != codes.BY_LOAN)
            families = np.unique(made["watched"][here & joined]).size
            assert np.unique(made["watched"][certain]).size <= enrolled <= families
        utility = sum(
            made[name]
            for name in (
                "intercept", "from_gain", "from_income", "from_peers", "from_trust", "from_quality",
                "from_habit", "from_mobilisation", "taste",
            )
        )  # fmt: skip
        np.testing.assert_allclose(made["utility"], utility, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(made["probability"], 1 / (1 + np.exp(-made["utility"])), rtol=1e-12)
        gain = (
            made["cover_share"]
            * (
                made["honoured_share"] * (made["saving_rwf"] + made["risk_premium_rwf"] + made["access_rwf"])
                + made["sanction_rwf"]
            )
            - (made["premium_rwf"] - made["sponsored_rwf"])
            - made["hassle_rwf"]
        )
        np.testing.assert_allclose(made["gain_rwf"], gain, rtol=1e-9, atol=1e-6)

    def test_a_loan_costs_what_the_decision_reckons(self, unit: str) -> None:
        state, _, _ = run(unit)
        made = state.watch.choices[: state.watch.used[notes.N_CHOICES]]
        terms = pack_rules(rich(unit))[0]
        before: dict[tuple[int, int], int] = {}
        asked = 0
        for note in made:
            # members of one household decide one after the other; each adds to the bill of those before
            visit = int(note.month), int(note.watched)
            part = int(note.premium_rwf - note.sponsored_rwf)
            owed = before.get(visit, 0) + part
            if note.means == codes.BY_LOAN:
                cost = loan_cost(min(part, owed - int(note.spare_cash_rwf)), terms)
                # the cost of a few francs rounds to nothing, never to less
                assert note.loan_cost_rwf == cost >= 0
                asked += 1 if cost > 0 else 0
            if note.means != NO_MEANS and note.draw < note.probability_with_loan:
                before[visit] = owed
        assert asked > 10

    def test_interviews_and_what_is_not_told_yet_make_the_whole(self, unit: str) -> None:
        watch = run(unit).state.watch
        told = watch.interviews[: watch.used[notes.N_INTERVIEWS]]
        assert told.size > 400
        left = watch.flows - watch.flows_before
        for name, kinds in (
            ("contribution_rwf", (codes.CONTRIBUTION, codes.GROUP_CONTRIBUTION)),
            ("loans_rwf", (codes.LOAN,)),
            (
                "out_of_pocket_rwf",
                (
                    codes.COPAYMENT_HEALTH_CENTRE,
                    codes.COPAYMENT_HOSPITAL,
                    codes.FEE_HEALTH_CENTRE,
                    codes.FEE_HOSPITAL,
                ),
            ),
        ):
            whole = watch.flows[:, list(kinds)].sum()
            assert told[name].sum() + left[:, list(kinds)].sum() == whole > 0
        not_told = watch.tallies - watch.tallies_before
        visits = [codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL]
        assert told["visits"].sum() + not_told[:, visits].sum() == watch.tallies[:, visits].sum() > 0

    def test_watching_changes_nothing(self, unit: str) -> None:
        for watched, alone in zip(run(unit).output, run(unit, 0.0).output, strict=True):
            np.testing.assert_array_equal(watched, alone)
        assert run(unit, 0.0).state.watch.used.sum() == 0


class TestSurvey:
    def test_a_survey_of_everybody_agrees_with_the_accounts(self) -> None:
        scenario = dataclasses.replace(rich(), name="all")
        results = cbhi.simulate(scenario, households=200, replicates=2, seed=SEED, survey=200)
        frame = results.survey_frame()
        assert frame["weight"].unique() == pytest.approx([results.weight])
        full = frame[(frame["period"] == "2006") & (frame["months"] == 12)]
        people = (full["persons"] * full["weight"]).groupby(full["replicate"]).sum()
        everybody = results.values("persons")[:, [label for label, _, _ in results.periods].index("2006"), 0]
        np.testing.assert_allclose(people, everybody, rtol=0.08)
        # a year of twelve-month recall reaches from the middle of one year to that of the next

    def test_the_survey_changes_no_other_number(self) -> None:
        with_survey = cbhi.simulate(rich(), households=200, seed=SEED, survey=50).arrays
        without = cbhi.simulate(rich(), households=200, seed=SEED, survey=0).arrays
        for name in with_survey._fields:
            if name != "interviews":
                np.testing.assert_array_equal(getattr(with_survey, name), getattr(without, name))
        assert without.interviews.size == 0
        told = with_survey.interviews[with_survey.interviews["month"] > 0]
        families = np.unique(told[["section", "household"]])
        assert 30 < families.size < 100
        assert (told["months"] <= 12).all()
        assert (told["claims_rwf"] >= 0).all()

    def test_workers_and_compiler_do_not_matter(self) -> None:
        one = cbhi.simulate(rich(), households=100, replicates=3, seed=2, survey=30, workers=1)
        two = cbhi.simulate(rich(), households=100, replicates=3, seed=2, survey=30, workers=2)
        np.testing.assert_array_equal(one.arrays.interviews, two.arrays.interviews)
        assert one.survey_frame()["replicate"].unique().tolist() == [0, 1, 2]
