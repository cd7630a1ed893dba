"""Networks: registration, tying, priors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from twofold_torch import SiteError, SiteTypeError, TwofoldWarning, get_param_store, module, random_module
from twofold_torch import distributions as dist
from twofold_torch.handlers import replay, trace
from twofold_torch.modules import module_from_param_with_module_name, param_with_module_name, user_param_name


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x))


def test_names_are_put_together_and_taken_apart() -> None:
    full = param_with_module_name("net", "0.weight")
    assert (module_from_param_with_module_name(full), user_param_name(full)) == ("net", "0.weight")
    assert user_param_name("plain") == "plain"


def test_store_and_network_share_the_parameters_contiguous_or_not() -> None:
    net = nn.Linear(3, 2)
    net.weight = nn.Parameter(torch.randn(3, 2).t())
    module("net", net)
    leaves = dict(get_param_store().named_parameters())
    assert leaves["net$$$weight"] is net.weight
    with torch.no_grad():
        leaves["net$$$weight"].zero_()
    assert torch.equal(net(torch.ones(3)), net.bias)


def test_shared_parameters_are_registered_once_and_stay_shared() -> None:
    module("net", Tied())
    assert get_param_store().keys() == ["net$$$first.weight"]
    other = module("net", Tied(), update_module_params=True)
    assert other.first.weight is other.second.weight
    assert other.first.weight is dict(get_param_store().named_parameters())["net$$$first.weight"]


def test_frozen_parameters_warn_in_training_only() -> None:
    net = nn.Linear(2, 1)
    net.bias.requires_grad_(False)
    with pytest.warns(TwofoldWarning, match="'bias'"):
        module("net", net)
    assert get_param_store().keys() == ["net$$$weight"]


@pytest.mark.parametrize(
    ("name", "net", "message"),
    [
        ("net", nn.Linear, "class"),
        ("a$$$b", nn.Linear(1, 1), "no name"),
        (None, nn.Linear(1, 1), "no name"),
        ("net", lambda x: x, "no parameters"),
    ],
)
def test_what_is_no_network_or_name_is_refused(name: Any, net: Any, message: str) -> None:
    with pytest.raises(SiteTypeError, match=message):
        module(name, net)
    assert len(get_param_store()) == 0


def drawn(prior: Any, net: nn.Module | None = None, *args: Any) -> Any:
    with pytest.warns(FutureWarning):
        return random_module("net", net or nn.Linear(2, 1), prior, *args)


def test_a_prior_for_all_draws_each_parameter_as_one_event() -> None:
    net = nn.Linear(2, 1)
    before = net.weight.detach().clone()
    sites = trace(drawn(dist.Normal(0.0, 1.0), net, "further", "arguments")).get_trace()
    made = sites.nodes["_RETURN"]["value"]
    assert made is not net
    assert torch.equal(net.weight, before)
    assert sites.stochastic_nodes == ["net$$$weight", "net$$$bias"]
    assert sites.nodes["net$$$weight"]["fn"].event_shape == (1, 2)
    assert torch.equal(made.weight, sites.nodes["net$$$weight"]["value"])
    flat = torch.cat([made.weight.flatten(), made.bias])
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(flat).sum()
    assert torch.allclose(sites.log_prob_sum(), expected)
    assert torch.allclose(made(torch.ones(2)), made.weight.sum() + made.bias)


def test_a_dict_of_priors_leaves_the_others_as_params() -> None:
    sites = trace(drawn({"weight": dist.Normal(0.0, 1.0)})).get_trace()
    assert sites.stochastic_nodes == ["net$$$weight"]
    assert sites.param_nodes == ["net$$$bias"]
    with pytest.warns(TwofoldWarning, match=r"net\$\$\$scale"):
        trace(drawn({"weight": dist.Normal(0.0, 1.0), "scale": dist.Normal(0.0, 1.0)})).get_trace()


def test_a_function_as_prior_gives_the_parameter() -> None:
    seen: list[Any] = []

    def prior(init: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        seen.append(kwargs)
        return torch.full_like(init, 3.0)

    made = drawn(prior)()
    assert made.weight.tolist() == [[3.0, 3.0]]
    assert set(seen[0]) == {"constraint", "event_dim"}


def test_draws_differ_and_replay_repeats_them() -> None:
    draw = drawn(dist.Normal(0.0, 1.0))
    sites = trace(draw).get_trace()
    assert not torch.equal(draw().weight, draw().weight)
    assert torch.equal(replay(draw, trace=sites)().weight, sites.nodes["net$$$weight"]["value"])


def test_a_prior_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(SiteError, match="'net'"):
        drawn(3.0)
    with pytest.raises(SiteError, match=r"net\$\$\$weight"):
        drawn(dist.Normal(torch.zeros(5), 1.0))()
