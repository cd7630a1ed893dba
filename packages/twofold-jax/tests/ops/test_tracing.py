"""Laws of functions traced once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twofold_jax.ops.tracing import trace_function


def make(constant):
    return trace_function(lambda x: {"sum": x["a"] + constant, "relu": jax.nn.relu(x["a"])}, {"a": np.zeros(2)})


def test_program_computes_what_the_function_does():
    found = make(np.array([1.0, 2.0], np.float32))({"a": jnp.array([-1.0, 1.0])})
    assert found["sum"].tolist() == [0.0, 3.0]
    assert found["relu"].tolist() == [0.0, 1.0]


def test_equal_programs_are_equal_and_hash_so():
    assert make(np.ones(2)) == make(np.ones(2))
    assert len({make(np.ones(2)), make(np.ones(2))}) == 1


@pytest.mark.parametrize("constant", [np.array([1.0, 3.0]), 1.0, np.ones(2, int)], ids=str)
def test_other_constants_are_other_programs(constant):
    assert make(constant) != make(np.ones(2))


def test_constants_inside_inner_programs_count():
    def scanning(table):
        return trace_function(lambda x: jax.lax.scan(lambda c, i: (c + table[i], c), x, jnp.arange(2))[0], 0.0)

    assert scanning(jnp.array([1.0, 2.0])) != scanning(jnp.array([1.0, 3.0]))
    assert scanning(jnp.array([1.0, 2.0])) == scanning(jnp.array([1.0, 2.0]))


def test_arguments_of_another_structure_are_refused():
    with pytest.raises(TypeError, match="traced for"):
        make(1.0)([np.zeros(2)])
