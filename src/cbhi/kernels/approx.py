"""Functions written out in plain arithmetic, so that loops over them become vectors.

Accurate to a few units in the last place (tested against the C library); nothing here draws or decides.
"""

from __future__ import annotations

import math

import numpy as np

from cbhi.kernels.compiling import compile_kernels

LOG2_E = 1.4426950408889634
# ln 2 in two parts, the first with so few digits that its products with small whole numbers are exact
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
LN2 = math.log(2.0)
LOWEST = -700.0
HIGHEST = 700.0
EXPONENT_BIAS = 1023
EXPONENT_PLACE = 52
# the bits of the square root of 1/2
HALF_ROOT_BITS = 0x3FE6A09E667F3BCD


def exp(x: float) -> float:
    """Return e to the power of ``x``, which is held within +-700; relative error below 4e-16.

    x = k ln 2 + r with |r| <= ln 2 / 2, a Taylor polynomial of degree 13 in r, and 2 to the power of k put
    together from its bits.
    """
    x = min(max(x, LOWEST), HIGHEST)
    k = math.floor(x * LOG2_E + 0.5)
    r = x - k * LN2_HIGH
    r = r - k * LN2_LOW
    p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r * r + r
    scale = np.int64((k + EXPONENT_BIAS) << EXPONENT_PLACE).view(np.float64)
    return float((p + 1.0) * scale)


def few_exp(x: float) -> float:
    """Return e to the power of ``x``, held within 0 and 700, with a relative error below 2e-14.

    As ``exp``, with a polynomial of degree 11 and ln 2 in one part.
    """
    x = min(max(x, 0.0), HIGHEST)
    k = math.floor(x * LOG2_E + 0.5)
    r = x - k * LN2
    p = r * (1.0 / 39916800.0) + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r * r + r
    scale = np.int64((k + EXPONENT_BIAS) << EXPONENT_PLACE).view(np.float64)
    return float((p + 1.0) * scale)


def log(x: float) -> float:
    """Return the natural logarithm of ``x``, a positive number of full precision.

    The rational approximation of FreeBSD's ``e_log.c`` (Sun Microsystems 1993), without its branches.
    """
    bits = np.float64(x).view(np.int64)
    # x = 2^k m with m between the square roots of 1/2 and of 2
    k = (bits - HALF_ROOT_BITS) >> EXPONENT_PLACE
    f = np.int64(bits - (k << EXPONENT_PLACE)).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 1.818357216161805012e-01 + z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01)
    p = 2.857142874366239149e-01 + z * (2.222219843214978396e-01 + z * p)
    p = z * (6.666666666666735130e-01 + z * (3.999999999940941908e-01 + z * p))
    half_square = 0.5 * f * f
    return float(k * LN2_HIGH - ((half_square - (s * (half_square + p) + k * LN2_LOW)) - f))


compile_kernels(globals())
