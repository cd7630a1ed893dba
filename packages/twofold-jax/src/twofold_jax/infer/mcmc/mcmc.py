"""MCMC: chains, warm-up, collection of draws, progress, summaries."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from twofold_jax import diagnostics
from twofold_jax.errors import HandlerError, InferenceError, InferenceWarning, UnknownSiteError
from twofold_jax.infer.mcmc.adaptation.schedule import Schedule, build_schedule
from twofold_jax.infer.mcmc.chains import Chains, Plan, Record, advance_chains, start_chains
from twofold_jax.infer.mcmc.progress import ProgressBar
from twofold_jax.infer.mcmc.quality import warn_of_draws, warn_of_model
from twofold_jax.infer.mcmc.target import FunctionTarget, ModelTarget, Target
from twofold_jax.infer.potential import make_potential
from twofold_jax.ops.arrays import as_typed_keys
from twofold_jax.ops.tracing import TracedFunction
from twofold_jax.warning import warn

__all__ = ["MCMC"]

_CHUNK = 50
"""Iterations of one call of the compiled program: between two calls the progress bar moves and Ctrl-C is heard."""

_METHODS = ("vectorized", "sequential", "parallel")


class MCMC:
    """Draws of a posterior by Markov chains.

    Args:
        sampler: a kernel, such as ``NUTS(model)``.
        num_warmup: iterations that tune the kernel and are thrown away.  ``warmup_steps`` is another word for it.
        num_samples: draws of each chain.
        num_chains: chains, each with its own stream of random numbers.
        thinning: keep every n-th draw.
        chain_method: ``"vectorized"``, all chains in one program; ``"sequential"``, one after the other;
            ``"parallel"``, spread over the devices.  The chains are the same up to floating-point order.
        progress_bar: show progress.  ``disable_progbar=True`` is another word for False.
        jit_model_args: accepted for programs that give it; data are inputs of the compiled program in any case.

    Raises:
        HandlerError: settings that cannot be used.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.infer import NUTS
        >>> def model(y):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     tf.sample("y", dist.Normal(mu, 1.0), obs=y)
        >>> mcmc = MCMC(NUTS(model), num_warmup=100, num_samples=200, num_chains=2, progress_bar=False)
        >>> mcmc.run(jax.random.key(0), jnp.array([1.0, 2.0, 3.0]))
        >>> mcmc.get_samples(group_by_chain=True)["mu"].shape
        (2, 200)
    """

    def __init__(
        self,
        sampler: Any,
        *,
        num_warmup: int | None = None,
        num_samples: int,
        num_chains: int = 1,
        thinning: int = 1,
        chain_method: str = "vectorized",
        progress_bar: bool = True,
        jit_model_args: bool = False,
        warmup_steps: int | None = None,
        disable_progbar: bool | None = None,
    ) -> None:
        if not all(callable(getattr(sampler, method, None)) for method in ("init", "step")):
            raise HandlerError(
                "MCMC needs a kernel",
                seen=f"{sampler!r} of type {type(sampler).__name__}",
                expected="a kernel, such as NUTS(model)",
                suggestion="write MCMC(NUTS(model), ...)",
            )
        num_warmup = warmup_steps if num_warmup is None else num_warmup
        self.sampler = sampler
        self.num_warmup = _count("num_warmup", num_warmup, 0)
        self.num_samples = _count("num_samples", num_samples, 1)
        self.num_chains = _count("num_chains", num_chains, 1)
        self.thinning = _count("thinning", thinning, 1)
        if chain_method not in _METHODS:
            raise HandlerError(
                "chain_method of MCMC",
                seen=repr(chain_method),
                expected=" or ".join(map(repr, _METHODS)),
                suggestion="leave it out for vectorised chains",
            )
        self.chain_method = chain_method
        self.progress_bar = progress_bar if disable_progbar is None else not disable_progbar
        self.jit_model_args = jit_model_args
        self.post_warmup_state: Chains | None = None
        """Set by `warmup`; a run that finds it there does not warm up again."""
        self._last_state: Chains | None = None
        self._records: Record | None = None
        self._samples: Any = None
        self._latents: tuple[str, ...] | None = None

    # Running

    def run(
        self,
        rng_key: Array,
        *args: Any,
        extra_fields: Sequence[str] = (),
        init_params: Any = None,
        **kwargs: Any,
    ) -> None:
        """Warm up, unless `warmup` has, and draw.

        Args:
            rng_key: random key of the run; equal keys give equal draws.
            *args: data of the model.
            extra_fields: accepted for programs that give it; every statistic is kept in any case.
            init_params: first values in unconstrained space, by site name, the same for all chains or with the chains
                as first dim.  Default: the kernel's ``init_strategy``.
            **kwargs: data of the model.

        Raises:
            NonFiniteError: no starting point has a finite density and gradient; it names the sites.
            InferenceError: the model cannot be sampled; it says why.
        """
        self._check_fields(extra_fields)
        num_warmup = 0 if self.post_warmup_state is not None else self.num_warmup
        target, plan, groups = self._prepare(rng_key, init_params, args, kwargs)
        schedule = build_schedule(num_warmup, self.num_samples, _CHUNK)
        groups, record = self._iterate(plan, groups, schedule, num_warmup, self.num_samples, target.data)
        self._last_state = _join(groups, axis=0)
        self._records = jax.tree.map(lambda leaf: leaf[:, :: self.thinning], record)
        self._samples = _constrain(target, record.position[:, :: self.thinning])
        warn_of_draws(record, getattr(self.sampler, "sampling_tree_depth", None))

    def warmup(
        self,
        rng_key: Array,
        *args: Any,
        extra_fields: Sequence[str] = (),
        collect_warmup: bool = False,
        init_params: Any = None,
        **kwargs: Any,
    ) -> None:
        """Tune the kernel only; the next `run` draws with what was learnt.

        Args:
            rng_key: random key.
            *args: data of the model.
            extra_fields: as in `run`.
            collect_warmup: keep the draws of the warm-up for `get_samples`.
            init_params: as in `run`.
            **kwargs: data of the model.
        """
        self._check_fields(extra_fields)
        self.post_warmup_state = None
        target, plan, groups = self._prepare(rng_key, init_params, args, kwargs)
        schedule = build_schedule(self.num_warmup, 0, _CHUNK)
        keep = self.num_warmup if collect_warmup else 0
        groups, record = self._iterate(plan, groups, schedule, self.num_warmup - keep, keep, target.data)
        self._last_state = self.post_warmup_state = _join(groups, axis=0)
        if collect_warmup:
            self._records = record
            self._samples = _constrain(target, record.position)

    def _prepare(
        self, rng_key: Array, init_params: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Target, Plan, list[Chains]]:
        """The target, what to compile, and the chains at their start, in groups that run together."""
        kernel, devices = self.sampler, self._devices()
        target: Target
        if kernel.model is not None:
            potential = make_potential(kernel.model, *args, **kwargs)
            warn_of_model(potential)
            target = ModelTarget(potential)
            self._latents = tuple(site.name for site in potential.sites)
            if potential.size == 0:
                raise InferenceError(
                    "the model has no continuous latent site to sample",
                    seen=f"sites {', '.join(map(repr, potential.names)) or '(none)'}",
                    expected="a sample statement without obs",
                    suggestion="add a sample statement without obs, or use Predictive for draws from the model",
                )
        else:
            target = FunctionTarget(kernel.potential_fn, init_params, self.num_chains)
        state = self.post_warmup_state
        is_fresh = state is None and init_params is None
        start = target.traced_start(kernel.init_strategy) if is_fresh else None
        plan = Plan(kernel, target.traced_log_density(), start, devices)
        keys = _chain_keys(rng_key, self.num_chains)
        width = 1 if self.chain_method == "sequential" else self.num_chains
        slices = [slice(first, first + width) for first in range(0, self.num_chains, width)]
        if state is not None:
            _check_fits(state, self.num_chains, target.size)
            same_stream = jnp.array_equal(jax.random.key_data(keys), jax.random.key_data(state.rng_key))
            count = state.iteration if same_stream else jnp.zeros_like(state.iteration)
            state = state._replace(rng_key=keys, iteration=count)
            return target, plan, [jax.tree.map(lambda leaf, part=part: leaf[part], state) for part in slices]
        positions = None if is_fresh else target.positions(init_params, self.num_chains)
        inverse_mass = _initial_inverse_mass(kernel, target.size)
        groups = []
        for part in slices:
            places = None if positions is None else positions[part]
            step_size = jnp.asarray(kernel.step_size, float)
            chains, is_finite = start_chains(plan, keys[part], places, step_size, inverse_mass, target.data)
            if not np.asarray(is_finite).all():
                raise target.explain(chains.state.position[int(np.argmin(np.asarray(is_finite)))])
            groups.append(chains)
        return target, plan, groups

    def _devices(self) -> tuple[Any, ...]:
        """The devices of the parallel method; none if there are too few, which is said aloud."""
        if self.chain_method != "parallel":
            return ()
        count = jax.local_device_count()
        if self.num_chains % count == 0 and count > 1:
            return tuple(jax.local_devices())
        if self.num_chains < count:
            return tuple(jax.local_devices()[: self.num_chains])
        if self.num_chains > 1:
            warn(
                f"chain_method='parallel': {self.num_chains} chains cannot be spread evenly over {count} device(s); "
                f"they run vectorised in one program. For devices of the CPU call "
                f"set_host_device_count({self.num_chains}) before any JAX computation; to silence this, say "
                "chain_method='vectorized'",
                InferenceWarning,
            )
        return ()

    def _iterate(
        self, plan: Plan, groups: list[Chains], schedule: Schedule, skip: int, keep: int, data: list[Array]
    ) -> tuple[list[Chains], Record]:
        """Run every group through the schedule; drop the first ``skip`` iterations and keep ``keep``."""
        finished, kept = [], []
        with ProgressBar(self.progress_bar, len(groups) * (skip + keep)) as progress:
            for chains in groups:
                records = []
                try:
                    for rows in _chunks(schedule):
                        chains, record = advance_chains(plan, chains, rows, data)
                        records.append(jax.tree.map(np.asarray, record))
                        if progress.is_shown:
                            count = int(rows.is_active.sum())
                            phase = "warm-up" if rows.is_warmup[0] else "sample"
                            progress.advance(count, phase, _figures(records[-1], count))
                except KeyboardInterrupt:
                    drawn = len(records) * _CHUNK - skip
                    if drawn < 1 or len(groups) > 1:
                        raise
                    warn(f"interrupted: {drawn} of {keep} draws of each chain were kept", InferenceWarning)
                finished.append(chains)
                joined = _join(records, axis=1)
                kept.append(jax.tree.map(lambda leaf: leaf[:, skip : skip + keep], joined))
        return finished, _join(kept, axis=0)

    # Results

    @property
    def last_state(self) -> Chains:
        """The chains after the last iteration; give it to ``post_warmup_state`` to go on from there."""
        state: Chains = self._require(self._last_state)
        return state

    def get_samples(self, group_by_chain: bool = False) -> Any:
        """Draws of the latent and deterministic sites.

        Args:
            group_by_chain: shape (chains, draws, *event) instead of (chains * draws, *event).

        Raises:
            InferenceError: nothing has been run.
        """
        samples = self._require(self._samples)
        return samples if group_by_chain else jax.tree.map(_flatten, samples)

    def get_extra_fields(self, group_by_chain: bool = False) -> dict[str, Array]:
        """Statistics of every draw: ``diverging``, ``accept_prob``, ``num_steps``, ``tree_depth``, ``energy``,
        ``potential_energy`` and ``adapt_state.step_size``."""
        fields = {name: jnp.asarray(value) for name, value in _fields(self._require(self._records)).items()}
        return fields if group_by_chain else {name: _flatten(value) for name, value in fields.items()}

    def summary(self, prob: float = 0.9, exclude_deterministic: bool = True) -> dict[str, dict[str, np.ndarray]]:
        """Means, intervals, effective sample sizes and R-hat of every site: see ``diagnostics.summary``."""
        return diagnostics.summary(self._reported(exclude_deterministic), prob)

    def print_summary(self, prob: float = 0.9, exclude_deterministic: bool = True) -> None:
        """Print `summary` as a table, with the number of divergences."""
        diagnostics.print_summary(self._reported(exclude_deterministic), prob)
        print(f"\nNumber of divergences: {int(self._require(self._records).info.diverging.sum())}")

    def _reported(self, exclude_deterministic: bool) -> dict[str, Any]:
        samples = self.get_samples(group_by_chain=True)
        if not isinstance(samples, dict):
            leaves = jax.tree_util.tree_leaves_with_path(samples)
            return {f"Param{jax.tree_util.keystr(path)}": leaf for path, leaf in leaves}
        names = samples if not exclude_deterministic or self._latents is None else self._latents
        return {name: samples[name] for name in names}

    def _require(self, result: Any) -> Any:
        if result is None:
            raise InferenceError(
                "there are no draws yet", seen="no run", expected="draws", suggestion="call run(rng_key, ...) first"
            )
        return result

    def _check_fields(self, extra_fields: Sequence[str]) -> None:
        known = {"z", "num_steps", "accept_prob", "diverging", "energy", "potential_energy", "tree_depth"}
        unknown = set(extra_fields) - known - {"adapt_state.step_size", "mean_accept_prob"}
        if unknown:
            raise UnknownSiteError(
                f"extra_fields names {', '.join(sorted(unknown))}",
                expected=f"some of {', '.join(sorted(known))}",
                seen=", ".join(extra_fields),
                suggestion="leave extra_fields out: every statistic is kept in any case",
            )


def _count(name: str, value: Any, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise HandlerError(
            f"{name} of MCMC",
            seen=repr(value),
            expected=f"an int of at least {least}",
            suggestion=f"write MCMC(kernel, {name}={max(least, 1000 if 'chains' not in name else 4)})",
        )
    return number


def _check_fits(state: Chains, num_chains: int, size: int) -> None:
    """Refuse to go on from the chains of another run."""
    if state.state.position.shape != (num_chains, size):
        raise InferenceError(
            "post_warmup_state does not belong to this model and number of chains",
            seen=f"chains and flat size {state.state.position.shape}",
            expected=f"{(num_chains, size)}",
            suggestion="set it to the last_state of an MCMC of the same model and num_chains, or to None",
        )


def _figures(record: Record, iterations: int) -> str:
    info, rows = record.info, slice(0, iterations)
    return (
        f"step size {record.step_size[:, rows].mean():.2e}, {info.num_steps[:, rows].mean():.0f} steps, "
        f"acceptance {info.accept_prob[:, rows].mean():.2f}, divergences {int(info.diverging[:, rows].sum())}"
    )


def _chunks(schedule: Schedule) -> Iterator[Schedule]:
    for first in range(0, len(schedule.is_active), _CHUNK):
        yield Schedule(*(column[first : first + _CHUNK] for column in schedule))


def _join(parts: list[Any], axis: int) -> Any:
    if len(parts) == 1:
        return parts[0]
    concatenate = np.concatenate if isinstance(jax.tree.leaves(parts[0])[0], np.ndarray) else jnp.concatenate
    return jax.tree.map(lambda *leaves: concatenate(leaves, axis=axis), *parts)


def _flatten(leaf: Any) -> Array:
    return jnp.reshape(leaf, (-1, *leaf.shape[2:]))


def _chain_keys(rng_key: Array, num_chains: int) -> Array:
    """One stream a chain, which does not depend on how many chains there are; or the streams themselves, if given."""
    rng_key = as_typed_keys(rng_key)
    if rng_key.shape == (num_chains,):
        return rng_key
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(rng_key, np.arange(num_chains))


def _initial_inverse_mass(kernel: Any, size: int) -> Array:
    given = kernel.inverse_mass_matrix
    if given is None:
        return jnp.eye(size) if kernel.dense_mass else jnp.ones(size)
    given = jnp.asarray(given, float)
    if given.shape not in ((size,), (size, size)):
        raise HandlerError(
            "inverse_mass_matrix does not fit the model", seen=given.shape, expected=f"{(size,)} or {(size, size)}"
        )
    return jnp.diag(given) if kernel.dense_mass and given.ndim == 1 else given


def _fields(record: Record) -> dict[str, np.ndarray]:
    return {
        **record.info._asdict(),
        "potential_energy": -record.log_density,
        "adapt_state.step_size": record.step_size,
    }


def _constrain(target: Target, positions: Any) -> Any:
    """What the model calls the flat positions (chains, draws, size)."""
    return _constrain_all(target.traced_constrain(), jnp.asarray(positions), target.data)


@partial(jax.jit, static_argnums=0)
def _constrain_all(program: TracedFunction, positions: Array, data: list[Array]) -> Any:
    over_draws = jax.vmap(program, in_axes=(0, None))
    return jax.vmap(over_draws, in_axes=(0, None))(positions, data)
