//! For fish: one `complete` for each option.

use super::{Behind, MADE, Offer, Offered, offered};
use crate::sections::SECTIONS;

const HEAD: &str = "\
# Completion of freebox-monitor in fish. The place of this file is ~/.config/fish/completions, or
# /usr/share/fish/vendor_completions.d for everybody.
";

/// `SWITCHES` are the letters with no value: others may follow in the same word.
const FREE: &str = r#"
# Whether an option may be given: it is not there yet by its name or its letter, or the cursor is
# at its value.
function __freebox_monitor_free -a takes long letter
    set -l words (commandline -cpo)
    set -l names "^--$long\$"
    set -l given "^--$long(=|\$)"
    if test -n "$letter"
        set names "$names|^-[SWITCHES]*$letter\$"
        set given "$given|^-[SWITCHES]*$letter"
    end
    test "$takes" = value; and string match -qr -- $names $words[-1]; and return
    not string match -qr -- $given $words
end
"#;

/// The whole script.
pub(in crate::cli) fn script() -> String {
    let offered = offered();
    let switches = offered.iter().filter(|it| it.behind.is_none());
    let switches: String = switches.filter_map(|it| it.letter).collect();
    let sections = SECTIONS.iter().map(|it| (it.switch, quoted(it.brings)));
    let sections: String = sections
        .map(|(switch, brings)| format!(" \\\n        {switch} {brings}"))
        .collect();
    let options: String = offered.iter().map(of_option).collect();
    format!(
        "{HEAD}{MADE}\n{}\nfunction __freebox_monitor_sections\n    \
         printf '%s\\t%s\\n'{sections}\nend\n\n\
         complete -c freebox-monitor -f\n{options}",
        FREE.replace("SWITCHES", &switches),
    )
}

/// `complete -c freebox-monitor -n … -s c -l config -r -F -d 'the credentials file'`.
fn of_option(option: &Offered) -> String {
    let mut line = "complete -c freebox-monitor".to_owned();
    let long = option.long.trim_start_matches('-');
    let letter = option.letter.map(String::from).unwrap_or_default();
    if !option.repeats {
        let takes = match &option.behind {
            Some(behind) if !behind.is_optional => "value",
            _ => "none",
        };
        let condition = format!("__freebox_monitor_free {takes} {long} {letter}");
        line += &format!(" -n {}", quoted(condition.trim_end()));
    }
    if !letter.is_empty() {
        line += &format!(" -s {letter}");
    }
    line += &format!(" -l {long}");
    if let Some(behind) = &option.behind {
        line += &value(behind);
    }
    line += &format!(" -d {}\n", quoted(&option.brief));
    line
}

fn value(behind: &Behind) -> String {
    match &behind.offer {
        _ if behind.is_optional => String::new(),
        Offer::Nothing => " -x".to_owned(),
        Offer::File => " -r -F".to_owned(),
        Offer::Host => " -x -a '(__fish_print_hostnames)'".to_owned(),
        Offer::Section => " -x -a '(__freebox_monitor_sections)'".to_owned(),
        Offer::Word(words) => format!(" -x -a '{}'", words.join(" ")),
        Offer::WordOrFile(words) => format!(" -r -F -a '{}'", words.join(" ")),
    }
}

/// One word for fish.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}
