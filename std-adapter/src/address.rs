//! Addresses as they are written on a command line.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// The port of an address without one.
pub const DEFAULT_PORT: u16 = 61_000;

/// An optional host and an optional port: `localhost:61000`, `192.0.2.1`, `[::1]:61000`, `::1`,
/// `:61000`. It is parsed with [`str::parse`]; a host is resolved when it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why an address can't be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum AddressError {
    /// The text behind the colon is not a port.
    Port(String),
    /// A bracket isn't closed, or something other than a port follows it.
    Bracket(String),
    /// The host couldn't be resolved.
    Unresolved(Address, io::Error),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(text) => write!(f, "{text}: the port must be a number up to 65535"),
            Self::Bracket(text) => {
                write!(f, "{text}: write an IPv6 address with a port as [::1]:61000")
            }
            Self::Unresolved(address, error) => write!(f, "{address}: no such host: {error}"),
        }
    }
}

impl std::error::Error for AddressError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Port(_) | Self::Bracket(_) => None,
            Self::Unresolved(_, error) => Some(error),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = split(text)?;
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => parse_port(port).ok_or_else(|| AddressError::Port(text.into()))?,
        };
        Ok(Self { host: host.into(), port })
    }
}

/// Splits host and port. Several colons outside of brackets are an IPv6 address without a port.
fn split(text: &str) -> Result<(&str, Option<&str>), AddressError> {
    if let Some(rest) = text.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((host, "")) => Ok((host, None)),
            Some((host, port)) if port.starts_with(':') => Ok((host, Some(&port[1..]))),
            _ => Err(AddressError::Bracket(text.into())),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Ok((text, None)),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl Address {
    /// The addresses to connect to, in order of preference. Without a host: this machine.
    ///
    /// # Errors
    /// [`AddressError::Unresolved`].
    pub fn to_connect(&self) -> Result<Vec<SocketAddr>, AddressError> {
        self.resolve(if self.host.is_empty() { "localhost" } else { &self.host })
    }

    /// The addresses to listen on, in order of preference. Without a host: every interface, with
    /// IPv6 and IPv4 on one socket where the system supports it, else with IPv4 alone.
    ///
    /// # Errors
    /// [`AddressError::Unresolved`].
    pub fn to_listen(&self) -> Result<Vec<SocketAddr>, AddressError> {
        if self.host.is_empty() {
            let any = |ip: std::net::IpAddr| SocketAddr::new(ip, self.port);
            return Ok(vec![
                any(std::net::Ipv6Addr::UNSPECIFIED.into()),
                any(std::net::Ipv4Addr::UNSPECIFIED.into()),
            ]);
        }
        self.resolve(&self.host)
    }

    fn resolve(&self, host: &str) -> Result<Vec<SocketAddr>, AddressError> {
        let unresolved = |error| AddressError::Unresolved(self.clone(), error);
        let found: Vec<_> = (host, self.port).to_socket_addrs().map_err(unresolved)?.collect();
        if found.is_empty() {
            return Err(unresolved(io::ErrorKind::NotFound.into()));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_parsed() {
        for (text, host, port) in [
            ("localhost:7", "localhost", 7),
            ("localhost", "localhost", 61_000),
            ("192.0.2.1", "192.0.2.1", 61_000),
            ("[::1]:7", "::1", 7),
            ("[::1]", "::1", 61_000),
            ("::1", "::1", 61_000),
            (":7", "", 7),
            ("", "", 61_000),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port), "{text}");
        }
    }

    #[test]
    fn an_error_names_the_text() {
        for text in
            ["localhost:", "localhost:65536", "localhost:+7", "localhost:x", "[::1", "[::1]7"]
        {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.to_string().starts_with(text), "{error}");
        }
    }

    #[test]
    fn without_a_host_it_is_this_machine_or_every_interface() {
        let address: Address = ":7".parse().unwrap();
        assert!(address.to_connect().unwrap().iter().all(|found| found.ip().is_loopback()));
        assert!(address.to_listen().unwrap().iter().all(|found| found.ip().is_unspecified()));
    }
}
