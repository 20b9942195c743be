"""Networks that straighten what they read: localisers, spatial transformers, readers.

Images are ``(*batch, channel, height, width)`` throughout, with any leading axes or none.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from attn_course import _check
from attn_course.preliminaries.modules import Dense
from attn_course.spatial_transformer.functional import identity_raw, warp


class _DenseLayers(nn.Module):
    """Flattens an image; dense layers with a rectifier between each two."""

    def __init__(self, widths: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            Dense(d_in, d_out, generator) for d_in, d_out in zip(widths, widths[1:], strict=False)
        )

    def forward(self, image: Tensor) -> Tensor:
        """(*batch, channel, height, width) to (*batch, d_out)."""
        feature = image.flatten(-3)
        for layer in self.layers[:-1]:
            feature = layer(feature).relu()
        return self.layers[-1](feature)


class _ConvolutionLayers(nn.Module):
    """Layers on images, then dense ones; leading axes are one batch to the former."""

    def __init__(
        self, convolutions: list[nn.Module], widths: Sequence[int], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*convolutions)
        self.dense = _DenseLayers(widths, generator)

    def forward(self, image: Tensor) -> Tensor:
        """(*batch, channel, height, width) to (*batch, d_out)."""
        batch, size = image.shape[:-3], image.shape[-3:]
        score = self.dense(self.convolutions(image.reshape(math.prod(batch), *size)))
        return score.reshape(*batch, score.shape[-1])


def _convolution(d_in: int, d_out: int, border: int, generator: torch.Generator) -> list[nn.Module]:
    """A 5 x 5 convolution and its rectifier; the bias starts at zero."""
    # skip_init: the layer's own initial weights would come from torch's global generator
    layer = nn.utils.skip_init(nn.Conv2d, d_in, d_out, 5, padding=border)
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(layer.bias)
    return [layer, nn.ReLU()]


def _start_at_identity(layers: _DenseLayers, raw: Tensor) -> None:
    """Whatever the image, the last layer answers `raw` until it has learned otherwise."""
    last = layers.layers[-1]
    assert isinstance(last, Dense)
    with torch.no_grad():
        last.w.zero_()
        last.b.copy_(raw)


class DenseLocaliser(_DenseLayers):
    """Localisation network of dense layers: image to the raw numbers of a warp.

    Parameters
    ----------
    n_pixel : int
        Numbers in an image, channels included.
    widths : sequence of int
        Widths of the layers in between.
    kind : "crop", "affine", "projective" or "spline"
        What to warp by, as in `reference.warp_grid`.
    generator : torch.Generator
        Where the initial weights come from.
    n_control : int
        Control points, if the kind is "spline".

    Notes
    -----
    The last layer starts with weights of zero and the identity as its bias, so that nothing is
    warped before anything is learned.
    """

    def __init__(
        self,
        n_pixel: int,
        widths: Sequence[int] = (32, 32),
        kind: str = "affine",
        *,
        generator: torch.Generator,
        n_control: int = 16,
    ) -> None:
        raw = identity_raw(kind, n_control)
        super().__init__((n_pixel, *widths, len(raw)), generator)
        _start_at_identity(self, raw)


class ConvolutionLocaliser(_ConvolutionLayers):
    """Localisation network of two 5 x 5 convolutions with 20 channels, then 20 units.

    The image is first averaged over squares of 2 x 2 pixels; between the convolutions stands a
    maximum over 2 x 2. The last layer starts as that of `DenseLocaliser`.

    Parameters
    ----------
    channel : int
        Channels of the image.
    size : (height, width)
        Size of the image in pixels, 28 at least.
    kind, generator, n_control
        As in `DenseLocaliser`.
    """

    def __init__(
        self,
        channel: int,
        size: tuple[int, int],
        kind: str,
        generator: torch.Generator,
        n_control: int = 16,
    ) -> None:
        _check.at_least("size", min(size), 28, "less leaves the second convolution nothing")
        raw = identity_raw(kind, n_control)
        first = [nn.AvgPool2d(2), *_convolution(channel, 20, 0, generator), nn.MaxPool2d(2)]
        second = _convolution(20, 20, 0, generator)
        n_feature = 20 * math.prod((n // 2 - 4) // 2 - 4 for n in size)
        super().__init__([*first, *second], (n_feature, 20, len(raw)), generator)
        _start_at_identity(self.dense, raw)


class SpatialTransformer(nn.Module):
    """Looks at an image, decides on a warp, and warps the image by it: `reference.warp`.

    Parameters
    ----------
    localiser : nn.Module
        Image to raw numbers of the warp.
    kind, size, padding, align_corners, n_sample
        As in `reference.warp`.
    """

    def __init__(
        self,
        localiser: nn.Module,
        kind: str,
        size: tuple[int, int],
        padding: str = "zeros",
        align_corners: bool = False,
        n_sample: int = 1,
    ) -> None:
        super().__init__()
        self.localiser, self.kind, self.size = localiser, kind, size
        self.padding, self.align_corners, self.n_sample = padding, align_corners, n_sample

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Image to ``warped (*batch, channel, h, w)`` and ``raw (*batch, n_raw)``."""
        raw = self.localiser(image)
        how = self.padding, self.align_corners, self.n_sample
        return warp(image, raw, self.kind, self.size, *how), raw


class ParallelTransformers(nn.Module):
    """Several transformers, each with its own look at the same image; all of one kind.

    Parameters
    ----------
    transformers : sequence of SpatialTransformer
        Each looks for itself.
    """

    def __init__(self, transformers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.transformers = nn.ModuleList(transformers)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Image to ``warped (*batch, n * channel, h, w)`` and ``raw (*batch, n, n_raw)``."""
        warped, raw = zip(*(each(image) for each in self.transformers), strict=True)
        return torch.cat(warped, dim=-3), torch.stack(raw, dim=-2)


class WarpReader(nn.Module):
    """A reader behind a transformer; with dense layers, the module of `reference.warp_reader`.

    Parameters
    ----------
    transformer : SpatialTransformer, ParallelTransformers or None
        None reads the image as it is.
    reader : nn.Module
        Image to scores of the classes.
    """

    def __init__(self, transformer: nn.Module | None, reader: nn.Module) -> None:
        super().__init__()
        self.transformer, self.reader = transformer, reader

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Image to ``score (*batch, n_class)`` and the transformer's raw numbers, if it has one."""
        if self.transformer is None:
            return self.reader(image), None
        warped, raw = self.transformer(image)
        return self.reader(warped), raw


def dense_reader(
    n_pixel: int, widths: Sequence[int], n_class: int, generator: torch.Generator
) -> nn.Module:
    """Dense layers from an image of `n_pixel` numbers to scores, `widths` in between."""
    return _DenseLayers((n_pixel, *widths, n_class), generator)


def convolution_reader(
    channel: int,
    size: tuple[int, int],
    channels: Sequence[int],
    width: int,
    n_class: int,
    generator: torch.Generator,
) -> nn.Module:
    """Convolutions of 5 x 5 that keep the size, halved after each by a maximum; a dense layer."""
    _check.at_least("size", min(size), 2 ** len(channels), "every convolution halves it")
    layers: list[nn.Module] = []
    for d_in, d_out in zip((channel, *channels), channels, strict=False):
        layers += [*_convolution(d_in, d_out, 2, generator), nn.MaxPool2d(2)]
    n_feature = (channel, *channels)[-1] * math.prod(n >> len(channels) for n in size)
    return _ConvolutionLayers(layers, (n_feature, width, n_class), generator)
