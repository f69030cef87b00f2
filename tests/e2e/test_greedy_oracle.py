"""Greedy text is, token by token, what the system's llama-completion makes of the same prompts."""

import json
import re
import shutil
import subprocess

import pytest

from gguf_layout import GgufLayout

TOKENS = 48
PROMPTS = [
    "The future of AI is",
    "Hello, I am",
    "Once upon a time",
    "Explain quantum computing in simple terms:",
    "Every morning the old sailor",
    "My favourite food is",
    "The fox looked at the moon and",
    "Question: What is a llama?\nAnswer:",
    "1, 2, 3, 4,",
    "In the middle of the forest there was",
    '"Good evening," said the star.',
    "To bake bread you need",
    "A computer is",
    "It was raining when",
    "She opened the letter and read:",
    "Der Wald war dunkel",
    "naïve café, 日本語 🚀",
    "def main():\n    print(",
    "<|im_start|>user\nTell me a story about a fox.<|im_end|>\n<|im_start|>assistant\n",
    "The most important thing that I have learned in my long life at sea is that the wind never asks where you "
    "want to go, and so",
]


@pytest.fixture(scope="module")
def llama_completion():
    program = shutil.which("llama-completion")
    assert program, "llama-completion is missing: the private root has it"
    return program


def oracle_pieces(program, model, prompt):
    """The bytes of each token that llama-completion generates: its log says where each one begins."""
    result = subprocess.run(
        [program, "-m", str(model), "-p", prompt, "-n", str(TOKENS), "--temp", "0", "-no-cnv", "--no-display-prompt",
         "-t", "2", "--no-warmup", "-v", "--log-colors", "off"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
        env={"PATH": "/usr/bin", "LC_ALL": "C.UTF-8", "OMP_WAIT_POLICY": "passive", "LLAMA_LOG_TIMESTAMPS": "0"},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    # Text goes to standard output, one piece after each "n_remain" line of the log on standard error.
    return result


@pytest.mark.parametrize("index", range(len(PROMPTS)))
def test_tokens_are_those_of_llama_completion(hyprstream, bundled, llama_completion, index):
    prompt = PROMPTS[index]
    theirs = oracle_pieces(llama_completion, bundled, prompt)
    print(theirs)
    assert False
