"""Measures showers of given energies: Geant4, our models and the published table.

    python -m benchmarks.speed_by_energy
    python -m benchmarks.speed_by_energy --saved_models=runs/cascade/saved_model

One row each for Geant4 on one core, for every model at every batch size on the threads
given, and for what was published for the HGCAL prototype. Beside the milliseconds a
shower stands how much faster than Geant4 a row is at that energy. Geant4's time is that
of the sample: the mean processor time of its showers of that beam energy where it has
the energy, the time per GeV otherwise.

Source: the table of Erdmann, Glombitza and Quast, arXiv:1807.01954.
"""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Sequence

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import h5py
import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks.inference import typical_condition
from benchmarks.shared import reference_time, timing
from data import detectors
from data.samples.bundled import sample_of

PUBLISHED_MS = {
    "published: Geant4": {20.0: 500.0, 90.0: 2000.0},
    "published: WGAN, Xeon E5-1620": dict.fromkeys(
        (20.0, 90.0), reference_time.PUBLISHED["hgcal"][1]
    ),
    "published: WGAN, Quadro K2000": {20.0: 3.6, 90.0: 3.6},
    "published: WGAN, GTX 1080": {20.0: 0.3, 90.0: 0.3},
}
"""Published times of a shower [ms] by energy [GeV], another machine and prototype."""

_PRETRAINED = ("pretrained/wgan_constrained", "pretrained/cascade_hgcal")
_BUSY = 0.2


@dataclasses.dataclass(frozen=True)
class Row:
    """The times of one generator.

    Attributes:
        label: What it is.
        ms: Milliseconds a shower, by energy [GeV].
        spread: Relative half distance of the quartiles, or None.
    """

    label: str
    ms: dict[float, float]
    spread: float | None = None


def condition_of(document: dict[str, object], energy_gev: float) -> list[float]:
    """Returns a condition of an energy, in the middle of all other ranges.

    Args:
        document: The signature.json of a SavedModel.
        energy_gev: Incident energy [GeV], along z.

    Raises:
        ValueError: If the detector is unknown or has no incident energy.
    """
    spec = detectors.get(str(document["detector"]))
    chosen = list(spec.energy_conditions) if spec.lower_bound is not None else []
    if not chosen:
        raise ValueError(f"responses of {spec.name!r} are no showers of an energy")
    condition = np.array(typical_condition(document), np.float32)
    condition[chosen] = 0.0
    condition[chosen[-1]] = energy_gev
    return [float(value) for value in condition]


def geant4_ms(detector: str, energy_gev: float) -> float:
    """Returns Geant4's mean processor time of a shower of the sample [ms].

    Args:
        detector: Name of the detector.
        energy_gev: Incident energy [GeV].

    Raises:
        ValueError: If it was never measured.
    """
    before = reference_time.recorded(detector)
    if before is None:
        raise ValueError(f"Geant4 was never timed for detector {detector!r}")
    spec = detectors.get(detector)
    with h5py.File(sample_of(detector)) as file:
        energy = spec.incident_energy(file["condition"][:])
        alike = np.isclose(energy, energy_gev, rtol=1e-3)
        if alike.sum() > 1 and np.ptp(energy[alike]) == 0.0:
            return 1e3 * float(np.mean(file["cpu_s"][:][alike]))
    return before.ms_per_gev * energy_gev


def layout(rows: Sequence[Row], geant4: Row) -> str:
    """Lays out the table.

    Args:
        rows: Our models, then what was published.
        geant4: What they are compared with; published rows with the published one.

    Returns:
        The table.
    """
    energies = list(geant4.ms)
    header = [""]
    for energy in energies:
        header += [f"{energy:g} GeV [ms]", "Geant4 / this"]
    body = []
    against = geant4
    for row in (geant4, *rows):
        if row.label in PUBLISHED_MS and against is geant4:
            against = row
        cells = [row.label]
        for energy in energies:
            if energy not in row.ms:
                cells += ["-", "-"]
                continue
            ms = row.ms[energy]
            spread = "" if row.spread is None else f" +-{row.spread:.0%}"
            cells += [f"{ms:.3g}{spread}", f"{against.ms[energy] / ms:.0f}"]
        body.append(cells)
    return timing.table(header, body)


def _measured(folder: pathlib.Path, energies: Sequence[float]) -> tuple[str, list[Row]]:
    """Times a SavedModel at all energies and batch sizes in turn."""
    try:
        document = json.loads((folder / "signature.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        raise ValueError(
            f"{folder} is not an exported model: it has no signature.json that can be "
            "read; train.py writes one"
        ) from None
    simulate = tf.saved_model.load(str(folder)).signatures["simulate"]
    seed = tf.constant([1, 2])
    actions = {}
    for batch in map(int, flags.FLAGS.batches):
        for energy in energies:
            condition = tf.constant([condition_of(document, energy)] * batch)
            if not np.all(simulate(condition=condition, seed=seed)["in_domain"]):
                raise ValueError(
                    f"{energy:g} GeV lies outside the domain of {folder}; choose "
                    "another energy with --energies_gev"
                )
            call = functools.partial(simulate, condition=condition, seed=seed)
            actions[f"{batch}/{energy}"] = timing.stopwatch(call)
    found = timing.interleaved(actions, flags.FLAGS.repeats)
    rows = []
    for batch in map(int, flags.FLAGS.batches):
        of_batch = {energy: found[f"{batch}/{energy}"] for energy in energies}
        rows.append(
            Row(
                f"{folder.parent.name}, batch {batch}",
                {e: 1e3 * t.median_s / batch for e, t in of_batch.items()},
                max(t.spread for t in of_batch.values()),
            )
        )
    return str(document["detector"]), rows


def _run() -> None:
    setup.use_threads(flags.FLAGS.threads)
    try:
        energies = [float(text) for text in flags.FLAGS.energies_gev]
    except ValueError:
        energies = []
    if not energies or not all(0.0 < energy < np.inf for energy in energies):
        raise ValueError(
            "--energies_gev must be positive numbers, received "
            f"{','.join(flags.FLAGS.energies_gev)}"
        )
    if not all(text.isdecimal() and int(text) for text in flags.FLAGS.batches):
        raise ValueError(
            f"--batches must be positive, received {','.join(flags.FLAGS.batches)}"
        )
    rows: list[Row] = []
    seen = set()
    for path in flags.FLAGS.saved_models:
        detector, found = _measured(pathlib.Path(path), energies)
        seen.add(detector)
        rows += found
    if len(seen) != 1:
        raise ValueError(
            f"--saved_models must be of one detector, are of {', '.join(sorted(seen))}"
        )
    [detector] = seen
    if detector == "hgcal":
        rows += [Row(label, ms) for label, ms in PUBLISHED_MS.items()]
    geant4 = Row("Geant4, one core", {e: geant4_ms(detector, e) for e in energies})
    print(f"Detector {detector}, {flags.FLAGS.threads} threads.")
    print(layout(rows, geant4))
    print(
        "Geant4: the sample's processor time, measured beside other work: a free core "
        f"needs up to {_BUSY:.0%} less."
    )
    setup.write_json(
        flags.FLAGS.json,
        {
            "detector": detector,
            "threads": flags.FLAGS.threads,
            "rows": [dataclasses.asdict(row) for row in (geant4, *rows)],
        },
    )


if __name__ == "__main__":
    setup.define_common_flags()
    flags.DEFINE_list(
        "saved_models",
        [f"{folder}/saved_model" for folder in _PRETRAINED],
        "Exported models of one detector.",
    )
    flags.DEFINE_list("energies_gev", ["20", "90"], "Incident energies [GeV].")
    flags.DEFINE_list("batches", ["1", "512"], "Showers per call.")
    setup.run(_run)
