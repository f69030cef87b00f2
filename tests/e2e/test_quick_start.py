import json
import re
import signal
import subprocess

PATTERN = re.compile(
    r"""🚀 Hyprstream Quick Start
📁 Model: (?P<model>[^\n]+)
💭 Prompt: (?P<prompt>[^\n]+)

✅ Loaded model: (?P<loaded>[^\n]+)

🔮 Generating\.\.\.

📝 Generated text:
(?P<text>.+)

⏱️  Time: (?P<time>\d+\.\d\d)s
🏃 Speed: (?P<speed>\d+\.\d) tokens/s
""",
    re.DOTALL,
)


def test_prints_what_the_issue_asks_for(hyprstream, source):
    result = hyprstream.run("quick-start", "--prompt", "The future of AI is", "--max-tokens", "30", cwd=source)
    assert result.returncode == 0 and result.stderr == b""
    match = PATTERN.fullmatch(result.stdout.decode())
    assert match, result.stdout.decode()
    assert match["model"] == "./models/hypr-tiny-q8_0.gguf"
    assert match["prompt"] == "The future of AI is"
    assert match["text"].startswith("The future of AI is") and len(match["text"]) > len("The future of AI is")
    for fact in ("Hypr Tiny", "qwen3", "3.5 M parameters", "Q8_0", "context 1024"):
        assert fact in match["loaded"]
    assert float(match["speed"]) > 0


def test_default_prompt(hyprstream):
    text = hyprstream.run("quick-start").stdout.decode()
    assert "💭 Prompt: Hello, I am\n" in text and "\nHello, I am" in text


def test_json(hyprstream, bundled):
    result = hyprstream.run("quick-start", "--json", "--seed", "7", "--max-tokens", "12")
    assert result.returncode == 0 and result.stderr == b""
    assert result.stdout.count(b"\n") == 1
    answer = json.loads(result.stdout)
    assert answer["prompt"] == "Hello, I am"
    assert answer["seed"] == 7
    assert answer["model"]["path"] == str(bundled)
    assert answer["model"]["size_bytes"] == bundled.stat().st_size
    assert 1 <= len(answer["tokens"]) <= 12
    assert answer["finish_reason"] in ("max_tokens", "end_of_generation")
    timings = answer["timings"]
    assert timings["generated_tokens"] == len(answer["tokens"])
    # The speed is what the text says it is: tokens over the time that they took.
    assert abs(timings["generated_tokens_per_second"] * timings["generation_seconds"] - len(answer["tokens"])) < 1e-6
    assert timings["prompt_seconds"] <= timings["first_token_seconds"] <= timings["total_seconds"]


def test_same_seed_same_text(hyprstream):
    def tokens(seed):
        arguments = ("--json", "--deterministic", "--threads", "1", "--max-tokens", "40", "--temperature", "1")
        return json.loads(hyprstream.run("quick-start", "--seed", str(seed), *arguments).stdout)["tokens"]

    assert tokens(1) == tokens(1)
    assert tokens(1) != tokens(2)


def test_one_token(hyprstream):
    answer = json.loads(hyprstream.run("quick-start", "--json", "--max-tokens", "1").stdout)
    assert len(answer["tokens"]) == 1 and answer["finish_reason"] == "max_tokens"


def test_prompts_are_not_touched(hyprstream):
    for prompt in ("[[aabb]]", "[a,b]", "{}", "%%", '"quoted"', "--json", "a=b", "'", "日本語 🚀", "tab\tand\nline"):
        for arguments in (("--prompt", prompt), (f"--prompt={prompt}",)):
            result = hyprstream.run("quick-start", "--json", "--max-tokens", "1", *arguments)
            assert result.returncode == 0, (prompt, result.stderr)
            assert json.loads(result.stdout)["prompt"] == prompt


def test_text_streams(hyprstream):
    # Not all at the end: the first piece is there while the program still computes.
    process = hyprstream.start(
        "quick-start", "--max-tokens", "900", "--temperature", "100", "--threads", "1", stdout=subprocess.PIPE
    )
    seen = b""
    while "📝 Generated text:\nHello, I am".encode() not in seen:
        seen += process.stdout.read1()
    pieces = 0
    while process.poll() is None and pieces < 5:
        pieces += 1 if process.stdout.read1() else 0
    assert pieces == 5
    process.kill()
    process.communicate()


def test_ctrl_c_prints_what_there_is(hyprstream):
    process = hyprstream.start(
        "quick-start", "--max-tokens", "1000", "--temperature", "100", "--threads", "1",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    seen = b""
    while "📝 Generated text:\nHello, I am ".encode() not in seen:
        seen += process.stdout.read1()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == b""
    assert "🏃 Speed:" in (seen + rest).decode()
