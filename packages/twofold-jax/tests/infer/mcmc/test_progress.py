"""Laws of what is shown."""

import subprocess
import sys

from twofold_jax.infer.mcmc.progress import ProgressBar


def test_a_bar_that_is_off_is_silent(capsys):
    with ProgressBar(False, 10) as progress:
        assert not progress.is_shown
        progress.advance(10, "sample", "loss 1.0")
    assert capsys.readouterr() == ("", "")


def test_a_bar_that_is_on_shows_phase_and_figures(capsys):
    with ProgressBar(True, 10) as progress:
        progress.advance(10, "sample", "loss 1.0")
    shown = capsys.readouterr().err
    assert "sample" in shown
    assert "loss 1.0" in shown


def test_importing_inference_imports_neither_tqdm_nor_optax():
    code = "import sys, twofold_jax.infer; print({'tqdm', 'optax'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
