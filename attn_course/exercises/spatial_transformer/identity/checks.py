"""Checks of the exercise: the last layer of a localisation network, and the warp behind it."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.spatial_transformer.reference import (
    affine_grid,
    bilinear_gradient,
    bilinear_sample,
    identity_raw,
    output_grid,
)


def view(
    image: Array, theta: Array, size: tuple[int, int], padding: str = "zeros"
) -> Array:
    """The right view of one image."""
    return bilinear_sample(image, affine_grid(theta, size), padding)


def slopes(
    cotangent: Array, image: Array, theta: Array
) -> tuple[Array, Array]:
    """Gradients of sum(cotangent * view) by the image and by the six numbers."""
    h, w = cotangent.shape[1:]
    grid = affine_grid(theta, (h, w))
    by_image, by_grid = bilinear_gradient(image, grid, cotangent)
    plain = output_grid((h, w))
    point = np.concatenate([plain, np.ones((h, w, 1))], axis=-1)
    return by_image, np.einsum("hwi,hwj->ij", by_grid, point).ravel()


def examples(
    rng: np.random.Generator, batch: int, n_feature: int
) -> tuple[Array, Array, Array, Array]:
    """Images, features, and a layer whose warps turn, stretch and move, each in its own way."""
    image = rng.random((batch, 2, 6, 9))
    feature = rng.normal(size=(batch, n_feature))
    weight = rng.uniform(-0.3, 0.3, (6, n_feature)) / n_feature**0.5
    bias = np.array([1.1, 0.3, 0.1, -0.4, 1.2, -0.1])
    return image, feature, weight, bias + rng.uniform(-0.1, 0.1, 6)


def matrices(feature: Array, weight: Array, bias: Array) -> Array:
    """The matrix of each example."""
    return (feature @ weight.T + bias).reshape(-1, 2, 3)


def layer(answer: Any, *args: Any) -> tuple[Array, Array]:
    """The weight and bias of the answer."""
    given = answer.last_layer(*args)
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise Wrong("Return two tensors, weight and bias.")
    weight, bias = given
    return weight, bias


@check(points=1)
def numbers_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The identity is (1, 0, 0, 0, 1, 0) as a matrix; four control points read the corners."""
    weight, bias = layer(answer, "affine", 3)
    said = "An affine layer's bias is (1, 0, 0, 0, 1, 0), and its weight, (6, 3), is zero."
    close(bias, np.array([1, 0, 0, 0, 1, 0]), said, atol=1e-6)
    close(weight, np.zeros((6, 3)), said)
    close(
        layer(answer, "spline", 3, 4)[1],
        np.array([-1, -1, 1, -1, -1, 1, 1, 1]),
        "Four control points read the corners: upper left (-1, -1), upper right (1, -1), lower "
        "left (-1, 1), lower right (1, 1).",
        atol=1e-6,
    )


@check(points=1)
def half_a_window_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A window of half the width reads the two columns in the middle of four."""
    image = np.array([[[[1.0, 2, 4, 8], [10, 20, 40, 80]]]])
    bias = np.array([0.5, 0, 0, 0, 1, 0])
    close(
        answer.transformed(
            image, np.ones((1, 3)), np.zeros((6, 3)), bias, (2, 2)
        ),
        [[[[2.0, 4.0], [20.0, 40.0]]]],
        "With the matrix ((0.5, 0, 0), (0, 1, 0)) a view of 2 × 2 pixels of an image of 2 × 4 is "
        "its two middle columns, not a mixture of them with their neighbours.",
        rtol=1e-6,
    )


@check(points=1)
def slope_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """At the start the gradient of weight and bias is not zero, and that of the feature is."""
    ramp = np.tile(np.arange(6.0), (1, 1, 4, 1))
    cotangent = np.zeros(
        (1, 1, 4, 5)
    )  # between pixels, where there is one slope
    cotangent[0, 0, 1, 1] = 1
    feature, weight = np.array([[2.0, -1.0]]), np.zeros((6, 2))
    bias = np.array([1.0, 0, 0, 0, 1, 0])
    got = answer.gradient(
        "transformed", cotangent, ramp, feature, weight, bias, (4, 5)
    )
    by_bias = np.array([-1.2, -0.75, 3, 0, 0, 0])
    said = (
        "On an image of 4 × 6 pixels that rises by one from column to column, seen in 4 × 5, the "
        "pixel in row 1 and column 1 of the view has x = -2/5 and y = -1/4, and a shift_x of t "
        "moves it by 3 t. So its gradient by the six numbers is (-1.2, -0.75, 3, 0, 0, 0), which "
        "times the feature is the gradient of the weight."
    )
    close(got[3], by_bias, said, rtol=1e-6, atol=1e-9)
    close(got[2], by_bias[:, None] * feature, said, rtol=1e-6, atol=1e-9)
    close(
        got[1],
        np.zeros((1, 2)),
        "While the weight is zero no gradient goes through it to the feature.",
    )


@check(points=2, hidden=True)
def matrices_start_as_the_identity(
    answer: Any, rng: np.random.Generator
) -> None:
    """The bias of a crop, an affine and a projective layer must be the identity's numbers."""
    for kind in ("crop", "affine", "projective"):
        n_feature = int(rng.integers(3, 90))
        close(
            layer(answer, kind, n_feature)[1],
            identity_raw(kind),
            f"The bias of a layer of the kind {kind!r} is not the identity.",
            atol=1e-6,
        )


@check(points=2, hidden=True)
def splines_start_as_the_identity(
    answer: Any, rng: np.random.Generator
) -> None:
    """The bias of a spline's layer must be where its control points stand, 16 if not said."""
    for n_control in ((4,), (9,), (25,), (36,), ()):
        n_feature = int(rng.integers(3, 90))
        got = layer(answer, "spline", n_feature, *n_control)[1]
        want = identity_raw("spline", *n_control)
        if np.shape(got) == want.shape and np.allclose(
            got, want.reshape(-1, 2)[:, ::-1].ravel(), atol=1e-6
        ):
            raise Wrong(
                "The control points go down the columns, or have y before x: they are counted row "
                "by row, x the faster, and each is (x, y)."
            )
        close(
            got,
            want,
            "The control points of a spline do not read the places where they stand.",
            atol=1e-6,
        )


@check(points=1, hidden=True)
def features_have_no_say(answer: Any, rng: np.random.Generator) -> None:
    """A layer's weight must be zeros of shape (n_raw, n_feature), both tensors floating-point."""
    for kind in ("crop", "affine", "projective", "spline"):
        n_feature = int(rng.integers(3, 90))
        weight, bias = layer(answer, kind, n_feature)
        if (
            np.asarray(weight).dtype.kind != "f"
            or np.asarray(bias).dtype.kind != "f"
        ):
            raise Wrong(
                "A layer's weight or bias holds integers, which cannot be learned."
            )
        close(
            weight,
            np.zeros((len(identity_raw(kind)), n_feature)),
            "The weight is not zero: what the layer puts out then depends on the image.",
            atol=0,
        )


@check(points=2, hidden=True)
def view_through_any_matrix(answer: Any, rng: np.random.Generator) -> None:
    """What is read through a random matrix, in another size than the image's, is wrong."""
    image, feature, weight, bias = examples(rng, 1, 5)
    for size in ((4, 7), (8, 3)):
        got = answer.transformed(image, feature, weight, bias, size)
        (theta,) = matrices(feature, weight, bias)
        want = view(image[0], theta, size)[None]
        if np.shape(got) == want.shape:
            corners = affine_grid(theta, size, True)
            mixed = bilinear_sample(image[0], corners)
            if np.allclose(got, mixed[None]):
                raise Wrong(
                    "Your grid takes -1 and 1 for the centres of the outermost pixels, the reading "
                    "takes them for edges."
                )
            plain = affine_grid(theta, size)
            if np.allclose(
                got, bilinear_sample(image[0], plain, "zeros", True)[None]
            ):
                raise Wrong(
                    "The reading takes -1 and 1 for the centres of the outermost pixels, your grid "
                    "takes them for edges."
                )
            border = view(image[0], theta, size, "border")[None]
            if np.allclose(got, border) and not np.allclose(want, border):
                raise Wrong("Outside the image it ought to be black.")
            none = matrices(feature, weight, 0 * bias)[0]
            if np.allclose(got, view(image[0], none, size)[None]):
                raise Wrong("The bias is not added.")
        close(
            got,
            want,
            "A view through a random matrix is wrong; are x and y, or rows and columns, exchanged?",
            rtol=1e-6,
        )


@check(points=1, hidden=True)
def each_example_has_its_matrix(answer: Any, rng: np.random.Generator) -> None:
    """A batch must give what each of its examples gives alone."""
    image, feature, weight, bias = examples(rng, 4, 5)
    alone = [
        answer.transformed(image[[n]], feature[[n]], weight, bias, (5, 4))
        for n in range(4)
    ]
    got = answer.transformed(image, feature, weight, bias, (5, 4))
    close(
        got,
        np.concatenate(alone),
        "The examples of a batch are not read through a matrix each.",
        rtol=1e-6,
    )


@check(points=2, hidden=True)
def gradient_of_the_layer(answer: Any, rng: np.random.Generator) -> None:
    """The gradient for weight and bias must be the one of the formula."""
    image, feature, weight, bias = examples(rng, 1, 5)
    cotangent = rng.normal(size=(1, 2, 5, 5))
    given = image, feature, weight, bias
    got = answer.gradient("transformed", cotangent, *given, (5, 5))
    (theta,) = matrices(feature, weight, bias)
    by_raw = slopes(cotangent[0], image[0], theta)[1]
    wanted = {"weight": by_raw[:, None] * feature, "bias": by_raw}
    for (name, want), by in zip(wanted.items(), got[2:], strict=True):
        if np.shape(by) == want.shape and not np.any(by):
            raise Wrong(
                f"No gradient reaches {name}: on its way it leaves torch's graph, or is detached."
            )
        close(
            by,
            want,
            f"The gradient for {name} is wrong.",
            rtol=1e-6,
            atol=1e-9,
        )


@check(points=2, hidden=True)
def gradient_passed_on(answer: Any, rng: np.random.Generator) -> None:
    """The gradient for image and feature must be the one of the formula."""
    image, feature, weight, bias = examples(rng, 1, 5)
    cotangent = rng.normal(size=(1, 2, 5, 5))
    given = image, feature, weight, bias
    got = answer.gradient("transformed", cotangent, *given, (5, 5))
    (theta,) = matrices(feature, weight, bias)
    by_image, by_raw = slopes(cotangent[0], image[0], theta)
    wanted = {"image": by_image[None], "feature": by_raw[None] @ weight}
    for (name, want), by in zip(wanted.items(), got[:2], strict=True):
        if np.shape(by) == want.shape and not np.any(by):
            raise Wrong(
                f"No gradient reaches {name}: the layers before learn nothing, however long."
            )
        close(
            by,
            want,
            f"The gradient for {name} is wrong.",
            rtol=1e-6,
            atol=1e-9,
        )


@check(points=1, hidden=True)
def dtype_is_kept(answer: Any, rng: np.random.Generator) -> None:
    """The result must have the precision of the tensors that came in."""
    given = examples(rng, 2, 3)
    for kind in (np.float32, np.float64):
        got = answer.transformed(*(one.astype(kind) for one in given), (3, 5))
        if got.dtype != kind:
            raise Wrong(
                f"From {np.dtype(kind)} tensors the result must be {np.dtype(kind)}."
            )


MUTANTS = {
    "a crop as a diagonal matrix": Mutant(
        old="torch.tensor([1.0, 1.0, 0.0, 0.0])",
        new="torch.tensor([1.0, 0.0, 1.0, 0.0])",
        falls_by="matrices_start_as_the_identity",
        says="'crop' is not the identity",
    ),
    "a projective matrix of nine numbers": Mutant(
        old="else 8]",
        new="else 9]",
        falls_by="matrices_start_as_the_identity",
        says="must have shape",
    ),
    "two by two, then the shift": Mutant(
        old="    return torch.zeros(len(bias)",
        new='    if kind == "affine":\n'
        "        bias = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])\n"
        "    return torch.zeros(len(bias)",
        falls_by="matrices_start_as_the_identity",
        says="'affine' is not the identity",
    ),
    "no bias": Mutant(
        old="    return torch.zeros(len(bias), n_feature), bias",
        new="    return torch.zeros(len(bias), n_feature), 0 * bias",
        falls_by="matrices_start_as_the_identity",
        says="is not the identity",
    ),
    "control points down the columns": Mutant(
        old='indexing="ij"',
        new='indexing="xy"',
        falls_by="splines_start_as_the_identity",
        says="row by row",
    ),
    "all x, then all y": Mutant(
        old="torch.stack([x, y], dim=-1)",
        new="torch.stack([x, y], dim=0)",
        falls_by="splines_start_as_the_identity",
        says="where they stand",
    ),
    "control points half a cell inside": Mutant(
        old="side = torch.linspace(-1, 1, round(n_control**0.5))",
        new="n = round(n_control**0.5)\n        side = (2 * torch.arange(n) + 1) / n - 1",
        falls_by="splines_start_as_the_identity",
        says="where they stand",
    ),
    "small random weights": Mutant(
        old="torch.zeros(len(bias), n_feature)",
        new="1e-3 * torch.arange(len(bias) * n_feature).reshape(len(bias), -1).sin()",
        falls_by="features_have_no_say",
        says="depends on the image",
    ),
    "a weight on its side": Mutant(
        old="torch.zeros(len(bias), n_feature)",
        new="torch.zeros(n_feature, len(bias))",
        falls_by="features_have_no_say",
        says="must have shape",
    ),
    "integers": Mutant(
        old="torch.tensor([1.0, 1.0, 0.0, 0.0])",
        new="torch.tensor([1, 1, 0, 0])",
        falls_by="features_have_no_say",
        says="cannot be learned",
    ),
    "a grid from corner to corner": Mutant(
        old="x = (2 * torch.arange(w, dtype=raw.dtype) + 1) / w - 1\n"
        "    y = (2 * torch.arange(h, dtype=raw.dtype) + 1) / h - 1",
        new="x = torch.linspace(-1, 1, w, dtype=raw.dtype)\n"
        "    y = torch.linspace(-1, 1, h, dtype=raw.dtype)",
        falls_by="view_through_any_matrix",
        says="Your grid takes -1 and 1 for the centres",
    ),
    "a reading from corner to corner": Mutant(
        old="align_corners=False",
        new="align_corners=True",
        falls_by="view_through_any_matrix",
        says="The reading takes",
    ),
    "the border repeated": Mutant(
        old="align_corners=False",
        new='padding_mode="border", align_corners=False',
        falls_by="view_through_any_matrix",
        says="ought to be black",
    ),
    "the grid's order exchanged": Mutant(
        old="return sample(image, grid,",
        new="return sample(image, grid.flip(-1),",
        falls_by="view_through_any_matrix",
        says="exchanged",
    ),
    "rows and columns of the view exchanged": Mutant(
        old="h, w = size",
        new="w, h = size",
        falls_by="view_through_any_matrix",
        says="must have shape",
    ),
    "the bias left out": Mutant(
        old="feature @ weight.mT + bias",
        new="feature @ weight.mT + 0 * bias",
        falls_by="view_through_any_matrix",
        says="bias is not added",
    ),
    "the first matrix for all": Mutant(
        old="raw.unflatten(-1, (2, 3))",
        new="raw[:1].unflatten(-1, (2, 3)).expand(len(raw), 2, 3)",
        falls_by="each_example_has_its_matrix",
        says="a matrix each",
    ),
    "a weight without a gradient": Mutant(
        old="weight.mT",
        new="weight.detach().mT",
        falls_by="gradient_of_the_layer",
        says="No gradient reaches weight",
    ),
    "a bias without a gradient": Mutant(
        old=".mT + bias",
        new=".mT + bias.detach()",
        falls_by="gradient_of_the_layer",
        says="No gradient reaches bias",
    ),
    "a matrix made anew from numbers": Mutant(
        old="raw.unflatten(-1, (2, 3))",
        new="torch.tensor(raw.tolist(), dtype=raw.dtype).unflatten(-1, (2, 3))",
        falls_by="gradient_of_the_layer",
        says="No gradient reaches weight",
    ),
    "a feature without a gradient": Mutant(
        old="raw = feature @",
        new="raw = feature.detach() @",
        falls_by="gradient_passed_on",
        says="No gradient reaches feature",
    ),
    "an image without a gradient": Mutant(
        old="sample(image, grid,",
        new="sample(image.detach(), grid,",
        falls_by="gradient_passed_on",
        says="No gradient reaches image",
    ),
    "always float64": Mutant(
        old="align_corners=False)",
        new="align_corners=False).double()",
        falls_by="dtype_is_kept",
        says="result must be float32",
    ),
}
