# What the entry points of both images share: where things are, and registering.

credentials=/data/.credentials
heartbeat=/var/lib/freebox-monitor/heartbeat

fail() {
    echo "freebox-monitor: $*" >&2
    exit 1
}

# What FB_MONITOR_ARGS says, one word a line: split at blanks, with quotes and backslashes as for a
# shell, but nothing is replaced or carried out, and between double quotes a backslash is just that.
options=$(printf '%s\n' "${FB_MONITOR_ARGS-}" | xargs -n 1 printf '%s\n') ||
    fail "FB_MONITOR_ARGS: a quote has no end"
set -f
IFS='
'

# How many seconds a time has, such as 60, 90s, 1m30s or 2h; $2 is what it is for.
seconds() {
    form='([1-9][0-9]*h)?([1-9][0-9]*m)?([1-9][0-9]*s?)?'
    printf '%s\n' "${1:-?}" | grep -Eqx "$form" || fail "$2: '$1' is no time such as 60s or 5m"
    echo $(($(echo "$1" | sed 's/h/*3600+/; s/m/*60+/; s/s/+/; s/+$//')))
}

# Runs a command that a signal ends as well: the first process of a container hears only those that
# it listens to.
run() {
    "$@" &
    child=$!
    trap 'kill "$child" 2>/dev/null; exit 143' TERM INT
    code=0
    wait "$child" || code=$?
    trap - TERM INT
}

# Asks the box for access where there are no credentials, until it is granted; the program says what
# to press. A request shows on the box, so that one that was refused is not repeated at once.
register() {
    rm -f "$heartbeat" "$heartbeat.limit"
    while ! [ -s "$credentials" ]; do
        run freebox-monitor --register -c "$credentials" $options
        case $code in
        0) pause=0 ;;
        3) pause=600 ;;
        4) pause=30 ;;
        *) exit "$code" ;;
        esac
        [ "$code" -eq 0 ] || echo "Asking again in $pause s; a restart asks at once." >&2
        run sleep "$pause"
    done
    [ -r "$credentials" ] || fail "$credentials: this user may not read it;" \
        "let the container have its group (group_add: [\"$(stat -c %g "$credentials")\"])"
    # For the health check: a good run has to come within three intervals, and it takes its time.
    echo $((3 * $1 + 40)) >"$heartbeat.limit"
}
