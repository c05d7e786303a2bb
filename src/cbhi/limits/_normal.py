"""The normal distribution in one and two dimensions, to double precision."""

import math


def pdf(x: float) -> float:
    """Return the standard normal density."""
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def cdf(x: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def quantile(p: float) -> float:
    """Return the standard normal quantile."""
    from scipy.special import ndtri

    return float(ndtri(p))


def excess_hazard(z: float) -> float:
    """Return phi(z) / (1 - Phi(z)) - z, without cancellation for large z."""
    if z > 50.0:
        u = 1.0 / (z * z)
        return (1.0 - u * (2.0 - u * (10.0 - u * (74.0 - u * 706.0)))) / z
    return hazard(z) - z


def hazard(z: float) -> float:
    """Return phi(z) / (1 - Phi(z)), the mean of a standard normal above z."""
    from scipy.special import erfcx

    if z > 50.0:
        return z + excess_hazard(z)
    return math.sqrt(2.0 / math.pi) / float(erfcx(z / math.sqrt(2.0)))


def truncated_variance(z: float) -> float:
    """Return the variance of a standard normal above z, without cancellation for large z."""
    if z > 50.0:
        u = 1.0 / (z * z)
        short = u * (2.0 - u * (10.0 - u * (74.0 - u * 706.0)))
        return short - u * (1.0 - short) ** 2
    return 1.0 - hazard(z) * excess_hazard(z)


def _owen(h: float, numerator: float, scale: float) -> float:
    from scipy.special import owens_t

    if h * scale == 0.0:
        return math.copysign(0.25, -numerator if h < 0.0 else numerator) if numerator else 0.0
    return float(owens_t(h, numerator / (h * scale)))


def bivariate_cdf(x: float, y: float, correlation: float) -> float:
    """Return P(X <= x, Y <= y) for standard normals, by Owen's T function."""
    low, high = max(0.0, cdf(x) - cdf(-y)), min(cdf(x), cdf(y))
    if correlation == 1.0:
        return high
    if correlation == -1.0:
        return low
    if x == 0.0 and y == 0.0:
        return 0.25 + math.asin(correlation) / (2.0 * math.pi)
    scale = math.sqrt((1.0 - correlation) * (1.0 + correlation))
    jump = 0.5 if (x < 0.0) != (y < 0.0) else 0.0
    value = (
        0.5 * (cdf(x) + cdf(y))
        - _owen(x, y - correlation * x, scale)
        - _owen(y, x - correlation * y, scale)
        - jump
    )
    return min(max(value, low), high)
