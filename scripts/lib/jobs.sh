# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Jobs that run side by side, one more than there are processors: a machine in emulation
# keeps one busy, but for what its tests sleep. The longest comes first, by the processor's
# seconds that each took the last time, so that no long one is left for the end.
#
# The including script sets log_dir.

# Seconds of the processor, not of the clock: those do not depend on what else the host
# does. Lines of "SECONDS NAME".
# shellcheck disable=SC2154 # the including script sets it
job_memory=$log_dir/seconds

# Assumed of a job that has not run before.
readonly job_unknown=200

job_queue=()
job_total=0
job_done=0
job_took=()
declare -A job_command=() job_end=() job_pid_name=() job_start=()

# job NAME END COMMAND...: puts a job into the queue. When it has ended, "END NAME LOG
# STATUS" is called; it may put further jobs into the queue.
job()
{
	local name=$1 end=$2

	shift 2
	job_command[$name]=$(printf '%q ' "$@")
	job_end[$name]=$end
	job_queue+=("$name")
	job_total=$((job_total + 1))
}

# Prints how long a job may take.
job_estimate()
{
	local estimate

	estimate=$(awk -v name="$1" '{ s = $1; sub(/^[0-9]+ /, "") } $0 == name { print s; exit }' \
		"$job_memory" 2>/dev/null || true)
	echo "${estimate:-$job_unknown}"
}

sort_queue()
{
	local name

	mapfile -t job_queue < <(
		for name in "${job_queue[@]}"; do
			echo "$(job_estimate "$name") $name"
		done | sort -k1,1nr | cut -d' ' -f2-)
}

# The file in which a job's output is kept.
job_log()
{
	echo "$log_dir/$(tr -c 'a-zA-Z0-9._\n-' '-' <<<"$1" | cut -c1-100)"
}

# Runs in the background; what the processor did for the command goes to a file.
job_body()
{
	local log=$1 command=$2 status=0

	eval "$command" >"$log" 2>"$log.err" || status=$?
	times >"$log.times"
	return "$status"
}

start_job()
{
	local name=$1

	echo "# $name: started"
	job_body "$(job_log "$name")" "${job_command[$name]}" &
	job_pid_name[$!]=$name
	job_start[$!]=$SECONDS
}

# job_cpu LOG: prints seconds of the job's processes, user and system. The last line of
# times is "0m1.2s 0m0.3s", those of its children.
job_cpu()
{
	awk 'END {
		n = split($1 " " $2, part, /[ms ]+/)
		printf "%d\n", part[1] * 60 + part[2] + part[3] * 60 + part[4] + 0.5
	}' "$1.times"
}

end_job()
{
	local pid status=0 name log cpu

	wait -n -p pid "${!job_pid_name[@]}" || status=$?
	name=${job_pid_name[$pid]}
	log=$(job_log "$name")
	cpu=$(job_cpu "$log")
	unset "job_pid_name[$pid]"
	job_done=$((job_done + 1))
	"${job_end[$name]}" "$name" "$log" "$status"
	job_took+=("$((SECONDS - job_start[$pid])) $cpu $name")
	remember_seconds "$cpu" "$name"
	echo "# $name: $((SECONDS - job_start[$pid])) s, $cpu s of processors;" \
	     "$job_done of $job_total jobs done after $SECONDS s"
}

remember_seconds()
{
	{
		echo "$1 $2"
		awk -v name="$2" '{ line = $0; sub(/^[0-9]+ /, "") } $0 != name { print line }' \
			"$job_memory" 2>/dev/null || true
	} >"$job_memory.new"
	mv "$job_memory.new" "$job_memory"
}

# Runs the jobs of the queue, and those that they put into it.
run_jobs()
{
	local max name

	max=$(($(nproc) + 1))
	while ((${#job_queue[@]} || ${#job_pid_name[@]})); do
		if ((${#job_queue[@]} && ${#job_pid_name[@]} < max)); then
			sort_queue
			name=${job_queue[0]}
			job_queue=("${job_queue[@]:1}")
			start_job "$name"
		else
			end_job
		fi
	done
}

# print_longest N: the jobs that took the longest.
print_longest()
{
	echo "#"
	echo "# longest jobs: seconds, of processors"
	printf '%s\n' "${job_took[@]}" | sort -nr | head -n "$1" | while read -r wall cpu name; do
		printf '# %8d %8d  %s\n' "$wall" "$cpu" "$name"
	done
}

# alone COMMAND...: runs it in the foreground, as no other job does. Unlike a command that
# the shell itself waits for, a signal ends it.
alone()
{
	"$@" &
	wait $!
}

# below PID...: prints the processes that come from these, and these but for this script.
# Not those that have ended and wait for their parent to notice, nor the caller's subshell.
below()
{
	local self=$BASHPID

	# A process may go meanwhile. The name of a program may have spaces.
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v from="$*" -v script=$$ -v self="$self" '
		{ pid = $1; sub(/.*\) /, ""); state[pid] = $1; parent[pid] = $2 }
		END {
			n = split(from, list, " ")
			for (i = 1; i <= n; i++)
				listed[list[i]]
			listed[self]
			for (i = 1; i <= n; i++) {
				if (list[i] != script && state[list[i]] ~ /[^Z]/)
					print list[i]
				for (pid in parent)
					if (parent[pid] == list[i] && !(pid in listed)) {
						listed[pid]
						list[++n] = pid
					}
			}
		}'
}

# All that was started ends, when this script does: jobs and what they started. Of these
# some may have process groups of their own, and background processes do not notice Ctrl-C.
stop_jobs()
{
	local -a pids=()
	local tries

	for ((tries = 0; tries < 100; tries++)); do
		mapfile -t pids < <(below $$ "${pids[@]}")
		((${#pids[@]})) || return 0
		((tries % 50)) || kill "${pids[@]}" 2>/dev/null || true
		sleep 0.1
	done
	kill -KILL "${pids[@]}" 2>/dev/null || true
}
trap stop_jobs EXIT
