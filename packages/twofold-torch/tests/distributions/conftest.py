"""Checks that hold for every law, against oracles from outside: SciPy, quadrature, finite differences."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor
from torch.func import grad, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from twofold_torch import distributions as dist
from twofold_torch.validation import validation_enabled

KS_ERROR_RATE = 1e-6  # of each comparison of draws with a distribution function
MEAN_SIGMAS = 5.0  # of each comparison of means: error rate 6e-7


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    torch.manual_seed(20240501)


class LawChecks:
    """The common checks; every method raises AssertionError with the numbers in sight."""

    def log_prob(
        self,
        make: Callable[..., Any],
        oracle: Callable[..., Any],
        grid: Iterable[Sequence[Any]],
        values: Sequence[float],
        *,
        rtol: float = 1e-10,
        atol: float = 1e-12,
        float32_rtol: float = 2e-5,
    ) -> None:
        """``log_prob`` equals the oracle for arguments as numbers, as tensors, and in single precision."""
        for arguments in grid:
            expected = np.asarray(oracle(*arguments, np.asarray(values, dtype=np.float64)), dtype=np.float64)
            wide = torch.tensor(values, dtype=torch.float64)
            tensors = [torch.tensor(a, dtype=torch.float64) for a in arguments]
            for law in (make(*arguments), make(*tensors)):
                seen = law.log_prob(wide)
                np.testing.assert_allclose(seen.numpy(), expected, rtol=rtol, atol=atol, err_msg=f"{law}")
            law = make(*[t.float() for t in tensors])
            seen = law.log_prob(wide.float())
            assert seen.dtype == torch.float32
            if float32_rtol:
                narrow = oracle(*[float(t.float()) for t in tensors], wide.float().double().numpy())
                np.testing.assert_allclose(seen.numpy(), narrow, rtol=float32_rtol, atol=float32_rtol, err_msg=f"{law}")

    def normalised(self, law: Any, low: float, high: float, points: Sequence[float] = ()) -> None:
        """The density integrates to 1 over ``[low, high]``, in pieces at ``points``."""
        edges = [low, *points, high]

        def density(x: float) -> float:
            return float(law.log_prob(torch.tensor(x, dtype=torch.float64)).exp())

        total = sum(integrate.quad(density, a, b, limit=200)[0] for a, b in itertools.pairwise(edges))
        assert total == pytest.approx(1, abs=1e-6), law

    def sums_to_one(self, law: Any, counts: Iterable[float]) -> None:
        """The probabilities of all values sum to 1."""
        values = torch.tensor(list(counts), dtype=torch.float64)
        assert float(law.log_prob(values).exp().sum()) == pytest.approx(1, abs=1e-9), law

    def draws_follow(self, law: Any, cdf: Callable[[Any], Any], num: int = 5000) -> None:
        """Draws agree with a distribution function (Kolmogorov-Smirnov, error rate 1e-6 each)."""
        for draws in (law.sample((num,)), law((num,)).detach()):
            assert stats.kstest(draws.double().numpy(), cdf).pvalue > KS_ERROR_RATE, law

    def moments(self, law: Any, mean: Any, variance: Any, num: int = 5000) -> None:
        """``mean`` and ``variance`` are as told, and the mean of draws is within 5 standard errors (rate 6e-7)."""
        mean, variance = (torch.tensor(np.asarray(statistic).tolist()).double() for statistic in (mean, variance))
        torch.testing.assert_close(law.mean.double(), mean, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(law.variance.double(), variance, rtol=1e-5, atol=1e-7)
        error = (law.sample((num,)).double().mean(0) - mean).abs()
        assert bool((error <= MEAN_SIGMAS * (variance / num).sqrt() + 1e-6).all()), (law, error)

    def gradients(
        self, make: Callable[..., Any], arguments: Sequence[Any], value: Any, *, of_value: bool = True
    ) -> None:
        """Gradients of ``log_prob`` agree with finite differences, in arguments and (if asked) the value."""
        tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arguments]
        point = torch.tensor(value, dtype=torch.float64, requires_grad=of_value)

        def log_prob(x: Tensor, *parameters: Tensor) -> Tensor:
            return make(*parameters).log_prob(x)

        assert torch.autograd.gradcheck(log_prob, (point, *tensors))

    def reparameterised(self, make: Callable[..., Any], arguments: Sequence[Any]) -> None:
        """Draws carry finite gradients to every argument, and ``sample`` carries none."""
        tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arguments]
        law = make(*tensors)
        assert law.has_rsample
        assert not law.sample((3,)).requires_grad
        law.rsample((3,)).sum().backward()
        for tensor in tensors:
            assert tensor.grad is not None
            assert bool(tensor.grad.isfinite().all())

    def traceable(self, make: Callable[..., Any], arguments: Sequence[Any], values: Tensor) -> None:
        """``log_prob`` gives the same numbers under ``vmap``, ``grad`` and ``make_fx``, with checks on and off."""
        parameters = [torch.tensor(a, dtype=torch.float64) for a in arguments]

        def score(x: Tensor, *args: Tensor) -> Tensor:
            return make(*args).log_prob(x).sum()

        expected = torch.stack([score(x, *parameters) for x in values])
        for checked in (True, False):
            with validation_enabled(checked):
                in_dims = (0, *[None] * len(parameters))
                torch.testing.assert_close(vmap(score, in_dims=in_dims)(values, *parameters), expected)
                graph = make_fx(score)(values[0], *parameters)
                torch.testing.assert_close(graph(values[1], *parameters), expected[1])
                if parameters:
                    slopes = vmap(grad(score, argnums=1), in_dims=in_dims)(values, *parameters)
                    assert bool(slopes.isfinite().all())

    def shapes(self, law: Any) -> None:
        """Draws, scores, expansion, events and masks of a law have the shapes that they should."""
        batch, event = law.batch_shape, law.event_shape
        value = law.sample((2,))
        assert value.shape == torch.Size((2,)) + batch + event == law.shape((2,))
        assert law.log_prob(value).shape == torch.Size((2,)) + batch
        assert law().shape == batch + event
        wide = law.expand((3, *batch))
        assert type(wide) is type(law)
        assert (wide.batch_shape, wide.event_shape) == (torch.Size((3, *batch)), event)
        assert wide.sample().shape == wide.shape()
        torch.testing.assert_close(wide.log_prob(value[0]), law.log_prob(value[0]).expand(3, *batch))
        assert law.expand_by((4,)).batch_shape == torch.Size((4, *batch))
        whole = wide.to_event()
        assert (whole.batch_shape, whole.event_shape) == (torch.Size(), torch.Size((3, *batch)) + event)
        torch.testing.assert_close(whole.log_prob(wide.expand(wide.batch_shape).sample()).shape, torch.Size())
        assert bool((law.mask(False).log_prob(value) == 0).all())
        torch.testing.assert_close(law.mask(True).log_prob(value), law.log_prob(value))
        assert isinstance(law, dist.Distribution)
        assert isinstance(law, torch.distributions.Distribution)
        assert bool(law.support.check(value).all())
        feasible = dist.constraints.feasible_like(law.support, value)
        assert bool(law.support.check(feasible).all())

    def refuses(self, make: Callable[[], Any], *words: str) -> None:
        """Making the law raises a ValueError that contains ``words``, unless checks are off."""
        with pytest.raises(ValueError) as caught:
            make()
        for word in words:
            assert word in str(caught.value), str(caught.value)


@pytest.fixture
def check() -> LawChecks:
    """The common checks."""
    return LawChecks()
