"""Measurements of generated responses, and the reports of them.

The packages import `data` and each other from left to right: evaluation, report,
showers and pid, observables, statistics.
"""
