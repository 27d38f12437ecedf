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
        let writer = match self.origin.stream(&app, &stream) {
            Ok(writer) => writer,
            Err(error) => return request.refuse(BAD_NAME, &error.to_string()).await,
        };
        let publication = match request.accept().await {
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
        let cause = match carry(publication, writer, &self.clock).await {
            Ok(()) => Cause::Ended,
            Err(cause) => cause,
        };
        let _ = self.events.send(Event::Unpublish { app, stream, cause: Arc::new(cause) });
    }
}

/// Carries a stream to its end. Both ends are closed when it returns.
async fn carry(mut publication: Publication, mut writer: Writer, clock: &Clock) -> Result<(), Cause> {
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
