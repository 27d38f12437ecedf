//! From a publisher's request to the end of its stream.

use std::sync::Arc;

use hls::{Origin, Writer};
use media::{Clock, Item};
use rtmp::listener::{Listener, Publication, PublishRequest};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::assemble::Assembly;
use crate::{Cause, Event, Urls};

/// Streams at the same time. The origin bounds what they hold together; before it each may hold 16 MiB
/// of packets that wait for the other track and, in its connection, 16 MiB of unfinished messages.
const STREAMS_MAX: usize = 16;

/// What a second publisher of a name is told, and one whose name can't be part of a URL.
const BAD_NAME: &str = "NetStream.Publish.BadName";

/// What one publisher too many is told.
const DENIED: &str = "NetStream.Publish.Denied";

/// What one is told whose stream can't be played.
const REJECTED: &str = "NetStream.Publish.Rejected";

/// Receives publishers.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) clock: Clock,
    pub(crate) origin: Origin,
    pub(crate) urls: Urls,
    pub(crate) events: broadcast::Sender<Event>,
}

impl Desk {
    /// Takes publishers in until it is dropped, which ends them all.
    pub(crate) async fn take_in(self, mut listener: Listener) {
        let mut publishers = JoinSet::new();
        loop {
            tokio::select! {
                request = listener.accept() => {
                    let full = publishers.len() >= STREAMS_MAX;
                    publishers.spawn(self.clone().publish(request, full));
                }
                Some(ended) = publishers.join_next() => if let Err(error) = ended {
                    tracing::error!(%error, "a publication panicked");
                }
            }
        }
    }

    async fn publish(self, request: PublishRequest, full: bool) {
        if full {
            return request.refuse(DENIED, "Too many streams are being published here.").await;
        }
        let (app, stream) = (request.app.clone(), request.stream.expose().to_owned());
        let mut writer = match self.origin.stream(&app, &stream) {
            Ok(writer) => writer,
            Err(error) => return request.refuse(BAD_NAME, &error.to_string()).await,
        };
        let mut publication = match request.accept().await {
            Ok(publication) => publication,
            Err(error) => return tracing::debug!(%error, "a publisher left before it was let in"),
        };
        // Nobody listening is no fault.
        let _ = self.events.send(Event::Publish {
            app: app.clone(),
            stream: stream.clone(),
            peer: publication.peer(),
            playback_url: self.urls.playback(&app, &stream),
        });
        let cause = match carry(&mut publication, &mut writer, &self.clock).await {
            Ok(()) => Cause::Ended,
            Err(cause) => cause,
        };
        let fault = (!matches!(cause, Cause::Ended | Cause::Connection(_))).then(|| cause.to_string());
        // In this order: whoever hears of the end finds the stream whole, and no other publisher of the
        // name is told before.
        writer.finish();
        let _ = self.events.send(Event::Unpublish { app, stream, cause: Arc::new(cause) });
        drop(writer);
        if let Some(fault) = fault {
            publication.refuse(REJECTED, &fault).await;
        }
    }
}

/// Carries a stream to its end.
async fn carry(publication: &mut Publication, writer: &mut Writer, clock: &Clock) -> Result<(), Cause> {
    let mut assembly = Assembly::default();
    while let Some(message) = publication.next().await? {
        let jumps = assembly.jumps();
        for item in assembly.push(message)? {
            if let (Item::Packet(packet), true) = (&item, assembly.jumps() != jumps) {
                writer.set_wall(packet.pts, clock.wall(clock.now()));
            }
            writer.push(item)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rtmp::{ConnectOptions, Ingest, Publisher};

    use super::*;
    use crate::{Loopback, Options};

    #[tokio::test(flavor = "multi_thread")]
    async fn an_end_is_told_before_the_name_is_free() {
        let free = ([127, 0, 0, 1], 0).into();
        let options = Options { rtmp_addr: free, http_addr: free, ..Options::default() };
        let loopback = Loopback::start(options).await.unwrap();
        let target = Ingest::parse(&format!("rtmp://{}/live", loopback.rtmp_addr()), Some("key")).unwrap();
        for _ in 0..20 {
            let mut events = loopback.events();
            let publisher = Publisher::connect(&target, &ConnectOptions::default()).await.unwrap();
            assert!(matches!(events.recv().await, Ok(Event::Publish { .. })));
            // A thread of its own asks all the time, so that the instant is not missed.
            let origin = loopback.origin.clone();
            let next = std::thread::spawn(move || {
                loop {
                    if let Ok(_taken) = origin.stream("live", "key") {
                        return events.try_recv();
                    }
                }
            });
            publisher.close(Duration::from_secs(10)).await;
            let told = next.join().unwrap();
            assert!(matches!(told, Ok(Event::Unpublish { .. })), "{told:?}");
        }
    }
}
