"""Conditional GANs: the training step, objectives, constrainers and tasks.

It imports likelihood, networks, layers, training and `losses`.
"""
