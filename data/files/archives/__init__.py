"""NumPy archives: `array_archives` reads arrays, `npz_layouts` knows what they are.

Archives come from strangers, and are read as data only.
"""
