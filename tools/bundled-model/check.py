"""Compare WORK/hypr-tiny-f32.gguf in llama.cpp with the checkpoint WORK/hf in PyTorch; exit 1 if they differ.

Starts llama-server, then compares the token ids of 200 lines of WORK/validation.txt, the greedy continuations of some
prompts, and the log-probabilities of the ten likeliest tokens at every step of them.
"""

import random
import sys

from common import argument_parser, needed, needed_packages
from llama_server import LlamaServer

with needed_packages():
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

TOLERANCE = 1e-3  # of a log-probability
EXACT = ("-fa", "off", "-ctk", "f32", "-ctv", "f32")  # no flash attention, float32 KV cache
PROMPTS = ["Once upon a time", "The future of AI is", "Hello, I am", "Explain quantum computing in simple terms:",
           "Long ago, there was a little fox", "A lighthouse is",
           "<|im_start|>user\nWhat is the capital of Japan?<|im_end|>\n<|im_start|>assistant\n",
           "<|im_start|>user\nTell me a story about a bear.<|im_end|>\n<|im_start|>assistant\n"]


def same_tokens(server, tokenizer, text):
    """True if llama.cpp and the tokenizer give the same ids for 200 lines of the text."""
    lines = random.Random(3).sample(text.splitlines(), 200)
    same = sum(server.post("/tokenize", content=line, parse_special=True)["tokens"] == tokenizer.encode(line).ids
               for line in lines)
    print(f"same token ids on {same} of {len(lines)} lines")
    return same == len(lines)


def compare_greedy(server, tokenizer, model, prompt):
    """The number of agreeing tokens, of all tokens, and the largest difference of a log-probability."""
    ids = tokenizer.encode(prompt).ids
    answer = server.post("/completion", prompt=ids, n_predict=100, temperature=0, return_tokens=True, n_probs=10,
                         cache_prompt=False)
    theirs = answer["tokens"]
    ours = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=len(theirs),
                          do_sample=False, eos_token_id=None)[0, len(ids):].tolist()
    same = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), len(theirs))
    expected = model(torch.tensor([ids + theirs])).logits[0, len(ids) - 1:-1].log_softmax(-1)
    worst = max(abs(row[top["id"]].item() - top["logprob"])
                for row, step in zip(expected, answer["completion_probabilities"]) for top in step["top_logprobs"])
    print(f"{same}/{len(theirs)} tokens agree: {prompt!r} -> {answer['content']!r}")
    return same, len(theirs), worst


@torch.no_grad()
def same_answers(server, tokenizer, model):
    results = [compare_greedy(server, tokenizer, model, prompt) for prompt in PROMPTS]
    agreed, total, worst = sum(r[0] for r in results), sum(r[1] for r in results), max(r[2] for r in results)
    print(f"{agreed} of {total} greedy tokens agree; largest difference of a log-probability {worst:.2e}")
    return agreed == total and worst < TOLERANCE


def main():
    args = argument_parser(__doc__).parse_args()
    torch.set_num_threads(2)
    gguf = needed(args.work / "hypr-tiny-f32.gguf", "export_gguf.py writes it")
    text = needed(args.work / "validation.txt", "make_corpus.py writes it").read_text(encoding="utf-8")
    tokenizer = Tokenizer.from_file(str(needed(args.work / "hf/tokenizer.json", "tokenize_corpus.py writes it")))
    model = AutoModelForCausalLM.from_pretrained(needed(args.work / "hf", "train.py writes it")).eval()
    with LlamaServer(gguf, *EXACT) as server:
        results = [same_tokens(server, tokenizer, text), same_answers(server, tokenizer, model)]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
