"""Productions: millions of responses in shards, resumed and joined; from `files` up.

What simulates comes from above, as a function: nothing here knows of networks.
"""
