"""How many contacts and unsought episodes households expect, and why episodes go unsought."""

from __future__ import annotations

from cbhi.kernels.codes import (
    GAUGE_FORGONE_DISTANCE,
    GAUGE_FORGONE_NO_NEED,
    GAUGE_FORGONE_PRICE,
    GAUGE_FORGONE_SERVICE,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import FEW, count_few, poisson_quantile
from cbhi.kernels.health import chance, seeking_probability
from cbhi.kernels.records import F8, I8, Household, Rule, Table

# no household can have more episodes of a kind in a month
MOST_EPISODES = 60_000
# households among whom those with many episodes are looked for, if there are any
AT_ONCE = 64


def rates_by_cover(hh: Household, now: int, honoured: float) -> tuple[float, float]:
    """Return episodes a year of those whose bills a third party pays, and of the others.

    ``honoured`` is 1, or 0 where the section's scheme is suspended.
    """
    # compiled float() leaves single precision as it is; the product is double in plain Python and compiled
    enrolled = 1.0 * float(hh.rate_enrolled)
    other = 1.0 * float(hh.rate_other)
    everybody = enrolled + other
    # comparisons one after the other, not joined by "and": each becomes a choice between two numbers
    insured = enrolled * honoured if int(hh.cover_from) <= now else 0.0
    insured = insured if now < int(hh.cover_until) else 0.0
    insured = insured if int(hh.n_enrolled) > 0 else 0.0
    covered = everybody if hh.formal != 0 else insured
    left = other if insured > 0.0 else everybody
    return covered, 0.0 if hh.formal != 0 else left


def expect_contacts(
    households: Table,
    start: int,
    n: int,
    now: int,
    month_share: float,
    service: float,
    honoured: float,
    rule: Rule,
    sought: F8,
    unsought: F8,
) -> None:
    """Write the episodes that a block expects this month, those for which it seeks care and the others.

    ``month_share`` is the part of a year's episodes that falls into this month.
    """
    severe = rule.severe_share
    for i in range(n):
        hh = households[start + i]
        covered, other = rates_by_cover(hh, now, honoured)
        p_covered = seeking_probability(
            1.0 * float(hh.odds_insured), 1.0 * float(hh.odds_severe_insured), service, severe
        )
        p_other = seeking_probability(
            1.0 * float(hh.odds_uninsured), 1.0 * float(hh.odds_severe_uninsured), service, severe
        )
        seeking = covered * p_covered + other * p_other
        sought[i] = month_share * seeking
        unsought[i] = month_share * max(0.0, covered + other - seeking)


def draw_counts(u: F8, expected: F8, n: int, counts: I8) -> None:
    """Write the Poisson counts that belong to uniform draws and expectations."""
    for begin in range(0, n, AT_ONCE):
        lanes = min(AT_ONCE, n - begin)
        draws = u[begin : begin + lanes]
        means = expected[begin : begin + lanes]
        counted = counts[begin : begin + lanes]
        most = 0
        for i in range(lanes):
            count = count_few(draws[i], means[i])
            counted[i] = count
            most = max(most, count)
        if most >= FEW:
            for i in range(lanes):
                if counted[i] >= FEW:
                    counted[i] = min(MOST_EPISODES, poisson_quantile(draws[i], means[i]))


def explain_unsought(
    hh: Household,
    now: int,
    year_share: float,
    service: float,
    honoured: float,
    severity: float,
    rule: Rule,
    gauges: F8,
) -> None:
    """Divide the expected unsought episodes by what would have to change for them to be sought.

    In this order: nothing (not felt worth a visit), distance, price, service (waiting and quality). The
    parts sum to the expectation exactly. Taken in a household's anniversary month for a whole year.
    ``severity`` is what severe illness multiplies the odds of seeking care by.
    """
    covered, other = rates_by_cover(hh, now, honoured)
    for severe in range(2):
        share = rule.severe_share if severe == 1 else 1.0 - rule.severe_share
        near = chance(float(hh.odds_near) * (severity if severe == 1 else 1.0), 1.0)
        free = chance(float(hh.odds_free) * (severity if severe == 1 else 1.0), 1.0)
        for insured in range(2):
            rate = year_share * share * (covered if insured == 1 else other)
            if rate <= 0.0:
                continue
            if severe == 1:
                odds = float(hh.odds_severe_insured if insured == 1 else hh.odds_severe_uninsured)
            else:
                odds = float(hh.odds_insured if insured == 1 else hh.odds_uninsured)
            priced = chance(odds, 1.0)
            gauges[GAUGE_FORGONE_NO_NEED] += rate * (1.0 - near)
            gauges[GAUGE_FORGONE_DISTANCE] += rate * (near - free)
            gauges[GAUGE_FORGONE_PRICE] += rate * (free - priced)
            gauges[GAUGE_FORGONE_SERVICE] += rate * (priced - chance(odds, service))


compile_kernels(globals())
