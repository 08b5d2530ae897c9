"""Showers simulated with Geant4, each geometry in a process of its own."""
