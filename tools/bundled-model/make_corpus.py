"""Write the texts of the bundled model, generated from word lists and templates, into WORK.

train.txt is mostly stories; train2.txt, for the end of the training, is mostly chat; validation.txt comes from the
same templates with another seed, without the documents that are in train.txt. The same options always give the
same bytes. Every document ends with <|endoftext|> and a line break.
"""

import pathlib
import random

from chat import chat
from common import END, argument_parser, documents
from essays import essay
from stories import story

# Each kind of document with its share of the characters.
SHARES = {story: 0.55, chat: 0.30, essay: 0.15}
LATE_SHARES = {story: 0.30, chat: 0.58, essay: 0.12}
VALIDATION_CHARACTERS = 200_000


def generate(seed, characters, shares, unwanted):
    """Yield documents until the text is long enough, keeping each kind at its share."""
    rng = random.Random(seed)
    written = dict.fromkeys(shares, 0)
    while sum(written.values()) < characters:
        make = min(shares, key=lambda kind: written[kind] / shares[kind])
        document = make(rng)
        if document not in unwanted:
            written[make] += len(document)
            yield document


def write(path, seed, characters, shares, unwanted):
    """Write one text; return the set of its documents."""
    texts = list(generate(seed, characters, shares, unwanted))
    random.Random(seed).shuffle(texts)
    path.write_text("".join(text + END + "\n" for text in texts), encoding="utf-8")
    print(f"{path.name}: {len(texts)} documents, {len(set(texts))} different, {sum(map(len, texts))} characters")
    return set(texts)


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--characters", type=int, default=60_000_000,
                        help="length of train.txt, of which train2.txt gets half (default: 60 million)")
    parser.add_argument("--held-out", type=pathlib.Path, metavar="FILE",
                        help="leave the documents of this validation text out instead of writing a new one")
    args = parser.parse_args()
    held_out = {text.removesuffix(END) for text in documents(args.held_out)} if args.held_out else set()
    args.work.mkdir(parents=True, exist_ok=True)
    train = write(args.work / "train.txt", args.seed, args.characters, SHARES, held_out)
    if not args.held_out:
        held_out = write(args.work / "validation.txt", args.seed + 1000, VALIDATION_CHARACTERS, SHARES, train)
    write(args.work / "train2.txt", args.seed + 1, args.characters // 2, LATE_SHARES, held_out)


if __name__ == "__main__":
    main()
