"""The engine gives the statistics that an earlier version gave, within the error of chance.

Other seeds than the earlier version's, so nothing rests on equal draws. About eight hundred figures are
compared at four standard errors: a change of the draws that is right is refused about once in forty times;
then the same outcome stands alone and does not come back with another seed.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from statistics_of_runs import (
    MAIN,
    OVER_YEARS,
    STANDARD_ERRORS,
    Figures,
    Kept,
    cases,
    compare,
    figures,
    read,
    run,
)

FILE = Path(__file__).resolve().parents[1] / "data" / "statistics.json"
SEED = 31_415
pytestmark = pytest.mark.slow
BEFORE = read(FILE)
CASES = cases()


@pytest.fixture(scope="module")
def now() -> dict[str, Figures]:
    return {name: figures(run(case, SEED, case.compared)) for name, case in CASES.items()}


@pytest.mark.parametrize("case", CASES)
def test_statistics_are_those_of_the_version_before(case: str, now: dict[str, Figures]) -> None:
    differences = compare(now[case], BEFORE[case])
    assert len(differences) > 400
    refused = [str(difference) for difference in differences if difference.differs]
    assert not refused


@pytest.mark.parametrize("factor", [1.01, 0.99])
@pytest.mark.parametrize("outcome", MAIN)
def test_a_shift_of_one_per_cent_is_refused(outcome: str, factor: float, now: dict[str, Figures]) -> None:
    """The figures of this version, brought to the mean of the earlier one and moved by one per cent."""
    before = BEFORE["rwanda"]
    moved = {
        name: {
            year: values * before[name][year].mean / values.mean() if values.mean() else values
            for year, values in years.items()
        }
        for name, years in now["rwanda"].items()
    }
    assert not [str(difference) for difference in compare(moved, before) if difference.differs]
    moved[outcome] = {year: values * factor for year, values in moved[outcome].items()}
    refused = {difference.outcome for difference in compare(moved, before) if difference.differs}
    assert refused == {outcome}


def test_so_much_is_run_that_one_per_cent_is_seen_nearly_always() -> None:
    """A true shift of one per cent lies so far beyond the border that chance hides it once in twenty."""
    for outcome in MAIN:
        mean, sd, replicates = BEFORE["rwanda"][outcome][OVER_YEARS]
        error = sd * math.sqrt(1 / replicates + 1 / CASES["rwanda"].compared)
        assert (STANDARD_ERRORS + 1.645) * error < 0.01 * mean, outcome


def test_an_engine_with_one_per_cent_more_illness_is_refused() -> None:
    """The same by simulation: what is read from runs moves, not only numbers in a table."""
    case = CASES["rwanda"]
    need = case.scenario.regimes()[0][1].care.need_per_person_year
    more = case._replace(scenario=case.scenario.replace({"care.need_per_person_year": 1.01 * need}))
    refused = [d for d in compare(figures(run(more, SEED + 1, 8)), BEFORE["rwanda"]) if d.differs]
    assert {"episodes_per_person_year", "forgone_care_per_person_year"} <= {d.outcome for d in refused}


def test_the_runs_are_those_that_were_kept() -> None:
    """Nothing that was kept is empty, and the cases differ."""
    for years in BEFORE["partners"].values():
        assert all(kept.replicates == CASES["partners"].kept for kept in years.values())
    assert BEFORE["rwanda"]["fraud_rwf"][OVER_YEARS].mean == 0
    assert BEFORE["partners"]["fraud_rwf"][OVER_YEARS].mean > 0
    assert all(years[OVER_YEARS].mean > 0 for name, years in BEFORE["rwanda"].items() if name in MAIN)


@pytest.mark.parametrize(
    ("value", "differs"), [(100.0, False), (103.9, False), (104.2, True), (95.8, True), (math.nan, True)]
)
def test_four_standard_errors_are_the_border(value: float, differs: bool) -> None:
    # sd 4 over 16 runs now, none of chance before
    kept = {"x": {"2005": Kept(100.0, 4.0, 10**9)}}
    (found,) = compare({"x": {"2005": np.full(16, value)}}, kept)
    assert found.error == pytest.approx(1.0)
    assert found.differs is differs


def test_what_does_not_vary_must_be_equal() -> None:
    kept = {"x": {"2005": Kept(1.0, 0.0, 20)}}
    assert not compare({"x": {"2005": np.ones(4)}}, kept)[0].differs
    assert compare({"x": {"2005": np.full(4, 1.0001)}}, kept)[0].differs


def test_a_year_that_only_one_version_knows_is_told() -> None:
    kept = {"x": {"2005": Kept(1.0, 0.0, 20)}}
    with pytest.raises(ValueError, match="x is known in"):
        compare({"x": {"2006": np.ones(4)}}, kept)
