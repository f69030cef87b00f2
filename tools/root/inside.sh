#!/bin/bash
# The second half of `root.sh exec`, run in a mount namespace of its own:
# inside.sh ROOT CACHE DIRECTORY CMD ARG...
# binds the host's devices and the working folders into ROOT, then runs CMD there.
set -euo pipefail
root=$1 cache=$2 directory=$3
shift 3

bind() { mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; }

for place in /proc /sys /dev /tmp; do bind "$place"; done
# The whole checkout, also when the command runs in one of its folders.
top=$(cd "$(dirname "$0")/../.." && pwd)
case $directory/ in "$top"/*) directories=("$top") ;; *) directories=("$top" "$directory") ;; esac
for place in "${directories[@]}" "$cache"; do
  case $place/ in /tmp/*) ;; *) bind "$place" ;; esac
done

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8 HYPRSTREAM_ROOT=none
# Clones at different places share what they compile.
export CCACHE_DIR="$cache/ccache" CCACHE_BASEDIR="$top" CCACHE_NOHASHDIR=1
unset LD_LIBRARY_PATH LD_PRELOAD
exec chroot "$root" /bin/bash -c 'cd "$0" && exec "$@"' "$directory" "$@"
