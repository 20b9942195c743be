"""The encoder, the decoder and the translator made of both, as modules."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from attn_course.preliminaries.modules import Dense, GruCell
from attn_course.seq2seq import functional

PADDING, START, END = 0, 1, 2  # the first three tokens of every vocabulary


def _normal(generator: torch.Generator, std: float, *size: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*size, generator=generator) * std)


def forced_loss(model: nn.Module, source: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of the words of each target, their mean, when the teacher's words are given.

    `model` takes a source and the words one step earlier, and gives scores ``(batch, n_target,
    n_token)`` first; `target`, ``(batch, n_target)``, is padded with 0.
    """
    start = torch.full_like(target[:, :1], START)
    score, _ = model(source, torch.cat([start, target[:, :-1]], dim=1))
    flat = cross_entropy(
        score.flatten(0, 1), target.flatten(), ignore_index=PADDING, reduction="none"
    )
    return flat.view_as(target).sum(dim=1) / (target != PADDING).sum(dim=1)


class AdditiveAttention(nn.Module):
    """Additive attention; each row of weights starts with a variance of one over its length.

    Parameters
    ----------
    d_query, d_key, d_score : int
        Widths of queries, keys and the hidden layer of the score.
    generator : torch.Generator
        Where the initial weights come from.
    """

    def __init__(self, d_query: int, d_key: int, d_score: int, generator: torch.Generator) -> None:
        super().__init__()
        self.w_query = _normal(generator, 1 / math.sqrt(d_query), d_score, d_query)
        self.w_key = _normal(generator, 1 / math.sqrt(d_key), d_score, d_key)
        self.v = _normal(generator, 1 / math.sqrt(d_score), d_score)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Context ``(*batch, n_query, d_value)`` and weight ``(*batch, n_query, n_key)``."""
        return functional.additive_attention(
            query, key, value, mask, self.w_query, self.w_key, self.v
        )


class Encoder(nn.Module):
    """One GRU that reads ahead and, unless `back` is False, one that reads from the end."""

    def __init__(
        self, d_in: int, d_hidden: int, generator: torch.Generator, back: bool = True
    ) -> None:
        super().__init__()
        self.ahead = GruCell(d_in, d_hidden, generator)
        if back:
            self.back = GruCell(d_in, d_hidden, generator)
        self.d_annotation = (1 + back) * d_hidden

    def forward(self, feature: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """``(*batch, n_source, d_in)`` to all annotations and to the readers' last states."""
        return functional.encode(feature, mask, dict(self.named_parameters()))


class Decoder(nn.Module):
    """GRU decoder with additive attention, or with a fixed context if `d_score` is 0.

    Parameters
    ----------
    d_in, d_annotation, d_hidden : int
        Widths of the word before, of an annotation and of the state.
    n_token : int
        Size of the vocabulary.
    generator : torch.Generator
        Where the initial weights come from.
    d_score : int
        Width of the hidden layer of the alignment model; 0 for none.
    d_maxout : int
        Width of a maxout layer before the readout; 0 for none.
    """

    def __init__(
        self,
        d_in: int,
        d_annotation: int,
        d_hidden: int,
        n_token: int,
        generator: torch.Generator,
        d_score: int = 0,
        d_maxout: int = 0,
    ) -> None:
        super().__init__()
        self.start = Dense(d_annotation, d_hidden, generator)
        self.cell = GruCell(d_in + d_annotation, d_hidden, generator)
        d_joined = d_hidden + d_in + d_annotation
        if d_maxout:
            self.maxout = Dense(d_joined, 2 * d_maxout, generator)
        self.readout = Dense(d_maxout or d_joined, n_token, generator)
        if d_score:
            attention = AdditiveAttention(d_hidden, d_annotation, d_score, generator)
            self.w_query, self.w_key = attention.w_query, attention.w_key
            self.v = attention.v

    def forward(
        self, feature: Tensor, annotation: Tensor, last: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Scores ``(*batch, n_target, n_token)``, weights ``(*batch, n_target, n_source)``."""
        params = dict(self.named_parameters())
        return functional.decode(feature, annotation, last, mask, params)


class Translator(nn.Module):
    """Embeddings, encoder and decoder; `forward` forces the teacher's words, `translate` does not.

    Parameters
    ----------
    n_source_token, n_target_token : int
        Sizes of the vocabularies.
    d_embedding, d_hidden : int
        Widths of the embeddings and of all recurrent states.
    generator : torch.Generator
        Where the initial weights come from.
    attention, back : bool
        Whether the decoder attends, and whether a second reader starts at the end.
    d_maxout : int
        As in `Decoder`.
    """

    def __init__(
        self,
        n_source_token: int,
        n_target_token: int,
        d_embedding: int,
        d_hidden: int,
        generator: torch.Generator,
        attention: bool = True,
        back: bool = True,
        d_maxout: int = 0,
    ) -> None:
        super().__init__()
        self.source_embedding = _normal(generator, 1.0, n_source_token, d_embedding)
        self.target_embedding = _normal(generator, 1.0, n_target_token, d_embedding)
        self.encoder = Encoder(d_embedding, d_hidden, generator, back)
        d_score = d_hidden if attention else 0
        d_annotation = self.encoder.d_annotation
        self.decoder = Decoder(
            d_embedding, d_annotation, d_hidden, n_target_token, generator, d_score, d_maxout
        )

    def read(self, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Annotations, last states and mask of sources ``(*batch, n_source)``, padded with 0."""
        mask = source != PADDING
        return *self.encoder(self.source_embedding[source], mask), mask

    def forward(self, source: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and weights for targets.

        `before`, ``(*batch, n_target)``, has the words one step earlier, START first.
        """
        annotation, last, mask = self.read(source)
        return self.decoder(self.target_embedding[before], annotation, last, mask)

    @torch.no_grad()
    def translate(
        self, source: Tensor, n_step: int, n_beam: int = 1
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The likeliest translation that a beam finds for each source.

        Parameters
        ----------
        source : (batch, n_source)
            Tokens, padded with 0.
        n_step : int
            Words at most, the END included.
        n_beam : int
            Hypotheses kept at each step; 1 is greedy search.

        Returns
        -------
        token : (batch, n_step)
            END and everything behind it is END.
        total : (batch,)
            Logarithm of its probability.
        weight : (batch, n_step, n_source)
        """
        params = dict(self.decoder.named_parameters())
        annotation, last, mask = self.read(source)
        hidden = functional.start(last, params).unsqueeze(-2).repeat(1, n_beam, 1)
        # One sentence has n_beam hypotheses that share its annotations.
        annotation, mask = annotation.unsqueeze(1), mask.unsqueeze(1)
        projected = annotation @ params["w_key"].mT if "v" in params else annotation
        shape = (len(source), n_beam)
        last = last.unsqueeze(1).expand(*shape, last.shape[-1])
        mask, annotation = mask.expand(*shape, -1), annotation.expand(*shape, -1, -1)
        total = last.new_full(shape, -math.inf)
        total[:, 0] = 0.0
        word = torch.full(shape, START, device=source.device)
        token = word.new_full((*shape, 0), END)
        weight = last.new_zeros(*shape, 0, source.shape[1])
        for _ in range(n_step):
            hidden, joined, now = functional.step(
                self.target_embedding[word], hidden, annotation, projected, last, mask, params
            )
            scores = functional.readout(joined, params).log_softmax(dim=-1)
            scores = functional.stay(scores, word == END, END)
            total, origin, word = functional.beam_step(scores, total, n_beam)
            hidden, token, weight, now = (
                torch.take_along_dim(x, origin.view(*shape, *[1] * (x.dim() - 2)), dim=1)
                for x in (hidden, token, weight, now)
            )
            token = torch.cat([token, word.unsqueeze(-1)], dim=-1)
            weight = torch.cat([weight, now.unsqueeze(-2)], dim=-2)
        return token[:, 0], total[:, 0], weight[:, 0]
