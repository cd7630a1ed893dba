"""Laws of model and guide side by side; what SVI says of them is in test_svi.py."""

import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.errors import InferenceWarning, PlateError
from twofold_jax.handlers import seed, trace
from twofold_jax.infer.matching import check_model_guide_match


def sites(program):
    return trace(seed(program, rng_seed=0)).get_trace()


def grid(*plates):
    def program():
        stack = [tf.plate(name, size) for name, size in plates]
        with stack[0], stack[1]:
            tf.sample("x", dist.Normal(0.0, 1.0))

    return sites(program)


def test_plates_nested_inside_out_are_refused():
    with pytest.raises(PlateError, match="around site 'x' differs"):
        check_model_guide_match(grid(("rows", 3), ("columns", 3)), grid(("columns", 3), ("rows", 3)))


def test_plates_of_another_size_are_refused():
    with pytest.raises(PlateError, match="'columns'"):
        check_model_guide_match(grid(("rows", 3), ("columns", 4)), grid(("rows", 3), ("columns", 5)))


def test_equal_plates_match():
    check_model_guide_match(grid(("rows", 3), ("columns", 4)), grid(("rows", 3), ("columns", 4)))


def test_auxiliary_sites_of_the_guide_are_no_mismatch(recwarn):
    def guide():
        tf.sample("helper", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True})
        tf.factor("push", 1.0)

    check_model_guide_match({}, sites(guide))
    assert not [w for w in recwarn if issubclass(w.category, InferenceWarning)]
