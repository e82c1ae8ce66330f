//! Templates against a small registry of every shape: alone, with one key, with two.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::metrics::label::{fixed, inherited, label as text};
use crate::metrics::metric::{Kind, Role, counter, gauge, state};
use crate::metrics::unit::Unit;

const NUMBERS: &[Metric] = &[
    gauge("rate", Unit::BytePerSecond, "-"),
    counter("bytes", Unit::Byte, "-").times(8).raw(),
];

static LINE: Group = Group::new("line", "line", OF_LINE).labels(&[text("media", &["media"])]);
const OF_LINE: &[Metric] = &[
    state("state", Kind::Is("up"), "-"),
    crate::metrics::metric::text("address", "-"),
    gauge("model", Unit::None, "-").constant(),
    gauge("old", Unit::None, "-").field_only().field("very_old"),
];
static UP: Group = Group::new("line.up", "line.up", NUMBERS).labels(&[fixed("direction", "up")]);
static DOWN: Group =
    Group::new("line.down", "line.down", NUMBERS).labels(&[fixed("direction", "down")]);
static PORT: Group = Group::new("switch.port", "switch.port.{port}", NUMBERS)
    .labels(&[
        text("port", &["id"]).tag("switch_port"),
        text("port_name", &["name"])
            .names("port")
            .tag("switch_name"),
        fixed("kind", "copper").tag("kind"),
    ])
    .measure("switch")
    .field_prefix("switch_");
static CLIENT: Group = Group::new("switch.client", "switch.port.{port}.client.{mac}", NUMBERS)
    .labels(&[
        inherited("port"),
        text("mac", &["mac"]),
        text("hostname", &["hostname"]).names("mac"),
        text("vendor", &["vendor"]),
    ])
    .field_prefix("client_");

fn metrics() -> Vec<(&'static Group, &'static Metric)> {
    let groups = [&LINE, &UP, &DOWN, &PORT, &CLIENT];
    groups
        .into_iter()
        .flat_map(|group| group.metrics.iter().map(move |it| (group, it)))
        .collect()
}

fn read(text: &str) -> Result<Template, Refusal> {
    Template::read(text, &metrics())
}

/// Holds the paths that a template makes against the expected ones; `-` is a dropped metric.
fn check(text: &str, expected: &[(&str, &str)]) {
    let template = read(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    for (name, path) in expected {
        let (group, metric) = metrics()
            .into_iter()
            .find(|(group, metric)| group.metric_name(metric) == *name)
            .unwrap_or_else(|| panic!("no metric {name}"));
        let pattern = template.pattern(group, metric).map(Pattern::to_string);
        assert_eq!(pattern.as_deref().unwrap_or("-"), *path, "{name}");
    }
}

#[test]
fn keys_stand_behind_their_kind() {
    check(
        "** {default}",
        &[("switch.client.rate", "switch.port.{port}.client.{mac}.rate")],
    );
}

#[test]
fn templates_that_give_the_same_paths_have_the_same_mark() {
    let names = ["switch.port.rate", "line.state"];
    let mark = |text| read(text).expect("a template").mark(names.into_iter());
    let usual = mark("** {default}");
    let same = "# words\nprefix = x\nline.up.* {prefix}.{default}\n** {default}";
    assert_eq!(mark(same), usual);
    let others = [
        "** x.{default}",
        "line.* -\n** {default}",
        "switch.port.* p.{port}.{metric}",
    ];
    for other in others {
        assert_ne!(mark(other), usual, "{other}");
    }
}

#[test]
fn a_label_stands_for_all_keys() {
    check(
        "switch.client.rate x.{label}.{metric}\nswitch.client.* -\n\
         switch.port.* {prefix}.{measure}.{field};{tags};l={label}\n",
        &[
            ("switch.client.rate", "x.{label}.rate"),
            (
                "switch.port.bytes",
                "freebox.switch.switch_bytes;switch_port={port};switch_name={port_name};\
                 kind=copper;l={label}",
            ),
        ],
    );
    refused("line.state a.{label}", "line.state has no {label}");
    refused("label = a", "{label} has a meaning of its own");
}

#[test]
fn what_never_changes_has_a_path_where_it_is_named() {
    check(
        "** {default}",
        &[
            ("line.model", "-"),
            ("line.old", "-"),
            ("line.state", "line.state"),
        ],
    );
    check(
        "line.* {measurement}.{metric}.{host}",
        &[
            ("line.model", "freebox.model.{name|endpoint}"),
            ("line.old", "-"),
        ],
    );
    check(
        "line.* a.{field}",
        &[("line.model", "a.model"), ("line.old", "a.very_old")],
    );
}

#[test]
fn a_path_with_the_field_of_the_script_has_its_number() {
    let bytes = UP.metrics[1].read(&serde_json::json!({"bytes": 5}));
    let bytes = bytes.expect("a reading");
    let number = |text| {
        let template = read(text).expect(text);
        template.number(&UP, &bytes).map(ToString::to_string)
    };
    assert_eq!(number("line.up.* {metric}").as_deref(), Some("40"));
    assert_eq!(number("line.up.* {field}").as_deref(), Some("5"));
    assert_eq!(number("line.up.* -"), None);
}

#[test]
fn the_first_rule_that_fits_wins() {
    check(
        "prefix = f\nswitch.client.*  -\nline.*.*  {prefix}.l.{direction}.{metric} # comment\n\
         **  {prefix}.{default}\n",
        &[
            ("switch.client.rate", "-"),
            ("line.up.rate", "f.l.up.rate"),
            ("line.down.bytes", "f.l.down.bytes"),
            ("line.state", "f.line.state"),
            ("line.address", "-"),
            ("switch.port.rate", "f.switch.port.{port}.rate"),
        ],
    );
}

#[test]
fn placeholders_mean_what_they_say() {
    check(
        "dc = one.{host}\nswitch.client.* {dc}.{port}x{mac|hostname}.{metric}\n\
         switch.port.* {prefix}.{port_name|port}.{field};h={host}.{uid};v={media|vendor|port}\n\
         line.state {prefix}.{measurement}.{metric}\n",
        &[
            (
                "switch.client.rate",
                "one.{name|endpoint}.{port}x{mac|hostname}.rate",
            ),
            (
                "switch.port.bytes",
                "freebox.{port_name|port}.switch_bytes;h={name|endpoint}.{uid};v={port}",
            ),
            ("line.state", "freebox.freebox.state"),
            ("line.up.rate", "-"),
        ],
    );
}

/// What is wrong with a template, as its author reads it.
#[track_caller]
fn refused(text: &str, words: &str) {
    let refusal = read(text).expect_err(text).to_string();
    assert!(refusal.contains(words), "{text}: {refusal}");
}

#[test]
fn what_cannot_work_is_refused_with_its_place() {
    refused(
        "** {prefix}.{nothing}.{default}",
        "line 1, column 13: unknown placeholder {nothing}; valid here are",
    );
    refused(
        "dc = x\nline.state {prefix}.{nothing}.{default}",
        "valid here are api_version, box_model, dc, default, endpoint, field, host, measure, \
         measurement, media, metric, name, prefix, tags, uid",
    );
    refused(
        "dc = {nothing}\n** {dc}.{default}",
        "unknown placeholder {nothing} in a variable; valid are api_version, box_model, dc, \
         endpoint, host, name, prefix, uid",
    );
    refused(
        "\n** a.{port}.{default}",
        "line 2, column 6: line.state has no {port}; valid here are",
    );
    refused(
        "x.y.z a",
        "line 1, column 1: no rule in it gives a line: no metric has such a name",
    );
    refused("** a.{port|mac}.{default}", "line.state has no {port|mac}");
    refused(
        "switch.port.* a.{metric}",
        "line 1, column 15: every switch.port would go to the same path",
    );
    refused(
        "switch.client.* a.{port}.{metric}",
        "put one of {label}, {mac}, {hostname} into it",
    );
    refused(
        "switch.client.* a.{port}.{vendor|mac}.{metric}",
        "put one of {label}, {mac}, {hostname}",
    );
    refused(
        "line.*.* a.{metric}",
        "line.up.rate and line.down.rate would go to the same path, a.rate",
    );
    refused(
        "line.state a.b\nline.up.* a.b.{metric}",
        "a.b is the path of line.state and cannot be a folder",
    );
    refused(
        "line.state a..b",
        "line 1, column 12: the path of line.state has an empty node",
    );
    refused("line.state .a", "has an empty node");
    refused(
        "x =\nline.state a.{x}",
        "line 2, column 12: the path of line.state has an empty node",
    );
    refused(
        "line.state a/b",
        "line 1, column 13: '/' cannot stand in a path",
    );
    refused(
        "line.state é",
        "line 1, column 12: 'é' cannot stand in a path",
    );
    refused(
        "li(ne a",
        "line 1, column 3: '(' cannot stand in the name of a metric",
    );
    refused(
        &format!("line.state a.{}", "x".repeat(252)),
        "a node of 252 bytes; 251 is the most",
    );
    refused("line.state", "line 1, column 11: the rule has no path");
    refused(
        "line.state a.{host",
        "line 1, column 14: this brace is not closed",
    );
    refused("line.state a.{}", "a placeholder has no name");
    refused("line.state a.{a b}", "this brace is not closed");
    refused(
        "line.state a.{a.b}",
        "'.' cannot stand in a placeholder's name",
    );
    refused("x = a\nx = b", "line 2, column 1: x is set twice");
    refused("a = {b}\nb = {a}", "line 2, column 5: a stands for itself");
    refused(
        "a = {c}",
        "line 1, column 5: unknown placeholder {c} in a variable; valid are",
    );
    refused("mac = a", "{mac} has a meaning of its own");
    refused(
        "# nothing\n",
        "line 1, column 1: no rule in it gives a line: nothing would be written",
    );
    refused(
        "line.address a.{default}",
        "no rule in it gives a line: nothing would be written",
    );
    refused(
        "line.state a;name={metric}",
        "line 1, column 14: carbon takes a tag called name",
    );
    let path = vec!["x".repeat(200); 30].join(".");
    refused(
        &format!("line.state {path}"),
        "6029 bytes; 3800 is the most",
    );
    let chain = |value: &dyn Fn(usize) -> String, length: usize| {
        let lines = (0..length).map(|it| format!("v{it} = {}\n", value(it + 1)));
        lines.collect::<String>() + &format!("v{length} = a\nline.state {{v0}}\n")
    };
    refused(
        &chain(&|next| format!("{{v{next}}}"), 20_000),
        "16 deep: too many",
    );
    refused(
        &chain(&|next| format!("{{v{next}}}{{v{next}}}"), 15),
        "more than 1000 placeholders",
    );
    // As many as may be, and the longest node there may be.
    let just = |it: usize| format!("v = {}\nline.state a{{v}}\n", "{endpoint}".repeat(it));
    assert!(read(&just(999)).is_ok());
    refused(&just(1000), "more than 1000 placeholders");
    assert!(read(&format!("line.state a.{}", "x".repeat(251))).is_ok());
    refused(
        &chain(&|next| format!("{{v{next}|v{next}}}"), 15),
        "more than 1000 placeholders",
    );
    refused("a = b c", "line 1, column 7: nothing more is expected");
    refused(
        "line.state a b",
        "line 1, column 14: nothing more is expected",
    );
    refused("line.** a.**", "'*' cannot stand in a path");
    refused(
        "line.**.x a",
        "line 1, column 1: ** stands for whole nodes and only at the end",
    );
    refused("line.state a;b", "a tag is written ;key=value");
    refused("line.state a;{b}", "a tag is written ;key=value");
    refused(
        "line.state a.{tags}",
        "{tags} stands behind a semicolon only",
    );
    refused(
        "switch.port.* a.{field};{tags};kind=x",
        "the tag kind is given twice",
    );
    refused("switch.port.* a.{measure}.x", "would go to the same path");
    refused("line.state a;b=", "the tag b has no value");
    refused("line.state a;b=1;b=2", "the tag b is given twice");
    refused(
        "x = a.b\nline.state a.{x|host}",
        "{x} is more than one node",
    );
}

#[test]
fn a_path_may_have_3800_bytes() {
    let nodes = "xxxxxxxx.".repeat(500);
    let rule = |length: usize| format!("line.state {}", &nodes[..length]);
    read(&rule(3800)).expect("a path that fits");
    refused(&rule(3801), "3801 bytes; 3800 is the most");
}

#[test]
fn a_rule_without_metrics_is_odd_but_works() {
    let text = "nothing.* a.{metric}\nline.model {default}\nswitch.** -\n** {default}\nline.* -\n";
    let template = read(text).expect("a template");
    let warnings: Vec<String> = template.warnings.iter().map(Warning::to_string).collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(
        warnings[0].starts_with("line 1, column 1: nothing is left"),
        "{warnings:?}"
    );
    assert!(
        warnings[1].starts_with("line 2, column 1: this rule gives no line"),
        "{warnings:?}"
    );
    assert!(
        warnings[2].starts_with("line 5, column 1: nothing is left"),
        "{warnings:?}"
    );
}

#[test]
fn the_shipped_templates_fit_every_metric_there_is() {
    let metrics: Vec<_> = crate::sections::metrics().collect();
    for (name, text) in SHIPPED {
        let template = Template::read(text, &metrics).unwrap_or_else(|it| panic!("{name}: {it}"));
        assert!(
            template.warnings.is_empty(),
            "{name}: {:?}",
            template.warnings
        );
        if name == "sexigraf" {
            // It chooses; tests/it/dashboards.rs holds that it has what is looked at.
            continue;
        }
        for (group, metric) in &metrics {
            let is_listed = template.pattern(group, metric).is_some();
            let expected = match metric.role {
                _ if metric.kind == Kind::Text => false,
                Role::Series => true,
                Role::Constant | Role::Field => name != "dotted",
            };
            assert_eq!(is_listed, expected, "{name}: {}", metric.name);
        }
    }
}

#[test]
fn no_entity_has_a_label_with_a_meaning_of_its_own() {
    let taken = ["prefix", "host", label::LABEL];
    for (group, _) in crate::sections::metrics() {
        for name in group.labels.iter().map(|it| it.name) {
            let is_free = !taken.contains(&name)
                && !compile::RUN_LABELS.contains(&name)
                && !compile::METRIC_WORDS.contains(&name);
            assert!(is_free, "{}: {name}", group.name);
        }
    }
}

fn client(labels: [Option<&str>; 4]) -> Sample {
    let [port, mac, hostname, vendor] = labels.map(|label| label.map(str::to_owned));
    Sample::read(&CLIENT, &Json::Null)
        .label("port", port)
        .label("mac", mac)
        .label("hostname", hostname)
        .label("vendor", vendor)
}

fn path_of(text: &str, labels: [Option<&str>; 4]) -> Result<String, NoPath> {
    let template = read(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    let run = vec![("endpoint", "mafreebox.freebox.fr".to_owned())];
    template.path(&client(labels), &NUMBERS[0], &run)
}

#[test]
fn values_become_nodes() {
    let cases = [
        ("02:00:5E:00:00:10", "02_00_5e_00_00_10"),
        ("Télé du salon", "tele_du_salon"),
        ("a..b//c", "a_b_c"),
        ("__a___b__", "_a_b_"),
        ("Œuvre-1", "oeuvre-1"),
        ("***", "_"),
        ("nul\0é\n", "nul_e_"),
    ];
    for (given, expected) in cases {
        let text = "switch.client.* {port}.{mac}.{metric}";
        let path = path_of(text, [Some("1"), Some(given), None, None]);
        assert_eq!(
            path.as_deref(),
            Ok(format!("1.{expected}.rate").as_str()),
            "{given:?}"
        );
    }
}

#[test]
fn of_several_the_first_that_is_there_stands() {
    let text = "switch.client.* {port}.{hostname|mac}.{metric}";
    for (hostname, expected) in [(Some("nas"), "1.nas.rate"), (None, "1.ab.rate")] {
        let path = path_of(text, [Some("1"), Some("ab"), hostname, None]);
        assert_eq!(path.as_deref(), Ok(expected));
    }
}

#[test]
fn values_become_tags() {
    let text = "switch.client.* {host}.x;port={port};mac={mac};vendor={vendor};m={metric}";
    let path = path_of(text, [Some("1"), Some("02:00:5E"), None, Some("A;b c~é=")]);
    let expected = "mafreebox_freebox_fr.x;port=1;mac=02:00:5E;vendor=A_b_c_e_;m=rate";
    assert_eq!(path.as_deref(), Ok(expected));
    let path = path_of(text, [Some("1"), Some("2"), None, None]);
    assert_eq!(
        path.as_deref(),
        Ok("mafreebox_freebox_fr.x;port=1;mac=2;m=rate")
    );
}

#[test]
fn what_is_missing_or_too_much_in_a_run() {
    let text = "switch.client.* {port}.{mac|hostname}.{metric}";
    assert_eq!(
        path_of(text, [None, Some("a"), None, None]),
        Err(NoPath::EmptyNode)
    );
    assert_eq!(
        path_of(text, [Some("1"), Some(""), Some(""), None]),
        Err(NoPath::EmptyNode)
    );
    assert_eq!(
        path_of(text, [Some("1"), None, Some("h"), None]).as_deref(),
        Ok("1.h.rate")
    );
    let long = "x".repeat(10_000);
    let path = path_of(text, [Some("1"), Some(&long), None, None]).expect("a path");
    assert_eq!(path, format!("1.{}.rate", "x".repeat(251)));
    let many = format!(
        "switch.client.* {}{{port}}.{{mac}}.{{metric}}",
        "{vendor}.".repeat(20)
    );
    assert_eq!(
        path_of(&many, [Some("1"), Some("a"), None, Some(&long)]),
        Err(NoPath::TooLong)
    );
    // Twenty vendors with their dots, `1.`, the address, `.rate`: 3800 bytes, and one more.
    let (vendor, address) = ("x".repeat(187), "a".repeat(34));
    let with = |address| path_of(&many, [Some("1"), Some(address), None, Some(&vendor)]);
    assert_eq!(with(&address[1..]).map(|path| path.len()), Ok(3800));
    assert_eq!(with(&address), Err(NoPath::TooLong));
    assert_eq!(
        path_of("line.** a.{default}", [None; 4]),
        Err(NoPath::Dropped)
    );
}

/// Any text: of all of Unicode, of what paths are made of, empty, long.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ ./;=~*{}\\\\\\t\\n\\ra-zA-Z0-9_-]{0,40}",
        Just(String::new()),
        any::<char>().prop_map(|c| c.to_string().repeat(10_000)),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_a_path_that_carbon_would_not_take(
        port in any_text(), mac in any_text(), hostname in any_text(), vendor in any_text(),
        tagged in any::<bool>(),
    ) {
        let text = match tagged {
            false => "switch.client.* {host}.{port}x.{hostname|mac}.{vendor}-{mac}.{metric}",
            true => "switch.client.* {host}.{mac}.{metric};port={port};n={hostname};v={vendor}x",
        };
        let labels = [&port, &mac, &hostname, &vendor].map(|it| Some(it.as_str()));
        match path_of(text, labels) {
            Ok(path) => {
                let (name, tags) = path.split_once(';').unwrap_or((&path, "a=b"));
                let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-".contains(&c);
                for node in name.split('.') {
                    prop_assert!((1..=LONGEST_NODE).contains(&node.len()), "{path}");
                    prop_assert!(node.bytes().all(plain), "{path}");
                }
                for tag in tags.split(';') {
                    let (key, value) = tag.split_once('=').unwrap_or_default();
                    let fine = |c: u8| c.is_ascii_alphanumeric() || b"_-.:".contains(&c);
                    prop_assert!(!key.is_empty() && !value.is_empty(), "{path}");
                    prop_assert!(value.bytes().all(fine), "{path}");
                }
                prop_assert!(path.len() <= LONGEST_PATH);
            }
            Err(why) => prop_assert_eq!(why, NoPath::EmptyNode),
        }
    }

    #[test]
    fn no_text_makes_the_reader_of_templates_fall(
        text in prop_oneof![any::<String>(), "([a-z*.]{1,5} ?[={}|;# .a-z\n-]{0,9}\n?){0,5}"],
    ) {
        // What is refused is refused in words, with a place that is in the text.
        if let Err(refusal) = read(&text) {
            prop_assert!(refusal.at.line <= text.lines().count().max(1));
            prop_assert!(!refusal.words.is_empty());
        }
    }
}
