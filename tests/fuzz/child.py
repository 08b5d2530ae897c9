"""Fuzzes one format until the first finding: python -m tests.fuzz.child FORMAT ..."""

import pathlib
import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["data", "zipfile", "csv", "uproot", "h5py"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Reads the format from the command line and leaves the rest to libFuzzer."""
    ending, read = TARGETS[sys.argv[1]]
    # In memory, where there is such a folder: a file is written for every execution.
    memory = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = pathlib.Path(folder, f"file{ending}")

        def run(content: bytes) -> None:
            path.write_bytes(content)
            read(str(path))

        atheris.Setup([sys.argv[0], *sys.argv[2:]], run)
        atheris.Fuzz()


main()
