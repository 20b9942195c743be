"""A room to look around in: a drawing of our own, in which questions lead the eye apart."""

import math
from collections.abc import Sequence

import numpy as np

from attn_course._typing import Array, Number, UInt8

SIDE, FINE = 256, 4  # pixels, and how many times finer it is drawn

# What may be asked about the room, the answer, and where it is seen: (left, top, right, bottom).
QUESTIONS = {
    "What time is it?": ("ten past four", [(76, 24, 116, 64)]),
    "How old is the birthday child?": ("six", [(126, 138, 164, 174)]),
    "What is the weather like?": ("it rains", [(150, 22, 238, 108), (14, 150, 52, 226)]),
}
SEEN = (
    "a drawn room: a clock on the wall, a window with a bare tree behind it, a shelf with books, "
    "a coat on a hook, an umbrella in the corner, a table laid for three with a cake on it, and a "
    "cat under the table"
)


class Sheet:
    """A sheet of grey on which shapes are laid one over the other, `FINE` times too fine.

    Places and lengths are in pixels of the finished picture, y pointing down. Grey goes from 0,
    black, to 1; `cover` is how much of what lies below a shape hides.
    """

    def __init__(self, grey: Number) -> None:
        self.grey = np.full((SIDE * FINE, SIDE * FINE), grey)

    def _part(self, low: Array, high: Array) -> tuple[tuple[slice, slice], Array, Array]:
        """The part of the sheet between two corners, and x and y of its points."""
        left, top = np.clip(np.floor(low * FINE), 0, SIDE * FINE).astype(int)
        right, bottom = np.clip(np.ceil(high * FINE), 0, SIDE * FINE).astype(int)
        y, x = (np.mgrid[top:bottom, left:right] + 0.5) / FINE
        return (slice(top, bottom), slice(left, right)), x, y

    def _lay(self, part: tuple[slice, slice], inside: Array, grey: Number, cover: Number) -> None:
        share = cover * inside
        self.grey[part] = (1 - share) * self.grey[part] + share * grey

    def polygon(
        self, points: Sequence[tuple[Number, Number]], grey: Number, cover: Number = 1
    ) -> None:
        """A polygon with these corners; where it crosses itself, twice inside is outside."""
        corner = np.array(points, float)
        part, x, y = self._part(corner.min(axis=0), corner.max(axis=0))
        inside = np.zeros(x.shape, bool)
        for (x0, y0), (x1, y1) in zip(corner, np.roll(corner, 1, axis=0), strict=True):
            if y0 != y1:
                inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        self._lay(part, inside, grey, cover)

    def box(self, left: Number, top: Number, right: Number, bottom: Number, grey: Number) -> None:
        """A rectangle with upright sides."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], grey)

    def ellipse(
        self, x: Number, y: Number, wide: Number, high: Number, grey: Number, cover: Number = 1
    ) -> None:
        """An ellipse round (x, y) with these half axes."""
        centre, half = np.array([x, y]), np.array([wide, high])
        part, across, down = self._part(centre - half, centre + half)
        inside = ((across - x) / wide) ** 2 + ((down - y) / high) ** 2 <= 1
        self._lay(part, inside, grey, cover)

    def line(
        self,
        points: Sequence[tuple[Number, Number]],
        thickness: Number,
        grey: Number,
        cover: Number = 1,
    ) -> None:
        """A line through points, with round ends."""
        place, half = np.array(points, float), thickness / 2
        part, x, y = self._part(place.min(axis=0) - half, place.max(axis=0) + half)
        inside = np.zeros(x.shape, bool)
        for (x0, y0), (x1, y1) in zip(place, place[1:], strict=False):
            dx, dy = x1 - x0, y1 - y0
            along = np.clip(((x - x0) * dx + (y - y0) * dy) / ((dx * dx + dy * dy) or 1), 0, 1)
            inside |= np.hypot(x - x0 - along * dx, y - y0 - along * dy) <= half
        self._lay(part, inside, grey, cover)

    def picture(self) -> UInt8[Array, "256 256"]:
        """What is on the sheet, each pixel the mean of its points."""
        blocks = self.grey.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
        return np.rint(255 * blocks).astype(np.uint8)


def room() -> UInt8[Array, "256 256"]:
    """The room, grey, 256 by 256 pixels; the same at every call.

    Returns
    -------
    image : (256, 256)
        0 is black and 255 white.

    Examples
    --------
    >>> room().shape, room().dtype
    ((256, 256), dtype('uint8'))
    """
    sheet = Sheet(0.72)
    _walls(sheet)
    _window(sheet)
    _clock(sheet, hour=4, minute=10)
    _shelf(sheet)
    _coat(sheet)
    _umbrella(sheet)
    _cat(sheet)
    _table(sheet, candles=6)
    return sheet.picture()


def _walls(sheet: Sheet) -> None:
    for k in range(24):  # the window lights the wall beside it
        sheet.ellipse(194, 70, 230 - 8 * k, 190 - 6.5 * k, 0.9, 0.018)
    for x in range(10, 256, 20):
        sheet.line([(x, 0), (x, 196)], 0.8, 0.6, 0.35)
    sheet.box(0, 190, 256, 198, 0.86)
    sheet.line([(0, 198), (256, 198)], 1, 0.4)
    sheet.polygon([(0, 198), (256, 198), (256, 256), (0, 256)], 0.47)
    for k in range(-9, 10):
        sheet.line([(128 + 24 * k, 199), (128 + 42 * k, 256)], 0.9, 0.33)


def _window(sheet: Sheet) -> None:
    sheet.box(150, 22, 238, 108, 0.95)
    sheet.box(156, 28, 232, 102, 0.63)
    sheet.polygon([(156, 30), (232, 30), (232, 52), (206, 46), (180, 54), (156, 48)], 0.54)  # cloud
    sheet.polygon([(156, 88), (180, 80), (210, 86), (232, 78), (232, 102), (156, 102)], 0.42)
    trunk = [(214, 95), (213, 78), (215, 62)]
    sheet.line(trunk, 3.2, 0.2)
    for branch in (
        [(213, 78), (205, 66), (203, 56)], [(205, 66), (198, 62)], [(215, 62), (210, 48)],
        [(215, 66), (223, 56), (225, 46)], [(223, 56), (229, 54)], [(215, 62), (218, 44)],
    ):  # fmt: skip
        sheet.line(branch, 1.5, 0.2)
    for k in range(70):  # rain, as slanted strokes at places that look like none in particular
        x, y = 158 + (k * 47) % 73, 29 + (k * 29) % 66
        sheet.line([(x, y), (x - 1.7, y + 6)], 0.8, 0.93, 0.85)
    sheet.box(192, 28, 196, 102, 0.95)
    sheet.box(156, 62, 232, 65, 0.95)
    sheet.box(145, 108, 243, 114, 0.9)
    sheet.line([(145, 114.5), (243, 114.5)], 1, 0.5)
    sheet.box(164, 97, 177, 108, 0.35)  # a pot
    for tip in ((161, 86), (167, 81), (173, 80), (180, 86)):
        sheet.line([(170.5, 98), ((170.5 + tip[0]) / 2, tip[1] + 5), tip], 2, 0.25)
    for left, lean in ((140, 10), (232, -10)):  # curtains
        sheet.polygon(
            [(left, 16), (left + 16, 16), (left + 8 + lean / 2, 70), (left + 8 + lean / 4, 112),
             (left + 2, 112)], 0.83,
        )  # fmt: skip
        for fold in (4, 9):
            sheet.line([(left + fold, 17), (left + fold + lean / 4, 111)], 1, 0.66)
    sheet.line([(134, 16), (254, 16)], 2.4, 0.3)


def _clock(sheet: Sheet, hour: int, minute: int) -> None:
    x, y, radius = 96, 44, 18
    sheet.ellipse(x + 2, y + 3, radius + 1, radius + 1, 0.4, 0.5)
    sheet.ellipse(x, y, radius, radius, 0.22)
    sheet.ellipse(x, y, radius - 2.5, radius - 2.5, 0.98)

    def at(share: Number, length: Number) -> tuple[Number, Number]:
        angle = 2 * math.pi * share
        return x + length * math.sin(angle), y - length * math.cos(angle)

    for k in range(12):
        sheet.line([at(k / 12, 11 if k % 3 else 10), at(k / 12, 13)], 1.4 if k % 3 else 2, 0.25)
    sheet.line([(x, y), at((hour + minute / 60) / 12, 7.5)], 2.6, 0.08)
    sheet.line([(x, y), at(minute / 60, 12)], 1.5, 0.08)
    sheet.ellipse(x, y, 1.8, 1.8, 0.08)


def _shelf(sheet: Sheet) -> None:
    books = [(9, 26, 0.3), (6, 22, 0.62), (8, 29, 0.48), (5, 24, 0.2), (9, 27, 0.88), (6, 21, 0.4)]
    x = 8.0
    for wide, high, grey in books:
        sheet.box(x, 52 - high, x + wide, 52, grey)
        sheet.line([(x + 1.5, 56 - high), (x + wide - 1.5, 56 - high)], 1, 0.9 - grey)
        x += wide + 0.6
    sheet.ellipse(60, 46, 5, 6.5, 0.9)  # a jug
    sheet.box(4, 52, 70, 56, 0.33)
    sheet.polygon([(4, 56), (70, 56), (68, 60), (8, 60)], 0.45, 0.5)


def _coat(sheet: Sheet) -> None:
    sheet.box(10, 78, 66, 83, 0.35)
    for x in (20, 38, 56):
        sheet.line([(x, 81), (x, 87), (x + 2, 88)], 1.8, 0.12)
    sheet.polygon(
        [(33, 87), (44, 87), (51, 96), (54, 130), (49, 131), (47, 110), (48, 144), (29, 144),
         (30, 110), (28, 131), (23, 130), (26, 96)], 0.28,
    )  # fmt: skip
    sheet.line([(38.5, 88), (38.5, 143)], 0.9, 0.12)
    for y in (100, 112, 124):
        sheet.ellipse(41, y, 1.2, 1.2, 0.75)
    sheet.polygon([(52, 88), (60, 88), (64, 96), (48, 96)], 0.5)  # a cap
    sheet.ellipse(56, 96, 9, 2, 0.42)


def _umbrella(sheet: Sheet) -> None:
    sheet.ellipse(33, 219, 18, 5, 0.72, 0.75)  # what has run off it
    sheet.ellipse(30, 218, 9, 2.4, 0.93, 0.8)
    sheet.line([(22, 158), (34, 218)], 1.6, 0.1)
    sheet.polygon([(23, 165), (27, 165), (37, 200), (34, 211), (28, 203)], 0.15)
    sheet.line([(25, 168), (33.5, 207)], 0.9, 0.5)
    sheet.line([(22, 159), (20, 154), (16, 154), (15, 159)], 2.2, 0.1)
    for x, y in ((40, 208), (28, 211), (36, 214)):
        sheet.ellipse(x, y, 0.9, 1.6, 0.95)


def _cat(sheet: Sheet) -> None:
    sheet.ellipse(178, 236, 30, 5, 0.25, 0.5)
    sheet.ellipse(182, 226, 22, 11, 0.17)
    sheet.ellipse(160, 228, 9, 8, 0.17)
    for ear in ([(152, 224), (153, 215), (159, 221)], [(162, 220), (167, 215), (168, 224)]):
        sheet.polygon(ear, 0.17)
    for x in (156.5, 163):
        sheet.line([(x - 1.8, 228), (x, 229.2), (x + 1.8, 228)], 1, 0.85)  # asleep
    sheet.line([(203, 228), (208, 234), (190, 238), (172, 237)], 5, 0.2)
    for x in (176, 184, 192):
        sheet.line([(x, 217), (x - 2, 224)], 1.6, 0.33)


def _table(sheet: Sheet, candles: int) -> None:
    for x, top in ((86, 202), (222, 202), (104, 190), (206, 190)):
        sheet.box(x - 2.5, top, x + 2.5, 250 if top > 195 else 232, 0.24)
    sheet.polygon([(94, 160), (214, 160), (240, 202), (68, 202)], 0.9)
    sheet.polygon([(68, 202), (240, 202), (238, 214), (70, 214)], 0.78)
    for x in range(80, 240, 12):
        sheet.line([(x, 203), (x, 213)], 1, 0.68)
    for x, y in ((98, 186), (205, 184), (154, 193)):  # three places
        sheet.ellipse(x, y + 1, 17, 6.8, 0.62)
        sheet.ellipse(x, y, 16.5, 6.4, 0.99)
        sheet.ellipse(x, y, 10.5, 3.8, 0.84)
        sheet.line([(x - 21, y - 4), (x - 22, y + 5)], 1.2, 0.35)
        sheet.line([(x + 21, y - 4), (x + 22, y + 5)], 1.2, 0.35)
    sheet.box(191, 159, 201, 171, 0.52)  # a cup
    sheet.ellipse(196, 159, 5, 1.8, 0.3)
    sheet.line([(201, 162), (205, 164), (201, 168)], 1.5, 0.52)
    sheet.ellipse(145, 174, 22, 6, 0.66)  # the cake
    sheet.ellipse(145, 171, 18, 5, 0.36)
    sheet.box(127, 159, 163, 171, 0.36)
    sheet.ellipse(145, 159, 18, 5, 0.97)
    for k in range(9):
        sheet.ellipse(129 + 4 * k, 162.5 + 2 * math.sin(k * 2.1), 2.4, 3, 0.97)
    for k in range(candles):
        left, foot = 145 + 28 * (k / (candles - 1) - 0.5), 159 + (1.8 if k % 2 else -1.5)
        sheet.line([(left, foot), (left, foot - 10)], 1.7, 0.3)
        sheet.ellipse(left, foot - 13.4, 1.9, 3.3, 0.42)
        sheet.ellipse(left, foot - 13.2, 1.2, 2.5, 1.0)
