"""Prints what spectral normalisation and self-attention became in a training.

    python -m benchmarks.learned --workdir=runs/tables/aux_regressor_cnn_regressor_sn_1

Of every spectrally normalised kernel: its second singular value and the root mean
square of all but the first, in units of the first. A critic in which both are near 0
has forgotten all but one direction. Of every self-attention: its weight gamma, 0 at
first.
"""

import pathlib
from collections.abc import Iterator
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import keras
import numpy as np
from absl import flags

from benchmarks.shared import timing
from models.gans.conditional import ConditionalGAN
from models.layers.attention import SelfAttention


def _layers(model: ConditionalGAN, kind: type) -> Iterator[tuple[str, Any]]:
    for network in (model.generator, model.critic):
        for layer in network.layers:
            inside = layer.projections if isinstance(layer, SelfAttention) else {}
            for one in (layer, *inside.values()):
                if isinstance(one, kind):
                    yield network.name, one


def others(kernel: Any) -> tuple[float, float]:
    """Compares the singular values of a kernel with the first.

    Args:
        kernel: [..., channels].

    Returns:
        The second one and the root mean square of all but the first, both in units of
        the first; 0 if there is only one.
    """
    matrix = np.asarray(kernel, np.float64).reshape(-1, kernel.shape[-1])
    values = np.linalg.svd(matrix, compute_uv=False)
    if len(values) == 1:
        return 0.0, 0.0
    values = values[1:] / values[0]
    return float(values[0]), float(np.sqrt(np.mean(values**2)))


def singular_values(model: ConditionalGAN) -> list[dict[str, Any]]:
    """Returns what is left of the kernels that are spectrally normalised.

    Args:
        model: The model; kernels of one row or column are left out.
    """
    rows = []
    for network, layer in _layers(model, keras.layers.SpectralNormalization):
        shape = tuple(layer.layer.kernel.shape)
        if min(int(np.prod(shape[:-1])), shape[-1]) > 1:
            second, rest = others(layer.layer.kernel)
            rows.append(
                {"network": network, "kernel": shape, "second": second, "rest": rest}
            )
    return rows


def gammas(model: ConditionalGAN) -> list[dict[str, Any]]:
    """Returns the weight of every self-attention.

    Args:
        model: The model.
    """
    return [
        {"network": network, "rows": layer.input.shape[1], "gamma": float(layer.gamma)}
        for network, layer in _layers(model, SelfAttention)
    ]


def _run() -> None:
    model = setup.keras_model(pathlib.Path(flags.FLAGS.workdir) / "model.keras")
    kernels, attention = singular_values(model), gammas(model)
    if not kernels and not attention:
        print("nothing is spectrally normalised, and there is no self-attention")
    if kernels:
        rows = [
            [
                one["network"],
                " x ".join(map(str, one["kernel"])),
                f"{one['second']:.3f}",
                f"{one['rest']:.3f}",
            ]
            for one in kernels
        ]
        print(timing.table(["network", "kernel", "second", "rms of the others"], rows))
    if attention:
        rows = [
            [one["network"], f"{one['rows']}", f"{one['gamma']:+.3f}"]
            for one in attention
        ]
        print(timing.table(["network", "rows of the map", "gamma"], rows))
    setup.write_json(flags.FLAGS.json, {"kernels": kernels, "attention": attention})


if __name__ == "__main__":
    flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
    flags.DEFINE_string("json", None, "File to write the result to.")
    setup.run(_run)
