"""Tests of tools/bundled-model: what is said to be reproducible is, and the data in this repository comes from it."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
RECIPE = SOURCE / "tools" / "bundled-model"
LEARNING = SOURCE / "tests" / "data" / "learning"
END = "<|endoftext|>\n"

# make_corpus.py --seed 5 --characters 400000
CORPUS = {
    "train.txt": "95067bda34a895b6b6f43d227b1cec62bf473d25756ea2e2d421a2bf6d722974",
    "train2.txt": "52da7b876fe31ff774e7dadbf6320f701da335374612777fe261081132264616",
    "validation.txt": "16cb3e68d9a8a747eca86e1f6a0ca40f05604cfeb5bfb0d2250d904a5a03f068",
}


def run(script, *args, hash_seed="0"):
    """Run a script; sets have another order under each hash seed, which no result may depend on."""
    environment = dict(os.environ, PYTHONHASHSEED=hash_seed)
    return subprocess.run([sys.executable, "-B", RECIPE / script, *args], env=environment, capture_output=True,
                          text=True, check=False)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows(name):
    return [json.loads(line) for line in (LEARNING / name).read_text().splitlines()]


def documents(path):
    return [text for text in path.read_text().split(END) if text]


class BundledModelTest(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def succeed(self, *args, **options):
        result = run(*args, **options)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_adapter_data_is_what_the_recipe_writes(self):
        for hash_seed in ("0", "1"):
            out = self.work / hash_seed
            self.succeed("make_adapters.py", out, hash_seed=hash_seed)
            self.assertEqual(sorted(p.name for p in out.iterdir()), sorted(p.name for p in LEARNING.iterdir()))
            for path in out.iterdir():
                self.assertEqual(path.read_bytes(), (LEARNING / path.name).read_bytes(), path.name)

    def test_held_out_prompts_are_not_in_the_training_sets(self):
        for name in ("pirate", "facts"):
            prompts = {row["prompt"] for row in rows(f"{name}.jsonl")}
            self.assertFalse(prompts & {row["prompt"] for row in rows(f"{name}.heldout.jsonl")}, name)
        poems = {row["completion"] for row in rows("haiku.jsonl")}
        self.assertFalse(poems & {row["completion"] for row in rows("haiku.heldout.jsonl")})

    def test_corpus_is_the_same_every_time(self):
        for hash_seed in ("0", "1"):
            self.succeed("make_corpus.py", self.work, "--seed", "5", "--characters", "400000", hash_seed=hash_seed)
            self.assertEqual({name: sha256(self.work / name) for name in CORPUS}, CORPUS)

    def test_validation_text_is_not_in_the_training_text(self):
        self.succeed("make_corpus.py", self.work, "--characters", "400000")
        train = set(documents(self.work / "train.txt"))
        self.assertFalse(train & set(documents(self.work / "validation.txt")))

    def test_fresh_text_leaves_the_held_out_text_out(self):
        held_out, fresh = self.work / "held-out.txt", self.work / "fresh"
        self.succeed("make_corpus.py", self.work, "--characters", "400000")
        known = documents(self.work / "train.txt")[:200]
        held_out.write_text("".join(text + END for text in known))
        self.succeed("make_corpus.py", fresh, "--characters", "400000", "--held-out", held_out)
        self.assertEqual(sorted(p.name for p in fresh.iterdir()), ["train.txt", "train2.txt"])
        for path in fresh.iterdir():
            self.assertFalse(set(documents(path)) & set(known), path.name)

    def test_a_missing_input_is_named_in_one_sentence(self):
        result = run("make_corpus.py", self.work, "--held-out", self.work / "nothing.txt")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, f"make_corpus.py: '{self.work}/nothing.txt' is missing; make_corpus.py writes it\n")

    def test_every_script_compiles(self):
        for path in sorted(RECIPE.glob("*.py")):
            compile(path.read_text(encoding="utf-8"), path, "exec")

    def test_the_model_card_names_the_model(self):
        card = (SOURCE / "models" / "README.md").read_text(encoding="utf-8")
        self.assertIn(sha256(SOURCE / "models" / "hypr-tiny-q8_0.gguf"), card)


if __name__ == "__main__":
    unittest.main()
