"""Adversarial objectives, penalties and constraints: pure functions of tensors."""
