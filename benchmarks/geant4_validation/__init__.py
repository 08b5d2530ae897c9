"""Validates the simulations of Geant4; the command is `__main__`.

`beams` simulates showers of fixed energies and keeps them, `measures` makes numbers of
them, `panels` draws them.
"""
