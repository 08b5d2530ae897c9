"""The export of a trained model as a SavedModel that answers in physical units."""

import json
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from common.atomic_files import replacing
from data.detectors.spec import DetectorSpec
from models.networks.building_blocks import normal
from models.training.contract import Simulator


def export_simulator(
    model: Simulator,
    spec: DetectorSpec,
    mask: str,
    path: pathlib.Path,
    description: dict[str, Any],
) -> None:
    """Exports the signatures `simulate` (the default) and `simulate_from_noise`.

    Args:
        model: The model; its EMA simulates if it has one.
        spec: The detector.
        mask: Name of the accepted cells, see `DetectorSpec.acceptance`.
        path: Folder to write; replaced if it exists.
        description: More entries for `signature.json`, e.g. the trained energies.
    """
    size = len(spec.condition_names)
    conditions = tf.TensorSpec([None, size], tf.float32, name="condition")
    seeds = tf.TensorSpec([2], tf.int32, name="seed")
    noises = tf.TensorSpec([None, model.noise_size], tf.float32, name="noise")
    cells = spec.cells.astype(np.float32)

    def respond(condition: Any, noise: Any) -> Any:
        # A SavedModel checks neither shapes nor values by itself.
        condition = tf.ensure_shape(condition, [None, size])
        condition = tf.debugging.assert_all_finite(condition, "condition not finite")
        encoded = model.simulator([condition, noise], training=False)
        response = model.transform.decode(encoded, condition)
        if spec.lower_bound is not None:
            response = tf.maximum(response, spec.lower_bound)
        return condition, response * cells

    def simulate(condition: Any, seed: Any) -> dict[str, Any]:
        seed = tf.ensure_shape(seed, [2])
        noise = normal(tf.shape(condition)[0], model.noise_size, seed)
        condition, response = respond(condition, noise)
        return {"response": response, "in_domain": spec.in_domain(condition)}

    def simulate_from_noise(condition: Any, noise: Any) -> dict[str, Any]:
        noise = tf.ensure_shape(noise, [None, model.noise_size])
        noise = tf.debugging.assert_all_finite(noise, "noise not finite")
        return {"response": respond(condition, noise)[1]}

    archive = keras.export.ExportArchive()
    # Neither critic nor optimizers.
    archive.track(model.simulator)
    # The first endpoint is also the default signature.
    archive.add_endpoint("simulate", simulate, input_signature=[conditions, seeds])
    archive.add_endpoint(
        "simulate_from_noise",
        simulate_from_noise,
        input_signature=[conditions, noises],
    )
    with replacing(path) as temporary:
        try:
            archive.write_out(str(temporary), verbose=False)
        except tf.errors.OpError as error:
            raise OSError(f"{path} cannot be written: {error.message}") from error
        text = json.dumps(_signature(model, spec, mask) | description, indent=1)
        (temporary / "signature.json").write_text(text + "\n")


def _signature(model: Simulator, spec: DetectorSpec, mask: str) -> dict[str, Any]:
    names = zip(spec.condition_names, spec.condition_units, strict=True)
    layout = {
        name: getattr(spec, name)
        for name in ("layer_shapes", "layer_numbers", "ring_edges_cm")
        if getattr(spec, name)
    }
    return {
        "detector": spec.name,
        "mask": mask,
        "signatures": {
            "simulate": {
                "inputs": {
                    "condition": ["float32", [None, len(spec.condition_names)]],
                    "seed": ["int32", [2]],
                },
                "outputs": {
                    "response": ["float32", [None, *spec.shape]],
                    "in_domain": ["bool", [None]],
                },
            },
            "simulate_from_noise": {
                "inputs": {
                    "condition": ["float32", [None, len(spec.condition_names)]],
                    "noise": ["float32", [None, model.noise_size]],
                },
                "outputs": {"response": ["float32", [None, *spec.shape]]},
            },
        },
        "conditions": [{"name": name, "unit": unit} for name, unit in names],
        "response": {
            "name": spec.response_name,
            "unit": spec.unit,
            "shape": list(spec.shape),
            "lower_bound": spec.lower_bound,
        },
        "domain": [
            {"name": d.name, "unit": d.unit, "low": d.low, "high": d.high}
            for d in spec.domain
        ],
        "layer_depths_x0": list(spec.layer_depths_x0),
        **layout,
        "cells": spec.cells.astype(int).tolist(),
        "dead_cells": spec.dead_cells.astype(int).tolist(),
        "positions_cm": np.round(spec.positions_cm, 4).astype(float).tolist(),
    }
