# tools/root/root.sh, with a mmdebstrap of our own that writes a small tree slowly.
. "$(dirname "$0")/check.sh"
root_sh=$repository/tools/root/root.sh
real_root=$("$root_sh" path)
if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
  echo "  (skipped: making a private root needs root and mount namespaces here)"
  finish
fi

mkdir "$scratch/bin"
cat >"$scratch/bin/mmdebstrap" <<'END'
#!/bin/bash
# The arguments that are no options: suite, target, mirror.
places=()
for argument; do case $argument in --*) ;; *) places+=("$argument") ;; esac; done
echo "call $$" >>"$FAKE_CALLS"
mkdir -p "${places[1]}/usr"
if [ -n "${FAKE_FAIL-}" ]; then
  for line in $(seq 40); do echo "I: step $line"; done >&2
  echo "E: the archive ${places[2]} is not there" >&2
  exit 1
fi
sleep "${FAKE_SECONDS-0}"
touch "${places[1]}/usr/whole"
END
chmod +x "$scratch/bin/mmdebstrap"
echo "some-package-that-no-host-has 1.0" >"$scratch/packages"
export PATH=$scratch/bin:$PATH FAKE_CALLS=$scratch/calls HYPRSTREAM_PACKAGES=$scratch/packages \
  HYPRSTREAM_MIRROR=file:/nowhere
# The checks below choose the root themselves, whatever this run was told to use.
unset HYPRSTREAM_ROOT

fresh() { rm -rf "$scratch/cache" "$scratch/calls"; export XDG_CACHE_HOME=$scratch/cache; }
calls() { grep -c call "$scratch/calls"; }
expected=$scratch/cache/hyprstream/root-$(sha256sum "$scratch/packages" | cut -c1-12)
# What may lie in the cache: the root if it is whole, its lock and its log.
leftovers() { find "$scratch/cache/hyprstream" -maxdepth 1 -mindepth 1 ! -name '*.lock' ! -name '*.log' ! -path "$expected"; }
no_root() { [ ! -e "$expected" ] && equal "$(leftovers)" ""; }
whole() { [ -f "$expected/usr/whole" ] && equal "$(leftovers)" ""; }
wait_for() { for _ in $(seq 200); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.05; done; echo "timed out: $*"; return 1; }

fresh
check "path names the root and makes nothing" equal "$("$root_sh" path) $(ls "$scratch/cache" 2>/dev/null)" "$expected "
check "exec before that says what to do" fails_with 1 "run make" "$root_sh" exec true
check "prepare makes it and prints it" equal "$("$root_sh" prepare 2>/dev/null)" "$expected"
check "whole, and nothing beside it" whole
check "again makes nothing" equal "$("$root_sh" prepare 2>&1) $(calls)" "$expected 1"
many_times() { local start=$SECONDS; for _ in $(seq 50); do "$root_sh" prepare || return 1; done; [ $((SECONDS - start)) -le 5 ]; }
check "and quickly: 50 times in 5 seconds" many_times

fresh
both_at_once() {
  FAKE_SECONDS=2 "$root_sh" prepare >"$scratch/one" 2>"$scratch/one.said" &
  local one=$!
  FAKE_SECONDS=2 "$root_sh" prepare >"$scratch/two" 2>"$scratch/two.said" &
  wait $one && wait $! || return 1
  equal "$(cat "$scratch/one") $(cat "$scratch/two") $(calls)" "$expected $expected 1" &&
    grep -q "waiting" "$scratch/one.said" "$scratch/two.said"
}
check "of two at once one makes it and the other waits" both_at_once

fresh
check "a failure shows the end of the log" env FAKE_FAIL=1 bash -c ". '$repository/tests/host/check.sh'
  fails_with 1 'E: the archive file:/nowhere is not there' '$root_sh' prepare && ! grep -q 'step 3$' \"\$scratch/stderr\""
check "and leaves nothing behind" no_root
check "the next one succeeds" equal "$("$root_sh" prepare 2>/dev/null)" "$expected"

# killed SIGNAL GROUP: a prepare that is hit while mmdebstrap runs; GROUP is - for the whole group.
killed() {
  fresh
  FAKE_SECONDS=2 env --default-signal=INT setsid "$root_sh" prepare >"$scratch/out" 2>"$scratch/said" &
  local child=$! status=0
  wait_for test -s "$scratch/calls" || return 1
  kill "-$1" -- "$2$child"
  wait $child || status=$?
  [ "$status" != 0 ] || { echo "exit status 0"; return 1; }
  [ ! -e "$expected" ]
}
recovers() { equal "$("$root_sh" prepare 2>/dev/null)" "$expected" && whole; }
check "Ctrl-C stops it" killed INT -
check "says so" grep -q interrupted "$scratch/said"
check "and leaves nothing behind" no_root
check "killed with everything it started: no half root" killed KILL -
check "the next one cleans up and succeeds" recovers
check "killed alone: no half root" killed KILL ''
check "the next one waits for what is still running, and succeeds" recovers

# ---- What is refused ----
fresh
check "HYPRSTREAM_ROOT=none is the host" equal "$(HYPRSTREAM_ROOT=none "$root_sh" prepare)" /
check "HYPRSTREAM_ROOT=/ is the host" equal "$(HYPRSTREAM_ROOT=/ "$root_sh" path)" /
mkdir -p "$scratch/other/usr"
check "HYPRSTREAM_ROOT=PATH is that root" equal "$(HYPRSTREAM_ROOT=$scratch/other/ "$root_sh" path)" "$scratch/other"
check "a relative HYPRSTREAM_ROOT" fails_with 1 "must be 'auto', 'none' or an absolute path" env HYPRSTREAM_ROOT=some/where "$root_sh" prepare
check "a missing HYPRSTREAM_ROOT" fails_with 1 "/no/root is not a Debian root" env HYPRSTREAM_ROOT=/no/root "$root_sh" exec true
check "neither HOME nor XDG_CACHE_HOME" fails_with 1 "set HOME" env -u HOME -u XDG_CACHE_HOME "$root_sh" path
check "a cache that cannot be written" fails_with 1 "cannot be written" env XDG_CACHE_HOME=/proc/none "$root_sh" prepare
check "a command left out" fails_with 1 "needs a command" "$root_sh" exec
check "an unknown command" fails_with 2 "usage:" "$root_sh" frobnicate
mkdir "$scratch/small"
on_small_disk() { unshare --mount sh -c 'mount -t tmpfs -o size=1m none "$1" && XDG_CACHE_HOME="$1" exec "$2" prepare' sh "$scratch/small" "$root_sh"; }
check "a disk without room" fails_with 1 "free some, or set XDG_CACHE_HOME" on_small_disk
mkdir "$scratch/few"
for tool in bash dirname id sed awk sha256sum cut unshare true mkdir flock rm df; do ln -s "$(type -P $tool)" "$scratch/few/"; done
check "neither mmdebstrap nor apt" fails_with 1 "install mmdebstrap, or use HYPRSTREAM_ROOT=none" env PATH="$scratch/few" "$root_sh" prepare
check "none of that left anything behind" no_root

# ---- The root that this checkout is built in ----
unset HYPRSTREAM_PACKAGES XDG_CACHE_HOME
if [ "$real_root" != / ]; then
  export HYPRSTREAM_ROOT=$real_root
  mounts=$(wc -l </proc/self/mounts)
  check "exec runs in the current directory" equal "$(cd "$repository/tests" && "$root_sh" exec pwd)" "$repository/tests"
  check "exec passes arguments and exit codes" equal "$("$root_sh" exec bash -c 'echo "$1"; exit 9' x 'a  b'; echo $?)" "a  b"$'\n9'
  sleeper() {
    "$root_sh" exec sleep 1 &
    sleep 0.4
    equal "$(wc -l </proc/self/mounts)" "$mounts" && wait $!
  }
  check "nothing of it is mounted outside while it runs" sleeper
  check "nor after" equal "$(wc -l </proc/self/mounts)" "$mounts"
fi
finish
