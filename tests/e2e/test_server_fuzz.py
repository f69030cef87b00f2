"""Requests that nobody should send: mutated HTTP and JSON. The server answers each or closes, and goes on.

Seconds: HYPRSTREAM_FUZZ_SECONDS, 600 in a soak, else 6. The seed is printed; HYPRSTREAM_FUZZ_SEED repeats a run."""

import json
import os
import random
import socket
import threading
import time

from openai_server import ask
from server import serving

SECONDS = float(os.environ.get("HYPRSTREAM_FUZZ_SECONDS", 600 if os.environ.get("HYPRSTREAM_SOAK") else 6))
MESSAGES = [{"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}
SCHEMA = {"type": "object", "properties": {"a": {"enum": [1, "x"]}, "b": {"type": "array", "items": {"type": "number"}}}, "required": ["a"]}
BODIES = [
    ("/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 3, "stream": True, "stop": ["x"], "seed": 1, "logit_bias": {"5": 1}}),
    ("/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 3, "tools": [TOOL], "tool_choice": "required", "logprobs": True}),
    ("/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 3, "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}),
    ("/v1/completions", {"prompt": ["Once", [1, 2, 3]], "max_tokens": 2, "n": 2, "temperature": 0.5, "lora": [{"name": "x", "scale": 1}]}),
    ("/v1/completions", {"prompt": "Once", "max_tokens": 2, "grammar": 'root ::= "a" [b-d]*'}),
    ("/v1/embeddings", {"input": ["Once"], "encoding_format": "base64"}),
    ("/tokenize", {"content": "Once", "add_special": True}),
    ("/detokenize", {"tokens": [1, 2]}),
    ("/v1/adapters", {"name": "fuzz", "rank": 2, "target_modules": ["q_proj"], "sparsity": 0.9}),
    ("/v1/load_lora_adapter", {"lora_name": "fuzz", "lora_path": "x"}),
    ("/lora-adapters", [{"id": 0, "scale": 1}]),
]
ODD = [None, True, -1, 0, 1, 2**31, 2**63, -(2**70), 1e308, 0.1, "", "\u0000", "é" * 50, "x" * 3000, [], {}, [[]], [None], {"a": {}}, "../../etc/passwd", "\ud83d\ude00"]
HEADERS = ["Host: localhost", "Content-Type: application/json", "Expect: 100-continue", "Transfer-Encoding: chunked", "Content-Length: 7",
           "Connection: keep-alive", "Range: bytes=0-5", "Content-Encoding: gzip", "Upgrade: websocket", "Content-Type: multipart/form-data; boundary=b",
           "Accept-Encoding: gzip", "Authorization: Bearer x", "X-Forwarded-For: 1.2.3.4", "Origin: null"]  # fmt: skip


def mutate_json(value, randomly):
    """A copy in which a few places are something else."""
    if randomly.random() < 0.12:
        return randomly.choice(ODD)
    if isinstance(value, dict):
        items = [(key if randomly.random() > 0.03 else randomly.choice(["", "stop", "n", "\u0001"]), mutate_json(part, randomly)) for key, part in value.items()]
        return dict(items)
    if isinstance(value, list):
        return [mutate_json(part, randomly) for part in value for _ in range(randomly.choice([1, 1, 1, 1, 0, 3]))]
    return value


def mutate_bytes(data, randomly):
    data = bytearray(data)
    for _ in range(randomly.choice([0, 0, 1, 2, 8])):
        at = randomly.randrange(len(data) + 1)
        kind = randomly.randrange(4)
        if kind == 0 and data:
            data[at % len(data)] = randomly.randrange(256)
        elif kind == 1:
            data[at:at] = bytes(randomly.randrange(256) for _ in range(randomly.randrange(1, 9)))
        elif kind == 2:
            del data[at : at + randomly.randrange(1, 20)]
        else:
            data[at:at] = data[at : at + 40] * randomly.randrange(1, 50)
    return bytes(data)


def make_request(randomly):
    path, body = randomly.choice(BODIES)
    text = json.dumps(mutate_json(body, randomly)).encode()
    if randomly.random() < 0.3:
        text = mutate_bytes(text, randomly)
    headers = ["Host: localhost", f"Content-Length: {len(text)}"] + randomly.sample(HEADERS, randomly.choice([0, 0, 0, 1, 2]))
    method = randomly.choice(["POST"] * 12 + ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "BREW"])
    request = f"{method} {path} HTTP/1.1\r\n".encode() + "\r\n".join(headers).encode() + b"\r\n\r\n" + text
    return mutate_bytes(request, randomly) if randomly.random() < 0.4 else request


def test_no_request_harms_the_server(hyprstream):
    seed = int(os.environ.get("HYPRSTREAM_FUZZ_SEED", random.randrange(2**32)))
    print("seed", seed)
    sent = answered = 0
    wrong = []
    with serving(hyprstream, "--request-timeout", "2") as server:
        host, port = server.url.removeprefix("http://").split(":")
        deadline = time.monotonic() + SECONDS

        def worker(number):
            nonlocal sent, answered
            randomly = random.Random(seed * 10 + number)
            while time.monotonic() < deadline and not wrong:
                request = make_request(randomly)
                try:
                    with socket.create_connection((host, int(port)), timeout=30) as connection:
                        connection.sendall(request)
                        if randomly.random() < 0.8:
                            connection.shutdown(socket.SHUT_WR)
                        answer = connection.recv(64)
                except ConnectionError:
                    answer = b""
                except TimeoutError:
                    wrong.append(("no answer", request))
                    return
                sent += 1
                answered += bool(answer)
                if answer.startswith(b"HTTP/1.1 500"):
                    wrong.append(("500", request))

        threads = [threading.Thread(target=worker, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong[0]
        assert server.process.poll() is None
        assert ask(server.url + "/v1/completions", {"prompt": "Once", "max_tokens": 4})[0] == 200
    print(f"{sent} requests, {answered} answers")
    assert sent > 20 and answered > sent // 4
