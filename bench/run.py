#!/usr/bin/env python3
"""Compares hyprstream with llama.cpp's own tools: every figure is a ratio of medians of runs that
were interleaved in one go. `make bench` runs it; see bench/README.md."""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

from fine_tuning_bench import compare_fine_tuning
from measure import Report, interleave, median, ratio_of_medians, run_json_lines
from model_sql_bench import compare_request_log, compare_sql_generate
from pull_bench import compare_pull
from server_bench import FEWEST_REQUESTS, ROWS, compare_http_cost, compare_server

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build" / "release" / "bin"
MODELS = ROOT / "build" / "bench"
THREADS = str(len(os.sched_getaffinity(0)))


def say(text):
    print(text, file=sys.stderr, flush=True)


def synthetic_model(shape):
    """A model of that shape with random Q4_0 weights; made once."""
    path = MODELS / f"{shape}-q4_0.gguf"
    if not path.exists():
        MODELS.mkdir(parents=True, exist_ok=True)
        subprocess.run([BIN / "synthetic_model", "--shape", shape, "--type", "q4_0", "-o", path], check=True)
    return path


def engine(model, prefill, decode, *more):
    command = [BIN / "engine_bench", "-m", model, "-t", THREADS, "-p", str(prefill), "-n", str(decode), *more]
    return run_json_lines([str(part) for part in command])


def hyprstream_speed(model, prefill, decode, *more):
    line = engine(model, prefill, decode, *more)[0]
    return {key.removesuffix("_tokens_per_second"): value for key, value in line.items() if key.endswith("second")}


def llama_bench_speed(model, prefill, decode):
    command = ["llama-bench", "-m", model, "-t", THREADS, "-p", prefill, "-n", decode, "-r", "1", "-o", "jsonl"]
    speeds = {}
    for line in run_json_lines([str(part) for part in command]):
        speeds["decode" if line["n_gen"] else "prefill"] = line["avg_ts"]
    return speeds


def compare_speed(report, shape, rounds):
    model = synthetic_model(shape)
    results = interleave(
        rounds,
        {
            "hyprstream": lambda: hyprstream_speed(model, 512, 64),
            "llama-bench": lambda: llama_bench_speed(model, 512, 64),
        },
        lambda text: say(f"{shape}: {text}"),
    )
    for figure in ("decode", "prefill"):
        report.add(
            f"{shape} {figure} / llama-bench",
            ratio_of_medians(results, "hyprstream", "llama-bench", figure),
            (">=", 0.97),
            f"{median(results['hyprstream'][figure]):.1f} / {median(results['llama-bench'][figure]):.1f} tokens/s",
        )


def compare_hook(report, rounds):
    """Interleaved within one process: engine_bench checks that the hook changes no token."""
    model = synthetic_model("qwen3-0.6b")
    say("hook: base and no-op hook in turn")
    lines = engine(
        model, 0, 64, "--hook", "q_proj,v_proj", "--interleave-hook", "--fixed-threads", "-r", str(rounds * 3)
    )
    speeds = {
        label: [line["decode_tokens_per_second"] for line in lines if line["label"] == label]
        for label in ("base", "hook")
    }
    report.add(
        "no-op hook on q,v / base, decode",
        median(speeds["hook"]) / median(speeds["base"]),
        (">=", 0.96),
        f"{median(speeds['hook']):.1f} / {median(speeds['base']):.1f} tokens/s",
    )


SEVEN = "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"


def adapter_medians(measure, *more):
    """adapter_bench interleaves within one process, and checks what the adapters do: {label: {figure: median}}."""
    command = [BIN / "adapter_bench", "-m", synthetic_model("qwen3-0.6b"), "-t", THREADS, "--measure", measure, *more]
    values = {}
    for line in run_json_lines([str(part) for part in command], timeout=1800):
        for figure, value in line.items():
            if figure != "label":
                values.setdefault(line["label"], {}).setdefault(figure, []).append(value)
    return {label: {figure: median(found) for figure, found in figures.items()} for label, figures in values.items()}


def compare_adapters(report, rounds):
    """99% sparse, rank 16, on the 0.6B shape, against the base model and the same values as llama.cpp's dense adapter."""
    for targets, name, least_base, least_native in (("q_proj,v_proj", "q,v", 0.97, 1.08), (SEVEN, "all seven", 0.93, 1.15)):
        say(f"adapters: decode, {name}")
        found = adapter_medians("decode", "--targets", targets, "-r", rounds * 3)
        speed = {label: figures["tokens_per_second"] for label, figures in found.items()}
        for other, least in (("base", least_base), ("native", least_native)):
            report.add(
                f"decode, one adapter on {name} / {'base' if other == 'base' else 'dense in llama.cpp'}",
                speed["hook"] / speed[other],
                (">=", least),
                f"{speed['hook']:.1f} / {speed[other]:.1f} tokens/s",
            )
    for measure, targets, what, least, repeats in (
        ("batch", "q_proj,v_proj", "8 sequences, 8 adapters on q,v / 8 on the base", 0.94, rounds * 2),
        ("prefill", SEVEN, "prefill of 512, all seven / base", 0.93, rounds),
    ):
        say(f"adapters: {measure}")
        found = adapter_medians(measure, "--targets", targets, "-r", repeats, "-n", 32)
        speed = {label: figures["tokens_per_second"] for label, figures in found.items()}
        report.add(what, speed["hook"] / speed["base"], (">=", least), f"{speed['hook']:.1f} / {speed['base']:.1f} tokens/s")


def compare_adapter_costs(report, rounds):
    for targets, name in (("q_proj,v_proj", "q,v"), (SEVEN, "all seven")):
        say(f"adapters: load, {name}")
        found = adapter_medians("load", "--targets", targets, "-r", rounds * 3)
        ours = found["hook"]["load_milliseconds"]
        theirs = found["native"]["load_milliseconds"]
        report.add(f"load an adapter on {name}, ms", ours, ("<=", 2), f"llama.cpp, dense: {theirs:.1f} ms")
    say("adapters: memory of 1,000")
    found = adapter_medians("memory")
    ours = found["hook"]["resident_bytes"]
    dense = found["dense"]["resident_bytes"]
    report.add("resident bytes of each of 1,000 adapters / dense", ours / dense, ("<=", 1 / 30), f"{ours / 1e3:.0f} / {dense / 1e3:.0f} kB")


def seconds_to_first_byte(command):
    """From the start of the process to the first byte it generates.

    llama-completion at times exits without having written its text; such a run is repeated."""
    for _ in range(5):
        start = time.monotonic()
        with subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        ) as process:
            first = process.stdout.read(1)
            elapsed = time.monotonic() - start
            process.stdout.read()
        if first and process.returncode == 0:
            return {"seconds": elapsed}
    raise SystemExit(f"{command[0]} generated nothing (status {process.returncode})")


def compare_start(report, rounds):
    model = ROOT / "models" / "hypr-tiny-q8_0.gguf"
    prompt = "The future of AI is"
    ours = [ROOT / "hyprstream", "run", "--raw", "--max-tokens", "64", "--temperature", "0", "--threads", THREADS]
    theirs = ["llama-completion", "-m", model, "-n", "64", "--temp", "0", "-t", THREADS, "-no-cnv"]
    results = interleave(
        rounds * 4,
        {
            "hyprstream": lambda: seconds_to_first_byte([*ours, model, prompt]),
            "llama-completion": lambda: seconds_to_first_byte([*theirs, "--no-display-prompt", "-p", prompt]),
        },
    )
    report.add(
        "start to first token / llama-completion",
        ratio_of_medians(results, "hyprstream", "llama-completion", "seconds"),
        ("<=", 1.0),
        " / ".join(f"{1000 * median(results[name]['seconds']):.0f} ms" for name in results),
    )


@contextlib.contextmanager
def busy_neighbours(count):
    """That many processes that never rest, for as long as the block runs (ten minutes at most)."""
    spin = "import time\nend = time.monotonic() + 600\nwhile time.monotonic() < end: pass"
    processes = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(count)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def compare_busy(report, rounds):
    model = synthetic_model("qwen3-0.6b")
    say("busy machine: the idle figures")
    idle = interleave(
        rounds,
        {
            "adaptive": lambda: hyprstream_speed(model, 0, 48),
            "fixed": lambda: hyprstream_speed(model, 0, 48, "--fixed-threads"),
        },
    )
    alone = median(idle["adaptive"]["decode"])
    report.add(
        "idle machine: adaptive / fixed threads",
        ratio_of_medians(idle, "adaptive", "fixed", "decode"),
        (">=", 0.97),
        f"{alone:.1f} / {median(idle['fixed']['decode']):.1f} tokens/s",
    )
    for factor, least_idle, least_theirs in ((1, (">=", 0.3), (">=", 5)), (2, None, None)):
        count = factor * int(THREADS)
        with busy_neighbours(count):
            busy = interleave(
                rounds,
                {
                    "hyprstream": lambda: hyprstream_speed(model, 0, 48),
                    "llama-bench": lambda: llama_bench_speed(model, 0, 48),
                },
                lambda text, count=count: say(f"{count} busy processes: {text}"),
            )
        ours = median(busy["hyprstream"]["decode"])
        theirs = median(busy["llama-bench"]["decode"])
        report.add(f"{count} busy processes: decode / own idle", ours / alone, least_idle, f"{ours:.1f} / {alone:.1f} tokens/s")
        report.add(
            f"{count} busy processes: decode / llama-bench", ours / theirs, least_theirs, f"{ours:.1f} / {theirs:.1f} tokens/s"
        )


def compare_flight(report, rounds):
    """One process measures both sides in turn, and checks that they give the same rows."""
    figures = {}
    for number in range(rounds):
        say(f"flight: round {number + 1} of {rounds}")
        (measured,) = run_json_lines([str(BIN / "flight_bench"), "--database", str(ROOT / "build" / "bench" / "flight.duckdb")])
        for name, seconds in measured.items():
            figures.setdefault(name, []).append(seconds)
    for what, asked in (("fetch", 0.6), ("ingest", 0.5)):
        here, there = median(figures[f"{what}_embedded"]), median(figures[f"{what}_flight"])
        report.add(f"Flight SQL: {what} / within the process", here / there, (">=", asked), f"{there:.2f} / {here:.2f} s")


def machine():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    versions = subprocess.run([ROOT / "hyprstream", "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "cpu": f"{len(names)} x {names[0] if names else platform.machine()}",
        "threads": int(THREADS),
        "kernel": platform.release(),
        "versions": versions.split("\n")[:-1],
        "date": time.strftime("%Y-%m-%d"),
    }


BENCHMARKS = {
    # Rounds of this one are short, and the machine's drift is larger than the difference looked for.
    "speed": lambda report, rounds: compare_speed(report, "qwen3-0.6b", rounds * 3),
    "speed-1.7b": lambda report, rounds: compare_speed(report, "qwen3-1.7b", rounds),
    "hook": compare_hook,
    "adapters": compare_adapters,
    "adapter-costs": compare_adapter_costs,
    "start": compare_start,
    "busy": compare_busy,
    "pull": compare_pull,
    "http-cost": compare_http_cost,
    "flight": compare_flight,
    "fine-tuning": lambda report, rounds: compare_fine_tuning(report, rounds, synthetic_model("qwen3-0.6b"), say),
    "sql-generate": lambda report, rounds: compare_sql_generate(report, rounds, synthetic_model("qwen3-0.6b")),
    "request-log": lambda report, rounds: compare_request_log(report, rounds, synthetic_model("qwen3-0.6b")),
}


SERVER_ROWS = {f"server-{row}": row for row in ROWS}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[*BENCHMARKS, *SERVER_ROWS], action="append", help="this one; repeatable (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--requests", type=int, default=FEWEST_REQUESTS,
                        help=f"of each side in a server row (default {FEWEST_REQUESTS})")  # fmt: skip
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench" / "results.json")
    arguments = parser.parse_args()
    report = Report(machine())
    for name in arguments.only or [*BENCHMARKS, *SERVER_ROWS]:
        say(f"== {name}")
        if name in SERVER_ROWS:
            compare_server(report, arguments.rounds, synthetic_model("qwen3-0.6b"), say, SERVER_ROWS[name], arguments.requests)
        else:
            BENCHMARKS[name](report, arguments.rounds)
    print(report.table())
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    say(f"written to {arguments.output}")


if __name__ == "__main__":
    main()
