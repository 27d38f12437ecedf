//! Checks a connection step by step before anybody depends on it.
//!
//! ```text
//! each ingest: dns -> tcp -> tls -> handshake -> connect -> create-stream -> publish -> uplink
//! playback:    playback -> cors -> playlist
//! ```
//!
//! Nothing is published unless a [`Sample`] is given, which is the person's consent: it may go on air. What
//! comes after a step that failed is skipped. Playback is looked at while the stream is published, where it is;
//! otherwise nothing may be there yet, and that is no failure.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rtmp::probe::{self, Evidence};
use rtmp::{CertificateDer, ConnectOptions, Ingest, Phase, Publisher};

use crate::fetch::{Fetcher, Response, redacted};
use crate::uplink::{self, Measured, Sample};
use crate::{Error, proof};

/// How long the stream is published, uplink and playback together.
const PUBLISHED: Duration = Duration::from_secs(5);
/// How long a playlist may take to appear after that; nginx-rtmp writes its first after two fragments.
const APPEARS: Duration = Duration::from_secs(15);
/// How long to wait between looks at it.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// The page of a stranger, as browsers name it in `Origin`.
const STRANGER: &str = "https://player.example";

/// What is checked.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// Servers, and authorities to trust besides the system's.
    pub ingests: Vec<(Ingest, Vec<CertificateDer<'static>>)>,
    /// Where it can be watched, as [`Fetcher::grant`] shows it.
    pub playback: Option<String>,
    /// What to publish for some seconds; `None` publishes nothing.
    pub publish: Option<Sample>,
}

/// A step of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Looking up the host.
    Dns,
    /// Opening a connection.
    Tcp,
    /// Encrypting it.
    Tls,
    /// Speaking RTMP.
    Handshake,
    /// Naming the app, and signing in where that is asked for.
    Connect,
    /// Getting a stream.
    CreateStream,
    /// Naming the key and being accepted.
    Publish,
    /// Sending as fast as the broadcast will.
    Uplink,
    /// Fetching the playback address.
    Playback,
    /// Whether a browser's page may read it.
    Cors,
    /// Whether it is a playlist.
    Playlist,
}

impl Name {
    /// As scripts read it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Handshake => "handshake",
            Self::Connect => "connect",
            Self::CreateStream => "create-stream",
            Self::Publish => "publish",
            Self::Uplink => "uplink",
            Self::Playback => "playback",
            Self::Cors => "cors",
            Self::Playlist => "playlist",
        }
    }

    const INGEST: [Self; 8] = [
        Self::Dns,
        Self::Tcp,
        Self::Tls,
        Self::Handshake,
        Self::Connect,
        Self::CreateStream,
        Self::Publish,
        Self::Uplink,
    ];

    const fn of(phase: Phase) -> Self {
        match phase {
            Phase::Resolve => Self::Dns,
            Phase::Tcp => Self::Tcp,
            Phase::Tls => Self::Tls,
            Phase::Handshake => Self::Handshake,
            Phase::Connect => Self::Connect,
            Phase::CreateStream => Self::CreateStream,
            Phase::Publish => Self::Publish,
            Phase::Live => Self::Uplink,
        }
    }
}

/// How a step went.
#[derive(Debug)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed(Fault),
    /// It was not tried.
    Skipped,
}

/// Why a step failed.
#[derive(Debug)]
pub enum Fault {
    /// On the way to the ingest.
    Ingest(rtmp::Error),
    /// On the way to the playlist.
    Playback(Error),
    /// The link is slower than the broadcast.
    Uplink(Measured),
    /// The server lets no page of others read the stream.
    Cors,
}

/// What is told of a step.
#[derive(Debug)]
pub struct Step {
    /// Which ingest, from 0; `None` for playback.
    pub ingest: Option<usize>,
    /// Which step.
    pub name: Name,
    /// How it went.
    pub outcome: Outcome,
    /// What was found; never a key.
    pub evidence: String,
    /// How long it took.
    pub took: Option<Duration>,
}

/// Hears of each step at once.
pub type Told<'a> = &'a mut (dyn FnMut(Step) + Send);

/// Goes through all steps. Can be dropped at any moment, which closes what is open.
pub async fn run(check: &Check, fetcher: &Fetcher, told: Told<'_>) {
    let mut published = None;
    for (at, (ingest, roots)) in check.ingests.iter().enumerate() {
        let send_buffer = Some(uplink::SEND_BUFFER);
        let options = ConnectOptions { extra_roots: roots.clone(), send_buffer, ..ConnectOptions::default() };
        match check_ingest(at, ingest, &options, check.publish.as_ref(), told).await {
            // The first one stays on air while its playback is looked at.
            Some(publisher) if published.is_none() => published = Some(publisher),
            Some(publisher) => publisher.close(FAREWELL).await,
            None => {}
        }
    }
    let watched = check_playback(check.playback.as_deref(), published.is_some(), fetcher, told);
    let (Some(mut publisher), Some(sample)) = (published, &check.publish) else { return watched.await };
    let on_air = async {
        // What goes wrong with the link was told of already.
        let _ = uplink::measure(&mut publisher, sample, APPEARS).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = watched => {}
        () = on_air => {}
    }
    publisher.close(FAREWELL).await;
}

/// The stream that is on air, when it was published and carried.
async fn check_ingest(
    at: usize,
    ingest: &Ingest,
    options: &ConnectOptions,
    sample: Option<&Sample>,
    told: Told<'_>,
) -> Option<Publisher> {
    let mut steps = Steps { ingest: at, tls: ingest.tls(), next: 0, told };
    let mut hear =
        |step: probe::Step| steps.passed(Name::of(step.phase()), &evidence(&step.evidence), step.elapsed);
    let probed = probe::run(ingest, options, &mut hear).await;
    let probe = match probed {
        Ok(probe) => probe,
        Err(error) => {
            steps.failed(error.phase().map_or(Name::Dns, Name::of), Fault::Ingest(error));
            return None;
        }
    };
    let Some(sample) = sample else {
        probe.close(FAREWELL).await;
        steps.skip_rest("not asked for: it may go on air");
        return None;
    };
    let began = Instant::now();
    let mut publisher = match probe.publish().await {
        Ok(publisher) => publisher,
        Err(error) => {
            steps.failed(Name::Publish, Fault::Ingest(error));
            return None;
        }
    };
    steps.passed(Name::Publish, "accepted", began.elapsed());
    let began = Instant::now();
    match uplink::measure(&mut publisher, sample, PUBLISHED).await {
        Ok(measured) if measured.is_enough() => {
            steps.passed(Name::Uplink, &measured.to_string(), began.elapsed());
            Some(publisher)
        }
        Ok(measured) => {
            steps.failed(Name::Uplink, Fault::Uplink(measured));
            publisher.close(FAREWELL).await;
            None
        }
        // nginx-rtmp accepts in words and then hangs up when it denies a publisher.
        Err(error) if began.elapsed() < Duration::from_millis(250) => {
            steps.failed(Name::Uplink, Fault::Ingest(error.while_publishing()));
            None
        }
        Err(error) => {
            steps.failed(Name::Uplink, Fault::Ingest(error));
            None
        }
    }
}

/// The steps of one ingest in their order: what is never reached is told of as skipped.
struct Steps<'a> {
    ingest: usize,
    tls: bool,
    next: usize,
    told: Told<'a>,
}

impl Steps<'_> {
    fn tell(&mut self, name: Name, outcome: Outcome, evidence: &str, took: Option<Duration>) {
        let evidence = evidence.to_owned();
        (self.told)(Step { ingest: Some(self.ingest), name, outcome, evidence, took });
        self.next += 1;
    }

    /// Only encryption can be passed over: where there is none.
    fn skip_to(&mut self, name: Name) {
        while Name::INGEST.get(self.next).is_some_and(|next| *next != name) {
            let why = if self.tls { "" } else { "rtmp:// is not encrypted" };
            self.tell(Name::INGEST[self.next], Outcome::Skipped, why, None);
        }
    }

    fn passed(&mut self, name: Name, evidence: &str, took: Duration) {
        self.skip_to(name);
        self.tell(name, Outcome::Passed, evidence, Some(took));
    }

    fn failed(&mut self, name: Name, fault: Fault) {
        self.skip_to(name);
        let evidence = fault.to_string();
        self.tell(name, Outcome::Failed(fault), &evidence, None);
        self.skip_rest("an earlier step failed");
    }

    fn skip_rest(&mut self, why: &str) {
        while let Some(name) = Name::INGEST.get(self.next) {
            self.tell(*name, Outcome::Skipped, why, None);
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ingest(error) => error.fmt(f),
            Self::Playback(error) => error.fmt(f),
            Self::Uplink(measured) => measured.fmt(f),
            Self::Cors => f.write_str("no Access-Control-Allow-Origin for a page of another host"),
        }
    }
}

fn evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Resolve { addresses } => list(addresses),
        Evidence::Tcp { peer } => peer.to_string(),
        Evidence::Tls(Some(tls)) => {
            let until = time::OffsetDateTime::from(tls.valid_until).date();
            format!("{}, certificate by {} until {until}", tls.version, tls.issuer)
        }
        Evidence::Connect { about, signed_in } => {
            let version = about.version.clone().unwrap_or_else(|| "accepted".to_owned());
            let signed_in = signed_in.as_ref().map(|method| format!(", signed in ({method:?})"));
            version + &signed_in.unwrap_or_default()
        }
        _ => "answered".to_owned(),
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

/// Where nothing is on air, a missing playlist is no failure.
async fn check_playback(url: Option<&str>, on_air: bool, fetcher: &Fetcher, told: Told<'_>) {
    let mut tell = |name, outcome, evidence: String, took| {
        told(Step { ingest: None, name, outcome, evidence, took });
    };
    let rest = [Name::Cors, Name::Playlist];
    let Some(url) = url else {
        for name in [Name::Playback].into_iter().chain(rest) {
            tell(name, Outcome::Skipped, "there is no playback address".to_owned(), None);
        }
        return;
    };
    let began = Instant::now();
    let fetched = until(on_air, || fetcher.get_for(STRANGER, url), |answer| answer.status < 300).await;
    let response = match fetched.and_then(proof::success) {
        Ok(response) => response,
        Err(error) => {
            let missing = matches!(error, Error::Status { status: 403 | 404 | 410 | 503, .. });
            let said = error.to_string();
            let outcome = match missing && !on_air {
                true => Outcome::Skipped,
                false => Outcome::Failed(Fault::Playback(error)),
            };
            tell(Name::Playback, outcome, said, None);
            let why = if missing && !on_air {
                "nothing is there before going live"
            } else {
                "an earlier step failed"
            };
            rest.into_iter().for_each(|name| tell(name, Outcome::Skipped, why.to_owned(), None));
            return;
        }
    };
    tell(
        Name::Playback,
        Outcome::Passed,
        format!("{} from {}", response.status, redacted(&response.url)),
        Some(began.elapsed()),
    );
    match allowed(&response) {
        Some(origin) => {
            tell(Name::Cors, Outcome::Passed, format!("Access-Control-Allow-Origin: {origin}"), None)
        }
        None => tell(Name::Cors, Outcome::Failed(Fault::Cors), Fault::Cors.to_string(), None),
    }
    let began = Instant::now();
    match until(on_air, || proof::prove(fetcher, url), |()| true).await {
        Ok(()) => tell(
            Name::Playlist,
            Outcome::Passed,
            "playlist and newest segment were fetched".to_owned(),
            Some(began.elapsed()),
        ),
        Err(error) => {
            let said = error.to_string();
            tell(Name::Playlist, Outcome::Failed(Fault::Playback(error)), said, None);
        }
    }
}

/// Whom the server lets read it, if that includes a stranger's page (Fetch standard, CORS check).
fn allowed(response: &Response) -> Option<String> {
    let origin = response.headers.get("access-control-allow-origin")?.to_str().ok()?;
    (origin == "*" || origin == STRANGER).then(|| origin.to_owned())
}

/// Asks once, or while a stream is on air until it is good or time is up.
async fn until<T, F: Future<Output = Result<T, Error>>>(
    on_air: bool,
    mut ask: impl FnMut() -> F,
    good: impl Fn(&T) -> bool,
) -> Result<T, Error> {
    let began = Instant::now();
    loop {
        let answer = ask().await;
        if !on_air || answer.as_ref().is_ok_and(&good) || began.elapsed() >= APPEARS {
            return answer;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
