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
    # Another test's server may have the usual ports.
    ports = [] if "--flight-port" in args or "--no-sql" in args else ["--flight-port", "0"]
    process = hyprstream.start("server", "--port", "0", *ports, *args, env=env, stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        while True:  # it may have other things to say first
            line = process.stderr.readline()
            found = re.search(r"https?://127\.0\.0\.1:(\d+)", line)
            said += line
            if found:
                break
            assert line, said
        yield Server(process, found.group(0), line)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
