"""Checks of the shrinking of fine-grained images, and of the record of its trials."""

from typing import Any

import numpy as np

from attn_course._typing import Array
from attn_course.exercises.checking import Mutant, Wrong, check, close

N_SIDE, N_VIEW = 96, 12
SCALES = (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)
WAYS = ("1x1", "2x2", "4x4", "8x8", "blur")
N_SEED, N_AGAIN = 3, 16  # fewest seeds, trials run again
KEYS = ("seed", "scale", "n_sample", "std", "error")
PLACE = np.arange(N_VIEW)


def _noise(seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((N_SIDE, N_SIDE))


def _corner(seed: int, scale: float) -> Array:
    room = N_SIDE - 16 - N_VIEW * scale
    return 7.5 + room * np.random.default_rng([seed, 1]).random(2)


def _exact(image: Array, begin: Array, scale: float) -> Array:
    """Means over areas as differences of the integral of the pixels' squares."""
    for axis in (0, 1):
        n = image.shape[axis]
        total = np.insert(np.cumsum(image, axis=axis), 0, 0, axis=axis)
        edge = begin[1 - axis] + scale * np.arange(N_VIEW + 1) + 0.5
        upto = np.apply_along_axis(
            lambda one, edge=edge, n=n: np.interp(edge, np.arange(n + 1), one),
            axis,
            total,
        )
        image = np.diff(upto, axis=axis) / scale
    return image


def _sampled(image: Array, begin: Array, scale: float, n_sample: int) -> Array:
    """Means of bilinear readings, each from its four neighbours."""
    cell = (np.arange(N_VIEW * n_sample) + 0.5) / n_sample * scale
    x, y = np.meshgrid(begin[0] + cell, begin[1] + cell)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, low = x - left, y - top
    read = (1 - low) * (
        (1 - right) * image[top, left] + right * image[top, left + 1]
    )
    read += low * (
        (1 - right) * image[top + 1, left] + right * image[top + 1, left + 1]
    )
    return read.reshape(N_VIEW, n_sample, N_VIEW, n_sample).mean(axis=(1, 3))


def _blurred(image: Array, std: float) -> Array:
    for axis in (0, 1):
        away = np.subtract.outer(*[np.arange(image.shape[axis])] * 2)
        bell = np.exp(-0.5 * (away / std) ** 2)
        bell /= bell.sum(axis=1)[:, None]
        image = np.moveaxis(np.tensordot(bell, image, axes=(1, axis)), 0, axis)
    return image


def _error(view: Array, exact: Array) -> float:
    return float(np.linalg.norm(view - exact) / np.linalg.norm(exact))


def _window(rng: np.random.Generator) -> tuple[Array, Array, float]:
    """An image of two unequal sides, the corner of a window within it, and a scale."""
    scale = float(rng.uniform(1.1, 4.9))
    height, width = (int(one) for one in rng.integers((64, 72), (70, 80)))
    image = rng.random((height, width)) + 0.5
    room = np.array([width, height]) - 4 - N_VIEW * scale
    return image, 1.5 + room * rng.random(2), scale


def _trials(record: Any) -> list[dict[str, Any]]:
    """The trials of a record; a sentence where one cannot be read."""
    trials = record.get("trials") if isinstance(record, dict) else None
    if not isinstance(trials, list) or not trials:
        raise Wrong(
            'trial_record() must return a dictionary whose "trials" is a list of dictionaries.'
        )
    read = []
    for one in trials:
        if not isinstance(one, dict) or not set(KEYS) <= set(one):
            raise Wrong(
                'Each trial is a dictionary with "seed", "scale", "n_sample", "std" and "error".'
            )
        values = {key: np.asarray(one[key]) for key in KEYS}
        if any(v.shape or v.dtype.kind not in "iuf" for v in values.values()):
            raise Wrong("What a trial holds is five numbers.")
        if any(values[key].dtype.kind == "f" for key in ("seed", "n_sample")):
            raise Wrong('"seed" and "n_sample" are whole numbers.')
        seed, scale, n_sample, std, error = (values[key] for key in KEYS)
        if not (0 <= seed < 2**31 and 1 <= n_sample <= 64 and 1 <= scale <= 6):
            raise Wrong(
                '"seed" is at least 0 and less than 2**31, "n_sample" between 1 and 64, "scale" '
                "between 1 and 6."
            )
        if not (0 <= std <= 96 and 0 <= error < np.inf):
            raise Wrong(
                '"std" is between 0, for no blur, and 96, and "error" a number from 0 up.'
            )
        read.append({key: values[key].item() for key in KEYS})
    return read


def _way(trial: dict[str, Any]) -> str:
    """The name of a trial's way, where it has one."""
    n = trial["n_sample"]
    if trial["std"] > 0:
        return "blur" if n == 1 else "both"
    return f"{n}x{n}"


@check(points=1)
def five_errors_are_predicted(answer: Any, rng: np.random.Generator) -> None:
    """expected_errors() must return {"1x1": e, "2x2": e, "4x4": e, "8x8": e, "blur": e}, errors from 0
    up."""
    got = answer.expected_errors()
    if not isinstance(got, dict) or set(got) != set(WAYS):
        raise Wrong(
            'Return a dictionary with the keys "1x1", "2x2", "4x4", "8x8" and "blur".'
        )
    if not all(np.ndim(got[way]) == 0 and 0 <= got[way] < 100 for way in WAYS):
        raise Wrong(
            "A relative error is a number from 0 up: 1 where the error is as large as what is "
            "to be shown."
        )


@check(points=1)
def stripes_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """The columns of an image are 0, 1, 0, 1, … and a window of scale 2 begins at x = 4. Its exact
    means are all 0.5. One reading for each pixel, at x = 5, 7, …, gives 1 everywhere; two, at 4.5
    and 5.5, 0.5."""
    image = np.tile([0.0, 1.0], (32, 16))
    begin = np.array([4.0, 3.0])
    grey, white = np.full((N_VIEW, N_VIEW), 0.5), np.ones((N_VIEW, N_VIEW))
    close(answer.exact_view(image, begin, 2.0), grey)
    close(answer.sampled_view(image, begin, 2.0, 1), white)
    close(answer.sampled_view(image, begin, 2.0, 2), grey)


@check(points=1)
def blur_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """A row of two pixels, 1 and 0, under a Gaussian of std 1: the weights are 1 and exp(-1/2) =
    0.6065, which over their sum are 0.6225 and 0.3775."""
    near = 1 / (1 + np.exp(-0.5))
    close(answer.blurred(np.array([[1.0, 0.0]]), 1.0), [[near, 1 - near]])


@check(points=1)
def error_by_hand(answer: Any, rng: np.random.Generator) -> None:
    """Where 3 and 4 ought to stand, and 3 and 9 stand there, the error is 5 and what was to be shown
    is 5, both over the root of 2: a relative error of 1."""
    exact, view = np.array([[3.0, 4.0]]), np.array([[3.0, 9.0]])
    close(answer.relative_error(view, exact), 1.0)


@check(points=2, hidden=True)
def means_over_areas(answer: Any, rng: np.random.Generator) -> None:
    """The exact means over the view's pixels are wrong on a random window: a pixel of the image is a
    square from m - 1/2 to m + 1/2, and counts by the part of it that is covered."""
    for _ in range(2):
        image, begin, scale = _window(rng)
        got = answer.exact_view(image, begin, scale)
        want = _exact(image, begin, scale)
        if np.shape(got) == want.shape:
            if np.allclose(got, scale**2 * want):
                raise Wrong(
                    "You return the sum over the area, and the mean is asked for."
                )
            if np.allclose(got, _exact(image, begin - 0.5, scale)):
                raise Wrong(
                    "The first pixel does not begin at 0: its centre is there."
                )
        close(got, want)


@check(points=2, hidden=True)
def cells_are_read(answer: Any, rng: np.random.Generator) -> None:
    """The means of readings are wrong on a random window: each pixel of the view is cut into n × n
    equal cells, and the bilinear readings are taken in their centres."""
    for n_sample in (1, 2, int(rng.integers(3, 6))):
        image, begin, scale = _window(rng)
        close(
            answer.sampled_view(image, begin, scale, n_sample),
            _sampled(image, begin, scale, n_sample),
        )


@check(points=1, hidden=True)
def blur_keeps_brightness(answer: Any, rng: np.random.Generator) -> None:
    """A blurred image is wrong: the weights along each axis are exp(-d²/(2 std²)), divided by their
    sum over the pixels that there are."""
    image, std = 1 + rng.random((25, 31)), float(rng.uniform(0.8, 1.4))
    got, want = answer.blurred(image, std), _blurred(image, std)
    if np.shape(got) == want.shape:
        if np.allclose(got, _blurred(image, std / 2**0.5)):
            raise Wrong(
                "Your Gaussian is too narrow by the root of 2: twice the squared std stands below."
            )
        inside = slice(9, -9), slice(9, -9)
        if not np.allclose(got, want) and np.allclose(
            got[inside], want[inside], rtol=1e-3
        ):
            raise Wrong(
                "In the middle the blur is right and at the border it is not: divide "
                "by the sum of the weights that are there."
            )
    close(got, want)


@check(points=1, hidden=True)
def error_is_relative(answer: Any, rng: np.random.Generator) -> None:
    """A relative error is the root of the mean squared error over that of the mean squared exact
    view, its mean not taken off."""
    exact = rng.uniform(1, 3, (5, 7))
    view = exact + rng.uniform(0.1, 1, (5, 7))
    got, want = answer.relative_error(view, exact), _error(view, exact)
    if np.shape(got) == () and np.isclose(got, want**2):
        raise Wrong("The root is missing.")
    close(got, want)


@check(points=2, hidden=True)
def std_is_well_chosen(answer: Any, rng: np.random.Generator) -> None:
    """With the std that you choose, the blur errs by more than a third more than it has to,
    averaged over scales from 3 to 6."""
    fresh = [int(seed) for seed in rng.integers(2**31, size=8)]
    yours, best = [], []
    for low in (3.0, 4.0, 5.0):
        scale = low + float(rng.random())
        std = answer.chosen_std(scale)
        if np.ndim(std) or not 0 < std < 96:
            raise Wrong("The std must be a number of pixels, greater than 0.")
        errors = {}
        for one in (float(std), *(scale * np.arange(0.22, 0.5, 0.03))):
            errors[one] = np.mean(
                [
                    _error(
                        _sampled(
                            _blurred(_noise(seed), one),
                            _corner(seed, scale),
                            scale,
                            1,
                        ),
                        _exact(_noise(seed), _corner(seed, scale), scale),
                    )
                    for seed in fresh
                ]
            )
        yours.append(errors[float(std)])
        best.append(min(errors.values()))
    assert np.mean(yours) <= 4 / 3 * np.mean(best)


@check(points=1, hidden=True)
def record_is_complete(answer: Any, rng: np.random.Generator) -> None:
    """The record must hold, for three seeds or more, each of the seven scales with 1 × 1 to 8 × 8
    samples and no blur, and with one sample and a blur (at scale 1 that may be none)."""
    trials = _trials(answer.trial_record())
    seeds = {one["seed"] for one in trials}
    if len(seeds) < N_SEED:
        raise Wrong(
            f"The record has {len(seeds)} different seeds; run {N_SEED} at least."
        )
    run = {(one["seed"], one["scale"], _way(one)) for one in trials}
    ways = [f"{n}x{n}" for n in range(1, 9)] + ["blur"]
    for seed in seeds:
        for scale in SCALES:
            needed = ways if scale > 1 else ways[:-1]  # a std of 0 may be best
            if not {(seed, scale, way) for way in needed} <= run:
                raise Wrong("Some seed lacks some way at some of the scales.")


@check(points=1, hidden=True)
def means_follow_from_the_trials(
    answer: Any, rng: np.random.Generator
) -> None:
    """The five numbers under "mean" must be the means of the recorded errors at scale 4, over all
    seeds of the record."""
    record = answer.trial_record()
    trials = _trials(record)
    mean = record.get("mean")
    if not isinstance(mean, dict) or set(mean) != set(WAYS):
        raise Wrong(
            '"mean" must be a dictionary with the keys "1x1", "2x2", "4x4", "8x8" and "blur".'
        )
    for way in WAYS:
        errors = [
            one["error"]
            for one in trials
            if one["scale"] == 4 and _way(one) == way
        ]
        if not errors:
            raise Wrong("Some way has no trials at scale 4.")
        close(mean[way], np.mean(errors), rtol=0.01, atol=1e-6)


@check(points=3, hidden=True)
def trials_run_again_err_alike(answer: Any, rng: np.random.Generator) -> None:
    """Run again with your own functions on the images and windows of their seeds, some of the
    recorded trials err by another amount."""
    trials = _trials(answer.trial_record())
    blur = [one for one in trials if one["std"] > 0]
    plain = [one for one in trials if one["std"] == 0]
    for some in (blur, plain):
        if len(some) < N_AGAIN:
            raise Wrong("There are too few trials to run some again.")
        for i in rng.choice(len(some), N_AGAIN, replace=False):
            seed, scale, n_sample, std, error = (some[i][key] for key in KEYS)
            image, begin = _noise(seed), _corner(seed, scale)
            exact = answer.exact_view(image, begin, scale)
            if std:
                image = answer.blurred(image, std)
            view = answer.sampled_view(image, begin, scale, n_sample)
            got = answer.relative_error(view, exact)
            close(got, np.float64(error), rtol=1e-3, atol=1e-6)


MUTANTS = {
    "whole pixels only": Mutant(
        old="covered.append(np.maximum(part, 0) / scale)",
        new="whole = np.round(np.maximum(part, 0))\n"
        "        covered.append(whole / whole.sum(axis=1, keepdims=True))",
        falls_by="means_over_areas",
        says="by the part of it that is covered",
    ),
    "the sum for the mean": Mutant(
        old="covered.append(np.maximum(part, 0) / scale)",
        new="covered.append(np.maximum(part, 0))",
        falls_by="means_over_areas",
        says="You return the sum",
    ),
    "pixels that begin at whole numbers": Mutant(
        old="np.minimum(high, pixel + 0.5) - np.maximum(low, pixel - 0.5)",
        new="np.minimum(high, pixel + 1) - np.maximum(low, pixel)",
        falls_by="means_over_areas",
        says="does not begin at",
    ),
    "samples in the corners of the cells": Mutant(
        old="(np.arange(N_VIEW * n_sample) + 0.5) / n_sample",
        new="np.arange(N_VIEW * n_sample) / n_sample",
        falls_by="cells_are_read",
        says="in their centres",
    ),
    "one row of samples": Mutant(
        old="triangle.reshape(N_VIEW, n_sample, n_pixel).mean(axis=1)",
        new="triangle.reshape(N_VIEW, n_sample, n_pixel)[:, n_sample // 2]",
        falls_by="cells_are_read",
        says="n × n equal cells",
    ),
    "nearest pixels": Mutant(
        old="triangle = np.maximum(0, 1 - away)",
        new="triangle = (away <= 0.5) * 1.0",
        falls_by="cells_are_read",
        says="bilinear readings",
    ),
    "a Gaussian without its two": Mutant(
        old="np.exp(-(away**2) / (2 * std**2))",
        new="np.exp(-(away**2) / std**2)",
        falls_by="blur_keeps_brightness",
        says="too narrow",
    ),
    "a border that darkens": Mutant(
        old="bell / bell.sum(axis=1, keepdims=True)",
        new="bell / (std * np.sqrt(2 * np.pi))",
        falls_by="blur_keeps_brightness",
        says="at the border it is not",
    ),
    "no root": Mutant(
        old="return float(np.sqrt(np.mean((view - exact) ** 2) / np.mean(exact**2)))",
        new="return float(np.mean((view - exact) ** 2) / np.mean(exact**2))",
        falls_by="error_is_relative",
        says="root is missing",
    ),
    "over the std of the exact view": Mutant(
        old="/ np.mean(exact**2)",
        new="/ np.var(exact)",
        falls_by="error_is_relative",
        says="its mean not taken off",
    ),
    "a blur as wide as the pixel": Mutant(
        old="return 0.33 * scale",
        new="return 1.0 * scale",
        falls_by="std_is_well_chosen",
        says="more than it has to",
    ),
    "one blur for all scales": Mutant(
        old="return 0.33 * scale",
        new="return 0.7",
        falls_by="std_is_well_chosen",
        says="more than it has to",
    ),
    "two seeds": Mutant(
        old="for seed in (1, 2, 3):",
        new="for seed in (1, 2):",
        falls_by="record_is_complete",
        says="has 2 different seeds",
    ),
    "powers of two only": Mutant(
        old="[(n, 0.0) for n in range(1, 9)]",
        new="[(n, 0.0) for n in (1, 2, 4, 8)]",
        falls_by="record_is_complete",
        says="lacks some way",
    ),
    "the mean over all scales": Mutant(
        old='if one["scale"] == 4\n            and (one["std"] > 0)',
        new='if (one["std"] > 0)',
        falls_by="means_follow_from_the_trials",
        says="at scale 4",
    ),
    "errors of another window": Mutant(
        old="exact = exact_view(noise(seed), begin, scale)",
        new="exact = exact_view(noise(seed), begin + 0.5, scale)",
        falls_by="trials_run_again_err_alike",
        says="by another amount",
    ),
    "blur after sampling": Mutant(
        old="                error = relative_error(view, exact)\n",
        new="                view = blurred(view, std / scale) if std else view\n"
        "                error = relative_error(view, exact)\n",
        falls_by="trials_run_again_err_alike",
        says="by another amount",
    ),
}
