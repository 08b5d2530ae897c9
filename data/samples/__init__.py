"""The samples that come with the repository, and what makes them from Geant4's.

It imports files and simulation.
"""
