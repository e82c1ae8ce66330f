//! The page for man(1), from the same description as the help. Only a test writes it, into
//! `contrib/man`.

use super::options::{self, Described, ENVIRONMENT, EXAMPLES, EXIT_CODES, FILES, GROUPS, Value};
use crate::base::columns::{WIDTH, hanging};
use crate::sections::{ALWAYS, SECTIONS, Section};

/// Its date would be that of the version.
const HEAD: &str = concat!(
    r#".\" Made from the description of the options in the program;
.\" BLESS=1 cargo test in_step writes it anew.
.TH FREEBOX\-MONITOR 1 "" "freebox\-monitor "#,
    env!("CARGO_PKG_VERSION"),
    r#"" "User Commands"
.nh
.ad l
.SH NAME
freebox\-monitor \- send the statistics of a Freebox to Graphite, InfluxDB or Prometheus
.SH SYNOPSIS
.B freebox\-monitor
.RI [ OPTION ]...
"#
);

const DESCRIPTION: [&str; 3] = [
    "freebox-monitor asks a Freebox over HTTPS for its statistics and makes a line of every number, \
     for Graphite, InfluxDB or Prometheus. It prints the lines, writes them into a file or delivers \
     them to carbon; they wait on disk until carbon has confirmed them. What it has missed while it \
     was off it gets from the box's own history.",
    "Without options it collects the connection section and prints lines of path, value and time on \
     stdout. With --all it collects every section. The box has to be asked for access once, with \
     --register; --check goes through everything and says what to do where something is wrong.",
    "It is made for cron: a good run with --carbon or --output says nothing. A bad one says in one \
     line on stderr what is wrong, and ends with the exit status for that.",
];

const OF_OPTIONS: &str = "\
A value is the next word, or stands in the same word behind a \"=\": --name NAME or --name=NAME. \
Letters may share a word, as in -HSW.";

const OF_SECTIONS: &str = "\
Each is chosen by its letter, by --status-NAME or by --status NAME, and every one by --all. For some \
the box wants a permission, which is given to the program in the settings of the box.";

const OF_FILES: &str = "Of several places the first that exists is taken.";

const SEE_ALSO: &str = "\
The README of freebox-monitor, about delivery, history and templates, and the page about its \
metrics, contrib/metrics.md, which --list-metrics prints as well.";

/// A command that is longer than this would not fit beside the margin of a page.
const LONGEST_COMMAND: usize = 71;

/// The whole page.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    page += ".SH DESCRIPTION\n";
    let paragraphs = DESCRIPTION.map(filled);
    page += &paragraphs.join(".PP\n");
    options(&mut page);
    sections(&mut page);
    files(&mut page);
    page += ".SH ENVIRONMENT\n";
    for (name, words) in ENVIRONMENT {
        entry(&mut page, "", &format!(r"\fB{name}\fR"), &sentence(words));
    }
    page += ".SH EXIT STATUS\n";
    for (code, words) in EXIT_CODES {
        entry(&mut page, " 5", &format!(r"\fB{code}\fR"), &sentence(words));
    }
    examples(&mut page);
    page += &format!(".SH SEE ALSO\n.BR crontab (5)\n.PP\n{}", filled(SEE_ALSO));
    page
}

fn options(page: &mut String) {
    page.push_str(".SH OPTIONS\n");
    page.push_str(&filled(OF_OPTIONS));
    let described = options::described();
    for (title, names) in GROUPS {
        page.push_str(&format!(".SS {title}\n"));
        for name in names {
            let option = described.iter().filter(|option| option.long == *name);
            option.for_each(|option| entry(page, "", &tag(option), &sentence(option.help)));
        }
    }
}

/// `-c, --config FILE`.
fn tag(option: &Described) -> String {
    let value = match option.value {
        Value::None => String::new(),
        Value::Needed(name) => format!(r" \fI{}\fR", name.to_ascii_uppercase()),
        Value::Optional(name) => format!(r" [\fI{}\fR]", name.to_ascii_uppercase()),
    };
    format!("{}{value}", names(option.short, option.long))
}

fn names(letter: Option<char>, long: &str) -> String {
    let letter = letter.map(|letter| format!(r"\fB\-{letter}\fR, "));
    format!("{}{}", letter.unwrap_or_default(), bold(long))
}

/// A line for each, since there are many, with as much room for the names as the longest needs.
fn sections(page: &mut String) {
    page.push_str(".SH SECTIONS\n");
    page.push_str(&filled(OF_SECTIONS));
    page.push_str(".PP\n.PD 0\n");
    for section in SECTIONS {
        let names = names(section.letter, &format!("--status-{}", section.switch));
        let room = match section.letter {
            Some(_) => "",
            None => r"\ \ \ \ ",
        };
        entry(page, " 30", &format!("{room}{names}"), &meaning(section));
    }
    page.push_str(".PD\n");
}

fn meaning(section: &Section) -> String {
    let words = capitalised(section.brings);
    match section.permission {
        _ if section.name == ALWAYS => format!("{words} (always)"),
        Some(permission) => format!("{words} (permission: {permission})"),
        None => words,
    }
}

fn files(page: &mut String) {
    page.push_str(".SH FILES\n");
    page.push_str(&filled(OF_FILES));
    for (what, places) in FILES {
        let places = places.iter().map(|place| filled(place));
        let places = places.collect::<Vec<_>>().join(".br\n");
        page.push_str(&format!(".TP\n{}\n{places}", capitalised(what)));
    }
}

fn examples(page: &mut String) {
    page.push_str(".SH EXAMPLES\n");
    let examples = EXAMPLES.map(|(command, words)| example(command, words));
    page.push_str(&examples.join(".PP\n"));
}

/// The command is not broken into lines, as it could not be copied then.
fn example(command: &str, words: &str) -> String {
    let further_left = match command.len() > LONGEST_COMMAND {
        true => ".ti 2n\n",
        false => "",
    };
    let (command, words) = (bold(command), filled(&sentence(words)));
    format!(".nf\n{further_left}{command}\n.fi\n.RS\n{words}.RE\n")
}

/// A name and, beside it or below, words. `width` is the room for the name if that is not the usual.
fn entry(page: &mut String, width: &str, name: &str, words: &str) {
    page.push_str(&format!(".TP{width}\n{name}\n{}", filled(words)));
}

/// Words of the help as a sentence.
fn sentence(words: &str) -> String {
    format!("{}.", capitalised(words))
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    let first = first.map(String::from).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

fn bold(words: &str) -> String {
    format!(r"\fB{}\fR", literal(words))
}

/// Lines of running text, in which options and files stand out. None looks like a request.
fn filled(words: &str) -> String {
    let mut is_behind_option = false;
    let words = words.split(' ').map(|word| {
        let shown = word_of_text(word, is_behind_option);
        is_behind_option = shown.starts_with(r"\fB");
        shown
    });
    let words: Vec<String> = words.collect();
    let lines = hanging("", 0, &words.join(" "), WIDTH);
    let guarded = lines
        .lines()
        .map(|line| match line.starts_with(['.', '\'']) {
            true => format!("\\&{line}\n"),
            false => format!("{line}\n"),
        });
    guarded.collect()
}

/// A word of running text: an option is bold, a file and what stands for a value are slanted.
fn word_of_text(word: &str, is_behind_option: bool) -> String {
    let is_mark = |c| ",.;:()".contains(c);
    let core = word.trim_end_matches(is_mark);
    let core_is = |starts: &[&str]| starts.iter().any(|start| core.starts_with(start));
    let end = &word[core.len()..];
    let is_value = |c: char| c.is_ascii_uppercase();
    match core {
        "-" | "freebox-monitor" => literal(word),
        _ if core.starts_with('-') => format!("{}{end}", bold(core)),
        _ if core_is(&["/", "~/", ".c", "contrib/"]) => format!(r"\fI{}\fR{end}", literal(core)),
        _ if is_behind_option && !core.is_empty() && core.chars().all(is_value) => {
            format!(r"\fI{core}\fR{end}")
        }
        _ => prose(word),
    }
}

/// Text that people may copy: each character as it is.
fn literal(text: &str) -> String {
    let character = |c: char| match c {
        '\\' => r"\e".to_owned(),
        '-' => r"\-".to_owned(),
        '\'' => r"\(aq".to_owned(),
        '`' => r"\(ga".to_owned(),
        '^' => r"\(ha".to_owned(),
        '~' => r"\(ti".to_owned(),
        _ => c.to_string(),
    };
    text.chars().map(character).collect()
}

/// The same, but hyphens and apostrophes within a word are those of a book.
fn prose(word: &str) -> String {
    let mut text = String::new();
    for (place, c) in word.char_indices() {
        let next = word[place..].chars().nth(1);
        let is_within = place > 0 && next.is_some_and(char::is_alphabetic);
        match c {
            '-' | '\'' if is_within => text.push(c),
            _ => text.push_str(&literal(&c.to_string())),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_man_would_take_for_its_own_is_text() {
        for (words, expected) in [
            ("the box's log-in", "the box's log-in"),
            ("as '*.x' is", r"as \(aq*.x\(aq is"),
            ("- is a\\b", r"\- is a\eb"),
            (".x", r"\&.x"),
            ("with --all:", r"with \fB\-\-all\fR:"),
            ("--config FILE, FILE", r"\fB\-\-config\fR \fIFILE\fR, FILE"),
            ("~/.config/a-b.", r"\fI\(ti/.config/a\-b\fR."),
        ] {
            assert_eq!(filled(words), format!("{expected}\n"));
        }
        // Also where a line of the source is broken.
        let long = ["word"; 16].join(" ");
        assert_eq!(
            filled(&format!("{long} 'x' y")),
            format!("{long}\n\\(aqx\\(aq y\n")
        );
        assert_eq!(
            filled(&format!("{long} .x y")),
            format!("{long}\n\\&.x y\n")
        );
    }
}
