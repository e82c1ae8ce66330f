//! The left side of a rule: which metrics it is about.

use std::str::FromStr;

use super::{Position, Refusal};

/// A pattern of dotted names: `*` is any part of one node, `**` at the end any number of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    nodes: Vec<String>,
    and_all_below: bool,
}

impl Glob {
    /// Reads a pattern that stands at `at`.
    ///
    /// # Errors
    /// A character or an arrangement that has no meaning.
    pub(super) fn parse(text: &str, at: Position) -> Result<Self, Refusal> {
        let known = |c: char| c.is_ascii_alphanumeric() || "_-.*".contains(c);
        if let Some(position) = text.chars().position(|c| !known(c)) {
            let c = text.chars().nth(position).unwrap_or_default();
            return Err(at.right(position).refuse(format!(
                "{c:?} cannot stand in the name of a metric; letters, digits, '_', dots and * can"
            )));
        }
        let mut nodes: Vec<String> = text.split('.').map(str::to_owned).collect();
        let and_all_below = nodes.last().is_some_and(|node| node == "**");
        if and_all_below {
            nodes.pop();
        }
        if nodes.iter().any(|node| node.contains("**")) {
            return Err(at.refuse("** stands for whole nodes and only at the end"));
        }
        if nodes.iter().any(String::is_empty) {
            return Err(at.refuse("an empty node: two dots in a row, or one at the edge"));
        }
        Ok(Glob {
            nodes,
            and_all_below,
        })
    }

    /// Whether it is about the metric with this full name.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut nodes = name.split('.');
        let all = self
            .nodes
            .iter()
            .all(|glob| nodes.next().is_some_and(|node| fits(glob, node)));
        all && (self.and_all_below || nodes.next().is_none())
    }
}

/// A pattern that stands alone, such as an argument.
impl FromStr for Glob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = Position { line: 1, column: 1 };
        Glob::parse(text, at).map_err(|refusal| refusal.words)
    }
}

/// Whether one node fits a pattern with `*` in it.
fn fits(glob: &str, node: &str) -> bool {
    let Some((head, rest)) = glob.split_once('*') else {
        return glob == node;
    };
    let Some(tail) = node.strip_prefix(head) else {
        return false;
    };
    (0..=tail.len()).any(|skipped| tail.get(skipped..).is_some_and(|tail| fits(rest, tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Position = Position { line: 1, column: 1 };

    #[test]
    fn what_fits() {
        let cases = [
            ("**", "connection.rate_down", true),
            ("connection.**", "connection.xdsl.up.bitrate", true),
            ("connection.*", "connection.rate_down", true),
            ("connection.*", "connection.xdsl.status", false),
            ("connection.xdsl.*.*", "connection.xdsl.up.bitrate", true),
            ("connection.xdsl.*.*", "connection.xdsl.status", false),
            ("*.rate_*", "connection.rate_up", true),
            ("*.*_up*", "connection.rate_up", true),
            ("*.r*_*p", "connection.rate_up", true),
            ("*.r*_*q", "connection.rate_up", false),
            ("connection", "connection.rate_up", false),
        ];
        for (glob, name, expected) in cases {
            let parsed = Glob::parse(glob, HERE).expect(glob);
            assert_eq!(parsed.matches(name), expected, "{glob} {name}");
        }
    }

    #[test]
    fn what_has_no_meaning() {
        for bad in ["a.**.b", "a**", "a..b", ".a", "a.", "a/b", "é", "a.{x}"] {
            assert!(Glob::parse(bad, HERE).is_err(), "{bad}");
        }
    }
}
