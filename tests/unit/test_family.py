"""One family followed: its account adds up, its decisions explain themselves, nothing else changes."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cbhi
from cbhi.checks import CheckError
from cbhi.family import Family, check_family
from cbhi.family.choices import ENROLLED, OUTCOMES, UTILITY_TERMS, errors_in_terms, outcome_of, wishes_of
from cbhi.family.files import FILES
from cbhi.family.run import MOVED, PAID, RECEIVED, follow, prepare
from cbhi.family.search import EVENTS, TRAITS
from cbhi.kernels import codes
from cbhi.kernels.enrolment import GATE_ALONE, GATE_BOUND, GATE_FREE, NO_MEANS
from cbhi.layouts import lay_out
from cbhi.months import parse_month
from cbhi.scenarios import Scenario

SEED = 5


@functools.cache
def scenario(unit: str = "household", joint: bool = False) -> Scenario:
    """Two sections with everything that can happen to a family."""
    return Scenario(
        name="followed",
        start=parse_month("2004-01"),
        end=parse_month("2007-12"),
        values={
            "switches.rollout": False,
            "population.sections": 4,
            "population.districts": 2,
            "rollout.pilot_sections": 0,
            "rollout.pilot_districts": 0,
            "loans.offered": True,
            "loans.liability": "joint" if joint else "individual",
            "loans.default_share": 0.3 if joint else 0.05,
            "groups.savings": True,
            "subsidy.offered": True,
            "subsidy.slots_share": 0.3,
            "mandate.compulsory": True,
            "scheme.enrolment_unit": unit,
            "scheme.calendar": "fixed",
        },
    )


@functools.cache
def family(find: str = "borrows", unit: str = "household", households: int = 150) -> Family:
    return cbhi.household(scenario(unit), households=households, seed=SEED, find=find)


def tampered(table: str, column: str, by: Any, row: int = 3) -> Family:
    mine = family()
    frame = getattr(mine, table).copy()
    place = frame.columns.get_loc(column)
    frame.iloc[row, place] = by(frame.iloc[row, place])
    return dataclasses.replace(mine, **{table: frame})


class TestAccount:
    @pytest.mark.parametrize("find", ["borrows", "lapses", "subsidised", "group-pays", "fined"])
    def test_cash_is_what_came_less_what_went_every_month(self, find: str) -> None:
        months = family(find).months
        came = months[list(RECEIVED)].sum(axis=1) + months["moved_by_marriage"]
        went = months[[*PAID, "paid_for_group_members"]].sum(axis=1)
        change = months["cash_end"] - months["cash_start"]
        assert (change == came - went + months["paid_by_group_members"]).all()
        assert (months["cash_start"].iloc[1:].to_numpy() == months["cash_end"].iloc[:-1].to_numpy()).all()
        paid = family(find).payments.groupby("month")["cash_rwf"].sum()
        assert (paid.reindex(months["month"], fill_value=0).to_numpy() == change).all()
        assert len(months) == 48
        assert months["month"].tolist()[::47] == ["2004-01", "2007-12"]

    def test_every_flow_of_households_has_one_column(self) -> None:
        for columns, side in ((RECEIVED, codes.FLOW_PAYEE), (PAID, codes.FLOW_PAYER)):
            kinds = [kind for some in columns.values() for kind in some]
            assert sorted(kinds) == [k for k in range(codes.N_FLOWS) if side[k] == codes.HOUSEHOLDS]
        assert not set(RECEIVED) & set(PAID)

    def test_a_loan_comes_in_and_goes_out_again(self) -> None:
        months = family("borrows").months
        bought = months[months["loan"] > 0].iloc[0]
        assert bought["premium"] >= bought["loan"]
        assert bought["paid_by"].startswith("loan")
        assert bought["loan_owed"] > bought["loan"]  # with its interest
        repaid = months[["loan_repaid", "loan_interest"]].sum().sum()
        if months["loan_defaults"].sum() == 0 and months["loan_owed"].iloc[-1] == 0:
            assert repaid > months["loan"].sum()

    def test_others_pay_for_a_family_with_a_slot(self) -> None:
        months = family("subsidised").months
        assert months["premium_sponsored"].sum() > 0
        sponsored = months[months["premium_sponsored"] > 0]
        assert sponsored["has_slot"].all()
        assert sponsored["paid_by"].str.contains("subsidy").all()
        payments = family("subsidised").payments
        by_others = payments[payments["flow"].str.startswith("subsidy_")]
        assert by_others["value_rwf"].sum() == months["premium_sponsored"].sum()
        assert (by_others["cash_rwf"] == 0).all()

    @pytest.mark.parametrize("find", ["lapses", "dissolves"])
    def test_people_are_all_accounted_for(self, find: str) -> None:
        mine = family(find, households=300)
        months, members = mine.months, mine.members
        left = (members["left"] != "").sum()
        assert left == months["deaths"].sum() + months["married_away"].sum()
        assert members["came"].str.startswith("born").sum() == months["births"].sum()
        assert len(members) - left == months["persons"].iloc[-1]
        assert mine.who["persons"] == (members["came"] == "at the start").sum()

    def test_a_family_that_ends_stops_and_says_why(self) -> None:
        mine = family("dissolves", households=300)
        last = mine.months.iloc[-1]
        assert last["persons"] == last["cash_end"] == 0
        assert mine.ended.startswith(f"dissolved in {last['month']}: its last member ")
        assert mine.story().splitlines()[-1] == mine.ended
        assert mine.summary().notes[-1] == f"The family {mine.ended}."

    def test_cover_is_active_in_the_months_bought(self) -> None:
        months = family("lapses").months
        covered = months[months["cover"] == "active"]
        assert len(covered) > 6
        assert (covered["insured"] > 0).all()
        lapse = months.index[months["lapsed"] != ""][0]
        assert months["cover"].iloc[lapse - 1] == "active"
        assert months["insured"].iloc[lapse] == 0

    def test_joint_liability_is_told_and_adds_up(self) -> None:
        joint = scenario(joint=True)
        layout = lay_out(joint, 150)
        paid_for = paid_by = False
        for row in range(60):
            engine = prepare(joint, layout, SEED, 0, rows=1, choices=48)
            months = pd.DataFrame(follow(engine, row, lambda _: None).months)
            came = months[[*RECEIVED, MOVED[0], MOVED[2]]].sum().sum()
            went = months[[*PAID, MOVED[1]]].sum().sum()
            assert months["cash_start"].iloc[0] + came - went == months["cash_end"].iloc[-1]
            helped = months[months[MOVED[2]] != 0]
            assert (helped["loan_defaults"] > 0).all()
            assert (helped[MOVED[2]] > 0).all()
            # of what the lender gets in that month, the family itself pays the rest
            assert (helped[MOVED[2]] <= helped["loan_repaid"] + helped["loan_interest"]).all()
            paid_for |= bool((months[MOVED[1]] > 0).any())
            paid_by |= len(helped) > 0
            if paid_for and paid_by:
                break
        assert paid_for
        assert paid_by


class TestSameRun:
    @pytest.mark.parametrize("unit", ["household", "person"])
    def test_following_changes_nothing(self, unit: str) -> None:
        results = cbhi.simulate(scenario(unit), households=150, seed=SEED, survey=0)
        engine = prepare(scenario(unit), lay_out(scenario(unit), 150), SEED, 0, rows=1, choices=1_000)
        done: list[int] = []
        written = follow(engine, 7, done.append).output
        for name in ("flows", "stocks", "tallies", "gauges", "strata"):
            np.testing.assert_array_equal(getattr(results.arrays, name)[0], getattr(written, name), name)
        assert done == list(range(1, 49))

    def test_all_families_together_are_the_country(self) -> None:
        small = scenario().replace({}, end="2004-12")
        layout = lay_out(small, 20)
        written = prepare(small, layout, SEED, 0, rows=1, choices=0).output
        spent, visits = 0, 0
        for row in range(20):
            followed = follow(prepare(small, layout, SEED, 0, rows=1, choices=12), row, lambda _: None)
            spent += sum(month["copayments"] + month["fees"] + month["premium"] for month in followed.months)
            visits += sum(month["visits"] for month in followed.months)
            written = followed.output
        # but for families founded on the way, which have no time to spend much
        kinds = [k for name in ("copayments", "fees", "premium") for k in PAID[name]]
        assert 0 <= written.flows[..., kinds].sum() - spent <= 0.05 * spent
        counted = written.tallies[..., [codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL]]
        assert 0 <= counted.sum() - visits <= 0.05 * visits

    def test_the_survey_tells_the_same_of_the_same_family(self) -> None:
        mine = family("subsidised")
        told = cbhi.simulate(scenario(), households=150, seed=SEED, survey=150).survey_frame()
        told = told[(told["section"] == mine.who["section"]) & (told["household"] == mine.who["number"])]
        assert len(told) == 4
        month = list(mine.months["month"]).index(told["month"].iloc[-1])
        # an interview is held before the month's demography and after everything else
        year = mine.months.iloc[month - 11 : month + 1]
        assert year["episodes"].sum() == told["episodes"].iloc[-1]
        assert year["premium_sponsored"].sum() == told["sponsored_rwf"].iloc[-1]
        assert year[["copayments", "fees"]].sum().sum() == told["out_of_pocket_rwf"].iloc[-1]

    def test_a_family_founded_on_the_way(self) -> None:
        mine = cbhi.household(scenario(), households=300, seed=SEED, section=3, number=codes.FIRST_FOUNDED)
        assert mine.who["persons"] == 2
        assert mine.who["since"].startswith("founded by a marriage in 200")
        founded = mine.who["since"][-7:]
        assert mine.months["month"].iloc[0] > founded
        assert len(mine.months) + parse_month(founded) == parse_month("2007-12")
        assert set(mine.members["came"].iloc[:2]) == {"founded it"}
        short = scenario().replace({}, end="2004-12")
        last = codes.FIRST_FOUNDED + int((lay_out(short, 300).limit - 300)[0]) - 1
        with pytest.raises(ValueError, match=r"has no family \d+ before the end .*are numbered 16777216 to"):
            cbhi.household(short, households=300, seed=SEED, section=3, number=last)


class TestDecisions:
    def test_terms_add_up_and_outcomes_are_those_of_the_account(self) -> None:
        for find in ("borrows", "lapses", "subsidised", "cannot-pay"):
            mine = family(find)
            choices = mine.choices
            assert len(choices) > 2
            np.testing.assert_allclose(choices[list(UTILITY_TERMS)].sum(axis=1), choices["utility"])
            assert set(choices["outcome"]) <= set(OUTCOMES)
            bought = set(mine.months[mine.months["enrolments"] > 0]["month"])
            assert bought == set(choices[choices["outcome"].isin(ENROLLED)]["month"])
            weighed = choices[(choices["unasked"] == 0) & (choices["again"] == 0)]
            assert (weighed["wishes"] == (weighed["draw"] < weighed["probability"])).all()

    def test_what_is_paid_is_the_own_part(self) -> None:
        mine = family("lapses")
        bought = mine.choices[mine.choices["outcome"].isin(ENROLLED)].set_index("month")
        months = mine.months.set_index("month").loc[bought.index]
        paid = months["premium"] + months["premium_by_group"]
        assert (paid.to_numpy() == bought["own_part_rwf"].to_numpy()).all()
        assert (months["premium_sponsored"].to_numpy() == bought["sponsored_rwf"].to_numpy()).all()

    def test_members_decide_alone_where_they_enrol_alone(self) -> None:
        mine = family("joins", "person")
        assert mine.choices["who"].str.startswith("member ").all()
        months = mine.months.set_index("month")
        joined = mine.choices[mine.choices["outcome"].isin(ENROLLED)].groupby("month")
        paid = months["premium"] + months["premium_by_group"]
        for month, total in joined["own_part_rwf"].sum().items():
            assert paid[month] == total
        assert "member 0 weighs cover" in mine.story()
        assert mine.decisions()[0].heads[0][:3] == ("month", "who", "outcome")

    def test_a_vote_binds(self) -> None:
        mine = family("joins", "group")
        bound = mine.choices[mine.choices["outcome"] == "bound by vote"]
        assert bound["wishes"].all()
        assert len(bound) + mine.months["kept_waiting"].sum() > 0

    @pytest.mark.parametrize(
        ("changed", "enrolled", "refused", "renews", "outcome"),
        [
            ({}, True, False, False, "joined"),
            ({}, True, False, True, "renewed"),
            ({"draw": 0.8}, False, False, True, "did not wish"),
            ({"draw": 0.8, "again": 1}, True, False, False, "joined"),
            ({"draw": 0.8, "unasked": 1}, True, False, False, "registered"),
            ({"draw": 0.8, "gate": GATE_BOUND}, True, False, False, "bound by vote"),
            ({"gate": GATE_ALONE}, False, False, False, "kept waiting"),
            ({"gate": GATE_ALONE, "draw": 0.8}, False, False, False, "did not wish"),
            ({"means": NO_MEANS}, False, False, False, "could not pay"),
            ({"means": codes.BY_LOAN}, False, True, False, "lender refused"),
            ({"means": codes.BY_LOAN, "draw": 0.6}, False, False, False, "loan too dear"),
            # a member who decides alone, in a family of which others enrol
            ({"means": NO_MEANS}, True, False, False, "could not pay"),
            ({"means": NO_MEANS}, True, True, False, "lender refused"),
        ],
    )
    def test_outcomes_by_hand(
        self, changed: dict[str, Any], enrolled: bool, refused: bool, renews: bool, outcome: str
    ) -> None:
        terms = dict(unasked=0, gate=GATE_FREE, again=0, draw=0.3, probability=0.7, means=codes.BY_CASH)
        terms |= dict(probability_with_loan=0.5) | changed
        assert outcome_of(terms, enrolled, refused, renews) == outcome
        assert wishes_of(terms) == (outcome != "did not wish")

    def test_errors_in_terms_by_hand(self) -> None:
        terms: dict[str, Any] = dict.fromkeys(UTILITY_TERMS, 0.0) | dict(
            cover_share=0.5, honoured_share=0.8, saving_rwf=1_000.0, risk_premium_rwf=200.0,
            access_rwf=300.0, sanction_rwf=400.0, premium_rwf=900, sponsored_rwf=100, own_part_rwf=800,
            hassle_rwf=50.0, gain_rwf=0.5 * (0.8 * 1_500 + 400) - 800 - 50, intercept=-1.0, from_gain=1.0,
            utility=0.0, probability=0.5, draw=0.4, gate=GATE_FREE, unasked=0, again=0, wishes=True,
            outcome="joined",
        )  # fmt: skip
        assert terms["gain_rwf"] == -50.0
        assert errors_in_terms(terms) == []
        wrong = {
            "gain_rwf": 50.0, "utility": 0.05, "probability": 0.525, "own_part_rwf": 900, "wishes": False,
            "outcome": "did not wish",
        }  # fmt: skip
        for name, value in wrong.items():
            assert errors_in_terms(terms | {name: value}), name
        assert errors_in_terms(terms | {"sanction_rwf": 420.0})[0].startswith(
            "the terms of gain_rwf make -40"
        )


class TestCheck:
    @pytest.mark.parametrize(
        ("table", "column", "by"),
        [
            ("months", "cash_end", lambda value: value + 1),
            ("months", "earned", lambda value: value - 1),
            ("months", "moved_by_marriage", lambda value: value + 7),
            ("months", "paid_by_group_members", lambda value: value + 7),
            ("months", "persons", lambda value: value + 1),
            ("months", "forgone_cash", lambda value: value + 1),
            ("months", "episodes", lambda value: value + 1),
            ("months", "care_by_others", lambda value: value + 1),
            ("months", "enrolments", lambda value: 1 - value),
            ("payments", "cash_rwf", lambda value: -value + 1),
            ("payments", "value_rwf", lambda value: value + 1),
            ("choices", "from_peers", lambda value: value + 0.05),
            ("choices", "saving_rwf", lambda value: 1.05 * value + 1),
            ("choices", "outcome", lambda value: "joined" if value not in ENROLLED else "did not wish"),
        ],
    )
    def test_what_is_changed_is_noticed(self, table: str, column: str, by: Any) -> None:
        with pytest.raises(CheckError, match="does not add up: 200"):
            check_family(tampered(table, column, by, row=1))

    def test_what_is_true_passes(self) -> None:
        check_family(family())


class TestSearch:
    def test_traits_are_those_of_the_family(self) -> None:
        pick = {"quintile": 2, "size": 4, "chronic": True, "in_group": True}
        mine = cbhi.household("rwanda-rules", households=400, seed=2, pick=pick)
        assert mine.who["quintile"] == 2
        assert mine.who["persons"] == 4
        assert mine.who["association"] is not None
        assert mine.members["chronic"].iloc[:4].any()
        assert "quintile 2, size 4, chronic True and in_group True" in mine.chosen
        poor = cbhi.household(
            "rwanda-rules", households=400, seed=2, pick={"category": "rich", "chronic": False}
        )
        assert poor.who["category"] == "rich"
        assert not poor.members["chronic"].any()
        assert poor.months["category"].iloc[0] == "rich"

    @pytest.mark.parametrize(
        ("find", "happens"),
        [
            ("borrows", lambda f: (f.months["loan"] > 0).any()),
            ("defaults", lambda f: (f.months["loan_defaults"] > 0).any()),
            ("lapses", lambda f: (f.months["lapsed"] != "").any()),
            ("renews", lambda f: "renewed" in set(f.choices["outcome"])),
            ("cannot-pay", lambda f: "could not pay" in set(f.choices["outcome"])),
            ("subsidised", lambda f: (f.months["premium_sponsored"] > 0).any()),
            ("group-pays", lambda f: (f.months["premium_by_group"] > 0).any()),
            ("fined", lambda f: (f.months["penalty"] > 0).any()),
            ("admitted", lambda f: (f.months["admissions"] > 0).any()),
            ("dissolves", lambda f: bool(f.ended)),
        ],
    )
    def test_what_was_looked_for_happens(self, find: str, happens: Any) -> None:
        assert happens(family(find, households=300 if find == "dissolves" else 150))

    def test_the_default_is_telling(self) -> None:
        mine = cbhi.household(scenario(), households=150, seed=SEED)
        assert not mine.ended
        assert (mine.months["lapsed"] != "").any()
        assert "lets cover end without renewing" in mine.chosen
        closed = scenario().replace({"switches.rollout": True, "rollout.schemes": {"2050-01": 1}})
        assert cbhi.household(closed, households=50, seed=SEED).who["number"] == 0

    def test_section_and_number_name_one_family(self) -> None:
        mine = cbhi.household(scenario(), households=150, seed=SEED, section=3, number=11)
        assert (mine.who["section"], mine.who["number"], mine.chosen) == (3, 11, "as asked for")

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            (dict(pick={"quintil": 1}), r"unknown trait 'quintil'; did you mean 'quintile'\?"),
            (dict(pick={"quintile": 0}), r"quintile = 0: must be 1 \(poorest\) to 5"),
            (dict(pick={"size": 13}), "size = 13: must be 1 to 12 members"),
            (dict(pick={"category": "poor"}), "category = 'poor': must be poorest, middle or rich"),
            (dict(pick={"chronic": 1}), "chronic = 1: must be true or false"),
            (dict(pick="quintile"), r"pick must map traits to values, such as \{'quintile': 1\}"),
            (dict(find="lapse"), r"unknown event 'lapse'; did you mean 'lapses'\?; there are: joins"),
            (dict(section=1), "section 1 is not simulated with 150 households; simulated: 3"),
            (dict(section=3, number=150), "section 3 has no family 150; .* numbered 0 to 149"),
            (dict(section=3, number=1.5), r"has no family 1.5"),
            (dict(number=3), "number = 3 needs a section"),
            (dict(section=3, number=1, find="joins"), "number = 1 names one family"),
            (dict(seed=-1), "seed = -1 is outside 0"),
            (dict(replicate="a"), "replicate must be a whole number"),
            (dict(households=0), "households = 0 is outside 1"),
            (dict(pick={"size": 12, "quintile": 1, "chronic": False}, find=("borrows", "stays-out")),
             "no family of the start fits: size 12, quintile 1, chronic False, takes a loan"),
        ],
    )  # fmt: skip
    def test_bad_requests(self, asked: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            cbhi.household(scenario(), **{"households": 150, "seed": SEED, **asked})

    def test_progress_covers_both_runs(self) -> None:
        told: list[tuple[int, int]] = []
        short = scenario().replace({}, end="2004-12")
        cbhi.household(short, households=50, find="joins", progress=lambda *months: told.append(months))
        assert told == [(done, 24) for done in range(1, 25)]

    def test_what_can_be_asked_for_is_said(self) -> None:
        assert set(TRAITS) == {"quintile", "category", "size", "chronic", "in_group"}
        assert {"borrows", "lapses", "subsidised", "refused"} <= set(EVENTS)


class TestWords:
    def test_the_story_fits_and_tells_the_account(self) -> None:
        mine = family("borrows")
        lines = mine.story(everything=True).splitlines()
        assert max(map(len, lines)) <= 100
        assert sum(line[:2] == "20" for line in lines) == 48
        text = " ".join(" ".join(lines).split())
        row = mine.months[mine.months["loan"] > 0].iloc[0]
        assert f"{row['month']} cash {row['cash_start']:,} -> {row['cash_end']:,}: earned" in text
        assert f"lent by the lender {row['loan']:,}" in text
        assert f"it pays {row['premium']:,} with the help of a loan" in text
        assert len(mine.story().splitlines()) < len(lines)

    def test_a_part_of_the_story(self) -> None:
        mine = family("borrows")
        some = mine.story("2005-03", "2005-06", everything=True).splitlines()
        assert [line[:7] for line in some if line[:2] == "20"] == ["2005-03", "2005-04", "2005-05", "2005-06"]
        worth, wish = mine.decisions("2005-01", "2005-12")
        inside = mine.choices["month"].between("2005-01", "2005-12").sum()
        assert len(worth.rows) == len(wish.rows) == inside < len(mine.choices)

    @pytest.mark.parametrize(
        ("first", "last", "said"),
        [
            ("2005", None, "'2005' is not a month but a year"),
            ("2003-12", None, "the first month, 2003-12, is outside 2004-01 to 2007-12"),
            (None, "2008-01", "the last month, 2008-01, is outside"),
            ("2006-01", "2005-01", "the first month, 2006-01, is after the last, 2005-01"),
        ],
    )
    def test_a_part_that_is_none(self, first: str | None, last: str | None, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            family().story(first, last)

    def test_the_summary_adds_up_the_years(self) -> None:
        mine = family("lapses")
        table = mine.summary()
        assert [row[0] for row in table.rows] == ["2004", "2005", "2006", "2007"]
        earned = table.heads[1].index("earned")
        year = mine.months[mine.months["month"].str[:4] == "2005"]
        assert int(table.rows[1][earned].replace(",", "")) == year["earned"].sum()
        assert f"{mine.who['number']} of section {mine.who['section']}" in str(table)
        assert max(map(len, str(table).splitlines())) <= 100
        assert "<details>" in mine._repr_html_()
        assert "section" in repr(mine)

    def test_a_family_without_months_can_be_told(self) -> None:
        mine = family("lapses")
        empty = {name: getattr(mine, name).iloc[:0] for name in ("months", "payments", "choices")}
        none = dataclasses.replace(mine, **empty)
        check_family(none)
        assert none.story() == "nothing but earning, living, repaying relatives and illness without care"
        assert none.summary().rows == ()
        assert "No decisions." in str(none.decisions()[0])
        assert json.loads(json.dumps(none.as_dict()))["months"] == []

    def test_decision_tables_show_the_figures(self) -> None:
        worth, wish = family("lapses").decisions()
        choice = family("lapses").choices.iloc[0]
        assert worth.rows[0][worth.heads[0].index("gain")] == f"{round(choice['gain_rwf']):,}"
        assert float(wish.rows[0][wish.heads[0].index("sum")]) == pytest.approx(choice["utility"], abs=0.006)
        assert max(map(len, [*str(worth).splitlines(), *str(wish).splitlines()])) <= 100


class TestFiles:
    def test_what_is_written_is_the_family(self, tmp_path: Path) -> None:
        mine = family("borrows")
        mine.save(tmp_path / "a/b")
        assert {path.name for path in (tmp_path / "a/b").iterdir()} == set(FILES)
        read = pd.read_csv(tmp_path / "a/b/months.csv", keep_default_na=False)
        pd.testing.assert_frame_equal(read, mine.months, check_dtype=False)
        content = json.loads((tmp_path / "a/b/family.json").read_text(encoding="utf-8"))
        assert content == mine.as_dict()
        assert content["fingerprint"] == mine.scenario.fingerprint()
        assert [row["utility"] for row in content["choices"]] == pytest.approx(mine.choices["utility"])
        assert mine.story() in (tmp_path / "a/b/account.txt").read_text(encoding="utf-8")

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(OSError, match="the family's account cannot be written to"):
            family("borrows").save(tmp_path / "file")
        assert (tmp_path / "file").read_text() == "mine"

    def test_the_picture(self) -> None:
        pyplot = pytest.importorskip("matplotlib.pyplot")
        mine = family("borrows")
        money, paid = mine.plot()
        try:
            cash = next(line for line in money.get_lines() if line.get_label().startswith("cash"))
            np.testing.assert_allclose(cash.get_ydata(), mine.months["cash_end"] / 1000)
            premiums = next(bars for bars in paid.containers if bars.get_label() == "premiums, own part")
            heights = [bar.get_height() for bar in premiums]
            np.testing.assert_allclose(heights, mine.months["premium"] / 1000)
            spans = sum(label == "has cover" for label in money.get_legend_handles_labels()[1])
            assert spans == 1
        finally:
            pyplot.close("all")
