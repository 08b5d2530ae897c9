"""Small networks: what they learn, that they start anew, and what they see."""

import numpy as np
import pytest

from metrics.showers.classifiers import network_inputs, small_networks

EVENTS = 160


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(small_networks, "FEWEST_STEPS", 60)


def _numbers(seed, columns=3):
    drawn = np.random.default_rng(seed).normal(size=(EVENTS, columns))
    return drawn.astype(np.float32)


def test_a_training_depends_on_nothing_that_was_before():
    inputs, everyone = _numbers(1), np.arange(EVENTS)
    target = (inputs[:, :1] > 0.0).astype(float)
    network = small_networks.classifier([inputs], seed=3)
    network.fit(everyone, target, seed=4)
    first = network.predict(everyone)
    network.fit(everyone[:50], 1.0 - target[:50], seed=5)
    assert np.abs(network.predict(everyone) - first).max() > 0.1
    np.random.default_rng().normal(size=7)
    network.fit(everyone, target, seed=4)
    np.testing.assert_array_equal(network.predict(everyone), first)
    again = small_networks.classifier([inputs], seed=3)
    again.fit(everyone, target, seed=4)
    np.testing.assert_array_equal(again.predict(everyone), first)


def test_no_event_is_judged_by_a_network_that_knew_its_condition(monkeypatch):
    network = small_networks.classifier([_numbers(1)], seed=3)
    learnt, wrong = [], []
    monkeypatch.setattr(network, "fit", lambda events, *_: learnt.append(set(events)))

    def predict(events):
        wrong.extend(learnt[-1] & {event % (EVENTS // 2) for event in events})
        return np.repeat(events[:, None], 1, axis=1).astype(float)

    monkeypatch.setattr(network, "predict", predict)
    pairs = EVENTS // 2
    everyone = np.arange(EVENTS)
    targets = np.zeros((pairs, 1))
    answers = network.out_of_fold(everyone[:pairs], targets, everyone, pairs, seed=1)
    np.testing.assert_array_equal(answers[:, 0], everyone)
    assert not wrong
    assert [len(events) for events in learnt] == [60] * 4


def test_folds_are_equal_and_need_two_pairs_each():
    np.testing.assert_array_equal(
        np.bincount(small_networks.folds(40, seed=2)), [10] * 4
    )
    with pytest.raises(ValueError, match="at least 8 pairs of showers, received 7"):
        small_networks.folds(7, seed=2)


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 2), (30,)])
def test_one_cell_among_others_is_found(shape):
    random = np.random.default_rng(1)
    images = random.normal(size=(EVENTS, *shape)).astype(np.float32)
    target = np.arange(EVENTS) % 2
    images[(slice(None), *[2] * min(len(shape), 2))] += 4.0 * target.reshape(
        -1, *[1] * (len(shape) - len([2] * min(len(shape), 2)))
    )
    network = small_networks.classifier([images, _numbers(2)], seed=3)
    everyone = np.arange(EVENTS)
    scores = network.out_of_fold(
        everyone, target[:, None].astype(float), everyone, EVENTS, seed=1
    )[:, 0]
    assert scores[target == 1].mean() > scores[target == 0].mean() + 3.0


def test_a_polynomial_is_regressed_exactly_in_any_unit():
    numbers = _numbers(1, columns=2).astype(float)
    first, second = numbers.T
    targets = np.column_stack([1e3 + 50.0 * first * second, 1e-3 * first**2])
    network = small_networks.Regressor([_numbers(1, columns=2)], numbers, 2, seed=3)
    everyone = np.arange(EVENTS)
    found = network.out_of_fold(everyone, targets, everyone, EVENTS, seed=1)
    np.testing.assert_allclose(found, targets, rtol=1e-6, atol=1e-9)


def test_the_network_adds_what_a_polynomial_misses(monkeypatch):
    monkeypatch.setattr(small_networks, "FEWEST_STEPS", 300)
    inputs = _numbers(1, columns=2)
    targets = np.abs(inputs[:, :1]).astype(float)
    # The polynomial knows the other number only.
    network = small_networks.Regressor([inputs], inputs[:, 1:].astype(float), 1, seed=3)
    everyone = np.arange(EVENTS)
    found = network.out_of_fold(everyone, targets, everyone, EVENTS, seed=1)
    assert (found - targets).std() < 0.4 * targets.std()


def test_encoded_cells_have_no_unit_and_follow_their_formula():
    random = np.random.default_rng(1)
    reference = random.exponential(5.0, (50, 4, 3)) * (random.random((50, 4, 3)) < 0.5)
    reference[:, 0, 0] = 0.0
    generated = 2.0 * reference
    cells = network_inputs.encoded_cells(generated, reference)
    np.testing.assert_allclose(
        cells, network_inputs.encoded_cells(1e3 * generated, 1e3 * reference), atol=1e-5
    )
    logarithm = np.log(1.0 + reference / np.median(reference[reference > 0.0]))
    mean, width = logarithm.mean(axis=0), np.sqrt(logarithm.var())
    median = np.median(reference[reference > 0.0])
    expected = (np.log(1.0 + generated / median) - mean) / width
    np.testing.assert_allclose(cells, expected, atol=1e-5)
    assert np.abs(cells[:, 0, 0]).max() == 0.0


def test_encoded_features_keep_the_order_of_outliers():
    reference = np.random.default_rng(1).normal(5.0, 2.0, (100, 2))
    reference[:, 1] = 3.0
    features = np.array([[-1e6, 3.0], [5.0, 3.0], [1e6, 4.0], [2e6, 3.0]])
    found = network_inputs.encoded_features(features, reference)
    assert (np.diff(found[:, 0]) > 0.0).all()
    assert np.abs(found).max() < 20.0
    np.testing.assert_allclose(found[:, 1], np.arcsinh([0.0, 0.0, 1.0, 0.0]), atol=1e-6)
