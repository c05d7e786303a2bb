"""Whether a household has cover, and which stratum it is counted in; asked by many events."""

from __future__ import annotations

from cbhi.kernels.codes import CATEGORIES, STANDING_PAID
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.records import Household


def has_cover(hh: Household, now: int) -> bool:
    """Return whether the household's benefits are active this month."""
    return int(hh.cover_from) <= now < int(hh.cover_until) and int(hh.n_enrolled) > 0


def paid_up(cover_from: int, cover_until: int, formal: int, standing_next: int, now: int) -> int:
    """Return 1 if a policy has been bought that includes this month, its waiting period counted in, or 0.

    A policy bought ahead for a membership year that has not begun does not count yet. One choice after the
    other instead of "and", so that loops over it become vectors.
    """
    bought_ahead = 1 if cover_from > now else 0
    bought_ahead = bought_ahead if standing_next == STANDING_PAID else 0
    holds = 1 - bought_ahead if cover_until > now else 0
    return holds if formal == 0 else 0


def is_paid_up(hh: Household, now: int) -> bool:
    """Return whether a policy has been bought that includes this month, its waiting period counted in."""
    return paid_up(int(hh.cover_from), int(hh.cover_until), int(hh.formal), int(hh.standing_next), now) != 0


def recently(cover_until: int, now: int) -> int:
    """Return 1 for cover in this month or one of the twelve before, or 0."""
    had = 1 if cover_until + 11 >= now else 0
    return had if cover_until > 0 else 0


def is_recent_member(hh: Household, now: int) -> bool:
    """Return whether the household had cover in this month or one of the twelve before."""
    return recently(int(hh.cover_until), now) != 0


def stratum_of(hh: Household) -> int:
    """Return the household's stratum: quintile of consumption and true poverty category."""
    return int(hh.quintile) * CATEGORIES + int(hh.category)


compile_kernels(globals())
