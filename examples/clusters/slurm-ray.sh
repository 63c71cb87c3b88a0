#!/bin/bash
# One ganbench command over the nodes of a SLURM job: Ray starts on all of them, ganbench on the first, and all ends with the job.
#
#     sbatch --nodes=4 slurm-ray.sh leaderboard submissions/*.tgz --csv board.csv
#     sbatch --nodes=8 slurm-ray.sh score shards/ --resize 64 --json card.json
#     sbatch --nodes=4 slurm-ray.sh bench --data faces.zip --resize 64 --out bench
#
# The words are ganbench's own, less --cluster. A job that was cut short is sent again: what was finished is not done twice.
# Options of sbatch win over the lines below. Folders must be on storage that all nodes share.
#SBATCH --job-name=ganbench
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=2G
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --no-kill
#SBATCH --open-mode=append
#SBATCH --output=ganbench-%j.log
set -euo pipefail

# Your place's own: how this Python comes to be there (pip install "ganbench[ray]" into it, where there is an internet).
# module load python/3.11
# shellcheck source=/dev/null
source "${GANBENCH_VENV:-$HOME/ganbench-venv}/bin/activate"

# On shared storage: what one node exported, fetched or scored, the others find. Homes are read-only in some places.
export GANBENCH_HOME=${GANBENCH_HOME:-$SLURM_SUBMIT_DIR/.ganbench}
# On each node's own disk, and short: Ray's sockets are below it, and the path of a socket has 107 bytes at most.
temporary=${GANBENCH_RAY_TMP:-/tmp}/gb-$SLURM_JOB_ID
export XDG_CACHE_HOME=$temporary/cache MPLCONFIGDIR=$temporary/matplotlib
# Without a token whoever reaches the port could run programs as you. Ray looks for it in the environment.
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
ulimit -Sn "$(ulimit -Hn)"

# The script runs on the first node. Its address is that of its name, unless the name leads back to the node itself.
ip=${GANBENCH_HEAD_IP:-$(getent ahostsv4 "$(hostname)" | awk '$1 !~ /^127\./ { print $1; exit }' || true)}
ip=${ip:-$(hostname -I | awk '{ print $1 }')}
port=$((20000 + SLURM_JOB_ID % 5000 * 2)) # another job on the same node has another
address=$ip:$port
nodes=$SLURM_JOB_NUM_NODES
cores=${SLURM_CPUS_PER_TASK:-1}
# All other ports are free ones that Ray picks; results are small, so that its object store need not be large.
# --no-kill, --wait and --kill-on-bad-exit: a node that dies takes no other with it, and its tasks go on elsewhere.
others=(--nodes=$((nodes - 1)) --ntasks=$((nodes - 1)) --relative=1 --cpus-per-task="$cores" --no-kill --wait=0 --kill-on-bad-exit=0)
node_options=(--num-cpus="$cores" --object-store-memory=$((1 << 29)) --dashboard-agent-listen-port=0 --block)
memory=${SLURM_MEM_PER_NODE:-$((${SLURM_MEM_PER_CPU:-0} * cores))} # MB of the job; Ray would count the whole machine's
if ((memory > 2048)); then
  node_options+=(--memory=$(((memory - 1024) << 20)))
fi

# shellcheck disable=SC2329 # a trap calls it
end_ray() { # never ray stop: it would end the Ray of your other jobs on this node too
  trap - EXIT TERM INT
  # shellcheck disable=SC2046 # a list of numbers
  kill $(jobs -p) 2> /dev/null || true
  wait
  rm -rf "$temporary"
  if ((nodes > 1)); then
    timeout 60 srun "${others[@]}" rm -rf "$temporary" || true
  fi
}
trap end_ray EXIT
trap 'exit 143' TERM INT

mkdir -p "$temporary" "$GANBENCH_HOME"
ray start --head --node-ip-address="$ip" --port="$port" --ray-client-server-port=$((port + 1)) --include-dashboard=false \
  --temp-dir="$temporary" "${node_options[@]}" > "$temporary/head.log" 2>&1 &
head=$!
until ray health-check --address "$address" 2> /dev/null; do
  if ! kill -0 "$head" 2> /dev/null || ((SECONDS > 180)); then
    cat "$temporary/head.log" >&2
    echo "Ray's head does not answer at $address. If its port is taken, send the job again; if the address is wrong, set GANBENCH_HEAD_IP." >&2
    exit 1
  fi
  sleep 1
done
if ((nodes > 1)); then
  srun "${others[@]}" --output="$temporary/%N.log" ray start --address="$address" --temp-dir="$temporary" "${node_options[@]}" &
fi
if ! python - "$address" "$nodes" << 'EOF'
import sys
import time

import ray

ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)
nodes, until = int(sys.argv[2]), time.monotonic() + 120
while (there := sum(node["Alive"] for node in ray.nodes())) < nodes and time.monotonic() < until:
    time.sleep(0.5)
print(f"Ray runs on {there} of {nodes} nodes, {ray.cluster_resources()['CPU']:.0f} cores", file=sys.stderr)
sys.exit(there < nodes)
EOF
then # with fewer nodes the work takes longer, and is the same
  tail -n 20 "$temporary"/*.log >&2
fi

ganbench "$@" --cluster "$address" &
work=$!
# The time is up, or scancel: ganbench saves what it can and ends, which the shell waits for.
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
