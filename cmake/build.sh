#!/bin/bash
# build.sh PRESET: configures if need be, and builds. Runs inside the private root.
set -euo pipefail
preset=$1
log=build/$preset/configure.log
if [ ! -f "build/$preset/build.ninja" ]; then
  mkdir -p "build/$preset"
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
# One line that changes on a terminal; elsewhere only what ninja has to say.
NINJA_STATUS='[%f/%t] ' ninja -C "build/$preset" ${CI:+--quiet}
