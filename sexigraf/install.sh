#!/bin/sh
# Installs freebox-monitor on a SexiGraf appliance: the program, its user, its cron entry, how its
# metrics are stored, and the dashboards. It may be run again, for an upgrade or to be sure. It
# touches nothing but what is its own and a marked block in two of carbon's files.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<END
Usage: install.sh [--root DIR] [--dry-run] [--binary FILE]

  --root DIR     rehearse into a tree that is laid out like the appliance
  --dry-run      say what would be done, and do nothing
  --binary FILE  the program (default: freebox-monitor beside this folder or in it)
END
}

binary=
while [ $# -gt 0 ]; do
    case $1 in
    --root) [ $# -gt 1 ] || die "--root wants a folder"; ROOT=${2%/}; shift ;;
    --root=*) ROOT=${1#--root=}; ROOT=${ROOT%/} ;;
    --binary) [ $# -gt 1 ] || die "--binary wants a file"; binary=$2; shift ;;
    --binary=*) binary=${1#--binary=} ;;
    --dry-run) DRY_RUN=1 ;;
    -h | --help) usage; exit 0 ;;
    *) die "no such option: $1 (--help lists them)" ;;
    esac
    shift
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# First everything is looked at and made ready; what cannot work is refused before anything changes.

find_binary() {
    for candidate in "$binary" "$here/../freebox-monitor" "$here/freebox-monitor"; do
        if [ -n "$candidate" ] && [ -f "$candidate" ]; then
            binary=$candidate
            break
        fi
    done
    [ -n "$binary" ] && [ -f "$binary" ] || die "the program is not here; name it with --binary FILE"
    version=$("$binary" --version 2>&1) || die "$binary does not run on this machine: $version"
}

must_be_an_appliance() {
    [ -d "$ROOT/" ] || die "there is no folder $ROOT"
    for file in "$SCHEMAS" "$AGGREGATION"; do
        [ -f "$ROOT$file" ] || die "there is no $ROOT$file; is this a SexiGraf appliance?"
        must_have_whole_block "$ROOT$file"
    done
    command -v python3 >/dev/null || die "there is no python3, which reads carbon's files as carbon does"
    [ -d "$ROOT/etc/cron.d" ] || die "there is no $ROOT/etc/cron.d; is cron installed?"
}

# The section that an earlier page of this project told people to add by hand is ours as well.
without_old_section() {
    awk '
        { lines[NR] = $0 }
        function is(n, text) { return n <= NR && lines[n] == text }
        END {
            for (n = 1; n <= NR; n++) {
                if (is(n, "[freebox]") && is(n + 1, "pattern = ^freebox\\.") &&
                    is(n + 2, "retentions = 60s:7d,5m:30d,60m:2y")) {
                    n += 2
                    if (is(n + 1, "")) n++
                    continue
                }
                if (is(n, "# For carbon'"'"'s storage-schemas.conf on a SexiGraf appliance, before [anything_else]: the first") &&
                    is(n + 1, "# section that fits a metric wins, and that one keeps one point in five minutes.")) {
                    n++
                    continue
                }
                print lines[n]
            }
        }
    ' "$1"
}

block() {
    printf '%s\n' "$MARK_BEGIN"
    grep -v '^#' "$1" | sed '/^$/d'
    printf '%s\n' "$MARK_END"
}

make_schemas() {
    without_block "$ROOT$SCHEMAS" >"$work/schemas.bare"
    without_old_section "$work/schemas.bare" >"$work/schemas.rest"
    if grep -q '^\[freebox' "$work/schemas.rest"; then
        die "$ROOT$SCHEMAS has a section [freebox...] that is not from here; remove or rename it first"
    fi
    grep -qx '\[anything_else\]' "$work/schemas.rest" ||
        die "$ROOT$SCHEMAS has no section [anything_else]; the block has to stand before what fits everything, so put it there by hand (from $here/storage-schemas.conf)"
    block "$here/storage-schemas.conf" >"$work/schemas.block"
    awk -v block="$work/schemas.block" '
        $0 == "[anything_else]" && !done { while ((getline line < block) > 0) print line; done = 1 }
        { print }
    ' "$work/schemas.rest" >"$work/schemas"
    check "$work/schemas" "$SCHEMAS"
}

make_aggregation() {
    without_block "$ROOT$AGGREGATION" >"$work/aggregation.rest"
    if grep -q '^\[freebox' "$work/aggregation.rest"; then
        die "$ROOT$AGGREGATION has a section [freebox...] that is not from here; remove or rename it first"
    fi
    block "$here/storage-aggregation.conf" >"$work/aggregation.block"
    cat "$work/aggregation.block" "$work/aggregation.rest" >"$work/aggregation"
    check "$work/aggregation" "$AGGREGATION"
}

# Whether carbon would start with $1, which is to be $2, and whether our sections come first there.
check() {
    problem=$(python3 "$here/check-carbon.py" "$(basename "$2" .conf)" "$1")
    [ -z "$problem" ] || die "$ROOT$2 as it would be: $problem; nothing was changed"
}

# Then it is done.

make_user() {
    user_exists && return 0
    if ! is_live; then
        say "would make the system user $USER_NAME (not in a rehearsal)"
        return 0
    fi
    change useradd --system --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin --comment 'Freebox statistics' "$USER_NAME"
}

own() {
    if user_exists && { is_live || [ "$(id -u)" = 0 ]; }; then
        if is_live; then
            change chown -R "$USER_NAME:$USER_NAME" "$1"
        else
            ids=$(awk -F: -v name="$USER_NAME" '$1 == name { print $3 ":" $4 }' "$ROOT/etc/passwd")
            change chown -R "$ids" "$1"
        fi
    fi
}

# What is in there may be of an earlier install, which ran as root.
make_folder() {
    if [ ! -d "$ROOT$1" ]; then
        change mkdir -p "$ROOT$1"
    fi
    change chmod 700 "$ROOT$1"
    own "$ROOT$1"
}

# Remembers that $1 was installed as $2 is.
note() {
    [ -n "$DRY_RUN" ] && return 0
    if [ -f "$ROOT$MANIFEST" ]; then
        awk -v path="$1" '$2 != path' "$ROOT$MANIFEST" >"$work/manifest"
    else
        : >"$work/manifest"
    fi
    printf '%s  %s\n' "$(sum_of "$2")" "$1" >>"$work/manifest"
    cat "$work/manifest" >"$ROOT$MANIFEST"
}

# Installs $1 as $2 with mode $3. What somebody has changed since we put it there stays, and the
# new one is laid beside it.
put() {
    target=$ROOT$2
    if [ -f "$target" ]; then
        if cmp -s "$1" "$target"; then
            note "$2" "$1"
            return 0
        fi
        known=$(installed_sum "$2")
        if [ "$known" != "$(sum_of "$target")" ]; then
            say "$2 was changed by somebody and stays as it is; the new one is $STATE/new/${2##*/}"
            change mkdir -p "$ROOT$STATE/new"
            change cp "$1" "$ROOT$STATE/new/${2##*/}"
            return 0
        fi
    fi
    if [ -n "$DRY_RUN" ]; then
        say "would install $2"
        return 0
    fi
    fresh=$(mktemp "$target.XXXXXX")
    cat "$1" >"$fresh"
    chmod "$3" "$fresh"
    [ -z "${4-}" ] || chown --reference="$4" "$fresh"
    mv -f "$fresh" "$target"
    note "$2" "$1"
}

# Carbon's file $2 becomes $1. How it was at first is kept.
put_block() {
    if cmp -s "$1" "$ROOT$2"; then
        return 0
    fi
    if [ -n "$DRY_RUN" ]; then
        say "would put a block into $2"
        return 0
    fi
    mkdir -p "$ROOT$SAVED"
    saved=$ROOT$SAVED/${2##*/}
    if [ ! -f "$saved" ] && ! has_block "$ROOT$2"; then
        cp -p "$ROOT$2" "$saved"
    fi
    replace "$1" "$ROOT$2"
}

# Carbon looks at its schemas once a minute, and a series keeps the one it was made with: nothing
# may be sent before it has looked.
let_carbon_look() {
    if [ -n "$fresh_schemas" ] && is_live && [ -z "$DRY_RUN" ] && pgrep -f carbon-cache >/dev/null; then
        say "waiting a minute, until carbon has read its new schemas"
        sleep 61
    fi
}

put_dashboards() {
    if [ ! -d "$ROOT$DASHBOARDS" ]; then
        say "there is no $DASHBOARDS, so the dashboards are left out"
        return 0
    fi
    for file in "$here"/dashboards/*.json; do
        [ -f "$file" ] || continue
        put "$file" "$DASHBOARDS/${file##*/}" 644 "$ROOT$DASHBOARDS"
    done
}

whats_next() {
    as="runuser -u $USER_NAME -- freebox-monitor"
    cat <<END

freebox-monitor is installed. What comes next:

  1. Ask the box for access, and say yes on its front panel:
       $as --register -c $ETC/credentials.json
  2. See whether all is well:
       $as --check --all --carbon localhost
  3. Open the dashboards "Freebox" in the folder Miscellaneous of Grafana. The first points are
     there a minute after the registration.
END
}

must_be_root
find_binary
must_be_an_appliance
make_schemas
make_aggregation
"$binary" --template sexigraf --print-template >"$work/template" || die "$binary does not know the template for SexiGraf"

make_user
make_folder "$ETC"
make_folder "$STATE"
fresh_schemas=
cmp -s "$work/schemas" "$ROOT$SCHEMAS" || fresh_schemas=1
put_block "$work/schemas" "$SCHEMAS"
put_block "$work/aggregation" "$AGGREGATION"
put "$binary" "$BINARY" 755
put "$work/template" "$ETC/template" 644
put_dashboards
let_carbon_look
put "$here/freebox-monitor.cron" "$CRON" 644
whats_next
