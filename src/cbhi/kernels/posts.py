"""Once a year: public posts follow unmet need, centres take on own clinicians, health posts open."""

from __future__ import annotations

import math

from cbhi.kernels.codes import DRAW_POST, POSTS_OPENED
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, uniform
from cbhi.kernels.health import refresh_odds
from cbhi.kernels.records import I8, Fixed, Rule, Section, State, Table

# claims overdue by less than this count as paid on time
PAID_ON_TIME_MONTHS = 1.0


def mean_load(sections: Table) -> float:
    """Return the mean load of health centres, weighted by persons; 0 where nobody lives."""
    persons = 0
    load = 0.0
    for s in range(sections.size):
        sec = sections[s]
        persons += sec.persons
        load += sec.persons * sec.load
    return load / persons if persons > 0 else 0.0


def follow_need(sections: Table, rule: Rule) -> None:
    """Move a part of the public posts each year from health centres with little load to those with much.

    A centre's posts grow with its load relative to the mean; all are then scaled so that the country has
    as many posts as before.
    """
    mean = mean_load(sections)
    if rule.posting_response <= 0.0 or mean <= 0.0:
        return
    response = rule.posting_response
    before = 0.0
    after = 0.0
    for s in range(sections.size):
        sec = sections[s]
        posts = sec.persons * sec.staffing
        before += posts
        after += posts * (1.0 + response * (sec.load / mean - 1.0))
    if after <= 0.0:
        return
    for s in range(sections.size):
        sec = sections[s]
        sec.staffing *= (1.0 + response * (sec.load / mean - 1.0)) * before / after


def hire(sec: Section, rule: Rule) -> None:
    """Let a health centre move its own posts towards those that a share of its revenue pays for.

    Real numbers of clinicians. A centre whose bills are not paid on time takes on nobody.
    """
    if (rule.hire_share <= 0.0 and sec.own_posts <= 0.0) or rule.salary_rwf <= 0.0:
        return
    if sec.arrears >= PAID_ON_TIME_MONTHS:
        return
    wanted = rule.hire_share * sec.revenue_average / rule.salary_rwf
    sec.own_posts += (wanted - sec.own_posts) * min(1.0, 1.0 / max(rule.hire_years, 1e-9))


def mean_distance(state: State, sec: Section, rule: Rule) -> float:
    """Return the mean distance of the section's living households to care, km."""
    total = 0.0
    n = 0
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        if hh.alive != 0:
            total += float(hh.distance_km) * rule.distance_factor
            n += 1
    return total / n if n > 0 else 0.0


def open_post(state: State, sec: Section, now: int, rule: Rule, fixed: Fixed, tallies: I8) -> bool:
    """Open a health post by keyed chance where the centre is overloaded and far; return whether one opened.

    With the k-th facility in the section distances shrink by sqrt(k / (k + 1)), as if all were spread
    evenly; how many there are is read from the distances relative to the start.
    """
    if rule.post_hazard <= 0.0 or sec.load <= rule.post_load:
        return False
    if mean_distance(state, sec, rule) <= rule.post_distance_km:
        return False
    if uniform(fixed.key, sec.number, 0, NOBODY, now, DRAW_POST, 0) >= rule.post_hazard:
        return False
    facilities = math.floor(1.0 / (sec.distance_scale * sec.distance_scale) + 0.5)
    nearer = math.sqrt(facilities / (facilities + 1.0))
    sec.distance_scale *= nearer
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        if hh.alive != 0:
            hh.distance_km = float(hh.distance_km) * nearer
            refresh_odds(hh, state.members[h], now, rule, fixed)
    tallies[POSTS_OPENED] += 1
    return True


compile_kernels(globals())
