#!/bin/sh
# Every public header compiles alone, as C11 and as C++17, and only opencl.h brings OpenCL's headers in.
# usage: headers.sh ROOT SCRATCH CC CXX
set -u

root=$1
scratch=$2
cc=$3
cxx=$4
flags="-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I$root/include"
mkdir -p "$scratch"
failed=0
count=0
for path in "$root"/include/clayer/*.h; do
    header=clayer/$(basename "$path")
    count=$((count + 1))
    # Twice: the include guard works.
    printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$header" "$header" >"$scratch/alone.c"
    cp "$scratch/alone.c" "$scratch/alone.cpp"
    # shellcheck disable=SC2086 # the flags are words
    "$cc" -std=c11 $flags "$scratch/alone.c" || { echo "$header: fails as C11"; failed=1; }
    # shellcheck disable=SC2086
    "$cxx" -std=c++17 $flags "$scratch/alone.cpp" || { echo "$header: fails as C++17"; failed=1; }
    "$cc" -std=c11 -I"$root/include" -M "$scratch/alone.c" >"$scratch/alone.d"
    if [ "$header" != clayer/opencl.h ] && grep -q '/CL/' "$scratch/alone.d"; then
        echo "$header: includes OpenCL's headers"
        failed=1
    fi
done
[ "$count" -gt 5 ] || { echo "no headers in $root/include/clayer"; failed=1; }
exit "$failed"
