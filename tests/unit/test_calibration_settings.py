"""Calibration files: what the shipped one says, and how mistakes are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cbhi
from cbhi.calibration import CalibrationFileError, calibration_names
from cbhi.datasets import check_rows, fit_rows

HEAD = """\
name = "Mine"
scenario = "rwanda-rules"
country = "rwanda"
until = 2008
households = 500

[discrepancy]
coverage = 0.04

[explored.enrolment.intercept]
prior = "normal"
mean = -1.0
sd = 1.5
source = "a belief"
confidence = "assumption"
"""


def read(tmp_path: Path, text: str, **changes: int) -> cbhi.Calibration:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return cbhi.Calibration.read(path, **changes)


def refused(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(CalibrationFileError) as caught:
        read(tmp_path, text)
    return list(caught.value.problems)


class TestShipped:
    def test_names(self) -> None:
        assert calibration_names() == ("rwanda",)

    def test_fits_every_fit_row_and_no_other(self) -> None:
        calibration = cbhi.Calibration.read("rwanda")
        assert {target.name for target in calibration.targets} == set(fit_rows("rwanda")["key"])
        assert not {target.name for target in calibration.targets} & set(check_rows("rwanda")["key"])

    def test_priors_have_sources_and_a_scenario_at_their_centre(self) -> None:
        calibration = cbhi.Calibration.read("rwanda")
        assert 9 <= len(calibration.priors) <= 12
        assert all(len(prior.source) > 10 for prior in (*calibration.priors, *calibration.carried))
        values = calibration.centre().values
        for prior in (*calibration.priors, *calibration.carried):
            assert values[prior.key] == pytest.approx(prior.to_value(np.zeros(1))[0])

    def test_the_fitted_scenario_is_not_its_base(self) -> None:
        # data are used once: the point found earlier from the same figures is no prior
        base = cbhi.Calibration.read("rwanda").scenario
        assert not any(confidence == "fitted" for _, confidence in base.sources.values())

    def test_until_a_year(self) -> None:
        calibration = cbhi.Calibration.read("rwanda", until=2008, seed=7, households=99, replicates=3)
        assert max(target.period for target in calibration.targets) == "2008"
        assert (calibration.seed, calibration.households, calibration.replicates) == (7, 99, 3)
        assert calibration.plan().scenario.end < calibration.scenario.end

    def test_an_unknown_name(self) -> None:
        with pytest.raises(CalibrationFileError, match="did you mean 'rwanda'"):
            cbhi.Calibration.read("rwnda")
        with pytest.raises(CalibrationFileError, match=r"the file 'none\.toml' does not exist"):
            cbhi.Calibration.read("none.toml")


class TestOwn:
    def test_everything_is_read(self, tmp_path: Path) -> None:
        text = (
            HEAD
            + """
[carried."care.seek_price"]
prior = "uniform"
low = 1.0
high = 3.0
source = "a belief"
confidence = "assumption"

[[target]]
name = "renewals of 2007"
variable = "renewal_share"
period = 2007
value = 0.8
sd = 0.1

[[shared_error]]
targets = ["cbhi_coverage_pop:2007:1", "cbhi_coverage_pop:2008:1"]
sd = 0.02
why = "one count of people"
"""
        )
        calibration = read(tmp_path, text)
        assert calibration.keys == ("enrolment.intercept", "care.seek_price")
        assert calibration.carried[0].bounds == (1.0, 3.0)
        assert calibration.targets[-1].period == "2007"
        assert {t.discrepancy_sd for t in calibration.targets if t.kind == "coverage"} == {0.04}
        assert calibration.shared_errors[0].sd == 0.02
        assert (calibration.name, calibration.households) == ("Mine", 500)

    def test_a_scenario_file_beside_it(self, tmp_path: Path) -> None:
        (tmp_path / "base.toml").write_text('name = "base of mine"\nbase = "rwanda-rules"\n')
        calibration = read(tmp_path, HEAD.replace('"rwanda-rules"', '"base.toml"'))
        assert calibration.scenario.name == "base of mine"

    def test_all_mistakes_at_once_each_at_its_line(self, tmp_path: Path) -> None:
        text = HEAD.replace('name = "Mine"', 'nmae = "Mine"').replace("sd = 1.5", "sd = 0.0")
        text += '\n[explored.care.seek_prise]\nprior = "normal"\nmean = 1.0\nsd = 1.0\nsource = "x"\n'
        text += 'confidence = "assumption"\n\n[[target]]\nname = "t"\nvariable = "coverage_end_share"\n'
        text += "period = 2007\nvalue = 0.8\n"
        problems = refused(tmp_path, text)
        assert problems[0].startswith("mine.toml:1: unknown word 'nmae'; did you mean 'name'")
        assert problems[1].startswith("mine.toml:13: prior of enrolment.intercept: sd = 0 must be above 0")
        assert "mine.toml:17: " in problems[2]
        assert "did you mean 'care.seek_price'" in problems[2]
        assert problems[3].startswith("mine.toml:24: target t: it has no sd")
        assert len(problems) == 4

    @pytest.mark.parametrize(
        ("before", "after", "said"),
        [
            ('scenario = "rwanda-rules"\n', "", "'scenario' is missing"),
            ('"rwanda-rules"', '"rwanda-rule"', "2: scenario: .*did you mean 'rwanda-rules'"),
            ('country = "rwanda"', 'country = "ruanda"', "did you mean 'rwanda'"),
            ("households = 500", "households = 500.5", "5: households must be a whole number"),
            ("households = 500", "households = 0", "5: households = 0"),
            ("coverage = 0.04", "covrage = 0.04", "8: discrepancy of 'covrage'.*did you mean 'coverage'"),
            ("coverage = 0.04", "coverage = -0.04", "8: discrepancy of coverage must be a number from 0 up"),
            ('prior = "normal"', 'prior = "norml"', "11: .*did you mean 'normal'"),
            ('prior = "normal"\n', "", "10: prior of enrolment.intercept: 'prior' is missing"),
            ('source = "a belief"\n', "", "source is missing"),
            (
                "mean = -1.0",
                "mean = -1.0\nmedian = 1.0",
                "13: prior of enrolment.intercept: .*has no 'median'",
            ),
            ("mean = -1.0", "mean = -1,0", "12: .*written -1.0"),
            ("until = 2008", 'until = 2008\nleave_out = ["cbhi_claims:2012:2"]', "did you mean 'cbhi_claims"),
            ("[explored.enrolment.intercept]", "[explored.mandate.compulsory]", "10: .*not a real number"),
            (
                "[explored.enrolment.intercept]",
                "[explored.fund.pool_grant_rwf]",
                "events of the scenario set",
            ),
        ],
    )
    def test_one_mistake(self, tmp_path: Path, before: str, after: str, said: str) -> None:
        import re

        assert before in HEAD
        problems = refused(tmp_path, HEAD.replace(before, after))
        assert re.search(said, problems[0]), problems

    def test_nothing_to_explore(self, tmp_path: Path) -> None:
        problems = refused(tmp_path, HEAD[: HEAD.index("[explored")])
        assert problems == [
            "mine.toml: no parameter is explored; write one as [explored.enrolment.intercept]"
        ]


OWN = """\
name = "own"
scenario = "rwanda-rules"
country = ""
households = 300

[discrepancy]
coverage = 0.10
"visits by hand" = 0.2

[explored.enrolment.intercept]
prior = "normal"
mean = -1.0
sd = 1.5
source = "a belief"
confidence = "assumption"

[[target]]
name = "members by hand"
variable = "coverage_end_share"
period = 2006
value = 0.5
sd = 0.03
kind = "coverage"

[[target]]
name = "visits by hand"
variable = "visits_per_person_year"
period = 2007
value = 0.5
sd = 0.05
kind = "visits"

[[target]]
name = "members again"
variable = "coverage_end_share"
period = 2008
value = 0.6
sd = 0.03
kind = "coverage"
discrepancy = 0.01

[[shared_error]]
targets = ["members by hand", "visits by hand", "members again"]
sd = 0.04
"""


class TestOwnFigures:
    def test_the_table_of_discrepancies_reaches_them(self, tmp_path: Path) -> None:
        found = {t.name: t.discrepancy_sd for t in read(tmp_path, OWN).targets}
        # what an entry says of itself counts for more than its kind
        assert found == {"members by hand": 0.10, "visits by hand": 0.2, "members again": 0.01}

    def test_of_a_country_too(self, tmp_path: Path) -> None:
        text = OWN.replace('country = ""', 'country = "rwanda"')
        found = {t.name: t.discrepancy_sd for t in read(tmp_path, text).targets}
        assert found["cbhi_coverage_pop:2008:1"] == found["members by hand"] == 0.10
        assert (found["visits by hand"], found["cbhi_claims:2012:1"]) == (0.2, 1e9)

    def test_a_word_that_is_nothing_is_refused(self, tmp_path: Path) -> None:
        problems = refused(tmp_path, OWN.replace("coverage = 0.10", "nonsense = 3.0"))
        assert problems[0].startswith("mine.toml:7: discrepancy of 'nonsense'")

    def test_figures_that_are_cut_off_take_their_share_along(self, tmp_path: Path) -> None:
        calibration = read(tmp_path, OWN, until=2007)
        assert [t.name for t in calibration.targets] == ["members by hand", "visits by hand"]
        assert calibration.shared_errors[0].targets == ("members by hand", "visits by hand")
        alone = read(tmp_path, OWN, until=2006)
        assert alone.shared_errors == ()
        assert alone.targets[0].sd == pytest.approx(0.05)
        wrong = refused(tmp_path, OWN.replace('["members by hand", "visits', '["members by foot", "visits'))
        assert "mine.toml:42: shared error: there is no target 'members by foot'" in wrong[0]

    @pytest.mark.parametrize(
        ("before", "after", "said"),
        [
            (
                'variable = "visits_per_person_year"',
                "variable = 5",
                ": \\[\\[target\\]\\]: variable must be a text, got 5",
            ),
            ("value = 0.6", 'value = "0.6"', "37: .*value must be a number"),
            ("sd = 0.04", 'sd = 0.04\nrelative = "false"', "45: .*relative must be true or false"),
            ('"members again"]', "7]", "43: .*targets must be a list of texts"),
            ("households = 300", 'households = 300\nleave_out = [["x"]]', "5: .*list of texts"),
            ("households = 300", 'households = 300\ntarget = ["a"]', "double brackets"),
            ("period = 2007", "period = 1950", "25: target visits by hand: .*no complete reporting year"),
        ],
    )
    def test_one_mistake(self, tmp_path: Path, before: str, after: str, said: str) -> None:
        import re

        text = OWN.replace(before, after, 1)
        if 'target = ["a"]' in text:
            text = text[: text.index("[[target]]")]
        problems = refused(tmp_path, text)
        assert len(problems) == (3 if "brackets" in said else 1)
        assert re.search(said, problems[0]), problems
