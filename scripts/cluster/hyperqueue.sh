#!/bin/sh
# Runs a sweep with HyperQueue, one task a run, on the workers of a server that is running (hq server start).
#
#   scripts/cluster/hyperqueue.sh FILE [OPTIONS OF fl-cli sweep plan …]
#
# Runs that are done are left out, and those that were interrupted go on; start it again as often as you like.
# FL_CLI names the program, fl-cli if it is not set.
set -eu
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
file=$1
shift
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
"${FL_CLI:-fl-cli}" sweep plan "$file" --lines "$@" >"$lines"
# HQ_ENTRY is the line of a task.
hq submit --each-line "$lines" --cpus 1 --max-fails 0 --cwd "$PWD" --wait -- sh -c 'eval "$HQ_ENTRY"'
