"""Log densities of single sites: scale, masks, parts, errors."""

from __future__ import annotations

import math

import pytest
import torch

from twofold_torch import (
    ShapeError,
    SiteError,
    SupportError,
    deterministic,
    param,
    plate,
    sample,
)
from twofold_torch import distributions as dist
from twofold_torch.handlers import mask, scale, trace

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


def model() -> torch.Tensor:
    loc = param("test_traces_loc", torch.tensor(0.0))
    x = sample("x", dist.Normal(loc, 1.0))
    k = sample("k", dist.Bernoulli(0.5))
    deterministic("twice", 2 * x)
    with plate("rows", 3):
        sample("y", dist.Normal(x, 1.0), obs=torch.zeros(3))
    return k


def test_score_of_a_site_is_scale_times_masked_log_density() -> None:
    def scored() -> None:
        with scale(scale=3.0), mask(mask=torch.tensor([True, False])):
            sample("x", dist.Normal(torch.zeros(2), 1.0), obs=torch.tensor([1.0, 2.0]))

    sites = trace(scored).get_trace()
    sites.compute_log_prob()
    site = sites.nodes["x"]
    expected = [-0.5 - LOG_SQRT_2PI, 0.0]
    assert site["log_prob"].tolist() == pytest.approx([3 * value for value in expected], rel=1e-5)
    assert site["log_prob_sum"].item() == pytest.approx(3 * sum(expected), rel=1e-5)
    assert site["unscaled_log_prob"][0].item() == pytest.approx(expected[0], rel=1e-5)


def test_score_parts_follow_reparameterisation() -> None:
    sites = trace(scale(model, scale=2.0)).get_trace()
    sites.compute_score_parts()
    x, k = sites.nodes["x"]["score_parts"], sites.nodes["k"]["score_parts"]
    assert torch.equal(x.entropy_term, sites.nodes["x"]["log_prob"])
    assert x.score_function == 0
    assert k.entropy_term == 0
    assert k.score_function.item() == pytest.approx(math.log(0.5), rel=1e-5)  # the cost that it multiplies is scaled
    assert k.log_prob.item() == pytest.approx(2 * math.log(0.5), rel=1e-5)


def test_score_parts_of_plain_torch_laws_and_masked_sites() -> None:
    def plain() -> None:
        sample("x", torch.distributions.Normal(0.0, 1.0))
        with mask(mask=torch.tensor(False)):
            sample("k", torch.distributions.Bernoulli(0.5))

    sites = trace(plain).get_trace()
    sites.compute_score_parts()
    assert torch.equal(sites.nodes["x"]["score_parts"].entropy_term, sites.nodes["x"]["log_prob"])
    assert sites.nodes["k"]["score_parts"].score_function.item() == 0.0


def test_nan_in_masked_observations_reaches_neither_density_nor_gradient() -> None:
    data = torch.tensor([1.0, math.nan, -math.inf])
    loc = torch.tensor(0.5, requires_grad=True)

    def masked() -> None:
        with mask(mask=torch.tensor([True, False, False])):
            sample("x", dist.Normal(loc, 1.0).expand([3]), obs=data)

    total = trace(masked).get_trace().log_prob_sum()
    total.backward()
    assert total.item() == pytest.approx(-0.125 - LOG_SQRT_2PI, rel=1e-5)
    assert loc.grad is not None
    assert loc.grad.item() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("law", "data"),
    [
        (dist.Exponential(1.0), [1.0, -1.0]),
        (dist.Bernoulli(0.5), [1.0, math.nan]),
        (dist.Dirichlet(torch.ones(2)), [[0.5, 0.5], [math.nan, 2.0]]),
        (torch.distributions.Beta(2.0, 3.0), [0.5, 7.0]),
    ],
)
def test_masked_out_observations_may_lie_outside_the_support(law: object, data: list) -> None:
    def masked(rows: int, inside: list[bool]) -> torch.Tensor:
        with mask(mask=torch.tensor(inside)):
            sample("x", law.expand([rows]), obs=torch.tensor(data[:rows]))  # type: ignore[attr-defined]

    full = trace(masked).get_trace(2, [True, False]).log_prob_sum()
    assert torch.allclose(full, trace(masked).get_trace(1, [True]).log_prob_sum())


def test_a_false_mask_scores_zero_whatever_the_value() -> None:
    def masked() -> None:
        with mask(mask=False):
            sample("x", dist.Exponential(torch.ones(3)), obs=torch.tensor([-1.0, math.nan, 1.0]))

    sites = trace(masked).get_trace()
    assert sites.log_prob_sum().item() == 0.0
    assert sites.nodes["x"]["log_prob"].shape == (3,)


def test_an_observation_outside_the_support_is_reported_with_site_and_shapes() -> None:
    def outside() -> None:
        sample("x", dist.Normal(0.0, 1.0))
        sample("count", dist.Exponential(torch.ones(2)), obs=torch.tensor([1.0, -1.0]))

    with pytest.raises(SupportError, match="'count'") as caught:
        trace(outside).get_trace().log_prob_sum()
    assert "-1" in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_a_site_with_a_short_name_is_named_too() -> None:
    with pytest.raises(SupportError, match="site 'o'"):
        trace(lambda: sample("o", dist.Exponential(1.0), obs=torch.tensor(-1.0))).get_trace().log_prob_sum()


def test_an_error_of_a_users_law_is_reported_with_site_and_shapes() -> None:
    class Odd(torch.distributions.Normal):
        def log_prob(self, value: torch.Tensor) -> torch.Tensor:
            raise IndexError("odd")

    sites = trace(lambda: sample("strange", Odd(0.0, 1.0))).get_trace()
    with pytest.raises(SiteError, match=r"(?s)'strange'.*IndexError: odd.*Trace Shapes:"):
        sites.log_prob_sum()


def test_a_shape_error_of_a_law_stays_a_shape_error() -> None:
    class Mismatched(torch.distributions.Normal):
        def log_prob(self, value: torch.Tensor) -> torch.Tensor:
            return torch.zeros(2) + torch.zeros(3)

    with pytest.raises(ShapeError, match="'strange'"):
        trace(lambda: sample("strange", Mismatched(0.0, 1.0))).get_trace().log_prob_sum()


def test_a_function_without_density_adds_nothing_and_cannot_be_observed() -> None:
    def coin() -> torch.Tensor:
        return torch.tensor(1.0)

    assert trace(lambda: sample("coin", coin)).get_trace().log_prob_sum().item() == 0.0
    with pytest.raises(SiteError, match="'coin' is observed"):
        trace(lambda: sample("coin", coin, obs=torch.tensor(0.0))).get_trace().log_prob_sum()


def test_arguments_of_a_users_stochastic_function_reach_draw_and_density() -> None:
    class Shifted:
        def __call__(self, by: float) -> torch.Tensor:
            return torch.tensor(by)

        def log_prob(self, value: torch.Tensor, by: float) -> torch.Tensor:
            return value - 2 * by

    sites = trace(lambda: sample("x", Shifted(), 3.0)).get_trace()
    assert sites.nodes["x"]["value"].item() == 3.0
    assert sites.log_prob_sum().item() == -3.0


def test_a_vectorised_density_can_be_mapped() -> None:
    def density(x: torch.Tensor) -> torch.Tensor:
        return trace(lambda: sample("x", dist.Normal(0.0, 1.0), obs=x)).get_trace().log_prob_sum()

    mapped = torch.func.vmap(density)(torch.tensor([0.0, 1.0]))
    assert mapped.tolist() == pytest.approx([-LOG_SQRT_2PI, -LOG_SQRT_2PI - 0.5], rel=1e-5)
