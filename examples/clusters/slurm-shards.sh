#!/bin/bash
# A bench on SLURM without Ray: an array of jobs shares its cells out, and a last job ranks them.
#
#     bash slurm-shards.sh submit 15 bench --data faces.zip --resize 64 --seeds 3
#
# 15 is the number of jobs (more than there are cells are of no use), bench the folder of the results, on storage that all
# nodes share; then come the words of ganbench bench, less --out and --shard. The same line again does what is left.
# One shard alone, the fourth: sbatch slurm-shards.sh shard 3/15 bench --data faces.zip --resize 64 --seeds 3
#SBATCH --job-name=ganbench-bench
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=2G
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=ganbench-%A-%a.log
set -euo pipefail
step=$1 of=$2 out=$3
shift 3

if [ "$step" = submit ]; then # on the login node
  array=$(sbatch --parsable --array="0-$((of - 1))" "$0" shard "$of" "$out" "$@")
  array=${array%%;*}
  # After any end: a cell that is not done is named, with its reason.
  last=$(sbatch --parsable --dependency="afterany:$array" --time=01:00:00 --output=ganbench-%j.log \
    "$0" collect "$of" "$out" "$@")
  echo "sent: $of shards as job $array, and the tables as job ${last%%;*}. squeue --me shows them."
  exit
fi

# Your place's own: how this Python comes to be there (pip install ganbench into it, where there is an internet).
# module load python/3.11
# shellcheck source=/dev/null
source "${GANBENCH_VENV:-$HOME/ganbench-venv}/bin/activate"
export GANBENCH_HOME=${GANBENCH_HOME:-$SLURM_SUBMIT_DIR/.ganbench}
export MPLCONFIGDIR=$GANBENCH_HOME/matplotlib # homes are read-only in some places

if [ "$step" = collect ]; then
  words=(collect "$out")
  while (($#)); do # of the bench's words, those that say what the images are and how to rank
    case $1 in
      --data | --resize | --limit | --skip-bad | --sort | --columns) words+=("$1" "$2") && shift ;;
      --recursive | --published) words+=("$1") ;;
    esac
    shift
  done
else # a shard sent again alone is an array of one: so the number of all comes with the words, not from SLURM
  [[ $of == */* ]] || of=$SLURM_ARRAY_TASK_ID/$of
  words=("$@" --out "$out" --shard "$of")
fi
ganbench bench "${words[@]}" &
work=$!
# The time is up, or the job is to make room: the cell is saved, and the job that is sent again goes on with it.
asked=""
trap 'asked=1; kill -TERM "$work" 2> /dev/null || true' TERM INT
code=0
wait "$work" || code=$?
while [ -n "$asked" ]; do # it was the signal that ended the waiting, not the work
  asked=""
  code=0
  wait "$work" || code=$?
done
exit "$code"
