"""The classifier on cells at full strength: what it learns from, and what it sees."""

import numpy as np
import pytest

from metrics import cell_classifier, cell_network
from metrics.comparison import Comparison
from metrics.groups import strata
from metrics.resampling import Resampling
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


@pytest.fixture(scope="module")
def apart():
    return [_comparison(events, seed, _turned) for events, seed in ((160, 1), (240, 2))]


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


def test_equal_distributions_cannot_be_told_apart():
    result = _test(_comparison(160, 1), _comparison(240, 2))
    for metric in result.metrics.values():
        assert abs(metric.z) < 3.5
        assert abs(metric.value - 0.5) < 0.15
    assert result.metrics["classifier_auc_cells"].floor == 0.5
