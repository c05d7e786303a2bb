"""Find one set of parameter values for Rwanda by least squares on the rows marked ``fit``.

    python benchmarks/fit_rwanda.py                # about ten minutes on two cores; rewrites the scenario
    python benchmarks/fit_rwanda.py --dry-run      # prints, writes nothing

Residuals are (published - simulated) over the published figure's own error joined with a model
discrepancy, plus one residual a parameter for its prior. All simulations share their random numbers
(seeds 1 to ``--replicates``), so that the objective is smooth enough for differences with large steps
(0.25 prior standard deviations). This gives one point, not a posterior: what the data cannot tell apart
stays at its prior. Rows marked ``check`` are never read.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

import cbhi
from cbhi import datasets
from cbhi.params import parameter_table
from cbhi.scenarios import scenarios_dir


@dataclass(frozen=True)
class Free:
    """A free parameter: prior mean and standard deviation, and the documented range it must stay in."""

    key: str
    mean: float
    sd: float
    low: float
    high: float
    why: str


FREE = (
    Free(
        "enrolment.intercept", -1.0, 1.5, -6.0, 6.0, "design text: N(-2, 1.5), moved by the terms added here"
    ),
    Free("enrolment.price_slope", 20.0, 10.0, 1.0, 80.0, "assumption"),
    Free("enrolment.income_gradient", 0.2, 0.3, -1.0, 2.0, "design text: N(0.6, 0.3) with the price inside"),
    Free("enrolment.peer_weight", 2.0, 1.0, 0.0, 6.0, "design text: N(2, 1)"),
    Free("enrolment.inertia", 1.5, 0.7, 0.0, 5.0, "design text: N(1.5, 0.7)"),
    Free("enrolment.attention_per_month", 0.35, 0.08, 0.1, 0.8, "design text: about 0.35"),
    Free("enrolment.attention_before_share", 0.4, 0.2, 0.0, 1.0, "assumption"),
    Free("mandate.mobilisation_weight", 2.0, 1.5, 0.0, 8.0, "design text: N(2, 1.5)"),
    Free("mandate.capacity_growth_per_year", 0.5, 0.2, 0.05, 2.0, "assumption"),
    Free("care.seek_intercept", 0.0, 1.0, -4.0, 4.0, "assumption"),
    Free("care.seek_price", 2.0, 0.6, 0.2, 6.0, "use responds to price with an elasticity of 0.3 to 0.9"),
    Free("care.seek_quality", 1.5, 1.0, 0.0, 6.0, "assumption"),
    Free("income.premium_saving_share", 0.3, 0.15, 0.0, 0.9, "assumption"),
    Free("care.cost_outpatient_rwf", 1000.0, 200.0, 700.0, 1500.0, "assumptions: 700 to 1,500"),
    Free("care.admission_if_severe", 0.1, 0.03, 0.05, 0.2, "assumptions: 0.015 to 0.04 admissions a contact"),
    Free("fund.administration_share", 0.14, 0.03, 0.10, 0.25, "design text: 0.10 to 0.25"),
    Free("observation.overcount_share", 0.08, 0.05, 0.0, 0.3, "design text: factor 1.0 to 1.3"),
)

# variable of the data -> (variable of the model, factor to the model's unit, model discrepancy in that unit)
TARGETS = {
    "cbhi_coverage_pop": ("coverage_administrative_share", 0.01, 0.03),
    "any_insurance_coverage_pop": ("any_insurance_administrative_share", 0.01, 0.03),
    "outpatient_visits_pc": ("visits_per_person_year", 1.0, 0.05),
    "cbhi_member_contributions": ("contributions_rwf", 1e9, 1e9),
    "cbhi_claims": ("claims_paid_rwf", 1e9, 1e9),
    "cbhi_other_expenses": ("administration_rwf", 1e9, 0.2e9),
}


def targets() -> list[tuple[str, str, str, float, float]]:
    """Return (key, period, model variable, published, total error) of every fitted row."""
    rows = []
    for row in datasets.fit_rows("rwanda").itertuples():
        variable, factor, discrepancy = TARGETS[row.variable]
        error = float(np.hypot(row.sd * factor, discrepancy))
        rows.append((row.key, str(row.year), variable, row.value * factor, error))
    return rows


class Objective:
    """Weighted residuals at a point, in units of prior standard deviations; remembers every point."""

    def __init__(self, base: str, households: int, replicates: int, workers: int) -> None:
        self.base = cbhi.scenario(base)
        self.households = households
        self.replicates = replicates
        self.pool = ThreadPoolExecutor(workers)
        self.rows = targets()
        self.runs = 0

    def values(self, z: np.ndarray) -> dict[str, float]:
        return {
            free.key: float(np.clip(free.mean + free.sd * step, free.low, free.high))
            for free, step in zip(FREE, z, strict=True)
        }

    def simulated(self, z: np.ndarray) -> np.ndarray:
        scenario = self.base.replace(self.values(z), name="fit")
        results = cbhi.simulate(scenario, households=self.households, replicates=self.replicates, seed=1)
        labels = [label for label, _, _ in results.periods]
        return np.array([results.values(v)[:, labels.index(p), 0].mean() for _, p, v, _, _ in self.rows])

    def batch(self, points: list[np.ndarray]) -> list[np.ndarray]:
        self.runs += len(points)
        out = []
        for z, sim in zip(points, self.pool.map(self.simulated, points), strict=True):
            data = [(s - published) / error for s, (*_, published, error) in zip(sim, self.rows, strict=True)]
            out.append(np.concatenate([data, z]))
        return out

    def __call__(self, z: np.ndarray) -> np.ndarray:
        residuals = self.batch([z])[0]
        print(f"  run {self.runs:4d}: half the sum of squares {0.5 * residuals @ residuals:8.3f}", flush=True)
        return residuals

    def jacobian(self, z: np.ndarray, step: float = 0.25) -> np.ndarray:
        # away from the nearer bound
        steps = np.where(z > 0, -step, step)
        base, *moved = self.batch([z, *(z + steps[i] * np.eye(z.size)[i] for i in range(z.size))])
        return np.stack([(m - base) / s for m, s in zip(moved, steps, strict=True)], axis=1)


def write_scenario(path: Path, values: dict[str, float], command: str, loss: float, runs: int) -> None:
    """Write the fitted scenario to a temporary name and rename it."""
    info = parameter_table()
    lines = [
        "# Generated; do not edit by hand. Values found by least squares on the rows marked fit.",
        f"# command: {command}",
        f"# cbhi {cbhi.__version__}, {datetime.date.today().isoformat()}, {runs} simulations,"
        f" half the sum of squares {loss:.3f}",
        'name = "Rwanda"',
        'about = "Rwanda 1999-2012, fitted to the published figures marked fit; extendable to June 2018"',
        'base = "rwanda-rules"',
    ]
    for section in dict.fromkeys(key.split(".")[0] for key in values):
        lines += ["", f"[{section}]"]
        for key, value in values.items():
            if key.startswith(section + "."):
                lines.append(f"{key.split('.', 1)[1]} = {value:.6g}  # {info[key].unit}")
    lines += ["", "[sources]"]
    for free in FREE:
        source = f"least squares on the fit rows; prior N({free.mean:g}, {free.sd:g}): {free.why}"
        lines.append(f'"{free.key}" = {{ source = "{source}", confidence = "fitted" }}')
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="rwanda-rules")
    parser.add_argument("--households", type=int, default=10_000)
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--max-steps", type=int, default=12)
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args()
    objective = Objective(arguments.base, arguments.households, arguments.replicates, arguments.workers)
    bounds = (
        np.array([(free.low - free.mean) / free.sd for free in FREE]),
        np.array([(free.high - free.mean) / free.sd for free in FREE]),
    )
    fit = least_squares(
        objective, np.zeros(len(FREE)), jac=objective.jacobian, bounds=bounds, max_nfev=arguments.max_steps
    )
    values = objective.values(fit.x)
    simulated = objective.simulated(fit.x)
    print("\nparameter                              value      prior   moved by (prior sd)")
    for free, step in zip(FREE, fit.x, strict=True):
        print(f"{free.key:34s} {values[free.key]:9.4g}  {free.mean:9.4g}   {step:+.2f}")
    print("\ntarget                          period   published   simulated   deviation in total error")
    for (key, period, _, published, error), s in zip(objective.rows, simulated, strict=True):
        print(f"{key:32s} {period:6s} {published:11.4g} {s:11.4g}   {(s - published) / error:+.2f}")
    print(f"\nhalf the sum of squares {fit.cost:.3f} after {objective.runs} simulations")
    if not arguments.dry_run:
        command = "python benchmarks/fit_rwanda.py" + "".join(f" {a}" for a in sys.argv[1:])
        write_scenario(scenarios_dir() / "rwanda.toml", values, command, float(fit.cost), objective.runs)


if __name__ == "__main__":
    main()
