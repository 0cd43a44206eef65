#!/bin/sh
# Runs a sweep with GNU parallel, one process a run: here, or on other machines that share this folder.
#
#   scripts/cluster/gnu-parallel.sh FILE [JOBS] [OPTIONS OF fl-cli sweep plan …]
#   FL_HOSTS=hosts.txt scripts/cluster/gnu-parallel.sh FILE      hosts.txt: one machine a line, as for ssh
#
# Runs that are done are left out, and those that were interrupted go on; start it again as often as you like.
# FL_CLI names the program, fl-cli if it is not set.
set -eu
[ $# -ge 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
file=$1
shift
jobs=100%
case ${1:-} in
[0-9]*) jobs=$1; shift ;;
esac
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
"${FL_CLI:-fl-cli}" sweep plan "$file" --lines "$@" >"$lines"
# TERM lets a run save its state; KILL would lose what is behind its last checkpoint.
set -- --jobs "$jobs" --termseq TERM,10000,KILL
[ -z "${FL_HOSTS:-}" ] || set -- "$@" --sshloginfile "$FL_HOSTS" --workdir "$PWD"
parallel "$@" <"$lines"
