"""Chapter 1: soft and hard masks, gradients of hard choices, a model that looks around."""
