//! The SexiGraf side: the installer and the uninstaller, rehearsed in a tree that is laid out like
//! the appliance.

pub(crate) mod bytes;
pub(crate) mod carbon;
pub(crate) mod live;
pub(crate) mod refusals;
pub(crate) mod theirs;
pub(crate) mod upgrade;

use std::fs;
use std::os::unix::fs::MetadataExt;

use libtest_mimic::Trial;

use crate::monitor::project_file;
use crate::rehearsal::{AGGREGATION, Appliance, same};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        installed_twice_and_taken_off_the_tree_is_as_it_was,
        a_second_install_changes_nothing,
        a_dry_run_changes_nothing,
        the_page_and_the_schemas_mean_the_same_guests,
        the_block_stands_before_what_fits_everything,
        credentials_stay_unless_they_are_to_go,
        owner_and_mode_of_carbons_files_stay,
    ]
}

fn installed_twice_and_taken_off_the_tree_is_as_it_was() {
    let appliance = Appliance::new();
    let before = appliance.everything();
    let said = appliance.install(&[]);
    assert!(said.contains("--register"), "{said}");
    appliance.install(&[]);
    for path in [
        "usr/local/bin/freebox-monitor",
        "etc/cron.d/freebox-monitor",
        "etc/freebox-monitor/template",
    ] {
        assert!(appliance.path(path).is_file(), "{path}");
    }
    let mode = |path| appliance.path(path).metadata().expect("a folder").mode() & 0o777;
    assert_eq!(mode("etc/freebox-monitor"), 0o700);
    assert_eq!(mode("var/lib/freebox-monitor"), 0o700);
    let said = appliance.uninstall(&[]);
    assert!(said.contains("is gone"), "{said}");
    same(&before, &appliance.everything(), appliance.root.path());
    appliance.uninstall(&[]);
    same(&before, &appliance.everything(), appliance.root.path());
}

fn a_second_install_changes_nothing() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    let once = appliance.everything();
    appliance.install(&[]);
    same(&once, &appliance.everything(), appliance.root.path());
}

fn a_dry_run_changes_nothing() {
    let appliance = Appliance::new();
    let before = appliance.everything();
    let said = appliance.install(&["--dry-run"]);
    assert!(
        said.contains("would install /usr/local/bin/freebox-monitor"),
        "{said}"
    );
    same(&before, &appliance.everything(), appliance.root.path());
    appliance.install(&[]);
    let installed = appliance.everything();
    let said = appliance.uninstall(&["--dry-run"]);
    assert!(said.contains("would take the block out"), "{said}");
    same(&installed, &appliance.everything(), appliance.root.path());
}

/// The page changes files that are there already to what new ones would be.
fn the_page_and_the_schemas_mean_the_same_guests() {
    let read = |name| fs::read_to_string(project_file("sexigraf").join(name)).expect(name);
    let schemas = read("storage-schemas.conf");
    let section = schemas.split("[freebox_guests]").nth(1).expect("guests");
    let value = |name: &str| {
        let lines = section.lines();
        let mut values = lines.filter_map(|it| it.strip_prefix(name));
        values.next().expect(name).trim_start_matches(" = ")
    };
    let pattern = value("pattern").replace("[^.]", "[^/]").replace("\\.", "/");
    let below = pattern.strip_prefix("^freebox/").expect("all of them");
    let page = read("README.md");
    let expected = format!("guests='\\./{below}.*'\n");
    assert!(page.contains(&expected), "{expected}");
    for retentions in schemas
        .lines()
        .filter_map(|it| it.strip_prefix("retentions = "))
    {
        let expected = format!("{{}} {} \\;", retentions.replace(',', " "));
        assert!(page.contains(&expected), "{expected}");
    }
}

fn the_block_stands_before_what_fits_everything() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    let schemas = appliance.read("opt/graphite/conf/storage-schemas.conf");
    let place = |words: &str| {
        schemas
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {schemas}"))
    };
    assert!(place("[veeam]") < place("[freebox_guests]"));
    assert!(place("[freebox_guests]") < place("[freebox]"));
    assert!(place("[freebox]") < place("[anything_else]"));
    let aggregation = appliance.read("opt/graphite/conf/storage-aggregation.conf");
    assert!(aggregation.ends_with(AGGREGATION), "{aggregation}");
}

fn credentials_stay_unless_they_are_to_go() {
    let appliance = Appliance::new();
    let before = appliance.everything();
    appliance.install(&[]);
    appliance.write("etc/freebox-monitor/credentials.json", "{}");
    appliance.uninstall(&[]);
    assert_eq!(appliance.read("etc/freebox-monitor/credentials.json"), "{}");
    appliance.install(&[]);
    appliance.uninstall(&["--purge"]);
    same(&before, &appliance.everything(), appliance.root.path());
}

fn owner_and_mode_of_carbons_files_stay() {
    let appliance = Appliance::new();
    let file = appliance.path("opt/graphite/conf/storage-schemas.conf");
    // Another owner can be given by root only.
    let _ = std::os::unix::fs::chown(&file, Some(4711), Some(4712));
    let before = file.metadata().expect("a file");
    appliance.install(&[]);
    let after = file.metadata().expect("a file");
    assert_ne!(before.len(), after.len());
    assert_eq!(
        (before.mode(), before.uid(), before.gid()),
        (after.mode(), after.uid(), after.gid())
    );
}
