"""Encoder and decoder with a fixed or an attended context, and beam search.

NumPy, one example at a time. Tokens are whole numbers: 0 padding, 1 the start, 2 the end, and what
is read or written from 3 on.
"""

from collections.abc import Mapping

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Bool, Float, Int
from attn_course.preliminaries.reference import dense, gru_cell, masked_context, masked_softmax

# Additive attention -----------------------------------------------------------------------------


def additive_score(
    query: Float[Array, "n_query d_query"],
    key: Float[Array, "n_key d_key"],
    w_query: Float[Array, "d_score d_query"],
    w_key: Float[Array, "d_score d_key"],
    v: Float[Array, " d_score"],
) -> Float[Array, "n_query n_key"]:
    r"""Additive score :math:`e_{ij} = v^\top \tanh(W q_i + U k_j)`.

    Parameters
    ----------
    query : (n_query, d_query)
        The queries q; in the paper the decoder's state before the step.
    key : (n_key, d_key)
        The keys k; in the paper the annotations of the source.
    w_query : (d_score, d_query)
        W.
    w_key : (d_score, d_key)
        U. Its product with the keys is the same for every query.
    v : (d_score,)
        What weighs the hidden units.

    Returns
    -------
    score : (n_query, n_key)
        Between minus and plus the sum of the absolute values of v.

    Raises
    ------
    ValueError
        If the shapes of the weights do not fit.

    References
    ----------
    Bahdanau et al. (2015), appendix A.1.2.

    Examples
    --------
    >>> query, key = np.array([[0.0], [np.log(2.0)]]), np.array([[0.0], [np.log(3.0)]])
    >>> one = np.ones((1, 1))
    >>> additive_score(query, key, one, one, np.array([10.0])).round(2)
    array([[0.  , 8.  ],
           [6.  , 9.46]])
    """
    d_score = v.shape[-1]
    _check.shape("w_query", w_query.shape, (d_score, query.shape[-1]))
    _check.shape("w_key", w_key.shape, (d_score, key.shape[-1]))
    hidden = np.tanh((query @ w_query.T)[:, None, :] + (key @ w_key.T)[None, :, :])
    return hidden @ v


def additive_attention(
    query: Float[Array, "n_query d_query"],
    key: Float[Array, "n_key d_key"],
    value: Float[Array, "n_key d_value"],
    mask: Bool[Array, "#n_query #n_key"],
    w_query: Float[Array, "d_score d_query"],
    w_key: Float[Array, "d_score d_key"],
    v: Float[Array, " d_score"],
) -> tuple[Float[Array, "n_query d_value"], Float[Array, "n_query n_key"]]:
    r"""Context of each query under additive scores.

    :math:`\alpha_{ij} = m_{ij} e^{e_{ij}} / \sum_k m_{ik} e^{e_{ik}}` and
    :math:`c_i = \sum_j \alpha_{ij} v_j`, with the scores of `additive_score`.

    Parameters
    ----------
    query : (n_query, d_query)
        Queries.
    key : (n_key, d_key)
        Keys. One that no query may attend to is never looked at, NaN included.
    value : (n_key, d_value)
        Values, as the keys; in the paper they are the keys.
    mask : (n_query, n_key)
        True where attention is allowed; an axis of size one is broadcast.
    w_query : (d_score, d_query)
        W, as in `additive_score`.
    w_key : (d_score, d_key)
        U.
    v : (d_score,)
        v.

    Returns
    -------
    context : (n_query, d_value)
        Zero for a query that may attend to nothing.
    weight : (n_query, n_key)
        Rows that sum to one, or are zero where a query may attend to nothing.

    Raises
    ------
    TypeError
        If the mask is not boolean.
    ValueError
        If the mask does not broadcast to (n_query, n_key), there is not one value for each key, or
        the shapes of the weights do not fit.

    References
    ----------
    Bahdanau et al. (2015), equations 5 and 6.

    Examples
    --------
    >>> one, key = np.ones((1, 1)), np.array([[0.0], [np.log(3.0)], [np.nan]])
    >>> v = np.array([np.log(3.0) / 0.8])
    >>> value, mask = np.array([[4.0], [8.0], [np.nan]]), np.array([[True, True, False]])
    >>> context, weight = additive_attention(np.zeros((1, 1)), key, value, mask, one, one, v)
    >>> context.round(2), weight.round(2)
    (array([[7.]]), array([[0.25, 0.75, 0.  ]]))
    """
    _check.boolean("mask", mask.dtype)
    _check.broadcasts("mask", mask.shape, (len(query), len(key)))
    seen = np.any(np.broadcast_to(mask, (len(query), len(key))), axis=0)
    score = additive_score(query, np.where(seen[:, None], key, 0.0), w_query, w_key, v)
    weight = masked_softmax(score, mask)
    return masked_context(weight, value, mask), weight


# Encoder and decoder ----------------------------------------------------------------------------


def encode(
    feature: Float[Array, "n_source d_in"],
    mask: Bool[Array, " n_source"],
    params: Mapping[str, Array],
) -> tuple[Float[Array, "n_source d_annotation"], Float[Array, " d_annotation"]]:
    r"""Annotations of a source: the states of one reader, or of two that start at opposite ends.

    :math:`a_j = [\overrightarrow h_j ; \overleftarrow h_j]`, where
    :math:`\overrightarrow h_j` is the `gru_cell`'s state after steps 1 to j and
    :math:`\overleftarrow h_j` that of another one after steps n down to j.

    Parameters
    ----------
    feature : (n_source, d_in)
        The source, one row for each step. What stands at a masked step is never looked at, NaN
        included.
    mask : (n_source,)
        True where a step is real.
    params : mapping
        The arrays of `gru_cell`: `ahead.w_input`, `ahead.w_hidden`, `ahead.b_input`,
        `ahead.b_hidden`, and the same four of `back`, which may be left out: then there is one
        reader.

    Returns
    -------
    annotation : (n_source, d_annotation)
        Zero at a masked step, which leaves the readers' states as they were. `d_annotation` is
        `d_hidden`, or twice that with two readers.
    last : (d_annotation,)
        The state in which each reader ends, side by side: that of the first after the last real
        step, that of the second after the first real step. Zero if no step is real.

    Raises
    ------
    TypeError
        If the mask is not boolean.
    ValueError
        If the mask has not one entry for each step, or the weights do not fit.

    Conventions
    -----------
    Both readers start from zero. In the paper z weighs the new state rather than the old one and
    the reset gate comes before the product with the state's weights.

    References
    ----------
    Bahdanau et al. (2015), section 3.2 and appendix A.2.1.

    Examples
    --------
    With weights of zero and z = 1/2 each step goes half of the way to n = tanh(atanh(0.8)):

    >>> w, b = np.zeros((3, 1)), np.array([0.0, 0.0, np.arctanh(0.8)])
    >>> reader = {"w_input": w, "w_hidden": w, "b_input": b, "b_hidden": np.zeros(3)}
    >>> params = {f"{which}.{name}": x for which in ("ahead", "back") for name, x in reader.items()}
    >>> feature, mask = np.array([[0.0], [0.0], [np.nan]]), np.array([True, True, False])
    >>> annotation, last = encode(feature, mask, params)
    >>> annotation.round(2)
    array([[0.4, 0.6],
           [0.6, 0.4],
           [0. , 0. ]])
    >>> last.round(2)
    array([0.6, 0.6])
    """
    _check.boolean("mask", mask.dtype)
    _check.shape("mask", mask.shape, feature.shape[:1], "one entry for each step")
    steps = range(len(feature))
    annotations, lasts = [], []
    for reader, order in (("ahead", steps), ("back", reversed(steps))):
        if f"{reader}.w_hidden" not in params:
            continue
        hidden = np.zeros(params[f"{reader}.w_hidden"].shape[1])
        annotation = np.zeros((len(feature), len(hidden)))
        for j in order:
            if mask[j]:
                hidden = _gru(reader, feature[j], hidden, params)
                annotation[j] = hidden
        annotations.append(annotation)
        lasts.append(hidden)
    return np.concatenate(annotations, axis=1), np.concatenate(lasts)


def maxout(feature: Float[Array, " d_pair"]) -> Float[Array, " d_out"]:
    r"""The larger of each pair of neighbours, :math:`t_j = \max(x_{2j}, x_{2j+1})`.

    Parameters
    ----------
    feature : (d_pair,)
        The input x, counted from 0.

    Returns
    -------
    output : (d_out,)
        Half as wide.

    Raises
    ------
    ValueError
        If the width is odd.

    References
    ----------
    Bahdanau et al. (2015), appendix A.2.2; Goodfellow et al. (2013), Maxout networks.

    Examples
    --------
    >>> maxout(np.array([1.0, 3.0, -2.0, -5.0]))
    array([ 3., -2.])
    """
    _check.even("feature", feature.shape[-1])
    return np.maximum(feature[0::2], feature[1::2])


def decode(
    feature: Float[Array, "n_target d_in"],
    annotation: Float[Array, "n_source d_annotation"],
    last: Float[Array, " d_annotation"],
    mask: Bool[Array, " n_source"],
    params: Mapping[str, Array],
) -> tuple[Float[Array, "n_target n_token"], Float[Array, "n_target n_source"]]:
    r"""Scores of the next token at every step, the tokens before it being given.

    .. math::
        s_0 &= \tanh(W_0 l + b_0) \\
        c_t &= \mathrm{attention}(s_{t-1}, a) \\
        s_t &= \mathrm{GRU}([x_t ; c_t], s_{t-1}) \\
        y_t &= W_y \, \mathrm{maxout}(W_m [s_t ; x_t ; c_t] + b_m) + b_y

    Parameters
    ----------
    feature : (n_target, d_in)
        The embedding x of the token *before* each output; the first row is the start's.
    annotation : (n_source, d_annotation)
        Keys and values a, from `encode`. What stands where the mask is False is never looked at.
    last : (d_annotation,)
        The summary l, from `encode`.
    mask : (n_source,)
        True where a step of the source is real.
    params : mapping
        `start.w` (d_hidden, d_annotation) and `start.b` of the first state; `w_query`, `w_key` and
        `v` of `additive_attention`; `cell.w_input`, `cell.w_hidden`, `cell.b_input` and
        `cell.b_hidden` of `gru_cell`, whose input is [x ; c]; `maxout.w`, `maxout.b` and
        `readout.w`, `readout.b`. Without `v` the context is fixed: it is `last` at every step.
        Without `maxout.w` the readout takes [s ; x ; c] itself.

    Returns
    -------
    score : (n_target, n_token)
        Before softmax. Row t depends on rows 0 to t of the feature.
    weight : (n_target, n_source)
        Weights of the attention at each step; zeros where the context is fixed.

    Raises
    ------
    TypeError
        If the mask is not boolean.
    ValueError
        If `last` is not as wide as the annotations, the mask has not one entry for each of them,
        or the weights do not fit.

    Conventions
    -----------
    In the paper's appendix A.2.2 the readout takes the state before the step, :math:`s_{t-1}`, and
    the first state is made from the second reader's end alone. The gates are those of `gru_cell`.

    References
    ----------
    Bahdanau et al. (2015), section 3.1 and appendix A.2.2; with a fixed context Cho et al. (2014),
    section 2.2.

    Examples
    --------
    >>> params = {"start.w": np.zeros((1, 1)), "start.b": np.zeros(1)}
    >>> params |= {"cell.w_input": np.zeros((3, 2)), "cell.w_hidden": np.zeros((3, 1))}
    >>> params |= {"cell.b_input": np.zeros(3), "cell.b_hidden": np.zeros(3)}
    >>> params |= {"readout.w": np.array([[1.0, 10.0, 100.0]]), "readout.b": np.zeros(1)}
    >>> feature, annotation = np.array([[3.0], [5.0]]), np.array([[2.0], [4.0], [np.nan]])
    >>> last, mask = np.array([4.0]), np.array([True, True, False])
    >>> decode(feature, annotation, last, mask, params)[0]  # s = 0, c is the last annotation
    array([[430.],
           [450.]])
    >>> params |= {"w_query": np.zeros((1, 1)), "w_key": np.zeros((1, 1)), "v": np.ones(1)}
    >>> score, weight = decode(feature, annotation, last, mask, params)  # c is their mean
    >>> score
    array([[330.],
           [350.]])
    >>> weight
    array([[0.5, 0.5, 0. ],
           [0.5, 0.5, 0. ]])
    """
    _check.boolean("mask", mask.dtype)
    _check.shape("mask", mask.shape, annotation.shape[:1], "one entry for each step")
    _check.shape("last", last.shape, annotation.shape[1:], "as wide as an annotation")
    score = np.zeros((len(feature), len(params["readout.b"])))
    weight = np.zeros((len(feature), len(annotation)))
    state, context = np.tanh(_layer("start", last, params)), last
    for t, before in enumerate(feature):
        if "v" in params:
            align = (params[name] for name in ("w_query", "w_key", "v"))
            contexts, weights = additive_attention(
                state[None], annotation, annotation, mask[None], *align
            )
            context, weight[t] = contexts[0], weights[0]
        state = _gru("cell", np.concatenate([before, context]), state, params)
        joined = np.concatenate([state, before, context])
        if "maxout.w" in params:
            joined = maxout(_layer("maxout", joined, params))
        score[t] = _layer("readout", joined, params)
    return score, weight


def _layer(name: str, feature: Array, params: Mapping[str, Array]) -> Array:
    return dense(feature, params[f"{name}.w"], params[f"{name}.b"])


def _gru(name: str, feature: Array, hidden: Array, params: Mapping[str, Array]) -> Array:
    weights = (params[f"{name}.{each}"] for each in ("w_input", "w_hidden", "b_input", "b_hidden"))
    return gru_cell(feature, hidden, *weights)


# Beam search ------------------------------------------------------------------------------------


def beam_step(
    log_probability: Float[Array, "n_beam n_token"], total: Float[Array, " n_beam"], n_keep: int
) -> tuple[Float[Array, " n_keep"], Int[Array, " n_keep"], Int[Array, " n_keep"]]:
    r"""The best continuations of several hypotheses by one token.

    Of all sums :math:`T_b + \log p_b(y)` the `n_keep` largest, best first.

    Parameters
    ----------
    log_probability : (n_beam, n_token)
        Log-probability of each token after each hypothesis; minus infinity is allowed.
    total : (n_beam,)
        The sum of log-probabilities T of each hypothesis so far.
    n_keep : int
        How many to keep.

    Returns
    -------
    total : (n_keep,)
        Sums, in falling order. Of equal ones that of the earlier hypothesis is first, and of
        one hypothesis the lower token.
    origin : (n_keep,)
        Which hypothesis each continues.
    token : (n_keep,)
        With which token.

    Raises
    ------
    ValueError
        If there is not one total for each hypothesis, or `n_keep` is below 1 or above
        `n_beam` * `n_token`.

    References
    ----------
    Sutskever et al. (2014), section 3.2.

    Examples
    --------
    >>> log_probability = np.log([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])
    >>> total, origin, token = beam_step(log_probability, np.log([0.5, 0.5]), 3)
    >>> np.exp(total).round(3), origin, token
    (array([0.375, 0.25 , 0.125]), array([1, 0, 0]), array([1, 0, 1]))
    """
    n_beam, n_token = log_probability.shape
    _check.shape("total", total.shape, (n_beam,), "one total for each beam")
    _check.at_least("n_keep", n_keep, 1)
    _check.at_most("n_keep", n_keep, n_beam * n_token)
    joint = (total[:, None] + log_probability).ravel()
    best = np.argsort(-joint, kind="stable")[:n_keep]
    return joint[best], best // n_token, best % n_token


def beam_search(
    log_probability: Float[Array, "n_step n_token n_token"], start: int, end: int, n_beam: int
) -> tuple[Int[Array, "n_beam n_step"], Float[Array, " n_beam"]]:
    """Likely sequences of a model that is small enough to be a table.

    Parameters
    ----------
    log_probability : (n_step, n_token, n_token)
        At each step, for each last token, the log-probability of each next token; minus infinity
        is allowed.
    start : int
        The token before the first; it is no part of what is found, and may be `end` itself.
    end : int
        The token after which a sequence is finished: only itself follows, at log-probability 0,
        whatever the table says.
    n_beam : int
        How many hypotheses are kept after each step; 1 is greedy search.

    Returns
    -------
    token : (n_beam, n_step)
        Sequences, best first.
    total : (n_beam,)
        Their log-probabilities. Where fewer than `n_beam` sequences were found that are possible
        at all, the remaining rows have `end` everywhere and a total of minus infinity.

    Raises
    ------
    ValueError
        If the table of a step is not square, `start` or `end` is no token of it, or `n_beam` is
        below 1.

    Conventions
    -----------
    Sums are not divided by the length of a sequence, so that longer ones are at a disadvantage.

    References
    ----------
    Sutskever et al. (2014), section 3.2.

    Examples
    --------
    The likelier first token, 1, has no likely successor:

    >>> first = np.log([[0.5, 0.5, 1e-9], [0.1, 0.5, 0.4], [1e-9, 0.5, 0.5]])
    >>> then = np.log([[0.3, 0.3, 0.4], [0.3, 0.4, 0.3], [0.95, 0.04, 0.01]])
    >>> table = np.stack([first, then])
    >>> greedy, total = beam_search(table, start=1, end=0, n_beam=1)
    >>> greedy, np.exp(total).round(2)
    (array([[1, 1]]), array([0.2]))
    >>> wide, total = beam_search(table, start=1, end=0, n_beam=2)
    >>> wide, np.exp(total).round(2)
    (array([[2, 0],
           [1, 1]]), array([0.38, 0.2 ]))
    """
    n_step, n_token = log_probability.shape[:2]
    _check.shape("log_probability", log_probability.shape, (n_step, n_token, n_token))
    for name, one in (("start", start), ("end", end)):
        _check.at_least(name, one, 0)
        _check.at_most(name, one, n_token - 1)
    _check.at_least("n_beam", n_beam, 1)
    found, total = np.full((1, 0), start), np.zeros(1)
    last = np.array([start])
    only_end = np.where(np.arange(n_token) == end, 0.0, -np.inf)
    for t, table in enumerate(log_probability):
        finished = (last == end) & (t > 0)
        following = np.where(finished[:, None], only_end, table[last])
        total, origin, last = beam_step(following, total, min(n_beam, following.size))
        found = np.concatenate([found[origin], last[:, None]], axis=1)
    missing = n_beam - len(found)
    token = np.pad(found, ((0, missing), (0, 0)), constant_values=end)
    total = np.pad(total, (0, missing), constant_values=-np.inf)
    return np.where((total > -np.inf)[:, None], token, end), total
