#!/bin/bash
# run.sh BUILD_DIR SECONDS [FUZZER...]: runs every fuzzer that is built (or those named) for SECONDS
# each, from its corpus in git. New inputs go nowhere but for a finding, which is left in BUILD_DIR
# and makes this fail.
set -euo pipefail
build=$1
seconds=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$build" && pwd)
fuzzers=("$@")
[ $# -gt 0 ] || mapfile -t fuzzers < <(find "$build/bin" -name '*_fuzzer' -executable -printf '%f\n' | sort)
[ ${#fuzzers[@]} -gt 0 ] || { echo "run.sh: there is no fuzzer in $build/bin: build the preset 'fuzz'" >&2; exit 1; }

# libllama and ggml keep a few things until the end of the process.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export GGML_NO_BACKTRACE=1

failed=0
for fuzzer in "${fuzzers[@]}"; do
  corpus=$(mktemp -d)
  dictionary=$here/$fuzzer.dict
  log=$build/$fuzzer.log
  echo "== $fuzzer: $seconds s"
  if "$build/bin/$fuzzer" "$corpus" "$here/corpus/$fuzzer" ${FUZZ_ARGS:-} -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=4096 -artifact_prefix="$build/$fuzzer-" $([ ! -f "$dictionary" ] || echo "-dict=$dictionary") \
    >"$log" 2>&1; then
    tail -n 2 "$log"
  else
    failed=1
    tail -n 40 "$log"
    echo "run.sh: $fuzzer found something; its input is $build/$fuzzer-*, its log $log" >&2
  fi
  rm -rf "$corpus"
done
exit $failed
