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
# HYPRSTREAM_PACKAGES    another list than packages.txt, with a root of its own:
#                        packages-bench.txt has what hyprstream is compared with
#
# Nothing on the host is changed but for the package mmdebstrap, installed if it
# is missing. The root is made beside its final place and renamed when whole.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
list=${HYPRSTREAM_PACKAGES:-$here/packages.txt}
suite=forky
# GB free to make a root, if the list does not say: it ends at 1.5, beside the packages it is made from.
space_needed=$(sed -n 's/^# GB free to make it: //p' "$list" 2>/dev/null || true)
space_needed=${space_needed:-3}

say() { printf '%s\n' "$*" >&2; }
die() { say "hyprstream: $*"; exit 1; }

# Like the XDG specification, takes a relative XDG_CACHE_HOME as unset.
case ${XDG_CACHE_HOME:-} in
  /*) cache=$XDG_CACHE_HOME/hyprstream ;;
  *) [ -n "${HOME:-}" ] || die "set HOME or XDG_CACHE_HOME: the private root is kept below it"
     cache=$HOME/.cache/hyprstream ;;
esac
host_instead="use HYPRSTREAM_ROOT=none on a system that has the packages in tools/root/packages.txt"

packages() { sed 's/#.*//' "$list" | awk 'NF { print $1, $2 }'; }

private_root() { printf '%s/root-%s\n' "$cache" "$(sha256sum "$list" | cut -c1-12)"; }

host_has_all() {
  command -v dpkg-query >/dev/null 2>&1 || return 1
  have=$(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' 2>/dev/null) || return 1
  packages | while read -r name wanted; do
    version=$(printf '%s\n' "$have" | awk -v n="$name" '$1 == n && $2 == "installed" && !v { v = $3 } END { print v }')
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
        (cd "$HYPRSTREAM_ROOT" && pwd) ;;
    *) die "HYPRSTREAM_ROOT must be 'auto', 'none' or an absolute path, not '$HYPRSTREAM_ROOT'" ;;
  esac
}

# Debian's own archives among what the host's apt uses: neither security updates nor other people's.
host_mirrors() {
  apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 2>/dev/null |
    grep -vE '^(cdrom|mirror)' || true
}

host_mirror() {
  command -v apt-get >/dev/null 2>&1 || return 0
  # A fresh image has no package lists yet, and then apt does not say.
  [ -n "$(host_mirrors)" ] || [ "$(id -u)" != 0 ] || apt-get update >>"$log" 2>&1 || true
  host_mirrors | awk 'NR == 1'
}

require_namespaces() {
  if [ "$(id -u)" = 0 ]; then
    unshare --mount true 2>/dev/null ||
      die "this container may not mount anything, and the private root needs it: start it with --privileged, or $host_instead"
  else
    unshare --user --map-root-user --mount true 2>/dev/null ||
      die "without root the private root needs user namespaces, and this host does not allow them: run as root, or ask an administrator for 'sysctl kernel.unprivileged_userns_clone=1' (on Ubuntu 'sysctl kernel.apparmor_restrict_unprivileged_userns=0')"
  fi
}

require_space() {
  local free
  free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1048576) }')
  [ "${free:-$space_needed}" -ge "$space_needed" ] ||
    die "making the private root needs $space_needed GB, and $cache has $free GB free: free some, or set XDG_CACHE_HOME to a folder with more room"
}

require_mmdebstrap() {
  local user uid
  user=$(id -un) uid=$(id -u)
  if ! command -v mmdebstrap >/dev/null 2>&1; then
    command -v apt-get >/dev/null 2>&1 ||
      die "making the private root needs mmdebstrap, and this system has no apt to install it with: install mmdebstrap, or $host_instead"
    [ "$uid" = 0 ] ||
      die "making the private root needs mmdebstrap: run as root, or ask an administrator for 'apt-get install mmdebstrap uidmap'"
    say "Installing mmdebstrap ..."
    apt-get update >"$log" 2>&1 || true # a broken list of somebody else's need not matter
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
      mmdebstrap mount debian-archive-keyring >>"$log" 2>&1 </dev/null ||
      { tail -n 15 "$log" >&2; die "installing mmdebstrap failed; the whole log is $log"; }
  fi
  [ "$uid" = 0 ] || command -v newuidmap >/dev/null 2>&1 ||
    die "making the private root without being root needs newuidmap: run as root, or ask an administrator for 'apt-get install uidmap'"
  [ "$uid" = 0 ] || { grep -qE "^($user|$uid):" /etc/subuid && grep -qE "^($user|$uid):" /etc/subgid; } 2>/dev/null ||
    die "making the private root without being root needs a range of user ids for $user: run as root, or ask an administrator for 'usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $user'"
}

bootstrap() { # bootstrap TARGET-DIRECTORY
  local target=$1 mirror setting status=0
  local options=(--variant=essential --include="$(packages | awk '{ print $1 }' | paste -sd,)"
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*'
    --dpkgopt='path-exclude=/usr/share/locale/*')
  # What the host's apt was told about dates, proxies, certificates and retries holds here too.
  while read -r setting; do options+=(--aptopt="$setting"); done < <(apt-config dump Acquire 2>/dev/null |
    grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|ForceIPv[46]|https?::.+) ')
  mirror=${HYPRSTREAM_MIRROR:-$(host_mirror)}
  if [ "$(id -u)" = 0 ]; then
    mmdebstrap --mode=root --format=directory "${options[@]}" "$suite" "$target" ${mirror:+"$mirror"} \
      >>"$log" 2>&1 </dev/null || status=$?
  else
    # Unpacked as this user, so that one mapped uid is enough to enter it.
    mkdir -p "$target"
    mmdebstrap --mode=unshare --format=tar "${options[@]}" "$suite" - ${mirror:+"$mirror"} 2>>"$log" </dev/null |
      tar -x -C "$target" --exclude='./dev/*' 2>>"$log" || status=$?
  fi
  return $status
}

prepare() {
  root=$(root_path)
  if [ "$root" = / ] || [ -d "$root" ]; then echo "$root"; return; fi
  require_namespaces
  mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] ||
    die "the private root is kept in $cache, which cannot be written: set XDG_CACHE_HOME to a folder of yours"
  log=$root.log
  # mmdebstrap inherits the lock: should this script be killed, the next one waits until it is gone.
  exec 9>"$root.lock"
  flock -n 9 || { say "Another build is making the private root; waiting for it ..."; flock 9; }
  if [ ! -d "$root" ]; then
    partial=$root.partial-$$
    trap 'rm -rf --one-file-system "$partial"' EXIT
    trap 'say "hyprstream: interrupted; the private root was not made"; exit 130' INT TERM HUP
    rm -rf --one-file-system "$root".partial-*
    : >"$log"
    require_space
    require_mmdebstrap
    say "Preparing the private Debian root (once, about a minute; log: $log) ..."
    bootstrap "$partial" ||
      { tail -n 15 "$log" >&2
        die "making the private root failed; the whole log is $log (another Debian archive can be named in HYPRSTREAM_MIRROR)"; }
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
  mkdir -p "$cache"
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
