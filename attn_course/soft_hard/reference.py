"""Soft masks, hard choices and their gradients, and the recurrent model that looks around.

NumPy, one example at a time. Places are (x, y), normalised so that the outer edges of an image lie
at -1 and 1: the upper left corner is (-1, -1), the middle (0, 0).
"""

from collections.abc import Callable, Mapping

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Float, Int, Number
from attn_course.preliminaries.reference import dense, simple_cell, softmax

_IMAGE = "an image is (channel, height, width)"

# Masks ------------------------------------------------------------------------------------------


def sigmoid_mask(score: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""Mask with independent entries, :math:`a_i = 1 / (1 + e^{-s_i})`.

    Parameters
    ----------
    score : (n,)
        One score for each feature.

    Returns
    -------
    mask : (n,)
        Numbers between 0 and 1. They need not sum to one: several features may pass, or none.

    Examples
    --------
    >>> sigmoid_mask(np.array([0.0, np.log(3.0), -1e4]))
    array([0.5 , 0.75, 0.  ])
    """
    return (1 + np.tanh(score / 2)) / 2


def soft_glimpse(feature: Float[Array, " n"], mask: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""Glimpse :math:`g = a \odot z`: each feature times its entry of the mask.

    Parameters
    ----------
    feature : (n,)
        The features z.
    mask : (n,)
        The attention a, of any real numbers; between 0 and 1 it is soft attention, and where all
        are 0 or 1 `feature[mask == 1]` is the hard glimpse, which has changed its size.

    Returns
    -------
    glimpse : (n,)

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    A. Kosiorek (2017), Attention in neural networks and how to use it; his first equation.

    Examples
    --------
    >>> soft_glimpse(np.array([2.0, 4.0, 6.0]), np.array([0.0, 0.25, 1.0]))
    array([0., 1., 6.])
    """
    _check.shape("mask", mask.shape, feature.shape)
    return mask * feature


# Four kinds of attention, one interface: kind(control, feature, noise) -> glimpse -----------------


def soft_item(
    control: Float[Array, " n_item"], feature: Float[Array, "n_item d"], noise: None = None
) -> Float[Array, " d"]:
    r"""Item-wise soft attention: :math:`\sum_i \mathrm{softmax}(e)_i\, x_i`.

    Parameters
    ----------
    control : (n_item,)
        The scores e.
    feature : (n_item, d)
        The items x.
    noise : None
        Nothing is drawn.

    Returns
    -------
    glimpse : (d,)

    Raises
    ------
    ValueError
        If there is not one score for each item.

    References
    ----------
    Wang and Tax (2016), section 2.4.1.

    Examples
    --------
    >>> soft_item(np.log([1.0, 3.0]), np.array([[4.0, 0.0], [0.0, 4.0]]))
    array([1., 3.])
    """
    _check.shape("control", control.shape, feature.shape[:1], "one score for each item")
    return softmax(control[None])[0] @ feature


def hard_item(
    control: Float[Array, " n_item"],
    feature: Float[Array, "n_item d"],
    noise: Float[Array, " n_item"],
) -> Float[Array, " d"]:
    r"""Item-wise hard attention: the one item :math:`\arg\max_i (e_i + n_i)`.

    Parameters
    ----------
    control : (n_item,)
        The scores e.
    feature : (n_item, d)
        The items.
    noise : (n_item,)
        With `gumbel_noise` item i is drawn with probability softmax(e)_i; with zeros it is the
        likeliest.

    Returns
    -------
    glimpse : (d,)

    Raises
    ------
    ValueError
        If there is not one score, and one noise, for each item.

    References
    ----------
    Wang and Tax (2016), section 2.4.2; the draw is described by Maddison et al. (2017).

    Examples
    --------
    >>> item = np.array([[4.0, 0.0], [0.0, 4.0]])
    >>> hard_item(np.log([1.0, 3.0]), item, np.zeros(2))
    array([0., 4.])
    """
    _check.shape("control", control.shape, feature.shape[:1], "one score for each item")
    _check.shape("noise", noise.shape, control.shape)
    return feature[np.argmax(control + noise)]


def soft_location(
    control: Float[Array, "height width"],
    feature: Float[Array, "channel height width"],
    noise: None = None,
) -> Float[Array, "channel height width"]:
    """Location-wise soft attention: the image under a sigmoid mask of its own size.

    Parameters
    ----------
    control : (height, width)
        A score for each pixel.
    feature : (channel, height, width)
        The image.
    noise : None
        Nothing is drawn.

    Returns
    -------
    glimpse : (channel, height, width)
        As large as the image: what is masked is still carried along.

    Raises
    ------
    ValueError
        If there is not one score for each pixel.

    Examples
    --------
    >>> soft_location(np.array([[0.0, -1e4]]), np.array([[[6.0, 7.0]]]))
    array([[[3., 0.]]])
    """
    _check.shape("control", control.shape, feature.shape[1:], "one score for each pixel")
    return sigmoid_mask(control.ravel()).reshape(control.shape) * feature


def hard_location(
    control: Float[Array, " 2"],
    feature: Float[Array, "channel height width"],
    noise: Float[Array, " 2"],
    size: int,
    std: Number,
) -> Float[Array, "channel size size"]:
    """Location-wise hard attention: a crop round a place drawn near the one that was proposed.

    Parameters
    ----------
    control : (2,)
        The proposed place (x, y), normalised.
    feature : (channel, height, width)
        The image.
    noise : (2,)
        Standard normal numbers, or zeros for the proposed place itself.
    size : int
        Side of the crop, in pixels.
    std : float
        Standard deviation of the draw, in normalised units.

    Returns
    -------
    glimpse : (channel, size, size)
        Cropped round the place, which is first brought into the image; zero outside the image.

    Raises
    ------
    ValueError
        If a place has not two numbers, the size is below 1, the std is negative or the image has
        not three axes.

    Examples
    --------
    >>> hard_location(np.array([1.0, 0.0]), np.array([[[1.0, 2, 3, 4]]]), np.zeros(2), 2, 0.1)
    array([[[4., 0.],
            [0., 0.]]])
    """
    _check.shape("control", control.shape, (2,), "a place is (x, y)")
    _check.shape("noise", noise.shape, (2,))
    _check.at_least("std", std, 0)
    _check.shape("feature", feature.shape, (None, None, None), _IMAGE)
    place = np.clip(control + std * noise, -1, 1)
    return crop(feature, _corner(place, feature.shape[1:], size), size)


def glimpse_loop(
    look: Callable[..., Array],
    feature: Float[Array, "..."],
    noise: Float[Array, "n_step ..."] | None,
    params: Mapping[str, Array],
    n_step: int,
) -> tuple[Float[Array, "n_step ..."], Float[Array, "n_step d_hidden"]]:
    r"""Any of the four kinds inside a recurrent loop.

    :math:`g_t = \mathrm{look}(W h_{t-1} + b,\, x)` and :math:`h_t` is the simple cell's next state
    on the flattened :math:`g_t`; :math:`h_0 = 0`.

    Parameters
    ----------
    look : callable
        One of the four kinds; `hard_location` with its `size` and `std` filled in. The control of
        `soft_location` is shaped like the image.
    feature : (...)
        The items or the image; the same at every step.
    noise : (n_step, ...) or None
        What the kind draws with, step by step; None for a soft kind.
    params : mapping
        `control.w`, `control.b` of the dense layer from state to control; `cell.w_input`,
        `cell.w_hidden`, `cell.b` of the cell.
    n_step : int
        Number of glimpses.

    Returns
    -------
    glimpse : (n_step, ...)
    hidden : (n_step, d_hidden)

    Raises
    ------
    ValueError
        If there is no step, or noise for another number of steps.

    References
    ----------
    Wang and Tax (2016), section 2.4. The slides give the same loop with an input that may change
    from step to step.
    """
    _check.at_least("n_step", n_step, 1)
    if noise is not None:
        _check.shape("noise", noise.shape[:1], (n_step,), "one draw for each step")
    hidden = np.zeros(params["cell.w_hidden"].shape[1])
    glimpses, states = [], []
    for t in range(n_step):
        control = dense(hidden, params["control.w"], params["control.b"])
        if look is soft_location:
            control = control.reshape(feature.shape[1:])
        glimpse = look(control, feature, None if noise is None else noise[t])
        weights = (params[f"cell.{name}"] for name in ("w_input", "w_hidden", "b"))
        hidden = simple_cell(glimpse.ravel(), hidden, *weights)
        glimpses.append(glimpse)
        states.append(hidden)
    return np.stack(glimpses), np.stack(states)


# Gradients of hard choices ----------------------------------------------------------------------


def expected_gradient(score: Float[Array, " n"], reward: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""Gradient of the expected reward with respect to the scores, by enumeration.

    :math:`\partial / \partial s_j \sum_i p_i r_i = p_j (r_j - \sum_i p_i r_i)`, with
    :math:`p = \mathrm{softmax}(s)`.

    Parameters
    ----------
    score : (n,)
        Scores s of the choices.
    reward : (n,)
        Reward r of each choice.

    Returns
    -------
    gradient : (n,)
        It sums to zero: adding a number to all scores changes nothing.

    Raises
    ------
    ValueError
        If there is not one reward for each choice.

    Examples
    --------
    >>> expected_gradient(np.log([1.0, 1.0, 2.0]), np.array([0.0, 0.0, 4.0]))
    array([-0.5, -0.5,  1. ])
    """
    _check.shape("reward", reward.shape, score.shape, "one reward for each choice")
    p = softmax(score[None])[0]
    return p * (reward - p @ reward)


def choice_score(score: Float[Array, " n"], choice: int) -> Float[Array, " n"]:
    r"""Score function of a choice, :math:`\partial \log p_i / \partial s_j = [i = j] - p_j`.

    Parameters
    ----------
    score : (n,)
        Scores s of the choices; p is their softmax.
    choice : int
        The choice i that was drawn, from 0.

    Returns
    -------
    gradient : (n,)

    Raises
    ------
    ValueError
        If there is no such choice.

    Examples
    --------
    >>> choice_score(np.log([1.0, 1.0, 2.0]), 2)
    array([-0.25, -0.25,  0.5 ])
    """
    _check.at_least("choice", choice, 0)
    _check.at_most("choice", choice, len(score) - 1)
    return np.eye(len(score))[choice] - softmax(score[None])[0]


def location_score(
    mean: Float[Array, " 2"], std: Number, location: Float[Array, " 2"]
) -> Float[Array, " 2"]:
    r"""Score function of a place: :math:`\partial \log N(l; \mu, \sigma^2) / \partial \mu`.

    It is :math:`(l - \mu) / \sigma^2`.

    Parameters
    ----------
    mean : (2,)
        The mean, in normalised coordinates.
    std : float
        The standard deviation of either coordinate.
    location : (2,)
        The place that was drawn; it is a constant here, however it came about.

    Returns
    -------
    gradient : (2,)

    Raises
    ------
    ValueError
        If the std is not positive or a place has not two numbers.

    References
    ----------
    Williams (1992), section 6.

    Examples
    --------
    >>> location_score(np.array([0.5, 0.0]), 0.5, np.array([1.0, -0.25]))
    array([ 2., -1.])
    """
    _check.positive("std", std)
    _check.shape("mean", mean.shape, (2,), "a place is (x, y)")
    _check.shape("location", location.shape, (2,), "a place is (x, y)")
    return (location - mean) / std**2


def score_function_gradient(
    score: Float[Array, " n"],
    choice: Int[Array, " n_draw"],
    reward: Float[Array, " n_draw"],
    baseline: Float[Array, " n_draw"],
) -> Float[Array, " n"]:
    r"""Score-function estimate (REINFORCE) of `expected_gradient` from draws.

    :math:`\frac1m \sum_k (r_k - b_k)\, \nabla_s \log p(i_k)`.

    Parameters
    ----------
    score : (n,)
        Scores of the choices.
    choice : (n_draw,)
        Choices drawn from the softmax of the scores.
    reward : (n_draw,)
        Reward of each draw.
    baseline : (n_draw,)
        Taken off each reward. The estimate is unbiased if a draw's baseline does not depend on
        what was drawn in it.

    Returns
    -------
    gradient : (n,)

    Raises
    ------
    ValueError
        If draws, rewards and baselines differ in number.

    References
    ----------
    Williams (1992), section 4.

    Examples
    --------
    >>> score = np.log([1.0, 1.0, 2.0])
    >>> score_function_gradient(score, np.array([2, 0]), np.array([4.0, 0.0]), np.zeros(2))
    array([-0.5, -0.5,  1. ])
    """
    _check.shape("reward", reward.shape, choice.shape, "one reward for each draw")
    _check.shape("baseline", baseline.shape, choice.shape, "one baseline for each draw")
    scores = np.stack([choice_score(score, int(i)) for i in choice])
    return (reward - baseline) @ scores / len(choice)


def leave_one_out(reward: Float[Array, " n_draw"]) -> Float[Array, " n_draw"]:
    """Baseline of each draw: the mean reward of the other draws.

    Parameters
    ----------
    reward : (n_draw,)
        Rewards of draws from one distribution, at least two.

    Returns
    -------
    baseline : (n_draw,)

    Raises
    ------
    ValueError
        If there is one draw only.

    References
    ----------
    Mnih and Rezende (2016); Kool et al. (2019).

    Examples
    --------
    >>> leave_one_out(np.array([1.0, 2.0, 6.0]))
    array([4. , 3.5, 1.5])
    """
    _check.at_least("n_draw", len(reward), 2, "one draw has no others")
    return (reward.sum() - reward) / (len(reward) - 1)


def gumbel_noise(uniform: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""Gumbel noise from uniform numbers, :math:`-\log(-\log u)`.

    Parameters
    ----------
    uniform : (...)
        Numbers strictly between 0 and 1.

    Returns
    -------
    noise : (...)

    References
    ----------
    Jang et al. (2017), section 2.

    Examples
    --------
    >>> gumbel_noise(np.array([np.exp(-1.0)])).round(12) + 0
    array([0.])
    """
    return -np.log(-np.log(uniform))


def gumbel_softmax(
    score: Float[Array, " n"], noise: Float[Array, " n"], temperature: Number
) -> Float[Array, " n"]:
    r"""Relaxed draw, :math:`\mathrm{softmax}((s + n) / \tau)`.

    Parameters
    ----------
    score : (n,)
        Scores s of the choices.
    noise : (n,)
        Gumbel noise n.
    temperature : float
        As it goes to 0 the result goes to the one-hot draw of `hard_item`.

    Returns
    -------
    weight : (n,)
        Positive, with sum one.

    Raises
    ------
    ValueError
        If the temperature is not positive or there is not one noise for each choice.

    References
    ----------
    Jang et al. (2017), equation 2; Maddison et al. (2017), equation 10.

    Examples
    --------
    >>> gumbel_softmax(np.zeros(2), np.array([0.0, np.log(3.0)]), 1.0)
    array([0.25, 0.75])
    """
    _check.positive("temperature", temperature)
    _check.shape("noise", noise.shape, score.shape)
    return softmax((score + noise)[None] / temperature)[0]


def straight_through(score: Float[Array, " n"], noise: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""One-hot draw :math:`\arg\max(s + n)`, whose twin passes gradients as the softmax of s does.

    Parameters
    ----------
    score : (n,)
        Scores s of the choices.
    noise : (n,)
        Gumbel noise n, or zeros for the likeliest.

    Returns
    -------
    choice : (n,)
        A one and zeros.

    Raises
    ------
    ValueError
        If there is not one noise for each choice.

    Notes
    -----
    Its true gradient is zero wherever it exists. `straight_through_gradient` is what the twin
    passes on instead.

    References
    ----------
    Bengio et al. (2013), on binary units; Jang et al. (2017), section 2.2, on choices, who pass the
    gradient of the relaxed draw.

    Examples
    --------
    >>> straight_through(np.array([1.0, 2.0, 0.0]), np.zeros(3))
    array([0., 1., 0.])
    """
    _check.shape("noise", noise.shape, score.shape)
    return np.eye(len(score))[np.argmax(score + noise)]


def straight_through_gradient(
    score: Float[Array, " n"], slope: Float[Array, " n"]
) -> Float[Array, " n"]:
    r"""What `straight_through` passes on: :math:`p \odot (f' - p \cdot f')`.

    Parameters
    ----------
    score : (n,)
        Scores of the choices; p is their softmax.
    slope : (n,)
        Gradient :math:`f'` of the objective with respect to the one-hot vector, at the draw.

    Returns
    -------
    gradient : (n,)

    Raises
    ------
    ValueError
        If there is not one slope for each choice.

    Notes
    -----
    It is `expected_gradient` with slopes in the rewards' place, and equal to it where the
    objective is linear in the one-hot vector.

    Examples
    --------
    >>> straight_through_gradient(np.zeros(2), np.array([4.0, 0.0]))
    array([ 1., -1.])
    """
    _check.shape("slope", slope.shape, score.shape, "one slope for each choice")
    p = softmax(score[None])[0]
    return p * (slope - p @ slope)


# Looking around ---------------------------------------------------------------------------------


def crop(
    feature: Float[Array, "channel height width"], corner: Int[Array, " 2"], size: int
) -> Float[Array, "channel size size"]:
    """Square piece of an image, by indexing; zero where it leaves the image.

    Parameters
    ----------
    feature : (channel, height, width)
        The image.
    corner : (2,)
        Column and row of the upper left pixel, (x, y); they may lie outside.
    size : int
        Side of the piece, in pixels.

    Returns
    -------
    piece : (channel, size, size)

    Raises
    ------
    ValueError
        If the size is below 1, the corner has not two numbers or the image has not three axes.

    Examples
    --------
    >>> crop(np.arange(6.0).reshape(1, 2, 3), np.array([2, 0]), 2)
    array([[[2., 0.],
            [5., 0.]]])
    """
    _check.at_least("size", size, 1)
    _check.shape("corner", corner.shape, (2,), "a corner is (x, y)")
    _check.shape("feature", feature.shape, (None, None, None), _IMAGE)
    height, width = feature.shape[1:]
    piece = np.zeros((len(feature), size, size), feature.dtype)
    for i in range(size):
        for j in range(size):
            x, y = corner[0] + j, corner[1] + i
            if 0 <= x < width and 0 <= y < height:
                piece[:, i, j] = feature[:, y, x]
    return piece


def retina(
    feature: Float[Array, "channel height width"],
    location: Float[Array, " 2"],
    size: int,
    n_scale: int,
) -> Float[Array, "n_scale channel size size"]:
    """Patches round one place, each twice as wide as the last and all of one size.

    Parameters
    ----------
    feature : (channel, height, width)
        The image.
    location : (2,)
        The place (x, y), normalised.
    size : int
        Side of every patch, in numbers; that of the first in pixels, too.
    n_scale : int
        Number of patches.

    Returns
    -------
    patch : (n_scale, channel, size, size)
        Patch k is the crop of side size · 2^k, averaged over blocks of 2^k by 2^k.

    Raises
    ------
    ValueError
        If size or number of scales is below 1, the place has not two numbers or the image has not
        three axes.

    Conventions
    -----------
    The crop whose centre is nearest to the place is taken, the right one and the lower one of two
    as near. Outside the image lie zeros, which the averages count.

    References
    ----------
    Mnih et al. (2014), section 3.1.

    Examples
    --------
    >>> image = np.arange(16.0).reshape(1, 4, 4)
    >>> retina(image, np.zeros(2), 2, 2)[:, 0]
    array([[[ 5. ,  6. ],
            [ 9. , 10. ]],
    <BLANKLINE>
           [[ 2.5,  4.5],
            [10.5, 12.5]]])
    """
    _check.at_least("size", size, 1)
    _check.at_least("n_scale", n_scale, 1)
    _check.shape("location", location.shape, (2,), "a place is (x, y)")
    _check.shape("feature", feature.shape, (None, None, None), _IMAGE)
    patches = []
    for k in range(n_scale):
        side = size * 2**k
        wide = crop(feature, _corner(location, feature.shape[1:], side), side)
        patches.append(wide.reshape(-1, size, 2**k, size, 2**k).mean(axis=(2, 4)))
    return np.stack(patches)


def recurrent_attention(
    feature: Float[Array, "channel height width"],
    params: Mapping[str, Array],
    noise: Float[Array, "n_step 2"],
    std: Number,
    size: int,
    n_scale: int,
    place: Float[Array, "n_step 2"] | None = None,
) -> tuple[
    Float[Array, " n_class"],
    Float[Array, "n_step 2"],
    Float[Array, "n_step 2"],
    Float[Array, " n_step"],
]:
    r"""Recurrent model of visual attention: look, remember, choose where to look next; answer.

    .. math::
        \rho_t &= \mathrm{retina}(x, l_t) \\
        g_t &= \mathrm{ReLU}(W_2 \mathrm{ReLU}(W_1 \rho_t) + V_2 \mathrm{ReLU}(V_1 l_t)) \\
        h_t &= \mathrm{ReLU}(W_g g_t + W_h h_{t-1}) \\
        l_{t+1} &\sim N(\tanh(W_l h_t), \sigma^2)

    Parameters
    ----------
    feature : (channel, height, width)
        What to look at.
    params : mapping
        The arrays of `modules.RecurrentAttention`: `patch.w` (W1), `what.w` (W2), `place.w` (V1),
        `where.w` (V2), `core.w_input`, `core.w_hidden`, `mean.w` (Wl), `baseline.w`, `answer.w`,
        and a bias `.b` of each; biases are left out above.
    noise : (n_step, 2)
        Standard normal numbers; zeros for the means themselves.
    std : float
        Standard deviation of a draw, in normalised units.
    size, n_scale : int
        As in `retina`.
    place : (n_step, 2), optional
        Where to look, whatever the policy says; noise and std then do not matter.

    Returns
    -------
    score : (n_class,)
        Scores of the classes after the last glimpse, before softmax.
    location : (n_step, 2)
        The places as drawn; a place outside the image is looked at where it is brought in.
    mean : (n_step, 2)
        Of the policy at each step; at the first it is the middle, for nothing has been seen yet.
    baseline : (n_step,)
        What reward the model expects before each glimpse.

    Raises
    ------
    ValueError
        If there is no step, the std is negative, a noise or place has not two numbers or there are
        not as many places as steps, and as `retina`.

    Conventions
    -----------
    In the paper the proposal is linear, without the tanh, and the first place is drawn at random.

    References
    ----------
    Mnih et al. (2014), section 3.1.
    """
    _check.at_least("n_step", len(noise), 1)
    _check.at_least("std", std, 0)
    _check.shape("noise", noise.shape, (None, 2))
    if place is not None:
        _check.shape("place", place.shape, noise.shape, "a place for each step")

    def layer(name: str, x: Array) -> Array:
        return dense(x, params[f"{name}.w"], params[f"{name}.b"])

    hidden = np.zeros(params["core.w_hidden"].shape[1])
    locations, means, baselines = [], [], []
    for t in range(len(noise)):
        mean = np.tanh(layer("mean", hidden)) if t else np.zeros(2)
        location = mean + std * noise[t] if place is None else place[t]
        baselines.append(layer("baseline", hidden)[0])
        here = np.clip(location, -1, 1)
        seen = retina(feature, here, size, n_scale)
        what = layer("what", np.maximum(layer("patch", seen.ravel()), 0))
        where = layer("where", np.maximum(layer("place", here), 0))
        glimpse = np.maximum(what + where, 0)
        moved = params["core.w_hidden"] @ hidden
        hidden = np.maximum(dense(glimpse, params["core.w_input"], params["core.b"]) + moved, 0)
        locations.append(location)
        means.append(mean)
    score = layer("answer", hidden)
    return score, np.stack(locations), np.stack(means), np.stack(baselines)


def hybrid_loss(
    score: Float[Array, " n_class"],
    label: int,
    location: Float[Array, "n_step 2"],
    mean: Float[Array, "n_step 2"],
    std: Number,
    baseline: Float[Array, " n_step"],
) -> float:
    r"""Loss of a reader with hard glimpses: cross-entropy, score function, and the baseline's own.

    .. math::
        -\log p(y) - \sum_t (R - b_t) \log N(l_t; \mu_t, \sigma^2) + \sum_t (R - b_t)^2

    where R is 1 if the likeliest class is y and 0 if not. Its value means little. It is made for
    its gradient, in which :math:`R`, :math:`l_t` and the first sum's :math:`R - b_t` are constants.

    Parameters
    ----------
    score : (n_class,)
        Scores of the classes, before softmax.
    label : int
        The right class y.
    location, mean : (n_step, 2)
        The places as drawn, and the policy's means.
    std : float
        Standard deviation of the draws.
    baseline : (n_step,)
        What reward was expected before each glimpse.

    Returns
    -------
    loss : float

    Raises
    ------
    ValueError
        If the std is not positive, there is no such class or the shapes differ.

    Notes
    -----
    The densities are taken without their constant factor, which has no gradient.

    References
    ----------
    Mnih et al. (2014), section 3.2; Williams (1992).

    Examples
    --------
    >>> one = np.ones((1, 2))
    >>> round(hybrid_loss(np.zeros(2), 0, one, 0 * one, 1.0, np.array([0.5])), 3)
    1.443

    That is log 2 + 1/2 + 1/4.
    """
    _check.positive("std", std)
    _check.at_least("label", label, 0)
    _check.at_most("label", label, len(score) - 1)
    _check.shape("mean", mean.shape, location.shape)
    _check.shape("baseline", baseline.shape, location.shape[:1])
    gain = float(np.argmax(score) == label) - baseline
    log_prob = -np.square(location - mean).sum(axis=1) / (2 * std**2)
    below = score - score.max()
    cross_entropy = np.log(np.exp(below).sum()) - below[label]
    return float(cross_entropy - gain @ log_prob + gain @ gain)


def _corner(location: Array, size: tuple[int, ...], side: int) -> Array:
    """Upper left pixel (x, y) of the crop of that side round a normalised place."""
    height, width = size
    centre = (location + 1) / 2 * np.array([width, height])
    return np.floor(centre - side / 2 + 0.5).astype(int)


# Products ---------------------------------------------------------------------------------------


def product_weights(
    n_factor: int, scale: Number, shift: Number
) -> tuple[Float[Array, "n_hidden n_factor"], Float[Array, " n_hidden"]]:
    r"""Weights of the net with one hidden layer of :math:`2^N` softplus units that multiplies.

    One unit for each choice of signs s: it adds the factors with the weights :math:`\lambda s`
    and the bias `shift`, and is itself weighted by
    :math:`\prod_i s_i / (2^N \lambda^N \sigma^{(N)})`.

    Parameters
    ----------
    n_factor : int
        Number N of factors.
    scale : float
        The scale :math:`\lambda`.
    shift : float
        Bias of all hidden units, where the N-th derivative of the softplus must not be zero.

    Returns
    -------
    hidden : (n_hidden, n_factor)
        Weights of the 2^N hidden units.
    out : (n_hidden,)
        Weights of the one output, whose bias is zero.

    Raises
    ------
    ValueError
        If there is no factor or the scale is not positive.

    References
    ----------
    Lin, Tegmark and Rolnick (2017), section III H and appendix A, of units without biases.

    Examples
    --------
    >>> hidden, out = product_weights(2, 1, 0)
    >>> hidden, out
    (array([[ 1.,  1.],
           [ 1., -1.],
           [-1.,  1.],
           [-1., -1.]]), array([ 1., -1., -1.,  1.]))
    """
    _check.at_least("n_factor", n_factor, 1)
    _check.positive("scale", scale)
    sign = 1.0 - 2 * (np.arange(2**n_factor)[:, None] >> np.arange(n_factor)[::-1] & 1)
    slope = _softplus_slope(shift, n_factor)
    return scale * sign, sign.prod(axis=1) / ((2 * scale) ** n_factor * slope)


def product_net(factor: Float[Array, " n_factor"], scale: Number, shift: Number) -> float:
    r"""Product of numbers, nearly, by adding and softplus alone: the net of `product_weights`.

    Parameters
    ----------
    factor : (n_factor,)
        The numbers to multiply.
    scale, shift : float
        As in `product_weights`.

    Returns
    -------
    product : float
        Off by a share that falls as the square of the scale, and by what rounding leaves of a
        difference of large numbers, which rises as the scale falls.

    Raises
    ------
    ValueError
        As `product_weights`.

    Examples
    --------
    >>> round(product_net(np.array([1.5, -2.0]), 0.01, 0.0), 3)
    -3.0
    """
    hidden, out = product_weights(len(factor), scale, shift)
    return float(out @ np.logaddexp(0, hidden @ factor + shift))


def iterated_exp(value: Float[Array, "..."], times: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""The exponential, applied a number of times that need not be whole.

    :math:`\exp^{(n)}(x) = \psi^{-1}(\psi(x) + n)`, where :math:`\psi(e^x) = \psi(x) + 1` and
    :math:`\psi(x) = x` from 0 to 1. Among the many such functions this is the simplest.

    Parameters
    ----------
    value : (...)
        The numbers x; positive wherever `times` is negative.
    times : (...)
        How often, from -1 (the logarithm) through 0 (nothing is done) to 1 (the exponential).

    Returns
    -------
    result : (...)

    Raises
    ------
    ValueError
        If the shapes differ, `times` is beyond 1 or -1, or a logarithm is wanted of a number that
        is not positive.

    References
    ----------
    Urban and van der Smagt (2015) and Köpp et al. (2016); their choice of psi may be another.

    Examples
    --------
    >>> half = iterated_exp(np.array([2.0]), np.array([0.5]))
    >>> half.round(3), iterated_exp(half, np.array([0.5])).round(3), np.exp(2.0).round(3)
    (array([3.364]), array([7.389]), np.float64(7.389))
    """
    _check.shape("times", times.shape, value.shape)
    result = np.empty(value.shape)
    for i in np.ndindex(value.shape):
        x, n = float(value[i]), float(times[i])
        _check.at_least("times", n, -1)
        _check.at_most("times", n, 1)
        if n < 0:
            _check.positive("value", x)
        if x < 0 and np.exp(x) + n < 1:
            result[i] = np.log(np.exp(x) + n)
            continue
        level = 0
        while x >= 1:
            x, level = np.log(x), level + 1
        place = (x if x >= 0 else np.exp(x) - 1) + level + n
        if place < 0:
            result[i] = np.log(place + 1)
            continue
        x = place % 1
        for _ in range(int(place)):
            x = np.exp(x)
        result[i] = x
    return result


def add_or_multiply(
    feature: Float[Array, " d_in"],
    w: Float[Array, "n_unit d_in"],
    times: Float[Array, " n_unit"],
) -> Float[Array, " n_unit"]:
    r"""Units between a sum and a product: :math:`\exp^{(n)}(\sum_j w_j \exp^{(-n)}(x_j))`.

    Parameters
    ----------
    feature : (d_in,)
        Positive numbers x.
    w : (n_unit, d_in)
        Weights of a sum, exponents of a product.
    times : (n_unit,)
        For each unit its n: 0 adds, :math:`\sum_j w_j x_j`; 1 multiplies,
        :math:`\prod_j x_j^{w_j}`.

    Returns
    -------
    result : (n_unit,)

    Raises
    ------
    ValueError
        If shapes do not fit, and as `iterated_exp`.

    References
    ----------
    Köpp, van der Smagt and Urban (2016), A differentiable transition between additive and
    multiplicative neurons.

    Examples
    --------
    >>> two = np.array([2.0, 3.0])
    >>> add_or_multiply(two, np.ones((3, 2)), np.array([0.0, 0.5, 1.0])).round(3)
    array([5.   , 6.201, 6.   ])
    """
    _check.shape("w", w.shape, (len(times), len(feature)))
    inner = iterated_exp(
        np.broadcast_to(feature, w.shape), np.broadcast_to(-times[:, None], w.shape)
    )
    return iterated_exp((w * inner).sum(axis=1), times)


def dynamic_filter(
    feature: Float[Array, "height width"], kernel: Float[Array, "rows columns"]
) -> Float[Array, "h w"]:
    r"""Image under a filter of its own: :math:`g_{yx} = \sum_{ij} a_{ij}\, z_{y+i,\,x+j}`.

    Parameters
    ----------
    feature : (height, width)
        The image z.
    kernel : (rows, columns)
        The filter a, any real numbers, computed from this example's input.

    Returns
    -------
    glimpse : (h, w)
        Of height - rows + 1 rows and width - columns + 1 columns.
        One number for each place at which the filter lies inside the image. It is not flipped.

    Raises
    ------
    ValueError
        If the filter is larger than the image.

    References
    ----------
    De Brabandere et al. (2016), the dynamic convolutional layer.

    Examples
    --------
    >>> dynamic_filter(np.array([[1.0, 2.0, 4.0]]), np.array([[-1.0, 1.0]]))
    array([[1., 2.]])
    """
    rows, columns = kernel.shape
    _check.at_most("rows", rows, feature.shape[0])
    _check.at_most("columns", columns, feature.shape[1])
    h, w = feature.shape[0] - rows + 1, feature.shape[1] - columns + 1
    glimpse = np.zeros((h, w))
    for i in range(rows):
        for j in range(columns):
            glimpse += kernel[i, j] * feature[i : i + h, j : j + w]
    return glimpse


def _softplus_slope(at: Number, order: int) -> float:
    """Derivative of log(1 + e^t) of an order from 1: a polynomial in the sigmoid p.

    The sigmoid is the first, and its own derivative is p - p^2.
    """
    polynomial = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(order - 1):
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([0.0, 1.0, -1.0])
    return float(polynomial((1 + np.tanh(at / 2)) / 2))
