"""Exports a trained model to ONNX: python export_onnx.py --saved_model=DIR.

The folder `onnx` beside the SavedModel then holds model.onnx and signature.json, see
README.md. `train.py --onnx` does the same at the end of a training.
"""

import pathlib

from common import command_line  # First: it silences the start of TensorFlow.

# isort: split

from absl import flags

from data.files.readers import Dataset
from data.samples.bundled import sample_of
from metrics.evaluation.saved_model import detector_of
from models.training.exports import onnx_model

_SAVED_MODEL = flags.DEFINE_string(
    "saved_model", None, "Folder of the SavedModel, from train.py.", required=True
)
_DATA = flags.DEFINE_list(
    "data", None, "Files whose conditions are compared at; or the detector's sample."
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write; or `onnx` beside it.")


def _export() -> None:
    onnx_model.check_packages()
    saved_model = pathlib.Path(_SAVED_MODEL.value)
    detector = detector_of(saved_model)
    folder = pathlib.Path(_OUTPUT.value or saved_model.parent / "onnx")
    paths = [sample_of(detector)] if _DATA.value is None else _DATA.value
    with Dataset(paths) as dataset:
        if dataset.spec.name != detector:
            raise ValueError(
                f"{', '.join(paths)}: showers of detector {dataset.spec.name!r}; the "
                f"model simulates {detector!r}: give --data of that one"
            )
        condition = dataset.read("validation").condition
    agreement = onnx_model.export_onnx(saved_model, folder, condition)
    print(f"{folder / onnx_model.FILE}: {agreement}")


main = command_line.main(_export)


if __name__ == "__main__":
    command_line.run(main)
