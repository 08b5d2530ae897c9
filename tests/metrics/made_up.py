"""Reports without a measurement, to test what is written and drawn."""

import numpy as np

from metrics.showers.cell_correlations import measure_cell_correlations
from metrics.showers.conditioning import SliceSeries
from metrics.showers.nearest_neighbours import nearest_training_showers
from metrics.showers.response_by_energy import EnergyBinResult
from metrics.showers.shower_pairs import Comparison
from metrics.showers.shower_results import Report
from metrics.showers.slices import Slices
from metrics.statistics.curves import Curve
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Metric, Resampling
from tests.metrics import small

FACTS = {
    "model": "made_up/test",
    "reference_name": "Geant4",
    "seed": 0,
    "classifier_showers_per_class": 18000,
    "classifier_showers_per_class_half": 9000,
    "classifier_two_trainings": [0.8125, 0.8],
}


def comparison(spec, events=120, condition=None):
    """Compares noisy blobs with others of equal conditions."""
    condition = small.conditions(events) if condition is None else condition
    random = np.random.default_rng(1)
    pair = []
    for seed in (2, 3):
        response = small.showers(spec, condition, seed)
        pair.append(response * (random.random(response.shape) < 0.5))
    return Comparison(spec, "mask", condition, *pair)


def report(showers, **fields):
    """Makes a report of a comparison with numbers that mean nothing."""
    one = Metric(1.02, 0.01, 1.0, 0.01, 2.0)
    energy_bins = [
        EnergyBinResult(energy_bin, 7.0, 7.1, 0.1, 0.11, one, one)
        for energy_bin in showers.energy_bins
    ]
    metrics = {
        f"wasserstein_{observable.name}": Metric(0.1, 0.01, 0.05, 0.01, 4.0)
        for observable in showers.observables
    }
    metrics |= fields.pop("metrics", {})
    return Report(
        showers, FACTS, metrics, energy_bins, fields.pop("untrained", {}), **fields
    )


def full_report(showers):
    """Makes a report with everything that a page can show."""
    auc = Metric(0.8, 0.01, 0.9, 0.01, 10.0)
    names = ("prd_auc_raw", "prd_auc_physics", "classifier_auc", "classifier_auc_cells")
    resampling = Resampling(strata(showers.energy), seed=1, replicates=3)
    training = small.showers(showers.spec, showers.condition, seed=4)
    return report(
        showers,
        metrics=dict.fromkeys(names, auc),
        prd={"raw": curve(), "physics": curve()},
        cell_correlations=measure_cell_correlations(showers, resampling, seed=1),
        roc={"classifier_auc": curve(), "classifier_auc_cells": curve()},
        series=[
            series(kind, name)
            for kind in ("incident_energy", "slant")
            for name in ("energy_moments", "impact_x_moments", "energy_regressor")
        ],
        neighbours=nearest_training_showers(showers, training, seed=1),
        notes=["Too few showers."],
        untrained=dict.fromkeys((one.name for one in showers.observables), 3.0),
    )


def curve():
    """Makes a curve and a floor that differ."""
    x = np.linspace(0.0, 1.0, 5)
    return Curve(x, 1.0 - x**2, x, 1.0 - x**4)


def series(kind, name, mean=5.0):
    """Makes points in four slices."""
    centres = np.array([10.0, 20.0, 40.0, 80.0])
    unit = "GeV" if kind == "incident_energy" else ""
    slices = Slices(kind, kind.replace("_", " "), unit, centres, np.zeros(1, np.intp))
    ones = np.ones(4)
    return SliceSeries(
        name=name,
        label=name.replace("_", " "),
        unit="cm",
        slices=slices,
        reference_mean=mean * ones,
        reference_mean_error=0.1 * ones,
        generated_mean=(mean + 0.2) * ones,
        generated_mean_error=0.2 * ones,
        reference_width=ones,
        reference_width_error=0.1 * ones,
        generated_width=1.1 * ones,
        generated_width_error=0.1 * ones,
    )


def ecal_conditions(events):
    """Conditions inside the ECAL's domain, float32 [events, 5]."""
    random = np.random.default_rng(3)
    slopes = random.normal(0.0, 0.3, (events, 2))
    momentum = np.column_stack([slopes, np.ones(events)])
    momentum *= random.uniform(1.0, 50.0, (events, 1))
    point = random.uniform(-0.5, 0.5, (events, 2))
    return np.concatenate([momentum, point], axis=1).astype(np.float32)
