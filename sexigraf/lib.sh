# What install.sh and uninstall.sh share. POSIX sh; sourced, never run.

# useradd and userdel are found with a poor PATH as well.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
umask 022

MARK_BEGIN='# BEGIN freebox-monitor (made by its install.sh, removed by its uninstall.sh)'
MARK_END='# END freebox-monitor'
USER_NAME=freebox-monitor
# Tells that install.sh made the user.
USER_COMMENT='Freebox statistics'

# The service user's own: root trusts nothing in there.
ETC=/etc/freebox-monitor
STATE=/var/lib/freebox-monitor
# Root's own: what the scripts remember, and a copy of uninstall.sh.
KEPT=/usr/local/lib/freebox-monitor
# What was installed, `sum  path` lines; of carbon's files it is the block. What differs from it was
# changed by somebody.
MANIFEST=$KEPT/installed.sha256
# What was there before, below its whole path.
SAVED=$KEPT/saved
# What is newer than something that somebody has changed, below its whole path.
NEW=$KEPT/new

BINARY=/usr/local/bin/freebox-monitor
CRON=/etc/cron.d/freebox-monitor
SCHEMAS=/opt/graphite/conf/storage-schemas.conf
AGGREGATION=/opt/graphite/conf/storage-aggregation.conf
DASHBOARDS=/var/lib/grafana/dashboards/Miscellaneous

ROOT=
DRY_RUN=
# Set once a dry run has said something.
would=
# Set once something may have changed.
begun=
# The file that is being written.
fresh=

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# In a dry run says what would be done, and is true.
only_said() {
    [ -n "$DRY_RUN" ] || return 1
    would=1
    say "would $*"
}

nothing_was_changed() {
    if [ -n "$would" ]; then
        say "Nothing was changed. Without --dry-run this would be done."
    else
        say "Nothing is to be done."
    fi
}

# ---- Options

no_such_option() {
    die "no such option: $1 (--help lists them)"
}

# What not both scripts have is for the script's own_option.
read_options() {
    while [ $# -gt 0 ]; do
        option=$1
        value=
        shift
        case $option in
        --root=* | --binary=*)
            value=${option#*=}
            option=${option%%=*}
            ;;
        --root | --binary)
            [ $# -gt 0 ] || die "$option wants a value"
            value=$1
            shift
            ;;
        esac
        case $option in
        --root) set_root "$value" ;;
        --dry-run) DRY_RUN=1 ;;
        -h | --help) usage; exit 0 ;;
        *) own_option "$option" "$value" ;;
        esac
    done
}

set_root() {
    [ -n "$1" ] || die "--root wants a folder"
    [ -d "$1" ] || die "there is no folder $1"
    ROOT=$(readlink -f -- "$1")
    [ "$ROOT" != / ] || die "--root / is this machine itself; leave --root out for that"
}

# Whether this is about the machine it runs on.
is_live() {
    [ -z "$ROOT" ]
}

# A dry run too: nobody else can see what is there.
must_be_root() {
    if is_live && [ "$(id -u)" != 0 ]; then
        die "this has to be run as root (sudo sh $here/${0##*/}), or with --root DIR to rehearse"
    fi
}

# ---- Beginning and end

begin() {
    work=$(mktemp -d)
    trap clean_up EXIT
    trap 'exit 130' INT TERM HUP
}

clean_up() {
    status=$?
    rm -rf "$work"
    [ -z "$fresh" ] || rm -f "$fresh"
    if [ "$status" != 0 ] && [ -n "$begun" ]; then
        say "not finished; run it again" >&2
    fi
}

# ---- Files

# Where a path of the appliance really is: links are followed, but never out of a rehearsal.
real() {
    found=$(readlink -f -- "$ROOT$1") || found=$ROOT$1
    case $found in
    "$ROOT"/*) printf '%s\n' "$found" ;;
    *) die "$ROOT$1 leads out of $ROOT, to $found" ;;
    esac
}

sum_of() {
    sha256sum <"$1" | cut -d' ' -f1
}

owner_of() {
    stat -L -c %u:%g "$1"
}

# Root, or whoever rehearses.
our_ids() {
    printf '%s:%s\n' "$(id -u)" "$(id -g)"
}

# Where a file is written before it takes the place of $1. The name is always the same, so that
# the next run removes what a killed one has left. It has a dot, so that cron passes over it.
beside() {
    printf '%s.freebox-monitor-new\n' "$1"
}

# Puts $1 in the place of the path $2 in one step, with mode $3 and owner $4.
place() {
    mkdir -p "$ROOT${2%/*}"
    there=$(real "$2")
    fresh=$(beside "$there")
    rm -f "$fresh"
    # -C: this must be a new file, never one that somebody's link leads to.
    (set -C; umask 077; cat "$1" >"$fresh")
    chown "$4" "$fresh"
    chmod "$3" "$fresh"
    mv -fT "$fresh" "$there"
    fresh=
}

# The same for a file of the appliance: owner, group and mode stay.
replace() {
    place "$1" "$2" "$(stat -L -c %a "$ROOT$2")" "$(owner_of "$ROOT$2")"
}

remove_leftovers() {
    [ -z "$DRY_RUN" ] || return 0
    for path in "$BINARY" "$CRON" "$SCHEMAS" "$AGGREGATION"; do
        there=$(real "$path")
        rm -f "$(beside "$there")"
    done
    rm -f "$ROOT$DASHBOARDS"/*.freebox-monitor-new
}

# ---- The service user

user_entry() {
    if is_live; then
        getent passwd "$USER_NAME" || true
    else
        grep "^$USER_NAME:" "$ROOT/etc/passwd" 2>/dev/null || true
    fi
}

user_exists() {
    [ -n "$(user_entry)" ]
}

user_ids() {
    user_entry | cut -d: -f3,4
}

# Waits while a command says that there is a run, which takes seconds.
wait_while() {
    seconds=0
    while [ "$seconds" -lt 45 ] && "$@" >/dev/null; do
        [ "$seconds" != 0 ] || say "waiting up to 45 seconds for a run to end"
        sleep 1
        seconds=$((seconds + 1))
    done
}

# ---- What was installed

# What earlier pages and releases of this project had people install. It is ours, noted or not.
published() {
    cat <<END
fc75a8f54b21d8e25984bf9a0d6a1c5d666f718d1a6c17e5d7f6d9b843bf461f  $CRON
4e0eaaafdf307820772bf574d5128efbe6c59c8f8ce30f3b105d7d56d75e3e63  $CRON
9f33d10548abdc507093cf527e257267388c135426905eeb9ed0df8115e2d1a2  $CRON
e5aba6c6c289f501e41ec1f1b036af93c7a53e7c1091168a833db50dce52b64d  $SCHEMAS
acf094c425a7792a60cfcc809058eacd3fbceeb32b1c6044dce4a579fba0a707  $SCHEMAS
324e88903099ea576df96f2fb7044e86eef65c0f1a974e577ce4cfb6f373c9c4  $AGGREGATION
fe556ede1683910bdef4e00fcbdbdb54b1bf2f5c13c7f0080bae39694c3bfb5b  $AGGREGATION
END
}

read_manifest() {
    if [ -f "$ROOT$MANIFEST" ]; then
        cat "$ROOT$MANIFEST" >"$work/manifest"
    else
        earlier_manifest >"$work/manifest"
    fi
}

# The first release kept it in the service user's folder, and that user may have written what it
# likes: no link is followed, and only what that release installed is believed.
earlier_manifest() {
    cp -RP "$ROOT$STATE/installed.sha256" "$work/earlier" 2>/dev/null || return 0
    [ -f "$work/earlier" ] && [ ! -L "$work/earlier" ] || return 0
    grep -E '^[0-9a-f]{64}  /' "$work/earlier" | while read -r sum path; do
        case $path in
        "$BINARY" | "$CRON" | "$ETC/template" | \
        "$DASHBOARDS"/Freebox_Collector.json | "$DASHBOARDS"/Freebox_LAN_and_Switch.json | \
        "$DASHBOARDS"/Freebox_Overview.json | "$DASHBOARDS"/Freebox_Wi-Fi.json | \
        "$DASHBOARDS"/Freebox_Storage_and_Services.json) printf '%s  %s\n' "$sum" "$path" ;;
        esac
    done
}

write_manifest() {
    [ -z "$DRY_RUN" ] || return 0
    LC_ALL=C sort -k 2 "$work/manifest" | uniq >"$work/manifest.sorted"
    cmp -s "$work/manifest.sorted" "$ROOT$MANIFEST" ||
        place "$work/manifest.sorted" "$MANIFEST" 644 "$(our_ids)"
}

# Notes that the path $1 may have the sum $2 as well: for the time in which it is replaced.
note_also() {
    printf '%s  %s\n' "$2" "$1" >>"$work/manifest"
    write_manifest
}

# Only what is noted of other paths is left.
others() {
    awk -v path="$1" 'substr($0, 67) != path' "$work/manifest" >"$work/manifest.others"
    cat "$work/manifest.others" >"$work/manifest"
}

forget() {
    others "$1"
    write_manifest
}

# Notes that the path $1 has the sum $2.
note() {
    others "$1"
    note_also "$1" "$2"
}

is_noted() {
    grep -qxF "$2  $1" "$work/manifest"
}

was_installed() {
    awk -v path="$1" 'substr($0, 67) == path { found = 1 } END { exit !found }' "$work/manifest"
}

# Whether the path $1 with the sum $2 is as we put it there.
is_ours() {
    is_noted "$1" "$2" || published | grep -qxF "$2  $1"
}

# How $3, which is there for the path $1, stands to what we installed and to $2, what it shall be:
# absent, removed, same, ours, edited, or foreign (never ours).
state_of() {
    if [ ! -e "$3" ]; then
        if was_installed "$1"; then echo removed; else echo absent; fi
    elif cmp -s "$2" "$3"; then
        echo same
    elif is_ours "$1" "$(sum_of "$3")"; then
        echo ours
    elif was_installed "$1"; then
        echo edited
    else
        echo foreign
    fi
}

# The dashboards that the manifest tells of. A path that leads anywhere else is none.
noted_dashboards() {
    cut -c 67- "$work/manifest" | LC_ALL=C sort -u | while read -r path; do
        case $path in
        "$DASHBOARDS"/*/*) ;;
        "$DASHBOARDS"/*.json) printf '%s\n' "$path" ;;
        esac
    done
}

# ---- The block in carbon's files

has_block() {
    grep -qxF "$MARK_BEGIN" "$1"
}

# The block of a file, with its markers.
present_block() {
    awk -v begin="$MARK_BEGIN" -v end="$MARK_END" '
        $0 == begin { inside = 1 }
        inside { print }
        $0 == end { inside = 0 }
    ' "$1"
}

without_block() {
    awk -v begin="$MARK_BEGIN" -v end="$MARK_END" '
        $0 == begin { inside = 1; next }
        inside { if ($0 == end) inside = 0; next }
        { print }
    ' "$1"
}

# Markers that somebody has torn apart must not cost what stands behind them.
must_have_whole_block() {
    torn=$(awk -v begin="$MARK_BEGIN" -v end="$MARK_END" '
        { line = $0; sub(/[ \t\r]+$/, "", line) }
        line == begin || line == end {
            if (line != $0 || (line == begin) == inside) torn = 1
            inside = (line == begin)
            count++
        }
        END { if (torn || inside || count > 2) print "torn" }
    ' "$1")
    [ -z "$torn" ] ||
        die "$1: the lines '$MARK_BEGIN' and '$MARK_END' do not belong together any more; mend that by hand first"
}
