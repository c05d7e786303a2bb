"""Enrolment without chance: expected membership of classes of people, step by step, as plain equations.

The reference model of the design (MODEL.md 6.3) without its visits. It shares no code with the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Step", "mean_field_path"]

F8 = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """What differs from one enrolment season to the next."""

    utility: float
    """What everybody's utility has in common, logits: constant, price, mobilisation."""
    attention: float = 1.0
    """Share of people who act on their wish; who does not is without cover until the next season."""
    registered: ArrayLike = 0.0
    """Share enrolled whatever they wish for, in all or by class: holders of subsidies."""


def _logistic(utility: F8) -> F8:
    return np.asarray(1.0 / (1.0 + np.exp(-utility)))


def mean_field_path(
    taste: ArrayLike, weight: ArrayLike, steps: Sequence[Step], peers: float, inertia: float
) -> F8:
    """Return expected coverage after each enrolment season of infinitely many people.

    Parameters
    ----------
    taste
        Persistent part of utility of each class of people, logits, shape (n,); the design's
        ``kappa ln x`` and any other taste.
    weight
        Share of people in each class, shape (n,), >= 0, summing to 1.
    steps
        Seasons in order; nobody is a member before the first.
    peers
        omega, weight of the share enrolled in the season before, logits.
    inertia
        delta, weight of own membership in the season before, logits.

    Returns
    -------
    numpy.ndarray
        Share of each class enrolled, shape (seasons, n); its mean by ``weight`` is coverage.

    Raises
    ------
    ValueError
        When weights are no shares of the classes, or attention or registration is no share.

    Notes
    -----
    With Lambda the logistic distribution function, ``u = taste + utility_t + omega C_{t-1}``, ``r`` the
    registered, ``a`` attention and ``c`` the share of a class::

        c_t = r + (1 - r) a [c_{t-1} Lambda(u + delta) + (1 - c_{t-1}) Lambda(u)],  C_t = sum_i w_i c_t,i

    References
    ----------
    MODEL.md section 6.3; Brock and Durlauf (2001), Discrete choice with social interactions, Review of
    Economic Studies 68(2).

    Examples
    --------
    >>> path = mean_field_path([0.0], [1.0], [Step(0.0), Step(0.0)], peers=0.0, inertia=0.0)
    >>> path[:, 0].tolist()
    [0.5, 0.5]
    """
    fixed = np.asarray(taste, dtype=np.float64)
    w = np.asarray(weight, dtype=np.float64)
    if w.shape != fixed.shape or fixed.ndim != 1 or (w < 0.0).any() or abs(w.sum() - 1.0) > 1e-9:
        raise ValueError(
            f"weight must hold a share >= 0 for each of the {fixed.size} classes of taste, summing to 1;"
            f" got {w.size} summing to {w.sum():g}"
        )
    member = np.zeros(fixed.size)
    path = np.empty((len(steps), fixed.size))
    for t, step in enumerate(steps):
        registered = np.broadcast_to(np.asarray(step.registered, dtype=np.float64), fixed.shape)
        if not (0.0 <= step.attention <= 1.0 and ((registered >= 0.0) & (registered <= 1.0)).all()):
            raise ValueError(f"season {t}: attention and registered are shares from 0 to 1, got {step}")
        u = fixed + step.utility + peers * float(w @ member)
        wishing = member * _logistic(u + inertia) + (1.0 - member) * _logistic(u)
        member = registered + (1.0 - registered) * step.attention * wishing
        path[t] = member
    return path
