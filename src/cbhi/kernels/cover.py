"""Whether a household has active cover; asked by care, by lenders and by the loop over months."""

from __future__ import annotations

from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.records import Household


def has_cover(hh: Household, now: int) -> bool:
    """Return whether the household's benefits are active this month."""
    return int(hh.cover_from) <= now < int(hh.cover_until) and int(hh.n_enrolled) > 0


compile_kernels(globals())
