"""Checkpoints from which a killed run continues bit for bit."""

import csv
import io
import json
import pathlib
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from common import sealed_archive
from common.atomic_files import replacing
from models.training.contract import Trainable

_KEPT = 2

_UNREADABLE = (
    KeyError, ValueError, OSError, EOFError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


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
    step counter), the history so far and a checksum. It is written under a temporary
    name and then renamed; `history.csv` is rewritten from the same rows, so that the
    two agree whenever the run is killed. Its number says which one is the newest,
    never the time of the file.

    Args:
        workdir: Folder of the run; files go to `workdir/checkpoints`.
        say: Tells the user, in one line, of a damaged checkpoint; None tells nobody.
    """

    def __init__(
        self, workdir: pathlib.Path, say: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self.folder = workdir / "checkpoints"
        self.history_path = workdir / "history.csv"
        self.history: list[dict[str, float]] = []
        self._say = say

    def restore(self, model: Trainable) -> int:
        """Loads the newest checkpoint that is not damaged into a compiled model.

        Args:
            model: The model, as it was when the checkpoint was saved.

        Returns:
            The number of finished epochs, 0 if there is no checkpoint.

        Raises:
            ValueError: If the checkpoint does not fit the model, or all are damaged.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        damaged = []
        for path in sorted(self.folder.glob("epoch-*.npz"), reverse=True):
            try:
                values, history = _read(path)
            except _UNREADABLE as error:
                damaged.append(f"{path} is damaged ({' '.join(str(error).split())})")
                continue
            if damaged and self._say is not None:
                self._say(f"{'; '.join(damaged)}; going on from {path.name}")
            _assign(model, path, values)
            self.history = history
            self._write_history()
            return len(history)
        if damaged:
            raise ValueError(
                f"{'; '.join(damaged)}: no checkpoint is left; remove {self.folder} "
                "to begin again, or use another --workdir"
            )
        return 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the state after an epoch."""
        self.history.append({name: float(v) for name, v in (logs or {}).items()})
        values = {
            f"v{index}": keras.ops.convert_to_numpy(variable)
            for index, variable in enumerate(self.model.state_variables())
        }
        path = self.folder / f"epoch-{epoch + 1:06d}.npz"
        with replacing(path) as temporary:
            with temporary.open("wb") as handle:
                np.savez(handle, history=json.dumps(self.history), **values)
            sealed_archive.seal(temporary)
        self._write_history()
        for old in sorted(self.folder.glob("epoch-*.npz"))[:-_KEPT]:
            old.unlink()

    def _write_history(self) -> None:
        with replacing(self.history_path) as temporary:
            temporary.write_text(_history_csv(self.history))


def _read(path: pathlib.Path) -> tuple[list[NDArray[Any]], list[dict[str, float]]]:
    """Reads the values of all variables, in their order, and the history.

    Raises:
        ValueError: If the checksum does not fit.
        Exception: One of `_UNREADABLE`, if a file without checksum, from before there
            were any, is damaged.
    """
    if sealed_archive.intact(path) is False:
        raise ValueError("its checksum does not fit")
    # A file of our own, since np.load leaves that of a broken archive open.
    with path.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
        values = [archive[f"v{index}"] for index in range(len(archive.files) - 1)]
        return values, json.loads(str(archive["history"]))


def _assign(
    model: Trainable, path: pathlib.Path, values: Sequence[NDArray[Any]]
) -> None:
    """Gives the variables their values, all of them or none."""
    variables = model.state_variables()
    if len(values) != len(variables):
        raise ValueError(
            f"{path} is not a checkpoint of this model: it holds {len(values)} "
            f"variables, the model {len(variables)}; use another --workdir"
        )
    for variable, value in zip(variables, values, strict=True):
        if variable.shape != value.shape:
            raise ValueError(
                f"{path} does not fit: {variable.path} has shape {variable.shape}, "
                f"the checkpoint {value.shape}; use another --workdir"
            )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
