"""Softmax and masks, the dense layer and three recurrent cells in NumPy, one example at a time."""

import numpy as np

from attn_course import _check
from attn_course._typing import Array, Bool, Float


def softmax(score: Float[Array, "n_query n_key"]) -> Float[Array, "n_query n_key"]:
    r"""Softmax over the keys: :math:`\alpha_{ij} = e^{s_{ij}} / \sum_k e^{s_{ik}}`.

    Parameters
    ----------
    score : (n_query, n_key)
        Scores, one row per query.

    Returns
    -------
    weight : (n_query, n_key)
        Rows that sum to one.

    Notes
    -----
    Each row's largest score is taken off first, which changes nothing but keeps `exp` from
    overflowing.

    Examples
    --------
    >>> softmax(np.array([[0.0, np.log(3.0)], [1000.0, 1000.0]]))
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    weight = np.exp(score - score.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)


def softmax_jacobian(weight: Float[Array, " n_key"]) -> Float[Array, "n_key n_key"]:
    r"""Jacobian of the softmax by its scores: :math:`J_{ij} = \partial\alpha_i / \partial s_j`.

    :math:`J_{ij} = \alpha_i (\delta_{ij} - \alpha_j)`, or :math:`J = \operatorname{diag}\alpha -
    \alpha \alpha^\top`.

    Parameters
    ----------
    weight : (n_key,)
        The weights :math:`\alpha` of one query, not its scores: the scores themselves do not occur.

    Returns
    -------
    jacobian : (n_key, n_key)
        Row i says how weight i moves with each score. Symmetric; rows and columns sum to zero.

    Notes
    -----
    It is that of the masked softmax as well: a weight of zero has a row and a column of zeros, and
    an empty row a matrix of zeros. Scores divided by a temperature divide the Jacobian by it.

    Examples
    --------
    >>> softmax_jacobian(np.array([0.25, 0.75, 0.0]))
    array([[ 0.1875, -0.1875,  0.    ],
           [-0.1875,  0.1875,  0.    ],
           [ 0.    ,  0.    ,  0.    ]])
    """
    return np.diag(weight) - np.outer(weight, weight)


def masked_softmax(
    score: Float[Array, "n_query n_key"], mask: Bool[Array, "#n_query #n_key"]
) -> Float[Array, "n_query n_key"]:
    r"""Softmax over the keys that a query may attend to.

    :math:`\alpha_{ij} = m_{ij} e^{s_{ij}} / \sum_k m_{ik} e^{s_{ik}}`, and 0 in an empty row.

    Parameters
    ----------
    score : (n_query, n_key)
        Scores. What stands where the mask is False is never looked at, NaN included.
    mask : (n_query, n_key)
        True where attention is allowed; an axis of size one is broadcast.

    Returns
    -------
    weight : (n_query, n_key)
        Rows that sum to one; a query that may attend to nothing has weight 0 everywhere.

    Raises
    ------
    TypeError
        If the mask is not boolean.
    ValueError
        If the mask does not broadcast to the shape of the scores.

    Examples
    --------
    >>> score = np.array([[2.0, 1.0, np.nan], [2.0, 1.0, 0.5]])
    >>> mask = np.array([[True, True, False], [False, False, False]])
    >>> masked_softmax(score, mask).round(2)
    array([[0.73, 0.27, 0.  ],
           [0.  , 0.  , 0.  ]])
    """
    _check.boolean("mask", mask.dtype)
    _check.broadcasts("mask", mask.shape, score.shape)
    mask = np.broadcast_to(mask, score.shape)
    weight = np.zeros_like(score)
    for i, allowed in enumerate(mask):
        if allowed.any():
            weight[i, allowed] = softmax(score[i : i + 1, allowed])[0]
    return weight


def masked_context(
    weight: Float[Array, "n_query n_key"],
    value: Float[Array, "n_key d_value"],
    mask: Bool[Array, "#n_query #n_key"],
) -> Float[Array, "n_query d_value"]:
    r"""Weighted sum of the values that a query may attend to.

    :math:`c_i = \sum_j m_{ij} \alpha_{ij} v_j`, and 0 for a query that may attend to nothing.

    Parameters
    ----------
    weight : (n_query, n_key)
        Weights. What stands where the mask is False counts as zero, NaN included.
    value : (n_key, d_value)
        Values. One that no query may attend to is never looked at, NaN included.
    mask : (n_query, n_key)
        True where attention is allowed; an axis of size one is broadcast.

    Returns
    -------
    context : (n_query, d_value)
        Zero for a query that may attend to nothing.

    Raises
    ------
    TypeError
        If the mask is not boolean.
    ValueError
        If the mask does not broadcast to the shape of the weights, or there is not one value for
        each key.

    Notes
    -----
    All queries share one matrix product, in which a weight of zero is multiplied like any other,
    and zero times NaN is NaN. A NaN or an infinity among the values that *some* query may attend to
    can therefore spoil that column of the context for *all* queries of the example.

    Examples
    --------
    >>> weight = np.array([[0.25, 0.75, 0.0], [0.0, 0.0, 0.0]])
    >>> value = np.array([[4.0], [8.0], [np.nan]])
    >>> masked_context(weight, value, np.array([[True, True, False]]))
    array([[7.],
           [0.]])
    """
    _check.boolean("mask", mask.dtype)
    _check.broadcasts("mask", mask.shape, weight.shape)
    _check.shape("value", value.shape, (weight.shape[1], None), "one value for each key")
    mask = np.broadcast_to(mask, weight.shape)
    seen = np.any(mask, axis=0, keepdims=True).T
    return np.where(mask, weight, 0.0) @ np.where(seen, value, 0.0)


def padding_mask(length: int, n_key: int) -> Bool[Array, "1 n_key"]:
    """Mask of a sequence whose first `length` positions are real and the rest padding.

    Parameters
    ----------
    length : int
        Number of real positions, from 0 to `n_key`.
    n_key : int
        Number of positions, padding included.

    Returns
    -------
    mask : (1, n_key)
        True where a position is real; one row, for every query.

    Raises
    ------
    ValueError
        If `length` is negative or above `n_key`.

    Examples
    --------
    >>> padding_mask(2, 3)
    array([[ True,  True, False]])
    """
    _check.at_least("length", length, 0)
    _check.at_most("length", length, n_key)
    return np.arange(n_key)[None, :] < length


def causal_mask(n_query: int, n_key: int) -> Bool[Array, "n_query n_key"]:
    """Mask that lets query i attend to keys 0 to i and to none after it.

    Parameters
    ----------
    n_query, n_key : int
        Numbers of queries and keys.

    Returns
    -------
    mask : (n_query, n_key)
        True on and below the diagonal.

    Raises
    ------
    ValueError
        If there is no query.

    Conventions
    -----------
    Where the numbers differ the diagonal starts in the upper left corner.

    Examples
    --------
    >>> causal_mask(2, 3)
    array([[ True, False, False],
           [ True,  True, False]])
    """
    _check.at_least("n_query", n_query, 1)
    return np.arange(n_key)[None, :] <= np.arange(n_query)[:, None]


def dense(
    feature: Float[Array, " d_in"], w: Float[Array, "d_out d_in"], b: Float[Array, " d_out"]
) -> Float[Array, " d_out"]:
    r"""Dense layer :math:`W x + b`.

    Parameters
    ----------
    feature : (d_in,)
        The input x.
    w : (d_out, d_in)
        The weights W.
    b : (d_out,)
        The bias.

    Returns
    -------
    output : (d_out,)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> dense(np.array([1.0, 2.0]), np.array([[3.0, 4.0]]), np.array([5.0]))
    array([16.])
    """
    _check.shape("w", w.shape, (b.shape[-1], feature.shape[-1]), "w is (d_out, d_in)")
    return w @ feature + b


def simple_cell(
    feature: Float[Array, " d_in"],
    hidden: Float[Array, " d_hidden"],
    w_input: Float[Array, "d_hidden d_in"],
    w_hidden: Float[Array, "d_hidden d_hidden"],
    b: Float[Array, " d_hidden"],
) -> Float[Array, " d_hidden"]:
    r"""Step of the simple recurrent network: :math:`h' = \tanh(W_x x + W_h h + b)`.

    Parameters
    ----------
    feature : (d_in,)
        The input x of this step.
    hidden : (d_hidden,)
        The state h.
    w_input : (d_hidden, d_in)
        :math:`W_x`.
    w_hidden : (d_hidden, d_hidden)
        :math:`W_h`.
    b : (d_hidden,)
        The bias.

    Returns
    -------
    hidden : (d_hidden,)
        The new state.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    Elman (1990), Finding structure in time.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> simple_cell(np.array([1.0]), np.array([-1.0]), one, one, np.array([0.0]))
    array([0.])
    """
    _check.cell(
        1,
        feature.shape[-1],
        hidden.shape[-1],
        w_input=w_input.shape,
        w_hidden=w_hidden.shape,
        b=b.shape,
    )
    return np.tanh(dense(feature, w_input, b) + dense(hidden, w_hidden, np.zeros_like(b)))


def gru_cell(
    feature: Float[Array, " d_in"],
    hidden: Float[Array, " d_hidden"],
    w_input: Float[Array, "3*d_hidden d_in"],
    w_hidden: Float[Array, "3*d_hidden d_hidden"],
    b_input: Float[Array, " 3*d_hidden"],
    b_hidden: Float[Array, " 3*d_hidden"],
) -> Float[Array, " d_hidden"]:
    r"""Step of the gated recurrent unit: :math:`h' = (1 - z) \odot n + z \odot h`.

    With :math:`r = \sigma(a_r + c_r)`, :math:`z = \sigma(a_z + c_z)` and
    :math:`n = \tanh(a_n + r \odot c_n)`, where :math:`a = W_x x + b_x` and :math:`c = W_h h + b_h`.

    Parameters
    ----------
    feature : (d_in,)
        The input x of this step.
    hidden : (d_hidden,)
        The state h.
    w_input : (3*d_hidden, d_in)
        :math:`W_x`, the blocks r, z, n one below the other.
    w_hidden : (3*d_hidden, d_hidden)
        :math:`W_h`, in the same order.
    b_input, b_hidden : (3*d_hidden,)
        :math:`b_x` and :math:`b_h`.

    Returns
    -------
    hidden : (d_hidden,)
        The new state.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Conventions
    -----------
    The gates' order, and the reset gate applied after the product with :math:`W_h`, are those of
    `torch.nn.GRUCell`; Cho et al. apply it before.

    References
    ----------
    Cho et al. (2014), equations 5 to 8.

    Examples
    --------
    >>> w = np.zeros((3, 1))
    >>> gru_cell(np.ones(1), np.array([4.0]), w, w, np.zeros(3), np.zeros(3))  # z = 1/2, n = 0
    array([2.])
    """
    _check.cell(
        3,
        feature.shape[-1],
        hidden.shape[-1],
        w_input=w_input.shape,
        w_hidden=w_hidden.shape,
        b_input=b_input.shape,
        b_hidden=b_hidden.shape,
    )
    reset_in, update_in, new_in = np.split(dense(feature, w_input, b_input), 3)
    reset_hid, update_hid, new_hid = np.split(dense(hidden, w_hidden, b_hidden), 3)
    reset = _sigmoid(reset_in + reset_hid)
    update = _sigmoid(update_in + update_hid)
    return (1 - update) * np.tanh(new_in + reset * new_hid) + update * hidden


def lstm_cell(
    feature: Float[Array, " d_in"],
    hidden: Float[Array, " d_hidden"],
    cell: Float[Array, " d_hidden"],
    w_input: Float[Array, "4*d_hidden d_in"],
    w_hidden: Float[Array, "4*d_hidden d_hidden"],
    b_input: Float[Array, " 4*d_hidden"],
    b_hidden: Float[Array, " 4*d_hidden"],
) -> tuple[Float[Array, " d_hidden"], Float[Array, " d_hidden"]]:
    r"""Step of the long short-term memory.

    :math:`c' = f \odot c + i \odot g` and :math:`h' = o \odot \tanh c'`, with
    :math:`(i, f, g, o) = (\sigma, \sigma, \tanh, \sigma)(W_x x + b_x + W_h h + b_h)`.

    Parameters
    ----------
    feature : (d_in,)
        The input x of this step.
    hidden : (d_hidden,)
        The state h.
    cell : (d_hidden,)
        The memory cell c.
    w_input : (4*d_hidden, d_in)
        :math:`W_x`, the blocks i, f, g, o one below the other.
    w_hidden : (4*d_hidden, d_hidden)
        :math:`W_h`, in the same order.
    b_input, b_hidden : (4*d_hidden,)
        :math:`b_x` and :math:`b_h`.

    Returns
    -------
    hidden : (d_hidden,)
        The new state.
    cell : (d_hidden,)
        The new memory cell.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).

    Examples
    --------
    >>> w = np.zeros((4, 1))
    >>> lstm_cell(np.ones(1), np.zeros(1), np.array([4.0]), w, w, np.zeros(4), np.zeros(4))[1]
    array([2.])
    """
    _check.cell(
        4,
        feature.shape[-1],
        hidden.shape[-1],
        w_input=w_input.shape,
        w_hidden=w_hidden.shape,
        b_input=b_input.shape,
        b_hidden=b_hidden.shape,
        cell=cell.shape,
    )
    score = dense(feature, w_input, b_input) + dense(hidden, w_hidden, b_hidden)
    enter, forget, new, out = np.split(score, 4)
    cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(new)
    return _sigmoid(out) * np.tanh(cell), cell


def _sigmoid(score: Array) -> Array:
    return (1 + np.tanh(score / 2)) / 2
