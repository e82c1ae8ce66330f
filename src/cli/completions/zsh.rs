//! For zsh: one line of `_arguments` for each option.

use super::{Behind, MADE, Offer, Offered, offered};
use crate::sections::SECTIONS;

const HEAD: &str = "\
#compdef freebox-monitor
# Completion of freebox-monitor in zsh. The place of this file is a folder of $fpath, such as
# /usr/local/share/zsh/site-functions.
";

/// The file is the function when zsh loads it by itself, and may be sourced as well.
const TAIL: &str = r#"
if [[ $funcstack[1] == _freebox-monitor ]]; then
  _freebox-monitor "$@"
else
  compdef _freebox-monitor freebox-monitor
fi
"#;

/// The whole script.
pub(in crate::cli) fn script() -> String {
    let sections: String = SECTIONS
        .iter()
        .map(|it| format!("    {}\n", quoted(&format!("{}:{}", it.switch, it.brings))))
        .collect();
    let options: Vec<String> = offered().iter().map(spec).collect();
    format!(
        "{HEAD}{MADE}\n\n\
         _freebox-monitor_sections() {{\n  local -a sections=(\n{sections}  )\n  \
         _describe -t sections section sections\n}}\n\n\
         _freebox-monitor() {{\n  _arguments -s -S : \\\n{}\n}}\n{TAIL}",
        options.join(" \\\n")
    )
}

/// `'(-c --config)'{-c+,--config=}'[the credentials file]:file:_files'`.
fn spec(option: &Offered) -> String {
    let long = &option.long;
    // The value may stand in the same word or in the next.
    let (plus, equals) = match option.behind {
        None => ("", ""),
        Some(_) => ("+", "="),
    };
    let behind = option.behind.as_ref().map(action).unwrap_or_default();
    let words = format!(
        "[{}]{behind}",
        option.brief.replace('[', r"\[").replace(']', r"\]")
    );
    match (option.letter, option.repeats) {
        (None, true) => format!("    {}", quoted(&format!("*{long}{equals}{words}"))),
        (None, false) => format!("    {}", quoted(&format!("{long}{equals}{words}"))),
        (Some(letter), repeats) => {
            let others = match repeats {
                true => "'*'".to_owned(),
                false => format!("'(-{letter} {long})'"),
            };
            let words = quoted(&words);
            format!("    {others}{{-{letter}{plus},{long}{equals}}}{words}")
        }
    }
}

/// What is said and done where the value stands.
fn action(behind: &Behind) -> String {
    let name = behind.name;
    let action = match &behind.offer {
        // Other than a blank alone, an empty list does not keep zsh from offering options there.
        _ if behind.is_optional => "( )".to_owned(),
        Offer::Nothing => " ".to_owned(),
        Offer::File => "_files".to_owned(),
        Offer::Host => "_hosts".to_owned(),
        Offer::Section => "_freebox-monitor_sections".to_owned(),
        Offer::Word(words) => format!("({})", words.join(" ")),
        Offer::WordOrFile(words) => format!(
            r#"{{_alternative "words\:one that comes with the program\:({})" "files\:{name}\:_files"}}"#,
            words.join(" ")
        ),
    };
    let colons = if behind.is_optional { "::" } else { ":" };
    format!("{colons}{name}:{action}")
}

/// One word for zsh.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
