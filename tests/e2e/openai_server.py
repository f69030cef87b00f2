"""A server with one adapter, and two ways to ask it: OpenAI's client, and plain HTTP."""

import json
import urllib.error
import urllib.request

import openai
import pytest

from server import serving

PROMPT = "Tell me a story about a dog."


@pytest.fixture
def server(hyprstream):
    hyprstream.run("lora", "create", "--name", "pirate", "--rank", "8", "--sparsity", "0.5")
    # On a busy machine training at the lowest priority may wait for minutes.
    with serving(hyprstream, "--training-niceness", "0") as running:
        yield running


@pytest.fixture
def client(server):
    return openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


def ask(url, body=None, headers=None, method=None):
    data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def chat(client, text=PROMPT, **options):
    options = {"model": "hypr-tiny", "max_tokens": 24, "temperature": 0, **options}
    return client.chat.completions.create(messages=[{"role": "user", "content": text}], **options)
