#!/bin/bash
# install.sh DIST_DIR PREFIX: unpacks the package to PREFIX/lib/hyprstream-VERSION and links the
# command and its completions from where they are looked for. Again does no harm.
set -euo pipefail
[ $# = 2 ] || { echo "usage: install.sh DIST_DIR PREFIX" >&2; exit 2; }
umask 022
dist=$1 prefix=$2
name=hyprstream-$(cat VERSION)
archive=$dist/$name-linux-$(uname -m).tar.gz

die() { echo "hyprstream: $*" >&2; exit 1; }
[ -f "$archive" ] || die "$archive is not there: run make dist"
mkdir -p "$prefix/lib" "$prefix/bin" 2>/dev/null && [ -w "$prefix/lib" ] && [ -w "$prefix/bin" ] ||
  die "$prefix cannot be written: run as root, or name a folder of yours, as in 'make install PREFIX=\$HOME/.local'"
prefix=$(cd "$prefix" && pwd)
home=$prefix/lib/$name
[ ! -e "$prefix/bin/hyprstream" ] || [ -L "$prefix/bin/hyprstream" ] ||
  die "$prefix/bin/hyprstream is there and no link to an installed hyprstream: remove it first"

work=$(mktemp -d "$prefix/lib/.hyprstream-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
tar -xzf "$archive" -C "$work" --no-same-owner
if [ -e "$home" ]; then mv "$home" "$work/old"; fi
mv "$work/$name" "$home"

link() { # link FILE-IN-PACKAGE PLACE-BELOW-PREFIX
  [ -f "$home/$1" ] || return 0
  mkdir -p "$(dirname "$prefix/$2")"
  ln -s "$(realpath -m --relative-to="$(dirname "$prefix/$2")" "$home/$1")" "$work/link"
  mv -fT "$work/link" "$prefix/$2"
}
link hyprstream bin/hyprstream
for file in share/bash-completion/completions/hyprstream share/zsh/site-functions/_hyprstream \
  share/man/man1/hyprstream.1; do link "$file" "$file"; done
# The unit names the command by its path, so it cannot be a link.
mkdir -p "$prefix/lib/systemd/system"
sed "s|@PREFIX@|$(sed 's/[&|\\]/\\&/g' <<<"$prefix")|" "$home/share/systemd/hyprstream.service" >"$work/unit"
chmod 644 "$work/unit"
mv -f "$work/unit" "$prefix/lib/systemd/system/hyprstream.service"
echo "Installed $home; the command is $prefix/bin/hyprstream"
