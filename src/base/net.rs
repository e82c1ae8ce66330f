//! Connections, within a limit of time from the name look-up on.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;

use crate::base::deadline::Deadline;

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
/// take twenty seconds to give up.
///
/// # Errors
/// When the name is not known, or nobody says in time.
pub(crate) fn resolve(
    host: &str,
    port: u16,
    deadline: Deadline,
) -> Result<Vec<SocketAddr>, Failure> {
    let left = deadline.left().ok_or(Failure::TimedOut)?;
    let (tell, told) = mpsc::sync_channel(1);
    let name = host.to_owned();
    thread::spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        // Nobody listens any more when this took too long.
        let _ = tell.send(found.map(Iterator::collect));
    });
    match told.recv_timeout(left) {
        Ok(found) => found.map_err(Failure::NoAddress),
        Err(_) => Err(Failure::TimedOut),
    }
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
