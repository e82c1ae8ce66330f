//! `--check`: everything a run depends on, step by step, with what to do where something is wrong.

use crate::api::{
    self, Address, Client, Endpoint, Kind, Known, PERMISSIONS_PAGE, Search, Transport,
};
use crate::base::error::{Error, Exit};
use crate::base::net;
use crate::cli::Settings;
use crate::collect::{Collected, Outcome, collect};
use crate::deliver::{self, Destination, stdout};
use crate::sections::{SECTIONS, Section};
use crate::state::credentials::Granted;
use crate::tasks::times::Times;
use crate::tasks::{target, templates};

/// Goes through every step and prints a tick or a cross for each. The exit code is that of the
/// first cross.
///
/// # Errors
/// When the report cannot be printed.
pub(crate) fn check(settings: &Settings) -> Result<Exit, Error> {
    let times = Times::start(settings.timeout)?;
    let mut report = Report { exit: Exit::Done };
    template(settings, &mut report)?;
    let granted = credentials(settings, &mut report)?;
    let search = match &granted {
        Some((_, search)) => search.clone(),
        None => target::search(&settings.target, None)?,
    };
    let endpoint = the_way(settings, &times, &search, &mut report)?;
    match (granted, endpoint) {
        (Some((granted, search)), Some(endpoint)) => {
            the_box(settings, &times, &granted, search, endpoint, &mut report)?;
        }
        _ => report.skip("session, sections", "not tried without the steps above")?,
    }
    carbon(settings, &times, &mut report)?;
    Ok(report.exit)
}

fn template(settings: &Settings, report: &mut Report) -> Result<(), Error> {
    let choice = settings.template.as_ref();
    let read = templates::text(choice).and_then(|(name, _)| {
        templates::checked(choice)?;
        Ok(name)
    });
    match read {
        Ok(name) => report.tick("template", &format!("{name}: every metric has its path")),
        Err(error) => report.cross(
            error.exit(),
            "template",
            &error.to_string(),
            "mend it there; --print-template -t dotted prints one that works",
        ),
    }
}

fn credentials(
    settings: &Settings,
    report: &mut Report,
) -> Result<Option<(Granted, Search)>, Error> {
    match target::registered(&settings.target, settings.config.as_deref()) {
        Ok((granted, search)) => {
            let words = format!(
                "application {} for the box at {}",
                granted.app_id, search.address
            );
            report.tick("credentials", &words)?;
            Ok(Some((granted, search)))
        }
        Err(error) => {
            let advice = "freebox-monitor --register asks the box for access; --config names \
                          another file, --endpoint another box";
            report.cross(error.exit(), "credentials", &error.to_string(), advice)?;
            Ok(None)
        }
    }
}

/// Name, TCP, TLS and the version of the API.
fn the_way(
    settings: &Settings,
    times: &Times,
    search: &Search,
    report: &mut Report,
) -> Result<Option<Endpoint>, Error> {
    let address = &search.address;
    if !name(times, address, report)? || !tcp(times, address, report)? {
        return Ok(None);
    }
    let transport = Transport::new(&settings.target.trust, times.collecting);
    match api::find(&transport, search) {
        Ok(endpoint) => {
            match endpoint.is_https() {
                true => report.tick("TLS", "the certificate is good")?,
                false => report.skip(
                    "TLS",
                    "this box offers no HTTPS; tokens travel in the clear",
                )?,
            }
            let model = endpoint.model.as_deref().unwrap_or("of an unknown model");
            let words = format!(
                "{} on a box {model}, at {}",
                endpoint.api_version, endpoint.base
            );
            report.tick("API version", &words)?;
            Ok(Some(endpoint))
        }
        Err(error) => {
            let (what, advice) = match error.kind {
                Kind::Untrusted(_) => (
                    "TLS",
                    "call the box by the name in its certificate (--endpoint \
                     mafreebox.freebox.fr), and make sure that the clock of this machine is right; \
                     a certificate of your own needs --ssl-ca-bundle-file",
                ),
                _ => (
                    "API version",
                    "something else than a Freebox may answer there; --endpoint names the box, \
                     and http://mafreebox.freebox.fr/api_version shows what it says",
                ),
            };
            report.cross(Exit::Unreachable, what, &error.to_string(), advice)?;
            Ok(None)
        }
    }
}

fn name(times: &Times, address: &Address, report: &mut Report) -> Result<bool, Error> {
    let host = address.host();
    match net::resolve(host, 0, times.end) {
        Ok(found) => {
            let mut found: Vec<String> = found.iter().map(|it| it.ip().to_string()).collect();
            found.dedup();
            report.tick("name", &format!("{host} is {}", found.join(", ")))?;
            Ok(true)
        }
        Err(failure) => {
            let advice = "on the box's own network mafreebox.freebox.fr is known; else name the \
                          box by its address with --endpoint (usually 192.168.1.254)";
            let why = format!("{host}: {failure}");
            report.cross(Exit::Unreachable, "name", &why, advice)?;
            Ok(false)
        }
    }
}

fn tcp(times: &Times, address: &Address, report: &mut Report) -> Result<bool, Error> {
    let mut failures = Vec::new();
    for port in address.ports() {
        match net::connect(address.host(), port, times.collecting.once()) {
            Ok(_) => {
                report.tick("TCP", &format!("port {port} is open"))?;
                return Ok(true);
            }
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    let advice = "make sure that this is the box (--endpoint HOST[:PORT]), that it is on, and \
                  that no firewall stands between";
    report.cross(Exit::Unreachable, "TCP", &failures.join("; "), advice)?;
    Ok(false)
}

/// Token, session, and every section with its permission.
fn the_box(
    settings: &Settings,
    times: &Times,
    granted: &Granted,
    search: Search,
    endpoint: Endpoint,
    report: &mut Report,
) -> Result<(), Error> {
    let transport = Transport::new(&settings.target.trust, times.collecting);
    let app = target::app(&settings.target, granted);
    let known = Known {
        endpoint,
        session: None,
    };
    let client = Client::new(transport, search, app, Some(known));
    match client.missing_permissions() {
        Ok(_) => report.tick("session", "the token is good and a session is open")?,
        Err(error) => {
            let advice = "freebox-monitor --register --force asks for access anew; Freebox OS lists \
                          the applications under Paramètres de la Freebox > Gestion des accès";
            let exit = Error::from(error.clone()).exit();
            report.cross(exit, "session", &error.to_string(), advice)?;
            return report.skip("sections", "not tried without a session");
        }
    }
    let every: Vec<_> = SECTIONS.iter().collect();
    let collected = collect(&client, &every, settings.jobs, times.timestamp);
    for (section, outcome) in SECTIONS.iter().zip(&collected.outcomes) {
        of_section(section, outcome, count(section, &collected), report)?;
    }
    Ok(())
}

fn count(section: &Section, collected: &Collected) -> usize {
    let is_its_own = |name: &str| section.groups.iter().any(|group| group.name == name);
    let samples = collected.samples.iter();
    let of_section = samples.filter(|sample| is_its_own(sample.group.name));
    of_section.map(|sample| sample.values.len()).sum()
}

fn of_section(
    section: &Section,
    outcome: &Outcome,
    numbers: usize,
    report: &mut Report,
) -> Result<(), Error> {
    let what = format!("section {}", section.name);
    let mut why: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
    let right = outcome
        .forbidden
        .iter()
        .find_map(|error| error.missing_right());
    let advice = match (outcome.failures.is_empty(), right) {
        (true, None) if numbers == 0 => return report.skip(&what, "nothing of it on this box"),
        (true, None) => return report.tick(&what, &format!("{numbers} numbers")),
        (_, Some(right)) => {
            why.push(format!("the permission '{right}' is missing"));
            format!("tick it in Freebox OS under {PERMISSIONS_PAGE}")
        }
        (false, None) => "try again; if it stays, --record FILE saves what the box says, without \
                          what is private, for a bug report"
            .to_owned(),
    };
    report.cross(Exit::Partial, &what, &why.join("; "), &advice)
}

fn carbon(settings: &Settings, times: &Times, report: &mut Report) -> Result<(), Error> {
    let Destination::Carbons(carbons, _) = &settings.destination else {
        let words = format!("--carbon names none; lines go to {}", settings.destination);
        return report.skip("carbon", &words);
    };
    for carbon in carbons {
        match deliver::probe(carbon, times.end) {
            Ok(()) => {
                let words = format!("{carbon} takes connections and reads to their end");
                report.tick("carbon", &words)?;
            }
            Err(error) => report.cross(
                error.exit(),
                "carbon",
                &error.to_string(),
                "make sure that carbon runs and that this is its port for plain lines \
                 (LINE_RECEIVER_PORT in carbon.conf, usually 2003)",
            )?,
        }
    }
    Ok(())
}

/// What was found so far. Each step is printed as it ends: some take their time.
struct Report {
    exit: Exit,
}

impl Report {
    fn tick(&self, what: &str, words: &str) -> Result<(), Error> {
        stdout::deliver(&format!("✓ {what}: {words}\n"))
    }

    fn cross(&mut self, exit: Exit, what: &str, why: &str, advice: &str) -> Result<(), Error> {
        if self.exit == Exit::Done {
            self.exit = exit;
        }
        stdout::deliver(&format!("✗ {what}: {why}\n  → {advice}\n"))
    }

    fn skip(&self, what: &str, why: &str) -> Result<(), Error> {
        stdout::deliver(&format!("- {what}: {why}\n"))
    }
}
