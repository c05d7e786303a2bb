"""What the targets can tell the parameters apart by, to first order at the mode.

Parameters are standardised: one unit is one prior standard deviation, so that an eigenvalue of the Fisher
information above 1 is a direction in which the data say more than the prior.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from cbhi.kernels.records import F8
from cbhi.words import listed

__all__ = ["FLAT", "FlatDirections", "Identifiability", "fisher_information", "identify", "words_of"]

FLAT = 0.1
"""Eigenvalue below which a direction is flat: there the data take less than 5 % off the prior's deviation."""
_SHOWN = 0.25
"""Smallest part in a direction of length one that is named."""


class FlatDirections(UserWarning):
    """There are more parameters than the targets hold information on.

    Attributes
    ----------
    directions
        The flat directions in words, flattest first.
    """

    def __init__(self, message: str, directions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.directions = directions


def fisher_information(jacobian: F8, covariance: F8) -> F8:
    """Return the information of the targets on the parameters.

    Parameters
    ----------
    jacobian
        Change of each target for one prior standard deviation of each parameter, (targets, parameters).
    covariance
        Of published minus simulated, (targets, targets).

    Returns
    -------
    numpy.ndarray
        ``J' Sigma^-1 J``, shape (parameters, parameters), per squared prior standard deviation.
    """
    factor = linalg.cho_factor(covariance, lower=True)
    information = jacobian.T @ linalg.cho_solve(factor, jacobian)
    return np.asarray(0.5 * (information + information.T), dtype=np.float64)


@dataclass(frozen=True)
class Identifiability:
    """What the targets inform, to first order at the mode.

    Attributes
    ----------
    names
        Parameters.
    targets
        Targets.
    eigenvalues
        Of the Fisher information, largest first, per squared prior standard deviation, (parameters,).
    directions
        Their directions of length one, a column each, (parameters, parameters); the largest part is positive.
    sd
        Standard deviation given the targets over that of the prior, (parameters,).
    correlations
        Between parameters given the targets, (parameters, parameters).
    sensitivity
        Shift of the mode, in prior standard deviations, when a target rises by one unit of its own,
        (parameters, targets); Andrews, Gentzkow and Shapiro (2017).
    bias
        The same when a target is published one standard error too high, (parameters, targets).
    """

    names: tuple[str, ...]
    targets: tuple[str, ...]
    eigenvalues: F8
    directions: F8
    sd: F8
    correlations: F8
    sensitivity: F8
    bias: F8

    @property
    def n_informed(self) -> int:
        """Directions on which the data say more than the prior (eigenvalue above 1)."""
        return int(np.count_nonzero(self.eigenvalues > 1.0))

    @property
    def n_flat(self) -> int:
        """Directions on which the data say next to nothing (eigenvalue below ``FLAT``)."""
        return int(np.count_nonzero(self.eigenvalues < FLAT))

    @property
    def information(self) -> float:
        """Number of parameters that the targets are worth, from 0 to all.

        The trace of what the data contribute to the estimate, ``sum of e / (1 + e)`` over eigenvalues: a
        direction counts as one where the data say everything and as none where the prior does.
        """
        return float(np.sum(self.eigenvalues / (1.0 + self.eigenvalues)))

    def direction(self, number: int) -> str:
        """Return a direction in words; 0 is the best informed, -1 the weakest."""
        return words_of(self.names, self.directions[:, number])

    @property
    def flat(self) -> tuple[str, ...]:
        """Flat directions in words, flattest first."""
        return tuple(self.direction(-1 - place) for place in range(self.n_flat))

    def warning(self) -> FlatDirections | None:
        """Return the warning that there are more parameters than information, or nothing."""
        if not self.n_flat:
            return None
        some = "; ".join(self.flat[:4]) + ("; ..." if self.n_flat > 4 else "")
        n, d = len(self.targets), len(self.names)
        return FlatDirections(
            f"{d} parameters, but the {n} targets hold information on about {self.information:.1f} of them:"
            f" {self.n_flat} direction{'s are' if self.n_flat > 1 else ' is'} flat, where the result is the"
            f" prior ({some}); fix such parameters, give them better priors or add targets",
            self.flat,
        )

    def warn(self, stacklevel: int = 2) -> None:
        """Warn if there are more parameters than information."""
        found = self.warning()
        if found is not None:
            warnings.warn(found, stacklevel=stacklevel + 1)


def words_of(names: Sequence[str], direction: F8) -> str:
    """Return a direction in words, such as ``price slope up with inertia down (0.8, 0.6)``.

    Parameters
    ----------
    names
        Parameters; the part after the last dot is shown.
    direction
        Of length one, (parameters,).
    """
    order = [int(i) for i in np.argsort(-np.abs(direction), kind="stable")]
    named = [i for i in order if abs(direction[i]) >= _SHOWN] or order[:1]
    short = [names[i].rsplit(".", 1)[-1].replace("_", " ") for i in named]
    if len(named) == 1:
        return f"{short[0]} ({abs(direction[named[0]]):.2f})"
    moves = [f"{name} {'up' if direction[i] > 0.0 else 'down'}" for name, i in zip(short, named, strict=True)]
    parts = ", ".join(f"{abs(direction[i]):.2f}" for i in named)
    return f"{listed(moves, 'with')} ({parts})"


def identify(
    names: Sequence[str], targets: Sequence[str], jacobian: F8, covariance: F8, errors: F8
) -> Identifiability:
    """Return what the targets inform, to first order.

    Parameters
    ----------
    names
        Parameters, (parameters,).
    targets
        Targets, (targets,).
    jacobian
        Change of each target for one prior standard deviation of each parameter, (targets, parameters).
    covariance
        Of published minus simulated, (targets, targets).
    errors
        Standard errors of the published figures, (targets,): the size of the mistake that ``bias`` is about.

    Returns
    -------
    Identifiability
        Eigenvalues, deviations, correlations and sensitivities.

    Raises
    ------
    ValueError
        When the derivative holds something that is not finite.

    References
    ----------
    Andrews, Gentzkow and Shapiro (2017), Measuring the sensitivity of parameter estimates to estimation
    moments, Quarterly Journal of Economics 132(4).
    """
    jacobian = np.asarray(jacobian, dtype=np.float64)
    if not np.isfinite(jacobian).all():
        row, column = np.argwhere(~np.isfinite(jacobian))[0]
        raise ValueError(f"the change of target '{targets[row]}' with '{names[column]}' is not a number")
    information = fisher_information(jacobian, covariance)
    eigenvalues, directions = np.linalg.eigh(information)
    # a positive semi-definite matrix has no negative eigenvalue but by rounding
    eigenvalues = np.maximum(eigenvalues[::-1], 0.0)
    directions = directions[:, ::-1]
    largest = directions[np.argmax(np.abs(directions), axis=0), np.arange(directions.shape[1])]
    directions = directions * np.where(largest < 0.0, -1.0, 1.0)
    posterior = linalg.inv(information + np.eye(len(names)))
    sd = np.sqrt(np.diag(posterior))
    weights = linalg.cho_solve(linalg.cho_factor(covariance, lower=True), jacobian)
    sensitivity = posterior @ weights.T
    return Identifiability(
        names=tuple(names),
        targets=tuple(targets),
        eigenvalues=eigenvalues,
        directions=directions,
        sd=sd,
        correlations=posterior / np.outer(sd, sd),
        sensitivity=sensitivity,
        bias=sensitivity * np.asarray(errors, dtype=np.float64),
    )
