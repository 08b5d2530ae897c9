"""A small detector, and events in it."""

import numpy as np
import pytest

from data.detectors.spec import DetectorSpec, DomainRange
from data.events import Sample


@pytest.fixture(scope="session")
def box():
    """3 x 3 cells without the corners, in two layers: unknown to `data.detectors`."""
    shape = (3, 3, 2)
    cells = np.zeros(shape, bool)
    cells[1, :] = cells[:, 1] = True
    dead = np.zeros(shape, bool)
    dead[0, 1, 1] = True
    x, y, z = np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [5.0, 9.0], indexing="ij")
    return DetectorSpec(
        name="box",
        shape=shape,
        response_name="cell energy",
        unit="MeV",
        lower_bound=0.0,
        condition_names=("energy_gev", "impact_x_cm", "impact_y_cm"),
        condition_units=("GeV", "cm", "cm"),
        domain=(
            DomainRange("energy_gev", "GeV", 1.0, 100.0, lambda c: c[:, 0]),
            DomainRange("impact_x_cm", "cm", -1.0, 1.0, lambda c: c[:, 1]),
            DomainRange("impact_y_cm", "cm", -1.0, 1.0, lambda c: c[:, 2]),
        ),
        cells=cells,
        dead_cells=dead,
        positions_cm=np.stack([x, y, z], axis=-1).astype(np.float32),
        plane_vectors=((1, 2),),
        layer_depths_x0=(2.0, 6.0),
        shower_depth_cm=(4.0, 1.5),
        periodic_axes=(1,),
    )


@pytest.fixture(scope="session")
def make_events(box):
    """Makes events in the box; the energy of each is its number plus 1."""

    def make(count, *, seed=0, weighted=False):
        random = np.random.default_rng(seed)
        response = random.exponential(size=(count, *box.shape)) * box.cells
        condition = random.uniform(-1, 1, (count, 3))
        condition[:, 0] = 1 + np.arange(count)
        weight = random.normal(size=count).astype(np.float32) if weighted else None
        return Sample(response.astype(np.float32), condition.astype(np.float32), weight)

    return make
