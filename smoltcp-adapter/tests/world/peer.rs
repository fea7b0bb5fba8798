//! A client of raw bytes.

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{RecvError, State};

use super::World;

pub struct Peer {
    pub handle: SocketHandle,
    to_send: Vec<u8>,
    sent: usize,
    /// At most so many bytes a write.
    pub piece: usize,
    /// Half-close behind the last byte.
    pub closes: bool,
    pub reads: bool,
    pub got: Vec<u8>,
    pub end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server closed.
    Closed,
    /// Refused, or reset.
    Reset,
}

impl Peer {
    pub fn new(handle: SocketHandle, to_send: Vec<u8>) -> Self {
        let piece = usize::MAX;
        Self { handle, to_send, sent: 0, piece, closes: false, reads: true, got: vec![], end: None }
    }

    /// Sends and reads what can be sent and read now.
    pub fn drive(&mut self, world: &mut World) {
        let socket = world.socket(self.handle);
        if socket.may_send() && self.sent < self.to_send.len() {
            let left = &self.to_send[self.sent..];
            let piece = &left[..left.len().min(self.piece)];
            self.sent += socket.send_slice(piece).unwrap_or(0);
        }
        if self.closes && self.sent == self.to_send.len() && socket.may_send() {
            socket.close();
        }
        if self.reads && self.end.is_none() {
            let mut bytes = [0; 4_096];
            match socket.recv_slice(&mut bytes) {
                Ok(len) => self.got.extend_from_slice(&bytes[..len]),
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
    }

    pub fn is_done(&self) -> bool {
        self.end.is_some()
    }
}
