"""Means of many runs by year, kept from one version of the engine to judge the next.

Two engines that draw otherwise give other integers and must still give the same statistics. Here are
the cases that are run for this, what is read from them, and how a difference is judged. The figures of
the earlier version are in ``tests/data/statistics.json``. As a program,

    python tests/properties/statistics_of_runs.py tests/data/statistics.json --commit COMMIT

writes that file with the engine that is installed, of that commit (some minutes). It is renewed only when
the model itself is changed on purpose; a faster engine must meet the old figures.

The cases are those of Rwanda with what separates runs taken out or narrowed (common shocks, differences
between sections, districts and households), because only then does one per cent stand out of the spread
of a few dozen runs: every rule works as before, on households that are more alike.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from eventful_cases import PARTNERS_AT_WORK
from numpy.typing import NDArray

from cbhi import Results, Scenario, scenario, simulate
from cbhi.engine import engine_hash

HOUSEHOLDS = 20_000
SEED = 905_071  # of the figures that are kept; a comparison takes another one
STANDARD_ERRORS = 4.0
BASE = Path(__file__).resolve().parents[1] / "data" / "rwanda_before.toml"
"""Rwanda at values that no later calibration moves."""

_ALIKE: dict[str, Any] = {
    "switches.common_shocks": False,
    "switches.rollout": False,
    "population.district_share_of_variance": 0.0,
    "population.shared_frailty_variance": 0.1,
    "population.own_frailty_variance": 0.3,
    "population.distance_log_sd": 0.2,
    "income.gini": {"2000-07": 0.3},
    "enrolment.taste_sd": 0.5,
    "care.cost_log_sd": 0.3,
    "provider.staffing_log_sd": 0.0,
    "provider.faith_based_share": 0.0,
    "trust.heritage_share": 0.0,
}

# moves of one per cent in any of these are seen in the case "rwanda"
MAIN = (
    "coverage_share",
    "coverage_end_share",
    "renewal_share",
    "episodes_per_person_year",
    "visits_per_person_year",
    "visits_insured_per_person_year",
    "visits_uninsured_per_person_year",
    "forgone_care_per_person_year",
    "out_of_pocket_rwf_per_person_year",
    "care_paid_by_others_rwf_per_person_year",
    "contributions_rwf",
    "subsidies_rwf",
    "claims_approved_rwf",
    "claims_paid_rwf",
    "administration_rwf",
    "household_cash_rwf",
    "persons",
    "households",
)
# rarer events and what accumulates: compared too, within a wider error
OTHERS = (
    "coverage_women_share",
    "formal_share",
    "any_insurance_share",
    "subsidised_share",
    "exclusion_error_share",
    "inclusion_error_share",
    "lapse_unaffordable_share",
    "lapse_unwilling_share",
    "lapse_inattentive_share",
    "admissions_per_person_year",
    "care_sought_share",
    "forgone_refused_per_person_year",
    "forgone_price_per_person_year",
    "forgone_distance_per_person_year",
    "forgone_service_per_person_year",
    "forgone_no_felt_need_per_person_year",
    "visits_elsewhere_per_person_year",
    "trust",
    "quality",
    "load",
    "wait_hours",
    "arrears_months",
    "births_per_1000",
    "deaths_per_1000",
    "scheme_income_rwf",
    "reserves_rwf",
    "arrears_rwf",
    "loans",
    "loans_rwf",
    "loans_outstanding_rwf",
    "lender_equity_rwf",
    "group_savings_rwf",
    "enrolled_by_loan",
    "induced_rwf",
    "claims_rejected_rwf",
    "fraud_rwf",
    "embezzled_rwf",
    "premium_factor",
    "gate_refusals",
    "penalties",
    "donor_money_rwf",
    "state_money_rwf",
)
# too rare for a single year: the mean over the years only
RARE = (
    "catastrophic_share",
    "household_debt_rwf",
    "loans_written_off_rwf",
    "loan_defaults_per_loan_year",
    "enrolled_by_group",
)
OVER_YEARS = "all years"
_COMMAND = "python tests/properties/statistics_of_runs.py"


class Case(NamedTuple):
    """A scenario, and how many of its runs are kept and how many a comparison needs."""

    scenario: Scenario
    kept: int
    compared: int


def cases() -> dict[str, Case]:
    """Return the shipped case and the same with every partner at work."""
    span = {"start": "2004-01", "end": "2009-12"}
    rwanda = scenario(BASE).replace(_ALIKE, name="rwanda", **span)
    partners = scenario(BASE).replace({**PARTNERS_AT_WORK, **_ALIKE}, name="partners", **span)
    return {"rwanda": Case(rwanda, 96, 20), "partners": Case(partners, 64, 6)}


def run(case: Case, seed: int, replicates: int) -> Results:
    """Run a case in two threads, without interviews."""
    return simulate(
        case.scenario, households=HOUSEHOLDS, replicates=replicates, seed=seed, workers=2, survey=0
    )


Figures = dict[str, dict[str, NDArray[np.float64]]]
"""By outcome and by year (and "all years"): one value a replicate."""


def figures(results: Results) -> Figures:
    """Return the outcomes of every run, by year and over the years."""
    labels = [label for label, _, _ in results.periods]
    found: Figures = {}
    for name in (*MAIN, *OTHERS, *RARE):
        values = results.values(name)[..., 0]
        known = ~np.isnan(values).any(axis=0)
        by_year = {} if name in RARE else {labels[i]: values[:, i] for i in np.flatnonzero(known)}
        found[name] = {**by_year, OVER_YEARS: values[:, known].mean(axis=1)}
    return found


class Kept(NamedTuple):
    """What an earlier version gave: mean, and spread between runs."""

    mean: float
    sd: float
    replicates: int


class Difference(NamedTuple):
    """One figure beside the earlier version's."""

    outcome: str
    year: str
    before: float
    now: float
    error: float  # standard error of the difference

    @property
    def differs(self) -> bool:
        """Say whether the difference is more than chance gives."""
        rounding = 1e-9 * abs(self.before)  # the file holds ten digits, some figures do not vary at all
        return not abs(self.now - self.before) <= max(STANDARD_ERRORS * self.error, rounding)

    def __str__(self) -> str:
        by = (self.now - self.before) / self.error if self.error else math.inf
        return f"{self.outcome} {self.year}: {self.now:.6g}, before {self.before:.6g}, {by:+.1f} s.e."


def compare(now: Figures, before: dict[str, dict[str, Kept]]) -> list[Difference]:
    """Return every figure beside the earlier one; a figure that only one of the two has is an error.

    The spread between runs is the earlier version's, which had more of them; a version with another spread is
    not refused for that alone.
    """
    found = []
    for outcome, years in before.items():
        if set(years) != set(now[outcome]):
            raise ValueError(f"{outcome} is known in {sorted(now[outcome])}, before in {sorted(years)}")
        for year, kept in years.items():
            values = now[outcome][year]
            error = kept.sd * math.sqrt(1.0 / kept.replicates + 1.0 / values.size)
            found.append(Difference(outcome, year, kept.mean, float(values.mean()), error))
    return found


def read(file: Path) -> dict[str, dict[str, dict[str, Kept]]]:
    """Return what is kept: case, outcome, year."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return {
        case: {
            outcome: {year: Kept(mean, sd, entry["replicates"]) for year, (mean, sd) in years.items()}
            for outcome, years in entry["outcomes"].items()
        }
        for case, entry in content["cases"].items()
    }


def _number(value: float) -> float:
    """Return a value with ten digits."""
    return float(f"{value:.10g}")


def write(file: Path, commit: str) -> None:
    """Run every case and write means and standard deviations."""
    kept: dict[str, Any] = {}
    for name, case in cases().items():
        outcomes = figures(run(case, SEED, case.kept))
        kept[name] = {
            "households": HOUSEHOLDS,
            "replicates": case.kept,
            "seed": SEED,
            "outcomes": {
                outcome: {y: [_number(v.mean()), _number(v.std(ddof=1))] for y, v in years.items()}
                for outcome, years in outcomes.items()
            },
        }
    content = {
        "what": "outcome, year: mean over the runs, standard deviation between them",
        "made with": f"{_COMMAND} tests/data/{file.name} --commit {commit}",
        "commit": commit,
        "engine": engine_hash(),
        "cases": kept,
    }
    text = json.dumps(content, indent=1)
    # one line a figure
    lines = text.replace("[\n      ", "[").replace(",\n      ", ", ").replace("\n     ]", "]")
    file.write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Keep the statistics of this engine.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--commit", required=True)
    arguments = parser.parse_args()
    write(arguments.file, arguments.commit)
