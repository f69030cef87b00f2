"""What a training job in the server costs those who are served meanwhile."""

import contextlib
import json
import shutil
import subprocess
import time

from measure import median
from server_bench import PLACE, ROOT, ask, free_port, load, serving

CLIENTS = 4
REQUESTS = 8  # of one run
WORDS = 24  # of each prompt
ROOM = 512


def upload(url):
    """A short file to train on, many times the same sentence."""
    data = PLACE / "fine-tuning.jsonl"
    data.write_text(json.dumps({"text": "The ship sails over the sea. " * 8}) + "\n")
    data.write_text(data.read_text() * 64)
    answer = subprocess.run(["curl", "-s", "--noproxy", "*", f"{url}/v1/files", "-F", "purpose=fine-tune", "-F", f"file=@{data}"],
                            capture_output=True, check=True, timeout=60).stdout  # fmt: skip
    return json.loads(answer)["id"]


@contextlib.contextmanager
def training(url, file):
    """A job is running from the beginning of the block to its end."""
    model = next(entry["id"] for entry in ask(f"{url}/v1/models")["data"] if entry["parent"] is None)
    hyperparameters = {"n_steps": 100_000, "rank": 16, "batch_size": 4}
    job = ask(f"{url}/v1/fine_tuning/jobs", {"model": model, "training_file": file, "hyperparameters": hyperparameters})["id"]
    place = f"{url}/v1/fine_tuning/jobs/{job}"
    while (status := ask(place)["status"]) != "running":
        if status in ("failed", "cancelled"):
            raise SystemExit(f"the job has {status}: {ask(place)['error']}")
        time.sleep(0.1)
    try:
        yield
    finally:
        ask(f"{place}/cancel", {})


def compare_fine_tuning(report, rounds, model, say):
    """The same requests in turn with and without a job that is trained at the server's lowest priority."""
    port = free_port()
    home = PLACE / "fine-tuning-home"
    shutil.rmtree(home, ignore_errors=True)  # a job that an earlier run left would be trained first
    environment = {"HYPRSTREAM_HOME": str(home)}
    command = [ROOT / "hyprstream", "server", "--model", model, "--port", port, "--parallel", CLIENTS, "--ctx-size", ROOM]
    runs = {"alone": [], "training": []}
    with serving("fine-tuning", command, port, environment) as url:
        file = upload(url)
        for number in range(-1, rounds):  # the first one warms up
            for side in sorted(runs, reverse=number % 2 == 1):
                with training(url, file) if side == "training" else contextlib.nullcontext():
                    run = load(url, CLIENTS, "none", 0, WORDS, "", REQUESTS, (number + 1) * REQUESTS)
                if number >= 0:
                    runs[side].append(run["tokens_per_second"])
                    say(f"  {side}: {run['tokens_per_second']:.1f} tokens/s")
    speed = {side: median(found) for side, found in runs.items()}
    report.add("server, tokens/s while it trains / alone", speed["training"] / speed["alone"], None,
               f"{speed['training']:.1f} / {speed['alone']:.1f} tokens/s")  # fmt: skip
