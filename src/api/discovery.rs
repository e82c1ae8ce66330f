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
use super::error::{Meaning, Reason, RequestError};
use super::transport::{Fault, Transport, USUAL_ANSWER};
use crate::base::clock;
use crate::metrics::lenient::{flag, number, text};
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
    /// The model in a word that people know: `ultra`; `freebox` if it is not known.
    #[serde(default)]
    pub(crate) family: String,
    /// When it was found, in seconds since 1970; 0 if it has to be looked for anew.
    #[serde(default)]
    pub(crate) found: u64,
}

impl Endpoint {
    /// The model for people: `Freebox Ultra (fbxgw9-r1)`.
    pub(crate) fn model_in_words(&self) -> String {
        let named = FAMILIES.iter().find(|(family, _)| *family == self.family);
        let name = named.map_or("Freebox", |(_, name)| name);
        match &self.model {
            Some(model) => format!("{name} ({model})"),
            None => format!("{name} of an unknown model"),
        }
    }
}

impl Search {
    /// An error, or what it comes from if that is the version that was asked for.
    pub(super) fn blamed(&self, error: RequestError) -> RequestError {
        match self.version {
            Some(version) if error.meaning() == Meaning::NotHere => {
                let words = format!(
                    "the box does not know version {version} of its API, which --api-version-force \
                     asks for ({})",
                    error.reason
                );
                RequestError::new(error.endpoint, Reason::NoAnswer(words))
            }
            _ => error,
        }
    }

    /// The endpoint of a document, in the version that is to be spoken.
    fn endpoint(&self, document: &Document, origin: &str) -> Result<Endpoint, RequestError> {
        match self.version {
            Some(version) if !(1..=document.major).contains(&version) => {
                let words = format!(
                    "the box speaks the versions 1 to {} of its API; --api-version-force asks for \
                     {version}",
                    document.major
                );
                Err(no_answer(origin, words))
            }
            version => Ok(document.endpoint(origin, version)),
        }
    }
}

impl Endpoint {
    /// The box of a recording.
    pub(super) fn of_recording(document: &Json) -> Option<Self> {
        Some(Document::read(document)?.endpoint("recording:", None))
    }

    /// Where the API is, as a URL: `https://mafreebox.freebox.fr/api/v16`.
    pub(crate) fn url(&self) -> &str {
        self.base.trim_end_matches('/')
    }

    /// The major version of the box's API.
    pub(crate) fn major(&self) -> Option<u32> {
        self.api_version.split('.').next()?.trim().parse().ok()
    }

    /// Whether both are the same box, at the same place and in the same version.
    pub(super) fn is_same(&self, other: &Endpoint) -> bool {
        (&self.base, &self.uid) == (&other.base, &other.uid)
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
pub(crate) fn find(transport: &Transport, search: &Search) -> Result<Endpoint, RequestError> {
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
    let (origin, document) =
        found.map_err(|(origin, fault)| RequestError::new(origin, fault.into()))?;
    let endpoint = secured(transport, search, origin, &document)?;
    Ok(Endpoint {
        found: clock::now(),
        ..endpoint
    })
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
) -> Result<Endpoint, RequestError> {
    let is_https = origin.starts_with("https:");
    if is_https && !search.by_domain {
        return search.endpoint(document, &origin);
    }
    if !document.https_available && !is_https {
        return match search.https_only || search.by_domain {
            true => Err(no_answer(
                &origin,
                "offers no HTTPS, and its tokens must not travel in the clear".to_owned(),
            )),
            false => search.endpoint(document, &origin),
        };
    }
    let mut worst = None;
    for candidate in secure_origins(search, &origin, document) {
        match probe(transport, &candidate) {
            Ok(other) if other.uid == document.uid => {
                return search.endpoint(&other, &candidate);
            }
            Ok(_) => log::debug!("{candidate}: another box"),
            Err(fault) => {
                log::debug!("{candidate}: {fault}");
                let telling = matches!(fault, Fault::Certificate(_));
                if telling || worst.is_none() {
                    worst = Some(RequestError::new(candidate, fault.into()));
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

fn no_answer(endpoint: &str, words: String) -> RequestError {
    RequestError::new(endpoint, Reason::NoAnswer(words))
}

/// Asks for the one document that has no envelope.
fn probe(transport: &Transport, origin: &str) -> Result<Document, Fault> {
    let answer = transport.get(&format!("{origin}/api_version"), None, USUAL_ANSWER)?;
    let json = envelope::parse(answer.status, &answer.body).map_err(|kind| match kind {
        Reason::NoAnswer(words) | Reason::NotUnderstood(words) => Fault::Broken(words),
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
    family: &'static str,
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
            family: family(
                &[word("box_model"), word("device_type")],
                word("box_flavor").as_deref(),
            ),
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
            family: self.family.to_owned(),
            found: 0,
        }
    }
}

/// The words for models, and what people call these.
pub(crate) const FAMILIES: [(&str, &str); 7] = [
    ("ultra", "Freebox Ultra"),
    ("pop", "Freebox Pop"),
    ("delta", "Freebox Delta"),
    ("revolution", "Freebox Révolution"),
    ("mini4k", "Freebox Mini 4K"),
    ("one", "Freebox One"),
    (UNKNOWN_FAMILY, "Freebox"),
];
const UNKNOWN_FAMILY: &str = "freebox";

/// The model in a word, from its names: `fbxgw9-r1`, `fbxgw-r2/mini`, `FreeboxServer7,1`. The one
/// generation that has no number in the first form has three models.
fn family(names: &[Option<String>], flavor: Option<&str>) -> &'static str {
    let of_name = |name: &String| {
        let name = name.to_ascii_lowercase();
        let rest = name
            .strip_prefix("fbxgw")
            .or_else(|| name.strip_prefix("freeboxserver"))?;
        let number = rest.split(['-', ',', '/']).next().unwrap_or_default();
        Some(match number.trim_end_matches('r') {
            "9" => "ultra",
            "8" => "pop",
            "7" => "delta",
            "" | "1" | "6" if name.ends_with("/mini") => "mini4k",
            "" | "1" | "6" if name.ends_with("/one") => "one",
            "" | "1" | "6" if flavor == Some("light") => "mini4k",
            "" | "1" | "6" => "revolution",
            _ => return None,
        })
    };
    let mut known = names.iter().flatten().filter_map(of_name);
    known.next().unwrap_or(UNKNOWN_FAMILY)
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
    fn models_have_a_word() {
        let cases = [
            (
                r#""box_model":"fbxgw9-r1","device_type":"FreeboxServer9,1""#,
                "ultra",
            ),
            (r#""box_model":"fbxgw8-r1/full""#, "pop"),
            (r#""box_model":"fbxgw7-r1/full""#, "delta"),
            (r#""box_model":"fbxgw-r2/full""#, "revolution"),
            (
                r#""box_model":"fbxgw-r2/mini","box_flavor":"light""#,
                "mini4k",
            ),
            (r#""box_model":"fbxgw-r1/one""#, "one"),
            (r#""device_type":"FreeboxServer7,1""#, "delta"),
            (
                r#""device_type":"FreeboxServer1,2","box_flavor":"full""#,
                "revolution",
            ),
            (
                r#""device_type":"FreeboxServer1,2","box_flavor":"light""#,
                "mini4k",
            ),
            (
                r#""box_model":"fbxgw12-r1","device_type":"FreeboxServer12,1""#,
                "freebox",
            ),
            (r#""box_model":"new""#, "freebox"),
            (r#""uid":"x""#, "freebox"),
        ];
        for (fields, expected) in cases {
            let text = format!(r#"{{"api_version":"9.0",{fields}}}"#);
            let family = document(&text).map(|it| it.family);
            assert_eq!(family, Some(expected), "{fields}");
            assert!(FAMILIES.iter().any(|(word, _)| *word == expected));
        }
    }

    #[test]
    fn models_have_a_name() {
        let cases = [
            ("fbxgw9-r1", "Freebox Ultra (fbxgw9-r1)"),
            ("fbxgw8-r1/full", "Freebox Pop (fbxgw8-r1/full)"),
            ("fbxgw7-r1/full", "Freebox Delta (fbxgw7-r1/full)"),
            ("fbxgw-r2/full", "Freebox Révolution (fbxgw-r2/full)"),
            ("fbxgw-r2/mini", "Freebox Mini 4K (fbxgw-r2/mini)"),
            ("fbxgw-r1/one", "Freebox One (fbxgw-r1/one)"),
            ("fbxgw12-r1", "Freebox (fbxgw12-r1)"),
            ("", "Freebox of an unknown model"),
        ];
        for (model, expected) in cases {
            let text = format!(r#"{{"api_version":"9.0","box_model":"{model}"}}"#);
            let document = document(&text).expect("a document");
            let endpoint = document.endpoint("https://h", None);
            assert_eq!(endpoint.model_in_words(), expected);
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
