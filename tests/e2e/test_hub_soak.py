"""Kills at random moments of a pull, each followed by a resume: `make soak` does a hundred of 200 MiB, `make test` a few
smaller ones."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

from gguf_layout import write_gguf
from stand_in_hub import File
from test_hub_pull import MB, REPOSITORY, assert_nothing_half, cache_of, digest, pull, pulled_path

LONG = bool(os.environ.get("HYPRSTREAM_SOAK"))
KILLS, SIZE = (100, 200 * MB) if LONG else (5, 64 * MB)


def test_killed_at_any_moment(hyprstream, hub, tmp_path):
    path = tmp_path / "m-Q8_0.gguf"
    model = File(path=path, sha256=write_gguf(path, SIZE))
    hub.add(REPOSITORY, {path.name: model})
    # Some 0.5 s for all of it; the server keeps little for a client that is gone.
    hub.delay, hub.send_buffer = 0.5 * MB / model.size * 6, 128 << 10
    random.seed(4)
    fetched, killed_in_the_middle = 0, 0
    for _ in range(KILLS):
        shutil.rmtree(cache_of(hyprstream), ignore_errors=True)
        hub.bytes_sent = 0
        process = hyprstream.start("model", "pull", REPOSITORY, "--quiet", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(random.uniform(0.01, 0.8))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode == -signal.SIGKILL:
            # Where the kill fell after the rename, the link or the revision may be missing, and nothing is half.
            if not list(cache_of(hyprstream).glob("models--*/refs/*")):
                blobs = [p for p in cache_of(hyprstream).glob("models--*/blobs/*") if len(p.name) == 64]
                assert all(p.stat().st_size == model.size for p in blobs)
                if not blobs:
                    assert_nothing_half(hyprstream)
            killed_in_the_middle += 0 < hub.bytes_sent < model.size
        assert digest(pulled_path(pull(hyprstream, "--quiet"))) == model.sha256
        fetched += hub.bytes_sent
    assert killed_in_the_middle >= KILLS / 4
    twice = fetched / (KILLS * model.size) - 1
    print(f"{KILLS} kills, {killed_in_the_middle} in the middle of {SIZE // MB} MiB: {100 * twice:.2f}% fetched twice")
    assert twice < 0.05
    assert len(list(pathlib.Path(cache_of(hyprstream)).glob("models--*/blobs/*.incomplete"))) == 0
