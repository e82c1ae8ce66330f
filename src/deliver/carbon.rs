//! Lines for carbon over TCP.
//!
//! carbon never acknowledges a line. The strongest sign there is: send everything, listen for a
//! moment (a receiver that has choked on a line hangs up now), close our half, and wait for carbon
//! to close its own. It does that only after it has read to our end. Everything, from the name
//! look-up on, shares one deadline, but where the system has no thread left that could look it up.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit};
use crate::base::net::{self, host_and_port};

/// carbon's port for lines.
const USUAL_PORT: u16 = 2003;
/// How long a receiver has to say that it cannot do with what it got.
const LISTEN: Duration = Duration::from_millis(100);
/// What one `write` is given. Small enough that a peer that accepts a few bytes a second cannot
/// keep us past the deadline.
const CHUNK: usize = 16 * 1024;

/// A carbon to deliver to: `HOST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carbon {
    host: String,
    port: u16,
}

impl FromStr for Carbon {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = host_and_port(text)?;
        Ok(Carbon {
            host: host.to_owned(),
            port: port.unwrap_or(USUAL_PORT),
        })
    }
}

impl Carbon {
    /// Its name or address.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for Carbon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Why lines are not confirmed.
#[derive(Debug)]
enum Unconfirmed {
    /// No connection came about; nothing was sent.
    NotConnected(net::Failure),
    /// Time ran out while doing this.
    TimedOut(&'static str),
    /// The receiver closed before we did: it has not read everything, or choked on it.
    ClosedEarly,
    /// The receiver said something, which carbon never does.
    Spoke,
    /// The connection broke while doing this.
    Broken(&'static str, io::Error),
}

/// Delivers lines and waits for carbon's confirmation.
///
/// # Errors
/// When there is none before the deadline. The lines may have arrived all the same; sending them
/// again does no harm.
pub(crate) fn deliver(to: &Carbon, text: &str, deadline: Deadline) -> Result<(), Error> {
    if text.is_empty() {
        return Ok(());
    }
    exchange(to, text, deadline)
}

/// Finds out whether a carbon would take lines, without sending any.
///
/// # Errors
/// As [`deliver`].
pub(crate) fn probe(to: &Carbon, deadline: Deadline) -> Result<(), Error> {
    exchange(to, "", deadline)
}

fn exchange(to: &Carbon, text: &str, deadline: Deadline) -> Result<(), Error> {
    let stream = net::connect(&to.host, to.port, deadline).map_err(Unconfirmed::NotConnected);
    let confirmed = stream.and_then(|stream| confirm(stream, text.as_bytes(), deadline));
    confirmed.map_err(|why| Error::new(Exit::Undelivered, format!("carbon at {to}")).because(why))
}

fn confirm(mut stream: TcpStream, text: &[u8], deadline: Deadline) -> Result<(), Unconfirmed> {
    write_all(&mut stream, text, deadline)?;
    must_be_silent(&mut stream, deadline)?;
    let broken = |error| Unconfirmed::Broken("closing our half", error);
    stream.shutdown(Shutdown::Write).map_err(broken)?;
    wait_for_close(&mut stream, deadline)
}

fn write_all(stream: &mut TcpStream, text: &[u8], deadline: Deadline) -> Result<(), Unconfirmed> {
    const DOING: &str = "sending";
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Unconfirmed::ClosedEarly,
        _ if is_timeout(&error) => Unconfirmed::TimedOut(DOING),
        _ => Unconfirmed::Broken(DOING, error),
    };
    let mut rest = text;
    while !rest.is_empty() {
        let left = deadline.left().ok_or(Unconfirmed::TimedOut(DOING))?;
        stream.set_write_timeout(Some(left)).map_err(failed)?;
        match stream.write(&rest[..rest.len().min(CHUNK)]) {
            Ok(0) => return Err(Unconfirmed::ClosedEarly),
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

/// Whoever closes or speaks before our end has not taken the lines as lines.
fn must_be_silent(stream: &mut TcpStream, deadline: Deadline) -> Result<(), Unconfirmed> {
    let listen = LISTEN.min(deadline.left().unwrap_or_default());
    match read(stream, Instant::now() + listen, "listening") {
        Err(Unconfirmed::TimedOut(_)) => Ok(()),
        // Whoever closes with something unread resets the connection.
        Err(Unconfirmed::Broken(_, error)) if error.kind() == io::ErrorKind::ConnectionReset => {
            Err(Unconfirmed::ClosedEarly)
        }
        Ok(0) => Err(Unconfirmed::ClosedEarly),
        Ok(_) => Err(Unconfirmed::Spoke),
        Err(other) => Err(other),
    }
}

fn wait_for_close(stream: &mut TcpStream, deadline: Deadline) -> Result<(), Unconfirmed> {
    const DOING: &str = "waiting for its confirmation";
    let left = deadline.left().ok_or(Unconfirmed::TimedOut(DOING))?;
    match read(stream, Instant::now() + left, DOING)? {
        0 => Ok(()),
        _ => Err(Unconfirmed::Spoke),
    }
}

/// One successful `read`, however often the system interrupts it.
fn read(stream: &mut TcpStream, until: Instant, doing: &'static str) -> Result<usize, Unconfirmed> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Unconfirmed::TimedOut(doing));
        }
        let broken = |error| Unconfirmed::Broken(doing, error);
        stream.set_read_timeout(Some(left)).map_err(broken)?;
        match stream.read(&mut [0; 64]) {
            Ok(read) => return Ok(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => return Err(Unconfirmed::TimedOut(doing)),
            Err(error) => return Err(broken(error)),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unconfirmed::NotConnected(failure) => failure.fmt(f),
            Unconfirmed::TimedOut(doing) => write!(f, "time ran out while {doing}"),
            Unconfirmed::ClosedEarly => f.write_str(
                "it closed the connection before the end of the lines; is this carbon's port for \
                 plain lines?",
            ),
            Unconfirmed::Spoke => {
                f.write_str("something else answers there; carbon's port for plain lines is silent")
            }
            Unconfirmed::Broken(doing, error) => {
                write!(f, "the connection broke while {doing}: {error}")
            }
        }
    }
}

impl std::error::Error for Unconfirmed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let cases = [
            ("localhost", "localhost:2003"),
            ("10.0.0.1:2013", "10.0.0.1:2013"),
            ("[::1]", "[::1]:2003"),
            ("[::1]:2013", "[::1]:2013"),
        ];
        for (given, expected) in cases {
            let carbon: Carbon = given
                .parse()
                .unwrap_or_else(|error| panic!("{given}: {error}"));
            assert_eq!(carbon.to_string(), expected);
        }
        for bad in ["", ":2003", "carbon:", "carbon:port", "tcp://carbon"] {
            assert!(bad.parse::<Carbon>().is_err(), "{bad}");
        }
    }
}
