"""The calibration of Rwanda at small size, on synthetic figures made by the engine itself."""

from __future__ import annotations

import numpy as np

from cbhi.calibration.calibration import Calibration
from cbhi.calibration.core import Problem
from cbhi.calibration.synthetic import SyntheticSets

HOUSEHOLDS = 1_000
SEED = 21


def problem(number: int, factor: float = 1.0) -> tuple[Problem, np.ndarray]:
    """Return a synthetic data set and the truth behind its explored parameters.

    The covariance holds the noise of the simulator and the carried parameters as measured at the centre of
    the prior; those simulations are nobody's, because every method needs them.

    Parameters
    ----------
    number
        Of the data set.
    factor
        On all errors of figures and model.
    """
    cal = Calibration.read("rwanda", households=HOUSEHOLDS, replicates=1).with_errors(factor)
    made = SyntheticSets(cal, policies=()).make(number, SEED)
    if made is None:
        raise RuntimeError(
            f"the simulations of data set {number} failed; python benchmarks/calibration again"
        )
    fitted = cal.with_observed(made.observed).replace(seed=made.fit_seed)
    evaluator = fitted.evaluator("serial")
    errors, _ = fitted.errors_at(evaluator, np.zeros(len(cal.priors)), "at the prior's centre")
    names = tuple(prior.key for prior in cal.priors)
    targets = tuple(target.name for target in cal.targets)
    found = Problem(names, targets, made.observed, errors.total, evaluator, seed=made.fit_seed)
    return found, made.explored
