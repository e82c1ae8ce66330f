//! Everything a box, or what stands in its place, can do wrong.

use std::io;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::server::{Request, Response, Stream};
use super::{Shared, failure};

/// One way to misbehave.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Never answers.
    Hang,
    /// Accepts the connection and does not even shake hands. Only of use for every request.
    HangAccept,
    /// Sends the body byte by byte, one a second, for ever.
    DripBody,
    /// Sends headers byte by byte, one a tenth of a second, for ever.
    DripHeaders,
    /// Announces a whole body and closes after half of it.
    Truncated,
    /// A proper answer with half a JSON in it.
    TruncatedJson,
    /// Announces a whole body and falls silent after half of it.
    StalledBody,
    /// A page for people.
    Html {
        /// With this status.
        status: u16,
    },
    /// Nothing in it.
    EmptyBody,
    /// 204.
    NoContent,
    /// A result of another type than usual.
    WrongType,
    /// A very long answer.
    Huge {
        /// So long.
        bytes: usize,
        /// Without saying so in advance.
        chunked: bool,
    },
    /// A redirect.
    Redirect {
        /// To there.
        location: String,
        /// With this status.
        status: u16,
    },
    /// Closes the connection instead of answering.
    Drop,
    /// Answers as if the connection were kept, and closes it.
    DropAfterIdle,
    /// A failure in the envelope.
    Envelope {
        /// With this status.
        status: u16,
        /// And this code.
        error_code: String,
    },
    /// This body.
    RawBody {
        /// With this status.
        status: u16,
        /// As it is.
        body: Vec<u8>,
    },
    /// The usual answer with this status.
    Status {
        /// This one.
        code: u16,
    },
    /// A chunked body whose second chunk has no length.
    BrokenChunk,
    /// The usual answer, later.
    Latency(Duration),
    /// A success without a result.
    NoResult,
    /// The usual answer behind a byte order mark.
    Bom,
    /// The usual answer in HTTP/1.0, whose end is the end of the connection.
    Http10,
}

/// Which requests meet which fault.
#[derive(Default)]
pub(super) struct Plan {
    rules: Vec<Rule>,
}

struct Rule {
    prefix: String,
    /// Whether nothing may follow but a moment.
    exact: bool,
    fault: Fault,
    healthy: usize,
    times: usize,
}

impl Plan {
    /// Adds a rule; the last one that fits counts.
    pub(super) fn add(&mut self, prefix: &str, fault: Fault, healthy: usize, times: usize) {
        self.rules.push(Rule {
            prefix: prefix.to_owned(),
            exact: false,
            fault,
            healthy,
            times,
        });
    }

    /// Adds a rule for this path and no other.
    pub(super) fn add_exact(&mut self, path: &str, fault: Fault) {
        self.rules.push(Rule {
            prefix: timeless(path).to_owned(),
            exact: true,
            fault,
            healthy: 0,
            times: usize::MAX,
        });
    }

    /// The fault for a request, if there is one. `path` is below the API's base.
    pub(super) fn next(&mut self, path: &str) -> Option<Fault> {
        let is_meant = |rule: &Rule| match rule.exact {
            true => timeless(path) == rule.prefix,
            false => path.starts_with(&rule.prefix),
        };
        let fits = |rule: &&mut Rule| rule.times > 0 && is_meant(rule);
        let rule = self.rules.iter_mut().rev().find(fits)?;
        if rule.healthy > 0 {
            rule.healthy -= 1;
            return None;
        }
        rule.times -= usize::from(rule.times < usize::MAX);
        Some(rule.fault.clone())
    }

    /// Whether connections are not even to be answered.
    pub(super) fn hangs_at_accept(&self) -> bool {
        self.rules
            .iter()
            .any(|rule| matches!(rule.fault, Fault::HangAccept))
    }
}

/// A path without the slash or the moment at its end.
fn timeless(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some((rest, last)) if last.len() >= 12 && last.bytes().all(|it| it.is_ascii_digit()) => {
            rest
        }
        _ => path,
    }
}

/// Whether the connection lives on.
pub(super) type KeepAlive = bool;

/// Misbehaves. `usual` is what a healthy box would have answered.
pub(super) fn perform(
    fault: Fault,
    shared: &Shared,
    stream: &mut dyn Stream,
    request: &Request,
    usual: Response,
) -> io::Result<KeepAlive> {
    let text = usual.body_text();
    match fault {
        Fault::Hang | Fault::HangAccept => {
            shared.hang();
            Ok(false)
        }
        Fault::DripBody => drip_body(shared, stream, &text),
        Fault::DripHeaders => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ")?;
            drip(
                shared,
                stream,
                Duration::from_millis(100),
                b"a".iter().cycle(),
            )
        }
        Fault::Truncated | Fault::StalledBody => {
            stream.write_all(usual.head(Some(text.len())).as_bytes())?;
            stream.write_all(&text.as_bytes()[..text.len() / 2])?;
            stream.flush()?;
            if matches!(fault, Fault::StalledBody) {
                shared.hang();
            }
            Ok(false)
        }
        Fault::TruncatedJson => {
            let half = text.as_bytes()[..text.len() / 2].to_vec();
            Response::raw(200, half).send(stream, request)
        }
        Fault::Html { status } => {
            let page = "<!DOCTYPE html>\n<html><head><title>Bienvenue</title></head></html>\n";
            Response::raw(status, page.into())
                .of_type("text/html")
                .send(stream, request)
        }
        Fault::EmptyBody => Response::raw(200, Vec::new()).send(stream, request),
        Fault::NoContent => {
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
            Ok(true)
        }
        Fault::WrongType => Response::json(usual.status, wrong_type(&usual)).send(stream, request),
        Fault::Huge { bytes, chunked } => huge(stream, bytes, chunked),
        Fault::Redirect { location, status } => {
            let head = format!(
                "HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
            Ok(true)
        }
        Fault::Drop => Ok(false),
        Fault::DropAfterIdle => usual.send(stream, request).map(|_| false),
        Fault::Envelope { status, error_code } => {
            Response::json(status, failure(&error_code, "Erreur")).send(stream, request)
        }
        Fault::RawBody { status, body } => Response::raw(status, body).send(stream, request),
        Fault::Status { code } => usual.with_status(code).send(stream, request),
        Fault::BrokenChunk => {
            stream.write_all(usual.head(None).as_bytes())?;
            stream.write_all(b"5\r\n{\"suc\r\nzz\r\ncess\":\r\n")?;
            Ok(false)
        }
        Fault::Latency(time) => {
            shared.pause(time);
            usual.send(stream, request)
        }
        Fault::NoResult => Response::json(200, json!({"success": true})).send(stream, request),
        Fault::Bom => {
            let body = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
            Response::raw(usual.status, body).send(stream, request)
        }
        Fault::Http10 => {
            stream.write_all(format!("HTTP/1.0 {} X\r\n\r\n{text}", usual.status).as_bytes())?;
            Ok(false)
        }
    }
}

fn drip_body(shared: &Shared, stream: &mut dyn Stream, text: &str) -> io::Result<KeepAlive> {
    let head = Response::raw(200, Vec::new()).head(Some(1_000_000));
    stream.write_all(head.as_bytes())?;
    drip(
        shared,
        stream,
        Duration::from_secs(1),
        text.as_bytes().iter().cycle(),
    )
}

fn drip<'a>(
    shared: &Shared,
    stream: &mut dyn Stream,
    interval: Duration,
    bytes: impl Iterator<Item = &'a u8>,
) -> io::Result<KeepAlive> {
    for byte in bytes {
        stream.write_all(&[*byte])?;
        stream.flush()?;
        shared.pause(interval);
        if shared.is_closing() {
            break;
        }
    }
    Ok(false)
}

/// Good JSON of any length, never whole in memory.
fn huge(stream: &mut dyn Stream, bytes: usize, chunked: bool) -> io::Result<KeepAlive> {
    let (open, close) = (br#"{"success":true,"result":{"a":""#, br#""}}"#);
    let filling = bytes.saturating_sub(open.len() + close.len());
    let length = (!chunked).then_some(open.len() + filling + close.len());
    stream.write_all(Response::raw(200, Vec::new()).head(length).as_bytes())?;
    let mut send = |part: &[u8]| {
        if chunked {
            write!(stream, "{:x}\r\n", part.len())?;
            stream.write_all(part)?;
            return stream.write_all(b"\r\n");
        }
        stream.write_all(part)
    };
    send(open)?;
    let block = [b'x'; 16 * 1024];
    let mut left = filling;
    while left > 0 {
        let part = left.min(block.len());
        send(&block[..part])?;
        left -= part;
    }
    send(close)?;
    if chunked {
        stream.write_all(b"0\r\n\r\n")?;
    }
    stream.flush()?;
    Ok(true)
}

fn wrong_type(usual: &Response) -> Json {
    let mut answer: Json = serde_json::from_str(&usual.body_text()).unwrap_or(Json::Null);
    let result = answer.get("result").cloned().unwrap_or(Json::Null);
    answer["result"] = match result {
        Json::Object(_) => json!("texte"),
        Json::Array(_) => json!(7),
        _ => json!([1, 2]),
    };
    answer
}

impl std::str::FromStr for Fault {
    type Err = String;

    /// `KIND[:ARGUMENT]`, for people.
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, argument) = text.split_once(':').unwrap_or((text, ""));
        let number = |usual: usize| match argument {
            "" => Ok(usual),
            given => given.parse().map_err(|_| format!("{given} is no number")),
        };
        let status = || number(200).map(|it| u16::try_from(it).unwrap_or(200));
        Ok(match kind {
            "hang" => Fault::Hang,
            "hang-accept" => Fault::HangAccept,
            "drip" => Fault::DripBody,
            "drip-headers" => Fault::DripHeaders,
            "truncated" => Fault::Truncated,
            "truncated-json" => Fault::TruncatedJson,
            "stalled" => Fault::StalledBody,
            "html" => Fault::Html { status: status()? },
            "empty" => Fault::EmptyBody,
            "no-content" => Fault::NoContent,
            "wrong-type" => Fault::WrongType,
            "huge" => Fault::Huge {
                bytes: number(9 << 20)?,
                chunked: false,
            },
            "huge-chunked" => Fault::Huge {
                bytes: number(9 << 20)?,
                chunked: true,
            },
            "redirect" => Fault::Redirect {
                location: argument.to_owned(),
                status: 302,
            },
            "drop" => Fault::Drop,
            "drop-after-idle" => Fault::DropAfterIdle,
            "envelope" => Fault::Envelope {
                status: 200,
                error_code: argument.to_owned(),
            },
            "status" => Fault::Status { code: status()? },
            "broken-chunk" => Fault::BrokenChunk,
            "latency" => Fault::Latency(Duration::from_millis(number(1000)? as u64)),
            "no-result" => Fault::NoResult,
            "bom" => Fault::Bom,
            "http10" => Fault::Http10,
            _ => return Err(format!("no fault is called {kind}")),
        })
    }
}
