"""Train the bundled model (Qwen3 architecture) on the token files of tokenize_corpus.py; writes WORK/hf.

Every window of tokens starts at the start of a random document, half of the time with the separator
<|endoftext|> in front and half of the time without it, so the model is at ease with and without a BOS token.
Every sixteenth batch holds fewer but longer windows, so that all positions of the context are trained. The cosine
schedule runs over --minutes of wall-clock time. bfloat16 with plain ("eager") attention is by far the fastest on a
CPU with AVX-512 bfloat16; set OMP_WAIT_POLICY=PASSIVE when other programs use the same cores.
"""

import json
import math
import pathlib
import time

from common import CONTEXT, END, IM_END, SPECIAL_TOKENS, VOCABULARY, argument_parser, fail, needed, needed_packages

with needed_packages():
    import numpy as np
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM
    from transformers.utils import logging

END_ID, IM_END_ID = SPECIAL_TOKENS.index(END), SPECIAL_TOKENS.index(IM_END)
LENGTH = 320  # tokens in a usual window
BATCH = 4  # usual windows in a batch
LONG_EVERY = 16  # batches
LOG_EVERY = 100  # batches
SAVE_EVERY = 240  # seconds
LAST_RATE = 0.02  # of the learning rate, left at the end of the schedule


def build_model(init):
    config = Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=256, intermediate_size=512, num_hidden_layers=5, num_attention_heads=8,
        num_key_value_heads=4, head_dim=32, max_position_embeddings=CONTEXT, rope_theta=10000.0, rms_norm_eps=1e-6,
        tie_word_embeddings=True, initializer_range=0.04, bos_token_id=END_ID, eos_token_id=IM_END_ID,
        pad_token_id=END_ID, attn_implementation="eager")
    model = Qwen3ForCausalLM(config)
    if init:
        path = needed(init, "give the hf folder of an earlier run of train.py")
        model.load_state_dict(Qwen3ForCausalLM.from_pretrained(path).state_dict())
    print(f"parameters {sum(p.numel() for p in model.parameters())}", flush=True)
    return model


def build_optimizer(model, rate):
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), eps=1e-8, fused=True)


class Windows:
    """Random windows of tokens, each starting at a document start; every document once before any twice."""

    def __init__(self, paths, seed):
        files = [np.fromfile(needed(path, "tokenize_corpus.py writes it"), dtype=np.uint16) for path in paths]
        self.tokens = np.concatenate(files)
        self.rng = np.random.default_rng(seed)
        ends = np.flatnonzero(self.tokens == END_ID)
        self.starts = ends[ends < len(self.tokens) - CONTEXT - 2]
        if len(self.starts) == 0:
            fail(f"'{paths[0]}' is too short: it needs at least one document before its last {CONTEXT + 2} tokens")
        self.order, self.next = self.rng.permutation(self.starts), 0

    def batch(self, size, length):
        """Inputs and targets, [size x length] token ids each."""
        rows = []
        for _ in range(size):
            if self.next == len(self.order):
                self.order, self.next = self.rng.permutation(self.starts), 0
            start = self.order[self.next] + self.rng.integers(2)
            self.next += 1
            rows.append(self.tokens[start : start + length + 1])
        block = torch.from_numpy(np.stack(rows).astype(np.int64))
        return block[:, :-1], block[:, 1:]


def loss_of(model, inputs, targets, bf16):
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        logits = model(input_ids=inputs, use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


@torch.no_grad()
def validate(model, path, bf16, batches):
    windows = Windows([path], seed=7)
    losses = [loss_of(model, *windows.batch(8, LENGTH), bf16).item() for _ in range(batches)]
    return round(sum(losses) / len(losses), 4)


def rate_at(args, step, done):
    """The learning rate: linear warm-up times a cosine over `done`, the part of the time that is over."""
    cosine = LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))
    return args.lr * (min(1.0, (step + 1) / args.warmup) * cosine)


def batch_shape(step):
    return (max(1, BATCH * LENGTH // CONTEXT), CONTEXT) if step % LONG_EVERY == 0 else (BATCH, LENGTH)


def update(model, optimizer, rate, inputs, targets):
    """One step of the optimizer; the loss before it."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = loss_of(model, inputs, targets, True)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def log(**fields):
    print(json.dumps(fields), flush=True)


def train(args, model):
    optimizer = build_optimizer(model, args.lr)
    windows, validation = Windows(args.train, seed=1), args.work / "validation.bin"
    needed(validation, "tokenize_corpus.py writes it")
    losses, step, seen = [], 0, 0
    start = last_save = time.time()
    while (minutes := (time.time() - start) / 60) < min(args.minutes, args.stop):
        rate, (size, length) = rate_at(args, step, minutes / args.minutes), batch_shape(step)
        losses.append(update(model, optimizer, rate, *windows.batch(size, length)))
        step, seen = step + 1, seen + size * length
        if step % LOG_EVERY == 0:
            log(step=step, tokens=seen, loss=round(sum(losses) / len(losses), 4), lr=round(rate, 6),
                tokens_per_s=round(seen / (time.time() - start)))
            losses = []
        if time.time() - last_save > SAVE_EVERY:
            model.save_pretrained(args.work / "hf")
            log(step=step, val_loss=validate(model, validation, True, 8))
            last_save = time.time()
    model.save_pretrained(args.work / "hf")
    log(step=step, tokens=seen, final_val_loss=validate(model, validation, False, 48))


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--train", type=pathlib.Path, nargs="+", metavar="FILE",
                        help="token files to train on (default: WORK/train.bin)")
    parser.add_argument("--init", type=pathlib.Path, metavar="FOLDER", help="go on from this checkpoint")
    parser.add_argument("--minutes", type=float, default=40, help="length of the schedule (default: 40)")
    parser.add_argument("--stop", type=float, default=math.inf, metavar="MINUTES",
                        help="stop before the schedule is over (default: never)")
    parser.add_argument("--lr", type=float, default=2e-3, help="highest learning rate (default: 0.002)")
    parser.add_argument("--warmup", type=int, default=300, metavar="STEPS", help="default: 300")
    args = parser.parse_args()
    args.train = args.train or [args.work / "train.bin"]
    torch.manual_seed(1)
    torch.set_num_threads(2)
    logging.disable_progress_bar()
    train(args, build_model(args.init))


if __name__ == "__main__":
    main()
