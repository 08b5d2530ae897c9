"""Geant4 that hands electrons over to a model in front of the calorimeter."""
