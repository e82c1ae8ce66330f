#!/bin/sh
# The entry point: registers where that has not been done, and becomes freebox-monitor --every with
# the options in FB_MONITOR_ARGS. With arguments it is freebox-monitor with those, once.
set -eu
. /usr/local/bin/common.sh

[ $# -eq 0 ] || exec freebox-monitor -c "$credentials" "$@"
period=$(seconds "${FB_MONITOR_EVERY:-60}" FB_MONITOR_EVERY)
register "$period"
exec freebox-monitor -c "$credentials" --every "$period" --heartbeat "$heartbeat" $options
