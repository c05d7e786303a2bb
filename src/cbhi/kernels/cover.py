"""Whether a household has active cover, and which stratum it is counted in; asked by many events."""

from __future__ import annotations

from cbhi.kernels.codes import CATEGORIES
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.records import Household


def has_cover(hh: Household, now: int) -> bool:
    """Return whether the household's benefits are active this month."""
    return int(hh.cover_from) <= now < int(hh.cover_until) and int(hh.n_enrolled) > 0


def stratum_of(hh: Household) -> int:
    """Return the household's stratum: quintile of consumption and true poverty category."""
    return int(hh.quintile) * CATEGORIES + int(hh.category)


compile_kernels(globals())
