"""PyTorch's side of `make bench-training`: the model of a GGUF, dequantized, with LoRA on it, by Hugging Face's
transformers. Runs in the root of tools/root/packages-bench.txt, and prints one JSON object."""

import argparse
import json
import os
import resource
import statistics
import time

os.environ.pop("OPENBLAS_CORETYPE", None)
import gguf  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

NAMES = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate",
         "up_proj": "ffn_up", "down_proj": "ffn_down", "q_norm": "attn_q_norm", "k_norm": "attn_k_norm",
         "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}


class Lora(torch.nn.Module):
    """W x + (alpha / rank) B A x, with only A and B to be learned."""

    def __init__(self, linear, rank, alpha):
        super().__init__()
        self.linear = linear
        self.scaling = alpha / rank
        kind = {"dtype": linear.weight.dtype}
        self.a = torch.nn.Parameter((torch.rand(rank, linear.in_features, **kind) * 2 - 1) / linear.in_features ** 0.5)
        self.b = torch.nn.Parameter(torch.zeros(linear.out_features, rank, **kind))

    def forward(self, x):
        return self.linear(x) + self.scaling * ((x @ self.a.T) @ self.b.T)


def number(reader, key):
    return reader.fields[f"qwen3.{key}"].contents()


def load(path, dtype):
    reader = gguf.GGUFReader(path)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    config = transformers.Qwen3Config(
        vocab_size=int(tensors["token_embd.weight"].shape[1]), hidden_size=number(reader, "embedding_length"),
        intermediate_size=number(reader, "feed_forward_length"), num_hidden_layers=number(reader, "block_count"),
        num_attention_heads=number(reader, "attention.head_count"),
        num_key_value_heads=number(reader, "attention.head_count_kv"), head_dim=number(reader, "attention.key_length"),
        rms_norm_eps=number(reader, "attention.layer_norm_rms_epsilon"), rope_theta=number(reader, "rope.freq_base"),
        tie_word_embeddings=True)
    torch.set_default_dtype(dtype)
    with transformers.initialization.no_init_weights() if hasattr(transformers, "initialization") else torch.no_grad():
        model = transformers.Qwen3ForCausalLM(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parts = name.split(".")
            source = {"embed_tokens": "token_embd.weight", "norm": "output_norm.weight"}.get(parts[1])
            if source is None:
                source = f"blk.{parts[2]}.{NAMES[parts[-2]]}.weight"
            tensor = tensors[source]
            values = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type))
            parameter.copy_(values.reshape(parameter.shape))
    return model


def tokens_of(step, count):
    return [(step * 104729 + i * 7919 + i * i * 31) % 150000 for i in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--targets", default="q_proj,v_proj")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("-t", "--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = load(arguments.model, getattr(torch, arguments.dtype))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    targets = arguments.targets.split(",")
    for layer in model.model.layers:
        for block in (layer.self_attn, layer.mlp):
            for name, module in list(block.named_children()):
                if name in targets:
                    setattr(block, name, Lora(module, arguments.rank, 2 * arguments.rank))
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-4, weight_decay=0)
    model.train()
    losses, seconds = [], []
    for step in range(arguments.steps + 1):
        ids = torch.tensor([tokens_of(step, arguments.tokens)])
        start = time.perf_counter()
        logits = model(ids, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits[0, :-1].float(), ids[0, 1:])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        if step > 0:
            seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
    print(json.dumps({"tokens_per_second": arguments.tokens / statistics.median(seconds),
                      "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "losses": losses}))


if __name__ == "__main__":
    main()
