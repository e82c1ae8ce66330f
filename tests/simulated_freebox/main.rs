//! Starts a simulated Freebox, for people:
//!
//! ```text
//! cargo run --example simulated-freebox -- --http-port 8080 --https-port 8443 --button
//! ```

// A program for people that falls over where the tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "mod.rs"]
mod simulated_freebox;

use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use argh::FromArgs;
use simulated_freebox::households::{self, Household};
use simulated_freebox::{
    App, Certificate, Fault, History, Options, Outcome, Refusal, SimulatedFreebox, load_recording,
};

/// A simulated Freebox on 127.0.0.1.
#[derive(FromArgs)]
struct Args {
    /// what it has to tell (default: a Freebox Ultra on fibre)
    #[argh(option, arg_name = "file")]
    recording: Option<PathBuf>,

    /// the port for plain HTTP (default: any)
    #[argh(option, default = "0")]
    http_port: u16,

    /// the port for HTTPS (default: any)
    #[argh(option, default = "0")]
    https_port: u16,

    /// offer no HTTPS
    #[argh(switch)]
    no_https: bool,

    /// its certificate: good, expired, not-yet-valid, wrong-host, foreign, self-signed
    #[argh(option, default = "Certificate::Good", from_str_fn(certificate))]
    certificate: Certificate,

    /// where to put the certificate of its authority
    #[argh(option, arg_name = "file")]
    ca_file: Option<PathBuf>,

    /// what becomes of a request for access: granted:N, denied:N, timeout:N (after N polls),
    /// unknown, new-apps-denied, apps-denied, external, rate-limited
    #[argh(
        option,
        default = "Outcome::Granted { after_polls: 3 }",
        from_str_fn(outcome)
    )]
    register: Outcome,

    /// grant access when Enter is pressed in this terminal
    #[argh(switch)]
    button: bool,

    /// an application that has access: ID:TOKEN
    #[argh(option, from_str_fn(app))]
    app: Vec<App>,

    /// how many requests a session is good for
    #[argh(option)]
    session_requests: Option<usize>,

    /// how many seconds a session lives
    #[argh(option)]
    session_seconds: Option<u64>,

    /// how many milliseconds every answer takes, and every TLS handshake
    #[argh(option, default = "0")]
    latency_ms: u64,

    /// live: the numbers change as time goes by, from now on
    #[argh(switch)]
    alive: bool,

    /// live in a household, since a month ago: ultra, revolution, pop
    #[argh(option, from_str_fn(household))]
    household: Option<Household>,

    /// how it refuses to tell its history: rights, not-found, nothing
    #[argh(option, arg_name = "kind", from_str_fn(refusal))]
    history_refused: Option<Refusal>,

    /// a permission that is not given
    #[argh(option)]
    deny: Vec<String>,

    /// a permission that is given
    #[argh(option)]
    grant: Vec<String>,

    /// a fault, PATH=KIND[:ARGUMENT], for every path that starts so: hang, drip, drip-headers,
    /// truncated, truncated-json, stalled, html:STATUS, empty, no-content, wrong-type, huge:BYTES,
    /// redirect:URL, drop, drop-after-idle, envelope:CODE, status:CODE, broken-chunk,
    /// latency:MS, no-result, bom, http10
    #[argh(option, from_str_fn(fault))]
    fault: Vec<(String, Fault)>,
}

fn certificate(word: &str) -> Result<Certificate, String> {
    match word {
        "good" => Ok(Certificate::Good),
        "expired" => Ok(Certificate::Expired),
        "not-yet-valid" => Ok(Certificate::NotYetValid),
        "wrong-host" => Ok(Certificate::WrongHost),
        "foreign" => Ok(Certificate::ForeignCa),
        "self-signed" => Ok(Certificate::SelfSigned),
        _ => Err(format!("no certificate is called {word}")),
    }
}

fn outcome(text: &str) -> Result<Outcome, String> {
    let (word, number) = text.split_once(':').unwrap_or((text, "3"));
    let after_polls = number
        .parse()
        .map_err(|_| format!("{number} is no number"))?;
    match word {
        "granted" => Ok(Outcome::Granted { after_polls }),
        "denied" => Ok(Outcome::Denied { after_polls }),
        "timeout" => Ok(Outcome::Timeout { after_polls }),
        "unknown" => Ok(Outcome::Unknown),
        "new-apps-denied" => Ok(Outcome::NewAppsDenied),
        "apps-denied" => Ok(Outcome::AppsDenied),
        "external" => Ok(Outcome::External),
        "rate-limited" => Ok(Outcome::RateLimited),
        _ => Err(format!("no outcome is called {word}")),
    }
}

fn household(name: &str) -> Result<Household, String> {
    let found = households::all().into_iter().find(|it| it.name == name);
    found.ok_or_else(|| format!("no household is called {name}"))
}

fn refusal(word: &str) -> Result<Refusal, String> {
    word.parse()
}

fn app(text: &str) -> Result<App, String> {
    let (id, token) = text.split_once(':').ok_or("an application is ID:TOKEN")?;
    Ok(App {
        app_id: id.to_owned(),
        app_token: token.to_owned(),
        track_id: 1,
    })
}

fn fault(text: &str) -> Result<(String, Fault), String> {
    let (path, fault) = text.split_once('=').ok_or("a fault is PATH=KIND")?;
    Ok((path.to_owned(), fault.parse()?))
}

fn now() -> u64 {
    let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since_1970.map_or(0, |it| it.as_secs())
}

fn main() {
    let args: Args = argh::from_env();
    let mut options = Options {
        http_port: args.http_port,
        https_port: args.https_port,
        https: (!args.no_https).then_some(args.certificate),
        registration: if args.button {
            Outcome::Button
        } else {
            args.register
        },
        apps: args.app,
        session_requests: args.session_requests,
        session_lifetime: args.session_seconds.map(Duration::from_secs),
        latency: Duration::from_millis(args.latency_ms),
        alive_since: args.alive.then(now),
        history: History {
            refusal: args.history_refused,
            ..History::default()
        },
        verbose: true,
        ..Options::default()
    };
    let denied = args.deny.into_iter().map(|name| (name, false));
    options.permissions = denied
        .chain(args.grant.into_iter().map(|name| (name, true)))
        .collect();
    if let Some(household) = args.household {
        options.recording = household.recording;
        options.alive_since = Some(now() - 30 * 86_400);
        options.eventful = true;
    }
    if let Some(path) = args.recording {
        options.recording = load_recording(&path).unwrap_or_else(|error| {
            eprintln!("{error}");
            exit(1);
        });
    }
    let at = SimulatedFreebox::start(options);
    for (prefix, fault) in args.fault {
        at.fault(&prefix, fault);
    }
    tell_where(&at, args.no_https, args.ca_file);
    let mut line = String::new();
    // At the end of the terminal there is nothing more to press.
    while std::io::stdin()
        .read_line(&mut line)
        .is_ok_and(|read| read > 0)
    {
        at.press();
        println!("the button was pressed");
    }
    loop {
        std::thread::park();
    }
}

fn tell_where(at: &SimulatedFreebox, no_https: bool, ca_file: Option<PathBuf>) {
    println!("http://localhost:{}", at.http_port());
    if no_https {
        return;
    }
    let ca = ca_file.unwrap_or_else(|| std::env::temp_dir().join("simulated-freebox-ca.pem"));
    std::fs::copy(at.ca_file(), &ca).expect("the CA file");
    println!("https://localhost:{}", at.https_port());
    println!("--ssl-ca-bundle-file {}", ca.display());
}
