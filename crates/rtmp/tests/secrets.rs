//! No log line holds the stream key or what signs us in, however much is logged. Alone in its process, since the
//! subscriber is the process's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::guarded::{Guarded, Kind, Rule};
use common::{ingest, listener, options, soon};
use rtmp::listener::Limits;
use rtmp::{Credentials, Publisher, Secret};
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_that_is_logged_holds_the_key() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(move || writer.clone());
    subscriber.init();

    let mut listener = listener(Limits::default()).await;
    let target = ingest(listener.local_addr());
    let connect_options = options();
    for refuse in [true, false] {
        let taking = async {
            let request = listener.accept().await;
            if refuse {
                request.refuse("NetStream.Publish.BadName", "hush is taken").await;
            } else {
                common::read_all(request.accept().await.unwrap()).await;
            }
        };
        let publishing = async {
            match Publisher::connect(&target, &connect_options).await {
                Ok(publisher) => publisher.close(Duration::from_secs(10)).await,
                Err(error) => tracing::error!(%error, ?error),
            }
        };
        soon(async { tokio::join!(taking, publishing) }).await;
    }
    let rule = Rule { kind: Kind::Adobe, app: "live", user: "anna", password: "Tr0ub4dor" };
    let guarded = Guarded::start(rule).await;
    for password in ["Tr0ub4dor", "Tr0ub4dox"] {
        let login = Credentials { user: "anna".to_owned(), password: Secret::new(password) };
        let target = ingest(guarded.addr).with_credentials(Some(login));
        match soon(Publisher::connect(&target, &connect_options)).await {
            Ok(publisher) => publisher.close(Duration::from_secs(10)).await,
            Err(error) => tracing::error!(%error, ?error),
        }
    }
    let answers = guarded.apps.lock().unwrap().clone();
    assert_eq!(answers.len(), 6, "{answers:?}");
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("publishing") && log.contains("/live/***"), "{log}");
    assert!(log.contains("does not take this user"), "{log}");
    for secret in ["hush", "Tr0ub4do", "t0k3n", "response", "challenge="] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
