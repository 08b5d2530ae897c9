"""How a training on several workers scales, and a projection to more of them."""
