"""A trained model as a file of ONNX, compared with TensorFlow before it is left."""

import dataclasses
import importlib.util
import json
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from common.atomic_files import replacing
from models.training.exports import onnx_conversion

FILE = "model.onnx"
"""The name of the model in its folder, beside `signature.json`."""

_PACKAGES = ("onnx", "onnxruntime", "tf2onnx")
_EVENTS = 256
_ROUNDING = 1e-3
_MOST_DIFFERING = 0.02
_SEED = 1


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How well onnxruntime's answers agree with TensorFlow's for the same noise.

    Attributes:
        events: Number of events inside the domain that were compared.
        differing: How many of them differ by more than roundings, 1e-3 of the largest
            number of the response: a draw met an edge within the rounding.
        largest_difference: The largest difference in any other event, relative to the
            largest number of its response.
    """

    events: int
    differing: int
    largest_difference: float

    def __str__(self) -> str:
        text = (
            f"{self.events} events agree with TensorFlow to "
            f"{self.largest_difference:.1e} of their largest number"
        )
        if self.differing:
            text += f", but {self.differing}, in which a draw ended otherwise"
        return text


def check_packages() -> None:
    """Checks that what an export needs is installed.

    Raises:
        ValueError: If a package is missing.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"the export to ONNX needs {', '.join(missing)}; "
            "pip install -r requirements-onnx.txt"
        )


def open_session(folder: pathlib.Path, threads: int = 0) -> Any:
    """Opens a model in onnxruntime, on the processor.

    Args:
        folder: From `export_onnx`.
        threads: Threads of an operation; 0 for one per core.

    Returns:
        An `onnxruntime.InferenceSession`.

    Raises:
        ValueError: If there is no model, or onnxruntime does not take it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors alone: it warns of what it optimises.
    options.log_severity_level = 3
    path = folder / FILE
    try:
        return onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        # Its exceptions have no common class of their own.
        raise ValueError(f"{path}: onnxruntime does not run it: {error}") from error


def export_onnx(
    saved_model: pathlib.Path, folder: pathlib.Path, condition: NDArray[np.float32]
) -> Agreement:
    """Writes a SavedModel as `model.onnx` with its `signature.json`.

    See `onnx_conversion.convert` for inputs and outputs. The model draws no noise and
    refuses nothing: conditions that are not finite are outside the domain.

    Args:
        saved_model: Folder of a SavedModel, from `export_simulator`.
        folder: Folder to write; replaced if it exists.
        condition: Conditions to compare at, some of them inside the domain,
            [events, conditions]; the first 256 are taken.

    Returns:
        How well both agree.

    Raises:
        ValueError: If the model cannot be converted, or answers otherwise.
    """
    model = onnx_conversion.convert(saved_model)
    with replacing(folder) as temporary:
        temporary.mkdir(parents=True)
        (temporary / FILE).write_bytes(model.SerializeToString())
        agreement = _compare(saved_model, temporary, condition[:_EVENTS])
        document = json.loads((saved_model / "signature.json").read_text())
        # Also the first output says which of its events are worth reading.
        signature = document["signatures"]["simulate_from_noise"]
        signature["outputs"]["in_domain"] = ["bool", [None]]
        document["signatures"] = {"simulate_from_noise": signature}
        document["onnx"] = {
            "opset": onnx_conversion.OPSET,
            "compared": dataclasses.asdict(agreement),
        }
        text = json.dumps(document, indent=1)
        (temporary / "signature.json").write_text(text + "\n")
    return agreement


def _compare(
    saved_model: pathlib.Path, folder: pathlib.Path, condition: NDArray[np.float32]
) -> Agreement:
    """Compares responses inside the domain, and the domain inside and outside."""
    session = open_session(folder)
    signatures = tf.saved_model.load(str(saved_model)).signatures
    size = session.get_inputs()[1].shape[1]
    random = np.random.default_rng(_SEED)
    noise = random.standard_normal((2 * len(condition), size), np.float32)
    # Ten times as much energy, or as far away, is outside of any domain.
    both = np.concatenate([condition, 10.0 * condition]).astype(np.float32)
    found, inside = session.run(None, {"condition": both, "noise": noise})
    expected = signatures["simulate"](
        condition=tf.constant(both), seed=tf.constant([_SEED, 0])
    )["in_domain"].numpy()
    if not np.array_equal(inside, expected):
        raise ValueError(
            f"{saved_model}: {int(np.sum(inside != expected))} of {len(both)} "
            "conditions change sides of the domain in ONNX; nothing was written"
        )
    inside[len(condition) :] = False
    if not inside.any():
        raise ValueError(
            f"{saved_model}: none of {len(condition)} conditions to compare at is "
            "inside its domain; give others"
        )
    answer = signatures["simulate_from_noise"](
        condition=tf.constant(both[inside]), noise=tf.constant(noise[inside])
    )["response"].numpy()
    agreement = _agreement(found[inside], answer)
    if agreement.differing > _MOST_DIFFERING * agreement.events:
        raise ValueError(
            f"{saved_model}: {agreement.differing} of {agreement.events} responses are "
            "others in ONNX; nothing was written"
        )
    return agreement


def _agreement(found: NDArray[Any], expected: NDArray[Any]) -> Agreement:
    one, other = (x.reshape(len(x), -1).astype(np.float64) for x in (found, expected))
    largest = np.maximum(np.abs(other).max(axis=1), 1e-30)
    difference = np.abs(one - other).max(axis=1) / largest
    # What is not a number differs too.
    close = difference < _ROUNDING
    return Agreement(
        len(close), int(np.sum(~close)), float(difference[close].max(initial=0.0))
    )
