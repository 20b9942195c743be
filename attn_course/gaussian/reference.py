"""Gaussian attention in NumPy, one image at a time.

Conventions of the whole room: lengths and positions are in pixels, pixel centres lie at 0, 1, 2, …,
points and pairs of parameters are in the order (x, y), sizes in the order (height, width).
"""

from collections.abc import Mapping

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Float, Number
from attn_course.preliminaries.reference import dense, gru_cell

RULES = ("exact", "source")
EPSILON = 1e-8


def gaussian_vector(mean: Number, std: Number, n_pixel: int) -> Float[Array, " n_pixel"]:
    r"""One bell curve along an axis: :math:`a_p = \exp(-(p - \mu)^2 / 2\sigma^2)`.

    Parameters
    ----------
    mean : float
        Centre :math:`\mu` of the curve, in pixels; it may lie between pixels or off the axis.
    std : float
        Standard deviation :math:`\sigma`, in pixels.
    n_pixel : int
        Length of the axis.

    Returns
    -------
    vector : (n_pixel,)
        Values between 0 and 1; 1 where a pixel lies at the mean.

    Raises
    ------
    ValueError
        If `std` is not positive or the axis is empty.

    References
    ----------
    Kosiorek (2017), section "Gaussian attention".

    Examples
    --------
    >>> gaussian_vector(1, 1, 4).round(3)
    array([0.607, 1.   , 0.607, 0.135])
    """
    _check.positive("std", std)
    _check.at_least("n_pixel", n_pixel, 1)
    with np.errstate(over="ignore"):  # a very narrow bell: exp(-inf) is the right zero
        return np.exp(-(((np.arange(n_pixel) - mean) / std) ** 2) / 2)


def attention_map(
    row: Float[Array, " width"], column: Float[Array, " height"]
) -> Float[Array, "height width"]:
    r"""Mask of a whole image, the vector form: :math:`a = a_y a_x^\top`.

    Parameters
    ----------
    row : (width,)
        :math:`a_x`, one value per column of the image.
    column : (height,)
        :math:`a_y`, one value per row of the image.

    Returns
    -------
    map : (height, width)
        The outer product, to be multiplied into the image pixel by pixel.

    References
    ----------
    Kosiorek (2017), section "Gaussian attention".

    Examples
    --------
    >>> attention_map(np.array([0.0, 1.0, 0.5]), np.array([1.0, 0.2]))
    array([[0. , 1. , 0.5],
           [0. , 0.2, 0.1]])
    """
    return column[:, None] * row[None, :]


def filterbank(
    mean: Number, std: Number, stride: Number, n_filter: int, n_pixel: int, rule: str = "exact"
) -> Float[Array, "n_filter n_pixel"]:
    r"""Gaussian filters along one axis, a row for each, the matrix form.

    :math:`A_{ip} = \exp(-(p - \mu - i\delta)^2 / 2\sigma^2) / Z_i` with :math:`i` from 0.

    Parameters
    ----------
    mean : float
        Centre :math:`\mu` of the *first* Gaussian, in pixels.
    std : float
        Standard deviation :math:`\sigma` of every Gaussian, in pixels.
    stride : float
        Distance :math:`\delta` between neighbouring centres, in pixels. A negative stride mirrors.
    n_filter : int
        Number of Gaussians: pixels of the glimpse along this axis.
    n_pixel : int
        Pixels of the image along this axis.
    rule : "exact" or "source"
        How rows are normalised over the image axis. "exact" divides by the sum, computed as a
        softmax: every row sums to one, and far off the image it becomes the border pixel. "source"
        divides by the sum plus 1e-8: a row whose Gaussian misses every pixel fades to zero.

    Returns
    -------
    filterbank : (n_filter, n_pixel)

    Raises
    ------
    ValueError
        If `std` is not positive, a count is below one, or the rule is unknown.

    References
    ----------
    Kosiorek (2017), `gaussian_mask`; Gregor et al. (2015), equations 25 and 26.

    Examples
    --------
    >>> filterbank(mean=0, std=0.5, stride=2, n_filter=2, n_pixel=3).round(3)
    array([[0.881, 0.119, 0.   ],
           [0.   , 0.119, 0.881]])
    """
    _check.positive("std", std)
    _check.at_least("n_filter", n_filter, 1)
    _check.at_least("n_pixel", n_pixel, 1)
    _check.one_of("rule", rule, RULES)
    bank = np.empty((n_filter, n_pixel))
    for i in range(n_filter):
        distance = np.abs(np.arange(n_pixel) - (mean + i * stride))
        nearest = distance.min() if rule == "exact" else 0.0
        # The difference of two squares, factored: safe however far away or narrow the Gaussian is.
        with np.errstate(over="ignore"):
            bell = np.exp(-(distance - nearest) / std * (distance + nearest) / std / 2)
        bank[i] = bell / (bell.sum() + (EPSILON if rule == "source" else 0.0))
    return bank


def gaussian_glimpse(
    image: Float[Array, "channel height width"],
    mean: Float[Array, " 2"],
    std: Float[Array, " 2"],
    stride: Float[Array, " 2"],
    size: tuple[int, int],
    rule: str = "exact",
) -> Float[Array, "channel h w"]:
    r"""Glimpse of an image through a grid of Gaussians: :math:`g = A_y I A_x^\top`.

    Parameters
    ----------
    image : (channel, height, width)
        The image I; each channel is read alike.
    mean : (2,)
        Centre (x, y) of the first Gaussian along each axis, in pixels.
    std : (2,)
        Standard deviations (x, y), in pixels.
    stride : (2,)
        Distances (x, y) between neighbouring centres, in pixels.
    size : (h, w)
        Size of the glimpse.
    rule : "exact" or "source"
        See `filterbank`.

    Returns
    -------
    glimpse : (channel, h, w)

    Raises
    ------
    ValueError
        If an argument has the wrong shape, a std is not positive or the rule is unknown.

    References
    ----------
    Kosiorek (2017), `gaussian_glimpse`; Gregor et al. (2015), equation 27.

    Examples
    --------
    >>> image = np.eye(4)[None]
    >>> gaussian_glimpse(image, np.ones(2), np.full(2, 0.1), np.ones(2), (2, 2)).round(6)
    array([[[1., 0.],
            [0., 1.]]])
    """
    _check.shape("image", image.shape, (None, None, None), "an image is (channel, height, width)")
    filter_y, filter_x = _filterbanks(mean, std, stride, size, image.shape[1:], rule)
    return np.stack([filter_y @ channel @ filter_x.T for channel in image])


def gaussian_write(
    patch: Float[Array, "channel h w"],
    mean: Float[Array, " 2"],
    std: Float[Array, " 2"],
    stride: Float[Array, " 2"],
    size: tuple[int, int],
    rule: str = "exact",
) -> Float[Array, "channel height width"]:
    r"""Paint a patch onto an empty canvas, the transpose of reading: :math:`A_y^\top w A_x`.

    Parameters
    ----------
    patch : (channel, h, w)
        What to paint.
    mean, std, stride : (2,)
        The grid, as in `gaussian_glimpse`.
    size : (height, width)
        Size of the canvas.
    rule : "exact" or "source"
        See `filterbank`.

    Returns
    -------
    canvas : (channel, height, width)
        Under the rule "exact" the canvas holds as much in all as the patch.

    Raises
    ------
    ValueError
        If an argument has the wrong shape, a std is not positive or the rule is unknown.

    References
    ----------
    Gregor et al. (2015), equation 29.

    Examples
    --------
    >>> patch = np.ones((1, 1, 1))
    >>> gaussian_write(patch, np.ones(2), np.full(2, 0.1), np.ones(2), (2, 3)).round(6)
    array([[[0., 0., 0.],
            [0., 1., 0.]]])
    """
    _check.shape("patch", patch.shape, (None, None, None), "a patch is (channel, h, w)")
    filter_y, filter_x = _filterbanks(mean, std, stride, patch.shape[1:], size, rule)
    return np.stack([filter_y.T @ channel @ filter_x for channel in patch])


def first_to_centre(
    mean: Float[Array, " 2"], stride: Float[Array, " 2"], n_filter: int
) -> Float[Array, " 2"]:
    r"""Centre of the grid from its first Gaussian: :math:`g = \mu + \delta (N - 1) / 2`.

    Parameters
    ----------
    mean, stride : (2,)
        First mean and stride, (x, y) in pixels.
    n_filter : int
        Number of Gaussians N along either axis.

    Returns
    -------
    centre : (2,)
        (x, y) in pixels.

    Raises
    ------
    ValueError
        If there is no filter.

    Examples
    --------
    >>> first_to_centre(np.array([2.0, 0.0]), np.array([1.0, 3.0]), 5)
    array([4., 6.])
    """
    _check.at_least("n_filter", n_filter, 1)
    return mean + stride * (n_filter - 1) / 2


def centre_to_first(
    centre: Float[Array, " 2"], stride: Float[Array, " 2"], n_filter: int
) -> Float[Array, " 2"]:
    r"""Mean of the first Gaussian from the grid's centre: :math:`\mu = g - \delta (N - 1) / 2`.

    Parameters
    ----------
    centre, stride : (2,)
        Centre of the grid and stride, (x, y) in pixels.
    n_filter : int
        Number of Gaussians N along either axis.

    Returns
    -------
    mean : (2,)
        (x, y) in pixels.

    Raises
    ------
    ValueError
        If there is no filter.

    References
    ----------
    Gregor et al. (2015), equations 19 and 20, at the first filter.

    Examples
    --------
    >>> centre_to_first(np.array([4.0, 6.0]), np.array([1.0, 3.0]), 5)
    array([2., 0.])
    """
    _check.at_least("n_filter", n_filter, 1)
    return centre - stride * (n_filter - 1) / 2


def draw_window(
    raw: Float[Array, " 5"], size: tuple[int, int], n_filter: int
) -> tuple[Float[Array, " 2"], Float[Array, " 2"], Float[Array, " 2"], float]:
    r"""DRAW's window from five unbounded numbers.

    They are :math:`(\tilde g_x, \tilde g_y, \log\sigma^2, \log\tilde\delta, \log\gamma)`, and
    :math:`g_x = \frac{W + 1}{2}(\tilde g_x + 1) - 1`, :math:`g_y` likewise with H, and
    :math:`\delta = \frac{\max(H, W) - 1}{N - 1}\tilde\delta`.

    Parameters
    ----------
    raw : (5,)
        The five numbers, as a dense layer gives them; all zero means a grid over the whole image.
    size : (height, width)
        Size H × W of the image.
    n_filter : int
        Number of Gaussians N along either axis.

    Returns
    -------
    mean : (2,)
        Centre (x, y) of the *first* Gaussian, in pixels.
    std, stride : (2,)
        In pixels, the same number for both axes.
    intensity : float
        The factor :math:`\gamma`.

    Raises
    ------
    ValueError
        If `raw` is not five numbers or there are fewer than two filters.

    Conventions
    -----------
    The paper counts pixels from one; here they count from zero, hence the last -1 in the centre.

    References
    ----------
    Gregor et al. (2015), equations 19 to 24.

    Examples
    --------
    >>> mean, std, stride, intensity = draw_window(np.zeros(5), (9, 9), 3)
    >>> print(mean, std, stride, intensity)
    [0. 0.] [1. 1.] [4. 4.] 1.0
    """
    _check.shape("raw", raw.shape, (5,))
    _check.at_least("n_filter", n_filter, 2, "with one Gaussian the stride means nothing")
    height, width = size
    centre = (np.array([width, height]) + 1) / 2 * (raw[:2] + 1) - 1
    stride = np.full(2, (max(size) - 1) / (n_filter - 1) * np.exp(raw[3]))
    std = np.full(2, np.exp(raw[2] / 2))
    return centre_to_first(centre, stride, n_filter), std, stride, float(np.exp(raw[4]))


def draw_read(
    image: Float[Array, "channel height width"], raw: Float[Array, " 5"], n_filter: int
) -> Float[Array, "channel n_filter n_filter"]:
    r"""DRAW's read: :math:`\gamma\, A_y I A_x^\top` with an N × N grid.

    Parameters
    ----------
    image : (channel, height, width)
        The image I.
    raw : (5,)
        The window, as in `draw_window`.
    n_filter : int
        Number of Gaussians N along either axis.

    Returns
    -------
    patch : (channel, n_filter, n_filter)

    Raises
    ------
    ValueError
        As `draw_window` and `gaussian_glimpse`.

    References
    ----------
    Gregor et al. (2015), equation 27, for one of its two images.

    Examples
    --------
    >>> image = np.arange(9.0).reshape(1, 3, 3)
    >>> raw = np.array([0.0, 0.0, -9.0, 0.0, np.log(2.0)])  # narrow, whole image, doubled
    >>> draw_read(image, raw, 3).round(6)
    array([[[ 0.,  2.,  4.],
            [ 6.,  8., 10.],
            [12., 14., 16.]]])
    """
    _check.shape("image", image.shape, (None, None, None), "an image is (channel, height, width)")
    mean, std, stride, intensity = draw_window(raw, image.shape[1:], n_filter)
    return intensity * gaussian_glimpse(image, mean, std, stride, (n_filter, n_filter))


def draw_write(
    patch: Float[Array, "channel n_filter n_filter"], raw: Float[Array, " 5"], size: tuple[int, int]
) -> Float[Array, "channel height width"]:
    r"""DRAW's write: :math:`\frac{1}{\gamma} A_y^\top w A_x`.

    Parameters
    ----------
    patch : (channel, n_filter, n_filter)
        What to paint, w.
    raw : (5,)
        The window, as in `draw_window`.
    size : (height, width)
        Size of the canvas.

    Returns
    -------
    canvas : (channel, height, width)

    Raises
    ------
    ValueError
        If the patch is not square, and as `draw_window`.

    References
    ----------
    Gregor et al. (2015), equation 29.

    Examples
    --------
    >>> raw = np.array([0.0, 0.0, -9.0, 0.0, np.log(2.0)])
    >>> draw_write(np.full((1, 2, 2), 6.0), raw, (3, 3)).round(6)  # halved, into the corners
    array([[[3., 0., 3.],
            [0., 0., 0.],
            [3., 0., 3.]]])
    """
    _check.shape("patch", patch.shape, (None, patch.shape[-1], patch.shape[-1]))
    mean, std, stride, intensity = draw_window(raw, size, patch.shape[-1])
    return gaussian_write(patch, mean, std, stride, size) / intensity


def glimpse_reader(
    image: Float[Array, "channel height width"],
    params: Mapping[str, Array],
    n_step: int,
    n_filter: int,
    frozen: bool = False,
) -> tuple[Float[Array, " n_class"], Float[Array, "n_step 5"]]:
    """Recurrent reader: look, remember, decide where to look next; answer after the last glimpse.

    Parameters
    ----------
    image : (channel, height, width)
        What to read.
    params : mapping
        The arrays of `modules.GlimpseReader`: `window.w`, `window.b`, `read.w`, `read.b`,
        `core.w_input`, `core.w_hidden`, `core.b_input`, `core.b_hidden`, `answer.w`, `answer.b`.
    n_step : int
        Number of glimpses.
    n_filter : int
        Number of Gaussians along either axis.
    frozen : bool
        If true every glimpse looks where the first one does.

    Returns
    -------
    score : (n_class,)
        Scores of the classes, before softmax.
    raw : (n_step, 5)
        The windows, as `draw_window` takes them.

    Raises
    ------
    ValueError
        If there is no step, and as `draw_read`.
    """
    _check.at_least("n_step", n_step, 1)
    hidden = np.zeros(params["core.w_hidden"].shape[1])
    raws = []
    for _ in range(n_step):
        seen = np.zeros_like(hidden) if frozen else hidden
        raw = dense(seen, params["window.w"], params["window.b"])
        patch = draw_read(image, raw, n_filter)
        feature = np.concatenate([patch.ravel(), raw])
        feature = np.maximum(dense(feature, params["read.w"], params["read.b"]), 0)
        core = (params[f"core.{name}"] for name in ("w_input", "w_hidden", "b_input", "b_hidden"))
        hidden = gru_cell(feature, hidden, *core)
        raws.append(raw)
    return dense(hidden, params["answer.w"], params["answer.b"]), np.stack(raws)


def _filterbanks(
    mean: Array, std: Array, stride: Array, n_filter: tuple, n_pixel: tuple, rule: str
) -> tuple[Array, Array]:
    for name, pair in (("mean", mean), ("std", std), ("stride", stride)):
        _check.shape(name, pair.shape, (2,), "a pair is (x, y)")
    (h, w), (height, width) = n_filter, n_pixel
    filter_y = filterbank(mean[1], std[1], stride[1], h, height, rule)
    filter_x = filterbank(mean[0], std[0], stride[0], w, width, rule)
    return filter_y, filter_x
