//! RTMPS against a server of ours that holds certificates of a made-up authority.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{listener, options, soon};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rtmp::listener::Limits;
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
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn trusted(&self) -> ConnectOptions {
        let root: CertificateDer<'static> = self.0.der().clone();
        ConnectOptions { extra_roots: vec![root], ..options() }
    }

    fn acceptor(&self, name: &str, expired: bool) -> TlsAcceptor {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if expired {
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            );
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }
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
                let mut inside = TcpStream::connect(plain).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    Ingest::parse(&format!("rtmps://localhost:{port}/live/hush"), None).unwrap()
}

async fn refused(acceptor: TlsAcceptor, options: &ConnectOptions) -> Error {
    let nobody = ([127, 0, 0, 1], 9).into();
    let target = decrypt_for(acceptor, nobody).await;
    soon(Publisher::connect(&target, options)).await.unwrap_err()
}

#[tokio::test]
async fn a_stream_goes_through_encrypted() {
    let authority = Authority::new();
    let mut listener = listener(Limits::default()).await;
    let target = decrypt_for(authority.acceptor("localhost", false), listener.local_addr()).await;
    let items = common::flv_file::items(1, &[]);
    let publishing = async {
        let mut publisher = Publisher::connect(&target, &authority.trusted()).await.unwrap();
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
async fn an_unknown_authority_is_not_trusted() {
    let error = refused(Authority::new().acceptor("localhost", false), &options()).await;
    assert_eq!((error.code(), error.phase()), ("tls-unknown-issuer", Some(Phase::Tls)));
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_trusted() {
    let authority = Authority::new();
    let error = refused(authority.acceptor("elsewhere.example", false), &authority.trusted()).await;
    assert_eq!(error.code(), "tls-wrong-host");
}

#[tokio::test]
async fn an_expired_certificate_is_not_trusted() {
    let authority = Authority::new();
    let error = refused(authority.acceptor("localhost", true), &authority.trusted()).await;
    assert_eq!(error.code(), "tls-expired");
}

#[tokio::test]
async fn a_server_without_tls_is_named_as_such() {
    let plain = listener(Limits::default()).await;
    let url = format!("rtmps://localhost:{}/live/hush", plain.local_addr().port());
    let error = soon(Publisher::connect(&Ingest::parse(&url, None).unwrap(), &options())).await.unwrap_err();
    assert_eq!((error.code(), error.phase()), ("tls-failed", Some(Phase::Tls)));
}
