"""Laws of the warnings about draws."""

import warnings

import numpy as np
import pytest

from twofold_jax.errors import InferenceWarning
from twofold_jax.infer.mcmc.chains import Record
from twofold_jax.infer.mcmc.kernels import Info
from twofold_jax.infer.mcmc.quality import warn_of_draws


def record(position, diverging=False, depth=3):
    shape = position.shape[:2]
    ones = np.ones(shape)
    info = Info(ones, ones, np.full(shape, diverging), np.full(shape, depth), ones)
    return Record(position, ones, ones, info)


GOOD = np.random.default_rng(0).normal(size=(4, 500, 1))


def test_good_draws_are_met_with_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_draws(record(GOOD), 10)


@pytest.mark.parametrize(
    ("draws", "text"),
    [
        (record(GOOD, diverging=True), "2000 of 2000 draws diverged.*target_accept_prob"),
        (record(GOOD, depth=10), "max_tree_depth=10"),
        (record(GOOD + np.arange(4.0)[:, None, None]), "R-hat is .* above 1.01"),
    ],
    ids=["divergences", "saturated trees", "chains that disagree"],
)
def test_each_trouble_is_named_with_what_to_try(draws, text):
    with pytest.warns(InferenceWarning, match=text) as caught:
        warn_of_draws(draws, 10)
    assert len(caught) == 1
    assert "Try" in str(caught[0].message)


def test_kernels_that_do_not_double_have_no_saturated_trees():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_draws(record(GOOD, depth=0), None)
