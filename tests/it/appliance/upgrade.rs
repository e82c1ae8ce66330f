//! What an installation finds of an earlier one: by hand, by the first release, by a run that was
//! killed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::monitor::project_file;
use crate::rehearsal::{Appliance, Release, SCHEMAS, same, words};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        what_was_installed_by_hand_is_taken_over,
        a_program_that_was_put_there_by_hand_is_replaced_and_kept,
        the_section_of_an_earlier_page_is_taken_over,
        what_the_first_release_kept_is_taken_over,
        what_the_service_user_may_have_written_is_not_believed,
        a_run_that_is_killed_anywhere_is_finished_by_the_next,
        a_run_that_fails_says_so_and_leaves_nothing_half,
        a_dashboard_that_a_release_does_not_have_any_more_goes,
    ]
}

const CRON: &str = "etc/cron.d/freebox-monitor";
const PROGRAM: &str = "usr/local/bin/freebox-monitor";
const STATE: &str = "var/lib/freebox-monitor";
const KEPT: &str = "usr/local/lib/freebox-monitor";
const SCHEMAS_CONF: &str = "opt/graphite/conf/storage-schemas.conf";
const DASHBOARDS: &str = "var/lib/grafana/dashboards/Miscellaneous";

/// The crontab that earlier pages said to install, with and without the last option.
pub(crate) fn early_crontab(last: &str) -> String {
    format!(
        "# The statistics of the Freebox, every minute. For /etc/cron.d, under a name without a dot: cron\n\
         # passes over all others.\n\
         PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
         * * * * * root freebox-monitor --all --carbon localhost{last}\n"
    )
}

fn what_was_installed_by_hand_is_taken_over() {
    for last in ["", " --repeat-after 1h"] {
        let appliance = Appliance::new();
        appliance.write(CRON, &early_crontab(last));
        let said = appliance.install(&[]);
        assert!(said.contains(" is installed."), "{said}");
        let shipped = fs::read_to_string(project_file("sexigraf/freebox-monitor.cron"));
        assert_eq!(appliance.read(CRON), shipped.expect("the crontab"));
    }
}

fn a_program_that_was_put_there_by_hand_is_replaced_and_kept() {
    let appliance = Appliance::new();
    appliance.write(PROGRAM, "an older one");
    let said = appliance.install(&[]);
    let kept = format!("{KEPT}/saved/{PROGRAM}");
    assert!(said.contains(&format!("kept as /{kept}")), "{said}");
    assert_eq!(appliance.read(&kept), "an older one");
    let there = fs::read(appliance.path(PROGRAM)).expect("a program");
    assert_eq!(there, fs::read(appliance.program()).expect("a program"));
    // One that we put there is not worth a word.
    appliance.write(&format!("{STATE}/run"), "");
    let said = appliance.install(&[]);
    assert!(!said.contains("kept as"), "{said}");
    let said = appliance.uninstall(&[]);
    assert!(said.contains(&format!("/{KEPT}/saved stays")), "{said}");
    assert_eq!(appliance.read(&kept), "an older one");
    appliance.uninstall(&["--purge"]);
    assert!(!appliance.path(KEPT).exists());
}

fn the_section_of_an_earlier_page_is_taken_over() {
    let appliance = Appliance::new();
    let old = "[freebox]\npattern = ^freebox\\.\nretentions = 60s:7d,5m:30d,60m:2y\n\n";
    let before = appliance.everything();
    let with_old = SCHEMAS.replace("# What is left", &format!("{old}# What is left"));
    appliance.write(SCHEMAS_CONF, &with_old);
    let said = appliance.install(&[]);
    assert!(said.contains("gives way to the block"), "{said}");
    let schemas = appliance.read(SCHEMAS_CONF);
    assert_eq!(schemas.matches("[freebox]").count(), 1, "{schemas}");
    appliance.uninstall(&[]);
    same(&before, &appliance.everything(), appliance.root.path());
}

/// Moves what root keeps to where the first release kept it.
fn as_the_first_release(appliance: &Appliance) {
    let state = appliance.path(STATE);
    fs::create_dir_all(state.join("saved")).expect("a folder");
    let from = appliance.path(&format!("{KEPT}/saved/opt/graphite/conf"));
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a file");
        let to = state.join("saved").join(entry.file_name());
        fs::rename(entry.path(), to).expect("a file");
    }
    let manifest = appliance.read(&format!("{KEPT}/installed.sha256"));
    // It noted no blocks.
    let noted = manifest.lines().filter(|it| !it.contains("/opt/graphite/"));
    let manifest: Vec<_> = noted.collect();
    fs::write(state.join("installed.sha256"), manifest.join("\n") + "\n").expect("a file");
    fs::create_dir(state.join("new")).expect("a folder");
    fs::remove_dir_all(appliance.path(KEPT)).expect("a folder");
}

fn what_the_first_release_kept_is_taken_over() {
    let appliance = Appliance::new();
    // The end of the last line comes back only if what was kept is found.
    appliance.write(SCHEMAS_CONF, SCHEMAS.trim_end());
    let before = appliance.everything();
    appliance.install(&[]);
    let installed = appliance.everything();
    as_the_first_release(&appliance);
    let next = Release::new().with("freebox-monitor.cron", "2>&1", "2>&1 ");
    let said = appliance.upgrade(&next);
    assert!(!said.contains("stays"), "{said}");
    assert!(appliance.read(CRON).contains("2>&1 "));
    let left = fs::read_dir(appliance.path(STATE))
        .expect("a folder")
        .count();
    assert_eq!(left, 0);
    appliance.install(&[]);
    same(&installed, &appliance.everything(), appliance.root.path());
    appliance.uninstall(&[]);
    same(&before, &appliance.everything(), appliance.root.path());
}

/// The folder was the service user's: root must not be led anywhere by what is in there.
fn what_the_service_user_may_have_written_is_not_believed() {
    let appliance = Appliance::new();
    let own = format!("{DASHBOARDS}/Own.json");
    let sum = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    appliance.write("etc/precious", "{}");
    appliance.install(&[]);
    as_the_first_release(&appliance);
    let state = appliance.path(STATE);
    let manifest = format!(
        "{sum}  /{own}\n{sum}  /{DASHBOARDS}/../../../../../etc/precious\n{sum}  /etc/precious\n"
    );
    fs::write(state.join("installed.sha256"), &manifest).expect("a file");
    fs::remove_dir_all(state.join("saved")).expect("a folder");
    symlink(appliance.path("opt/graphite/conf"), state.join("saved")).expect("a link");
    fs::remove_dir(state.join("new")).expect("a folder");
    symlink(appliance.path("etc"), state.join("new")).expect("a link");
    appliance.install(&[]);
    let kept = appliance.read(&format!("{KEPT}/installed.sha256"));
    assert!(
        !kept.contains("precious") && !kept.contains("Own"),
        "{kept}"
    );
    assert!(!appliance.path(&format!("{KEPT}/saved")).exists());
    assert!(appliance.path("opt/graphite/conf/carbon.conf").exists());
    // And a manifest that is itself a link.
    fs::remove_dir_all(appliance.path(KEPT)).expect("a folder");
    symlink(
        appliance.path("etc/precious"),
        state.join("installed.sha256"),
    )
    .expect("a link");
    appliance.uninstall(&["--purge"]);
    assert_eq!(appliance.read("etc/precious"), "{}");
    assert_eq!(appliance.read(&own), "{}");
}

/// A folder with an `mv` that does this the nth time.
fn mv_that(does: &str, nth: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let count = folder.path().join("count");
    let script = format!(
        "#!/bin/sh\n\
         echo >>{count}\n\
         [ $(wc -l <{count}) != {nth} ] || {does}\n\
         exec /bin/mv \"$@\"\n",
        count = count.display()
    );
    let mv = folder.path().join("mv");
    fs::write(&mv, script).expect("a script");
    fs::set_permissions(&mv, fs::Permissions::from_mode(0o755)).expect("its mode");
    folder
}

/// Makes one folder what the other is.
fn copy(from: &Path, to: &Path) {
    let script = "find \"$2\" -mindepth 1 -delete; cp -a \"$1/.\" \"$2\"";
    let mut command = Command::new("sh");
    command.args(["-e", "-c", script, "sh"]).arg(from).arg(to);
    assert!(command.status().expect("sh").success());
}

fn run_with(mut command: Command, deadly: &TempDir) -> Output {
    let path = std::env::var("PATH").expect("a path");
    command.env("PATH", format!("{}:{path}", deadly.path().display()));
    // What it leaves there when it is killed.
    command.env("TMPDIR", deadly.path());
    command.output().expect("sh")
}

fn a_run_that_is_killed_anywhere_is_finished_by_the_next() {
    let next = Release::new()
        .with("freebox-monitor.cron", "2>&1", "2>&1 ")
        .with("storage-schemas.conf", "1m:2d", "1m:3d")
        .with("dashboards/Freebox_Wi-Fi.json", "\"title\"", "\"title\" ");
    let appliance = Appliance::new();
    appliance.upgrade(&next);
    let expected = appliance.everything();
    let wifi = format!("{DASHBOARDS}/Freebox_Wi-Fi.json");
    appliance.uninstall(&[]);
    appliance.install(&[]);
    let before = tempfile::tempdir().expect("a folder");
    copy(appliance.root.path(), before.path());
    for nth in 1.. {
        copy(before.path(), appliance.root.path());
        let schemas = appliance.read(SCHEMAS_CONF);
        let deadly = mv_that("kill -9 $PPID", nth);
        let command = appliance.command(next.folder.path(), "install.sh", &[]);
        if run_with(command, &deadly).status.success() {
            assert!(nth > 9, "only {nth} files");
            break;
        }
        // What is large comes first.
        if appliance.read(SCHEMAS_CONF) != schemas {
            assert!(appliance.read(&wifi).contains("\"title\" "));
        }
        let said = appliance.upgrade(&next);
        assert!(!said.contains("stays"), "{nth}: {said}");
        same(&expected, &appliance.everything(), appliance.root.path());
    }
}

/// As when the disk is full.
fn a_run_that_fails_says_so_and_leaves_nothing_half() {
    let appliance = Appliance::new();
    let failing = mv_that("exit 1", 2);
    let command = appliance.command(&project_file("sexigraf"), "install.sh", &[]);
    let said = words(&run_with(command, &failing), false);
    assert!(said.ends_with("not finished; run it again\n"), "{said}");
    let left = appliance.everything().into_keys();
    let half = |path: &std::path::PathBuf| path.to_string_lossy().ends_with("-new");
    assert_eq!(left.filter(half).count(), 0);
    let temporary = fs::read_dir(failing.path()).expect("a folder").count();
    assert_eq!(temporary, 2, "only mv and its count");
    assert_eq!(appliance.read(SCHEMAS_CONF), SCHEMAS);
}

fn a_dashboard_that_a_release_does_not_have_any_more_goes() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    let overview = appliance.path(&format!("{DASHBOARDS}/Freebox_Overview.json"));
    let wifi = appliance.path(&format!("{DASHBOARDS}/Freebox_Wi-Fi.json"));
    fs::write(&wifi, "{}").expect("a file");
    let next = Release::new();
    for name in ["Freebox_Overview.json", "Freebox_Wi-Fi.json"] {
        fs::remove_file(next.folder.path().join("dashboards").join(name)).expect("a file");
    }
    let said = appliance.upgrade(&next);
    assert!(!overview.exists());
    let expected = "Freebox_Wi-Fi.json is not part of this release any more; \
                    it was changed by somebody and stays";
    assert!(said.contains(expected), "{said}");
    assert_eq!(fs::read_to_string(&wifi).expect("a file"), "{}");
    let manifest = appliance.read(&format!("{KEPT}/installed.sha256"));
    assert!(!manifest.contains("Overview"), "{manifest}");
}
