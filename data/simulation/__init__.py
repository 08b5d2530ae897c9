"""Reference simulations: Geant4, a toy of a RICH, and the weights of sPlot.

It imports detectors.
"""
