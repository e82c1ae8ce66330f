//! What somebody has changed, removed or made: it stays, and that is said.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use libtest_mimic::Trial;

use crate::rehearsal::{Appliance, Release, same, words};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_changed_template_stays,
        a_changed_crontab_is_behind_until_its_successor_is_removed,
        what_is_new_of_two_files_of_one_name_lies_apart,
        a_changed_block_stays_and_is_checked,
        a_dashboard_that_was_removed_stays_away,
        a_dashboard_of_ones_own_is_not_called_changed,
        uninstalling_says_what_somebody_has_changed,
        uninstalling_says_how_many_lines_go,
        modes_are_mended,
        credentials_that_are_there_are_not_asked_for,
    ]
}

const CRON: &str = "etc/cron.d/freebox-monitor";
const TEMPLATE: &str = "etc/freebox-monitor/template";
const SCHEMAS: &str = "opt/graphite/conf/storage-schemas.conf";
const AGGREGATION: &str = "opt/graphite/conf/storage-aggregation.conf";
const NEW: &str = "usr/local/lib/freebox-monitor/new";
const WIFI: &str = "var/lib/grafana/dashboards/Miscellaneous/Freebox_Wi-Fi.json";

fn edit(appliance: &Appliance, file: &str, from: &str, to: &str) {
    let text = appliance.read(file);
    assert!(text.contains(from), "{file}: {from}");
    appliance.write(file, &text.replace(from, to));
}

fn a_changed_template_stays() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    appliance.write(TEMPLATE, "** a.{default}\n");
    let said = appliance.install(&[]);
    let expected = "/etc/freebox-monitor/template was changed by somebody and stays as it is\n";
    assert!(said.contains(expected), "{said}");
    assert!(said.contains(" is installed."), "{said}");
    assert_eq!(appliance.read(TEMPLATE), "** a.{default}\n");
    let said = appliance.uninstall(&[]);
    let expected = "/etc/freebox-monitor stays, with template in it";
    assert!(said.contains(expected), "{said}");
    assert_eq!(appliance.read(TEMPLATE), "** a.{default}\n");
}

/// Such as one that has a line for each of two boxes.
fn a_changed_crontab_is_behind_until_its_successor_is_removed() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    edit(&appliance, CRON, "--all", "--all --name ultra");
    let said = appliance.install(&[]);
    assert!(said.contains("stays as it is\n"), "{said}");
    assert!(said.contains(" is installed."), "{said}");
    let next = Release::new().with("freebox-monitor.cron", "1h", "2h");
    let mut dry = appliance.command(next.folder.path(), "install.sh", &["--dry-run"]);
    let said = words(&dry.output().expect("sh"), true);
    let expected = format!("would lay the new one into /{NEW}/{CRON}\nNothing was changed.");
    assert!(said.contains(&expected), "{said}");
    assert!(!appliance.path(NEW).exists());
    for _ in 0..2 {
        let said = appliance.upgrade(&next);
        let expected = format!("stays as it is; the new one is /{NEW}/{CRON}\n");
        assert!(said.contains(&expected), "{said}");
        assert!(!said.contains(" is installed."), "{said}");
        assert!(said.contains(&format!("as it was: /{CRON}")), "{said}");
    }
    assert!(appliance.read(CRON).contains("--name ultra"));
    fs::remove_file(appliance.path(&format!("{NEW}/{CRON}"))).expect("a file");
    let said = appliance.upgrade(&next);
    assert!(said.contains(" is installed."), "{said}");
    assert!(!appliance.path(NEW).exists());
    // Who takes the new one has nothing left to compare.
    let last = Release::new().with("freebox-monitor.cron", "1h", "3h");
    appliance.upgrade(&last);
    fs::copy(
        appliance.path(&format!("{NEW}/{CRON}")),
        appliance.path(CRON),
    )
    .expect("a copy");
    let said = appliance.upgrade(&last);
    assert!(!said.contains("stays"), "{said}");
    assert!(!appliance.path(NEW).exists());
}

/// A program without its own entry, a template and a crontab were one file before.
fn what_is_new_of_two_files_of_one_name_lies_apart() {
    let appliance = Appliance::new();
    appliance.write(CRON, "# my own\n");
    fs::create_dir_all(appliance.path("etc/freebox-monitor")).expect("a folder");
    appliance.write(TEMPLATE, "** a.{default}\n");
    let said = appliance.install(&[]);
    assert!(
        said.contains("was there before and is not from here"),
        "{said}"
    );
    assert!(!said.contains(" is installed."), "{said}");
    for file in [CRON, TEMPLATE] {
        let new = appliance.read(&format!("{NEW}/{file}"));
        assert_ne!(new, appliance.read(file));
    }
    assert!(
        appliance
            .read(&format!("{NEW}/{CRON}"))
            .contains("* * * * *")
    );
}

fn a_changed_block_stays_and_is_checked() {
    let appliance = Appliance::new();
    let before = appliance.everything();
    appliance.install(&[]);
    edit(&appliance, SCHEMAS, "1m:2d,15m:60d,2h:1y", "1m:3d,15m:90d");
    let method = "aggregationMethod = average";
    edit(&appliance, AGGREGATION, method, "aggregationMethod = max");
    let edited = (appliance.read(SCHEMAS), appliance.read(AGGREGATION));
    let said = appliance.install(&[]);
    for file in [SCHEMAS, AGGREGATION] {
        let expected = format!("the block in /{file} was changed by somebody and stays as it is\n");
        assert!(said.contains(&expected), "{said}");
    }
    assert!(said.contains(" is installed."), "{said}");
    let next = Release::new().with("storage-schemas.conf", "1m:2d", "1m:4d");
    let said = appliance.upgrade(&next);
    assert!(
        said.contains(&format!("the new one is /{NEW}/{SCHEMAS}")),
        "{said}"
    );
    assert!(
        appliance
            .read(&format!("{NEW}/{SCHEMAS}"))
            .contains("1m:4d")
    );
    assert_eq!(
        edited,
        (appliance.read(SCHEMAS), appliance.read(AGGREGATION))
    );
    // Something that whisper would not take.
    edit(&appliance, SCHEMAS, "1m:3d,15m:90d", "1m:3d,15m:2d");
    let broken = appliance.everything();
    let said = words(&appliance.script("install.sh", &[]), false);
    assert!(
        said.contains("[freebox_guests]: a coarser archive"),
        "{said}"
    );
    same(&broken, &appliance.everything(), appliance.root.path());
    let said = appliance.uninstall(&[]);
    let expected = format!("the block in /{SCHEMAS} was changed by somebody; it goes all the same");
    assert!(said.contains(&expected), "{said}");
    same(&before, &appliance.everything(), appliance.root.path());
}

fn a_dashboard_that_was_removed_stays_away() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    fs::remove_file(appliance.path(WIFI)).expect("a file");
    let said = appliance.install(&[]);
    assert!(
        said.contains("was removed by somebody and is left out"),
        "{said}"
    );
    assert!(!appliance.path(WIFI).exists());
}

fn a_dashboard_of_ones_own_is_not_called_changed() {
    let appliance = Appliance::new();
    appliance.write(WIFI, "{}");
    let said = appliance.install(&[]);
    assert!(
        said.contains("Freebox_Wi-Fi.json was there before and is not from here"),
        "{said}"
    );
    assert!(!said.contains("changed by somebody"), "{said}");
    appliance.uninstall(&[]);
    assert_eq!(appliance.read(WIFI), "{}");
}

fn uninstalling_says_what_somebody_has_changed() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    appliance.write(WIFI, "{}");
    edit(&appliance, CRON, "--all", "--all --name ultra");
    for dry in [true, false] {
        let arguments: &[&str] = if dry { &["--dry-run"] } else { &[] };
        let said = appliance.uninstall(arguments);
        assert!(
            said.contains("Wi-Fi.json was changed by somebody and stays"),
            "{said}"
        );
        let expected = format!("/{CRON} was changed by somebody; it goes all the same");
        assert!(said.contains(&expected), "{said}");
        assert_eq!(appliance.path(CRON).exists(), dry);
    }
    assert_eq!(appliance.read(WIFI), "{}");
}

fn uninstalling_says_how_many_lines_go() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    let spool = "var/lib/freebox-monitor/ultra/spool/localhost_2003";
    fs::create_dir_all(appliance.path(spool)).expect("a folder");
    // The second has been confirmed once.
    appliance.write(
        &format!("{spool}/1795459390-4711-2.lines"),
        "a 1 2\nb 1 2\n",
    );
    let confirmed = format!("{spool}/1795459390-4711-1.1-1795459392.lines");
    appliance.write(&confirmed, "c 1 2\n");
    let said = appliance.uninstall(&["--dry-run"]);
    let expected = "2 lines that carbon has not confirmed go with /var/lib/freebox-monitor\n";
    assert!(said.contains(expected), "{said}");
    assert!(appliance.uninstall(&[]).contains(expected));
}

fn modes_are_mended() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    let installed = appliance.everything();
    for (file, mode) in [
        (CRON, 0o666),
        ("usr/local/bin/freebox-monitor", 0o644),
        (WIFI, 0o600),
        ("etc/freebox-monitor", 0o755),
    ] {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(appliance.path(file), mode).expect("its mode");
    }
    let said = appliance.install(&["--dry-run"]);
    assert!(
        said.contains(&format!("would mend the mode and owner of /{CRON}\n")),
        "{said}"
    );
    appliance.install(&[]);
    same(&installed, &appliance.everything(), appliance.root.path());
    let said = appliance.install(&["--dry-run"]);
    assert!(said.ends_with("Nothing is to be done.\n"), "{said}");
}

fn credentials_that_are_there_are_not_asked_for() {
    let appliance = Appliance::new();
    let said = appliance.install(&[]);
    assert!(
        said.contains("--register") && said.contains("Open the dashboards"),
        "{said}"
    );
    appliance.write("etc/freebox-monitor/credentials.json", "{}");
    fs::remove_dir_all(appliance.path("var/lib/grafana/dashboards")).expect("a folder");
    let said = appliance.install(&[]);
    assert!(said.contains("the dashboards are left out"), "{said}");
    assert!(
        !said.contains("--register") && !said.contains("Open the dashboards"),
        "{said}"
    );
    let said = appliance.uninstall(&[]);
    let expected = "/etc/freebox-monitor stays, with credentials.json in it; --purge";
    assert!(said.contains(expected), "{said}");
}
