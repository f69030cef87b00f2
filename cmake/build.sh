#!/bin/bash
# build.sh PRESET [TARGET...]: configures if need be, and builds all or the targets named. Runs inside
# the private root.
set -euo pipefail
preset=$1
shift
build=build/$preset
# Where this root is found from the host's shell; empty on a host that is used as it is.
root=${HYPRSTREAM_BUILD_ROOT:-}
libraries=$root/usr/lib/$(g++-16 -print-multiarch)

# What was built with other libraries, or before the checkout was moved, is built anew; ccache
# keeps the cost low.
if [ -e "$build" ] && { [ "$(readlink "$build/runtime")" != "$libraries" ] ||
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$build/CMakeCache.txt" 2>/dev/null; }; then rm -rf "$build"; fi
if [ ! -f "$build/build.ninja" ]; then
  mkdir -p "$build/loader"
  # The launcher starts the program with these two.
  ln -sfn "$libraries" "$build/runtime"
  ln -sfn "$root$(ldd /bin/true | awk '$1 ~ /ld-linux/ { print $1 }')" "$build/loader/hyprstream"
  log=$build/configure.log
  cmake --preset "$preset" >"$log" 2>&1 || { rm -f "$build/build.ninja"; cat "$log" >&2; exit 1; }
fi
# One line that changes on a terminal; elsewhere only what ninja has to say.
NINJA_STATUS='[%f/%t] ' ninja -C "$build" ${CI:+--quiet} "$@"
