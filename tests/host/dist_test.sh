# The package: made, unpacked elsewhere, and run where neither the private root nor this checkout
# can be seen.
. "$(dirname "$0")/check.sh"
cd "$repository" || exit 1

root=$(tools/root/root.sh path)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hyprstream
name=hyprstream-$(cat VERSION)
archive=dist/$name-linux-$(uname -m).tar.gz

check "make dist" make dist
again() {
  tools/root/root.sh exec cmake/dist.sh build/release "$scratch/again" &&
    cmp "$archive" "$scratch/again/${archive##*/}"
}
check "a second package has the same bytes" again
mkdir "$scratch/else where"
check "it unpacks" tar -xzf "$archive" -C "$scratch/else where"
package="$scratch/else where/$name"

# away COMMAND...: runs it in / without this user's environment, in a mount namespace where
# empty folders lie over the checkout, the cache with the private root, and the host's own ggml.
cat >"$scratch/hide.sh" <<'END'
set -eu
for folder in "$HIDE_CHECKOUT" "$HIDE_CACHE" "$HIDE_ROOT" /usr/lib/*/ggml /usr/local/lib; do
  case $folder in / | '') ;; *) [ ! -d "$folder" ] || mount -t tmpfs -o mode=755 none "$folder" ;; esac
done
[ ! -e "$HIDE_CHECKOUT/Makefile" ]
cd /
exec env -i PATH=/usr/bin:/bin HOME=/nonexistent TERM=dumb "$@"
END
namespaces=(--mount --propagation private)
[ "$(id -u)" = 0 ] || namespaces+=(--user --map-root-user)
if unshare "${namespaces[@]}" true 2>/dev/null; then
  away() {
    HIDE_CHECKOUT=$repository HIDE_CACHE=$cache HIDE_ROOT=$root \
      unshare "${namespaces[@]}" -- bash "$scratch/hide.sh" "$@"
  }
else
  echo "  (nothing can be hidden here: this host allows no mount namespaces)"
  away() { (cd / && env -i PATH=/usr/bin:/bin HOME=/nonexistent TERM=dumb "$@"); }
fi

generate=(quick-start --seed 1 --max-tokens 20 --json)
text() { grep -oE '"text": *"([^"\\]|\\.)*"' || { echo "no text in the output"; return 1; }; }
expected=$(./hyprstream "${generate[@]}" | text)
status=0
got=$(away "$package/hyprstream" "${generate[@]}" 2>"$scratch/said") || status=$?
check "quick-start exits with 0" equal "$status $(cat "$scratch/said")" "0 $(cat "$scratch/said")"
check "it generates text" test "$(text <<<"$got" | wc -c)" -gt 20
check "the same text as the checkout's program" equal "$(text <<<"$got")" "$expected"
learns() {
  away env HYPRSTREAM_HOME="$scratch/home" "$package/hyprstream" quick-start --learn --json | grep -q '"adapter":"pirate@1"'
}
check "quick-start learns a voice" learns
versions() {
  local said word
  said=$(away "$package/hyprstream" --version) || return 1
  for word in "$(cat VERSION)" llama.cpp ggml DuckDB Arrow; do
    grep -qF "$word" <<<"$said" || { echo "no '$word' in: $said"; return 1; }
  done
}
check "--version names llama.cpp, ggml, DuckDB and Arrow" versions
check "through a link from elsewhere" away /bin/sh -c \
  'ln -s "$1/hyprstream" "$2/hs" && "$2/hs" --version >/dev/null' sh "$package" "$scratch"

names_no_folder() { ! grep -rlF -- "$1" "$package"; }
check "nothing in it names the checkout" names_no_folder "$repository"
[ "$root" = / ] || check "nothing in it names the private root" names_no_folder "$root"
has_licences() {
  [ "$(find "$package/licenses" -name '*.txt' -size +0 | wc -l)" -ge 10 ] && [ -s "$package/LICENSE" ] &&
    [ -s "$package/licenses/libllama0.txt" ] && [ -s "$package/licenses/libduckdb2.0.txt" ]
}
check "it holds the licences" has_licences
completes() { bash -n "$package/share/bash-completion/completions/hyprstream" && [ -s "$package/share/zsh/site-functions/_hyprstream" ]; }
check "it holds completions" completes

# ---- make install ----
prefix="$scratch/pre fix"
installed() { cmake/install.sh dist "$prefix" && away "$prefix/bin/hyprstream" --version; }
check "it installs" installed
unit=$prefix/lib/systemd/system/hyprstream.service
names_the_command() { grep -qF "ExecStart=\"$prefix/bin/hyprstream\" server" "$unit" && ! grep -q @PREFIX@ "$unit"; }
check "the unit for systemd names the installed command" names_the_command
is_hardened() {
  local option
  for option in DynamicUser=yes NoNewPrivileges=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes \
    CapabilityBoundingSet= MemoryDenyWriteExecute=yes SystemCallFilter=@system-service RestrictNamespaces=yes; do
    grep -qx -- "$option" "$unit" || { echo "$option is missing"; return 1; }
  done
}
check "and is hardened" is_hardened
if command -v systemd-analyze >/dev/null; then
  # Of a unit that it likes it says nothing, whatever its exit status in a container.
  verified() { local said; said=$(systemd-analyze verify "$unit" 2>&1 | grep -F hyprstream.service); [ -z "$said" ] || { echo "$said"; return 1; }; }
  check "and is one that systemd understands" verified
fi
before=$(cd "$prefix" && find . | sort)
check "it installs again over itself" installed
check "which changes nothing" equal "$(cd "$prefix" && find . | sort)" "$before"
check "a prefix that cannot be written is refused" fails_with 1 "cannot be written" cmake/install.sh dist /proc/none
rm -r "$prefix/bin/hyprstream" && echo mine >"$prefix/bin/hyprstream"
check "somebody else's bin/hyprstream is left alone" fails_with 1 "remove it first" cmake/install.sh dist "$prefix"
finish
