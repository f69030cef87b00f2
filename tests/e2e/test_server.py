"""The server, asked by OpenAI's own client and by curl."""

import json
import socket
import subprocess
import threading
import time

import openai
import pytest

from openai_server import PROMPT, ask, chat, client, server  # noqa: F401
from server import serving


def test_answers_as_run_does(hyprstream, server, client):
    expected = hyprstream.run("run", "bundled", PROMPT, "--temperature", "0", "--max-tokens", "24").stdout.decode()
    answer = chat(client)
    assert answer.choices[0].message.content.strip() == expected.strip()
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 24
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 24


def test_streams_the_same_text(client):
    whole = chat(client)
    chunks = list(chat(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 24
    # The prompt was still there, all but its last token.
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens == whole.usage.prompt_tokens - 1
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length"


def test_choices_stop_seed_and_logprobs(client):
    many = chat(client, n=3, temperature=1, seed=7)
    again = chat(client, n=3, temperature=1, seed=7)
    assert [c.index for c in many.choices] == [0, 1, 2]
    assert many.choices[0].message.content == chat(client, temperature=1, seed=7).choices[0].message.content
    assert len(again.choices) == 3
    whole = chat(client).choices[0].message.content
    stop = whole.split()[5]
    stopped = chat(client, stop=[stop])
    assert stopped.choices[0].message.content == whole[: whole.index(stop)]
    assert stopped.choices[0].finish_reason == "stop"
    scored = chat(client, max_tokens=4, logprobs=True, top_logprobs=3).choices[0].logprobs.content
    assert len(scored) == 4
    for one in scored:
        assert one.logprob <= 0 and len(one.top_logprobs) == 3
        assert one.token == one.top_logprobs[0].token


def test_adapters_are_models(client):
    models = {m.id: m for m in client.models.list()}
    assert models["pirate"].model_extra["parent"] == "hypr-tiny"
    base = chat(client, max_tokens=8, logprobs=True)
    other = chat(client, model="pirate", max_tokens=8, logprobs=True)
    assert other.model == "pirate"
    assert base.choices[0].logprobs.content[0].logprob != other.choices[0].logprobs.content[0].logprob
    scaled = chat(client, model="hypr-tiny+pirate", max_tokens=8, logprobs=True)
    assert scaled.choices[0].logprobs.content[0].logprob == other.choices[0].logprobs.content[0].logprob
    off = chat(client, max_tokens=8, logprobs=True, extra_body={"lora": [{"name": "pirate", "scale": 0}]})
    assert off.choices[0].message.content == base.choices[0].message.content


def test_json_schema_holds(client):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 99}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    for seed in range(5):
        answer = chat(client, response_format=form, temperature=1, seed=seed, max_tokens=200)
        person = json.loads(answer.choices[0].message.content)
        assert set(person) == {"name", "age"} and 0 <= person["age"] <= 99 and len(person["name"]) <= 12
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"uniqueItems": True, "type": "array"}}})
    assert "uniqueItems" in refused.value.message


def test_text_completions(client):
    answer = client.completions.create(model="hypr-tiny", prompt="Once upon a time", max_tokens=8, temperature=0, logprobs=2)
    pieces = client.completions.create(model="hypr-tiny", prompt="Once upon a time", max_tokens=8, temperature=0, stream=True)
    assert "".join(p.choices[0].text for p in pieces) == answer.choices[0].text
    scores = answer.choices[0].logprobs
    assert "".join(scores.tokens) == answer.choices[0].text
    assert scores.text_offset == [len("".join(scores.tokens[:i])) for i in range(8)]
    streamed = client.completions.create(model="hypr-tiny", prompt="Once upon a time", max_tokens=8, temperature=0, logprobs=2, stream=True)
    assert [at for p in streamed if p.choices[0].logprobs for at in p.choices[0].logprobs.text_offset] == scores.text_offset


def test_fields_at_their_ends(server, client):
    short = client.completions.create(model="hypr-tiny", prompt="Once", temperature=0, extra_body={"ignore_eos": True})
    assert short.usage.completion_tokens == 16
    greedy = chat(client, temperature=0, max_tokens=12).choices[0].message.content
    assert chat(client, temperature=1, top_p=0, max_tokens=12).choices[0].message.content == greedy
    assert chat(client, temperature=0, max_tokens=12, extra_body={"top_k": -1}).choices[0].message.content == greedy
    two = client.completions.create(model="hypr-tiny", prompt="Once", max_tokens=2, n=2, best_of=2)
    assert len(two.choices) == 2
    for path, body, field in (
        ("/v1/completions", {"prompt": "Once", "best_of": 2}, "best_of"),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "functions": [{"name": "f"}]}, "functions"),
        ("/v1/chat/completions", {"messages": [{"role": "wizard", "content": "Hi"}]}, "messages[0].role"),
    ):
        status, answer = ask(server.url + path, body)
        assert status == 400 and answer["error"]["param"] == field, answer
    assert "assistant" in answer["error"]["message"]


def test_errors_name_the_field(server, client):
    with pytest.raises(openai.NotFoundError) as missing:
        chat(client, model="pirat")
    assert missing.value.code == "model_not_found" and "pirate" in missing.value.message
    with pytest.raises(openai.BadRequestError) as long:
        chat(client, text="dog " * 5000)
    assert long.value.code == "context_length_exceeded"
    url = server.url + "/v1/chat/completions"
    message = [{"role": "user", "content": "Hi"}]
    for field, value in {
        "temperature": "hot", "top_p": -1, "top_k": -2, "n": 0, "max_tokens": -1, "stop": [1], "seed": 1.5, "stream": "yes",
        "logit_bias": {"x": 1}, "lora": {}, "model": 5, "logprobs": 3, "response_format": "json",
    }.items():
        status, body = ask(url, {"messages": message, field: value})
        assert status == 400 and body["error"]["param"] == field, (field, body)
    assert ask(url, {"messages": []})[1]["error"]["param"] == "messages"
    assert ask(url, {"messages": [{"role": "user", "content": 5}]})[1]["error"]["param"] == "messages[0].content"
    assert ask(url, b"{")[0] == 400
    assert ask(url, b"[" * 100000)[0] == 400
    assert ask(url, b"\xff\xfe")[0] == 400


def test_curl_sees_whole_events(server):
    body = json.dumps({"prompt": "Once", "max_tokens": 3, "stream": True})
    answer = subprocess.run(["curl", "-sN", "--noproxy", "*", "-i", server.url + "/v1/completions", "-d", body],
                            capture_output=True, text=True, timeout=60).stdout
    head, text = answer.split("\n\n", 1) if "\r\n\r\n" not in answer else answer.split("\r\n\r\n", 1)
    assert "text/event-stream" in head
    events = text.rstrip("\n").split("\n\n")
    assert events[-1] == "data: [DONE]"
    for event in events[:-1]:
        assert event.startswith("data: {") and "\n" not in event
        json.loads(event[6:])


def test_tokens_go_there_and_back(server):
    tokens = ask(server.url + "/tokenize", {"content": "Hello, world"})[1]["tokens"]
    assert ask(server.url + "/detokenize", {"tokens": tokens})[1]["content"] == "Hello, world"


def test_tokens_have_pieces(server):
    plain = ask(server.url + "/tokenize", {"content": "Once upon"})[1]["tokens"]
    pieces = ask(server.url + "/tokenize", {"content": "Once upon", "with_pieces": True})[1]["tokens"]
    assert [one["id"] for one in pieces] == plain
    assert "".join(one["piece"] for one in pieces).strip() == "Once upon"


def test_keys_and_hosts(hyprstream, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("inference app 0123456789abcdef\n")
    keys.chmod(0o600)
    with serving(hyprstream, "--api-key-file", str(keys)) as server:
        assert ask(server.url + "/health")[0] == 200
        assert ask(server.url + "/v1/models")[0] == 401
        assert ask(server.url + "/v1/models", headers={"Authorization": "Bearer 0123456789abcdef"})[0] == 200
        assert ask(server.url + "/health", headers={"Host": "evil.example"})[0] == 403
    refused = hyprstream.run("server", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2 and b"--api-key-file" in refused.stderr
    keys.chmod(0o644)
    assert hyprstream.run("server", "--api-key-file", str(keys)).returncode == 1


def test_a_port_that_is_taken_is_named(hyprstream):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = hyprstream.run("server", "--port", port)
    assert refused.returncode == 1 and port.encode() in refused.stderr


def test_many_clients_that_vanish_leave_the_server_well(server, client):
    host, port = server.url.removeprefix("http://").split(":")
    body = json.dumps({"prompt": "Once upon a time", "max_tokens": 3000, "ignore_eos": True, "stream": True}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for i in range(60):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(head + body)
            if i % 2 == 0:
                connection.recv(100)
    # Eight slots were taken sixty times; none is any more.
    assert chat(client).choices[0].message.content


def test_a_drain_finishes_what_runs(server, client):
    pieces = chat(client, max_tokens=300, stream=True, extra_body={"ignore_eos": True})
    first = next(iter(pieces))
    assert first.choices
    stopped = threading.Thread(target=server.stop)
    stopped.start()
    time.sleep(0.1)
    count = sum(len(c.choices) for c in pieces)
    stopped.join(timeout=60)
    assert count > 200 and server.process.returncode == 0
