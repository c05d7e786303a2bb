"""Targeting the poor with a noisy score, and the risk gap that selection leaves."""

from dataclasses import dataclass

from cbhi.limits import _normal
from cbhi.limits._checks import finite, inner_share, nonnegative, real


def bivariate_normal_cdf(x: float, y: float, correlation: float) -> float:
    """Return the probability that two correlated standard normals stay below two bounds.

    Parameters
    ----------
    x, y : float
        Bounds, finite.
    correlation : float
        Correlation, in [-1, 1].

    Returns
    -------
    float
        ``P(X <= x, Y <= y)``, exact to absolute rounding.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    By Owen's T function.

    References
    ----------
    Owen (1956), Tables for computing bivariate normal probabilities, Annals of Mathematical
    Statistics 27.

    Examples
    --------
    >>> round(bivariate_normal_cdf(0, 0, 0.5), 6)
    0.333333
    """
    return _normal.bivariate_cdf(real("x", x), real("y", y), real("correlation", correlation, -1.0, 1.0))


@dataclass(frozen=True)
class Targeting:
    """Errors of a selection by a noisy score (see `score_targeting`)."""

    sensitivity: float
    """Share of the poor who are selected."""
    exclusion_error: float
    """Share of the poor who are left out."""
    inclusion_error: float
    """Share of the selected who are not poor."""


def score_targeting(correlation: float, poor_share: float, selected_share: float | None = None) -> Targeting:
    """Return the errors of selecting the lowest scores when score and welfare are bivariate normal.

    Parameters
    ----------
    correlation : float
        Correlation r of score and welfare (the square root of the score's R squared), in [-1, 1].
    poor_share : float
        Share h of people who are poor, in (0, 1).
    selected_share : float, optional
        Share s of people selected, in (0, 1); the poor share if left out.

    Returns
    -------
    Targeting
        Sensitivity, exclusion error and inclusion error.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Sensitivity ``Phi2(z_h, z_s; r) / h``; share of the selected who are poor ``Phi2(z_h, z_s; r) / s``.

    References
    ----------
    Grosh and Baker (1995), Proxy means tests for targeting social programs, World Bank LSMS 118;
    Owen (1956) for the integral.

    Examples
    --------
    >>> round(score_targeting(0.9, poor_share=0.24).sensitivity, 3)
    0.768
    >>> round(score_targeting(0.5**0.5, poor_share=0.24, selected_share=0.4).sensitivity, 3)
    0.8
    """
    r = real("correlation", correlation, -1.0, 1.0)
    h = inner_share("poor_share", poor_share)
    s = h if selected_share is None else inner_share("selected_share", selected_share)
    both = _normal.bivariate_cdf(_normal.quantile(h), _normal.quantile(s), r)
    sensitivity = min(1.0, both / h)
    return Targeting(sensitivity, 1.0 - sensitivity, max(0.0, 1.0 - both / s))


def cgh_ratio(correlation: float, selected_share: float, bottom_share: float = 0.4) -> float:
    """Return how much more of a programme the poorest get than under random selection.

    Parameters
    ----------
    correlation : float
        Correlation of score and welfare, in [-1, 1].
    selected_share : float
        Share of people selected, in (0, 1).
    bottom_share : float
        Share of people who count as poorest, in (0, 1); 0.4 is customary.

    Returns
    -------
    float
        Share of the selected in the poorest group over the group's share of people; 1 is neutral.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``Phi2(z_b, z_s; r) / (s b)``.

    References
    ----------
    Coady, Grosh and Hoddinott (2004), Targeting of Transfers in Developing Countries, World Bank.

    Examples
    --------
    >>> round(cgh_ratio(0.9, selected_share=0.24), 3)
    2.364
    """
    r = real("correlation", correlation, -1.0, 1.0)
    s = inner_share("selected_share", selected_share)
    b = inner_share("bottom_share", bottom_share)
    both = _normal.bivariate_cdf(_normal.quantile(b), _normal.quantile(s), r)
    return finite("bottom_share", "large enough", b, both / s / b)


def insured_risk_gap(coverage_share: float, sd: float = 1.0) -> float:
    """Return how far the insured exceed the uninsured in risk when the riskiest enrol first.

    Parameters
    ----------
    coverage_share : float
        Share C insured, in (0, 1).
    sd : float
        Standard deviation of normal risk, money, >= 0.

    Returns
    -------
    float
        Mean risk of the insured minus that of the uninsured, money; least at C = 1/2.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``s phi(z) (1 / C + 1 / (1 - C))`` with ``z = Phi^-1(1 - C)``.

    References
    ----------
    Chiappori and Salanie (2000), Journal of Political Economy 108(1), for the test it cautions about.

    Examples
    --------
    >>> round(insured_risk_gap(0.1), 3), round(insured_risk_gap(0.5), 3)
    (1.95, 1.596)
    """
    c = inner_share("coverage_share", coverage_share)
    spread = nonnegative("sd", sd)
    density = _normal.pdf(_normal.quantile(c))
    return finite("sd", "small enough", spread, spread * (density / c + density / (1.0 - c)))
