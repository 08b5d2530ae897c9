"""The calorimeter of CaloGAN: three layers, each with cells of its own size."""

import numpy as np

from data.detectors.flat_layers import folded
from data.detectors.spec import DetectorSpec, DomainRange

_SIDE_CM = 48.0
_SHAPES = ((3, 96), (12, 12), (12, 6))
_THICKNESS_CM = (9.0, 34.7, 4.3)


def spec() -> DetectorSpec:
    """The calorimeter of CaloGAN: layers of 3 x 96, 12 x 12 and 12 x 6 cells.

    A cube of 480 mm side, 90, 347 and 43 mm deep, whose cells are 5 x 160, 40 x 40 and
    80 x 40 mm in eta x phi. Particles of 1 to 100 GeV fall in vertically on its middle.
    Axis 0 of an image is phi, here y, axis 1 is eta, here x; z = 0 is the front.

    Source: Paganini, de Oliveira, Nachman, arXiv:1712.10321, section 2, and the
    description of its data, doi:10.17632/pvn3xc3wy5.1.
    """
    front = np.cumsum([0.0, *_THICKNESS_CM[:-1]])
    middle = front + 0.5 * np.array(_THICKNESS_CM)
    planes = []
    for (rows, columns), depth in zip(_SHAPES, middle, strict=True):
        y, x = (
            (np.arange(number) + 0.5) * (_SIDE_CM / number) - 0.5 * _SIDE_CM
            for number in (rows, columns)
        )
        grid = np.meshgrid(depth, y, x, indexing="ij")
        planes.append(np.stack([grid[2], grid[1], grid[0]])[:, 0])
    positions = folded(planes).T
    cells = np.ones(len(positions), bool)
    return DetectorSpec(
        name="calogan",
        shape=cells.shape,
        response_name="cell energy",
        unit="MeV",
        lower_bound=0.0,
        condition_names=("energy_gev",),
        condition_units=("GeV",),
        domain=(DomainRange("energy_gev", "GeV", 1.0, 100.0, lambda c: c[:, 0]),),
        cells=cells,
        dead_cells=np.zeros_like(cells),
        positions_cm=positions.astype(np.float32),
        layer_shapes=_SHAPES,
        layer_numbers=(0, 1, 2),
    )
