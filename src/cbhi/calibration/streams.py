"""Random and quasi-random numbers that depend on the seed and the name of a step alone.

Whatever an algorithm draws under a name is the same in every run and after every resume.
"""

from __future__ import annotations

import hashlib

import numpy as np

from cbhi.kernels.records import F8

__all__ = ["generator", "quasi_normal", "quasi_uniform"]


def generator(seed: int, step: str) -> np.random.Generator:
    """Return the stream of random numbers of a step.

    Parameters
    ----------
    seed
        Seed of the calibration.
    step
        Name of the step.

    Returns
    -------
    numpy.random.Generator
        Philox with the seed and a hash of the name as its key.
    """
    digest = hashlib.blake2b(step.encode(), digest_size=8).digest()
    key = np.array([seed % 2**64, int.from_bytes(digest, "little")], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def quasi_uniform(seed: int, step: str, n: int, dimension: int) -> F8:
    """Return scrambled Sobol' points inside the unit cube, shape (n, dimension).

    Each point is uniform by itself; together they fill the cube more evenly than independent ones.
    """
    from scipy.stats import qmc

    scramble = int(generator(seed, step).integers(2**63))
    sampler = qmc.Sobol(dimension, scramble=True, seed=scramble)
    points = sampler.random_base2(max(n - 1, 0).bit_length())[:n]
    # a coordinate that is exactly 0 has no normal quantile
    smallest = 2.0**-40
    return np.asarray(np.clip(points, smallest, 1.0 - smallest), dtype=np.float64)


def quasi_normal(seed: int, step: str, n: int, dimension: int) -> F8:
    """Return scrambled Sobol' points as standard normal quantiles, shape (n, dimension)."""
    from scipy.special import ndtri

    normal: F8 = ndtri(quasi_uniform(seed, step, n, dimension))
    return normal
