"""Faults of the joint log density, of ``mask`` and ``scale``, and of validation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twofold_conformance.faults.planting import Patch, altered, area, everywhere, nothing, swap
from twofold_conformance.reference import (
    handlers,
    laws,
    mechanism,
    stateless,
    statements,
    store,
    traces,
    validation,
)
from twofold_conformance.reference import tensor as ops
from twofold_conformance.reference.tensor import Tensor, array, tensor

fault = area("LOGP")


@fault(
    "logprob_sum_ignores_scale",
    "the joint leaves out scales",
    r"ELBO of batch \(|scale \* where\(mask, log_prob|joint log density",
)
def _() -> Iterator[Patch]:
    yield everywhere(traces.scaled, lambda site, counted: counted)


@fault("mask_multiplies", "a mask multiplies the log density by 0 or 1", "joint log density")
def _() -> Iterator[Patch]:
    def multiplied(site: Any) -> Any:
        density = traces.unscaled_log_prob(site)
        return traces.scaled(site, density if site["mask"] is None else density * (tensor(site["mask"]) * 1.0))

    yield everywhere(traces.site_log_prob, multiplied)


@fault("masked_gradients_poisoned", "a masked entry counts 0 but its gradient is NaN", "gradient where a NaN")
def _() -> Iterator[Patch]:
    yield swap(laws.Law, "safe_value", lambda self, value, counted: value)


@fault("mask_inverted", "a mask lets the entries count where it does not hold", r"scale \* where\(mask, log_prob")
def _() -> Iterator[Patch]:
    site_log_prob = traces.site_log_prob

    def inverted(site: Any) -> Any:
        return site_log_prob(site if site["mask"] is None else altered(site, mask=~tensor(site["mask"])))

    yield everywhere(site_log_prob, inverted)


@fault("log_prob_summed_per_site", "the log density of a site is summed to one number", "shape of log")
def _() -> Iterator[Patch]:
    density = traces._density
    yield everywhere(density, lambda site, value: density(site, value).sum())


@fault("event_dims_not_summed", "the log density of a vector keeps one entry for each component", "shape of log-prob")
def _() -> Iterator[Patch]:
    log_density = laws.MultivariateNormal.log_density

    def spread(self: Any, value: Tensor) -> Tensor:
        whole = log_density(self, value)
        count = self.event_shape[0]
        return ops.stack([whole / count] * count, axis=-1)

    yield swap(laws.MultivariateNormal, "log_density", spread)


@fault("joint_skips_latent", "the joint counts observed sites only", "joint log density")
def _() -> Iterator[Patch]:
    yield _filtered(lambda site: site["is_observed"])


@fault("joint_skips_observed", "the joint counts latent sites only", "joint log density")
def _() -> Iterator[Patch]:
    yield _filtered(lambda site: not site["is_observed"])


def _filtered(counted: Any) -> Patch:
    has_density = traces.has_density
    return everywhere(has_density, lambda site: has_density(site) and counted(site))


@fault("joint_detached", "no gradient flows through the joint log density", "gradient of the joint log")
def _() -> Iterator[Patch]:
    total = traces.Trace.log_prob_sum
    yield swap(traces.Trace, "log_prob_sum", lambda self, *args: total(self, *args).detach())


@fault("joint_is_mean", "the joint takes the mean over the entries of a site", "joint log density")
def _() -> Iterator[Patch]:
    checked = traces.checked_sum

    def mean(site: Any) -> Any:
        return checked(site) / max(1, traces.site_log_prob(site).data.size)

    yield everywhere(checked, mean)


@fault("empty_run_fails", "a run without sample sites has no joint log density", "ValueError: the trace holds")
def _() -> Iterator[Patch]:
    total = traces.Trace.log_prob_sum

    def strict(self: Any, *args: Any) -> Any:
        if not any(traces.has_density(site) for site in self.values()):
            raise ValueError("the trace holds no sample site")
        return total(self, *args)

    yield swap(traces.Trace, "log_prob_sum", strict)


@fault("deterministic_weighs", "deterministic sites add to the joint log density", "joint log density")
def _() -> Iterator[Patch]:
    total = traces.Trace.log_prob_sum

    def heavier(self: Any, *args: Any) -> Any:
        count = sum(site["type"] == "deterministic" for site in self.values())
        return total(self, *args) + -1.0 * count

    yield swap(traces.Trace, "log_prob_sum", heavier)


@fault(
    "compute_log_prob_scaled_only",
    "stateful: unscaled_log_prob holds the scaled log density",
    "unscaled_log_prob where unmasked",
)
def _() -> Iterator[Patch]:
    yield everywhere(traces.unscaled_log_prob, lambda site: traces.site_log_prob(site))


@fault("compute_log_prob_without_sum", "stateful: log_prob_sum of a site is not summed", "shape of log_prob_sum")
def _() -> Iterator[Patch]:
    compute = traces.Trace.compute_log_prob

    def unsummed(self: Any, *args: Any) -> None:
        compute(self, *args)
        for site in self.values():
            if "log_prob_sum" in site:
                site["log_prob_sum"] = site["log_prob"]

    yield swap(traces.Trace, "compute_log_prob", unsummed)


@fault("site_filter_ignored", "stateful: log_prob_sum takes no notice of its filter", "log density of height alone")
def _() -> Iterator[Patch]:
    total = traces.Trace.log_prob_sum
    yield swap(traces.Trace, "log_prob_sum", lambda self, *args: total(self))


@fault(
    "site_filter_inverted",
    "stateful: log_prob_sum counts the sites that its filter refuses",
    "log density of height alone",
)
def _() -> Iterator[Patch]:
    total = traces.Trace.log_prob_sum
    yield swap(
        traces.Trace,
        "log_prob_sum",
        lambda self, *args: total(self, *(lambda name, site: not args[0](name, site),)) if args else total(self),
    )


@fault(
    "log_density_ignores_values",
    "stateless: log_density draws instead of taking the given values",
    "log density at height",
)
def _() -> Iterator[Patch]:
    log_density = stateless.log_density

    def drawing(model: Any, args: Any, kwargs: Any, params: Any) -> Any:
        return log_density(stateless.seed(model, rng_seed=0), args, kwargs, {})

    yield everywhere(log_density, drawing)


@fault(
    "log_density_needs_key",
    "stateless: log_density asks for a key although nothing is drawn",
    "RuntimeError: log_density needs a random",
)
def _() -> Iterator[Patch]:
    log_density = stateless.log_density

    def strict(model: Any, *rest: Any) -> Any:
        if mechanism.prng_key() is None:
            raise RuntimeError("log_density needs a random key")
        return log_density(model, *rest)

    yield everywhere(log_density, strict)


fault = area("HANDLER")


@fault("mask_false_ignored", "mask(False) has no effect", r"joint log density under mask\(False\)")
def _() -> Iterator[Patch]:
    process = handlers.mask.process
    yield swap(
        handlers.mask,
        "process",
        lambda self, msg: None if array(self.mask).ndim == 0 and not self.mask else process(self, msg),
    )


@fault("mask_true_masks", "mask(True) removes what is inside", r"joint log density under mask\(True\)")
def _() -> Iterator[Patch]:
    process = handlers.mask.process

    def wrong(self: Any, msg: Any) -> None:
        process(self, msg)
        if self.mask is True and msg["type"] == "sample":
            msg["mask"] = False

    yield swap(handlers.mask, "process", wrong)


@fault("mask_replaces_inner", "of nested masks the outer one alone counts", "log density under two masks")
def _() -> Iterator[Patch]:
    yield everywhere(handlers._both, lambda inner, outer: outer)


@fault("mask_ored", "nested masks are joined by or", "log density under two masks")
def _() -> Iterator[Patch]:
    yield everywhere(
        handlers._both,
        lambda inner, outer: outer if inner is None else tensor(array(inner) | array(outer)),
    )


@fault("mask_not_boolean_accepted", "a mask may be any number", r"mask\ 0\.5")
def _() -> Iterator[Patch]:
    yield swap(handlers.mask, "check", nothing)


@fault("get_mask_always_true", "get_mask gives True where there is no mask", r"get_mask\(\) outside every mask")
def _() -> Iterator[Patch]:
    get_mask = statements.get_mask

    def default() -> Any:
        found = get_mask()
        return True if found is None else found

    yield everywhere(get_mask, default)


@fault("get_mask_innermost", "get_mask gives the innermost mask", r"get_mask\(\) inside two masks")
def _() -> Iterator[Patch]:
    def innermost() -> Any:
        masks = [h.mask for h in mechanism.STACK.handlers if isinstance(h, handlers.mask)]
        return masks[-1] if masks else None

    yield everywhere(statements.get_mask, innermost)


@fault("scale_not_nested", "of nested scales the outer one alone counts", "joint log density")
def _() -> Iterator[Patch]:
    def assigning(self: Any, msg: Any) -> None:
        if msg["type"] == "sample":
            msg["scale"] = self.scale

    yield swap(handlers.scale, "process", assigning)


@fault("scale_on_observed_only", "scale weighs observed sites only", "log density of height")
def _() -> Iterator[Patch]:
    process = handlers.scale.process
    yield swap(handlers.scale, "process", lambda self, msg: process(self, msg) if msg["is_observed"] else None)


@fault("scale_unchecked", "a scale may be zero or negative", "scale")
def _() -> Iterator[Patch]:
    yield swap(handlers.scale, "check", nothing)


@fault("scale_array_averaged", "an array as scale counts by its mean", "log density under a scale")
def _() -> Iterator[Patch]:
    init = handlers.scale.__init__

    def averaged(self: Any, fn: Any = None, scale: Any = 1.0) -> None:
        init(self, fn, scale)
        self.scale = array(scale).mean()

    yield swap(handlers.scale, "__init__", averaged)


fault = area("VALID")


@fault("arguments_unchecked", "arguments of laws are never checked", "Normal with scale")
def _() -> Iterator[Patch]:
    yield swap(laws.Law, "_check_arguments", nothing)


@fault(
    "arguments_always_checked",
    "arguments of laws are checked also while validation is off",
    "SupportError: Normal: scale",
)
def _() -> Iterator[Patch]:
    init = laws.Law.__init__

    def strict(self: Any, *values: Any) -> None:
        init(self, *values)
        self._check_arguments()

    yield swap(laws.Law, "__init__", strict)


@fault(
    "support_unchecked", "values outside the support are scored without a word", "an observation outside the support"
)
def _() -> Iterator[Patch]:
    yield swap(laws.Law, "check_value", nothing)


@fault("nan_joint_silent", "a log density that is NaN goes unnoticed", "a NaN density is reported")
def _() -> Iterator[Patch]:
    yield everywhere(traces.checked_sum, lambda site: traces.site_log_prob(site).sum())


@fault(
    "nan_joint_always_reported",
    "a log density that is NaN warns also while validation is off",
    "warnings about a NaN density",
)
def _() -> Iterator[Patch]:
    yield swap(traces, "is_validation_enabled", lambda: True)
    yield swap(laws.Law, "check_value", nothing)


@fault(
    "validation_not_restored",
    "validation_enabled leaves its flag behind",
    r"flag after validation_enabled\(False\)|flags from the inside out",
)
def _() -> Iterator[Patch]:
    @contextmanager
    def leaving(is_validate: bool = True) -> Iterator[None]:
        validation.enable_validation(is_validate)
        yield

    yield everywhere(validation.validation_enabled, leaving)


@fault(
    "validation_not_restored_on_error",
    "validation_enabled leaves its flag behind when its body fails",
    "flag after a context whose",
)
def _() -> Iterator[Patch]:
    @contextmanager
    def careless(is_validate: bool = True) -> Iterator[None]:
        before = validation.is_validation_enabled()
        validation.enable_validation(is_validate)
        yield
        validation.enable_validation(before)

    yield everywhere(validation.validation_enabled, careless)


@fault(
    "validation_restored_to_on",
    "validation_enabled always leaves validation on",
    r"flag after validation_enabled\(True\)|flags from the inside out",
)
def _() -> Iterator[Patch]:
    @contextmanager
    def resetting(is_validate: bool = True) -> Iterator[None]:
        validation.enable_validation(is_validate)
        try:
            yield
        finally:
            validation.enable_validation(True)

    yield everywhere(validation.validation_enabled, resetting)


@fault(
    "validation_ignores_flag",
    "validation_enabled(False) does not switch off",
    r"flag inside validation_enabled\(False\)|SupportError: Normal: scale",
)
def _() -> Iterator[Patch]:
    yield everywhere(validation.enable_validation, nothing)
    yield everywhere(validation.is_validation_enabled, lambda: True)


@fault(
    "enable_validation_defaults_to_off",
    "enable_validation() without an argument switches off",
    r"flag after enable_validation\(\)",
)
def _() -> Iterator[Patch]:
    enable = validation.enable_validation
    yield everywhere(enable, lambda is_validate=False: enable(is_validate))


@fault(
    "validation_enabled_defaults_to_off",
    "validation_enabled() without an argument switches off",
    r"flag inside validation_enabled\(\)",
)
def _() -> Iterator[Patch]:
    enabled = validation.validation_enabled
    yield everywhere(enabled, lambda is_validate=False: enabled(is_validate))


@fault(
    "validation_switches_laws_only",
    "enable_validation(False) leaves the checks of traces and stores on",
    "a bad scale, a value",
)
def _() -> Iterator[Patch]:
    for module in (traces, store, stateless, handlers):
        yield swap(module, "is_validation_enabled", lambda: True)


@fault("validation_changes_values", "with validation on other values are drawn", "value of height with validation")
def _() -> Iterator[Patch]:
    draw = laws.Normal.draw

    def shifted(self: Any, key: Any) -> Any:
        return draw(self, key) + (1e-3 if validation.is_validation_enabled() else 0.0)

    yield swap(laws.Normal, "draw", shifted)
