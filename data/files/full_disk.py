"""A file for HDF5 to write to on a disk that may be full."""

import io
from pathlib import Path
from typing import Any

from common.process_lock import open_alone


class Disk(io.FileIO):
    """A file that remembers why it could not be written, and lets HDF5 go on.

    HDF5 itself, once a write has failed, fails again and noisily whenever one of its
    objects is closed. The file is emptied, and locked until it is closed.

    Attributes:
        failure: The first error; None as long as all is well.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(open_alone(path, "choose another file"), "r+")
        self.failure: OSError | None = None
        self.truncate(0)

    def write(self, content: Any) -> int:
        """Writes all of the content, or says that it did."""
        left = memoryview(content).cast("B")
        size = len(left)
        try:
            while left and self.failure is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.failure = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Changes the size of the file, or says that it did."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.failure = self.failure or error
            return self.tell() if size is None else size
