//! What the pages tell one to type, typed: on this machine under another surface, with a network of
//! its own in which a Freebox and a carbon answer where the pages say that they do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::monitor::{APP_TOKEN, PROGRAM, project_file};
use crate::overlay;
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![each_command_of_each_page_is_tried_somewhere]
}

/// One for each page.
pub(crate) fn trials_of_pages() -> Vec<Trial> {
    let trial = |(page, first): (&'static str, &'static str)| {
        let name = format!("commands::{page}");
        Trial::test(name, move || {
            type_those_of(page, first);
            Ok(())
        })
    };
    FIRST.map(trial).into()
}

/// Those that need nothing but the surface.
pub(crate) fn trials_without_a_network() -> Vec<Trial> {
    trials![a_name_that_nobody_knows_is_told_with_what_helps]
}

fn a_name_that_nobody_knows_is_told_with_what_helps() {
    let script = format!(
        "HOME=/root '{PROGRAM}' --register -c /tmp/new.json 2>&1 || echo $?\n\
         cd '{}' && '{PROGRAM}' --replay tests/boxes/ultra.json --carbon graphite.example 2>&1 || echo $?\n",
        project_file("").display()
    );
    let output = overlay::enter_alone(&script);
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    let [register, four, carbon, five] = lines[..] else {
        panic!("{said}{}", String::from_utf8_lossy(&output.stderr));
    };
    assert_eq!((four, five), ("4", "5"), "{said}");
    assert!(register.contains("the name is not known: "), "{register}");
    let hint = "; --endpoint names the box (usually 192.168.1.254)";
    assert!(register.ends_with(hint), "{register}");
    let words = "carbon at graphite.example:2003: the name is not known: ";
    assert!(carbon.contains(words), "{carbon}");
}

/// Why nothing can be typed, if that is so.
pub(crate) fn can_be_typed() -> Result<(), String> {
    overlay::is_there()?;
    simulated().exists().then_some(()).ok_or_else(|| {
        "the simulated Freebox was not built (cargo build --example simulated-freebox)".to_owned()
    })
}

fn simulated() -> PathBuf {
    let folder = Path::new(PROGRAM).parent().expect("a folder");
    folder.join("examples/simulated-freebox")
}

/// Pages whose commands are tried by others.
const PAGES_ELSEWHERE: [(&str, &str); 5] = [
    ("contrib/docker/README.md", "docker::"),
    ("contrib/demo/README.md", "demo::"),
    ("contrib/architecture.md", "by hand, before a release"),
    ("contrib/bench/README.md", "by hand, before a release"),
    ("contrib/fuzz/README.md", "by hand, before a release"),
];

/// How commands begin that are not typed here, and where they are tried.
const ELSEWHERE: [(&str, &str); 18] = [
    ("cargo ", "by hand, before a release"),
    ("sha256sum --check", "archive::"),
    ("tar -xzf freebox-monitor-VERSION", "archive::"),
    ("cd freebox-monitor-VERSION", "archive::"),
    ("sexigraf/install.sh", "archive:: and appliance::"),
    ("sh /usr/local/lib/freebox-monitor/", "appliance::"),
    ("diff /etc/cron.d/", "appliance::upgrade::"),
    ("cd /mnt/wfs", "appliance::live::"),
    ("guests=", "appliance::live::"),
    ("runuser -u carbon", "appliance::live::"),
    (
        "* * * * * freebox-monitor freebox-monitor --all --carbon localhost --verify",
        "hour::",
    ),
    ("apt install ", "package::"),
    ("nano ", "an editor"),
    ("sudo nano ", "an editor"),
    ("systemctl ", "by hand, on a Debian"),
    ("sudo systemctl ", "by hand, on a Debian"),
    ("sudo install -m 644 contrib/telegraf/", "telegraf::"),
    (
        "freebox-monitor --all -f influxdb --backfill 30d | curl",
        "backfill::",
    ),
];

/// A network in which there is nothing but a Freebox at its usual address, another one (`ADDRESS` in
/// the pages), and a carbon; and the program where the pages have it.
const SETUP: &str = r#"
printf '127.0.0.1 localhost mafreebox.freebox.fr graphite.example\n' >/etc/hosts
options="--no-https --register granted:1"
for permission in calls downloader home player profile pvr vm; do
    options="$options --grant $permission"
done
"$SIMULATED" --household ultra --http-port 80 $options --app "fr.freebox.seximonitor:$TOKEN" >/tmp/box 2>&1 &
"$SIMULATED" --household revolution --http-port 8080 $options >/tmp/other 2>&1 &
cat >/tmp/network.py <<'END'
import fcntl, os, socket, struct, sys, time
# The loopback interface is up from here on (SIOCSIFFLAGS, IFF_UP | IFF_RUNNING).
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
    fcntl.ioctl(any, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
carbon = socket.create_server(("127.0.0.1", 2003))
deadline = time.monotonic() + 30
for port in [80, 8080]:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"nothing answers at port {port}")
            time.sleep(0.05)
if os.fork() == 0:
    os.setsid()
    while True:
        peer, _ = carbon.accept()
        with peer, open("/tmp/carbon", "ab") as lines:
            while part := peer.recv(65536):
                lines.write(part)
END
python3 /tmp/network.py </dev/null >/dev/null
for user in freebox-monitor telegraf alice; do
    id "$user" >/dev/null 2>&1 || useradd --create-home "$user"
done
export HOME=/root
mkdir -p /etc/freebox-monitor /etc/telegraf /var/lib/freebox-monitor /usr/local/py \
    /var/lib/prometheus/node-exporter /tmp/here
chown freebox-monitor: /etc/freebox-monitor /var/lib/freebox-monitor
rm -f /usr/local/bin/freebox-monitor
install -m 755 "$PROGRAM" /usr/local/bin/freebox-monitor
printf '#!/bin/sh\ncat >>/tmp/syslog\n' >/usr/bin/logger
printf '#!/bin/sh\n[ "$1" = -u ] || exec "$@"\nuser=$2; shift 2\nexec runuser -u "$user" -- "$@"\n' >/usr/bin/sudo
chmod 755 /usr/bin/logger /usr/bin/sudo
chmod 1777 /tmp
cd /tmp/here
mkdir -p target/release
cp "$PROGRAM" target/release/
ln -s "$PROJECT/tests" "$PROJECT/contrib" .
# What is typed, whether it succeeds, and for cron also whether it is silent.
typed() {
    words=$1
    shift
    code=0
    "$@" >/tmp/stdout 2>/tmp/stderr || code=$?
    if [ "$code" != 0 ]; then
        printf '%s: %s\n' "$code" "$words"
        tail -n 3 /tmp/stderr
    fi
}
mailed() {
    typed "$@"
    cat /tmp/stdout /tmp/stderr
    cat /tmp/syslog 2>/dev/null && rm /tmp/syslog || true
}
printed() {
    typed "$@"
    [ -s /tmp/stdout ] || printf 'nothing: %s\n' "$1"
}
"#;

/// What is there before the first command of a page, besides [`SETUP`].
const FIRST: [(&str, &str); 9] = [
    ("README.md", ""),
    ("LISEZMOI.md", ""),
    ("contrib/installation.md", ""),
    ("contrib/template.md", REGISTERED),
    ("contrib/troubleshooting.md", REGISTERED),
    ("contrib/security.md", BY_ALICE),
    ("contrib/migrating.md", OF_THE_SCRIPT),
    ("contrib/telegraf/README.md", ""),
    ("sexigraf/README.md", INSTALLED),
];
const REGISTERED: &str = "freebox-monitor --register 2>/dev/null\n";
/// Somebody has used it, and there is no user for it yet.
const BY_ALICE: &str = "
runuser -l alice -c 'freebox-monitor --register && freebox-monitor --carbon localhost' 2>/dev/null
userdel --remove freebox-monitor 2>/dev/null
rm -r /etc/freebox-monitor /var/lib/freebox-monitor
";
const INSTALLED: &str = r#"
install -m 644 "$PROJECT/src/template/sexigraf.template" /etc/freebox-monitor/template
"#;
const OF_THE_SCRIPT: &str = r#"
printf '[general]\ntrack_id = 7\napp_token = %s\n' "$TOKEN" >/usr/local/py/.credentials
chgrp telegraf /usr/local/py/.credentials
chmod 640 /usr/local/py/.credentials
"#;

/// Every page that tells one to type something.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned(), "LISEZMOI.md".to_owned()];
    let mut folders = vec![PathBuf::from("contrib"), PathBuf::from("sexigraf")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(project_file(folder.to_str().expect("UTF-8"))).expect("a folder")
        {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            if entry.file_type().expect("a type").is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                pages.push(path.to_str().expect("UTF-8").to_owned());
            }
        }
    }
    pages
}

/// What a page tells one to type: the lines that are set off by blanks.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(project_file(page)).expect(page);
    let mut commands = Vec::new();
    let (mut is_block, mut is_fenced, mut after_blank) = (false, false, true);
    for line in text.lines() {
        is_fenced ^= line.trim_start().starts_with("```");
        is_block = line.starts_with("    ") && !is_fenced && (is_block || after_blank);
        if is_block {
            commands.push(line.trim().to_owned());
        }
        after_blank = line.trim().is_empty();
    }
    commands
}

fn is_elsewhere(command: &str) -> bool {
    ELSEWHERE
        .iter()
        .any(|(begin, _)| command.starts_with(begin))
}

fn each_command_of_each_page_is_tried_somewhere() {
    let mut used = BTreeSet::new();
    for page in pages() {
        let is_tried = |(name, _): &(&str, &str)| *name == page;
        let all = commands(&page);
        if all.is_empty() || PAGES_ELSEWHERE.iter().any(is_tried) {
            continue;
        }
        let is_typed = FIRST.iter().any(is_tried);
        assert!(
            is_typed || all.iter().all(|it| is_elsewhere(it)),
            "{page}: {all:?}"
        );
        used.extend(all.into_iter().filter(|it| is_elsewhere(it)));
    }
    for (begin, _) in ELSEWHERE {
        assert!(used.iter().any(|it| it.starts_with(begin)), "{begin}");
    }
}

/// How a shell is told to type a line as whoever reads it would: cron and Telegraf too, with what they
/// have around them.
fn typed(line: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let line = line
        .replace("USER", "root")
        .replace("ADDRESS", "http://localhost:8080");
    // A percent sign would end the command for cron.
    assert!(!(line.starts_with("* ") && line.contains('%')), "{line}");
    let of_telegraf = line
        .strip_prefix("commands = [\"")
        .and_then(|it| it.strip_suffix("\"]"))
        .or_else(|| line.strip_prefix("command = \"")?.strip_suffix('"'));
    let (how, command) = if let Some(command) = of_telegraf {
        (
            "printed WORDS runuser -u telegraf -- env -i PATH=/usr/bin:/bin sh -c",
            command,
        )
    } else if let Some(command) = line.strip_prefix("* * * * * freebox-monitor ") {
        let how = "mailed WORDS runuser -u freebox-monitor -- \
                   env -i PATH=/usr/local/bin:/usr/bin:/bin sh -c";
        (how, command)
    } else if let Some(command) = line.strip_prefix("* * * * * ") {
        (
            "mailed WORDS env -i HOME=/root LOGNAME=root PATH=/usr/bin:/bin sh -c",
            command,
        )
    } else if line.starts_with("rm ") {
        ("typed WORDS runuser -l alice -c", line.as_str())
    } else {
        ("typed WORDS sh -c", line.as_str())
    };
    format!(
        "{} {}\n",
        how.replace("WORDS", &quoted(&line)),
        quoted(command)
    )
}

/// Types the commands of a page, in their order, and holds that there is nothing to be said of any.
#[track_caller]
fn type_those_of(page: &str, first: &str) {
    let mut script = format!(
        "export PROGRAM='{PROGRAM}' SIMULATED='{}' PROJECT='{}' TOKEN='{APP_TOKEN}'\n{SETUP}{first}",
        simulated().display(),
        project_file("").display(),
    );
    let commands = commands(page);
    let here: Vec<&String> = commands.iter().filter(|it| !is_elsewhere(it)).collect();
    assert!(!here.is_empty());
    for line in &here {
        // The second box is for those who have one: what comes behind it is for one box.
        if line.contains("ADDRESS") {
            script += "cp -p /etc/freebox-monitor/credentials.json /tmp/one\n";
        }
        script += &typed(line);
        if line.contains("--name pop --carbon") {
            script += "cp -p /tmp/one /etc/freebox-monitor/credentials.json\n";
        }
    }
    let delivers = |line: &str| line.contains("--carbon") && !line.contains("--check");
    if here.iter().any(|it| delivers(it)) {
        script += "[ -s /tmp/carbon ] || echo 'carbon has got nothing'\n";
    }
    let output = overlay::enter_alone(&script);
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    assert_eq!(said, "", "{error}");
}
