"""What an indicator raises that has no value for sound data."""

from __future__ import annotations

__all__ = ["UndefinedError"]


class UndefinedError(ValueError):
    """Sound data for which an indicator has no value, so that a caller may leave it out with this reason.

    Examples
    --------
    >>> from cbhi.indicators import positive_correlation_test
    >>> try:
    ...     positive_correlation_test([0, 0, 1, 1], [0, 1, 0, 1], covariates=[1.0, 1.1, 5.0, 5.1])
    ... except UndefinedError as reason:
    ...     print(reason)
    is_enrolled is predicted perfectly by the covariates for some rows; drop columns
    """
