"""Signals and cut files, many times over: `make soak` runs the long form, `make test` a short one."""

import os
import random
import signal
import subprocess
import time

from conftest import one_line_error

LONG = bool(os.environ.get("HYPRSTREAM_SOAK"))


def test_an_interrupt_at_any_moment_ends_cleanly(hyprstream):
    """Wherever Ctrl-C falls, loading or generating: 130 or, if it came too late, 0; never a crash or a hang."""
    random.seed(1)
    codes = []
    for _ in range(300 if LONG else 12):
        process = hyprstream.start(
            "quick-start", "--max-tokens", "900", stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        time.sleep(random.uniform(0.005, 0.5))
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
        codes.append(process.returncode)
        # Before main() the signal has its default effect.
        assert process.returncode in (0, 130, -signal.SIGINT), (process.returncode, errors)
        output.decode()  # no character is cut, whatever was printed
    assert 130 in codes


def test_a_model_cut_anywhere_is_one_sentence(hyprstream, bundled, tmp_path):
    random.seed(2)
    whole = bundled.read_bytes()
    cut = tmp_path / "cut.gguf"
    for _ in range(500 if LONG else 10):
        cut.write_bytes(whole[: random.randrange(len(whole))])
        message = one_line_error(hyprstream.run("quick-start", "--model-path", str(cut)))
        assert "cut.gguf" in message


def test_a_flipped_byte_never_crashes(hyprstream, bundled, tmp_path):
    """In the header, where it can do harm; the file may stay usable."""
    random.seed(3)
    whole = bundled.read_bytes()
    header = whole.index(b"blk.0.attn_norm.weight") + 2000
    flipped = tmp_path / "flipped.gguf"
    for _ in range(1000 if LONG else 20):
        damaged = bytearray(whole)
        damaged[random.randrange(header)] ^= 1 << random.randrange(8)
        flipped.write_bytes(damaged)
        result = hyprstream.run("quick-start", "--model-path", str(flipped), "--max-tokens", "4")
        assert result.returncode in (0, 1, 2), (result.returncode, result.stderr)
