"""Write tests/data/training: what PyTorch makes of an adapter in 50 steps, for small models.

Run it once, in the root that has PyTorch (`make training-fixture`); tests/data/training/README.md says what comes out.
"""

import argparse
import json
import pathlib
import random
import shutil
import sys
import tempfile

import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peft_fixture"))
import adapters  # noqa: E402
import checkpoint  # noqa: E402
import convert  # noqa: E402

STEPS = 50
RANK = 6
OPTIONS = {"rank": RANK, "alpha": 18, "beta1": 0.9, "beta2": 0.98, "epsilon": 1e-6, "weight_decay": 0.05,
           "max_grad_norm": 1.0, "batches": [4, 3]}  # examples of the two micro-batches of a step
ARCHITECTURES = {**checkpoint.ARCHITECTURES, "qwen2": (transformers.Qwen2Config, {"tie_word_embeddings": True})}


def learning_rate(step):
    return 0.01 * (1 - step / STEPS)


def make_examples(count):
    """Sentences of a small world, so that there is something to learn."""
    source = random.Random(5)
    examples = []
    for _ in range(count):
        length = source.randint(5, 30)
        start = source.randrange(20, 250)
        tokens = [start]
        while len(tokens) < length:
            tokens.append((tokens[-1] * 3 + source.choice((1, 1, 1, 2))) % 280)
        prompt = source.randint(1, length - 2)
        examples.append({"tokens": tokens, "is_target": [int(i >= prompt) for i in range(length)]})
    return examples


class Lora(torch.nn.Module):
    def __init__(self, linear, a, b, scaling):
        super().__init__()
        self.linear, self.scaling = linear, scaling
        self.a, self.b = torch.nn.Parameter(a.clone()), torch.nn.Parameter(b.clone())

    def forward(self, x):
        return self.linear(x) + self.scaling * ((x @ self.a.T) @ self.b.T)


def save_peft(spec, factors, folder):
    from safetensors.torch import save_file
    folder.mkdir(parents=True)
    tensors = {}
    for path, (a, b) in factors.items():
        tensors[f"{adapters.PREFIX}{path}.lora_A.weight"] = a.detach().contiguous()
        tensors[f"{adapters.PREFIX}{path}.lora_B.weight"] = b.detach().contiguous()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_config.json").write_text(json.dumps(adapters.config(spec), indent=2) + "\n", encoding="utf-8")


def make(architecture, target, work):
    hf = work / architecture
    model = checkpoint.make(architecture, hf)
    target.mkdir(parents=True)
    convert.to_gguf(hf, target / "base.gguf")
    spec = adapters.Spec("start", seed=21, r=RANK, alpha=OPTIONS["alpha"], targets=adapters.ALL)
    generator = torch.Generator().manual_seed(spec.seed)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    start, learned = {}, {}
    for path, module in list(model.named_modules()):
        if not isinstance(module, torch.nn.Linear) or path == "lm_head":
            continue
        # As PEFT begins, but B not zero, so that A has a gradient from the first step on.
        a = (torch.rand(RANK, module.in_features, generator=generator) * 2 - 1) / module.in_features**0.5
        b = 0.02 * torch.randn(module.out_features, RANK, generator=generator)
        start[path] = (a, b)
        parent, name = path.rsplit(".", 1)
        wrapped = Lora(module, a, b, spec.alpha / RANK)
        setattr(model.get_submodule(parent), name, wrapped)
        learned[path] = wrapped
    save_peft(spec, start, target / "start")
    parameters = [p for lora in learned.values() for p in (lora.a, lora.b)]
    optimizer = torch.optim.AdamW(parameters, lr=1, betas=(OPTIONS["beta1"], OPTIONS["beta2"]), eps=OPTIONS["epsilon"],
                                  weight_decay=OPTIONS["weight_decay"])
    examples = make_examples(STEPS * sum(OPTIONS["batches"]))
    losses, norms = [], []
    for step in range(STEPS):
        batch = examples[step * sum(OPTIONS["batches"]):][:sum(OPTIONS["batches"])]
        total = sum(sum(example["is_target"][1:]) for example in batch)
        optimizer.zero_grad()
        sum_of_losses = 0.0
        for example in batch:
            ids = torch.tensor([example["tokens"]])
            wanted = torch.tensor(example["is_target"][1:], dtype=torch.bool)
            logits = model(ids).logits[0, :-1][wanted]
            loss = torch.nn.functional.cross_entropy(logits, ids[0, 1:][wanted], reduction="sum") / total
            loss.backward()
            sum_of_losses += loss.item()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, OPTIONS["max_grad_norm"]).item())
        optimizer.param_groups[0]["lr"] = learning_rate(step)
        optimizer.step()
        losses.append(sum_of_losses)
    save_peft(spec, {path: (lora.a, lora.b) for path, lora in learned.items()}, target / "trained")
    (target / "curve.json").write_text(json.dumps({"losses": losses, "grad_norms": norms}) + "\n", encoding="utf-8")
    print(f"{target}: loss {losses[0]:.3f} to {losses[-1]:.3f}")
    return examples


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=pathlib.Path, help="folder to write, such as tests/data/training")
    target = parser.parse_args().target
    torch.set_num_threads(1)
    target.mkdir(parents=True, exist_ok=True)
    checkpoint.ARCHITECTURES = ARCHITECTURES
    with tempfile.TemporaryDirectory() as work:
        for architecture in ARCHITECTURES:
            shutil.rmtree(target / architecture, ignore_errors=True)
            examples = make(architecture, target / architecture, pathlib.Path(work))
    rates = [learning_rate(step) for step in range(STEPS)]
    (target / "run.json").write_text(json.dumps({**OPTIONS, "learning_rates": rates, "examples": examples}) + "\n",
                                     encoding="utf-8")


if __name__ == "__main__":
    main()
