#!/bin/bash
# Fails if a file of src/ includes a library that its folder may not see. (A folder that its module
# does not USE is not on the include path at all, so that needs no check here: cmake/Module.cmake.)
set -euo pipefail
cd "$(dirname "$0")/.."

# header of a library -> folders of src/ that may include it
rules='
(llama|ggml[a-z-]*|gguf)\.h   runtime
minja/                        runtime
spdlog/                       base
isocline\.h                   terminal
CLI/                          command_line
duckdb                        catalog
arrow/                        catalog|flight
grpcpp/                       flight
httplib\.h                    http
prometheus/                   metrics
curl/                         hub
openssl/                      base|access|http
hwy/                          adapter_engine|kernels|training
'
status=0
while read -r header folders; do
  [ -n "$header" ] || continue
  if grep -rnE "^#include [<\"]$header" src | grep -vE "^src/($folders)/"; then
    echo "  ^ only src/{${folders//|/,}} may include $header" >&2
    status=1
  fi
done <<<"$rules"
exit $status
