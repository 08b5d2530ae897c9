"""Rounding of floating-point numbers to fewer bits, and how many bits numbers have.

A file of showers is smaller with fewer bits, but then two cells of a shower often have
exactly equal energies. Showers that are compared with it have to be rounded alike.
"""

import numpy as np
from numpy.typing import NDArray

FLOAT32_BITS = 23
"""Bits of the mantissa of a float32."""

FEWEST_BITS = 7
"""Fewest bits of a mantissa that count as rounding: those of a bfloat16.

Numbers with fewer, for instance a handful of small whole numbers, are what they are.
"""


def rounded(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Rounds floating-point numbers to fewer significant bits.

    Args:
        values: Finite numbers, float32 of any shape.
        bits: Bits of the mantissa to keep, 0 to 23; the relative error is at most
            2**-(bits + 1). All 23 change nothing.

    Returns:
        The nearest numbers with so short a mantissa, ties to even; 0 stays 0.
    """
    if bits == FLOAT32_BITS:
        return values
    dropped = np.uint32(FLOAT32_BITS - bits)
    integers = np.ascontiguousarray(values, np.float32).view(np.uint32)
    odd = (integers >> dropped) & np.uint32(1)
    half = np.uint32((1 << (int(dropped) - 1)) - 1)
    kept = ((integers + half + odd) >> dropped) << dropped
    return kept.view(np.float32)


def stored_bits(values: NDArray[np.float32]) -> int:
    """Tells to how many bits numbers were rounded before they were stored.

    Args:
        values: Numbers, float32 of any shape.

    Returns:
        How many leading bits of the mantissa suffice to hold every number; 23 where
        they have not been rounded, or where fewer than `FEWEST_BITS` suffice.
    """
    integers = np.ascontiguousarray(values, np.float32).view(np.uint32)
    used = int(np.bitwise_or.reduce(integers, axis=None)) & ((1 << FLOAT32_BITS) - 1)
    trailing_zeros = (used & -used).bit_length() - 1 if used else FLOAT32_BITS
    bits = FLOAT32_BITS - trailing_zeros
    return bits if bits >= FEWEST_BITS else FLOAT32_BITS
