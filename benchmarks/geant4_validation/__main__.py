"""Validates the simulations of Geant4; docs/geant4.md has the result.

    python -m benchmarks.geant4_validation [--workdir=runs/geant4] [--jobs=1]

Simulates showers of fixed energies in lead and in every detector of `simulate.py`,
prints tables and draws the figure WORKDIR/geant4.png. What is finished lies in WORKDIR
and is not simulated again; --scale=0.1 takes a tenth of the events. All of them need
about 15 minutes of processor time.

Needs requirements-geant4.txt and Geant4's data sets.
"""

import pathlib
from collections.abc import Iterator

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import numpy as np
from absl import flags

from benchmarks.geant4_validation import beams, measures, panels
from benchmarks.geant4_validation.beams import LEAD, Arrays, FixedBeam
from benchmarks.shared import timing
from common.atomic_files import replacing
from data import detectors
from data.files import readers
from data.samples.bundled import sample_of

Found = dict[FixedBeam, Arrays]


def _of(found: Found, detector: str) -> Iterator[tuple[FixedBeam, Arrays, list[str]]]:
    for beam, one in found.items():
        if beam.detector == detector:
            head = [f"{beam.particle}, {beam.energy_gev:g} GeV", str(beam.events)]
            yield beam, one, head


def _print(title: str, header: list[str], rows: list[list[str]]) -> None:
    print(f"\n{title}")
    print(timing.table(["", "events", *header], rows))


def _lead(found: Found) -> None:
    rows = []
    for beam, one, head in _of(found, LEAD):
        cells = one["cells"]
        deposit = cells.sum(axis=(1, 2, 3), dtype=np.float64) / (1e3 * beam.energy_gev)
        maximum, b = measures.lead_maximum(cells)
        expected = measures.pdg_maximum(beam.particle, beam.energy_gev)
        radii = [f"{measures.radius_of(share, cells):.2f}" for share in (0.9, 0.95)]
        rows.append(
            [*head, str(measures.mean(deposit)), str(maximum), f"{expected:.2f}",
             str(b), *radii]
        )  # fmt: skip
    header = ["deposit / E", "maximum [X0]", "PDG", "b", "R90 [cm]", "R95 [cm]"]
    _print("Lead", header, rows)


def _calorimeter(found: Found, detector: str, unit: str) -> None:
    rows, energies, widths = [], [], []
    for beam, one, head in _of(found, detector):
        sums = measures.response_sums(one)
        width = measures.resolution(sums)
        per_gev = measures.mean(sums / beam.energy_gev)
        ms = 1e3 * one["cpu_s"].sum() / (beam.events * beam.energy_gev)
        row = [*head, str(per_gev), f"{width.value:.2%} +- {width.error:.2%}"]
        if detector == "calogan":
            deposit = measures.calogan_deposits(one) / (1e3 * beam.energy_gev)
            shares = [f"{share:.4f}" for share in deposit.mean(axis=0)]
            beside = one["overflow"].sum(axis=1) / (1e3 * beam.energy_gev)
            inside = measures.mean(deposit.sum(axis=1) + beside)
            row += [" ".join(shares), f"{beside.mean():.4f}", str(inside)]
        elif detector == "cylinder":
            layers = one["response"].sum(axis=(0, 1, 2), dtype=np.float64)
            row.append(f"{one['outside_mev'].sum() / sums.sum():.4f}")
            row.append(f"{layers[-5:].sum() / layers.sum():.4f}")
        rows.append([*row, f"{ms:.1f}"])
        if beam.particle != "gamma":
            energies.append(beam.energy_gev)
            widths.append(width)
    more = {
        "calogan": ["layers / E", "beside the cells / E", "all / E"],
        "cylinder": ["outside / inside", "last 5 layers / all"],
    }
    header = [f"{unit} per GeV", "sigma / E", *more.get(detector, []), "CPU ms per GeV"]
    _print(detector, header, rows)
    stochastic, constant = measures.fit_resolution(np.array(energies), widths)
    print(
        f"sigma / E = {stochastic:.1%} / sqrt(E / GeV) + {constant:.1%}, in quadrature"
    )


def _hgcal(found: Found) -> dict[float, tuple[measures.Floats, measures.Floats]]:
    """Compares with the sample; returns its shares of the layers, by energy [GeV]."""
    path, spec = sample_of("hgcal"), detectors.get("hgcal")
    sample = readers.read(path, spec)
    rows, shares = [], {}
    for beam, one, head in _of(found, "hgcal"):
        chosen = beam.energy_gev
        reference = sample.response[sample.condition[:, 0] == chosen]
        shares[chosen] = measures.layer_shares(reference)
        share, error = measures.layer_shares(one["response"])
        pulls = (share - shares[chosen][0]) / np.hypot(error, shares[chosen][1])
        for mask in ("mask_full", "mask"):
            accepted = spec.acceptance(mask)
            row = [head[0], mask]
            for response in (one["response"], reference):
                sums = response[:, accepted].sum(axis=1, dtype=np.float64)
                width = measures.resolution(sums)
                row += [
                    str(measures.mean(sums / chosen)),
                    f"{width.value:.2%} +- {width.error:.2%}",
                ]
            rows.append(row)
        differences = " ".join(f"{pull:+.1f}" for pull in pulls)
        print(f"hgcal, {head[0]}: differences of the shares / error: {differences}")
    print("\nhgcal: simulate.py, and the sample in the repository")
    header = ["", "acceptance", "MIP per GeV", "sigma / E", "sample", "sample"]
    print(timing.table(header, rows))
    return shares


def _run() -> None:
    folder = pathlib.Path(flags.FLAGS.workdir)
    found = beams.load(folder, flags.FLAGS.jobs, flags.FLAGS.scale)
    _lead(found)
    _calorimeter(found, "ecal", "MeV")
    _calorimeter(found, "hgcal", "MIP")
    shares = _hgcal(found)
    _calorimeter(found, "calogan", "MeV in argon")
    _calorimeter(found, "cylinder", "MeV")
    path = folder / "geant4.png"
    with replacing(path) as temporary:
        panels.figure(found, shares).savefig(temporary, format="png")
    print(f"\n{path}")


if __name__ == "__main__":
    flags.DEFINE_string("workdir", "runs/geant4", "Folder of showers and figure.")
    flags.DEFINE_integer("jobs", 1, "Processes of Geant4.", lower_bound=1)
    flags.DEFINE_float("scale", 1.0, "Multiplies the events.", lower_bound=0.01)
    setup.run(_run)
