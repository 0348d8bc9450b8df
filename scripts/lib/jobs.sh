# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Run jobs side by side, two more than there are processors: an emulated machine
# keeps one processor busy, except while its tests sleep. The longest job comes
# first, so that no long one is left for the end. A job's length is the
# processor time that it took the last time.
#
# The including script sets log_dir.

# File with the processor seconds of each job, which do not depend on other load
# on the host. Its lines are "SECONDS NAME".
# shellcheck disable=SC2154 # the including script sets it
job_memory=$log_dir/seconds

# The processor seconds that are assumed for a job that has not run before.
readonly job_unknown=200

job_queue=()
job_total=0
job_done=0
job_took=()
declare -A job_command=() job_end=() job_pid_name=() job_start=()

# job NAME END COMMAND...: put a job into the queue. When it ends, "END NAME LOG
# STATUS" is called, which may put more jobs into the queue.
job()
{
	local name=$1 end=$2

	shift 2
	job_command[$name]=$(printf '%q ' "$@")
	job_end[$name]=$end
	job_queue+=("$name")
	job_total=$((job_total + 1))
}

# job_again NAME [VARIABLE=VALUE]: put a job that ended into the queue once more,
# with this variable in its environment.
job_again()
{
	job_command[$1]="${2:-} ${job_command[$1]}"
	job_queue+=("$1")
	job_total=$((job_total + 1))
}

# job_estimate NAME: print the processor seconds that a job may take.
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

# job_log NAME: print the name of the file that keeps a job's output.
job_log()
{
	echo "$log_dir/$(tr -c 'a-zA-Z0-9._\n-' '-' <<<"$1" | cut -c1-100)"
}

# job_body LOG COMMAND: run a job's command, in the background. Write its
# processor time to a file.
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

# job_cpu LOG: print the processor seconds of the job's processes, user and
# system. The last line that the command "times" wrote is for them: "0m1.2s
# 0m0.3s".
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

# Run the jobs of the queue, and those that they add.
run_jobs()
{
	local max name

	max=$(($(nproc) + 2))
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

# print_longest N: print the jobs that took the longest.
print_longest()
{
	echo "#"
	echo "# longest jobs: seconds, of processors"
	printf '%s\n' "${job_took[@]}" | sort -nr | head -n "$1" | while read -r wall cpu name; do
		printf '# %8d %8d  %s\n' "$wall" "$cpu" "$name"
	done
}

# alone COMMAND...: run a command and wait for it. Call this while no job runs.
# The command is a background process, so that a signal ends the script at once:
# the shell would wait for a foreground command to end.
alone()
{
	"$@" &
	wait $!
}

# below PID...: print these processes and all their descendants. Leave out this
# script, zombies, and the subshell that calls this function.
below()
{
	local self=$BASHPID

	# A process may end in the meantime. The name of a program may have
	# spaces.
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

# End all jobs and their descendants when this script ends. Some processes may
# have their own process groups, and background processes do not get Ctrl-C.
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
