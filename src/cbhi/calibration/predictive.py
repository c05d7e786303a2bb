"""Posterior predictive checks: could the fitted model have published these figures?

Given a draw of the explored parameters, what would be published is normal around what is simulated there
with carried parameters at their mean given the draw and the figures, as members of the ensemble have them.
Its covariance is that of the problem (errors of the figures, noise of the simulator, discrepancy), with what
is left of the doubt about carried parameters in the place of their priors. The predictive distribution is
the weighted mixture of these normals over the draws, so that quantiles and tail probabilities need no
further chance and no further simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cbhi.calibration.core import Draws, Mode, Problem
from cbhi.calibration.ensemble import carried_given_targets
from cbhi.kernels.records import F8

__all__ = ["PredictiveChecks", "check_predictions", "mixture_quantiles", "with_carried"]

_TRUSTED = 0.7


@dataclass(frozen=True)
class PredictiveChecks:
    """Each target beside its predictive distribution, and all of them together.

    Attributes
    ----------
    targets
        Names, in order.
    observed
        Published figures, (targets,).
    median, low, high
        Of the predictive distribution: 50, 5 and 95 %, (targets,).
    tail
        Two-sided probability of a figure as far out as the published one, (targets,). The figure itself
        helped to fit the parameters, so that small values are rarer than their size says.
    left_out
        The same when the figure is predicted from all others alone; uniform if the model holds, (targets,).
        The draws are weighted as if the figure had not been used; where their weights cannot be trusted, it
        is reckoned to first order at the mode instead.
    left_out_k
        Shape of the tail of those weights, (targets,); above 0.7 they cannot be trusted.
    chi_square
        Twice the loss at the mode: squared distance of all figures and of the prior, ``targets`` degrees of
        freedom if the model holds and is close to linear.
    probability
        Of a value at least as large.
    realised
        Probability that figures made by the fitted model lie further from what it simulates than the
        published ones do, over the draws; near 0 means a poor fit, near 1 errors that are stated too large.
    """

    targets: tuple[str, ...]
    observed: F8
    median: F8
    low: F8
    high: F8
    tail: F8
    left_out: F8
    left_out_k: F8
    chi_square: float
    probability: float
    realised: float

    @property
    def worst(self) -> int:
        """Place of the figure that the others predict worst."""
        return int(np.argmin(self.left_out))

    @property
    def n_within(self) -> int:
        """Figures inside their 5-95 % band."""
        return int(np.count_nonzero((self.observed >= self.low) & (self.observed <= self.high)))

    @property
    def worst_probability(self) -> float:
        """Probability that the worst of so many figures is at least as bad (Bonferroni)."""
        return float(min(1.0, len(self.targets) * self.left_out.min()))

    @property
    def n_first_order(self) -> int:
        """Figures whose ``left_out`` is reckoned to first order."""
        return int(np.count_nonzero(~(self.left_out_k <= _TRUSTED)))


def mixture_quantiles(centres: F8, sd: F8, weights: F8, share: float) -> F8:
    """Return a quantile of mixtures of normals that share weights.

    Parameters
    ----------
    centres
        Of the normals, (draws, targets).
    sd
        Standard deviation of every normal of a target, (targets,).
    weights
        Of the draws, adding up to one, (draws,).
    share
        From 0 to 1.

    Returns
    -------
    numpy.ndarray
        Shape (targets,), to a millionth of the standard deviation.
    """
    from scipy.special import ndtr, ndtri

    # the quantile of a mixture lies between the smallest and the largest of its parts
    reach = float(ndtri(share))
    low = centres.min(axis=0) + reach * sd
    high = centres.max(axis=0) + reach * sd
    steps = int(np.ceil(np.log2(max(float(np.max((high - low) / sd)), 1.0) * 1e6))) + 1
    for _ in range(steps):
        middle = 0.5 * (low + high)
        below = weights @ ndtr((middle - centres) / sd) < share
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high), dtype=np.float64)


def with_carried(problem: Problem, slopes: F8, simulated: F8) -> tuple[F8, F8]:
    """Return what is simulated with carried parameters as the figures have them, and the covariance then.

    Parameters
    ----------
    problem
        Whose covariance holds ``slopes @ slopes.T``.
    slopes
        Change of each target for one prior standard deviation of each carried parameter, (targets, carried).
    simulated
        With carried parameters at their centres, (n, targets).

    Returns
    -------
    numpy.ndarray
        With carried parameters at their mean given the figures, to first order, (n, targets).
    numpy.ndarray
        Of what would be published around it, (targets, targets).
    """
    means, left = carried_given_targets(problem, slopes, simulated)
    return simulated + means @ slopes.T, problem.covariance - slopes @ (np.eye(len(left)) - left) @ slopes.T


def check_predictions(
    problem: Problem, mode: Mode, draws: Draws, slopes: F8 | None = None
) -> PredictiveChecks:
    """Set each target beside what the fitted model would publish.

    Parameters
    ----------
    problem
        Targets and covariance.
    mode
        The best point.
    draws
        Weighted draws of the parameters, with what is simulated at each.
    slopes
        Of carried parameters, as for ``with_carried``; none are carried if not given.

    Returns
    -------
    PredictiveChecks
        Quantiles and probabilities.

    References
    ----------
    Gelman, Meng and Stern (1996), Posterior predictive assessment of model fitness via realized
    discrepancies, Statistica Sinica 6. Vehtari, Gelman and Gabry (2017), Practical Bayesian model evaluation
    using leave-one-out cross-validation, Statistics and Computing 27.
    """
    from scipy.special import ndtr
    from scipy.stats import chi2

    usable = np.isfinite(draws.simulated).all(axis=1) & (draws.weights > 0.0)
    centres, weights = draws.simulated[usable], draws.weights[usable]
    weights = weights / weights.sum()
    nothing = np.zeros((len(problem.targets), 0))
    fitted, covariance = with_carried(problem, nothing if slopes is None else slopes, centres)
    sd = np.sqrt(np.diag(covariance))
    low, median, high = (mixture_quantiles(fitted, sd, weights, share) for share in (0.05, 0.5, 0.95))
    left_out, k = _left_out(problem, centres, np.log(weights))
    left_out = np.where(k <= _TRUSTED, left_out, _left_out_at_mode(problem, mode))
    n = len(problem.targets)
    return PredictiveChecks(
        targets=problem.targets,
        observed=problem.observed,
        median=median,
        low=low,
        high=high,
        tail=_two_sided(weights @ ndtr((problem.observed - fitted) / sd)),
        left_out=left_out,
        left_out_k=k,
        chi_square=2.0 * mode.loss,
        probability=float(chi2.sf(2.0 * mode.loss, n)),
        realised=float(weights @ chi2.sf(2.0 * problem.misfit(centres), n)),
    )


def _two_sided(below: F8) -> F8:
    """Return two-sided probabilities from those of a smaller value."""
    return np.asarray(2.0 * np.minimum(below, 1.0 - below), dtype=np.float64)


def _left_out(problem: Problem, centres: F8, log_weights: F8) -> tuple[F8, F8]:
    """Return the two-sided probability of each figure given all others, and the shape of the weights' tail.

    Errors of the figures are correlated, so that a figure left out is predicted given the parameters *and*
    the errors of all others: with the precision ``P`` and ``r = published - simulated``, its mean lies at
    published less ``(P r)_j / P_jj`` and its variance is ``1 / P_jj``.
    """
    from scipy.special import ndtr

    from cbhi.calibration.pareto import smooth_weights

    precision = np.linalg.inv(problem.covariance)
    sd = 1.0 / np.sqrt(np.diag(precision))
    ahead = ((problem.observed - centres) @ precision) * sd  # in units of sd: (P r)_j / P_jj / sd
    probability, shapes = np.empty(ahead.shape[1]), np.empty(ahead.shape[1])
    for j in range(ahead.shape[1]):
        smoothed, shapes[j] = smooth_weights(log_weights + 0.5 * ahead[:, j] ** 2)
        probability[j] = _two_sided(np.exp(smoothed) @ ndtr(ahead[:, j]))
    return probability, shapes


def _left_out_at_mode(problem: Problem, mode: Mode) -> F8:
    """Return the two-sided probability of each figure given all others, were the model linear.

    Figures are then normal around what is simulated at the prior's centre, with covariance ``Sigma + J J'``.
    """
    from scipy.special import ndtr

    precision = np.linalg.inv(problem.covariance + mode.jacobian @ mode.jacobian.T)
    centre = mode.simulated - mode.jacobian @ mode.point
    ahead = (precision @ (problem.observed - centre)) / np.sqrt(np.diag(precision))
    return _two_sided(ndtr(ahead))
