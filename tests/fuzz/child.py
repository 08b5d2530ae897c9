"""Fuzzes a format until the first finding: python -m tests.fuzz.child FORMAT FOLDER ...

FOLDER gets the file that raised an exception; libFuzzer's options follow.
"""

import hashlib
import pathlib
import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["data", "zipfile", "csv", "uproot", "h5py"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Reads format and folder from the command line, the rest is libFuzzer's."""
    ending, read = TARGETS[sys.argv[1]]
    findings = pathlib.Path(sys.argv[2])
    # In memory, where there is such a folder: a file is written for every execution.
    memory = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = pathlib.Path(folder, f"file{ending}")

        def run(content: bytes) -> None:
            path.write_bytes(content)
            try:
                read(str(path))
            except BaseException:
                name = f"exception-{hashlib.sha256(content).hexdigest()[:16]}"
                (findings / name).write_bytes(content)
                raise

        atheris.Setup([sys.argv[0], *sys.argv[3:]], run)
        atheris.Fuzz()


main()
