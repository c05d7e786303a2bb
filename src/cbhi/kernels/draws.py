"""Keyed random draws: the only home of chance.

Every draw is a pure function of (seed, replicate, entity, month, decision, index): a counter-based
generator, Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as
1, 2, 3"), is evaluated at that address. Nothing is stored and nothing is drawn in sequence, so the
order of events, the number of workers and the presence of other households change no draw.

The address fills the 128-bit counter without overlap:

=====  ============================  =======================
word   bits                          range
=====  ============================  =======================
0      household ordinal in section  0 to 2**32 - 1
1      section << 8 | member         2**24 sections, 256
2      month << 16 | index           65,536 months, 65,536
3      decision code                 0 to 2**32 - 1
=====  ============================  =======================
"""

from __future__ import annotations

import math

from cbhi.kernels.approx import exp, few_exp
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.records import F8, I8, Table

MASK = 0xFFFFFFFF
MULTIPLIER_0 = 0xD2511F53
MULTIPLIER_1 = 0xCD9E8D57
WEYL_0 = 0x9E3779B9
WEYL_1 = 0xBB67AE85
TO_UNIT = 2.0**-32

# No household / no member at this address.
NOBODY = 0
# `count_few` counts up to here
FEW = 6

MEMBER_BITS = 8
INDEX_BITS = 16
MEMBER_MASK = 0xFF
INDEX_MASK = 0xFFFF
# addresses that are drawn at once; their uniforms stay in first-level cache
LANES = 512
# lanes in the widest vector of processors
VECTOR = 8
# how far from one half a uniform's normal quantile is a ratio of polynomials of it
CENTRE = 0.425


def philox_round(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Return the four words after one round of Philox4x32."""
    product_0 = MULTIPLIER_0 * c0
    product_1 = MULTIPLIER_1 * c2
    return (
        ((product_1 >> 32) ^ c1 ^ k0) & MASK,
        product_1 & MASK,
        ((product_0 >> 32) ^ c3 ^ k1) & MASK,
        product_0 & MASK,
    )


def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Return the four 32-bit words of Philox4x32-10 at counter ``c`` under key ``k``.

    Ten rounds written out, and put in the place of every call, so that a loop over it becomes vectors.
    """
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + WEYL_0) & MASK, (k1 + WEYL_1) & MASK)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + 2 * WEYL_0) & MASK, (k1 + 2 * WEYL_1) & MASK)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + 3 * WEYL_0) & MASK, (k1 + 3 * WEYL_1) & MASK)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + 4 * WEYL_0) & MASK, (k1 + 4 * WEYL_1) & MASK)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + 5 * WEYL_0) & MASK, (k1 + 5 * WEYL_1) & MASK)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + 6 * WEYL_0) & MASK, (k1 + 6 * WEYL_1) & MASK)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + 7 * WEYL_0) & MASK, (k1 + 7 * WEYL_1) & MASK)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + 8 * WEYL_0) & MASK, (k1 + 8 * WEYL_1) & MASK)
    return philox_round(c0, c1, c2, c3, (k0 + 9 * WEYL_0) & MASK, (k1 + 9 * WEYL_1) & MASK)


def counter(
    section: int, ordinal: int, member: int, month: int, decision: int, index: int
) -> tuple[int, int, int, int]:
    """Return the counter words of one address; distinct addresses give distinct counters."""
    return (
        int(ordinal) & MASK,
        ((int(section) << 8) | int(member)) & MASK,
        ((int(month) << 16) | int(index)) & MASK,
        int(decision) & MASK,
    )


def block(
    key: tuple[int, int], section: int, ordinal: int, member: int, month: int, decision: int, index: int
) -> tuple[float, float, float, float]:
    """Return four independent uniforms, strictly between 0 and 1, at one address."""
    c0, c1, c2, c3 = counter(section, ordinal, member, month, decision, index)
    x0, x1, x2, x3 = philox(c0, c1, c2, c3, int(key[0]), int(key[1]))
    return (x0 + 0.5) * TO_UNIT, (x1 + 0.5) * TO_UNIT, (x2 + 0.5) * TO_UNIT, (x3 + 0.5) * TO_UNIT


def parts_of(word: int) -> tuple[int, int, int]:
    """Return the ordinal, index and member that ``address`` put into a word."""
    return (
        word >> (MEMBER_BITS + INDEX_BITS),
        (word >> MEMBER_BITS) & INDEX_MASK,
        word & MEMBER_MASK,
    )


def fill_blocks(
    key: tuple[int, int], section: int, month: int, decision: int, n: int, addresses: I8, uniforms: F8
) -> None:
    """Fill ``uniforms[0..3, :n]`` with what ``block`` gives at ``n`` addresses of a section.

    ``addresses`` are packed by ``address``. Lanes up to the end of a vector are filled too.
    """
    k0, k1 = int(key[0]), int(key[1])
    _, high, month_word, word_3 = counter(section, 0, NOBODY, month, decision, 0)
    words = addresses[: whole_vectors(n)]
    u0 = uniforms[0]
    u1 = uniforms[1]
    u2 = uniforms[2]
    u3 = uniforms[3]
    for i in range(words.size):
        ordinal, index, member = parts_of(int(words[i]))
        x0, x1, x2, x3 = philox(ordinal & MASK, high | member, month_word | index, word_3, k0, k1)
        u0[i] = (x0 + 0.5) * TO_UNIT
        u1[i] = (x1 + 0.5) * TO_UNIT
        u2[i] = (x2 + 0.5) * TO_UNIT
        u3[i] = (x3 + 0.5) * TO_UNIT


def whole_vectors(n: int) -> int:
    """Return how many lanes a loop over ``n`` should run through, so that none is left to be done singly."""
    return (n + VECTOR - 1) // VECTOR * VECTOR


def address(ordinal: int, member: int, index: int = 0) -> int:
    """Return a household's ordinal, a member's (or NOBODY) and the index in one word, for ``fill_blocks``."""
    return (((int(ordinal) << INDEX_BITS) | int(index)) << MEMBER_BITS) | int(member)


def uniform(
    key: tuple[int, int], section: int, ordinal: int, member: int, month: int, decision: int, index: int
) -> float:
    """Return one uniform, strictly between 0 and 1, at one address."""
    return block(key, section, ordinal, member, month, decision, index)[0]


def draw_households(
    households: Table,
    start: int,
    n: int,
    key: tuple[int, int],
    section: int,
    month: int,
    decision: int,
    u0: F8,
    u1: F8,
    u2: F8,
    u3: F8,
) -> None:
    """Write the uniforms of `block` at the addresses of ``n`` households from row ``start`` on, index 0."""
    _, c1, c2, c3 = counter(section, 0, NOBODY, month, decision, 0)
    k0, k1 = int(key[0]), int(key[1])
    for i in range(n):
        x0, x1, x2, x3 = philox(int(households[start + i].ordinal) & MASK, c1, c2, c3, k0, k1)
        u0[i] = (x0 + 0.5) * TO_UNIT
        u1[i] = (x1 + 0.5) * TO_UNIT
        u2[i] = (x2 + 0.5) * TO_UNIT
        u3[i] = (x3 + 0.5) * TO_UNIT


def central_quantile(q: float) -> float:
    """Return the standard normal quantile of 0.5 + ``q``, for ``q`` up to ``CENTRE`` from 0."""
    r = 0.180625 - q * q
    num = 2509.0809287301226727 * r + 33430.575583588128105
    num = num * r + 67265.770927008700853
    num = num * r + 45921.953931549871457
    num = num * r + 13731.693765509461125
    num = num * r + 1971.5909503065514427
    num = num * r + 133.14166789178437745
    num = num * r + 3.387132872796366608
    den = 5226.495278852854561 * r + 28729.085735721942674
    den = den * r + 39307.89580009271061
    den = den * r + 21213.794301586595867
    den = den * r + 5394.1960214247511077
    den = den * r + 687.1870074920579083
    den = den * r + 42.313330701600911252
    den = den * r + 1.0
    return q * num / den


def normal_quantile(u: float) -> float:
    """Return the standard normal quantile of ``u`` (Wichura 1988, algorithm AS 241, PPND16).

    One uniform gives one normal, monotonically, so that common random numbers stay common.
    """
    q = u - 0.5
    if abs(q) <= CENTRE:
        return central_quantile(q)
    r = u if q < 0.0 else 1.0 - u
    r = math.sqrt(-math.log(r))
    if r <= 5.0:
        r -= 1.6
        num = 7.7454501427834140764e-4 * r + 0.0227238449892691845833
        num = num * r + 0.24178072517745061177
        num = num * r + 1.27045825245236838258
        num = num * r + 3.64784832476320460504
        num = num * r + 5.7694972214606914055
        num = num * r + 4.6303378461565452959
        num = num * r + 1.42343711074968357734
        den = 1.05075007164441684324e-9 * r + 5.475938084995344946e-4
        den = den * r + 0.0151986665636164571966
        den = den * r + 0.14810397642748007459
        den = den * r + 0.68976733498510000455
        den = den * r + 1.6763848301838038494
        den = den * r + 2.05319162663775882187
        den = den * r + 1.0
    else:
        r -= 5.0
        num = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
        num = num * r + 0.0012426609473880784386
        num = num * r + 0.026532189526576123093
        num = num * r + 0.29656057182850489123
        num = num * r + 1.7848265399172913358
        num = num * r + 5.4637849111641143699
        num = num * r + 6.6579046435011037772
        den = 2.04426310338993978564e-15 * r + 1.4215117583164458887e-7
        den = den * r + 1.8463183175100546818e-5
        den = den * r + 7.868691311456132591e-4
        den = den * r + 0.0148753612908506148525
        den = den * r + 0.13692988092273580531
        den = den * r + 0.59983220655588793769
        den = den * r + 1.0
    return num / den if q > 0.0 else -num / den


def poisson_quantile(u: float, mean: float) -> int:
    """Return the Poisson quantile of ``u``: the smallest n with P(N <= n) >= u.

    Exact by summation up to a mean of 50; above it, the normal quantile with a continuity correction
    (relative error of the mean below 1e-3), where only stress scenarios go.
    """
    if mean <= 0.0:
        return 0
    if mean > 50.0:
        return max(0, math.floor(mean + math.sqrt(mean) * normal_quantile(u) + 0.5))
    term = exp(-mean)
    total = term
    n = 0
    while u > total and n < 400:
        n += 1
        term *= mean / n
        total += term
    return n


def count_few(u: float, mean: float) -> int:
    """Return `poisson_quantile` up to ``FEW``; nothing branches, so that loops over draws become vectors.

    Not the draw and the sums of probabilities are compared but both times exp(``mean``), as reals until the
    end. Neither that nor the exponential to 14 digits decides on a draw, of which there are 2**32.
    """
    drawn = u * few_exp(mean)
    count = 1.0 if drawn > 1.0 else 0.0
    total = 1.0 + mean
    count = 2.0 if drawn > total else count
    term = mean * mean * 0.5
    total += term
    count = 3.0 if drawn > total else count
    term *= mean * (1.0 / 3.0)
    total += term
    count = 4.0 if drawn > total else count
    term *= mean * 0.25
    total += term
    count = 5.0 if drawn > total else count
    term *= mean * 0.2
    total += term
    count = 6.0 if drawn > total else count
    return int(count if mean > 0.0 else 0.0)


def table_quantile(u: float, table: object) -> float:
    """Return the value at ``u`` in a table of quantiles at midpoints (i + 1/2) / len(table)."""
    n = len(table)  # type: ignore[arg-type]
    return float(table[min(n - 1, int(u * n))])  # type: ignore[index]


compile_kernels(globals(), inline=("philox_round", "philox", "parts_of"))


def draw_key(seed: int, replicate: int) -> tuple[int, int]:
    """Return the generator's key for one replicate: seed and replicate hashed, never added.

    Parameters
    ----------
    seed
        Any whole number from 0 to 2**64 - 1.
    replicate
        Replicate number from 0.

    Notes
    -----
    Two rounds of the SplitMix64 finaliser (Steele, Lea and Flood 2014) over (seed, replicate).
    """

    def mix(x: int) -> int:
        x &= 0xFFFFFFFFFFFFFFFF
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return x ^ (x >> 31)

    golden = 0x9E3779B97F4A7C15
    x = mix(mix(seed + golden) + (replicate + 1) * golden)
    return x & MASK, x >> 32
