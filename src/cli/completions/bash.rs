//! For bash: a table of the options, and a function that reads what was typed so far.

use super::{MADE, Offer, Offered, offered};
use crate::sections::SECTIONS;

const HEAD: &str = "\
# shellcheck shell=bash
# Completion of freebox-monitor in bash, with or without the package bash-completion. With it the
# place of this file is /usr/share/bash-completion/completions; without, ~/.bashrc sources it.
";

const TABLE: &str = "
# Each option: its letter, its name, how often it may be given, what is offered behind it. ANY is
# something that no shell knows; [ANY] may be left out.
";

const CODE: &str = r#"
# Looks an option up; sets the caller's long, often and behind.
_freebox_monitor_look_up() {
    local letter
    while read -r letter long often behind; do
        [[ $1 == "$letter" || $1 == "$long" ]] && return
    done <<<"$_freebox_monitor_options"
    long=$1 often='' behind=''
}

# Takes note of the options in a word: adds them to the caller's given, and sets wanted to what is
# offered in the next word if that is the value of an option.
_freebox_monitor_note() {
    local long often behind letters
    case $1 in
        --*=*)
            given+="${1%%=*} "
            ;;
        --*)
            _freebox_monitor_look_up "$1"
            given+="$long "
            wanted=$behind
            ;;
        -?*)
            letters=${1#-}
            while [[ -n $letters && -z $wanted ]]; do
                _freebox_monitor_look_up "-${letters:0:1}"
                given+="$long "
                wanted=$behind
                letters=${letters:1}
            done
            # The rest of the word is the value.
            [[ -n $letters ]] && wanted=''
            ;;
    esac
    [[ $wanted == '[ANY]' ]] && wanted=''
}

# Offers the options that begin so and may still be given. The letters are for those who ask.
_freebox_monitor_offer_options() {
    local letter long often behind
    while read -r letter long often behind; do
        [[ -z $long || $often == once && $given == *" $long "* ]] && continue
        [[ $long == "$1"* ]] && COMPREPLY+=("$long")
        [[ $1 == -* && $letter == -?* && $letter == "$1"* ]] && COMPREPLY+=("$letter")
    done <<<"$_freebox_monitor_options"
}

# Offers values that begin with $1; $2 says which.
_freebox_monitor_offer_values() {
    local offer found
    for offer in ${2//,/ }; do
        case $offer in
            ANY | '[ANY]') ;;
            FILE)
                # What compgen does not find, because it is in quotes, bash finds by itself.
                compopt -o filenames -o default 2>/dev/null
                while IFS= read -r found; do
                    COMPREPLY+=("$found")
                done < <(compgen -f -- "$1")
                ;;
            HOST)
                if declare -F _known_hosts_real >/dev/null; then
                    _known_hosts_real -- "$1"
                else
                    while IFS= read -r found; do
                        COMPREPLY+=("$found")
                    done < <(compgen -A hostname -- "$1")
                fi
                ;;
            "$1"*)
                COMPREPLY+=("$offer")
                ;;
        esac
    done
}

_freebox_monitor() {
    local IFS=$' \t\n' words=() piece last='' i
    COMPREPLY=()
    # bash has cut the words at = and at :, which are pieces of their own now.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        if [[ ${#words[@]} -gt 0 && ($piece =~ ^[=:]+$ || $last =~ ^[=:]+$) ]]; then
            words[${#words[@]} - 1]+=$piece
        else
            words+=("$piece")
        fi
        last=$piece
    done
    # The word at the cursor, and its last piece, which is all that bash replaces.
    local word=${words[${#words[@]} - 1]}
    [[ $last =~ ^[=:]+$ ]] && last=''

    local given=' ' wanted='' before long often behind option=''
    for before in "${words[@]:0:${#words[@]} - 1}"; do
        if [[ -n $wanted ]]; then
            wanted=''
        elif [[ $before == -- ]]; then
            return
        else
            _freebox_monitor_note "$before"
        fi
    done

    if [[ -n $wanted ]]; then
        _freebox_monitor_offer_values "$word" "$wanted"
    elif [[ $word == --*=* ]]; then
        option=${word%%=*}=
        _freebox_monitor_look_up "${option%=}"
        _freebox_monitor_offer_values "${word#*=}" "$behind"
    else
        _freebox_monitor_offer_options "$word"
    fi
    for i in "${!COMPREPLY[@]}"; do
        piece=$option${COMPREPLY[i]}
        COMPREPLY[i]=${piece#"${word%"$last"}"}
    done
}

complete -F _freebox_monitor freebox-monitor
"#;

/// The whole script.
pub(in crate::cli) fn script() -> String {
    let rows: String = offered().iter().map(row).collect();
    format!("{HEAD}{MADE}\n{TABLE}_freebox_monitor_options='\n{rows}'\n{CODE}")
}

fn row(option: &Offered) -> String {
    let letter = option.letter.map_or("-".to_owned(), |it| format!("-{it}"));
    let often = if option.repeats { "often" } else { "once" };
    let behind = match &option.behind {
        None => String::new(),
        Some(behind) if behind.is_optional => "[ANY]".to_owned(),
        Some(behind) => offer(&behind.offer),
    };
    let row = format!("{letter:<2} {} {often} {behind}", option.long);
    format!("{}\n", row.trim_end())
}

fn offer(offer: &Offer) -> String {
    match offer {
        Offer::Nothing => "ANY".to_owned(),
        Offer::File => "FILE".to_owned(),
        Offer::Host => "HOST".to_owned(),
        Offer::Section => SECTIONS
            .iter()
            .map(|it| it.switch)
            .collect::<Vec<_>>()
            .join(","),
        Offer::Word(words) => words.join(","),
        Offer::WordOrFile(words) => format!("{},FILE", words.join(",")),
    }
}
