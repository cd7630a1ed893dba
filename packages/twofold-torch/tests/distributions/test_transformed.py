"""Transformed laws."""

import pytest
import torch

from twofold_torch.distributions import LogNormal, Normal, TransformedDistribution, transforms


def test_exp_of_normal_is_log_normal(check):
    law = TransformedDistribution(Normal(torch.zeros(3), 1.0), transforms.ExpTransform())
    value = torch.tensor([0.1, 1.0, 7.0])
    torch.testing.assert_close(law.log_prob(value), LogNormal(0.0, 1.0).log_prob(value))
    check.shapes(law)


def test_several_transforms_apply_in_order():
    parts = [transforms.AffineTransform(1.0, 2.0), transforms.ExpTransform()]
    law = TransformedDistribution(Normal(0.0, 1.0), parts)
    value = torch.tensor(3.0)
    torch.testing.assert_close(law.log_prob(value), LogNormal(1.0, 2.0).log_prob(value))


def test_masked_out_values_of_a_transformed_law_do_not_matter():
    law = TransformedDistribution(Normal(torch.zeros(2), 1.0), transforms.ExpTransform())
    value = torch.tensor([1.0, -5.0], requires_grad=True)
    log_prob = law.mask(torch.tensor([True, False])).log_prob(value)
    log_prob.sum().backward()
    assert bool(value.grad.isfinite().all())


def test_values_outside_the_support_are_refused():
    law = TransformedDistribution(Normal(0.0, 1.0), transforms.ExpTransform())
    with pytest.raises(ValueError, match="TransformedDistribution"):
        law.log_prob(torch.tensor(-1.0))


def test_vector_transforms_turn_the_batch_into_an_event():
    law = TransformedDistribution(Normal(torch.zeros(3), 1.0), transforms.StickBreakingTransform())
    assert (law.batch_shape, law.event_shape) == ((), (4,))
    assert float(law().detach().sum()) == pytest.approx(1, abs=1e-5)
