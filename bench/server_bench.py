"""`hyprstream server` against llama-server: the same requests, over the same API, in turn."""

import contextlib
import json
import math
import os
import pathlib
import socket
import statistics
import subprocess
import time
import urllib.error
import urllib.request

from measure import median, run_json_lines

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build" / "release" / "bin"
PLACE = ROOT / "build" / "bench" / "server"
THREADS = str(len(os.sched_getaffinity(0)))
ADAPTERS = 32
TOKENS = 64  # of an answer
ROOM = 512  # tokens of context for each client

# What is asked for: name, clients, traffic, adapters, words of each prompt (24 are 62 tokens, 6 are 14), throughput
# against llama-server.
ROWS = {
    "none": ("no adapter", 8, "none", 0, 24, 0.97),
    "one": ("one adapter on q,v for all", 8, "one", 1, 24, 1.1),
    "each": ("8 clients, 8 adapters on q,v", 8, "each", 8, 24, 2.0),
    "each-short": ("8 clients, 8 adapters on q,v, short prompts", 8, "each", 8, 6, 2.0),
    "zipf": ("16 clients, 32 adapters on q,v after Zipf", 16, "zipf", ADAPTERS, 24, 2.0),
}
FEWEST_REQUESTS = 200  # of each side, in each row, for figures worth keeping


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(url, body=None):
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


@contextlib.contextmanager
def serving(name, command, port, environment=None):
    """The server's address, from when it is ready to the end of the block."""
    PLACE.mkdir(parents=True, exist_ok=True)
    log = PLACE / f"{name}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                ask(f"{url}/health")
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{name} did not start: {log.read_text(errors='replace')[-1000:]}")
            time.sleep(0.1)
        yield url
        if process.poll() is not None:
            raise SystemExit(f"{name} ended by itself ({process.returncode}): {log.read_text(errors='replace')[-1000:]}")
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def make_adapters(model, count):
    """`count` adapters of 99% sparsity and rank 16 on q and v in a store of their own, and the same values dense for
    llama.cpp; made once. Returns the environment that has that store, and the dense files."""
    home = PLACE / "home"
    environment = {"HYPRSTREAM_HOME": str(home)}
    dense = [PLACE / f"dense-{number}.gguf" for number in range(count)]
    for number, file in enumerate(dense):
        if file.exists():
            continue
        PLACE.mkdir(parents=True, exist_ok=True)
        name = f"bench-{number}"
        run = lambda *words: subprocess.run(
            [str(word) for word in (ROOT / "hyprstream", "lora", *words)],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        if not (home / "adapters" / name).exists():
            run("create", "--base", model, "--name", name, "--rank", 16, "--target-modules", "q_proj,v_proj",
                "--sparsity", 0.99, "--seed", number + 1)  # fmt: skip
        run("export", name, "--format", "gguf", "--output", file)
    return environment, dense


def ours(model, clients, environment):
    port = free_port()
    command = [ROOT / "hyprstream", "server", "--model", model, "--port", port, "--parallel", clients,
               "--ctx-size", ROOM, "--threads", THREADS]  # fmt: skip
    return serving("hyprstream", command, port, environment)


def theirs(model, clients, dense):
    port = free_port()
    command = ["llama-server", "--model", model, "--host", "127.0.0.1", "--port", port, "--parallel", clients,
               "--ctx-size", clients * ROOM, "--threads", THREADS, "--no-webui"]  # fmt: skip
    if dense:
        command += ["--lora", ",".join(str(file) for file in dense), "--lora-init-without-apply"]
    return serving("llama-server", command, port)


def load(url, clients, traffic, adapters, words, prefix, requests, first):
    command = [BIN / "server_load", "--url", url, "--texts", ROOT / "tests" / "data" / "validation.txt", "--clients", clients,
               "--prompt-words", words, "--requests", requests, "--first", first, "--max-tokens", TOKENS, "--traffic", traffic,
               "--adapters", max(adapters, 1), "--adapter-prefix", prefix]  # fmt: skip
    return run_json_lines([str(part) for part in command], timeout=1800)[0]


def first_logprob(url, adapters):
    """Of the greedy answer's first token. `adapters`: the value of the field `lora`."""
    body = {
        "model": ask(f"{url}/v1/models")["data"][0]["id"],
        "prompt": "Once upon a time, there was a young frog",
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": 1,
        "lora": adapters,
    }
    scores = ask(f"{url}/v1/completions", body)["choices"][0]["logprobs"]
    # llama-server answers in the shape of chats here, OpenAI in that of completions.
    return scores["content"][0]["logprob"] if "content" in scores else scores["token_logprobs"][0]


def check_adapters_act(our_url, their_url, adapters):
    """Both must do the same work: every adapter changes the model, and to the same on both sides."""
    # llama-server applies all of its adapters where the field is left out or empty.
    plain = first_logprob(our_url, []), first_logprob(their_url, [{"id": number, "scale": 0.0} for number in range(adapters)])
    for number in range(min(adapters, 8)):
        mine = first_logprob(our_url, [{"name": f"bench-{number}", "scale": 1.0}])
        other = first_logprob(their_url, [{"id": number, "scale": 1.0}])
        if math.isclose(mine, plain[0], abs_tol=1e-6) or math.isclose(other, plain[1], abs_tol=1e-6):
            raise SystemExit(f"adapter {number} changes nothing: {mine} and {plain[0]}, llama-server {other} and {plain[1]}")
        if abs(mine - other) > 0.05:
            raise SystemExit(f"adapter {number} is not the same on both sides: {mine} and {other}")


def percentile(values, percent):
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def same_answers(runs):
    """The share of answers that a server gave alike when it was asked the same again."""
    first, second = runs
    return sum(first["answers"][key] == text for key, text in second["answers"].items()) / len(second["answers"])


def compare_server(report, rounds, model, say, row, requests):
    name, clients, traffic, adapters, words, least = ROWS[row]
    environment, dense = make_adapters(model, adapters)
    # As many for each client, and that many in all rounds together.
    each = clients * math.ceil(requests / (rounds * clients))
    with ours(model, clients, environment) as our_url, theirs(model, clients, dense) as their_url:
        if adapters:
            check_adapters_act(our_url, their_url, adapters)
        sides = {"hyprstream": (our_url, "bench-"), "llama-server": (their_url, "")}
        runs = {side: [] for side in sides}
        for number in range(-1, rounds):  # the first one warms up
            say(f"server, {name}: " + (f"round {number + 1} of {rounds}" if number >= 0 else "warming up"))
            # Each begins as often as the other: the second finds the machine warmer.
            for side, (url, prefix) in sorted(sides.items(), reverse=number % 2 == 1):
                requests, first = (clients, 100_000) if number < 0 else (each, number * each)
                run = load(url, clients, traffic, adapters, words, prefix, requests, first)
                if number < 0:
                    continue
                runs[side].append(run)
                say(f"  {side}: {run['tokens_per_second']:.1f} tokens/s, first token "
                    f"{statistics.median(run['first_token_ms']):.0f} ms")  # fmt: skip
        again = {
            side: load(url, clients, traffic, adapters, words, prefix, clients, 0) for side, (url, prefix) in sides.items()
        }
    add_rows(report, name, least, runs, again)


def add_rows(report, name, least, runs, again):
    speed = {side: median([run["tokens_per_second"] for run in found]) for side, found in runs.items()}
    first = {side: [time for run in found for time in run["first_token_ms"]] for side, found in runs.items()}
    gaps = {side: [gap for run in found for gap in run["gap_ms"]] for side, found in runs.items()}
    mine, other = "hyprstream", "llama-server"
    report.add(f"server, {name}: tokens/s / llama-server", speed[mine] / speed[other], (">=", least),
               f"{speed[mine]:.1f} / {speed[other]:.1f} tokens/s, {len(first[mine])} requests each")  # fmt: skip
    for what, percent, most in (("median", 50, 1.05), ("99th percentile", 99, 1.15)):
        a, b = percentile(first[mine], percent), percentile(first[other], percent)
        report.add(f"server, {name}: time to first token, {what}", a / b, ("<=", most), f"{a:.0f} / {b:.0f} ms")
    a, b = (percentile(gaps[side], 99) for side in (mine, other))
    report.add(f"server, {name}: gap between tokens, 99th percentile", a / b, None, f"{a:.0f} / {b:.0f} ms")
    alike = {side: same_answers((found[0], again[side])) for side, found in runs.items()}
    report.add(f"server, {name}: answers that are the same when asked again", alike[mine], None,
               f"{alike[mine]:.2f} / {alike[other]:.2f}")  # fmt: skip


def compare_http_cost(report, rounds):
    """The same tiny requests to the service in process and over HTTP, in turn; medians of each."""
    model = ROOT / "models" / "hypr-tiny-q8_0.gguf"
    port = free_port()
    command = [ROOT / "hyprstream", "server", "--model", model, "--port", port, "--parallel", 1, "--ctx-size", 1024,
               "--threads", 1]  # fmt: skip
    with serving("hyprstream", command, port) as url:
        found = run_json_lines([str(BIN / "http_cost"), "--url", url, "--model", str(model), "--requests", str(rounds * 200)])[0]
    report.add("HTTP and JSON, ms a request", found["http_ms"] - found["in_process_ms"], ("<=", 1.0),
               f"{found['http_ms']:.2f} / {found['in_process_ms']:.2f} ms")  # fmt: skip
