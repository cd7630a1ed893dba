"""A strict implementation of the language in NumPy, in both flavours: the law as a program.

It is the test bench of this kit, and meant to be read.  A program in this language is an ordinary function that makes
statements: ``sample`` names a random variable, ``param`` a value to be learnt, ``plate`` declares that what happens
inside it is repeated independently, ``factor`` adds to the density.  What a statement does depends on the handlers that
are active around it: one records, one fixes values, one hides, one weighs.  Nothing else is needed for inference.

To understand a run, read the files in the order in which a site travels:

==================  ===================================================================================================
``mechanism.py``    a statement makes a message, handlers see it, it is performed, handlers see it again
``statements.py``   what both flavours state alike, and the one check of shapes
``plates.py``       a statement when it is made, a handler while it is entered: dims, batches, weights
``handlers.py``     what a value is, what it counts, who sees it, another site in its place
``traces.py``       the record of a run, and its joint log density
``stateful.py``     the flavour with a global generator and a store of parameters (``store.py``)
``stateless.py``    the flavour with random keys that a ``seed`` hands out and parameters that belong to the run
==================  ===================================================================================================

Beside the language stand the things that it talks of: ``tensor.py`` (arrays with gradients), ``draws.py`` (randomness),
``constraints.py``, ``laws.py``, ``network.py``, ``trees.py``, ``validation.py``, ``errors.py``; and what is built on
it, as far as the clauses ask: ``infer.py``, ``enumeration.py``, ``compiled.py``.  ``adapter.py`` shows both to the kit.

*Strict* means that whatever the law does not allow is refused, so that a model that runs here should run everywhere.
Clarity wins over speed wherever the two part.

Example:
    >>> from twofold_conformance.reference import laws, stateless, traces
    >>> def model():
    ...     height = stateless.sample("height", laws.Normal(0.0, 1.0))
    ...     with stateless.plate("rows", 2):
    ...         stateless.sample("reading", laws.Normal(height, 1.0), obs=[0.5, 0.7])
    >>> run = traces.trace(stateless.seed(model, rng_seed=0)).get_trace()
    >>> list(run), run["reading"]["fn"].batch_shape, run["reading"]["cond_indep_stack"]
    (['height', 'rows', 'reading'], (2,), (Frame(name='rows', dim=-1, size=2, counter=0),))
"""
