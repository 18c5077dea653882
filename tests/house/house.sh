#!/bin/sh
# The rules of CONTRIBUTING.md that a script can hold. usage: house.sh RULE ROOT [CC LIBRARY BUILD]
# Each rule prints every place that breaks it and exits 1 if there was one.
set -u

rule=$1
root=$2
cd "$root" || exit 1
found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT

complain() {
    echo "$*" | tee -a "$found"
}

sources() { # all code of the library and the command
    find src include kernels_cl -name '*.[ch]' -o -name '*.cl' -o -name '*.def' | sort
}

# folders NAME: those that a file in src/NAME may include from
folders() {
    case $1 in
        base) echo base ;;
        device) echo device base ;;
        ops) echo ops device base ;;
        weights) echo weights ops device base ;;
        layers) echo layers weights ops device base ;;
        model) echo model layers weights ops device base ;;
        train) echo train model layers weights ops device base ;;
        io) echo io train model layers weights ops device base ;;
        *) echo none ;;
    esac
}

# cli, io -> model -> layers -> weights -> ops -> device -> base
rule_folders() {
    for file in $(find src -name '*.[ch]' -o -name '*.def' | sort); do
        folder=$(echo "$file" | cut -d/ -f2)
        sed -n 's/^ *# *include "\([^"]*\)".*/\1/p' "$file" >"$found.includes"
        while read -r include; do
            if [ "$folder" = cli ]; then
                case $include in
                    */*) complain "$file: includes \"$include\", but the command sees public headers and its own only" ;;
                esac
                continue
            fi
            used=${include%%/*}
            case " $(folders "$folder") " in
                *" $used "*) [ -e "src/$include" ] || complain "$file: no src/$include" ;;
                *) complain "$file: $folder may not include \"$include\"" ;;
            esac
        done <"$found.includes"
    done
    rm -f "$found.includes"
    [ -e src/base/error.h ] || complain "src/base/error.h is missing: nothing was looked at"
}

# only PATTERN PLACES...: the header is included in those files or folders and nowhere else, and there it is
only() {
    pattern=$1
    shift
    users=$(grep -rlE "^ *# *include [<\"]($pattern)[>\"]" src include || true)
    [ -n "$users" ] || complain "no file includes $pattern: the rule looks for a header that nobody uses"
    for user in $users; do
        case " $* " in
            *" $user "* | *" $(dirname "$user")/ "*) ;;
            *) complain "$user: includes $pattern, which belongs in $* only" ;;
        esac
    done
}

# Each dependency has one door.
rule_dependencies() {
    only 'clblast_c\.h|clblast\.h' src/device/clblast.c
    only 'hdf5\.h' src/io/hdf5.c src/io/hdf5_common.c src/io/hdf5_write.c
    only 'zip\.h' src/io/zip.c
    only 'zlib\.h' src/io/idx.c src/io/zip.c
    only '(cjson/)?cJSON\.h' src/io/ src/layers/shape.c src/cli/classes.c
    only 'png\.h' src/cli/image_png.c
    only 'jpeglib\.h|jerror\.h' src/cli/image_jpeg.c
    only 'openssl/[a-z0-9]*\.h' src/device/cache.c src/device/entry.c
    only 'graphviz/[a-z]*\.h' src/cli/svg.c
    only 'CL/[a-z_]*\.h' include/clayer/opencl.h
}

# A paragraph of declarations in a public header begins with its comment.
rule_comments() {
    for file in include/clayer/*.h; do
        awk -v file="$file" '
            /^$/ { start = 1; commented = 0; macro = 0; next }
            macro { macro = /\\$/; next }
            /^#define/ { macro = /\\$/; next }
            start && /^\/\*/ && !/^\/\* ---- / { commented = 1 }
            { start = /^\/\* ---- / || /^CLAYER_(BEGIN|END)_DECLS/ }
            /^CLAYER_API/ && !commented { print file ":" FNR ": no comment above: " $0 }
        ' "$file"
    done >"$found.list"
    tee -a "$found" <"$found.list"
    rm -f "$found.list"
}

# A file opens with what it does, under its own name, and stays readable in one sitting.
rule_files() {
    for file in $(sources); do
        name=$(basename "$file")
        case $file in
            */layers.def) ;; # opens with a comment, checked below; its name says the rest
            *) head -n 1 "$file" | grep -qF "$name:" || complain "$file: does not open with \"/* ...$name: what it does\"" ;;
        esac
        head -n 1 "$file" | grep -q '^/\*' || complain "$file: does not open with a comment"
        lines=$(wc -l <"$file")
        [ "$lines" -le 500 ] || complain "$file: $lines lines, the limit is 500"
        awk -v file="$file" 'length($0) > 120 { print file ":" FNR ": longer than 120 columns" }' "$file" |
            tee -a "$found"
    done
    grep -rnwE 'TODO|FIXME|XXX' src include kernels_cl examples tests --include='*.[ch]' --include='*.cl' | tee -a "$found"
}

# The version stands in version.h; CHANGELOG.md has it on top.
rule_version() {
    version=$(sed -n 's/^#define CLAYER_VERSION "\(.*\)"$/\1/p' include/clayer/version.h)
    parts=$(sed -n 's/^#define CLAYER_VERSION_[MP][A-Z]* \([0-9]*\)$/\1/p' include/clayer/version.h | paste -sd.)
    top=$(sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1)
    [ -n "$version" ] || complain "include/clayer/version.h: no CLAYER_VERSION"
    minor=$(sed -n 's/^#define CLAYER_VERSION_MINOR \([0-9]*\)$/\1/p' include/clayer/version.h)
    [ -n "$minor" ] || complain "include/clayer/version.h: no CLAYER_VERSION_MINOR"
    [ "$version" = "$(echo "$parts" | awk -F. '{ print $1 "." $2 "." $3 }')" ] ||
        complain "include/clayer/version.h: CLAYER_VERSION is $version, its parts are $parts"
    [ "$version" = "$top" ] || complain "CHANGELOG.md: the top version is $top, version.h says $version"
}

# kernels_cl/X.cl belongs to src/ops/X.c or src/device/X.c.
rule_kernels() {
    for file in kernels_cl/*.cl; do
        name=$(basename "$file" .cl)
        [ -e "src/ops/$name.c" ] || [ -e "src/device/$name.c" ] ||
            complain "$file: neither src/ops/$name.c nor src/device/$name.c is there"
    done
}

# A C block of README.md with a main() compiles without a warning and links.
rule_readme() {
    cc=$1
    library=$2
    build=$3
    mkdir -p "$build"
    rm -f "$build"/readme_*.c
    awk -v out="$build/readme_" '
        /^```c$/ { count++; inside = 1; next }
        /^```/ { inside = 0 }
        inside { print > (out count ".c") }
    ' README.md
    examples=0
    for file in "$build"/readme_*.c; do
        grep -q 'int main(' "$file" || continue
        examples=$((examples + 1))
        "$cc" -std=c11 -Wall -Wextra -Werror -Iinclude "$file" -o "$build/readme" "$library" ||
            complain "README.md: $(basename "$file" .c) does not compile"
    done
    [ "$examples" -gt 0 ] || complain "README.md: no C example with a main()"
}

shift 2
"rule_$rule" "$@"
[ ! -s "$found" ]
