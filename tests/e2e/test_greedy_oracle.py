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


def oracle_pieces(program, model, prompt, wanted):
    """The bytes of at least `wanted` tokens that llama-completion generates, as its log shows them.

    When it exits it drops what its log still has to write, so it is asked for more tokens than
    are compared, and asked again if too few came out.
    """
    for _ in range(20):
        result = subprocess.run(
            [program, "-m", str(model), "-p", prompt, "-n", str(TOKENS + 16), "--temp", "0", "-no-cnv", "-t", "2",
             "--no-display-prompt", "--no-warmup", "-v", "--log-colors", "off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
            env={"PATH": "/usr/bin", "LC_ALL": "C.UTF-8", "OMP_WAIT_POLICY": "passive"},
        )  # fmt: skip
        assert result.returncode == 0, result.stdout[-2000:]
        # A line "n_remain: ..." stands before each piece, and a time stamp after it.
        stamp = rb"\d\.\d\d\.\d{3}\.\d{3} [A-Z] "
        pieces = re.findall(rb"n_remain: -?\d+\n(.*?)(?=" + stamp + rb"|\Z)", result.stdout, re.DOTALL)
        pieces = [piece for piece in pieces if piece and b"[end of text]" not in piece]
        if len(pieces) >= wanted:
            return pieces
    raise AssertionError(f"no {wanted} tokens in 20 runs: {result.stdout[-2000:]}")


@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
def test_tokens_are_those_of_llama_completion(hyprstream, bundled, llama_completion, prompt):
    vocabulary = GgufLayout(bundled.read_bytes()).token_bytes()
    # Pieces name tokens: no two of these have the same bytes.
    assert len(set(vocabulary)) == len(vocabulary)
    result = hyprstream.run(
        "quick-start", "--prompt", prompt, "--max-tokens", str(TOKENS), "--temperature", "0", "--threads", "2", "--json"
    )
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    ours = [vocabulary[token] for token in answer["tokens"]]
    theirs = oracle_pieces(llama_completion, bundled, prompt, len(ours))
    if answer["finish_reason"] == "max_tokens":
        assert len(ours) == TOKENS
        assert ours == theirs[:TOKENS]
    else:
        assert answer["finish_reason"] == "end_of_generation"
        assert ours == theirs  # and the end comes at the same place
    assert answer["text"] == b"".join(ours).decode(errors="replace")
