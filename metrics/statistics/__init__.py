"""Distances, curves, weights, uncertainties and floors: nothing of any detector.

It imports only `common`.
"""
