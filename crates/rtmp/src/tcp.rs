//! What the operating system knows of a connection, and nobody else: how much of what was sent has
//! reached the peer's system.
//!
//! A dead path takes whatever is written until the send buffer is full, which may be a minute of
//! media; what the peer acknowledges stops at once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

/// How long the system goes on with what nobody acknowledges (Linux; its own limit is a quarter of an
/// hour). Longer than anyone waits here: what was sent before a path broke may still get through, and with
/// it the end that frees the stream's name.
#[cfg(target_os = "linux")]
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30);

/// The state of a connection. What a system does not tell is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Bytes that the peer's system has acknowledged.
    pub acknowledged: Option<u64>,
    /// Bytes that were handed to the system and are not acknowledged yet.
    pub outstanding: Option<u64>,
    /// The part of them that was not even sent yet.
    pub unsent: Option<u64>,
    /// The time to the peer and back, smoothed.
    pub rtt: Option<Duration>,
    /// The shortest of late: the path without any queue.
    pub rtt_shortest: Option<Duration>,
    /// Bytes that were sent more than once.
    pub retransmitted: Option<u64>,
}

/// A look at a connection from beside it. It keeps the socket open: it must go together with its
/// publisher.
#[derive(Clone, Debug)]
pub struct Probe(Option<Arc<system::Socket>>);

impl Probe {
    /// Where the system lets nobody look, nothing is told.
    pub(crate) fn new(stream: &TcpStream) -> Self {
        Self(system::Socket::beside(stream).ok().map(Arc::new))
    }

    /// What the system tells at this moment.
    pub fn signals(&self) -> Signals {
        self.0.as_ref().and_then(|socket| socket.signals().ok()).unwrap_or_default()
    }
}

/// Bounds how long the system keeps trying for a connection that is given up.
pub(crate) fn bound(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(GIVEN_UP_AFTER)) {
        tracing::debug!(%error, "the system keeps its own limit");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stream; // macOS gives up after its own limit, Windows after 21 s
}

#[cfg(unix)]
mod system {
    use std::io;
    use std::mem::{MaybeUninit, size_of};
    use std::os::fd::{AsFd, AsRawFd, OwnedFd};

    use tokio::net::TcpStream;

    use super::Signals;

    #[derive(Debug)]
    pub(super) struct Socket(OwnedFd);

    impl Socket {
        pub(super) fn beside(stream: &TcpStream) -> io::Result<Self> {
            stream.as_fd().try_clone_to_owned().map(Self)
        }

        pub(super) fn signals(&self) -> io::Result<Signals> {
            super::read(self)
        }

        /// One option of `IPPROTO_TCP`; older systems fill less of it and leave the rest zero.
        pub(super) fn option<T>(&self, name: libc::c_int) -> io::Result<(T, usize)> {
            let mut value = MaybeUninit::<T>::zeroed();
            let mut length = size_of::<T>() as libc::socklen_t;
            // SAFETY: the descriptor is open, and `value` has room for `length` bytes.
            let result = unsafe {
                libc::getsockopt(
                    self.0.as_raw_fd(),
                    libc::IPPROTO_TCP,
                    name,
                    value.as_mut_ptr().cast(),
                    &mut length,
                )
            };
            if result != 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the structs asked for are plain integers, for which zero is a value.
            Ok((unsafe { value.assume_init() }, length as usize))
        }
    }
}

/// tcp(7), `TCP_INFO`; what each field is stands in `linux/tcp.h`.
#[cfg(target_os = "linux")]
fn read(socket: &system::Socket) -> io::Result<Signals> {
    use std::mem::offset_of;

    let (info, length) = socket.option::<libc::tcp_info>(libc::TCP_INFO)?;
    let has = |end: usize| length >= end;
    let acknowledged = has(offset_of!(libc::tcp_info, tcpi_bytes_received)).then_some(info.tcpi_bytes_acked);
    let unsent = has(offset_of!(libc::tcp_info, tcpi_min_rtt)).then_some(u64::from(info.tcpi_notsent_bytes));
    let sent = has(offset_of!(libc::tcp_info, tcpi_dsack_dups))
        .then(|| info.tcpi_bytes_sent.saturating_sub(info.tcpi_bytes_retrans));
    let outstanding = sent
        .zip(acknowledged)
        .zip(unsent)
        .map(|((sent, acknowledged), unsent)| sent.saturating_sub(acknowledged) + unsent);
    let micros = |value: u32| Duration::from_micros(u64::from(value));
    Ok(Signals {
        acknowledged,
        outstanding,
        unsent,
        rtt: Some(micros(info.tcpi_rtt)),
        // Without a sample yet it is the largest number there is.
        rtt_shortest: (unsent.is_some() && info.tcpi_min_rtt != u32::MAX).then(|| micros(info.tcpi_min_rtt)),
        retransmitted: sent.map(|_| info.tcpi_bytes_retrans),
    })
}

/// `TCP_CONNECTION_INFO` of `netinet/tcp.h`. What is acknowledged is not counted there: it is what was sent
/// once, less what still lies in the send buffer, and so too little by what lies there unsent.
#[cfg(target_os = "macos")]
fn read(socket: &system::Socket) -> io::Result<Signals> {
    let (info, _) = socket.option::<libc::tcp_connection_info>(libc::TCP_CONNECTION_INFO)?;
    let outstanding = u64::from(info.tcpi_snd_sbbytes);
    let sent = info.tcpi_txbytes.saturating_sub(info.tcpi_txretransmitbytes);
    Ok(Signals {
        acknowledged: Some(sent.saturating_sub(outstanding)),
        outstanding: Some(outstanding),
        unsent: None,
        rtt: Some(Duration::from_millis(u64::from(info.tcpi_srtt))),
        rtt_shortest: None,
        retransmitted: Some(info.tcpi_txretransmitbytes),
    })
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "macos"))))]
fn read(_: &system::Socket) -> io::Result<Signals> {
    Ok(Signals::default())
}

/// `SIO_TCP_INFO` (Windows 10, 1703), which knows nothing of what waits unsent.
#[cfg(windows)]
mod system {
    use std::io;
    use std::mem::{size_of, zeroed};
    use std::os::windows::io::{AsRawSocket, AsSocket, OwnedSocket};
    use std::time::Duration;

    use tokio::net::TcpStream;
    use windows_sys::Win32::Networking::WinSock::{SIO_TCP_INFO, TCP_INFO_v0, WSAIoctl};

    use super::Signals;

    #[derive(Debug)]
    pub(super) struct Socket(OwnedSocket);

    impl Socket {
        pub(super) fn beside(stream: &TcpStream) -> io::Result<Self> {
            stream.as_socket().try_clone_to_owned().map(Self)
        }

        pub(super) fn signals(&self) -> io::Result<Signals> {
            let version = 0u32;
            let mut returned = 0;
            // SAFETY: plain integers, for which zero is a value.
            let mut info: TCP_INFO_v0 = unsafe { zeroed() };
            // SAFETY: the socket is open; both buffers are as long as is said; no overlapped call is made.
            let result = unsafe {
                WSAIoctl(
                    self.0.as_raw_socket() as _,
                    SIO_TCP_INFO,
                    (&raw const version).cast(),
                    size_of::<u32>() as u32,
                    (&raw mut info).cast(),
                    size_of::<TCP_INFO_v0>() as u32,
                    &mut returned,
                    std::ptr::null_mut(),
                    None,
                )
            };
            if result != 0 {
                return Err(io::Error::last_os_error());
            }
            let (in_flight, again) = (u64::from(info.BytesInFlight), u64::from(info.BytesRetrans));
            let micros = |value: u32| Duration::from_micros(u64::from(value));
            Ok(Signals {
                acknowledged: Some(info.BytesOut.saturating_sub(again + in_flight)),
                outstanding: Some(in_flight),
                unsent: None,
                rtt: Some(micros(info.RttUs)),
                rtt_shortest: Some(micros(info.MinRttUs)),
                retransmitted: Some(again),
            })
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_the_peer_does_not_take_is_outstanding() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        bound(&ours);
        let probe = Probe::new(&ours);
        ours.write_all(&[0; 1000]).await.unwrap();
        peer.read_exact(&mut [0; 1000]).await.unwrap();
        while probe.signals().outstanding != Some(0) {
            tokio::task::yield_now().await;
        }
        let before = probe.signals();
        assert!(before.acknowledged >= Some(1000) && before.rtt > Some(Duration::ZERO), "{before:?}");

        // Nobody reads: both buffers fill.
        let mut written = 0;
        while let Ok(Ok(count)) =
            tokio::time::timeout(Duration::from_millis(200), ours.write(&[0; 65536])).await
        {
            written += count as u64;
        }
        let stuck = probe.signals();
        let taken = stuck.acknowledged.unwrap() - before.acknowledged.unwrap();
        assert_eq!(taken + stuck.outstanding.unwrap(), written);
        assert!(stuck.unsent > Some(0) && stuck.unsent <= stuck.outstanding, "{stuck:?}");
    }
}
