"""A toy of two ring-imaging Cherenkov detectors, and calibration samples of it."""
