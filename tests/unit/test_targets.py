"""Targets: the rows that may be fitted, figures of one's own, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cbhi
from cbhi import datasets
from cbhi.calibration.errors import Errors
from cbhi.calibration.targets import (
    DISCREPANCY,
    SharedError,
    Target,
    check_targets,
    fit_targets,
    read_targets,
    scaled_errors,
)
from cbhi.published import published_table

GIVEN: dict[str, Any] = dict(
    name="mine", variable="coverage_end_share", period="2005", value=0.4, sd=0.05, kind="coverage"
)


class TestRowsOfTheData:
    def test_all_fit_rows_in_the_unit_of_the_model(self) -> None:
        targets = {target.name: target for target in fit_targets("rwanda")}
        assert set(targets) == set(datasets.fit_rows("rwanda")["key"])
        coverage = targets["cbhi_coverage_pop:2008:1"]
        assert (coverage.variable, coverage.period) == ("coverage_administrative_share", "2008")
        assert (coverage.value, coverage.sd) == pytest.approx((0.85, 0.06))
        claims = targets["cbhi_claims:2012:1"]
        assert (claims.value, claims.sd, claims.discrepancy_sd) == pytest.approx((17.01e9, 2.5e9, 1e9))
        assert claims.unit == "RWF"
        assert targets["cbhi_other_expenses:2012:1"].discrepancy_sd == pytest.approx(0.2e9)

    def test_until_a_year(self) -> None:
        years = {target.period for target in fit_targets("rwanda", until=2008)}
        assert max(years) == "2008"
        with pytest.raises(ValueError, match="no row to fit is left until 1990"):
            fit_targets("rwanda", until=1990)

    def test_a_check_row_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"cbhi_net_income:2012:1 is marked 'check'.*never fitted"):
            fit_targets("rwanda", rows=["cbhi_net_income:2012:1"])

    def test_an_unknown_row_is_refused_with_the_nearest(self) -> None:
        with pytest.raises(ValueError, match="did you mean 'cbhi_coverage_pop:2008:1'"):
            fit_targets("rwanda", rows=["cbhi_coverage_pop:2008"])

    def test_discrepancy_by_kind_and_by_row(self) -> None:
        given = {"coverage": 0.04, "cbhi_coverage_pop:2007:1": 0.06}
        targets = {t.name: t.discrepancy_sd for t in fit_targets("rwanda", discrepancy=given)}
        assert targets["cbhi_coverage_pop:2007:1"] == 0.06
        assert targets["cbhi_coverage_pop:2008:1"] == 0.04
        assert targets["outpatient_visits_pc:2003:1"] == DISCREPANCY["visits"]
        with pytest.raises(ValueError, match="did you mean 'coverage'"):
            fit_targets("rwanda", discrepancy={"coverag": 0.04})


class TestOwnTargets:
    def test_the_discrepancy_is_that_of_the_kind(self) -> None:
        assert Target(**GIVEN).discrepancy_sd == DISCREPANCY["coverage"]
        assert Target(**{**GIVEN, "discrepancy": 0.0}).discrepancy_sd == 0.0

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"sd": None}, "has no sd"),
            ({"sd": float("nan")}, "has no sd"),
            ({"sd": 0.0}, "no figure is known exactly"),
            ({"use": "check"}, "kept for checking and never fitted"),
            ({"variable": "coverage_end_shar"}, "did you mean 'coverage_end_share'"),
            ({"variable": "coverage_end_share % persons"}, "neither a variable nor two joined"),
            ({"value": float("inf")}, "value must be a number"),
            ({"kind": "covrage"}, "did you mean 'coverage'"),
            ({"discrepancy": -1.0}, "discrepancy must be a number from 0 up"),
        ],
    )
    def test_what_is_wrong_is_said(self, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            Target(**{**GIVEN, **changes})

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"period": "1998"}, "no complete reporting year '1998'"),
            ({"period": "2012 "}, "did you mean '2012'"),
            ({"period": "2011", "variable": "claims_paid_rwf", "value": 1.0}, "has 6 months; money is compared"),
        ],
    )
    def test_years_that_the_run_does_not_have(self, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            check_targets((Target(**{**GIVEN, **changes}),), cbhi.scenario("rwanda-rules"))

    def test_a_name_twice_and_none_at_all(self) -> None:
        target = Target(**GIVEN)
        with pytest.raises(ValueError, match="two targets are called 'mine'"):
            check_targets((target, target), cbhi.scenario("rwanda-rules"))
        with pytest.raises(ValueError, match="there are no targets"):
            check_targets((), cbhi.scenario("rwanda-rules"))


def test_targets_are_read_as_the_table_of_published_figures_reads_them() -> None:
    scenario = cbhi.scenario("rwanda-rules").replace(end="2005-12")
    results = cbhi.simulate(scenario, households=500, replicates=1)
    targets = fit_targets("rwanda", until=2005)
    read = read_targets(results, targets, check_targets(targets, scenario))
    table = published_table(results).set_index("key")
    assert read.shape == (1, len(targets))
    np.testing.assert_allclose(read[0], table.loc[[t.name for t in targets], "model_median"].astype(float))


class TestErrors:
    def test_a_shared_error_is_one_direction(self) -> None:
        targets = fit_targets("rwanda", until=2005)
        names = tuple(target.name for target in targets if target.kind == "coverage")
        errors = Errors.of(targets, (SharedError(names, 0.1, relative=True),))
        added = errors.published - Errors.of(targets).published
        values = np.array([t.value if t.name in names else 0.0 for t in targets])
        np.testing.assert_allclose(added, 0.01 * np.outer(values, values), atol=1e-15)
        np.testing.assert_allclose(sum(errors.parts().values()), errors.total)

    def test_noise_that_limits(self) -> None:
        targets = tuple(Target(**{**GIVEN, "name": name}) for name in ("one", "two"))
        other = targets[0].sd ** 2 + targets[0].discrepancy_sd**2
        errors = Errors.of(targets)
        noisy = Errors(errors.published, errors.discrepancy, np.diag([0.05, 0.2]) * other, errors.carried)
        assert noisy.noise_limited().tolist() == [False, True]

    @pytest.mark.parametrize(
        ("names", "sd", "said"),
        [(("mine",), 0.1, "two targets or more"), (("mine", "yours"), 0.0, "must be above 0")],
    )
    def test_what_is_wrong_is_said(self, names: tuple[str, ...], sd: float, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            SharedError(names, sd)

    def test_an_unknown_target_is_refused(self) -> None:
        with pytest.raises(ValueError, match="did you mean 'mine'"):
            SharedError(("mine", "mines"), 0.1).direction((Target(**GIVEN),))

    def test_scaled(self) -> None:
        target = scaled_errors((Target(**GIVEN),), 1 / 3)[0]
        assert (target.sd, target.discrepancy_sd) == pytest.approx((0.05 / 3, 0.01))
        with pytest.raises(ValueError, match="above 0"):
            scaled_errors((target,), 0.0)
