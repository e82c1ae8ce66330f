//! Stands in for a graphite-web: it shows the lines that it is told to, or misbehaves.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value as Json, json};

use crate::simulated_freebox::{Certificate, certified};

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The lines that it shows.
    Shown,
    /// This status, this header and body.
    Other(&'static str, &'static str, &'static str),
    /// Nothing.
    Silence,
}

/// A graphite-web on loopback.
pub(crate) struct StandIn {
    address: SocketAddr,
    scheme: &'static str,
    /// The authority of its certificate, in PEM.
    pub(crate) authority: String,
    shown: Arc<Mutex<String>>,
    answer: Arc<Mutex<Answer>>,
}

impl StandIn {
    /// One that shows lines over plain HTTP.
    pub(crate) fn start() -> Self {
        StandIn::with(None, Answer::Shown)
    }

    /// One that answers this.
    pub(crate) fn answering(answer: Answer) -> Self {
        StandIn::with(None, answer)
    }

    /// One that shows lines over TLS.
    pub(crate) fn certified(kind: Certificate) -> Self {
        StandIn::with(Some(kind), Answer::Shown)
    }

    fn with(certificate: Option<Certificate>, answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let made = certificate.map(certified);
        let (authority, tls) = made.map_or((String::new(), None), |(pem, tls)| (pem, Some(tls)));
        let shown: Arc<Mutex<String>> = Arc::default();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let answer = Arc::new(Mutex::new(answer));
        let (known, answers) = (Arc::clone(&shown), Arc::clone(&answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (known, answer, tls) = (Arc::clone(&known), Arc::clone(&answers), tls.clone());
                thread::spawn(move || serve(stream, tls, &known, &answer));
            }
        });
        StandIn {
            address,
            scheme,
            authority,
            shown,
            answer,
        }
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.address.port())
    }

    /// Answers this from now on.
    pub(crate) fn answer(&self, answer: Answer) {
        *self.answer.lock().expect("the answer") = answer;
    }

    /// Shows these lines from now on.
    pub(crate) fn show(&self, lines: &str) {
        lines.clone_into(&mut self.shown.lock().expect("the lines"));
    }
}

fn serve(
    stream: std::net::TcpStream,
    tls: Option<Arc<ServerConfig>>,
    shown: &Mutex<String>,
    answer: &Mutex<Answer>,
) {
    match tls {
        None => converse(stream, shown, answer),
        Some(config) => {
            let tls = ServerConnection::new(config).expect("TLS");
            converse(StreamOwned::new(tls, stream), shown, answer);
        }
    }
}

fn converse(stream: impl Read + Write, shown: &Mutex<String>, answer: &Mutex<Answer>) {
    let mut stream = BufReader::new(stream);
    while let Some(form) = request(&mut stream) {
        let answer = answer.lock().expect("the answer").clone();
        let (status, header, body) = match answer {
            Answer::Shown => {
                let lines = shown.lock().expect("the lines").clone();
                ("200 OK", "X-Nothing: 1", series(&form, &lines).to_string())
            }
            Answer::Other(status, header, body) => (status, header, body.to_owned()),
            Answer::Silence => return thread::sleep(Duration::from_secs(60)),
        };
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{header}\r\n\r\n{body}");
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
        let _ = stream.get_mut().flush();
    }
}

/// The form of a request; `None` when there is no further one.
fn request(stream: &mut BufReader<impl Read + Write>) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        let read = stream.read_line(&mut line);
        if read.is_err() {
            // Not even text: TLS, as a plain server takes it.
            let _ = stream
                .get_mut()
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
        if read.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

/// What is shown of the targets of a form, between its bounds.
fn series(form: &str, lines: &str) -> Json {
    let fields: Vec<(&str, String)> = form
        .split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (name, decoded(value)))
        .collect();
    let number = |wanted: &str| {
        let field = fields.iter().find(|(name, _)| *name == wanted);
        field.expect(wanted).1.parse::<u64>().expect(wanted)
    };
    let bounds = number("from")..=number("until");
    let mut shown: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
    for line in lines.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let time = fields[2].parse::<u64>().expect("a time");
        if bounds.contains(&time) {
            let value = fields[1].parse::<f64>().expect("a number");
            shown
                .entry(fields[0])
                .or_default()
                .push(json!([value, time]));
        }
    }
    let targets = fields.iter().filter(|(name, _)| *name == "target");
    let series = targets.filter_map(|(_, target)| {
        let points = shown.get(target.as_str())?;
        Some(json!({"target": target, "datapoints": points}))
    });
    series.collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'%', [a, b, behind @ ..]) => {
                let code = std::str::from_utf8(&[*a, *b]).map(|it| u8::from_str_radix(it, 16));
                bytes.push(code.expect("ASCII").expect("two digits"));
                rest = behind;
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
