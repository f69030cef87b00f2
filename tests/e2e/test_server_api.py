"""Embeddings, tools, adapters and files over HTTP; what metrics say of it."""

import base64
import json
import math
import struct
import subprocess

import openai
import pytest

from openai_server import PROMPT, ask, chat, client, server  # noqa: F401
from server import serving

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 12}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}
TIME = {"type": "function", "function": {"name": "get_time"}}


def form(url, *parts):
    command = ["curl", "-s", "--noproxy", "*", url]
    for part in parts:
        command += ["-F", part]
    return json.loads(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)


def first_logprob(client, **options):
    return chat(client, max_tokens=1, logprobs=True, **options).choices[0].logprobs.content[0].logprob


def metrics(server):
    lines = subprocess.run(["curl", "-s", "--noproxy", "*", server.url + "/metrics"], capture_output=True, text=True, timeout=60).stdout
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines.splitlines() if line and line[0] != "#"}


def test_embeddings_have_length_one_and_one_meaning(client):
    texts = ["The cat sat on the mat.", "A dog.", "The cat sat on the mat."]
    default = client.embeddings.create(model="hypr-tiny", input=texts)  # which asks for base64
    plain = client.embeddings.create(model="hypr-tiny", input=texts, encoding_format="float")
    assert [e.index for e in default.data] == [0, 1, 2]
    for one, other in zip(default.data, plain.data):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
        assert math.hypot(*one.embedding) == pytest.approx(1, abs=1e-4)
    assert default.data[0].embedding == pytest.approx(default.data[2].embedding, abs=1e-3)
    assert math.dist(default.data[0].embedding, default.data[1].embedding) > 0.1
    alone = client.embeddings.create(model="hypr-tiny", input=texts[1])
    assert alone.data[0].embedding == pytest.approx(default.data[1].embedding, abs=1e-2)
    other = client.embeddings.create(model="pirate", input=texts[1])
    assert math.dist(other.data[0].embedding, alone.data[0].embedding) > 1e-3
    assert default.usage.prompt_tokens == default.usage.total_tokens > 3


def test_embeddings_take_tokens_and_name_what_is_wrong(server):
    url = server.url + "/v1/embeddings"
    tokens = ask(server.url + "/tokenize", {"content": "A dog.", "add_special": True})[1]["tokens"]
    vectors = [ask(url, {"input": i})[1]["data"][0]["embedding"] for i in ("A dog.", tokens, [tokens], ["A dog."])]
    for vector in vectors[1:]:
        assert vector == pytest.approx(vectors[0], abs=1e-3)
    text = ask(url, {"input": "A dog.", "encoding_format": "base64"})[1]["data"][0]["embedding"]
    raw = base64.b64decode(text, validate=True)
    assert list(struct.unpack(f"<{len(raw) // 4}f", raw)) == pytest.approx(vectors[0], abs=1e-3)
    for body, field in (
        ({}, "input"), ({"input": []}, "input"), ({"input": [{}]}, "input"), ({"input": [[-1]]}, "input"),
        ({"input": "x", "encoding_format": "hex"}, "encoding_format"), ({"input": "x", "dimensions": 7}, "dimensions"),
        ({"input": ["x"] * 300}, "input"),
    ):
        status, answer = ask(url, body)
        assert status == 400 and answer["error"]["param"] == field, (body, answer)
    status, answer = ask(url, {"input": "dog " * 5000})
    assert status == 400 and answer["error"]["code"] == "context_length_exceeded"
    assert ask(url, {"input": "x", "model": "nobody"})[0] == 404


def test_several_prompts_in_one_completion(client):
    prompts = ["Once upon a time", "The dog", "Once upon a time"]
    options = {"model": "hypr-tiny", "max_tokens": 8, "temperature": 0}
    each = [client.completions.create(prompt=p, **options).choices[0].text for p in prompts]
    many = client.completions.create(prompt=prompts, n=2, **options)
    assert [c.index for c in many.choices] == list(range(6))
    assert [c.text for c in many.choices] == [text for text in each for _ in range(2)]
    assert many.usage.completion_tokens == 48
    texts = [""] * 3
    for chunk in client.completions.create(prompt=prompts, stream=True, **options):
        texts[chunk.choices[0].index] += chunk.choices[0].text
    assert texts == each


def test_a_forced_tool_call_fits_its_schema(client):
    for seed in range(3):
        answer = chat(client, tools=[WEATHER, TIME], tool_choice={"type": "function", "function": {"name": "get_weather"}},
                      parallel_tool_calls=False, max_tokens=200, temperature=1, seed=seed)  # fmt: skip
        choice = answer.choices[0]
        assert choice.finish_reason == "tool_calls" and choice.message.content is None
        (call,) = choice.message.tool_calls
        assert call.type == "function" and call.function.name == "get_weather" and call.id.startswith("call_")
        arguments = json.loads(call.function.arguments)
        assert set(arguments) == {"city", "days"} and 1 <= arguments["days"] <= 7 and len(arguments["city"]) <= 12


def test_tool_calls_are_streamed(client):
    options = {"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False, "max_tokens": 200}
    whole = chat(client, **options).choices[0].message.tool_calls[0].function
    name = arguments = ""
    finish = None
    for chunk in chat(client, stream=True, **options):
        for call in chunk.choices[0].delta.tool_calls or []:
            assert call.index == 0
            name += call.function.name or ""
            arguments += call.function.arguments or ""
        finish = chunk.choices[0].finish_reason or finish
    assert (name, arguments, finish) == (whole.name, whole.arguments, "tool_calls")


def test_a_conversation_goes_on_behind_a_tool(client):
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Rome", "days": 1}'}}
    messages = [
        {"role": "user", "content": "Is it warm in Rome?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "31 degrees"},
    ]
    options = {"model": "hypr-tiny", "max_tokens": 4, "temperature": 0}
    short = client.chat.completions.create(messages=messages[:1], **options)
    told = client.chat.completions.create(messages=messages, tools=[WEATHER], **options)
    silent = client.chat.completions.create(messages=messages[:1], tools=[WEATHER], tool_choice="none", **options)
    assert told.usage.prompt_tokens > short.usage.prompt_tokens + 50
    assert silent.usage.prompt_tokens == short.usage.prompt_tokens


def test_wrong_tools_are_named(server):
    url = server.url + "/v1/chat/completions"
    message = [{"role": "user", "content": "Hi"}]
    for body, field in (
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tools": [WEATHER, WEATHER]}, "tools"),
        ({"tools": [WEATHER], "tool_choice": "maybe"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "get_time"}}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER], "response_format": {"type": "json_object"}}, "response_format"),
    ):
        status, answer = ask(url, {"messages": message, **body})
        assert status == 400 and answer["error"]["param"] == field, (body, answer)


def test_adapters_are_created_uploaded_and_deleted(hyprstream, server, client, tmp_path):
    url = server.url + "/v1/adapters"
    status, made = ask(url, {"name": "made", "rank": 4, "sparsity": 0.5, "seed": 7, "target_modules": ["q_proj"]})
    assert (status, made["rank"], made["version"], made["target_modules"]) == (200, 4, 1, ["q_proj"])
    assert ask(url, {"name": "made"})[0] == 409
    hyprstream.run("lora", "create", "--name", "same", "--rank", "4", "--sparsity", "0.5", "--seed", "7", "--target-modules", "q_proj")
    assert first_logprob(client, model="made") == first_logprob(client, model="same") != first_logprob(client)

    gguf, peft = tmp_path / "p.gguf", tmp_path / "peft"
    hyprstream.run("lora", "export", "pirate", "--format", "gguf", "--output", str(gguf))
    hyprstream.run("lora", "export", "pirate", "--format", "peft", "--output", str(peft))
    assert form(url, f"file=@{gguf}", "name=from-gguf")["changes_anything"] is True
    files = [f"file=@{peft / name}" for name in ("adapter_config.json", "adapter_model.safetensors")]
    assert form(url, *files, "name=from-peft")["nnz"] == ask(url + "/pirate")[1]["nnz"]
    expected = first_logprob(client, model="pirate")
    for name in ("from-gguf", "from-peft"):
        assert first_logprob(client, model=name) == pytest.approx(expected, abs=1e-4)

    # The next request uses a new version; what asked for the old one still gets it.
    hyprstream.run("lora", "export", "made", "--format", "gguf", "--output", str(tmp_path / "made.gguf"))
    again = form(url, f"file=@{tmp_path / 'made.gguf'}", "name=from-gguf", "new_version=true")
    assert again["version"] == 2 and again["versions"] == [1, 2]
    assert first_logprob(client, model="from-gguf") == pytest.approx(first_logprob(client, model="made"), abs=1e-4)
    assert first_logprob(client, model="from-gguf@1") == pytest.approx(expected, abs=1e-4)

    assert form(url, f"file=@{gguf}", "name=made")["error"]["code"] == "already_exists"
    assert form(url, f"file=@{__file__}", "name=code")["error"]["type"] == "invalid_request_error"
    assert form(url, "name=nothing")["error"]["param"] == "file"
    assert form(url, f"file=@{gguf}", "name=../out")["error"]["param"] == "name"
    assert ask(url + "/from-gguf@2", method="DELETE")[1]["deleted"] is True
    assert ask(url + "/from-gguf")[1]["versions"] == [1]
    assert ask(url + "/from-gguf", method="DELETE")[0] == 200
    assert ask(url + "/from-gguf", method="DELETE")[0] == 404
    assert "from-gguf" not in {m.id for m in client.models.list()}


def test_vllms_way_to_load_and_unload(hyprstream, tmp_path):
    hyprstream.run("lora", "create", "--name", "pirate", "--rank", "8", "--sparsity", "0.5")
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    hyprstream.run("lora", "export", "pirate", "--format", "gguf", "--output", str(allowed / "p.gguf"))
    (allowed / "out.gguf").symlink_to("/etc/passwd")
    with serving(hyprstream, "--adapter-directory", str(allowed)) as server:
        load, unload = server.url + "/v1/load_lora_adapter", server.url + "/v1/unload_lora_adapter"
        answer = ask(load, {"lora_name": "second", "lora_path": str(allowed / "p.gguf")})
        assert answer[0] == 200 and answer[1]["version"] == 1
        assert ask(load, {"lora_name": "second", "lora_path": "p.gguf"})[0] == 409
        assert ask(load, {"lora_name": "second", "lora_path": "p.gguf", "load_inplace": True})[1]["version"] == 2
        for path in ("/etc/passwd", "../home", "out.gguf", str(allowed), str(hyprstream.home)):
            status, refused = ask(load, {"lora_name": "third", "lora_path": path})
            assert status in (400, 404) and refused["error"]["param"] == "lora_path", (path, refused)
            assert "root:" not in json.dumps(refused)
        prompt = {"model": "second", "prompt": "Once", "max_tokens": 1}
        assert ask(server.url + "/v1/completions", prompt)[0] == 200
        assert ask(unload, {"lora_name": "second"})[0] == 200
        assert ask(server.url + "/v1/completions", prompt)[0] == 404
        assert ask(load, {"lora_name": "second"})[0] == 200
        assert ask(server.url + "/v1/completions", prompt)[0] == 200


def test_llama_servers_scales(server, client):
    url = server.url + "/lora-adapters"
    assert ask(url)[1] == [{"id": 0, "path": "pirate", "scale": 0.0}]
    base, other = first_logprob(client), first_logprob(client, model="pirate")
    assert first_logprob(client, extra_body={"lora": [{"id": 0, "scale": 1}]}) == other
    assert ask(url, [{"id": 0, "scale": 1}])[1][0]["scale"] == 1
    assert first_logprob(client) == other != base
    assert first_logprob(client, extra_body={"lora": []}) == base
    assert ask(url, [])[1][0]["scale"] == 0
    assert first_logprob(client) == base
    assert ask(url, [{"id": 5, "scale": 1}])[1]["error"]["param"] == "id"
    assert ask(url, {})[0] == 400


def test_files_go_there_and_back(server, client, tmp_path):
    data = tmp_path / "train.jsonl"
    data.write_bytes(b'{"text": "Ahoy"}\n' * 3)
    made = client.files.create(file=data, purpose="fine-tune")
    assert made.bytes == data.stat().st_size and made.filename == "train.jsonl"
    assert [f.id for f in client.files.list()] == [made.id]
    assert client.files.retrieve(made.id).filename == "train.jsonl"
    assert client.files.content(made.id).read() == data.read_bytes()
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)
    for name in ("..", "file-..", "file-" + "0" * 24):
        assert ask(f"{server.url}/v1/files/{name}")[0] == 404
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=data, purpose="assistants")
    assert refused.value.param == "purpose"


def test_adapters_name_their_parent_as_models_do(server):
    parents = {one["parent"] for one in ask(server.url + "/v1/adapters")[1]["data"]}
    assert parents == {"hypr-tiny"}


def test_metrics_count_what_was_done(server, client):
    chat(client, max_tokens=9)
    chat(client, max_tokens=5, model="pirate")
    client.embeddings.create(model="hypr-tiny", input="A dog.")
    said = metrics(server)
    assert said['hyprstream_generated_tokens_total{adapter=""}'] == 9
    assert said['hyprstream_generated_tokens_total{adapter="pirate"}'] == 5
    assert said['hyprstream_requests_total{adapter="",kind="generation",outcome="finished"}'] == 1
    assert said['hyprstream_requests_total{adapter="",kind="embedding",outcome="finished"}'] == 1
    assert said['hyprstream_time_to_first_token_seconds_count{adapter="pirate"}'] == 1
    assert said['hyprstream_inter_token_seconds_count{adapter="pirate"}'] == 4
    assert said['hyprstream_adapter_resident_bytes{adapter="pirate@1"}'] > 0
    assert said['hyprstream_http_responses_total{method="POST",route="/v1/chat/completions",status="200"}'] == 2
    assert said["hyprstream_running_sequences"] == said["hyprstream_queue_depth"] == 0
    assert 0 < said["hyprstream_kv_tokens"] <= said["hyprstream_kv_capacity_tokens"]
    assert ask(server.url + "/v1/adapters/pirate")[1]["loaded"] is True
