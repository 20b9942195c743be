"""Chapter 3: spatial transformers, from a grid of points to a reader that straightens its input."""
