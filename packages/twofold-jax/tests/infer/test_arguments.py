"""Laws of what a model is called with."""

import numpy as np
import pytest

from twofold_jax.errors import InferenceError
from twofold_jax.infer.arguments import ModelArguments, evaluate


def test_arrays_are_inputs_and_the_rest_is_structure():
    arguments = ModelArguments((np.ones(2), 3), {"name": "a", "nested": {"x": np.zeros(1)}})
    assert [array.shape for array in arguments.arrays] == [(2,), (1,)]
    program = arguments.traced(lambda args, kwargs: args[0] * args[1] + kwargs["nested"]["x"])
    np.testing.assert_allclose(program([2 * np.ones(2), np.ones(1)]), [7.0, 7.0])


def test_values_that_python_needs_become_constants():
    arguments = ModelArguments((np.array([1.0, 1.0, 2.0]),), {})
    program = arguments.traced(lambda args, kwargs: 1.0 * len(np.unique(args[0])))
    assert float(evaluate(program, [np.zeros(3)])) == 2.0


def test_a_value_computed_while_traced_is_explained():
    def branch(x, args, kwargs):
        return 1.0 if x > 0 else 2.0

    with pytest.raises(InferenceError, match="looks at a value"):
        ModelArguments((), {}).traced(branch, np.array(1.0))


def test_an_error_of_the_function_itself_reaches_the_caller():
    def fails(args, kwargs):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ModelArguments((np.ones(1),), {}).traced(fails)
