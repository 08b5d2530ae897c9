"""The ground floor: starting and refusing commands, whole files, rounding.

It imports nothing of ours.
"""
