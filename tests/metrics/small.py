"""Small calorimeters and showers whose truth is known."""

import dataclasses

import numpy as np

from data import detectors
from data.detectors.spec import DomainRange


def detector(*layers):
    """Returns a calorimeter of 6 x 6 cells of 1 cm, flat or with so many layers."""
    shape = (6, 6, *layers)
    centres = np.arange(6) - 2.5
    positions = np.zeros((*shape, 3), np.float32)
    positions[..., 0] = centres.reshape(6, 1, *[1] * len(layers))
    positions[..., 1] = centres.reshape(1, 6, *[1] * len(layers))
    names = ("energy_gev", "impact_x_cm", "impact_y_cm", "pressure_hpa")
    return dataclasses.replace(
        detectors.get("hgcal"),
        name="small",
        shape=shape,
        unit="MeV",
        condition_names=names,
        condition_units=("GeV", "cm", "cm", "hPa"),
        domain=(
            DomainRange("energy_gev", "GeV", 10.0, 80.0, lambda c: c[:, 0]),
            DomainRange("impact_x_cm", "cm", -1.0, 1.0, lambda c: c[:, 1]),
            DomainRange("impact_y_cm", "cm", -1.0, 1.0, lambda c: c[:, 2]),
            DomainRange("slant", "", -2.0, 2.0, lambda c: c[:, 1] + c[:, 2]),
        ),
        cells=np.ones(shape, bool),
        dead_cells=np.zeros(shape, bool),
        positions_cm=positions,
        layer_depths_x0=(),
    )


def conditions(events, seed=1):
    """Draws conditions inside the domain, with four beam energies."""
    random = np.random.default_rng(seed)
    columns = [
        random.choice([10.0, 20.0, 40.0, 80.0], events),
        *random.uniform(-1.0, 1.0, (2, events)),
        random.choice([990.0, 1000.0], events),
    ]
    return np.column_stack(columns).astype(np.float32)


def showers(spec, condition, seed, shift_x_cm=0.0, blur_x_cm=0.05):
    """Draws blobs around the impact point, of 7 MeV per GeV within 4 percent."""
    random = np.random.default_rng(seed)
    blur = random.normal(size=(len(condition), 2)) * [blur_x_cm, 0.05]
    point = condition[:, 1:3] + blur + [shift_x_cm, 0.0]
    cells = spec.positions_cm[..., :2].reshape(-1, 2)
    offset = cells[None] - point[:, None]
    shape = np.exp(-0.5 * (offset**2).sum(axis=-1))
    shape /= shape.sum(axis=1, keepdims=True)
    total = 7.0 * condition[:, 0] * random.normal(1.0, 0.04, len(condition))
    response = total[:, None] * shape
    return response.reshape(len(condition), *spec.shape).astype(np.float32)
