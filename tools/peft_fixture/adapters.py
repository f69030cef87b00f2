"""PEFT adapter directories, and the weights that they make of a model.

Written after PEFT's description of its checkpoint format and of LoraConfig (huggingface.co/docs/peft): the library
itself is not in Debian.
"""

import dataclasses
import json
import math
import re

import torch
from safetensors.torch import save_file

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
PREFIX = "base_model.model."


@dataclasses.dataclass(frozen=True)
class Spec:
    name: str
    seed: int
    r: int
    alpha: float
    targets: object  # a list of modules or, as one string, a regular expression
    dtype: torch.dtype = torch.float32
    rslora: bool = False
    rank_pattern: dict = dataclasses.field(default_factory=dict)
    alpha_pattern: dict = dataclasses.field(default_factory=dict)
    layers: list | None = None
    keep_merged: bool = False


SPECS = (
    Spec("plain", seed=11, r=4, alpha=12, targets=ALL),
    # Everything that changes a layer's scaling.
    Spec("patterned", seed=12, r=4, alpha=6, targets=r".*\.(self_attn|mlp)\.(q|k|v|o|gate|up|down)_proj", rslora=True,
         rank_pattern={"v_proj": 7, "layers.1.mlp.down_proj": 2},
         alpha_pattern={"q_proj": 9, "layers.2.self_attn.o_proj": 2.5}, keep_merged=True),
    Spec("bfloat16", seed=13, r=8, alpha=16, targets=["q_proj", "v_proj"], dtype=torch.bfloat16, layers=[0, 2]),
    Spec("float16", seed=14, r=3, alpha=5, targets=["k_proj", "down_proj"], dtype=torch.float16),
)


def targeted(spec, path):
    """Whether the adapter has a pair on the module at `path`, "model.layers.0.self_attn.q_proj"."""
    if isinstance(spec.targets, str):
        wanted = re.fullmatch(spec.targets, path) is not None
    else:
        wanted = path.rsplit(".", 1)[-1] in spec.targets
    layer = re.search(r"\.layers\.(\d+)\.", path)
    return wanted and (spec.layers is None or int(layer.group(1)) in spec.layers)


def of_pattern(pattern, path, default):
    """The value of the first key that is the end of the path."""
    return next((value for key, value in pattern.items() if re.match(rf"(.*\.)?({key})$", path)), default)


def scaling(spec, path):
    rank = of_pattern(spec.rank_pattern, path, spec.r)
    alpha = of_pattern(spec.alpha_pattern, path, spec.alpha)
    return alpha / math.sqrt(rank) if spec.rslora else alpha / rank


def make(spec, model, folder):
    """Writes the directory and returns (A, B) by module path, as they were stored."""
    generator = torch.Generator().manual_seed(spec.seed)
    factors = {}
    for path, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear) or path == "lm_head" or not targeted(spec, path):
            continue
        rank = of_pattern(spec.rank_pattern, path, spec.r)
        a = 0.1 * torch.randn(rank, module.in_features, generator=generator)
        b = 0.1 * torch.randn(module.out_features, rank, generator=generator)
        factors[path] = (a.to(spec.dtype), b.to(spec.dtype))
    folder.mkdir()
    tensors = {}
    for path, (a, b) in factors.items():
        tensors[f"{PREFIX}{path}.lora_A.weight"] = a
        tensors[f"{PREFIX}{path}.lora_B.weight"] = b
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_config.json").write_text(json.dumps(config(spec), indent=2) + "\n", encoding="utf-8")
    return factors


def config(spec):
    return {
        "alpha_pattern": spec.alpha_pattern,
        "auto_mapping": None,
        "base_model_name_or_path": "",
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "layers_pattern": None,
        "layers_to_transform": spec.layers,
        "lora_alpha": spec.alpha,
        "lora_dropout": 0.05,
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": spec.r,
        "rank_pattern": spec.rank_pattern,
        "revision": None,
        "target_modules": spec.targets,
        "task_type": "CAUSAL_LM",
        "use_dora": False,
        "use_rslora": spec.rslora,
    }


def merged(spec, state, factors):
    """W' = W + scaling * B A for each module that has a pair, in the precision of `state`."""
    changed = dict(state)
    for path, (a, b) in factors.items():
        weight = state[f"{path}.weight"]
        changed[f"{path}.weight"] = weight + scaling(spec, path) * (b.to(weight.dtype) @ a.to(weight.dtype))
    return changed
