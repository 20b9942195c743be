"""The largest weight that bounded states allow, and the width it takes."""


def most_weight(n_key: int, d_key: int, scaled: bool) -> float:
    """Largest weight that one of n_key keys can get."""
    ### BEGIN SOLUTION
    import math

    reach = math.sqrt(d_key) if scaled else d_key
    others = (n_key - 1) * math.exp(-2 * reach)
    return 1 / (1 + others)
    ### END SOLUTION


def width_needed(n_key: int, share: float, scaled: bool) -> int:
    """Smallest width at which one key can get this share."""
    ### BEGIN SOLUTION
    import math

    if n_key == 1:
        return 1
    odds = math.log(share) - math.log1p(-share)
    half = max(0.0, math.log(n_key - 1) + odds) / 2
    width = half**2 if scaled else half
    return max(1, math.ceil(width))
    ### END SOLUTION
