//! The steps on the way to the box: its name, TCP, TLS, the version of its API.

use super::report::Report;
use crate::api::{self, Address, Endpoint, Reason, Search, Transport};
use crate::base::error::{Error, Exit};
use crate::base::net;
use crate::cli::Settings;
use crate::tasks::times::Times;

/// Name, TCP, TLS and the version of the API.
pub(super) fn the_way(
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
            let model = endpoint.model_in_words();
            let words = format!(
                "{} of a {model}, at {}",
                endpoint.api_version, endpoint.base
            );
            report.tick("API version", &words)?;
            Ok(Some(endpoint))
        }
        Err(error) => {
            let (what, advice) = match error.reason {
                Reason::Untrusted(_) => (
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
