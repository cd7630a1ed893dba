"""MCMC: chains, warm-up, collection of draws, progress, summaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ... import diagnostics
from ...errors import HandlerError, InferenceError, InferenceWarning, UnknownSiteError
from ...handlers.names import report_unused_names
from ...warning import warn
from ..initialization import values_of
from ..potential import make_potential
from .adaptation.schedule import Schedule, build_schedule
from .chains import (
    Chains,
    Record,
    advance_chains,
    chain_streams,
    check_fits,
    initial_inverse_mass,
    start_chains,
)
from .kernels.base import Info
from .progress import ProgressBar
from .quality import warn_of_draws, warn_of_model
from .target import FunctionTarget, ModelTarget, Target

__all__ = ["MCMC"]

_METHODS = ("vectorized", "sequential")


class MCMC:
    """Draws of a posterior by Markov chains.

    Args:
        kernel: such as ``NUTS(model)``.
        num_samples: draws of each chain.
        warmup_steps: iterations that tune the kernel and are thrown away.  ``num_warmup`` is another word for it.
            Default: ``num_samples``.
        initial_params: first values in unconstrained space, by site name, the same for all chains or with the chains
            as first dim.  Default: the kernel's ``init_strategy``.
        num_chains: chains, each with its own stream of random numbers.
        hook_fn: called as ``hook_fn(kernel, samples, stage, i)`` after every iteration, with the unconstrained values
            by site name, the stage (``"Warmup"`` or ``"Sample"``) and the iteration's number within it.
        mp_context: accepted for programs that give it; chains need no processes.
        disable_progbar: show no progress.  ``progress_bar=False`` is another word for it.
        disable_validation: accepted; arguments are checked once, when the model is first run.
        transforms: for ``potential_fn``: by name the map from constrained to unconstrained values.
        save_params: names of the sites to keep; default all.
        thinning: keep every n-th draw.
        chain_method: ``"vectorized"``, all chains in lockstep; ``"sequential"``, one after the other.  The chains are
            the same up to floating-point order.

    Raises:
        HandlerError: settings that cannot be used.

    Example:
        >>> import torch
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> from twofold_torch.infer import NUTS
        >>> def model(y):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     with tf.plate("data", len(y)):
        ...         tf.sample("y", dist.Normal(mu, 1.0), obs=y)
        >>> mcmc = MCMC(NUTS(model), num_samples=200, warmup_steps=100, num_chains=2, progress_bar=False)
        >>> mcmc.run(torch.tensor([1.0, 2.0, 3.0]))
        >>> mcmc.get_samples(group_by_chain=True)["mu"].shape
        torch.Size([2, 200])
    """

    def __init__(
        self,
        kernel: Any,
        num_samples: int | None = None,
        warmup_steps: int | None = None,
        initial_params: Any = None,
        num_chains: int = 1,
        hook_fn: Callable[..., None] | None = None,
        mp_context: str | None = None,
        disable_progbar: bool = False,
        disable_validation: bool = True,
        transforms: Mapping[str, Any] | None = None,
        save_params: Sequence[str] | None = None,
        *,
        num_warmup: int | None = None,
        thinning: int = 1,
        chain_method: str = "vectorized",
        progress_bar: bool = True,
    ) -> None:
        if not all(callable(getattr(kernel, method, None)) for method in ("init", "step")):
            raise HandlerError(
                "MCMC needs a kernel",
                seen=f"{kernel!r} of type {type(kernel).__name__}",
                expected="a kernel, such as NUTS(model)",
                suggestion="write MCMC(NUTS(model), ...)",
            )
        warmup = warmup_steps if num_warmup is None else num_warmup
        warmup = num_samples if warmup is None else warmup
        for name, value, least in (
            ("num_samples", num_samples, 1),
            ("warmup_steps", warmup, 0),
            ("num_chains", num_chains, 1),
            ("thinning", thinning, 1),
        ):
            if not isinstance(value, int) or value < least:
                raise HandlerError(
                    f"{name} of MCMC",
                    seen=repr(value),
                    expected=f"an int of at least {least}",
                    suggestion=f"write MCMC(kernel, {name}={max(least, 1000 if 'chains' not in name else 4)})",
                )
        if chain_method not in _METHODS:
            raise HandlerError(
                "chain_method of MCMC",
                seen=repr(chain_method),
                expected=" or ".join(map(repr, _METHODS)),
                suggestion="leave it out for vectorised chains",
            )
        assert num_samples is not None
        assert warmup is not None
        self.kernel, self.num_samples, self.num_warmup = kernel, num_samples, warmup
        self.num_chains, self.thinning, self.chain_method = num_chains, thinning, chain_method
        self.initial_params, self.transforms, self.save_params = initial_params, transforms, save_params
        self.hook_fn = hook_fn
        self.progress_bar = progress_bar and not disable_progbar
        self.post_warmup_state: list[Chains] | None = None
        """Set by `warmup`; a run that finds it there does not warm up again."""
        self._last_state: list[Chains] | None = None
        self._record: Record | None = None
        self._samples: dict[str, Tensor] | None = None
        self._latents: tuple[str, ...] | None = None

    # Running

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Warm up, unless `warmup` has, and draw.

        The random numbers come from torch's generator: seed it with ``set_rng_seed`` for equal draws.

        Args:
            *args: data of the model.
            **kwargs: likewise.

        Raises:
            NonFiniteError: no starting point has a finite density and gradient; it names the sites.
            InferenceError: the model cannot be sampled; it says why.
        """
        num_warmup = 0 if self.post_warmup_state is not None else self.num_warmup
        target, groups = self._prepare(args, kwargs)
        schedule = build_schedule(num_warmup, self.num_samples)
        groups, record = self._iterate(target, groups, schedule, num_warmup)
        self._last_state = groups
        self._record = record.map(lambda array: array[:, :: self.thinning])
        samples = target.constrain(self._record.position)
        self._samples = samples if self.save_params is None else {name: samples[name] for name in self.save_params}
        depths = getattr(self.kernel, "tree_depths", (None, None))
        warn_of_draws(self._record, depths[1])

    def warmup(self, *args: Any, **kwargs: Any) -> None:
        """Tune the kernel only; the next `run` draws with what was learnt."""
        self.post_warmup_state = None
        target, groups = self._prepare(args, kwargs)
        groups, _ = self._iterate(target, groups, build_schedule(self.num_warmup, 0), self.num_warmup)
        self._last_state = self.post_warmup_state = groups

    def _prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Target, list[Chains]]:
        """The target, and the chains at their start, in groups that move together."""
        kernel, target = self.kernel, self._target(args, kwargs)
        if self.post_warmup_state is not None:
            check_fits(self.post_warmup_state, self.num_chains, target.size)
            return target, self.post_warmup_state
        given = self.initial_params
        streams = chain_streams(self.num_chains)
        positions = None if given is None else target.positions(given, self.num_chains)
        inverse_mass = initial_inverse_mass(kernel, target.size)
        width = 1 if self.chain_method == "sequential" else self.num_chains
        density = target.batched(width)
        groups = []
        for first in range(0, self.num_chains, width):
            part = slice(first, first + width)
            chains, is_finite = start_chains(
                kernel,
                density,
                lambda: target.draw_start(kernel.init_strategy),
                None if positions is None else positions[part],
                streams[part],
                inverse_mass,
            )
            if not is_finite.all():
                raise target.explain(chains.state.position[int(is_finite.int().argmin())])
            groups.append(chains)
        return target, groups

    def _target(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Target:
        if self.kernel.model is None:
            return FunctionTarget(self.kernel.potential_fn, self.initial_params, self.num_chains, self.transforms)
        potential = make_potential(self.kernel.model, *args, **kwargs)
        if potential.size == 0:
            raise InferenceError(
                "the model has no continuous latent site to sample",
                seen=f"sites {', '.join(map(repr, potential.names)) or '(none)'}",
                expected="a sample statement without obs",
                suggestion="add a sample statement without obs, or use Predictive for draws from the model",
            )
        warn_of_model(potential)
        report_unused_names("init_to_value", values_of(self.kernel.init_strategy), potential.names)
        unknown = [name for name in self.save_params or () if name not in potential.names]
        if unknown:
            raise UnknownSiteError(
                f"save_params names {', '.join(map(repr, unknown))}, which the model lacks",
                seen=f"sites {', '.join(map(repr, potential.names))}",
                expected="names of latent and deterministic sites",
                suggestion="correct the names, or leave save_params out to keep all",
            )
        self._latents = tuple(site.name for site in potential.sites)
        return ModelTarget(potential)

    def _iterate(
        self, target: Target, groups: list[Chains], schedule: Schedule, skip: int
    ) -> tuple[list[Chains], Record]:
        """Run every group through the schedule; keep what comes after the first ``skip`` iterations."""
        total = len(schedule.is_warmup)
        density = target.batched(len(groups[0].streams))
        finished, records = [], []
        with ProgressBar(self.progress_bar, len(groups) * total) as progress:
            for chains in groups:
                record, index = Record.empty(chains, total - skip), 0
                try:
                    for index in range(total):
                        now = Schedule(*(column[index] for column in schedule))
                        chains, step_size, info = advance_chains(self.kernel, density, chains, now)
                        if index >= skip:
                            record.put(index - skip, chains, step_size, info)
                        if progress.advance(1):
                            progress.describe("warm-up" if now.is_warmup else "sample", _figures(step_size, info))
                        self._call_hook(target, chains, index, skip)
                except KeyboardInterrupt:
                    drawn = index - skip
                    if drawn < 1 or len(groups) > 1:
                        raise
                    record = record.first(drawn)
                    warn(f"interrupted: {drawn} of {total - skip} draws of each chain were kept", InferenceWarning)
                finished.append(chains)
                records.append(record)
        return finished, Record.join(records)

    def _call_hook(self, target: Target, chains: Chains, index: int, skip: int) -> None:
        if self.hook_fn is not None:
            stage, number = ("Warmup", index) if index < skip else ("Sample", index - skip)
            self.hook_fn(self.kernel, target.constrain(chains.state.position.unsqueeze(1)), stage, number)

    # Results

    @property
    def last_state(self) -> list[Chains]:
        """The chains after the last iteration; give it to ``post_warmup_state`` to go on from there."""
        return self._require(self._last_state)

    def get_samples(self, num_samples: int | None = None, group_by_chain: bool = False) -> dict[str, Tensor]:
        """Draws of the latent and deterministic sites.

        Args:
            num_samples: so many draws, taken at random with replacement; default all.
            group_by_chain: shape (chains, draws, *event) instead of (chains * draws, *event).

        Raises:
            InferenceError: nothing has been run.
        """
        samples = self._require(self._samples)
        if num_samples is not None:
            draws = next(iter(samples.values())).shape[1]
            picked = torch.randint(draws, (self.num_chains, num_samples) if group_by_chain else (num_samples,))
            if group_by_chain:
                rows = torch.arange(self.num_chains).unsqueeze(-1)
                return {name: value[rows, picked] for name, value in samples.items()}
            chains = torch.randint(self.num_chains, (num_samples,))
            return {name: value[chains, picked] for name, value in samples.items()}
        return samples if group_by_chain else {name: value.flatten(0, 1) for name, value in samples.items()}

    def get_extra_fields(self, group_by_chain: bool = False) -> dict[str, Tensor]:
        """Statistics of every draw: ``diverging``, ``accept_prob``, ``num_steps``, ``tree_depth``, ``energy``,
        ``potential_energy`` and ``adapt_state.step_size``."""
        record = self._require(self._record)
        fields = {
            **record.info._asdict(),
            "potential_energy": -record.log_density,
            "adapt_state.step_size": record.step_size,
        }
        return fields if group_by_chain else {name: value.flatten(0, 1) for name, value in fields.items()}

    def diagnostics(self) -> dict[str, dict[str, Any]]:
        """Effective sample size and R-hat of every site; divergences and acceptance rate of every chain."""
        table: dict[str, dict[str, Any]] = {
            name: {"n_eff": diagnostics.ess_bulk(value), "r_hat": diagnostics.rhat(value)}
            for name, value in self.get_samples(group_by_chain=True).items()
        }
        info = self._require(self._record).info
        chains = range(self.num_chains)
        table["divergences"] = {f"chain {c}": info.diverging[c].nonzero().flatten().tolist() for c in chains}
        table["acceptance rate"] = {f"chain {c}": float(info.accept_prob[c].mean()) for c in chains}
        return table

    def summary(self, prob: float = 0.9, exclude_deterministic: bool = True) -> dict[str, dict[str, np.ndarray]]:
        """Means, intervals, effective sample sizes and R-hat of every site: see ``diagnostics.summary``."""
        return diagnostics.summary(self._reported(exclude_deterministic), prob)

    def print_summary(self, prob: float = 0.9, exclude_deterministic: bool = True) -> None:
        """Print `summary` as a table, with the number of divergences."""
        diagnostics.print_summary(self._reported(exclude_deterministic), prob)
        print(f"\nNumber of divergences: {int(self._require(self._record).info.diverging.sum())}")

    def _reported(self, exclude_deterministic: bool) -> dict[str, Tensor]:
        samples = self.get_samples(group_by_chain=True)
        names = samples if not exclude_deterministic or self._latents is None else self._latents
        return {name: samples[name] for name in names if name in samples}

    def _require(self, result: Any) -> Any:
        if result is None:
            raise InferenceError(
                "there are no draws yet", seen="no run", expected="draws", suggestion="call run(...) first"
            )
        return result


def _figures(step_size: Tensor, info: Info) -> str:
    return (
        f"step size {float(step_size.mean()):.2e}, {float(info.num_steps.float().mean()):.0f} steps, "
        f"acceptance {float(info.accept_prob.mean()):.2f}, divergences {int(info.diverging.sum())}"
    )
