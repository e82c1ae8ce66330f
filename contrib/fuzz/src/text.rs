//! What has to hold of every text that the program writes, whatever it was told. Each format is read
//! again by a reader of its own, which knows nothing of how it was written.

use std::collections::HashSet;

/// carbon puts `.wsp` behind a node, and a file name has at most 255 bytes.
const LONGEST_NODE: usize = 251;
const LONGEST_PATH: usize = 3800;
/// InfluxDB's limit on the tags of a line, and on a field.
const LONGEST_LINE: usize = 64 << 10;

/// Words for people are one line of what can be read.
#[track_caller]
pub(crate) fn words(words: &str) {
    assert!(!words.chars().any(char::is_control), "{words:?}");
}

/// Lines of `path value time`, as carbon takes them.
pub(crate) fn graphite(text: &str) {
    for line in whole_lines(text) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [it, value, time] = fields.as_slice() else {
            panic!("not three fields: {line:?}");
        };
        path(it);
        number(value);
        assert!(time.parse::<u64>().is_ok(), "{line:?}");
    }
}

/// A path with its tags.
#[track_caller]
pub(crate) fn path(path: &str) {
    assert!(path.len() <= LONGEST_PATH, "{} bytes", path.len());
    let mut parts = path.split(';');
    for node in parts.next().unwrap_or_default().split('.') {
        let is_usual = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let is_good = !node.is_empty() && node.len() <= LONGEST_NODE && node.chars().all(is_usual);
        assert!(is_good, "the node {node:?} of {path:?}");
    }
    let mut keys = HashSet::new();
    for tag in parts {
        let (key, value) = tag.split_once('=').unwrap_or((tag, ""));
        let is_usual = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(!key.is_empty() && key.chars().all(is_name), "{path:?}");
        assert!(!value.is_empty() && value.chars().all(is_usual), "{path:?}");
        assert!(value.len() <= LONGEST_NODE, "{path:?}");
        assert!(keys.insert(key), "{key} twice in {path:?}");
    }
}

/// A finite number in plain notation.
#[track_caller]
fn number(text: &str) {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    assert!(are_digits(whole) && are_digits(rest), "{text:?}");
    assert!(text.parse::<f64>().is_ok_and(f64::is_finite), "{text:?}");
}

/// Lines of `measurement,tags fields`, with their moment in nanoseconds where that is wanted. No two
/// are about one field of a series.
pub(crate) fn influxdb(text: &str, has_time: bool) {
    let mut points = HashSet::new();
    for line in whole_lines(text) {
        words(line);
        assert!(line.len() < LONGEST_LINE, "{} bytes", line.len());
        let (name, mut rest) = token(line, ", ");
        assert!(name.starts_with("freebox"), "{line:?}");
        let mut keys = HashSet::new();
        while let Some(tag) = rest.strip_prefix(',') {
            rest = pair(tag, &mut keys);
        }
        let series = &line[..line.len() - rest.len()];
        let mut keys = HashSet::new();
        rest = rest.strip_prefix(' ').expect("fields");
        rest = field(rest, &mut keys);
        while let Some(next) = rest.strip_prefix(',') {
            rest = field(next, &mut keys);
        }
        let mut keys = keys.into_iter();
        assert!(keys.all(|key| points.insert((series, key))), "{line:?}");
        let time = rest.strip_prefix(' ').and_then(|it| it.parse::<u64>().ok());
        assert_eq!(time.is_some(), has_time, "{line:?}");
        assert!(has_time || rest.is_empty(), "{line:?}");
    }
}

/// A key or a value up to one of `stops` without a backslash before it, and the rest. For InfluxDB a
/// backslash before any of them takes its meaning, even where it has one before itself.
fn token<'a>(text: &'a str, stops: &str) -> (&'a str, &'a str) {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if before != '\\' && stops.contains(c) {
            return text.split_at(at);
        }
        before = c;
    }
    assert!(before != '\\', "ends with a backslash: {text:?}");
    (text, "")
}

/// A text up to its quotation mark, and the rest. Here a backslash may take the meaning of another.
fn quoted(text: &str) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if !is_escaped && c == '"' {
            return (&text[..at], &text[at + 1..]);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    panic!("no end: {text:?}");
}

/// A tag; gives the rest.
fn pair<'a>(text: &'a str, keys: &mut HashSet<&'a str>) -> &'a str {
    let (key, rest) = token(text, ",= ");
    let (value, rest) = token(rest.strip_prefix('=').expect("a value"), ",= ");
    assert!(!key.is_empty() && !value.is_empty(), "{text:?}");
    assert!(!rest.starts_with('='), "{text:?}");
    assert!(keys.insert(key), "{key} twice");
    rest
}

/// A field; gives the rest.
fn field<'a>(text: &'a str, keys: &mut HashSet<&'a str>) -> &'a str {
    let (key, rest) = token(text, ",= ");
    assert!(!key.is_empty() && keys.insert(key), "{text:?}");
    let value = rest.strip_prefix('=').expect("a value");
    match value.strip_prefix('"') {
        Some(text) => quoted(text).1,
        None => {
            let (digits, rest) = token(value, ", ");
            number(digits);
            rest
        }
    }
}

/// Families, each in one piece below its two lines of comment; no series twice.
pub(crate) fn prometheus(text: &str) {
    let (mut family, mut families) = ("", HashSet::new());
    let mut series = HashSet::new();
    let mut lines = whole_lines(text);
    while let Some(line) = lines.next() {
        words(line);
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split_once(' ').expect("words").0;
            assert!(families.insert(family), "{family} is in two pieces");
            let head = lines.next().expect("its type");
            let kind = head
                .strip_prefix("# TYPE ")
                .and_then(|it| it.strip_prefix(family));
            let is_counter = match kind {
                Some(" counter") => true,
                Some(" gauge") => false,
                _ => panic!("{head:?}"),
            };
            assert_eq!(is_counter, family.ends_with("_total"), "{head:?}");
            continue;
        }
        let rest = line.strip_prefix(family).expect("the family's name");
        let rest = match rest.strip_prefix('{') {
            Some(inside) => labels(inside),
            None => rest,
        };
        number(rest.strip_prefix(' ').expect("a number"));
        assert!(series.insert(&line[..line.len() - rest.len()]), "{line:?}");
    }
}

/// Labels after their brace; gives what stands behind them.
fn labels(mut text: &str) -> &str {
    let mut names = HashSet::new();
    loop {
        let (name, value) = text.split_once("=\"").expect("a label");
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(!name.is_empty() && name.chars().all(is_name), "{text:?}");
        assert!(names.insert(name), "{name} twice");
        let (inside, end) = quoted(value);
        let mut escapes = inside.match_indices('\\').map(|(at, _)| at);
        while let Some(at) = escapes.next() {
            let next = inside[at + 1..].chars().next();
            assert!(matches!(next, Some('\\' | '"' | 'n')), "{inside:?}");
            if next == Some('\\') {
                escapes.next();
            }
        }
        match end.strip_prefix(',') {
            Some(next) => text = next,
            None => return end.strip_prefix('}').expect("the brace"),
        }
    }
}

/// The lines of a text, each of which has an end.
fn whole_lines(text: &str) -> impl Iterator<Item = &str> {
    assert!(text.is_empty() || text.ends_with('\n'), "no end: {text:?}");
    text.strip_suffix('\n')
        .into_iter()
        .flat_map(|text| text.split('\n'))
}
