"""The lora commands, and adapters in run and quick-start, as a user meets them."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from conftest import one_line_error

GREEDY = ("--temperature", "0", "--threads", "1", "--deterministic")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
QUICK_START = re.compile(
    rf"""🚀 Hyprstream Quick Start
📁 Model: [^\n]+
💭 Prompt: (?P<prompt>[^\n]+)

✅ Loaded model: [^\n]+
📎 Added LoRA adapter: LoRA-(?P<short>[0-9a-f]{{8}})
🔥 Applied (?P<sparsity>[\d.]+)% sparsity to LoRA (?P<id>{UUID})   \((?P<nnz>\d+) of (?P<total>\d+) values, [\d.]+ [kM]?B\)

🔮 Generating\.\.\.
🧠 Generating with 1 LoRA adapter\(s\): \["(?P<used>{UUID})"\]

📝 Generated text:
\[LoRA-(?P<label>[0-9a-f]{{8}})\] (?P<text>.+)

⏱️  Time: \d+\.\d\ds
🏃 Speed: \d+\.\d tokens/s
🔬 Adapter effect: mean \|Δlogit\| (?P<change>\S+), KL (?P<kl>\S+) nats per token, top token changed at (?P<top>\d+) of (?P<positions>\d+) positions
📎 Used LoRA adapters: \["(?P<used_again>{UUID})"\]
""",
    re.DOTALL,
)


def create(hyprstream, name, *more):
    result = hyprstream.run("lora", "create", "--name", name, "--seed", "1", "--json", *more)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def answer(hyprstream, model, *more):
    result = hyprstream.run("run", model, "Tell me a story about a fox.", *GREEDY, "--max-tokens", "24", "--json", *more)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_quick_start_with_a_new_adapter(hyprstream):
    result = hyprstream.run("quick-start", "--create-lora", "--lora-rank", "16", "--prompt", "The future of AI is", "--seed", "1")
    assert result.returncode == 0 and result.stderr == b""
    match = QUICK_START.fullmatch(result.stdout.decode())
    assert match, result.stdout.decode()
    assert match["text"].startswith("The future of AI is")
    assert match["id"] == match["used"] == match["used_again"] and match["id"].startswith(match["short"])
    assert match["label"] == match["short"]
    assert int(match["nnz"]) <= int(match["total"]) * 0.01
    # 16 x (in + out) of q and v in each of the 5 layers.
    assert int(match["total"]) % 16 == 0
    assert float(match["change"]) > 0 and float(match["kl"]) > 0
    # It is a stored adapter like any other.
    listed = [json.loads(line) for line in hyprstream.run("lora", "list", "--json").stdout.splitlines()]
    assert [adapter["id"] for adapter in listed] == [match["id"]]
    assert listed[0]["nnz"] == int(match["nnz"]) and listed[0]["rank"] == 16


def test_the_effect_that_quick_start_prints_is_the_measured_one(hyprstream, tmp_path):
    """compare, on the same tokens, finds the same figures; they depend on the adapter."""
    prompt = "The future of AI is"
    for seed in range(1, 6):
        result = hyprstream.run("quick-start", "--create-lora", "--json", "--prompt", prompt, "--seed", str(seed))
        shown = json.loads(result.stdout)
        text = tmp_path / "text"
        text.write_text(prompt + shown["text"])
        name = shown["adapters"][0]["name"]
        compared = json.loads(hyprstream.run("lora", "compare", name, "--text", str(text), "--json").stdout)
        # Text is not always cut into the tokens that it was generated in.
        if compared["positions"] == shown["adapter_effect"]["positions"]:
            break
    else:
        pytest.fail("no text was tokenized as it was generated")
    for figure in ("mean_logit_change", "kl_divergence"):
        assert shown["adapter_effect"][figure] == pytest.approx(compared[figure], rel=0.05), figure
    assert compared["kl_divergence"] > 0 and compared["from"]["loss"] != compared["to"]["loss"]
    other = json.loads(hyprstream.run("quick-start", "--create-lora", "--json", "--prompt", prompt, "--seed", "99").stdout)
    assert other["adapter_effect"]["mean_logit_change"] != shown["adapter_effect"]["mean_logit_change"]


def test_create_list_info_delete(hyprstream):
    made = create(hyprstream, "first", "--rank", "4", "--target-modules", "all", "--alpha", "8")
    assert made["version"] == 1 and made["rank"] == 4 and made["alpha"] == 8 and len(made["target_modules"]) == 7
    assert made["sparsity"] >= 0.99 and made["nnz"] == sum(pair["nnz"] for pair in made["pairs"])
    again = create(hyprstream, "again", "--rank", "4", "--target-modules", "all", "--alpha", "8")
    assert again["pairs"] == made["pairs"] and again["id"] != made["id"]  # the same seed
    for reference in ("first", "first@1", made["id"], made["id"][:8]):
        assert json.loads(hyprstream.run("lora", "info", reference, "--json").stdout)["id"] == made["id"]
    picture = hyprstream.run("lora", "info", "first").stdout.decode()
    assert "down_proj" in picture and "█" in picture
    assert hyprstream.run("lora", "delete", "again", "--yes").returncode == 0
    assert [json.loads(line)["name"] for line in hyprstream.run("lora", "list", "--json").stdout.splitlines()] == ["first"]
    assert "add --yes" in one_line_error(hyprstream.run("lora", "delete", "first"))
    terminal = hyprstream.terminal("lora", "delete", "first")
    terminal.expect("[y/N]")
    terminal.send("n\r")
    assert terminal.wait() == 1
    assert hyprstream.run("lora", "info", "first").returncode == 0


def test_sparsify_makes_a_version_and_keeps_the_old_one(hyprstream):
    made = create(hyprstream, "dense", "--sparsity", "0")
    assert made["sparsity"] == 0
    result = hyprstream.run("lora", "sparsify", "dense", "--sparsity", "0.995", "--json")
    pruned = json.loads(result.stdout)
    assert pruned["version"] == 2 and 0.995 <= pruned["sparsity"] < 0.9952 and pruned["id"] == made["id"]
    assert pruned["lineage"]["source"] == "dense@1" and pruned["lineage"]["parent_sha256"] == made["sha256"]
    assert json.loads(hyprstream.run("lora", "info", "dense@1", "--json").stdout)["sha256"] == made["sha256"]


def test_run_with_adapters(hyprstream):
    create(hyprstream, "loud", "--sparsity", "0", "--target-modules", "all")
    base = answer(hyprstream, "bundled")
    assert base["adapters"] == []
    assert answer(hyprstream, "bundled+loud:0")["tokens"] == base["tokens"]
    strong = answer(hyprstream, "bundled+loud:8")
    assert strong["tokens"] != base["tokens"]
    assert strong["adapters"][0]["name"] == "loud" and strong["adapters"][0]["scale"] == 8
    # Deltas add up.
    assert answer(hyprstream, "bundled+loud:5+loud:3")["tokens"] == strong["tokens"]
    assert answer(hyprstream, "bundled+loud:8+loud:-8")["tokens"] == base["tokens"]
    assert answer(hyprstream, "+loud:8")["tokens"] == strong["tokens"]


def test_a_model_path_may_have_a_plus_in_it(hyprstream, bundled, tmp_path):
    folder = tmp_path / "c++"
    folder.mkdir()
    model = folder / "a+b.gguf"
    model.symlink_to(bundled)
    create(hyprstream, "loud", "--sparsity", "0", "--target-modules", "all")
    assert answer(hyprstream, str(model))["adapters"] == []
    assert answer(hyprstream, f"{model}+loud:8")["tokens"] == answer(hyprstream, "bundled+loud:8")["tokens"]


@pytest.mark.parametrize("form", ["native", "gguf", "peft"])
def test_exchange_keeps_every_value(hyprstream, tmp_path, form):
    made = create(hyprstream, "first", "--target-modules", "all", "--rank", "6", "--alpha", "9")
    path = tmp_path / "exported"
    assert hyprstream.run("lora", "export", "first", "--format", form, "-o", str(path)).returncode == 0
    imported = json.loads(hyprstream.run("lora", "import", str(path), "--name", "second", "--json").stdout)
    assert imported["nnz"] == made["nnz"] and imported["alpha"] == made["alpha"]
    for ours, theirs in zip(made["pairs"], imported["pairs"], strict=True):
        assert (ours["nnz"], ours["layer"], ours["module"]) == (theirs["nnz"], theirs["layer"], theirs["module"])
        assert ours["norm"] == pytest.approx(theirs["norm"], rel=1e-6)
    assert "is there already" in one_line_error(hyprstream.run("lora", "export", "first", "--format", form, "-o", str(path)))
    if form == "gguf":
        # llama.cpp's own program reads it.
        result = subprocess.run(
            ["llama-completion", "-m", hyprstream.env["HYPRSTREAM_PREFIX"] + "/models/hypr-tiny-q8_0.gguf", "--lora", path]
            + ["-p", "Hello", "-n", "1", "-t", "1", "-no-cnv"],
            capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr[-500:]


def test_merge_says_what_the_adapter_says(hyprstream, tmp_path):
    create(hyprstream, "loud", "--sparsity", "0", "--target-modules", "all")
    merged = tmp_path / "merged.gguf"
    result = hyprstream.run("lora", "merge", "loud:4", "-o", str(merged), "--quantize", "f32", timeout=120)
    assert result.returncode == 0, result.stderr
    with_adapter = answer(hyprstream, "bundled+loud:4", "--kv-cache-type", "f32")
    from_merged = answer(hyprstream, str(merged), "--kv-cache-type", "f32")
    # Rounding differs between Q8_0 products and F32 ones: the first tokens are far from a tie.
    assert from_merged["tokens"][:4] == with_adapter["tokens"][:4]


def test_an_adapter_that_changes_nothing_is_accepted_with_a_warning(hyprstream):
    create(hyprstream, "blank", "--init", "standard")
    result = hyprstream.run("run", "bundled+blank", "Hello", "--max-tokens", "1")
    assert result.returncode == 0 and b"changes nothing" in result.stderr
    assert "lora train" in one_line_error(hyprstream.run("lora", "sparsify", "blank"))


def test_the_store_may_be_read_only(hyprstream):
    hyprstream.home.mkdir()
    (hyprstream.home / "adapters").write_text("not a directory")
    result = hyprstream.run("quick-start", "--create-lora", "--max-tokens", "4")
    assert result.returncode == 0 and b"used but not kept" in result.stderr
    assert result.stdout.decode().count("📎") == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["lora", "create", "--rank", "0"], "1 to 65536"),
        (["lora", "create", "--rank", "65537"], "1 to 65536"),
        (["lora", "create", "--sparsity", "1"], "from 0 to below 1"),
        (["lora", "create", "--sparsity", "nan"], "from 0 to below 1"),
        (["lora", "create", "--target-modules", "q_proj,qkv"], "'qkv' is no target module"),
        (["lora", "create", "--name", "../evil"], "cannot be the name"),
        (["lora", "create", "--name", "a" * 65], "cannot be the name"),
        (["lora", "create", "--device", "cuda"], "device 'cuda' is not supported"),
        (["lora", "create", "--init", "standard", "--sparsity", "0.5"], "lora train"),
        (["lora", "create", "--base", "nowhere.gguf"], "nowhere.gguf"),
        (["lora", "info"], "NAME is missing"),
        (["lora", "info", "nobody"], "no adapter 'nobody'"),
        (["lora", "export", "nobody"], "no adapter 'nobody'"),
        (["lora", "import", "nowhere"], "nowhere"),
        (["lora", "import", "."], "has no adapter_config.json"),
        (["lora", "merge", "nobody", "-o", "x.gguf", "--quantize", "Q9_9"], "knows no type"),
        (["run", "bundled+nobody", "hi"], "no adapter 'nobody'"),
        (["run", "bundled+a:b", "hi"], "scale"),
        (["run", "bundled+", "hi"], "missing behind a '+'"),
        (["quick-start", "--lora-rank", "4"], "--create-lora"),
    ],
)
def test_bad_input_gets_one_sentence(hyprstream, tmp_path, arguments, expected):
    assert expected in one_line_error(hyprstream.run(*arguments, cwd=tmp_path))
    assert not (tmp_path / "x.gguf").exists()


def test_another_base_is_refused_and_says_which_tensor(hyprstream, tmp_path):
    tool = os.path.join(os.path.dirname(hyprstream.binary), "synthetic_model")
    other = tmp_path / "other.gguf"
    subprocess.run([tool, "--shape", "tiny", "--arch", "qwen3", "--type", "f32", "-o", other], check=True)
    create(hyprstream, "first")
    message = one_line_error(hyprstream.run("run", f"{other}+first", "hi"))
    assert "blk.0.attn_q.weight is [" in message and "made for [" in message


def test_a_killed_create_leaves_the_store_whole(hyprstream):
    create(hyprstream, "first")
    for attempt in range(20):
        process = hyprstream.start("lora", "create", "--name", f"x{attempt}", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.001 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        result = hyprstream.run("lora", "list", "--json")
        assert result.returncode == 0 and result.stderr == b""
        for line in result.stdout.splitlines():
            manifest = json.loads(line)
            assert hyprstream.run("lora", "info", manifest["name"]).returncode == 0
