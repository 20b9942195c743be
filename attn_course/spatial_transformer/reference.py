r"""Spatial transformers in NumPy, one image at a time.

Conventions of the whole room: an image is (channel, height, width), its rows count from the top
and y points down. A grid is (h, w, 2): for each pixel of what comes out, the point (x, y) of the
image that it reads, in normalised coordinates. Sizes are in the order (height, width).

With `align_corners` the coordinates -1 and 1 are the centres of the outermost pixels of an axis,
without it (the default) their outer edges. Under padding "zeros" the image is black outside: a
pixel that does not exist weighs nothing, and the output fades over the last pixel. Under "border"
a position is first clipped to the centres of the outermost pixels.
"""

import math
from collections.abc import Mapping

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Float, Number
from attn_course.preliminaries.reference import dense

PADDINGS = ("zeros", "border")
KINDS = ("crop", "affine", "projective", "spline")
NEAREST = 1e-6  # the least depth by which a projective map divides


def pixel_position(
    coordinate: Float[Array, "..."], n_pixel: int, align_corners: bool = False
) -> Float[Array, "..."]:
    r"""Where normalised coordinates lie in pixels: :math:`x = ((u + 1) n - 1) / 2`.

    With `align_corners` it is :math:`x = (u + 1)(n - 1) / 2`.

    Parameters
    ----------
    coordinate : (...)
        Coordinates u along one axis, normalised: from -1 to 1 across the image.
    n_pixel : int
        Length n of the axis.
    align_corners : bool
        If true -1 and 1 are the centres of the first and the last pixel, else their outer edges.

    Returns
    -------
    pixel : (...)
        Positions x in pixels; pixel centres lie at 0, 1, 2, …

    Raises
    ------
    ValueError
        If the axis is empty.

    Conventions
    -----------
    With `align_corners`, every coordinate along an axis of one pixel reads that pixel.

    References
    ----------
    Jaderberg et al. (2015), the normalised coordinates of equation 1.

    Examples
    --------
    >>> pixel_position(np.array([-1.0, 0.5]), 4), pixel_position(np.array([-1.0, 0.5]), 4, True)
    (array([-0.5,  2.5]), array([0.  , 2.25]))
    """
    _check.at_least("n_pixel", n_pixel, 1)
    if align_corners:
        return np.asarray((coordinate + 1) * (n_pixel - 1) / 2)
    return np.asarray(((coordinate + 1) * n_pixel - 1) / 2)


def normalised_position(
    pixel: Float[Array, "..."], n_pixel: int, align_corners: bool = False
) -> Float[Array, "..."]:
    r"""Normalised coordinates of positions in pixels: :math:`u = (2 x + 1) / n - 1`.

    With `align_corners` it is :math:`u = 2 x / (n - 1) - 1`, and 0 along an axis of one pixel.

    Parameters
    ----------
    pixel : (...)
        Positions x along one axis, in pixels.
    n_pixel, align_corners : as in `pixel_position`, of which this is the inverse.

    Returns
    -------
    coordinate : (...)
        Coordinates u, normalised.

    Raises
    ------
    ValueError
        If the axis is empty.

    References
    ----------
    Jaderberg et al. (2015), the normalised coordinates of equation 1.

    Examples
    --------
    >>> normalised_position(np.array([0.0, 3.0]), 4), normalised_position(np.array([3.0]), 4, True)
    (array([-0.75,  0.75]), array([1.]))
    """
    _check.at_least("n_pixel", n_pixel, 1)
    if not align_corners:
        return np.asarray((2 * pixel + 1) / n_pixel - 1)
    return np.asarray(2 * pixel / (n_pixel - 1) - 1) if n_pixel > 1 else np.zeros_like(pixel)


def output_grid(
    size: tuple[int, int], align_corners: bool = False, n_sample: int = 1
) -> Float[Array, "rows columns 2"]:
    """Regular grid: where the pixels of the output lie in the output's own coordinates.

    Parameters
    ----------
    size : (h, w)
        Size of the output, in pixels.
    align_corners : bool
        What -1 and 1 mean, as in `pixel_position`.
    n_sample : int
        Every pixel is cut into `n_sample` x `n_sample` equal cells, and the points are the centres
        of the cells: in pixels (k + 1/2) / n_sample - 1/2 with k = 0, 1, 2, …

    Returns
    -------
    grid : (rows, columns, 2)
        Points (x, y), normalised; rows = h n_sample, columns = w n_sample.

    Raises
    ------
    ValueError
        If the output is empty or `n_sample` is below one.

    Conventions
    -----------
    With `align_corners` and several samples the outermost points lie beyond -1 and 1, by less than
    half a pixel.

    References
    ----------
    Jaderberg et al. (2015), the target coordinates of equation 1.

    Examples
    --------
    >>> output_grid((1, 2))
    array([[[-0.5,  0. ],
            [ 0.5,  0. ]]])
    >>> output_grid((1, 2), n_sample=2)[0, :, 0]
    array([-0.75, -0.25,  0.25,  0.75])
    """
    _check.at_least("size", min(size), 1)
    _check.at_least("n_sample", n_sample, 1)
    y, x = (
        normalised_position((np.arange(n * n_sample) + 0.5) / n_sample - 0.5, n, align_corners)
        for n in size
    )
    return np.stack(np.meshgrid(x, y), axis=-1)


def affine_matrix(
    angle: Number, scale: Float[Array, " 2"], shear: Number, shift: Float[Array, " 2"]
) -> Float[Array, "2 3"]:
    r"""Affine map from its parts: :math:`A = [R(\varphi)\, S\, \mathrm{diag}(s) \mid t]`.

    :math:`R` has the rows :math:`(\cos\varphi, -\sin\varphi)` and :math:`(\sin\varphi,
    \cos\varphi)`, :math:`S` the rows :math:`(1, k)` and :math:`(0, 1)`.

    Parameters
    ----------
    angle : float
        Angle :math:`\varphi`, in radians.
    scale : (2,)
        Factors (x, y); above one the grid is larger than the image, which then comes out smaller.
    shear : float
        How far k the grid's x moves per unit of y.
    shift : (2,)
        Centre (x, y) of the grid in the image, normalised.

    Returns
    -------
    theta : (2, 3) as `affine_grid` takes it.

    Raises
    ------
    ValueError
        If `scale` or `shift` is no pair.

    Conventions
    -----------
    Since y points down, a positive angle turns the grid clockwise as it is seen, and so what comes
    out anticlockwise. Angles are those of a square image.

    References
    ----------
    Jaderberg et al. (2015), the matrix of equation 1.

    Examples
    --------
    >>> affine_matrix(np.pi / 2, np.array([2.0, 3.0]), 0.5, np.array([0.1, -0.2])).round(6) + 0
    array([[ 0. , -3. ,  0.1],
           [ 2. ,  1.5, -0.2]])
    """
    _pairs(scale=scale, shift=shift)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotation @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag(scale)
    return np.column_stack([linear, shift])


def crop_matrix(scale: Float[Array, " 2"], shift: Float[Array, " 2"]) -> Float[Array, "2 3"]:
    r"""Affine map of an upright window: :math:`A = [\mathrm{diag}(s) \mid t]`.

    Parameters
    ----------
    scale : (2,)
        Width and height of the window as parts of the image's, in the order (x, y).
    shift : (2,)
        Centre (x, y) of the window, normalised.

    Returns
    -------
    theta : (2, 3) as `affine_grid` takes it.

    Raises
    ------
    ValueError
        If `scale` or `shift` is no pair.

    References
    ----------
    Jaderberg et al. (2015), equation 2, there with one scale for both axes.

    Examples
    --------
    >>> crop_matrix(np.array([0.5, 0.25]), np.array([0.1, -0.2]))
    array([[ 0.5 ,  0.  ,  0.1 ],
           [ 0.  ,  0.25, -0.2 ]])
    """
    _pairs(scale=scale, shift=shift)
    return np.column_stack([np.diag(scale), shift])


def compose(first: Float[Array, "2 3"], second: Float[Array, "2 3"]) -> Float[Array, "2 3"]:
    r"""One affine map for two samplings in a row: :math:`A_1 A_2`, each with a last row (0, 0, 1).

    Parameters
    ----------
    first : (2, 3)
        The map :math:`A_1` by which the image is sampled.
    second : (2, 3)
        The map :math:`A_2` by which the result is sampled.

    Returns
    -------
    theta : (2, 3)

    Raises
    ------
    ValueError
        If a map is not (2, 3).

    Conventions
    -----------
    Grids say where to read, so the map that is used *last* is applied to a point *first*.

    References
    ----------
    Jaderberg et al. (2015), equation 1, twice.

    Examples
    --------
    >>> shrink = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])
    >>> move = np.array([[1.0, 0.0, 0.4], [0.0, 1.0, -0.2]])
    >>> compose(shrink, move)  # a step of 0.4 in a window of half the size
    array([[ 0.5,  0. ,  0.2],
           [ 0. ,  0.5, -0.1]])
    """
    _check.shape("first", first.shape, (2, 3))
    _check.shape("second", second.shape, (2, 3))
    return first @ np.vstack([second, [0.0, 0.0, 1.0]])


def affine_grid(
    theta: Float[Array, "2 3"],
    size: tuple[int, int],
    align_corners: bool = False,
    n_sample: int = 1,
) -> Float[Array, "rows columns 2"]:
    r"""Grid of an affine map: :math:`(x^s, y^s)^\top = A_\theta\,(x^t, y^t, 1)^\top`.

    Parameters
    ----------
    theta : (2, 3)
        The matrix :math:`A_\theta`, from coordinates of the output to those of the image.
    size : (h, w) as in `output_grid`.
    align_corners, n_sample : as in `output_grid`.

    Returns
    -------
    grid : (rows, columns, 2)
        As in `output_grid`, but points of the image.

    Raises
    ------
    ValueError
        If `theta` is not (2, 3), and as `output_grid`.

    References
    ----------
    Jaderberg et al. (2015), equation 1.

    Examples
    --------
    >>> affine_grid(np.array([[0.5, 0.0, 0.1], [0.0, 2.0, -0.2]]), (1, 2))
    array([[[-0.15, -0.2 ],
            [ 0.35, -0.2 ]]])
    """
    _check.shape("theta", theta.shape, (2, 3))
    return _homogeneous(output_grid(size, align_corners, n_sample)) @ theta.T


def projective_grid(
    theta: Float[Array, "3 3"],
    size: tuple[int, int],
    align_corners: bool = False,
    n_sample: int = 1,
) -> Float[Array, "rows columns 2"]:
    r"""Grid of a projective map: :math:`(x / z, y / z)` where :math:`(x, y, z) = H (x^t, y^t, 1)`.

    Parameters
    ----------
    theta : (3, 3)
        The matrix H, from coordinates of the output to those of the image.
    size : (h, w) as in `output_grid`.
    align_corners, n_sample : as in `output_grid`.

    Returns
    -------
    grid : (rows, columns, 2)
        As in `output_grid`, but points of the image.

    Raises
    ------
    ValueError
        If `theta` is not (3, 3), and as `output_grid`.

    Conventions
    -----------
    The depth z is kept at 1e-6 at least: a point behind the horizon reads far off the image, and
    `theta` may be multiplied by a positive number only.

    References
    ----------
    Jaderberg et al. (2015), the projective transformer of their Table 1.

    Examples
    --------
    >>> theta = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.3], [0.4, 0.0, 1.0]])
    >>> projective_grid(theta, (1, 2))  # depths 0.8 and 1.2
    array([[[-0.625     ,  0.375     ],
            [ 0.41666667,  0.25      ]]])
    """
    _check.shape("theta", theta.shape, (3, 3))
    moved = _homogeneous(output_grid(size, align_corners, n_sample)) @ theta.T
    return moved[..., :2] / np.maximum(moved[..., 2:], NEAREST)


def control_points(n_control: int) -> Float[Array, "n_control 2"]:
    """Where a spline's control points lie in the output: a regular square grid over [-1, 1]².

    Parameters
    ----------
    n_control : int
        Number of points k, a square number.

    Returns
    -------
    point : (n_control, 2)
        Points (x, y), normalised; row by row from the top, x the faster.

    Raises
    ------
    ValueError
        If `n_control` is below four or no square number.

    References
    ----------
    Jaderberg et al. (2015), the thin-plate spline transformer, with 16 points.

    Examples
    --------
    >>> control_points(9)[[1, 3]]  # the middles of the upper and of the left edge
    array([[ 0., -1.],
           [-1.,  0.]])
    """
    _check.at_least("n_control", n_control, 4, "the points are a square grid")
    _check.square("n_control", n_control)
    side = np.linspace(-1, 1, math.isqrt(n_control))
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def spline_weight(
    n_control: int, size: tuple[int, int], align_corners: bool = False, n_sample: int = 1
) -> Float[Array, "rows columns n_control"]:
    r"""How much each landing point counts for each pixel under a thin-plate spline.

    The spline :math:`f(p) = a + B p + \sum_j w_j U(|p - c_j|)`, with :math:`U(r) = r^2 \log r^2`,
    takes the control points :math:`c_j` to their landing points. Its coefficients solve a system
    with the matrix :math:`\begin{pmatrix} K & P \\ P^\top & 0 \end{pmatrix}`, where :math:`K_{ij} =
    U(|c_i - c_j|)` and the rows of :math:`P` are :math:`(1, c_j)`. As the control points stay put,
    f is *linear* in where they land.

    Parameters
    ----------
    n_control : int
        Number of control points k, a square number.
    size : (h, w) as in `output_grid`.
    align_corners, n_sample : as in `output_grid`.

    Returns
    -------
    weight : (rows, columns, n_control)
        They sum to one over the control points; some are negative.

    Raises
    ------
    ValueError
        As `control_points` and `output_grid`.

    References
    ----------
    Bookstein (1989), Principal warps; Jaderberg et al. (2015), the thin-plate spline transformer.

    Examples
    --------
    >>> spline_weight(4, (1, 2)).round(3)  # upper left, upper right, lower left, lower right
    array([[[0.375, 0.125, 0.375, 0.125],
            [0.125, 0.375, 0.125, 0.375]]])
    """
    control = control_points(n_control)
    system = np.zeros((n_control + 3, n_control + 3))
    system[:n_control] = _spline_feature(control, control)
    system[n_control:, :n_control] = system[:n_control, n_control:].T
    # One spline per control point: the one that takes it to one and the others to zero.
    coefficient = np.linalg.solve(system, np.eye(n_control + 3, n_control))
    return _spline_feature(output_grid(size, align_corners, n_sample), control) @ coefficient


def spline_grid(
    landing: Float[Array, "n_control 2"],
    size: tuple[int, int],
    align_corners: bool = False,
    n_sample: int = 1,
) -> Float[Array, "rows columns 2"]:
    """Grid of a thin-plate spline: `spline_weight` times the landing points.

    Parameters
    ----------
    landing : (n_control, 2)
        Points (x, y) of the image, normalised, that the control points read, in the order of
        `control_points`.
    size : (h, w) as in `output_grid`.
    align_corners, n_sample : as in `output_grid`.

    Returns
    -------
    grid : (rows, columns, 2)
        As in `output_grid`, but points of the image.

    Raises
    ------
    ValueError
        If `landing` is not (n_control, 2), and as `spline_weight`.

    References
    ----------
    Bookstein (1989), Principal warps; Jaderberg et al. (2015), the thin-plate spline transformer.

    Examples
    --------
    >>> landing = control_points(4)
    >>> landing[1] += [0.4, -0.8]  # the upper right corner is pulled out
    >>> spline_grid(landing, (1, 2)).round(3)
    array([[[-0.45, -0.1 ],
            [ 0.65, -0.3 ]]])
    """
    _check.shape("landing", landing.shape, (None, 2), "landing points are (n_control, 2)")
    return spline_weight(len(landing), size, align_corners, n_sample) @ landing


def identity_raw(kind: str, n_control: int = 16) -> Float[Array, " n_raw"]:
    """Raw numbers that leave the image as it is: where a localisation network starts.

    Parameters
    ----------
    kind : as in `warp_grid`.
    n_control : int
        Number of control points, for a spline only.

    Returns
    -------
    raw : (n_raw,)
        4, 6, 8 or 2 n_control numbers.

    Raises
    ------
    ValueError
        If the kind is unknown, and as `control_points`.

    References
    ----------
    Jaderberg et al. (2015), the start of their localisation networks.

    Examples
    --------
    >>> identity_raw("affine")
    array([1., 0., 0., 0., 1., 0.])
    """
    _check.one_of("kind", kind, KINDS)
    if kind == "spline":
        return control_points(n_control).ravel()
    if kind == "crop":
        return np.array([1.0, 1.0, 0.0, 0.0])
    return np.eye(3).ravel()[: _n_raw(kind)]


def warp_grid(
    raw: Float[Array, " n_raw"],
    kind: str,
    size: tuple[int, int],
    align_corners: bool = False,
    n_sample: int = 1,
) -> Float[Array, "rows columns 2"]:
    """Grid of a warp of any kind from the numbers that a localisation network puts out.

    Parameters
    ----------
    raw : (n_raw,)
        Of a "crop" (scale_x, scale_y, shift_x, shift_y); of an "affine" map the matrix row by row,
        6 numbers; of a "projective" one too, 8 numbers and a last entry 1; of a "spline" the
        landing points, x and y of each in turn.
    kind : "crop", "affine", "projective" or "spline"
        What the numbers mean.
    size : (h, w) as in `output_grid`.
    align_corners, n_sample : as in `output_grid`.

    Returns
    -------
    grid : (rows, columns, 2)
        As in `output_grid`, but points of the image.

    Raises
    ------
    ValueError
        If the kind is unknown or `raw` has not its length, and as `spline_grid`.

    References
    ----------
    Jaderberg et al. (2015), equations 1 and 2 and the other transformers of their Table 1.

    Examples
    --------
    >>> warp_grid(np.array([0.5, 2.0, 0.1, -0.2]), "crop", (1, 2))
    array([[[-0.15, -0.2 ],
            [ 0.35, -0.2 ]]])
    """
    _check.one_of("kind", kind, KINDS)
    _check.shape("raw", raw.shape, (_n_raw(kind, raw.shape[-1] // 2),))
    if kind == "spline":
        return spline_grid(raw.reshape(-1, 2), size, align_corners, n_sample)
    if kind == "projective":
        return projective_grid(np.append(raw, 1.0).reshape(3, 3), size, align_corners, n_sample)
    theta = crop_matrix(raw[:2], raw[2:]) if kind == "crop" else raw.reshape(2, 3)
    return affine_grid(theta, size, align_corners, n_sample)


def bilinear_sample(
    image: Float[Array, "channel height width"],
    grid: Float[Array, "h w 2"],
    padding: str = "zeros",
    align_corners: bool = False,
) -> Float[Array, "channel h w"]:
    r"""Image read at the points of a grid, between pixels by straight lines.

    :math:`V_i = \sum_n \sum_m I_{nm} \max(0, 1 - |x_i - m|) \max(0, 1 - |y_i - n|)` over *all*
    rows n and columns m.

    Parameters
    ----------
    image : (channel, height, width)
        The image I; each channel is read alike.
    grid : (h, w, 2)
        Points (x, y) to read at, normalised.
    padding : "zeros" or "border"
        What lies outside: nothing, or the nearest point between the outermost pixel centres.
    align_corners : bool
        What -1 and 1 mean, as in `pixel_position`.

    Returns
    -------
    sample : (channel, h, w)
        What is read, V.

    Raises
    ------
    ValueError
        If an argument has the wrong shape or the padding is unknown.

    References
    ----------
    Jaderberg et al. (2015), equations 3 and 5.

    Examples
    --------
    >>> image = np.array([[[1.0, 2.0, 4.0]]])
    >>> grid = np.array([[[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]])  # pixels 1, 1.75 and 2.5
    >>> bilinear_sample(image, grid), bilinear_sample(image, grid, "border")
    (array([[[2. , 3.5, 2. ]]]), array([[[2. , 3.5, 4. ]]]))
    """
    x, y = _positions(image, grid, padding, align_corners)
    kernel_y, kernel_x = _kernel(y, image.shape[1]), _kernel(x, image.shape[2])
    return np.einsum("cnm,ijn,ijm->cij", image, kernel_y, kernel_x, optimize=True)


def bilinear_gradient(
    image: Float[Array, "channel height width"],
    grid: Float[Array, "h w 2"],
    upstream: Float[Array, "channel h w"],
    padding: str = "zeros",
    align_corners: bool = False,
) -> tuple[Float[Array, "channel height width"], Float[Array, "h w 2"]]:
    r"""What `bilinear_sample` hands back: the gradients by the image and by the grid.

    By a pixel :math:`\partial V_i / \partial I_{nm}` is its kernel, :math:`\max(0, 1 - |x_i - m|)
    \max(0, 1 - |y_i - n|)`. By the position :math:`x_i` it is :math:`\sum_n \sum_m I_{nm}
    \max(0, 1 - |y_i - n|)\, s_{im}`, the slope s being -1 at pixel :math:`\lfloor x_i \rfloor`, 1
    at the next and 0 elsewhere; by :math:`y_i` likewise.

    Parameters
    ----------
    image : (channel, height, width) as in `bilinear_sample`.
    grid : (h, w, 2) as in `bilinear_sample`.
    upstream : (channel, h, w)
        Gradient of the loss by what is read.
    padding, align_corners : as in `bilinear_sample`.

    Returns
    -------
    d_image : (channel, height, width)
        Gradient of the loss by the image.
    d_grid : (h, w, 2)
        Gradient of the loss by the normalised points, (x, y).

    Raises
    ------
    ValueError
        If an argument has the wrong shape or the padding is unknown.

    Conventions
    -----------
    On a grid line, where x is a whole number, the slope has a jump; given is the right-hand one.
    Equation 7 as printed (0 if :math:`|m - x| \ge 1`, 1 if :math:`m \ge x`, -1 if :math:`m < x`)
    counts the pixel at x alone there, as 1: it gives :math:`I_x` itself, the slope on neither side.
    Under "border" the gradient is 0 where the position is clipped: at 0 and n - 1 and beyond.

    References
    ----------
    Jaderberg et al. (2015), equations 6 and 7.

    Examples
    --------
    >>> image = np.array([[[1.0, 2.0, 4.0]]])
    >>> grid = np.array([[[0.0, 0.0], [0.5, 0.0]]])  # pixels 1 and 1.75; 1.5 pixels per unit
    >>> d_image, d_grid = bilinear_gradient(image, grid, np.array([[[1.0, 10.0]]]), "border")
    >>> print(d_image, d_grid[..., 0])
    [[[0.  3.5 7.5]]] [[ 3. 30.]]
    """
    x, y = _positions(image, grid, padding, align_corners)
    _check.shape("upstream", upstream.shape, (len(image), *grid.shape[:2]), "one per sample")
    height, width = image.shape[1:]
    kernel_y, kernel_x = _kernel(y, height), _kernel(x, width)
    slope_y, slope_x = _slope(y, height, padding), _slope(x, width, padding)
    by_image = np.einsum("cij,ijn,ijm->cnm", upstream, kernel_y, kernel_x, optimize=True)
    by_point = [
        np.einsum("cij,cnm,ijn,ijm->ij", upstream, image, along_y, along_x, optimize=True)
        for along_y, along_x in ((kernel_y, slope_x), (slope_y, kernel_x))
    ]
    pixels_per_unit = (np.array([width, height]) - (1 if align_corners else 0)) / 2
    return by_image, np.stack(by_point, axis=-1) * pixels_per_unit


def warp(
    image: Float[Array, "channel height width"],
    raw: Float[Array, " n_raw"],
    kind: str,
    size: tuple[int, int],
    padding: str = "zeros",
    align_corners: bool = False,
    n_sample: int = 1,
) -> Float[Array, "channel h w"]:
    """Whole transformer but for its localisation network: the grid of a warp, sampled.

    Parameters
    ----------
    image : (channel, height, width)
        The image.
    raw : (n_raw,) as in `warp_grid`.
    kind : as in `warp_grid`.
    size : (h, w)
        Size of the output, in pixels.
    padding, align_corners : as in `bilinear_sample`, and so for the output.
    n_sample : int
        Each output pixel is the mean of `n_sample` x `n_sample` points of its own square: where the
        image is scaled down, one point alone would skip over pixels.

    Returns
    -------
    warped : (channel, h, w)

    Raises
    ------
    ValueError
        As `warp_grid` and `bilinear_sample`.

    References
    ----------
    Jaderberg et al. (2015), equations 1, 3 and 5; several points per pixel are not in the paper.

    Examples
    --------
    >>> stripes = np.array([[[0.0, 6.0, 0.0, 6.0, 0.0, 6.0]]])
    >>> warp(stripes, identity_raw("crop"), "crop", (1, 2), "border")
    array([[[6., 0.]]])
    >>> warp(stripes, identity_raw("crop"), "crop", (1, 2), "border", n_sample=3)
    array([[[2., 4.]]])
    """
    grid = warp_grid(raw, kind, size, align_corners, n_sample)
    fine = bilinear_sample(image, grid, padding, align_corners)
    h, w = size
    return fine.reshape(len(image), h, n_sample, w, n_sample).mean(axis=(2, 4))


def warp_reader(
    image: Float[Array, "channel height width"],
    params: Mapping[str, Array],
    size: tuple[int, int],
    n_sample: int = 1,
    padding: str = "zeros",
    align_corners: bool = False,
) -> tuple[Float[Array, " n_class"], Float[Array, " 6"]]:
    """Fully connected reader behind an affine transformer: look, straighten, answer.

    Parameters
    ----------
    image : (channel, height, width)
        What to read.
    params : mapping
        The arrays of a `modules.WarpReader` of dense layers: `w` and `b` of each layer under
        `transformer.localiser` and under `reader`, the layers numbered in their order (as in
        `reader.layers.0.w`). Between two layers all below zero is cut off.
    size : (h, w)
        Size of what the reader sees, in pixels.
    n_sample, padding, align_corners : as in `warp`.

    Returns
    -------
    score : (n_class,)
        Scores of the classes, before softmax.
    raw : (6,)
        The affine map, row by row.

    Raises
    ------
    ValueError
        If a layer does not fit, and as `warp`.

    References
    ----------
    Jaderberg et al. (2015), the network ST-FCN Aff of their Table 1.

    Examples
    --------
    >>> params = {"transformer.localiser.0.w": np.zeros((6, 3)), "reader.0.b": np.array([0.5])}
    >>> params |= {"transformer.localiser.0.b": np.array([-1.0, 0.0, 0.0, 0.0, 1.0, 0.0])}
    >>> params |= {"reader.0.w": np.array([[100.0, 10.0, 1.0]])}
    >>> warp_reader(np.array([[[1.0, 2.0, 4.0]]]), params, (1, 3))[0]  # it reads a mirror image
    array([421.5])
    """
    raw = _layers(image.ravel(), params, "transformer.localiser.")
    seen = warp(image, raw, "affine", size, padding, align_corners, n_sample)
    return _layers(seen.ravel(), params, "reader."), raw


def _pairs(**pairs: Array) -> None:
    for name, pair in pairs.items():
        _check.shape(name, pair.shape, (2,), "a pair is (x, y)")


def _homogeneous(point: Array) -> Array:
    return np.concatenate([point, np.ones((*point.shape[:-1], 1))], axis=-1)


def _spline_feature(point: Array, control: Array) -> Array:
    """What a spline's coefficients multiply at each point: the k values of U, then 1, x and y."""
    square = ((point[..., None, :] - control) ** 2).sum(axis=-1)
    bump = square * np.log(np.where(square > 0, square, 1))
    return np.concatenate([bump, np.ones((*point.shape[:-1], 1)), point], axis=-1)


def _n_raw(kind: str, n_control: int = 0) -> int:
    return {"crop": 4, "affine": 6, "projective": 8}.get(kind, 2 * n_control)


def _positions(image: Array, grid: Array, padding: str, align_corners: bool) -> tuple[Array, Array]:
    """Positions x and y, in pixels, at which the kernel is centred."""
    _check.shape("image", image.shape, (None, None, None), "an image is (channel, height, width)")
    _check.shape("grid", grid.shape, (None, None, 2), "a grid is (h, w, 2), its points (x, y)")
    _check.one_of("padding", padding, PADDINGS)
    height, width = image.shape[1:]
    x = pixel_position(grid[..., 0], width, align_corners)
    y = pixel_position(grid[..., 1], height, align_corners)
    if padding == "border":
        return np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    return x, y


def _kernel(position: Array, n_pixel: int) -> Array:
    return np.maximum(0, 1 - np.abs(position[..., None] - np.arange(n_pixel)))


def _slope(position: Array, n_pixel: int, padding: str) -> Array:
    """Right-hand derivative of `_kernel` by the position."""
    left, pixel = np.floor(position)[..., None], np.arange(n_pixel)
    slope = np.where(pixel == left + 1, 1.0, 0.0) - (pixel == left)
    if padding == "border":
        slope = slope * ((position > 0) & (position < n_pixel - 1))[..., None]
    return slope


def _layers(feature: Array, params: Mapping[str, Array], prefix: str) -> Array:
    """Dense layers one after the other, in the order of the numbers that their names end in."""
    found = [n[:-2] for n in params if n.startswith(prefix) and n.endswith(".w")]
    names = sorted(found, key=lambda name: int(name.rpartition(".")[2]))
    for i, name in enumerate(names):
        below = np.maximum(feature, 0) if i else feature
        feature = dense(below, params[f"{name}.w"], params[f"{name}.b"])
    return feature
