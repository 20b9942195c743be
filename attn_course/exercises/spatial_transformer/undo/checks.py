"""Checks of the exercise: poses undone, thetas composed and inverted, and the zoom as an area."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.spatial_transformer.reference import (
    affine_grid,
    normalised_position,
    pixel_position,
)

MIRRORED = "A mirrored view is told to be lost, and a mirror is undone by being mirrored again."
THREE = np.array([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])  # points (x, y)


def pose_of(rng: np.random.Generator) -> Array:
    """A pose in pixels that turns, shears, scales and moves."""
    pose = rng.uniform(-0.6, 0.6, (2, 3)) + np.eye(2, 3)
    pose[:, 2] = rng.uniform(-9, 9, 2)
    return pose


def theta_of(rng: np.random.Generator) -> Array:
    """An invertible theta, neither symmetric nor a rotation; its determinant is at least 0.24."""
    theta = rng.uniform(0.1, 0.5, (2, 3)) * rng.choice([-1, 1], (2, 3))
    theta[0, 0], theta[1, 1] = rng.uniform(0.7, 1.4, 2)
    theta[1, 0] = -0.3 * theta[0, 1]
    return theta


def sizes_of(rng: np.random.Generator, n: int) -> list[tuple[int, int]]:
    """Sizes (height, width), all lengths different."""
    length = rng.choice(np.arange(3, 40), 2 * n, replace=False)
    return [(int(a), int(b)) for a, b in length.reshape(n, 2)]


def landed(
    pose: Array,
    digit: tuple[int, int],
    canvas: tuple[int, int],
    align_corners: bool,
) -> Array:
    """Theta from where three points of the digit have landed."""
    pixel = [
        pixel_position(THREE[:, k], digit[1 - k], align_corners)
        for k in (0, 1)
    ]
    moved = pose @ np.stack([*pixel, np.ones(3)])
    there = np.stack(
        [
            normalised_position(moved[k], canvas[1 - k], align_corners)
            for k in (0, 1)
        ]
    )
    across, down = (
        (there[:, 1] - there[:, 0]) / 2,
        (there[:, 2] - there[:, 0]) / 2,
    )
    return np.column_stack([across, down, there[:, 0] + across + down])


def area(
    theta: Array,
    image: tuple[int, int],
    size: tuple[int, int],
    align_corners: bool,
) -> Array:
    """Area between the points that the view's first four pixels read, in pixels of the image."""
    grid = affine_grid(theta, size, align_corners)
    x = pixel_position(grid[..., 0], image[1], align_corners)
    y = pixel_position(grid[..., 1], image[0], align_corners)
    across, down = (
        (one[0, 1] - one[0, 0], one[1, 0] - one[0, 0]) for one in (x, y)
    )
    return np.asarray(across[0] * down[1] - across[1] * down[0])


def upright(
    answer: Any, rng: np.random.Generator, align_corners: bool
) -> None:
    """Raise Wrong unless random poses are undone under one convention."""
    for _ in range(3):
        pose, (digit, canvas) = pose_of(rng), sizes_of(rng, 2)
        got = answer.upright_theta(pose, digit, canvas, align_corners)
        want = landed(pose, digit, canvas, align_corners)
        if np.shape(got) == want.shape:
            inverse = np.linalg.inv(np.vstack([pose, [0, 0, 1]]))[:2]
            if np.allclose(
                got, landed(inverse, digit, canvas, align_corners)
            ) or np.allclose(
                got, landed(inverse, canvas, digit, align_corners)
            ):
                raise Wrong(
                    "You invert the pose. The grid says where to read, and the pose says where "
                    "the digit's points are to be found: they agree as they are."
                )
            if np.allclose(got, landed(pose, canvas, digit, align_corners)):
                raise Wrong(
                    "The two sizes are exchanged: the view is laid out as the digit was, and "
                    "what is read is the canvas."
                )
            if np.allclose(
                got, landed(pose, digit[::-1], canvas[::-1], align_corners)
            ):
                raise Wrong(
                    "Height and width are exchanged: x runs along the width."
                )
        close(
            got,
            want,
            "Random poses are not undone under this convention of corners.",
        )


@check(points=1)
def upright_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A digit 2 × 4 lies on a canvas 4 × 8, three pixels right and one down. Its centre, (1.5, 0.5),
    is at (4.5, 1.5) there, which is (0.25, 0) without aligned corners; the view is half as wide and
    half as high as the canvas."""
    pose = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 1.0]])
    close(
        answer.upright_theta(pose, (2, 4), (4, 8), False),
        [[0.5, 0.0, 0.25], [0.0, 0.5, 0.0]],
    )


@check(points=1)
def upright_by_hand_with_aligned_corners(
    answer: Any, rng: np.random.Generator
) -> None:
    """With aligned corners the same digit spans 3 of the canvas's 7 steps across and 1 of its 3
    down, and its centre is at 2/7 across and 0 down."""
    pose = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 1.0]])
    close(
        answer.upright_theta(pose, (2, 4), (4, 8), True),
        [[3 / 7, 0.0, 2 / 7], [0.0, 1 / 3, 0.0]],
    )


@check(points=1)
def half_of_a_half(answer: Any, rng: np.random.Generator) -> None:
    """In a window of half the size round (0.4, 0), a window of half the size round (0, -0.6) is a
    quarter of the size and lies round (0.4, -0.3)."""
    first = np.array([[0.5, 0.0, 0.4], [0.0, 0.5, 0.0]])
    second = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, -0.6]])
    close(
        answer.composed(first, second), [[0.25, 0.0, 0.4], [0.0, 0.25, -0.3]]
    )


@check(points=1)
def way_back_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A window of half the size round (0.25, 0) is undone by one of twice the size round (-0.5, 0);
    such a window can be undone, and one without any height cannot."""
    theta = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.0]])
    close(answer.undone(theta), [[2.0, 0.0, -0.5], [0.0, 2.0, 0.0]])
    close(answer.can_be_undone(theta), True)
    close(answer.can_be_undone(theta * [[1.0], [0.0]]), False)


@check(points=1)
def pixels_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Half of an image of 8 × 8 pixels, shown on 4 × 4, gives each pixel one of the image's. With
    aligned corners it is (0.5 × 7/3)², which is 49/36."""
    theta = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.0]])
    close(answer.pixels_covered(theta, (8, 8), (4, 4), False), 1.0)
    close(answer.pixels_covered(theta, (8, 8), (4, 4), True), 49 / 36)


@check(points=2, hidden=True)
def upright_between_edges(answer: Any, rng: np.random.Generator) -> None:
    """A random pose is not undone where -1 and 1 are the edges of the outermost pixels."""
    upright(answer, rng, False)


@check(points=2, hidden=True)
def upright_between_centres(answer: Any, rng: np.random.Generator) -> None:
    """A random pose is not undone where -1 and 1 are the centres of the outermost pixels."""
    upright(answer, rng, True)


@check(points=2, hidden=True)
def order_of_two_readings(answer: Any, rng: np.random.Generator) -> None:
    """Two random thetas are not composed into the one that reads the same points."""
    for _ in range(3):
        first, second = theta_of(rng), theta_of(rng)
        got = answer.composed(first, second)
        last = [0.0, 0.0, 1.0]
        want = first @ np.vstack([second, last])
        if np.shape(got) == want.shape and np.allclose(
            got, second @ np.vstack([first, last])
        ):
            raise Wrong(
                "The order is the wrong way round: a point of the last view goes through the "
                "second matrix, and what comes of it through the first."
            )
        close(got, want, "Two random thetas are not composed rightly.")


@check(points=2, hidden=True)
def way_back_leads_back(answer: Any, rng: np.random.Generator) -> None:
    """A random theta, followed by its way back, must leave every point where it was."""
    for zoom in (1.0, 1e-3, 1e4):
        theta = theta_of(rng)
        theta[:, :2] *= zoom
        back = np.linalg.inv(theta[:, :2])
        want = np.column_stack([back, -back @ theta[:, 2]])
        got = answer.undone(theta)
        negated = np.column_stack([back, -theta[:, 2]])
        if np.shape(got) == want.shape and np.allclose(got, negated):
            raise Wrong(
                "The shift is only negated: the view's units are not the image's, so it has to go "
                "through the inverse matrix as well."
            )
        close(
            got,
            want,
            "A random theta and its way back do not cancel.",
            atol=1e-9 / zoom,
        )


@check(points=2, hidden=True)
def strength_is_no_hindrance(answer: Any, rng: np.random.Generator) -> None:
    """A strong zoom, in or out, can be undone; a flat view cannot, whatever its size."""
    for zoom in rng.permutation([1e-6, 1e-3, 1.0, 1e3, 1e6]):
        theta = theta_of(rng)
        theta[:, :2] *= zoom
        narrow, flat = theta.copy(), theta.copy()
        narrow[1, :2] *= 1e-4
        direction = rng.uniform(0.2, 1, 2)
        flat[:, :2] = zoom * np.outer(direction, rng.uniform(0.2, 1, 2))
        for one, want in ((theta, True), (narrow, True), (flat, False)):
            got = answer.can_be_undone(one)
            if np.ndim(got) or got not in (True, False):
                raise Wrong("Return True or False.")
            if bool(got) != want:
                raise Wrong(
                    "Among strong and weak zooms, narrow and flat views some are told wrongly. "
                    "Only the ratio of the ellipse's axes counts: what is small or large by "
                    "itself, be it an axis or an area, says nothing."
                )


@check(points=1, hidden=True)
def axes_alone_decide(answer: Any, rng: np.random.Generator) -> None:
    """The ellipse's shorter axis is set against its longer one, with the bound of the contract;
    neither a mirror nor the angle between the columns has a say."""
    shift, zoom = rng.uniform(-1, 1, 2), rng.uniform(0.7, 1.4)
    for one, want, said in (
        ([[1, 0], [0, -1]], True, MIRRORED),
        ([[0, 1], [1, 0]], True, MIRRORED),
        ([[1, 0], [0, 1e-8]], True, ""),
        ([[1e-8, 0], [0, 1]], True, ""),
        ([[1, 0], [0, 1e-10]], False, ""),
        ([[1e-10, 0], [0, 1]], False, ""),
        ([[1, 1], [1, 1 + 1e-10]], False, ""),  # columns of one length
        ([[1, 1], [1, 1 + 1e-7]], True, ""),
        ([[1, 1e10], [0, 1]], False, ""),  # both eigenvalues are 1
    ):
        theta = np.column_stack([zoom * np.array(one, dtype=float), shift])
        got = answer.can_be_undone(theta)
        if np.ndim(got) or got not in (True, False):
            raise Wrong("Return True or False.")
        if bool(got) != want:
            raise Wrong(said)


@check(points=1, hidden=True)
def nothing_is_no_way_back(answer: Any, rng: np.random.Generator) -> None:
    """A theta that shows one point all over cannot be undone, wherever that point is."""
    theta = np.column_stack([np.zeros((2, 2)), rng.uniform(-1, 1, 2)])
    for one in (theta, np.zeros((2, 3))):
        got = answer.can_be_undone(one)
        if np.ndim(got) or got not in (True, False):
            raise Wrong("Return True or False.")
        assert not got


@check(points=2, hidden=True)
def area_in_pixels(answer: Any, rng: np.random.Generator) -> None:
    """The area that a pixel of the view stands for is wrong for random sizes."""
    for align_corners in (False, True, True):
        theta, (image, size) = theta_of(rng), sizes_of(rng, 2)
        got = answer.pixels_covered(theta, image, size, align_corners)
        want = area(theta, image, size, align_corners)
        if np.shape(got) == () and not np.isclose(got, want):
            if np.allclose(got, np.linalg.det(theta[:, :2])):
                raise Wrong(
                    "The determinant alone is an area in normalised units, in which a pixel of "
                    "the view is not as large as one of the image."
                )
            if align_corners and np.allclose(
                got, area(theta, image, size, False)
            ):
                raise Wrong(
                    "With aligned corners there is one step less than there are pixels between "
                    "-1 and 1."
                )
        close(
            got,
            want,
            "The area for random sizes is wrong.",
        )


@check(points=1, hidden=True)
def mirror_is_negative(answer: Any, rng: np.random.Generator) -> None:
    """A mirrored view covers a negative area."""
    theta, (image, size) = theta_of(rng), sizes_of(rng, 2)
    theta[:, int(rng.integers(2))] *= -1
    close(
        answer.pixels_covered(theta, image, size, False),
        area(theta, image, size, False),
        "A mirrored view must cover the right area, with a minus sign.",
    )


UPRIGHT = "return (np.linalg.inv(from_canvas) @ whole @ from_digit)[:2]"
BACK = "return np.column_stack([back, -back @ theta[:, 2]])"

MUTANTS = {
    "the inverse of the pose": Mutant(
        old=UPRIGHT,
        new="return (np.linalg.inv(from_canvas) @ np.linalg.inv(whole) @ from_digit)[:2]",
        falls_by="upright_between_edges",
        says="You invert the pose",
    ),
    "the pose's way back, in full": Mutant(
        old=UPRIGHT,
        new="return np.linalg.inv(np.linalg.inv(from_canvas) @ whole @ from_digit)[:2]",
        falls_by="upright_between_centres",
        says="You invert the pose",
    ),
    "digit and canvas exchanged": Mutant(
        old=UPRIGHT,
        new="return (np.linalg.inv(from_digit) @ whole @ from_canvas)[:2]",
        falls_by="upright_between_edges",
        says="two sizes are exchanged",
    ),
    "height and width exchanged": Mutant(
        old="    height, width = size\n",
        new="    width, height = size\n",
        falls_by="upright_between_edges",
        says="x runs along the width",
    ),
    "pixels counted from their corners": Mutant(
        old="    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2\n",
        new="    centre_x, centre_y = half_x, half_y\n",
        falls_by="upright_between_edges",
        says="not undone under this convention",
    ),
    "edges under either convention": Mutant(
        old="        half_x, half_y = (width - 1) / 2, (height - 1) / 2\n",
        new="        half_x, half_y = width / 2, height / 2\n",
        falls_by="upright_between_centres",
        says="not undone under this convention",
    ),
    "the first matrix applied first": Mutant(
        old="    matrix, shift = first[:, :2], first[:, 2]\n",
        new="    first, second = second, first\n"
        "    matrix, shift = first[:, :2], first[:, 2]\n",
        falls_by="order_of_two_readings",
        says="the wrong way round",
    ),
    "shifts added up": Mutant(
        old="matrix @ second[:, 2] + shift",
        new="second[:, 2] + shift",
        falls_by="order_of_two_readings",
        says="not composed rightly",
    ),
    "shift only negated": Mutant(
        old=BACK,
        new="return np.column_stack([back, -theta[:, 2]])",
        falls_by="way_back_leads_back",
        says="only negated",
    ),
    "transpose for inverse": Mutant(
        old="back = np.linalg.inv(theta[:, :2])",
        new="back = theta[:, :2].T",
        falls_by="way_back_leads_back",
        says="do not cancel",
    ),
    "determinant against a fixed bound": Mutant(
        old="return bool(shortest > 1e-9 * longest)",
        new="return bool(abs(np.linalg.det(theta[:, :2])) > 1e-9)",
        falls_by="strength_is_no_hindrance",
        says="ratio of the ellipse's axes",
    ),
    "shorter axis against a fixed bound": Mutant(
        old="shortest > 1e-9 * longest",
        new="shortest > 1e-9",
        falls_by="strength_is_no_hindrance",
        says="ratio of the ellipse's axes",
    ),
    "rank of the whole matrix": Mutant(
        old="np.linalg.svd(theta[:, :2], compute_uv=False)",
        new="np.linalg.svd(theta, compute_uv=False)",
        falls_by="strength_is_no_hindrance",
        says="ratio of the ellipse's axes",
    ),
    "a mirror counted as lost": Mutant(
        old="return bool(shortest > 1e-9 * longest)",
        new="return bool(np.linalg.det(theta[:, :2]) > 1e-9 * longest**2)",
        falls_by="axes_alone_decide",
        says="by being mirrored again",
    ),
    "a bound too high": Mutant(
        old="shortest > 1e-9 * longest",
        new="shortest > 1e-7 * longest",
        falls_by="axes_alone_decide",
        says="the bound of the contract",
    ),
    "a bound as low as rounding": Mutant(
        old="shortest > 1e-9 * longest",
        new="shortest > 1e-14 * longest",
        falls_by="axes_alone_decide",
        says="the bound of the contract",
    ),
    "whatever NumPy inverts": Mutant(
        old="    return bool(shortest > 1e-9 * longest)",
        new="    try:\n        np.linalg.inv(theta[:, :2])\n"
        "    except np.linalg.LinAlgError:\n        return False\n    return True",
        falls_by="axes_alone_decide",
        says="the bound of the contract",
    ),
    "eigenvalues for axes": Mutant(
        old="np.linalg.svd(theta[:, :2], compute_uv=False)",
        new="sorted(abs(np.linalg.eigvals(theta[:, :2])))[::-1]",
        falls_by="axes_alone_decide",
        says="the bound of the contract",
    ),
    "columns for axes": Mutant(
        old="np.linalg.svd(theta[:, :2], compute_uv=False)",
        new="sorted(np.hypot(theta[0, :2], theta[1, :2]))[::-1]",
        falls_by="axes_alone_decide",
        says="the bound of the contract",
    ),
    "the angle between the columns": Mutant(
        old="return bool(shortest > 1e-9 * longest)",
        new="sides = np.prod(np.hypot(theta[0, :2], theta[1, :2]))\n"
        "    return bool(abs(np.linalg.det(theta[:, :2])) > 1e-9 * sides)",
        falls_by="axes_alone_decide",
        says="the bound of the contract",
    ),
    "nothing divided by nothing": Mutant(
        old="return bool(shortest > 1e-9 * longest)",
        new="return bool(shortest >= 1e-9 * longest)",
        falls_by="nothing_is_no_way_back",
        says="one point all over",
    ),
    "determinant in normalised units": Mutant(
        old="return float(np.linalg.det(theta[:, :2]) * across * down)",
        new="return float(np.linalg.det(theta[:, :2]))",
        falls_by="area_in_pixels",
        says="not as large as one of the image",
    ),
    "area between edges under either convention": Mutant(
        old="rim = 1 if align_corners else 0",
        new="rim = 0",
        falls_by="area_in_pixels",
        says="one step less",
    ),
    "area without its sign": Mutant(
        old="np.linalg.det(theta[:, :2]) *",
        new="abs(np.linalg.det(theta[:, :2])) *",
        falls_by="mirror_is_negative",
        says="with a minus sign",
    ),
}
