"""The numbers that describe one shower, by detector.

It imports statistics.
"""
