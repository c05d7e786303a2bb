"""Certainty equivalents of losses under constant absolute risk aversion."""

import math

from cbhi.limits._checks import fail, finite, nonnegative, positive, real


def _exponential_moment(risk_aversion: float, mean_severity: float) -> float:
    """Return M(gamma) - 1 of an exponential claim."""
    product = risk_aversion * mean_severity
    if product >= 1.0:
        raise fail(
            "mean_severity",
            f"< 1 / risk_aversion = {1.0 / risk_aversion:g}",
            mean_severity,
            "the certainty equivalent is infinite",
        )
    return product / (1.0 - product)


def ce_normal(risk_aversion: float, mean: float, sd: float) -> float:
    """Return the certainty equivalent of a normal loss.

    Parameters
    ----------
    risk_aversion : float
        Absolute risk aversion, per unit of money, > 0.
    mean, sd : float
        Mean and standard deviation of the loss, money; sd >= 0.

    Returns
    -------
    float
        Certain loss as bad as the risk, money.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``ln E exp(gamma X) / gamma = mean + gamma sd^2 / 2``; the second term is the risk premium.

    References
    ----------
    Pratt (1964), Risk aversion in the small and in the large, Econometrica 32.

    Examples
    --------
    >>> round(ce_normal(0.1, mean=6, sd=6), 6)
    7.8
    """
    gamma = positive("risk_aversion", risk_aversion)
    spread = nonnegative("sd", sd)
    return finite("sd", "small enough", spread, real("mean", mean) + 0.5 * gamma * spread * spread)


def ce_gamma(risk_aversion: float, shape: float, scale: float) -> float:
    """Return the certainty equivalent of a gamma loss.

    Parameters
    ----------
    risk_aversion : float
        Absolute risk aversion, per unit of money, > 0.
    shape : float
        Shape of the gamma distribution, > 0.
    scale : float
        Scale, money, > 0 and < 1 / risk_aversion.

    Returns
    -------
    float
        Certain loss as bad as the risk, money.

    Raises
    ------
    ValueError
        If an argument is outside its domain; at ``scale >= 1 / risk_aversion`` no premium is too high.

    Notes
    -----
    ``-(shape / gamma) ln(1 - gamma scale)``.

    References
    ----------
    Gerber (1979), An Introduction to Mathematical Risk Theory (exponential premium principle).

    Examples
    --------
    >>> round(ce_gamma(0.1, shape=2, scale=3), 4)
    7.1335
    """
    gamma = positive("risk_aversion", risk_aversion)
    k = positive("shape", shape)
    theta = positive("scale", scale)
    if gamma * theta >= 1.0:
        raise fail(
            "scale", f"< 1 / risk_aversion = {1.0 / gamma:g}", theta, "the certainty equivalent is infinite"
        )
    return finite("shape", "small enough", k, -k * math.log1p(-gamma * theta) / gamma)


def ce_compound_poisson(risk_aversion: float, mean_count: float, mean_severity: float) -> float:
    """Return the certainty equivalent of Poisson many exponential claims.

    Parameters
    ----------
    risk_aversion : float
        Absolute risk aversion, per unit of money, > 0.
    mean_count : float
        Expected number of claims, >= 0.
    mean_severity : float
        Mean claim, money, > 0 and < 1 / risk_aversion.

    Returns
    -------
    float
        Certain loss as bad as the risk, money.

    Raises
    ------
    ValueError
        If an argument is outside its domain; at ``mean_severity >= 1 / risk_aversion`` it is infinite.

    Notes
    -----
    ``lambda (M_X(gamma) - 1) / gamma = lambda mu / (1 - gamma mu)``.

    References
    ----------
    Gerber (1979), An Introduction to Mathematical Risk Theory (exponential premium principle).

    Examples
    --------
    >>> round(ce_compound_poisson(0.1, mean_count=2, mean_severity=3), 4)
    8.5714
    """
    gamma = positive("risk_aversion", risk_aversion)
    count = nonnegative("mean_count", mean_count)
    excess = _exponential_moment(gamma, positive("mean_severity", mean_severity))
    return finite("mean_count", "small enough", count, count * excess / gamma)


def ce_compound_negative_binomial(
    risk_aversion: float, mean_count: float, size: float, mean_severity: float
) -> float:
    """Return the certainty equivalent of negative binomially many exponential claims.

    Parameters
    ----------
    risk_aversion : float
        Absolute risk aversion, per unit of money, > 0.
    mean_count : float
        Expected number of claims, >= 0.
    size : float
        Shape of the gamma heterogeneity, in [1e-9, 1e100]; the count's variance is ``m + m^2 / size``.
    mean_severity : float
        Mean claim, money, > 0 and < 1 / risk_aversion.

    Returns
    -------
    float
        Certain loss as bad as the risk, money; tends to `ce_compound_poisson` as size grows.

    Raises
    ------
    ValueError
        If an argument is outside its domain or the certainty equivalent is infinite.

    Notes
    -----
    With ``beta = m / size``: ``-(size / gamma) ln(1 - beta (M_X(gamma) - 1))``.

    References
    ----------
    Klugman, Panjer and Willmot, Loss Models (compound distributions).

    Examples
    --------
    >>> round(ce_compound_negative_binomial(0.1, mean_count=2, size=4, mean_severity=3), 4)
    9.6465
    """
    gamma = positive("risk_aversion", risk_aversion)
    count = nonnegative("mean_count", mean_count)
    r = real("size", size, 1e-9, 1e100)
    excess = _exponential_moment(gamma, positive("mean_severity", mean_severity))
    if count * excess >= r:
        raise fail(
            "mean_count",
            f"< size / (M(gamma) - 1) = {r / excess:g}",
            count,
            "the certainty equivalent is infinite",
        )
    return finite("mean_count", "small enough", count, -r * math.log1p(-count * excess / r) / gamma)


def max_loading(certainty_equivalent: float, mean: float) -> float:
    """Return the highest loading at which insurance is still worth its price.

    Parameters
    ----------
    certainty_equivalent : float
        Certainty equivalent of the loss, money, >= mean.
    mean : float
        Expected loss, money, > 0.

    Returns
    -------
    float
        Largest share above the expected loss that the person would pay.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``CE / mean - 1``.

    Examples
    --------
    >>> round(max_loading(60 / 7, 6), 4)
    0.4286
    """
    expected = positive("mean", mean)
    worth = real(
        "certainty_equivalent", certainty_equivalent, expected, why="a risk-averse person gains by cover"
    )
    return finite("mean", "large enough", expected, worth / expected - 1.0)
