"""Showers simulated with Geant4, each geometry in a process of its own.

`volumes`, `event_loop` and the geometries, whose names end in `_stack` or `_block`,
need Geant4 and run in the child; all others only start it: `setups` knows the
detectors, `primaries` the particles, `geant4_showers` simulates some events, `pieces`
many.
"""
