"""Classifier two-sample tests: can generated showers be told from the reference?

And what else the CaloChallenge measures of the features that its classifiers see.

It imports what a comparison is (`pairs`, `shower_results`) and never `measure`.
"""
