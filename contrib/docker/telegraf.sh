#!/bin/sh
# The entry point of the image with Telegraf: registers where that has not been done, writes
# Telegraf's configuration from the variables, and becomes Telegraf. With arguments it is
# freebox-monitor with those, once.
#
# Values do not stand as ${VARIABLE} in the configuration: what Telegraf makes of a quote, a
# backslash or a dollar in one is not the same in all its versions. They are written as TOML strings
# in which such characters are escapes.
set -eu
. /usr/local/bin/common.sh

# It has passwords, so that nobody else may read it, and it goes with the container.
configuration=/tmp/telegraf.conf

# A TOML string.
string() {
    case $1 in *[[:cntrl:]]*) fail "the value of a variable has a line break or the like" ;; esac
    printf '"%s"' "$(printf '%s\n' "$1" | sed 's/\\/\\u005C/g; s/"/\\u0022/g; s/#/\\u0023/g
        s/\$/\\u0024/g; s/'\''/\\u0027/g; s/{/\\u007B/g; s/}/\\u007D/g')"
}

# The line `$1 = "$2"`.
text() {
    value=$(string "$2")
    echo "  $1 = $value"
}

# The line `skip_database_creation = true` or `false`.
skip_database_creation() {
    case ${INFLUXDB_SKIP_DATABASE_CREATION:-false} in
    true | false) echo "  skip_database_creation = ${INFLUXDB_SKIP_DATABASE_CREATION:-false}" ;;
    *) fail "INFLUXDB_SKIP_DATABASE_CREATION is neither true nor false" ;;
    esac
}

# The line `ip_range = […]`. The networks may be set apart by commas, blanks, quotes or brackets.
ip_range() {
    list=
    for network in $(printf '%s\n' "${PROMETHEUS_IP_RANGE-}" | tr '][,"'\'' ' '\n'); do
        case $network in
        *[!0-9A-Fa-f.:/]*) fail "PROMETHEUS_IP_RANGE: '$network' is no network such as 192.168.1.0/24" ;;
        esac
        list="$list\"$network\", "
    done
    echo "  ip_range = [${list%, }]"
}

# The command that Telegraf runs; it splits it by the rules of a shell.
command_line() {
    printf '%s' "/usr/local/bin/freebox-monitor -f influxdb -c $credentials --heartbeat $heartbeat"
    for option in $options; do
        printf " '%s'" "$(printf '%s\n' "$option" | sed "s/'/'\\\\''/g")"
    done
}

# Without the name of the host: that of a container is another one each time it is made.
input() {
    command=$(command_line)
    command=$(string "$command")
    echo "[agent]"
    echo "  interval = \"${period}s\""
    echo "  omit_hostname = true"
    echo
    echo "[[inputs.exec]]"
    echo "  commands = [$command]"
    echo "  timeout = \"${timeout}s\""
    echo "  data_format = \"influx\""
}

influxdb() {
    [ -n "${INFLUXDB_URL-}" ] || fail "INFLUXDB_URL is not set, such as http://influxdb.example:8086"
    url=$(string "$INFLUXDB_URL")
    echo
    echo "[[outputs.influxdb]]"
    echo "  urls = [$url]"
    text database "${INFLUXDB_DATABASE:-telegraf}"
    text username "${INFLUXDB_USERNAME-}"
    text password "${INFLUXDB_PASSWORD-}"
    skip_database_creation
}

# Numbers are kept for as long as the health check waits for the next.
prometheus() {
    echo
    echo "[[outputs.prometheus_client]]"
    echo "  listen = \":9273\""
    text basic_username "${PROMETHEUS_BASIC_USERNAME-}"
    text basic_password "${PROMETHEUS_BASIC_PASSWORD-}"
    ip_range
    echo "  expiration_interval = \"$((3 * period))s\""
}

output() {
    case ${FB_TELEGRAF_OUTPUT:-influx} in
    influx) influxdb ;;
    prometheus) prometheus ;;
    influx:prometheus | prometheus:influx)
        influxdb
        prometheus
        ;;
    *) fail "FB_TELEGRAF_OUTPUT is none of influx, prometheus and influx:prometheus" ;;
    esac
}

[ $# -eq 0 ] || exec freebox-monitor -c "$credentials" "$@"
period=$(seconds "${TELEGRAF_AGENT_INTERVAL:-60s}" TELEGRAF_AGENT_INTERVAL)
timeout=$(seconds "${TELEGRAF_SCRIPT_TIMEOUT:-45s}" TELEGRAF_SCRIPT_TIMEOUT)
rm -f "$configuration"
(umask 077 && : >"$configuration")
input >>"$configuration"
output >>"$configuration"
register "$period"
exec telegraf --config "$configuration"
