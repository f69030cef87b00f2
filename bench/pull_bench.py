"""`model pull` of 1 GiB from a hub on loopback against a plain download followed by sha256sum."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from measure import interleave, median, ratio_of_medians

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from gguf_layout import write_gguf  # noqa: E402

PLACE = ROOT / "build" / "bench" / "pull"
REPOSITORY = "org/one-gib-GGUF"
FILE = "one-gib-Q8_0.gguf"


@contextlib.contextmanager
def hub():
    """The stand-in hub of the tests, in a process of its own; gives its address."""
    model = PLACE / FILE
    if not model.exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        write_gguf(model, 1 << 30)
    command = [sys.executable, "-B", ROOT / "tests" / "e2e" / "stand_in_hub.py", REPOSITORY, model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def pull(endpoint):
    """Seconds, and the most memory that was used, in MiB."""
    home = PLACE / "home"
    shutil.rmtree(home, ignore_errors=True)
    environment = {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0"}
    start = time.monotonic()
    process = subprocess.Popen([ROOT / "hyprstream", "model", "pull", REPOSITORY, "--quiet"], env=environment, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        with contextlib.suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text())
            peak = max(peak, int(found[1]) if found else 0)
        time.sleep(0.01)
    if process.returncode != 0:
        raise SystemExit(f"model pull failed ({process.returncode})")
    figures = {"seconds": time.monotonic() - start, "memory": peak / 1024}
    shutil.rmtree(home)
    return figures


def plain(endpoint):
    target = PLACE / "plain"
    target.unlink(missing_ok=True)
    url = f"{endpoint}/{REPOSITORY}/resolve/main/{FILE}"
    curl = shutil.which("curl")
    download = [curl, "-sSfL", "-o", target, url] if curl else [ROOT / "build" / "release" / "bin" / "plain_download", url, target]
    start = time.monotonic()
    subprocess.run([str(part) for part in download], check=True)
    subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)
    figures = {"seconds": time.monotonic() - start}
    target.unlink()
    return figures


def compare_pull(report, rounds):
    with hub() as endpoint:
        pull(endpoint)  # the file is in memory from here on
        results = interleave(rounds * 2, {"hyprstream": lambda: pull(endpoint), "plain": lambda: plain(endpoint)})
    name = "curl -o" if shutil.which("curl") else "plain download"
    ours, theirs = median(results["hyprstream"]["seconds"]), median(results["plain"]["seconds"])
    report.add(
        f"pull 1 GiB from loopback: throughput / {name} and sha256sum",
        ratio_of_medians(results, "plain", "hyprstream", "seconds"),
        (">=", 1.3),
        f"{1024 / ours:.0f} / {1024 / theirs:.0f} MiB/s",
    )
    memory = max(results["hyprstream"]["memory"])
    report.add("pull 1 GiB: most memory, MiB", memory, ("<=", 64), f"{memory:.1f} MiB")
