"""A training on several devices or machines: who takes part, and how they step.

It imports nothing else of `models.training`.
"""
