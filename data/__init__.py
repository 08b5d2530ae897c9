"""Detectors, files, transforms, batches and simulations.

On the ground lies `events`, what a file holds; the packages import it, `common` and
each other from left to right: samples, simulation and calibration, batches, files,
transforms, detectors.
"""
