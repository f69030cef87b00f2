#!/usr/bin/env python3
"""The study behind docs/sparsity.md: what adapters gain on held-out examples, by sparsity and by how they got sparse.

    study.py run --program build/release/bin/sparsity_study results.jsonl    (about 95 core-minutes)
    study.py report results.jsonl --picture docs/sparsity.svg                (prints the tables)

A gain is the base model's loss on the held-out examples less the adapter's; 100% is the mean gain of a dense adapter of
rank 16 at its own best learning rate. Every kind of adapter has the learning rate, out of a few, that is best for the
mean over its seeds."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SETS = ("pirate", "facts", "haiku")
SEEDS = (0, 1, 2)
SPARSITIES = (0.9, 0.95, 0.99, 0.995)
# A dense adapter with about as many values as rank 64 has non-zeros: rank, modules.
SMALL = {0.9: (6, "all"), 0.95: (3, "all"), 0.99: (1, "gate_proj,up_proj,down_proj"), 0.995: (1, "q_proj,k_proj,v_proj")}


def trainings():
    """What is trained for each set and seed: kind, learning rate, options of the program."""
    for rate in (1e-3, 2e-3, 3e-3, 5e-3):
        yield "dense, rank 16", rate, {"rank": 16, "sparsity": 0}
    for rate in (1e-3, 2e-3, 3e-3):
        yield "dense, rank 64", rate, {"rank": 64, "sparsity": 0, "one-shot": ",".join(map(str, SPARSITIES))}
    for sparsity in SPARSITIES:
        for rate in (3e-3, 5e-3, 8e-3):
            yield f"gradual, rank 64, {sparsity}", rate, {"rank": 64, "sparsity": sparsity}
        rank, modules = SMALL[sparsity]
        for rate in (3e-3, 5e-3, 8e-3, 1.2e-2):
            yield f"small dense, {sparsity}", rate, {"rank": rank, "sparsity": 0, "target-modules": modules}
    for rate in (8e-3, 1e-2, 1.2e-2):
        yield "gradual, rank 16, 0.99", rate, {"rank": 16, "sparsity": 0.99}


def run(program, data, model, training):
    name, seed, kind, rate, options = training
    options = {"learning-rate": rate, "alpha": 2 * options["rank"], "seed": seed, **options}
    command = [program, "--model", model, "--train", data / f"{name}.jsonl", "--heldout", data / f"{name}.heldout.jsonl"]
    for key, value in options.items():
        command += [f"--{key}", str(value)]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{kind}: {result.stderr}")
    return {"set": name, "seed": seed, "kind": kind, "rate": rate, **json.loads(result.stdout)}


def run_all(arguments):
    todo = [(name, seed, *training) for name in SETS for seed in SEEDS for training in trainings()]
    todo.sort(key=lambda training: -training[4]["rank"])  # the long ones first
    with open(arguments.results, "w") as output, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = [pool.submit(run, arguments.program, arguments.data, arguments.model, training) for training in todo]
        for done, future in enumerate(concurrent.futures.as_completed(running), 1):
            output.write(json.dumps(future.result()) + "\n")
            output.flush()
            print(f"\r{done} of {len(todo)}", end="", file=sys.stderr)
    print(file=sys.stderr)


class Figures:
    """Means over the seeds at the best learning rate of each kind."""

    def __init__(self, lines):
        self.gains = {}  # (set, kind) -> rate -> gains
        self.exact = {}
        self.counts = {}  # kind -> values other than zero
        self.base = {}
        for line in lines:
            self.base[line["set"]] = line["base_loss"], line["base_exact"]
            self.add(line, line["kind"], line)
            for shot in line.get("one_shot", []):
                self.add(line, f"one-shot, rank 64, {shot['sparsity']}", shot)

    def add(self, line, kind, found):
        key = line["set"], kind
        self.gains.setdefault(key, {}).setdefault(line["rate"], []).append(line["base_loss"] - found["loss"])
        self.exact.setdefault(key, {}).setdefault(line["rate"], []).append(found["exact"])
        self.counts[kind] = found["nnz"]

    def best(self, name, kind):
        """Learning rate, mean gain."""
        gains = self.gains[name, kind]
        rate = max(gains, key=lambda each: statistics.mean(gains[each]))
        return rate, statistics.mean(gains[rate])

    def share(self, name, kind):
        return 100 * self.best(name, kind)[1] / self.best(name, "dense, rank 16")[1]

    def spread(self, name, kind):
        """Half the distance between the best and the worst seed, in percent."""
        gains = self.gains[name, kind][self.best(name, kind)[0]]
        return 50 * (max(gains) - min(gains)) / self.best(name, "dense, rank 16")[1]

    def answers(self, name, kind):
        return statistics.mean(self.exact[name, kind][self.best(name, kind)[0]])


def tables(figures):
    row = lambda *cells: "| " + " | ".join(cells) + " |"
    lines = [row("adapter", "non-zeros", *SETS), row("---", *["---:"] * 4)]
    kinds = ["dense, rank 16", "dense, rank 64"]
    for sparsity in SPARSITIES:
        kinds += [f"gradual, rank 64, {sparsity}", f"one-shot, rank 64, {sparsity}", f"small dense, {sparsity}"]
    kinds.append("gradual, rank 16, 0.99")
    for kind in kinds:
        shares = [f"{figures.share(name, kind):.1f} ± {figures.spread(name, kind):.1f}" for name in SETS]
        lines.append(row(kind, f"{figures.counts[kind]:,}", *shares))
    lines += ["", row("learning rate", *SETS), row("---", *["---:"] * 3)]
    for kind in kinds:
        if not kind.startswith("one-shot"):
            lines.append(row(kind, *[f"{figures.best(name, kind)[0]:g}" for name in SETS]))
    lines += ["", row("facts, exact answers", "share"), row("---", "---:"), row("base model", f"{figures.base['facts'][1]:.0%}")]
    lines += [row(kind, f"{figures.answers('facts', kind):.0%}") for kind in kinds if "one-shot" not in kind]
    return "\n".join(lines)


def picture(figures):
    """A panel for each set: the gain that is kept, over the sparsity."""
    series = (("gradual, rank 64", "#1a6faf", "gradual (ours)"), ("small dense", "#c7662a", "dense, as many values"),
              ("one-shot, rank 64", "#888888", "one-shot"))  # fmt: skip
    width, height, left, top = 230, 190, 44, 46
    places = (0, *SPARSITIES)
    x = lambda panel, i: left + panel * (width + 40) + i * width / (len(places) - 1)
    y = lambda share: top + height * (1 - max(0.0, share) / 105)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + 3 * (width + 40)}" height="{top + height + 44}" '
           'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>']  # fmt: skip
    for i, (_, colour, label) in enumerate(series):
        out.append(f'<line x1="{left + i * 200}" y1="14" x2="{left + 24 + i * 200}" y2="14" stroke="{colour}" stroke-width="2.5"/>')
        out.append(f'<text x="{left + 30 + i * 200}" y="18">{label}</text>')
    for panel, name in enumerate(SETS):
        for share in (0, 25, 50, 75, 100):
            out.append(f'<line x1="{x(panel, 0)}" x2="{x(panel, len(places) - 1)}" y1="{y(share):.1f}" y2="{y(share):.1f}" stroke="#ddd"/>')
            if panel == 0:
                out.append(f'<text x="{left - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share}%</text>')
        out.append(f'<text x="{x(panel, 2)}" y="{top - 10}" text-anchor="middle" font-weight="bold">{name}</text>')
        for i, sparsity in enumerate(places):
            out.append(f'<text x="{x(panel, i):.1f}" y="{top + height + 18}" text-anchor="middle">{sparsity * 100:g}%</text>')
        for prefix, colour, _ in series:
            shares = [figures.share(name, "dense, rank 64")] + [figures.share(name, f"{prefix}, {s}") for s in SPARSITIES]
            points = " ".join(f"{x(panel, i):.1f},{y(share):.1f}" for i, share in enumerate(shares))
            out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
            out += [f'<circle cx="{x(panel, i):.1f}" cy="{y(share):.1f}" r="3" fill="{colour}"/>' for i, share in enumerate(shares)]
    out.append(f'<text x="{left}" y="{top + height + 36}">sparsity; gain on held-out examples, of a dense adapter of rank 16</text>')
    return "\n".join([*out, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run")
    runs.add_argument("results")
    runs.add_argument("--program", default=ROOT / "build" / "release" / "bin" / "sparsity_study")
    runs.add_argument("--model", default=ROOT / "models" / "hypr-tiny-q8_0.gguf")
    runs.add_argument("--data", type=pathlib.Path, default=ROOT / "tests" / "data" / "learning")
    runs.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    reports = commands.add_parser("report")
    reports.add_argument("results")
    reports.add_argument("--picture", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.command == "run":
        return run_all(arguments)
    with open(arguments.results) as lines:
        figures = Figures([json.loads(line) for line in lines])
    print(tables(figures))
    if arguments.picture:
        arguments.picture.write_text(picture(figures))


if __name__ == "__main__":
    main()
