"""Checkpoints from which a killed run continues bit for bit."""

import csv
import io
import json
import pathlib
import zipfile
from typing import Any

import keras
import numpy as np

from common.atomic_files import replacing
from models.training.contract import Trainable

_KEPT = 2


def _history_csv(rows: list[dict[str, float]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["epoch", *rows[0]], lineterminator="\n")
    writer.writeheader()
    for epoch, row in enumerate(rows):
        writer.writerow({"epoch": epoch, **row})
    return text.getvalue()


class Checkpoints(keras.callbacks.Callback):
    """Saves everything a run needs after every epoch, and restores it.

    A checkpoint is one `.npz` file with all variables (weights, their EMA, optimizers,
    step counter) and the history so far. It is written under a temporary name and then
    renamed; `history.csv` is rewritten from the same rows, so that the two agree
    whenever the run is killed.

    Args:
        workdir: Folder of the run; files go to `workdir/checkpoints`.
    """

    def __init__(self, workdir: pathlib.Path) -> None:
        super().__init__()
        self.folder = workdir / "checkpoints"
        self.history_path = workdir / "history.csv"
        self.history: list[dict[str, float]] = []

    def restore(self, model: Trainable) -> int:
        """Loads the newest checkpoint into a compiled model.

        Args:
            model: The model, as it was when the checkpoint was saved.

        Returns:
            The number of finished epochs, 0 if there is no checkpoint.

        Raises:
            ValueError: If the checkpoint does not fit the model or cannot be read.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        found = sorted(self.folder.glob("epoch-*.npz"))
        if not found:
            return 0
        variables = model.state_variables()
        try:
            # A file of our own, since np.load leaves that of a broken archive open.
            with (
                found[-1].open("rb") as handle,
                np.load(handle, allow_pickle=False) as archive,
            ):
                values = [archive[f"v{index}"] for index in range(len(variables))]
                history = json.loads(str(archive["history"]))
                if len(archive.files) != len(values) + 1:
                    raise ValueError(f"it holds {len(archive.files) - 1} variables")
        except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{found[-1]} is not a checkpoint of this model ({error}); remove it "
                "to continue from the one before"
            ) from None
        for variable, value in zip(variables, values, strict=True):
            if variable.shape != value.shape:
                raise ValueError(
                    f"{found[-1]} does not fit: {variable.path} has shape "
                    f"{variable.shape}, the checkpoint {value.shape}; use another "
                    "--workdir"
                )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.history = history
        self._write_history()
        return len(history)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the state after an epoch."""
        self.history.append({name: float(v) for name, v in (logs or {}).items()})
        values = {
            f"v{index}": keras.ops.convert_to_numpy(variable)
            for index, variable in enumerate(self.model.state_variables())
        }
        path = self.folder / f"epoch-{epoch + 1:06d}.npz"
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.savez(handle, history=json.dumps(self.history), **values)
        self._write_history()
        for old in sorted(self.folder.glob("epoch-*.npz"))[:-_KEPT]:
            old.unlink()

    def _write_history(self) -> None:
        with replacing(self.history_path) as temporary:
            temporary.write_text(_history_csv(self.history))
