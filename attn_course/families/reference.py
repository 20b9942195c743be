"""Scores, windows, gated regions and a tape of past states in NumPy, one example at a time."""

from collections.abc import Mapping

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Bool, Float, Number
from attn_course.preliminaries.reference import (
    lstm_cell,
    masked_context,
    masked_softmax,
    softmax,
)
from attn_course.seq2seq.reference import additive_score

_ONE_WIDTH = "a query and a key must be of one width"


def dot_score(
    query: Float[Array, "n_query d_key"], key: Float[Array, "n_key d_key"]
) -> Float[Array, "n_query n_key"]:
    r"""Dot products: :math:`s_{ij} = q_i \cdot k_j`.

    Parameters
    ----------
    query : (n_query, d_key)
        Queries q.
    key : (n_key, d_key)
        Keys k, as wide as the queries.

    Returns
    -------
    score : (n_query, n_key)

    Raises
    ------
    ValueError
        If a key is not as wide as a query.

    References
    ----------
    Luong et al. (2015), section 3.1, 'dot'.

    Examples
    --------
    >>> dot_score(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [-2.0, 1.0]]))
    array([[11.,  0.]])
    """
    _check.shape("key", key.shape, (None, query.shape[1]), _ONE_WIDTH)
    return query @ key.T


def scaled_dot_score(
    query: Float[Array, "n_query d_key"], key: Float[Array, "n_key d_key"]
) -> Float[Array, "n_query n_key"]:
    r"""Dot products over the root of their width: :math:`s_{ij} = q_i \cdot k_j / \sqrt{d}`.

    Parameters
    ----------
    query : (n_query, d_key)
        Queries q.
    key : (n_key, d_key)
        Keys k, as wide as the queries; d is their width.

    Returns
    -------
    score : (n_query, n_key)
        Of variance 1 where queries and keys are of independent entries with mean 0 and variance 1.

    Raises
    ------
    ValueError
        If a key is not as wide as a query.

    References
    ----------
    Vaswani et al. (2017), equation 1.

    Examples
    --------
    >>> scaled_dot_score(np.array([[1.0, 2.0, 0.0, 1.0]]), np.array([[3.0, 4.0, 9.0, -1.0]]))
    array([[5.]])
    """
    return dot_score(query, key) / np.sqrt(query.shape[1])


def cosine_score(
    query: Float[Array, "n_query d_key"], key: Float[Array, "n_key d_key"], key_strength: Number
) -> Float[Array, "n_query n_key"]:
    r"""Cosines times a strength: :math:`s_{ij} = \beta\, q_i \cdot k_j / |q_i||k_j|`.

    Parameters
    ----------
    query : (n_query, d_key)
        Queries q.
    key : (n_key, d_key)
        Keys k, as wide as the queries.
    key_strength : float
        :math:`\beta`. Without it the scores lie between -1 and 1, and one key's weight can be at
        most e^2 times another's.

    Returns
    -------
    score : (n_query, n_key)
        Between :math:`-\beta` and :math:`\beta`.

    Raises
    ------
    ValueError
        If a key is not as wide as a query.

    Conventions
    -----------
    A vector of zeros has no direction: its cosine with any other is 0 here.

    References
    ----------
    Graves et al. (2014), equations 5 and 6.

    Examples
    --------
    >>> query, key = np.array([[3.0, 4.0]]), np.array([[6.0, 8.0], [-4.0, 3.0], [0.0, 0.0]])
    >>> cosine_score(query, key, 5.0).round(6) + 0
    array([[5., 0., 0.]])
    """
    return key_strength * dot_score(_unit(query), _unit(key))


def general_score(
    query: Float[Array, "n_query d_query"],
    key: Float[Array, "n_key d_key"],
    w: Float[Array, "d_query d_key"],
) -> Float[Array, "n_query n_key"]:
    r"""Bilinear form: :math:`s_{ij} = q_i^\top W k_j`.

    Parameters
    ----------
    query : (n_query, d_query)
        Queries q.
    key : (n_key, d_key)
        Keys k, of any width.
    w : (d_query, d_key)
        The weights W.

    Returns
    -------
    score : (n_query, n_key)

    Raises
    ------
    ValueError
        If w is not as high as a query is wide and as wide as a key.

    References
    ----------
    Luong et al. (2015), section 3.1, 'general'.

    Examples
    --------
    >>> w = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 10.0]])
    >>> general_score(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0]]), w)
    array([[104.]])
    """
    _check.shape("w", w.shape, (query.shape[1], key.shape[1]), "w is (d_query, d_key)")
    return query @ w @ key.T


def concat_score(
    query: Float[Array, "n_query d_query"],
    key: Float[Array, "n_key d_key"],
    w: Float[Array, "d_score d_query+d_key"],
    v: Float[Array, " d_score"],
) -> Float[Array, "n_query n_key"]:
    r"""A layer on query and key side by side: :math:`s_{ij} = v \cdot \tanh(W [q_i; k_j])`.

    Parameters
    ----------
    query : (n_query, d_query)
        Queries q.
    key : (n_key, d_key)
        Keys k, of any width.
    w : (d_score, d_query+d_key)
        The weights W, the query's columns first.
    v : (d_score,)
        The weights v.

    Returns
    -------
    score : (n_query, n_key)

    Raises
    ------
    ValueError
        If w is not as wide as a query and a key together, or not as high as v is long.

    Conventions
    -----------
    With W cut into :math:`[U, V]` it is :math:`v \cdot \tanh(U q_i + V k_j)`, the additive score of
    Bahdanau et al. (2015): `seq2seq.additive_score`, another name for the same function.

    References
    ----------
    Luong et al. (2015), section 3.1, 'concat'.

    Examples
    --------
    >>> query, key = np.array([[1.0]]), np.array([[-1.0], [0.0]])
    >>> concat_score(query, key, np.array([[1.0, 1.0]]), np.array([2.0])).round(4)
    array([[0.    , 1.5232]])
    """
    hint = "w is (d_score, d_query + d_key)"
    _check.shape("w", w.shape, (len(v), query.shape[1] + key.shape[1]), hint)
    score = np.empty((len(query), len(key)))
    for i, q in enumerate(query):
        for j, k in enumerate(key):
            score[i, j] = v @ np.tanh(w @ np.concatenate([q, k]))
    return score


def location_score(
    query: Float[Array, "n_query d_query"], w: Float[Array, "n_key d_query"]
) -> Float[Array, "n_query n_key"]:
    r"""One score for each position, whatever stands there: :math:`s_i = W q_i`.

    Parameters
    ----------
    query : (n_query, d_query)
        Queries q.
    w : (n_key, d_query)
        The weights W, a row for each position: sequences can be no longer than that.

    Returns
    -------
    score : (n_query, n_key)

    Raises
    ------
    ValueError
        If w is not as wide as a query.

    References
    ----------
    Luong et al. (2015), equation 8, without its softmax.

    Examples
    --------
    >>> location_score(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0], [-2.0, 1.0]]))
    array([[11., 17.,  0.]])
    """
    _check.shape("w", w.shape, (None, query.shape[1]), "w is (n_key, d_query)")
    return query @ w.T


def attend(
    score: Float[Array, "n_query n_key"],
    value: Float[Array, "n_key d_value"],
    mask: Bool[Array, "#n_query #n_key"],
) -> tuple[Float[Array, "n_query d_value"], Float[Array, "n_query n_key"]]:
    r"""From scores of any kind to contexts: :math:`c_i = \sum_j \alpha_{ij} v_j`.

    The weights :math:`\alpha` are the softmax of the scores over the keys that a query may attend
    to.

    Parameters
    ----------
    score : (n_query, n_key)
        Scores. What stands where the mask is False is never looked at, NaN included.
    value : (n_key, d_value)
        Values. One that no query may attend to is never looked at, NaN included.
    mask : (n_query, n_key)
        True where attention is allowed; an axis of size one is broadcast.

    Returns
    -------
    context : (n_query, d_value)
        Zero for a query that may attend to nothing.
    weight : (n_query, n_key)
        Rows that sum to one, or to zero for such a query.

    Raises
    ------
    TypeError
        If the mask is not boolean.
    ValueError
        If the mask does not broadcast to the shape of the scores, or there is not one value for
        each key.

    References
    ----------
    Luong et al. (2015), equation 7.

    Examples
    --------
    >>> score, value = np.array([[0.0, np.log(3.0), 9.0]]), np.array([[4.0], [8.0], [np.nan]])
    >>> context, weight = attend(score, value, np.array([[True, True, False]]))
    >>> context, weight
    (array([[7.]]), array([[0.25, 0.75, 0.  ]]))
    """
    weight = masked_softmax(score, mask)
    return masked_context(weight, value, mask), weight


def predicted_position(
    query: Float[Array, "n_query d_query"],
    w: Float[Array, "d_score d_query"],
    v: Float[Array, " d_score"],
    length: int,
) -> Float[Array, " n_query"]:
    r"""Where in a sequence to look: :math:`p_i = (S - 1)\, \sigma(v \cdot \tanh(W q_i))`.

    Parameters
    ----------
    query : (n_query, d_query)
        Queries q.
    w : (d_score, d_query)
        The weights W.
    v : (d_score,)
        The weights v.
    length : int
        Number S of real positions.

    Returns
    -------
    position : (n_query,)
        A real number between 0, the first position, and S - 1, the last.

    Raises
    ------
    ValueError
        If w is not as wide as a query or not as high as v is long, or there is no position.

    Conventions
    -----------
    The paper's positions run from 1 to S and its formula is :math:`S\, \sigma(\cdot)`, which also
    reaches below the first; here they are counted from 0, and nothing off the sequence is reached.

    References
    ----------
    Luong et al. (2015), equation 9.

    Examples
    --------
    >>> query, w, v = np.array([[0.0], [9.0], [-9.0]]), np.array([[100.0]]), np.array([np.log(3.0)])
    >>> predicted_position(query, w, v, 5)
    array([2., 3., 1.])
    """
    _check.shape("w", w.shape, (len(v), query.shape[1]), "w is (d_score, d_query)")
    _check.at_least("length", length, 1)
    return (length - 1) * _sigmoid(np.tanh(query @ w.T) @ v)


def window_mask(
    position: Float[Array, " n_query"], n_key: int, radius: int
) -> Bool[Array, "n_query n_key"]:
    r"""Mask of the keys no further than a radius from a position: :math:`|j - p_i| \le D`.

    Parameters
    ----------
    position : (n_query,)
        Centres p, in steps from the first key, whole numbers or not, on the sequence or off it.
    n_key : int
        Number of keys.
    radius : int
        D, in steps.

    Returns
    -------
    mask : (n_query, n_key)
        True inside the window: 2 D + 1 keys round a whole position, 2 D round any other, fewer at
        the ends.

    Raises
    ------
    ValueError
        If the radius is negative.

    References
    ----------
    Luong et al. (2015), section 3.2.

    Examples
    --------
    >>> window_mask(np.array([0.0, 2.5]), 5, 1)
    array([[ True,  True, False, False, False],
           [False, False,  True,  True, False]])
    """
    _check.at_least("radius", radius, 0)
    return np.abs(np.arange(n_key)[None, :] - position[:, None]) <= radius


def local_weight(
    weight: Float[Array, "n_query n_key"], position: Float[Array, " n_query"], radius: int
) -> Float[Array, "n_query n_key"]:
    r"""Weights times a Gaussian: :math:`\alpha_{ij} e^{-(j - p_i)^2 / 2 \sigma^2}`.

    Its peak is at the position, its :math:`\sigma = D / 2`; further away than D the weight is 0.

    Parameters
    ----------
    weight : (n_query, n_key)
        The weights :math:`\alpha`, of a softmax over the window.
    position : (n_query,)
        Centres p, in steps from the first key. The Gaussian hands them a gradient; a window has
        none to give.
    radius : int
        D, in steps.

    Returns
    -------
    weight : (n_query, n_key)
        Rows that sum to at most one: they are not made to sum to one again.

    Raises
    ------
    ValueError
        If there is not one position for each query, or the radius is less than 1.

    References
    ----------
    Luong et al. (2015), equation 10.

    Examples
    --------
    >>> local_weight(np.ones((1, 5)), np.array([1.0]), 2).round(4)
    array([[0.6065, 1.    , 0.6065, 0.1353, 0.    ]])
    """
    _check.shape("position", position.shape, (len(weight),), "one position for each query")
    _check.at_least("radius", radius, 1)
    distance = np.arange(weight.shape[1])[None, :] - position[:, None]
    bell = np.exp(-(distance**2) / (2 * (radius / 2) ** 2))
    return np.where(window_mask(position, weight.shape[1], radius), weight * bell, 0.0)


def local_attend(
    query: Float[Array, "n_query d_key"],
    key: Float[Array, "n_key d_key"],
    value: Float[Array, "n_key d_value"],
    position: Float[Array, " n_query"],
    radius: int,
) -> tuple[Float[Array, "n_query d_value"], Float[Array, "n_query n_slot"]]:
    r"""Attention to the few keys round a position, without a look at the others.

    Scaled dot scores with the keys :math:`m - D, \dots, m + D`, where :math:`m = \lfloor p +
    \tfrac12 \rfloor`, a softmax over those that exist, and the sum of their values.

    Parameters
    ----------
    query : (n_query, d_key)
        Queries.
    key : (n_key, d_key)
        Keys, as wide as the queries.
    value : (n_key, d_value)
        Values.
    position : (n_query,)
        Centres p, in steps from the first key; they have no gradient.
    radius : int
        D, in steps.

    Returns
    -------
    context : (n_query, d_value)
        Zero for a query whose window lies off the sequence.
    weight : (n_query, n_slot)
        2D + 1 slots. Slot t is that of key m - D + t; one off the sequence has weight 0.

    Raises
    ------
    ValueError
        If a key is not as wide as a query, there is not one value for each key and one position
        for each query, or the radius is negative.

    Notes
    -----
    The work grows with the radius and not with the number of keys. At whole positions the context
    is that of `attend` under `window_mask`; a key in no window, NaN included, is never looked at.

    References
    ----------
    Luong et al. (2015), section 3.2.

    Examples
    --------
    >>> key = np.array([[0.0], [np.log(3.0)], [0.0], [np.nan]])
    >>> value = np.array([[4.0], [8.0], [16.0], [np.nan]])
    >>> context, weight = local_attend(np.ones((1, 1)), key, value, np.array([0.4]), 1)
    >>> context, weight
    (array([[7.]]), array([[0.  , 0.25, 0.75]]))
    """
    _check.shape("key", key.shape, (None, query.shape[1]), _ONE_WIDTH)
    _check.shape("value", value.shape, (len(key), None), "one value for each key")
    _check.shape("position", position.shape, (len(query),), "one position for each query")
    _check.at_least("radius", radius, 0)
    context = np.zeros((len(query), value.shape[1]))
    weight = np.zeros((len(query), 2 * radius + 1))
    for i, centre in enumerate(np.floor(position + 0.5)):
        place = centre + np.arange(-radius, radius + 1)
        real = (place >= 0) & (place < len(key))
        if real.any():
            near = place[real].astype(int)
            weight[i, real] = softmax(scaled_dot_score(query[i : i + 1], key[near]))[0]
            context[i] = weight[i, real] @ value[near]
    return context, weight


def region_attention(
    query: Float[Array, " d_query"],
    region: Float[Array, "n_region d_region"],
    w_query: Float[Array, "d_score d_query"],
    w_key: Float[Array, "d_score d_region"],
    v: Float[Array, " d_score"],
    w_gate: Float[Array, " d_query"],
    b_gate: Float[Array, ""],
) -> tuple[Float[Array, " d_region"], Float[Array, " n_region"], float]:
    r"""Soft attention to the regions of an image, with a gate on what is seen.

    .. math::
        \alpha_i &= \mathrm{softmax}_i\, v \cdot \tanh(U q + V a_i) \\
        \beta &= \sigma(w \cdot q + b) \\
        z &= \beta \sum_i \alpha_i a_i

    Parameters
    ----------
    query : (d_query,)
        The state q of the writer of the caption.
    region : (n_region, d_region)
        A vector a for each region.
    w_query : (d_score, d_query)
        U.
    w_key : (d_score, d_region)
        V.
    v : (d_score,)
        The weights v.
    w_gate : (d_query,)
        The gate's weights w.
    b_gate : ()
        Its bias b.

    Returns
    -------
    context : (d_region,)
        z.
    weight : (n_region,)
        :math:`\alpha`, which sums to one whatever the gate.
    gate : float
        :math:`\beta`, between 0 and 1: how much the image matters to the next word.

    Raises
    ------
    ValueError
        If the weights do not fit the query and the regions.

    Conventions
    -----------
    The paper leaves the network that scores open; here it is the additive score.

    References
    ----------
    Xu et al. (2015), equations 4 to 6 and 13, section 4.2.1.

    Examples
    --------
    >>> region, one = np.array([[4.0], [8.0]]), np.ones((1, 1))
    >>> context, weight, gate = region_attention(
    ...     np.ones(1), region, one, 0 * one, np.ones(1), np.zeros(1), np.array(np.log(3.0))
    ... )
    >>> context, weight, round(gate, 4)
    (array([4.5]), array([0.5, 0.5]), 0.75)
    """
    _check.shape("w_gate", w_gate.shape, query.shape, "as wide as the query")
    weight = softmax(additive_score(query[None], region, w_query, w_key, v))[0]
    gate = float(_sigmoid(w_gate[None] @ query + b_gate)[0])
    return gate * (weight @ region), weight, gate


def doubly_stochastic_penalty(
    weight: Float[Array, "n_step n_region"], mask: Bool[Array, " n_step"]
) -> float:
    r"""How far regions are from equal shares: :math:`\sum_i (1 - \sum_t m_t \alpha_{ti})^2`.

    Parameters
    ----------
    weight : (n_step, n_region)
        The weights :math:`\alpha` of each step. What stands at a padded step is never looked at,
        NaN included.
    mask : (n_step,)
        m: True where a step is real and not padding.

    Returns
    -------
    penalty : float
        Zero where the weights of each region add up to one over the steps.

    Raises
    ------
    TypeError
        If the mask is not boolean.
    ValueError
        If the mask does not have one entry for each step.

    Notes
    -----
    Each step's weights sum to one already. T steps therefore hand out T in all, and with L regions
    the penalty is at least :math:`(L - T)^2 / L`, reached by regions of equal shares.

    References
    ----------
    Xu et al. (2015), equation 14, the second term without its factor.

    Examples
    --------
    >>> weight = np.array([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [np.nan, np.nan, np.nan]])
    >>> doubly_stochastic_penalty(weight, np.array([True, True, False]))
    0.5
    """
    _check.boolean("mask", mask.dtype)
    _check.shape("mask", mask.shape, (len(weight),), "one entry for each step")
    return float(((1 - weight[mask].sum(axis=0)) ** 2).sum())


def lstmn_step(
    feature: Float[Array, " d_in"],
    tape: Float[Array, "n_past d_hidden"],
    cell_tape: Float[Array, "n_past d_hidden"],
    summary: Float[Array, " d_hidden"],
    params: Mapping[str, Array],
) -> tuple[
    Float[Array, " d_hidden"],
    Float[Array, " d_hidden"],
    Float[Array, " d_hidden"],
    Float[Array, " n_past"],
]:
    r"""Step of a long short-term memory that attends to all its past states.

    .. math::
        s_i &= \mathrm{softmax}_i\, v \cdot \tanh(W_h h_i + W_x x_t + W_s \tilde h_{t-1}) \\
        \tilde h_t &= \sum_i s_i h_i, \qquad \tilde c_t = \sum_i s_i c_i \\
        (h_t, c_t) &= \mathrm{LSTM}(x_t, \tilde h_t, \tilde c_t)

    Parameters
    ----------
    feature : (d_in,)
        The input x of this step.
    tape, cell_tape : (n_past, d_hidden)
        The states h and the memory cells c of all steps before this one; at the first there are
        none.
    summary : (d_hidden,)
        The summary :math:`\tilde h` that the step before made of its past; zeros at the first.
    params : mapping
        The arrays of `modules.Lstmn`: `w_tape` (W_h), `w_feature` (W_x), `w_summary` (W_s), `v`,
        and the cell's `cell.w_input`, `cell.w_hidden`, `cell.b_input`, `cell.b_hidden`, as in
        `preliminaries.lstm_cell`.

    Returns
    -------
    hidden, cell : (d_hidden,)
        The new state and memory cell, to be put on the tapes.
    summary : (d_hidden,)
        The summary of the past, zeros where there is none; the next step is to be given it.
    weight : (n_past,)
        How much of each past state is in it.

    Raises
    ------
    ValueError
        If the tapes and the summary do not fit one another, or the cell's weights do not fit.

    References
    ----------
    Cheng et al. (2016), equations 4 to 9.

    Examples
    --------
    >>> names = ("w_tape", "w_feature", "w_summary", "cell.w_input", "cell.w_hidden")
    >>> params = {name: np.zeros((4 if "cell" in name else 1, 1)) for name in names}
    >>> params |= {"v": np.ones(1), "cell.b_input": np.zeros(4), "cell.b_hidden": np.zeros(4)}
    >>> tape, cell_tape = np.array([[2.0], [4.0]]), np.array([[8.0], [16.0]])
    >>> step = lstmn_step(np.ones(1), tape, cell_tape, np.zeros(1), params)
    >>> _, cell, summary, weight = step
    >>> weight, summary, cell  # equal scores; the cell forgets half of 12
    (array([0.5, 0.5]), array([3.]), array([6.]))
    """
    _check.shape("tape", tape.shape, (None, len(summary)), "as wide as the summary")
    _check.shape("cell_tape", cell_tape.shape, tape.shape, "a cell for each state")
    asked = params["w_feature"] @ feature + params["w_summary"] @ summary
    score = np.tanh(tape @ params["w_tape"].T + asked) @ params["v"]
    weight = softmax(score[None])[0] if len(tape) else score
    summary, cell_summary = weight @ tape, weight @ cell_tape
    names = ("w_input", "w_hidden", "b_input", "b_hidden")
    hidden, cell = lstm_cell(
        feature, summary, cell_summary, *(params[f"cell.{name}"] for name in names)
    )
    return hidden, cell, summary, weight


def lstmn(
    feature: Float[Array, "n_step d_in"], params: Mapping[str, Array]
) -> tuple[Float[Array, "n_step d_hidden"], Float[Array, "n_step n_step"]]:
    r"""Long short-term memory-network: `lstmn_step` along a sequence, each step put on the tape.

    Parameters
    ----------
    feature : (n_step, d_in)
        The inputs.
    params : mapping
        As in `lstmn_step`.

    Returns
    -------
    hidden : (n_step, d_hidden)
        The states.
    weight : (n_step, n_step)
        Row t holds the weights of step t; they sum to one over the columns before t, and the rest,
        the whole first row among it, is zero.

    Raises
    ------
    ValueError
        If there is no step, and as `lstmn_step`.

    References
    ----------
    Cheng et al. (2016), section 3.2.

    Examples
    --------
    >>> names = ("w_tape", "w_feature", "w_summary", "cell.w_input", "cell.w_hidden")
    >>> params = {name: np.zeros((4 if "cell" in name else 1, 1)) for name in names}
    >>> params |= {"v": np.ones(1), "cell.b_input": np.zeros(4), "cell.b_hidden": np.zeros(4)}
    >>> lstmn(np.ones((3, 1)), params)[1]
    array([[0. , 0. , 0. ],
           [1. , 0. , 0. ],
           [0.5, 0.5, 0. ]])
    """
    n_step, d_hidden = len(feature), params["cell.w_hidden"].shape[1]
    _check.at_least("n_step", n_step, 1)
    tape, cell_tape = np.zeros((n_step, d_hidden)), np.zeros((n_step, d_hidden))
    weight, summary = np.zeros((n_step, n_step)), np.zeros(d_hidden)
    for t in range(n_step):
        tape[t], cell_tape[t], summary, weight[t, :t] = lstmn_step(
            feature[t], tape[:t], cell_tape[:t], summary, params
        )
    return tape, weight


def _unit(vector: Array) -> Array:
    """Each row over its length; a row of zeros stays one."""
    length = np.linalg.norm(vector, axis=1, keepdims=True)
    return vector / np.where(length == 0, 1.0, length)


def _sigmoid(score: Array) -> Array:
    return (1 + np.tanh(score / 2)) / 2
