#!/bin/sh
# Installs into a scratch prefix, moves it, and uses it from there as a program outside the project would.
# usage: install.sh CMAKE BUILD SCRATCH CC CXX
set -eu

cmake=$1
build=$2
scratch=$3
cc=$4
cxx=$5
here=$(cd "$(dirname "$0")" && pwd)
prefix=$scratch/moved

fail() {
    echo "install: $*" >&2
    exit 1
}

rm -rf "$scratch"
mkdir -p "$scratch"
"$cmake" --install "$build" --prefix "$scratch/first" >/dev/null
mv "$scratch/first" "$prefix"
library=$(find "$prefix" -name libclayer.so)
lib=$(dirname "$library")

echo "== nothing installed names the place it was installed to, and no text the build folder (debug information does)"
if grep -rl "$scratch/first" "$prefix" || grep -rIl "$build" "$prefix"; then
    fail "the files above hold an absolute path"
fi

echo "== exported symbols"
nm -D --defined-only "$library" | awk '{ print $3 }' >"$scratch/symbols"
[ -s "$scratch/symbols" ] || fail "nothing is exported"
if grep -v '^clayer_' "$scratch/symbols"; then
    fail "the symbols above are exported and do not begin with clayer_"
fi
# Every function that the headers declare is there, so that none is declared and forgotten.
for header in "$prefix"/include/clayer/*.h; do
    echo "#include <clayer/$(basename "$header")>"
done >"$scratch/all.c"
"$cc" -std=c11 -I"$prefix/include" -E "$scratch/all.c" | tr '\n' ' ' | sed 's/[;{}]/\n/g' |
    sed -n 's/.*visibility("default").*[ *]\(clayer_[a-z0-9_]*\) *(.*/\1/p' | sort -u >"$scratch/declared"
[ "$(wc -l <"$scratch/declared")" -gt 50 ] || fail "too few declarations were found"
sort -u "$scratch/symbols" >"$scratch/defined"
comm -23 "$scratch/declared" "$scratch/defined" >"$scratch/missing"
[ ! -s "$scratch/missing" ] || fail "declared but not exported: $(tr '\n' ' ' <"$scratch/missing")"
comm -13 "$scratch/declared" "$scratch/defined" >"$scratch/undeclared"
[ ! -s "$scratch/undeclared" ] || fail "exported but not declared: $(tr '\n' ' ' <"$scratch/undeclared")"

echo "== SONAME and run path"
readelf -d "$library" | grep -q 'SONAME.*\[libclayer\.so\.[0-9.]*\]' || fail "no SONAME"
# shellcheck disable=SC2016 # $ORIGIN is literal
readelf -d "$prefix/bin/clayer" | grep -q 'RUNPATH.*\[\$ORIGIN/' || fail "the command has no relative run path"
"$prefix/bin/clayer" --help >/dev/null || fail "the moved command does not run"
"$prefix/bin/clayer" devices >/dev/null || fail "the moved command does not list devices"

echo "== find_package"
"$cmake" -S "$here/consumer" -B "$scratch/consumer" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_CXX_COMPILER="$cxx" >/dev/null
"$cmake" --build "$scratch/consumer"
for program in consumer_c consumer_static consumer_cxx; do
    "$scratch/consumer/$program" || fail "$program, built by find_package, failed"
done
if readelf -d "$scratch/consumer/consumer_static" | grep -q libclayer; then
    fail "consumer_static needs the shared library"
fi

echo "== pkg-config"
PKG_CONFIG_PATH=$lib/pkgconfig
export PKG_CONFIG_PATH
cflags=$(pkg-config --cflags clayer)
libs=$(pkg-config --libs clayer)
static_libs=$(pkg-config --static --libs clayer | sed 's/-lclayer/-l:libclayer.a/')
# shellcheck disable=SC2086 # the flags are words
"$cc" -std=c11 -Wall -Wextra -Werror $cflags "$here/consumer/consumer.c" -o "$scratch/pc_c" $libs
# shellcheck disable=SC2086
"$cxx" -std=c++17 -Wall -Wextra -Werror $cflags "$here/consumer/consumer.cpp" -o "$scratch/pc_cxx" $libs
# shellcheck disable=SC2086
"$cc" -std=c11 -Wall -Wextra -Werror $cflags "$here/consumer/consumer.c" -o "$scratch/pc_static" $static_libs
examples=$here/../../examples
# shellcheck disable=SC2086
"$cc" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror $cflags "$examples/train.c" "$examples/watch.c" \
    "$examples/curve.c" -o "$scratch/pc_train" $libs -lm
for program in pc_c pc_cxx; do
    LD_LIBRARY_PATH=$lib "$scratch/$program" || fail "$program, built by pkg-config, failed"
done
"$scratch/pc_static" || fail "pc_static, built by pkg-config, failed"
echo "installed, moved and used"
