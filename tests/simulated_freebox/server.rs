//! Connections and HTTP, as far as a box needs it: GET and POST, kept connections.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value as Json;

use super::{SeenRequest, Shared, faults, lock};

/// How often a waiting thread looks whether the box has been stopped.
const GLANCE: Duration = Duration::from_millis(20);
/// More than any request of a client has.
const LONGEST_REQUEST: usize = 64 * 1024;

/// A connection, plain or not.
pub(super) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A request, read to its end.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) session: Option<String>,
    pub(super) body: Vec<u8>,
    keep_alive: bool,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

/// Accepts until the box is stopped, a thread for each connection.
pub(super) fn accept(shared: &Arc<Shared>, listener: &TcpListener, tls: Option<Arc<ServerConfig>>) {
    listener
        .set_nonblocking(true)
        .expect("a listener that does not block");
    while !shared.is_closing() {
        match listener.accept() {
            Ok((stream, _)) => {
                let (shared, tls) = (Arc::clone(shared), tls.clone());
                thread::spawn(move || {
                    // A client that goes away in the middle is its own affair.
                    let _ = connection(&shared, stream, tls);
                });
            }
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn connection(
    shared: &Shared,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GLANCE))?;
    let number = shared.connections.fetch_add(1, Ordering::Relaxed);
    if lock(&shared.faults).hangs_at_accept() {
        shared.hang();
        return Ok(());
    }
    match tls {
        None => serve(shared, stream, number, false),
        Some(config) => {
            // The handshake is a round trip more.
            let latency = lock(&shared.state).latency;
            shared.pause(latency);
            let tls = ServerConnection::new(config).map_err(io::Error::other)?;
            serve(shared, StreamOwned::new(tls, stream), number, true)
        }
    }
}

fn serve(shared: &Shared, mut stream: impl Stream, connection: u64, tls: bool) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(shared, &mut stream, &mut buffer)? {
        let usual = lock(&shared.state).answer(&request, tls);
        let fault = lock(&shared.faults).next(below_base(&request.path));
        let latency = lock(&shared.state).latency;
        let seen = SeenRequest {
            tls,
            connection,
            method: request.method.clone(),
            path: request.path.clone(),
            session_header: request.session.clone(),
            status: if fault.is_some() { 0 } else { usual.status },
            body: String::from_utf8_lossy(&request.body).into_owned(),
        };
        note(shared, seen, fault.as_ref());
        shared.pause(latency);
        let keep_alive = match fault {
            None => usual.send(&mut stream, &request)?,
            Some(fault) => faults::perform(fault, shared, &mut stream, &request, usual)?,
        };
        stream.flush()?;
        if !keep_alive || !request.keep_alive {
            break;
        }
    }
    Ok(())
}

fn note(shared: &Shared, seen: SeenRequest, fault: Option<&faults::Fault>) {
    if shared.verbose {
        let tls = if seen.tls { "https" } else { "http" };
        let outcome = fault.map_or(seen.status.to_string(), |fault| format!("{fault:?}"));
        println!(
            "{tls} {} {} {} {outcome}",
            seen.connection, seen.method, seen.path
        );
    }
    lock(&shared.seen).push(seen);
}

/// What faults go by: the path behind `/api/v16/`, or the whole of any other.
fn below_base(path: &str) -> &str {
    let below = path
        .strip_prefix("/api/")
        .and_then(|rest| rest.split_once('/'));
    below.map_or(path, |(_, rest)| rest)
}

/// The next request of a connection; `None` at its end.
fn read_request(
    shared: &Shared,
    stream: &mut dyn Stream,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Request>> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        if buffer.len() > LONGEST_REQUEST || !read_more(shared, stream, buffer)? {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let length = header(&head, "content-length")
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    let whole = end + 4 + length;
    while buffer.len() < whole {
        if whole > LONGEST_REQUEST || !read_more(shared, stream, buffer)? {
            return Ok(None);
        }
    }
    let body = buffer[end + 4..whole].to_vec();
    buffer.drain(..whole);
    let mut words = head.split_whitespace();
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let version = words.next().unwrap_or_default();
    let wish = header(&head, "connection")
        .unwrap_or_default()
        .to_ascii_lowercase();
    Ok(Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        session: header(&head, "x-fbx-app-auth"),
        body,
        keep_alive: version == "HTTP/1.1" && wish != "close" || wish == "keep-alive",
    }))
}

/// Reads what there is; `false` when the client is gone or the box is stopped.
fn read_more(shared: &Shared, stream: &mut dyn Stream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut block = [0; 4096];
    loop {
        if shared.is_closing() {
            return Ok(false);
        }
        match stream.read(&mut block) {
            Ok(0) => return Ok(false),
            Ok(read) => {
                buffer.extend_from_slice(&block[..read]);
                return Ok(true);
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut fitting = fields.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    fitting.next().map(|(_, value)| value.trim().to_owned())
}

impl Response {
    /// JSON, with the slashes escaped as the box does it.
    pub(super) fn json(status: u16, body: Json) -> Self {
        Response::raw(status, body.to_string().replace('/', "\\/").into_bytes())
    }

    /// Any body.
    pub(super) fn raw(status: u16, body: Vec<u8>) -> Self {
        Response {
            status,
            content_type: "application/json; charset=utf-8",
            body,
        }
    }

    /// The same with another type.
    pub(super) fn of_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    /// The same with another status.
    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same without what comes behind so many bytes.
    pub(super) fn cut(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }

    /// The body as text.
    pub(super) fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Status line and headers; chunked if no length is given.
    pub(super) fn head(&self, length: Option<usize>) -> String {
        let length = match length {
            Some(length) => format!("Content-Length: {length}"),
            None => "Transfer-Encoding: chunked".to_owned(),
        };
        format!(
            "HTTP/1.1 {} X\r\nServer: nginx\r\nContent-Type: {}\r\nConnection: keep-alive\r\n{length}\r\n\r\n",
            self.status, self.content_type
        )
    }

    /// Sends it; says whether the connection lives on.
    pub(super) fn send(
        self,
        stream: &mut dyn Stream,
        request: &Request,
    ) -> io::Result<faults::KeepAlive> {
        let mut bytes = self.head(Some(self.body.len())).into_bytes();
        bytes.extend_from_slice(&self.body);
        stream.write_all(&bytes)?;
        Ok(request.keep_alive)
    }
}
