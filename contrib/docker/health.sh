#!/bin/sh
# Healthy is: a run has asked the box and handed its lines on, and it began within three intervals.
set -eu
heartbeat=/var/lib/freebox-monitor/heartbeat

[ -r "$heartbeat.limit" ] || {
    echo "waiting for access to the box"
    exit 1
}
[ -r "$heartbeat" ] || {
    echo "no run has been good since the start"
    exit 1
}
read -r last <"$heartbeat"
read -r limit <"$heartbeat.limit"
age=$(($(date +%s) - last))
echo "the last good run began $age s ago; it has to be within $limit s"
[ "$age" -le "$limit" ]
