"""What the two forms of Gaussian attention cost, counted product by product."""

from fractions import Fraction


def product(rows: int, inner: int, columns: int) -> int:
    """Multiplications of one dense product."""
    return sum(inner for _ in range(rows)) * columns


def vector_cost(height: int, width: int, cost: float) -> float:
    """A map of rank one, the map into the image, then the layer."""
    forming = product(height, 1, width)
    return forming + forming + cost * forming


def matrix_cost(height: int, width: int, h: int, w: int, cost: float) -> float:
    """Both products from left to right, then the layer."""
    return product(h, height, width) + product(h, width, w) + cost * h * w


def threshold(height: int, width: int, h: int, w: int) -> float:
    """Two straight lines, each known at 0 and at 1, cross here."""
    gap = [
        vector_cost(height, width, cost) - matrix_cost(height, width, h, w, cost) for cost in (0, 1)
    ]
    return float(Fraction(gap[0], gap[0] - gap[1]))
