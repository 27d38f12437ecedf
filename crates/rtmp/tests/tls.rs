//! RTMPS against a server of ours that holds certificates of a made-up authority, or of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{listener, options, soon};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rtmp::listener::Limits;
use rtmp::tls::read_authorities;
use rtmp::{ConnectOptions, Error, Ingest, Phase, Publisher};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "made-up authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn trusted(&self) -> ConnectOptions {
        trusting(self.0.pem().as_bytes())
    }

    fn acceptor(&self, params: CertificateParams) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        acceptor(params.signed_by(&key, &self.0).unwrap().der().clone(), &key)
    }
}

fn trusting(pem: &[u8]) -> ConnectOptions {
    ConnectOptions { extra_roots: read_authorities(pem).unwrap(), ..options() }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn expired(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    params
}

fn early(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.not_before = rcgen::date_time_ymd(4001, 1, 1);
    params
}

/// As `openssl req -x509` makes it: an authority of itself.
fn own(mut params: CertificateParams, is_ca: IsCa) -> (Certificate, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    params.is_ca = is_ca;
    let certificate = params.self_signed(&key).unwrap();
    let acceptor = acceptor(certificate.der().clone(), &key);
    (certificate, acceptor)
}

fn own_authority() -> IsCa {
    IsCa::Ca(BasicConstraints::Unconstrained)
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key.serialize_der().into()));
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

/// Decrypts every connection and hands it on to `plain`.
async fn decrypt_for(acceptor: TlsAcceptor, plain: SocketAddr) -> Ingest {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut outside = acceptor.accept(stream).await?;
                // SNI is the host, for servers that hold several certificates.
                assert_eq!(outside.get_ref().1.server_name(), Some("localhost"));
                let mut inside = TcpStream::connect(plain).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    Ingest::parse(&format!("rtmps://localhost:{port}/live/hush"), None).unwrap()
}

async fn refused(acceptor: TlsAcceptor, options: &ConnectOptions) -> &'static str {
    let nobody = ([127, 0, 0, 1], 9).into();
    let target = decrypt_for(acceptor, nobody).await;
    let error = soon(Publisher::connect(&target, options)).await.unwrap_err();
    let final_word = error.code() != "tls-failed";
    assert_eq!((error.phase(), error.is_refusal()), (Some(Phase::Tls), final_word), "{error}");
    println!("{error}"); // shown where a test fails
    error.code()
}

async fn goes_through(acceptor: TlsAcceptor, options: &ConnectOptions) {
    let mut listener = listener(Limits::default()).await;
    let target = decrypt_for(acceptor, listener.local_addr()).await;
    let items = common::flv_file::items(1, &[]);
    let publishing = async {
        let mut publisher = Publisher::connect(&target, options).await.unwrap();
        for item in &items {
            publisher.send(item).await.unwrap();
        }
        publisher.close(Duration::from_secs(10)).await;
    };
    let taking = async { common::read_all(listener.accept().await.accept().await.unwrap()).await };
    let ((), messages) = soon(async { tokio::join!(publishing, taking) }).await;
    // Tracks become metadata and two sequence headers.
    assert_eq!(messages.len(), items.len() + 2);
}

#[tokio::test]
async fn a_stream_goes_through_encrypted() {
    let authority = Authority::new();
    goes_through(authority.acceptor(named("localhost")), &authority.trusted()).await;
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let acceptor = Authority::new().acceptor(named("localhost"));
    assert_eq!(refused(acceptor.clone(), &options()).await, "tls-unknown-issuer");
    // Of the same name, but made anew.
    assert_eq!(refused(acceptor, &Authority::new().trusted()).await, "tls-unknown-issuer");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_trusted() {
    let authority = Authority::new();
    let code = refused(authority.acceptor(named("elsewhere.example")), &authority.trusted()).await;
    assert_eq!(code, "tls-wrong-host");
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_not_trusted() {
    let authority = Authority::new();
    let code = refused(authority.acceptor(expired("localhost")), &authority.trusted()).await;
    assert_eq!(code, "tls-expired");
    let code = refused(authority.acceptor(early("localhost")), &authority.trusted()).await;
    assert_eq!(code, "tls-not-yet-valid");
}

#[tokio::test]
async fn a_certificate_signed_by_itself_is_told_apart() {
    for is_ca in [own_authority(), IsCa::NoCa] {
        let (_, acceptor) = own(named("localhost"), is_ca);
        assert_eq!(refused(acceptor, &options()).await, "tls-self-signed");
        // Another certificate of the same name is not that one.
        let (other, _) = own(named("localhost"), is_ca);
        let (_, acceptor) = own(named("localhost"), is_ca);
        let code = refused(acceptor, &trusting(other.pem().as_bytes())).await;
        assert_eq!(code, "tls-self-signed");
    }
}

#[tokio::test]
async fn a_certificate_signed_by_itself_is_accepted_where_it_was_added() {
    for is_ca in [own_authority(), IsCa::NoCa] {
        let (certificate, acceptor) = own(named("localhost"), is_ca);
        goes_through(acceptor, &trusting(certificate.pem().as_bytes())).await;
    }
}

#[tokio::test]
async fn even_an_added_certificate_is_only_good_for_its_host_and_time() {
    for (params, code) in [
        (named("elsewhere.example"), "tls-wrong-host"),
        (expired("localhost"), "tls-expired"),
        (early("localhost"), "tls-not-yet-valid"),
    ] {
        let (certificate, acceptor) = own(params, own_authority());
        assert_eq!(refused(acceptor, &trusting(certificate.pem().as_bytes())).await, code);
    }
}

#[tokio::test]
async fn an_added_certificate_without_its_key_is_worth_nothing() {
    let (certificate, _) = own(named("localhost"), own_authority());
    let thief = acceptor_without_check(certificate.der().clone());
    assert_eq!(refused(thief, &trusting(certificate.pem().as_bytes())).await, "tls-failed");
}

/// Shows a certificate whose key it does not have; what rustls builds on would not let it.
fn acceptor_without_check(certificate: CertificateDer<'static>) -> TlsAcceptor {
    use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
    use tokio_rustls::rustls::sign::CertifiedKey;

    #[derive(Debug)]
    struct Thief(Arc<CertifiedKey>);

    impl ResolvesServerCert for Thief {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(self.0.clone())
        }
    }

    let key = PrivateKeyDer::Pkcs8(KeyPair::generate().unwrap().serialize_der().into());
    let key = crypto::ring::sign::any_supported_type(&key).unwrap();
    let resolver = Thief(Arc::new(CertifiedKey::new(vec![certificate], key)));
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_server_without_tls_is_named_as_such() {
    let plain = listener(Limits::default()).await;
    let url = format!("rtmps://localhost:{}/live/hush", plain.local_addr().port());
    let error = soon(Publisher::connect(&Ingest::parse(&url, None).unwrap(), &options())).await.unwrap_err();
    assert_eq!((error.code(), error.phase()), ("tls-failed", Some(Phase::Tls)));
}

#[test]
fn a_file_of_certificates_is_read_or_refused_with_its_reason() {
    let (first, second) = (Authority::new().0.pem(), Authority::new().0.pem());
    let key = KeyPair::generate().unwrap().serialize_pem();
    let all = format!("# ours\r\n{first}\n{key}\n{second}").replace('\n', "\r\n");
    assert_eq!(read_authorities(all.as_bytes()).unwrap().len(), 2);

    let code = |bytes: &[u8]| read_authorities(bytes).unwrap_err().code();
    assert_eq!(code(b""), "ca-not-pem");
    assert_eq!(code(b"not a certificate"), "ca-not-pem");
    assert_eq!(code(Authority::new().0.der()), "ca-not-pem");
    assert_eq!(code(&first.as_bytes()[..first.len() / 2]), "ca-not-pem");
    assert_eq!(code(first.replace("MII", "!!!").as_bytes()), "ca-not-pem");
    assert_eq!(code(key.as_bytes()), "ca-no-certificate");
    assert_eq!(code(b"-----BEGIN PGP MESSAGE-----\nAAAA\n-----END PGP MESSAGE-----\n"), "ca-no-certificate");
    let nonsense = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(code(nonsense), "ca-malformed");
    assert_eq!(code(&first.repeat((1 << 20) / first.len() + 1).into_bytes()), "ca-too-large");
    let error: Error = read_authorities(key.as_bytes()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(key.lines().nth(1).unwrap()));
}
