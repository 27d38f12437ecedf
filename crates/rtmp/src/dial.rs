//! From an ingest address to an open TCP connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use media::Ingest;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::error::Error;

/// How long an address is tried before the next one is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// The ingest's addresses, IPv6 and IPv4 in turn (RFC 8305, section 4), else in the resolver's order.
pub(crate) async fn resolve(ingest: &Ingest) -> Result<Vec<SocketAddr>, Error> {
    let found = tokio::net::lookup_host((ingest.host(), ingest.port())).await;
    let found: Vec<SocketAddr> =
        found.map_err(|source| Error::Resolve { server: ingest.server(), source })?.collect();
    let six_first = found.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<SocketAddr>, Vec<SocketAddr>) =
        found.iter().partition(|at| at.is_ipv6() == six_first);
    let (mut preferred, mut others) = (preferred.into_iter(), others.into_iter());
    let mut addresses = Vec::with_capacity(found.len());
    while addresses.len() < found.len() {
        addresses.extend(preferred.next());
        addresses.extend(others.next());
    }
    Ok(addresses)
}

/// The first address to answer.
pub(crate) async fn tcp(
    server: String,
    addresses: Vec<SocketAddr>,
    send_buffer: Option<u32>,
) -> Result<(TcpStream, SocketAddr), Error> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failure = Error::Resolve { server, source: io::ErrorKind::NotFound.into() };
    loop {
        if let Some(addr) = waiting.next() {
            attempts.spawn(async move { (addr, connect(addr, send_buffer).await) });
        }
        let patience = if waiting.len() > 0 { HEAD_START } else { Duration::MAX };
        match tokio::time::timeout(patience, attempts.join_next()).await {
            Ok(Some(Ok((addr, Ok(stream))))) => {
                let _ = stream.set_nodelay(true); // where it fails, the stream is merely later
                return Ok((stream, addr));
            }
            Ok(Some(Ok((addr, Err(source))))) => failure = Error::Tcp { addr, source },
            Ok(None) => return Err(failure),
            Err(_) | Ok(Some(Err(_))) => {}
        }
    }
}

async fn connect(addr: SocketAddr, send_buffer: Option<u32>) -> io::Result<TcpStream> {
    let socket = if addr.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    if let Some(bytes) = send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    socket.connect(addr).await
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_address_that_refuses_or_is_silent_does_not_keep_from_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        // Reserved for documentation (RFC 5737): swallowed or unreachable, but never answered.
        let silent = ([192, 0, 2, 1], 1935).into();
        let connecting = tcp("h:1935".to_owned(), vec![closed, silent, open], None);
        let (_, peer) = tokio::time::timeout(Duration::from_secs(30), connecting).await.unwrap().unwrap();
        assert_eq!(peer, open);
    }

    #[tokio::test]
    async fn without_any_address_the_name_is_to_blame() {
        let error = tcp("h:1935".to_owned(), vec![], None).await.unwrap_err();
        assert_eq!(error.code(), "dns-failed");
    }
}
