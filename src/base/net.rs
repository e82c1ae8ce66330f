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
    /// Time ran out during the name look-up.
    TimedOut,
}

/// Connects to the first address of a name that answers; each gets its share of the time that is
/// left.
///
/// # Errors
/// When none does.
pub(crate) fn connect(host: &str, port: u16, deadline: Deadline) -> Result<TcpStream, Failure> {
    let addresses = resolve(host, port, deadline)?;
    let mut failure = Failure::NoAddress(io::Error::other("the name has no address"));
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
    let left = deadline.left().ok_or(Failure::TimedOut)?;
    let (tell, told) = mpsc::sync_channel(1);
    let name = host.to_owned();
    let in_a_thread = move || {
        // Nobody listens any more when this took too long.
        let _ = tell.send(look_up(&name, port));
    };
    let found = match threads::spawn(in_a_thread) {
        Ok(()) => told.recv_timeout(left).map_err(|_| Failure::TimedOut)?,
        Err(_) => look_up(host, port),
    };
    found.map_err(Failure::NoAddress)
}

fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (host, port).to_socket_addrs().map(Iterator::collect)
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
            Failure::TimedOut => f.write_str("time ran out while looking its name up"),
        }
    }
}

impl std::error::Error for Failure {}
