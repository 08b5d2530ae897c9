"""Public HDF5 files of showers: CaloGAN, the CaloChallenge with its binning, Par04.

`shower_layouts` finds the layout of a file, `data.files.event_files` opens it, and
`data.production` writes it from any other.
"""
