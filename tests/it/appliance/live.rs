//! Installations on a whole machine, with its users and its cron daemon.

use std::path::Path;

use libtest_mimic::Trial;

use crate::appliance::upgrade::early_crontab;
use crate::hour;
use crate::monitor::{PROGRAM, project_file};
use crate::overlay;
use crate::receiver::Sink;
use crate::simulated_freebox;
use crate::simulated_freebox::{Outcome, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_group_that_was_there_is_used_and_a_user_that_was_there_stays,
        uninstalling_waits_for_a_run_to_end,
        roots_own_runs_end_before_the_folders_are_handed_over,
        what_is_interrupted_while_it_waits_for_carbon_says_so,
        root_does_not_write_where_the_service_user_leads_it,
        a_dry_run_is_for_root_as_well,
        a_state_folder_that_is_a_link_is_the_users_and_stays,
    ]
}

pub(crate) fn trials_with_whisper() -> Vec<Trial> {
    trials![files_are_resized_as_the_page_says_and_stay_carbons]
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
grep '^✓ history' /tmp/checked
$as --all --carbon "$CARBON" --backfill 1d --dry-run 2>&1 >/tmp/day | sed -n 's/^[0-9][0-9]* points/points/p'
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
        said.replace(&carbon.address(), "CARBON"),
        "✓ history: the box remembers the line; gaps are filled\n\
         points of the past for carbon at CARBON; nothing sent, nothing written\n\
         freebox-monitor 600\nfreebox-monitor 600\nfreebox-monitor 700\nfreebox-monitor 700\n\
         nobody is left\n",
        "{error}"
    );
    let texts = carbon.take();
    let lines: String = texts.concat();
    assert!(lines.contains(".exec.up 1 "), "{lines}");
    assert!(lines.lines().count() > 100, "{lines}");
}

/// An appliance in a few words, and the scripts.
const APPLIANCE: &str = r#"
mkdir -p /opt/graphite/conf /var/lib/grafana/dashboards/Miscellaneous
conf=/opt/graphite/conf
printf '[anything_else]\npattern = .*\nretentions = 5m:24h\n' >$conf/storage-schemas.conf
printf '[x]\npattern = x\nxFilesFactor = 0\naggregationMethod = sum\n' >$conf/storage-aggregation.conf
cp "$PROGRAM" /tmp/program
cp -R "$PROJECT/sexigraf" /tmp/sexigraf
install="sh /tmp/sexigraf/install.sh --binary /tmp/program"
uninstall="sh /tmp/sexigraf/uninstall.sh"
until_so() {
    for tenth in $(seq 300); do
        if "$@"; then return; fi
        sleep 0.1
    done
    return 1
}
"#;

/// Runs a script on an appliance, and says what it printed.
#[track_caller]
fn evening(script: &str) -> String {
    evening_with(script, &[])
}

#[track_caller]
fn evening_with(script: &str, folders: &[&Path]) -> String {
    let project = project_file("");
    let set = format!("PROJECT='{}' PROGRAM='{PROGRAM}'\n", project.display());
    let output = overlay::enter_with(&(set + APPLIANCE + script), folders);
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    assert_eq!(error, "", "{said}");
    said.into_owned()
}

/// And where PATH has no sbin.
fn a_group_that_was_there_is_used_and_a_user_that_was_there_stays() {
    let said = evening(
        "groupadd --gid 4711 freebox-monitor
        PATH=/usr/local/bin:/usr/bin:/bin
        $install >/tmp/said
        id -g freebox-monitor
        $uninstall --purge | grep user || true
        id freebox-monitor 2>/dev/null || echo gone
        /usr/sbin/useradd --system freebox-monitor
        $install >/tmp/said
        $uninstall --purge | grep user
        id -un freebox-monitor",
    );
    let expected = "4711\ngone\n\
                    the user freebox-monitor was not made by install.sh and stays\n\
                    freebox-monitor\n";
    assert_eq!(said, expected);
}

fn uninstalling_waits_for_a_run_to_end() {
    let said = evening(
        "$install >/tmp/installed
        mkfifo -m 666 /tmp/end
        runuser -u freebox-monitor -- cat /tmp/end &
        until_so pgrep -u freebox-monitor >/tmp/run
        $uninstall --purge >/tmp/said 2>&1 &
        uninstalling=$!
        until_so grep -q waiting /tmp/said
        test ! -e /etc/cron.d/freebox-monitor
        test -d /var/lib/freebox-monitor
        : >/tmp/end
        wait $uninstalling
        cat /tmp/said
        id freebox-monitor 2>/dev/null || echo nobody is left",
    );
    let expected = "waiting up to 45 seconds for a run to end\n\
                    freebox-monitor is gone. \
                    What it has measured is still in Graphite, below freebox.\n\
                    nobody is left\n";
    assert_eq!(said, expected);
}

/// As an earlier page had cron start them.
fn roots_own_runs_end_before_the_folders_are_handed_over() {
    let crontab = format!(
        "cat >/etc/cron.d/freebox-monitor <<'END'\n{}END\n",
        early_crontab("")
    );
    let said = evening(
        &(crontab
            + "cp /bin/cat /tmp/freebox-monitor
        mkfifo /tmp/end
        mkdir -p /var/lib/freebox-monitor
        /tmp/freebox-monitor /tmp/end &
        until_so pgrep -x freebox-monitor >/tmp/run
        $install >/tmp/said 2>&1 &
        installing=$!
        until_so grep -q waiting /tmp/said
        test ! -e /etc/cron.d/freebox-monitor
        mkdir /var/lib/freebox-monitor/spool
        : >/tmp/end
        wait $installing
        head -n 1 /tmp/said
        stat -c %U /var/lib/freebox-monitor/spool
        grep -c ' freebox-monitor freebox-monitor ' /etc/cron.d/freebox-monitor"),
    );
    let expected = "waiting up to 45 seconds for a run to end\nfreebox-monitor\n1\n";
    assert_eq!(said, expected);
}

/// What only bears carbon's name is not waited for.
fn what_is_interrupted_while_it_waits_for_carbon_says_so() {
    let said = evening(
        "schemas=$conf/storage-schemas.conf
        cron=/etc/cron.d/freebox-monitor
        mkdir -p /opt/graphite/bin
        cat >/opt/graphite/bin/carbon-cache.py <<END
import time
open('/tmp/carbon', 'w').close()
time.sleep(600)
END
        tail -f /opt/graphite/bin/carbon-cache.py >/tmp/tail &
        $install | grep -c waiting || true
        $uninstall --purge >/tmp/said
        python3 /opt/graphite/bin/carbon-cache.py --instance=a start &
        until_so test -e /tmp/carbon
        $install >/tmp/said 2>&1 &
        installing=$!
        until_so grep -q waiting /tmp/said
        kill -TERM $installing
        wait $installing || echo $?
        cat /tmp/said
        test ! -e $cron
        touch -d '70 seconds ago' $schemas
        $install | grep -c waiting || true
        test -e $cron",
    );
    let expected = "0\n130\n\
                    waiting up to a minute, until carbon has read its new schemas\n\
                    not finished; run it again\n0\n";
    assert_eq!(said, expected);
}

/// Its template is a link to a file that the manifest tells of, so that it would be replaced.
fn root_does_not_write_where_the_service_user_leads_it() {
    let said = evening(
        "$install >/tmp/said
        template=/etc/freebox-monitor/template
        manifest=/usr/local/lib/freebox-monitor/installed.sha256
        echo precious >/etc/precious
        echo \"$(sha256sum </etc/precious | cut -c 1-64)  $template\" >>$manifest
        runuser -u freebox-monitor -- ln -sf /etc/precious $template
        $install >/tmp/said 2>&1 || tail -n 2 /tmp/said
        cat /etc/precious
        stat -c %U $manifest ${manifest%/*}
        runuser -u freebox-monitor -- rm $template
        $install >/tmp/said
        test -f $template
        stat -c %U $template",
    );
    let expected = "install.sh: freebox-monitor cannot write /etc/precious\n\
                    not finished; run it again\n\
                    precious\nroot\nroot\nfreebox-monitor\n";
    assert_eq!(said, expected);
}

fn a_dry_run_is_for_root_as_well() {
    let said = evening(
        "for script in install uninstall; do
            runuser -u nobody -- sh /tmp/sexigraf/$script.sh --dry-run 2>&1 || true
        done
        $install --dry-run | tail -n 1
        test ! -e /etc/freebox-monitor",
    );
    let refused = |name: &str| {
        format!(
            "{name}: this has to be run as root (sudo sh /tmp/sexigraf/{name}), \
             or with --root DIR to rehearse\n"
        )
    };
    let last = "Nothing was changed. Without --dry-run this would be done.\n";
    let expected = refused("install.sh") + &refused("uninstall.sh") + last;
    assert_eq!(said, expected);
}

fn a_state_folder_that_is_a_link_is_the_users_and_stays() {
    let said = evening(
        "mkdir -p /srv/state/ultra
        ln -s /srv/state /var/lib/freebox-monitor
        $install >/tmp/said
        stat -c '%U %a' /srv/state /srv/state/ultra
        $uninstall
        test -d /srv/state/ultra
        test ! -L /var/lib/freebox-monitor",
    );
    let expected = "freebox-monitor 700\nfreebox-monitor 755\n\
                    /var/lib/freebox-monitor is a link; what is in /srv/state stays\n\
                    freebox-monitor is gone. \
                    What it has measured is still in Graphite, below freebox.\n";
    assert_eq!(said, expected);
}

/// The commands of the page that have this word in them, with the lines around.
fn commands_of_the_page(word: &str) -> String {
    let page = std::fs::read_to_string(project_file("sexigraf/README.md")).expect("the page");
    let is_command = |part: &&str| part.starts_with("    ") && part.contains(word);
    let commands: Vec<&str> = page.split("\n\n").filter(is_command).collect();
    let [commands] = commands[..] else {
        panic!("not one place: {commands:?}");
    };
    commands.to_owned()
}

fn files_are_resized_as_the_page_says_and_stay_carbons() {
    let python = crate::whole_way::python()
        .as_ref()
        .expect("left out otherwise");
    let resize = python.bin("whisper-resize.py");
    let bin = resize.parent().expect("a folder");
    let all = bin.parent().expect("a folder");
    let set = format!("PATH='{}':$PATH\n", bin.display());
    let before = r#"
# Where Python may be.
chmod o+x /root
useradd --system carbon
mkdir -p /mnt/wfs/whisper/freebox/ultra/lan/host/nas /mnt/wfs/whisper/freebox/ultra/system
chown -R carbon: /mnt/wfs
cd /mnt/wfs/whisper/freebox/ultra
runuser -u carbon -- whisper-create.py --xFilesFactor=0.5 --aggregationMethod=last lan/host/nas/rx_rate.wsp 5m:24h >/tmp/said
runuser -u carbon -- whisper-create.py --xFilesFactor=0.5 --aggregationMethod=last system/uptime.wsp 5m:24h >/tmp/said
exec 3>&1 >/tmp/said
"#;
    let after = r#"
exec >&3
cd /mnt/wfs/whisper/freebox/ultra
find . -type f | sort | xargs stat -c '%n %U'
for file in lan/host/nas/rx_rate.wsp system/uptime.wsp; do
    for field in xFilesFactor aggregationMethod; do whisper-info.py $file $field; done
    whisper-info.py $file | grep -e secondsPerPoint -e retention:
done
"#;
    let commands = commands_of_the_page("whisper-resize.py");
    let said = evening_with(&(set + before + &commands + after), &[all]);
    let archive = |step: u32, days: u32| {
        let retention = days * 86400;
        format!("secondsPerPoint: {step}\nretention: {retention}\n")
    };
    let expected = [
        "./lan/host/nas/rx_rate.wsp carbon\n./system/uptime.wsp carbon\n".to_owned(),
        "0.0\nlast\n".to_owned() + &archive(60, 2) + &archive(900, 60) + &archive(7200, 365),
        "0.0\nlast\n".to_owned() + &archive(60, 8) + &archive(600, 60) + &archive(3600, 730),
    ];
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&said), lines(&expected.concat()), "{said}");
}
