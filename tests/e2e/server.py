"""Starts the built server and stops it again."""

import contextlib
import re
import signal
import subprocess


class Server:
    def __init__(self, process, url, ready):
        self.process = process
        self.url = url
        self.ready = ready  # what it said when it was ready

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        return self.process.wait(timeout=60)


@contextlib.contextmanager
def serving(hyprstream, *args, env=None):
    process = hyprstream.start("server", "--port", "0", *args, env=env, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        found = re.search(r"https?://127\.0\.0\.1:(\d+)", line)
        assert found, line + process.stderr.read()
        yield Server(process, found.group(0), line)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
