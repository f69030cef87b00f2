#!/bin/bash
# The private Debian root that hyprstream is built and tested in.
#
#   root.sh path             print the root that is in use ("/" is the host itself)
#   root.sh prepare          make that root if it is missing, then print it
#   root.sh exec CMD ARG...  run CMD inside it, in the current directory
#
# HYPRSTREAM_ROOT=auto   (default) the host if it has every package of
#                        packages.txt in a new enough version, else the private root
#                =none   the host, whatever it has
#                =PATH   the root at PATH
# HYPRSTREAM_MIRROR=URL  the Debian archive to take the packages from; left out,
#                        the one that the host's apt uses
#
# Nothing on the host is changed but for the package mmdebstrap, installed if it
# is missing. The root is made beside its final place and renamed when whole.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
list=$here/packages.txt
suite=forky
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hyprstream

say() { printf '%s\n' "$*" >&2; }
die() { say "hyprstream: $*"; exit 1; }

packages() { sed 's/#.*//' "$list" | awk 'NF { print $1, $2 }'; }

private_root() { printf '%s/root-%s\n' "$cache" "$(sha256sum "$list" | cut -c1-12)"; }

host_has_all() {
  command -v dpkg-query >/dev/null 2>&1 || return 1
  have=$(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' 2>/dev/null) || return 1
  packages | while read -r name wanted; do
    version=$(printf '%s\n' "$have" | awk -v n="$name" '$1 == n && $2 == "installed" { print $3; exit }')
    [ -n "$version" ] || exit 1
    [ -z "$wanted" ] || dpkg --compare-versions "$version" ge "$wanted" || exit 1
  done
}

root_path() {
  case ${HYPRSTREAM_ROOT:-auto} in
    none) echo / ;;
    auto)
      private=$(private_root)
      # The private root comes first: it is there only if the host once fell short.
      if [ ! -d "$private" ] && host_has_all; then echo /; else echo "$private"; fi ;;
    /*) [ -d "$HYPRSTREAM_ROOT/usr" ] || die "HYPRSTREAM_ROOT=$HYPRSTREAM_ROOT is not a Debian root: it has no usr folder"
        echo "$HYPRSTREAM_ROOT" ;;
    *) die "HYPRSTREAM_ROOT must be 'auto', 'none' or an absolute path, not '$HYPRSTREAM_ROOT'" ;;
  esac
}

# The archive the host's apt takes Debian itself from (not its security updates).
host_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 2>/dev/null |
    grep -E '/debian(/|$)' | grep -v security | head -n 1
}

install_mmdebstrap() {
  command -v mmdebstrap >/dev/null 2>&1 && return
  command -v apt-get >/dev/null 2>&1 ||
    die "making the private root needs mmdebstrap, and this system has no apt to install it with; install mmdebstrap, or build with HYPRSTREAM_ROOT=none on a system that has the packages in tools/root/packages.txt"
  [ "$(id -u)" = 0 ] ||
    die "making the private root needs mmdebstrap; ask an administrator for: apt-get install mmdebstrap uidmap"
  say "Installing mmdebstrap ..."
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mmdebstrap; } \
    >"$log" 2>&1 || { tail -n 15 "$log" >&2; die "installing mmdebstrap failed; the whole log is $log"; }
}

require_namespaces() {
  if [ "$(id -u)" = 0 ]; then
    unshare --mount true 2>/dev/null ||
      die "this container may not mount anything, and the private root needs it: start it with CAP_SYS_ADMIN, or use HYPRSTREAM_ROOT=none on a system that has the packages in tools/root/packages.txt"
  else
    unshare --user --map-root-user --mount true 2>/dev/null ||
      die "without root the private root needs user namespaces, and this host does not allow them: run as root, or ask for sysctl kernel.unprivileged_userns_clone=1"
  fi
}

bootstrap() { # bootstrap TARGET-DIRECTORY
  local target=$1 settings mirror
  settings=$(mktemp)
  # What the host's apt was told about dates, proxies and retries holds here too.
  apt-config dump Acquire 2>/dev/null |
    grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|ForceIPv4|https?::Proxy) ' >"$settings" || true
  mirror=${HYPRSTREAM_MIRROR:-$(host_mirror || true)}
  local options=(--variant=essential --aptopt="$settings"
    --include="$(packages | awk '{ print $1 }' | paste -sd,)"
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*'
    --dpkgopt='path-exclude=/usr/share/locale/*')
  local status=0
  if [ "$(id -u)" = 0 ]; then
    mmdebstrap --mode=root --format=directory "${options[@]}" "$suite" "$target" ${mirror:+"$mirror"} \
      >"$log" 2>&1 || status=$?
  else
    # Unpacked as this user, so that one mapped uid is enough to enter it.
    mkdir -p "$target"
    mmdebstrap --mode=unshare --format=tar "${options[@]}" "$suite" - ${mirror:+"$mirror"} 2>"$log" |
      tar -x -C "$target" --exclude='./dev/*' || status=$?
  fi
  rm -f "$settings"
  return $status
}

prepare() {
  root=$(root_path)
  if [ "$root" = / ] || [ -d "$root" ]; then echo "$root"; return; fi
  require_namespaces
  mkdir -p "$cache"
  log=$cache/root.log
  exec 9>"$root.lock"
  flock -n 9 || { say "Another build is making the private root; waiting for it ..."; flock 9; }
  if [ ! -d "$root" ]; then
    install_mmdebstrap
    rm -rf "$root".partial-*
    partial=$root.partial-$$
    trap 'rm -rf "$partial"' EXIT
    trap 'exit 130' INT TERM HUP
    say "Preparing the private Debian root (once, about a minute; log: $log) ..."
    bootstrap "$partial" || { tail -n 15 "$log" >&2; die "making the private root failed; the whole log is $log"; }
    mv "$partial" "$root"
    trap - EXIT INT TERM HUP
  fi
  exec 9>&-
  echo "$root"
}

enter() {
  local root namespaces=(--mount --propagation private)
  root=$(root_path)
  [ "$root" != / ] || exec "$@"
  [ -d "$root" ] || die "the private root is not there yet: run make"
  require_namespaces
  [ "$(id -u)" = 0 ] || namespaces+=(--user --map-root-user)
  # The namespace ends with the command, and every mount with it.
  exec unshare "${namespaces[@]}" -- bash "$here/inside.sh" "$root" "$cache" "$PWD" "$@"
}

command=${1:-}
[ $# = 0 ] || shift
case $command in
  path) root_path ;;
  prepare) prepare ;;
  exec) [ $# -gt 0 ] || die "root.sh exec needs a command"; enter "$@" ;;
  *) say "usage: root.sh path | prepare | exec COMMAND [ARGUMENT...]"; exit 2 ;;
esac
