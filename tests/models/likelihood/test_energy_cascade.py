"""The cascade as a density: sums, closed forms and what is drawn."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from models.likelihood import adjusted_moments, shower_moments
from models.likelihood.energy_cascade import EnergyCascade
from tests.models.likelihood.small_cascade import (
    DITHER_CM,
    PITCH_CM,
    cascade,
    conditions,
    draw,
    noise,
    positions_cm,
    showers,
)

EVENTS = 12
PLANE = np.ones((5, 6), bool)
LAYERED = np.ones((4, 3, 3), bool)
LAYERED[0, :2] = LAYERED[2, 1, 1] = False
DETECTORS = pytest.mark.parametrize("cells", [PLANE, LAYERED], ids=["plane", "layered"])

REACH_CM = 1.25 * PITCH_CM


def _scaled(layer, response, condition):
    """Gives a cascade the scales of showers."""
    found = layer.scales(tf.constant(response), condition)
    for weight, value in zip(layer.scale_weights, found, strict=True):
        weight.assign(value)
    return layer


def _made(cells, weights=0.3, **changes):
    """Returns a cascade with the scales of showers, these and their conditions."""
    condition = conditions(EVENTS)
    response = showers(cells, condition)
    layer = cascade(cells, weights, **changes)
    return _scaled(layer, response, condition), response, condition


def _log_likelihood(layer, response, condition, dither=None):
    dither = np.zeros((len(response), 5), np.float32) if dither is None else dither
    found = layer.log_likelihood(
        tf.constant(response), tf.constant(condition), tf.constant(dither)
    )
    return {name: np.asarray(value) for name, value in found.items()}


def _total(layer, condition, noise):
    """Draws the total energies alone."""
    energy = np.asarray(condition)[:, 0].astype(float)
    features = layer.axis(condition).features
    value, _, _ = layer.total(features, tf.constant(noise[:, :2]))
    ratio = 1.0 + np.asarray(value)[:, 0] / np.sqrt(energy)
    return float(layer.per_gev) * energy * ratio


@DETECTORS
@pytest.mark.parametrize("adjust", [False, True])
def test_a_drawn_shower_has_the_total_energy_that_was_drawn_first(cells, adjust):
    layer, _, condition = _made(cells, adjust=adjust)
    response = np.asarray(draw(layer, condition)).astype(float)
    assert response.shape == (EVENTS, *cells.shape)
    total = _total(layer, condition, noise(layer, EVENTS))
    assert np.ptp(total / np.asarray(condition)[:, 0]) > 1.0
    found = response.reshape(EVENTS, -1).sum(axis=1)
    np.testing.assert_allclose(found, total, rtol=1e-5)


@DETECTORS
def test_cells_that_do_not_exist_are_empty_and_the_others_are_not(cells):
    layer, _, condition = _made(cells, weights=0.05)
    response = np.asarray(draw(layer, tf.repeat(condition, 8, axis=0)))
    assert np.isfinite(response).all()
    assert response.min() >= 0.0
    np.testing.assert_array_equal((response > 0.0).any(axis=0), cells)


def test_an_impossible_total_is_replaced_by_a_thousandth_of_the_mean():
    layer, _, condition = _made(PLANE)
    layer.total.location.assign([-1e6])
    found = np.asarray(draw(layer, condition)).sum(axis=(1, 2))
    expected = 1e-3 * float(layer.per_gev) * np.asarray(condition)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_drawn_showers_are_adjusted_to_the_moments_that_were_drawn():
    layer, _, condition = _made(LAYERED)
    before = np.asarray(draw(layer, condition))
    layer.settings["adjust"] = True
    after = np.asarray(draw(layer, condition))
    # The moments follow from what is drawn before the cells.
    axis = layer.axis(condition)
    layers = tf.constant(before.sum(axis=(1, 2)))
    total = tf.reduce_sum(layers, axis=1)
    seen = layer._seen_total(total, axis)
    seen = layer._seen_layers(seen, total, tf.unstack(layers, axis=1))
    numbers = tf.constant(noise(layer, EVENTS)[:, 2 : 2 + 2 * 5])
    moments, _, _ = layer.moments(layer._seen_by_moments(seen, axis), numbers)
    wanted = shower_moments.Moments(
        axis.core_cm + axis.turned_back(moments[:, :2]),
        tf.exp(moments[:, 2:4]) - shower_moments.FEWEST_CM2,
        tf.sigmoid(moments[:, 4:]),
        axis,
        REACH_CM,
    )
    places = positions_cm(*LAYERED.shape[:2])
    expected = adjusted_moments.adjusted(before, places, wanted, PITCH_CM)
    assert np.abs(after - before).max() > 0.1
    np.testing.assert_allclose(after, expected, rtol=1e-3, atol=1e-3)


@DETECTORS
def test_a_shower_alone_is_that_of_a_batch(cells):
    layer, _, condition = _made(cells, adjust=True, turns=(4,))
    numbers = noise(layer, EVENTS)
    graph = tf.function(layer, autograph=False)
    whole = np.asarray(layer(condition, tf.constant(numbers)))
    for rows in (slice(2, 3), slice(0, EVENTS)):
        found = np.asarray(graph(condition[rows], tf.constant(numbers[rows])))
        # The last touch solves equations, which makes more of a rounding.
        largest = whole.max(axis=tuple(range(1, whole.ndim)))[rows]
        away = np.abs(found - whole[rows]).reshape(len(found), -1).max(axis=1)
        assert (away < 1e-3 * largest).all()


@DETECTORS
def test_the_likelihood_has_a_part_for_every_step_of_a_draw(cells):
    layer, response, condition = _made(cells)
    found = _log_likelihood(layer, response, condition)
    levels = ["level_0", "level_1", *(["level_2"] if cells.ndim == 2 else [])]
    layers = ["layers"] if cells.ndim == 3 else []
    assert layer.names == ["total", *layers, "moments", *levels]
    assert [*found] == layer.names
    for value in found.values():
        assert value.shape == (EVENTS,)
        assert np.isfinite(value).all()
        assert np.ptp(value) > 0.0


@DETECTORS
def test_a_graph_answers_as_its_operations_do_one_by_one(cells):
    """TensorFlow fuses operations of a graph, and has its own idea of some slopes."""
    layer, response, condition = _made(cells)
    graph = tf.function(layer.log_likelihood, autograph=False)
    arguments = tf.constant(response), condition, tf.zeros((EVENTS, 5))
    found, expected = graph(*arguments), layer.log_likelihood(*arguments)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-4)


def test_two_cells_in_two_layers_by_hand():
    """With weights of zero, every distribution is a known one."""
    cells = np.ones((1, 2, 2), bool)
    condition = conditions(EVENTS)
    response = showers(cells, condition)
    # Of these, one layer is empty, or the other one, or a cell.
    response[1, :, :, 0] = response[2, :, :, 1] = response[3, 0, 0, 0] = 0.0
    layer = _scaled(cascade(cells, weights=0.0), response, condition)
    dither = np.random.default_rng(6).normal(size=(EVENTS, 5)).astype(np.float32)
    found = _log_likelihood(layer, response, condition, dither)

    width = np.exp(-0.5)
    energy = np.asarray(condition)[:, 0].astype(float)
    layers = response.sum(axis=(1, 2), dtype=float)
    total = layers.sum(axis=1)
    value = (total / (total.sum() / energy.sum() * energy) - 1.0) * np.sqrt(energy)
    scale = width * (value.std() + 1e-3)
    np.testing.assert_allclose(
        found["total"], scipy.stats.norm.logpdf(value, value.mean(), scale), rtol=1e-3
    )

    def of_ratio(first, second, gaussians):
        """Two atoms and Gaussians, all of one weight, of mean 0 and width 1."""
        both = (first > 0.0) & (second > 0.0)
        ratio = np.log(np.where(both, first, 1.0) / np.where(both, second, 1.0))
        inside = np.log(gaussians) + scipy.stats.norm.logpdf(ratio)
        chance = np.where(both, inside, 0.0) - np.log(gaussians + 2.0)
        return np.where((first > 0.0) | (second > 0.0), chance, 0.0)

    expected = of_ratio(layers[:, 0], layers[:, 1], 5)
    np.testing.assert_allclose(found["layers"], expected, rtol=1e-4)
    left, right = response[:, 0, 0], response[:, 0, 1]
    expected = of_ratio(left, right, 2).sum(axis=1)
    np.testing.assert_allclose(found["level_0"], expected, rtol=1e-4)

    # Upright showers: along is x, across is the rows of cells, y.
    share = right.sum(axis=1) / total
    centre = np.column_stack([0.0 * share, PITCH_CM * (share - 0.5)])
    squared = np.column_stack([0.0 * share, PITCH_CM**2 * share * (1.0 - share)])
    shift = centre - np.asarray(condition)[:, 1:]
    # The two centres of cells are as far from the centroid as the other has energy.
    near = np.exp(-((PITCH_CM * np.column_stack([share, 1.0 - share]) / REACH_CM) ** 2))
    core = np.sum(near * np.column_stack([1.0 - share, share]), axis=1)
    core = np.clip(core, 1e-3, 0.999)
    logit = np.log(core / (1.0 - core))
    moments = np.column_stack([shift, np.log(squared + 1e-4), logit])
    location = moments.mean(axis=0) * [0.0, 0.0, 1.0, 1.0, 1.0]
    blurred = moments + dither * [DITHER_CM, DITHER_CM, 0.01, 0.01, 0.01]
    scale = width * (moments.std(axis=0) + 1e-3)
    expected = scipy.stats.norm.logpdf(blurred, location, scale).sum(axis=1)
    np.testing.assert_allclose(found["moments"], expected, rtol=1e-2, atol=0.02)


def test_total_and_layers_are_drawn_from_the_density_that_scores_them():
    """By importance: the mean of q / p over draws of p is 1 for any density q."""
    cells = np.ones((1, 2, 3), bool)
    some = conditions(EVENTS)
    condition = tf.repeat([[30.0, 0.2, -0.1]], 20_000, axis=0)

    def made(weights):
        layer = cascade(cells, weights)
        return _scaled(layer, showers(cells, some), some)

    layer, other = made(0.4), made(0.3)
    response = draw(layer, condition)
    log_ratio = 0.0
    for one, sign in ((other, 1.0), (layer, -1.0)):
        found = _log_likelihood(one, response, condition)
        log_ratio += sign * (found["total"] + found["layers"])
    ratio = np.exp(log_ratio)
    error = ratio.std() / np.sqrt(len(ratio))
    assert 1e-4 < error < 0.02
    assert ratio.mean() == pytest.approx(1.0, abs=5.0 * error)


def test_the_slopes_of_all_weights_are_finite_with_empty_layers():
    layer, response, condition = _made(np.ones((4, 4, 3), bool))
    response[0, ..., 0] = response[1, ..., 1:] = 0.0
    dither = tf.zeros((EVENTS, 5))
    with tf.GradientTape() as tape:
        found = layer.log_likelihood(tf.constant(response), condition, dither)
        value = tf.add_n([*found.values()])
    for slope in tape.gradient(value, layer.trainable_variables):
        assert np.isfinite(slope).all()
        assert np.any(slope)


@DETECTORS
def test_the_scales_are_those_of_the_showers(cells):
    layer, _, _ = _made(cells)
    condition = conditions(200, seed=7)
    response = showers(cells, condition, seed=8)
    scales = layer.scales(tf.constant(response), condition)
    pairs = zip(layer.scale_weights, scales, strict=True)
    found = {weight.path: np.asarray(value) for weight, value in pairs}
    named = {path.rpartition("/")[2]: value for path, value in found.items()}
    assert len(found) == 6
    energy = np.asarray(condition)[:, 0].astype(float)
    total = response.reshape(200, -1).sum(axis=1, dtype=float)
    per_gev = total.sum() / energy.sum()
    assert named["response_per_gev"] == pytest.approx(per_gev, rel=1e-5)
    # A hit in a hundred has less.
    hits = np.sort(response[response > 0.0])
    assert named["smallest"] == hits[int(0.01 * len(hits))]

    value = (total / (per_gev * energy) - 1.0) * np.sqrt(energy)
    location, width = found[layer.total.location.path], found[layer.total.width.path]
    np.testing.assert_allclose(location, [value.mean()], rtol=1e-2, atol=1e-4)
    np.testing.assert_allclose(width, [value.std() + 1e-3], rtol=1e-3)
    image = response.reshape(200, *cells.shape[:2], -1).sum(axis=-1, dtype=float)
    share = image / image.sum(axis=(1, 2), keepdims=True)
    places = positions_cm(*cells.shape[:2])
    centre = np.einsum("brc,rcv->bv", share, places)
    seen = (places - centre[:, None, None]) ** 2
    squared = np.log(np.einsum("brc,brcv->bv", share, seen) + 1e-4)
    near = np.exp(-seen.sum(axis=-1) / REACH_CM**2)
    core = np.sum(share * near, axis=(1, 2))
    rest = np.column_stack([squared, np.log(core / (1.0 - core))])
    location = found[layer.moments.location.path]
    # The centroid is measured from where it is expected.
    np.testing.assert_array_equal(location[:2], [0.0, 0.0])
    np.testing.assert_allclose(location[2:], rest.mean(axis=0), rtol=1e-3)
    deviations = np.column_stack([centre - np.asarray(condition)[:, 1:], rest])
    np.testing.assert_allclose(
        found[layer.moments.width.path], deviations.std(axis=0) + 1e-3, rtol=1e-3
    )


def test_a_row_does_not_depend_on_its_batch():
    layer, response, condition = _made(LAYERED)
    whole = np.asarray(draw(layer, condition))
    alone = np.asarray(draw(layer, condition[:3]))
    np.testing.assert_allclose(alone, whole[:3], rtol=1e-4, atol=1e-5 * whole.max())
    one, other = (
        _log_likelihood(layer, response[:n], condition[:n]) for n in (3, EVENTS)
    )
    for name in layer.names:
        np.testing.assert_allclose(one[name], other[name][:3], rtol=1e-4, atol=1e-4)


@DETECTORS
def test_a_cascade_is_made_again_from_its_configuration(cells):
    changes = {
        "widths": (5, 3),
        "components": (3, 1),
        "layer_groups": (3, 2),
        "hidden": 6,
    }
    layer, response, condition = _made(cells, adjust=True, **changes)
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    assert isinstance(again, EnergyCascade)
    assert again.get_config() == layer.get_config()
    draw(again, condition)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(draw(again, condition), draw(layer, condition))
    one, other = (_log_likelihood(x, response, condition) for x in (layer, again))
    for name in layer.names:
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize(
    ("widths", "expected"),
    [((4,), [4, 4, 4]), ((6, 3), [6, 6, 3]), ((8, 7, 6, 5), [7, 6, 5])],
)
def test_the_last_widths_are_those_of_the_fine_levels(widths, expected):
    layer = cascade(PLANE, widths=widths, components=(2, 3))
    assert [level.first.filters for level in layer.levels] == expected
    assert [level.components for level in layer.levels] == [2, 2, 3]


def test_every_draw_has_noise_of_its_own():
    layer, _, condition = _made(LAYERED)
    # Total, moments, two layers divided off, and the divisions of every level.
    sizes = [2, 2 * 5, 2 * 2, 2 * 3 * 3, 4 * 2 * 3 * 3]
    assert layer.noise_size == sum(sizes)
    numbers = noise(layer, EVENTS)
    before = np.asarray(layer(condition, tf.constant(numbers)))
    for last, size in zip(np.cumsum(sizes), sizes, strict=True):
        other = numbers.copy()
        other[:, last - size : last] = numbers[::-1, last - size : last]
        assert not np.allclose(layer(condition, tf.constant(other)), before, rtol=1e-3)
