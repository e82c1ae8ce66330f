# What install.sh and uninstall.sh share. POSIX sh; sourced, never run.

MARK_BEGIN='# BEGIN freebox-monitor (made by its install.sh, removed by its uninstall.sh)'
MARK_END='# END freebox-monitor'
USER_NAME=freebox-monitor

ETC=/etc/freebox-monitor
STATE=/var/lib/freebox-monitor
BINARY=/usr/local/bin/freebox-monitor
CRON=/etc/cron.d/freebox-monitor
SCHEMAS=/opt/graphite/conf/storage-schemas.conf
AGGREGATION=/opt/graphite/conf/storage-aggregation.conf
DASHBOARDS=/var/lib/grafana/dashboards/Miscellaneous
# What was installed, as it was then: `sum  path` lines. What differs from it was changed by somebody.
MANIFEST=$STATE/installed.sha256
# The appliance's files as they were before the first install.
SAVED=$STATE/saved

ROOT=
DRY_RUN=

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command that changes something, or says which.
change() {
    if [ -n "$DRY_RUN" ]; then
        say "would run: $*"
    else
        "$@"
    fi
}

# Whether this is about the machine it runs on.
is_live() {
    [ -z "$ROOT" ]
}

must_be_root() {
    if is_live && [ -z "$DRY_RUN" ] && [ "$(id -u)" != 0 ]; then
        die "this has to be run as root (sudo $0), or with --root DIR to rehearse"
    fi
}

user_exists() {
    if is_live; then
        id "$USER_NAME" >/dev/null 2>&1
    else
        grep -q "^$USER_NAME:" "$ROOT/etc/passwd" 2>/dev/null
    fi
}

sum_of() {
    sha256sum <"$1" | cut -d' ' -f1
}

# The sum of a path when it was installed; nothing if it never was.
installed_sum() {
    [ -f "$ROOT$MANIFEST" ] || return 0
    awk -v path="$1" '$2 == path { print $1 }' "$ROOT$MANIFEST"
}

# A file without our block.
without_block() {
    awk -v begin="$MARK_BEGIN" -v end="$MARK_END" '
        $0 == begin { inside = 1; next }
        inside { if ($0 == end) inside = 0; next }
        { print }
    ' "$1"
}

has_block() {
    grep -qxF "$MARK_BEGIN" "$1"
}

# Markers that somebody has torn apart must not cost what stands behind them.
must_have_whole_block() {
    begins=$(grep -cxF "$MARK_BEGIN" "$1" || true)
    ends=$(grep -cxF "$MARK_END" "$1" || true)
    if [ "$begins" != "$ends" ] || [ "$begins" -gt 1 ]; then
        die "$1: the lines '$MARK_BEGIN' and '$MARK_END' do not belong together any more; mend that by hand first"
    fi
}

# Puts $1 in the place of $2 in one step; owner, group and mode stay.
replace() {
    fresh=$(mktemp "$2.XXXXXX")
    cat "$1" >"$fresh"
    chown --reference="$2" "$fresh"
    chmod --reference="$2" "$fresh"
    mv -f "$fresh" "$2"
}
