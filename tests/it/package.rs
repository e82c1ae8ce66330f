//! The Debian package that is handed out, on an old Debian: installed, configured, used as its timer
//! and its line for cron would, upgraded over itself, purged.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use crate::archive::{debian, handed_out};
use crate::receiver::Sink;
use crate::simulated_freebox::{Options, Outcome, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![a_package_comes_and_goes_without_a_trace]
}

/// The package, if it was made.
fn package() -> Option<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    handed_out(&format!("freebox-monitor_{version}-1_amd64.deb"))
}

/// Why the package cannot be tried, if that is so.
pub(crate) fn is_there() -> Result<(), String> {
    if package().is_none() {
        return Err("contrib/release has not made a package".to_owned());
    }
    debian().as_ref().map(drop).map_err(Clone::clone)
}

/// Everything happens in a layer over the tree, and is gone afterwards.
const EVENING: &str = r#"
set -e
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/tree
mount -t overlay overlay -o "lowerdir=$TREE,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/tree
mount -t proc proc /mnt/tree/proc
cp "$DEB" /mnt/tree/tmp/package.deb
exec chroot /mnt/tree env -i BOX="$BOX" CARBON="$CARBON" PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -e -c '
list() {
    find / -xdev \( -path /proc -o -path /tmp -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/log \) -prune -o -print |
        grep -v "^/etc/\(passwd\|group\|shadow\|gshadow\|subuid\|subgid\)-$" | sort
}
install() { dpkg -i /tmp/package.deb >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }; }
list >/tmp/before
cat /etc/passwd /etc/group >/tmp/users
install
freebox-monitor --version
stat -c "%n %U %a" /etc/freebox-monitor /var/lib/freebox-monitor
as="runuser -u freebox-monitor --"
$as freebox-monitor --register -c /etc/freebox-monitor/credentials.json -e "http://127.0.0.1:$BOX" 2>/dev/null
# What the timer does, and the line for cron as soon as somebody takes the # away.
grep "^[^#]" /etc/cron.d/freebox-monitor | grep -v ^PATH= || echo nothing runs
sed -i "s/localhost/$CARBON/" /etc/default/freebox-monitor
sed -i "s/^#\*/*/; s/localhost/$CARBON/" /etc/cron.d/freebox-monitor
command=$(sed -n "s/^ExecStart=//p" /usr/lib/systemd/system/freebox-monitor.service)
$as sh -c ". /etc/default/freebox-monitor; $command" 2>/dev/null
line=$(sed -n "s/^\* \* \* \* \* freebox-monitor //p" /etc/cron.d/freebox-monitor)
$as sh -c "${line% 2>&1*}"
# An upgrade keeps what somebody has changed.
install
grep -c "$CARBON" /etc/default/freebox-monitor /etc/cron.d/freebox-monitor
$as freebox-monitor --register-status -c /etc/freebox-monitor/credentials.json 2>&1 | grep -o ": granted"
dpkg --purge freebox-monitor >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }
list >/tmp/after
diff /tmp/before /tmp/after
cat /etc/passwd /etc/group | diff /tmp/users -
echo no trace
'
"#;

fn a_package_comes_and_goes_without_a_trace() {
    let at = SimulatedFreebox::start(Options {
        https: None,
        registration: Outcome::Granted { after_polls: 1 },
        ..Options::default()
    });
    let carbon = Sink::start();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", EVENING]);
    command.env("TREE", debian().as_ref().expect("left out otherwise"));
    command.env("DEB", package().expect("left out otherwise"));
    command.env("BOX", at.http_port().to_string());
    command.env("CARBON", carbon.address());
    let output = command.stdin(Stdio::null()).output().expect("unshare");
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    let expected = format!(
        "freebox-monitor {}\n\
         /etc/freebox-monitor freebox-monitor 700\n\
         /var/lib/freebox-monitor freebox-monitor 700\n\
         nothing runs\n\
         /etc/default/freebox-monitor:1\n\
         /etc/cron.d/freebox-monitor:1\n\
         : granted\n\
         no trace\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(said, expected, "{error}");
    let runs = carbon.take();
    let ups = runs.concat().matches(".exec.up 1 ").count();
    assert_eq!(ups, 2, "{} texts", runs.len());
}
