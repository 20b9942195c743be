"""What the two forms of Gaussian attention cost, in multiplications."""


def vector_cost(height: int, width: int, cost: float) -> float:
    """Multiplications of the vector form and of the layer after it."""
    ### BEGIN SOLUTION
    formed = 2 * height * width  # the map, and the map times the image
    return formed + cost * height * width
    ### END SOLUTION


def matrix_cost(height: int, width: int, h: int, w: int, cost: float) -> float:
    """Multiplications of the matrix form, A_y I first, and the layer after."""
    ### BEGIN SOLUTION
    first = h * height * width  # (h, height) times (height, width)
    second = h * width * w  # (h, width) times (width, w)
    return first + second + cost * h * w
    ### END SOLUTION


def threshold(height: int, width: int, h: int, w: int) -> float:
    """Cost per number handed on at which the two forms cost the same."""
    ### BEGIN SOLUTION
    dearer = h * width * (height + w) - 2 * height * width
    fewer = height * width - h * w
    return dearer / fewer
    ### END SOLUTION
