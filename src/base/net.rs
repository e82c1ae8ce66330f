//! Connections, within a limit of time from the name look-up on.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;

use crate::base::deadline::Deadline;
use crate::base::threads;

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The name has no address.
    NoAddress(io::Error),
    /// The last of its addresses did not take the connection.
    NoConnection(SocketAddr, io::Error),
    /// Time ran out while doing this.
    TimedOut(&'static str),
}

/// Connects to the first address of a name that answers; each gets its share of the time that is
/// left.
///
/// # Errors
/// When none does.
pub(crate) fn connect(host: &str, port: u16, deadline: Deadline) -> Result<TcpStream, Failure> {
    let addresses = resolve(host, port, deadline)?;
    let mut failure = match addresses.is_empty() {
        true => Failure::NoAddress(io::Error::other("the name has no address")),
        false => Failure::TimedOut("connecting"),
    };
    for (tried, address) in addresses.iter().enumerate() {
        let Some(left) = deadline.left() else { break };
        let untried = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        // The last one may use all but what sending needs.
        let share = left / untried.max(2);
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Failure::NoConnection(*address, error),
        }
    }
    Err(failure)
}

/// Looks a name up, in a thread of its own: the system's resolver cannot be interrupted and may
/// take twenty seconds to give up. Where there is no thread for it, that has to be endured.
///
/// # Errors
/// When the name is not known, or nobody says in time.
pub(crate) fn resolve(
    host: &str,
    port: u16,
    deadline: Deadline,
) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let too_late = || Failure::TimedOut("looking its name up");
    let left = deadline.left().ok_or_else(too_late)?;
    let (tell, told) = mpsc::sync_channel(1);
    let name = host.to_owned();
    let in_a_thread = move || {
        // Nobody listens any more when this took too long.
        let _ = tell.send(look_up(&name, port));
    };
    let found = match threads::spawn(in_a_thread) {
        Ok(()) => told.recv_timeout(left).map_err(|_| too_late())?,
        Err(_) => look_up(host, port),
    };
    found.map_err(Failure::NoAddress)
}

fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found = (host, port).to_socket_addrs().map(Iterator::collect);
    // The words of the standard library before those of the system help nobody.
    found.map_err(|error| {
        let words = error.to_string();
        let why = words.rsplit(": ").next().unwrap_or_default();
        io::Error::new(error.kind(), format!("the name is not known: {why}"))
    })
}

/// Splits `HOST[:PORT]`; an IPv6 address may stand in brackets, and must where a port follows.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn host_and_port(text: &str) -> Result<(&str, Option<u16>), String> {
    if text.contains('@') {
        return Err("it takes neither user nor password: leave that part out".to_owned());
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("the bracket is not closed")?;
            match rest {
                "" => (host, None),
                _ => (
                    host,
                    Some(rest.strip_prefix(':').ok_or("no ':' after ']'")?),
                ),
            }
        }
        None if text.matches(':').count() > 1 => (text, None),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let address = host.split('%').next().unwrap_or_default();
    if host.contains(':') && address.parse::<Ipv6Addr>().is_err() {
        return Err(format!("'{host}' is neither a host nor an IPv6 address"));
    }
    let strange = |c: char| !(c.is_ascii_alphanumeric() || "-._:%".contains(c));
    if host.is_empty() {
        return Err("there is no host name in it".to_owned());
    }
    if let Some(c) = host.chars().find(|c| strange(*c)) {
        return Err(format!("{c:?} cannot stand in a host name"));
    }
    let number = |port: &str| match port.parse() {
        Ok(0) | Err(_) => Err(format!("'{port}' is no port")),
        Ok(port) => Ok(port),
    };
    Ok((host, port.map(number).transpose()?))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoAddress(error) => error.fmt(f),
            Failure::NoConnection(address, error) => {
                write!(f, "no connection to {address}: {error}")
            }
            Failure::TimedOut(doing) => write!(f, "time ran out while {doing}"),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn when_the_time_is_over_that_is_what_is_said() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let over = Deadline::after(Instant::now(), Duration::ZERO);
        for (host, expected) in [
            ("127.0.0.1", "time ran out while connecting"),
            ("localhost", "time ran out while looking its name up"),
        ] {
            let failure = connect(host, port, over).expect_err("no time");
            assert_eq!(failure.to_string(), expected);
        }
        let later = Deadline::after(Instant::now(), Duration::from_secs(5));
        assert!(connect("127.0.0.1", port, later).is_ok());
    }
}
