"""Detectors, files, transforms and input pipelines."""
