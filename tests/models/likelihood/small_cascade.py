"""A cascade of a few cells and its showers, to look at single numbers."""

import keras
import numpy as np
import tensorflow as tf

from models.likelihood.energy_cascade import EnergyCascade

LIMITS_GEV = (1.0, 100.0)
PITCH_CM = 2.0
DITHER_CM = 0.02
AXIS = {
    "energy": [0],
    "impact": [1, 2],
    "limits_gev": LIMITS_GEV,
    "offset": [0.0, 0.0],
    "scale": [2.0, 2.0],
    "depth_cm": [0.0, 0.0],
}
SETTINGS = {
    "widths": (4,),
    "components": (2,),
    "turns": (1,),
    "layer_groups": (2,),
    "hidden": 5,
    "dither_cm": DITHER_CM,
    "adjust": False,
}


def positions_cm(rows, columns):
    """Centres of a grid around the origin, [row, column, 2]."""
    grid = np.stack(np.mgrid[:rows, :columns], axis=-1).astype(np.float32)
    return PITCH_CM * (grid - grid.mean(axis=(0, 1)))


def cascade(cells, weights=None, **changes):
    """Makes one with random weights.

    Args:
        cells: The cells that exist.
        weights: Standard deviation of the weights; None for the initial ones.
        **changes: To `SETTINGS`.
    """
    keras.utils.set_random_seed(1)
    layer = EnergyCascade(
        cells, positions_cm(*cells.shape[:2]), AXIS, **{**SETTINGS, **changes}
    )
    draw(layer, conditions(1))
    if weights is not None:
        random = np.random.default_rng(2)
        for weight in layer.trainable_variables:
            weight.assign(random.normal(0.0, weights, weight.shape))
    return layer


def conditions(events, seed=3):
    """Draws energies and impact points near the origin."""
    random = np.random.default_rng(seed)
    energy = np.exp(random.uniform(*np.log(LIMITS_GEV), events))
    impact = random.uniform(-1.0, 1.0, (events, 2))
    return tf.constant(np.column_stack([energy, impact]), tf.float32)


def noise(layer, events, seed=4):
    """Draws the numbers that a cascade needs."""
    random = np.random.default_rng(seed)
    return random.normal(size=(events, layer.noise_size)).astype(np.float32)


def draw(layer, condition, seed=4):
    """Draws showers."""
    return layer(condition, tf.constant(noise(layer, len(condition), seed)))


def showers(cells, condition, seed=5):
    """Makes showers around the impact points, 30 MeV per GeV, 20% of cells empty."""
    random = np.random.default_rng(seed)
    places = positions_cm(*cells.shape[:2])
    seen = places - np.asarray(condition)[:, None, None, 1:]
    profile = np.exp(-np.linalg.norm(seen, axis=-1) / PITCH_CM)
    profile = profile.reshape(*profile.shape, *[1] * (cells.ndim - 2))
    shape = (len(condition), *cells.shape)
    profile = profile * cells
    # The cell that is expected to have most is never empty.
    axes = tuple(range(1, profile.ndim))
    hit = (random.random(shape) < 0.8) | (profile == profile.max(axes, keepdims=True))
    response = profile * random.exponential(1.0, shape) * hit
    response /= response.sum(axis=axes, keepdims=True)
    energy = 30.0 * np.asarray(condition)[:, 0] * random.normal(1.0, 0.05, shape[0])
    return (response * energy.reshape(-1, *[1] * len(axes))).astype(np.float32)
