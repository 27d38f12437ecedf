//! From an ingest address to an open socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use media::Ingest;
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, crypto};

use crate::error::{Error, TlsFault};

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
) -> Result<(TcpStream, SocketAddr), Error> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failure = Error::Resolve { server, source: io::ErrorKind::NotFound.into() };
    loop {
        if let Some(addr) = waiting.next() {
            attempts.spawn(async move { (addr, TcpStream::connect(addr).await) });
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

/// Encrypts `stream`, trusting whom the operating system trusts, and `extra_roots`.
pub(crate) async fn tls(
    ingest: &Ingest,
    extra_roots: &[CertificateDer<'static>],
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Error> {
    let failed = |source: io::Error| Error::Tls { server: ingest.server(), fault: fault(&source), source };
    let config = client_config(extra_roots).map_err(|error| failed(io::Error::other(error)))?;
    let name = ServerName::try_from(ingest.host()).map_err(|error| failed(io::Error::other(error)))?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(failed)
}

/// The provider is named, since a process may hold two of them (research/libraries.md, D11).
fn client_config(extra_roots: &[CertificateDer<'static>]) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra_roots.iter().cloned(), provider.clone())?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // what rustls calls any verifier but its own
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn fault(error: &io::Error) -> TlsFault {
    use CertificateError as Certificate;
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(certificate)) = cause else { return TlsFault::Other };
    match certificate {
        Certificate::Expired
        | Certificate::ExpiredContext { .. }
        | Certificate::NotValidYet
        | Certificate::NotValidYetContext { .. } => TlsFault::Expired,
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => TlsFault::WrongHost,
        Certificate::UnknownIssuer => TlsFault::UnknownIssuer,
        _ => TlsFault::Other,
    }
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
        let connecting = tcp("h:1935".to_owned(), vec![closed, silent, open]);
        let (_, peer) = tokio::time::timeout(Duration::from_secs(30), connecting).await.unwrap().unwrap();
        assert_eq!(peer, open);
    }

    #[tokio::test]
    async fn without_any_address_the_name_is_to_blame() {
        let error = tcp("h:1935".to_owned(), vec![]).await.unwrap_err();
        assert_eq!(error.code(), "dns-failed");
    }
}
