#!/usr/bin/env bash
# ops/slurm/*.sbatch with a simulator in place of vLLM and no Slurm: SIGTERM to the batch script drains
# the worker, ends the server, and the work goes on elsewhere. tests/system/ops_test.cpp runs it.
# Arguments: the tenbit program, the checkout, an empty folder, the first of three free ports.
set -euo pipefail

tenbit=$1 source=$2 dir=$3 port=$4
fail() { echo "slurm_worker: $1" >&2; tail -n 5 "$dir"/*.log >&2; exit 1; }
jobs_started=()
# shellcheck disable=SC2317 # the trap calls it
end_all() {
  local pid
  for pid in "${jobs_started[@]}" $(cat "$dir"/vllm-*.pid 2>/dev/null); do
    kill -TERM "$pid" 2>/dev/null || true # the scripts end what they started
  done
  wait
}
trap end_all EXIT
until_true() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || fail "not in time: $*"
    sleep 0.1
  done
}

mkdir -p "$dir/bin" "$dir/keys"
# `vllm serve MODEL --host H --port P`; /health as vLLM has it is asked of the simulator.
cat >"$dir/bin/vllm" <<END
#!/usr/bin/env bash
[[ "\$1 \$2 \$3 \$5" == "serve the-model --host --port" ]] || { echo "vllm: \$*" >&2; exit 2; }
echo \$\$ >"$dir/vllm-\$6.pid"
exec "$tenbit" sim --bind "\$4" --port "\$6" --latency-ms "\${LATENCY_MS}"
END
chmod +x "$dir/bin/vllm"
sed -E 's/^count = .*/count = 12/' "$source/examples/default.toml" >"$dir/exp.toml"

export TENBIT=$tenbit CLUSTER=$dir/cluster KEYS=$dir/keys MODEL=the-model ALIAS=small PATH=$dir/bin:$PATH
ADDRESS=127.0.0.1 LISTEN=127.0.0.1 PORT=$port UNTIL_DONE=1 \
  bash "$source/ops/slurm/coordinator.sbatch" "$dir/exp.toml" >"$dir/coordinator.log" 2>&1 &
coordinator=$!
jobs_started+=("$coordinator")
until_true 20 test -S "$dir/cluster/ctl.sock"
for name in gpu0 gpu1; do
  "$tenbit" keys enroll $name --dir "$dir/cluster/keys" --roles solver --out "$dir/keys/$name.key" >/dev/null
done
"$tenbit" keys enroll rest --dir "$dir/cluster/keys" --roles oracle,grader --out "$dir/rest.key" >/dev/null
"$tenbit" worker --key "$dir/rest.key" --coordinator "tcp://127.0.0.1:$port" --state "$dir/rest" \
  >"$dir/rest.log" 2>&1 &
jobs_started+=($!)

worker_script() { # INDEX LATENCY_MS
  LATENCY_MS=$2 SLURM_ARRAY_TASK_ID=$1 PORT=$((port + 1 + $1)) DRAIN=20 \
    bash "$source/ops/slurm/worker.sbatch" >"$dir/worker$1.log" 2>&1 &
  jobs_started+=($!)
}
worker_script 0 500 # slow, so that there is something to hand back
first=$!
status() { "$tenbit" ctl --socket "$dir/cluster/ctl.sock" --json status; }
has_leases() { grep -qE '"leased":[1-9]' <<<"$(status)"; }
until_true 30 has_leases

kill -TERM "$first"
code=0
wait "$first" || code=$?
[[ $code -eq 0 ]] || fail "the worker's job ended with $code"
grep -q "Worker gpu0 ends: stopped" "$dir/worker0.log" || fail "the worker was not drained"
! kill -0 "$(<"$dir/vllm-$((port + 1)).pid")" 2>/dev/null || fail "the server still runs"
grep -qE "^received [1-9]" "$dir/worker0.log" || fail "the server did not end in order"

# A second node does the rest; then its server dies, and the job with it.
worker_script 1 5
second=$!
code=0
wait "$coordinator" || code=$?
[[ $code -eq 0 ]] || fail "the coordinator's job ended with $code"
kill -TERM "$(<"$dir/vllm-$((port + 2)).pid")"
code=0
wait "$second" || code=$?
[[ $code -eq 1 ]] || fail "the job without a server ended with $code"
grep -q "vllm ended" "$dir/worker1.log" || fail "the lost server was not said"
"$tenbit" export --store "$dir/cluster/runs/default" >"$dir/export.jsonl"
