"""The unit of speed: one vectorised Philox4x32-10 block, timed in the process that is judged.

A household-month needs random draws whatever the program does, so the time of one block is a unit that moves
with the machine and cannot be improved by drawing more. The loop below is the fastest that we know of: plain
arithmetic in 64-bit lanes, which the compiler turns into vector instructions; the four words of a block are
folded into one so that memory is no part of it.
"""

from __future__ import annotations

import time

import numba
import numpy as np
from numpy.typing import NDArray

LANES = 1_024
"""Blocks a pass; what they write stays in the first-level cache."""

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_MASK, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@numba.njit(error_model="numpy", nogil=True)
def philox_blocks(
    out: NDArray[np.uint32],
    c1: np.uint64,
    c2: np.uint64,
    c3: np.uint64,
    key_0: np.uint64,
    key_1: np.uint64,
) -> None:
    """Write into ``out[i]`` the words of the block at counter (i, c1, c2, c3), folded by exclusive or."""
    for i in range(out.size):
        x0, x1, x2, x3 = np.uint64(i), c1, c2, c3
        k0, k1 = key_0, key_1
        for _ in range(10):
            product_0, product_1 = _M0 * x0, _M1 * x2
            x0 = (product_1 >> _HALF) ^ x1 ^ k0
            x1 = product_1 & _MASK
            x2 = (product_0 >> _HALF) ^ x3 ^ k1
            x3 = product_0 & _MASK
            k0 = (k0 + _W0) & _MASK
            k1 = (k1 + _W1) & _MASK
        out[i] = np.uint32(x0 ^ x1 ^ x2 ^ x3)


def seconds_per_block(passes: int = 10_000) -> float:
    """Return the processor time of one block, in seconds; 20 ms of work unless told otherwise."""
    out = np.empty(LANES, dtype=np.uint32)
    rest = [np.uint64(word) for word in (5 << 8, 24_000 << 16, 41, 0x12345678, 0x9ABCDEF0)]
    philox_blocks(out, *rest)
    begin = time.process_time()
    for _ in range(passes):
        philox_blocks(out, *rest)
    return (time.process_time() - begin) / (passes * LANES)


def is_wide() -> bool:
    """Say whether the loop was compiled into instructions of AVX-512."""
    seconds_per_block(1)
    return any("zmm" in text for text in philox_blocks.inspect_asm().values())
