#!/bin/sh
# A sweep as a Slurm array: every task takes the runs that no other is at, until none is left.
#
#   sbatch --array=0-15 scripts/cluster/slurm.sh FILE [OPTIONS OF fl-cli sweep run …]
#
# Any array will do: with steps, with holes, of one task. A task that has nothing left to take waits for the runs of the
# others and ends with exit code 0 only if all of them are done. Submit the same line again, or a single task of it, to go
# on after a time limit: runs that are done are read, others go on from their last checkpoint.
# FL_CLI names the program, fl-cli if it is not set.
#SBATCH --job-name=fl-sweep
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=1G
#SBATCH --time=12:00:00
#SBATCH --output=slurm-%A_%a.out
# Two minutes before the limit the shell is told to end, and passes it on, so that the runs save their state.
#SBATCH --signal=B:TERM@120
set -eu
[ $# -ge 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
file=$1
shift
: "${SLURM_ARRAY_TASK_ID:?start this with sbatch --array=0-N}"
cpus=${SLURM_CPUS_PER_TASK:-1}
exec "${FL_CLI:-fl-cli}" sweep run "$file" --jobs "$cpus" --threads "$cpus" "$@"
