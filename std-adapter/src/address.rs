//! Addresses as people write them.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// The port where none is given.
pub const DEFAULT_PORT: u16 = 61_000;

/// A host, or none, and a port: `localhost:61000`, `192.0.2.1`, `[::1]:61000`, `::1`, `:61000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a text is not an address, or leads nowhere.
#[derive(Debug)]
#[non_exhaustive]
pub enum AddressError {
    /// The part behind the colon is not a port.
    Port(String),
    /// A bracket without its other half, or bytes after it.
    Bracket(String),
    /// The host has no address.
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

impl std::error::Error for AddressError {}

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

/// Host and port; more than one colon outside of brackets is a bare IPv6 address.
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
    /// Where to connect, in the order of preference. Without a host, this machine.
    ///
    /// # Errors
    /// [`AddressError::Unresolved`].
    pub fn to_connect(&self) -> Result<Vec<SocketAddr>, AddressError> {
        self.resolve(if self.host.is_empty() { "localhost" } else { &self.host })
    }

    /// Where to listen, in the order of preference. Without a host, every interface: IPv6 and IPv4 on
    /// one socket where the system can, else IPv4 alone.
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
    fn addresses_as_people_write_them() {
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
    fn what_is_no_address_is_named() {
        for text in
            ["localhost:", "localhost:65536", "localhost:+7", "localhost:x", "[::1", "[::1]7"]
        {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.to_string().starts_with(text), "{error}");
        }
    }

    #[test]
    fn no_host_is_this_machine_or_every_interface() {
        let address: Address = ":7".parse().unwrap();
        assert!(address.to_connect().unwrap().iter().all(|found| found.ip().is_loopback()));
        assert!(address.to_listen().unwrap().iter().all(|found| found.ip().is_unspecified()));
    }
}
