"""Write WORK/hf as GGUF files: WORK/hypr-tiny-f32.gguf and so on, one for each of --types.

Matrices get the type in the file's name; the norm vectors stay in float32.
"""

import json

from common import argument_parser, needed, needed_packages

with needed_packages():
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

TYPES = {
    "f32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}
DESCRIPTION = ("A tiny language model trained from scratch on generated English: short stories, simple chat and "
               "simple facts. It is the offline default of hyprstream, for quick starts, tests and LoRA demos.")


def load_json(folder, name):
    return json.loads(needed(folder / name, "tokenize_corpus.py and train.py write it").read_text(encoding="utf-8"))


def add_metadata(writer, config, file_type):
    writer.add_name("Hypr Tiny")
    writer.add_description(DESCRIPTION)
    writer.add_author("hyprstream")
    writer.add_license("Apache-2.0")
    writer.add_size_label("3.5M")
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])


def add_tokenizer(writer, config, tokenizer, chat_template):
    special = {token["id"] for token in tokenizer["added_tokens"]}
    vocabulary = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_types([gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for _, i in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_eot_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(chat_template)


def add_tensors(writer, config, tensors, matrix_type):
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, config["num_hidden_layers"])
    for name, data in sorted(tensors.items()):
        kept = gguf.GGMLQuantizationType.F32 if data.ndim == 1 else matrix_type
        data = gguf.quantize(data.astype(np.float32), kept)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), data, raw_dtype=kept)


def export(work, kind):
    matrix_type, file_type = TYPES[kind]
    folder = work / "hf"
    config = load_json(folder, "config.json")
    tokenizer = load_json(folder, "tokenizer.json")
    template = load_json(folder, "tokenizer_config.json")["chat_template"]
    tensors = load_file(needed(folder / "model.safetensors", "train.py writes it"))
    path = work / f"hypr-tiny-{kind}.gguf"
    writer = gguf.GGUFWriter(path, "qwen3")
    add_metadata(writer, config, file_type)
    add_tokenizer(writer, config, tokenizer, template)
    add_tensors(writer, config, tensors, matrix_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{path.name}: {path.stat().st_size} bytes")


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--types", nargs="+", choices=TYPES, default=["f32", "q8_0"], help="default: f32 q8_0")
    args = parser.parse_args()
    for kind in args.types:
        export(args.work, kind)


if __name__ == "__main__":
    main()
