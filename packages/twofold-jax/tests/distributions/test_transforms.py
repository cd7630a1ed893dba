"""Transforms: inverses, log determinants against numeric Jacobians, shapes, the registry."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twofold_jax.distributions import biject_to, transforms
from twofold_jax.distributions import constraints as c
from twofold_jax.errors import ShapeError

RNG = np.random.default_rng(0)
ONTO = [
    (c.real, ()),
    (c.positive, ()),
    (c.nonnegative, ()),
    (c.greater_than(2.0), ()),
    (c.less_than(2.0), ()),
    (c.interval(-1.0, 3.0), ()),
    (c.unit_interval, ()),
    (c.circular, ()),
    (c.softplus_positive, ()),
    (c.real_vector, (3,)),
    (c.independent(c.positive, 1), (3,)),
    (c.simplex, (3,)),
    (c.ordered_vector, (3,)),
    (c.positive_ordered_vector, (3,)),
    (c.l1_ball, (3,)),
    (c.zero_sum(1), (3,)),
    (c.zero_sum(2), (2, 3)),
    (c.lower_cholesky, (6,)),
    (c.softplus_lower_cholesky, (6,)),
    (c.scaled_unit_lower_cholesky, (6,)),
    (c.corr_cholesky, (6,)),
    (c.corr_matrix, (6,)),
    (c.positive_definite, (6,)),
    (c.cat([c.positive, c.real], -1, [1, 2]), (3,)),
]
NAMES = [str(row[0])[:40] for row in ONTO]


def _coordinates(constraint, y):
    """As many entries of ``y`` as determine it, or all of them where the map keeps lengths."""
    if constraint == c.simplex:
        return y[:-1]
    if constraint in (c.corr_cholesky, c.corr_matrix):
        return y[np.tril_indices(y.shape[-1], -1)]
    return y[np.tril_indices(y.shape[-1])] if constraint.event_dim == 2 and "zero" not in str(constraint) else y.ravel()


@pytest.mark.parametrize(("constraint", "shape"), ONTO, ids=NAMES)
def test_bijection_onto_a_constraint(constraint, shape, x64):
    """Values lie in the set, the inverse leads back, shapes agree, and the log determinant is the Jacobian's."""
    transform = biject_to(constraint)
    x = jnp.asarray(RNG.normal(size=(2, *shape)))
    y, intermediates = transform.call_with_intermediates(x)
    assert np.all(constraint(np.asarray(y)))
    np.testing.assert_allclose(transform.inv(y), x, atol=1e-8)
    assert (transform.forward_shape(x.shape), transform.inverse_shape(y.shape)) == (y.shape, x.shape)
    assert transform.codomain.event_dim == constraint.event_dim
    log_det = transform.log_abs_det_jacobian(x, y, intermediates)
    assert log_det.shape == x.shape[: x.ndim - transform.domain.event_dim]
    np.testing.assert_allclose(transform.inv.log_abs_det_jacobian(y, x), -log_det)
    jacobian = jax.jacobian(lambda x: jnp.atleast_1d(_coordinates(constraint, transform(x))))(x[0])
    square = np.asarray(jacobian).reshape(-1, max(1, x[0].size))
    expected = 0.5 * np.linalg.slogdet(square.T @ square)[1]
    assert float(log_det[0].sum()) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("constraint", "shape"), ONTO, ids=NAMES)
def test_transforms_are_pytrees_and_pickle(constraint, shape):
    transform = biject_to(constraint)
    assert pickle.loads(pickle.dumps(transform)) == transform
    x = jnp.zeros(shape)
    seen = jax.jit(lambda t, x: t(x))(transform, x)
    np.testing.assert_allclose(seen, transform(x), rtol=1e-6)
    assert transform.inv.inv is transform


@pytest.mark.parametrize(
    ("transform", "x"),
    [
        (transforms.AffineTransform(1.0, -2.0), 0.3),
        (transforms.PowerTransform(2.5), 1.7),
        (transforms.PowerTransform(-1.5), 1.7),
        (transforms.ComposeTransform([transforms.AffineTransform(1.0, 2.0), transforms.ExpTransform()]), 0.3),
        (transforms.PermuteTransform(np.array([2, 0, 1])), [0.1, 0.2, 0.3]),
        (transforms.LowerCholeskyAffine(np.ones(2), np.array([[2.0, 0.0], [1.0, 3.0]])), [0.1, 0.2]),
        (transforms.ReshapeTransform((2, 2), (4,)), [0.1, 0.2, 0.3, 0.4]),
        (transforms.IndependentTransform(transforms.SigmoidTransform(), 1), [0.1, 0.2]),
        (transforms.CholeskyTransform().inv, [[1.0, 0.0], [0.5, 2.0]]),
    ],
    ids=lambda x: str(x)[:30],
)
def test_other_transforms_have_their_inverse_and_log_determinant(transform, x, x64):
    x = jnp.asarray(np.array(x))
    y = transform(x)
    np.testing.assert_allclose(transform.inv(y), x, atol=1e-10)
    assert transform.forward_shape(x.shape) == y.shape
    triangle = "Cholesky" in str(transform) and x.ndim == 2
    pick = (lambda y: y[np.tril_indices(2)]) if triangle else jnp.ravel
    jacobian = jax.jacobian(lambda x: pick(transform(x)))(x)
    jacobian = np.asarray(jacobian[(slice(None), *np.tril_indices(2))] if triangle else jacobian)
    expected = np.linalg.slogdet(jacobian.reshape(-1, jacobian.shape[0]))[1]
    assert float(transform.log_abs_det_jacobian(x, y)) == pytest.approx(expected, abs=1e-10)


def test_composition_adds_log_determinants_over_event_dims(x64):
    chain = transforms.ComposeTransform([transforms.AffineTransform(0.0, 2.0), transforms.StickBreakingTransform()])
    x = jnp.asarray(RNG.normal(size=(5, 3)))
    y = chain(x)
    expected = 3 * np.log(2.0) + transforms.StickBreakingTransform().log_abs_det_jacobian(2.0 * x, y)
    np.testing.assert_allclose(chain.log_abs_det_jacobian(x, y), expected)
    assert chain.domain.event_dim == chain.codomain.event_dim == 1
    empty = transforms.ComposeTransform([])
    np.testing.assert_array_equal(empty.log_abs_det_jacobian(x, x), np.zeros((5, 3)))


def test_codomain_of_an_affine_map_follows_its_domain():
    assert transforms.AffineTransform(1.0, 2.0, c.positive).codomain == c.greater_than(1.0)
    assert transforms.AffineTransform(1.0, -2.0, c.positive).codomain == c.less_than(1.0)
    assert transforms.AffineTransform(1.0, -2.0, c.unit_interval).codomain == c.interval(-1.0, 1.0)


def test_unpack_maps_one_vector_to_a_tree():
    transform = transforms.UnpackTransform(lambda x: {"a": x[0], "b": x[1:].reshape(2, 2)})
    tree = transform(jnp.arange(5.0))
    assert tree["b"].shape == (2, 2)
    np.testing.assert_array_equal(transform.inv(tree), np.arange(5.0))
    assert transform(jnp.zeros((3, 5)))["b"].shape == (3, 2, 2)
    assert float(transform.log_abs_det_jacobian(jnp.arange(5.0), tree)) == 0.0


@pytest.mark.parametrize("constraint", [c.unit_interval, c.simplex, c.corr_cholesky, c.l1_ball, c.positive], ids=str)
def test_extreme_unconstrained_values_stay_inside_in_single_precision(constraint):
    transform = biject_to(constraint)
    shape = () if constraint.event_dim == 0 else (3,)
    for size in (-80.0, 80.0):
        x = jnp.full(shape, size)
        y = transform(x)
        assert np.isfinite(y).all()
        assert np.isfinite(transform.log_abs_det_jacobian(x, y)).all()
        slopes = jax.grad(lambda x: transform.log_abs_det_jacobian(x, transform(x)).sum())(x)
        assert np.isfinite(slopes).all()
        if constraint != c.corr_cholesky:  # whose diagonal underflows, as the exact one does
            assert np.all(constraint(np.asarray(y)))


def test_unknown_and_discrete_constraints_are_refused():
    with pytest.raises(NotImplementedError, match="discrete"):
        biject_to(c.nonnegative_integer)
    with pytest.raises(NotImplementedError, match="registered"):
        biject_to(c.sphere)


def test_a_constraint_of_ones_own_can_be_registered():
    class Even(c.Constraint):
        pass

    biject_to.register(Even, lambda constraint: transforms.IdentityTransform())
    assert isinstance(biject_to(Even()), transforms.IdentityTransform)


def test_wrong_sizes_are_refused():
    with pytest.raises(ShapeError, match="triangle"):
        transforms.LowerCholeskyTransform()(jnp.zeros(5))
    with pytest.raises(ShapeError, match="different sizes"):
        transforms.ReshapeTransform((2,), (3,))
    with pytest.raises(ShapeError, match="another shape"):
        transforms.ReshapeTransform((2, 2), (4,)).forward_shape((3,))
