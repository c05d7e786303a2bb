"""Scenario files: every problem at once, with its line, the key, the range and unit, and the likely fix."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from cbhi.scenarios import Scenario, ScenarioError, base_of, scenario
from cbhi.scenarios.changes import check_value, flatten, known_parameters

HEAD = "from = 2004-01-01\nto = 2012-12-31\n"


def problems(folder: Path, body: str, head: str = HEAD) -> list[str]:
    path = folder / "mine.toml"
    path.write_text(head + body, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        scenario(path)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        # keys
        ("[loans]\nofferd = true\n", 4, "unknown key 'loans.offerd'; did you mean 'loans.offered'?"),
        ("[laons]\noffered = true\n", 3, "unknown section 'laons'; did you mean 'loans'?"),
        ("[care]\nmonths = 3\n", 4, "'months' belongs to [loans]: loans.months"),
        ("[care]\noffered = true\n", 4, "belongs to [subsidy] and [loans]: subsidy.offered or loans.offered"),
        ("[borrowing]\nmonths = 12\nborrowers = 'members'\n", 3, "its keys belong to [loans]"),
        ("[care]\nto = 2012-01-01\n", 4, "is written at the head of the file"),
        ("months = 3\n", 3, "'months' belongs to [loans]: loans.months"),
        ("nonsense = 3\n", 3, "unknown key 'nonsense'; `cbhi show` lists all keys"),
        ("nmae = 'x'\n", 3, "unknown key 'nmae'; did you mean 'name'?"),
        ("[scheme]\npremium_rwf = { poorst = 1 }\n", 4, "did you mean 'scheme.premium_rwf.poorest'?"),
        ("[scheme]\npremum_rwf = { poorest = 1 }\n", 4, "did you mean 'scheme.premium_rwf'?"),
        ("[[loans]]\noffered = true\n", 3, "its header is written [loans], in single brackets"),
        # values
        ("[loans]\ninterest_share_per_year = 15\n", 4,
         "loans.interest_share_per_year = 15 is outside 0 to 3 [share per year]; 15 % is written 0.15"),
        ("[care]\ncoinsurance_share = '10%'\n", 4, "10 % is written 0.1, without quotes"),
        ("[care]\ncopayment_rwf = '2,000'\n", 4,
         "be a whole number, got '2,000'; written 2000, without separators and quotes [RWF per contact]"),
        ("[care]\ncopayment_rwf = '200'\n", 4, "written 200, without quotes"),
        ("[care]\nseek_price = '1,5'\n", 4, "written 1.5, with a point and without quotes"),
        ("[care]\ncopayment_rwf = 2011.5\n", 4,
         "must be a whole number, got 2011.5 [RWF per contact]; example"),
        ("[care]\ncopayment_rwf = 200.0\n", 4, "got 200.0; written 200 [RWF per contact]"),
        ("[care]\ncopayment_rwf = true\n", 4, "must be a whole number, got true"),
        ("[loans]\noffered = 1\n", 4, "must be true or false, got 1; written true, without quotes"),
        ("[loans]\noffered = 'yes'\n", 4, "written true"),
        ("[scheme]\ncalendar = 'fxied'\n", 4,
         "must be one of 'rolling', 'fixed', got 'fxied'; did you mean 'fixed'?"),
        ("[formal]\nshare = 0.05\n", 4, "formal.share is a series by month, got 0.05 [share]"),
        ("[formal]\nshare = { 2004-07 = 0.02, 2010-13 = 0.03 }\n", 4, "'2010-13' is not a month"),
        ("[formal]\nshare = { 2004-07 = 2 }\n", 4,
         "formal.share of 2004-07 = 2 is outside 0 to 0.5 [share]; 2 % is written 0.02"),
        ("[formal]\nshare = { 2004 = 0.02 }\n", 4, "a year; write it like 2004-07"),
        ("[donors]\nexit_month = 2010-07-01\n", 4, "is a month in quotes; write '2010-07'"),
        ("[donors]\nexit_month = '2010-13'\n", 4, "months run from 1 to 12"),
        ("[donors]\nexit_month = 'nevr'\n", 4, "did you mean 'never'?"),
        # events
        ("[[event]]\nfrom = '2011-13-01'\nloans.offered = true\n", 4, "months run from 1 to 12"),
        ("[[event]]\nfrom = '2011-02-30'\nloans.offered = true\n", 4, "February 2011 has 28 days"),
        ("[[event]]\nfrom = '2011/07/01'\nloans.offered = true\n", 4,
         "write '2011-07', or 2011-07-01 as a date"),
        ("[[event]]\nfrom = 2011\nloans.offered = true\n", 4, "but a year; write '2011-01'"),
        ("[[event]]\nform = 2011-01-01\nloans.offered = true\n", 4,
         "unknown key 'form' in an event; did you mean 'from'?"),
        ("[[event]]\nloans.offered = true\n", 3, "'from' is missing in this event"),
        ("[[event]]\nfrom = 2011-01-01\n", 3, "this event changes nothing"),
        ("[[event]]\nfrom = 2011-01-01\nwhy = 3\nloans.offered = true\n", 5,
         "'why' must be a text in quotes"),
        ("[[event]]\nfrom = 2011-01-01\nincome.gini = { 2011-01 = 0.4 }\n", 5,
         "is a series by month already"),
        ("[[event]]\nfrom = 2011-01-01\ntrust.initial = 0.4\n", 5,
         "describes the start and cannot change later"),
        ("[[event]]\nfrom = 2150-01-01\nloans.offered = true\n", 4, "2150-01 can never take effect"),
        ("[[evnt]]\nfrom = 2011-01-01\nloans.offered = true\n", 3, "did you mean '[[event]]'?"),
        # head and sources
        ("base = 'rwnda'\n", 3, "did you mean 'rwanda'? shipped: rwanda and rwanda-rules"),
        ("base = 3\n", 3, "'base' must be a text in quotes, got 3"),
        ("country = 'rwanad'\n", 3, "did you mean 'rwanda'?"),
        ("name = 3\n", 3, "'name' must be a text in quotes"),
        ("[sources]\n'care.copayment_rfw' = { source = 'x', confidence = 'published' }\n", 4,
         "did you mean 'care.copayment_rwf'?"),
        ("[sources]\n'care.copayment_rwf' = { source = 'x', confidence = 'publishd' }\n", 4,
         "did you mean 'published'?"),
        ("[sources]\n'care.copayment_rwf' = { sorce = 'x', confidence = 'published' }\n", 4,
         "did you mean 'source'?"),
        ("[sources]\ncopayment_rwf = { source = 'x', confidence = 'published' }\n", 4,
         "write 'care.copayment_rwf'"),
        ("[sorces]\n'care.copayment_rwf' = { source = 'x', confidence = 'published' }\n", 3,
         "did you mean '[sources]'?"),
    ],
)  # fmt: skip
def test_one_mistake_one_line_with_its_fix(tmp_path: Path, body: str, line: int, said: str) -> None:
    (problem,) = problems(tmp_path, body)
    assert problem.startswith(f"mine.toml:{line}: ")
    assert said in problem


def test_the_same_leaf_wrong_in_two_sections_is_told_in_both_lines(tmp_path: Path) -> None:
    body = "[loans]\noffered = 1\n[subsidy]\noffered = 1\n[[event]]\nfrom = 2005-01-01\nloans.offered = 1\n"
    told = problems(tmp_path, body)
    assert [problem.split(": ")[0] for problem in told] == ["mine.toml:4", "mine.toml:6", "mine.toml:9"]


def test_broken_toml_hides_nothing_else(tmp_path: Path) -> None:
    body = "[loans\noffered = 1\n[care]\ncopayment_rwf = 2,000\nseek_prce = 1\n[[event]]\nfrom = 2011-06-31\n"
    told = problems(tmp_path, body + "loans.offered = maybe\n")
    assert [problem.split(": ")[0] for problem in told] == [f"mine.toml:{n}" for n in (3, 4, 6, 7, 9, 10)]


def test_a_rule_that_keys_share_is_told_once_with_their_lines(tmp_path: Path) -> None:
    body = "[subsidy]\nstate_share = 0.6\ndonor_share = 0.7\n"
    body += "".join(f"[[event]]\nfrom = {y}-01-01\ncare.copayment_rwf = {y}\n" for y in range(2005, 2011))
    (problem,) = problems(tmp_path, body)
    assert problem == (
        "mine.toml:5: subsidy.state_share 0.6 + subsidy.donor_share 0.7 + subsidy.cross_subsidy_share 0"
        " = 1.3 is above 1; lines 4 and 5"
    )


def test_a_rule_broken_by_an_event_names_its_line_and_month(tmp_path: Path) -> None:
    body = "[fund]\npool_share = 0.4\n[[event]]\nfrom = 2006-01-01\nfund.national_share = 0.7\n"
    (problem,) = problems(tmp_path, body)
    assert problem.startswith(
        "mine.toml:7: from 2006-01: fund.pool_share 0.4 + fund.national_share 0.7 = 1.1"
    )
    assert problem.endswith("; lines 4 and 7")


def test_nothing_is_concluded_from_a_value_that_is_wrong_itself(tmp_path: Path) -> None:
    # with the default of 1 in place of the misspelt share the sum would be 1.6
    (problem,) = problems(tmp_path, "[subsidy]\nstate_share = 0.6\ndonr_share = 0.4\n")
    assert "did you mean 'subsidy.donor_share'?" in problem
    (problem,) = problems(tmp_path, "[subsidy]\nstate_share = 0.6\ndonor_share = '0.4'\n")
    assert "written 0.4, without quotes" in problem


def test_two_events_of_one_month_must_agree(tmp_path: Path) -> None:
    event = "[[event]]\nfrom = 2006-01-01\nloans.offered = {}\n"
    (problem,) = problems(tmp_path, event.format("true") + event.format("false"))
    assert problem == (
        "mine.toml:8: loans.offered = false contradicts line 5, which sets it to true"
        " from the same month 2006-01"
    )
    path = tmp_path / "agreed.toml"
    path.write_text(HEAD + event.format("true") + event.format("true"), encoding="utf-8")
    assert len(scenario(path).events) == 2


def test_the_end_comes_after_the_start(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "", "from = 2004-01-01\nto = 2003-12-31\n")
    assert problem == "mine.toml:2: the run ends in 2003-12, before it starts in 2004-01"
    (problem,) = problems(tmp_path, "", "base = 'rwanda'\nfrom = 2014-01-01\n")
    assert problem.startswith("mine.toml:2: the run ends in 2012-06")


def test_the_problems_of_a_base_are_told_with_their_own_file(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(HEAD + "[care]\ncopayment_rwf = -1\n", encoding="utf-8")
    told = problems(tmp_path, "[care]\nseek_prce = 1\n", "base = 'base.toml'\n")
    assert [problem.split(": ")[0] for problem in told] == ["base.toml:4", "mine.toml:3"]


def test_a_byte_order_mark_and_windows_lines_are_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + "[care]\ncopayment_rwf = 5\n").replace("\n", "\r\n").encode())
    assert scenario(path).values["care.copayment_rwf"] == 5


def test_a_name_without_its_ending_points_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(HEAD, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"there is a file: write 'mine.toml'"):
        scenario("mine")
    with pytest.raises(ScenarioError, match=r"'mnie.toml' does not exist; did you mean 'mine.toml'"):
        scenario("mnie.toml")


def test_sources_may_be_written_with_or_without_quotes(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    entry = "{ source = 'a table', confidence = 'published' }"
    path.write_text(f"{HEAD}[sources]\ncare.copayment_rwf = {entry}\n", encoding="utf-8")
    assert scenario(path).sources == {"care.copayment_rwf": ("a table", "published")}


def test_base_of_says_what_a_file_starts_from(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("base = 'rwanda'\n", encoding="utf-8")
    name, base = base_of(path)
    assert (name, base.name) == ("rwanda", "Rwanda")
    name, base = base_of("rwanda-rules")
    assert (name, dict(base.values)) == ("the defaults", {})


class TestChanges:
    """The same care for changes in Python."""

    def start(self) -> Scenario:
        return Scenario(name="unit", start=12 * 2004, end=12 * 2005)

    def refused(self, *args: object, **kwargs: object) -> tuple[str, ...]:
        with pytest.raises(ScenarioError) as caught:
            self.start().replace(*args, **kwargs)
        return caught.value.problems

    def test_keys_values_and_months_at_once(self) -> None:
        told = self.refused({"loans.offerd": True, "care.coinsurance_share": 10}, end="2004-13")
        assert len(told) == 3
        assert "did you mean 'loans.offered'?" in told[0]
        assert told[1].startswith("end: '2004-13' is not a month")
        assert "10 % is written 0.1" in told[2]

    def test_an_event_without_changes_or_with_a_wrong_month(self) -> None:
        with pytest.raises(ScenarioError, match="it changes nothing"):
            self.start().add_event("2004-06", {})
        with pytest.raises(ScenarioError) as caught:
            self.start().add_event("2004-13", {"care.copayment_rwf": -1})
        assert len(caught.value.problems) == 2

    def test_a_wrong_value_is_told_once_however_many_events_there_are(self) -> None:
        s = self.start()
        for month in ("2004-03", "2004-06", "2004-09"):
            s = s.add_event(month, {"care.copayment_rwf": int(month[-2:])})
        with pytest.raises(ScenarioError) as caught:
            s.replace({"subsidy.state_share": 0.6})
        assert len(caught.value.problems) == 1
        with pytest.raises(ScenarioError) as caught:
            s.replace({"care.seek_price": -1})
        assert len(caught.value.problems) == 1

    def test_errors_can_be_pickled_and_know_their_keys(self) -> None:
        with pytest.raises(ScenarioError) as caught:
            self.start().replace({"care.seek_price": -1})
        again = pickle.loads(pickle.dumps(caught.value))
        assert str(again) == str(caught.value)
        assert again.details[0].keys == ("care.seek_price",)

    def test_flat_changes_keep_their_places(self) -> None:
        flat = flatten({"care": {"copayment_rwf": 1}, "loans.offered": True}, ("event", 2))
        assert flat.values == {"care.copayment_rwf": 1, "loans.offered": True}
        assert flat.places["care.copayment_rwf"] == ("event", 2, "care", "copayment_rwf")
        assert flat.places["loans.offered"] == ("event", 2, "loans.offered")

    @pytest.mark.parametrize("key", sorted(known_parameters()))
    def test_every_default_is_allowed_and_a_list_never_is(self, key: str) -> None:
        info = known_parameters()[key]
        assert check_value(key, info.default) == []
        (problem,) = check_value(key, [1])
        assert problem.text.startswith(key)
        assert "Value error" not in problem.text
        assert "Input should" not in problem.text
