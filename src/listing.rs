//! Tables about metrics for people and scripts.

use std::fmt::Write as _;

use crate::sections::{self, SECTIONS};
use crate::template::Template;

/// Every metric there is (`--list-metrics`): columns between blanks, the last two in words.
pub(crate) fn metrics() -> String {
    let mut rows = vec![
        [
            "metric",
            "unit",
            "kind",
            "section",
            "field",
            "permission",
            "keys",
            "labels",
            "meaning",
        ]
        .map(str::to_owned),
    ];
    for section in SECTIONS {
        for group in section.groups {
            let keys = group
                .identity
                .iter()
                .map(|names| names.join("|"))
                .collect::<Vec<_>>();
            for metric in group.metrics {
                let states = metric.kind.meanings();
                rows.push([
                    group.metric_name(metric),
                    metric.unit.to_owned(),
                    metric.kind.word().to_owned(),
                    section.name.to_owned(),
                    group.field(metric),
                    or_dash(section.permission.unwrap_or_default()),
                    or_dash(&keys.join(",")),
                    or_dash(&group.labels.join(",")),
                    states.map_or(metric.help.to_owned(), |it| {
                        format!("{}: {it}", metric.help)
                    }),
                ]);
            }
        }
    }
    table(&rows)
}

/// Where every metric goes (`--check-template`).
pub(crate) fn paths(template: &Template) -> String {
    let path = |group, metric| template.pattern(group, metric).map(ToString::to_string);
    let rows: Vec<[String; 2]> = sections::metrics()
        .map(|(group, metric)| {
            [
                group.metric_name(metric),
                path(group, metric).unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    table(&rows)
}

fn or_dash(text: &str) -> String {
    let dash = if text.is_empty() { "-" } else { text };
    dash.to_owned()
}

/// Rows with their columns under each other.
fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].len())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
