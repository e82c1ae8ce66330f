//! Carbon's files to the byte, and the ways to call the scripts.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use libtest_mimic::Trial;

use crate::monitor::project_file;
use crate::rehearsal::{AGGREGATION, Appliance, SCHEMAS, same, words};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_last_line_without_an_end_comes_back,
        a_file_that_is_a_link_stays_one,
        blanks_behind_a_heading_do_no_harm,
        sections_put_there_by_hand_are_accepted,
        the_scripts_find_their_files_through_a_link_and_from_anywhere,
        what_stays_on_the_appliance_uninstalls,
    ]
}

const CONF_SCHEMAS: &str = "opt/graphite/conf/storage-schemas.conf";
const CONF_AGGREGATION: &str = "opt/graphite/conf/storage-aggregation.conf";

fn a_last_line_without_an_end_comes_back() {
    let appliance = Appliance::new();
    appliance.write(CONF_SCHEMAS, SCHEMAS.trim_end());
    appliance.write(CONF_AGGREGATION, AGGREGATION.trim_end());
    let before = appliance.everything();
    appliance.install(&[]);
    appliance.install(&[]);
    appliance.uninstall(&[]);
    same(&before, &appliance.everything(), appliance.root.path());
}

fn a_file_that_is_a_link_stays_one() {
    let appliance = Appliance::new();
    fs::create_dir_all(appliance.path("srv/kept")).expect("a folder");
    fs::create_dir_all(appliance.path("etc/freebox-monitor")).expect("a folder");
    let template = "etc/freebox-monitor/template";
    for (link, target) in [(CONF_SCHEMAS, "schemas"), (template, "template")] {
        let target = format!("srv/kept/{target}");
        let _ = fs::rename(appliance.path(link), appliance.path(&target));
        symlink(appliance.path(&target), appliance.path(link)).expect("a link");
    }
    appliance.install(&[]);
    for link in [CONF_SCHEMAS, template] {
        assert!(appliance.path(link).is_symlink(), "{link}");
    }
    assert!(appliance.read("srv/kept/schemas").contains("[freebox]"));
    assert!(appliance.read("srv/kept/template").contains("freebox"));
    appliance.uninstall(&[]);
    assert!(appliance.path(CONF_SCHEMAS).is_symlink());
    assert_eq!(appliance.read("srv/kept/schemas"), SCHEMAS);
}

fn blanks_behind_a_heading_do_no_harm() {
    let appliance = Appliance::new();
    let blanks = SCHEMAS.replace("[anything_else]", "[anything_else] \t");
    appliance.write(CONF_SCHEMAS, &blanks);
    appliance.install(&[]);
    let end = "# END freebox-monitor\n[anything_else] \t\n";
    assert!(appliance.read(CONF_SCHEMAS).contains(end));
    appliance.uninstall(&[]);
    assert_eq!(appliance.read(CONF_SCHEMAS), blanks);
}

/// The way out that is told where there is no section [anything_else].
fn sections_put_there_by_hand_are_accepted() {
    let appliance = Appliance::new();
    let ours = fs::read_to_string(project_file("sexigraf/storage-schemas.conf")).expect("ours");
    let by_hand = SCHEMAS
        .replace("# What is left", &format!("{ours}\n# What is left"))
        .replace("[anything_else]", "[the_rest]");
    let by_hand = by_hand.trim_end();
    appliance.write(CONF_SCHEMAS, by_hand);
    let before = appliance.everything();
    let said = appliance.install(&[]);
    assert!(
        said.contains("has our sections, put there by hand"),
        "{said}"
    );
    assert_eq!(appliance.read(CONF_SCHEMAS), by_hand);
    appliance.uninstall(&[]);
    same(&before, &appliance.everything(), appliance.root.path());
}

fn the_scripts_find_their_files_through_a_link_and_from_anywhere() {
    let appliance = Appliance::new();
    let link = appliance.path("installer");
    symlink(project_file("sexigraf/install.sh"), &link).expect("a link");
    let run = |command: &mut Command| {
        command.arg("--root").arg(appliance.root.path());
        command.arg("--binary").arg(appliance.program());
        words(&command.output().expect("sh"), true)
    };
    let said = run(Command::new("sh").arg(&link));
    assert!(said.contains(" is installed."), "{said}");
    let mut command = Command::new("sh");
    command.arg("sexigraf/install.sh").env("CDPATH", "/:.");
    let said = run(command.current_dir(project_file("")));
    assert!(said.contains(" is installed."), "{said}");
}

fn what_stays_on_the_appliance_uninstalls() {
    let appliance = Appliance::new();
    let before = appliance.everything();
    appliance.install(&[]);
    let kept = appliance.path("usr/local/lib/freebox-monitor");
    let output = appliance.command(&kept, "uninstall.sh", &[]).output();
    words(&output.expect("sh"), true);
    same(&before, &appliance.everything(), appliance.root.path());
}
