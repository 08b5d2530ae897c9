"""Timings of several actions in turn: a noisy machine disturbs all of them alike."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

SAMPLE_S = 0.05
_MOST_CALLS = 10_000

Action = Callable[[int], float]
"""Does something n times and returns how long that took [s]."""


@dataclasses.dataclass(frozen=True)
class Timing:
    """How long one call of an action takes.

    Attributes:
        median_s: Median over the samples [s].
        low_s: Their first quartile [s].
        high_s: Their third quartile [s].
        samples: Number of samples, each the mean of several calls.
    """

    median_s: float
    low_s: float
    high_s: float
    samples: int

    @property
    def spread(self) -> float:
        """Half the distance of the quartiles, relative to the median."""
        return (self.high_s - self.low_s) / (2.0 * self.median_s)


def stopwatch(call: Callable[[], Any]) -> Action:
    """Makes an action of a call without arguments that returns when it is done."""

    def action(calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - start

    return action


def settled(first: int, call: Callable[[], Any]) -> Action:
    """Makes an action whose clock starts after some calls.

    Args:
        first: Calls before the clock starts, each time.
        call: See `stopwatch`.
    """
    timed = stopwatch(call)

    def action(calls: int) -> float:
        for _ in range(first):
            call()
        return timed(calls)

    return action


def interleaved(
    actions: Mapping[str, Action], repeats: int, calls: int | None = None
) -> dict[str, Timing]:
    """Times actions in turn, A B C A B C, after warming each up.

    Args:
        actions: The actions by name.
        repeats: Samples of each.
        calls: Calls per sample; as many as fill `SAMPLE_S` by default.

    Returns:
        The timings by name.

    Raises:
        ValueError: If `repeats` is not positive.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, received {repeats}")
    counts = {}
    for name, action in actions.items():
        action(2)
        fitting = round(SAMPLE_S / max(action(1), SAMPLE_S / _MOST_CALLS))
        counts[name] = calls or max(1, fitting)
    samples: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            samples[name].append(action(counts[name]) / counts[name])
    return {name: summary(values) for name, values in samples.items()}


def summary(samples: Sequence[float]) -> Timing:
    """Returns median and quartiles of samples, each the time of a call [s]."""
    low, median, high = np.quantile(samples, [0.25, 0.5, 0.75])
    return Timing(float(median), float(low), float(high), len(samples))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lays out a table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for row in (header, *rows):
        first = row[0].ljust(widths[0])
        others = [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)
