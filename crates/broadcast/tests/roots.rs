//! A target that trusts an authority of its own, beside one that does not.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod parts;

use std::sync::Arc;

use broadcast::{Run, State, Target};
use capture::video;
use e2e::Nginx;
use parts::{Heard, settings, stage};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rtmp::{CertificateDer, Ingest};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto};

/// A certificate for localhost from a made-up authority, and that authority.
fn certified() -> (TlsAcceptor, CertificateDer<'static>) {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    // By their usual names, authority and server would be one and the same.
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let certificate = params.signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()));
    (TlsAcceptor::from(Arc::new(config.unwrap())), authority.der().clone())
}

/// Decrypts every connection and hands it on to nginx; the port.
async fn decrypt_for(acceptor: TlsAcceptor, port: u16) -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outside = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut outside = acceptor.accept(stream).await?;
                let mut inside = TcpStream::connect(("127.0.0.1", port)).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    outside
}

#[tokio::test(flavor = "multi_thread")]
async fn who_trusts_the_authority_is_live_and_who_does_not_is_told_why() {
    let nginx = Nginx::start();
    let (acceptor, root) = certified();
    let port = decrypt_for(acceptor, nginx.rtmp_port()).await;
    let ingest =
        |stream: &str| Ingest::parse(&format!("rtmps://localhost:{port}/live/{stream}"), None).unwrap();
    let trusting = Target { roots: vec![root], ..Target::new("trusting", ingest("a")) };
    let wary = Target::new("wary", ingest("b"));
    let (hear, mut heard) = Heard::listen();
    let stage = stage(video::Choice::Pattern);
    let run = Run::start(&stage, &settings(500_000), vec![trusting], hear).unwrap();
    heard.live(0).await;
    nginx.wait_until_publishing("a");
    run.add_target(wary).unwrap();
    heard
        .state(1, |state| match state {
            State::Failed { cause } | State::Connecting { cause: Some(cause), .. } => {
                cause.code() == "tls-unknown-issuer"
            }
            _ => false,
        })
        .await;
    run.stop();
    let summary = run.finish().await.unwrap();
    assert!(summary.targets[0].cause.is_none() && !summary.targets[1].was_live, "{summary:?}");
}
