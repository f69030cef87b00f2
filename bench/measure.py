"""What every benchmark here shares: interleaved runs, medians, ratios, a table."""

import json
import statistics
import subprocess


def run_json_lines(command, timeout=600):
    """Runs a command that prints JSON objects, one a line, and returns them."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed ({done.returncode}): {done.stderr.strip()[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def interleave(rounds, contenders, report=lambda text: None):
    """Calls every contender once a round, in turn, so that drift of the machine's speed hits all alike.

    contenders: {name: function returning {figure: value}}. Returns {name: {figure: [values]}}.
    """
    results = {name: {} for name in contenders}
    for number in range(rounds):
        report(f"round {number + 1} of {rounds}")
        for name, measure in contenders.items():
            for figure, value in measure().items():
                results[name].setdefault(figure, []).append(value)
    return results


def median(values):
    return statistics.median(values)


def ratio_of_medians(results, ours, theirs, figure):
    return median(results[ours][figure]) / median(results[theirs][figure])


class Report:
    """Rows of measured against asked, as a table for people and JSON for programs."""

    def __init__(self, machine):
        self.machine = machine
        self.rows = []

    def add(self, what, measured, asked, detail):
        """asked: (">=" or "<=", bound), or None for a figure that is only shown."""
        row = {"what": what, "measured": round(measured, 4), "asked": "", "met": None, "detail": detail}
        if asked is not None:
            relation, bound = asked
            row["asked"] = f"{relation} {bound}"
            row["met"] = measured >= bound if relation == ">=" else measured <= bound
        self.rows.append(row)

    def table(self):
        cells = [("what", "measured", "asked", "", "medians")]
        cells += [
            (row["what"], f"{row['measured']:.3f}", row["asked"], {True: "met", False: "MISSED", None: ""}[row["met"]], row["detail"])
            for row in self.rows
        ]
        widths = [max(len(row[column]) for row in cells) for column in range(5)]
        return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in cells)

    def as_json(self):
        return {"machine": self.machine, "rows": self.rows}
