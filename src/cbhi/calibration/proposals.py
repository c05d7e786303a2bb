"""Densities to draw from in importance sampling: mixtures of multivariate t and normal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cbhi.calibration.streams import quasi_uniform
from cbhi.kernels.records import F8

__all__ = ["Component", "Mixture", "cholesky_root"]


def cholesky_root(covariance: F8) -> F8:
    """Return the lower Cholesky factor of a covariance, shape (parameters, parameters)."""
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


@dataclass(frozen=True)
class Component:
    """A multivariate t distribution.

    Attributes
    ----------
    centre
        Shape (parameters,).
    root
        Lower Cholesky factor of the scale matrix, shape (parameters, parameters).
    freedom
        Degrees of freedom; infinite for the normal.
    """

    centre: F8
    root: F8
    freedom: float = 5.0

    def log_density(self, points: F8) -> F8:
        """Return the logarithm of the density at points, shape (n,)."""
        from scipy.linalg import solve_triangular
        from scipy.special import gammaln

        d = self.centre.size
        away = solve_triangular(self.root, (points - self.centre).T, lower=True, check_finite=False)
        square = np.sum(away**2, axis=0)
        log_volume = float(np.sum(np.log(np.diag(self.root))))
        nu = self.freedom
        if np.isinf(nu):
            return np.asarray(-0.5 * square - 0.5 * d * np.log(2.0 * np.pi) - log_volume)
        constant = gammaln(0.5 * (nu + d)) - gammaln(0.5 * nu) - 0.5 * d * np.log(nu * np.pi) - log_volume
        return np.asarray(constant - 0.5 * (nu + d) * np.log1p(square / nu))

    def transform(self, uniform: F8) -> F8:
        """Return points, shape (n, parameters), from uniform ones whose last coordinate is the tail."""
        from scipy.special import chdtri, ndtri

        normal = ndtri(uniform[:, :-1]) @ self.root.T
        if np.isinf(self.freedom):
            return np.asarray(self.centre + normal)
        stretch = np.sqrt(self.freedom / chdtri(self.freedom, uniform[:, -1]))
        return np.asarray(self.centre + normal * stretch[:, None])


@dataclass(frozen=True)
class Mixture:
    """A mixture of components with shares that add up to one."""

    components: tuple[Component, ...]
    shares: F8

    def log_density(self, points: F8) -> F8:
        """Return the logarithm of the density at points, shape (n,)."""
        from scipy.special import logsumexp

        each = np.stack([component.log_density(points) for component in self.components], axis=1)
        with np.errstate(divide="ignore"):
            return np.asarray(logsumexp(each + np.log(self.shares), axis=1), dtype=np.float64)

    def draw(self, seed: int, step: str, n: int) -> F8:
        """Return n quasi-random draws, shape (n, parameters).

        The component is the first coordinate of a scrambled Sobol' point, so that each has its share of every
        stretch of the sequence; with it every draw has the mixture's density.
        """
        d = self.components[0].centre.size
        uniform = quasi_uniform(seed, step, n, d + 2)
        chosen = np.searchsorted(np.cumsum(self.shares)[:-1], uniform[:, 0], side="right")
        points = np.empty((n, d))
        for i, component in enumerate(self.components):
            mine = chosen == i
            points[mine] = component.transform(uniform[mine, 1:])
        return points

    def adapted(self, points: F8, weights: F8) -> Mixture:
        """Return the mixture after one step of expectation and maximisation on weighted points.

        Parameters
        ----------
        points
            Shape (n, parameters).
        weights
            That add up to one, shape (n,).

        Notes
        -----
        Population Monte Carlo for mixtures (Cappe, Douc, Guillin, Marin and Robert 2008). The covariance of a
        component is drawn a little towards its old one, by the weight of ten points a parameter.
        """
        from scipy.special import logsumexp

        each = np.stack([component.log_density(points) for component in self.components], axis=1)
        with np.errstate(divide="ignore"):
            joint = each + np.log(self.shares)
        duty = np.exp(joint - logsumexp(joint, axis=1)[:, None]) * weights[:, None]
        shares = 0.9 * duty.sum(axis=0) + 0.1 * self.shares
        components = [
            _adapted(component, points, mine) for component, mine in zip(self.components, duty.T, strict=True)
        ]
        return Mixture(tuple(components), np.asarray(shares / shares.sum()))


def _adapted(component: Component, points: F8, weights: F8) -> Component:
    total = float(weights.sum())
    if total <= 0.0:
        return component
    share = weights / total
    size, d = 1.0 / float(np.sum(share**2)), component.centre.size
    keep = 10.0 * d / (10.0 * d + size)
    centre = (1.0 - keep) * (share @ points) + keep * component.centre
    away = points - centre
    covariance = (1.0 - keep) * (away.T * share) @ away + keep * component.root @ component.root.T
    return Component(centre, cholesky_root(covariance), component.freedom)
