#!/bin/bash
# dist.sh BUILD_DIR OUT_DIR: OUT_DIR/hyprstream-VERSION-linux-ARCH.tar.gz, which runs on any
# Linux of that architecture. Runs inside the private root. Two runs give the same bytes; the
# dates are SOURCE_DATE_EPOCH's, or those of the file VERSION.
set -euo pipefail
[ $# = 2 ] || { echo "usage: dist.sh BUILD_DIR OUT_DIR" >&2; exit 2; }
build=$1 out=$2
version=$(cat VERSION)
name=hyprstream-$version
archive=$out/$name-linux-$(uname -m).tar.gz
epoch=${SOURCE_DATE_EPOCH:-$(stat -c %Y VERSION)}

die() { echo "hyprstream: $*" >&2; exit 1; }
program=$build/bin/hyprstream
module=$build/lib/libhyprstream_sql.so
for file in "$program" "$module"; do [ -f "$file" ] || die "$file is not there: run make"; done

# Both links name the private root as the host sees it; dpkg knows its files without that.
in_root() { local target; target=$(readlink "$1"); readlink -f "${target#"${HYPRSTREAM_BUILD_ROOT:-}"}"; }
system=$(in_root "$build/runtime") loader=$(in_root "$build/loader/hyprstream")

umask 022
mkdir -p "$out"
work=$(mktemp -d "$out/.dist-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
top=$work/$name
exec_dir=$top/libexec
mkdir -p "$exec_dir"/{bin,lib,loader,runtime/ggml} "$top"/{models,licenses}

# ---- The program and what it runs with, laid out as in the build folder ----
strip --strip-unneeded -o "$exec_dir/bin/hyprstream" "$program"
strip --strip-unneeded -o "$exec_dir/lib/libhyprstream_sql.so" "$module"
cp "$loader" "$exec_dir/loader/hyprstream"
plugins=("$system"/ggml/backends0/libggml-cpu-*.so)
[ -f "${plugins[0]}" ] || die "no CPU plugins in $system/ggml/backends0"

# Every library that the program, the module or a plugin needs, by the name it is looked up with.
needed=$work/needed
for file in "$program" "$module" "${plugins[@]}"; do
  ldd "$file" >"$work/ldd" || die "the libraries of $file cannot be listed"
  ! grep 'not found' "$work/ldd" >&2 || die "$file needs libraries that are missing"
  awk '$2 == "=>" { print $3 }' "$work/ldd"
done | sort -u >"$needed"
while read -r library; do cp -L "$library" "$exec_dir/runtime/"; done <"$needed"
mkdir "$exec_dir/runtime/ggml/backends0"
cp "${plugins[@]}" "$exec_dir/runtime/ggml/backends0/"
chmod 755 "$exec_dir/loader/hyprstream"

# ---- Licences: of every package that a shipped file comes from, or is compiled from ----
{
  cat "$needed"
  printf '%s\n' "${plugins[@]}" "$loader"
  # Headers and static libraries end up in the program too.
  ninja -C "$build" -t deps | awk '/^[^ ]/ { ours = /^src\// } ours && $1 ~ /^\/usr\// { print $1 }'
  ninja -C "$build" -t inputs bin/hyprstream lib/libhyprstream_sql.so 2>/dev/null | grep '^/usr/.*\.a$' || true
} | sort -u | xargs -d '\n' readlink -f | sort -u >"$work/sources"
# dpkg names no owner for what a package's own scripts made; such files would stop us here.
xargs -d '\n' dpkg -S <"$work/sources" >"$work/owners" || die "some shipped files belong to no Debian package"
sed 's/: .*//; s/, /\n/g' "$work/owners" | sed 's/:.*//' | sort -u >"$work/packages"
while read -r package; do
  [ -f "/usr/share/doc/$package/copyright" ] || die "package $package has no copyright file"
  cp -L "/usr/share/doc/$package/copyright" "$top/licenses/$package.txt"
done <"$work/packages"
# Where the source of each is found: Debian keeps every version.
{ printf '%-28s %-28s %s\n' package source version
  xargs dpkg-query -W -f '${Package;-28} ${source:Package;-28} ${source:Version}\n' <"$work/packages" | sort -u
} >"$top/licenses/PACKAGES"
mkdir "$top/licenses/common-licenses"
grep -rhoE '/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9+]' "$top/licenses" | sort -u |
  while read -r text; do [ ! -f "$text" ] || cp -L "$text" "$top/licenses/common-licenses/"; done

# ---- What the user reads and calls ----
cp hyprstream LICENSE VERSION "$top/"
cp models/hypr-tiny-q8_0.gguf models/aliases.txt "$top/models/"
for file in models/README.md models/comparison.txt models/pirate.jsonl CHANGELOG.md; do [ ! -f "$file" ] || cp "$file" "$top/$file"; done
cp cmake/package-readme.md "$top/README.md"
install -D -m 644 cmake/hyprstream.service "$top/share/systemd/hyprstream.service"
mkdir -p "$top/share/bash-completion/completions" "$top/share/zsh/site-functions"
"$top/hyprstream" completion bash >"$top/share/bash-completion/completions/hyprstream"
"$top/hyprstream" completion zsh >"$top/share/zsh/site-functions/_hyprstream"
if [ -f docs/hyprstream.1 ]; then install -D -m 644 docs/hyprstream.1 "$top/share/man/man1/hyprstream.1"; fi

chmod -R u=rwX,go=rX "$top"
tar --sort=name --owner=0 --group=0 --numeric-owner --format=gnu --mtime="@$epoch" -C "$work" -cf - "$name" |
  gzip -n -6 >"$work/archive"
mv "$work/archive" "$archive"
printf '%s: %s MB, %s MB unpacked (%s libraries, %s CPU plugins, %s licences)\n' "$archive" \
  "$(($(stat -c %s "$archive") / 1000000))" "$(($(du -sk "$top" | cut -f1) * 1024 / 1000000))" \
  "$(wc -l <"$needed")" "${#plugins[@]}" "$(wc -l <"$work/packages")"
