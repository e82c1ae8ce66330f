//! The metrics for people on a terminal: by section, wrapped to its width.

use crate::base::columns::{WIDTH, hanging};
use crate::metrics::group::Group;
use crate::metrics::metric::Metric;
use crate::metrics::unit::Unit;
use crate::sections::{self, SECTIONS};
use crate::template::Glob;

/// What is narrower than this has no room for words beside a name.
const NARROWEST: usize = 60;

/// The metrics with such names, below the names of their sections.
pub(super) fn text(glob: &Glob, width: usize) -> String {
    let width = match width {
        0 => WIDTH,
        width => width.max(NARROWEST),
    };
    let mut text = String::new();
    let of_sections = SECTIONS.iter().map(Some).chain([None]);
    for section in of_sections {
        let groups =
            sections::groups().filter(|(of, _)| of.map(|it| it.name) == section.map(|it| it.name));
        let metrics = groups.flat_map(|(_, group)| group.metrics.iter().map(move |it| (group, it)));
        let chosen: Vec<Row> = metrics
            .map(|(group, metric)| Row::of(group, metric))
            .filter(|row| glob.matches(&row.name))
            .collect();
        let heading = match section {
            Some(section) => format!("{}: {}", section.name, section.brings),
            None => "exec: the run itself, always there".to_owned(),
        };
        text.push_str(&of_section(&heading, &chosen, width));
    }
    text
}

/// A metric, in words.
struct Row {
    name: String,
    meaning: String,
}

impl Row {
    fn of(group: &Group, metric: &Metric) -> Self {
        let meaning = metric.meaning();
        Row {
            name: group.metric_name(metric),
            meaning: match metric.unit {
                Unit::None => meaning,
                unit => format!("{meaning} ({})", unit.symbol()),
            },
        }
    }
}

fn of_section(heading: &str, rows: &[Row], width: usize) -> String {
    let Some(longest) = rows.iter().map(|row| row.name.len()).max() else {
        return String::new();
    };
    // A line of its own for long names leaves room for the words of all.
    let indent = (longest + 4).min(width * 9 / 20);
    let mut text = format!("{heading}\n");
    for row in rows {
        let name = format!("  {}", row.name);
        text.push_str(&hanging(&name, indent, &row.meaning, width));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_whatever_terminal() {
        let all: Glob = "**".parse().expect("a glob");
        for width in [0, 10, 60, 80, 200] {
            let text = text(&all, width);
            let allowed = if width == 0 { WIDTH } else { width.max(60) };
            for line in text.lines() {
                assert!(line.chars().count() <= allowed, "{width}: {line}");
            }
            for (group, metric) in sections::metrics() {
                let name = format!("  {}", group.metric_name(metric));
                assert!(text.lines().any(|it| it.starts_with(&name)), "{name}");
            }
        }
    }

    #[test]
    fn a_pattern_narrows_it() {
        let some: Glob = "connection.rate_*".parse().expect("a glob");
        let text = text(&some, 100);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("connection: the line"), "{text}");
        assert!(lines[1].starts_with("  connection.rate_down "), "{text}");
        assert!(lines[1].ends_with("(byte/s)"), "{text}");
        assert_eq!(lines.len(), 4, "{text}");
    }
}
