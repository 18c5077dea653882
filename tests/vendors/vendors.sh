#!/bin/sh
# Compiles every variant of every kernel with a GPU vendor's own compiler; no GPU is needed.
#   intel   ocloc of Debian's intel-opencl-icd: Gen9, Xe, Arc, Ponte Vecchio
#   amd     clang's AMD code generator and libclc: Vega, MI200, RDNA2, RDNA3
#   nvidia  clang's PTX and NVIDIA's ptxas: Turing, Ampere, Hopper; without a ptxas the PTX alone, and it is said
# Fails on an error and on a spill to scratch memory that spills.txt does not list. Prints, for each kernel, registers,
# bytes of scratch a work-item, and occupancy: waves a SIMD (AMD), warps a multiprocessor that the registers allow
# (NVIDIA), or the SIMD width (Intel). Exit status 77: the compiler is not installed.
# usage: vendors.sh VENDOR LIST_VARIANTS SCRATCH
LC_ALL=C
export LC_ALL
set -u

vendor=$1
list_variants=$2
scratch=$3
here=$(cd "$(dirname "$0")" && pwd)
clang=${CLAYER_CLANG:-clang-15}
libclc=${CLAYER_LIBCLC:-/usr/lib/clc}
ptxas=${CLAYER_PTXAS:-}

skip() {
    echo "skipped: $*"
    exit 77
}

have() {
    command -v "$1" >/dev/null 2>&1
}

case $vendor in
    intel)
        targets="skl tgllp dg2 pvc"
        have ocloc || skip "ocloc (package intel-opencl-icd) is not installed"
        ;;
    amd)
        targets="gfx900 gfx90a gfx1030 gfx1100"
        have "$clang" || skip "$clang is not installed"
        [ -e "$libclc/amdgcn--amdhsa.bc" ] || skip "libclc is not installed"
        ;;
    nvidia)
        targets="sm_75 sm_80 sm_90"
        have "$clang" || skip "$clang is not installed"
        [ -e "$libclc/nvptx64--nvidiacl.bc" ] || skip "libclc is not installed"
        for candidate in ptxas /usr/local/cuda/bin/ptxas; do
            [ -n "$ptxas" ] || ! have "$candidate" || ptxas=$candidate
        done
        [ -n "$ptxas" ] || echo "there is no ptxas: PTX is made, not assembled, so registers and spills stay unknown"
        ;;
    *)
        echo "usage: vendors.sh intel|amd|nvidia LIST_VARIANTS SCRATCH" >&2
        exit 2
        ;;
esac

rm -rf "$scratch"
mkdir -p "$scratch"
"$list_variants" "$here/variants.txt" "$scratch" >"$scratch/variants" || exit 1

# Each compile_VENDOR target program options writes lines "kernel registers scratch occupancy" to $scratch/kernels.
compile_intel() {
    rm -f "$scratch"/out*
    ocloc compile -q -file "$scratch/$2.cl" -device "$1" -options "-cl-std=CL1.2 $3" \
        -internal_options "-ze-allow-zebin" -output out -out_dir "$scratch" >"$scratch/log" 2>&1 || return 1
    # The binary holds a YAML text about its kernels.
    cat "$scratch"/out*.bin | tr -c '[:print:]\n' '\n' | awk '
        /^kernels:/ { inside = 1 }
        /^kernels_misc_info:/ { inside = 0 }
        !inside { next }
        /^  - name:/ { if (name != "") print name, registers, scratch + 0, "simd" simd; name = $3; scratch = 0; buffers = 0 }
        /grf_count:/ { registers = $2 }
        /simd_size:/ { simd = $2 }
        /per_thread_memory_buffers:/ { buffers = 1 }
        buffers && /size:/ { scratch += $NF; buffers = 0 }
        END { if (name != "") print name, registers, scratch + 0, "simd" simd }
    ' >"$scratch/kernels"
}

compile_with_clang() { # target-options library program options
    # shellcheck disable=SC2086 # the options are words
    "$clang" -x cl -cl-std=CL1.2 $1 -Xclang -finclude-default-header -Xclang -mlink-builtin-bitcode \
        -Xclang "$libclc/$2" -Wno-linker-warnings -O3 -S $4 "$scratch/$3.cl" -o "$scratch/out.s" >"$scratch/log" 2>&1
}

compile_amd() {
    compile_with_clang "-target amdgcn-amd-amdhsa -mcpu=$1 -nogpulib" amdgcn--amdhsa.bc "$2" "$3" || return 1
    if grep -q 's_swappc_b64' "$scratch/out.s"; then
        echo "a call to a function that is not there was left in" >"$scratch/log"
        return 1
    fi
    awk '
        /\.amdhsa_kernel / { name = $2 }
        /^; NumVgprs:/ { registers = $3 }
        /^; ScratchSize:/ { scratch = $3 }
        /^; Occupancy:/ { print name, registers, scratch, $3 }
    ' "$scratch/out.s" >"$scratch/kernels"
}

compile_nvidia() {
    compile_with_clang "-target nvptx64-nvidia-nvcl" nvptx64--nvidiacl.bc "$2" "$3" || return 1
    if [ -z "$ptxas" ]; then
        sed -n 's/^\.entry \([a-zA-Z0-9_]*\)(.*/\1 - 0 -/p' "$scratch/out.s" >"$scratch/kernels"
        return
    fi
    "$ptxas" -v -arch="$1" "$scratch/out.s" -o "$scratch/out.o" >"$scratch/log" 2>&1 || return 1
    awk -v most="$([ "$1" = sm_75 ] && echo 32 || echo 64)" -v quote="'" '
        /Compiling entry function/ { split($0, parts, quote); name = parts[2] }
        /bytes stack frame/ { scratch = $1 }
        /Used [0-9]+ registers/ {
            for (i = 1; i < NF; i++) if ($i == "Used") registers = $(i + 1)
            warps = int(65536 / (int((registers + 7) / 8) * 8 * 32))
            print name, registers, scratch, warps < most ? warps : most
        }
    ' "$scratch/log" >"$scratch/kernels"
}

failures=0
compiled=0
: >"$scratch/used"
printf '%-8s %-16s %-32s %-28s %9s %8s %10s\n' target program options kernel registers scratch occupancy
for target in $targets; do
    first=${targets%% *}
    while read -r program where options; do
        [ "$where" = all ] || { [ "$where" = one ] && [ "$target" = "$first" ]; } || continue
        compiled=$((compiled + 1))
        if ! "compile_$vendor" "$target" "$program" "$options"; then
            echo "FAILED: $program $options for $target:"
            cat "$scratch/log"
            failures=$((failures + 1))
            continue
        fi
        if [ ! -s "$scratch/kernels" ]; then
            echo "FAILED: $program $options for $target: no kernel came out"
            failures=$((failures + 1))
        fi
        while read -r kernel registers bytes occupancy; do
            printf '%-8s %-16s %-32s %-28s %9s %8s %10s\n' \
                "$target" "$program" "$options" "$kernel" "$registers" "$bytes" "$occupancy"
            [ "$bytes" != 0 ] || continue
            if grep -q "^$target $program $kernel [^ ]" "$here/spills.txt"; then
                echo "$target $program $kernel" >>"$scratch/used"
            else
                echo "FAILED: $kernel of $program $options uses $bytes bytes of scratch on $target"
                failures=$((failures + 1))
            fi
        done <"$scratch/kernels"
    done <"$scratch/variants"
    grep "^$target " "$here/spills.txt" | while read -r listed program kernel _; do
        grep -qx "$listed $program $kernel" "$scratch/used" || echo "$listed $program $kernel"
    done >"$scratch/stale"
    if [ -s "$scratch/stale" ] && { [ "$vendor" != nvidia ] || [ -n "$ptxas" ]; }; then
        echo "FAILED: spills.txt lists what does not spill any more:"
        cat "$scratch/stale"
        failures=$((failures + 1))
    fi
done
echo "$compiled compilations, $failures failures"
[ "$failures" -eq 0 ] && [ "$compiled" -gt 0 ]
