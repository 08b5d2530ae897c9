"""Keras layers. It imports `losses` and `data`."""
