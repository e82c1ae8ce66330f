//! The pages in `contrib` that explain: what they show comes about, what the program can say stands
//! there, and what they point at exists.

use std::collections::BTreeSet;
use std::fs;

use libtest_mimic::Trial;

use crate::monitor::{Monitor, Run, project_file};
use crate::rooms::{modules, rooms, without_tests};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        each_template_gives_what_is_shown,
        each_shipped_template_has_its_row,
        every_message_can_be_looked_up,
        every_section_with_a_permission_has_its_row,
        what_the_architecture_names_exists,
        literals_are_found_as_they_are_said,
    ]
}

fn page(name: &str) -> String {
    let path = project_file("contrib").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The fenced blocks of a page, each with its language.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fences = page.split("```").skip(1).step_by(2);
    fences.filter_map(|block| block.split_once('\n')).collect()
}

/// What a run with a template prints and says, of a box that is known.
fn run_with(template: &str) -> Run {
    let recording = project_file("tests/boxes/ultra.json");
    let recording = recording.to_str().expect("UTF-8");
    Monitor::new().run(&["--replay", recording, "--all", "-t", template, "--dry-run"])
}

/// Lines without their time.
fn timeless(stdout: &str) -> Vec<&str> {
    let lines = stdout.lines();
    lines
        .filter_map(|line| Some(line.rsplit_once(' ')?.0))
        .collect()
}

fn each_template_gives_what_is_shown() {
    let page = page("template.md");
    let blocks = blocks(&page);
    let mut tried = 0;
    for pair in blocks.windows(2) {
        let [("template", template), (language, shown)] = pair else {
            continue;
        };
        assert_eq!(*language, "text", "what comes of:\n{template}");
        shows(template, shown);
        tried += 1;
    }
    let templates = blocks.iter().filter(|it| it.0 == "template");
    assert_eq!(tried, templates.count(), "each is followed by its text");
    assert!(tried >= 20, "{tried} examples");
}

/// A line is what the program says if it begins like that, and else one of the lines that it would
/// send; `…` stands for more of those, and at the end of words for more words.
fn shows(template: &str, shown: &str) {
    let file = Monitor::new();
    let path = file.write("my.template", template);
    let path = path.to_str().expect("UTF-8");
    let run = run_with(path);
    let said = run.stderr.replace(path, "my.template");
    let is_said =
        |line: &&str| line.starts_with("freebox-monitor: ") || line.starts_with("dry run");
    let (words, lines): (Vec<&str>, Vec<&str>) = shown.lines().partition(is_said);
    for line in &words {
        let words = line.trim_end_matches('…');
        assert!(
            said.contains(words),
            "{template}\n{line}\nis not in\n{said}"
        );
    }
    let is_refused = words.iter().any(|it| it.contains("my.template: "))
        && !words.iter().any(|it| it.contains("warning: "));
    assert_eq!(run.code, i32::from(is_refused), "{template}\n{said}");
    if words.is_empty() {
        assert_eq!(said.lines().count(), 1, "{template}\n{said}");
    }
    let there = timeless(&run.stdout);
    for line in lines.iter().filter(|it| **it != "…") {
        assert!(there.contains(line), "{template}\n{line}\n{}", run.stdout);
    }
    if !lines.contains(&"…") {
        assert_eq!(there.len(), lines.len(), "{template}\n{}", run.stdout);
    }
}

fn each_shipped_template_has_its_row() {
    let page = page("template.md");
    for name in ["dotted", "sexigraf", "tagged", "flat"] {
        let row = page
            .lines()
            .find(|it| it.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        let line = row.split('`').rev().nth(1).expect("a line at the end");
        let run = run_with(name);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(timeless(&run.stdout).contains(&line), "{name}: {line}");
    }
}

/// What is shorter says nothing that could be looked up.
const SHORTEST: usize = 12;
/// Files whose texts are not said: help, what is made of it, tables, what a metric means.
const SILENT: [&str; 9] = [
    "metrics",
    "sections",
    "cli::completions",
    "cli::help",
    "cli::man",
    "cli::options",
    "encode::prometheus",
    "encode::script",
    "tasks::catalogue",
];
/// What stands before a text that nobody is told, or only with --debug.
const BESIDE: [&str; 5] = [
    "debug!(",
    "unreachable!(",
    "panic!(",
    "reason =",
    "USUAL_VARIABLES: &str =",
];

fn every_message_can_be_looked_up() {
    let page = as_words(&page("troubleshooting.md"));
    let mut seen = 0;
    let mut missing = Vec::new();
    for (module, text) in modules() {
        let module = module.join("::");
        if SILENT.iter().any(|it| module.starts_with(it)) && module != "sections::ask" {
            continue;
        }
        for message in messages(&text) {
            seen += 1;
            if !page.contains(&message) {
                missing.push(format!("{module}: {message}"));
            }
        }
    }
    assert!(seen > 250, "{seen} messages seen");
    assert!(missing.is_empty(), "not on the page: {missing:#?}");
}

/// With one blank for any number of them.
fn as_words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Of each text of a file that is words, the longest piece that is always the same.
fn messages(source: &str) -> Vec<String> {
    let texts = literals(without_tests(source)).into_iter();
    let texts = texts.filter(|(before, _)| !BESIDE.iter().any(|it| before.ends_with(it)));
    let longest = |(_, text): (&str, String)| {
        let text = text.replace("{{", "\0").replace("}}", "\0");
        let pieces = text.split('{').enumerate().map(|(i, piece)| match i {
            0 => piece,
            _ => piece.split_once('}').map_or("", |(_, behind)| behind),
        });
        let pieces = pieces.flat_map(|it| it.split('\0')).map(as_words);
        pieces.max_by_key(String::len).unwrap_or_default()
    };
    let pieces = texts.map(longest);
    pieces
        .filter(|it| it.contains(' ') && it.len() >= SHORTEST)
        .collect()
}

/// The texts of a source file as they are said, each with the code before it.
fn literals(source: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find(['"', '/', '\'']) {
        let (before, there) = rest.split_at(start);
        rest = if there.starts_with("//") {
            there.find('\n').map_or("", |end| &there[end..])
        } else if let Some(inside) = there.strip_prefix('"') {
            let (text, behind) = text_up_to_quote(inside);
            found.push((before.trim_end(), text));
            behind
        } else if there.starts_with("'\"'") || there.starts_with("'/'") {
            &there[3..]
        } else {
            &there[1..]
        };
    }
    found
}

/// What stands before the quote that ends it, and what behind.
fn text_up_to_quote(inside: &str) -> (String, &str) {
    let mut text = String::new();
    let mut rest = inside;
    while let Some(at) = rest.find(['"', '\\']) {
        text.push_str(&rest[..at]);
        let Some(escaped) = rest[at..].strip_prefix('\\') else {
            return (text, &rest[at + 1..]);
        };
        let Some(sign) = escaped.chars().next() else {
            break;
        };
        rest = &escaped[sign.len_utf8()..];
        match sign {
            '\n' => rest = rest.trim_start(),
            '"' | '\\' => text.push(sign),
            _ => text.push(' '),
        }
    }
    (text, "")
}

fn literals_are_found_as_they_are_said() {
    let source = "let a = '\"'; // \"not this\"\nlog::debug!(\n    \"nor this one, {a}\");\n\
                  b(\"{a}: a text that \\\n      goes on with \\\"{b}\\\"; and {{c}}\", 'x');";
    assert_eq!(
        messages(source),
        ["a text that goes on with \""].map(|it| format!(": {it}"))
    );
}

fn every_section_with_a_permission_has_its_row() {
    let page = page("security.md");
    let table = fs::read_to_string(project_file("src/sections/mod.rs")).expect("the table");
    let rows = table
        .lines()
        .filter_map(|line| line.trim().strip_prefix("section!("));
    let mut seen = 0;
    for row in rows {
        let name = row.split(',').next().expect("a name");
        let Some(permission) = row.split("Some(\"").nth(1) else {
            continue;
        };
        let permission = permission.split('"').next().expect("its end");
        let wanted = format!("| `{permission}` | `{name}`");
        assert!(page.contains(&wanted), "security.md: {wanted}");
        seen += 1;
    }
    assert!(seen >= 5, "{seen} permissions");
}

fn what_the_architecture_names_exists() {
    let page = page("architecture.md");
    let outside_of_blocks: String = page.split("```").step_by(2).collect();
    let named: BTreeSet<&str> = outside_of_blocks.split('`').skip(1).step_by(2).collect();
    let tops = ["src", "tests", "contrib", "sexigraf", ".ci", "target"];
    let is_path = |it: &&&str| {
        let top = it.split('/').next().unwrap_or_default();
        it.contains('/') && tops.contains(&top) && !it.contains(['*', '<', ' '])
    };
    let paths: Vec<_> = named.iter().filter(is_path).collect();
    assert!(paths.len() >= 40, "{} paths", paths.len());
    for path in paths.iter().filter(|it| !it.starts_with("target/")) {
        assert!(project_file(path).exists(), "there is no {path}");
    }
    for room in rooms(&modules()) {
        assert!(named.contains(room.as_str()), "the room {room}");
    }
}
