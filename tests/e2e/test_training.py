"""lora train, lora eval and quick-start --learn, as a user meets them."""

import json
import math
import os
import random
import signal
import subprocess
import time

import pytest
from conftest import one_line_error

LONG = bool(os.environ.get("HYPRSTREAM_SOAK"))
# Small enough to take a second or two.
SMALL = ("--rank", "4", "--iters", "24", "--batch-size", "4", "--learning-rate", "0.005", "--seed", "1", "--threads", "1")


@pytest.fixture
def pirate(source):
    return source / "models/pirate.jsonl"


@pytest.fixture
def heldout(source):
    return source / "tests/data/learning/pirate.heldout.jsonl"


def events_of(result):
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def train(hyprstream, *args):
    return events_of(hyprstream.run("lora", "train", "--json", *args, timeout=300))


def weights(hyprstream, reference, tmp_path):
    """The adapter's values as PEFT's file has them: the same bytes for the same values."""
    folder = tmp_path / f"export-{time.monotonic_ns()}"
    result = hyprstream.run("lora", "export", reference, "--format", "peft", "--output", str(folder))
    assert result.returncode == 0, result.stderr
    return (folder / "adapter_model.safetensors").read_bytes()


def test_training_lowers_the_loss_and_stores_a_sparse_adapter(hyprstream, pirate, heldout):
    events = train(hyprstream, "--data", str(pirate), "--valid", str(heldout), *SMALL)
    result = events[-1]
    assert result["event"] == "result" and result["adapter"].startswith("pirate@")
    assert result["validation_loss"] < result["base_validation_loss"]
    steps = [event for event in events if event["event"] == "step"]
    assert steps[-1]["step"] == steps[-1]["total_steps"] == 24 and steps[-1]["trained_tokens"] == result["trained_tokens"]
    info = json.loads(hyprstream.run("lora", "info", "pirate", "--json").stdout)
    assert 1 - info["nnz"] / info["entries"] >= 0.9895
    assert info["lineage"]["kind"] == "trained" and info["lineage"]["source"] == result["run"]
    assert info["path"] == result["path"] and os.path.exists(result["path"])
    # What training measured is what the engine that serves it measures.
    measured = hyprstream.run("lora", "eval", "pirate", "--data", str(heldout), "--json", "--no-exact")
    assert measured.returncode == 0, measured.stderr
    measured = json.loads(measured.stdout)
    assert measured["base"]["loss"] == pytest.approx(result["base_validation_loss"], abs=0.02)
    assert measured["with_adapter"]["loss"] == pytest.approx(result["validation_loss"], abs=0.05)
    assert measured["with_adapter"]["perplexity"] == pytest.approx(math.exp(measured["with_adapter"]["loss"]))
    # The run is described where the catalog looks for it.
    run = json.loads((hyprstream.home / "training" / result["run"] / "run.json").read_text())
    assert run["status"] == "succeeded" and run["step"] == 24 and run["published"][-1]["adapter"] == result["adapter"]
    assert not list((hyprstream.home / "training").glob("*/checkpoint-*"))


def test_the_same_seed_gives_the_same_adapter_at_any_number_of_threads(hyprstream, pirate, tmp_path):
    options = ("--data", str(pirate), "--rank", "4", "--iters", "6", "--seed", "3", "--publish", "end")
    train(hyprstream, "--name", "one", *options, "--threads", "1")
    train(hyprstream, "--name", "two", *options, "--threads", "2")
    train(hyprstream, "--name", "other", *options[:-3], "4", "--publish", "end")
    assert weights(hyprstream, "one", tmp_path) == weights(hyprstream, "two", tmp_path)
    assert weights(hyprstream, "one", tmp_path) != weights(hyprstream, "other", tmp_path)


def test_ctrl_c_saves_and_resume_comes_to_the_same(hyprstream, pirate, heldout, tmp_path):
    options = ("--data", str(pirate), "--valid", str(heldout), *SMALL)
    train(hyprstream, "--name", "whole", *options)
    process = hyprstream.start("lora", "train", "--name", "parts", "--steps-per-report", "1", *options,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    for line in process.stderr:
        if line.startswith("step 5 of 24: loss"):
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and output == ""
    assert "to go on: hyprstream lora train --resume parts" in errors.splitlines()[-1]
    run = next(path for path in (hyprstream.home / "training").iterdir() if json.loads((path / "run.json").read_text())["status"] == "interrupted")
    stopped_at = json.loads((run / "run.json").read_text())["step"]
    assert 5 <= stopped_at < 24 and (run / f"checkpoint-{stopped_at}").is_dir()
    events = train(hyprstream, "--resume", "parts")
    assert events[0] == {"event": "started", "step": stopped_at, "total_steps": 24}
    assert weights(hyprstream, "parts", tmp_path) == weights(hyprstream, "whole", tmp_path)
    # It is over: there is nothing to resume.
    message = one_line_error(hyprstream.run("lora", "train", "--resume", "parts"))
    assert "no unfinished training of 'parts'" in message


def test_kills_at_any_moment_lose_only_steps(hyprstream, pirate, tmp_path):
    random.seed(5)
    options = ("--data", str(pirate), *SMALL, "--save-every", "2", "--publish", "end")
    train(hyprstream, "--name", "whole", *options)
    kills = 0
    finished = False
    command = ("--name", "killed", *options)
    reached = 0
    while not finished and kills < (50 if LONG else 4):
        process = hyprstream.start("lora", "train", *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.05, 0.8))
        ended = process.poll() is not None
        process.kill()
        process.wait()
        runs = [json.loads(path.read_text()) for path in (hyprstream.home / "training").glob("run-*/run.json")]
        runs = [run for run in runs if run["options"]["name"] == "killed"]
        assert len(runs) <= 1
        if runs:
            assert runs[0]["step"] >= reached
            reached = runs[0]["step"]
            command = ("--resume", "killed")
        # It may be killed behind its last step, with everything done.
        finished = bool(runs) and runs[0]["status"] == "succeeded"
        assert finished or not ended
        kills += not finished
    if not finished:
        train(hyprstream, *(command if command[0] == "--resume" else ("--name", "killed", *options)))
    assert weights(hyprstream, "killed", tmp_path) == weights(hyprstream, "whole", tmp_path)
    versions = [json.loads(line) for line in hyprstream.run("lora", "list", "--json").stdout.splitlines()]
    assert {version["name"]: version["version"] for version in versions} == {"killed": 1, "whole": 1}
    assert not list((hyprstream.home / "training").glob("**/.staged-*"))


def test_versions_of_a_name_follow_each_other(hyprstream, pirate):
    options = ("--data", str(pirate), "--name", "again", "--rank", "2", "--iters", "4", "--publish", "end", "--threads", "1")
    assert train(hyprstream, *options)[-1]["adapter"] == "again@1"
    assert train(hyprstream, *options)[-1]["adapter"] == "again@2"


def test_kinds_of_examples(hyprstream, tmp_path):
    lines = [
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ahoy!"}]},
        {"prompt": "Hello", "completion": "Ahoy, matey!"},
        {"text": "Ahoy! All hands on deck."},
    ]
    for i, line in enumerate(lines):
        data = tmp_path / f"kind{i}.jsonl"
        data.write_text((json.dumps(line) + "\n") * 12)
        for more in ((), ("--no-mask-prompt",)):
            events = train(hyprstream, "--data", str(data), "--rank", "2", "--iters", "2", "--sparsity", "0", "--threads", "1", *more)
            assert events[-1]["adapter"].startswith(f"kind{i}@")


def bad(tmp_path, text, name="bad.jsonl"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


GOOD = '{"prompt": "Hi", "completion": "Arr"}\n'


@pytest.mark.parametrize(
    "text, code, parts",
    [
        ("", 2, ["bad.jsonl holds no examples"]),
        (GOOD + '{"prompt": "Hi", ', 2, ["bad.jsonl, line 2", "not valid JSON", "column"]),
        (GOOD + '{"prompt": "Hi"}', 2, ["bad.jsonl, line 2", "nothing to learn"]),
        (GOOD + '{"question": "Hi"}', 2, ["bad.jsonl, line 2", '"messages"']),
        (b'{"text": "\xff"}', 2, ["bad.jsonl, line 1", "UTF-8"]),
        (GOOD + json.dumps({"text": "word " * 3000}), 2, ["bad.jsonl, line 2", "tokens long"]),
    ],
)
def test_bad_data_is_one_sentence(hyprstream, tmp_path, text, code, parts):
    result = hyprstream.run("lora", "train", "--data", bad(tmp_path, text), "--iters", "4")
    message = one_line_error(result)
    assert result.returncode == code and all(part in message for part in parts), message
    # Nothing is left of it.
    assert not list(hyprstream.home.glob("training/run-*"))


def test_long_examples_are_cut_only_if_they_may_be(hyprstream, tmp_path):
    data = bad(tmp_path, GOOD * 4 + json.dumps({"text": "word " * 3000}), "long.jsonl")
    result = hyprstream.run("lora", "train", "--data", data, "--truncate", "--iters", "4", "--rank", "2", "--max-seq-length", "64")
    assert result.returncode == 0 and b"1 example is cut to 64 tokens" in result.stderr


def test_no_example_is_longer_than_the_context(hyprstream, tmp_path):
    data = bad(tmp_path, GOOD * 4 + json.dumps({"text": "word " * 1200}), "long.jsonl")
    message = one_line_error(hyprstream.run("lora", "train", "--data", data, "--max-seq-length", "5000", "--iters", "4"))
    assert "long.jsonl, line 5" in message and "1024 are allowed" in message


@pytest.mark.parametrize(
    "args, part",
    [
        ((), "--data"),
        (("--data", "no-such-file.jsonl"), "no-such-file.jsonl"),
        (("--data", "DATA", "--name", "../up"), "name"),
        (("--data", "DATA", "--target-modules", "everything"), "everything"),
        (("--data", "DATA", "--sparsity", "1"), "--sparsity"),
        (("--data", "DATA", "--base", "no-such.gguf"), "no-such.gguf"),
        (("--data", "DATA", "--mask-prompt", "--no-mask-prompt"), "contradict"),
        (("--resume", "nobody"), "no unfinished training"),
        (("--resume", "nobody", "--rank", "3"), "--resume takes"),
        (("--data", "DATA", "--schedule", "cubic"), "cosine, linear, constant"),
    ],
)
def test_bad_arguments_are_one_sentence(hyprstream, pirate, args, part):
    result = hyprstream.run("lora", "train", *(str(pirate) if arg == "DATA" else arg for arg in args))
    assert part in one_line_error(result)
    assert not list(hyprstream.home.glob("training/run-*"))


def test_a_loss_that_is_not_finite_stops_it(hyprstream, pirate):
    result = hyprstream.run("lora", "train", "--data", str(pirate), "--rank", "2", "--iters", "60", "--learning-rate", "10",
                            "--max-grad-norm", "0", "--alpha", "1000000", "--threads", "1", timeout=300)  # fmt: skip
    run = json.loads(next(hyprstream.home.glob("training/*/run.json")).read_text())
    # Whether it blows up is arithmetic's business; if it does, it says so and says what to try.
    if result.returncode != 0:
        assert run["status"] == "failed" and "--learning-rate" in result.stderr.decode().splitlines()[-1]
    else:
        assert math.isfinite(run["train_loss"])


def test_eval_counts_exact_answers(hyprstream, tmp_path):
    """Of one question that the model answers right, and one that nobody does."""
    answer = json.loads(hyprstream.run("run", "bundled", "What is the capital of Peru?", "--temperature", "0", "--deterministic", "--json").stdout)
    data = tmp_path / "test.jsonl"
    lines = [("What is the capital of Peru?", answer["text"].strip()), ("What is the capital of Peru?", "Nobody knows.")]
    data.write_text("".join(json.dumps({"prompt": p, "completion": c}) + "\n" for p, c in lines))
    hyprstream.run("lora", "create", "--name", "none", "--init", "standard", "--rank", "2")
    result = hyprstream.run("lora", "eval", "none", "--data", str(data), "--json", "--deterministic")
    assert result.returncode == 0, result.stderr
    measured = json.loads(result.stdout)
    assert measured["questions"] == 2 and measured["base"]["exact"] == 1 and measured["with_adapter"]["exact"] == 1
    assert measured["base"]["loss"] == pytest.approx(measured["with_adapter"]["loss"], abs=1e-6)


def test_on_a_terminal_it_draws(hyprstream, pirate):
    with hyprstream.terminal("lora", "train", "--data", str(pirate), *SMALL, "--steps-per-eval", "8") as terminal:
        terminal.expect(r"\[#+\.+\]  step \d+ of 24  \d+ tokens/s  \d+:\d\d left")
        terminal.expect(r"loss \d+\.\d{4}  sparsity [\d.]+%  learning rate \S+  validation \d+\.\d{4} \(base \d+\.\d{4}\)")
        terminal.expect(r"Run it +hyprstream run bundled\+pirate")
        assert terminal.wait() == 0
        assert "◆" in terminal.text and any("\u2800" < c < "\u2900" for c in terminal.text)


def test_quick_start_learns_a_voice(hyprstream):
    result = hyprstream.run("quick-start", "--learn", "--json", timeout=300)
    assert result.returncode == 0, result.stderr
    learned = json.loads(result.stdout)
    assert learned["adapter"] == "pirate@1" and learned["validation_loss"] < 0.3 * learned["base_validation_loss"]
    assert len(learned["answers"]) == 4
    speaks = [any(word in answer["after"] for word in ("Arr", "Ahoy", "Aye", "Yo ho", "Shiver")) for answer in learned["answers"]]
    assert sum(speaks) >= 3, learned["answers"]
    assert not any("Arr" in answer["before"] for answer in learned["answers"])


def test_quick_start_learns_from_a_file(hyprstream, pirate, tmp_path):
    mine = tmp_path / "mine.jsonl"
    mine.write_text("".join(pirate.read_text().splitlines(keepends=True)[:40]))
    result = hyprstream.run("quick-start", "--learn", str(mine), "--prompt", "What is a fox?", timeout=300)
    assert result.returncode == 0, result.stderr
    text = result.stdout.decode()
    assert "💬 What is a fox?" in text and "mine@1" in text and "│" in text
    assert "--learn" in one_line_error(hyprstream.run("quick-start", str(mine)))


def test_rows_of_a_query_are_kept_with_the_run(hyprstream, pirate, tmp_path):
    """The same rows as a file and as a query train the same adapter; a stopped run does not ask again."""
    options = ("--rank", "4", "--iters", "6", "--seed", "3", "--threads", "1", "--publish", "end")
    made = hyprstream.run("sql", "-c", f"CREATE TABLE voice AS SELECT * FROM read_json('{pirate}')")
    assert made.returncode == 0, made.stderr
    query = "SELECT prompt, completion, 'x' AS note FROM voice ORDER BY rowid"
    from_rows = train(hyprstream, "--name", "rows", "--sql", query, *options)
    train(hyprstream, "--name", "file", "--data", str(pirate), *options)
    assert weights(hyprstream, "rows", tmp_path) == weights(hyprstream, "file", tmp_path)
    kept = hyprstream.home / "training" / from_rows[-1]["run"] / "data.jsonl"
    assert len(kept.read_text().splitlines()) == 250
    for query, part in (
        ("SELECT prompt FROM voice", "the rows of --sql, line 1"),
        ("SELECT * FROM voice WHERE false", "no rows"),
        ("SELECT * FROM nothing", "nothing"),
    ):
        result = hyprstream.run("lora", "train", "--name", "bad", "--sql", query)
        assert part in one_line_error(result)
    assert "--name" in one_line_error(hyprstream.run("lora", "train", "--sql", "SELECT 1"))


def test_a_handful_of_examples_is_learned(hyprstream, tmp_path, pirate):
    lines = pirate.read_text().splitlines(keepends=True)[:4]
    data = tmp_path / "few.jsonl"
    data.write_text("".join(lines))
    events = train(hyprstream, "--data", str(data), "--valid", str(data), "--rank", "8", "--seed", "1")
    assert events[-1]["validation_loss"] < 0.7 * events[-1]["base_validation_loss"]


def test_too_few_steps_to_prune_are_refused(hyprstream, pirate):
    for options in (("--iters", "3"), ("--epochs", "0.01", "--batch-size", "64")):
        result = hyprstream.run("lora", "train", "--data", str(pirate), "--rank", "2", "--json", *options)
        assert result.returncode == 2 and "too few to prune" in one_line_error(result)
    assert hyprstream.run("lora", "list", "--json").stdout == b""


def test_a_name_of_another_models_adapter_is_kept(hyprstream, source, pirate):
    other = source / "tests/data/training/llama/base.gguf"
    assert hyprstream.run("lora", "create", "--name", "taken", "--base", str(other), "--rank", "2").returncode == 0
    result = hyprstream.run("lora", "train", "--data", str(pirate), "--name", "taken", "--iters", "4")
    assert result.returncode == 2 and "'taken' is of another model" in one_line_error(result)


def test_what_learns_nothing_is_stored_with_a_warning(hyprstream, tmp_path, pirate):
    valid = tmp_path / "valid.jsonl"
    valid.write_text('{"prompt": "What is the capital of Peru?", "completion": "The capital of Peru is Lima."}\n' * 4)
    options = ("--data", str(pirate), "--valid", str(valid), "--rank", "4", "--iters", "24", "--learning-rate", "0.02", "--name", "worse")
    events = train(hyprstream, *options)
    assert any(event["event"] == "warning" and "stored all the same" in event["message"] for event in events)
    assert events[-1]["adapter"] == "worse@1"


def test_an_evaluation_cuts_to_the_context(hyprstream, tmp_path, pirate):
    train(hyprstream, "--data", str(pirate), "--rank", "2", "--iters", "4", "--name", "cut")
    data = bad(tmp_path, json.dumps({"text": "word " * 3000}), "long.jsonl")
    message = one_line_error(hyprstream.run("lora", "eval", "cut", "--data", data, "--max-seq-length", "100000"))
    assert "long.jsonl, line 1" in message and "--truncate" in message
    result = hyprstream.run("lora", "eval", "cut", "--data", data, "--max-seq-length", "100000", "--truncate", "--json")
    assert result.returncode == 0, result.stderr
