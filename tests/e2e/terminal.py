"""A program on a terminal of its own, driven like a person would."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")


class Terminal:
    def __init__(self, command, env, columns=100, rows=30):
        self.raw = b""
        self.seen = 0  # in the text: where the next expect() begins
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(command[0], command, env)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.close()

    def close(self):
        """Takes the terminal away."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    @property
    def text(self):
        return ESCAPES.sub("", self.raw.decode(errors="replace")).replace("\r\n", "\n")

    def _read(self, timeout):
        if self.fd < 0:
            time.sleep(timeout)
            return False
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: the program has closed its side
            return False
        self.raw += data
        return bool(data)

    def expect(self, pattern, timeout=30):
        """Waits until the pattern shows after what was expected last; gives the match."""
        deadline = time.monotonic() + timeout
        while True:
            match = re.compile(pattern, re.DOTALL | re.MULTILINE).search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.text[self.seen:]!r}"
            if not self._read(0.05):
                match = re.compile(pattern, re.DOTALL | re.MULTILINE).search(self.text, self.seen)
                assert match, f"ended without {pattern!r}: {self.text[self.seen:]!r}"

    def expect_prompt(self):
        """Waits for a new prompt of the chat: only then is what is typed not thrown away. (While a
        line is edited, it is drawn again and again after a carriage return.)"""
        return self.expect(r"(?P<before>.*?)(^|\n)>>> ")["before"]

    def say(self, line):
        """Types a line; gives what came between it and the next prompt."""
        self.send(line + "\r")
        return self.expect_prompt().partition("\n")[2]

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self, timeout=30):
        """The exit code, once the program has ended."""
        deadline = time.monotonic() + timeout
        while self.status is None:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"still runs: {self.text!r}")
            self._read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        while self.fd >= 0 and self._read(0) and select.select([self.fd], [], [], 0)[0]:
            pass
        return self.status
