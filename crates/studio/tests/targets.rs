//! Targets that join and leave through the facade, and what a page that is loaded meanwhile sees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use std::sync::Arc;
use std::time::Duration;

use capture::{audio, video};
use codec::encode::{AudioSettings, Choice, VideoSettings};
use media::Size;
use studio::event::{Event, StateName};
use studio::{Connections, Destination, LiveRequest, ServeOptions, Server, Sources, Studio};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use words::Language;

const LIMIT: Duration = Duration::from_secs(20);

/// None are saved, and nothing is written.
fn connections() -> Connections {
    Connections::in_memory("/nonexistent", Language::English)
}

fn studio() -> (Arc<Studio>, UnboundedReceiver<Event>) {
    let (told, heard) = unbounded_channel();
    let studio = Studio::new(connections(), Arc::new(move |event| drop(told.send(event)))).unwrap();
    (Arc::new(studio), heard)
}

async fn wait_for<T>(heard: &mut UnboundedReceiver<Event>, wanted: impl Fn(&Event) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = wanted(&heard.recv().await.unwrap()) {
                return found;
            }
        }
    };
    tokio::time::timeout(LIMIT, found).await.expect("an event")
}

async fn wait_for_state(heard: &mut UnboundedReceiver<Event>, target: u32, name: StateName) {
    let is = |event: &Event| match event {
        Event::State(state) => (state.target == target && state.state == name).then_some(()),
        _ => None,
    };
    wait_for(heard, is).await;
}

async fn request(studio: &Arc<Studio>, destinations: Vec<Destination>) -> LiveRequest {
    let settings = VideoSettings { size: Size::new(426, 240), bitrate: 300_000, ..VideoSettings::default() };
    let video = broadcast::Video { settings, encoder: Choice::Named("libx264".to_owned()) };
    let sources = Sources { camera: video::Choice::Pattern, microphone: audio::Choice::Tone };
    studio.open(sources, &video).await.unwrap();
    let audio = AudioSettings::default();
    LiveRequest {
        destinations,
        video,
        audio,
        as_asked: true,
        connect_timeout: LIMIT,
        duration: None,
        recording: None,
    }
}

/// A server of our own and its address.
async fn server() -> (Server, Destination) {
    let (told, mut heard) = unbounded_channel();
    let listener = Arc::new(move |event| drop(told.send(event)));
    let options = ServeOptions { rtmp_port: 0, http_port: 0 };
    let server = Server::start(options, Language::English, listener).await.unwrap();
    let Some(Event::Listening { rtmp_url, .. }) = heard.recv().await else { panic!("it listens") };
    (server, Destination::parse(&rtmp_url, Some("evening"), &connections()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn this_computer_joins_a_run_and_the_last_target_s_end_is_the_run_s() {
    let (_server, elsewhere) = server().await;
    let (studio, mut heard) = studio();
    studio.go_live(&request(&studio, vec![elsewhere]).await).await.unwrap();
    wait_for_state(&mut heard, 0, StateName::Live).await;

    assert_eq!(studio.add_target(&Destination::Local).await.unwrap(), [1]);
    let joined = |event: &Event| match event {
        Event::Target(target) => Some(target.clone()),
        Event::State(state) if state.target == 1 => panic!("a state of an unknown target: {state:?}"),
        _ => None,
    };
    let joined = wait_for(&mut heard, joined).await;
    assert_eq!((joined.target, joined.encoding, joined.name.as_str()), (1, 0, "This computer"));
    let watched = |event: &Event| match event {
        Event::Playback { target, url } => Some((*target, url.clone())),
        _ => None,
    };
    let (target, url) = wait_for(&mut heard, watched).await;
    assert_eq!(target, 1);

    let shown = studio.shown_run().unwrap();
    let targets = shown.started.unwrap().targets;
    assert_eq!(targets.iter().map(|target| target.target).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(targets[1], joined);
    assert_eq!(shown.playback.iter().map(|of| (of.target, &of.url)).collect::<Vec<_>>(), [(1, &url)]);

    studio.stop_target(0);
    wait_for_state(&mut heard, 0, StateName::Stopped).await;
    assert!(studio.is_live());
    studio.stop_target(1);
    let outcome = tokio::time::timeout(LIMIT, studio.finish()).await.unwrap().unwrap();
    assert_eq!((outcome.exit_code(), outcome.summary.targets.len()), (0, 2));
    let after = studio.fetcher().get(&url, None).await;
    assert!(after.is_ok_and(|response| response.status == 200), "it can be watched afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_joins_where_no_run_is_on() {
    let (studio, _heard) = studio();
    studio.stop_target(0);
    assert_eq!(studio.add_target(&Destination::Local).await.unwrap_err().cause.code, "not-live");
    let (_server, elsewhere) = server().await;
    studio.go_live(&request(&studio, vec![elsewhere]).await).await.unwrap();
    studio.stop();
    assert_eq!(studio.add_target(&Destination::Local).await.unwrap_err().cause.code, "run-over");
    studio.finish().await.unwrap();
}
