"""Draws as ArviZ knows them, for its 0.x (``InferenceData``) and 1.x (``xarray.DataTree``) alike."""

from __future__ import annotations

import hashlib
import importlib.metadata
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.calibration.predictive import with_carried
from cbhi.calibration.sampling import resample
from cbhi.calibration.streams import generator

if TYPE_CHECKING:
    from cbhi.calibration.posterior import Posterior

__all__ = ["to_arviz"]


def to_arviz(posterior: Posterior, *, chains: int = 4, draws: int = 250, seed: int | None = None) -> Any:
    """Return draws, predictions and data in ArviZ's groups; see ``Posterior.to_arviz``.

    Groups: ``posterior`` and ``prior`` (a variable a parameter, in its own unit), ``posterior_predictive``
    and ``observed_data`` (``published``, by target), ``sample_stats`` (``lp``, the log density but for a
    constant, ``log_weight`` of the draw that was resampled, ``place`` of that draw), ``constant_data``
    (standard errors and covariance); among the attributes a hash of the data.
    """
    try:
        with warnings.catch_warnings():
            # ArviZ 0.23 announces its refactoring whenever it is imported
            warnings.simplefilter("ignore", FutureWarning)
            import arviz
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "arviz":
            raise
        raise ModuleNotFoundError("arviz is not installed; pip install 'cbhi[bayes]'", name="arviz") from None

    if chains < 1 or draws < 1:
        raise ValueError(f"at least one chain of one draw is wanted, got {chains} of {draws}")
    groups = _groups(posterior, chains, draws, posterior.fit.problem.seed if seed is None else seed)
    coords = {
        "target": list(posterior.fit.problem.targets),
        "other_target": list(posterior.fit.problem.targets),
    }
    dims = {
        "published": ["target"],
        "standard_error": ["target"],
        "covariance": ["target", "other_target"],
    }
    attributes = {
        "inference_library": "cbhi",
        "inference_library_version": importlib.metadata.version("cbhi"),
        "method": posterior.draws.method,
        "effective_size": posterior.effective_size,
        "pareto_k": posterior.pareto_k,
        "sha256_of_targets": _hash_of_targets(posterior),
    }
    if int(arviz.__version__.split(".")[0]) < 1:
        return arviz.from_dict(**groups, coords=coords, dims=dims, attrs=attributes)
    return arviz.from_dict(groups, coords=coords, dims=dims, attrs=dict.fromkeys(("/", *groups), attributes))


def _groups(posterior: Posterior, chains: int, draws: int, seed: int) -> dict[str, dict[str, Any]]:
    """Return arrays by group and variable; chains and draws come first where there are any."""
    fit, weighted = posterior.fit, posterior.draws
    problem, n = fit.problem, chains * draws
    random = generator(seed, f"arviz {chains} {draws}")
    places = resample(weighted, n, seed)
    shape = (chains, draws)

    def values(points: Any) -> dict[str, Any]:
        return {
            prior.key: np.asarray(prior.to_value(column), dtype=np.float64).reshape(shape)
            for prior, column in zip(fit.priors, points.T, strict=True)
        }

    simulated = weighted.simulated[places]
    fitted, covariance = with_carried(problem, fit.carried_slopes, simulated)
    noise = random.standard_normal((n, len(problem.targets))) @ np.linalg.cholesky(covariance).T
    return {
        "posterior": values(weighted.points[places]),
        "prior": values(random.standard_normal((n, problem.n_parameters))),
        "posterior_predictive": {"published": (fitted + noise).reshape(*shape, -1)},
        "sample_stats": {
            "lp": -problem.loss(weighted.points[places], simulated).reshape(shape),
            "log_weight": weighted.log_weights[places].reshape(shape),
            "place": places.reshape(shape),
        },
        "observed_data": {"published": problem.observed},
        "constant_data": {"standard_error": fit.errors, "covariance": problem.covariance},
    }


def _hash_of_targets(posterior: Posterior) -> str:
    """Return a hash of names, figures and covariance of the targets."""
    problem = posterior.fit.problem
    digest = hashlib.sha256("\n".join(problem.targets).encode())
    for array in (problem.observed, problem.covariance):
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()
