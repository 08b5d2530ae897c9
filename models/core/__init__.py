"""Parts that every zoo entry is composed of."""
