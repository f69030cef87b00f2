#!/bin/bash
# The second half of `root.sh exec`, run in a mount namespace of its own:
# inside.sh ROOT CACHE DIRECTORY CMD ARG...
# binds the host's devices and the working folders into ROOT, then runs CMD there.
set -euo pipefail
root=$1 cache=$2 directory=$3
shift 3

bind() { mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; }

# The root too is found inside under the name it has outside: the launcher looks for it there.
# The whole checkout is bound also when the command runs in one of its folders.
top=$(cd "$(dirname "$0")/../.." && pwd)
places=("$cache")
case $root/ in "$cache"/*) ;; *) places+=("$root") ;; esac
places+=("$top")
case $directory/ in "$top"/*) ;; *) places+=("$directory") ;; esac
for place in "${places[@]}" /proc /sys /dev /tmp; do
  case $place/ in /tmp/?*) ;; *) bind "$place" ;; esac
done

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8 HYPRSTREAM_ROOT=none HYPRSTREAM_BUILD_ROOT=$root
# Clones at different places share what they compile.
export CCACHE_DIR="$cache/ccache" CCACHE_BASEDIR="$top" CCACHE_NOHASHDIR=1
# Settings of the host that mean other files here.
unset LD_LIBRARY_PATH LD_PRELOAD TMPDIR LANG LANGUAGE CC CXX CPPFLAGS CFLAGS CXXFLAGS LDFLAGS CPATH LIBRARY_PATH \
  CMAKE_PREFIX_PATH CMAKE_GENERATOR CMAKE_TOOLCHAIN_FILE PKG_CONFIG_PATH PYTHONPATH PYTHONHOME VIRTUAL_ENV
exec chroot "$root" /bin/bash -c 'cd "$0" && exec "$@"' "$directory" "$@"
