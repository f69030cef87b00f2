"""Train the byte-level BPE tokenizer on WORK/train.txt and encode the texts of WORK.

Writes hf/tokenizer.json with its configuration, and beside each text a .bin file of 16-bit token ids.
"""

import json
import pathlib

from common import (CONTEXT, END, IM_END, IM_START, SPECIAL_TOKENS, VOCABULARY, argument_parser, documents, needed,
                    needed_packages)

with needed_packages():
    import numpy as np
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TOKENIZER_DOCUMENTS = 40_000  # the first ones of train.txt
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '" + IM_START + "' + message['role'] + '\\n' + message['content'] + '" + IM_END +
    "\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '" + IM_START + "assistant\\n' }}{% endif %}")
CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": IM_END, "pad_token": END,
    "model_max_length": CONTEXT, "clean_up_tokenization_spaces": False, "chat_template": CHAT_TEMPLATE,
}


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=list(SPECIAL_TOKENS), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save_tokenizer(tokenizer, folder):
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")


def encode(tokenizer, texts, path):
    ids = [SPECIAL_TOKENS.index(END)]
    for encoding in tokenizer.encode_batch(texts):
        ids += encoding.ids
    np.array(ids, dtype=np.uint16).tofile(path)
    print(f"{path.name}: {len(texts)} documents, {len(ids)} tokens")


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--tokenizer", type=pathlib.Path, metavar="FILE",
                        help="use this tokenizer.json instead of training one")
    args = parser.parse_args()
    if args.tokenizer:
        origin = "give the tokenizer.json of an earlier run of tokenize_corpus.py"
        tokenizer = Tokenizer.from_file(str(needed(args.tokenizer, origin)))
    else:
        tokenizer = train_tokenizer(documents(args.work / "train.txt")[:TOKENIZER_DOCUMENTS])
        save_tokenizer(tokenizer, args.work / "hf")
    for text in sorted(needed(args.work, "make_corpus.py writes it").glob("*.txt")):
        encode(tokenizer, documents(text), text.with_suffix(".bin"))


if __name__ == "__main__":
    main()
