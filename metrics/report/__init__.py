"""The reports: pages, texts and metrics.json. It draws and measures nothing anew.

It imports what has been measured: showers, pid.
"""
