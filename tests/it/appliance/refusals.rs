//! What the scripts refuse, in one line and before anything changes.

use std::fs;

use libtest_mimic::Trial;

use crate::rehearsal::{AGGREGATION, Appliance, SCHEMAS, same, words};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        schemas_that_it_cannot_work_with,
        aggregations_that_it_cannot_work_with,
        a_section_that_takes_our_metrics_first,
        bytes_that_are_no_utf_8,
    ]
}

const CONF_SCHEMAS: &str = "opt/graphite/conf/storage-schemas.conf";
const CONF_AGGREGATION: &str = "opt/graphite/conf/storage-aggregation.conf";

/// The script ends with this line, and nothing is different.
#[track_caller]
fn refused(appliance: &Appliance, script: &str, arguments: &[&str], expected: &str) {
    let before = appliance.everything();
    let said = words(&appliance.script(script, arguments), false);
    assert!(said.contains(expected), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    same(&before, &appliance.everything(), appliance.root.path());
}

fn schemas_that_it_cannot_work_with() {
    for (schemas, expected) in [
        (
            SCHEMAS.replace("[anything_else]", "[the_rest]"),
            "has no section [anything_else]",
        ),
        (
            SCHEMAS.replace(
                "# What is left",
                "[freebox]\npattern = ^fbx\\.\nretentions = 5m:1d\n",
            ),
            "a section [freebox...] that is not from here",
        ),
        (
            SCHEMAS.replace("^carbon\\.", "^carbon%\\."),
            "[carbon]: '%' must be followed by",
        ),
        (
            SCHEMAS.replace("[veeam]", "[carbon]"),
            "section 'carbon' already exists",
        ),
        (
            SCHEMAS.replace("60:90d\n", "60:90d\nretentions = 60:9d\n"),
            "option 'retentions' in section 'carbon' already exists",
        ),
        (
            SCHEMAS.replace("[veeam]", " [veeam]"),
            "option 'pattern' in section 'vsan_health' already exists",
        ),
        (
            SCHEMAS.replace("^veeam\\.", "^(veeam\\."),
            "[veeam]: missing ), unterminated subpattern",
        ),
        (
            SCHEMAS.replace("60:90d", "60:90 days"),
            "[carbon]: no span of time: 90 days",
        ),
        (
            format!("# END freebox-monitor\n{SCHEMAS}"),
            "do not belong together",
        ),
    ] {
        let appliance = Appliance::new();
        appliance.write(CONF_SCHEMAS, &schemas);
        refused(&appliance, "install.sh", &[], expected);
    }
    let appliance = Appliance::new();
    fs::remove_file(appliance.path(CONF_SCHEMAS)).expect("a file");
    let expected = "is this a SexiGraf appliance?";
    refused(&appliance, "install.sh", &[], expected);
}

fn aggregations_that_it_cannot_work_with() {
    let again = format!("{AGGREGATION}[errors]\npattern = x\n");
    let appliance = Appliance::new();
    appliance.write(CONF_AGGREGATION, &again);
    let expected = "storage-aggregation.conf as it would be: While reading";
    refused(&appliance, "install.sh", &[], expected);
}

/// Carbon takes the first section that fits, whatever it looks like.
fn a_section_that_takes_our_metrics_first() {
    let veeam = "pattern = ^veeam\\.\nretentions = 5m:7d,10m:30d,15m:90d,30m:120d,120m:1y\n";
    for pattern in [
        "pattern = .*",
        "pattern = ^freebox\\.",
        "pattern = .+",
        "pattern: .*",
        "Pattern = .*",
        "pattern = .*\\..*",
        "pattern = \\.system\\.",
        "pattern = \\.exec\\.",
        "pattern = lan\\.host",
    ] {
        let before = format!("{pattern}\nretentions = 5m:7d\n");
        let schemas = SCHEMAS.replace(veeam, &before);
        assert_ne!(schemas, SCHEMAS);
        let appliance = Appliance::new();
        appliance.write(CONF_SCHEMAS, &schemas);
        let expected = "before our sections can";
        refused(&appliance, "install.sh", &[], expected);
    }
}

fn bytes_that_are_no_utf_8() {
    let appliance = Appliance::new();
    let schemas = [b"# \xe9t\xe9\n", SCHEMAS.as_bytes()].concat();
    fs::write(appliance.path(CONF_SCHEMAS), schemas).expect("a file");
    refused(&appliance, "install.sh", &[], "codec can't decode byte");
}
