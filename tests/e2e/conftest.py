"""Runs the built program; ctest says where it lies."""

import os
import pathlib
import subprocess

import pytest

from stand_in_hub import StandInHub
from terminal import Terminal

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUNDLED = SOURCE / "models" / "hypr-tiny-q8_0.gguf"


class Hyprstream:
    """Starts the program with an environment of its own: no settings of the user, data in `home`."""

    def __init__(self, home):
        self.binary = os.environ.get("HYPRSTREAM_BINARY", str(SOURCE / "build/release/bin/hyprstream"))
        self.home = home
        self.env = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HYPRSTREAM_HOME": str(home),
            # No test reaches the internet; those of the hub turn this off for a hub of their own.
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(home / "huggingface"),
            "HYPRSTREAM_PREFIX": os.environ.get("HYPRSTREAM_PREFIX", str(SOURCE)),
            "HYPRSTREAM_MODULES": os.environ.get("HYPRSTREAM_MODULES", str(SOURCE / "build/release/lib")),
            # Tests run beside each other: waiting threads must not take the cores from working ones.
            "OMP_WAIT_POLICY": "passive",
        }

    def start(self, *args, env=None, **options):
        return subprocess.Popen([self.binary, *args], env={**self.env, **(env or {})}, **options)

    def run(self, *args, stdin=b"", env=None, timeout=60, **options):
        """stdout and stderr as bytes; fails if the program takes longer than `timeout` seconds."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        if stdin is not None:
            options["input"] = stdin
        return subprocess.run([self.binary, *args], env={**self.env, **(env or {})}, timeout=timeout, **options)

    def terminal(self, *args, env=None, **options):
        return Terminal([self.binary, *args], {**self.env, "TERM": "xterm-256color", **(env or {})}, **options)


@pytest.fixture
def hyprstream(tmp_path):
    return Hyprstream(tmp_path / "home")


@pytest.fixture
def bundled():
    return BUNDLED


@pytest.fixture
def source():
    return SOURCE


@pytest.fixture
def hub(hyprstream):
    """A hub of our own that the program asks from now on."""
    with StandInHub() as hub:
        hyprstream.env |= hub.environment()
        yield hub


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """An authority with a certificate for the server and one for a client; and another authority's."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True, timeout=60)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name, authority in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial",
                "-out", f"{name}.pem", "-days", "2", "-extfile", "names")  # fmt: skip
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-out", "old.pem", "-extfile", "names",
            "-not_before", "20200101000000Z", "-not_after", "20200102000000Z")  # fmt: skip
    return folder


def one_line_error(result):
    """The sentence of a failure, after checking that it is one."""
    assert result.returncode in (1, 2), (result.returncode, result.stderr)
    text = result.stderr.decode()
    assert text.startswith("hyprstream: ") and text.endswith("\n") and text.count("\n") == 1, text
    return text[len("hyprstream: ") : -1]
