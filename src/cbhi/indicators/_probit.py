"""A weighted probit by maximum likelihood, for the positive-correlation test."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._checks import BoolArray, FloatArray
from .errors import UndefinedError

_CERTAIN = 7.0
"""Fitted index beyond which a probability is 0 or 1 to twelve digits: the data separate."""


class Probit(NamedTuple):
    """Coefficients (shape (k,)), fitted index and generalised residual of each row (shape (n,))."""

    coefficients: FloatArray
    fitted: FloatArray
    residual: FloatArray


def fit_probit(name: str, outcome: BoolArray, design: FloatArray, weights: FloatArray) -> Probit:
    """Fit ``P(outcome) = Phi(design @ b)`` by maximum likelihood.

    ``design`` has shape (n, k) and full column rank; ``weights`` are frequencies of shape (n,). The
    generalised residual is ``E(error | outcome)``: Gourieroux et al. (1987), J Econometrics 34.

    Raises
    ------
    ValueError
        If the columns predict some rows of ``name`` perfectly, so that no finite estimate exists.
    """
    from scipy.optimize import minimize
    from scipy.special import log_ndtr

    sign = np.where(outcome, 1.0, -1.0)
    total = weights.sum()
    scale = np.sqrt(weights @ design**2 / total)
    scaled = design / scale

    def mills(index: FloatArray) -> FloatArray:
        signed = sign * index
        log_density = -0.5 * (index**2 + np.log(2 * np.pi))
        return np.asarray(sign * np.exp(log_density - log_ndtr(signed)))

    def objective(b: FloatArray) -> float:
        return float(-(weights @ log_ndtr(sign * (scaled @ b))) / total)

    def gradient(b: FloatArray) -> FloatArray:
        return np.asarray(-((weights * mills(scaled @ b)) @ scaled) / total)

    def hessian(b: FloatArray) -> FloatArray:
        index = scaled @ b
        ratio = mills(index)
        curvature = weights * ratio * (ratio + index) / total
        return np.asarray((scaled * curvature[:, None]).T @ scaled)

    fit = minimize(
        objective,
        np.zeros(design.shape[1]),
        jac=gradient,
        hess=hessian,
        method="trust-exact",
        options={"gtol": 1e-12, "maxiter": 500},
    )
    index = scaled @ fit.x
    if not np.all(np.abs(index[weights > 0]) < _CERTAIN):
        raise UndefinedError(f"{name} is predicted perfectly by the covariates for some rows; drop columns")
    return Probit(np.asarray(fit.x / scale), index, mills(index))
