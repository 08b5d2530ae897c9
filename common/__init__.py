"""The ground floor: starting and refusing commands, messages, whole files, rounding.

It imports nothing of ours.
"""
