//! Where a box is: a host with or without a port, or the start of a URL.

use std::fmt;
use std::str::FromStr;

use crate::base::net::host_and_port;

/// What a person writes after `--endpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// `http` or `https`, if it was said.
    pub(super) scheme: Option<Scheme>,
    /// A name or an address; IPv6 ones without their brackets.
    pub(super) host: String,
    /// The port, if it was said.
    pub(super) port: Option<u16>,
}

/// How to speak to a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Address {
    /// The start of a URL at this host: `https://host:port`, without the port where it is the
    /// usual one.
    pub(super) fn origin(&self, scheme: Scheme, port: u16) -> String {
        let host = bracketed(&self.host);
        match (scheme, port) {
            (Scheme::Http, 80) => format!("http://{host}"),
            (Scheme::Https, 443) => format!("https://{host}"),
            (Scheme::Http, _) => format!("http://{host}:{port}"),
            (Scheme::Https, _) => format!("https://{host}:{port}"),
        }
    }

    /// Where the API would be, in this version: as far as that can be known without asking.
    pub(crate) fn api_url(&self, major: u32) -> String {
        let scheme = if self.scheme.is_none() {
            "https://"
        } else {
            ""
        };
        format!("{scheme}{self}/api/v{major}")
    }

    /// The ports at which a box is looked for, the likeliest first.
    pub(crate) fn ports(&self) -> Vec<u16> {
        match (self.port, self.scheme) {
            (Some(port), _) => vec![port],
            (None, Some(Scheme::Https)) => vec![443],
            (None, Some(Scheme::Http)) => vec![80],
            (None, None) => vec![443, 80],
        }
    }

    /// Whether both lead to the same place, however it is written.
    pub(crate) fn is_same_place(&self, other: &Address) -> bool {
        let (ports, others) = (self.ports(), other.ports());
        self.host.eq_ignore_ascii_case(&other.host) && ports.iter().any(|it| others.contains(it))
    }

    /// The host alone.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// What tells this place from others, as paths show it: the host, and the port where it is not
    /// the usual one.
    pub(crate) fn place(&self) -> String {
        let usual: &[u16] = match self.scheme {
            Some(Scheme::Http) => &[80],
            Some(Scheme::Https) => &[443],
            None => &[80, 443],
        };
        match self.port {
            Some(port) if !usual.contains(&port) => format!("{}:{port}", bracketed(&self.host)),
            _ => self.host.clone(),
        }
    }
}

fn bracketed(host: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            None => "",
            Some(Scheme::Http) => "http://",
            Some(Scheme::Https) => "https://",
        };
        write!(f, "{scheme}{}", bracketed(&self.host))?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = match text.split_once("://") {
            None => (None, text),
            Some((word, rest)) if word.eq_ignore_ascii_case("http") => (Some(Scheme::Http), rest),
            Some((word, rest)) if word.eq_ignore_ascii_case("https") => (Some(Scheme::Https), rest),
            Some((word, _)) => return Err(format!("'{word}' is neither http nor https")),
        };
        // A path is what people copy along from the browser; the box says its own.
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = host_and_port(authority)?;
        Ok(Address {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let cases = [
            ("mafreebox.freebox.fr", "mafreebox.freebox.fr"),
            ("Mafreebox.Freebox.FR:443", "mafreebox.freebox.fr:443"),
            ("http://192.168.1.254", "http://192.168.1.254"),
            (
                "https://x.fbxos.fr:31337/api/v8/",
                "https://x.fbxos.fr:31337",
            ),
            ("[::1]:8080", "[::1]:8080"),
            ("fe80::1", "[fe80::1]"),
        ];
        for (given, expected) in cases {
            let address: Address = given
                .parse()
                .unwrap_or_else(|error| panic!("{given}: {error}"));
            assert_eq!(address.to_string(), expected);
        }
        for bad in [
            "",
            ":80",
            "a b",
            "host:0",
            "host:99999",
            "host:x",
            "ftp://a",
            "[::1",
            "u@h",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_has_its_port_where_that_is_not_the_usual_one() {
        for (given, expected) in [
            ("127.0.0.1:8443", "127.0.0.1:8443"),
            ("127.0.0.1:443", "127.0.0.1"),
            ("http://host:443", "host:443"),
            ("https://host:443/api/v8", "host"),
            ("[fe80::1]:8080", "[fe80::1]:8080"),
            ("fe80::1", "fe80::1"),
        ] {
            let address: Address = given.parse().expect(given);
            assert_eq!(address.place(), expected);
        }
    }

    #[test]
    fn nobody_hears_of_a_password() {
        for given in [
            "user:secret@host",
            "https://user:secret@host/",
            "secret@[::1]:80",
        ] {
            let words = given.parse::<Address>().expect_err(given);
            assert!(
                !words.contains("secret") && words.contains("leave that part out"),
                "{words}"
            );
        }
    }

    #[test]
    fn origins_leave_out_the_usual_port() {
        let address: Address = "[::1]".parse().expect("an address");
        assert_eq!(address.origin(Scheme::Https, 443), "https://[::1]");
        assert_eq!(address.origin(Scheme::Http, 8080), "http://[::1]:8080");
    }
}
