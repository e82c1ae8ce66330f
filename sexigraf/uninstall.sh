#!/bin/sh
# Takes freebox-monitor off a SexiGraf appliance again. Every byte of the appliance's own files is
# as it was; what was measured stays in Graphite. The credentials stay unless --purge is given.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<END
Usage: uninstall.sh [--root DIR] [--dry-run] [--purge]

  --root DIR  a tree that is laid out like the appliance
  --dry-run   say what would be done, and do nothing
  --purge     remove the credentials, the template and the user as well
END
}

purge=
while [ $# -gt 0 ]; do
    case $1 in
    --root) [ $# -gt 1 ] || die "--root wants a folder"; ROOT=${2%/}; shift ;;
    --root=*) ROOT=${1#--root=}; ROOT=${ROOT%/} ;;
    --dry-run) DRY_RUN=1 ;;
    --purge) purge=1 ;;
    -h | --help) usage; exit 0 ;;
    *) die "no such option: $1 (--help lists them)" ;;
    esac
    shift
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

take_block_out() {
    [ -f "$ROOT$1" ] || return 0
    has_block "$ROOT$1" || return 0
    without_block "$ROOT$1" >"$work/bare"
    if [ -n "$DRY_RUN" ]; then
        say "would take the block out of $1"
    else
        replace "$work/bare" "$ROOT$1"
    fi
}

remove() {
    if [ -e "$ROOT$1" ] || [ -L "$ROOT$1" ]; then
        change rm -rf "$ROOT$1"
    fi
}

# What we have put there; what somebody has changed since goes as well, but for the template.
remove_dashboards() {
    [ -f "$ROOT$MANIFEST" ] || return 0
    awk '{ print $2 }' "$ROOT$MANIFEST" | grep "^$DASHBOARDS/" | while read -r path; do
        remove "$path"
    done
}

remove_folder_if_empty() {
    if [ -d "$ROOT$1" ] && [ -z "$(ls -A "$ROOT$1")" ]; then
        change rmdir "$ROOT$1"
    fi
}

must_be_root
for file in "$SCHEMAS" "$AGGREGATION"; do
    [ ! -f "$ROOT$file" ] || must_have_whole_block "$ROOT$file"
done

# Cron first, so that nothing is collected while the rest goes.
remove "$CRON"
take_block_out "$SCHEMAS"
take_block_out "$AGGREGATION"
remove_dashboards
template_sum=$(installed_sum "$ETC/template")
if [ -n "$purge" ]; then
    remove "$ETC"
elif [ -f "$ROOT$ETC/template" ] && [ "$template_sum" = "$(sum_of "$ROOT$ETC/template")" ]; then
    remove "$ETC/template"
fi
remove "$STATE"
remove "$BINARY"
remove_folder_if_empty "$ETC"
if [ -d "$ROOT$ETC" ]; then
    say "$ETC stays, with the credentials in it; --purge removes it"
elif is_live && user_exists; then
    change userdel "$USER_NAME"
fi
say "freebox-monitor is gone. What it has measured is still in Graphite, below freebox."
