"""Binnings and showers with the layouts of the public files, made up."""

import h5py
import numpy as np

LAYERS = {
    368: {0: (1, 8), 1: (10, 16), 2: (10, 19), 3: (1, 5), 12: (1, 5)},
    533: {
        0: (1, 8),
        1: (10, 10),
        2: (10, 10),
        3: (1, 5),
        12: (10, 15),
        13: (10, 16),
        14: (1, 10),
    },
    6480: dict.fromkeys(range(45), (16, 9)),
    40500: dict.fromkeys(range(45), (50, 18)),
}
"""Numbers of angles and rings of every used layer, by the number of voxels."""

PARTICLES = {368: "photon", 533: "pion", 6480: "electron", 40500: "electron"}


def edges_mm(rings):
    """Returns edges that are not equally far apart."""
    return [float(number * (number + 9)) for number in range(rings + 1)]


def binning(layers, particle="photon"):
    """Returns the XML of one particle; missing numbers are unused layers."""
    lines = [f'<Bins><Bin pid="22" etaMin="0" etaMax="130" name="{particle}">']
    for number in range(max(layers) + 1):
        angles, rings = layers.get(number, (1, 0))
        edges = ",".join(f"{edge:g}" for edge in edges_mm(rings))
        lines.append(f'<Layer id="{number}" r_edges="{edges}" n_bin_alpha="{angles}"/>')
    return "\n".join(['<?xml version="1.0"?>', *lines, "</Bin></Bins>"])


def write_binning(path, voxels):
    """Writes one of the four binnings."""
    path.write_text(binning(LAYERS[voxels], PARTICLES[voxels]))
    return path


def showers(voxels, events, seed=1, response=0.9):
    """Draws showers [MeV] and incident energies [MeV], 8 to 64 GeV."""
    random = np.random.default_rng(seed)
    energy = 1e3 * random.choice([8.0, 16.0, 32.0, 64.0], (events, 1))
    cells = random.exponential(size=(events, voxels))
    cells *= random.random(cells.shape) < 0.4
    cells *= response * energy / cells.sum(axis=1, keepdims=True)
    return cells, energy


def write_challenge(path, cells, energy):
    """Writes a file of the CaloChallenge."""
    with h5py.File(path, "w") as file:
        file["showers"] = cells
        file["incident_energies"] = energy
    return path


def write_calogan(path, events, seed=1, factor=1.0):
    """Writes a file of CaloGAN and returns what it holds."""
    random = np.random.default_rng(seed)
    held = {
        name: random.random((events, *shape)).astype(np.float32)
        for name, shape in (
            ("layer_0", (3, 96)),
            ("layer_1", (12, 12)),
            ("layer_2", (12, 6)),
            ("overflow", (3,)),
        )
    }
    held["energy"] = np.full((events, 1), 0.252 * factor, np.float32)
    with h5py.File(path, "w") as file:
        for name, values in held.items():
            file[name] = values
    return held
