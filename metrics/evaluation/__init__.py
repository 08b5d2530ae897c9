"""An evaluation from file to report: the reference, the generator, the kind of events.

It imports all of `metrics`.
"""
