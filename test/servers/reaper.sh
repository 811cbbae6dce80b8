#!/bin/sh
# reaper.sh DIRECTORY
#
# Waits until standard input ends, which is when the process at its other end is gone, in whatever way; then ends
# every process that works in DIRECTORY, and removes DIRECTORY. Servers are first asked to quit at once, so that
# PostgreSQL gives its shared memory back to the system, and killed a second later. If there is a file DIRECTORY/containers,
# Docker's containers and networks that are labelled with DIRECTORY go too.
trap '' HUP INT TERM
cd /
cat > /dev/null

inhabitants() {
  if [ -e /proc/self/cwd ]; then
    for process in /proc/[0-9]*; do
      case "$(readlink "$process/cwd")" in "$1" | "$1"/*) echo "${process#/proc/}" ;; esac
    done
  else
    lsof -t -a -d cwd +D "$1"
  fi 2> /dev/null
}

if [ -e "$1/containers" ]; then
  labelled="label=splitpool.servers=$1"
  for container in $(docker ps --all --quiet --filter "$labelled"); do docker rm --force --volumes "$container" & done
  wait
  for network in $(docker network ls --quiet --filter "$labelled"); do docker network rm "$network"; done
fi

signal=QUIT
for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  pids=$(inhabitants "$1")
  [ -n "$pids" ] || break
  [ "$attempt" -lt 10 ] || signal=KILL
  # shellcheck disable=SC2086
  kill -s $signal $pids 2> /dev/null
  # shellcheck disable=SC2086
  kill -s CONT $pids 2> /dev/null
  sleep 0.1
done
rm -rf "$1"
