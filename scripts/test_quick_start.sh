#!/bin/bash
# The acceptance script: builds hyprstream, generates text without and with an adapter, checks every line that is
# printed and that the adapter's printed effect is the measured one, then pulls a model from a hub of its own and
# generates with that. MODEL_PATH names a GGUF to use in place of the bundled model.
set -euo pipefail
MODEL_PATH=${MODEL_PATH:-}
[ -z "$MODEL_PATH" ] || MODEL_PATH=$(realpath -m -- "$MODEL_PATH")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
output=$work/output
export HYPRSTREAM_HOME=$work/home # the user's own adapters stay alone

fail() {
  echo "test_quick_start: $*" >&2
  echo "--- what was printed ---" >&2
  cat "$output" >&2
  exit 1
}

# has WHAT REGEX: one printed line must match.
has() { grep -qE -- "$2" "$output" || fail "the $1 is missing (no line matches: $2)"; }

# quick_start PROMPT TOKENS: runs it and checks the output, from the first line to the last.
quick_start() {
  local prompt=$1 tokens=$2 order
  local arguments=(--prompt "$prompt" --max-tokens "$tokens")
  [ -z "$MODEL_PATH" ] || arguments+=(--model-path "$MODEL_PATH")
  echo "hyprstream quick-start ${arguments[*]@Q}"
  ./hyprstream quick-start "${arguments[@]}" >"$output" 2>&1 </dev/null || fail "it exited with $?"

  has "heading" '^🚀 Hyprstream Quick Start$'
  if [ -n "$MODEL_PATH" ]; then
    grep -qxF "📁 Model: $MODEL_PATH" "$output" || fail "the model line is missing: 📁 Model: $MODEL_PATH"
  else
    has "model line" '^📁 Model: .*hypr-tiny-q8_0\.gguf$'
  fi
  grep -qxF "💭 Prompt: $prompt" "$output" || fail "the prompt line is missing: 💭 Prompt: $prompt"
  has "line about the loaded model" '^✅ Loaded model: .+'
  has "start of the generation" '^🔮 Generating\.\.\.$'
  has "heading of the text" '^📝 Generated text:$'
  has "time" '^⏱️  Time: [0-9]+\.[0-9]+s$'
  has "speed" '^🏃 Speed: [0-9]+(\.[0-9]+)? tokens/s$'
  ! grep -qE '^🏃 Speed: 0+(\.0+)? ' "$output" || fail "the speed is zero"

  # The text begins with the prompt and goes on.
  local text
  text=$(sed -n '/^📝 Generated text:$/,/^⏱️  Time:/p' "$output" | sed '1d;$d')
  [[ $text == "$prompt"* ]] || fail "the generated text does not begin with the prompt"
  [ -n "$(tr -d '[:space:]' <<<"${text#"$prompt"}")" ] || fail "nothing was generated after the prompt"

  order=$(grep -aoE '^(🚀|📁|💭|✅|🔮|📝|⏱️|🏃)' "$output" | tr -d '\n')
  [ "$order" = "🚀📁💭✅🔮📝⏱️🏃" ] || fail "the lines are out of order: $order"
}

# with_adapter RANK SEED: quick-start makes an adapter; what it prints about the effect must be what lora compare
# measures on the same text. 1 if that text is not cut into the tokens that it was generated in, so that there is no telling.
with_adapter() {
  local rank=$1 seed=$2 id text compared figures
  local arguments=(--create-lora --lora-rank "$rank" --seed "$seed" --prompt "The future of AI is" --max-tokens 30)
  [ -z "$MODEL_PATH" ] || arguments+=(--model-path "$MODEL_PATH")
  echo "hyprstream quick-start ${arguments[*]@Q}"
  ./hyprstream quick-start "${arguments[@]}" >"$output" 2>&1 </dev/null || fail "it exited with $?"
  id=$(sed -nE 's/^🔥 Applied [0-9.]+% sparsity to LoRA ([0-9a-f-]{36}) .*/\1/p' "$output")
  [ -n "$id" ] || fail "the line about sparsity is missing"
  has "line about the adapter" "^📎 Added LoRA adapter: LoRA-${id:0:8}\$"
  has "sparsity, at least 99%" '^🔥 Applied (99\.[0-9]|100\.0)% sparsity to LoRA '
  has "line about generating" "^🧠 Generating with 1 LoRA adapter\(s\): \[\"$id\"\]\$"
  has "label of the text" "^\[LoRA-${id:0:8}\] The future of AI is"
  has "effect" '^🔬 Adapter effect: mean \|Δlogit\| [0-9.e-]+, KL [0-9.e-]+ nats per token, top token changed at [0-9]+ of [0-9]+ positions$'
  has "last line" "^📎 Used LoRA adapters: \[\"$id\"\]\$"
  ! grep -qE '^🔬 Adapter effect: mean \|Δlogit\| 0,' "$output" || fail "base and adapter have the same logits"

  text=$work/text
  sed -n '/^📝 Generated text:$/,/^⏱️  Time:/p' "$output" | sed '1d;$d' | sed "1s/^\[LoRA-${id:0:8}\] //" | sed -z 's/\n\n$//' >"$text"
  compared=$(./hyprstream lora compare "$id" --text "$text" ${MODEL_PATH:+--base "$MODEL_PATH"}) || fail "lora compare exited with $?"
  grep -q "^Text  *$(sed -nE 's/^🔬 .* of ([0-9]+) positions$/\1/p' "$output") tokens$" <<<"$compared" || return 1
  figures=$(sed -nE 's/^🔬 Adapter effect: mean \|Δlogit\| ([^,]+), KL ([^ ]+) .* changed at ([0-9]+) .*/\1 \2 \3/p' "$output")
  # The last digit may differ: another split of the prompt rounds differently.
  awk -v shown="$figures" '
    /^Mean/ { change = $3 } /^KL/ { kl = $3 } /^Top/ { top = $5 }
    END { split(shown, s, " "); exit !(near(s[1], change) && near(s[2], kl) && s[3] - top <= 1 && top - s[3] <= 1) }
    function near(a, b) { return a > 0 && (a > b ? a - b : b - a) <= 0.05 * b }' <<<"$compared" ||
    fail "the printed effect ($figures) is not what lora compare measures: $compared"
}

# pull_and_quick_start: a model from the stand-in hub of the tests, on loopback, and quick-start on what came.
pull_and_quick_start() {
  local endpoint
  exec 3< <(exec tools/root/root.sh exec python3 -B tests/e2e/stand_in_hub.py org/tiny-GGUF models/hypr-tiny-q8_0.gguf)
  hub=$!
  trap 'kill "$hub" 2>/dev/null || true; rm -rf "$work"' EXIT
  read -r -t 60 endpoint <&3 || fail "the stand-in hub does not start"
  export HF_HOME=$work/hf HF_ENDPOINT=$endpoint HF_HUB_OFFLINE=0
  unset HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_TOKEN
  echo "hyprstream model pull org/tiny-GGUF"
  local path
  path=$(./hyprstream model pull org/tiny-GGUF 2>"$output" </dev/null) || fail "model pull exited with $?"
  cmp -s "$path" models/hypr-tiny-q8_0.gguf || fail "the model that was pulled is not the one that the hub has"
  [ -L "$path" ] || fail "$path is no link to a blob"
  echo "hyprstream quick-start --model org/tiny-GGUF"
  ./hyprstream quick-start --model org/tiny-GGUF --max-tokens 10 >"$output" 2>&1 </dev/null || fail "it exited with $?"
  grep -qxF "📁 Model: $path" "$output" || fail "the model line is missing: 📁 Model: $path"
  has "speed" '^🏃 Speed: [0-9]+(\.[0-9]+)? tokens/s$'
}

env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make build
quick_start "The future of AI is" 30
quick_start "Explain quantum computing in simple terms:" 50
for seed in 1 2 3 4 5 none; do
  [ "$seed" != none ] || fail "no generated text was tokenized as it was generated"
  ! with_adapter 16 "$seed" || break
done
pull_and_quick_start
echo "test_quick_start: passed"
