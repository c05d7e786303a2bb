"""Adverse selection: linear markets, unravelling, bundling, separating contracts."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from cbhi.limits import _normal
from cbhi.limits._checks import fail, finite, integer, nonnegative, positive, real, share


@dataclass(frozen=True)
class LinearMarket:
    """Equilibrium and welfare of a linear insurance market (see `linear_market`)."""

    price: float
    """Premium at which the insurer breaks even."""
    coverage_share: float
    """Share insured in equilibrium."""
    marginal_cost_intercept: float
    """Marginal cost at price 0."""
    marginal_cost_slope: float
    """Change of marginal cost per unit of price."""
    efficient_price: float
    """Price at which willingness to pay equals marginal cost (or the corner)."""
    efficient_share: float
    """Share insured at the efficient price."""
    deadweight_loss: float
    """Welfare lost in equilibrium, money per person of the population."""
    efficient_surplus: float
    """Welfare at the efficient share over nobody insured, money per person."""
    mandate_loss: float
    """Welfare lost when everybody is insured, money per person."""


def linear_market(
    demand_intercept: float,
    demand_slope: float,
    cost_intercept: float,
    cost_slope: float,
    penalty: float = 0.0,
) -> LinearMarket:
    """Solve the linear market of Einav, Finkelstein and Cullen.

    Demand is ``Q = a - b p`` and average cost of the insured ``AC = c + d p``.

    Parameters
    ----------
    demand_intercept : float
        a, share insured at price 0, in [1e-100, 1e100].
    demand_slope : float
        b, share lost per unit of money, in [1e-100, 1e100].
    cost_intercept : float
        c, average cost at price 0, money per person, in [0, 1e100].
    cost_slope : float
        d, average cost per unit of price, in [-1e6, 0.5); positive means adverse selection.
    penalty : float
        F, expected penalty on the uninsured, money per person, in [0, 1e100]; demand is then ``D(p - F)``.

    Returns
    -------
    LinearMarket
        Price, shares and welfare. Welfare uses willingness to pay without the penalty (a transfer).

    Raises
    ------
    ValueError
        If an argument is outside its domain or the equilibrium share is not in (0, 1].

    Notes
    -----
    ``MC(p) = (c - d a / b) + 2 d p``; ``P = (c - F) / (1 - d) + F``; efficiency at ``p = MC(p)``, with the
    efficient share held in [0, 1]. Losses are areas between the two straight lines.

    References
    ----------
    Einav, Finkelstein and Cullen (2010), Estimating welfare in insurance markets using variation in
    prices, Quarterly Journal of Economics 125(3).

    Examples
    --------
    >>> market = linear_market(0.940, 0.00070, 391.690, 0.15524)
    >>> round(market.price, 2), round(market.coverage_share, 4), round(market.deadweight_loss, 3)
    (463.67, 0.6154, 9.456)
    >>> market.mandate_loss > market.deadweight_loss
    True
    """
    a = real("demand_intercept", demand_intercept, 1e-100, 1e100)
    b = real("demand_slope", demand_slope, 1e-100, 1e100)
    c = real("cost_intercept", cost_intercept, 0.0, 1e100)
    d = real(
        "cost_slope",
        cost_slope,
        -1e6,
        0.5,
        open_high=True,
        why="from 1/2 on marginal cost rises as fast as willingness to pay",
    )
    f = real("penalty", penalty, 0.0, 1e100)
    choke = real("demand_intercept / demand_slope", a / b, 0.0, 1e100)
    mc_intercept, mc_slope = c - d * choke, 2.0 * d
    price = (c - d * f) / (1.0 - d)
    coverage = a - b * (price - f)
    if not 0.0 < coverage <= 1.0:
        raise fail(
            "demand_intercept, demand_slope, cost_intercept, cost_slope and penalty",
            "such that the equilibrium share is in (0, 1]",
            coverage,
        )

    def surplus_at(quantity: float) -> float:
        price_paid = (a - quantity) / b
        return price_paid - mc_intercept - mc_slope * price_paid

    def welfare(start: float, end: float) -> float:
        return 0.5 * (end - start) * (surplus_at(start) + surplus_at(end))

    efficient = min(max(a - b * mc_intercept / (1.0 - mc_slope), 0.0), 1.0)
    return LinearMarket(
        price=price,
        coverage_share=coverage,
        marginal_cost_intercept=mc_intercept,
        marginal_cost_slope=mc_slope,
        efficient_price=(a - efficient) / b,
        efficient_share=efficient,
        deadweight_loss=welfare(coverage, efficient),
        efficient_surplus=welfare(0.0, efficient),
        mandate_loss=welfare(1.0, efficient),
    )


@dataclass(frozen=True)
class AkerlofMarket:
    """Equilibrium of a market with uniform risks (see `akerlof_market`)."""

    marginal_cost: float
    """Expected cost of the last person insured, held in [0, max_cost]."""
    price: float
    """Premium; where nobody buys, the break-even price that nobody pays."""
    coverage_share: float
    """Share insured."""


def _akerlof(
    max_cost: float, risk_premium: float, slope: float, loading: float
) -> tuple[float, float, float, float]:
    top = real("max_cost", max_cost, 0.0, 1e100, open_low=True)
    premium = real("risk_premium", risk_premium, -1e100, 1e100)
    mark_up = 1.0 + real("loading", loading, 0.0, 1e100)
    steepness = positive("slope", slope)
    if steepness <= 0.5 * mark_up:
        raise fail("slope", f"> (1 + loading) / 2 = {0.5 * mark_up:g}", steepness, "else all or none buy")
    return top, premium, steepness, mark_up


def akerlof_market(
    max_cost: float, risk_premium: float, slope: float = 1.0, loading: float = 0.0
) -> AkerlofMarket:
    """Solve Akerlof's market with expected costs uniform on [0, max_cost].

    A person of expected cost c is willing to pay ``risk_premium + slope c``; the premium is the average
    cost of the buyers times ``1 + loading``.

    Parameters
    ----------
    max_cost : float
        Highest expected cost, money per person, in (0, 1e100].
    risk_premium : float
        Willingness to pay above ``slope c``, money per person.
    slope : float
        Willingness to pay per unit of expected cost, > (1 + loading) / 2.
    loading : float
        Loading on the average cost, share, >= 0.

    Returns
    -------
    AkerlofMarket
        Marginal cost, price and share insured.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``c* = ((1 + l) C / 2 - A) / (B - (1 + l) / 2)``, held in [0, C]; the share is ``1 - c* / C``. Without
    loading everybody is insured if and only if ``A >= C / 2``, nobody if and only if ``A <= C (1 - B)``.

    References
    ----------
    Akerlof (1970), The market for "lemons", Quarterly Journal of Economics 84(3).

    Examples
    --------
    >>> market = akerlof_market(100, 10)
    >>> market.price, round(market.coverage_share, 6)
    (90.0, 0.2)
    """
    top, premium, steepness, mark_up = _akerlof(max_cost, risk_premium, slope, loading)
    marginal = (0.5 * mark_up * top - premium) / (steepness - 0.5 * mark_up)
    if marginal <= 0.0:
        return AkerlofMarket(0.0, 0.5 * mark_up * top, 1.0)
    held = min(marginal, top)
    return AkerlofMarket(held, premium + steepness * marginal, 1.0 - held / top)


@dataclass(frozen=True)
class RepricingPath:
    """Yearly repricing after each year's average cost (see `akerlof_repricing`)."""

    prices: tuple[float, ...]
    """Premium in each year, the first as given."""
    coverage_shares: tuple[float, ...]
    """Share insured in each year."""
    limit_price: float
    """Fixed point of the repricing rule."""
    rate: float
    """Factor by which the distance to an interior limit shrinks in a year."""
    collapse_year: int | None
    """First year in which nobody buys; the path stops there."""


def akerlof_repricing(
    max_cost: float,
    risk_premium: float,
    first_price: float,
    n_years: int,
    slope: float = 1.0,
    loading: float = 0.0,
) -> RepricingPath:
    """Follow the premium of Akerlof's market when it is reset to last year's average cost.

    Parameters
    ----------
    max_cost : float
        Highest expected cost, money per person, in (0, 1e100].
    risk_premium : float
        Willingness to pay above ``slope c``, money per person.
    first_price : float
        Premium of year 0, money per person, in [0, 1e100].
    n_years : int
        Number of repricings, >= 0.
    slope : float
        Willingness to pay per unit of expected cost, > (1 + loading) / 2.
    loading : float
        Loading on the average cost, share, >= 0.

    Returns
    -------
    RepricingPath
        Prices and shares of years 0 to n_years, or to the year of collapse.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Those with ``c >= (P - A) / B`` buy, so ``P' = (1 + l) (C + max(0, (P - A) / B)) / 2``, a line of
    slope ``(1 + l) / (2 B) < 1``. If its fixed point is above ``A + B C`` the market dies in finite time.

    References
    ----------
    Akerlof (1970); Cutler and Reber (1998), Paying for health insurance, Quarterly Journal of
    Economics 113(2), for a spiral that was seen.

    Examples
    --------
    >>> akerlof_repricing(100, 10, first_price=50, n_years=4).prices
    (50.0, 70.0, 80.0, 85.0, 87.5)
    >>> akerlof_repricing(100, 10, first_price=50, n_years=9, loading=0.2).collapse_year
    3
    """
    top, premium, steepness, mark_up = _akerlof(max_cost, risk_premium, slope, loading)
    price = real("first_price", first_price, 0.0, 1e100)
    years = integer("n_years", n_years, 0)
    prices: list[float] = []
    shares: list[float] = []
    collapse: int | None = None
    for year in range(years + 1):
        marginal = max(0.0, (price - premium) / steepness)
        prices.append(price)
        shares.append(max(0.0, 1.0 - marginal / top))
        if shares[-1] == 0.0:
            collapse = year
            break
        price = 0.5 * mark_up * (top + marginal)
    limit = akerlof_market(top, premium, steepness, mark_up - 1.0).price
    return RepricingPath(tuple(prices), tuple(shares), limit, 0.5 * mark_up / steepness, collapse)


@dataclass(frozen=True)
class NormalMarket:
    """Equilibrium of a market with normal risks (see `normal_market`)."""

    coverage_share: float
    """Share insured; 0 if there is no equilibrium with trade."""
    threshold: float | None
    """Standardised expected cost of the last person insured; None without trade."""
    price: float | None
    """Premium, money per person; None without trade."""


def normal_market(mean: float, sd: float, risk_premium: float, loading: float = 0.0) -> NormalMarket:
    """Solve a market with expected costs N(mean, sd squared) and a common risk premium.

    A person of expected cost c is willing to pay ``c + risk_premium``; the premium is the average cost of
    the buyers times ``1 + loading``. Of two equilibria the one with more people insured is returned.

    Parameters
    ----------
    mean : float
        Mean expected cost, money per person, >= 0. Without loading the share does not depend on it.
    sd : float
        Standard deviation of expected cost, money per person, > 0. For a bundle of people multiply it
        by `bundling_factor`.
    risk_premium : float
        Willingness to pay above expected cost, money per person, >= 0.
    loading : float
        Loading on the average cost, share, >= 0.

    Returns
    -------
    NormalMarket
        Share insured, threshold and premium.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    With ``h(z) = phi(z) / (1 - Phi(z))`` the threshold solves
    ``(1 + l) (m / s + h(z)) = m / s + a / s + z``; without loading ``h(z) - z = a / s``.

    References
    ----------
    Akerlof (1970) with normal costs; derived in the notes.

    Examples
    --------
    >>> round(normal_market(mean=2, sd=1, risk_premium=0.8).coverage_share, 3)
    0.502
    >>> normal_market(mean=2, sd=1, risk_premium=0.3, loading=0.05).coverage_share
    0.0
    """
    from scipy.optimize import brentq

    m = nonnegative("mean", mean)
    s = positive("sd", sd)
    a = finite("sd", "large enough", s, nonnegative("risk_premium", risk_premium) / s)
    extra = nonnegative("loading", loading)
    relative_mean = finite("sd", "large enough", s, m / s)
    fixed = finite("loading", "small enough", extra, extra * relative_mean)

    def gap(z: float) -> float:
        return _normal.excess_hazard(z) + (fixed + extra * _normal.hazard(z)) - a

    def turning(z: float) -> float:
        return extra / (1.0 + extra) - _normal.truncated_variance(z)

    no_trade = NormalMarket(0.0, None, None)
    if a < 1e-150:
        return no_trade
    low = -a - 1.0
    if extra == 0.0:
        high = 1.0 / a + 1.0
    else:
        high = float(brentq(turning, -40.0, 10.0 + 2.0 / math.sqrt(extra), maxiter=5000))
        if high <= low or gap(high) > 0.0:
            return no_trade
    z = float(brentq(gap, low, high, xtol=1e-14, maxiter=5000))
    price = finite("sd", "small enough", s, m + s * (a + z))
    return NormalMarket(_normal.cdf(-z), z, price)


def bundling_factor(n_members: float, correlation: float = 0.0) -> float:
    """Return the factor by which enrolling whole groups shrinks the spread of expected cost.

    Parameters
    ----------
    n_members : float
        Members per group, may be an average, >= 1.
    correlation : float
        Correlation of expected cost within a group, in [0, 1].

    Returns
    -------
    float
        Standard deviation per member of a group over that of a person, in (0, 1].

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``sqrt((1 + (n - 1) rho) / n)``, the standard deviation of a mean of n equicorrelated variables.

    Examples
    --------
    >>> round(bundling_factor(4.5, 0.2), 3)
    0.615
    """
    n = real("n_members", n_members, 1.0)
    rho = share("correlation", correlation)
    return math.sqrt((1.0 - rho) / n + rho)


@dataclass(frozen=True)
class SeparatingContracts:
    """Rothschild-Stiglitz contracts (see `rothschild_stiglitz`)."""

    low_indemnity: float
    """Indemnity of the low risk, money."""
    low_premium: float
    """Premium of the low risk, money."""
    low_certainty_equivalent: float
    """Certain wealth worth the low risk's contract."""
    low_uninsured_certainty_equivalent: float
    """Certain wealth worth having no insurance, low risk."""
    low_full_information_certainty_equivalent: float
    """Certain wealth of the low risk with full cover at its own fair price."""
    high_certainty_equivalent: float
    """Certain wealth of the high risk, fully covered at its own fair price."""
    min_high_share: float
    """Least share of high risks at which the separating equilibrium exists."""


def rothschild_stiglitz(
    wealth: float,
    loss: float,
    low_risk: float,
    high_risk: float,
    relative_risk_aversion: float = 1.0,
) -> SeparatingContracts:
    """Solve the separating equilibrium of two risk types that the insurer cannot tell apart.

    Parameters
    ----------
    wealth : float
        Wealth without loss, money, > loss.
    loss : float
        Size of the loss, money, >= wealth / 10,000.
    low_risk, high_risk : float
        Loss probabilities, 1e-9 <= low_risk < high_risk < 1.
    relative_risk_aversion : float
        Constant relative risk aversion, in [0.001, 100]; 1 is log utility.

    Returns
    -------
    SeparatingContracts
        The low risk's partial cover, certainty equivalents, and the share of high risks from which on no
        pooling contract breaks the equilibrium.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    The high risk is fully covered at a fair price; the low risk's indemnity q makes the high risk
    indifferent: ``(1 - pH) u(W - pL q) + pH u(W - L + (1 - pL) q) = u(W - pH L)``. The equilibrium exists
    if the best pooled contract is worth no more to the low risk than its own.

    References
    ----------
    Rothschild and Stiglitz (1976), Equilibrium in competitive insurance markets, Quarterly Journal of
    Economics 90(4).

    Examples
    --------
    >>> contracts = rothschild_stiglitz(100, 75, low_risk=0.1, high_risk=0.4)
    >>> round(contracts.low_indemnity, 4), round(contracts.min_high_share, 5)
    (19.1115, 0.13319)
    """
    from scipy.optimize import brentq

    full_loss = positive("loss", loss)
    w = real("wealth", wealth, full_loss, open_low=True, why="some wealth must be left")
    if full_loss < 1e-4 * w:
        raise fail(
            "loss", f">= wealth / 10,000 = {1e-4 * w:g}", full_loss, "risk aversion drowns in rounding"
        )
    p_low = real("low_risk", low_risk, 1e-9, 1.0, open_high=True)
    p_high = real("high_risk", high_risk, p_low, 1.0, open_low=True, open_high=True)
    gamma = real("relative_risk_aversion", relative_risk_aversion, 1e-3, 100.0)
    kept = w - full_loss

    def certain(p: float, price: float, indemnity: float) -> float:
        good = (w - price * indemnity) / w
        bad = (kept + (1.0 - price) * indemnity) / w
        log_good, log_bad = math.log(good), math.log(bad)
        power = 1.0 - gamma
        if power == 0.0:
            return w * math.exp((1.0 - p) * log_good + p * log_bad)
        worse, gap, chance = max(
            (power * log_good, power * (log_bad - log_good), p),
            (power * log_bad, power * (log_good - log_bad), 1.0 - p),
        )
        return w * math.exp((worse + math.log1p(chance * math.expm1(gap))) / power)

    target = w - p_high * full_loss

    def root(function: Callable[[float], float], high: float) -> float:
        if function(0.0) * function(high) >= 0.0:
            types = "low_risk, high_risk and relative_risk_aversion"
            raise fail(types, "such that cover is worth more than rounding", (p_low, p_high, gamma))
        return float(brentq(function, 0.0, high, xtol=1e-15 * high))

    indemnity = root(lambda q: certain(p_high, p_low, q) - target, full_loss)
    separate = certain(p_low, p_low, indemnity)

    def pooled(high_share: float) -> float:
        price = p_low + high_share * (p_high - p_low)
        odds = p_low * (1.0 - price) / ((1.0 - p_low) * price)
        ratio = odds ** (1.0 / gamma)
        best = (ratio * w - kept) / ((1.0 - price) + ratio * price)
        return certain(p_low, price, min(max(best, 0.0), full_loss)) - separate

    return SeparatingContracts(
        low_indemnity=indemnity,
        low_premium=p_low * indemnity,
        low_certainty_equivalent=separate,
        low_uninsured_certainty_equivalent=certain(p_low, p_low, 0.0),
        low_full_information_certainty_equivalent=w - p_low * full_loss,
        high_certainty_equivalent=target,
        min_high_share=root(pooled, 1.0),
    )
