//! Tables about metrics for people and scripts.

use std::fmt::Write as _;

use super::catalogue;
use crate::base::error::Error;
use crate::base::stdout::terminal_width;
use crate::encode::prometheus;
use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, Metric, Role};
use crate::sections;
use crate::template::label::LABEL;
use crate::template::{Glob, Template};

/// The metrics with such names (`--list-metrics`): for people on a terminal, for scripts elsewhere.
///
/// # Errors
/// When there is none.
pub(crate) fn metrics(glob: &Glob) -> Result<String, Error> {
    let is_meant = |(group, metric): (&Group, &Metric)| glob.matches(&group.metric_name(metric));
    match (sections::metrics().any(is_meant), terminal_width()) {
        (false, _) => Err(Error::misuse(
            "--list-metrics: no metric has such a name; 'connection.*' is about those right below \
             connection, 'connection.**' about all below it",
        )),
        (true, Some(width)) => Ok(catalogue::text(glob, width)),
        (true, None) => Ok(columns(glob)),
    }
}

/// A table for scripts: columns between blanks, the last two in words.
fn columns(glob: &Glob) -> String {
    let mut rows = vec![
        [
            "metric",
            "path",
            "unit",
            "kind",
            "section",
            "field",
            "family",
            "permission",
            "since",
            "keys",
            "labels",
            "meaning",
        ]
        .map(str::to_owned),
    ];
    for (section, group) in sections::groups() {
        let keys = keys(group);
        let labels = other_labels(group);
        let name = |metric: &&Metric| group.metric_name(metric);
        for metric in group.metrics.iter().filter(|it| glob.matches(&name(it))) {
            rows.push([
                group.metric_name(metric),
                usual_path(group, metric),
                metric.unit.symbol().to_owned(),
                metric.kind.word().to_owned(),
                or_dash(section.map_or("", |section| section.name)),
                group.field(metric),
                family(group, metric),
                or_dash(
                    section
                        .and_then(|section| section.permission)
                        .unwrap_or_default(),
                ),
                metric.since.unwrap_or(group.since).to_owned(),
                or_dash(&keys.join(",")),
                or_dash(&labels.join(",")),
                metric.meaning(),
            ]);
        }
    }
    table(&rows)
}

/// Where a metric goes below the host, unless a template says otherwise; `-` for what goes nowhere
/// then.
fn usual_path(group: &Group, metric: &Metric) -> String {
    match (metric.role, &metric.kind) {
        (_, Kind::Text) | (Role::Constant | Role::Field, _) => "-".to_owned(),
        (Role::Series, _) => format!("{}.{}", group.place, metric.name),
    }
}

/// What Prometheus calls a metric; `-` for what only says again what others say.
fn family(group: &Group, metric: &Metric) -> String {
    match metric.role {
        Role::Field => "-".to_owned(),
        _ => prometheus::name(group, metric),
    }
}

/// What tells the entities of a group apart, each key with the names that may stand for it.
fn keys(group: &Group) -> Vec<String> {
    let is_for_templates = |name: &&str| group.label(name).is_none_or(|it| !it.is_tag_only);
    let keys = group.keys().map(|key| {
        let names = group.names_of(key).into_iter().filter(is_for_templates);
        names.collect::<Vec<_>>().join("|")
    });
    let label = group.keys().next().map(|_| LABEL.to_owned());
    keys.chain(label).collect()
}

/// What else there is to say about them.
fn other_labels(group: &Group) -> Vec<&'static str> {
    let names = group.keys().flat_map(|key| group.names_of(key));
    let names: Vec<&str> = names.collect();
    let labels = group.labels.iter().filter(|label| !label.is_tag_only);
    let labels = labels.map(|label| label.name);
    labels.filter(|name| !names.contains(name)).collect()
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::sections::{ALWAYS, SECTIONS, Section};

    const INTRODUCTION: &str = "\
# The metrics

Made from the table in the program (`BLESS=1 cargo test metrics_md` writes it anew); \
`freebox-monitor --list-metrics` prints the same for scripts.

- *Metric* is its name in templates. *Field* is its name in InfluxDB, behind the measurement; \
those that freebox-monitoring 0.9.1 has are the same there. *Family* is its name in Prometheus: base \
units, with those at its end, and `_total` behind a counter. Percent are a `_ratio`, bits are bytes. \
Its labels are the keys and `box`; texts are labels of `_info` families.
- *Unit* is that of Graphite. InfluxDB has the box's own numbers where 0.9.1 wrote those: optical \
power in hundredths of a dBm; rates in kbit/s on a DSL line, in tenths of a Mbit/s over Wi-Fi, in \
Mbit/s on a cable and on Freeplugs; whole dB on a DSL line; the memory of machines in MiB.
- *Since* is the version of the Freebox API that brought it. An older box has no line for it.
- A number that the box does not tell is no line. Yes is 1 and no is 0; a state that is not \
known is 999.
- *Path* is where it goes below `freebox.<box>.`; a template can say otherwise. A text goes nowhere \
in Graphite; what never changes (`system.model.…`) has a path only in a template that names it.
- An entity is told apart by its *keys*; a template may put another name of `mac|primary_name` in \
its place, or `{label}` in the place of all of them. *Labels* are further texts that a template \
can use.
";

    /// The page about all metrics, in Markdown.
    fn page() -> String {
        let mut page = INTRODUCTION.to_owned();
        for section in SECTIONS {
            page += &format!("\n## {}\n\n{}\n", section.name, choice(section));
            for group in section.groups {
                page += &of_group(group);
            }
        }
        page += "\n## exec\n\nThe run itself; always there, also when the box is not.\n";
        for (_, group) in sections::groups().filter(|(section, _)| section.is_none()) {
            page += &of_group(group);
        }
        page
    }

    fn choice(section: &Section) -> String {
        let letter = section
            .letter
            .map_or(String::new(), |it| format!("`-{it}`, "));
        let chosen = match section.name == ALWAYS {
            true => "Always collected.".to_owned(),
            false => format!(
                "Chosen by {letter}`--status-{}` or `--all`.",
                section.switch
            ),
        };
        match section.permission {
            Some(permission) => format!("{chosen} Needs the permission `{permission}`."),
            None => chosen,
        }
    }

    fn of_group(group: &Group) -> String {
        let names = |names: Vec<String>| match names.is_empty() {
            true => "none".to_owned(),
            false => format!("`{}`", names.join("`, `")),
        };
        let labels = other_labels(group).into_iter().map(str::to_owned);
        let mut text = format!(
            "\n### {}\n\nMeasurement `{}`. Keys: {}. Labels: {}.\n\n\
             | Metric | Path | Meaning | Unit | Kind | Field | Family | Since |\n\
             |---|---|---|---|---|---|---|---|\n",
            group.name,
            group.measurement(),
            names(keys(group)),
            names(labels.collect()),
        );
        for metric in group.metrics {
            text += &format!(
                "| `{}` | `{}` | {} | {} | {} | `{}` | `{}` | {} |\n",
                group.metric_name(metric),
                usual_path(group, metric),
                metric.meaning().replace('|', "\\|"),
                metric.unit.symbol(),
                metric.kind.word(),
                group.field(metric),
                family(group, metric),
                metric.since.unwrap_or(group.since),
            );
        }
        text
    }

    #[test]
    fn metrics_md_is_in_step() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/metrics.md");
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
            fs::write(&path, page()).expect("the page");
        }
        assert!(
            fs::read_to_string(&path).expect("the page") == page(),
            "BLESS=1 cargo test metrics_md writes {} anew",
            path.display()
        );
    }
}
