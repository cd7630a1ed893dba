"""The surface that every law has."""

import pytest
import torch

from twofold_torch.distributions import (
    Beta,
    Categorical,
    Delta,
    Distribution,
    MultivariateNormal,
    Normal,
    Poisson,
    ScoreParts,
    TorchDistribution,
    TorchDistributionMixin,
    Unit,
    constraints,
)


def test_a_call_draws_with_gradient_where_the_law_can():
    loc = torch.zeros(2, requires_grad=True)
    assert Normal(loc, 1.0)().requires_grad
    assert Normal(loc, 1.0)((3,)).shape == (3, 2)
    assert Poisson(torch.ones(2))((3,)).shape == (3, 2)


def test_score_parts_depend_on_reparameterisation():
    value = torch.tensor(0.5)
    log_prob, score_function, entropy_term = Normal(0.0, 1.0).score_parts(value)
    assert score_function == 0
    assert entropy_term is log_prob
    log_prob, score_function, entropy_term = Poisson(1.0).score_parts(torch.tensor(1.0))
    assert entropy_term == 0
    assert score_function is log_prob


def test_score_parts_scale_and_mask():
    parts = ScoreParts(torch.ones(2), torch.ones(2), 0.0).scale_and_mask(3.0, torch.tensor([True, False]))
    assert parts.log_prob.tolist() == [3.0, 0.0]
    assert parts.score_function.tolist() == [1.0, 0.0]
    assert parts.entropy_term == 0
    assert ScoreParts(torch.ones(2), 0.0, torch.ones(2)).scale_and_mask(mask=False).log_prob.tolist() == [0.0, 0.0]


def test_infer_shapes_gives_the_shapes_of_the_law_that_would_be_made():
    assert Normal.infer_shapes(loc=(3, 1), scale=(4,)) == ((3, 4), ())
    assert Beta.infer_shapes(concentration1=(2,), concentration0=()) == ((2,), ())
    assert MultivariateNormal.infer_shapes(loc=(5, 3), scale_tril=(2, 1, 3, 3)) == ((2, 5), (3,))
    assert Delta.infer_shapes(v=(2, 3), log_density=(4, 1), event_dim=1) == ((4, 2), (3,))
    assert Unit.infer_shapes(log_factor=(2,)) == ((2,), (0,))
    assert Categorical.infer_shapes(probs=(4, 3)) == ((4,), ())
    with pytest.raises(ValueError, match="no argument"):
        Normal.infer_shapes(mean=())


def test_properties_of_shape_and_support():
    law = Categorical(torch.ones(4, 3))
    assert law.is_discrete
    assert law.event_dim == 0
    assert law.shape((2,)) == (2, 4)
    assert not Normal(0.0, 1.0).is_discrete


def test_a_law_of_ones_own_needs_a_call_and_a_log_prob_only():
    class Fair(Distribution):
        def __call__(self):
            return torch.tensor(1.0)

        def log_prob(self, value):
            return torch.tensor(-0.5)

    law = Fair()
    assert isinstance(law, Distribution)
    assert law.score_parts(law()).score_function == -0.5
    with pytest.raises(TypeError):
        Distribution()


def test_a_law_of_ones_own_gets_checks_expansion_and_events():
    class Shifted(TorchDistribution):
        arg_constraints = {"loc": constraints.positive}
        support = constraints.real

        def __init__(self, loc, validate_args=None):
            self.loc = loc
            super().__init__(loc.shape, validate_args=validate_args)

        def sample(self, sample_shape=()):
            return torch.randn(self.shape(sample_shape)) + self.loc

        def log_prob(self, value):
            return Normal(self.loc, 1.0).log_prob(value)

    law = Shifted(torch.ones(2))
    assert isinstance(law, TorchDistributionMixin)
    assert law.expand((3, 2)).to_event(1)().shape == (3, 2)
    with pytest.raises(ValueError, match="'loc' of Shifted"):
        Shifted(-torch.ones(2))
