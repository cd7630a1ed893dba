"""Laws of the handler stack and of the journey of a message."""

from __future__ import annotations

import threading
from typing import Any

import jax
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import HandlerError, RandomKeyError
from twofold_jax.runtime import Messenger, active_handlers, isolated


class Note(Messenger):
    """Writes down when it is asked and told."""

    def __init__(self, label: str, log: list[str]) -> None:
        super().__init__()
        self.label, self.log = label, log

    def process_message(self, msg: Any) -> None:
        self.log.append(f"{self.label} asked")

    def postprocess_message(self, msg: Any) -> None:
        self.log.append(f"{self.label} told")


def observed() -> Any:
    return tf.sample("x", dist.Normal(0.0, 1.0), obs=0.5)


def test_handlers_are_asked_from_inside_and_told_from_outside() -> None:
    log: list[str] = []
    with Note("outer", log), Note("inner", log):
        observed()
    assert log == ["inner asked", "outer asked", "outer told", "inner told"]


def test_stop_hides_the_site_from_handlers_further_out_only() -> None:
    log: list[str] = []
    with Note("outer", log), handlers.block(), Note("inner", log):
        observed()
    assert log == ["inner asked", "inner told"]


def test_an_error_leaves_the_stack_as_it_was() -> None:
    with handlers.scale(scale=2.0) as outer:
        with pytest.raises(ZeroDivisionError), handlers.trace(), tf.plate("p", 2):
            raise ZeroDivisionError
        assert active_handlers() == (outer,)
    assert active_handlers() == ()


def held() -> Any:
    with handlers.mask(mask=False):
        yield 1
        yield 2


def test_a_suspended_generator_inside_a_block_leaves_nothing_behind() -> None:
    with handlers.scale(scale=2.0):
        generator = held()
        next(generator)
    assert active_handlers() == ()
    generator.close()
    assert active_handlers() == ()


def test_closing_a_suspended_generator_keeps_the_handlers_entered_since() -> None:
    generator = held()
    next(generator)
    with handlers.scale(scale=2.0) as later:
        generator.close()
        assert active_handlers() == (later,)
    assert active_handlers() == ()


def test_a_dropped_generator_takes_its_handler_off() -> None:
    for _ in held():
        break
    assert active_handlers() == ()


def test_a_handler_cannot_be_entered_twice_at_once() -> None:
    handler = handlers.trace()
    with handler, pytest.raises(HandlerError, match="active already"), handler:
        pass
    with handler as sites:
        observed()
    assert list(sites) == ["x"]


def test_a_handled_model_may_call_itself() -> None:
    @handlers.scale(scale=2.0)
    def model(depth: int) -> Any:
        return model(depth - 1) if depth else tf.sample("x", dist.Normal(0.0, 1.0), obs=0.5)

    assert handlers.trace(model).get_trace(2)["x"]["scale"] == 8.0


def test_one_seeded_model_may_run_in_several_threads() -> None:
    model = handlers.seed(lambda: [tf.sample(f"x{i}", dist.Normal(0.0, 1.0)) for i in range(3)], rng_seed=0)
    expected = [float(x) for x in model()]
    seen: list[Any] = []

    def work() -> None:
        try:
            seen.extend([float(x) for x in model()] for _ in range(20))
        except Exception as error:
            seen.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 80


def test_a_new_thread_starts_without_handlers() -> None:
    seen: list[Any] = []
    with handlers.condition(data={"x": 9.0}):
        thread = threading.Thread(target=lambda: seen.extend([active_handlers(), observed()]))
        thread.start()
        thread.join()
        assert observed() == 9.0
    assert seen == [(), 0.5]


@pytest.mark.parametrize("handler", ["trace", "seed", "block", "mask", "scale", "scope", "condition"])
def test_only_a_callable_can_be_handled(handler: str) -> None:
    settings = {"mask": {"mask": True}, "scale": {"scale": 1.0}, "condition": {"data": {}}, "seed": {"rng_seed": 0}}
    with pytest.raises(HandlerError, match=f"{handler} needs a function"):
        getattr(handlers, handler)("model", **settings.get(handler, {}))


def test_a_handler_without_function_decorates() -> None:
    @handlers.condition(data={"x": 2.0})
    def model(shift: float) -> Any:
        return observed() + shift

    assert model(1.0) == 3.0
    with pytest.raises(HandlerError, match="no function yet"):
        handlers.trace()(1, 2)


def test_a_users_handler_outside_of_seed_can_read_the_key() -> None:
    keys = []

    class Reader(Messenger):
        def process_message(self, msg: Any) -> None:
            keys.append(msg["kwargs"]["rng_key"])

    with Reader(), handlers.seed(rng_seed=3):
        value = tf.sample("x", dist.Normal(0.0, 1.0))
        # Drawn under the same handlers: JAX keeps another program for other contexts, which may differ in the last bit.
        assert dist.Normal(0.0, 1.0).sample(keys[0]) == value
    assert (keys[0] == jax.random.fold_in(jax.random.PRNGKey(3), 0)).all()


def test_no_key_is_made_for_sites_that_draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(jax.random, "fold_in", lambda key, data: made.append(data))

    def model() -> None:
        tf.sample("z", dist.Normal(0.0, 1.0))
        tf.sample("x", dist.Normal(0.0, 1.0), obs=0.5)

    handlers.trace(handlers.substitute(handlers.seed(model, rng_seed=0), data={"z": 1.0})).get_trace()
    assert made == []


def test_a_user_may_send_messages_of_a_type_of_their_own() -> None:
    class Double(Messenger):
        def process_message(self, msg: Any) -> None:
            if msg["type"] == "number":
                msg["value"] = 2 * msg["args"][0]

    def number(value: float) -> Any:
        message = {"type": "number", "name": "n", "fn": lambda v: v, "args": (value,), "kwargs": {}, "value": None}
        return tf.apply_stack(message | {"cond_indep_stack": [], "infer": {}, "scale": None, "is_observed": False})[
            "value"
        ]

    assert number(3.0) == 3.0
    with handlers.trace() as sites, handlers.seed(rng_seed=0), tf.plate("p", 2), Double():
        assert number(3.0) == 6.0
    assert sites["n"]["value"] == 6.0


def test_a_missing_key_names_the_site() -> None:
    with pytest.raises(RandomKeyError, match="site 'x' has to draw"):
        tf.sample("x", dist.Normal(0.0, 1.0))
    with pytest.raises(RandomKeyError, match="site 'x' has to draw"), handlers.trace():
        tf.sample("x", dist.Normal(0.0, 1.0))


def test_what_runs_in_isolation_is_no_part_of_the_run() -> None:
    with handlers.trace() as sites, handlers.seed(rng_seed=0):
        with isolated():
            assert active_handlers() == ()
            handlers.seed(lambda: tf.sample("inner", dist.Normal(0.0, 1.0)), rng_seed=1)()
        tf.sample("outer", dist.Normal(0.0, 1.0))
    assert list(sites) == ["outer"]
    assert active_handlers() == ()
