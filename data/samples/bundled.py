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
    found = sorted(FOLDER.glob(f"{detector}_*.h5"))
    if not found:
        known = ", ".join(sorted(path.name for path in FOLDER.glob("*.h5")))
        raise DataError(
            f"no sample of detector {detector!r} comes with the repository ({known}); "
            "give a file of your own"
        )
    return str(found[0])
