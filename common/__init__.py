"""The ground floor: start and refusal of commands, messages, files, locks, rounding.

It imports nothing of ours.
"""
