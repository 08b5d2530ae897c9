"""Generators, critics and their blocks. It imports layers."""
