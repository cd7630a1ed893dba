"""Special functions, linear algebra and array questions against mpmath and NumPy."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from twofold_jax.errors import ShapeError, SiteTypeError
from twofold_jax.ops import arrays, linalg, special
from twofold_jax.ops.kernel import kernel

mpmath.mp.dps = 50


def test_stirling_error_equals_mpmath():
    def exact(x):
        x = mpmath.mpf(x)
        return float(mpmath.loggamma(x + 1) - (x + 0.5) * mpmath.log(x) + x - mpmath.log(2 * mpmath.pi) / 2)

    points = [1e-8, 0.3, 1.0, 9.99, 10.01, 50.0, 1e6]
    with jax.enable_x64(True):
        seen = special.stirling_error(jnp.array(points))
    np.testing.assert_allclose(seen, [exact(x) for x in points], rtol=1e-11, atol=1e-13)


def test_log_gamma_half_step_equals_mpmath():
    def exact(x):
        x = mpmath.mpf(x)
        return float(mpmath.loggamma(x + 0.5) - mpmath.loggamma(x) - mpmath.log(x) / 2)

    points = [1e-4, 0.3, 9.99, 10.01, 50.0, 1e8]
    with jax.enable_x64(True):
        seen = special.log_gamma_half_step(jnp.array(points))
    np.testing.assert_allclose(seen, [exact(x) for x in points], rtol=1e-9, atol=1e-14)


def test_log1p_square_has_finite_values_and_gradients():
    points = jnp.array([0.0, 1e-20, 1.0, -1e8, 1e30])
    np.testing.assert_allclose(special.log1p_square(points)[2:], [np.log(2), 36.841361, 138.15511], rtol=1e-6)
    slopes = jax.vmap(jax.grad(special.log1p_square))(points)
    np.testing.assert_allclose(slopes[2:], [1.0, -2e-8, 2e-30], rtol=1e-5)
    assert np.isfinite(slopes).all()


def test_triangles_round_trip_and_solve():
    entries = jnp.arange(1.0, 7.0)
    matrix = linalg.from_strict_lower(entries, 4)
    np.testing.assert_array_equal(linalg.strict_lower(matrix), entries)
    factor = matrix + 2.0 * jnp.eye(4)
    vectors = jnp.arange(12.0).reshape(3, 4)
    expected = np.linalg.solve(np.asarray(factor), np.asarray(vectors).T).T
    np.testing.assert_allclose(linalg.solve_lower(factor, vectors), expected, rtol=1e-4)
    batched = linalg.solve_lower(jnp.stack([factor, 2.0 * factor])[:, None], vectors)
    np.testing.assert_allclose(batched, np.stack([expected, expected / 2]), rtol=1e-4)
    assert float(linalg.half_log_det(factor)) == pytest.approx(4 * np.log(2))


def test_cholesky_of_inverse():
    matrix = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 3.0]])
    expected = np.linalg.cholesky(np.linalg.inv(matrix))
    np.testing.assert_allclose(linalg.cholesky_of_inverse(jnp.array(matrix)), expected, rtol=1e-5, atol=1e-6)


def test_broadcast_shapes_names_what_does_not_fit():
    assert arrays.broadcast_shapes((), (3, 1), (2,), (1, 1)) == (3, 2)
    with pytest.raises(ShapeError, match="apples"):
        arrays.broadcast_shapes((2,), (3,), what="apples")


def test_as_array_like_takes_numbers_and_refuses_words():
    x = np.ones(2)
    assert arrays.as_array_like(x, "x") is x
    assert arrays.as_array_like([[1, 2], [3, 4]], "x").shape == (2, 2)
    for wrong in ("a", None, ["a"], {1.0}):
        with pytest.raises(SiteTypeError, match="x has the wrong type"):
            arrays.as_array_like(wrong, "x")


def test_a_kernel_is_traced_once_per_shape():
    traces = []

    @kernel(static=("n",))
    def power(x, n):
        traces.append(n)
        return x**n

    def twice(x):
        return power(x, n=2) + power(x + 1.0, n=2)

    jaxpr = jax.make_jaxpr(twice)(1.0)
    assert traces == [2]
    assert len(jaxpr.eqns) == 4
    assert float(power(3.0, n=3)) == 27.0
    assert power.__name__ == "power"
