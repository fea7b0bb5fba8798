//! A TCP client of raw bytes.

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{RecvError, State};
use smoltcp::time::Duration;

use super::Sim;

pub struct Peer {
    pub handle: SocketHandle,
    to_send: Vec<u8>,
    sent: usize,
    /// The most bytes per write.
    pub max_write: usize,
    /// Ends its sending half after the last byte.
    pub half_closes: bool,
    pub reads: bool,
    pub received: Vec<u8>,
    pub end: Option<End>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server closed it.
    Closed,
    /// It was refused or reset.
    Reset,
}

impl Peer {
    /// A client over a socket that is connecting.
    pub fn new(handle: SocketHandle, to_send: Vec<u8>) -> Self {
        Self {
            handle,
            to_send,
            sent: 0,
            max_write: usize::MAX,
            half_closes: false,
            reads: true,
            received: vec![],
            end: None,
        }
    }

    /// Begins to connect to the server.
    pub fn connect(sim: &mut Sim, to_send: impl Into<Vec<u8>>) -> Self {
        Self::new(sim.connect(), to_send.into())
    }

    /// Runs until it has received exactly these bytes.
    pub fn wait_for(&mut self, sim: &mut Sim, bytes: &[u8]) {
        let in_time = sim.run_until(Duration::from_secs(70), |sim| {
            self.poll(sim);
            self.received.len() >= bytes.len()
        });
        let text = String::from_utf8_lossy(&self.received);
        assert!(in_time && self.received == bytes, "{text:?}, {:?}", self.end);
    }

    /// Runs until its connection is over. Returns how it ended.
    pub fn wait_for_end(&mut self, sim: &mut Sim, limit: Duration) -> End {
        sim.run_until(limit, |sim| {
            self.poll(sim);
            self.is_done()
        });
        self.end.unwrap_or_else(|| panic!("not over after {limit}: {:?}", sim.server))
    }

    /// Sends and reads what can be sent and read now.
    pub fn poll(&mut self, sim: &mut Sim) {
        let socket = sim.socket(self.handle);
        if socket.may_send() && self.sent < self.to_send.len() {
            let rest = &self.to_send[self.sent..];
            let piece = &rest[..rest.len().min(self.max_write)];
            self.sent += socket.send_slice(piece).unwrap_or(0);
        }
        if self.half_closes && self.sent == self.to_send.len() && socket.may_send() {
            socket.close();
        }
        if self.reads && self.end.is_none() {
            self.read(sim);
        }
    }

    fn read(&mut self, sim: &mut Sim) {
        let socket = sim.socket(self.handle);
        let mut bytes = [0; 4_096];
        match socket.recv_slice(&mut bytes) {
            Ok(len) => self.received.extend_from_slice(&bytes[..len]),
            Err(RecvError::Finished) => {
                self.end = Some(End::Closed);
                socket.close();
            }
            Err(RecvError::InvalidState) if socket.state() == State::Closed => {
                self.end = Some(End::Reset);
            }
            Err(RecvError::InvalidState) => {}
        }
    }

    pub fn is_done(&self) -> bool {
        self.end.is_some()
    }
}
