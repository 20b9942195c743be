"""A translator of words spelt letter by letter, and where it looks as it writes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from traitlets import Bytes, Int, List, Unicode, observe, validate

from attn_course import _check
from attn_course._typing import Array
from attn_course.figures.draw import described, labels, show_matrix
from attn_course.figures.live import STATIC, LiveFigure
from attn_course.preliminaries.reference import softmax
from attn_course.seq2seq.reference import decode, encode

START, END, FIRST = 1, 2, 3  # tokens; 0 is padding, and what is read or written begins at 3
LONGEST = 80  # letters
PARTS = ("encoder.", "decoder.")  # of a translator's names, left out by `encode` and `decode`


class Alignment(LiveFigure):
    """The reader types a German number word and walks through its translation word by word.

    A number is spelt in German first. The translator runs wherever the figure is, in Jupyter and
    in a page, on the weights that come with it: letters in, words out, each the likeliest. For the
    present word the letters are coloured by its weights; the matrix has a row for each word.

    In Jupyter the traits `text` and `step` follow the reader, and the reader them.

    Parameters
    ----------
    params : mapping
        The arrays of a translator that attends: `source_embedding` and `target_embedding`, a row
        for each token, and those of `attn_course.seq2seq.reference.encode` and `decode`, with
        "encoder." and "decoder." before their names or without. They are kept as float32.
    source_tokens, target_tokens : sequence of str
        The names of all tokens: of padding, start and end, which are not read, then the letters
        or words.
    text : str
        What is translated at first, of known letters alone.
    n_step : int
        Words at most, the end included.
    alt : str
        What the figure shows, for those who do not see it.

    Raises
    ------
    ValueError
        If names and arrays do not fit, an array is missing, a letter is unknown or there is no
        text.

    Examples
    --------
    >>> w, b, zero = np.zeros((3, 1)), np.zeros(3), np.zeros((1, 1))
    >>> gru = {"w_input": w, "w_hidden": w, "b_input": b, "b_hidden": b}
    >>> params = {"source_embedding": np.ones((5, 1)), "target_embedding": np.zeros((4, 1))}
    >>> params |= {f"ahead.{name}": array for name, array in gru.items()}
    >>> params |= {f"cell.{name}": array for name, array in gru.items()}
    >>> params |= {"cell.w_input": np.zeros((3, 2)), "start.w": zero, "start.b": np.zeros(1)}
    >>> params |= {"w_query": zero, "w_key": zero, "v": np.ones(1)}
    >>> params |= {"readout.w": np.zeros((4, 3)), "readout.b": np.arange(4.0)}
    >>> figure = Alignment(params, [*"-()ab"], ["-", "(", ")", "hi"], text="ab", n_step=2)
    >>> figure.words
    ['hi', 'hi']
    >>> figure.weight
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """

    _module = "alignment"
    _esm = STATIC / "alignment.mjs"

    weights = Bytes(read_only=True).tag(sync=True)  # float32, one array behind the other
    tables: Any = List(read_only=True).tag(sync=True)  # [name, shape] of each
    source_tokens = List(Unicode(), read_only=True).tag(sync=True)
    target_tokens = List(Unicode(), read_only=True).tag(sync=True)
    n_step = Int(read_only=True).tag(sync=True)
    text = Unicode().tag(sync=True)
    step = Int(0).tag(sync=True)

    def __init__(
        self,
        params: Mapping[str, Array],
        source_tokens: Sequence[str],
        target_tokens: Sequence[str],
        text: str = "einundzwanzig",
        n_step: int = 16,
        *,
        alt: str = "a translator of German number words, and the letters it looks at for each word",
    ) -> None:
        _check.at_least("n_step", n_step, 1)
        arrays = {}
        for name, array in params.items():
            for part in PARTS:
                name = name.removeprefix(part)
            arrays[name] = np.asarray(array, np.float32)
        for name in ("source_embedding", "target_embedding", "v"):
            _check.one_of("an array of a translator that attends", name, arrays)
        tokens = {"source": list(source_tokens), "target": list(target_tokens)}
        for side, names in tokens.items():
            _check.at_least(f"the number of {side}_tokens", len(names), FIRST + 1)
            shape = arrays[f"{side}_embedding"].shape
            _check.shape(f"{side}_embedding", shape, (len(names), None), "a row for each token")
        _check.shape("readout.b", arrays["readout.b"].shape, (len(tokens["target"]),))
        self._params = {name: array.astype(float) for name, array in arrays.items()}
        fixed = {
            "weights": b"".join(array.tobytes() for array in arrays.values()),
            "tables": [[name, list(array.shape)] for name, array in arrays.items()],
            "source_tokens": labels("source_tokens", source_tokens, len(tokens["source"])),
            "target_tokens": labels("target_tokens", target_tokens, len(tokens["target"])),
            "n_step": n_step,
        }
        for name, value in fixed.items():
            self.set_trait(name, value)
        self._known: dict[str, tuple[Array, Array, Array]] = {}
        super().__init__(alt=alt, text=text)
        self._read()  # whatever does not fit shows now

    @validate("text")
    def _spelt(self, proposal: Any) -> str:
        text = proposal["value"]
        _check.at_least("the length of text", len(text), 1)
        _check.at_most("the length of text", len(text), LONGEST)
        for letter in text:
            _check.one_of("a letter of text", letter, list(self.source_tokens)[FIRST:])
        return text

    @validate("step")
    def _inside(self, proposal: Any) -> int:
        return min(max(proposal["value"], 0), len(self.token) - 1)

    @observe("text")
    def _again(self, _: Any) -> None:
        self.step = 0

    def _read(self) -> tuple[Array, Array, Array]:
        """Tokens, their probabilities and the weights, of the text as it is now."""
        if self.text not in self._known:
            params, names = self._params, list(self.source_tokens)
            source = [names.index(letter, FIRST) for letter in self.text]
            mask = np.ones(len(source), bool)
            annotation, last = encode(params["source_embedding"][source], mask, params)
            token = [START]
            while len(token) <= self.n_step and token[-1] != END:
                feature = params["target_embedding"][token]
                score, weight = decode(feature, annotation, last, mask, params)
                token.append(int(score[-1].argmax()))
            self._known = {
                self.text: (np.array(token[1:]), softmax(score).max(axis=1), weight),
            }
        return self._known[self.text]

    @property
    def token(self) -> Array:
        """Tokens that are written, (n_target,), the end included."""
        return self._read()[0]

    @property
    def probability(self) -> Array:
        """Probability of each of them, given those before it, (n_target,)."""
        return self._read()[1]

    @property
    def weight(self) -> Array:
        """Weight of each letter for each word, (n_target, n_source)."""
        return self._read()[2]

    @property
    def words(self) -> list[str]:
        """The words that are written, without the end."""
        return [self.target_tokens[token] for token in self.token if token != END]

    def picture(self) -> str:
        """Static form of the figure: the whole matrix."""
        alt = described(self.alt, f"“{self.text}” becomes “{' '.join(self.words)}”")
        rows = ["(end)" if token == END else self.target_tokens[token] for token in self.token]
        names = ("word", "letter")
        drawing = show_matrix(
            self.weight, alt=alt, rows=rows, columns=list(self.text), names=names, limit=1
        )
        return drawing.svg
