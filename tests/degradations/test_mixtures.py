"""Named mixtures and random chains."""

import numpy as np
import pytest

from ddriqa.degradations import MIXTURES, apply_chain, get, mixture, names, random_chain


@pytest.mark.parametrize("name", list(MIXTURES))
def test_named_mixtures_run_in_their_order(name, scene, rng):
    steps = mixture(name, rng, levels=(0.3, 0.6))
    for (drawn, level), choices in zip(steps, MIXTURES[name], strict=True):
        assert drawn in choices.split("|")
        assert 0.3 <= level <= 0.6
    result = apply_chain(scene, steps, rng)
    assert result.shape == scene.shape
    assert result.dtype == np.float32
    assert not np.array_equal(result, scene)


def test_alternatives_are_all_drawn(rng):
    drawn = {mixture("weather", rng)[1][0] for _ in range(40)}
    assert drawn == {"rain", "snow"}


def test_unknown_mixture_is_refused(rng):
    with pytest.raises(ValueError, match="there are camera"):
        mixture("kamera", rng)


def test_random_chains_take_distinct_groups():
    lengths = set()
    for seed in range(200):
        steps = random_chain(np.random.default_rng(seed))
        lengths.add(len(steps))
        chosen = [get(name).group for name, _ in steps]
        assert len(set(chosen)) == len(chosen)
        assert all(0.1 <= level <= 1 for _, level in steps)
    assert lengths == {1, 2, 3, 4}


def test_random_chains_reach_every_degradation_and_both_orders():
    rng = np.random.default_rng(0)
    chains = [random_chain(rng, lengths=(4, 4)) for _ in range(2000)]
    assert {name for chain in chains for name, _ in chain} == set(names())
    pairs = [random_chain(rng, lengths=(2, 2), among=["jpeg", "haze"]) for _ in range(50)]
    assert {pair[0][0] for pair in pairs} == {"jpeg", "haze"}


def test_random_chains_keep_to_the_names_given(rng):
    steps = random_chain(rng, lengths=(4, 4), levels=(1, 1), among=["jpeg", "webp", "haze"])
    assert {get(name).group for name, _ in steps} == {"compression", "weather"}
    assert [level for _, level in steps] == [1, 1]
    with pytest.raises(ValueError, match="at least one"):
        random_chain(rng, among=[])
    with pytest.raises(ValueError, match="did you mean jpeg"):
        random_chain(rng, among=["jpg"])


def test_chains_repeat_and_steps_are_independent(scene):
    steps = [("gaussian_noise", 0.2), ("contrast_down", 0.4), ("rain", 0.5)]
    first = apply_chain(scene, steps, np.random.default_rng(5))
    np.testing.assert_array_equal(first, apply_chain(scene, steps, np.random.default_rng(5)))
    # Without noise, the rain falls where it fell before.
    still = [("gaussian_noise", 0), ("contrast_down", 0), ("rain", 0.5)]
    other = [("poisson_noise", 0), ("block_loss", 0), ("rain", 0.5)]
    np.testing.assert_array_equal(
        apply_chain(scene, still, np.random.default_rng(5)),
        apply_chain(scene, other, np.random.default_rng(5)),
    )


def test_order_matters_and_no_steps_give_a_copy(scene):
    forth = apply_chain(scene, [("posterise", 0.8), ("darken", 0.8)], np.random.default_rng(0))
    back = apply_chain(scene, [("darken", 0.8), ("posterise", 0.8)], np.random.default_rng(0))
    assert not np.array_equal(forth, back)
    same = apply_chain(scene, [], np.random.default_rng(0))
    np.testing.assert_array_equal(same, scene)
    assert same is not scene
