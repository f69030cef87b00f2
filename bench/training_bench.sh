#!/bin/bash
# Training against PyTorch, in turn: ours in the private root, PyTorch in the root of packages-bench.txt.
# training_bench.sh [ROUNDS [STEPS]]; `make bench-training` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
steps=${2:-3}
root=tools/root/root.sh
model=build/bench/qwen3-0.6b-q4_0.gguf
results=build/bench/training.jsonl
all=q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj
threads=$(nproc)

mkdir -p build/bench
[ -f "$model" ] || "$root" exec build/release/bin/synthetic_model --shape qwen3-0.6b --type q4_0 -o "$model"
: >"$results"

# measure CONTENDER TARGETS COMMAND...: one line of JSON into the results.
measure() {
  local contender=$1 targets=$2
  shift 2
  "$@" -m "$model" --targets "$targets" -t "$threads" --steps "$steps" |
    sed "s/^{/{\"contender\": \"$contender\", \"targets\": \"$targets\", /" >>"$results"
}

for round in $(seq "$rounds"); do
  for targets in q_proj,v_proj "$all"; do
    echo "round $round of $rounds: $targets" >&2
    measure hyprstream "$targets" "$root" exec build/release/bin/training_bench
    for dtype in float32 bfloat16; do
      HYPRSTREAM_PACKAGES=tools/root/packages-bench.txt measure "$dtype" "$targets" \
        "$root" exec python3 -B bench/training_torch.py --dtype "$dtype"
    done
  done
done
"$root" exec python3 -B bench/training_report.py "$results"
