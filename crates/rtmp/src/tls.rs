//! Encryption: whom we trust, and what a server's certificate says.
//!
//! Trusted is whom the operating system trusts, and whatever certificates the user added. There is no
//! way to ignore a fault.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use media::Ingest;
use rustls_platform_verifier::Verifier as Platform;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::pem::{PemObject, SectionKind};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    crypto,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::error::Error;

/// The authorities of a whole operating system are a quarter of this.
const MAX_FILE: usize = 1 << 20;

/// Names in a certificate are as long as their owner likes.
const MAX_NAME: usize = 256;

/// Why a certificate or an encrypted connection was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not come.
    NotYetValid,
    /// Signed by itself, and not one that the user added.
    SelfSigned,
    /// Signed by nobody whom this computer trusts.
    UnknownIssuer,
    /// Made out to another name.
    WrongHost,
    /// Anything else, such as a server that does not speak TLS.
    Other,
}

impl Fault {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Expired => "tls-expired",
            Self::NotYetValid => "tls-not-yet-valid",
            Self::SelfSigned => "tls-self-signed",
            Self::UnknownIssuer => "tls-unknown-issuer",
            Self::WrongHost => "tls-wrong-host",
            Self::Other => "tls-failed",
        }
    }

    /// What it means to the user, and what to do.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Expired => {
                "its certificate has expired or this computer's clock is wrong. Check the clock, then tell the server's owner"
            }
            Self::NotYetValid => {
                "its certificate is not valid yet: this computer's clock is likely wrong. Check the clock"
            }
            Self::SelfSigned => {
                "its certificate is signed by itself, so this computer cannot tell whose it is. If you trust the server, add its certificate as the connection's CA file"
            }
            Self::UnknownIssuer => {
                "its certificate is signed by an authority that this computer does not trust. Check the host name, or add the authority as the connection's CA file"
            }
            Self::WrongHost => "its certificate is made out to another name. Check the host name",
            Self::Other => {
                "the server likely does not speak TLS on this port. Check the port, or try rtmp://"
            }
        }
    }

    fn of(error: &io::Error) -> Self {
        use CertificateError as Certificate;
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let Some(rustls::Error::InvalidCertificate(certificate)) = cause else { return Self::Other };
        match certificate {
            Certificate::Expired | Certificate::ExpiredContext { .. } => Self::Expired,
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => Self::NotYetValid,
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => Self::WrongHost,
            Certificate::UnknownIssuer => Self::UnknownIssuer,
            Certificate::Other(other) if other.0.is::<SelfSigned>() => Self::SelfSigned,
            _ => Self::Other,
        }
    }
}

/// Why a file of certificates cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthorityFault {
    /// Nothing in it is marked as PEM, or a mark is missing or broken.
    NotPem,
    /// PEM, but a key or something else.
    NoCertificate,
    /// A certificate in it cannot be read.
    Malformed,
    /// More than a mebibyte.
    TooLarge,
}

impl AuthorityFault {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotPem => "ca-not-pem",
            Self::NoCertificate => "ca-no-certificate",
            Self::Malformed => "ca-malformed",
            Self::TooLarge => "ca-too-large",
        }
    }

    /// What is wrong, and what to do.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::NotPem => {
                "The CA file is not PEM. Choose one that holds -----BEGIN CERTIFICATE-----, or export it as PEM (Base64)."
            }
            Self::NoCertificate => "The CA file holds no certificate. Choose the certificate, not its key.",
            Self::Malformed => "A certificate in the CA file cannot be read. Export it again.",
            Self::TooLarge => {
                "The CA file is larger than 1 MiB. Choose one that only holds the certificates you need."
            }
        }
    }
}

/// The certificates of a PEM file, for [`ConnectOptions::extra_roots`](crate::ConnectOptions): those of
/// authorities, or the one that a server signed itself.
pub fn read_authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let fault = |fault| Error::Authority { fault };
    if pem.len() > MAX_FILE {
        return Err(fault(AuthorityFault::TooLarge));
    }
    let mut certificates = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|_| fault(AuthorityFault::NotPem))?;
        if kind == SectionKind::Certificate {
            certificates.push(CertificateDer::from(der));
        }
    }
    if certificates.is_empty() {
        let marked = pem.windows(BEGIN.len()).any(|bytes| bytes == BEGIN);
        return Err(fault(if marked { AuthorityFault::NoCertificate } else { AuthorityFault::NotPem }));
    }
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        let readable = x509(certificate).is_some() && store.add(certificate.clone()).is_ok();
        if !readable {
            return Err(fault(AuthorityFault::Malformed));
        }
    }
    Ok(certificates)
}

const BEGIN: &[u8] = b"-----BEGIN ";

/// What a server showed that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Such as `TLS 1.3`.
    pub version: &'static str,
    /// Who signed the server's certificate, as the certificate names it.
    pub issuer: String,
    /// Until when the certificate is valid.
    pub valid_until: SystemTime,
}

impl Evidence {
    pub(crate) fn of(stream: &TlsStream<TcpStream>) -> Option<Self> {
        let (_, session) = stream.get_ref();
        let version = match session.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2",
            _ => "TLS 1.3",
        };
        let certificate = x509(session.peer_certificates()?.first()?)?;
        let issuer = certificate.issuer().to_string();
        let seconds = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
        Some(Self {
            version,
            issuer: issuer.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect(),
            valid_until: SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?,
        })
    }
}

/// Encrypts `stream`, trusting whom the operating system trusts, and `extra_roots`.
pub(crate) async fn connect(
    ingest: &Ingest,
    extra_roots: &[CertificateDer<'static>],
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Error> {
    let failed =
        |source: io::Error| Error::Tls { server: ingest.server(), fault: Fault::of(&source), source };
    let config = client_config(extra_roots).map_err(|error| failed(io::Error::other(error)))?;
    let name = ServerName::try_from(ingest.host()).map_err(|error| failed(io::Error::other(error)))?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(failed)
}

/// The provider is named, since a process may hold two of them (research/libraries.md, D11).
fn client_config(extra_roots: &[CertificateDer<'static>]) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let platform = Platform::new_with_extra_roots(extra_roots.iter().cloned(), provider.clone())?;
    let verifier = Verifier { added: extra_roots.to_vec(), platform };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // what rustls calls any verifier but its own
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

/// The system's verifier, for chains; and the user's certificates where a server shows one of them.
/// No verifier takes an authority's certificate for a server's, and `openssl req -x509` makes just that.
#[derive(Debug)]
struct Verifier {
    added: Vec<CertificateDer<'static>>,
    platform: Platform,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.added.iter().any(|added| added == end_entity) {
            return verify_added(end_entity, server_name, now);
        }
        self.platform
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| told_apart(error, end_entity))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.platform.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.platform.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}

/// The user vouches for the certificate, but not for its time and not for another host.
fn verify_added(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    let parsed = x509(certificate).ok_or(CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < parsed.validity().not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > parsed.validity().not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name)?;
    Ok(ServerCertVerified::assertion())
}

/// Verifiers have no word for a server that signed its certificate itself: nobody has signed it, or
/// an authority is used as a server, as they see it. And where the issuer has the name of somebody
/// trusted but another key (an authority that was made anew), they only speak of the signature.
fn told_apart(error: rustls::Error, certificate: &CertificateDer<'_>) -> rustls::Error {
    use CertificateError as Certificate;
    let rustls::Error::InvalidCertificate(fault) = &error else { return error };
    let unknown = match fault {
        Certificate::UnknownIssuer
        | Certificate::BadSignature
        | Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => true,
        Certificate::Other(_) => false,
        _ => return error,
    };
    if x509(certificate).is_some_and(|parsed| parsed.issuer() == parsed.subject()) {
        Certificate::Other(OtherError(Arc::new(SelfSigned))).into()
    } else if unknown {
        Certificate::UnknownIssuer.into()
    } else {
        error
    }
}

#[derive(Debug)]
struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signed by itself")
    }
}

impl std::error::Error for SelfSigned {}

fn x509<'a>(certificate: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(certificate).ok().map(|(_, parsed)| parsed)
}
