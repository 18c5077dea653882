#!/bin/sh
# Runs a sanitized program; again, three times in all, where the leak checker's own tracer crashed: now and then it does
# beside PoCL's threads, after all checks have passed. Whatever else fails is a failure at once.
# usage: sanitized.sh PROGRAM [ARGUMENT...]
set -u

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
for try in 1 2 3; do
    "$@" >"$log" 2>&1
    status=$?
    cat "$log"
    [ "$status" -ne 0 ] && grep -q 'Tracer caught signal' "$log" || break
    echo "sanitized.sh: the leak checker's tracer crashed in try $try of 3"
done
exit "$status"
