//! Secrets appear nowhere, whatever happens and however much is asked to be said.

use libtest_mimic::Trial;
use serde_json::json;

use crate::monitor::{APP_ID, Monitor, Run};
use crate::session::healthy;
use crate::simulated_freebox::{Fault, Options, Outcome, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        nothing_secret_is_said_at_any_level,
        nothing_secret_is_said_while_registering,
        what_is_kept_is_for_the_owner_only,
    ]
}

#[track_caller]
fn is_clean(run: &Run, at: &SimulatedFreebox) {
    let secrets = at.secrets();
    assert!(secrets.len() >= 3, "the test knows what to look for");
    for secret in secrets {
        let escaped = secret.replace('/', "\\/");
        for text in [&run.stdout, &run.stderr] {
            assert!(
                !text.contains(&secret) && !text.contains(&escaped),
                "{secret}: {text}"
            );
        }
    }
}

fn levels() -> [Monitor; 3] {
    let with = |level| Monitor::new().with_variable("RUST_LOG", level);
    [
        with("trace"),
        with("ureq=trace,ureq_proto=trace,rustls=trace,trace"),
        Monitor::new().with(&["-d"]),
    ]
}

fn nothing_secret_is_said_at_any_level() {
    let faults = || {
        vec![
            None,
            Some(("connection/", Fault::Truncated)),
            Some(("login/session", Fault::TruncatedJson)),
            Some(("login/", Fault::WrongType)),
            Some(("connection/ftth", Fault::Drop)),
            Some(("", Fault::Html { status: 200 })),
        ]
    };
    for fault in faults() {
        for monitor in levels() {
            let at = healthy();
            let monitor = monitor.with(&["--ssl-ca-bundle-file", at.ca_file().to_str().unwrap()]);
            let known = crate::session::known_app();
            monitor.write_credentials(&json!({
                "app_id": APP_ID, "app_token": known.app_token,
                "endpoint": format!("https://localhost:{}", at.https_port()),
            }));
            // A log-in, a run with the cached session, one whose session is over, one revoked.
            let mut runs = vec![monitor.run(&[]), monitor.run(&[])];
            if let Some((prefix, fault)) = fault.clone() {
                at.fault(prefix, fault);
            }
            at.expire_sessions();
            runs.push(monitor.run(&["--timeout", "3"]));
            at.clear_faults();
            at.revoke(APP_ID);
            at.expire_sessions();
            runs.push(monitor.run(&[]));
            runs.push(monitor.run(&["--register-status"]));
            assert!(runs[0].stderr.contains("debug: "), "{}", runs[0].stderr);
            for run in &runs {
                is_clean(run, &at);
            }
        }
    }
}

fn nothing_secret_is_said_while_registering() {
    for outcome in [
        Outcome::Granted { after_polls: 1 },
        Outcome::Denied { after_polls: 1 },
    ] {
        for monitor in levels() {
            let at = SimulatedFreebox::start(Options {
                registration: outcome.clone(),
                ..Options::default()
            });
            let monitor = monitor.with(&["--ssl-ca-bundle-file", at.ca_file().to_str().unwrap()]);
            let endpoint = format!("localhost:{}", at.https_port());
            let run = monitor.run(&["--register", "--endpoint", &endpoint]);
            assert!(run.stderr.contains("debug: "), "{}", run.stderr);
            is_clean(&run, &at);
        }
    }
}

fn what_is_kept_is_for_the_owner_only() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    // Even a careless umask does not open what is written.
    let command = monitor.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "umask 000; exec \"$@\"", "sh"])
        .arg(command.get_program());
    shell
        .args(command.get_args())
        .env_clear()
        .env("HOME", monitor.path(""));
    let run = shell.output().expect("a shell");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let secrets = at.secrets();
    let mut kept = 0;
    for (path, mode) in monitor.files() {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        if secrets.iter().any(|secret| text.contains(secret)) {
            assert_eq!(mode, 0o600, "{}", path.display());
            kept += 1;
        }
    }
    assert_eq!(kept, 2, "credentials and session");
}
