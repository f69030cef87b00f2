"""Bad input gives one sentence that names the thing, and never a crash or a hang."""

import os
import random
import struct
import subprocess

import pytest

from conftest import one_line_error
from gguf_layout import GgufLayout

BAD_ARGUMENTS = [
    # arguments, exit code, what the sentence must name
    (["quick-start", "--max-tokens", "0"], 2, ["--max-tokens", "'0'"]),
    (["quick-start", "--max-tokens", "-1"], 2, ["--max-tokens", "'-1'"]),
    (["quick-start", "--max-tokens", "1000000000"], 2, ["1000000000", "1024"]),
    (["quick-start", "--max-tokens", "99999999999999999999"], 2, ["--max-tokens", "99999999999999999999"]),
    (["quick-start", "--max-tokens", "ten"], 2, ["--max-tokens", "'ten'"]),
    (["quick-start", "--max-tokens"], 2, ["--max-tokens needs a value"]),
    (["run", "bundled", "hi", "--max-tokens", "1025"], 2, ["1025", "1024"]),
    (["quick-start", "--threads", "0"], 2, ["--threads", "'0'"]),
    (["quick-start", "--threads", "-2"], 2, ["--threads", "'-2'"]),
    (["quick-start", "--threads", "1000000"], 2, ["--threads", "1024"]),
    (["quick-start", "--ctx-size", "0"], 2, ["--ctx-size", "'0'"]),
    (["quick-start", "--ctx-size", "2048"], 2, ["context of 2048", "1024"]),
    (["quick-start", "--prompt", ""], 2, ["prompt is empty", "--prompt"]),
    (["quick-start", "--prompt="], 2, ["prompt is empty"]),
    (["quick-start", "--prompt", b"ab\xff"], 2, ["--prompt", "UTF-8", "byte 2"]),
    (["run", "bundled", ""], 2, ["prompt is empty"]),
    (["run", "bundled", b"ab\xff"], 2, ["PROMPT", "UTF-8", "byte 2"]),
    (["run", b"a b\xff"], 2, ["PROMPT", "UTF-8", "byte 3"]),
    (["run"], 2, ["prompt is empty"]),
    (["run", "hello"], 2, ["'hello' is no file", "hyprstream run bundled"]),
    (["run", ""], 2, ["prompt is empty"]),
    (["run", "bundled", "hi", "there"], 2, ["'there'"]),
    (["run", "bundled", "hi", "--raw", "--system", "x"], 2, ["--system", "--raw"]),
    (["run", "bundled", "hi", "--stop", ""], 2, ["--stop"]),
    (["run", "bundled", "hi", "--system", b"\xff"], 2, ["--system", "UTF-8"]),
    (["quick-start", "--temperature", "nan"], 2, ["--temperature", "nan"]),
    (["quick-start", "--temperature", "inf"], 2, ["--temperature", "inf"]),
    (["quick-start", "--temperature", "-0.1"], 2, ["--temperature", "-0.1"]),
    (["quick-start", "--seed", "-1"], 2, ["--seed", "-1"]),
    (["quick-start", "--seed", "4294967296"], 2, ["--seed", "4294967295"]),
    (["run", "bundled", "hi", "--top-p", "0"], 2, ["--top-p"]),
    (["run", "bundled", "hi", "--top-p", "1.5"], 2, ["--top-p"]),
    (["run", "bundled", "hi", "--min-p", "2"], 2, ["--min-p"]),
    (["run", "bundled", "hi", "--top-k", "-1"], 2, ["--top-k"]),
    (["run", "bundled", "hi", "--repetition-penalty", "0"], 2, ["--repetition-penalty"]),
    (["run", "bundled", "hi", "--kv-cache-type", "q2"], 2, ["--kv-cache-type", "f16"]),
    (["run", "bundled", "hi", "--kv-cache-type", "q8_0", "--deterministic"], 2, ["--deterministic", "--kv-cache-type"]),
    (["quick-start", "--max-token", "3"], 2, ["'--max-token'", "did you mean '--max-tokens'?"]),
    (["quick-strat"], 2, ["'quick-strat'", "did you mean 'quick-start'?"]),
    (["model", "inof"], 2, ["'inof'", "did you mean 'info'?"]),
    (["frobnicate"], 2, ["'frobnicate'", "--help"]),
    (["--frobnicate"], 2, ["'--frobnicate'"]),
    (["completion"], 2, ["bash"]),
    (["completion", "fish"], 2, ["'fish'", "bash", "zsh"]),
    (["a\nb\x1b[2J"], 2, ["a\\x0ab\\x1b[2J"]),
    (["x" * 100_000], 2, ["unknown command"]),
]


def name_of(value):
    return " ".join(repr(word)[:30] for word in value) if isinstance(value, list) else None


@pytest.mark.parametrize(("arguments", "code", "named"), BAD_ARGUMENTS, ids=name_of)
def test_arguments(hyprstream, arguments, code, named):
    result = hyprstream.run(*arguments, timeout=20)
    message = one_line_error(result)
    assert result.returncode == code
    for thing in named:
        assert thing in message, message


def test_no_command_prints_the_help_as_a_complaint(hyprstream):
    for arguments in ((), ("model",)):
        result = hyprstream.run(*arguments)
        assert result.returncode == 2 and result.stdout == b"" and b"Usage: hyprstream" in result.stderr


def test_log_level(hyprstream):
    result = hyprstream.run("model", "info", env={"HYPRSTREAM_LOG": "loud"})
    assert "HYPRSTREAM_LOG" in one_line_error(result) and result.returncode == 2
    result = hyprstream.run("quick-start", "--max-tokens", "1", env={"HYPRSTREAM_LOG": "debug"})
    assert result.returncode == 0 and b"debug: " in result.stderr


def test_standard_input_that_is_no_text(hyprstream):
    assert "standard input is not valid UTF-8 at byte 3" in one_line_error(hyprstream.run("run", stdin=b"abc\xff\xfe"))
    assert "longer than" in one_line_error(hyprstream.run("run", stdin=b"x" * (17 << 20)))


# ---- Files ----

COMMANDS = [["quick-start", "--model-path"], ["run"], ["model", "info"]]


def each_command(hyprstream, path, prompt=b"hello"):
    """The sentence of each command that takes a model; quick-start has said what it will load by then."""
    for command in COMMANDS:
        result = hyprstream.run(*command, str(path), stdin=prompt, timeout=20)
        yield one_line_error(result)


def test_missing_file(hyprstream, tmp_path):
    for message in each_command(hyprstream, tmp_path / "missing.gguf"):
        assert "missing.gguf" in message and "No such file" in message


def test_directory(hyprstream, tmp_path):
    for message in each_command(hyprstream, tmp_path):
        assert str(tmp_path) in message


def test_empty_file(hyprstream, tmp_path):
    empty = tmp_path / "empty.gguf"
    empty.touch()
    for message in each_command(hyprstream, empty):
        assert "empty.gguf" in message


def test_something_else(hyprstream, tmp_path):
    other = tmp_path / "other.gguf"
    for content in (b"\x7fELF" + bytes(1000), b"GG", b"just text\n" * 100, random.Random(1).randbytes(10_000)):
        other.write_bytes(content)
        for message in each_command(hyprstream, other):
            assert "other.gguf" in message


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/proc/self/mem"])
def test_devices(hyprstream, device):
    for message in each_command(hyprstream, device):
        assert device in message


def test_fifo_does_not_hang(hyprstream, tmp_path):
    fifo = tmp_path / "fifo.gguf"
    os.mkfifo(fifo)
    for message in each_command(hyprstream, fifo):
        assert "fifo.gguf" in message


def test_unreadable_file(hyprstream, bundled, tmp_path):
    secret = tmp_path / "secret.gguf"
    secret.write_bytes(bundled.read_bytes())
    secret.chmod(0)
    # Root reads everything: then as the user `nobody`, who must be let to the program and the file.
    options = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    for folder in tmp_path.parents:
        if folder.name.startswith("pytest-"):
            folder.chmod(0o755)
    tmp_path.chmod(0o755)
    for command in COMMANDS:
        try:
            result = hyprstream.run(*command, str(secret), stdin=b"hello", timeout=20, cwd="/", **options)
        except PermissionError:
            pytest.skip("nobody may not reach the program")
        message = one_line_error(result)
        assert "secret.gguf" in message and "ermission" in message


def test_truncated_at_20_places(hyprstream, bundled, tmp_path):
    data = bundled.read_bytes()
    header = GgufLayout(data).header_end
    places = [1, 4, 8, 16, 23, 24, *(header * i // 7 for i in range(1, 7)), header, header + 1]
    places += [header + (len(data) - header) * i // 6 for i in range(1, 6)] + [len(data) - 1]
    assert len(places) == 20
    cut = tmp_path / "cut.gguf"
    for place in places:
        cut.write_bytes(data[:place])
        for message in each_command(hyprstream, cut):
            assert "cut.gguf" in message, place


def patched(data, *changes):
    out = bytearray(data)
    for at, layout, value in changes:
        struct.pack_into(layout, out, at, value)
    return bytes(out)


def test_hostile_headers(hyprstream, bundled, tmp_path):
    data = bundled.read_bytes()
    layout = GgufLayout(data)
    dimensions, _, offset = layout.tensors["blk.0.attn_q.weight"]
    huge = [
        patched(data, (8, "<Q", 2**63)),  # tensors
        patched(data, (8, "<Q", 10**9)),
        patched(data, (16, "<Q", 2**64 - 1)),  # keys
        patched(data, (16, "<Q", 10**9)),
        patched(data, (24, "<Q", 2**64 - 8)),  # length of the first key
        patched(data, (offset, "<Q", len(data) * 2)),
        patched(data, (offset, "<Q", 2**64 - 32)),
        patched(data, (dimensions, "<Q", 2**62)),
        # The product wraps around to something small.
        patched(data, (dimensions, "<Q", 2**33), (dimensions + 8, "<Q", 2**31)),
        patched(data, (dimensions - 4, "<I", 2**31)),  # number of dimensions
        patched(data, (4, "<I", 99)),  # version
    ]
    hostile = tmp_path / "hostile.gguf"
    for content in huge:
        hostile.write_bytes(content)
        for message in each_command(hyprstream, hostile):
            assert "hostile.gguf" in message


def test_contradictions_that_a_header_alone_does_not_show(hyprstream, bundled, tmp_path):
    # `model info` may well describe such a file; running it must not crash.
    data = bundled.read_bytes()
    dimensions, _, _ = GgufLayout(data).tensors["blk.0.attn_q.weight"]
    hostile = tmp_path / "hostile.gguf"
    for content in (patched(data, (dimensions, "<Q", 0)), patched(data, (dimensions, "<Q", 128))):
        hostile.write_bytes(content)
        result = hyprstream.run("run", str(hostile), "hello", timeout=20)
        assert "hostile.gguf" in one_line_error(result)


def test_unknown_architecture(hyprstream, bundled, tmp_path):
    strange = tmp_path / "strange.gguf"
    strange.write_bytes(bundled.read_bytes().replace(b"qwen3", b"qwenX"))
    result = hyprstream.run("run", str(strange), "hello", timeout=20)
    message = one_line_error(result)
    assert result.returncode == 1 and "qwenX" in message


@pytest.mark.parametrize("seed", range(30))
def test_random_damage_is_no_crash(hyprstream, bundled, tmp_path, seed):
    # Bytes of the header changed at random: an answer or a sentence, but nothing else.
    chance = random.Random(seed)
    data = bytearray(bundled.read_bytes())
    end = GgufLayout(data).header_end
    for _ in range(chance.choice([1, 2, 8])):
        data[chance.randrange(end)] = chance.randrange(256)
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(data)
    result = hyprstream.run("quick-start", "--max-tokens", "2", "--model-path", str(damaged), timeout=30)
    if result.returncode != 0:
        one_line_error(result)


# ---- Output ----


@pytest.mark.parametrize(
    "arguments",
    [
        ["quick-start"],
        ["quick-start", "--json"],
        ["run", "bundled", "Hello there"],
        ["model", "info"],
        ["--help"],
        ["--version"],
        ["completion", "bash"],
    ],
    ids=" ".join,
)
def test_full_disk_and_closed_output(hyprstream, arguments):
    with open("/dev/full", "wb") as full:
        result = hyprstream.run(*arguments, stdout=full, timeout=30)
    assert result.returncode == 1
    assert "standard output: No space left on device" in one_line_error(result)

    result = hyprstream.run(*arguments, timeout=30, preexec_fn=lambda: os.close(1), stdout=None)
    assert result.returncode == 1
    assert "standard output" in one_line_error(result)

    reading, writing = os.pipe()
    os.close(reading)
    result = hyprstream.run(*arguments, stdout=writing, timeout=30)
    os.close(writing)
    assert result.returncode == 141 and result.stderr == b""


def test_head(hyprstream):
    first = hyprstream.start("quick-start", "--max-tokens", "200", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert first.stdout.readline().startswith("🚀".encode())
    first.stdout.close()
    assert first.wait(timeout=30) == 141
    assert first.stderr.read() == b""
    first.stderr.close()


def test_closed_standard_streams(hyprstream):
    def close_all():
        for fd in (0, 1, 2):
            os.close(fd)

    for arguments in (["quick-start"], ["run"], ["run", "bundled", "hi"]):
        result = hyprstream.run(*arguments, stdin=None, stdout=None, stderr=None, preexec_fn=close_all, timeout=30)
        assert result.returncode in (1, 2)
