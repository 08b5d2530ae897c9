"""The feed of a training: the order of the events, batches, augmentation.

It imports files, transforms and detectors.
"""
