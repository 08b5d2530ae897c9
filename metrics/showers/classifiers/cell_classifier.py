"""The classifier two-sample test on cells at full strength, by cross-transforms.

The network of `metrics.showers.classifiers.cell_network` is asked about the compared
showers, fold by fold. It learns from the other folds and from further pairs, those of
the reference's other splits with showers generated at their conditions. A generated
shower and the reference shower of the same condition share a fold, so that no network
is asked about a condition that it has learnt.
"""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.showers.classifiers.cell_network import CellNetwork, Events
from metrics.showers.classifiers.classifier_tests import cells_test, expected_spread
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array
from metrics.statistics.curves import Curve
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Metric, Resampling, significance, spread
from metrics.statistics.roc import roc_auc, roc_points, weighted_auc

FOLDS = 2
"""Number of folds where further pairs are learnt too."""

FOLDS_ALONE = 4
"""Number of folds where there are no further pairs."""

APART = 0.1
"""Fraction of what is learnt that chooses the epoch."""

_FEWEST_PAIRS = 16

_TRAINED_AT_ONCE = 2

ALONE = (
    "The classifier on cells learnt from other folds of the compared showers alone: "
    "there are no showers generated at the conditions of the reference's other splits. "
    "With fewer showers to learn from its AUC is smaller."
)


@dataclasses.dataclass(frozen=True, eq=False)
class CellsResult:
    """What the test has found.

    Attributes:
        metrics: `classifier_auc_cells`, and `classifier_auc_cells_half` that has learnt
            from half as many showers.
        curve: The ROC curve of the first, beside that of the reference against itself.
        facts: From how many showers of each class the networks have learnt, in how many
            folds, and the AUC of two trainings from other random weights.
        notes: What weakens the numbers.
    """

    metrics: dict[str, Metric]
    curve: Curve
    facts: dict[str, Any]
    notes: Sequence[str]


@dataclasses.dataclass(frozen=True, eq=False)
class _Roles:
    """Showers in the role of generated ones and as many in that of reference showers.

    Attributes:
        first: Those in the role of generated showers that are asked, [asked].
        second: Those in the role of reference showers that are asked, [asked].
        first_learnt: Those that are only learnt, [learnt].
        second_learnt: Likewise, [learnt].
        fold: Fold of every asked pair, [asked].
    """

    first: Events
    second: Events
    first_learnt: Events
    second_learnt: Events
    fold: NDArray[np.intp]

    @property
    def is_first(self) -> NDArray[np.bool_]:
        """Which of all asked showers have the role of generated ones, [2 * asked]."""
        return np.repeat([True, False], len(self.first))


class _Test:
    """The network, what it has learnt from, and what it says."""

    def __init__(
        self, comparison: Comparison, further: Comparison | None, seed: int
    ) -> None:
        self.seed = seed
        self.asked = len(comparison)
        sources = [comparison] if further is None else [comparison, further]
        self.pairs = sum(map(len, sources))
        shown = (
            np.concatenate([one.generated for one in sources]),
            np.concatenate([one.reference for one in sources]),
            [
                np.concatenate([_numbers(one, side) for one in sources])
                for side in range(2)
            ],
        )
        self._networks = [CellNetwork(*shown) for _ in range(_TRAINED_AT_ONCE)]
        self.folds = FOLDS if further is not None else FOLDS_ALONE

    def roles(
        self, first: Events, second: Events, learnt: tuple[Events, Events]
    ) -> _Roles:
        """Deals asked pairs out to folds, and gives every class equally many."""
        asked, more = (min(map(len, two)) for two in ((first, second), learnt))
        random = np.random.default_rng(self.seed)
        fold = random.permutation(np.arange(asked) % self.folds)
        return _Roles(
            first[:asked], second[:asked], learnt[0][:more], learnt[1][:more], fold
        )

    def scores(self, roles: _Roles, folds: Sequence[int], seed: int) -> Array:
        """Asks about the pairs of some folds, after a training without each.

        Returns:
            The logits, of all asked first, then of all asked second, [2 * asked]; NaN
            in the other folds.
        """
        found = np.full(2 * len(roles.first), np.nan)

        def ask(network: CellNetwork, some: Sequence[int]) -> None:
            for number in some:
                others, held_out = roles.fold != number, roles.fold == number
                first = np.concatenate([roles.first[others], roles.first_learnt])
                second = np.concatenate([roles.second[others], roles.second_learnt])
                order = np.random.default_rng([seed, number]).permutation(len(first))
                network.fit(
                    first[order], second[order], _apart(len(first)), seed + number
                )
                asked = np.concatenate([roles.first[held_out], roles.second[held_out]])
                found[np.tile(held_out, 2)] = network.predict(asked)

        # One training leaves a second core idle for a third of the time.
        with ThreadPoolExecutor(_TRAINED_AT_ONCE) as pool:
            shares = [folds[n::_TRAINED_AT_ONCE] for n in range(_TRAINED_AT_ONCE)]
            list(pool.map(ask, self._networks, shares))
        return found

    def learnt(self, roles: _Roles) -> int:
        """Counts the showers of each class that a network learns from, at least."""
        largest = int(np.bincount(roles.fold).max())
        number = len(roles.first) - largest + len(roles.first_learnt)
        return number - _apart(number)


def on_cells(
    comparison: Comparison,
    further: Comparison | None,
    resampling: Resampling,
    seed: int,
    quick: bool,
) -> dict[str, Any]:
    """Asks the strong or the small network, under different names.

    Args:
        comparison: Generated and reference showers that are asked.
        further: Others that the strong network learns from too; None if there are none.
        resampling: Splits and bootstrap weights of the first.
        seed: Seed of folds, weights and order.
        quick: Whether the small network is asked, within seconds.

    Returns:
        `metrics`, `roc`, `facts` and `notes` of a report. The small network's AUC is
        `classifier_auc_cells_quick`, so that nobody takes it for the other.

    Raises:
        ValueError: If there are too few pairs.
    """
    if quick:
        small = cells_test(comparison, resampling, seed)
        name = "classifier_auc_cells_quick"
        return {"metrics": {name: small.metric}, "roc": {name: small.curve}}
    found = full_cells_test(comparison, further, resampling, seed)
    return {
        "metrics": found.metrics,
        "roc": {"classifier_auc_cells": found.curve},
        "facts": found.facts,
        "notes": [*found.notes],
    }


def full_cells_test(
    comparison: Comparison,
    further: Comparison | None,
    resampling: Resampling,
    seed: int,
) -> CellsResult:
    """Asks the strong network, at full and at half the number of showers.

    At half the number, the reference is split in two halves A and B with equal
    fractions of every energy. The value compares generated showers of A with reference
    showers of B, the floor reference showers of A with the same ones of B. The floor of
    the full number cannot be measured, it would need twice the reference; scores of
    unseen showers of one distribution have 0.5 whatever the number. Its uncertainty is
    the expected spread, or, if that is larger, what the floor at half deviates from
    0.5, over sqrt(2) for twice the number.

    The first fold is learnt twice, from other random weights in another order. The
    difference of both AUCs over sqrt(2) is the spread of trainings, which adds in
    quadrature to the uncertainty of the values: otherwise the larger of a bootstrap of
    the scores and of `expected_spread` at that AUC.

    Args:
        comparison: Generated and reference showers that are asked.
        further: Others that are learnt too; None if there are none.
        resampling: Splits and bootstrap weights of the first.
        seed: Seed of folds, weights and order.

    Returns:
        Metrics, ROC curve, facts and notes.

    Raises:
        ValueError: If there are too few pairs.

    Source: D. Lopez-Paz and M. Oquab, arXiv:1610.06545, of the test; C. Krause and D.
    Shih, arXiv:2106.05285, of its use for showers.
    """
    if len(comparison) < _FEWEST_PAIRS:
        raise ValueError(
            f"the classifier on cells needs at least {_FEWEST_PAIRS} pairs of showers, "
            f"received {len(comparison)}: compare more"
        )
    test = _Test(comparison, further, seed)
    every = np.arange(test.pairs)
    more = every[test.asked :]
    whole = test.roles(
        every[: test.asked],
        test.pairs + every[: test.asked],
        (more, test.pairs + more),
    )
    scores = test.scores(whole, range(test.folds), seed)
    training_spread, aucs = _two_trainings(test, whole, scores)
    one, other = resampling.splits[0]
    learnt = [half + test.asked for half in _halves(further, seed)]
    beside = test.pairs + other.events, test.pairs + learnt[1]
    halves = [
        test.roles(start + one.events, beside[0], (start + learnt[0], beside[1]))
        for start in (0, test.pairs)
    ]
    half, floor = (test.scores(roles, range(test.folds), seed) for roles in halves)
    floor_auc = roc_auc(floor, halves[1].is_first)
    expected = expected_spread(len(halves[0].first)), expected_spread(test.asked)
    deviation = abs(floor_auc - 0.5) / np.sqrt(2.0)
    metrics = {
        "classifier_auc_cells": _metric(
            scores,
            (resampling.generated, resampling.reference),
            training_spread,
            (0.5, max(expected[1], float(deviation))),
            measured=False,
        ),
        "classifier_auc_cells_half": _metric(
            half,
            (one.generated, other.reference),
            training_spread,
            (floor_auc, expected[0]),
            measured=True,
        ),
    }
    curves = (
        *roc_points(scores, whole.is_first),
        *roc_points(floor, halves[1].is_first),
    )
    facts = {
        "classifier_showers_per_class": test.learnt(whole),
        "classifier_showers_per_class_half": test.learnt(halves[0]),
        "classifier_folds": test.folds,
        "classifier_two_trainings": [round(auc, 4) for auc in aucs],
    }
    return CellsResult(
        metrics, Curve(*curves), facts, [ALONE] if further is None else []
    )


def _numbers(comparison: Comparison, side: int) -> Array:
    """Returns all observables, incident energy and conditions, [pairs, numbers]."""
    values = comparison.values[side].values()
    return np.column_stack([*values, comparison.energy, comparison.condition])


def _apart(pairs: int) -> int:
    return max(1, round(APART * pairs))


def _halves(further: Comparison | None, seed: int) -> tuple[Events, Events]:
    """Splits further pairs, numbered from 0, with equal fractions of every energy."""
    if further is None:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    groups = strata(further.energy)
    one, other = Resampling(groups, seed, splits=1, replicates=0).splits[0]
    return one.events, other.events


def _two_trainings(
    test: _Test, roles: _Roles, scores: Array
) -> tuple[float, tuple[float, float]]:
    """Returns the spread of trainings and the AUCs of the first fold after both."""
    again = test.scores(roles, [0], test.seed + test.folds)
    asked = np.tile(roles.fold == 0, 2)
    first, second = (
        roc_auc(one[asked], roles.is_first[asked]) for one in (scores, again)
    )
    return abs(first - second) / float(np.sqrt(2.0)), (first, second)


def _metric(
    scores: Array,
    weights: tuple[Array, Array],
    training_spread: float,
    floor: tuple[float, float],
    measured: bool,
) -> Metric:
    """Makes a metric of scores, beside a floor and its uncertainty.

    A floor that was measured deviates by chance, and its uncertainty adds to that of
    the difference.
    """
    asked = len(scores) // 2
    is_first = np.repeat([True, False], asked)
    rows = np.concatenate([one[:, :asked] for one in weights], axis=1)
    value = roc_auc(scores, is_first)
    statistical = max(
        spread(weighted_auc(scores, is_first, rows)), expected_spread(asked, value)
    )
    uncertainty = float(np.hypot(statistical, training_spread))
    combine = np.hypot if measured else max
    return Metric(
        value=value,
        uncertainty=uncertainty,
        floor=floor[0],
        floor_uncertainty=floor[1],
        z=significance(value - floor[0], float(combine(uncertainty, floor[1]))),
    )
