"""Measurements that compare generated tracks with reference tracks.

It imports statistics and observables.
"""
