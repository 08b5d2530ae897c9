"""A training from settings to SavedModel, whatever the model: no GAN is known here.

It imports networks, `metrics` and `data`.
"""
