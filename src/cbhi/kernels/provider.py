"""Capacity, order of service, waiting, drug stock and quality of health centres."""

from __future__ import annotations

import math

from cbhi.kernels.codes import DRAW_SUPPLY
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, counter, philox
from cbhi.kernels.records import I8, Rule, Section, Table

NO_LIMIT = 1 << 32
MAX_LOAD_IN_WAIT = 0.95


def monthly_capacity(sec: Section, rule: Rule) -> int:
    """Return the consultations that section ``s`` can give this month.

    Whole consultations; the fraction is carried to the next month, so that no capacity is lost at small
    sample sizes.
    """
    real = sec.persons * rule.consultations_per_person * sec.staffing + sec.capacity_carry
    whole = int(real)
    sec.capacity_carry = real - whole
    return whole


def service_factor(sec: Section, rule: Rule) -> float:
    """Return the factor on the odds of seeking care that waiting and quality leave, at most 1."""
    return math.exp(-rule.seek_wait * sec.wait_hours - rule.seek_quality * (1.0 - sec.quality))


def place_in_queue(key: tuple[int, int], section: int, ordinal: int, now: int, contact: int) -> int:
    """Return the keyed place (0 to 2**32 - 1) of one contact in the order of its section-month."""
    c0, c1, c2, c3 = counter(section, ordinal, NOBODY, now, DRAW_SUPPLY, contact)
    return philox(c0, c1, c2, c3, int(key[0]), int(key[1]))[0]


def count_places(
    households: Table,
    sec: Section,
    now: int,
    key: tuple[int, int],
    shift: int,
    bits: int,
    prefix: int,
    histogram: I8,
) -> None:
    """Count the contacts whose place starts with ``prefix`` by the next ``bits`` bits."""
    histogram[: 1 << bits] = 0
    for h in range(sec.first, sec.end):
        hh = households[h]
        for contact in range(int(hh.contacts)):
            place = place_in_queue(key, sec.number, int(hh.ordinal), now, contact)
            if place >> (shift + bits) == prefix:
                histogram[(place >> shift) & ((1 << bits) - 1)] += 1


def first_place_refused(
    households: Table,
    sec: Section,
    now: int,
    capacity: int,
    wanted: int,
    key: tuple[int, int],
    histogram: I8,
) -> int:
    """Return the place from which contacts are turned away, so that capacity is never exceeded.

    Every contact has a keyed place, so that each is served with probability capacity / wanted and who
    comes first does not depend on how households are stored. The place is found by radix selection:
    three counts over 12, 12 and 8 bits, without a buffer that grows with demand.
    """
    if wanted <= capacity:
        return NO_LIMIT
    left = capacity
    prefix = 0
    shift = 32
    for level in range(3):
        bits = 12 if level < 2 else 8
        shift -= bits
        count_places(households, sec, now, key, shift, bits, prefix, histogram)
        b = 0
        while b < (1 << bits) - 1 and int(histogram[b]) <= left:
            left -= int(histogram[b])
            b += 1
        prefix = (prefix << bits) | b
    return prefix


def update_provider(sec: Section, capacity: int, wanted: int, rule: Rule) -> None:
    """Move load, waiting, drug stock and quality of the section's health centre by one month."""
    load_now = wanted / capacity if capacity > 0 else (2.0 if wanted > 0 else 0.0)
    load = sec.load + rule.load_memory * (min(2.0, load_now) - sec.load)
    sec.load = load
    busy = min(load, MAX_LOAD_IN_WAIT)
    sec.wait_hours = rule.wait_scale_hours * busy / (1.0 - busy)
    staff = min(1.0, rule.staff_adequacy * sec.staffing)
    weight = rule.staff_weight
    sec.quality = weight * staff + (1.0 - weight) * sec.stock


def refusal_probability(arrears_months: float, slope: float) -> float:
    """Return the probability that a provider turns away a member of a scheme in arrears."""
    return 1.0 - math.exp(-slope * arrears_months)


def spend(cash_rwf: int, share: float) -> int:
    """Return what a provider spends on running cost this month, RWF; never more than it has."""
    return int(cash_rwf * share)


compile_kernels(globals())
