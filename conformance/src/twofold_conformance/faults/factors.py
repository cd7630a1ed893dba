"""Faults of ``factor``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import Patch, altered, area, everywhere, nothing, swap
from twofold_conformance.reference import handlers, infer, laws, mechanism, stateful, stateless, statements, traces
from twofold_conformance.reference.tensor import Tensor, array, tensor

fault = area("FACTOR")
_FACTOR = statements.factor_site


def _factor(make: Callable[..., Any]) -> Patch:
    return everywhere(_FACTOR, make)


def _with_value(change: Callable[[Any], Any]) -> Patch:
    return _factor(lambda sample, name, value, flag=None: _FACTOR(sample, name, change(value), flag))


@fault("factor_returns_value", "factor returns its log factor", "result of factor")
def _() -> Iterator[Patch]:
    for flavour in (stateful, stateless):
        yield _returning(flavour.factor)


def _returning(factor: Callable[..., Any]) -> Patch:
    def returning(name: str, log_factor: Any, **settings: Any) -> Any:
        factor(name, log_factor, **settings)
        return log_factor

    return everywhere(factor, returning)


@fault("factor_negated", "a factor is subtracted from the joint log density", "joint log density")
def _() -> Iterator[Patch]:
    yield _with_value(lambda value: -tensor(value))


@fault("factor_not_observed", "a factor is a latent site", "kind of the site")
def _() -> Iterator[Patch]:
    postprocess = traces.trace.postprocess

    def latent(self: Any, msg: Any) -> None:
        if isinstance(msg["fn"], laws.Unit):
            msg = altered(msg, is_observed=False, fn=_plain(msg["fn"]))
        postprocess(self, msg)

    yield swap(traces.trace, "postprocess", latent)


class _Plain(laws.Law):
    """A factor that does not say that it is one."""

    event_shape = (0,)
    arguments = laws.Unit.arguments

    def check_value(self, value: Any, where: Any = True) -> None:
        return None

    def log_density(self, value: Tensor) -> Tensor:
        return self.values[0]

    def safe_value(self, value: Tensor, counted: Any) -> Tensor:
        return value


def _plain(unit: laws.Unit) -> laws.Law:
    plain = object.__new__(_Plain)
    plain.__dict__.update(unit.__dict__)
    return plain


@fault("factor_has_a_value", "the value of a factor is its log factor", "number of entries")
def _() -> Iterator[Patch]:
    postprocess = traces.trace.postprocess

    def valued(self: Any, msg: Any) -> None:
        value = msg["fn"].values[0] if isinstance(msg["fn"], laws.Unit) else msg["value"]
        postprocess(self, altered(msg, value=value))

    yield swap(traces.trace, "postprocess", valued)


@fault("factor_summed", "a batched factor is summed before it reaches its site", "log density of the site")
def _() -> Iterator[Patch]:
    yield _with_value(lambda value: tensor(value).sum())


@fault("factor_replicated", "a plate repeats a factor that has its dim already", "log density of the site")
def _() -> Iterator[Patch]:
    log_density = laws.Unit.log_density

    def repeated(self: Any, value: Tensor) -> Tensor:
        factor = log_density(self, value)
        return factor * float(factor.shape[-1]) if factor.shape else factor

    yield swap(laws.Unit, "log_density", repeated)


@fault("factor_ignores_plates", "a plate does not repeat or weigh factors", "log density")
def _() -> Iterator[Patch]:
    from twofold_conformance.reference.plates import Plate

    process = Plate.process
    yield swap(Plate, "process", lambda self, msg: None if isinstance(msg["fn"], laws.Unit) else process(self, msg))


@fault("factor_length_unchecked", "a factor of any length may stand in a plate", r"a factor of shape \(")
def _() -> Iterator[Patch]:
    from twofold_conformance.reference import plates

    repeated = plates._repeated

    def lenient(msg: Any, frame: Any) -> Any:
        try:
            return repeated(msg, frame)
        except ValueError:
            if isinstance(msg["fn"], laws.Unit):
                return msg["fn"].batch_shape
            raise

    yield everywhere(repeated, lenient)


@fault("factor_ignores_mask", "a mask does not remove factors", "joint log density")
def _() -> Iterator[Patch]:
    yield _unit_untouched(handlers.mask)


@fault("factor_ignores_scale", "a scale does not weigh factors", "joint log density")
def _() -> Iterator[Patch]:
    yield _unit_untouched(handlers.scale)


@fault("factor_ignores_block", "block does not hide factors", "sites outside the block")
def _() -> Iterator[Patch]:
    yield _unit_untouched(handlers.block)


def _unit_untouched(handler: Any) -> Patch:
    process = handler.process
    return swap(handler, "process", lambda self, msg: None if isinstance(msg["fn"], laws.Unit) else process(self, msg))


@fault("factor_names_may_repeat", "two factors may have one name", "two factors called")
def _() -> Iterator[Patch]:
    check = traces.trace._check_repeated
    yield swap(
        traces.trace,
        "_check_repeated",
        lambda self, msg: None if isinstance(msg["fn"], laws.Unit) else check(self, msg),
    )


@fault("factor_outside_warns", "a factor outside every handler warns", "a factor outside every handler")
def _() -> Iterator[Patch]:
    import warnings

    def warning(sample: Any, name: str, *rest: Any) -> None:
        if not mechanism.STACK.handlers:
            warnings.warn(f"factor {name!r} outside of inference", stacklevel=2)
        _FACTOR(sample, name, *rest)

    yield _factor(warning)


@fault("factor_float_refused", "a factor must be an array", "TypeError: factor")
def _() -> Iterator[Patch]:
    def strict(sample: Any, name: str, value: Any, flag: Any = None) -> None:
        if isinstance(value, float):
            raise TypeError(f"factor {name!r}: a float is no array")
        _FACTOR(sample, name, value, flag)

    yield _factor(strict)


@fault("factor_detached", "no gradient flows through a factor", "gradient of the joint log")
def _() -> Iterator[Patch]:
    yield _with_value(lambda value: tensor(value).detach())


@fault("factor_must_be_finite", "a factor of minus infinity is an error", "ValueError: factor")
def _() -> Iterator[Patch]:
    def strict(sample: Any, name: str, value: Any, flag: Any = None) -> None:
        if not np.all(np.isfinite(array(value))):
            raise ValueError(f"factor {name!r} is not finite")
        _FACTOR(sample, name, value, flag)

    yield _factor(strict)


@fault("factor_in_guide_unchecked", "a factor may stand in a guide without has_rsample", "a factor without has_rsample")
def _() -> Iterator[Patch]:
    yield everywhere(infer.check_guide, nothing)


@fault("factor_in_guide_refused", "a factor can never stand in a guide", "ValueError: factor")
def _() -> Iterator[Patch]:
    def strict(guided: Any) -> None:
        for name, site in guided.items():
            if isinstance(site.get("fn"), laws.Unit):
                raise ValueError(f"factor {name!r} stands in a guide")

    yield everywhere(infer.check_guide, strict)


@fault(
    "factor_not_auxiliary",
    "a factor is not marked as auxiliary",
    "is_auxiliary in the infer dict|TypeError: Unit cannot be drawn",
)
def _() -> Iterator[Patch]:
    def unmarked(sample: Any, *rest: Any) -> None:
        _FACTOR(lambda name, law, obs, infer: sample(name, law, obs=obs), *rest)

    yield _factor(unmarked)


@fault("uncondition_drops_factors", "uncondition takes away what factors add", "joint log density")
def _() -> Iterator[Patch]:
    process = handlers.uncondition.process

    def dropping(self: Any, msg: Any) -> None:
        process(self, msg)
        if isinstance(msg["fn"], laws.Unit):
            msg["mask"] = False

    yield swap(handlers.uncondition, "process", dropping)
