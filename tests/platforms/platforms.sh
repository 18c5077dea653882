#!/bin/sh
# Runs a program on another OpenCL platform than the default one, or under a checker.
#   oclgrind    interprets the kernels and checks each access, races and API use; its log must be empty, because it
#               exits 0 on errors. CLBlast's own kernels are left out: they take minutes there.
#   rusticl     Mesa's OpenCL on llvmpipe
#   valgrind    memcheck over the host code, with oclgrind below it because PoCL's compiler takes minutes there
# Exit status 77: the platform is not installed.
# usage: platforms.sh PLATFORM SCRATCH PROGRAM [ARGUMENT...]
set -u

platform=$1
scratch=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$scratch"
log=$scratch/log
rm -f "$log"

skip() {
    echo "skipped: $*"
    exit 77
}

# Loaded by a file of our own: Debian's package registers none.
use_oclgrind() {
    library=$(find /usr/lib /usr/local/lib -name 'liboclgrind-rt-icd.so' 2>/dev/null | head -n 1)
    [ -n "$library" ] || skip "oclgrind is not installed"
    echo "$library" >"$scratch/oclgrind.icd"
    export OCL_ICD_VENDORS="$scratch/oclgrind.icd" CLAYER_GEMM=own
}

# Caches of its own: what one platform compiled is nothing to another, and each run compiles anew.
rm -rf "$scratch/cache"
export CLAYER_CACHE_DIR="$scratch/cache" CLAYER_TEST_CASES="${CLAYER_TEST_CASES:-1}"
unset CLAYER_TEST_PROGRAMS CLAYER_DEVICE

case $platform in
    oclgrind)
        use_oclgrind
        export OCLGRIND_LOG="$log" OCLGRIND_CHECK_API=1 OCLGRIND_DATA_RACES=1
        "$@"
        status=$?
        if [ -s "$log" ]; then
            echo "oclgrind complains:"
            head -n 60 "$log"
            exit 1
        fi
        exit "$status"
        ;;
    rusticl)
        vendor=/etc/OpenCL/vendors/rusticl.icd
        [ -e "$vendor" ] || skip "rusticl (package mesa-opencl-icd) is not installed"
        export OCL_ICD_VENDORS="$vendor" RUSTICL_ENABLE=llvmpipe
        exec "$@"
        ;;
    valgrind)
        command -v valgrind >/dev/null 2>&1 || skip "valgrind is not installed"
        use_oclgrind
        expected=${CLAYER_EXPECTED_STATUS:-0}
        valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=99 --num-callers=30 \
            --suppressions="$here/valgrind.supp" --log-file="$log" "$@"
        status=$?
        if [ -s "$log" ] && [ "$status" -eq 99 ]; then
            head -n 100 "$log"
            exit 1
        fi
        [ "$status" -eq "$expected" ] || { echo "exit status $status, expected $expected"; exit 1; }
        ;;
    *)
        echo "usage: platforms.sh oclgrind|rusticl|valgrind SCRATCH PROGRAM [ARGUMENT...]" >&2
        exit 2
        ;;
esac
