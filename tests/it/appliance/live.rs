//! Installations on a whole machine, with its users and its cron daemon.

use std::path::Path;

use libtest_mimic::Trial;

use crate::hour;
use crate::monitor::{PROGRAM, project_file};
use crate::overlay;
use crate::receiver::Sink;
use crate::simulated_freebox;
use crate::simulated_freebox::{Outcome, SimulatedFreebox};
use crate::trials;

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
