"""The table of `make bench-training` from the lines that training_bench.sh collected."""

import argparse
import json
import pathlib
import platform

from measure import Report, median

# Both sides begin with an adapter that does nothing: the first loss is the base model's, but for rounding.
MOST_DIFFERENCE = 0.05


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=pathlib.Path)
    path = parser.parse_args().results
    runs = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        run = json.loads(line)
        runs.setdefault(run["targets"], {}).setdefault(run["contender"], []).append(run)
    report = Report(platform.processor() or platform.machine())
    for targets, sides in runs.items():
        what = "q,v" if targets.count(",") == 1 else "all seven"
        middle = {side: {figure: median([run[figure] for run in several]) for figure in ("tokens_per_second", "peak_mb")}
                  for side, several in sides.items()}
        first = {side: several[0]["losses"][0] for side, several in sides.items()}
        if max(first.values()) - min(first.values()) > MOST_DIFFERENCE:
            raise SystemExit(f"training_report.py: {what}: the first losses differ, so different things were measured: {first}")
        ours = middle["hyprstream"]
        for side, asked in (("float32", 2.5), ("bfloat16", 2.0)):
            theirs = middle[side]
            report.add(f"{what}: tokens/s against PyTorch {side}", ours["tokens_per_second"] / theirs["tokens_per_second"],
                       (">=", asked), f"{ours['tokens_per_second']:.1f} / {theirs['tokens_per_second']:.1f}")
        report.add(f"{what}: peak memory against PyTorch float32", ours["peak_mb"] / middle["float32"]["peak_mb"],
                   ("<=", round(1 / 3, 3)), f"{ours['peak_mb']:.0f} MB / {middle['float32']['peak_mb']:.0f} MB")
    print(report.table())
    path.with_suffix(".json").write_text(json.dumps(report.as_json(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
