"""Cash at hand when the premium is due."""

import math

from cbhi.limits import _normal
from cbhi.limits._checks import positive


def affordable_share(premium: float, household_size: float, median_cash: float, log_sd: float) -> float:
    """Return the share of households with cash enough to enrol all members at once.

    Parameters
    ----------
    premium : float
        Premium per person, money, > 0.
    household_size : float
        People per household, > 0, may be an average.
    median_cash : float
        Median cash of a household when the premium is due, money, > 0.
    log_sd : float
        Standard deviation of the log of cash, > 0.

    Returns
    -------
    float
        Share of households.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``1 - Phi((ln(P n) - ln(median)) / s)`` with lognormal cash.

    Examples
    --------
    >>> round(affordable_share(1_000, 4.6, 6_000, 1.0), 4)
    0.6048
    """
    due = math.log(positive("premium", premium)) + math.log(positive("household_size", household_size))
    return _normal.cdf((math.log(positive("median_cash", median_cash)) - due) / positive("log_sd", log_sd))
