//! The archive that is handed out, on a Debian 11: what `contrib/release` has made is unpacked and
//! used in a tree of that system, whose glibc is the appliance's (2.31).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use libtest_mimic::Trial;

use crate::monitor::project_file;
use crate::receiver::Sink;
use crate::simulated_freebox::{Options, Outcome, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![the_archive_works_on_an_old_debian]
}

/// The folder that Cargo builds in.
pub(crate) fn target() -> &'static Path {
    let binaries = Path::new(env!("CARGO_BIN_EXE_freebox-monitor")).parent();
    binaries.and_then(Path::parent).expect("a target folder")
}

/// What `contrib/release` has made by this name.
pub(crate) fn handed_out(name: &str) -> Option<PathBuf> {
    let path = target().join("dist").join(name);
    path.is_file().then_some(path)
}

/// The archive, if it was made.
pub(crate) fn archive() -> Option<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    handed_out(&format!("freebox-monitor-{version}-x86_64-linux.tar.gz"))
}

/// Why the archive cannot be tried, if that is so.
pub(crate) fn is_there() -> Result<(), String> {
    if archive().is_none() {
        return Err("contrib/release has not made an archive".to_owned());
    }
    debian().as_ref().map(drop).map_err(Clone::clone)
}

/// A tree of Debian 11, made once.
pub(crate) fn debian() -> &'static Result<PathBuf, String> {
    static DEBIAN: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    DEBIAN.get_or_init(|| {
        let tree = target().join("debian-11");
        if tree.join("usr/bin/ldd").exists() {
            return Ok(tree);
        }
        let fresh = target().join(format!("debian-11-{}", std::process::id()));
        let mut command = Command::new("debootstrap");
        command.args(["--variant=minbase", "bullseye"]).arg(&fresh);
        command.stdin(Stdio::null());
        let made = command
            .output()
            .map_err(|it| format!("debootstrap: {it}"))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stdout);
            let last = said.lines().last().unwrap_or_default();
            return Err(format!("debootstrap (only root can): {last}"));
        }
        std::fs::rename(&fresh, &tree).map_err(|it| it.to_string())?;
        Ok(tree)
    })
}

/// Unpacks the archive on Debian 11 and does what its user would.
const EVENING: &str = r#"
set -e
mount -t tmpfs none "$TREE/mnt"
mount -t proc proc "$TREE/proc"
tar -xzf "$ARCHIVE" -C "$TREE/mnt"
cp "$RECORDING" "$TREE/mnt/recording.json"
exec chroot "$TREE" env BOX="$BOX" CARBON="$CARBON" HOME=/mnt PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -e -c '
cd /mnt/freebox-monitor-*
sha256sum --check --quiet SHA256SUMS
./freebox-monitor --version
ldd --version | head -n 1
./freebox-monitor --all --replay /mnt/recording.json | wc -l
./freebox-monitor --register -c /mnt/credentials.json -e "http://127.0.0.1:$BOX" 2>/dev/null
./freebox-monitor -c /mnt/credentials.json --all --carbon "$CARBON" 2>/dev/null
sh sexigraf/install.sh --help | head -n 1
echo completions/* man/*
sed -n "s/^\(option-ext\|ring\|rustls\|ureq\) .*/\1/p" THIRD-PARTY.txt | sort -u | xargs
'
"#;

fn the_archive_works_on_an_old_debian() {
    let at = SimulatedFreebox::start(Options {
        https: None,
        registration: Outcome::Granted { after_polls: 1 },
        ..Options::default()
    });
    let carbon = Sink::start();
    let recording = project_file("tests/boxes/revolution-xdsl.json");
    let tree = debian().as_ref().expect("left out otherwise");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", EVENING]);
    command.env("TREE", tree);
    command.env("ARCHIVE", archive().expect("left out otherwise"));
    command.env("RECORDING", recording);
    command.env("BOX", at.http_port().to_string());
    command.env("CARBON", carbon.address());
    let output = command.stdin(Stdio::null()).output().expect("unshare");
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    let lines: Vec<&str> = said.lines().collect();
    let [version, glibc, count, usage, for_shells, libraries] = lines[..] else {
        panic!("{said}{error}");
    };
    let expected = format!("freebox-monitor {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(version, expected);
    assert!(glibc.contains(" 2.31"), "{glibc}");
    assert!(count.parse::<u32>().is_ok_and(|it| it > 200), "{count}");
    assert!(usage.starts_with("Usage: install.sh"), "{usage}");
    let expected = "completions/_freebox-monitor completions/freebox-monitor.bash \
                    completions/freebox-monitor.fish man/freebox-monitor.1";
    assert_eq!(for_shells, expected);
    assert_eq!(libraries, "option-ext ring rustls ureq");
    let texts = carbon.take().concat();
    assert!(texts.contains(".exec.up 1 "), "{texts}");
}
