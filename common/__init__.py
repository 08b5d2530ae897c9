"""The ground floor: starting and refusing commands, whole files, locks, rounding.

It imports nothing of ours.
"""
