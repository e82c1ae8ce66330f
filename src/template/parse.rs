//! The text of a template, line by line: variables, rules and where they stand. What they mean
//! for the metrics is decided in [`super::compile`].

use super::glob::Glob;
use super::{Position, Refusal};

/// A template as it was written.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// `name = value`, in the order of the lines.
    pub(super) variables: Vec<Variable>,
    /// `glob path`, in the order of the lines.
    pub(super) rules: Vec<Rule>,
}

/// `name = value`.
#[derive(Debug)]
pub(super) struct Variable {
    /// Its name.
    pub(super) name: String,
    /// What it stands for; no dots are nodes in here, they are text.
    pub(super) value: Vec<Piece>,
    /// Where its name stands.
    pub(super) at: Position,
}

/// `glob path`.
#[derive(Debug)]
pub(super) struct Rule {
    /// Which metrics it is about.
    pub(super) glob: Glob,
    /// Where they go; `None` drops them (`-`).
    pub(super) path: Option<Path>,
    /// Where the glob stands.
    pub(super) at: Position,
}

/// The path of a rule.
#[derive(Debug)]
pub(super) struct Path {
    /// What stands before the first semicolon.
    pub(super) name: Vec<Piece>,
    /// What stands behind the semicolons, in the order given.
    pub(super) tags: Vec<Tag>,
    /// Where it starts.
    pub(super) at: Position,
}

/// What stands behind a semicolon.
#[derive(Debug)]
pub(super) enum Tag {
    /// `key=value`.
    One(String, Vec<Piece>),
    /// `{tags}`: all that the entity has.
    All,
}

/// A part of a path or of a variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text to be taken as it is.
    Text(String, Position),
    /// `{a|b}`: the first of these that is not empty.
    Placeholder(Vec<String>, Position),
}

/// Takes a template apart.
///
/// # Errors
/// The first thing that is not as it should be.
pub(super) fn parse(text: &str) -> Result<Source, Refusal> {
    let mut source = Source::default();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let mut line = Line::new(line, number + 1);
        line.skip_blanks();
        if line.is_at_end() {
            continue;
        }
        match line.variable_name() {
            Some((name, at)) => {
                line.skip_blanks();
                let value = line.pieces(&[])?;
                line.must_end()?;
                source.variables.push(Variable { name, value, at });
            }
            None => source.rules.push(line.rule()?),
        }
    }
    Ok(source)
}

/// A line being read from left to right, without its comment.
struct Line {
    chars: Vec<char>,
    next: usize,
    number: usize,
}

impl Line {
    fn new(text: &str, number: usize) -> Self {
        let chars: Vec<char> = text.chars().collect();
        // A comment starts at a `#` that follows nothing or a blank.
        let starts = |i: &usize| chars[*i] == '#' && (*i == 0 || chars[*i - 1].is_whitespace());
        let end = (0..chars.len()).find(starts).unwrap_or(chars.len());
        Line {
            chars: chars[..end].to_vec(),
            next: 0,
            number,
        }
    }

    fn here(&self) -> Position {
        Position {
            line: self.number,
            column: self.next + 1,
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.next).copied()
    }

    fn is_at_end(&self) -> bool {
        self.next == self.chars.len()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next += 1;
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.next;
        while self.peek().is_some_and(&wanted) {
            self.next += 1;
        }
        self.chars[start..self.next].iter().collect()
    }

    /// The name of a variable, if this line is one. Otherwise nothing is read.
    fn variable_name(&mut self) -> Option<(String, Position)> {
        let at = self.here();
        let start = self.next;
        let name = self.take_while(is_name);
        self.skip_blanks();
        if !name.is_empty() && self.peek() == Some('=') {
            self.next += 1;
            return Some((name, at));
        }
        self.next = start;
        None
    }

    fn rule(&mut self) -> Result<Rule, Refusal> {
        let at = self.here();
        let glob = self.take_while(|c| !c.is_whitespace());
        let glob = Glob::parse(&glob, at)?;
        self.skip_blanks();
        let path_at = self.here();
        if self.is_at_end() {
            return Err(path_at
                .refuse("the rule has no path; write one behind it, or - to drop these metrics"));
        }
        if self.chars[self.next..]
            .iter()
            .collect::<String>()
            .trim_end()
            == "-"
        {
            return Ok(Rule {
                glob,
                path: None,
                at,
            });
        }
        let name = self.pieces(&[';'])?;
        let mut tags = Vec::new();
        while self.peek() == Some(';') {
            self.next += 1;
            tags.push(self.tag()?);
        }
        self.must_end()?;
        let path = Path {
            name,
            tags,
            at: path_at,
        };
        Ok(Rule {
            glob,
            path: Some(path),
            at,
        })
    }

    fn tag(&mut self) -> Result<Tag, Refusal> {
        let at = self.here();
        if self.peek() == Some('{') {
            return match self.placeholder(at)? {
                Piece::Placeholder(names, _) if names == ["tags"] => Ok(Tag::All),
                _ => Err(at.refuse("a tag is written ;key=value; {tags} stands for several")),
            };
        }
        let key = self.take_while(is_name);
        if key.is_empty() || self.peek() != Some('=') {
            return Err(at.refuse("a tag is written ;key=value, or ;{tags} for all there are"));
        }
        if key == "name" {
            let words =
                "carbon takes a tag called name for the path itself; call it something else";
            return Err(at.refuse(words));
        }
        self.next += 1;
        let value_at = self.here();
        let value = self.pieces(&[';'])?;
        if value.is_empty() {
            return Err(value_at.refuse(format!("the tag {key} has no value")));
        }
        Ok(Tag::One(key, value))
    }

    /// Text and placeholders up to a blank, the end or one of `stops`.
    fn pieces(&mut self, stops: &[char]) -> Result<Vec<Piece>, Refusal> {
        let mut pieces = Vec::new();
        while let Some(c) = self.peek() {
            if c.is_whitespace() || stops.contains(&c) {
                break;
            }
            let at = self.here();
            if c == '{' {
                pieces.push(self.placeholder(at)?);
                continue;
            }
            let text = self.take_while(is_literal);
            if text.is_empty() {
                return Err(at.refuse(format!(
                    "{c:?} cannot stand in a path; letters, digits, '_', '-' and dots can"
                )));
            }
            pieces.push(Piece::Text(text, at));
        }
        Ok(pieces)
    }

    fn placeholder(&mut self, at: Position) -> Result<Piece, Refusal> {
        self.next += 1;
        let mut names = Vec::new();
        loop {
            let name_at = self.here();
            let name = self.take_while(is_name);
            match self.peek() {
                Some('}' | '|') if name.is_empty() => {
                    return Err(name_at.refuse("a placeholder has no name"));
                }
                Some('|') => names.push(name),
                Some('}') => {
                    names.push(name);
                    self.next += 1;
                    return Ok(Piece::Placeholder(names, at));
                }
                Some(c) if !c.is_whitespace() => {
                    return Err(self
                        .here()
                        .refuse(format!("{c:?} cannot stand in a placeholder's name")));
                }
                _ => return Err(at.refuse("this brace is not closed")),
            }
            self.next += 1;
        }
    }

    fn must_end(&mut self) -> Result<(), Refusal> {
        self.skip_blanks();
        match self.is_at_end() {
            true => Ok(()),
            false => Err(self
                .here()
                .refuse("nothing more is expected on this line; a comment starts with #")),
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_literal(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.'
}
