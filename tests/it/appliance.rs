//! The SexiGraf side: the installer and the uninstaller, rehearsed in a tree that is laid out like
//! the appliance.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime};

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::graphite::Options;
use crate::hour;
use crate::monitor::{PROGRAM, project_file};
use crate::overlay;
use crate::receiver::Sink;
use crate::simulated_freebox;
use crate::simulated_freebox::{Outcome, SimulatedFreebox};
use crate::trials;
use crate::whole_way::carbon_with;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        installed_twice_and_taken_off_the_tree_is_as_it_was,
        a_second_install_changes_nothing,
        a_dry_run_changes_nothing,
        the_block_stands_before_what_fits_everything,
        what_it_cannot_do_is_refused_before_anything_changes,
        the_section_of_an_earlier_page_is_taken_over,
        what_somebody_has_changed_stays_and_is_said,
        credentials_stay_unless_they_are_to_go,
        owner_and_mode_of_carbons_files_stay,
    ]
}

pub(crate) fn trials_with_carbon() -> Vec<Trial> {
    trials![what_is_installed_keeps_every_minute_and_makes_good_coarse_points]
}

pub(crate) fn trials_with_cron() -> Vec<Trial> {
    trials![installed_registered_and_run_by_cron_as_its_user]
}

/// Why cron cannot be tried out here, if that is so.
pub(crate) fn cron_is_there() -> Result<(), String> {
    overlay::is_there()?;
    hour::faketime()?;
    let cron = Path::new("/usr/sbin/cron").exists();
    cron.then_some(())
        .ok_or_else(|| "there is no cron on this machine".to_owned())
}

/// Schemas as the appliance has them, in its order; `[veeam]` is one that whisper refuses.
const SCHEMAS: &str = "\
# Schema definitions
[carbon]
pattern = ^carbon\\.
retentions = 60:90d

[sexigraf]
pattern = ^collectd\\.sexigraf\\.
retentions = 1m:1h,2m:2h,4m:3h,12m:12h,24m:2d,96m:7d,192m:30d,3840m:1y

[vsan_health]
pattern = .*\\.vsan\\.ObjectHealthDetail\\.
retentions = 5m:24h,10m:48h

[veeam]
pattern = ^veeam\\.
retentions = 5m:7d,10m:30d,15m:90d,30m:120d,120m:1y

# What is left
[anything_else]
pattern = .*
retentions = 5m:24h,10m:48h,30m:96h,60m:7d,240m:30d,720m:90d,2880m:1y,5760m:2y,17280m:5y
";

/// The same for how coarse points are made.
const AGGREGATION: &str = "\
[errors]
pattern = .\\.errorsRx.
xFilesFactor = 0.0
aggregationMethod = sum

[latest]
pattern = .\\.powerState$
xFilesFactor = 0.0
aggregationMethod = last
";

/// An appliance that exists as files only.
struct Appliance {
    root: TempDir,
}

/// A file or folder: its mode, its owner and group, its content.
type Entry = (u32, u32, u32, Option<Vec<u8>>);

impl Appliance {
    fn new() -> Self {
        let appliance = Appliance {
            root: tempfile::tempdir().expect("a folder"),
        };
        for (path, mode, content) in [
            ("opt/graphite/conf/carbon.conf", 0o644, "[cache]\n"),
            ("opt/graphite/conf/storage-schemas.conf", 0o640, SCHEMAS),
            (
                "opt/graphite/conf/storage-aggregation.conf",
                0o644,
                AGGREGATION,
            ),
            ("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/bash\n"),
            ("etc/cron.d/vi_default", 0o644, "# the appliance's own\n"),
            (
                "usr/local/bin/whisper-resize.py",
                0o755,
                "#!/usr/bin/python3\n",
            ),
            (
                "var/lib/grafana/dashboards/Miscellaneous/Own.json",
                0o640,
                "{}",
            ),
        ] {
            let file = appliance.path(path);
            fs::create_dir_all(file.parent().expect("a folder")).expect("the folder");
            fs::write(&file, content).expect("a file");
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("its mode");
        }
        fs::create_dir_all(appliance.path("var/lib")).expect("a folder");
        appliance
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).expect(below)
    }

    fn write(&self, below: &str, content: &str) {
        fs::write(self.path(below), content).expect(below);
    }

    /// Everything there is.
    fn everything(&self) -> BTreeMap<PathBuf, Entry> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.root.path().to_owned()];
        while let Some(path) = open.pop() {
            let metadata = fs::metadata(&path).expect("a file");
            let content = match metadata.is_dir() {
                true => {
                    let entries = fs::read_dir(&path).expect("a folder");
                    open.extend(entries.map(|it| it.expect("an entry").path()));
                    None
                }
                false => Some(fs::read(&path).expect("its content")),
            };
            let entry = (metadata.mode(), metadata.uid(), metadata.gid(), content);
            found.insert(path, entry);
        }
        found
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new("sh");
        command.arg(project_file("sexigraf").join(name));
        command.arg("--root").arg(self.root.path());
        if name == "install.sh" {
            command.args(["--binary", PROGRAM]);
        }
        command.args(arguments).output().expect("sh")
    }

    #[track_caller]
    fn install(&self, arguments: &[&str]) -> String {
        words(&self.script("install.sh", arguments), true)
    }

    #[track_caller]
    fn uninstall(&self, arguments: &[&str]) -> String {
        words(&self.script("uninstall.sh", arguments), true)
    }
}

/// What a script said, in all, if it ended as it should.
#[track_caller]
fn words(output: &Output, success: bool) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), success, "{out}{err}");
    if success {
        assert_eq!(err, "", "{out}");
    }
    format!("{out}{err}")
}

/// The differences between two states, for people.
#[track_caller]
fn same(before: &BTreeMap<PathBuf, Entry>, after: &BTreeMap<PathBuf, Entry>, root: &Path) {
    let paths = before.keys().chain(after.keys());
    let different = paths.filter(|path| before.get(*path) != after.get(*path));
    let different: Vec<_> = different.map(|it| it.strip_prefix(root)).collect();
    assert!(different.is_empty(), "{different:?}");
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

fn what_it_cannot_do_is_refused_before_anything_changes() {
    const FILE: &str = "opt/graphite/conf/storage-schemas.conf";
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
            "a % in [carbon], which carbon does not start with",
        ),
        (
            SCHEMAS.replace("[veeam]", "[carbon]"),
            "the section [carbon] stands there twice",
        ),
        (
            SCHEMAS.replace("^veeam\\.", ".*"),
            "a section that fits every metric stands before [anything_else]",
        ),
        (
            format!("# END freebox-monitor\n{SCHEMAS}"),
            "do not belong together",
        ),
    ] {
        let appliance = Appliance::new();
        appliance.write(FILE, &schemas);
        let before = appliance.everything();
        let said = words(&appliance.script("install.sh", &[]), false);
        assert!(said.contains(expected), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        same(&before, &appliance.everything(), appliance.root.path());
    }
    let appliance = Appliance::new();
    fs::remove_file(appliance.path(FILE)).expect("a file");
    let said = words(&appliance.script("install.sh", &[]), false);
    assert!(said.contains("is this a SexiGraf appliance?"), "{said}");
}

fn the_section_of_an_earlier_page_is_taken_over() {
    let appliance = Appliance::new();
    let old = "[freebox]\npattern = ^freebox\\.\nretentions = 60s:7d,5m:30d,60m:2y\n\n";
    let before = appliance.everything();
    let with_old = SCHEMAS.replace("# What is left", &format!("{old}# What is left"));
    appliance.write("opt/graphite/conf/storage-schemas.conf", &with_old);
    appliance.install(&[]);
    let schemas = appliance.read("opt/graphite/conf/storage-schemas.conf");
    assert_eq!(schemas.matches("[freebox]").count(), 1, "{schemas}");
    appliance.uninstall(&[]);
    same(&before, &appliance.everything(), appliance.root.path());
}

fn what_somebody_has_changed_stays_and_is_said() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    appliance.write("etc/freebox-monitor/template", "** a.{default}\n");
    let said = appliance.install(&[]);
    assert!(
        said.contains("/etc/freebox-monitor/template was changed by somebody and stays"),
        "{said}"
    );
    assert_eq!(
        appliance.read("etc/freebox-monitor/template"),
        "** a.{default}\n"
    );
    assert!(
        appliance
            .path("var/lib/freebox-monitor/new/template")
            .is_file()
    );
    let said = appliance.uninstall(&[]);
    assert!(said.contains("/etc/freebox-monitor stays"), "{said}");
    assert_eq!(
        appliance.read("etc/freebox-monitor/template"),
        "** a.{default}\n"
    );
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

/// How many one-minute points are sent, up to the last whole hour.
const MINUTES: i64 = 60;

/// How a coarse point is made of fine ones.
type Made = fn(&[f64]) -> f64;

/// A metric, and what ten and sixty of its points become.
const COARSE: &[(&str, Made)] = &[
    ("freebox.ultra.connection.bytes_down", last),
    ("freebox.ultra.connection.state", min),
    ("freebox.ultra.system.uptime", last),
    ("freebox.ultra.connection.rate_down", average),
    ("freebox.ultra.system.sensor.cpu0.temperature", max),
];

fn last(points: &[f64]) -> f64 {
    points[points.len() - 1]
}

fn average(points: &[f64]) -> f64 {
    points.iter().sum::<f64>() / points.len() as f64
}

fn min(points: &[f64]) -> f64 {
    points.iter().copied().fold(f64::MAX, f64::min)
}

fn max(points: &[f64]) -> f64 {
    points.iter().copied().fold(f64::MIN, f64::max)
}

/// Something that goes up and down, so that last, average and highest differ.
fn value(minute: i64) -> f64 {
    (minute * 37 % 23) as f64
}

fn what_is_installed_keeps_every_minute_and_makes_good_coarse_points() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    let options = Options {
        storage: Some(appliance.path("opt/graphite/conf")),
        ..Options::default()
    };
    let carbon = carbon_with(options);
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("the time")
        .as_secs() as i64;
    let start = now / 3600 * 3600 - 60 * MINUTES;
    let guest = "freebox.ultra.lan.host.nas_0010.rx_rate";
    let mut lines = String::new();
    for minute in 0..MINUTES {
        for path in COARSE.iter().map(|(path, _)| *path).chain([guest]) {
            lines += &format!("{path} {} {}\n", value(minute), start + 60 * minute);
        }
    }
    let relay = ("127.0.0.1", carbon.relay_port());
    let mut stream = std::net::TcpStream::connect(relay).expect("the relay");
    std::io::Write::write_all(&mut stream, lines.as_bytes()).expect("lines");
    drop(stream);
    let all: Vec<(i64, f64)> = (0..MINUTES)
        .map(|it| (start + 60 * it, value(it)))
        .collect();
    for path in COARSE.iter().map(|(path, _)| *path).chain([guest]) {
        let until = Instant::now() + Duration::from_secs(20);
        while carbon.points(path) != all && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(carbon.points(path), all, "{path}");
    }
    let values: Vec<f64> = all.iter().map(|(_, value)| *value).collect();
    for (path, made) in COARSE {
        for (archive, points) in [(1, 10), (2, 60)] {
            let expected: Vec<f64> = values.chunks(points).map(made).collect();
            let stored: Vec<f64> = carbon
                .archive(path, archive)
                .iter()
                .map(|it| it.1)
                .collect();
            assert!(
                close(&stored, &expected),
                "{path}: {stored:?}, not {expected:?}"
            );
        }
    }
    // Guests have 15 minutes next.
    assert_eq!(carbon.archive(guest, 1).len(), 4);
}

fn close(some: &[f64], others: &[f64]) -> bool {
    let pairs = || some.iter().zip(others);
    some.len() == others.len() && pairs().all(|(one, other)| (one - other).abs() < 1e-9)
}

/// What somebody does on an appliance, and a minute of the cron daemon. Its clock stands two
/// seconds before the minute.
const EVENING: &str = r#"
mkdir -p /opt/graphite/conf /var/lib/grafana/dashboards/Miscellaneous
printf '[anything_else]\npattern = .*\nretentions = 5m:24h\n' >/opt/graphite/conf/storage-schemas.conf
printf '[x]\npattern = x\nxFilesFactor = 0\naggregationMethod = sum\n' >/opt/graphite/conf/storage-aggregation.conf
# Somebody has tried it as root before, as an earlier page said.
mkdir -p -m 700 /var/lib/freebox-monitor/x /etc/freebox-monitor
sh "$PROJECT/sexigraf/install.sh" --binary "$PROGRAM" >/tmp/installed
as="runuser -u freebox-monitor -- freebox-monitor"
$as --register -e "http://localhost:$BOX" -c /etc/freebox-monitor/credentials.json 2>/tmp/registered
$as --check --carbon "$CARBON" >/tmp/checked
sed -i "s/--carbon localhost/--carbon $CARBON/" /etc/cron.d/freebox-monitor
printf '#!/bin/sh\ncat >>/tmp/mail\n' >/usr/sbin/sendmail
chmod 755 /usr/sbin/sendmail
python3 -c '
import socket
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
while True:
    with open("/tmp/syslog", "ab") as file:
        file.write(log.recv(8192) + b"\n")
' &
chmod 1777 /tmp
second=$(date +%S)
faketime -f "$(printf '%+ds' $((58 - ${second#0})))" cron -f &
for tenth in $(seq 200); do
    # Confirmed once.
    spool=$(echo /var/lib/freebox-monitor/*/spool/*/*.1-*.lines)
    [ -f "$spool" ] && break
    sleep 0.1
done
stat -c '%U %a' "$spool" /etc/freebox-monitor/credentials.json /etc/freebox-monitor /var/lib/freebox-monitor
cat /tmp/mail 2>/dev/null || true
# Cron itself says what it starts; of the program there is nothing to be said.
grep ' CRON\[.* CMD (freebox-monitor ' /tmp/syslog >/dev/null
grep -v ' CRON\[' /tmp/syslog || true
sh "$PROJECT/sexigraf/uninstall.sh" --purge >/tmp/gone
id freebox-monitor 2>/dev/null || echo nobody is left
"#;

fn installed_registered_and_run_by_cron_as_its_user() {
    let at = SimulatedFreebox::start(simulated_freebox::Options {
        https: None,
        registration: Outcome::Granted { after_polls: 1 },
        ..simulated_freebox::Options::default()
    });
    let carbon = Sink::start();
    let set = format!(
        "PROJECT='{}' PROGRAM='{PROGRAM}' BOX={} CARBON={}\n",
        project_file("").display(),
        at.http_port(),
        carbon.address()
    );
    let output = overlay::enter(&(set + EVENING));
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    assert_eq!(
        said,
        "freebox-monitor 600\nfreebox-monitor 600\nfreebox-monitor 700\nfreebox-monitor 700\n\
         nobody is left\n",
        "{error}"
    );
    let texts = carbon.take();
    let lines: String = texts.concat();
    assert!(lines.contains(".exec.up 1 "), "{lines}");
    assert!(lines.lines().count() > 100, "{lines}");
}
