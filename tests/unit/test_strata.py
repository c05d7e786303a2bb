"""Variables by group: labels, and that groups make the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cbhi
from cbhi.kernels import codes
from cbhi.results import Results
from cbhi.strata import BY_COVER, BY_SEX, BY_STRATUM, GROUPS, stratified_names, stratum_values
from cbhi.variables import VARIABLES

# everything else is a share or a rate over people, and the mean of its groups weighted by person-months
COUNTS = (
    "persons",
    "contributions_rwf",
    "premiums_sponsored_rwf",
    "enrolled_by_loan",
    "enrolled_by_group",
)
OVER_PEOPLE = (
    "coverage_end_share",
    "any_insurance_share",
    "formal_share",
    "subsidised_share",
)
OVER_MONTHS = (
    "coverage_share",
    "visits_per_person_year",
    "admissions_per_person_year",
    "episodes_per_person_year",
    "forgone_care_per_person_year",
    "forgone_capacity_per_person_year",
    "forgone_refused_per_person_year",
    "forgone_cash_per_person_year",
    "out_of_pocket_rwf_per_person_year",
    "care_paid_by_others_rwf_per_person_year",
)
OVER_OTHERS = {
    "catastrophic_share": (codes.S_AT_ANNIVERSARY,),
    "catastrophic_25_share": (codes.S_AT_ANNIVERSARY,),
    "coverage_women_share": (codes.S_WOMEN,),
    "renewal_share": (codes.S_RENEWALS_DUE,),
    **{
        f"enrolled_by_{by}_share": (codes.S_BY_CASH, codes.S_BY_LOAN, codes.S_BY_GROUP, codes.S_BY_SUBSIDY)
        for by in ("cash", "loan", "group", "subsidy")
    },
}


@pytest.fixture(scope="module")
def results() -> Results:
    scenario = cbhi.scenario("rwanda").replace(
        {
            "switches.rollout": False,
            "formal.share": {"1999-07": 0.1},
        },
        end="2009-12",
    )
    return cbhi.simulate(scenario, households=600, replicates=2, seed=3, survey=0)


def weights(results: Results, by: str, kinds: tuple[int, ...]) -> Any:
    shape = (*results.arrays.strata.shape[:2], codes.QUINTILES, codes.CATEGORIES, codes.N_STRATUM_TALLIES)
    cells = results.arrays.strata.reshape(shape).sum(axis=3 if by == "quintile" else 2)
    return cells[..., list(kinds)].sum(axis=-1)


def test_every_grouped_variable_is_tested_here() -> None:
    assert set(BY_STRATUM) == {*COUNTS, *OVER_PEOPLE, *OVER_MONTHS, *OVER_OTHERS}
    for by in GROUPS:
        assert set(stratified_names(by)) <= set(VARIABLES)


@pytest.mark.parametrize("by", ["quintile", "category"])
class TestQuintilesAndCategories:
    @pytest.mark.parametrize("name", COUNTS)
    def test_counts_add_up(self, results: Results, by: Any, name: str) -> None:
        parts = results.values(name, by=by)
        assert parts.shape[2] == len(GROUPS[by]) == len(results.groups(by))
        np.testing.assert_allclose(parts.sum(axis=2), results.values(name)[..., 0], rtol=1e-12)

    @pytest.mark.parametrize("name", [*OVER_PEOPLE, *OVER_MONTHS, *OVER_OTHERS])
    def test_rates_average_to_the_country(self, results: Results, by: Any, name: str) -> None:
        kinds = OVER_OTHERS.get(name, (codes.S_PERSONS,) if name in OVER_PEOPLE else (codes.S_PERSON_MONTHS,))
        weight = weights(results, by, kinds)
        parts = results.values(name, by=by)
        total = (np.where(weight > 0, parts, 0.0) * weight).sum(axis=2) / np.maximum(weight.sum(axis=2), 1)
        whole = results.values(name)[..., 0]
        known = ~np.isnan(whole)
        assert known.any()
        np.testing.assert_allclose(total[known], whole[known], rtol=1e-9, atol=1e-12)
        if "catastrophic" not in name and "cash_per" not in name:
            assert (whole[known] > 0).any(), "nothing to compare"


class TestSexAndCover:
    def test_men_and_women_make_everybody(self, results: Results) -> None:
        people = results.values("persons", by="sex")
        assert results.groups("sex") == ["men", "women"]
        np.testing.assert_allclose(people.sum(axis=2), results.values("persons")[..., 0])
        for name in BY_SEX:
            if name == "persons":
                continue
            mean = (results.values(name, by="sex") * people).sum(axis=2) / people.sum(axis=2)
            np.testing.assert_allclose(mean, results.values(name)[..., 0], rtol=1e-9)
        women = results.values("coverage_end_share", by="sex")[..., 1]
        np.testing.assert_allclose(women, results.values("coverage_women_share")[..., 0], rtol=1e-12)

    def test_kinds_of_cover_make_everybody(self, results: Results) -> None:
        totals = results.arrays.strata.sum(axis=2)
        months = np.stack(
            [
                totals[..., codes.S_INSURED_MONTHS],
                totals[..., codes.S_FORMAL_MONTHS],
                totals[..., codes.S_PERSON_MONTHS]
                - totals[..., codes.S_INSURED_MONTHS]
                - totals[..., codes.S_FORMAL_MONTHS],
            ],
            axis=-1,
        )
        assert (months[:, -1] > 0).all()
        for name in BY_COVER:
            parts = np.nan_to_num(results.values(name, by="cover"))
            mean = (parts * months).sum(axis=2) / months.sum(axis=2)
            np.testing.assert_allclose(mean, results.values(name)[..., 0], rtol=1e-9)
        # the variables that there were for two of them
        visits = results.values("visits_per_person_year", by="cover")
        for name, place in (("visits_insured_per_person_year", 0), ("visits_uninsured_per_person_year", 2)):
            np.testing.assert_allclose(visits[..., place], results.values(name)[..., 0], rtol=1e-12)

    def test_members_pay_less_and_come_more_often(self, results: Results) -> None:
        visits = results.values("visits_per_person_year", by="cover")[:, -3:].mean(axis=(0, 1))
        paid = results.values("out_of_pocket_rwf_per_person_year", by="cover")[:, -3:].mean(axis=(0, 1))
        assert visits[0] > 1.2 * visits[2]
        assert paid[0] / visits[0] < paid[2] / visits[2]


def test_a_hand_made_stratum() -> None:
    strata = np.zeros((1, 1, codes.STRATA, codes.N_STRATUM_TALLIES), dtype=np.int64)
    cell = strata[0, 0, 3 * codes.CATEGORIES + codes.RICH]  # fourth quintile, rich
    cell[codes.S_PERSONS], cell[codes.S_PAID], cell[codes.S_PERSON_MONTHS] = 10, 4, 60
    cell[codes.S_VISITS], cell[codes.S_VISITS_WOMEN], cell[codes.S_WOMEN] = 20, 15, 5
    assert stratum_values(strata, "coverage_end_share", "quintile")[0, 0, 3] == 0.4
    assert np.isnan(stratum_values(strata, "coverage_end_share", "quintile")[0, 0, :3]).all()
    assert stratum_values(strata, "visits_per_person_year", "category")[0, 0, 2] == 12 * 20 / 60
    np.testing.assert_allclose(stratum_values(strata, "visits_per_person_year", "sex")[0, 0], [2.0, 6.0])


def test_what_is_not_kept_is_refused(results: Results) -> None:
    with pytest.raises(ValueError, match="'trust' by year is not kept by quintile; by year there are: pers"):
        results.values("trust", by="quintile")
    with pytest.raises(ValueError, match="by month is not kept by sex"):
        results.values("persons", every="month", by="sex")
    with pytest.raises(ValueError, match=r"by must be one of 'all', .*'cover'; got 'tribe'"):
        results.values("persons", by="tribe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="by must be one of"):
        results.to_frame("persons", by="tribe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name must be one variable"):
        results.to_frame(["persons"])  # type: ignore[arg-type]
