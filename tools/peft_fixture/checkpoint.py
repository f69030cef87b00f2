"""Small random Hugging Face checkpoints, with a tokenizer of their own."""

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

VOCABULARY = 288
SEED = 3

# Grouped-query attention (2 key heads for 4 query heads), and in qwen3 heads that are not hidden / heads wide.
COMMON = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-6,
    "bos_token_id": None,
    "eos_token_id": VOCABULARY - 1,
    "dtype": "float32",
    "attn_implementation": "eager",
}
ARCHITECTURES = {
    "qwen3": (transformers.Qwen3Config, {"head_dim": 16, "tie_word_embeddings": True}),
    "llama": (transformers.LlamaConfig, {"head_dim": 8, "tie_word_embeddings": False}),
}


def make(architecture, folder):
    """Writes the checkpoint and returns the model, in float32."""
    config_class, own = ARCHITECTURES[architecture]
    torch.manual_seed(SEED)
    model = transformers.AutoModelForCausalLM.from_config(config_class(**COMMON, **own)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Large enough that every layer shows in the logits; norms near, but not at, 1.
            weight.copy_(1 + 0.1 * torch.randn_like(weight) if weight.ndim == 1 else 0.2 * torch.randn_like(weight))
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return model


def write_weights(state, folder):
    """Replaces the weights of a checkpoint; those that others are tied to are written once."""
    present = {name: weight.to(torch.float32).contiguous() for name, weight in state.items()}
    if (folder / "model.safetensors").exists() and torch.equal(present.get("lm_head.weight", torch.empty(0)),
                                                               present["model.embed_tokens.weight"]):
        del present["lm_head.weight"]
    save_file(present, folder / "model.safetensors", metadata={"format": "pt"})


def write_tokenizer(folder):
    """Byte-level BPE: the 256 bytes, a few merges, and an end token."""
    vocabulary = {symbol: i for i, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = []
    for pair in ("h e", "t he", "a n", "i n", "e r", "o n", "Ġ t", "Ġ a", "Ġt he", "o u"):
        left, right = pair.split(" ")
        vocabulary[left + right] = len(vocabulary)
        merges.append((left, right))
    while len(vocabulary) < VOCABULARY - 1:
        vocabulary[f"unused{len(vocabulary)}"] = len(vocabulary)
    vocabulary["<|endoftext|>"] = VOCABULARY - 1
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>").save_pretrained(folder)
