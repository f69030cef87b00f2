"""/openapi.json against the server that gives it: routes, request fields and answers."""

import json
import subprocess
import time

import pytest

from openai_server import ask, client, server  # noqa: F401
from server import serving

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


class Schemas:
    def __init__(self, document):
        self.named = document["components"]["schemas"]

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.named[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def fields(self, schema):
        """Every property with its schema, those of allOf included."""
        schema = self.resolve(schema)
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            found |= self.fields(part)
        return found

    def wrong(self, value, schema, where="$", known=None):
        """What in the value is not as the schema has it; None: nothing. `known`: fields that others describe."""
        schema = self.resolve(schema)
        known = {*self.fields(schema), *(known or ())}
        for part in schema.get("allOf", []):
            if found := self.wrong(value, part, where, known):
                return found
        if "oneOf" in schema and all(self.wrong(value, part, where) for part in schema["oneOf"]):
            return f"{where} is none of the forms"
        if "enum" in schema and value not in schema["enum"]:
            return f"{where} is {value!r}"
        if "type" in schema:
            kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            right = any(isinstance(value, TYPES[k]) and (k == "boolean" or not isinstance(value, bool)) for k in kinds)
            if not right:
                return f"{where} is {value!r}, no {kinds}"
        if isinstance(value, dict):
            for name in schema.get("required", []):
                if name not in value:
                    return f"{where}.{name} is missing"
            properties = schema.get("properties", {})
            for name, part in value.items():
                if known and name not in known:
                    return f"{where}.{name} is not described"
                if name in properties and (found := self.wrong(part, properties[name], f"{where}.{name}")):
                    return found
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                if found := self.wrong(item, schema["items"], f"{where}[{i}]"):
                    return found
        return None


@pytest.fixture
def document(server):
    return ask(server.url + "/openapi.json")[1]


def json_schema(content):
    return content.get("content", {}).get("application/json", {}).get("schema")


def good_requests(source):
    """For each route, in an order that works: path, method, body, form."""
    message = [{"role": "user", "content": "Hi"}]
    return [
        ("/health", "get", None), ("/version", "get", None), ("/v1/models", "get", None), ("/v1/models/pirate", "get", None),
        ("/v1/completions", "post", {"prompt": "Once", "max_tokens": 2, "logprobs": 1}),
        ("/v1/chat/completions", "post", {"messages": message, "max_tokens": 2, "logprobs": True}),
        ("/v1/embeddings", "post", {"input": ["Once"]}),
        ("/tokenize", "post", {"content": "Once"}), ("/detokenize", "post", {"tokens": [1, 2]}),
        ("/v1/adapters", "get", None), ("/v1/adapters", "post", {"name": "made"}),
        ("/v1/adapters/made", "get", None), ("/v1/load_lora_adapter", "post", {"lora_name": "made"}),
        ("/lora-adapters", "get", None), ("/lora-adapters", "post", [{"id": 0, "scale": 0}]),
        ("/v1/unload_lora_adapter", "post", {"lora_name": "made"}), ("/v1/adapters/made", "delete", None),
        ("/v1/files", "get", None), ("/v1/fine_tuning/jobs", "get", None),
    ]  # fmt: skip


def described(document, path):
    """The path's pattern in the document."""
    for pattern in sorted(document["paths"], key=lambda p: p.count("{")):
        parts, given = pattern.split("/"), path.split("/")
        if len(parts) == len(given) and all(a == b or a.startswith("{") for a, b in zip(parts, given)):
            return pattern
    raise AssertionError(f"{path} is not described")


def fine_tuning_requests(server, source):
    """In an order that works, each after the one before it was answered."""
    upload = subprocess.run(["curl", "-s", "--noproxy", "*", server.url + "/v1/files", "-F", "purpose=fine-tune",
                             "-F", f"file=@{source / 'models/pirate.jsonl'}"], capture_output=True, check=True, timeout=60).stdout  # fmt: skip
    job = {"model": "hypr-tiny", "training_file": json.loads(upload)["id"], "suffix": "trained", "seed": 1, "metadata": {"a": "b"},
           "hyperparameters": {"n_epochs": "auto", "n_steps": 4, "rank": 2, "learning_rate": 1e-3}}  # fmt: skip
    yield "/v1/fine_tuning/jobs", "post", job
    made = ask(server.url + "/v1/fine_tuning/jobs")[1]["data"][0]["id"]
    deadline = time.monotonic() + 120
    while ask(f"{server.url}/v1/fine_tuning/jobs/{made}")[1]["status"] != "succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    for more in ("", "/events", "/checkpoints"):
        yield f"/v1/fine_tuning/jobs/{made}{more}", "get", None
    yield "/v1/fine_tuning/jobs", "post", job
    queued = ask(server.url + "/v1/fine_tuning/jobs")[1]["data"][0]["id"]
    yield f"/v1/fine_tuning/jobs/{queued}/cancel", "post", None


def test_every_answer_is_as_described(server, document, source):
    schemas = Schemas(document)
    seen = set()
    for path, method, body in good_requests(source):
        status, answer = ask(server.url + path, body, method=method.upper())
        assert status == 200, (path, answer)
        pattern = described(document, path)
        seen.add((pattern, method))
        operation = document["paths"][pattern][method]
        assert schemas.wrong(answer, json_schema(operation["responses"]["200"])) is None, path
        if body is not None:
            request = json_schema(operation["requestBody"])
            assert schemas.wrong(body, request) is None, path
    upload = subprocess.run(["curl", "-s", "--noproxy", "*", server.url + "/v1/files", "-F", "purpose=fine-tune", "-F", f"file=@{__file__}"],
                            capture_output=True, check=True, timeout=60).stdout  # fmt: skip
    made = json.loads(upload)["id"]
    for path, method in ((f"/v1/files/{made}", "get"), (f"/v1/files/{made}/content", "get"), (f"/v1/files/{made}", "delete")):
        assert (pattern := described(document, path)) and method in document["paths"][pattern]
        seen.add((pattern, method))
        if not path.endswith("content"):
            status, answer = ask(server.url + path, method=method.upper())
            wanted = json_schema(document["paths"][pattern][method]["responses"]["200"])
            assert status == 200 and schemas.wrong(answer, wanted) is None
    for path, method, body in fine_tuning_requests(server, source):
        status, answer = ask(server.url + path, body, method=method.upper())
        pattern = described(document, path)
        seen.add((pattern, method))
        operation = document["paths"][pattern][method]
        assert status == 200 and schemas.wrong(answer, json_schema(operation["responses"]["200"])) is None, (path, answer)
        if body is not None:
            assert schemas.wrong(body, json_schema(operation["requestBody"])) is None, path
    everything = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert everything - seen == {("/metrics", "get"), ("/openapi.json", "get"), ("/v1/files", "post")}


def test_every_described_field_is_read(server, document):
    """A value of a type that the field cannot have is refused by that name."""
    schemas = Schemas(document)
    good = {path: body for path, method, body in good_requests(None) if method == "post"}
    good["/v1/load_lora_adapter"] = {"lora_name": "pirate"}
    good["/v1/fine_tuning/jobs"] = {"model": "hypr-tiny", "training_file": "file-" + "0" * 24}
    good["/v1/chat/completions"] |= {"tools": [{"function": {"name": "f"}}]}
    count = 0
    for path, body in good.items():
        if isinstance(body, list):
            continue
        for name, schema in schemas.fields(json_schema(document["paths"][path]["post"]["requestBody"])).items():
            text = schemas.wrong("\x01", schema) is None  # a text will do: send a number
            wrong = 0.5 if text else "\x01"
            assert schemas.wrong(wrong, schema), (path, name)
            status, answer = ask(server.url + path, {**body, name: wrong})
            assert status == 400 and answer["error"]["param"] == name, (path, name, wrong, answer)
            assert schemas.wrong(answer, document["components"]["schemas"]["Error"]) is None
            count += 1
    assert count > 45


def test_every_described_route_needs_its_key(hyprstream, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("inference app 0123456789abcdef\nadmin root fedcba9876543210\n")
    keys.chmod(0o600)
    with serving(hyprstream, "--api-key-file", str(keys)) as server:
        ours, admins = ({"Authorization": f"Bearer {key}"} for key in ("0123456789abcdef", "fedcba9876543210"))
        document = ask(server.url + "/openapi.json", headers=ours)[1]
        for path, methods in document["paths"].items():
            url = server.url + path.replace("{", "").replace("}", "")
            for method, operation in methods.items():
                body = b"{}" if method == "post" else None
                public = operation.get("security") == []
                status = ask(url, body, method=method.upper())[0] if path != "/metrics" else 401
                assert public == (status == 200) and (public or status == 401), (path, method, status)
                if operation.get("x-scope") == "admin":
                    assert ask(url, body, headers=ours, method=method.upper())[0] == 403, path
                    if not path.endswith("content"):
                        assert ask(url, body, headers=admins, method=method.upper())[0] not in (401, 403), path
