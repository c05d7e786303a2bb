"""Fit the earlier figures only, predict the later ones, and score the predictions."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.calibration.ensemble import draw_members
from cbhi.calibration.errors import Errors
from cbhi.calibration.executors import Executor, Workers, cut
from cbhi.calibration.scoring import (
    carried_forward,
    crps_of_draws,
    crps_of_normal,
    interval_holds,
    position_among,
    skill,
)
from cbhi.calibration.simulating import Task, simulate_tasks
from cbhi.calibration.streams import generator
from cbhi.calibration.targets import Target, keep_shared_errors
from cbhi.kernels.records import F8
from cbhi.tables import Table, scale_of

if TYPE_CHECKING:
    import pandas as pd

    from cbhi.calibration.calibration import Calibration
    from cbhi.calibration.posterior import Posterior

__all__ = ["Forecast", "forecast", "split_at"]

LEVEL = 0.9


@dataclass(frozen=True)
class Forecast:
    """Figures that were not fitted, beside what the fitted model and carry-forward said of them.

    Attributes
    ----------
    fitted
        Targets that were fitted.
    later
        Targets that were predicted.
    draws
        What would be published, shape (draws, later): parameters, chance of the simulation, errors of the
        figures and discrepancy of the model are all in them.
    """

    fitted: tuple[Target, ...]
    later: tuple[Target, ...]
    draws: F8

    @property
    def observed(self) -> F8:
        """What was published, shape (later,)."""
        return np.array([target.value for target in self.later])

    def rivals(self) -> F8:
        """Return mean and standard deviation of carry-forward, shape (later, 2).

        The last fitted figure of the same variable, with the errors of both; not a number where there is
        none.
        """
        found = np.full((len(self.later), 2), math.nan)
        for row, target in enumerate(self.later):
            before = [earlier for earlier in self.fitted if earlier.variable == target.variable]
            if before:
                last = max(before, key=lambda earlier: int(earlier.period))
                found[row] = carried_forward(last.value, last.sd, target.sd)
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return one row a later figure.

        Returns
        -------
        pandas.DataFrame
            ``target``, ``variable``, ``period``, ``published`` and ``sd``; ``median``, ``p05`` and ``p95``
            predicted; ``inside_90``; ``crps`` and ``crps_carried_forward`` in units of the published standard
            error; ``carried_forward`` (its mean); ``unit``.
        """
        import pandas as pd

        rivals, errors = self.rivals(), np.array([target.sd for target in self.later])
        low, median, high = np.quantile(self.draws, (0.05, 0.5, 0.95), axis=0)
        return pd.DataFrame(
            {
                "target": [target.name for target in self.later],
                "variable": [target.variable for target in self.later],
                "period": [target.period for target in self.later],
                "published": self.observed,
                "sd": errors,
                "median": median,
                "p05": low,
                "p95": high,
                "inside_90": interval_holds(position_among(self.draws, self.observed), LEVEL),
                "crps": crps_of_draws(self.draws, self.observed) / errors,
                "carried_forward": rivals[:, 0],
                "crps_carried_forward": crps_of_normal(rivals[:, 0], rivals[:, 1], self.observed) / errors,
                "unit": [target.unit for target in self.later],
            }
        )

    @property
    def skill(self) -> float:
        """One minus the ratio of mean scores, ours over carry-forward's, where both have one."""
        frame = self.to_frame()
        return skill(frame["crps"], frame["crps_carried_forward"])

    @property
    def coverage(self) -> float:
        """Share of later figures inside the 90 % interval."""
        return float(self.to_frame()["inside_90"].mean())

    def summary(self) -> Table:
        """Return the later figures beside their predictions, with scores and a verdict."""
        frame = self.to_frame()
        rows = [_row(dict(row)) for _, row in frame.iterrows()]
        first = max(int(target.period) for target in self.fitted)
        inside = int(frame["inside_90"].sum())
        return Table(
            title=f"Fitted to figures until {first} alone: what was said of the later ones",
            heads=(
                ("", "year", "published", "s.e.", "predicted", "5-95 %", "inside", "score", "carry-"),
                ("", "", "", "", "", "", "", "", "forward's"),
            ),
            rows=tuple(rows),
            n_labels=2,
            facts=(
                ("figures fitted", str(len(self.fitted))),
                ("figures predicted", str(len(self.later))),
                ("draws", f"{len(self.draws):,}"),
            ),
            notes=(
                "5-95 %: of what would be published: parameters, chance of the simulation, error of the"
                " figure and discrepancy of the model. Score: continuous ranked probability score over the"
                " published standard error, 0 at best. Carry-forward: the last fitted figure of the same"
                " kind, with the errors of both; '-' where there is none.",
                self.verdict(inside),
            ),
        )

    def verdict(self, inside: int) -> str:
        """Return what the scores say, in one or two sentences."""
        n, rivalled = len(self.later), np.isfinite(self.rivals()[:, 0])
        words = f"{inside} of {n} later figures lie inside their 90 % interval"
        if not rivalled.any():
            return f"{words}. None has an earlier figure to carry forward."
        better = "better" if self.skill > 0 else "no better"
        return (
            f"{words}. Over the {np.count_nonzero(rivalled)} with an earlier figure of their kind the mean"
            f" score is {better} than carry-forward's: skill {100 * self.skill:.0f} % (100 % is perfect, 0 as"
            " good)."
            " So few figures, which share errors, prove little either way."
        )


def _row(row: dict[Any, Any]) -> tuple[str, ...]:
    scale = scale_of(row["unit"], max(abs(row["published"]), abs(row["p95"])))

    def score(value: float) -> str:
        return "-" if math.isnan(value) else f"{value:.2f}"

    return (
        f"{row['target'].split(':')[0]}, {scale.unit}",
        row["period"],
        scale.show(row["published"]),
        scale.show(row["sd"]),
        scale.show(row["median"]),
        f"{scale.show(row['p05'])} to {scale.show(row['p95'])}",
        "yes" if row["inside_90"] else "NO",
        score(row["crps"]),
        score(row["crps_carried_forward"]),
    )


def split_at(
    calibration: Calibration, fit_until: int, predict_until: int
) -> tuple[Calibration, tuple[Target, ...]]:
    """Return a calibration to the earlier figures alone, and the later figures.

    Parameters
    ----------
    calibration
        With all figures.
    fit_until
        Last reporting year that is fitted.
    predict_until
        Last reporting year that is predicted.

    Raises
    ------
    ValueError
        When no figure is left on either side.
    """
    if predict_until <= fit_until:
        raise ValueError(
            f"predictions until {predict_until} must reach beyond the fit, which ends in {fit_until}"
        )
    years = sorted({int(target.period) for target in calibration.targets})
    earlier = tuple(t for t in calibration.targets if int(t.period) <= fit_until)
    later = tuple(t for t in calibration.targets if fit_until < int(t.period) <= predict_until)
    if not earlier or not later:
        side = f"until {fit_until}" if not earlier else f"from {fit_until + 1} to {predict_until}"
        raise ValueError(f"there is no figure {side}; figures there are for {', '.join(map(str, years))}")
    earlier, shared = keep_shared_errors(calibration.shared_errors, earlier)
    return calibration.replace(targets=earlier, shared_errors=shared), later


def forecast(
    calibration: Calibration,
    posterior: Posterior,
    later: Sequence[Target],
    *,
    n: int = 400,
    executor: str | Executor | None = None,
    workers: int | None = None,
) -> Forecast:
    """Predict later figures under the posterior of the earlier ones.

    Parameters
    ----------
    calibration
        With all figures, as given to ``split_at``.
    posterior
        Of the earlier figures.
    later
        What is predicted.
    n
        Members of the posterior; each is simulated once, with draws of its own that no fit used.
    executor, workers
        As for ``Calibration.fit``.

    Returns
    -------
    Forecast

    Raises
    ------
    RuntimeError
        When fewer than two simulations succeeded.

    Notes
    -----
    Discrepancy and errors of the later figures are drawn afresh: what they share with the earlier ones is not
    carried over, which makes the bands no narrower than they should be.
    """
    wanted, shared = keep_shared_errors(calibration.shared_errors, later)
    plan = calibration.replace(targets=wanted, shared_errors=shared).plan()
    random = generator(posterior.fit.problem.seed, "forecast")
    seed = int(random.integers(2**62))
    points, carried = draw_members(posterior.fit, posterior.draws, n, seed)
    priors = (*posterior.fit.priors, *posterior.fit.carried)
    columns = zip(priors, np.concatenate([points, carried], axis=1).T, strict=True)
    values = np.stack([np.asarray(prior.to_value(column)) for prior, column in columns], axis=1)
    tasks = [Task(tuple(row), seed, place) for place, row in enumerate(values.tolist())]
    with Workers(executor, workers) as hands:
        chunks = cut(tasks, hands.count)
        answers = list(hands.map(functools.partial(simulate_tasks, plan), chunks))
    simulated = np.concatenate([answer.values for answer in answers])
    simulated = simulated[np.isfinite(simulated).all(axis=1)]
    if len(simulated) < 2:
        raise RuntimeError(
            f"{n - len(simulated)} of {n} simulations of later years failed: {answers[0].errors[0]}"
        )
    known = Errors.of(wanted, shared)
    errors = random.multivariate_normal(
        np.zeros(len(later)), known.published + known.discrepancy, size=len(simulated), method="cholesky"
    )
    return Forecast(_fitted(calibration, posterior), tuple(later), simulated + errors)


def _fitted(calibration: Calibration, posterior: Posterior) -> tuple[Target, ...]:
    """Return the targets of a calibration that a posterior was fitted to."""
    names = set(posterior.fit.problem.targets)
    return tuple(target for target in calibration.targets if target.name in names)
