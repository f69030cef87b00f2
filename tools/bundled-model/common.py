"""What the scripts of this folder share: special tokens, where a work folder keeps its files, clear failures."""

import argparse
import contextlib
import pathlib
import sys

END, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL_TOKENS = (END, IM_START, IM_END)  # their ids are their positions here
VOCABULARY = 2048  # tokens
CONTEXT = 1024  # tokens


def fail(sentence):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {sentence}")


@contextlib.contextmanager
def needed_packages():
    """Around imports from outside the standard library: a missing one is named in a sentence."""
    try:
        yield
    except ModuleNotFoundError as error:
        fail(f"the Python package '{error.name}' is missing; tools/bundled-model/README.md says what is needed")


def needed(path, origin):
    """`path`, if it is there; `origin` says what makes it."""
    if not path.exists():
        fail(f"'{path}' is missing; {origin}")
    return path


def argument_parser(doc):
    """A parser with the argument that every step takes: the folder that holds all files of one model."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path, help="folder for the texts, the checkpoint and the GGUF files")
    return parser


def documents(path):
    """The documents of a text file, each with its end token; the line break after it is only for people."""
    text = needed(path, "make_corpus.py writes it").read_text(encoding="utf-8")
    return [document + END for document in text.split(END + "\n") if document]
