"""Transforms: inverses, and log determinants against the numeric Jacobian."""

import itertools

import numpy as np
import pytest
import torch
from torch.func import jacrev, vmap

from twofold_torch.distributions import biject_to, transform_to
from twofold_torch.distributions import constraints as C
from twofold_torch.distributions import transforms as T

CONSTRAINTS = [
    (C.real, ()),
    (C.positive, ()),
    (C.softplus_positive, ()),
    (C.greater_than(3.0), ()),
    (C.greater_than_eq(torch.tensor([1.0, 2.0], dtype=torch.float64)), (2,)),
    (C.less_than(-1.0), ()),
    (C.unit_interval, ()),
    (C.interval(-1.0, 2.0), ()),
    (C.open_interval(-1.0, 2.0), ()),
    (C.half_open_interval(-1.0, 2.0), ()),
    (C.circular, ()),
    (C.simplex, (4,)),
    (C.l1_ball, (3,)),
    (C.ordered_vector, (4,)),
    (C.positive_ordered_vector, (4,)),
    (C.zero_sum(1), (4,)),
    (C.zero_sum(2), (3, 4)),
    (C.lower_cholesky, (3, 3)),
    (C.softplus_lower_cholesky, (3, 3)),
    (C.scaled_unit_lower_cholesky, (3, 3)),
    (C.unit_lower_cholesky, (3, 3)),
    (C.corr_cholesky, (4, 4)),
    (C.corr_matrix, (3, 3)),
    (C.positive_definite, (3, 3)),
    (C.real_matrix, (2, 3)),
    (C.independent(C.interval(0.0, 5.0), 1), (3,)),
    (C.independent(C.simplex, 1), (2, 3)),
    (C.cat([C.positive, C.interval(0.0, 1.0)], -1, [1, 2]), (3,)),
    (C.stack([C.positive, C.less_than(0.0)], -1), (2,)),
]
IDS = [repr(constraint) for constraint, _ in CONSTRAINTS]


def _unconstrained(transform, shape, batch=()):
    torch.manual_seed(0)
    return torch.randn((*batch, *transform.inverse_shape(torch.Size(shape))), dtype=torch.float64)


@pytest.mark.parametrize(("constraint", "shape"), CONSTRAINTS, ids=IDS)
def test_bijection_lands_inside_and_back(constraint, shape):
    for registry in (biject_to, transform_to):
        transform = registry(constraint)
        x = _unconstrained(transform, shape, batch=(5,))
        y = transform(x)
        assert y.shape == (5, *shape)
        assert transform.forward_shape(x.shape) == y.shape
        assert bool(constraint.check(y).all())
        back = transform.inv(y)
        assert back.shape == x.shape
        torch.testing.assert_close(transform(back), y, rtol=1e-9, atol=1e-9)
        if transform.bijective:
            torch.testing.assert_close(back, x, rtol=1e-7, atol=1e-9)


def _coordinates(constraint, y):
    """As many entries of the constrained value as it has degrees of freedom."""
    while isinstance(constraint, C.independent):
        constraint = constraint.base_constraint
    if isinstance(constraint, type(C.simplex)):
        return y[..., :-1].reshape(-1)
    size = y.shape[-1] if y.dim() else 0
    if isinstance(constraint, type(C.lower_cholesky) | type(C.positive_definite)):
        return y[torch.tril_indices(size, size).unbind()]
    if isinstance(constraint, type(C.corr_cholesky) | type(C.corr_matrix) | type(C.unit_lower_cholesky)):
        return y[torch.tril_indices(size, size, -1).unbind()]
    return y.reshape(-1)


@pytest.mark.parametrize(("constraint", "shape"), CONSTRAINTS, ids=IDS)
def test_log_determinant_equals_that_of_the_numeric_jacobian(constraint, shape):
    transform = biject_to(constraint)
    assert transform.bijective
    x = _unconstrained(transform, shape)
    jacobian = jacrev(lambda flat: _coordinates(constraint, transform(flat.reshape(x.shape))))(x.reshape(-1))
    expected = 0.5 * torch.linalg.slogdet(jacobian.T @ jacobian).logabsdet  # also for a map into more dims
    seen = transform.log_abs_det_jacobian(x, transform(x)).sum()
    torch.testing.assert_close(seen, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("constraint", "shape"), CONSTRAINTS, ids=IDS)
def test_bijections_pass_vmap(constraint, shape):
    transform = biject_to(constraint)
    x = _unconstrained(transform, shape, batch=(3,))
    torch.testing.assert_close(vmap(transform)(x), transform(x))
    score = lambda u: transform.log_abs_det_jacobian(u, transform(u))  # noqa: E731
    torch.testing.assert_close(vmap(score)(x).sum(), score(x).sum())


@pytest.mark.parametrize("size", [50.0, 300.0])
def test_stick_breaking_is_accurate_far_out(size):
    """The log determinant in closed form, with logistic functions in extended precision by mpmath."""
    import mpmath

    mpmath.mp.dps = 400
    x = [size, -size, size]
    shifted = [mpmath.mpf(v) - mpmath.log(3 - k) for k, v in enumerate(x)]
    stay = [-mpmath.log1p(mpmath.exp(s)) for s in shifted]
    go = [-mpmath.log1p(mpmath.exp(-s)) for s in shifted]
    expected = float(sum(g + s * (3 - k) for k, (g, s) in enumerate(zip(go, stay, strict=True))))
    for dtype, rtol in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        u = torch.tensor(x, dtype=dtype)
        transform = T.StickBreakingTransform()
        seen = transform.log_abs_det_jacobian(u, transform(u))
        assert float(seen) == pytest.approx(expected, rel=rtol)
        assert bool(C.simplex.check(transform(u)))


def test_stick_breaking_maps_zero_to_the_middle_and_survives_the_edge():
    transform = T.StickBreakingTransform()
    torch.testing.assert_close(transform(torch.zeros(4)), torch.full((5,), 0.2))
    assert bool(transform.inv(torch.tensor([0.0, 0.0, 1.0])).isfinite().all())


def test_corr_cholesky_is_finite_far_out():
    transform = T.CorrCholeskyTransform()
    x = torch.tensor([20.0, -30.0, 40.0], requires_grad=True)
    y = transform(x)
    score = transform.log_abs_det_jacobian(x, y)
    expected = sum(w * (np.log(2) - abs(v)) for w, v in zip([2, 3, 2], [20.0, 30.0, 40.0], strict=True))
    assert float(score.detach()) == pytest.approx(expected, rel=1e-6)
    (score + y.sum()).backward()
    assert bool(x.grad.isfinite().all())


@pytest.mark.parametrize(
    "constraint", [C.positive, C.nonnegative, C.greater_than(3.0), C.less_than(-7.0), C.greater_than(1e6)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_transform_to_a_half_line_never_leaves_it_however_large_the_step(constraint, dtype):
    values = transform_to(constraint)(torch.tensor([-1e4, -200.0, -80.0, 0.0, 80.0, 1e4], dtype=dtype))
    assert bool(constraint.check(values).all())
    assert bool(values.isfinite().all())


def test_normalize_and_softmax_land_inside():
    for constraint, shape in ((C.sphere, (3,)), (C.simplex, (3,))):
        y = transform_to(constraint)(torch.randn(5, *shape))
        assert bool(constraint.check(y).all())


def test_ordered_permute_and_affine_keep_their_formulas():
    x = torch.tensor([1.0, 0.0, np.log(2)], dtype=torch.float32)
    torch.testing.assert_close(T.OrderedTransform()(x), torch.tensor([1.0, 2.0, 4.0]))
    permute = T.Permute(torch.tensor([2, 0, 1]), dim=-2)
    matrix = torch.arange(6.0).reshape(3, 2)
    assert permute(matrix)[:, 0].tolist() == [4.0, 0.0, 2.0]
    torch.testing.assert_close(permute.inv(permute(matrix)), matrix)
    assert permute.log_abs_det_jacobian(matrix, matrix).tolist() == 0
    for wrong in ([0, 0, 1], [[0, 1]]):
        with pytest.raises(ValueError, match="Permute"):
            T.Permute(torch.tensor(wrong))
    with pytest.raises(ValueError, match="negative"):
        T.Permute(torch.tensor([0, 1]), dim=0)


def test_lower_cholesky_affine_inverts_and_scores():
    scale = torch.tensor([[2.0, 0.0], [1.0, 3.0]])
    transform = T.LowerCholeskyAffine(torch.ones(2), scale)
    x = torch.randn(5, 2)
    torch.testing.assert_close(transform.inv(transform(x)), x)
    torch.testing.assert_close(transform.log_abs_det_jacobian(x, transform(x)), torch.full((5,), np.log(6.0)).float())
    assert transform.forward_shape((5, 2)) == (5, 2)


@pytest.mark.parametrize("transform", [T.CholeskyTransform(), T.CorrMatrixCholeskyTransform()])
def test_cholesky_inverts_the_product(transform):
    matrix = torch.tensor([[1.0, 0.3], [0.3, 1.0]])
    torch.testing.assert_close(transform.inv(transform(matrix)), matrix)


def test_stateful_transforms_compare_by_settings_and_cache():
    assert T.GreaterThanTransform(1.0) == T.GreaterThanTransform(torch.tensor(1.0))
    assert T.GreaterThanTransform(1.0) != T.LessThanTransform(1.0)
    assert T.ZeroSumTransform(1) != T.ZeroSumTransform(2)
    for transform in (
        T.GreaterThanTransform(1.0),
        T.ZeroSumTransform(1),
        T.Permute(torch.tensor([1, 0])),
        T.OrderedTransform(),
    ):
        cached = transform.with_cache(1)
        x = torch.randn(2)
        assert cached.inv(cached(x)) is x
        assert transform.with_cache(0) is transform


def test_vectors_that_fill_no_triangle_are_refused():
    for transform, length in itertools.product([T.LowerCholeskyVectorTransform(), T.CorrCholeskyTransform()], [2, 5]):
        with pytest.raises(ValueError, match="triangle"):
            transform.forward_shape((length,))
