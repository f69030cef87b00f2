"""Write tests/data/peft: small models, PEFT adapters for them, and what PyTorch makes of the two.

Run it once, in the root that has PyTorch (`make peft-fixture`); tests/data/peft/README.md says what comes out. The
same seeds give the same files on one machine; another PyTorch may round the last bit otherwise.
"""

import argparse
import json
import pathlib
import shutil
import tempfile

import torch

import adapters
import checkpoint
import convert

# Token ids, so that no tokenizer takes part. One token, two short ones, and one past a few positions of RoPE.
PROMPTS = [[7], [0, 101, 33, 258, 12], [66, 66, 4, 279, 200, 31, 90], list(range(5, 280, 23))]


def write_logits(model, path):
    """The logits after every token of every prompt, float32, [tokens of all prompts][vocabulary]."""
    with torch.inference_mode():
        rows = [model(torch.tensor([prompt])).logits[0] for prompt in PROMPTS]
    path.write_bytes(torch.cat(rows).to(torch.float32).numpy().tobytes())


def make(architecture, target, work):
    hf = work / architecture
    model = checkpoint.make(architecture, hf)
    target.mkdir(parents=True)
    (target / "logits").mkdir()
    convert.to_gguf(hf, target / "base.gguf")
    model = model.double()  # the oracle does not round
    write_logits(model, target / "logits" / "base.f32")
    original = {name: weight.clone() for name, weight in model.state_dict().items()}
    for spec in adapters.SPECS:
        factors = adapters.make(spec, model, target / spec.name)
        changed = adapters.merged(spec, original, factors)
        model.load_state_dict(changed)
        write_logits(model, target / "logits" / f"{spec.name}.f32")
        if spec.keep_merged:
            merged = work / f"{architecture}-{spec.name}"
            shutil.copytree(hf, merged)
            checkpoint.write_weights(changed, merged)
            convert.to_gguf(merged, target / f"{spec.name}-merged.gguf")
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target}: {size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=pathlib.Path, help="folder to write, such as tests/data/peft")
    target = parser.parse_args().target
    torch.set_num_threads(1)
    target.mkdir(parents=True, exist_ok=True)
    (target / "prompts.json").write_text(json.dumps(PROMPTS) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as work:
        for architecture in checkpoint.ARCHITECTURES:
            shutil.rmtree(target / architecture, ignore_errors=True)
            make(architecture, target / architecture, pathlib.Path(work))


if __name__ == "__main__":
    main()
