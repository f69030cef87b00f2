#!/bin/bash
# Every *_test.sh of this folder, on the host: they test what is called from the host's shell.
# The last line counts the checks: "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/../.."
# A make that calls this script must not hand its own options to one that a test calls.
unset MAKEFLAGS MAKELEVEL MFLAGS
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0
for test in tests/host/*_test.sh; do
  echo "$(basename "$test" .sh):"
  timeout 1200 bash "$test" </dev/null 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  wrong=$(grep -c '^  FAILED' "$log")
  if [ "$status" != 0 ] && [ "$wrong" = 0 ]; then
    echo "  FAILED  $test ended early (exit status $status)"
    wrong=1
  fi
  passed=$((passed + $(grep -c '^  ok' "$log"))) failed=$((failed + wrong))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
