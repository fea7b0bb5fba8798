//! Attaches to a TAP device by name: the one place that uses ioctl.

use std::borrow::ToOwned;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::string::String;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl};
use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice};

/// Bytes of an interface name, its terminating zero included (`IFNAMSIZ` of linux/if.h).
const MAX_NAME_LEN: usize = 16;
/// `linux/if_tun.h`: attaches this descriptor to the device of that name. `_IOW('T', 202, int)`,
/// although it takes an ifreq.
const TUNSETIFF: Opcode = rustix::ioctl::opcode::write::<i32>(b'T', 202);
/// `linux/sockios.h`: the interface's MTU, in bytes of an IP packet.
const SIOCGIFMTU: Opcode = 0x8921;
/// `linux/sockios.h`: the interface's flags.
const SIOCGIFFLAGS: Opcode = 0x8913;
/// `linux/if_tun.h`: Ethernet frames, without the four bytes of packet information before each.
const IFF_TAP_NO_PI: i16 = 0x0002 | 0x1000;
/// `linux/if.h`: the interface is up.
const IFF_UP: i16 = 0x0001;

/// Why a TAP device could not be opened. It is displayed as one line that says what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is empty, longer than 15 bytes, or has a byte that no interface name can have.
    Name(String),
    /// `/dev/net/tun` is missing, or may not be opened.
    Tun(io::Error),
    /// No interface has that name, and this process may not create one.
    NoDevice(String),
    /// Another process is attached to the device.
    Busy(String),
    /// The device belongs to another user.
    Permission(String),
    /// The interface of that name is not a TAP device.
    NotTap(String),
    /// Any other error of the kernel.
    Other(String, io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                write!(f, "{name:?} is not an interface name: give 1 to 15 letters or digits")
            }
            Self::Tun(error) => write!(
                f,
                "cannot open /dev/net/tun ({error}): sudo modprobe tun, or sudo chmod 666 \
                 /dev/net/tun"
            ),
            Self::NoDevice(name) => write!(
                f,
                "no TAP device {name}: run this through examples/tap, or sudo ip tuntap add dev \
                 {name} mode tap user $USER"
            ),
            Self::Busy(name) => {
                write!(f, "{name} is in use by another process: end that, or give another --tap")
            }
            Self::Permission(name) => write!(
                f,
                "{name} belongs to another user: sudo ip tuntap add with user $USER, or run this \
                 through examples/tap"
            ),
            Self::NotTap(name) => {
                write!(f, "{name} is not a TAP device: give the name of one, or a new name")
            }
            Self::Other(name, error) => write!(f, "cannot attach to {name}: {error}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Tun(error) | Self::Other(_, error) => Some(error),
            _ => None,
        }
    }
}

/// A descriptor that is attached to a device.
pub(super) struct Attached {
    pub(super) fd: OwnedFd,
    /// Bytes of the longest IP packet in a frame.
    pub(super) mtu: usize,
    pub(super) up: bool,
}

/// Attaches to the TAP device `name`, or creates it where this process may.
pub(super) fn attach(name: &str) -> Result<Attached, OpenError> {
    let mut request = Ifreq::new(name)?;
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open("/dev/net/tun", flags, Mode::empty())
        .map_err(|errno| OpenError::Tun(errno.into()))?;
    let other = |errno: Errno| OpenError::Other(name.into(), errno.into());
    // Any socket can be asked about an interface.
    let socket = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(other)?;
    let known = netdevice::name_to_index(&socket, name).is_ok();

    request.set_flags(IFF_TAP_NO_PI);
    request.request::<TUNSETIFF>(&fd).map_err(|errno| refused(name, known, errno))?;
    request.request::<SIOCGIFMTU>(&socket).map_err(other)?;
    let mtu = usize::try_from(request.int()).map_err(|_| other(Errno::INVAL))?;
    request.request::<SIOCGIFFLAGS>(&socket).map_err(other)?;
    Ok(Attached { fd, mtu, up: request.flags() & IFF_UP != 0 })
}

fn refused(name: &str, known: bool, errno: Errno) -> OpenError {
    let name = name.to_owned();
    match (errno, known) {
        (Errno::PERM | Errno::ACCESS, false) => OpenError::NoDevice(name),
        (Errno::PERM | Errno::ACCESS, true) => OpenError::Permission(name),
        (Errno::BUSY, _) => OpenError::Busy(name),
        (Errno::INVAL, true) => OpenError::NotTap(name),
        _ => OpenError::Other(name, errno.into()),
    }
}

/// `struct ifreq` of `linux/if.h`: a name, then a union of which the short or the int at its start
/// is used.
#[repr(C, align(8))]
struct Ifreq {
    name: [u8; MAX_NAME_LEN],
    union: [u8; 24],
}

impl Ifreq {
    fn new(name: &str) -> Result<Self, OpenError> {
        let legal = |byte: u8| byte.is_ascii_graphic() && !b"/%:".contains(&byte);
        if name.is_empty() || name.len() >= MAX_NAME_LEN || !name.bytes().all(legal) {
            return Err(OpenError::Name(name.into()));
        }
        let mut request = Self { name: [0; MAX_NAME_LEN], union: [0; 24] };
        request.name[..name.len()].copy_from_slice(name.as_bytes());
        Ok(request)
    }

    fn set_flags(&mut self, flags: i16) {
        self.union[..2].copy_from_slice(&flags.to_ne_bytes());
    }

    fn flags(&self) -> i16 {
        let [a, b, ..] = self.union;
        i16::from_ne_bytes([a, b])
    }

    fn int(&self) -> i32 {
        let [a, b, c, d, ..] = self.union;
        i32::from_ne_bytes([a, b, c, d])
    }

    /// Makes the request `OPCODE` about the interface; the kernel writes its answer to the union.
    #[allow(unsafe_code)]
    fn request<const OPCODE: Opcode>(&mut self, fd: impl AsFd) -> Result<(), Errno> {
        debug_assert!([TUNSETIFF, SIOCGIFMTU, SIOCGIFFLAGS].contains(&OPCODE));
        // SAFETY: each of the three requests above takes a `struct ifreq` and writes at most one
        // back. `Ifreq` is that struct: it is `repr(C)`, at least as large (40 bytes, as on 64-bit
        // Linux; elsewhere it has 32), and any bytes are a valid value of it. On another kind of
        // descriptor the requests fail with ENOTTY or EINVAL.
        unsafe { ioctl(fd, Updater::<OPCODE, Self>::new(self)) }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn an_invalid_interface_name_is_refused_with_advice() {
        for name in ["", "sixteen-bytes-!!", "with space", "a/b", "tap\0"] {
            let error = Ifreq::new(name).err().expect("refused").to_string();
            assert!(error.contains("1 to 15") && !error.contains('\n'), "{error}");
        }
        assert!(Ifreq::new("fifteen-bytes-!").is_ok());
    }

    #[test]
    fn each_error_says_what_to_do() {
        for (errno, known, advice) in [
            (Errno::PERM, false, "examples/tap"),
            (Errno::PERM, true, "another user"),
            (Errno::BUSY, true, "another process"),
            (Errno::INVAL, true, "not a TAP device"),
            (Errno::NOMEM, false, "cannot attach"),
        ] {
            let line = refused("tap0", known, errno).to_string();
            assert!(
                line.contains(advice) && line.contains("tap0") && !line.contains('\n'),
                "{line}"
            );
        }
    }
}
