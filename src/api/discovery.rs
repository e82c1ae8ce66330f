//! Where the API of a box is, from what a person says: `/api_version`, then HTTPS as soon as the
//! box offers it. <https://dev.freebox.fr/sdk/os/#api-version>
//!
//! Discovery itself carries no secret and may go over plain HTTP. What it finds is an HTTPS base
//! wherever the box offers one: a box that offers HTTPS which cannot be used is an error, never a
//! reason to send tokens in the clear.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::address::{Address, Scheme};
use super::envelope;
use super::error::{Error, Kind};
use super::transport::{Fault, Transport, USUAL_SIZE};
use crate::metrics::reading::{flag, number, text};
use crate::metrics::value::Value;

/// What the search for a box goes by.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// Where to look.
    pub(crate) address: Address,
    /// Whether to go to the domain that the box has from Free, over HTTPS.
    pub(crate) by_domain: bool,
    /// The major version of the API to use instead of the box's own.
    pub(crate) version: Option<u32>,
    /// Whether to look even if it is known where the box was.
    pub(crate) force: bool,
    /// Whether plain HTTP is out of the question, because this box was seen with HTTPS before.
    pub(crate) https_only: bool,
}

/// A box's API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// What every path is appended to: `https://mafreebox.freebox.fr/api/v16/`.
    pub(crate) base: String,
    /// Which box it is.
    pub(crate) uid: Option<String>,
    /// The version of the box's API: `16.0`.
    pub(crate) api_version: String,
    /// The model: `fbxgw9-r1/full`.
    pub(crate) model: Option<String>,
}

impl Endpoint {
    /// The box of a recording.
    pub(super) fn of_recording(document: &Json) -> Option<Self> {
        Some(Document::read(document)?.endpoint("recording:", None))
    }

    /// The major version of the box's API.
    pub(crate) fn major(&self) -> Option<u32> {
        self.api_version.split('.').next()?.trim().parse().ok()
    }

    /// Whether it is spoken to over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.base.starts_with("https:")
    }
}

/// Finds the API of the box at an address.
///
/// # Errors
/// When nothing there is a Freebox that can be spoken to.
pub(crate) fn find(transport: &Transport, search: &Search) -> Result<Endpoint, Error> {
    let address = &search.address;
    let probed = |scheme, port| {
        let origin = address.origin(scheme, port);
        match probe(transport, &origin) {
            Ok(document) => Ok((origin, document)),
            Err(fault) => Err((origin, fault)),
        }
    };
    let https = |port| probed(Scheme::Https, port);
    let http = |port| probed(Scheme::Http, port);
    let found = match (address.scheme, address.port) {
        (Some(Scheme::Https), port) => https(port.unwrap_or(443)),
        (Some(Scheme::Http), port) => http(port.unwrap_or(80)),
        (None, None | Some(443)) => https(443).or_else(|first| or_plain(first, || http(80))),
        (None, Some(80)) => http(80),
        // A port of its own says nothing about what is spoken there. A TLS port is quick to
        // refuse plain HTTP, while an HTTP server may wait for ever for the end of a handshake.
        (None, Some(port)) => http(port).or_else(|first| or_tls(first, || https(port))),
    };
    let (origin, document) = found.map_err(|(origin, fault)| Error::new(origin, fault.into()))?;
    secured(transport, search, origin, &document)
}

type Probed = Result<(String, Document), (String, Fault)>;

/// Goes on with plain HTTP where TLS is not spoken; a bad certificate is final.
fn or_plain(first: (String, Fault), plain: impl FnOnce() -> Probed) -> Probed {
    match first.1 {
        Fault::Certificate(_) => Err(first),
        _ => plain().map_err(|second| more_telling(first, second)),
    }
}

/// Goes on with TLS where plain HTTP gets no sensible answer.
fn or_tls(first: (String, Fault), tls: impl FnOnce() -> Probed) -> Probed {
    match first.1 {
        Fault::Lost(_) | Fault::Broken(_) => tls().map_err(|second| match &second.1 {
            // Neither is spoken there, and plain HTTP got further.
            Fault::NoTls | Fault::Unreachable(_) => first,
            _ => second,
        }),
        Fault::TimedOut(_) | Fault::Unreachable(_) | Fault::Certificate(_) | Fault::NoTls => {
            Err(first)
        }
    }
}

/// Of the faults of TLS and of plain HTTP at one host, the one that helps a person.
fn more_telling(tls: (String, Fault), plain: (String, Fault)) -> (String, Fault) {
    match (&tls.1, &plain.1) {
        (Fault::Certificate(_) | Fault::TimedOut(_), _) => tls,
        (_, Fault::Broken(_) | Fault::TimedOut(_)) => plain,
        _ => tls,
    }
}

/// The endpoint for a document that came from `origin`, over HTTPS if the box offers that.
fn secured(
    transport: &Transport,
    search: &Search,
    origin: String,
    document: &Document,
) -> Result<Endpoint, Error> {
    let is_https = origin.starts_with("https:");
    if is_https && !search.by_domain {
        return Ok(document.endpoint(&origin, search.version));
    }
    if !document.https_available && !is_https {
        return match search.https_only || search.by_domain {
            true => Err(no_answer(
                &origin,
                "offers no HTTPS, and its tokens must not travel in the clear".to_owned(),
            )),
            false => Ok(document.endpoint(&origin, search.version)),
        };
    }
    let mut worst = None;
    for candidate in secure_origins(search, &origin, document) {
        match probe(transport, &candidate) {
            Ok(other) if other.uid == document.uid => {
                return Ok(other.endpoint(&candidate, search.version));
            }
            Ok(_) => log::debug!("{candidate}: another box"),
            Err(fault) => {
                log::debug!("{candidate}: {fault}");
                let telling = matches!(fault, Fault::Certificate(_));
                if telling || worst.is_none() {
                    worst = Some(Error::new(candidate, fault.into()));
                }
            }
        }
    }
    let nowhere = "offers HTTPS, but says neither port nor domain for it";
    Err(worst.unwrap_or_else(|| no_answer(&origin, nowhere.to_owned())))
}

/// Where the box may be spoken to over HTTPS, the likeliest first: its usual port, then the port
/// it names, on the same host, then its own domain.
fn secure_origins(search: &Search, origin: &str, document: &Document) -> Vec<String> {
    let port = document.https_port;
    let domain = document.api_domain.as_ref().and_then(|it| it.parse().ok());
    let by_domain = domain
        .zip(port)
        .map(|(it, port): (Address, _)| it.origin(Scheme::Https, port));
    let here = |port| search.address.origin(Scheme::Https, port);
    let usual = origin.matches(':').count() == 1;
    let candidates = match search.by_domain {
        true => [None, None, by_domain],
        false => [usual.then(|| here(443)), port.map(here), by_domain],
    };
    candidates.into_iter().flatten().collect()
}

fn no_answer(endpoint: &str, words: String) -> Error {
    Error::new(endpoint, Kind::NoAnswer(words))
}

/// Asks for the one document that has no envelope.
fn probe(transport: &Transport, origin: &str) -> Result<Document, Fault> {
    let answer = transport.get(&format!("{origin}/api_version"), None, USUAL_SIZE)?;
    let json = envelope::parse(answer.status, &answer.body).map_err(|kind| match kind {
        Kind::NoAnswer(words) | Kind::NotUnderstood(words) => Fault::Broken(words),
        _ => Fault::Broken("not a Freebox".to_owned()),
    })?;
    let stranger =
        || Fault::Broken("answers, but is no Freebox: it names no API version".to_owned());
    Document::read(&json).ok_or_else(stranger)
}

/// The answer to `/api_version`. Only the version is sure to be in it.
#[derive(Debug)]
struct Document {
    api_version: String,
    major: u32,
    api_base_url: String,
    api_domain: Option<String>,
    https_available: bool,
    https_port: Option<u16>,
    uid: Option<String>,
    model: Option<String>,
}

impl Document {
    fn read(json: &Json) -> Option<Self> {
        let word = |key| json.get(key).and_then(text);
        let api_version = word("api_version")?;
        let major = api_version.split('.').next()?.trim().parse().ok()?;
        let port = json.get("https_port").and_then(number);
        Some(Document {
            api_version,
            major,
            api_base_url: word("api_base_url").unwrap_or_else(|| "/api/".to_owned()),
            api_domain: word("api_domain"),
            https_available: json.get("https_available").and_then(flag) == Some(true),
            https_port: match port {
                Some(Value::Int(port)) => u16::try_from(port).ok().filter(|port| *port > 0),
                _ => None,
            },
            uid: word("uid"),
            model: word("box_model").or_else(|| word("device_type")),
        })
    }

    fn endpoint(&self, origin: &str, version: Option<u32>) -> Endpoint {
        let major = version.unwrap_or(self.major);
        let path = self.api_base_url.trim_matches('/');
        Endpoint {
            base: format!("{origin}/{path}/v{major}/"),
            uid: self.uid.clone(),
            api_version: self.api_version.clone(),
            model: self.model.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Option<Document> {
        Document::read(&serde_json::from_str(text).expect("JSON"))
    }

    #[test]
    fn the_base_is_made_of_what_the_box_says() {
        let full = r#"{"api_version":"16.0","api_base_url":"/api/","uid":"ab"}"#;
        let cases = [
            (full, None, "https://h/api/v16/"),
            (full, Some(8), "https://h/api/v8/"),
            (
                r#"{"api_version":"8.5","api_base_url":"api"}"#,
                None,
                "https://h/api/v8/",
            ),
            (r#"{"api_version":4.0}"#, None, "https://h/api/v4/"),
        ];
        for (text, version, expected) in cases {
            let endpoint = document(text).map(|it| it.endpoint("https://h", version));
            assert_eq!(endpoint.map(|it| it.base).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_names_no_version_is_no_freebox() {
        for text in [
            "{}",
            "[]",
            r#"{"api_version":"new"}"#,
            r#"{"api_version":null}"#,
        ] {
            assert!(document(text).is_none(), "{text}");
        }
    }

    #[test]
    fn ports_and_switches_may_come_as_text() {
        let text = r#"{"api_version":"4.0","https_available":"1","https_port":"31337"}"#;
        let document = document(text).expect("a document");
        assert!(document.https_available);
        assert_eq!(document.https_port, Some(31337));
    }

    #[test]
    fn https_is_looked_for_at_the_box_before_its_domain() {
        let text = r#"{"api_version":"16.0","https_port":31337,"api_domain":"abcd.fbxos.fr"}"#;
        let document = document(text).expect("a document");
        let mut search = Search {
            address: "192.168.1.254".parse().expect("an address"),
            by_domain: false,
            version: None,
            force: false,
            https_only: false,
        };
        assert_eq!(
            secure_origins(&search, "http://192.168.1.254", &document),
            [
                "https://192.168.1.254",
                "https://192.168.1.254:31337",
                "https://abcd.fbxos.fr:31337"
            ]
        );
        assert_eq!(
            secure_origins(&search, "http://192.168.1.254:8080", &document).len(),
            2
        );
        search.by_domain = true;
        assert_eq!(
            secure_origins(&search, "https://192.168.1.254", &document),
            ["https://abcd.fbxos.fr:31337"]
        );
    }
}
