"""Invertible maps between physical responses and what the networks see.

They import `data.detectors`.
"""

from data.detectors.spec import DetectorSpec
from data.transforms.base import Array, Transform
from data.transforms.cell_energy import (
    BoxCox,
    EnergyPerGev,
    Identity,
    LogOnePlus,
    PowerOfFraction,
    RootOfEnergy,
)
from data.transforms.quantile import QuantileNormal
from data.transforms.spectrum_table import SpectrumTable

TRANSFORMS: dict[str, type[Transform]] = {
    "identity": Identity,
    "linear": EnergyPerGev,
    "log": LogOnePlus,
    "box_cox": BoxCox,
    "power": PowerOfFraction,
    "root": RootOfEnergy,
    "quantile": QuantileNormal,
    "spectrum": SpectrumTable,
}
"""The transforms by the names used in a model's configuration."""


def fit(
    name: str,
    response: Array,
    condition: Array,
    spec: DetectorSpec,
    weight: Array | None = None,
) -> Transform:
    """Fits the transform of a given name to training data.

    Args:
        name: A key of `TRANSFORMS`.
        response: Physical responses of the training split [spec.unit].
        condition: Their conditions [spec.condition_units].
        spec: The detector.
        weight: Their weights, may be negative; None where all are 1.

    Raises:
        ValueError: If there is no such transform, or the data cannot fix its constants.

    Example:
        >>> from data.files.readers import Dataset
        >>> from data.samples.bundled import sample_of
        >>> with Dataset(sample_of("hgcal")) as dataset:
        ...     sample = dataset.read("train")
        >>> power = fit("power", sample.response, sample.condition, dataset.spec)
        >>> tuple(power.encode(sample.response[:2], sample.condition[:2]).shape)
        (2, 12, 15, 7)
    """
    if name not in TRANSFORMS:
        known = ", ".join(TRANSFORMS)
        raise ValueError(f"unknown transform {name!r}; known: {known}")
    return TRANSFORMS[name].fit(response, condition, spec, weight)
