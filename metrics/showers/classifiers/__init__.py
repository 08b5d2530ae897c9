"""Classifier two-sample tests: can generated showers be told from the reference?

It imports what a comparison is (`pairs`, `shower_results`) and never `measure`.
"""
