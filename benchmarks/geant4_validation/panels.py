"""The figure of the validation."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.geant4_validation import measures
from benchmarks.geant4_validation.beams import LEAD, Arrays, FixedBeam
from metrics.report.figures import canvas

Found = Mapping[FixedBeam, Arrays]
Shares = Mapping[float, tuple[measures.Floats, measures.Floats]]

_COLOURS = ("#333333", "#d55e00", "#0072b2", "#009e73")
_MARKERS = "osD^"
_GAMMA = "gamma"


def _of(found: Found, detector: str) -> dict[FixedBeam, Arrays]:
    return {beam: one for beam, one in found.items() if beam.detector == detector}


def _longitudinal(axes: Axes, found: Found) -> None:
    for colour, (beam, one) in zip(_COLOURS, _of(found, LEAD).items(), strict=True):
        depth, share, error = measures.lead_profile(one["cells"])
        label = f"{beam.particle}, {beam.energy_gev:g} GeV"
        axes.errorbar(depth, share, error, fmt="o", color=colour, label=label)
        maximum = measures.pdg_maximum(beam.particle, beam.energy_gev)
        axes.plot(depth, measures.pdg_profile(depth, maximum), color=colour)
    axes.set_xlim(0.0, 25.0)
    axes.set_ylim(0.0, 0.2)
    axes.set_xlabel("depth in lead [X0]")
    axes.set_ylabel("share of the energy per X0")
    axes.set_title("points Geant4, lines PDG", loc="left")


def _radial(axes: Axes, found: Found) -> None:
    for colour, (beam, one) in zip(_COLOURS, _of(found, LEAD).items(), strict=True):
        radius, inside = measures.inside_radius(one["cells"])
        label = f"{beam.particle}, {beam.energy_gev:g} GeV"
        axes.plot(radius, inside, color=colour, label=label)
    axes.axvline(measures.LEAD_MOLIERE_CM, color="#999999", linestyle=":")
    axes.axhline(0.9, color="#999999", linestyle=":")
    axes.set_xlim(0.0, 6.0)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel("radius in lead [cm]")
    axes.set_ylabel("share of the energy inside")
    axes.set_title("dotted: 90 %, PDG's Moliere radius", loc="left")


def _against_energy(
    axes: Axes, found: Found, number: Callable[[FixedBeam, Arrays], measures.Estimate],
    abscissa: Callable[[float], float],
) -> None:  # fmt: skip
    for colour, marker, detector in zip(
        _COLOURS, _MARKERS, ("ecal", "hgcal", "calogan", "cylinder"), strict=True
    ):
        beams = {b: o for b, o in _of(found, detector).items() if b.particle != _GAMMA}
        points = [number(beam, one) for beam, one in beams.items()]
        axes.errorbar(
            [abscissa(beam.energy_gev) for beam in beams],
            [point.value for point in points],
            [point.error for point in points],
            fmt=f"{marker}-", color=colour, label=detector, linewidth=0.8,
        )  # fmt: skip


def _linearity(axes: Axes, found: Found) -> None:
    """Draws the response per energy, relative to that of 20 GeV."""
    reference = {
        beam.detector: measures.response_sums(one).mean() / beam.energy_gev
        for beam, one in found.items()
        if beam.detector != LEAD and beam.energy_gev == 20.0 and beam.particle != _GAMMA
    }

    def relative(beam: FixedBeam, one: Arrays) -> measures.Estimate:
        sums = measures.response_sums(one) / beam.energy_gev
        return measures.mean(sums / reference[beam.detector])

    _against_energy(axes, found, relative, lambda energy: energy)
    axes.axhline(1.0, color="#999999", linestyle=":")
    axes.set_xscale("log")
    axes.set_ylim(0.9, 1.1)
    axes.set_xlabel("energy [GeV]")
    axes.set_ylabel("response / energy, 20 GeV = 1")
    axes.set_title("linearity", loc="left")


def _resolution(axes: Axes, found: Found) -> None:
    def relative(_: FixedBeam, one: Arrays) -> measures.Estimate:
        return measures.resolution(measures.response_sums(one))

    _against_energy(axes, found, relative, lambda energy: energy**-0.5)
    axes.set_xlim(0.0, 1.05)
    axes.set_ylim(0.0, 0.16)
    axes.set_xlabel("1 / sqrt(E / GeV)")
    axes.set_ylabel("sigma / E")
    axes.set_title("resolution", loc="left")


def _hgcal(axes: Axes, found: Found, sample: Shares) -> None:
    beams = _of(found, "hgcal")
    for colour, (beam, one) in zip(_COLOURS, beams.items(), strict=False):
        share, error = measures.layer_shares(one["response"])
        layers = np.arange(len(share))
        axes.errorbar(layers, share, error, fmt="o", color=colour,
                      label=f"e-, {beam.energy_gev:g} GeV")  # fmt: skip
        axes.stairs(sample[beam.energy_gev][0], np.arange(-0.5, len(share)),
                    color=colour)  # fmt: skip
    axes.set_ylim(0.0, 0.45)
    axes.set_xlabel("layer of the HGCAL prototype")
    axes.set_ylabel("share of the energy")
    axes.set_title("points simulate.py, lines sample", loc="left")


def _cylinder(axes: Axes, found: Found) -> None:
    beams = _of(found, "cylinder")
    for colour, (beam, one) in zip(_COLOURS, beams.items(), strict=True):
        share, error = measures.layer_shares(one["response"])
        axes.errorbar(np.arange(len(share)), share, error, fmt="o", color=colour,
                      label=f"e-, {beam.energy_gev:g} GeV")  # fmt: skip
    axes.set_ylim(0.0, 0.14)
    axes.set_xlabel("layer of the cylinder")
    axes.set_ylabel("share of the energy")
    axes.set_title("longitudinal profile", loc="left")


def figure(found: Found, sample: Shares) -> Figure:
    """Draws profiles, linearity, resolution, containment and shares of the layers.

    Args:
        found: From `beams.load`.
        sample: Shares of the layers of the HGCAL prototype in the repository's sample
            and their errors, by energy [GeV].
    """
    with canvas.style():
        drawn = Figure(figsize=(13.0, 8.0), dpi=70, layout="constrained")
        panels = drawn.subplots(2, 3).ravel()
        _longitudinal(panels[0], found)
        _radial(panels[1], found)
        _linearity(panels[2], found)
        _resolution(panels[3], found)
        _hgcal(panels[4], found, sample)
        _cylinder(panels[5], found)
        for axes in panels:
            axes.legend()
    return drawn
