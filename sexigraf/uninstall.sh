#!/bin/sh
# Takes freebox-monitor off a SexiGraf appliance again. Every byte of the appliance's own files is
# as it was; what was measured stays in Graphite. The credentials stay unless --purge is given.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"

usage() {
    cat <<END
Usage: uninstall.sh [--root DIR] [--dry-run] [--purge]

  --root DIR  a tree that is laid out like the appliance
  --dry-run   say what would be done, and do nothing
  --purge     remove the credentials, the template, what was there before the first install, and
              the user as well
END
}

purge=
etc_stays=
own_option() {
    [ "$1" = --purge ] || no_such_option "$1"
    purge=1
}

remove() {
    if [ -e "$ROOT$1" ] || [ -L "$ROOT$1" ]; then
        only_said "remove $1" || rm -rf "$ROOT$1"
    fi
}

# Where the folder is a link, what it leads to may have more in it than is ours.
remove_folder() {
    [ ! -L "$ROOT$1" ] || say "$1 is a link; what is in $(readlink -f "$ROOT$1") stays"
    remove "$1"
}

is_edited() {
    [ -f "$ROOT$1" ] && ! is_ours "$1" "$(sum_of "$ROOT$1")"
}

remove_cron() {
    ! is_edited "$CRON" || say "$CRON was changed by somebody; it goes all the same"
    remove "$CRON"
}

# A run must not write into what is going, and keeps the user from going.
wait_for_runs() {
    is_live && [ -z "$DRY_RUN" ] && user_exists || return 0
    wait_while pgrep -u "$USER_NAME"
    ! pgrep -u "$USER_NAME" >/dev/null || say "something of the user $USER_NAME is still running"
}

remove_dashboards() {
    noted_dashboards >"$work/dashboards"
    while read -r path; do
        if is_edited "$path"; then
            say "$path was changed by somebody and stays"
        else
            remove "$path"
        fi
    done <"$work/dashboards"
}

remove_state() {
    if [ -d "$ROOT$STATE" ]; then
        waiting=$(find -H "$ROOT$STATE" -type f -name '*.lines' ! -name '*.[1-9]*' -exec cat {} + | wc -l)
        [ "$waiting" = 0 ] || say "$waiting lines that carbon has not confirmed go with $STATE"
    fi
    remove_folder "$STATE"
}

# A last line without an end gets one from awk; as it was before, it has none.
take_block_out() {
    [ -f "$ROOT$1" ] && has_block "$ROOT$1" || return 0
    present_block "$ROOT$1" >"$work/present"
    is_ours "$1" "$(sum_of "$work/present")" ||
        say "the block in $1 was changed by somebody; it goes all the same"
    without_block "$ROOT$1" >"$work/bare"
    if [ -f "$ROOT$SAVED$1" ] && awk 1 "$ROOT$SAVED$1" | cmp -s - "$work/bare"; then
        cat "$ROOT$SAVED$1" >"$work/bare"
    fi
    only_said "take the block out of $1" || replace "$work/bare" "$1"
    saved_can_go "$1"
}

# What was kept of the path $1 is of no use any more if it is there again.
saved_can_go() {
    ! cmp -s "$work/bare" "$ROOT$SAVED$1" || [ -n "$DRY_RUN" ] || rm -f "$ROOT$SAVED$1"
}

remove_kept() {
    for name in installed.sha256 new lib.sh uninstall.sh; do
        remove "$KEPT/$name"
    done
    [ -z "$purge" ] || remove "$SAVED"
    [ -d "$ROOT$KEPT" ] && [ -z "$DRY_RUN" ] || return 0
    find "$ROOT$KEPT" -depth -type d -empty -delete
    [ ! -d "$ROOT$SAVED" ] || say "$SAVED stays: what was there before the first install; --purge removes it"
}

remove_etc() {
    if [ -n "$purge" ]; then
        remove_folder "$ETC"
        return 0
    fi
    [ -d "$ROOT$ETC" ] || return 0
    template_goes=
    if [ -f "$ROOT$ETC/template" ] && ! is_edited "$ETC/template"; then
        template_goes=1
        remove "$ETC/template"
    fi
    left=$(ls -A "$ROOT$ETC" | grep -vxF "${template_goes:+template}" | tr '\n' ' ' | tr -d '[:cntrl:]')
    if [ -n "$left" ]; then
        etc_stays=1
        say "$ETC stays, with ${left% } in it; --purge removes it"
    else
        remove_folder "$ETC"
    fi
}

# The user stays while something is its own, or if it was there before us.
remove_user() {
    is_live && user_exists && [ -z "$etc_stays" ] || return 0
    if [ "$(user_entry | cut -d: -f5)" != "$USER_COMMENT" ]; then
        say "the user $USER_NAME was not made by install.sh and stays"
        return 0
    fi
    only_said "remove the user $USER_NAME" && return 0
    userdel "$USER_NAME" 2>"$work/userdel" || say "the user $USER_NAME stays: $(cat "$work/userdel")"
}

last_words() {
    if [ -n "$DRY_RUN" ]; then
        nothing_was_changed
    else
        say "freebox-monitor is gone. What it has measured is still in Graphite, below freebox."
    fi
}

read_options "$@"
must_be_root
begin
for file in "$SCHEMAS" "$AGGREGATION"; do
    [ ! -f "$ROOT$file" ] || must_have_whole_block "$ROOT$file"
done
for path in "$BINARY" "$CRON" "$SCHEMAS" "$AGGREGATION" "$ETC" "$STATE" "$KEPT"; do
    real "$path" >/dev/null
done
read_manifest

# Cron first, so that nothing is collected while the rest goes; then what is large, so that there is
# room to write carbon's files.
[ -n "$DRY_RUN" ] || begun=1
remove_leftovers
remove_cron
wait_for_runs
remove_dashboards
remove "$BINARY"
remove_state
take_block_out "$SCHEMAS"
take_block_out "$AGGREGATION"
remove_etc
remove_kept
remove_user
last_words
