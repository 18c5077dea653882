#!/bin/sh
# Every (program, options) that the suites built must be one of those that the vendors' suites compile.
# usage: covered.sh LIST_VARIANTS RECORDS SCRATCH
LC_ALL=C
export LC_ALL
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$3"
"$1" "$here/variants.txt" "$3" | sed 's/^\([^ ]*\) [a-z]* */\1 /; s/ *$//; s/-DVECTOR=16/-DVECTOR=4/' | sort -u >"$3/listed"
if ! cat "$2"/*.txt >"$3/records" 2>/dev/null; then
    echo "skipped: no suite recorded what it built; run them all"
    exit 77
fi
# What a CPU is given differs from a GPU's in the vector's width, but for the register tiles of gemm.cl, which only CPUs get.
grep -v -e -DTILE -e -DDOT "$3/records" | awk '{ $1 = $1; print }' | sed 's/-DVECTOR=16/-DVECTOR=4/' | sort -u >"$3/built"
echo "$(wc -l <"$3/built") variants were built, $(wc -l <"$3/listed") are known"
comm -23 "$3/built" "$3/listed" >"$3/missing"
if [ -s "$3/missing" ]; then
    echo "built by a suite, but not listed in tests/vendors/variants.txt:"
    cat "$3/missing"
    exit 1
fi
