"""HANDLER: the stack, and the handlers trace and replay."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from twofold_conformance.api import Run
from twofold_conformance.laws._tools import Interrupted, expect_clean, interrupt, seeded, small_model
from twofold_conformance.oracles import densities
from twofold_conformance.oracles.stacks import outcome, random_stacks
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


def _settings(k: Kit, name: str) -> dict[str, Any]:
    """Settings with which the handler ``name`` changes the run of ``small_model``."""
    quarter = k.xp.array(0.25)
    settings: dict[str, Callable[[], dict[str, Any]]] = {
        "replay": lambda: {"trace": k.trace(small_model(k), seed=9)},
        "seed": lambda: {"rng_seed": 7},
        "condition": lambda: {"data": {"height": quarter}},
        "substitute": lambda: {"data": {"loc": quarter}},
        "block": lambda: {"hide": ["height"]},
        "do": lambda: {"data": {"height": quarter}},
        "lift": lambda: {"prior": {"loc": k.dist.Normal(3.0, 0.5)}},
        "mask": lambda: {"mask": False},
        "scale": lambda: {"scale": 3.0},
        "reparam": lambda: {"config": {"height": k.adapter.loc_scale_reparam(0.0)}},
        "scope": lambda: {"prefix": "part"},
        "infer_config": lambda: {"config_fn": lambda site: {"tag": 1}},
    }
    return settings[name]() if name in settings else {}


WRAPPERS = [
    *("trace", "replay", "seed", "condition", "uncondition", "substitute", "block"),
    *("do", "lift", "mask", "scale", "reparam", "scope", "infer_config"),
]


def _offered(k: Kit, name: str) -> bool:
    return name == "trace" or f"handler.{name}" in k.adapter.capabilities


@clause("HANDLER-001", case="the outer value wins", needs=("handler.condition",))
def outer_handler_overrides(k: Kit) -> None:
    inner = k.handler("condition", small_model(k), data={"height": k.xp.array(1.0)})
    outer = k.handler("condition", inner, data={"height": k.xp.array(2.0)})
    k.expect.close(k.run(outer).sites["height"].value, 2.0, "value of a site that two handlers set")


@clause("HANDLER-001", case="the inner one is asked first", needs=("handler.infer_config",))
def inner_handler_is_asked_first(k: Kit) -> None:
    asked = []

    def configure(who: Any) -> Any:
        def config_fn(site: Any) -> Any:
            if site["name"] == "height":
                asked.append((who, site["infer"].get("last")))
            return {"last": who}

        return config_fn

    inner = k.handler("infer_config", small_model(k), config_fn=configure("inner"))
    run = k.run(k.handler("infer_config", inner, config_fn=configure("outer")))
    k.expect.equal(asked[:2], [("inner", None), ("outer", "inner")], "who was asked, and what it saw")
    k.expect.equal(run.sites["height"].infer["last"], "outer", "what is left in the site")


def _wrap(k: Kit, model: Callable[[], Any], name: str, setting: Any) -> Any:
    """``model`` inside one layer of a random stack."""
    settings: dict[str, Callable[[], dict[str, Any]]] = {
        "scale": lambda: {"scale": setting},
        "mask": lambda: {"mask": setting},
        "condition": lambda: {"data": {"height": k.xp.array(setting)}},
        "block": lambda: {"hide": ["height"] if setting else ["nothing_of_the_kind"]},
        "infer_config": lambda: {"config_fn": lambda site: {setting: True}},
    }
    return k.handler(name, model, **settings.get(name, dict)())


@clause("HANDLER-001", case="random stacks")
def random_stacks_follow_the_interpreter(k: Kit) -> None:
    names = ("scale", "mask", "condition", "uncondition", "block", "infer_config")
    offered = [name for name in names if _offered(k, name)]
    for number, layers in enumerate(random_stacks(20, 8, offered)):
        obs = 0.5 if number % 2 else None

        def model(obs: float | None = obs) -> Any:
            given = None if obs is None else k.xp.array(obs)
            return k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=given)

        wrapped: Any = model
        for name, setting in layers:
            wrapped = _wrap(k, wrapped, name, setting)
        expected, run, what = outcome(layers, obs), k.run(wrapped), f"inside {layers}, innermost first, obs={obs}"
        k.expect.equal("height" in run.sites, expected.visible, f"the site is seen {what}")
        if expected.value is not None:
            k.expect.close(k.numpy(run.value), expected.value, f"value that the statement returned {what}")
        if expected.visible:
            site = run.sites["height"]
            k.expect.equal(site.kind, "latent" if expected.value is None else "observed", f"kind {what}")
            density = expected.scale * float(densities.normal(site.value)) if expected.kept else 0.0
            k.expect.close(site.log_prob, density, f"log density {what}")
            k.expect.equal({key for key in site.infer if key.startswith("tag_")}, set(expected.tags), f"infer {what}")


@clause("HANDLER-002", case="handlers", needs=("handler.mask", "handler.scale", "handler.condition"))
def exception_removes_handlers(k: Kit) -> None:
    def model() -> None:
        with k.handler("mask", mask=False), k.handler("scale", scale=2.0):
            k.ppl.sample("probe", k.dist.Normal(0.0, 1.0))
            raise Interrupted

    interrupt(k, lambda: k.trace(k.handler("condition", model, data={"probe": k.xp.array(3.0)})))
    expect_clean(k)


@clause("HANDLER-002", case="plates")
def exception_frees_dims(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 2), k.ppl.plate("columns", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
            raise Interrupted

    interrupt(k, lambda: k.trace(model))
    expect_clean(k)


@clause("HANDLER-002", case="refused statement")
def refused_statement_removes_handlers(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 2):
            k.ppl.sample("height", None)

    k.expect.raises(lambda: k.trace(model), "a site without a law")
    expect_clean(k)


@clause("HANDLER-003")
def arguments_and_results_pass_through(k: Kit) -> None:
    def fn(first: Any, *rest: Any, last: Any = None) -> Any:
        return first, rest, last

    for name in filter(lambda name: _offered(k, name), WRAPPERS):
        settings: dict[str, Any] = {"data": {}} if name in ("condition", "substitute", "do") else _settings(k, name)
        settings |= {"replay": {"trace": k.trace(lambda: None)}, "lift": {"prior": {}}, "reparam": {"config": {}}}.get(
            name, {}
        )
        wrapped = k.handler(name, fn, **settings)
        result = k.call(wrapped, 1, 2, 3, last=4)
        k.expect.equal(result, (1, (2, 3), 4), f"result of a function inside {name}")


def _same_run(k: Kit, seen: Run, expected: Run, what: str) -> None:
    k.expect.equal(list(seen.sites), list(expected.sites), f"sites of {what}")
    k.expect.close(k.numpy(seen.value), k.numpy(expected.value), f"result of {what}")
    k.expect.close(seen.log_density, expected.log_density, f"joint log density of {what}")
    for name, site in expected.sites.items():
        k.expect.equal(seen.sites[name].kind, site.kind, f"kind of {name} in {what}")
        k.expect.close(seen.sites[name].value, site.value, f"value of {name} in {what}")
        k.expect.equal(dict(seen.sites[name].infer).keys(), dict(site.infer).keys(), f"infer of {name} in {what}")


def _as_context(name: str) -> Callable[[Kit], None]:
    def check(k: Kit) -> None:
        settings, model = _settings(k, name), small_model(k)

        def inside() -> Any:
            with k.handler(name, **settings):
                return model()

        wrapped = k.run(k.handler(name, model, **settings))
        _same_run(k, k.run(inside), wrapped, f"the context manager {name}")

    return check


for _name in WRAPPERS[1:]:
    clause("HANDLER-004", case=_name, needs=(f"handler.{_name}",))(_as_context(_name))


@clause("HANDLER-004", case="trace")
def trace_as_context(k: Kit) -> None:
    def model() -> Any:
        with k.handler("trace"):
            return small_model(k)()

    _same_run(k, k.run(model), k.run(small_model(k)), "the context manager trace")


@clause("HANDLER-005", needs=("handler.mask", "handler.block"))
def only_callables_can_be_wrapped(k: Kit) -> None:
    settings: dict[str, dict[str, Any]] = {"mask": {"mask": True}, "block": {}}
    for name, given in settings.items():
        for thing in (3, "model"):
            k.expect.raises(
                partial(k.handler, name, thing, **given),
                f"{name} around {thing!r}",
                kinds=["ValueError", "TypeError"],
            )


@clause("HANDLER-005", case="trace")
def only_callables_can_be_traced(k: Kit) -> None:
    for thing in (3, "model"):
        k.expect.raises(
            partial(k.handler, "trace", thing), f"trace around {thing!r}", kinds=["ValueError", "TypeError"]
        )


@clause("HANDLER-006", needs=("handler.mask",))
def one_instance_cannot_be_entered_twice_at_once(k: Kit) -> None:
    def program() -> None:
        handler = k.handler("mask", mask=True)
        with handler, handler:
            pass

    k.expect.raises(lambda: k.call(program), "a handler entered inside itself")
    expect_clean(k)


@clause("HANDLER-007", case="condition", needs=("handler.condition",))
def handlers_belong_to_their_thread(k: Kit) -> None:
    def site() -> Any:
        return k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    with k.handler("condition", data={"height": k.xp.array(9.0)}), ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(k.call, site).result()
        k.expect.close(k.numpy(k.call(site)), 9.0, "value of the site in this thread")
    k.expect.different(k.numpy(elsewhere), k.numpy(k.xp.array(9.0)), "value of the site in another thread")


@clause("HANDLER-007", case="plate")
def plates_belong_to_their_thread(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("columns", 2):
            return k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    with k.ppl.plate("rows", 3), ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(k.call, model).result()
    k.expect.shape(k.numpy(elsewhere), (2,), "value of a site in another thread")


@clause("HANDLER-010")
def each_trace_is_fresh(k: Kit) -> None:
    def model(value: Any) -> None:
        k.ppl.sample("height", k.dist.Normal(value, 1.0))
        k.ppl.sample("weight", k.dist.Normal(value, 1.0))

    tracer = k.handler("trace", seeded(k, model) if "handler.seed" in k.adapter.capabilities else model)
    first, second = tracer.get_trace(0.0), tracer.get_trace(100.0)
    for trace, centre in ((first, 0.0), (second, 100.0)):
        k.expect.equal([name for name in _names(trace) if name in ("height", "weight")], ["height", "weight"], "sites")
        run = k.run(k.handler("replay", model, trace=trace), 50.0)
        for name in ("height", "weight"):
            k.expect.close(run.sites[name].value, centre, f"value of {name} in the trace around {centre}", atol=10.0)


def _names(trace: Any) -> list[str]:
    return list(getattr(trace, "nodes", trace))


@clause("HANDLER-010", case="order of the sites")
def trace_keeps_the_order(k: Kit) -> None:
    k.expect.equal(list(k.run(small_model(k)).sites), ["loc", "height", "weight"], "sites in order")


@clause("HANDLER-011")
def tracing_changes_nothing(k: Kit) -> None:
    def model() -> Any:
        return [k.ppl.sample(name, k.dist.Normal(0.0, 1.0)) for name in ("height", "weight")]

    bare, run = k.call(model, seed=3), k.run(model, seed=3)
    for plain, value, site in zip(bare, run.value, run.sites.values(), strict=True):
        k.expect.close(k.numpy(value), k.numpy(plain), "result under trace")
        k.expect.close(site.value, k.numpy(plain), "value in the trace")


@clause("HANDLER-012")
def trace_records_input_and_result(k: Kit) -> None:
    trace = k.trace(lambda first, *, last: (first, last), 3, last=4)
    k.expect.equal(trace.nodes["_INPUT"]["args"], (3,), "recorded positional arguments")
    k.expect.equal(trace.nodes["_INPUT"]["kwargs"], {"last": 4}, "recorded keyword arguments")
    k.expect.equal(trace.nodes["_RETURN"]["value"], (3, 4), "recorded result")


@clause("HANDLER-013", needs=("handler.replay",))
def nested_traces_both_record(k: Kit) -> None:
    model, inner = small_model(k), []

    def program() -> None:
        inner.append(k.trace(model, seed=None))

    outer = k.run(program)
    k.expect.equal(list(outer.sites), ["loc", "height", "weight"], "sites of the outer trace")
    replayed = k.run(k.handler("replay", model, trace=inner[0]), seed=5)
    k.expect.close(replayed.sites["height"].value, outer.sites["height"].value, "value in the inner trace")


@clause("HANDLER-020")
def replay_gives_recorded_values(k: Kit) -> None:
    trace, recorded = _one_site(k, 0.0, seed=1)

    run = k.run(k.handler("replay", lambda: k.ppl.sample("height", k.dist.Normal(5.0, 2.0)), trace=trace), seed=2)
    site = run.sites["height"]
    k.expect.close(site.value, recorded, "replayed value")
    k.expect.equal(site.kind, "latent", "kind of a replayed site")
    k.expect.close(site.log_prob, densities.normal(recorded, 5.0, 2.0), "log density under the model's own law")


def _one_site(k: Kit, loc: float, *, seed: int, **settings: Any) -> tuple[Any, Any]:
    """A trace with the single site ``height``, and its value."""
    values: list[Any] = []

    def model() -> None:
        values.append(k.ppl.sample("height", k.dist.Normal(loc, 1.0), **settings))

    return k.trace(model, seed=seed), k.numpy(values[-1] if values else None)


@clause("HANDLER-021")
def replay_leaves_other_sites(k: Kit) -> None:
    trace, recorded = _one_site(k, 100.0, seed=1)

    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))
        k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    sites = k.run(k.handler("replay", model, trace=trace)).sites
    k.expect.close(sites["height"].value, 0.5, f"observed value although the trace holds {recorded}")
    k.expect.equal(sites["height"].kind, "observed", "kind of the observed site")
    k.expect.equal(sites["weight"].kind, "latent", "kind of a site absent from the trace")
    values = {
        float(k.run(k.handler("replay", model, trace=trace), seed=seed).sites["weight"].value) for seed in range(3)
    }
    k.expect.equal(len(values), 3, "number of different draws of a site absent from the trace")


@clause("HANDLER-022", case="observed in the trace")
def replay_of_an_observed_site(k: Kit) -> None:
    trace, _ = _one_site(k, 0.0, seed=1, obs=k.xp.array(0.5))
    replayed = k.handler("replay", lambda: k.ppl.sample("height", k.dist.Normal(0.0, 1.0)), trace=trace)
    k.expect.raises(lambda: k.run(replayed), "a latent site that the trace observes", names=["height"])


@clause("HANDLER-022", case="a param in the trace")
def replay_of_a_param(k: Kit) -> None:
    trace = k.trace(lambda: k.ppl.param("height", k.xp.array(0.5)))
    replayed = k.handler("replay", lambda: k.ppl.sample("height", k.dist.Normal(0.0, 1.0)), trace=trace)
    k.expect.raises(lambda: k.run(replayed), "a latent site that is a param in the trace", names=["height"])


@clause("HANDLER-023", needs=("store",))
def replay_fixes_params(k: Kit) -> None:
    def model(init: Any) -> Any:
        return k.ppl.param("spread", k.xp.array(init), constraint=k.constraints.positive)

    recorded = k.call(model, 2.0)
    k.adapter.store().clear()
    k.call(model, 5.0)
    run = k.run(k.handler("replay", model, params={"spread": recorded}), 5.0)
    k.expect.close(run.sites["spread"].value, 2.0, "value of a param named in params")
    k.expect.close(k.numpy(k.call(model, 5.0)), 5.0, "value in the store afterwards")


@clause("HANDLER-111")
def suspended_generator_leaves_the_stack_as_it_was(k: Kit) -> None:
    def masked() -> Generator[int, None, None]:
        with k.handler("mask", mask=False):
            yield 1
            yield 2

    walk = masked()
    try:
        k.trace(lambda: next(walk))
        expect_clean(k)
    finally:
        with contextlib.suppress(Exception):
            walk.close()


@clause("HANDLER-111", case="closed inside another run", needs=("handler.scale",))
def late_exit_removes_nobody_else(k: Kit) -> None:
    def masked() -> Generator[int, None, None]:
        with k.handler("mask", mask=False):
            yield 1
            yield 2

    def model() -> None:
        with k.handler("scale", scale=3.0):
            walk.close()
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))

    walk = masked()
    try:
        k.trace(lambda: next(walk))
        k.expect.close(k.run(model).log_density, 3.0 * densities.normal(0.5), "joint log density of the later run")
        expect_clean(k)
    finally:
        with contextlib.suppress(Exception):
            walk.close()
