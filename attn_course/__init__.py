"""Attention mechanisms, each twice: a NumPy reference and a PyTorch twin."""

__version__ = "0.1.0"
