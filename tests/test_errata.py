"""Every entry of the page "Errata of the sources", pinned: one test for each, of the entry's name.

The page shows these tests, so they are written to be read. What the source computes is spelled
out once more below in NumPy, name for name the operations of TensorFlow in 2017.
"""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from paths import HAS_TORCH

from attn_course.families.reference import (
    attend,
    general_score,
    local_attend,
    local_weight,
    location_score,
    region_attention,
    scaled_dot_score,
    window_mask,
)
from attn_course.gaussian.reference import (
    attention_map,
    filterbank,
    gaussian_glimpse,
    gaussian_vector,
)
from attn_course.preliminaries.reference import simple_cell, softmax
from attn_course.soft_hard.reference import (
    crop,
    dynamic_filter,
    hard_item,
    sigmoid_mask,
    soft_glimpse,
)

PAGE = Path(__file__).parents[1] / "book" / "errata.md"


def matmul_2017(a, b):
    """tf.matmul as it was: equal ranks, equal leading axes, no broadcasting."""
    if a.shape[:-2] != b.shape[:-2]:
        raise ValueError(f"leading axes must agree, got {a.shape} and {b.shape}")
    return a @ b


def source_mask(u, s, d, n_row, n_column):
    row = np.arange(n_row, dtype=float).reshape(1, 1, n_row)
    column = np.arange(n_column, dtype=float).reshape(1, n_column, 1)
    centre = u[np.newaxis, :, np.newaxis] + row * d
    mask = np.exp(-0.5 * ((column - centre) / s) ** 2)
    return mask / (mask.sum(axis=1, keepdims=True) + 1e-8)


def source_glimpse(image, params, size, matmul=matmul_2017):
    height, width = image.shape[1:3]
    u_y, s_y, d_y, u_x, s_x, d_x = np.split(params, 6, axis=-1)
    mask_y = source_mask(u_y, s_y, d_y, size[0], height)
    mask_x = source_mask(u_x, s_x, d_x, size[1], width)
    return matmul(matmul(np.swapaxes(mask_y, -1, -2), image), mask_x)


def warper(image_size, size):
    """Sonnet's affine grid warper, as far as sizes go: two-dimensional images only."""
    if len(image_size) != 2:
        raise ValueError(f"the constraints are for two axes, the image size has {len(image_size)}")
    return np.empty((1, *size, 2))


def resampler(data, grid):
    """Sonnet's resampler, as far as shapes go."""
    if data.ndim != 4:
        raise ValueError(f"data must be (batch, height, width, channels), got {data.shape}")
    return np.empty((*grid.shape[:-1], data.shape[-1]))


def bilinear(position, n_pixel):
    """Weights of the pixels of an axis in linear interpolation at a position."""
    return np.maximum(0, 1 - np.abs(np.arange(n_pixel) - position))


def our_glimpse(image, params, size, rule="source"):
    """The package's glimpse with the source's six numbers, y before x."""
    mean, std, stride = (np.array([params[3 + k], params[k]]) for k in range(3))
    return gaussian_glimpse(image, mean, std, stride, size, rule)


def jacobian(params, size=(4, 5)):
    """Derivative of every pixel of a glimpse with respect to the six numbers."""
    image = np.random.default_rng(0).random((1, 9, 11))
    columns = []
    for step in 1e-5 * np.eye(6):
        up, down = (our_glimpse(image, params + s, size, "exact") for s in (step, -step))
        columns.append((up - down).ravel() / 2e-5)
    return np.stack(columns, axis=1)


def entries():
    """The page's entries: label -> text."""
    parts = re.split(r"^\(erratum-([a-z0-9-]+)\)=$", PAGE.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def says(label, *values):
    """The page's entry must hold each of these numbers, so that none is typed and forgotten."""
    text = entries()[label]
    for value in values:
        assert re.search(rf"(?<![\d.]){re.escape(value)}(?!\.?\d)", text), f"{label}: {value}?"


PARAMS = np.array([1.5, 0.7, 1.2, 2.5, 0.9, 1.3])  # u, s, d along y, then along x


# The listing, in all three texts ------------------------------------------------------------------


def test_crop_border():
    image = np.arange(1.0, 31.0).reshape(5, 6)

    def post(x, y, h=3, w=3):
        return image[y : y + h, x : x + w]

    np.testing.assert_array_equal(post(2, 1), crop(image[None], np.array([2, 1]), 3)[0])
    assert post(4, 3).shape == (2, 2)  # over the lower right corner: smaller
    assert post(-1, 1).size == 0  # over the left border: nothing at all
    with pytest.raises(TypeError, match="indices"):
        post(1.5, 1)
    ours = crop(image[None], np.array([-1, 1]), 3)[0]
    np.testing.assert_array_equal(ours, np.pad(image[1:4, :2], ((0, 0), (1, 0))))


def test_independent_masks():
    score, feature = np.array([0.3, -1.2, 0.8, 2.0]), np.array([1.0, 2.0, -1.0, 0.5])

    def rank(mask):
        slope = [
            (soft_glimpse(feature, mask(score + s)) - soft_glimpse(feature, mask(score - s))) / 2e-4
            for s in 1e-4 * np.eye(4)
        ]
        return np.linalg.matrix_rank(np.array(slope), tol=1e-6)

    assert rank(sigmoid_mask) == 4  # no score can stand in for the others
    assert rank(lambda s: softmax(s[None])[0]) == 3  # one is to spare:
    np.testing.assert_allclose(softmax(score[None] + 5), softmax(score[None]))


def test_filter_difference():
    line = np.array([[0.0, 0.0, 4.0, 0.0, 0.0]])
    kernel = np.array([[0.0, 0.0, 1.0]])  # its weights lie between zero and one
    moved = dynamic_filter(np.pad(line, ((0, 0), (1, 1))), kernel)
    np.testing.assert_array_equal(moved, [[0, 4, 0, 0, 0]])
    for mask in np.random.default_rng(9).normal(scale=100, size=(20, 5)):
        assert soft_glimpse(line[0], mask)[1] == 0  # where there was nothing, nothing comes


def test_batch():
    image = np.random.default_rng(1).random((3, 6, 7))
    window = PARAMS + np.zeros((3, 6))  # (batch, 6), as documented

    # Six bare numbers and one image: right.
    glimpse = source_glimpse(image[:1], PARAMS, (4, 5))
    np.testing.assert_allclose(glimpse, our_glimpse(image[:1], PARAMS, (4, 5)))

    # A batch of three: the shapes do not broadcast.
    with pytest.raises(ValueError, match="broadcast"):
        source_glimpse(image, window, (4, 5))

    # A batch of one: the sum runs over an axis of length one, and every weight becomes 1.
    mask = source_mask(*np.split(window[:1, :3], 3, axis=-1), 4, 6)
    assert mask.shape == (1, 1, 6, 4)
    assert mask.sum(axis=-2).max() > 5
    with pytest.raises(ValueError, match="leading axes"):
        source_glimpse(image[:1], window[:1], (4, 5))

    # As many examples as pixels: no complaint, and example 0's mask is not what it should be.
    u, s, d = np.arange(6.0)[:, None], np.full((6, 1), 0.7), np.linspace(1, 2, 6)[:, None]
    mask = source_mask(u, s, d, 4, 6)
    assert mask.shape == (1, 6, 6, 4)
    right = filterbank(0.0, 0.7, 1.0, 4, 6, "source").T
    assert np.abs(mask[0, 0] - right).max() > 0.5


def test_channels():
    image = np.random.default_rng(2).random((1, 8, 8, 3))
    with pytest.raises(ValueError, match="leading axes"):
        source_glimpse(image, PARAMS, (4, 5))
    with pytest.raises(ValueError, match="mismatch"):  # nor in later versions, which broadcast
        source_glimpse(image, PARAMS, (4, 5), matmul=np.matmul)

    colour = np.moveaxis(image[0], -1, 0)  # ours: (channel, height, width)
    for channel, glimpse in zip(colour, our_glimpse(colour, PARAMS, (4, 5)), strict=True):
        np.testing.assert_allclose(glimpse, source_glimpse(channel[None], PARAMS, (4, 5))[0])


def test_mask_axes():
    image = np.random.default_rng(3).random((6, 7))
    mask_y = source_mask(*np.split(PARAMS[:3], 3), 4, 6)[0]
    mask_x = source_mask(*np.split(PARAMS[3:], 3), 5, 7)[0]
    assert mask_y.shape == (6, 4)  # the text: (h, H) = (4, 6), one Gaussian a row
    np.testing.assert_allclose(mask_y.T, filterbank(*PARAMS[:3], 4, 6, "source"))
    with pytest.raises(ValueError, match="mismatch"):
        mask_y @ image @ mask_x.T  # the text's formula with the listing's masks
    ours = our_glimpse(image[None], PARAMS, (4, 5))[0]
    np.testing.assert_allclose(mask_y.T @ image @ mask_x, ours)


def test_fading():
    midway = 4.5
    for std in (0.08, 0.07):
        total = source_mask(np.array([midway]), std, 1.0, 1, 10).sum()
        np.testing.assert_allclose(total, filterbank(midway, std, 1, 1, 10, "source").sum())
        says("fading", f"{std:.2f}", f"{total:.3f}")
    assert total < 0.01
    exact = filterbank(midway, 0.07, 1, 1, 10, "exact")
    np.testing.assert_allclose(exact[0, 4:6], [0.5, 0.5])


def test_vector_sizes():
    image = np.ones((6, 7))
    a_y, a_x = gaussian_vector(1.5, 0.7, 4), gaussian_vector(2.5, 0.9, 5)  # in R^h and R^w
    with pytest.raises(ValueError, match="broadcast"):
        attention_map(a_x, a_y) * image
    a_y, a_x = gaussian_vector(1.5, 0.7, 6), gaussian_vector(2.5, 0.9, 7)  # in R^H and R^W
    assert (attention_map(a_x, a_y) * image).shape == image.shape


def test_vector_stride():
    # One Gaussian has no distance to its neighbour: the third parameter does nothing.
    np.testing.assert_array_equal(filterbank(2, 1, 1.0, 1, 7), filterbank(2, 1, 5.0, 1, 7))
    assert list(inspect.signature(gaussian_vector).parameters) == ["mean", "std", "n_pixel"]
    # As many Gaussians as pixels are a square matrix, and the "glimpse" is as large as the image.
    assert filterbank(0, 1, 1, 7, 7).shape == (7, 7)
    assert our_glimpse(np.ones((1, 6, 7)), PARAMS, (6, 7)).shape == (1, 6, 7)


def test_six_parameters():
    size = np.linalg.svd(jacobian(PARAMS), compute_uv=False)
    assert size[-1] > 0.01 * size[0]  # rank six: no number can stand in for the others


def test_transformer_order():
    scale_1, shift_1, scale_2, shift_2 = 0.5, 0.1, 0.25, -0.2
    matrix = np.array([[scale_1, 0, shift_1], [0, scale_2, shift_2]])  # filled row by row
    x, y = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 4))
    x_in, y_in = np.einsum("ij,jhw->ihw", matrix, np.stack([x, y, np.ones_like(x)]))
    np.testing.assert_allclose(x_in[0, [0, -1]], [shift_1 - scale_1, shift_1 + scale_1])
    np.testing.assert_allclose(y_in[[0, -1], 0], [shift_2 - scale_2, shift_2 + scale_2])
    assert np.ptp(x_in, axis=0).max() == 0  # the first pair moves along x and nothing else


def test_transformer_input():
    colour = np.zeros((1, 10, 12, 3))  # as documented
    with pytest.raises(ValueError, match="size has 3"):
        warper(colour.shape[1:], (5, 5))
    grey = colour[..., 0]  # what the code can take
    grid = warper(grey.shape[1:], (5, 5))
    assert resampler(grey[..., np.newaxis], grid).shape == (1, 5, 5, 1)


def test_transformer_crop():
    def pixels_aligned(scale, shift):  # -1 and 1 are the centres of the outermost pixels
        return (np.linspace(-1, 1, 5) * scale + shift + 1) * 9 / 2

    def pixels_edges(scale, shift):  # -1 and 1 are the outer edges of the outermost pixels
        return ((np.arange(1, 10, 2) / 5 - 1) * scale + shift + 1) * 10 / 2 - 0.5

    crop = [2, 3, 4, 5, 6]
    read = pixels_aligned(0.4, -0.1)
    assert np.abs(read - crop).max() > 0.1
    assert np.abs(pixels_edges(0.4, -0.1) - crop).max() > 0.1
    says("transformer-crop", f"{read[0]:.2f}", f"{read[-1]:.2f}")
    np.testing.assert_allclose(pixels_aligned(4 / 9, -1 / 9), crop)
    np.testing.assert_allclose(pixels_edges(0.5, -0.1), crop)


# The first copy -----------------------------------------------------------------------------------


def test_lower_case_size():
    image = np.random.default_rng(4).random((1, 6, 7))

    def lower_case_glimpse(img_tensor, params, crop_size):
        h, w = crop_size
        h, w = img_tensor.shape[1:3]  # H and W, in the post
        return source_glimpse(img_tensor, params, (h, w))

    assert lower_case_glimpse(image, PARAMS, (4, 5)).shape == (1, 6, 7)  # asked for 4 by 5
    assert our_glimpse(image, PARAMS, (4, 5)).shape == (1, 4, 5)


@pytest.mark.parametrize("name", ["true", "false"])
def test_lower_case_names(name):
    with pytest.raises(NameError, match=name):
        eval(name)


def test_lost_formulas():
    image = np.random.default_rng(5).random((6, 7))
    a_y, a_x = gaussian_vector(1.5, 0.7, 6), gaussian_vector(2.5, 0.9, 7)
    np.testing.assert_allclose(attention_map(a_x, a_y), np.einsum("i,j->ij", a_y, a_x))
    bank_y, bank_x = filterbank(*PARAMS[:3], 4, 6), filterbank(*PARAMS[3:], 5, 7)
    glimpse = np.einsum("hi,ij,wj->hw", bank_y, image, bank_x)
    np.testing.assert_allclose(our_glimpse(image[None], PARAMS, (4, 5), "exact")[0], glimpse)


# The second copy ----------------------------------------------------------------------------------


def test_lost_quotes():
    with pytest.raises(SyntaxError):
        compile("def mask(u):\n    :param u: centre\n    return u", "second copy", "exec")
    compile('def mask(u):\n    """\n    :param u: centre\n    """\n    return u', "post", "exec")


def test_lost_calls():
    with pytest.raises(SyntaxError):
        compile("stn_crop =, {}", "second copy", "exec")


# The translation ----------------------------------------------------------------------------------


def test_unassigned_mask():
    scope = {}
    exec("def normalise(mask):\n    normalised_mask /= mask.sum()", scope)
    with pytest.raises(UnboundLocalError, match="normalised_mask"):
        scope["normalise"](np.ones(3))


def test_missing_function():
    scope = {"gaussian_mask": source_mask}
    exec("def glimpse(u):\n    return mask(u, 1.0, 1.0, 2, 3)", scope)
    with pytest.raises(NameError, match="'mask'"):
        scope["glimpse"](np.zeros(1))


def test_transformer_channel():
    grey, colour = np.zeros((1, 10, 12)), np.zeros((1, 10, 12, 3))
    with pytest.raises(ValueError, match="data must be"):
        resampler(grey, warper(grey.shape[1:], (5, 5)))
    with pytest.raises(ValueError, match="size has 3"):
        resampler(colour, warper(colour.shape[1:], (5, 5)))


def test_dropped_example():
    image = np.zeros((1, 10, 10))
    image[0, 3:6, 3:6] = 1
    glimpse = our_glimpse(image, np.array([2, 0.5, 1, 2, 0.5, 1]), (5, 5), "exact")
    np.testing.assert_allclose(
        glimpse, source_glimpse(image, np.array([2, 0.5, 1] * 2), (5, 5)), rtol=1e-6
    )
    says("dropped-example", f"{glimpse[0, 2, 2]:.3f}", f"{glimpse[0, 2, 0]:.3f}")


def test_translated_differentiable():
    image = np.random.default_rng(6).random((1, 9, 9))

    def quotient(read, step):
        return (read(3 + step) - read(3 - step)) / (2 * step)

    def soft(mean):
        return our_glimpse(image, np.array([mean, 0.7, 1, 2, 0.7, 1]), (3, 3), "exact")

    def hard(corner):
        return image[:, int(corner) : int(corner) + 3, 2:5]

    np.testing.assert_allclose(quotient(soft, 1e-3), quotient(soft, 1e-4), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(10 * quotient(hard, 1e-3), quotient(hard, 1e-4))  # no limit


def test_translated_parameters():
    # The six numbers are learned: each has a gradient. A hyper-parameter has none.
    assert np.abs(jacobian(PARAMS)).max(axis=0).min() > 0.01


def test_translated_general():
    angle = np.pi / 6
    x, y = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 4))
    turned = np.cos(angle) * x - np.sin(angle) * y
    assert np.ptp(turned, axis=0).min() > 0.5  # columns lean over; those of a crop cannot
    assert np.ptp(0.5 * x + 0.1, axis=0).max() == 0


def test_translated_pixels():
    for position in np.random.default_rng(7).uniform(1, 7, 50):
        assert np.count_nonzero(bilinear(position, 9)) == 2
    assert np.count_nonzero(bilinear(4.0, 9)) == 1  # on a pixel, its neighbour gets nothing


def test_translated_product():
    def mixed(function):
        """What the function adds when both inputs change, beyond either alone."""
        both, one, other = ([2.0, 3.0], [2.0, 0.0], [0.0, 3.0])
        values = [function(np.array(z)) for z in (both, one, other, [0.0, 0.0])]
        return values[0] - values[1] - values[2] + values[3]

    np.testing.assert_allclose(mixed(lambda z: np.tanh(z).sum()), 0, atol=1e-12)  # element-wise
    np.testing.assert_allclose(mixed(np.prod), 6)


# The slides ---------------------------------------------------------------------------------------


def test_slides_index():
    centre = np.linspace(-1, 1, 32)
    assert (centre[0], centre[-1]) == (-1, 1)  # a closed interval
    stated = -1 + 2 / 31 * np.array([3, 4])
    np.testing.assert_allclose(stated, [centre[3], centre[4]])  # the fourth and the fifth
    x, y = centre[4 - 1], centre[3 - 1]  # fourth column, third row
    says("slides-index", *(f"{abs(value):.3f}" for value in (*stated, x, y)))
    assert abs(stated[1] - y) > 0.1


def test_slides_soft():
    row = np.random.default_rng(8).random(9)

    def crop(position):
        return row[round(position)]

    def transformer(position):
        return bilinear(position, 9) @ row

    def slope(read):
        return (read(4.3 + 1e-6) - read(4.3 - 1e-6)) / 2e-6

    assert slope(crop) == 0
    np.testing.assert_allclose(slope(transformer), row[5] - row[4], rtol=1e-6)


def test_slides_zeros():
    feature, chosen = np.array([-3.0, 7.0, -1.0]), np.array([True, False, True])
    left_out, filled = feature[chosen], soft_glimpse(feature, chosen.astype(float))

    w = np.array([[0.5, -2.0, 1.5], [1.0, 0.3, -0.7]])
    np.testing.assert_allclose(w @ filled, w[:, chosen] @ left_out)  # a matrix sees no difference
    assert (left_out.max(), filled.max()) == (-1, 0)
    assert left_out.mean() != filled.mean()
    assert softmax(filled[None])[0, 1] > 0.5  # most of the weight is on what was not chosen
    says("slides-zeros", "3", "1", "0")


def test_slides_participants():
    def left_over(n_person, n_task):
        """Degrees of freedom left for chance by one record a person and task."""
        task = np.tile(np.eye(n_task), (n_person, 1))
        return len(task) - np.linalg.matrix_rank(task)

    assert left_over(1, 7) == 0  # seven records, seven means: nothing tells chance from task
    assert left_over(21, 7) > 0
    says("slides-participants", "21", f"{100 / 4:.0f}", f"{100 / 7:.2f}")  # guessing


# The overview -------------------------------------------------------------------------------------


def test_hard_date():
    entries = (PAGE.parent / "references.bib").read_text(encoding="utf-8").split("\n@")
    year = {}
    for entry in entries[1:]:
        key = re.match(r"\w+\{([^,]+),", entry)[1]
        year[key] = int(re.search(r"^  year *= \{(\d+)\}", entry, flags=re.M)[1])
    hard = [year[key] for key in ("schmidhuber1991fovea", "larochelle2010foveal", "mnih2014ram")]
    assert hard == sorted(hard)
    assert hard[-1] == year["xu2015show"] - 1  # the year before
    says("hard-date", str(year["xu2015show"]))


def test_overview_self():
    rng = np.random.default_rng(9)
    n_word, n_region = 5, 14 * 14  # the paper's feature map is 14 by 14
    says("overview-self", "14", str(n_region))
    region, order = rng.normal(size=(n_region, 8)), rng.permutation(n_region)
    w_query, w_key, v, w_gate = (rng.normal(size=n) for n in ((4, 6), (4, 8), 4, 6))
    w_input, w_hidden = rng.normal(size=(6, 8)), rng.normal(size=(6, 6))

    def caption(region):
        """Contexts and weights, word by word; what is seen becomes part of the next query."""
        hidden, looks = np.ones(6), []
        for _ in range(n_word):
            look = region_attention(hidden, region, w_query, w_key, 5 * v, w_gate, np.array(2.0))
            hidden = simple_cell(look[0], hidden, w_input, w_hidden, np.zeros(6))
            looks.append(look[:2])
        return (np.stack(each) for each in zip(*looks, strict=True))

    context, weight = caption(region)
    assert weight.shape == (n_word, n_region)
    assert np.ptp(weight, axis=0).max() > 0.1  # each word has a look of its own
    moved_context, moved = caption(region[order])
    np.testing.assert_allclose(moved_context, context)  # the rows stay where they are
    np.testing.assert_allclose(moved, weight[:, order])

    def within(region):
        return attend(scaled_dot_score(region, region), region, np.ones((1, 1), bool))

    context, weight = within(region)
    assert weight.shape == (n_region, n_region)
    moved_context, moved = within(region[order])
    np.testing.assert_allclose(moved_context, context[order])  # the rows move along
    np.testing.assert_allclose(moved, weight[order][:, order])
    assert np.abs(moved_context - context).max() > 1

    if HAS_TORCH:  # The book's captioner, untrained: a row a word, and the same scores of words.
        import torch

        from attn_course.families import recipe_regions as recipe

        chance = torch.Generator().manual_seed(0)
        model = recipe.build(recipe.configure("smoke", "soft"), chance)
        image = torch.rand(1, 3, recipe.SIDE, recipe.SIDE, generator=chance)
        region, start, _ = model.read(image)
        order = torch.randperm(recipe.GRID**2, generator=chance)
        told = []
        for each in (region, region[:, order]):
            hidden, steps = start, []
            for word in (recipe.START, 7, 5):
                score, hidden, look = model.step(torch.tensor([word]), hidden, each, None)
                steps.append((score, look["weight"]))
            told.append([torch.cat(x) for x in zip(*steps, strict=True)])
        (score, weight), (moved_score, moved) = told
        assert weight.shape == (3, recipe.GRID**2)
        torch.testing.assert_close(moved_score, score)
        torch.testing.assert_close(moved, weight[:, order])
        assert not torch.allclose(moved, weight)


def test_overview_local():
    rng = np.random.default_rng(3)
    query, key = rng.normal(size=(1, 4)), rng.normal(size=(9, 4))
    value, noise = np.arange(9.0)[:, None], rng.gumbel(size=9)
    centre, radius, far = np.array([4.0]), 2, [0, 1, 7, 8]

    def hard(key, shift=0.0):
        """One value, drawn with the weights of all scores."""
        score = scaled_dot_score(query, key)[0] + shift * np.arange(9)
        return hard_item(score, value, noise)[0]

    # Local: of nine keys five are scored, and the others are not even looked at.
    bad_key, bad_value = key.copy(), value.copy()
    bad_key[far] = bad_value[far] = np.nan
    context, weight = local_attend(query, bad_key, bad_value, centre, radius)
    window = window_mask(centre, 9, radius)
    masked, full = attend(scaled_dot_score(query, key), value, window)
    np.testing.assert_allclose(context, masked)
    np.testing.assert_allclose(weight[0], full[window])
    assert weight.shape == (1, 2 * radius + 1)
    assert weight.min() > 0.01  # all of them weighed, softly

    # Hard: no weight, and so no draw, without each of the nine scores.
    assert np.isnan(softmax(scaled_dot_score(query, bad_key))).all()
    assert hard(key) not in far
    for j in far:
        loud = key.copy()
        loud[j] = 50 * query[0]
        assert hard(loud) == j  # a far score decides what is drawn
        np.testing.assert_array_equal(local_attend(query, loud, value, centre, radius)[0], context)

    # A moving window: a slope, and a step where a key leaves. A draw has steps alone.
    def change(centre, step):
        """By how much the context changes when the window goes on by two steps."""
        read = []
        for position in (np.array([centre - step]), np.array([centre + step])):
            mask = window_mask(position, 9, radius)
            weight = attend(scaled_dot_score(query, key), value, mask)[1]
            read.append((local_weight(weight, position, radius) @ value).item())
        return read[1] - read[0]

    assert abs(change(4.3, 1e-4)) > 1e-5
    np.testing.assert_allclose(change(4.3, 1e-4), 10 * change(4.3, 1e-5), rtol=1e-5)
    assert abs(change(4.0, 1e-5)) > 0.01
    np.testing.assert_allclose(change(4.0, 1e-4), change(4.0, 1e-5), rtol=0.1)
    found = {hard(key, shift) for shift in np.linspace(-1, 1, 3_001)}
    assert len(found) > 1
    assert found < set(range(9))


def test_overview_location():
    rng = np.random.default_rng(11)
    w, w_general = rng.normal(size=(6, 4)), rng.normal(size=(4, 3))  # w: a row for each place
    w_input, w_hidden = rng.normal(size=(4, 2)), rng.normal(size=(4, 4))

    def states(sentence):
        """The states of a decoder, step by step, that is given these words."""
        hidden = [np.zeros(4)]
        for word in sentence:
            hidden.append(simple_cell(word, hidden[-1], w_input, w_hidden, np.zeros(4)))
        return np.stack(hidden[1:])

    one, other = (states(sentence) for sentence in rng.normal(size=(2, 3, 2)))
    apart = np.abs(softmax(location_score(one, w)) - softmax(location_score(other, w)))
    assert apart.max(axis=1).min() > 0.1  # at each step: one position, two states, other weights
    order = [2, 0, 1]  # a state has its weights with it, at whatever step it comes
    np.testing.assert_allclose(location_score(one[order], w), location_score(one, w)[order])

    def look(source, score):
        return attend(score(source), source, np.ones((1, 1), bool))

    def by_place(source):
        return location_score(one, w)

    def by_content(source):
        return general_score(one, source, w_general)

    source, changed = rng.normal(size=(2, 6, 3))
    for score, blind in ((by_place, True), (by_content, False)):
        (context, weight), (new_context, new_weight) = look(source, score), look(changed, score)
        assert np.array_equal(weight, new_weight) == blind
        assert np.abs(context - new_context).max() > 0.1


def test_overview_scale():
    rng = np.random.default_rng(10)
    query, key = rng.normal(size=(2, 2_000, 1_024))
    score = (query * key).sum(axis=1)
    np.testing.assert_allclose(score.var(), 1_024, rtol=0.1)
    np.testing.assert_allclose((score / 32).var(), 1, rtol=0.1)
    large = score[None, :32] / 32 + 1_000.0  # large, and no more spread out
    np.testing.assert_allclose(softmax(large), softmax(large - 1_000.0), atol=1e-12)
    key = key[:32] / np.linalg.norm(key[:32], axis=1, keepdims=True)
    weight = softmax(scaled_dot_score(key[:1], key))[0]
    says("overview-scale", f"{weight[0]:.3f}", f"{1 / 32:.3f}", "1,024")


# The page -----------------------------------------------------------------------------------------


def test_entries_and_tests():
    apart = {"entries_and_tests", "entries_show_their_test"}
    names = {name.removeprefix("test_") for name in globals() if name.startswith("test_")} - apart
    assert {label.replace("-", "_") for label in entries()} == names


def test_entries_show_their_test():
    for label, text in entries().items():
        assert f":pyobject: test_{label.replace('-', '_')}\n" in text, label
