"""Generators, critics, their blocks, and what replicas share. It imports layers."""
