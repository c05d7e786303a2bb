"""What cover is worth to a household that fears variance, against exact certainty equivalents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits import ce_compound_negative_binomial, ce_compound_poisson, ce_normal
from cbhi.populations import Population
from cbhi.simulation import simulate
from cbhi.verification.bare import CONSUMPTION_RWF, bare_scenario, tally
from cbhi.verification.claims import gamma_needs
from cbhi.verification.core import Row, case, exact_row
from cbhi.verification.selection_posted import SEEKS

__all__: list[str] = []

# money of the textbook: 10,000 RWF, so that consumption is 120
UNIT = 10_000.0
COUNT, SEVERITY = 2.0, 3.0
"""Claims a year and their mean size: the compound Poisson of the design."""
SLOPE = 10.0
PEOPLE = 20_000


def _exponential_bills(points: int = 24) -> dict[str, Any]:
    """Return sizes of bills with the first 47 moments of an exponential: nodes of Gauss-Laguerre."""
    sizes, chances = np.polynomial.laguerre.laggauss(points)
    return {"size": sizes, "probability": chances}


def reservation_price(
    risk_aversion: float,
    near: float,
    width: float,
    changes: Mapping[str, Any] | None = None,
    *,
    need: NDArray[np.float64] | None = None,
    bills: Mapping[str, Any] | None = None,
) -> float:
    """Return the premium up to which a household buys cover.

    Parameters
    ----------
    risk_aversion
        Absolute, per unit of money.
    near
        Premium that is posted, units of money.
    width
        Households are alike but for a discount, as a taste, spread evenly over plus and minus half of this:
        the share who buy says where the others' limit is.
    changes
        Keys to values on top.
    need
        Relative need of the households, who do not know it, shape (20,000,); all 1 if not given.
    bills
        Sizes of bills and their probabilities; exponential if not given.

    Returns
    -------
    float
        Units of money, exact to ``width / 20,000``.
    """
    discount = width * ((np.arange(PEOPLE) + 0.5) / PEOPLE - 0.5)
    keys = {
        "care.need_per_person_year": COUNT / SEEKS,
        "care.cost_outpatient_rwf": SEVERITY * UNIT,
        "care.user_fee_outpatient_rwf": SEVERITY * UNIT,
        "switches.risk_aversion": True,
        "enrolment.risk_aversion": risk_aversion * CONSUMPTION_RWF / UNIT,
        "enrolment.risk_premium_cap": 100.0,
        "enrolment.price_slope": SLOPE,
        "enrolment.taste_of_year_scale": 0.0,
        "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), round(near * UNIT)),
        **(changes or {}),
    }
    n = np.ones(PEOPLE)
    table = {"taste": SLOPE * discount * UNIT / CONSUMPTION_RWF, "need": n if need is None else need}
    members = {"section": n, "household": np.arange(PEOPLE), "age_years": 30.0 * n, "female": 0.0 * n,
               "chronic": 0.0 * n, "need": n}  # fmt: skip
    people = Population(table, members, bills or _exponential_bills())
    run = simulate(bare_scenario(keys, end="2004-02"), population=people, seed=1, survey=0)
    share = float(tally(run, codes.INSURED)[0, 1].sum()) / PEOPLE
    if not 0.0 < share < 1.0:
        return float("nan")
    return round(near * UNIT) / UNIT + width * (share - 0.5)


@case("certainty-equivalent", "V5")
def certainty_equivalents(_workers: int) -> Iterator[Row]:
    """The dearest premium a household pays: second order in risk aversion; its gap to exact CARA.

    Claims are Poisson where needs are alike, and negative binomial where they are gamma and nobody knows the
    own. The gap to exact CARA follows from the rows before it and the formula; it is given once.
    """
    mean = COUNT * SEVERITY
    square = 2.0 * COUNT * SEVERITY**2
    frailty = 0.25
    for keys, need, variance, what in (
        ({}, None, square, "Poisson claims"),
        (
            {"population.shared_frailty_variance": frailty},
            gamma_needs(PEOPLE, 1.0 / frailty),
            square + frailty * mean**2,
            "negative binomial claims (gamma needs)",
        ),
    ):
        # what theory says of the gap, what the engine's is, and how finely that is known
        gaps = []
        for aversion in (0.1, 0.02, 0.01):
            theory = ce_normal(aversion, mean, variance**0.5)
            width = 0.2 * (theory - mean)
            found = reservation_price(aversion, theory, width, keys, need=need)
            yield exact_row(
                f"reservation price above the mean, {what}, risk aversion {aversion:g}",
                theory - mean, found - mean, resolution=width / PEOPLE, unit="money",
                source="cbhi.limits.ce_normal of the claims' mean and variance",
            )  # fmt: skip
            exact = _exact(aversion, None if need is None else 1.0 / frailty)
            gaps.append((exact - theory, exact - found, width / PEOPLE))
        if need is not None:
            continue
        (theory_wide, wide, fine_wide), (theory_half, half, fine_half) = gaps[1:]
        yield exact_row(
            f"gap to exact CARA over that at half the risk aversion, {what} (from the rows above)",
            theory_wide / theory_half, wide / half,
            resolution=wide / half * (fine_wide / wide + fine_half / half), unit="ratio",
            source="cbhi.limits.ce_compound_poisson",
        )  # fmt: skip


def _exact(aversion: float, size: float | None) -> float:
    """Return the exact certainty equivalent of CARA, of Poisson claims or, with a size, negative binomial."""
    if size is None:
        return ce_compound_poisson(aversion, COUNT, SEVERITY)
    return ce_compound_negative_binomial(aversion, COUNT, size, SEVERITY)


@case("patients-part", "V5")
def what_patients_pay_themselves(_workers: int) -> Iterator[Row]:
    """The dearest premium where members pay a co-payment, and a share of the hospital's bill.

    Every episode costs O at a health centre and is admitted at H. Without cover X = O + H is paid, with cover
    Y = c + k H. To second order in risk aversion a household pays up to
    ``n (E X - E Y) + a / 2 n (E X^2 - E Y^2)`` for n Poisson episodes a year: by hand, O and H are half or
    one and a half times their means o and h, hence ``E O^2 = 1.25 o^2``.
    """
    aversion, o, h, c, k = 0.02, 2.0, 4.0, 0.5, 0.2
    bills = {"size": np.array([0.5, 1.5]), "probability": np.array([0.5, 0.5])}
    hospital = {
        "care.severe_share": 1.0,
        "care.seek_severity": 0.0,
        "care.admission_if_severe": 1.0,
        "care.cost_admission_rwf": h * UNIT,
        "care.user_fee_admission_share": 1.0,
        "care.coinsurance_share": k,
    }
    for name, keys, hospital_bill, part in (
        ("a co-payment", {}, 0.0, 0.0),
        ("a co-payment and a share of the hospital's bill", hospital, h, k),
    ):
        mean_x, mean_y = o + hospital_bill, c + part * hospital_bill
        square_x = 1.25 * o**2 + 2.0 * o * hospital_bill + 1.25 * hospital_bill**2
        square_y = c**2 + 2.0 * c * part * hospital_bill + 1.25 * (part * hospital_bill) ** 2
        saving = COUNT * (mean_x - mean_y)
        risk = 0.5 * aversion * COUNT * (square_x - square_y)
        width = 0.2 * risk
        centre = {
            "care.cost_outpatient_rwf": o * UNIT,
            "care.user_fee_outpatient_rwf": o * UNIT,
            "care.copayment_rwf": round(c * UNIT),
        }
        found = reservation_price(aversion, saving + risk, width, {**centre, **keys}, bills=bills)
        yield exact_row(
            f"reservation price above the expected saving, {name}", risk, found - saving,
            # and the premium in whole francs
            resolution=width / PEOPLE + 0.5 / UNIT, unit="money", source="n E X^2 less n E Y^2, by hand",
        )  # fmt: skip
