"""The samples that come with the repository."""

import pathlib

from data.events import DataError

FOLDER = pathlib.Path(__file__).parent


def sampled() -> tuple[str, ...]:
    """Returns the names of the detectors that have a sample."""
    return tuple(sorted(path.stem.partition("_")[0] for path in FOLDER.glob("*.h5")))


def sample_of(detector: str) -> str:
    """Returns the path of the sample of a detector.

    Args:
        detector: Name of the detector.

    Raises:
        DataError: If the repository has none.
    """
    # The name may come from a file: it is compared, never made a path or a pattern.
    files = sorted(FOLDER.glob("*.h5"))
    found = [path for path in files if path.name.startswith(f"{detector}_")]
    if not found:
        known = ", ".join(path.name for path in files)
        raise DataError(
            f"no sample of detector {detector!r} comes with the repository ({known}); "
            "give a file of your own"
        )
    return str(found[0])
