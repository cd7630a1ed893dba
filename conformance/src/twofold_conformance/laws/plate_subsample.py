"""PLATE: subsampled plates, their batches, their factors, and what names them in model and guide."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from twofold_conformance.laws._tools import full, ones, with_batches
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


@clause("PLATE-003")
def batch_is_drawn_without_replacement(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 6, subsample_size=4) as ind:
            return ind

    for seed in range(5):
        batch = k.numpy(k.run(model, seed=seed).value)
        k.expect.shape(batch, (4,), "batch of 4 of 6")
        k.expect.contains("iu", batch.dtype.kind, "kind of the indices' dtype")
        k.expect.equal(np.unique(batch).size, 4, f"number of different indices in {batch}")
        k.expect.true(batch.min() >= 0 and batch.max() < 6, "indices lie in [0, 6)", seen=batch)


@clause("PLATE-004", stochastic=True)
def batches_are_uniform(k: Kit) -> None:
    turns = k.draws(200)

    def program() -> Any:
        with k.ppl.plate("rows", 5, subsample_size=2) as ind:
            return ind

    if "vmap" in k.adapter.capabilities:
        keys = k.xp.stack([k.xp.key(seed) for seed in range(turns)])
        drawn = k.adapter.vmap(lambda key: k.handler("seed", program, rng_seed=key)())(keys)
        batches = list(k.numpy(drawn))
    else:
        batches = [k.numpy(ind) for ind in k.call(lambda: [program() for _ in range(turns)])]
    frequency = np.bincount(np.concatenate(batches), minlength=5) / turns
    limit = 5 * np.sqrt(0.4 * 0.6 / turns)
    k.expect.true(np.all(np.abs(frequency - 0.4) < limit), f"frequencies within {limit:.3f} of 2/5", seen=frequency)
    k.expect.true(len({tuple(sorted(batch)) for batch in batches}) > 5, "batches differ")


@clause("PLATE-005")
def batch_of_the_whole_plate(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 5, subsample_size=5) as ind:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 5))
            return ind

    run = k.run(model)
    k.expect.equal(k.numpy(run.value), np.arange(5), "indices with subsample_size equal to size")
    k.expect.close(run.sites["height"].scale, 1.0, "scale with subsample_size equal to size")


@clause("PLATE-006", case="observed")
def factor_on_observed_rows(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 100, subsample_size=10):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 10))

    run = k.run(model)
    k.expect.close(run.sites["height"].scale, 10.0, "scale in a plate of 100 subsampled to 10")
    k.expect.close(
        run.log_density, 100 * densities.normal(0.5), "joint log density", hint="size / batch, not its inverse"
    )


@clause("PLATE-006", case="latent")
def factor_on_latent_rows(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 100, subsample_size=10):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    run = k.run(model)
    site = run.sites["height"]
    k.expect.close(site.log_prob, 10.0 * densities.normal(site.value), "log density of each row")
    k.expect.close(run.log_density, 10.0 * densities.normal(site.value).sum(), "joint log density")


@clause("PLATE-007")
def factor_applies_to_every_kind_of_site(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("before", k.dist.Normal(0.0, 1.0), obs=k.xp.array(1.0))
        with k.ppl.plate("rows", 8, subsample_size=2):
            k.ppl.sample("latent", k.dist.Normal(0.0, 1.0))
            k.ppl.sample("seen", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 2))
            k.ppl.factor("push", full(k, 0.25, 2))
        k.ppl.sample("after", k.dist.Normal(0.0, 1.0), obs=k.xp.array(2.0))

    run = k.run(model)
    latent = densities.normal(run.sites["latent"].value)
    inside = {"latent": latent, "seen": densities.normal([0.5] * 2), "push": np.array([0.25] * 2)}
    for name, plain in inside.items():
        k.expect.close(run.sites[name].log_prob, 4.0 * plain, f"log density of {name}")
    for name, value in {"before": 1.0, "after": 2.0}.items():
        k.expect.close(run.sites[name].scale, 1.0, f"scale of {name}, outside the plate")
        k.expect.close(run.sites[name].log_prob, densities.normal(value), f"log density of {name}, outside the plate")
    expected = 4.0 * sum(plain.sum() for plain in inside.values()) + densities.normal([1.0, 2.0]).sum()
    k.expect.close(run.log_density, expected, "joint log density")


@clause("PLATE-008", case="6/2 in 8/4")
def nested_factors_multiply(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("outer", 8, subsample_size=4):
            k.ppl.sample("once", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 4))
            with k.ppl.plate("inner", 6, subsample_size=2):
                k.ppl.sample("twice", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 2, 4))

    run = k.run(model)
    k.expect.close(run.sites["once"].scale, 2.0, "scale of the outer site")
    k.expect.close(run.sites["twice"].scale, 6.0, "scale of the inner site", hint="multiplied or assigned?")
    expected = (2 * 4 + 6 * 8) * densities.normal(0.5)
    k.expect.close(run.log_density, expected, "joint log density")


@clause("PLATE-008", case="at given values", needs=("log_density",), modes=("default", "jit"))
def nested_factors_multiply_at_given_values(k: Kit) -> None:
    def model() -> None:
        loc = k.ppl.sample("loc", k.dist.Normal(0.0, 10.0))
        with k.ppl.plate("outer", 8, subsample_size=4):
            k.ppl.sample("once", k.dist.Normal(loc, 1.0), obs=full(k, 0.5, 4))
            with k.ppl.plate("inner", 6, subsample_size=2):
                k.ppl.sample("twice", k.dist.Normal(loc, 1.0), obs=full(k, 0.5, 2, 4))

    fixed = with_batches(k, model, {"outer": [7, 1, 2, 4], "inner": [5, 0]})
    expected = densities.normal(0.7, 0.0, 10.0) + (2 * 4 + 6 * 8) * densities.normal(0.5, 0.7)
    k.expect.close(k.joint(fixed, loc=0.7), expected, "joint log density at loc 0.7")


@clause("PLATE-008", case="one plate subsampled, one whole")
def whole_plate_leaves_the_outer_factor(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("outer", 9, subsample_size=3), k.ppl.plate("inner", 2):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 2, 3))

    k.expect.close(k.run(model).sites["height"].scale, 3.0, "scale inside a whole plate inside a subsampled one")


@clause("PLATE-009")
def minibatch_density_is_unbiased(k: Kit) -> None:
    data = [0.3, -1.2, 2.0, 0.7, -0.4]

    def model() -> None:
        with k.ppl.plate("rows", 5, subsample_size=2) as ind:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(data)[ind])

    batches = list(combinations(range(5), 2))
    joints = [k.run(with_batches(k, model, {"rows": batch})).log_density for batch in batches]
    for batch, joint in zip(batches, joints, strict=True):
        expected = 2.5 * densities.normal([data[i] for i in batch]).sum()
        k.expect.close(joint, expected, f"log density of batch {batch}", rtol=1e-3)
    k.expect.close(np.mean(joints), densities.normal(data).sum(), "mean over all batches of the log density")


@clause("PLATE-010")
def custom_batch(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 12, subsample=k.xp.array([7, 0, 3])) as ind:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 3))
            return ind

    run = k.run(model)
    k.expect.equal(k.numpy(run.value), np.array([7, 0, 3]), "indices given by hand")
    k.expect.close(run.sites["height"].scale, 4.0, "scale of 3 rows out of 12")
    k.expect.close(run.log_density, 12 * densities.normal(0.5), "joint log density")


@clause("PLATE-011")
def custom_batch_as_a_sequence(k: Kit) -> None:
    for batch in ([4, 1], (0, 2), range(1, 3)):

        def model(batch: Any = batch) -> Any:
            with k.ppl.plate("rows", 6, subsample=batch) as ind:
                k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
                return ind

        run = k.run(model)
        k.expect.true(k.xp.is_array(run.value), f"the plate yields an array for {batch!r}", seen=type(run.value))
        k.expect.equal(k.numpy(run.value), np.array(list(batch)), f"indices for {batch!r}")
        k.expect.close(run.sites["height"].scale, 3.0, f"scale for {batch!r}")


@clause("PLATE-012")
def custom_batch_of_another_length(k: Kit) -> None:
    def program() -> None:
        with k.ppl.plate("rows", 6, subsample_size=3, subsample=k.xp.array([0, 1])):
            pass

    k.expect.raises(lambda: k.call(program), "subsample of length 2 with subsample_size=3", kinds=["ValueError"])


@clause("PLATE-013")
def plate_without_a_size(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows"):
            k.ppl.sample("latent", k.dist.Normal(0.0, 1.0))
            k.ppl.sample("seen", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 7))

    run = k.run(model)
    k.expect.shape(run.sites["latent"].value, (), "scalar site in a plate without size")
    k.expect.close(run.sites["seen"].log_prob, densities.normal([0.5] * 7), "log density of seven rows")
    for name in ("latent", "seen"):
        k.expect.close(run.sites[name].scale, 1.0, f"scale of {name}")
        plates = [(plate.name, plate.dim) for plate in run.sites[name].plates]
        k.expect.equal(plates, [("rows", -1)], f"plates around {name}")


@clause("PLATE-013", case="its dim is taken")
def plate_without_a_size_takes_a_dim(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows"), k.ppl.plate("columns", 2):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    site = k.run(model).sites["height"]
    k.expect.shape(site.value, (2, 1), "value in a plate of 2 inside a plate without size")
    k.expect.equal([plate.dim for plate in site.plates], [-1, -2], "dims, outermost first")


@clause("PLATE-014")
def batch_of_a_plate_without_a_size(k: Kit) -> None:
    def by_length() -> None:
        with k.ppl.plate("rows", subsample_size=3):
            pass

    def by_hand() -> None:
        with k.ppl.plate("rows", subsample=k.xp.array([0, 1])):
            pass

    k.expect.raises(lambda: k.call(by_length), "subsample_size without size")
    k.expect.raises(lambda: k.call(by_hand), "subsample without size")


@clause("PLATE-015")
def batch_depends_on_the_seed(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 1000, subsample_size=3) as ind:
            return ind

    first, again, other = (k.numpy(k.call(model, seed=seed)) for seed in (3, 3, 4))
    k.expect.equal(again, first, "batch with the same seed")
    k.expect.different(other, first, "batch with another seed")


@clause("PLATE-016")
def batch_needs_a_key(k: Kit) -> None:
    def program() -> None:
        with k.ppl.plate("rows", 6, subsample_size=3):
            pass

    k.expect.raises(lambda: k.call(program, seed=None), "a subsampled plate without a random key")


@clause("PLATE-017")
def batch_is_fixed_by_name(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 8, subsample_size=2) as ind:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 2))
            return ind

    for batch in ([3, 1], [7, 0]):
        run = k.run(with_batches(k, model, {"rows": batch}))
        k.expect.equal(k.numpy(run.value), np.array(batch), "indices given under the plate's name")
        k.expect.equal(k.numpy(run.sites["rows"].value), np.array(batch), "value of the plate's site")
        k.expect.close(run.sites["height"].scale, 4.0, "scale of the site")
        k.expect.shape(run.sites["height"].log_prob, (2,), "log density of the site")


@clause("PLATE-018")
def guide_passes_its_batch_to_the_model(k: Kit) -> None:
    def guide() -> Any:
        with k.ppl.plate("rows", 50, subsample_size=3) as ind:
            return ind

    def model() -> Any:
        with k.ppl.plate("rows", 50, subsample_size=3) as ind:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 3))
            return ind

    for seed in range(3):
        trace = k.trace(guide, seed=seed)
        expected = k.numpy(k.call(k.handler("replay", guide, trace=trace), seed=seed + 20))
        run = k.run(k.handler("replay", model, trace=trace), seed=seed + 10)
        k.expect.equal(k.numpy(run.value), expected, "the model's indices under the guide's trace")
        k.expect.equal(k.numpy(run.value), k.numpy(k.call(guide, seed=seed)), "the guide's own indices")
        k.expect.close(run.sites["height"].scale, 50 / 3, "scale of the site")


@clause("PLATE-019")
def guide_passes_a_batch_of_another_length(k: Kit) -> None:
    def program(length: Any) -> None:
        with k.ppl.plate("rows", 12, subsample_size=length):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    trace = k.trace(program, 4)
    replayed = k.handler("replay", program, trace=trace)
    k.expect.raises(lambda: k.run(replayed, 3), "a replayed batch of 4 in a plate subsampled to 3")


@clause("PLATE-043")
def sites_have_the_length_of_the_batch(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 6, subsample_size=2), k.ppl.plate("columns", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    site = k.run(model).sites["height"]
    k.expect.shape(site.value, (3, 2), "value in a plate of 3 inside a plate subsampled to 2")
    k.expect.shape(site.log_prob, (3, 2), "log density in a plate of 3 inside a plate subsampled to 2")


@clause("PLATE-048")
def full_data_in_a_subsampled_plate(k: Kit) -> None:
    def model(length: Any) -> None:
        with k.ppl.plate("rows", 6, subsample_size=length):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 6))

    k.expect.raises(lambda: k.run(model, 2), "six rows of data in a plate subsampled to 2")


@clause("PLATE-048", case="subsampled to one row")
def full_data_in_a_plate_subsampled_to_one(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 6, subsample_size=1):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 6))

    k.expect.raises(lambda: k.run(model), "six rows of data in a plate subsampled to 1")


@clause("PLATE-052")
def batch_larger_than_the_plate(k: Kit) -> None:
    def program() -> None:
        with k.ppl.plate("rows", 4, subsample_size=5):
            pass

    k.expect.raises(lambda: k.call(program), "subsample_size=5 of 4", kinds=["ValueError"])


@clause("PLATE-053")
def empty_batch(k: Kit) -> None:
    k.expect.raises(
        lambda: k.call(lambda: k.ppl.plate("rows", 4, subsample_size=0)), "subsample_size=0", kinds=["ValueError"]
    )


@clause("PLATE-054")
def negative_batch(k: Kit) -> None:
    k.expect.raises(
        lambda: k.call(lambda: k.ppl.plate("rows", 4, subsample_size=-1)), "subsample_size=-1", kinds=["ValueError"]
    )


@clause("PLATE-056")
def custom_batch_outside_the_plate(k: Kit) -> None:
    for batch in ([0, 4], [-1, 2]):

        def program(batch: Any = batch) -> None:
            with k.ppl.plate("rows", 4, subsample=k.xp.array(batch)):
                pass

        k.expect.raises(partial(k.call, program), f"indices {batch} in a plate of 4")


@clause("PLATE-072")
def indices_live_on_the_device(k: Kit) -> None:
    def model(extra: Any) -> Any:
        with k.ppl.plate("rows", 4, device="cpu", **extra) as ind:
            return ind

    for extra in ({}, {"subsample_size": 2}):
        ind = k.call(model, extra)
        k.expect.equal(str(ind.device), "cpu", "device of the indices")


@clause("PLATE-073")
def use_cuda_false_means_cpu(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 4, use_cuda=False) as ind:
            return ind

    k.expect.equal(k.numpy(k.run(model).value), np.arange(4), "indices with use_cuda=False")


@clause("PLATE-081")
def subsampled_plate_under_jit(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 20, subsample_size=3) as ind:
            height = k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        return ind, height

    def run(key: Any) -> Any:
        return k.handler("seed", model, rng_seed=key)()

    eager, compiled = run(k.xp.key(5)), k.adapter.compile(run)(k.xp.key(5))
    k.expect.equal(k.numpy(compiled[0]), k.numpy(eager[0]), "indices under jit")
    k.expect.close(k.numpy(compiled[1]), k.numpy(eager[1]), "draws under jit")
