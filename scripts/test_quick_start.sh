#!/bin/bash
# The acceptance script: builds hyprstream, generates text twice, and checks every line that is
# printed. MODEL_PATH names a GGUF to use in place of the bundled model.
set -euo pipefail
MODEL_PATH=${MODEL_PATH:-}
[ -z "$MODEL_PATH" ] || MODEL_PATH=$(realpath -m -- "$MODEL_PATH")
cd "$(dirname "$0")/.."
output=$(mktemp)
trap 'rm -f "$output"' EXIT

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

env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make build
quick_start "The future of AI is" 30
quick_start "Explain quantum computing in simple terms:" 50
echo "test_quick_start: passed"
