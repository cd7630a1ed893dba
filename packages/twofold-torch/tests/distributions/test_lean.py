"""Lean constructors: what they take, what they keep, what they refuse."""

import numpy as np
import pytest
import torch

from twofold_torch import distributions as dist
from twofold_torch.errors import ShapeError, SiteTypeError
from twofold_torch.validation import validation_enabled


def test_numbers_tensors_arrays_and_lists_may_be_mixed():
    expected = dist.Normal(torch.tensor([0.0, 1.0]), torch.tensor(2.0)).log_prob(torch.tensor(0.5))
    for loc, scale in [
        (torch.tensor([0.0, 1.0]), 2),
        (np.array([0.0, 1.0], dtype=np.float32), 2.0),
        ([0.0, 1.0], torch.tensor(2.0)),
        (torch.tensor([0, 1]), np.float32(2.0)),
        (torch.tensor([0, 1]), torch.tensor(2)),
    ]:
        law = dist.Normal(loc, scale)
        torch.testing.assert_close(law.log_prob(torch.tensor(0.5)), expected)
        assert law.loc.shape == law.scale.shape == law.sample().shape == (2,)


def test_integers_take_the_dtype_of_the_floating_arguments():
    law = dist.Normal(torch.tensor([0, 1]), torch.tensor(2.0, dtype=torch.float64))
    assert law.loc.dtype == law.sample().dtype == torch.float64


@pytest.mark.parametrize(
    "law",
    [
        dist.Normal(0.0, 1.0),
        dist.Normal(torch.zeros(()), torch.ones(())),
        dist.Normal(torch.zeros(2, 1), 1.0),
        dist.Gamma(2.0, torch.ones(1)),
        dist.StudentT(torch.tensor(3.0)),
        dist.Beta(2.0, torch.tensor(3.0)),
        dist.HalfCauchy(torch.ones(())),
        dist.Exponential(torch.ones(())),
        dist.Uniform(0.0, torch.ones(())),
        dist.Laplace(torch.zeros(()), 1.0),
        dist.InverseGamma(2.0, 1.0),
        dist.LogNormal(0.0, torch.ones(())),
    ],
    ids=repr,
)
def test_entries_of_an_expanded_law_are_independent_draws(law):
    wide = law.expand((5, *(3 if size == 1 else size for size in law.batch_shape)))
    for draws in (wide.sample(), wide.rsample(), wide.rsample((2,))):
        assert draws.unique().numel() == draws.numel()
        assert draws.shape[-len(wide.batch_shape) :] == wide.batch_shape


def test_parameters_are_kept_unexpanded_and_read_expanded():
    scale = torch.ones(())
    law = dist.Normal(torch.zeros(3), scale)
    assert law.scale.shape == (3,)
    assert law.expand((2, 3)).scale.shape == (2, 3)
    assert dist.Normal(0.0, scale).scale is scale


def test_a_law_of_numbers_scores_in_the_precision_of_the_value():
    value = torch.tensor(0.1, dtype=torch.float64)
    seen = dist.Normal(0.3, 0.7).log_prob(value)
    assert seen.dtype == torch.float64
    assert float(seen) == pytest.approx(-0.5 * (0.2 / 0.7) ** 2 - np.log(0.7) - 0.5 * np.log(2 * np.pi), rel=1e-14)


def test_values_may_be_numbers():
    assert float(dist.Normal(0.0, 1.0).log_prob(0.0)) == pytest.approx(-0.9189385)
    assert dist.Gamma(torch.ones(3), 1.0).log_prob(2).shape == (3,)
    assert float(dist.Bernoulli(0.5).log_prob(1)) == pytest.approx(np.log(0.5))
    assert float(dist.Poisson(1.0).log_prob(0)) == -1


def test_parameters_of_a_law_of_numbers_read_as_tensors_of_the_batch_shape():
    law = dist.Normal(1.0, 2.0).expand((3,))
    assert law.loc.tolist() == [1.0, 1.0, 1.0]
    assert law.stddev.tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(AttributeError):
        dist.Normal(0.0, 1.0).concentration


def test_arguments_that_do_not_broadcast_are_named_with_their_shapes():
    with pytest.raises(ShapeError, match=r"loc \(3,\), scale \(2,\)"):
        dist.Normal(torch.zeros(3), torch.ones(2))


def test_arguments_of_another_type_are_named():
    with pytest.raises(SiteTypeError, match="'scale' of Normal"):
        dist.Normal(0.0, "wide")
    with pytest.raises(TypeError):
        dist.Gamma(object(), 1.0)


def test_checks_follow_the_switch_at_use_and_the_constructors_word():
    law = dist.Exponential(1.0)
    with validation_enabled(False):
        assert dist.Normal(0.0, -1.0).batch_shape == ()
        law.log_prob(torch.tensor(-1.0))
        with pytest.raises(ValueError, match="Exponential"):
            dist.Exponential(1.0, validate_args=True).log_prob(torch.tensor(-1.0))
    with pytest.raises(ValueError, match="Exponential"):
        law.log_prob(torch.tensor(-1.0))
    quiet = dist.Exponential(1.0, validate_args=False)
    quiet.expand((2,)).log_prob(torch.tensor(-1.0))
    torch.distributions.Distribution.set_default_validate_args(False)
    try:
        law.log_prob(torch.tensor(-1.0))
    finally:
        torch.distributions.Distribution.set_default_validate_args(True)


def test_a_value_that_does_not_fit_the_batch_is_a_shape_error():
    law = dist.Normal(torch.zeros(3), 1.0)
    with pytest.raises(ShapeError, match="Normal"):
        law.log_prob(torch.zeros(4))
    with pytest.raises(ShapeError, match="Dirichlet"):
        dist.Dirichlet(torch.ones(3)).log_prob(torch.ones(2) / 2)


def test_nan_values_are_named_with_their_place():
    with pytest.raises(ValueError, match="nan at 1"):
        dist.Normal(0.0, 1.0).log_prob(torch.tensor([0.0, torch.nan]))


def test_infinite_values_of_opposite_sign_pass_the_quick_look():
    assert dist.Normal(0.0, 1.0).log_prob(torch.tensor([torch.inf, -torch.inf])).tolist() == [-torch.inf, -torch.inf]


def test_a_users_subclass_keeps_its_attributes_when_expanded():
    class Named(dist.Normal):
        def __init__(self, name, loc):
            super().__init__(loc, 1.0)
            self.name = name

    law = Named("a", torch.zeros(2)).expand((3, 2))
    assert (law.name, law.batch_shape) == ("a", (3, 2))


def test_parameters_receive_gradients_through_expansion():
    scale = torch.ones((), requires_grad=True)
    dist.Normal(0.0, scale).expand((5,)).log_prob(torch.zeros(5)).sum().backward()
    assert float(scale.grad) == -5


@pytest.mark.parametrize(
    "make",
    [
        lambda z: dist.Normal(0.0, 1.0 + z),
        lambda z: dist.HalfNormal(1.0),
        lambda z: dist.LogNormal(z, 1.0),
        lambda z: dist.Cauchy(z, 1.0),
        lambda z: dist.HalfCauchy(1.0),
        lambda z: dist.StudentT(3.0 + z),
        lambda z: dist.Gamma(2.0 + z, 1.0),
        lambda z: dist.InverseGamma(2.0, 1.0),
        lambda z: dist.Beta(2.0, 1.0 + z),
        lambda z: dist.Exponential(1.0),
        lambda z: dist.Laplace(z, 1.0),
        lambda z: dist.Logistic(0.0, 1.0),
        lambda z: dist.Uniform(z, 1.0),
        lambda z: dist.Poisson(5.0 + z),
        lambda z: dist.Bernoulli(0.5),
        lambda z: dist.Geometric(0.1 + z),
        lambda z: dist.Binomial(20, 0.5 + z),
        lambda z: dist.NegativeBinomial(5.0, 0.5 + z),
        lambda z: dist.Categorical(torch.ones(30)),
        lambda z: dist.OneHotCategorical(torch.ones(30) + z),
        lambda z: dist.Dirichlet(torch.ones(3) + z),
        lambda z: dist.MultivariateNormal(torch.zeros(3) + z, torch.eye(3)),
    ],
)
def test_every_lean_law_draws_under_vmap(make):
    draws = torch.func.vmap(lambda z: make(z)() + z, randomness="different")(torch.zeros(64))
    assert draws.reshape(64, -1).unique(dim=0).shape[0] > 1


def test_draws_under_vmap_differ():
    draws = torch.func.vmap(lambda loc: dist.Normal(loc, 1.0).rsample(), randomness="different")(torch.zeros(4))
    assert draws.unique().numel() == 4
    draws = torch.func.vmap(lambda loc: dist.Normal(0.0, 1.0).rsample() + loc, randomness="different")(torch.zeros(4))
    assert draws.unique().numel() == 4
