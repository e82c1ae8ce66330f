//! The layout of the program: a room of `src` uses only rooms further down in the list that
//! `main.rs` opens with, and within a room no files use each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::monitor::project_file;
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        rooms_use_only_rooms_below_them,
        files_of_a_room_do_not_use_each_other_in_a_circle,
        every_way_to_name_a_file_is_seen,
        no_file_is_too_long,
        functions_are_short,
    ]
}

/// The longest that a file may be without its tests, in lines.
const LONGEST: usize = 500;
/// What half of all functions, nine in ten of them, and each may have, in lines.
const FUNCTIONS: [usize; 3] = [10, 30, 60];

/// Every file of the program by its module: `["deliver", "spool"]`; a room's own `mod.rs` is the
/// room.
pub(crate) fn modules() -> BTreeMap<Vec<String>, String> {
    let source = project_file("src");
    let mut modules = BTreeMap::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.extension().and_then(|it| it.to_str()) {
                None => folders.push(path),
                Some("rs") if !is_for_tests(&path) => {
                    let text = fs::read_to_string(&path).expect("a file");
                    modules.insert(module(&source, &path), text);
                }
                Some(_) => {}
            }
        }
    }
    modules
}

/// Whole files that only tests are made of.
fn is_for_tests(path: &Path) -> bool {
    let name = path.file_stem().and_then(|it| it.to_str());
    name.is_some_and(|it| ["tests", "mutations"].contains(&it))
}

fn module(source: &Path, path: &Path) -> Vec<String> {
    let below = path.strip_prefix(source).expect("below src");
    let name: PathBuf = match below.file_stem().and_then(|it| it.to_str()) {
        Some("mod") => below.parent().expect("a room").to_owned(),
        _ => below.with_extension(""),
    };
    let parts = name.iter().map(|it| it.to_str().expect("UTF-8").to_owned());
    parts.collect()
}

/// The program's own code of a file: tests may use what they like.
pub(crate) fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
}

/// The same without comments, which may point anywhere.
fn code(text: &str) -> String {
    let lines = without_tests(text).lines();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    lines.filter(is_code).collect::<Vec<_>>().join("\n")
}

/// What a file names of the crate, as paths of modules and names: in a `use` or anywhere else, from
/// the crate's root or from where it is itself.
fn imports(module: &[String], text: &str) -> Vec<Vec<String>> {
    let text = &code(text);
    let begins_a_path = |start: &usize| !text[..*start].ends_with(|c| is_name(c) || c == ':');
    let mut found = Vec::new();
    for (word, start) in [
        ("crate::", &[][..]),
        ("self::", module),
        ("super::", module),
    ] {
        let places = text.match_indices(word).map(|(start, _)| start);
        for place in places.filter(begins_a_path) {
            let mut rest = &text[place..];
            let mut prefix = start;
            while let (Some(deeper), Some((_, above))) =
                (rest.strip_prefix("super::"), prefix.split_last())
            {
                (rest, prefix) = (deeper, above);
            }
            let rest = rest.strip_prefix(word).unwrap_or(rest);
            found.extend(expanded(rest, prefix));
        }
    }
    found
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`; only as deep as three names, which is a file.
fn expanded(text: &str, prefix: &[String]) -> Vec<Vec<String>> {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let mut path = prefix.to_vec();
    if name.is_empty() {
        let Some(list) = rest.strip_prefix('{') else {
            return vec![path];
        };
        let list = list.split(['}', ';']).next().unwrap_or_default();
        let parts = list.split(',').map(str::trim).filter(|it| !it.is_empty());
        return parts.flat_map(|part| expanded(part, prefix)).collect();
    }
    path.push(name.to_owned());
    match rest.strip_prefix("::") {
        Some(deeper) if path.len() < 3 => expanded(deeper, &path),
        _ => vec![path],
    }
}

/// The rooms in the order of the list in `main.rs`.
pub(crate) fn rooms(modules: &BTreeMap<Vec<String>, String>) -> Vec<String> {
    let main = &modules[&vec!["main".to_owned()]];
    let listed = main.lines().filter_map(|line| line.strip_prefix("//! - `"));
    let names = listed.filter_map(|line| Some(line.split_once('`')?.0.to_owned()));
    names.collect()
}

fn rooms_use_only_rooms_below_them() {
    let modules = modules();
    let rooms = rooms(&modules);
    let present: BTreeSet<&String> = modules.keys().map(|module| &module[0]).collect();
    assert_eq!(
        rooms.iter().collect::<BTreeSet<_>>(),
        present,
        "the list in main.rs"
    );
    let floor = |room: &String| rooms.iter().position(|it| it == room);
    let mut upwards = Vec::new();
    for (module, text) in &modules {
        for import in imports(module, text) {
            let above = floor(&import[0]).is_some_and(|it| Some(it) < floor(&module[0]));
            if above {
                upwards.push(format!("{} uses {}", module.join("::"), import.join("::")));
            }
        }
    }
    assert!(upwards.is_empty(), "{upwards:#?}");
}

fn files_of_a_room_do_not_use_each_other_in_a_circle() {
    let modules = modules();
    // The room's own file hands its files on to others, and may use any of them.
    let is_file = |path: &[String]| path.len() > 1 && modules.contains_key(path);
    let files: BTreeSet<&Vec<String>> = modules.keys().filter(|it| is_file(it)).collect();
    let used = |module: &Vec<String>| -> Vec<Vec<String>> {
        let imports = imports(module, &modules[module]).into_iter();
        let file = |path: Vec<String>| {
            let ends = (2..=path.len()).rev();
            let mut files = ends.map(|end| path[..end].to_vec());
            files.find(|path| is_file(path))
        };
        let files = imports.filter_map(file);
        files.filter(|it| !it.starts_with(module)).collect()
    };
    for start in &files {
        let mut seen = BTreeSet::new();
        let mut open = used(start);
        while let Some(next) = open.pop() {
            assert!(
                &next != *start,
                "{} uses itself in a circle",
                start.join("::")
            );
            if seen.insert(next.clone()) {
                open.extend(used(&next));
            }
        }
    }
}

fn every_way_to_name_a_file_is_seen() {
    let text = "use crate::base::{lock, net::resolve};\nuse super::{group::Group, label};\n\
                let x = super::listing::meaning(it);\nself::deep::down();\n\
                super::super::state::ini::read();\n// super::not_this\n\
                let y = $crate::metrics::unit::Unit::None;\nmyself::and_not::this();";
    let module = ["tasks", "catalogue"].map(str::to_owned);
    let found = imports(&module, text);
    let mut found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
    found.sort();
    let expected = [
        "base::lock",
        "base::net::resolve",
        "metrics::unit::Unit",
        "state::ini::read",
        "tasks::catalogue::deep",
        "tasks::group::Group",
        "tasks::label",
        "tasks::listing::meaning",
    ];
    assert_eq!(found, expected);
}

fn no_file_is_too_long() {
    for (module, text) in modules() {
        let lines = without_tests(&text).lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", module.join("::"));
    }
}

/// The name and the length in lines of each function of a file. The project is formatted: a
/// function ends at the first brace that stands as far left as it.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = without_tests(text).lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let indentation = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(indentation));
        let is_end = |line: &&str| **line == end || line.ends_with(';') && !line.starts_with(' ');
        let is_one_line = line.ends_with('}') || line.ends_with(';');
        let length = match is_one_line {
            true => Some(0),
            false => lines[number..].iter().position(is_end),
        };
        found.extend(length.map(|length| (name, length + 1)));
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let words = line.trim_start();
    let words = words.strip_prefix("pub ").unwrap_or(words);
    let words = match words.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ")?.1,
        None => words,
    };
    let words = words.strip_prefix("const ").unwrap_or(words);
    let name = words.strip_prefix("fn ")?;
    Some(name.split(['(', '<']).next()?.to_owned())
}

fn functions_are_short() {
    let all = modules().into_iter().flat_map(|(module, text)| {
        let named = functions(&text).into_iter();
        named.map(move |(name, length)| (length, format!("{}::{name}", module.join("::"))))
    });
    let mut all: Vec<(usize, String)> = all.collect();
    all.sort();
    assert!(all.len() > 300, "{} functions seen", all.len());
    let [half, most, each] = FUNCTIONS;
    let (median, tenth) = (&all[all.len() / 2], &all[all.len() * 9 / 10]);
    println!(
        "{} functions: {median:?}, {tenth:?}, {:?}",
        all.len(),
        all.last()
    );
    assert!(
        median.0 <= half,
        "half of all functions have up to {median:?}"
    );
    assert!(tenth.0 <= most, "nine in ten have up to {tenth:?}");
    let long: Vec<_> = all.iter().filter(|(length, _)| *length > each).collect();
    assert!(long.is_empty(), "{long:?}");
}
