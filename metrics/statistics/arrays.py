"""Arrays of numbers and their quotients."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def ratio(numerator: Any, denominator: Any) -> Array:
    """Divides: numerator / denominator, and 0 where the denominator is not positive.

    Args:
        numerator: Any numbers, [...].
        denominator: Numbers of the same shape.

    Returns:
        Quotients, float64 [...].
    """
    positive = denominator > 0.0
    safe = np.where(positive, denominator, 1.0)
    quotient: Array = np.where(positive, numerator / safe, 0.0)
    return quotient
