"""The HGCAL prototype."""

import numpy as np

from data.detectors.spec import DetectorSpec, DomainRange

_SIDE_CM = 0.6496
_ROWS_OF_CELLS = (
    (5, 9), (3, 11), (2, 12), (1, 13), (1, 13), (1, 13), (1, 13), (1, 13), (2, 12),
    (2, 12), (4, 10),
)  # fmt: skip
_SENSOR_Z_CM = (2.031, 4.780, 7.528, 10.557, 13.867, 17.738, 22.451)
_DEAD = ((5, 5), (5, 11))
_DEAD_LAYER_6 = ((5, 3), (5, 9))


def spec() -> DetectorSpec:
    """The HGCAL prototype of seven silicon sensors with 121 hexagonal cells each.

    Positions follow from the pitch of the hexagons (side 6.496 mm, flat top, every
    even column half a cell lower). The dead cells are the published ones.

    Source: Erdmann, Glombitza, Quast, arXiv:1807.01954.
    """
    shape = (12, 15, 7)
    plane = np.zeros(shape[:2], bool)
    for row, (first, last) in enumerate(_ROWS_OF_CELLS):
        plane[row, first : last + 1] = True
    plane[11, [6, 8]] = True
    cells = np.repeat(plane[:, :, None], 7, axis=2)
    dead = np.zeros(shape, bool)
    for layer in range(7):
        for row, column in _DEAD_LAYER_6 if layer == 5 else _DEAD:
            dead[row, column, layer] = True
    columns = np.arange(15)
    rows = np.arange(12)[:, None]
    x = (columns - 7) * 1.5 * _SIDE_CM
    y = (rows - 5 - 0.5 * (columns % 2 == 0)) * np.sqrt(3.0) * _SIDE_CM
    positions = np.empty((*shape, 3), np.float32)
    positions[..., 0] = x[None, :, None]
    positions[..., 1] = y[:, :, None]
    positions[..., 2] = _SENSOR_Z_CM
    return DetectorSpec(
        name="hgcal",
        shape=shape,
        response_name="cell energy",
        unit="MIP",
        lower_bound=0.0,
        condition_names=("energy_gev", "impact_x_cm", "impact_y_cm"),
        condition_units=("GeV", "cm", "cm"),
        domain=(
            DomainRange("energy_gev", "GeV", 20.0, 90.0, lambda c: c[:, 0]),
            DomainRange("impact_x_cm", "cm", -4.0, 4.0, lambda c: c[:, 1]),
            DomainRange("impact_y_cm", "cm", -4.0, 4.0, lambda c: c[:, 2]),
        ),
        cells=cells,
        dead_cells=dead,
        positions_cm=positions,
        plane_vectors=((1, 2),),
        layer_depths_x0=(3.0, 5.5, 8.0, 11.0, 14.5, 19.0, 25.0),
    )
