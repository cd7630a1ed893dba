"""Wrappers: shapes by Hypothesis, masks with values that must not matter."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold_torch.distributions import (
    Beta,
    Categorical,
    Delta,
    Dirichlet,
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
    MultivariateNormal,
    Normal,
    Poisson,
    TorchDistribution,
    Uniform,
    constraints,
)
from twofold_torch.errors import ShapeError
from twofold_torch.ops.shapes import broadcast_shape

sizes = st.lists(st.integers(1, 3), max_size=3).map(tuple)


class Coarse(TorchDistribution):
    """A user's law without an expand of its own."""

    arg_constraints = {"loc": constraints.real}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, validate_args=None):
        self.loc = loc
        super().__init__(loc.shape, validate_args=validate_args)

    def rsample(self, sample_shape=()):
        return self.loc + torch.randn(self._extended_shape(torch.Size(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return Normal(self.loc, 1.0).log_prob(value)


LAWS = {
    "number": lambda batch: Normal(0.0, 1.0).expand(batch),
    "tensor": lambda batch: Normal(torch.zeros(batch), 1.0),
    "vector": lambda batch: MultivariateNormal(torch.zeros((*batch, 2)), torch.eye(2)),
    "simplex": lambda batch: Dirichlet(torch.ones((*batch, 3))),
    "index": lambda batch: Categorical(torch.ones((*batch, 3))),
    "count": lambda batch: Poisson(torch.ones(batch)),
    "users": lambda batch: Coarse(torch.zeros(batch)),
    "point": lambda batch: Delta(torch.zeros(batch)),
}


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(LAWS)), batch=sizes, extra=sizes, sample=sizes, data=st.data())
def test_expand_to_event_and_mask_combine_as_shapes_say(name, batch, extra, sample, data):
    law = LAWS[name](batch)
    event = law.event_shape
    wide = law.expand((*extra, *batch))
    assert wide.batch_shape == (*extra, *batch)
    num_events = data.draw(st.integers(0, len(wide.batch_shape)))
    split = len(wide.batch_shape) - num_events
    joint = wide.to_event(num_events)
    assert joint.batch_shape == wide.batch_shape[:split]
    assert joint.event_shape == wide.batch_shape[split:] + event
    mask = torch.rand(joint.batch_shape) < 0.5
    masked = joint.mask(mask)
    value = masked.sample(torch.Size(sample))
    assert value.shape == (*sample, *joint.batch_shape, *joint.event_shape)
    log_prob = masked.log_prob(value)
    assert log_prob.shape == (*sample, *joint.batch_shape)
    expected = wide.log_prob(value)
    expected = expected.sum(tuple(range(-num_events, 0))) if num_events else expected
    torch.testing.assert_close(log_prob, torch.where(mask, expected, torch.zeros(())))
    assert masked.expand((2, *joint.batch_shape)).batch_shape == (2, *joint.batch_shape)


@settings(max_examples=40, deadline=None)
@given(batch=sizes, data=st.data())
def test_expanded_entries_of_a_users_law_are_independent_draws(batch, data):
    stretched = tuple(3 if size == 1 and data.draw(st.booleans()) else size for size in batch)
    shape = (*data.draw(sizes), *stretched)
    law = ExpandedDistribution(Coarse(torch.zeros(batch)), shape)
    draws = law.sample((2,))
    assert draws.shape == (2, *shape)
    assert draws.unique().numel() == draws.numel()
    torch.testing.assert_close(law.log_prob(draws), Normal(0.0, 1.0).log_prob(draws))


def test_expanded_draws_keep_to_their_rows():
    loc = torch.tensor([[0.0], [1000.0]])
    draws = ExpandedDistribution(Coarse(loc), (3, 2, 4)).sample((5,))
    assert bool((draws[:, :, 0] < 500).all())
    assert bool((draws[:, :, 1] > 500).all())


def test_expanding_to_a_shape_that_does_not_fit_names_both_shapes():
    for law in (Normal(torch.zeros(3), 1.0), Coarse(torch.zeros(3)), Coarse(torch.zeros(3)).expand((2, 3))):
        with pytest.raises(ShapeError, match="batch shape"):
            law.expand((2,))


def test_independent_flattens_and_unfolds():
    law = Normal(torch.zeros(2, 3, 4), 1.0)
    joint = law.to_event(1).to_event(1)
    assert isinstance(joint.base_dist, Normal)
    assert joint.reinterpreted_batch_ndims == 2
    assert joint.to_event(-1).event_shape == (4,)
    assert joint.to_event(-2) is law
    assert law.to_event().event_shape == (2, 3, 4)
    assert law.to_event(0) is law
    with pytest.raises(ShapeError, match="too few batch dims"):
        law.to_event(4)
    with pytest.raises(ShapeError, match="cannot give event dims back"):
        law.to_event(-1)
    with pytest.raises(ShapeError):
        joint.to_event(-3)


def test_independent_sums_entropy_and_forwards_moments():
    law = Normal(torch.zeros(2, 3), 2.0).to_event(1)
    torch.testing.assert_close(law.entropy(), 3 * Normal(0.0, 2.0).entropy().expand(2))
    assert law.mean.shape == (2, 3)
    assert isinstance(law, torch.distributions.Independent)
    assert law.support.event_dim == 1


def test_independent_refuses_to_enumerate_a_product():
    with pytest.raises(NotImplementedError, match="Cartesian product"):
        Categorical(torch.ones(4, 3)).to_event(1).enumerate_support()


CASES = {
    "real": (Normal(torch.zeros(2), 1.0), [0.5, 0.0]),
    "interval": (Uniform(torch.zeros(2), 2.0), [0.5, 0.0]),
    "unit": (Beta(torch.ones(2), 2.0), [0.5, 0.0]),
    "count": (Poisson(torch.ones(2)), [3.0, 0.0]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("garbage", [math.nan, -1e30, math.inf])
def test_masked_out_values_reach_neither_density_nor_gradient(name, garbage):
    law, values = CASES[name]
    value = torch.tensor(values)
    value[1] = garbage
    value.requires_grad_(True)
    log_prob = law.mask(torch.tensor([True, False])).log_prob(value)
    assert float(log_prob[1].detach()) == 0
    torch.testing.assert_close(log_prob[0], law.expand((2,)).log_prob(torch.tensor(values))[0])
    log_prob.sum().backward() if log_prob.requires_grad else None
    assert value.grad is None or bool(value.grad.isfinite().all())


def test_masked_out_rows_of_a_vector_law_reach_no_parameter_gradient():
    loc = torch.zeros(3, requires_grad=True)
    value = torch.tensor([[1.0, 2.0, 3.0], [math.nan, 0.0, 0.0]])
    law = MultivariateNormal(loc, torch.eye(3)).expand((2,)).mask(torch.tensor([True, False]))
    law.log_prob(value).sum().backward()
    assert loc.grad.tolist() == [1.0, 2.0, 3.0]


def test_values_not_masked_out_are_still_checked():
    with pytest.raises(ValueError, match="Normal"):
        Normal(torch.zeros(2), 1.0).mask(torch.tensor([True, False])).log_prob(torch.tensor([math.nan, 0.0]))


def test_mask_broadcasts_both_ways_and_must_be_boolean():
    law = Normal(torch.zeros(3), 1.0).mask(torch.tensor([[True], [False]]))
    assert law.batch_shape == broadcast_shape((2, 1), (3,)) == (2, 3)
    assert isinstance(law, MaskedDistribution)
    for wrong in (0.5, 1, torch.ones(3)):
        with pytest.raises(ValueError, match="boolean"):
            Normal(torch.zeros(3), 1.0).mask(wrong)
    with pytest.raises(ShapeError, match="mask of Normal"):
        Normal(torch.zeros(3), 1.0).mask(torch.ones(2, dtype=torch.bool))
    with pytest.raises(ShapeError, match="Normal"):
        law.log_prob(torch.zeros(4))


def test_mask_false_scores_anything_as_zero():
    law = Normal(torch.zeros(3), 1.0).mask(False)
    assert law.log_prob(torch.full((2, 3), math.nan)).tolist() == [[0.0] * 3] * 2


def test_masked_score_parts_are_masked():
    parts = Normal(torch.zeros(2), 1.0).mask(torch.tensor([True, False])).score_parts(torch.tensor([0.0, math.nan]))
    assert parts.log_prob[1] == 0
    assert parts.entropy_term[1] == 0


def test_has_rsample_can_be_overridden_and_survives_expansion():
    for law in (Normal(0.0, 1.0), Normal(torch.zeros(2), 1.0).to_event(1), Coarse(torch.zeros(2)).expand((3, 2))):
        assert law.has_rsample_(False) is law
        assert not law.has_rsample
        assert not law.expand((5, *law.batch_shape)).has_rsample
    with pytest.raises(TypeError, match="has_rsample_"):
        Normal(0.0, 1.0).has_rsample_(1)


def test_plain_laws_of_torch_may_be_wrapped():
    plain = torch.distributions.Normal(torch.zeros(3), torch.ones(3))
    value = torch.tensor([0.0, 1.0, math.nan])
    masked = MaskedDistribution(plain, torch.tensor([True, True, False]))
    assert Independent(masked, 1)().shape == (3,)
    torch.testing.assert_close(Independent(masked, 1).log_prob(value), plain.log_prob(torch.zeros(3))[:2].sum() - 0.5)
    assert Independent(plain, 1).expand((2,)).log_prob(torch.zeros(2, 3)).shape == (2,)
    assert ExpandedDistribution(plain, (2, 3))().shape == (2, 3)


def test_wrappers_print_what_they_wrap():
    assert (
        repr(Independent(Normal(torch.zeros(3), 1.0), 1))
        == "Independent(Normal(loc: (3,), scale: 1, batch_shape: (3,)), 1)"
    )
    assert "mask=False" in repr(Normal(0.0, 1.0).mask(False))
