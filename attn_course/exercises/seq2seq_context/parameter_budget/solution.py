"""Counts of parameters, of numbers carried, and of messages."""


def n_parameter(
    n_source_token: int,
    n_target_token: int,
    width: int,
    n_reader: int,
    attention: bool,
) -> int:
    """Number of parameters of a translator."""
    ### BEGIN SOLUTION
    w, a = width, n_reader * width
    embedding = (n_source_token + n_target_token) * w
    reading = n_reader * (3 * w * (w + w) + 2 * 3 * w)
    writing = a * w + w + 3 * w * (w + a + w) + 2 * 3 * w
    readout = (w + w + a + 1) * n_target_token
    aligning = w * (w + a + 1) if attention else 0
    return embedding + reading + writing + readout + aligning
    ### END SOLUTION


def fair_width(
    n_source_token: int, n_target_token: int, width: int, n_reader: int
) -> int:
    """Width at which a fixed context has as many parameters as attention."""
    ### BEGIN SOLUTION
    aim = n_parameter(n_source_token, n_target_token, width, n_reader, True)

    def off(other: int) -> int:
        sizes = n_source_token, n_target_token, other, n_reader
        return abs(n_parameter(*sizes, False) - aim)

    return min(range(1, 2 * width + 2), key=off)
    ### END SOLUTION


def carried(n_source: int, width: int, n_reader: int) -> tuple[int, int]:
    """Numbers that the decoder may read, with a fixed context and without."""
    ### BEGIN SOLUTION
    fixed = n_reader * width
    return fixed, n_source * fixed
    ### END SOLUTION


def least_width(n_message: int, n_level: int) -> int:
    """Fewest units that can tell the messages apart."""
    ### BEGIN SOLUTION
    units, patterns = 0, 1
    while patterns < n_message:
        units, patterns = units + 1, patterns * n_level
    return units
    ### END SOLUTION
