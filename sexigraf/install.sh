#!/bin/sh
# Installs freebox-monitor on a SexiGraf appliance: the program, its user, its cron entry, how its
# metrics are stored, and the dashboards. It may be run again, for an upgrade or to be sure. It
# touches nothing but what is its own and a marked block in two of carbon's files.
set -eu
here=$(dirname "$(readlink -f "$0")")
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
own_option() {
    [ "$1" = --binary ] || no_such_option "$1"
    [ -f "$2" ] || die "--binary: there is no file $2"
    binary=$(readlink -f -- "$2")
}

# What somebody has, and what there is a newer one of.
behind=

# ---- First everything is looked at; what cannot work is refused before anything changes.

find_binary() {
    for candidate in "$here/../freebox-monitor" "$here/freebox-monitor"; do
        if [ -z "$binary" ] && [ -f "$candidate" ]; then
            binary=$candidate
        fi
    done
    [ -n "$binary" ] || die "the program is not here; name it with --binary FILE"
    version=$("$binary" --version 2>&1) || die "$binary does not run on this machine: $version"
    case $version in
    'freebox-monitor '*) ;;
    *) die "$binary is not freebox-monitor" ;;
    esac
}

must_be_an_appliance() {
    for file in "$SCHEMAS" "$AGGREGATION"; do
        [ -f "$ROOT$file" ] || die "there is no $ROOT$file; is this a SexiGraf appliance?"
        must_have_whole_block "$ROOT$file"
        ! grep -q "$(printf '\r$')" "$ROOT$file" ||
            die "$ROOT$file has Windows line ends; remove them first: sed -i 's/\\r\$//' $ROOT$file"
    done
    [ -d "$ROOT/etc/cron.d" ] || die "there is no $ROOT/etc/cron.d; is cron installed?"
    command -v python3 >/dev/null || die "there is no python3, which reads carbon's files as carbon does"
    for path in "$BINARY" "$CRON" "$SCHEMAS" "$AGGREGATION" "$ETC/template" "$ETC" "$STATE" "$KEPT"; do
        real "$path" >/dev/null
    done
    for path in "$BINARY" "$CRON" "$ETC/template"; do
        [ ! -d "$ROOT$path" ] || die "$ROOT$path is a folder; remove it first"
    done
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

# The sections [freebox...] of a file as lines that can be compared.
freebox_sections() {
    awk '
        /^\[/ { ours = /^\[freebox/ }
        ours && !/^[ \t]*([#;]|$)/ { sub(/[ \t]+$/, ""); print }
    ' "$1"
}

block() {
    printf '%s\n' "$MARK_BEGIN"
    grep -v '^#' "$1" | sed '/^$/d'
    printf '%s\n' "$MARK_END"
}

# Makes $work/NAME.conf, what carbon's file $1 will be, and says in $work/NAME.state how the block
# that is there stands to ours. $3 is the heading that it goes before, if not to the top.
prepare() {
    name=$2
    block "$here/$name.conf" >"$work/$name.block"
    ! has_block "$ROOT$1" || present_block "$ROOT$1" >"$work/$name.present"
    state=$(state_of "$1" "$work/$name.block" "$work/$name.present")
    without_block "$ROOT$1" >"$work/$name.bare"
    without_old_section "$work/$name.bare" >"$work/$name.rest"
    freebox_sections "$work/$name.rest" >"$work/$name.by-hand"
    case $state in
    edited | foreign)
        state=edited
        cat "$ROOT$1" >"$work/$name.conf"
        ;;
    *)
        if [ -s "$work/$name.by-hand" ]; then
            must_be_ours_by_hand "$1"
            state=by-hand
            there=$work/$name.bare
            has_block "$ROOT$1" || there=$ROOT$1
            cat "$there" >"$work/$name.conf"
        elif [ -n "$3" ] && ! grep -q "^\[$3\][[:blank:]]*\$" "$work/$name.rest"; then
            die "$ROOT$1 has no section [$3]; put the lines of $here/$name.conf there by hand, before the section that fits everything, and run this again"
        else
            insert_block "$name" "$3" >"$work/$name.conf"
        fi
        ;;
    esac
    problem=$(python3 "$here/check-carbon.py" "$name" "$work/$name.conf")
    [ -z "$problem" ] || die "$ROOT$1 as it would be: $problem; nothing was changed"
    printf '%s\n' "$state" >"$work/$name.state"
}

must_be_ours_by_hand() {
    freebox_sections "$work/$name.block" | cmp -s - "$work/$name.by-hand" ||
        die "$ROOT$1 has a section [freebox...] that is not from here; remove or rename it first"
}

insert_block() {
    awk -v block="$work/$1.block" -v before="$2" '
        function insert(   line) { while ((getline line < block) > 0) print line; done = 1 }
        BEGIN { if (before == "") insert() }
        !done && index($0, "[" before "]") == 1 { insert() }
        { print }
    ' "$work/$1.rest"
}

# ---- Then it is done.

# The first release kept what is root's in the service user's folder. Copies are made of it without
# following a link, and only of what has our names.
take_over() {
    [ -z "$DRY_RUN" ] || return 0
    write_manifest
    if cp -RP "$ROOT$STATE/saved" "$work/saved" 2>/dev/null && [ ! -L "$work/saved" ]; then
        for path in "$SCHEMAS" "$AGGREGATION"; do
            file=$work/saved/${path##*/}
            if [ -f "$file" ] && [ ! -L "$file" ] && [ ! -e "$ROOT$SAVED$path" ]; then
                place "$file" "$SAVED$path" 600 "$(our_ids)"
            fi
        done
    fi
    rm -rf "$ROOT$STATE/saved" "$ROOT$STATE/new" "$ROOT$STATE/installed.sha256"
}

# An earlier page had cron run it as root: what such a run leaves while the folders are handed over
# would be closed to the service user.
stop_runs_of_root() {
    is_live && [ -z "$DRY_RUN" ] && [ -f "$CRON" ] || return 0
    is_ours "$CRON" "$(sum_of "$CRON")" && grep -q ' root freebox-monitor' "$CRON" || return 0
    rm -f "$CRON"
    wait_while pgrep -u 0 -x freebox-monitor
}

make_user() {
    ! user_exists || return 0
    if ! is_live; then
        say "in a rehearsal the user $USER_NAME is not made"
        return 0
    fi
    only_said "make the system user $USER_NAME" && return 0
    group=--user-group
    ! getent group "$USER_NAME" >/dev/null || group="--gid=$USER_NAME"
    useradd --system "$group" --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin --comment "$USER_COMMENT" "$USER_NAME"
}

# A folder for the service user alone. What is in there may be of an install that ran as root.
make_folder() {
    if [ ! -d "$ROOT$1" ]; then
        only_said "make the folder $1" && return 0
        mkdir -p -m 700 "$ROOT$1"
    fi
    [ "$(stat -L -c %a "$ROOT$1")" = 700 ] || only_said "close the folder $1 to others" ||
        chmod 700 "$ROOT$1"
    ids=$(user_ids)
    if [ -n "$ids" ] && [ "$(id -u)" = 0 ] && ! is_all_owned "$ROOT$1" "$ids"; then
        only_said "give $1 to the user $USER_NAME" || chown -RH "$ids" "$ROOT$1"
    fi
}

is_all_owned() {
    [ -z "$(find -H "$1" ! \( -user "${2%:*}" -group "${2#*:}" \) | head -n 1)" ]
}

# Makes the path $2 what $1 is, with mode $3 and owner $4. What somebody has changed since we put
# it there stays, and the new one is laid aside.
put() {
    case $(state_of "$2" "$1" "$ROOT$2") in
    same) keep "$@" ;;
    edited)
        keep_theirs "$1" "$2" "$2 was changed by somebody"
        note_also "$2" "$(sum_of "$1")"
        ;;
    foreign) keep_theirs "$1" "$2" "$2 was there before and is not from here" ;;
    *) install_file "$@" ;;
    esac
}

# $5 is who writes it.
install_file() {
    only_said "install $2" && return 0
    sum=$(sum_of "$1")
    note_also "$2" "$sum"
    "${5-place}" "$1" "$2" "$3" "$4"
    note "$2" "$sum"
    rm -f "$ROOT$NEW$2"
}

keep() {
    note "$2" "$(sum_of "$1")"
    [ -n "$DRY_RUN" ] || rm -f "$ROOT$NEW$2"
    # What the service user may replace is not touched by root: it could be a link by now.
    [ "${5-place}" = place ] || return 0
    [ "$(stat -L -c %a:%u:%g "$ROOT$2")" = "$3:$4" ] || only_said "mend the mode and owner of $2" || {
        chown "$4" "$ROOT$2"
        chmod "$3" "$ROOT$2"
    }
}

# Leaves $2 as it is, with the words $3. $1 is laid aside unless it has been before: then it is for
# somebody to compare, and is behind until that somebody has removed it.
keep_theirs() {
    if is_noted "$2" "$(sum_of "$1")" && [ ! -f "$ROOT$NEW$2" ]; then
        say "$3 and stays as it is"
        return 0
    fi
    behind="$behind $2"
    if [ -n "$DRY_RUN" ]; then
        say "$3 and stays as it is"
        only_said "lay the new one into $NEW$2"
        return 0
    fi
    say "$3 and stays as it is; the new one is $NEW$2"
    place "$1" "$NEW$2" 644 "$(our_ids)"
}

# Nobody edits a program: one that we do not know is an older one that was put there by hand.
put_program() {
    case $(state_of "$BINARY" "$binary" "$ROOT$BINARY") in
    same) keep "$binary" "$BINARY" 755 "$(our_ids)"; return 0 ;;
    edited | foreign)
        only_said "keep $BINARY, which was put there by somebody else, as $SAVED$BINARY" || {
            place "$ROOT$BINARY" "$SAVED$BINARY" 755 "$(our_ids)"
            say "$BINARY was put there by somebody else; it is replaced, and kept as $SAVED$BINARY"
        }
        ;;
    esac
    install_file "$binary" "$BINARY" 755 "$(our_ids)"
}

put_template() {
    put "$work/template" "$ETC/template" 644 "$(user_ids)" place_as_user
}

# The folder is the service user's, who could make a link of anything in it: so root does not write
# there itself.
place_as_user() {
    if ! is_live; then
        place "$1" "$2" "$3" "${4:-$(our_ids)}"
        return 0
    fi
    there=$(real "$2")
    runuser -u "$USER_NAME" -- sh -c '
        umask 077
        cat >"$2" && chmod "$3" "$2" && mv -fT "$2" "$1"
    ' sh "$there" "$(beside "$there")" "$3" <"$1" || die "$USER_NAME cannot write $there"
}

put_dashboards() {
    if [ ! -d "$ROOT$DASHBOARDS" ]; then
        say "there is no $DASHBOARDS, so the dashboards are left out"
        return 0
    fi
    owner=$(owner_of "$ROOT$DASHBOARDS")
    for file in "$here"/dashboards/*.json; do
        path=$DASHBOARDS/${file##*/}
        if [ "$(state_of "$path" "$file" "$ROOT$path")" = removed ]; then
            say "$path was removed by somebody and is left out; to have it again, copy $file there"
        else
            put "$file" "$path" 644 "$owner"
        fi
    done
    for path in $(noted_dashboards); do
        [ -f "$here/dashboards/${path##*/}" ] || drop_dashboard "$path"
    done
}

# One that this release does not have any more: with its successor it would be there twice.
drop_dashboard() {
    if [ -f "$ROOT$1" ] && ! is_ours "$1" "$(sum_of "$ROOT$1")"; then
        say "$1 is not part of this release any more; it was changed by somebody and stays"
        return 0
    fi
    only_said "remove $1, which is not part of this release any more" && return 0
    rm -f "$ROOT$1"
    forget "$1"
}

# So that the appliance can be cleaned without the archive.
put_uninstaller() {
    for file in lib.sh uninstall.sh; do
        cmp -s "$here/$file" "$ROOT$KEPT/$file" || only_said "install $KEPT/$file" ||
            place "$here/$file" "$KEPT/$file" 644 "$(our_ids)"
    done
}

# Carbon's file $1 becomes $work/$2.conf. How it was without us is kept.
put_block() {
    sum=$(sum_of "$work/$2.block")
    case $(cat "$work/$2.state") in
    edited)
        keep_theirs "$work/$2.block" "$1" "the block in $1 was changed by somebody"
        note_also "$1" "$sum"
        return 0
        ;;
    by-hand)
        say "$1 has our sections, put there by hand; they stay as they are"
        ;;
    esac
    if cmp -s "$work/$2.conf" "$ROOT$1"; then
        ! has_block "$ROOT$1" || note "$1" "$sum"
        return 0
    fi
    before=$ROOT$1
    if ! cmp -s "$work/$2.bare" "$work/$2.rest"; then
        say "$1: the section [freebox] of an earlier page of ours gives way to the block"
        before=$work/$2.rest
    fi
    only_said "put a block into $1" && return 0
    has_block "$ROOT$1" || place "$before" "$SAVED$1" 600 "$(our_ids)"
    note_also "$1" "$sum"
    replace "$work/$2.conf" "$1"
    note "$1" "$sum"
    rm -f "$ROOT$NEW$1"
}

# A python that runs carbon-cache.py, and nothing that only has its name somewhere.
carbon_runs() {
    pgrep -f '^[^ ]*python[^ ]*( -[^ ]*)* [^ ]*carbon-cache' >/dev/null
}

# Carbon looks at its schemas once a minute, and a series keeps the one it was made with: nothing
# may be sent before it has looked.
let_carbon_look() {
    is_live && [ -z "$DRY_RUN" ] && carbon_runs || return 0
    seconds=0
    while [ "$seconds" -lt 61 ] && [ "$(age_of "$SCHEMAS")" -lt 61 ]; do
        [ "$seconds" != 0 ] || say "waiting up to a minute, until carbon has read its new schemas"
        sleep 1
        seconds=$((seconds + 1))
    done
}

age_of() {
    echo $(($(date +%s) - $(stat -L -c %Y "$1")))
}

put_cron() {
    put "$here/freebox-monitor.cron" "$CRON" 644 "$(our_ids)"
}

# ---- The last words

step() {
    steps=$((steps + 1))
    printf '  %s. %s\n' "$steps" "$*"
}

whats_next() {
    as="runuser -u $USER_NAME -- freebox-monitor"
    steps=0
    say
    say "What comes next:"
    say
    if [ ! -e "$ROOT$ETC/credentials.json" ]; then
        step "Ask the box for access, and say yes on its front panel:"
        say "       $as --register -c $ETC/credentials.json"
    fi
    step "See whether all is well:"
    say "       $as --check --all --carbon localhost"
    [ ! -d "$ROOT$DASHBOARDS" ] ||
        step "Open the dashboards \"Freebox\" in the folder Miscellaneous of Grafana. The first points are
     there a minute after the registration."
}

last_words() {
    if [ -n "$DRY_RUN" ]; then
        nothing_was_changed
        return 0
    fi
    say
    if [ -n "$behind" ]; then
        say "$version is there, but not all of it: this stays as it was:$behind"
        say "Compare each with the one in $NEW, and remove that one when you have what you want of it."
    else
        say "$version is installed."
    fi
    whats_next
}

read_options "$@"
must_be_root
begin
find_binary
must_be_an_appliance
read_manifest
prepare "$SCHEMAS" storage-schemas anything_else
prepare "$AGGREGATION" storage-aggregation ''
"$binary" --template sexigraf --print-template >"$work/template" ||
    die "$binary does not know the template for SexiGraf"

# What is large comes first, and cron's entry last: a full disk leaves carbon's files alone.
[ -n "$DRY_RUN" ] || begun=1
remove_leftovers
take_over
stop_runs_of_root
make_user
make_folder "$ETC"
make_folder "$STATE"
put_program
put_template
put_dashboards
put_uninstaller
put_block "$SCHEMAS" storage-schemas
put_block "$AGGREGATION" storage-aggregation
let_carbon_look
put_cron
[ ! -d "$ROOT$NEW" ] || [ -n "$DRY_RUN" ] || find "$ROOT$NEW" -depth -type d -empty -delete
last_words
