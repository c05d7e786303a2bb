"""Scenarios: what is refused and how it is said, events, inheritance, identity."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

from cbhi.months import format_month, parse_month
from cbhi.scenarios import Event, Scenario, ScenarioError, scenario, scenario_names

HEAD = "from = 2004-01-01\nto = 2004-12-31\n"


def plain(**fields: object) -> Scenario:
    return Scenario(
        **{"name": "unit", "start": parse_month("2004-01"), "end": parse_month("2004-12"), **fields}
    )


def refused(call: object, *args: object, **kwargs: object) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        call(*args, **kwargs)
    return caught.value


class TestMonths:
    def test_round_trip(self) -> None:
        for text in ("1900-01", "2004-12", "2200-07"):
            assert format_month(parse_month(text)) == text
        assert parse_month("2005-01") - parse_month("2004-12") == 1

    @pytest.mark.parametrize(
        "text", ["2004-13", "2004-00", "2004", "04-12", "2004-1", "x", 2004, None, "1899-12", "2201-01"]
    )
    def test_what_is_not_a_month(self, text: object) -> None:
        with pytest.raises(ValueError, match=r"not a month|outside 1900 to 2200"):
            parse_month(text)


class TestRefusals:
    def test_unknown_key_with_the_nearest(self) -> None:
        error = refused(plain().replace, {"care.copaymnt_rwf": 3})
        assert error.problems == ("unknown key 'care.copaymnt_rwf'; did you mean 'care.copayment_rwf'?",)

    def test_a_group_is_not_a_parameter(self) -> None:
        assert "is a group of" in refused(plain().replace, {"scheme": 3}).problems[0]

    def test_all_problems_at_once(self) -> None:
        error = refused(
            plain().replace,
            {
                "care.copayment_rwf": -3,
                "care.coinsurance_share": 2.0,
                "scheme.calendar": "roling",
                "subsidy.offered": 1,
            },
        )
        assert len(error.problems) == 4
        assert str(error).startswith("scenario ")
        assert "4 problems" in str(error)
        unknown = refused(plain().replace, {"a.b": 1, "c": 2})
        assert len(unknown.problems) == 2

    def test_out_of_range_says_unit_and_percent(self) -> None:
        line = refused(plain().replace, {"care.coinsurance_share": 10}).problems[0]
        assert line == "care.coinsurance_share = 10 is outside 0 to 1 [share]; 10 % is written 0.1"
        line = refused(plain().replace, {"care.copayment_rwf": -1}).problems[0]
        assert "outside 0 to 1000000 [RWF per contact]" in line
        assert "%" not in line

    @pytest.mark.parametrize(
        ("key", "value", "said"),
        [
            ("care.copayment_rwf", 3.5, "whole number"),
            ("care.copayment_rwf", "3", "whole number"),
            ("subsidy.offered", 1, "true or false"),
            ("care.need_per_person_year", "x", "a number"),
            ("scheme.calendar", "fxed", "did you mean 'fixed'?"),
            ("fund.deficit_rule", 3, "must be one of 'carry', 'suspend', 'bail_out'"),
            ("population.persons", {}, "at least one entry"),
            ("population.persons", {"1999": 1.0}, "not a month"),
            ("population.persons", {"1999-07": -1.0}, "outside 1 to"),
            ("population.persons", {"1999-07": 0.0}, "outside 1 to"),
            ("population.persons", {"1999-07": float("nan")}, "outside 1 to"),
            ("income.gini", {"1999-07": 1.5}, "outside 0 to 0.95"),
            ("formal.share", {"1999-07": 0.6}, "outside 0 to 0.5"),
            ("care.cost_log_sd", float("nan"), "outside 0 to 3"),
            ("rollout.pilot_month", "1999-7", "rollout.pilot_month"),
        ],
    )
    def test_wrong_values(self, key: str, value: object, said: str) -> None:
        problems = refused(plain().replace, {key: value}).problems
        assert any(said in line for line in problems), problems
        assert all(key in line for line in problems)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"subsidy.state_share": 0.6, "subsidy.donor_share": 0.5}, "share 0 = 1.1 is above 1"),
            (
                {"subsidy.donor_share": 0.7, "subsidy.cross_subsidy_share": 0.4},
                "donor_share 0.7 + subsidy.cross_subsidy_share 0.4 = 1.1 is above 1",
            ),
            # donors bear all of it by default
            ({"subsidy.cross_subsidy_share": 0.1}, "cross_subsidy_share 0.1 = 1.1 is above 1"),
            ({"fund.pool_share": 0.7, "fund.national_share": 0.4}, "national_share 0.4 = 1.1 is above 1"),
            # a fifth goes to the pool by default
            ({"fund.national_share": 0.9}, "fund.pool_share 0.2 + fund.national_share 0.9 = 1.1 is above 1"),
            ({"subsidy.poorest_share": 0.6, "subsidy.rich_share": 0.5}, "rich_share 0.5 = 1.1 is above 1"),
            ({"scheme.open_months_before": 7, "scheme.open_months_after": 6}, "above 12"),
            ({"population.sections": 10}, "population.districts 30 is above population.sections 10"),
            ({"rollout.pilot_sections": 404}, "pilot_sections 404 is above"),
            ({"rollout.pilot_districts": 31}, "pilot_districts 31 is above"),
        ],
    )
    def test_keys_that_share_a_rule(self, changes: dict[str, object], said: str) -> None:
        assert any(said in line for line in refused(plain().replace, changes).problems)

    @pytest.mark.parametrize(
        "changes",
        [
            # these sums are one, whatever the last binary digit says
            {"subsidy.state_share": 0.33, "subsidy.donor_share": 0.56, "subsidy.cross_subsidy_share": 0.11},
            {"subsidy.state_share": 0.1, "subsidy.donor_share": 0.2, "subsidy.cross_subsidy_share": 0.7},
            {"subsidy.state_share": 0.6, "subsidy.donor_share": 0.3, "subsidy.cross_subsidy_share": 0.1},
            {"subsidy.state_share": 0.0, "subsidy.donor_share": 0.0, "subsidy.cross_subsidy_share": 1.0},
            {"fund.pool_share": 0.9, "fund.national_share": 0.1},
            {"fund.pool_share": 0.0, "fund.national_share": 1.0},
        ],
    )
    def test_shares_of_everything_are_allowed(self, changes: dict[str, object]) -> None:
        assert len(plain().replace(changes).regimes()) == 1

    def test_the_message_names_the_month_and_every_share(self) -> None:
        (problem,) = refused(plain().add_event, "2004-06", {"subsidy.cross_subsidy_share": 0.2}).problems
        assert problem == (
            "from 2004-06: subsidy.state_share 0 + subsidy.donor_share 1"
            " + subsidy.cross_subsidy_share 0.2 = 1.2 is above 1"
        )
        (problem,) = refused(plain().add_event, "2004-06", {"fund.national_share": 0.81}).problems
        assert problem == "from 2004-06: fund.pool_share 0.2 + fund.national_share 0.81 = 1.01 is above 1"

    @pytest.mark.parametrize("month", ["2004", "2004-13", "2004-1", "Never", ""])
    def test_donors_leave_in_a_month_or_never(self, month: str) -> None:
        assert any(
            "donors.exit_month" in line
            for line in refused(plain().replace, {"donors.exit_month": month}).problems
        )

    @pytest.mark.parametrize(
        "key", ["donors.taper_months", "donors.capacity_initial", "provider.faith_based_share"]
    )
    def test_the_start_of_partners_cannot_change_later(self, key: str) -> None:
        value: object = 3 if key.endswith("months") else 0.3
        assert "describes the start" in refused(plain().add_event, "2004-06", {key: value}).problems[0]

    def test_shared_rules_hold_after_events_too(self) -> None:
        late = refused(plain().add_event, "2004-06", {"subsidy.state_share": 0.6})
        assert "from 2004-06" in late.problems[0]

    def test_time(self) -> None:
        assert "before it starts" in refused(plain, end=parse_month("2003-12")).problems[0]
        assert "100 years" in refused(plain, end=parse_month("2104-01")).problems[0]
        assert "not a month" in refused(plain().replace, end="2004").problems[0]

    @pytest.mark.parametrize(
        "key",
        ["population.districts", "rollout.pilot_sections", "trust.initial", "income.gini", "switches.groups"],
    )
    def test_the_start_cannot_change_later(self, key: str) -> None:
        value = {"income.gini": {"2004-01": 0.4}, "switches.groups": False, "trust.initial": 0.2}.get(key, 3)
        said = "is a series by month already" if key == "income.gini" else "describes the start"
        assert said in refused(plain().add_event, "2004-06", {key: value}).problems[0]


class TestEvents:
    def test_are_ordered_by_month_and_stable(self) -> None:
        late = Event(parse_month("2004-09"), {"care.copayment_rwf": 9})
        early = Event(parse_month("2004-03"), {"care.copayment_rwf": 3})
        again = Event(parse_month("2004-03"), {"care.copayment_rwf": 4})
        s = plain(events=(late, early, again))
        assert s.events == (early, again, late)
        assert [(format_month(m), p.care.copayment_rwf) for m, p in s.regimes()] == [
            ("2004-01", 200), ("2004-03", 4), ("2004-09", 9)
        ]  # fmt: skip

    def test_before_the_run_they_hold_from_its_start(self) -> None:
        s = (
            plain()
            .add_event("2001-05", {"care.copayment_rwf": 50})
            .add_event("2001-02", {"care.copayment_rwf": 10})
        )
        assert [p.care.copayment_rwf for _, p in s.regimes()] == [50]

    def test_after_the_run_they_do_nothing(self) -> None:
        s = plain().add_event("2009-01", {"care.copayment_rwf": 50})
        assert len(s.regimes()) == 1
        assert s.replace(end="2009-06").regimes()[-1][1].care.copayment_rwf == 50

    def test_replace_holds_for_the_whole_run(self) -> None:
        s = plain().add_event("2004-06", {"care.copayment_rwf": 50, "care.coinsurance_share": 0.3}, "why")
        changed = s.replace({"care.copayment_rwf": 7})
        assert [p.care.copayment_rwf for _, p in changed.regimes()] == [7, 7]
        assert changed.regimes()[1][1].care.coinsurance_share == 0.3
        assert changed.events[0].why == "why"
        assert s.replace({"care": {"copayment_rwf": 7, "coinsurance_share": 0.2}}).events == ()
        # the original is untouched
        assert s.regimes()[1][1].care.copayment_rwf == 50

    def test_nested_and_dotted_keys_are_one(self) -> None:
        nested = plain().replace({"scheme": {"premium_rwf": {"poorest": 5}}}, name="x")
        dotted = plain().replace({"scheme.premium_rwf.poorest": 5}, name="x")
        assert nested == dotted
        assert nested.regimes()[0][1].scheme.premium_rwf.poorest == 5
        assert nested.regimes()[0][1].scheme.premium_rwf.rich == 1000


class TestIdentity:
    def test_is_immutable(self) -> None:
        s = plain()
        with pytest.raises(dataclasses.FrozenInstanceError):
            s.name = "other"
        with pytest.raises(TypeError):
            s.values["care.copayment_rwf"] = 3

    @pytest.mark.parametrize("name", ["rwanda-rules", "rwanda"])
    def test_survives_pickling(self, name: str) -> None:
        s = scenario(name)
        again = pickle.loads(pickle.dumps(s))
        assert again == s
        assert again.fingerprint() == s.fingerprint()

    def test_fingerprint_is_of_the_content(self) -> None:
        s = plain().add_event("2004-06", {"care.copayment_rwf": 50}, "because")
        mark = s.fingerprint()
        assert dataclasses.replace(s, name="other").fingerprint() == mark
        assert (
            plain().add_event("2004-06", {"care.copayment_rwf": 50}, "said otherwise").fingerprint() == mark
        )
        others = [
            s.replace({"care.coinsurance_share": 0.2}),
            s.replace({"care.copayment_rwf": 50}),
            s.replace(end="2004-11"),
            s.replace(start="2004-02"),
            plain().add_event("2004-07", {"care.copayment_rwf": 50}),
            plain().add_event("2004-06", {"care.copayment_rwf": 51}),
            dataclasses.replace(s, country="rwanda"),
        ]
        assert len({mark, *(o.fingerprint() for o in others)}) == len(others) + 1

    def test_names_say_what_was_changed(self) -> None:
        assert plain().replace({"care.copayment_rwf": 0}).name == "unit + care.copayment_rwf=0"
        assert plain().replace({"care.copayment_rwf": 0}, name="free").name == "free"
        assert plain().replace(end="2004-06").name == "unit"

    def test_provenance_covers_every_parameter(self) -> None:
        rows = {row["key"]: row for row in plain().replace({"care.copayment_rwf": 0}).provenance()}
        assert rows["care.copayment_rwf"]["value"] == 0
        assert rows["care.copayment_rwf"]["source"] == "given by the user"
        assert rows["care.coinsurance_share"]["confidence"] == "published"
        s = plain().add_event("2004-06", {"care.copayment_rwf": 50})
        assert [r["key"] for r in s.provenance() if r["changed_by_events"]] == ["care.copayment_rwf"]


def file(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


class TestFiles:
    def test_shipped(self) -> None:
        assert {"rwanda", "rwanda-rules"} <= set(scenario_names())
        for name in scenario_names():
            assert scenario(name).n_months > 0
        assert "did you mean 'rwanda'" in refused(scenario, "rwnda").problems[0]
        assert "'nowhere.toml' does not exist" in refused(scenario, "nowhere.toml").problems[0]

    def test_reads_what_is_written(self, tmp_path: Path) -> None:
        text = HEAD + (
            "[care]\ncopayment_rwf = 5\n[[event]]\nfrom = 2004-06-01\nwhy = 'a law'\ncare.copayment_rwf = 9\n"
            "[sources]\n'care.copayment_rwf' = { source = 'a table', confidence = 'published' }\n"
        )
        s = scenario(file(tmp_path, text))
        assert (s.name, s.n_months) == ("mine", 12)
        assert [p.care.copayment_rwf for _, p in s.regimes()] == [5, 9]
        assert s.events[0].why == "a law"
        assert s.sources["care.copayment_rwf"] == ("a table", "published")

    def test_an_edited_file_is_read_again(self, tmp_path: Path) -> None:
        path = file(tmp_path, HEAD + "[care]\ncopayment_rwf = 5\n")
        scenario(path)
        file(tmp_path, HEAD + "[care]\ncopayment_rwf = 7\n")
        assert scenario(path).values["care.copayment_rwf"] == 7

    def test_inherits_and_overrides(self, tmp_path: Path) -> None:
        file(
            tmp_path,
            HEAD + "country = 'rwanda'\n[care]\ncopayment_rwf = 5\ncoinsurance_share = 0.3\n"
            "[[event]]\nfrom = 2004-06-01\ncare.copayment_rwf = 9\nscheme.waiting_months = 2\n"
            "[sources]\n'care.copayment_rwf' = { source = 'a table', confidence = 'published' }\n",
            "base.toml",
        )
        child = scenario(
            file(tmp_path, "base = 'base.toml'\nto = 2005-06-01\n[care]\ncopayment_rwf = 1\n", "child.toml")
        )
        assert (format_month(child.start), format_month(child.end), child.country) == (
            "2004-01",
            "2005-06",
            "rwanda",
        )
        # a key written in a scenario replaces the base's value and the base's events for it
        assert [p.care.copayment_rwf for _, p in child.regimes()] == [1, 1]
        assert child.regimes()[1][1].scheme.waiting_months == 2
        assert child.regimes()[0][1].care.coinsurance_share == 0.3
        # and the base's source is no source for it
        assert child.sources["care.copayment_rwf"] == ("given in child.toml", "assumption")

    @pytest.mark.parametrize(
        ("body", "line", "said"),
        [
            ("[care]\ncopaymnt_rwf = 3\n", 4, "did you mean 'care.copayment_rwf'"),
            ("[care]\ncopayment_rwf = -3\n", 4, "outside 0 to 1000000"),
            ("[care]\ncoinsurance_share = 10\n", 4, "10 % is written 0.1"),
            ("[scheme]\ncalendar = 'roling'\n", 4, "did you mean 'rolling'"),
            ("care = 3\n", 3, "is a group of"),
            ("[[event]]\nfrom = 2004-05-01\ncare.copayment_rwf = -3\n", 5, "outside"),
            ("[[event]]\nfrom = 2004-05-01\npopulation.districts = 3\n", 5, "describes the start"),
        ],
    )
    def test_problems_carry_file_and_line(self, tmp_path: Path, body: str, line: int, said: str) -> None:
        (problem,) = refused(scenario, file(tmp_path, HEAD + body)).problems
        assert problem.startswith(f"mine.toml:{line}: ")
        assert said in problem

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("from = ", "a value is missing after '='"),
            ("from = 2004-01-01\n", "'to' is missing"),
            ("from = '2004-13'\nto = 2004-12-31\n", "not a month"),
            (HEAD + "[[event]]\ncare.copayment_rwf = 3\n", "'from' is missing"),
            (HEAD + "event = 3\n", "must be written as tables"),
            (HEAD + "event = [3]\n", "must be written as tables"),
            (HEAD + "sources = 3\n", "must be a table"),
            (HEAD + "[sources]\n'care.copayment_rwf' = 'x'\n", "needs { source ="),
            (HEAD + "[sources]\n'care.copayment_rwf' = { source = 'x' }\n", "needs { source ="),
            (HEAD + "[sources]\n'care.copay_rwf' = { source = 'x', confidence = 'y' }\n", "unknown key"),
            (HEAD + "[popluation]\ndistricts = 3\n", "did you mean 'population'"),
            (HEAD + "base = 'mine.toml'\n", "in a circle: mine.toml -> mine.toml"),
            (HEAD + "base = 'nowhere'\n", "no such scenario"),
        ],
    )
    def test_problems_of_files(self, tmp_path: Path, text: str, said: str) -> None:
        assert any(said in line for line in refused(scenario, file(tmp_path, text)).problems)

    def test_all_problems_of_a_file_at_once(self, tmp_path: Path) -> None:
        text = HEAD + "[care]\nfoo = 1\n[bar]\nx = 1\n[[event]]\ncare.copayment_rwf = 1\n[sources]\nbaz = 1\n"
        assert len(refused(scenario, file(tmp_path, text)).problems) == 4

    def test_another_encoding_is_refused_kindly(self, tmp_path: Path) -> None:
        path = tmp_path / "latin.toml"
        path.write_bytes(HEAD.encode() + b"about = '\xe9'\n")
        assert "UTF-8" in refused(scenario, path).problems[0]


def test_a_table_given_whole_can_be_changed_by_an_event_and_stays_the_callers() -> None:
    mine = {"scheme.premium_rwf": {"poorest": 1, "middle": 2, "rich": 3}}
    s = Scenario(name="x", start=parse_month("2004-01"), end=parse_month("2005-12"), values=mine)
    s = s.add_event("2005-01", {"scheme.premium_rwf": {"middle": 20}})
    (_, first), (_, later) = s.regimes()
    assert (first.scheme.premium_rwf.middle, later.scheme.premium_rwf.middle) == (2, 20)
    assert (later.scheme.premium_rwf.poorest, later.scheme.premium_rwf.rich) == (1, 3)
    assert mine == {"scheme.premium_rwf": {"poorest": 1, "middle": 2, "rich": 3}}
