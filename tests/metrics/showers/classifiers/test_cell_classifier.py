"""The classifier on cells at full strength: what it learns from, and what it sees."""

import numpy as np
import pytest

from metrics.showers.classifiers import cell_classifier, cell_network
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling
from tests.metrics import small


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(cell_network, "_CONVOLUTIONS", ((8, 1), (8, 2)))
    monkeypatch.setattr(cell_network, "_HIDDEN", (16,))
    monkeypatch.setattr(cell_network, "EPOCHS", 1)
    monkeypatch.setattr(cell_network, "FEWEST_STEPS", 40)
    monkeypatch.setattr(cell_network, "LEARNING_RATE", 1e-2)


def _comparison(events, seed, change=None, layers=()):
    spec = small.detector(*layers)
    condition = small.conditions(events, seed)
    generated, reference = (
        small.showers(spec, condition, 10 * seed + side) for side in (1, 2)
    )
    if change is not None:
        generated = change(generated)
    return Comparison(spec, "mask", condition, reference, generated)


def _test(asked, further, seed=3):
    resampling = Resampling(strata(asked.energy), 1, splits=1, replicates=20)
    return cell_classifier.full_cells_test(asked, further, resampling, seed)


def _turned(showers):
    """Exchanges two cells at the edge of every shower: no sum and no count changes."""
    turned = showers.copy()
    turned[:, 0, :2] = showers[:, 0, 1::-1]
    return turned


@pytest.mark.parametrize("layers", [(), (2,)])
def test_a_pattern_of_cells_that_no_sum_shows_is_seen(layers):
    asked, further = (
        _comparison(events, seed, _turned, layers)
        for events, seed in ((160, 1), (240, 2))
    )
    for name in ("visible_energy", "number_of_hits", "maximum_cell_fraction"):
        generated, _ = (values[name] for values in asked.values)
        plain = _comparison(160, 1, layers=layers).values[0][name]
        np.testing.assert_allclose(generated, plain, rtol=1e-5)
    result = _test(asked, further)
    whole = result.metrics["classifier_auc_cells"]
    half = result.metrics["classifier_auc_cells_half"]
    assert whole.value > 0.9
    assert whole.z > 5.0
    assert half.value > 0.9
    assert abs(half.floor - 0.5) < 0.15
    assert np.interp(0.2, result.curve.x, result.curve.y) > 0.7


def test_nobody_is_asked_about_a_condition_that_was_learnt(monkeypatch):
    asked, further = _comparison(48, 1), _comparison(64, 2)
    pairs = len(asked) + len(further)
    calls = []

    def fit(_, first, second, apart, seed):
        calls.append(("fit", first, second, apart, seed))

    def predict(_, events):
        calls.append(("predict", events))
        return np.linspace(0.0, 1.0, len(events))

    monkeypatch.setattr(cell_network.CellNetwork, "fit", fit)
    monkeypatch.setattr(cell_network.CellNetwork, "predict", predict)
    # One after the other, so that the calls have an order.
    monkeypatch.setattr(cell_classifier, "_TRAINED_AT_ONCE", 1)
    found = _test(asked, further)
    # Two folds of all, again the first, two of either half.
    assert [call[0] for call in calls] == ["fit", "predict"] * 7
    fits, predicted = calls[0::2], calls[1::2]
    for (_, first, second, apart, _), (_, events) in zip(fits, predicted, strict=True):
        learnt = np.concatenate([first, second])
        assert len(first) == len(second)
        assert 0 < apart < 0.2 * len(first)
        assert not set(learnt % pairs) & set(events % pairs)
        assert len(set(learnt)) == len(learnt)
        assert (events % pairs < len(asked)).all()
    everyone = np.concatenate([events for _, events in predicted[:2]])
    np.testing.assert_array_equal(
        np.sort(everyone), [*range(48), *range(pairs, pairs + 48)]
    )
    np.testing.assert_array_equal(predicted[0][1], predicted[2][1])
    # Generated against reference showers in the third pair, reference only in the last.
    for (_, first, second, _, _), of_reference in zip(
        fits[3:], (0, 0, 1, 1), strict=True
    ):
        assert ((first >= pairs) == of_reference).all()
        assert (second >= pairs).all()
    assert len({fit[-1] for fit in fits[:3]}) == 3
    # 24 of the other fold and 64, or half of both, and a tenth that chooses the epoch.
    assert found.facts["classifier_showers_per_class"] == 88 - 9
    learnt = len(fits[3][1]) - fits[3][3]
    assert found.facts["classifier_showers_per_class_half"] == learnt
    assert abs(learnt - 40) <= 3


def test_without_further_showers_there_are_more_folds_and_a_note(monkeypatch):
    monkeypatch.setattr(cell_network, "FEWEST_STEPS", 3)
    alone = _test(_comparison(120, 1), None)
    assert alone.notes == [cell_classifier.ALONE]
    assert alone.facts["classifier_folds"] == 4
    assert alone.facts["classifier_showers_per_class"] == 90 - 9


def test_a_seed_is_a_result(monkeypatch):
    monkeypatch.setattr(cell_network, "FEWEST_STEPS", 3)
    asked, further = _comparison(60, 1), _comparison(60, 2)
    results = [_test(asked, further, seed) for seed in (3, 3, 4)]
    assert results[0].metrics == results[1].metrics != results[2].metrics
    assert results[0].facts == results[1].facts
    np.testing.assert_array_equal(results[0].curve.y, results[1].curve.y)


def test_the_difference_of_two_trainings_is_in_the_uncertainty(monkeypatch):
    asked, further = _comparison(100, 1), _comparison(60, 2)
    random = np.random.default_rng(5)
    monkeypatch.setattr(cell_network.CellNetwork, "fit", lambda *_: None)
    monkeypatch.setattr(
        cell_network.CellNetwork,
        "predict",
        lambda _, events: random.normal(size=len(events)) + (events < 160),
    )
    found = _test(asked, further)
    first, second = found.facts["classifier_two_trainings"]
    assert first != second
    trainings = abs(first - second) / np.sqrt(2.0)
    for metric in found.metrics.values():
        assert metric.uncertainty > trainings
    # Two normal distributions 1 apart: Phi(1 / sqrt 2).
    value = found.metrics["classifier_auc_cells"]
    assert value.value == pytest.approx(0.760, abs=0.1)
    assert value.uncertainty**2 - trainings**2 > 0.03**2


def test_too_few_pairs_are_named():
    resampling = Resampling(np.zeros(12, int), 1, splits=1)
    with pytest.raises(ValueError, match="at least 16 pairs of showers, received 12"):
        cell_classifier.full_cells_test(_comparison(12, 1), None, resampling, 3)


def test_the_best_epoch_is_kept(monkeypatch):
    asked = _comparison(60, 1, _turned)
    numbers = [np.zeros((60, 1))] * 2
    network = cell_network.CellNetwork(asked.generated, asked.reference, numbers)
    aucs = iter([0.6, 0.9, 0.7])
    weights = []

    def auc(*_):
        weights.append(network.predict(np.arange(8)))
        return next(aucs)

    monkeypatch.setattr(cell_network, "roc_auc", auc)
    monkeypatch.setattr(cell_network, "FEWEST_STEPS", 3)
    monkeypatch.setattr(cell_network, "EPOCHS", 3)
    network.fit(np.arange(60), 60 + np.arange(60), 6, 1)
    kept = network.predict(np.arange(8))
    np.testing.assert_array_equal(kept, weights[1])
    assert not np.array_equal(kept, weights[2])


def test_equal_distributions_cannot_be_told_apart():
    result = _test(_comparison(160, 1), _comparison(240, 2))
    for metric in result.metrics.values():
        assert abs(metric.z) < 3.5
        assert abs(metric.value - 0.5) < 0.15
    assert result.metrics["classifier_auc_cells"].floor == 0.5
