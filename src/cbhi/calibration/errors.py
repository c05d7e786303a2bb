"""The covariance of published minus simulated, part by part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cbhi.calibration.targets import SharedError, Target
from cbhi.kernels.records import F8

__all__ = ["Errors", "ErrorsNotMeasured"]

NOISE_LIMIT = 0.1
"""Simulator noise above this share of the other variance of a target is worth more replicates."""


class ErrorsNotMeasured(ValueError):
    """Too many simulations failed where noise or the effect of carried parameters is measured."""


@dataclass(frozen=True)
class Errors:
    """Why a published figure and the model at its true parameters differ.

    Attributes
    ----------
    published
        Variance of the figures themselves, what they share included, shape (targets, targets).
    discrepancy
        Variance of what the model misses, shape (targets, targets).
    noise
        Variance of the simulator's mean over replicates, shape (targets, targets): points share their draws,
        so this is one unknown offset that they have in common.
    carried
        Variance from the parameters that are not explored, shape (targets, targets). To first order they add
        J c to what is simulated, J the change of each target for one prior standard deviation of each and c
        standard normal, hence J J'.
    """

    published: F8
    discrepancy: F8
    noise: F8
    carried: F8

    @classmethod
    def of(cls, targets: tuple[Target, ...], shared: tuple[SharedError, ...] = ()) -> Errors:
        """Return the errors that are known before anything is simulated."""
        published = np.diag([target.sd**2 for target in targets])
        for error in shared:
            direction = error.direction(targets)
            published = published + np.outer(direction, direction)
        discrepancy = np.diag([target.discrepancy_sd**2 for target in targets])
        nothing = np.zeros_like(published)
        return cls(published, discrepancy, nothing, nothing)

    @property
    def total(self) -> F8:
        """The whole covariance, shape (targets, targets)."""
        return self.published + self.discrepancy + self.noise + self.carried

    def parts(self) -> dict[str, F8]:
        """Return the parts by name, which add up to the whole, each of shape (targets, targets)."""
        return {
            "published figures": self.published,
            "model discrepancy": self.discrepancy,
            "simulator noise": self.noise,
            "carried parameters": self.carried,
        }

    def noise_limited(self) -> F8:
        """Return which targets' noise is more than a tenth of their other variance, shape (targets,)."""
        others = np.diag(self.published + self.discrepancy)
        return np.asarray(np.diag(self.noise) > NOISE_LIMIT * others)
