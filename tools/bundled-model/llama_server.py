"""A llama-server for the scripts that ask a GGUF file something: check.py and quiz.py."""

import json
import socket
import subprocess
import time
import urllib.request

from common import CONTEXT, fail


class LlamaServer:
    """A llama-server with one slot on a free port; runs as long as the `with` block."""

    def __init__(self, model, *options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = ["llama-server", "-m", str(model), "--port", str(self.port), "-t", "2", "-c", str(CONTEXT),
                   "-np", "1", *options]
        try:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            fail("llama-server is missing; install llama.cpp-tools")

    def __enter__(self):
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health")
                return self
            except OSError:
                time.sleep(0.2)
        self.process.terminate()
        fail("llama-server did not start within 20 seconds; run it by hand to see why")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def post(self, path, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))
