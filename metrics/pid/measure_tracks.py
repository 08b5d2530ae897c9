"""The whole measurement of generated tracks against a reference.

For a detector whose response is a set of likelihoods. All sums take signed weights; see
`metrics.pid.track_pairs` for what these assume.
"""

from typing import Any

from threadpoolctl import threadpool_limits

from metrics.pid.efficiency import efficiency_curves, efficiency_metrics
from metrics.pid.likelihood_distances import correlations, shape_distances
from metrics.pid.phi_selection import KAON, PhiSelection, phi_selection
from metrics.pid.separation_auc import auc_bins, in_bins, overall
from metrics.pid.track_pairs import CENTRAL, FEWEST_EFFECTIVE, PION, Tracks
from metrics.pid.track_resampling import PairResampling
from metrics.pid.track_results import PidReport
from metrics.statistics.resampling import Metric

BINS = 3
"""Bins of momentum, and of pseudorapidity, in which AUCs are judged."""
FINE_BINS = 6
"""Bins of each in the finer maps, in which nothing is judged."""


def everything(
    tracks: Tracks, facts: dict[str, Any], seed: int, untrained: Tracks | None = None
) -> PidReport:
    """Measures everything.

    Args:
        tracks: Generated and reference tracks.
        facts: What was compared, for the head of the report.
        seed: Seed of splits and replicates.
        untrained: The untrained network against the same reference.

    Returns:
        The report; what there are too few tracks for is left out, with a note.

    Raises:
        ValueError: If there are too few tracks of every species.
    """
    if not tracks.members:
        raise ValueError(
            f"of every species there are fewer than {FEWEST_EFFECTIVE:g} effective "
            f"tracks, (sum w)^2 / sum w^2, among {len(tracks)}: nothing can be "
            "compared; give more tracks"
        )
    # Many small steps: threads that wait for each other cost more than they save.
    with threadpool_limits(1):
        return _everything(tracks, facts, seed, untrained)


def _everything(
    tracks: Tracks, facts: dict[str, Any], seed: int, untrained: Tracks | None
) -> PidReport:
    resampling = PairResampling(tracks.weight, tracks.group, seed)
    grid, fine_grid = tracks.grid(BINS), tracks.grid(FINE_BINS)
    bins = auc_bins(tracks, resampling, grid)
    metrics = _of_all_tracks(tracks, resampling)
    metrics |= in_bins(bins, grid)
    metrics |= efficiency_metrics(tracks, resampling)
    phi = phi_selection(tracks, resampling)
    metrics |= {} if phi is None else phi.metrics
    return PidReport(
        tracks=tracks,
        facts=facts,
        metrics=metrics,
        untrained={} if untrained is None else wasserstein(untrained, seed),
        grid=grid,
        bins=bins,
        fine_grid=fine_grid,
        fine_bins=auc_bins(tracks, resampling, fine_grid),
        zoom_grid=tracks.grid(BINS, CENTRAL),
        curves=efficiency_curves(tracks, resampling),
        phi=phi,
        notes=_notes(tracks, phi),
    )


def per_epoch(tracks: Tracks, seed: int) -> dict[str, Metric]:
    """Measures what does not need many tracks, without uncertainties.

    Args:
        tracks: Generated and reference tracks.
        seed: Seed of the splits.

    Returns:
        The metrics of all tracks together: distances, correlations, and differences of
        AUCs and efficiencies; without species of which there are too few tracks.
    """
    resampling = PairResampling(tracks.weight, tracks.group, seed, replicates=0)
    with threadpool_limits(1):
        metrics = _of_all_tracks(tracks, resampling)
    return metrics | efficiency_metrics(tracks, resampling)


def wasserstein(tracks: Tracks, seed: int) -> dict[str, float]:
    """Measures only W1 of every species and component, without uncertainty.

    Args:
        tracks: Generated and reference tracks.
        seed: Seed of the splits, which are those of `everything` with this seed.

    Returns:
        For every species and component the value of the metric `wasserstein_<both>`.
    """
    resampling = PairResampling(tracks.weight, tracks.group, seed, replicates=0)
    prefix = "wasserstein_"
    return {
        name.removeprefix(prefix): metric.value
        for name, metric in shape_distances(tracks, resampling).items()
        if name.startswith(prefix)
    }


def _of_all_tracks(tracks: Tracks, resampling: PairResampling) -> dict[str, Metric]:
    metrics = shape_distances(tracks, resampling) | correlations(tracks, resampling)
    return metrics | overall(auc_bins(tracks, resampling, None))


def _notes(tracks: Tracks, phi: PhiSelection | None) -> list[str]:
    notes = []
    if tracks.sparse:
        notes.append(
            f"Not measured, fewer than {FEWEST_EFFECTIVE:g} effective tracks: "
            f"{', '.join(tracks.sparse)}."
        )
    if not tracks.hypotheses:
        notes.append(
            f"Not measured: AUCs and efficiencies need {PION}s and another species."
        )
    elif phi is None and KAON in tracks.hypotheses:
        notes.append(
            f"Not measured: the selection of phi -> K+ K-, whose kaons are where too "
            f"few {KAON}s or {PION}s are."
        )
    return notes
