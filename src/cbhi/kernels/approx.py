"""Exponential and logarithm from plain arithmetic, so that loops over them become vectors.

The operating system's own take five times as long, one number at a time, and differ between systems in the
last bit; these are the same everywhere. The rational approximations are those of FreeBSD's ``e_exp.c`` and
``e_log.c`` (Sun Microsystems 1993), without branches: results are within 2 units in the last place.
"""

from __future__ import annotations

import math

import numpy as np

from cbhi.kernels.compiling import compile_kernels

LOG2_E = 1.44269504088896338700
# the logarithm of 2 in two parts; multiples of the first by a whole number up to 2,000 are exact
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
# results stay between the smallest and the greatest number of full precision
LOWEST_EXPONENT = -708.0
HIGHEST_EXPONENT = 709.0
# a double's fraction takes 52 bits, its exponent counts from 1023
FRACTION_BITS = 52
EXPONENT_ZERO = 1023
# the bits of the square root of 1/2
HALF_ROOT_BITS = 0x3FE6A09E667F3BCD


def exp_of(x: float) -> float:
    """Return e to the power ``x``, which is cut at -708 and 709."""
    cut = min(max(x, LOWEST_EXPONENT), HIGHEST_EXPONENT)
    # x = n log 2 + r with r at most half of log 2
    n = math.floor(cut * LOG2_E + 0.5)
    r = (cut - n * LN2_HIGH) - n * LN2_LOW
    t = r * r
    p = 1.65339022054652515390e-06 - t * 4.13813679705723846039e-08
    p = 6.61375632143793436117e-05 - t * p
    p = 2.77777777770155933842e-03 - t * p
    p = 1.66666666666666019037e-01 - t * p
    c = r - t * p
    fraction = 1.0 - ((r * c) / (c - 2.0) - r)
    return float(fraction * np.int64((int(n) + EXPONENT_ZERO) << FRACTION_BITS).view(np.float64))


def log_of(x: float) -> float:
    """Return the natural logarithm of ``x``, a positive number of full precision."""
    bits = np.float64(x).view(np.int64)
    # x = 2^k m with m between the square roots of 1/2 and of 2
    k = (bits - HALF_ROOT_BITS) >> FRACTION_BITS
    f = np.int64(bits - (k << FRACTION_BITS)).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 1.818357216161805012e-01 + z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01)
    p = 2.857142874366239149e-01 + z * (2.222219843214978396e-01 + z * p)
    p = z * (6.666666666666735130e-01 + z * (3.999999999940941908e-01 + z * p))
    half_square = 0.5 * f * f
    return float(k * LN2_HIGH - ((half_square - (s * (half_square + p) + k * LN2_LOW)) - f))


compile_kernels(globals(), inline=("exp_of", "log_of"))
