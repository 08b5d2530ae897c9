"""A SavedModel that draws made-up showers, to evaluate without training."""

import json

import keras
import numpy as np
import tensorflow as tf


def export(path, spec, *, energy_scale=1.0, value=None, **entries):
    """Exports a simulator of sparse random responses that grow with the energy.

    Args:
        path: Folder of the SavedModel.
        spec: The detector.
        energy_scale: What every response is multiplied with.
        value: Replaces every response, for instance by NaN.
        entries: More or other entries of signature.json.
    """
    cells = tf.constant(spec.cells, tf.float32)

    def simulate(condition, seed):
        shape = [tf.shape(condition)[0], *spec.shape]
        hit = tf.random.stateless_uniform(shape, seed) < 0.2
        size = -tf.math.log(tf.random.stateless_uniform(shape, seed + 1, 1e-6))
        energy = tf.reshape(condition[:, 0], [-1, *[1] * len(spec.shape)])
        response = energy_scale * energy * size * tf.cast(hit, tf.float32) * cells
        if value is not None:
            response = tf.where(
                condition[:, 0, None, None, None] > 60.0, value, response
            )
        return {"response": response, "in_domain": condition[:, 0] > 0.0}

    return _write(path, spec, simulate, entries)


def export_tracks(path, spec, *, shift=0.0, **entries):
    """Exports a simulator of normal likelihoods that know nothing of the condition.

    Args:
        path: Folder of the SavedModel.
        spec: The detector.
        shift: Mean of all likelihoods.
        entries: More or other entries of signature.json.
    """

    def simulate(condition, seed):
        shape = [tf.shape(condition)[0], *spec.shape]
        response = shift + 3.0 * tf.random.stateless_normal(shape, seed)
        return {"response": response, "in_domain": condition[:, 0] > 0.0}

    return _write(path, spec, simulate, entries)


def _write(path, spec, simulate, entries):
    archive = keras.export.ExportArchive()
    archive.track(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    archive.add_endpoint(
        "simulate",
        simulate,
        input_signature=[
            tf.TensorSpec([None, len(spec.condition_names)], tf.float32, "condition"),
            tf.TensorSpec([2], tf.int32, "seed"),
        ],
    )
    archive.write_out(str(path), verbose=False)
    signature = {
        "detector": spec.name,
        "mask": "mask",
        "conditions": [{"name": name} for name in spec.condition_names],
        "response": {"shape": list(spec.shape)},
        "model": "stand_in/test",
    }
    (path / "signature.json").write_text(json.dumps(signature | entries))
    return path


def single_cell(spec, cell, energy=3.0, events=1):
    """Returns showers with one cell lit."""
    response = np.zeros((events, *spec.shape), np.float32)
    response[(slice(None), *cell)] = energy
    return response
