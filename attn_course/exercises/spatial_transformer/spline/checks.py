"""Checks of the exercise: thin-plate splines by their properties, and what bending costs."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
SADDLE = np.array([1.0, -1.0, -1.0, 1.0])


def control_of(rng: np.random.Generator, n_control: int) -> Array:
    """Control points on a crooked lattice: irregular, no two of them close, not centred."""
    place = np.indices((4, 5)).reshape(2, -1).T[rng.permutation(20)]
    while np.linalg.matrix_rank(place[:n_control] - place[0]) < 2:
        place = place[rng.permutation(20)]
    noise = rng.uniform(-0.3, 0.3, (n_control, 2))
    return 0.5 * (place[:n_control] + noise) + rng.uniform(-2, 1, 2)


def about(rng: np.random.Generator, control: Array, n_point: int) -> Array:
    """Points among the control points and well beyond them."""
    low, high = control.min(axis=0), control.max(axis=0)
    return rng.uniform(low - 1, high + 1, (n_point, 2))


def bump(point: Array, control: Array) -> Array:
    """U of the distances, (n, k)."""
    square = ((point[:, None] - control) ** 2).sum(axis=-1)
    return square * np.log(np.where(square > 0, square, 1))


def bend(rng: np.random.Generator, control: Array) -> Array:
    """Coefficients (k, 2) that obey the three equations: those of a spline without affine part."""
    free = rng.standard_normal((len(control), 2))
    plane = np.column_stack([np.ones(len(control)), control])
    return free - plane @ np.linalg.lstsq(plane, free, rcond=None)[0]


@check(points=1)
def radial_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """U(0) = 0, U(1) = 0, U(2) = 4 log 4 = 5.545, and U(1/2) = -(log 4)/4 = -0.347."""
    want = [[0.0, 0.0], [4 * np.log(4), -np.log(4) / 4]]
    close(answer.radial(np.array([[0.0, 1.0], [2.0, 0.5]])), want)


@check(points=1)
def three_points_are_affine(answer: Any, rng: np.random.Generator) -> None:
    """With three control points, (0, 0), (1, 0) and (0, 1), there is nothing to bend: in (x, y) the
    weights are 1 - x - y, x and y."""
    point = np.array([[0.25, 0.5], [2.0, -3.0]])
    want = [[0.25, 0.25, 0.5], [2.0, 2.0, -3.0]]
    close(answer.spline_weights(SQUARE[:3], point), want)


@check(points=1)
def middle_of_a_square(answer: Any, rng: np.random.Generator) -> None:
    """In the middle of a square of four control points each weighs 1/4; in the middle of its upper
    edge the two ends weigh 0.5 and the others 0."""
    point = np.array([[0.5, 0.5], [0.5, 0.0]])
    want = [[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.0, 0.0]]
    close(answer.spline_weights(SQUARE, point), want)


@check(points=1)
def energy_of_a_saddle(answer: Any, rng: np.random.Generator) -> None:
    """Where the corners of the unit square land on x = 1, -1, -1, 1 (and y = 0), the equations read
    2 log 2 · w = 1 in the first corner, so that w = 0.7213 · (1, -1, -1, 1) and the energy is
    4 · 0.7213 = 2.885."""
    landing = np.column_stack([SADDLE, np.zeros(4)])
    close(answer.bending_energy(SQUARE, landing), 2 / np.log(2))


@check(points=1, hidden=True)
def radial_near_and_far(answer: Any, rng: np.random.Generator) -> None:
    """U must be right for tiny and for large distances, finite at zero, and keep the shape."""
    distance = 10.0 ** rng.uniform(-7, 3, (2, 3, 4))
    distance[rng.integers(2), rng.integers(3)] = 0
    got = answer.radial(distance)
    square = np.where(distance > 0, distance, 1) ** 2
    want = np.where(distance > 0, square * np.log(square), 0)
    if np.shape(got) == want.shape:
        if np.isnan(got).any():
            raise Wrong(
                "At a distance of zero the result is NaN, which is 0 · (-∞) in NumPy."
            )
        if np.allclose(got, want / 2):
            raise Wrong(
                "The logarithm is of the distance squared: twice what you return."
            )
    close(
        got,
        want,
        "For tiny or for large distances U is wrong; nothing may be cut off or added.",
        atol=1e-24,
    )


@check(points=1, hidden=True)
def weights_sum_to_one(answer: Any, rng: np.random.Generator) -> None:
    """The rows of the weights must sum to one, among the control points and beyond them."""
    for n_control in (4, 7, 13):
        control = control_of(rng, n_control)
        got = answer.spline_weights(control, about(rng, control, 5))
        if np.shape(got) != (5, n_control):
            raise Wrong(
                "Return one row for each point and one column for each control point."
            )
        close(
            np.sum(got, axis=-1),
            np.ones(5),
            "Rows do not sum to one: where all control points land on one point, the sheet does "
            "not. Is there a constant term, and its equation?",
            rtol=1e-7,
        )


@check(points=2, hidden=True)
def linear_landings_are_reproduced(
    answer: Any, rng: np.random.Generator
) -> None:
    """Where every control point c lands on A c, every other point p must land on A p."""
    for n_control in (3, 6, 12):
        control = control_of(rng, n_control)
        point, matrix = (
            about(rng, control, 6),
            rng.uniform(-1.5, 1.5, (2, 2)),
        )
        got = answer.spline_weights(control, point)
        if np.shape(got) != (6, n_control):
            raise Wrong(
                "Return one row for each point and one column for each control point."
            )
        close(
            got @ (control @ matrix.T),
            point @ matrix.T,
            "A linear landing comes out bent: terms in x and y, and the two equations that go "
            "with them, must be in the system.",
            rtol=1e-7,
            atol=1e-7,
        )


@check(points=2, hidden=True)
def landing_points_are_hit(answer: Any, rng: np.random.Generator) -> None:
    """In the control points the landing points must be hit, even if they lie close together."""
    for spread in (1.0, 0.01):
        control = spread * control_of(rng, 9)
        landing = rng.uniform(-1, 1, (9, 2))
        order = rng.permutation(9)[:6]
        got = answer.spline_weights(control, control[order])
        if np.shape(got) != (6, 9):
            raise Wrong(
                "Return one row for each point and one column for each control point."
            )
        close(
            got @ landing,
            landing[order],
            "In the control points something else than the landing points is returned. Nothing may "
            "be added to the diagonal of K: what is little for points that lie a unit apart is "
            "much for points that lie closer.",
            rtol=1e-6,
            atol=1e-6,
        )


@check(points=2, hidden=True)
def bends_between_and_beyond(answer: Any, rng: np.random.Generator) -> None:
    """A spline made from known coefficients is another one between or beyond the control points."""
    for n_control in (5, 11, 16):
        control = control_of(rng, n_control)
        weight, point = bend(rng, control), about(rng, control, 15)
        angle, far = rng.uniform(0, 2 * np.pi, 3), rng.uniform(30, 100, 3)
        point[12:] = np.column_stack(
            [far * np.cos(angle), far * np.sin(angle)]
        )
        got = answer.spline_weights(control, point)
        if np.shape(got) != (15, n_control):
            raise Wrong(
                "Return one row for each point and one column for each control point."
            )
        got, want = (
            got @ (bump(control, control) @ weight),
            bump(point, control) @ weight,
        )
        inside = np.all(
            (point >= control.min(axis=0)) & (point <= control.max(axis=0)),
            axis=-1,
        )
        if np.allclose(got[inside], want[inside], rtol=1e-6, atol=1e-6):
            close(
                got,
                want,
                "Beyond the control points the sheet goes on by the same formula; yours does not.",
                rtol=1e-6,
                atol=1e-6,
            )
        close(
            got,
            want,
            "Between the control points the sheet is bent in another way: is it U of the distance, "
            "in the system and in the points alike?",
            rtol=1e-6,
            atol=1e-6,
        )


@check(points=2, hidden=True)
def affine_landings_cost_nothing(
    answer: Any, rng: np.random.Generator
) -> None:
    """An affine landing has no energy, and added to another landing it changes none."""
    control = control_of(rng, 8)
    affine = control @ rng.uniform(-2, 2, (2, 2)) + rng.uniform(-3, 3, 2)
    close(
        answer.bending_energy(control, affine),
        0.0,
        "An affine landing bends nothing, and its energy is not zero.",
        atol=1e-8,
    )
    landing = bump(control, control) @ bend(rng, control)
    close(
        answer.bending_energy(control, landing + affine),
        answer.bending_energy(control, landing),
        "An affine landing, added to one that bends, changes its energy.",
        rtol=1e-6,
    )


@check(points=2, hidden=True)
def energy_of_a_bend(answer: Any, rng: np.random.Generator) -> None:
    """The energy of a spline made from known coefficients is wrong."""
    for n_control, size in ((6, 1.0), (10, 0.1), (15, 7.0)):
        control = control_of(rng, n_control)
        weight = size * bend(rng, control)
        landing = bump(control, control) @ weight
        parts = (weight * landing).sum(axis=0)
        want = parts.sum()
        got = answer.bending_energy(control, landing)
        if np.shape(got) == ():
            if np.isclose(got, parts[0]) or np.isclose(got, parts[1]):
                raise Wrong(
                    "Both coordinates bend, and you count one of them."
                )
            if np.isclose(got, np.sum(weight**2)):
                raise Wrong(
                    "You return the sum of squares of w; between w and w stands K."
                )
        close(
            got,
            want,
            "The energy is another number than that of the contract, summed over both "
            "coordinates.",
            rtol=1e-6,
        )


PLANE = "    return np.column_stack([np.ones(len(point)), point])"
ENERGY = "return float(np.sum(bent * np.linalg.solve(bump, bent)))"
REST = '    rest = np.linalg.qr(plane, mode="complete")[0][:, 3:]\n'
SYSTEM = (
    "    bump, plane = radial(_distance(control, control)), _plane(control)"
)

MUTANTS = {
    "the logarithm of the distance": Mutant(
        old="return square * np.log(np.where(square > 0, square, 1.0))",
        new="return square * np.log(np.where(square > 0, square, 1.0)) / 2",
        falls_by="radial_near_and_far",
        says="the distance squared",
    ),
    "zero times the logarithm of zero": Mutant(
        old="np.where(square > 0, square, 1.0)",
        new="square",
        falls_by="radial_near_and_far",
        says="is NaN",
    ),
    "a logarithm that is cut off": Mutant(
        old="np.where(square > 0, square, 1.0)",
        new="np.maximum(square, 1e-8)",
        falls_by="radial_near_and_far",
        says="nothing may be cut off",
    ),
    "no constant term": Mutant(
        old=PLANE,
        new="    return point",
        falls_by="weights_sum_to_one",
        says="Is there a constant term",
    ),
    "no terms in x and y": Mutant(
        old=PLANE,
        new="    return np.ones((len(point), 1))",
        falls_by="linear_landings_are_reproduced",
        says="comes out bent",
    ),
    "no affine part at all": Mutant(
        old=PLANE,
        new="    return np.ones((len(point), 0))",
        falls_by="weights_sum_to_one",
        says="Rows do not sum to one",
    ),
    "something small on the diagonal": Mutant(
        old=SYSTEM,
        new=SYSTEM + "\n    bump = bump + 1e-8 * np.eye(n_control)",
        falls_by="landing_points_are_hit",
        says="diagonal of K",
    ),
    "a smoothing spline": Mutant(
        old=SYSTEM,
        new=SYSTEM + "\n    bump = bump + 0.1 * np.eye(n_control)",
        falls_by="landing_points_are_hit",
        says="diagonal of K",
    ),
    "x and y of the points exchanged": Mutant(
        old="    near = radial(_distance(point, control))\n",
        new="    point = point[:, ::-1]\n"
        "    near = radial(_distance(point, control))\n",
        falls_by="linear_landings_are_reproduced",
        says="comes out bent",
    ),
    "points pulled in to the control points": Mutant(
        old="    near = radial(_distance(point, control))\n",
        new="    inner = point.clip(control.min(axis=0), control.max(axis=0))\n"
        "    near = radial(_distance(inner, control))\n",
        falls_by="bends_between_and_beyond",
        says="Beyond the control points",
    ),
    "points pulled in from afar": Mutant(
        old="    near = radial(_distance(point, control))\n",
        new="    point = point.clip(-5, 5)\n"
        "    near = radial(_distance(point, control))\n",
        falls_by="bends_between_and_beyond",
        says="Beyond the control points",
    ),
    "U of the distance squared": Mutant(
        old="return np.linalg.norm(point[:, None] - control, axis=-1)",
        new="return ((point[:, None] - control) ** 2).sum(axis=-1)",
        falls_by="bends_between_and_beyond",
        says="in another way",
    ),
    "an energy with the affine part in it": Mutant(
        old=REST,
        new="    rest = np.eye(len(plane))\n",
        falls_by="affine_landings_cost_nothing",
        says="energy is not zero",
    ),
    "an energy without shifts alone": Mutant(
        old=REST,
        new=REST.replace("qr(plane,", "qr(plane[:, :1],").replace(
            "3:]", "1:]"
        ),
        falls_by="affine_landings_cost_nothing",
        says="energy is not zero",
    ),
    "the energy of x alone": Mutant(
        old=ENERGY,
        new="return float(np.sum((bent * np.linalg.solve(bump, bent))[:, 0]))",
        falls_by="energy_of_a_bend",
        says="you count one of them",
    ),
    "the sum of squares of w": Mutant(
        old=ENERGY,
        new="return float(np.sum(np.linalg.solve(bump, bent) ** 2))",
        falls_by="energy_of_a_bend",
        says="between w and w stands K",
    ),
    "the root of the energy": Mutant(
        old=ENERGY,
        new=ENERGY.replace("np.sum", "abs(np.sum").replace("))", "))) ** 0.5"),
        falls_by="energy_of_a_bend",
        says="another number",
    ),
}
