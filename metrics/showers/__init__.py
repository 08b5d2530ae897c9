"""Measurements that compare generated showers with reference showers.

It imports observables and statistics; `measure` calls all the others.
"""
