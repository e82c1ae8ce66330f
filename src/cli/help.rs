//! `--help`: the description of the options, laid out for a terminal of 80 columns.

use super::options::{self, Described, ENVIRONMENT, EXAMPLES, EXIT_CODES, FILES, GROUPS, Value};
use crate::base::columns::{WIDTH, hanging};
use crate::sections::{ALWAYS, SECTIONS, Section};

const INTRODUCTION: &str = "\
Sends the statistics of a Freebox to Graphite, InfluxDB or Prometheus. Without
options it collects the connection section and prints lines of
`path value timestamp` on stdout.

Usage: freebox-monitor [OPTION]...
";

/// The whole page.
pub(super) fn text() -> String {
    let mut page = INTRODUCTION.to_owned();
    let described = options::described();
    for (title, names) in GROUPS {
        heading(&mut page, title);
        for name in names {
            let option = described.iter().filter(|option| option.long == *name);
            option.for_each(|option| page.push_str(&of_option(option)));
        }
        if title == GROUPS[0].0 {
            sections(&mut page);
        }
    }
    files(&mut page);
    heading(&mut page, "Environment");
    for (name, words) in ENVIRONMENT {
        page.push_str(&hanging(&format!("  {name}"), 18, words, WIDTH));
    }
    heading(&mut page, "Exit codes");
    for (code, words) in EXIT_CODES {
        page.push_str(&hanging(&format!("  {code:>2}"), 6, words, WIDTH));
    }
    heading(&mut page, "Examples");
    for (command, words) in EXAMPLES {
        page.push_str(&format!("  {command}\n"));
        page.push_str(&hanging("", 6, words, WIDTH));
    }
    page
}

fn heading(page: &mut String, title: &str) {
    page.push_str(&format!("\n{title}:\n"));
}

fn of_option(option: &Described) -> String {
    let letter = option.short.map(|letter| format!("-{letter}, "));
    let value = match option.value {
        Value::None => String::new(),
        Value::Needed(name) => format!(" {}", name.to_ascii_uppercase()),
        Value::Optional(name) => format!(" [{}]", name.to_ascii_uppercase()),
    };
    let letter = letter.unwrap_or_else(|| "    ".to_owned());
    let name = format!("  {letter}{}{value}", option.long);
    hanging(&name, 28, option.help, WIDTH)
}

fn sections(page: &mut String) {
    heading(
        page,
        "Sections, with the permission that the box wants for some",
    );
    for section in SECTIONS {
        page.push_str(&of_section(section));
    }
}

fn of_section(section: &Section) -> String {
    let letter = section.letter.map(|letter| format!("-{letter}, "));
    let letter = letter.unwrap_or_else(|| "    ".to_owned());
    let mut words = section.brings.to_owned();
    if let Some(permission) = section.permission {
        words.push_str(&format!(" ('{permission}')"));
    }
    if section.name == ALWAYS {
        words.push_str(" (always)");
    }
    let name = format!("  {letter}--status-{}", section.switch);
    hanging(&name, 32, &words, WIDTH)
}

fn files(page: &mut String) {
    heading(page, "Files, the first that exists");
    for (what, places) in FILES {
        let mut what = what;
        for place in places {
            page.push_str(&format!("  {what:<16}{place}\n"));
            what = "";
        }
    }
}
