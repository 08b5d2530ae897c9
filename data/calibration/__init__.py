"""Tables of particle identification as the experiments keep them, see docs/formats.md.

`reading.CalibrationTable` reads one of them in pieces, `conversion.convert` turns some
into a canonical file.
"""
