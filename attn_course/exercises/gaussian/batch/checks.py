"""Checks of the exercise: filterbanks for a batch, in torch, with their gradient."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close
from attn_course.gaussian.reference import filterbank


def banks(
    mean: Array, std: Array, stride: Array, n_filter: int, n_pixel: int
) -> Array:
    """The right filterbanks, one by one."""
    one_by_one = [
        filterbank(float(one), float(wide), float(far), n_filter, n_pixel)
        for one, wide, far in zip(
            mean.ravel(), std.ravel(), stride.ravel(), strict=True
        )
    ]
    return np.array(one_by_one).reshape(*mean.shape, n_filter, n_pixel)


def slopes(
    cotangent: Array, mean: Array, std: Array, stride: Array
) -> tuple[Array, Array, Array]:
    """Gradients of sum(cotangent * bank) by mean, std and stride, from the formulas on paper."""
    n_filter, n_pixel = cotangent.shape[-2:]
    bank = banks(mean, std, stride, n_filter, n_pixel)
    index, pixel = np.arange(n_filter), np.arange(n_pixel)
    distance = pixel - (mean[..., None] + stride[..., None] * index)[..., None]
    centred = distance - (bank * distance).sum(axis=-1, keepdims=True)
    spread = distance**2 - (bank * distance**2).sum(axis=-1, keepdims=True)
    by_centre = (cotangent * bank * centred).sum(axis=-1) / std[..., None] ** 2
    by_std = (cotangent * bank * spread).sum(axis=-1) / std[..., None] ** 3
    return (
        by_centre.sum(axis=-1),
        by_std.sum(axis=-1),
        (by_centre * index).sum(axis=-1),
    )


def inside(
    rng: np.random.Generator,
    batch: int | tuple[int, ...],
    n_filter: int,
    n_pixel: int,
) -> tuple[Array, Array, Array]:
    """Windows of ordinary width within the image, none like another."""
    stride = rng.uniform(0.4, 0.8, batch) * n_pixel / n_filter
    return rng.uniform(1, 3, batch), rng.uniform(0.7, 1.8, batch), stride


@check(points=1)
def two_windows_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A window with mean 0, std 0.5 and stride 2, and its mirror image, on three pixels."""
    bank = np.array(
        [[0.880539, 0.119165, 0.000295], [0.000295, 0.119165, 0.880539]]
    )
    mean, std = np.array([0.0, 2.0]), np.array([0.5, 0.5])
    stride = np.array([2.0, -2.0])
    close(
        answer.batch_filterbank(mean, std, stride, 2, 3),
        np.stack([bank, bank[::-1]]),
        "With mean 0, std 0.5 and stride 2 the two filters on three pixels are (0.881, 0.119, 0) "
        "and (0, 0.119, 0.881); with mean 2 and stride -2 they are the same in the other order.",
        rtol=1e-2,
        atol=1e-5,
    )


@check(points=1)
def a_row_sums_to_one_far_off(answer: Any, rng: np.random.Generator) -> None:
    """A row must sum to one over the pixels, also of a narrow filter that misses all of them."""
    mean = np.array([2.5, 30.0, -4.0])
    std, stride = np.full(3, 0.01), np.full(3, 1.0)
    bank = answer.batch_filterbank(mean, std, stride, 4, 6)
    if np.shape(bank) != (3, 4, 6):
        raise Wrong(
            f"The result must have shape (3, 4, 6), not {np.shape(bank)}."
        )
    if not np.isfinite(bank).all():
        raise Wrong(
            "There are values that are not numbers: where a narrow filter misses every pixel, each "
            "exp is zero, and zero is divided by zero."
        )
    close(
        np.sum(bank, axis=-1),
        np.ones((3, 4)),
        "Some rows do not sum to one over the pixels; narrow filters that lie between two pixels "
        "or off the image lose their weight.",
        rtol=1e-6,
    )


@check(points=1)
def slope_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Midway between two pixels the weight of the right one grows by 1/4 per pixel of the mean."""
    mean, std, stride = np.array([0.5]), np.array([1.0]), np.array([1.0])
    cotangent = np.array([[[0.0, 1.0]]])
    by_mean, by_std, by_stride = answer.gradient(
        "batch_filterbank", cotangent, mean, std, stride, 1, 2
    )
    close(
        np.array([np.sum(by_mean), np.sum(by_std), np.sum(by_stride)]),
        [0.25, 0.0, 0.0],
        "One filter on two pixels, mean 0.5, std 1: its weights are 1/2 and 1/2, and the gradient "
        "of the second is 1/4 by the mean, and 0 by std and by stride (here i = 0).",
        rtol=1e-6,
        atol=1e-7,
    )


@check(points=2, hidden=True)
def every_window_is_right(answer: Any, rng: np.random.Generator) -> None:
    """The filters of random windows, mirrored ones and some beyond the border, are not right."""
    n, n_filter, n_pixel = 7, 4, 9
    mean = rng.uniform(0, n_pixel, n)
    mean[:2] = -2.5, n_pixel + 1.5
    std = rng.uniform(1.2, 4, n)
    stride = rng.uniform(0.3, 2, n) * np.where(mean > n_pixel / 2, -1, 1)
    got = answer.batch_filterbank(mean, std, stride, n_filter, n_pixel)
    want = banks(mean, std, stride, n_filter, n_pixel)
    if np.shape(got) == want.shape:
        column, right = np.sum(got, axis=-2), np.sum(want, axis=-2)
        if np.allclose(column, 1) and not np.allclose(right, 1):
            raise Wrong(
                "You normalise over the wrong axis: it is each row that sums to one over the "
                "pixels, not each column over the filters."
            )
        variance = banks(mean, np.sqrt(std), stride, n_filter, n_pixel)
        if np.allclose(got, variance):
            raise Wrong("You take std for a variance: it has to be squared.")
        centre = mean[:, None] + stride[:, None] * np.arange(n_filter)
        clamped = np.clip(centre, 0, n_pixel - 1)
        parts = [banks(one, std, stride, 1, n_pixel) for one in clamped.T]
        if np.allclose(got, np.concatenate(parts, axis=1)):
            raise Wrong(
                "Centres beyond the border seem to be moved onto it. A wide filter that stands "
                "outside looks at the image with one of its flanks, and that has another shape."
            )
    close(
        got,
        want,
        "Some filters of a batch of random windows are wrong.",
        rtol=1e-6,
    )


@check(points=2, hidden=True)
def narrow_and_far_windows(answer: Any, rng: np.random.Generator) -> None:
    """With a std of 0.001 each filter must be its nearest pixel, off the image the border pixel."""
    nearest, off = rng.integers(0, 6, 8), rng.uniform(0.1, 0.4, 8)
    mean = nearest + off * rng.choice([-1, 1], 8)
    mean[:3] += np.array([-60, 50, 3000])
    std, stride = np.full(8, 1e-3), rng.choice([-1.0, 1.0], 8)
    got = answer.batch_filterbank(mean, std, stride, 3, 7)
    want = banks(mean, std, stride, 3, 7)
    if np.shape(got) == want.shape:
        if not np.isfinite(got).all():
            raise Wrong(
                "A narrow filter gives values that are not numbers: each of its exp is zero, and "
                "zero is divided by zero."
            )
        if not np.allclose(np.sum(got, axis=-1), 1):
            raise Wrong(
                "The rows of narrow filters fade to zero: a small number in the denominator does "
                "not make a row sum to one."
            )
    close(
        got,
        want,
        "Filters with a std of 0.001 are not their nearest pixels.",
        rtol=1e-6,
    )


@check(points=2, hidden=True)
def gradient_reaches_all_three(answer: Any, rng: np.random.Generator) -> None:
    """The gradient for mean, std and stride must be the one of the formula, for every window."""
    n_filter, n_pixel = 4, 11
    given = inside(rng, 5, n_filter, n_pixel)
    cotangent = rng.normal(size=(5, n_filter, n_pixel))
    got = answer.gradient(
        "batch_filterbank", cotangent, *given, n_filter, n_pixel
    )
    right = slopes(cotangent, *given)
    for one, name in enumerate(("mean", "std", "stride")):
        by, want = got[one], right[one]
        step = np.eye(3)[one][:, None] * 1e-5
        shifted = (np.array(given) + step, np.array(given) - step)
        up, down = (
            cotangent * banks(mean, std, stride, n_filter, n_pixel)
            for mean, std, stride in shifted
        )
        slope = (up - down).sum(axis=(1, 2)) / 2e-5
        np.testing.assert_allclose(want, slope, rtol=1e-4, atol=1e-6)
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
def gradient_of_lost_windows(answer: Any, rng: np.random.Generator) -> None:
    """Where a narrow window has lost the image its gradient is zero, and never 'not a number'."""
    mean = rng.integers(0, 6, 6) + rng.uniform(0.1, 0.4, 6)
    mean[:3] += np.array([-60, 50, 700])
    given = mean, np.full(6, 1e-3), np.full(6, 1.0)
    cotangent = rng.normal(size=(6, 3, 7))
    got = answer.gradient("batch_filterbank", cotangent, *given, 3, 7)
    for name, by, want in zip(
        ("mean", "std", "stride"), got, slopes(cotangent, *given), strict=True
    ):
        if not np.isfinite(by).all():
            raise Wrong(
                f"The gradient for {name} is not a number where narrow filters miss every pixel. "
                "A `where` that picks the good value does not help: the branch it leaves out still "
                "multiplies its gradient by zero, and zero times infinity is not a number."
            )
        close(
            by,
            want,
            f"The gradient for {name} of a window that sees nothing is wrong.",
            atol=1e-6,
        )


@check(points=1, hidden=True)
def any_number_of_batch_axes(answer: Any, rng: np.random.Generator) -> None:
    """Two batch axes, and none, must give what one axis gives for the same windows."""
    n_filter, n_pixel = 4, 9
    mean, std, stride = inside(rng, 6, n_filter, n_pixel)
    flat = answer.batch_filterbank(mean, std, stride, n_filter, n_pixel)
    for shape in ((2, 3), (3, 2)):
        three = (one.reshape(shape) for one in (mean, std, stride))
        close(
            answer.batch_filterbank(*three, n_filter, n_pixel),
            np.reshape(flat, (*shape, n_filter, n_pixel)),
            "Two batch axes do not give what the same windows along one axis give.",
            rtol=1e-6,
        )
    close(
        answer.batch_filterbank(mean[0], std[0], stride[0], n_filter, n_pixel),
        flat[0],
        "Three tensors without a batch axis must give one filterbank, (n_filter, n_pixel).",
        rtol=1e-6,
    )


@check(points=1, hidden=True)
def axes_of_length_one_stay(answer: Any, rng: np.random.Generator) -> None:
    """A batch of one must keep its axis, and so must a single filter and a single pixel."""
    for shape, n_filter, n_pixel in (
        ((1,), 3, 5),
        ((2, 1), 3, 5),
        ((2,), 1, 5),
        ((2,), 3, 1),
    ):
        bank = answer.batch_filterbank(
            *inside(rng, shape, n_filter, n_pixel), n_filter, n_pixel
        )
        if np.shape(bank) != (*shape, n_filter, n_pixel):
            raise Wrong(
                "An axis of length one is lost, be it the batch's, the filters' or the pixels'; "
                "`squeeze` takes all of them."
            )


@check(points=1, hidden=True)
def empty_batch(answer: Any, rng: np.random.Generator) -> None:
    """A batch of no windows must give an empty result of shape (0, n_filter, n_pixel)."""
    n_filter, n_pixel = (int(one) for one in rng.integers(2, 9, 2))
    bank = answer.batch_filterbank(*np.zeros((3, 0)), n_filter, n_pixel)
    close(bank, np.zeros((0, n_filter, n_pixel)))


@check(points=1, hidden=True)
def precision_is_kept(answer: Any, rng: np.random.Generator) -> None:
    """The result must have the precision of the tensors that came in."""
    for kind in (np.float32, np.float64):
        three = (one.astype(kind) for one in inside(rng, 4, 3, 8))
        bank = answer.batch_filterbank(*three, 3, 8)
        if bank.dtype != kind:
            raise Wrong(
                f"From {np.dtype(kind)} tensors the result must be {np.dtype(kind)}."
            )


MUTANTS = {
    "a variance for std": Mutant(
        old="score = -((distance / std[..., None, None]) ** 2) / 2",
        new="score = -(distance ** 2 / std[..., None, None]) / 2",
        falls_by="every_window_is_right",
        says="std for a variance",
    ),
    "softmax over the filters": Mutant(
        old="dim=-1",
        new="dim=-2",
        falls_by="every_window_is_right",
        says="normalise over the wrong axis",
    ),
    "centres moved onto the border": Mutant(
        old="distance = pixel - centre[..., None]",
        new="distance = pixel - centre.clamp(0, n_pixel - 1)[..., None]",
        falls_by="every_window_is_right",
        says="moved onto it",
    ),
    "an input written to": Mutant(
        old="    centre = mean[..., None]",
        new="    with torch.no_grad():\n        mean += 1e-3\n    centre = mean[..., None]",
        falls_by="every_window_is_right",
        says="writes into one of its inputs",
    ),
    "exp, then a division": Mutant(
        old="return torch.softmax(score, dim=-1)",
        new="return score.exp() / score.exp().sum(dim=-1, keepdim=True)",
        falls_by="narrow_and_far_windows",
        says="zero is divided by zero",
    ),
    "the published listing's constant": Mutant(
        old="return torch.softmax(score, dim=-1)",
        new="return score.exp() / (score.exp().sum(dim=-1, keepdim=True) + 1e-8)",
        falls_by="narrow_and_far_windows",
        says="fade to zero",
    ),
    "a where around the division": Mutant(
        old="return torch.softmax(score, dim=-1)",
        new="bell = score.exp()\n"
        "    total = bell.sum(dim=-1, keepdim=True)\n"
        "    nearest = torch.nn.functional.one_hot(score.argmax(dim=-1), n_pixel)\n"
        "    return torch.where(total > 0, bell / total, nearest.to(bell.dtype))",
        falls_by="gradient_of_lost_windows",
        says="zero times infinity",
    ),
    "a detached std": Mutant(
        old="std[..., None, None]",
        new="std.detach()[..., None, None]",
        falls_by="gradient_reaches_all_three",
        says="No gradient reaches std",
    ),
    "numbers taken out of torch": Mutant(
        old="    centre = mean[..., None]",
        new="    stride = torch.tensor(stride.tolist(), dtype=mean.dtype)\n"
        "    centre = mean[..., None]",
        falls_by="gradient_reaches_all_three",
        says="No gradient reaches stride",
    ),
    "everything detached": Mutant(
        old="return torch.softmax(score, dim=-1)",
        new="return torch.softmax(score.detach(), dim=-1)",
        falls_by="gradient_reaches_all_three",
        says="raised RuntimeError",
    ),
    "one batch axis only": Mutant(
        old="std[..., None, None]",
        new="std[:, None, None]",
        falls_by="any_number_of_batch_axes",
        says="raised RuntimeError",
    ),
    "a squeeze at the end": Mutant(
        old="return torch.softmax(score, dim=-1)",
        new="return torch.softmax(score, dim=-1).squeeze()",
        falls_by="axes_of_length_one_stay",
        says="`squeeze` takes all",
    ),
    "a loop over the windows": Mutant(
        old="return torch.softmax(score, dim=-1)",
        new="rows = score.reshape(-1, n_filter, n_pixel)\n"
        "    bank = torch.stack([torch.softmax(one, dim=-1) for one in rows])\n"
        "    return bank.reshape(score.shape)",
        falls_by="empty_batch",
        says="raised RuntimeError",
    ),
    "always float64": Mutant(
        old="return torch.softmax(score, dim=-1)",
        new="return torch.softmax(score, dim=-1).double()",
        falls_by="precision_is_kept",
        says="result must be float32",
    ),
    "counting in float32": Mutant(
        old="return torch.softmax(score, dim=-1)",
        new="return torch.softmax(score.float(), dim=-1)",
        falls_by="precision_is_kept",
        says="result must be float64",
    ),
}
