//! An appliance that exists as files only, for the installer to rehearse in.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::monitor::{PROGRAM, project_file};

/// Schemas as the appliance has them, in its order; `[veeam]` is one that whisper refuses.
pub(crate) const SCHEMAS: &str = "\
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
pub(crate) const AGGREGATION: &str = "\
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
pub(crate) struct Appliance {
    pub(crate) root: TempDir,
    program: TempDir,
}

/// A file or folder: its mode, its owner and group, its content.
pub(crate) type Entry = (u32, u32, u32, Option<Vec<u8>>);

impl Appliance {
    pub(crate) fn new() -> Self {
        let appliance = Appliance {
            root: tempfile::tempdir().expect("a folder"),
            program: tempfile::tempdir().expect("a folder"),
        };
        let stand_in = format!("#!/bin/sh\nexec '{PROGRAM}' \"$@\"\n");
        fs::write(appliance.program(), stand_in).expect("a program");
        fs::set_permissions(appliance.program(), fs::Permissions::from_mode(0o755))
            .expect("its mode");
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
        fs::create_dir_all(appliance.path("usr/local/lib")).expect("a folder");
        appliance
    }

    /// What is installed: it calls the real one, which takes a second to be read for its sum.
    pub(crate) fn program(&self) -> PathBuf {
        self.program.path().join("freebox-monitor")
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).expect(below)
    }

    pub(crate) fn write(&self, below: &str, content: &str) {
        fs::write(self.path(below), content).expect(below);
    }

    /// Everything there is.
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, Entry> {
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

    /// Runs a script of the project.
    pub(crate) fn script(&self, name: &str, arguments: &[&str]) -> Output {
        self.command(&project_file("sexigraf"), name, arguments)
            .output()
            .expect("sh")
    }

    /// A script of this folder, about this tree.
    pub(crate) fn command(&self, folder: &Path, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.arg(folder.join(name));
        command.arg("--root").arg(self.root.path());
        if name == "install.sh" {
            command.arg("--binary").arg(self.program());
        }
        command.args(arguments);
        command
    }

    #[track_caller]
    pub(crate) fn install(&self, arguments: &[&str]) -> String {
        words(&self.script("install.sh", arguments), true)
    }

    #[track_caller]
    pub(crate) fn uninstall(&self, arguments: &[&str]) -> String {
        words(&self.script("uninstall.sh", arguments), true)
    }

    /// Installs another release.
    #[track_caller]
    pub(crate) fn upgrade(&self, release: &Release) -> String {
        let mut command = self.command(release.folder.path(), "install.sh", &[]);
        words(&command.output().expect("sh"), true)
    }
}

/// The project's `sexigraf` as another release of it might be.
pub(crate) struct Release {
    pub(crate) folder: TempDir,
}

impl Release {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut copy = Command::new("cp");
        copy.arg("-R").arg(project_file("sexigraf").join("."));
        let copied = copy.arg(folder.path()).status().expect("cp");
        assert!(copied.success());
        Self { folder }
    }

    /// With another text in one of its files.
    pub(crate) fn with(self, file: &str, from: &str, to: &str) -> Self {
        let path = self.folder.path().join(file);
        let text = fs::read_to_string(&path).expect(file);
        assert!(text.contains(from), "{file}: {from}");
        fs::write(path, text.replace(from, to)).expect(file);
        self
    }
}

/// What a script said, in all, if it ended as it should.
#[track_caller]
pub(crate) fn words(output: &Output, success: bool) -> String {
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
pub(crate) fn same(
    before: &BTreeMap<PathBuf, Entry>,
    after: &BTreeMap<PathBuf, Entry>,
    root: &Path,
) {
    let paths = before.keys().chain(after.keys());
    let different = paths.filter(|path| before.get(*path) != after.get(*path));
    let different: Vec<_> = different.map(|it| it.strip_prefix(root)).collect();
    assert!(different.is_empty(), "{different:?}");
}
