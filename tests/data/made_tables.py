"""Calibration tables in every format, made of the same few tracks."""

import gzip

import numpy as np
import pyarrow
import pyarrow.parquet
import uproot

LIKELIHOODS = ("k", "mu", "e", "p", "bt")
TEXT = {f"dll_{x}": f"RichDLL{x}" for x in LIKELIHOODS} | {
    "momentum_gev": "Brunel_P",
    "pseudorapidity": "Brunel_ETA",
    "number_of_tracks": "nTracks_Brunel",
    "weight": "probe_sWeight",
}
TREE = {f"dll_{x}": f"probe_Brunel_RichDLL{x}" for x in LIKELIHOODS} | {
    "momentum_gev": "probe_Brunel_P",
    "pseudorapidity": "probe_Brunel_ETA",
    "number_of_tracks": "nTracks_Brunel",
    "weight": "probe_sWeight",
}
SIMULATION = {f"dll_{x}": f"RichDLL{x}" for x in LIKELIHOODS} | {
    "momentum_gev": "TrackP",
    "pseudorapidity": "TrackEta",
    "number_of_tracks": "NumLongTracks",
    "species_pdg": "MCParticleType",
}
CANONICAL = (
    *(f"dll_{x}" for x in LIKELIHOODS),
    "momentum_gev",
    "pseudorapidity",
    "number_of_tracks",
    "weight",
)


def tracks(count, seed=0):
    """Tracks that every format holds exactly: canonical name -> float64 [count].

    A multiple of 1/8 is as exact in text and in float32 as in float64, and so is a
    number of MeV with three zeros in GeV.
    """
    random = np.random.default_rng(seed)
    columns = {f"dll_{x}": random.integers(-400, 400, count) / 8.0 for x in LIKELIHOODS}
    columns["momentum_gev"] = random.integers(3, 90, count).astype(np.float64)
    columns["pseudorapidity"] = random.integers(16, 39, count) / 8.0
    columns["number_of_tracks"] = random.integers(10, 500, count).astype(np.float64)
    columns["weight"] = random.integers(-4, 12, count) / 8.0
    return columns


def named(columns, names, mev_per_gev=1000.0):
    """The columns of a table under its own names, momenta in MeV."""
    values = {names[name]: columns[name] for name in names}
    values[names["momentum_gev"]] = columns["momentum_gev"] * mev_per_gev
    return values


def write_text(path, values, delimiter="\t"):
    lines = [delimiter.join(values)]
    lines += [
        delimiter.join(map(str, row)) for row in zip(*values.values(), strict=True)
    ]
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


def write_root(path, trees, kind="mktree"):
    """Writes trees (kind "mktree") or ntuples ("mkrntuple") into a ROOT file."""
    with uproot.recreate(path) as file:
        for name, values in trees.items():
            types = {
                key: np.dtype((value.dtype, value.shape[1:]))
                for key, value in values.items()
            }
            getattr(file, kind)(name, types).extend(values)
    return str(path)


def write_parquet(path, values):
    pyarrow.parquet.write_table(pyarrow.table(values), path, row_group_size=7)
    return str(path)


def write_archive(path, values, names=TEXT):
    """Writes x, y and w as PID tables have them."""
    conditions = [
        names[name] for name in ("momentum_gev", "pseudorapidity", "number_of_tracks")
    ]
    likelihoods = [names[f"dll_{x}"] for x in LIKELIHOODS]
    weight = {}
    if "weight" in names:
        weight = {"w": values[names["weight"]], "w_var": names["weight"]}
    np.savez(
        path,
        x=np.stack([values[name] for name in conditions], axis=1),
        y=np.stack([values[name] for name in likelihoods], axis=1),
        x_vars=conditions,
        y_vars=likelihoods,
        **weight,
    )
    return str(path)
