"""Models that are trained by likelihood alone.

It imports networks, layers, training and `losses`.
"""
