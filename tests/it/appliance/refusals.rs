//! What the scripts refuse, in one line and before anything changes.

use std::fs;
use std::os::unix::fs::symlink;

use libtest_mimic::Trial;

use crate::rehearsal::{AGGREGATION, Appliance, SCHEMAS, same, words};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        schemas_that_it_cannot_work_with,
        aggregations_that_it_cannot_work_with,
        a_section_that_takes_our_metrics_first,
        bytes_that_are_no_utf_8,
        markers_that_do_not_belong_together,
        windows_line_ends,
        roots_that_are_this_machine_or_nothing,
        programs_that_are_not_this_one,
        folders_where_a_file_is_to_be,
        links_that_lead_out_of_a_rehearsal,
        options_that_there_are_not,
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

const BEGIN: &str = "# BEGIN freebox-monitor (made by its install.sh, removed by its uninstall.sh)";
const END: &str = "# END freebox-monitor";

/// What stands behind them must not go with them.
fn markers_that_do_not_belong_together() {
    for (begin, end) in [
        (END, BEGIN),
        (BEGIN, ""),
        ("", END),
        (BEGIN, BEGIN),
        (&format!("{BEGIN}\r"), &format!("{END}\r")),
        (&format!("{BEGIN} "), END),
        (BEGIN, &format!("{END}\t")),
        (BEGIN, &format!("{END}\n{BEGIN}\n{END}")),
    ] {
        for script in ["install.sh", "uninstall.sh"] {
            let appliance = Appliance::new();
            let ours = format!("{begin}\n[freebox]\n{end}\n[anything_else]");
            appliance.write(CONF_SCHEMAS, &SCHEMAS.replace("[anything_else]", &ours));
            let expected = "do not belong together any more; mend that by hand first";
            refused(&appliance, script, &[], expected);
        }
    }
}

fn windows_line_ends() {
    let appliance = Appliance::new();
    appliance.write(CONF_SCHEMAS, &SCHEMAS.replace('\n', "\r\n"));
    let expected = "has Windows line ends; remove them first: sed -i 's/\\r$//' ";
    refused(&appliance, "install.sh", &[], expected);
}

/// Should one of these be taken for this machine, `--dry-run` keeps it from harm.
fn roots_that_are_this_machine_or_nothing() {
    for script in ["install.sh", "uninstall.sh"] {
        for (root, expected) in [
            (&["--root", ""] as &[_], "--root wants a folder"),
            (&["--root="], "--root wants a folder"),
            (&["--root"], "--root wants a value"),
            (&["--root", "/"], "--root / is this machine itself"),
            (&["--root=//"], "--root / is this machine itself"),
            (&["--root", "/etc/.."], "--root / is this machine itself"),
            (&["--root", "nowhere"], "there is no folder nowhere"),
            (&["--root", "-t"], "there is no folder -t"),
        ] {
            let appliance = Appliance::new();
            let arguments = [&["--dry-run"], root].concat();
            refused(&appliance, script, &arguments, expected);
        }
    }
}

fn programs_that_are_not_this_one() {
    for (program, expected) in [
        (
            "/nowhere/freebox-monitor",
            "there is no file /nowhere/freebox-monitor",
        ),
        ("true", "--binary: there is no file true"),
        ("/bin/true", "/true is not freebox-monitor"),
        ("", "--binary: there is no file "),
    ] {
        refused(
            &Appliance::new(),
            "install.sh",
            &["--binary", program],
            expected,
        );
    }
}

fn folders_where_a_file_is_to_be() {
    for path in [
        "usr/local/bin/freebox-monitor",
        "etc/cron.d/freebox-monitor",
    ] {
        let appliance = Appliance::new();
        fs::create_dir(appliance.path(path)).expect("a folder");
        let expected = format!("/{path} is a folder; remove it first");
        refused(&appliance, "install.sh", &[], &expected);
    }
}

fn links_that_lead_out_of_a_rehearsal() {
    let elsewhere = Appliance::new();
    for script in ["install.sh", "uninstall.sh"] {
        for path in [CONF_SCHEMAS, "var/lib/freebox-monitor"] {
            let appliance = Appliance::new();
            let _ = fs::remove_file(appliance.path(path));
            let target = elsewhere.path("opt/graphite/conf/storage-schemas.conf");
            symlink(target, appliance.path(path)).expect("a link");
            refused(&appliance, script, &[], "leads out of");
        }
    }
    assert_eq!(elsewhere.read(CONF_SCHEMAS), SCHEMAS);
}

fn options_that_there_are_not() {
    for (script, option) in [
        ("install.sh", "--purge"),
        ("uninstall.sh", "--binary=x"),
        ("uninstall.sh", "-x"),
        ("install.sh", "more"),
    ] {
        let option_name = option.split('=').next().expect("a name");
        let expected = format!("no such option: {option_name} (--help lists them)");
        refused(&Appliance::new(), script, &[option], &expected);
    }
}
