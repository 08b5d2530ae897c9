"""Events in files: readers and writers of every layout, and their checks.

It imports detectors.
"""
