"""Detectors, files, transforms, batches, simulations and productions.

On the ground lies `events`, what a file holds; the packages import it, `common` and
each other from left to right: production, samples, simulation and calibration, batches,
files, transforms, detectors.
"""
