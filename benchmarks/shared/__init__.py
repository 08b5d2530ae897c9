"""The common parts of the benchmarks: starting, timing, counting, comparing."""
