"""Physics observables, distances between samples, reports and callbacks."""
