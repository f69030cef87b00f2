import json
import signal
import subprocess

from conftest import one_line_error

STORY = "Tell me a story about a fox."
GREEDY = ("--temperature", "0", "--threads", "1", "--deterministic")
# Nonsense without an end: every token is as likely as any other.
ENDLESS = ("--temperature", "100", "--top-k", "0", "--top-p", "1", "--min-p", "0", "--max-tokens", "1000", "--threads", "1")


def test_one_shot(hyprstream):
    result = hyprstream.run("run", "bundled", STORY, *GREEDY, "--max-tokens", "40")
    assert result.returncode == 0 and result.stderr == b""
    text = result.stdout.decode()
    assert len(text) > 40 and text.endswith("\n") and not text.endswith("\n\n")
    # The answer alone: neither the prompt nor the template's tokens.
    assert STORY not in text and "<|im_" not in text and "assistant" not in text


def test_the_prompt_may_come_in_many_ways(hyprstream, bundled):
    expected = hyprstream.run("run", "bundled", STORY, *GREEDY, "--max-tokens", "20").stdout
    assert hyprstream.run("run", str(bundled), STORY, *GREEDY, "--max-tokens", "20").stdout == expected
    assert hyprstream.run("run", STORY, *GREEDY, "--max-tokens", "20").stdout == expected
    assert hyprstream.run("run", *GREEDY, "--max-tokens", "20", stdin=STORY.encode() + b"\n").stdout == expected
    assert hyprstream.run("run", "bundled", *GREEDY, "--max-tokens", "20", stdin=STORY.encode()).stdout == expected
    assert hyprstream.run("run", *GREEDY, "--max-tokens", "20", "bundled", "--", STORY).stdout == expected


def test_a_prompt_on_the_command_line_does_not_wait_for_standard_input(hyprstream):
    process = hyprstream.start("run", "bundled", "Hello there", "--max-tokens", "2", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.wait(timeout=30) == 0  # its standard input is still open
    process.communicate()


def test_template_system_and_raw_differ(hyprstream):
    def tokens(*arguments):
        result = hyprstream.run("run", "bundled", STORY, *GREEDY, "--max-tokens", "20", "--json", *arguments)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    chat, system, raw = tokens(), tokens("--system", "You are a pirate."), tokens("--raw")
    # The template's tokens are part of the prompt, and so are the instructions.
    assert raw["timings"]["prompt_tokens"] < chat["timings"]["prompt_tokens"] < system["timings"]["prompt_tokens"]
    assert raw["tokens"] != chat["tokens"]
    template = f"<|im_start|>user\n{STORY}<|im_end|>\n<|im_start|>assistant\n"
    by_hand = hyprstream.run("run", "bundled", template, "--raw", *GREEDY, "--max-tokens", "20", "--json")
    assert json.loads(by_hand.stdout)["timings"]["prompt_tokens"] <= chat["timings"]["prompt_tokens"]


def test_stop_strings(hyprstream):
    full = hyprstream.run("run", "bundled", STORY, *GREEDY, "--max-tokens", "60", "--json")
    text = json.loads(full.stdout)["text"]
    stop = text[20:26]  # whatever the tokens' borders are
    result = hyprstream.run("run", "bundled", STORY, *GREEDY, "--max-tokens", "60", "--json", "--stop", "@@@", "--stop", stop)
    answer = json.loads(result.stdout)
    assert answer["text"] == text[: text.index(stop)]
    assert answer["finish_reason"] == "stop_string"


def test_penalties_and_truncation_change_the_text(hyprstream):
    def text(*options):
        result = hyprstream.run("run", "bundled", STORY, *GREEDY, "--max-tokens", "60", *options)
        assert result.returncode == 0, result.stderr
        return result.stdout

    plain = text()
    assert text("--repetition-penalty", "1.5") != plain
    assert text("--frequency-penalty", "2") != plain
    assert text("--presence-penalty", "2") != plain
    # With one candidate left, temperature changes nothing.
    assert text("--temperature", "5", "--top-k", "1") == plain
    assert text("--temperature", "5", "--top-p", "0.001") == plain
    assert text("--temperature", "5", "--min-p", "1") == plain


def test_ctrl_c_ends_a_one_shot_with_what_there_is(hyprstream):
    for number in (signal.SIGINT, signal.SIGTERM):
        process = hyprstream.start("run", "bundled", STORY, *ENDLESS, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = process.stdout.read1()
        assert first
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)
        assert process.returncode == 130
        assert errors == b"" and (first + rest).endswith(b"\n")


def test_ctrl_c_while_waiting_for_a_prompt(hyprstream):
    process = hyprstream.start("run", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"half a prompt")
    process.stdin.flush()
    # Until it waits in read(): sooner the signal would kill it, as it should.
    while "read" not in open(f"/proc/{process.pid}/wchan").read():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    process.communicate()


def test_verbose_says_how_it_went(hyprstream):
    result = hyprstream.run("run", "bundled", "Hello there", "--max-tokens", "3", "--seed", "9", "-v")
    assert result.returncode == 0
    assert b"end: max_tokens, seed 9" in result.stderr


def test_context_full(hyprstream):
    result = hyprstream.run("run", "bundled", STORY, "--raw", *ENDLESS[:-4], "--threads", "1", "--ctx-size", "256", "--max-tokens", "256", "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    if answer["finish_reason"] == "context_full":
        assert answer["timings"]["prompt_tokens"] + len(answer["tokens"]) >= 256
    else:
        assert answer["finish_reason"] == "end_of_generation"


def test_prompt_longer_than_the_context_names_both_lengths(hyprstream):
    result = hyprstream.run("run", "--ctx-size", "256", stdin=b"llama " * 2000)
    message = one_line_error(result)
    assert "context holds 256" in message
    assert result.stdout == b""
