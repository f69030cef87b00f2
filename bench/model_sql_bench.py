"""SQL's functions of the model, and what the log of requests costs the server."""

import json
import os
import statistics
import subprocess

from measure import interleave, median, ratio_of_medians
from server_bench import PLACE, ROOT, THREADS, free_port, load, serving

PROMPTS = 64
TOKENS = 32  # of each answer


def run_sql(model, statements):
    """The rows of each statement's result, in one session on one engine."""
    command = [ROOT / "hyprstream", "sql", "--database", ":memory:", "--model", model, "--threads", THREADS,
               "--ctx-size", "512", "--format", "jsonl", "-f", "-"]  # fmt: skip
    done = subprocess.run(
        [str(part) for part in command], input=";\n".join(statements), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"hyprstream sql failed ({done.returncode}): {done.stderr.strip()[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def generate(model, prompts, together):
    """Seconds for all prompts, as the database's clock says; the model is loaded and warm."""
    clock = "SELECT epoch_us(get_current_timestamp()) AS clock"
    values = ", ".join("(" + str(i) + ", '" + text.replace("'", "''") + "')" for i, text in enumerate(prompts))
    answer = f"generate(p, max_tokens := {TOKENS}) AS answer"
    asked = (
        [f"SELECT i, {answer} FROM prompts ORDER BY i"]
        if together
        else [f"SELECT i, {answer} FROM prompts WHERE i = {i}" for i in range(len(prompts))]
    )
    rows = run_sql(
        model,
        [f"CREATE TABLE prompts AS SELECT * FROM (VALUES {values}) v(i, p)", "SELECT generate('Warm up', max_tokens := 8) AS warm",
         clock, *asked, clock],
    )  # fmt: skip
    clocks = [row["clock"] for row in rows if "clock" in row]
    answers = [row["answer"] for row in rows if "answer" in row]
    if len(answers) != len(prompts) or not all(answers):
        raise SystemExit(f"{len(answers)} answers to {len(prompts)} prompts, or empty ones")
    return {"seconds": (clocks[1] - clocks[0]) / 1e6}


def compare_sql_generate(report, rounds, model):
    words = (ROOT / "tests" / "data" / "validation.txt").read_text().split()
    prompts = [" ".join(words[12 * i : 12 * i + 12]) for i in range(PROMPTS)]
    results = interleave(
        rounds,
        {
            "one after another": lambda: generate(model, prompts, together=False),
            "one statement": lambda: generate(model, prompts, together=True),
        },
    )
    report.add(
        f"SELECT generate() over {PROMPTS} rows / one after another",
        ratio_of_medians(results, "one after another", "one statement", "seconds"),
        (">=", 1.6),
        " / ".join(f"{median(results[name]['seconds']):.2f} s" for name in ("one statement", "one after another")),
    )


def compare_request_log(report, rounds, model):
    """Throughput of 8 clients with the log of requests, prompts and answers included, and without SQL at all."""
    clients = 8

    def server(name, *more):
        port = free_port()
        command = [ROOT / "hyprstream", "server", "--model", model, "--port", port, "--parallel", clients, "--ctx-size", 512,
                   "--threads", THREADS, *more]  # fmt: skip
        home = PLACE / f"home-{name}"
        home.mkdir(parents=True, exist_ok=True)
        return serving(name, command, port, {"HYPRSTREAM_HOME": str(home)})

    on, off = ("log-on", "--log-prompts", "--flight-port", "0"), ("log-off", "--no-sql")
    speeds = {"log-on": [], "log-off": []}
    requests = 3 * clients
    first = 0
    for number in range(rounds):
        # New processes each time: which memory one gets makes a difference of some percent for as long as it runs.
        kinds = (on, off) if number % 2 == 0 else (off, on)
        with server(*kinds[0]) as one, server(*kinds[1]) as other:
            urls = {kinds[0][0]: one, kinds[1][0]: other}
            for run in range(-1, 3):  # the first one warms up
                for name in sorted(urls, reverse=run % 2 == 1):
                    speed = load(urls[name], clients, "none", 0, 24, "bench-", requests, first)["tokens_per_second"]
                    if run >= 0:
                        speeds[name].append(speed)
                first += requests
    logged, plain = (statistics.median(speeds[name]) for name in ("log-on", "log-off"))
    count = subprocess.run(
        [str(ROOT / "hyprstream"), "sql", "-c", "SELECT count(*) AS n FROM generations WHERE completion IS NOT NULL", "--format", "jsonl"],
        env={**os.environ, "HYPRSTREAM_HOME": str(PLACE / "home-log-on")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    if json.loads(count.stdout)["n"] < rounds * 3 * requests:
        raise SystemExit(f"the log has fewer requests than were made: {count.stdout}")
    report.add(
        "server with the log of requests / without",
        logged / plain,
        (">=", 0.99),
        f"{logged:.1f} / {plain:.1f} tokens/s",
    )
