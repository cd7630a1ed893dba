"""Laws of the kernels' settings."""

import pytest

from twofold_jax.errors import HandlerError
from twofold_jax.infer import HMC, NUTS


def model():
    """No statement is needed here."""


@pytest.mark.parametrize("kernel", [HMC, NUTS])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model": model, "potential_fn": abs},
        {"model": 3},
        {"model": model, "target_accept_prob": 1.0},
        {"model": model, "step_size": 0.0},
        {"model": model, "dense_mass": [("a", "b")]},
    ],
    ids=lambda settings: "-".join(settings) or "nothing",
)
def test_impossible_settings_are_refused(kernel, settings):
    with pytest.raises(HandlerError, match=kernel.__name__):
        kernel(**settings)


@pytest.mark.parametrize("depth", [0, 2.5, (3, 0)])
def test_impossible_tree_depths_are_refused(depth):
    with pytest.raises(HandlerError, match="max_tree_depth"):
        NUTS(model, max_tree_depth=depth)


def test_both_words_for_a_dense_mass_matrix():
    assert NUTS(model, full_mass=True).dense_mass
    assert NUTS(model, dense_mass=True).dense_mass


def test_settings_are_frozen():
    with pytest.raises(AttributeError):
        NUTS(model).step_size = 2.0
