"""Laws without randomness."""

import math

import pytest
import torch

from twofold_torch.distributions import Delta, ImproperUniform, Unit, constraints
from twofold_torch.errors import SiteTypeError


def test_delta_puts_all_mass_on_its_point():
    law = Delta(torch.tensor([1.0, 2.0]))
    assert law.log_prob(torch.tensor([1.0, 3.0])).tolist() == [0.0, -math.inf]
    assert law().tolist() == [1.0, 2.0]
    assert law.sample((3,)).shape == (3, 2)
    torch.testing.assert_close(law.mean, law.v)
    assert law.variance.tolist() == [0.0, 0.0]


def test_delta_adds_its_log_density_once_per_event():
    law = Delta(torch.zeros(2, 3), log_density=torch.tensor([0.5, -1.0]), event_dim=1)
    assert (law.batch_shape, law.event_shape) == ((2,), (3,))
    assert law.log_prob(torch.zeros(2, 3)).tolist() == [0.5, -1.0]
    assert law.log_prob(torch.ones(2, 3)).tolist() == [-math.inf, -math.inf]


def test_delta_takes_numbers_and_integers():
    assert float(Delta(1.5).log_prob(torch.tensor(1.5))) == 0
    law = Delta(torch.tensor([1, 2]))
    assert law().dtype == torch.int64
    assert law.log_prob(torch.tensor([1, 3])).tolist() == [0.0, -math.inf]


def test_delta_broadcasts_its_log_density_over_the_batch():
    law = Delta(torch.zeros(3), log_density=torch.zeros(2, 1))
    assert law.batch_shape == (2, 3)
    assert law.expand((4, 2, 3)).log_prob(torch.zeros(3)).shape == (4, 2, 3)


def test_delta_passes_gradients_to_its_point_and_log_density():
    v, log_density = torch.ones(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    law = Delta(v, log_density)
    (law.rsample().sum() + law.log_prob(law.v).sum()).backward()
    assert v.grad.tolist() == [1.0, 1.0]
    assert log_density.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("law", [Delta(1.0), Delta(torch.zeros(2, 3), event_dim=1), Delta(torch.zeros(2), 1.0)])
def test_shapes_of_delta(check, law):
    check.shapes(law)


def test_delta_refuses_too_many_event_dims():
    with pytest.raises(ValueError, match="event_dim"):
        Delta(torch.zeros(3), event_dim=2)


def test_unit_scores_its_factor_and_draws_nothing():
    law = Unit(torch.tensor([1.0, -2.0]))
    value = law()
    assert value.shape == (2, 0)
    assert law.log_prob(value).tolist() == [1.0, -2.0]
    assert law.expand((3, 2)).log_prob(law.expand((3, 2))()).shape == (3, 2)
    assert not law.has_rsample
    assert Unit(1.0, has_rsample=True).has_rsample
    assert float(Unit(2).log_prob(torch.empty(0))) == 2


def test_unit_refuses_nan_and_other_types():
    with pytest.raises(ValueError, match="log_factor"):
        Unit(torch.tensor(math.nan))
    with pytest.raises(SiteTypeError, match="has_rsample"):
        Unit(1.0, has_rsample="yes")


def test_improper_uniform_is_flat_and_checks_its_support():
    law = ImproperUniform(constraints.ordered_vector, (2,), (3,))
    assert (law.batch_shape, law.event_shape) == ((2,), (3,))
    value = torch.tensor([[1.0, 2.0, 3.0], [0.0, 5.0, 6.0]])
    assert law.log_prob(value).tolist() == [0.0, 0.0]
    assert law.expand((4, 2)).log_prob(value).shape == (4, 2)
    with pytest.raises(ValueError, match="ImproperUniform"):
        law.log_prob(value.flip(-1))
    assert law.mask(False).log_prob(value.flip(-1)).tolist() == [0.0, 0.0]


def test_improper_uniform_extends_its_support_over_event_dims_and_has_no_draws():
    law = ImproperUniform(constraints.positive, (), (3,))
    assert law.support.event_dim == 1
    assert law.log_prob(torch.ones(3)).shape == ()
    with pytest.raises(NotImplementedError, match="no draws"):
        law.sample()
    with pytest.raises(ValueError, match="fewer dims"):
        ImproperUniform(constraints.simplex, (), ())
    with pytest.raises(SiteTypeError, match="constraint"):
        ImproperUniform("positive", (), ())
