"""Learned tokens: what they aim at, what they leave alone, and that they help."""

import pytest
import torch

from ddriqa.encoder_training import prompt_tokens
from ddriqa.encoder_training.damage import DAMAGE, Variant
from ddriqa.encoder_training.prompt_tokens import check_room, correlation, own_levels, tune_prompts
from ddriqa.encoder_training.sentences import RESPONSES
from ddriqa.encoders.builtin import load
from ddriqa.errors import UsageError
from ddriqa.metrics.ddr import ddr, directions
from ddriqa.metrics.prompts import select_pairs


@pytest.fixture(scope="module")
def encoder():
    return load()


KINDS = ("gaussian_blur", "gaussian_noise", "overexpose", "desaturate")


def damaged(encoder, seed):
    """Statistics whose facets follow four kinds of damage, each heard by the next type too."""
    generator = torch.Generator().manual_seed(seed)
    levels = torch.rand(300, len(KINDS), generator=generator)
    facets = [facet for response in RESPONSES[1:] for facet in DAMAGE[response]]
    heard = torch.zeros(300, 1 + len(facets))
    for column, kind in enumerate(KINDS):
        for level, weight in ((levels[:, column], 1.0), (levels[:, column - 1], 0.7)):
            heard[:, 1 + next(i for i, f in enumerate(facets) if kind in f)] += 3 * weight * level
    z = heard @ torch.linalg.pinv(encoder.facets.weight).T
    variants = [Variant(tuple(zip(KINDS, row, strict=True))) for row in levels.tolist()]
    return z * encoder.statistics_scale + encoder.statistics_mean, variants


def test_own_levels_by_hand():
    variants = [
        Variant(()),
        Variant((("gaussian_blur", 0.3), ("overexpose", 0.8))),
        Variant((("underexpose", 0.2), ("overexpose", 0.1), ("jpeg", 0.9))),
    ]
    found = own_levels(["blur", "noise", "exposure"], variants)
    expected = torch.tensor([[0, 0, 0], [0.3, 0, 0.8], [0, 0, 0.2]])
    torch.testing.assert_close(found, expected)


def test_correlation_is_pearsons():
    a, b = torch.rand(20, dtype=torch.float64), torch.rand(20, dtype=torch.float64)
    torch.testing.assert_close(correlation(a, b), torch.corrcoef(torch.stack([a, b]))[0, 1])
    assert correlation(a, torch.ones_like(a)) == 0


def test_types_follow_their_own_damage_better_on_other_pictures(encoder, monkeypatch):
    monkeypatch.setattr(prompt_tokens, "STEPS", 60)
    pairs = select_pairs()
    tuned = tune_prompts(encoder, pairs, *damaged(encoder, seed=1), 4, seed=0)
    assert set(tuned) == {text for pair in pairs for text in (pair.clean, pair.degraded)}
    unseen, variants = damaged(encoder, seed=2)
    levels = own_levels([pair.name for pair in pairs], variants)

    def judged(of_types):
        with torch.no_grad():
            responses = ddr(encoder.embed(unseen), of_types)
        own = [correlation(-r, v) for r, v in zip(responses.T, levels.T, strict=True)]
        return torch.stack(own).mean(), responses.mean(1)

    after = torch.stack([tuned[p.degraded] - tuned[p.clean] for p in pairs])
    (plain, before), (learned, now) = judged(directions(encoder, pairs)), judged(after)
    assert learned > plain + 0.02
    assert correlation(before, now) > 0.9


def test_follow_the_seed_and_change_nothing_of_the_encoder(encoder, monkeypatch):
    monkeypatch.setattr(prompt_tokens, "STEPS", 2)
    values, variants = damaged(encoder, seed=1)
    weights = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    done = []
    runs = [
        tune_prompts(encoder, select_pairs(), values, variants, 2, seed=s, report=done.append)
        for s in (0, 0, 1)
    ]
    text = select_pairs()[0].clean
    assert torch.equal(runs[0][text], runs[1][text])
    assert not torch.equal(runs[0][text], runs[2][text])
    assert done == [1, 2] * 3
    assert all(torch.equal(weights[name], t) for name, t in encoder.state_dict().items())


def test_more_tokens_than_fit_are_refused():
    check_room(select_pairs(), 20)
    with pytest.raises(UsageError, match="At most 20"):
        check_room(select_pairs(), 21)


def test_every_prompt_keeps_its_end_where_there_is_just_room(encoder, monkeypatch):
    """The output at the end token follows from every word before it."""
    monkeypatch.setattr(prompt_tokens, "STEPS", 1)
    tuned = tune_prompts(encoder, select_pairs(), *damaged(encoder, seed=1), 20, seed=0)
    assert len({tuple(features.tolist()) for features in tuned.values()}) == len(tuned)
